package pipeline

import (
	"context"
	"errors"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Like is "actor favours object". It counts once per actor, however often it is
// sent. With an emoji in its content it is a reaction instead; content that is none
// is passed over.
var Like = define(Type{
	Name:     "Like",
	Spec:     "ap#like-activity-inbox",
	Validate: needsObject,
	Apply:    applyLike,
	Undo:     undoLike,
})

// needsObject refuses an activity about nothing.
func needsObject(a *vocab.Activity, _ Origin) error {
	if a.Object == "" {
		return fault.New(fault.Malformed, "The %s names no object.", a.Type)
	}
	return nil
}

func applyLike(ctx context.Context, s *Step) error {
	if r, ok := reactionOf(s.Activity, s.From, s.p.host); ok {
		return s.react(ctx, r)
	}
	post, author, err := s.subject(ctx, s.Activity.Object)
	if err != nil || post == nil {
		return err
	}
	s.visibility, s.localOnly = direct, post.LocalOnly // Nobody but the author is told.
	added, err := s.SetFavourite(ctx, post.ID, s.Actor.ID, s.Seq)
	if err != nil || !added {
		return err // A repeat has no further effects.
	}
	if err := s.countReaction(ctx, post); err != nil {
		return err
	}
	return s.Notify(ctx, author, "favourite", post.ID)
}

func undoLike(ctx context.Context, s *Step, like *store.Activity) error {
	if r, ok := s.p.reactionIn(like); ok {
		return s.unreact(ctx, like, r)
	}
	other, err := s.p.liveReactions(ctx, s.Q, like.Actor, like.Object, "")
	if err != nil {
		return err
	}
	if len(other) > 0 {
		return s.MoveFavourite(ctx, like.Object, like.Actor, other[len(other)-1].Seq)
	}
	if _, err := s.RemoveFavourite(ctx, like.Object, like.Actor); err != nil {
		return err
	}
	return s.takeNotificationBack(ctx, like)
}

// subject returns the post that the activity is about, with its author, and files
// the activity under it. A post that isn't here yet is waited for (nil, nil): its
// own host may know it. What is gone, or never was ours, makes the activity void.
func (s *Step) subject(ctx context.Context, uri vocab.IRI) (*store.Status, *store.Actor, error) {
	o, err := s.ObjectByURI(ctx, uri)
	if errors.Is(err, store.ErrNotFound) {
		if uri.Host() == s.p.host {
			s.state = store.Void // We would know it.
			return nil, nil, nil
		}
		return nil, nil, s.Wait(uri)
	} else if err != nil {
		return nil, nil, err
	}
	s.object = o.ID
	if o.Deleted != 0 {
		s.state, s.doc = store.Void, nil
		return nil, nil, nil
	}
	post, err := s.Status(ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) {
		if s.replay {
			return nil, nil, s.Wait(uri) // The log knows it already, it was later then.
		}
		s.state = store.Void
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	author, err := s.Tx.Actor(ctx, post.Actor)
	if err != nil {
		return nil, nil, err
	}
	if err := s.mayAct(ctx, post, author); err != nil {
		return nil, nil, err
	}
	return post, author, nil
}

// mayAct refuses acts on posts that the actor may not see, or whose author blocks it.
func (s *Step) mayAct(ctx context.Context, post *store.Status, author *store.Actor) error {
	if s.replay || author.ID == s.Actor.ID {
		return nil
	}
	if blocks, err := s.Blocks(ctx, author.ID, s.Actor.ID); err != nil {
		return err
	} else if blocks {
		return fault.New(fault.Rejected, "You can't do that: the author has blocked you.")
	}
	if !author.Local && !s.Actor.Local {
		return nil // Strangers among themselves: their own servers have judged it.
	}
	visible, err := s.Visible(ctx, post, s.Actor)
	if err != nil {
		return err
	}
	if !visible {
		return fault.New(fault.NotFound, "There is no such post.")
	}
	return nil
}

// takeNotificationBack removes what a stored activity has told somebody.
func (s *Step) takeNotificationBack(ctx context.Context, a *store.Activity) error {
	post, err := s.Status(ctx, a.Object)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return s.RemoveNotification(ctx, post.Actor, a.Seq)
}
