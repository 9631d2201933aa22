package pipeline

import (
	"context"
	"errors"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Announce is "actor boosts object". An inline copy is never trusted: the post is
// known already, or it is fetched from its own host. Of a wrapped activity only a
// Create boosts, what it created.
var Announce = define(Type{
	Name:     "Announce",
	Spec:     "ap#announce-activity-inbox",
	Validate: validateAnnounce,
	Apply:    applyAnnounce,
	Undo:     undoAnnounce,
})

func validateAnnounce(a *vocab.Activity, from Origin) error {
	if n := a.Nested; n != nil {
		if n.Object != "" {
			a.Object = n.Object
		}
	}
	if err := needsObject(a, from); err != nil {
		return err
	}
	if !from.local() {
		if err := a.Object.Valid(); err != nil {
			return fault.Because(err, fault.Malformed, "The boosted object's id is not an address.")
		}
	}
	return nil
}

func applyAnnounce(ctx context.Context, s *Step) error {
	target := s.Activity.Object
	if s.Activity.Nested != nil && s.Activity.Nested.Object != "" {
		target = s.Activity.Nested.Object
	}
	s.visibility = vocab.VisibilityOf(s.Activity.To, s.Activity.Cc, s.Actor.Followers).Level
	post, author, err := s.subject(ctx, target)
	if err != nil {
		return err
	}
	if post == nil {
		if s.state == store.Void || len(s.waits) == 0 {
			return nil
		}
		return s.fetchForBoost(ctx, target)
	}
	if err := boostable(post, s.Actor); err != nil {
		return err
	}
	s.localOnly = post.LocalOnly
	if _, err := s.Boost(ctx, post.ID, s.Actor.ID); !errors.Is(err, store.ErrNotFound) {
		return err // Boosted already, by another Announce.
	}
	if removed, err := s.RemovedFrom(ctx, s.Actor.ID, post.ID); err != nil || removed {
		return err
	}
	if err := s.addBoost(ctx, post, s.Seq, s.Activity.Published); err != nil {
		return err
	}
	return s.Notify(ctx, author, "reblog", post.ID)
}

// fetchForBoost goes to get the boosted post where somebody here would see the boost.
func (s *Step) fetchForBoost(ctx context.Context, uri vocab.IRI) error {
	followed, err := s.FollowedHere(ctx, s.Actor.ID)
	if err != nil || !followed {
		return err
	}
	return s.fetchLater(ctx, uri)
}

// boostable refuses to spread what was not meant for everybody.
func boostable(post *store.Status, by *store.Actor) error {
	if post.Visibility <= unlisted || post.Visibility == private && post.Actor == by.ID {
		return nil
	}
	return fault.New(fault.Rejected, "Only public and unlisted posts can be boosted.")
}

// boostDelay is how late a boost may come and still count as made when it came,
// which takes no room: its id says when that was.
const boostDelay = time.Minute

// addBoost shows the boost that the Announce seq of the log is, made at published.
func (s *Step) addBoost(ctx context.Context, post *store.Status, seq int64, published time.Time) error {
	st := &store.Status{ID: seq, Seq: seq, Actor: s.Actor.ID, BoostOf: post.ID, Conversation: post.Conversation,
		Visibility: max(s.visibility, post.Visibility), LocalOnly: post.LocalOnly, Local: s.Actor.Local}
	if err := s.InsertStatus(ctx, st); err != nil {
		return err
	}
	came := vocab.TimeOf(seq)
	if at := vocab.ClampTime(published, came); came.Sub(at) > boostDelay {
		if err := s.SetContent(ctx, st.ID, &store.Content{Published: at.UnixMilli()}); err != nil {
			return err
		}
	}
	if err := s.CountBoost(ctx, post.ID, 1); err != nil {
		return err
	}
	if err := s.countReaction(ctx, post); err != nil {
		return err
	}
	if err := s.countUse(ctx, post); err != nil {
		return err
	}
	if st.Visibility != direct {
		if err := s.CountStatus(ctx, s.Actor.ID, 1, vocab.TimeOf(seq).UnixMilli()); err != nil {
			return err
		}
	}
	return s.distribute(ctx, st, nil, nil)
}

func undoAnnounce(ctx context.Context, s *Step, a *store.Activity) error {
	boost, err := s.Boost(ctx, a.Object, a.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if boost.ID != a.Seq {
		return nil // Another Announce is the one that counts.
	}
	if err := s.unboost(ctx, boost); err != nil {
		return err
	}
	return s.boostAgain(ctx, a)
}

// unboost removes a boost with what it told somebody.
func (s *Step) unboost(ctx context.Context, boost *store.Status) error {
	e := s.eventFor("delete", boost, nil)
	var err error
	if e.Home, err = s.HomesWith(ctx, boost, 500); err != nil {
		return err
	}
	s.publish(e)
	if err := s.RemoveStatus(ctx, boost); err != nil {
		return err
	}
	if err := s.CountBoost(ctx, boost.BoostOf, -1); err != nil {
		return err
	}
	return s.takeNotificationBack(ctx, &store.Activity{Seq: boost.ID, Object: boost.BoostOf})
}

// boostAgain lets another live Announce of the same post by the same actor count.
func (s *Step) boostAgain(ctx context.Context, gone *store.Activity) error {
	other, err := s.LiveActivities(ctx, "Announce", gone.Actor, gone.Object)
	if err != nil || len(other) == 0 {
		return err
	}
	post, err := s.Status(ctx, gone.Object)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if removed, err := s.RemovedFrom(ctx, gone.Actor, gone.Object); err != nil || removed {
		return err
	}
	visibility := s.visibility
	s.visibility = other[len(other)-1].Visibility
	defer func() { s.visibility = visibility }()
	next := other[len(other)-1]
	var published time.Time
	if a, err := vocab.DecodeActivity([]byte(next.Doc)); err == nil {
		published = a.Published
	}
	return s.addBoost(ctx, post, next.Seq, published)
}
