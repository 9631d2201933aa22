package pipeline

import (
	"context"
	"errors"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Follow is "actor asks to follow object". Accounts of ours that don't ask for
// approval accept at once.
var Follow = define(Type{
	Name:     "Follow",
	Spec:     "ap#follow-activity-inbox",
	Validate: validateFollow,
	Apply:    applyFollow,
	Undo:     undoFollow,
})

func validateFollow(a *vocab.Activity, from Origin) error {
	if a.Object == a.Actor {
		return fault.New(fault.Invalid, "Nobody can follow themselves.")
	}
	return needsObject(a, from)
}

func applyFollow(ctx context.Context, s *Step) error {
	s.visibility = direct
	target, err := s.person(ctx, s.Activity.Object)
	if err != nil || target == nil {
		return err
	}
	s.object = target.ID
	if shut, err := s.ShutsOut(ctx, target.ID, s.Actor); err != nil {
		return err
	} else if shut && !s.replay {
		s.state = store.Undone
		s.decide("effects", "refused: %s blocks the actor, or its domain", target.Acct())
		s.answer(target, "Reject")
		return nil
	}
	if left, err := s.left(ctx, target); err != nil || left {
		return err
	}
	f := store.Follow{Actor: s.Actor.ID, Target: target.ID, Seq: s.Seq, Local: s.Actor.Local}
	if old, err := s.Tx.Follow(ctx, f.Actor, f.Target); err == nil && old.Accepted {
		s.answer(target, "Accept") // They forgot; nothing changes.
		return nil
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := s.SetFollow(ctx, f); err != nil {
		return err
	}
	if !target.Local {
		return nil // Theirs to answer.
	}
	locked, err := s.Locked(ctx, target.ID)
	if err != nil {
		return err
	}
	if locked {
		return s.Notify(ctx, target, "follow_request", 0)
	}
	if err := s.Notify(ctx, target, "follow", 0); err != nil {
		return err
	}
	s.answer(target, "Accept")
	return nil
}

// left refuses a Follow of one of ours who has moved away.
func (s *Step) left(ctx context.Context, target *store.Actor) (bool, error) {
	if !target.Local || s.replay {
		return false, nil
	}
	to, err := s.MovedTo(ctx, target.ID)
	if err != nil || to == "" {
		return false, err
	}
	s.state = store.Undone
	s.decide("effects", "refused: %s has moved to %s", target.Acct(), to)
	s.answer(target, "Reject")
	return true, nil
}

// person returns the actor that uri names; nil when it is none of ours and not
// known, which leaves the activity without effect.
func (s *Step) person(ctx context.Context, uri vocab.IRI) (*store.Actor, error) {
	a, err := s.ActorByURI(ctx, uri)
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Deleted != 0 {
		s.state = store.Void
		return nil, nil
	}
	return a, err
}

// answer has one of ours accept or reject this Follow.
func (s *Step) answer(target *store.Actor, typ string) {
	if target.Local {
		s.Emit(s.p.answerTo(s.Activity, target, typ), target)
	}
}

// answerAgain answers a Follow that is here already: the first answer was lost.
func (s *Step) answerAgain(ctx context.Context) error {
	target, err := s.ActorByURI(ctx, s.Activity.Object)
	if err != nil || !target.Local || s.Actor.Local {
		return nil
	}
	f, err := s.Tx.Follow(ctx, s.Actor.ID, target.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !f.Accepted {
		return nil
	} else if err != nil {
		return err
	}
	s.answer(target, "Accept")
	return s.after(ctx, 0)
}

func undoFollow(ctx context.Context, s *Step, a *store.Activity) error {
	f, err := s.Tx.Follow(ctx, a.Actor, a.Object)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if f.Seq != a.Seq {
		return nil // A later Follow stands.
	}
	return s.unfollow(ctx, a.Actor, a.Object)
}

// unfollow ends a follow with what it brought.
func (s *Step) unfollow(ctx context.Context, actor, target int64) error {
	f, err := s.RemoveFollow(ctx, actor, target)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.RemoveNotification(ctx, target, f.Seq); err != nil {
		return err
	}
	if !f.Local {
		return nil
	}
	s.publish(stream.Event{Kind: "relations_changed", Home: []int64{actor}})
	return s.ClearHome(ctx, actor, target)
}

// Accept is "actor lets the follower in".
var Accept = define(Type{
	Name:     "Accept",
	Spec:     "ap#accept-activity-inbox",
	Validate: needsAnswered,
	Apply:    applyAccept,
	Undo:     undoAccept,
})

// Reject is "actor does not let the follower in", or not any more. It is final for
// that Follow, whatever else arrives about it.
var Reject = define(Type{
	Name:     "Reject",
	Spec:     "ap#reject-activity-inbox",
	Validate: needsAnswered,
	Apply:    applyReject,
})

func needsAnswered(a *vocab.Activity, from Origin) error {
	switch {
	case a.Nested == nil:
		return needsObject(a, from)
	case a.Nested.Type == "QuoteRequest", a.Nested.Type == "Like", a.Nested.Type == "Announce", authorizationFor(a.Nested.Type) != "":
		return needsObject(a, from)
	case a.Nested.Type != "Follow":
		return fault.New(fault.Rejected, "Only a Follow or a QuoteRequest can be answered here.")
	case a.Object == "" && (a.Nested.Actor == "" || a.Nested.Object != "" && a.Nested.Object != a.Actor):
		return fault.New(fault.Malformed, "The %s does not say which Follow it answers.", a.Type)
	}
	return nil
}

func applyAccept(ctx context.Context, s *Step) error {
	if row, request, err := s.answeredQuote(ctx); err != nil {
		return err
	} else if row != nil {
		return s.acceptQuote(ctx, request)
	}
	if done, err := s.answeredInteraction(ctx); done || err != nil {
		return err
	}
	f, err := s.answered(ctx)
	if err != nil || f == nil {
		return err
	}
	return s.accept(ctx, f)
}

func (s *Step) accept(ctx context.Context, f *store.Activity) error {
	if f.State == store.Undone || f.State == store.Void {
		return nil
	}
	row, err := s.Tx.Follow(ctx, f.Actor, f.Object)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Accepted {
		return nil
	} else if err != nil {
		return err
	}
	row.Accepted = true
	if _, err := s.SetFollow(ctx, *row); err != nil {
		return err
	}
	if !row.Local {
		return s.requestAnswered(ctx, f)
	}
	s.publish(stream.Event{Kind: "relations_changed", Home: []int64{f.Actor}})
	if err := s.requestAnswered(ctx, f); err != nil {
		return err
	}
	if err := s.backfillLater(ctx, f.Actor, s.Actor); err != nil {
		return err
	}
	return s.BackfillHome(ctx, f.Actor, f.Object)
}

// requestAnswered turns the request's notification into one of a follow.
func (s *Step) requestAnswered(ctx context.Context, f *store.Activity) error {
	if !s.Actor.Local {
		return nil
	}
	return s.RetypeNotification(ctx, f.Object, f.Seq, store.KindNamed("follow_request"), store.KindNamed("follow"))
}

func applyReject(ctx context.Context, s *Step) error {
	if row, request, err := s.answeredQuote(ctx); err != nil {
		return err
	} else if row != nil {
		return s.rejectQuote(ctx, row, request)
	}
	if done, err := s.answeredInteraction(ctx); done || err != nil {
		return err
	}
	f, err := s.answered(ctx)
	if err != nil || f == nil {
		return err
	}
	if !s.replay {
		if err := s.SetActivity(ctx, f.Seq, store.Undone, f.Object); err != nil {
			return err
		}
	}
	return undoFollow(ctx, s, f)
}

// undoAccept is rare: the follower becomes a request again, which we take as a no.
func undoAccept(ctx context.Context, s *Step, a *store.Activity) error {
	f, err := s.Tx.Activity(ctx, a.Object)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if f.Type != "Follow" {
		return nil // Leave to quote ends with its stamp.
	}
	if !s.replay {
		if err := s.SetActivity(ctx, f.Seq, store.Undone, f.Object); err != nil {
			return err
		}
	}
	return undoFollow(ctx, s, f)
}

// answered returns the Follow that an Accept or Reject is about. Some software
// gives it another id than it was sent with, or none: then the two actors decide.
func (s *Step) answered(ctx context.Context) (*store.Activity, error) {
	s.visibility = direct
	f, err := s.ActivityByURI(ctx, s.Activity.Object)
	if errors.Is(err, store.ErrNotFound) {
		f, err = s.answeredByPeople(ctx)
		if err != nil {
			return nil, err
		}
		if f == nil && s.Activity.Object == "" {
			s.state = store.Void // Nothing can come later that this would be about.
			return nil, nil
		}
		if f == nil {
			return nil, s.Wait(s.Activity.Object)
		}
	} else if err != nil {
		return nil, err
	}
	if f.Type != "Follow" || f.Object != s.Actor.ID {
		return nil, fault.New(fault.Rejected, "Only who is to be followed can answer.")
	}
	s.object = f.Seq
	if s.replay && f.Seq > s.Seq {
		return nil, s.Wait(f.URI) // The answer came first.
	}
	return f, nil
}

func (s *Step) answeredByPeople(ctx context.Context) (*store.Activity, error) {
	n := s.Activity.Nested
	if n == nil || n.Actor == "" || n.Object != "" && n.Object != s.Activity.Actor {
		return nil, nil
	}
	follower, err := s.ActorByURI(ctx, n.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	all, err := s.LiveActivities(ctx, "Follow", follower.ID, s.Actor.ID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}
