package pipeline

import (
	"context"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Block is "actor wants nothing to do with object". Follows in both directions end
// and do not come back when the block is lifted.
var Block = define(Type{
	Name:     "Block",
	Spec:     "ap#block-activity-outbox",
	Validate: validateBlock,
	Apply:    applyBlock,
	Undo:     undoBlock,
})

func validateBlock(a *vocab.Activity, from Origin) error {
	if a.Target != "" {
		return fault.New(fault.Rejected, "Bans from communities are not taken up.")
	}
	if a.Object == a.Actor {
		return fault.New(fault.Invalid, "Nobody can block themselves.")
	}
	return needsObject(a, from)
}

func applyBlock(ctx context.Context, s *Step) error {
	s.visibility = direct
	target, err := s.person(ctx, s.Activity.Object)
	if err != nil || target == nil {
		return err
	}
	s.object = target.ID
	added, err := s.AddBlock(ctx, store.Block{Actor: s.Actor.ID, Target: target.ID, Seq: s.Seq})
	if err != nil || !added {
		return err
	}
	for _, pair := range [][2]*store.Actor{{s.Actor, target}, {target, s.Actor}} {
		if err := s.sever(ctx, pair[0], pair[1]); err != nil {
			return err
		}
	}
	for _, one := range []*store.Actor{s.Actor, target} {
		if one.Local {
			s.publish(stream.Event{Kind: "relations_changed", Home: []int64{one.ID}})
		}
	}
	return nil
}

// sever ends every follow of target by follower, and tells the other side where
// one of ours has to: a follower takes its Follow back, the followed rejects it.
func (s *Step) sever(ctx context.Context, follower, target *store.Actor) error {
	all, err := s.LiveActivities(ctx, "Follow", follower.ID, target.ID)
	if err != nil {
		return err
	}
	for i := range all {
		if s.replay {
			break // The log says Undone already.
		}
		if err := s.SetActivity(ctx, all[i].Seq, store.Undone, all[i].Object); err != nil {
			return err
		}
	}
	if err := s.unfollow(ctx, follower.ID, target.ID); err != nil {
		return err
	}
	if len(all) == 0 || s.quiet {
		return nil
	}
	switch {
	case follower.Local && !target.Local:
		s.Emit(s.p.undoOf(all[0].URI, "Follow", follower, target.URI), follower)
	case target.Local && !follower.Local:
		s.Emit(s.p.answerTo(&vocab.Activity{ID: all[0].URI, Type: "Follow", Actor: follower.URI, Object: target.URI}, target, "Reject"), target)
	}
	return nil
}

func undoBlock(ctx context.Context, s *Step, a *store.Activity) error {
	other, err := s.LiveActivities(ctx, "Block", a.Actor, a.Object)
	if err != nil || len(other) > 0 {
		return err
	}
	if s.Actor.Local {
		s.publish(stream.Event{Kind: "relations_changed", Home: []int64{a.Actor}})
	}
	return s.RemoveBlock(ctx, a.Actor, a.Object)
}
