package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// restoreJob brings back follows that a suspension ended, after it was lifted.
type restoreJob struct {
	Type   string `json:"type"`   // Of the events: domain_block, account_suspension.
	Target string `json:"target"` // Host or handle.
	Event  int64  `json:"event"`  // The one that is worked on; 0: from the newest.
	Owner  int64  `json:"owner"`  // Beyond these.
	Other  int64  `json:"other"`
}

// restoreChunk is how many follows one run brings back; each may be an activity that
// goes out.
const restoreChunk = 50

// restoreLater has follows come back, in jobs.
func (s *Step) restoreLater(ctx context.Context, j restoreJob) error {
	return s.enqueueAt(ctx, "restore-follows", "", fmt.Sprintf("restore-follows %s %s %d %d %d", j.Type, j.Target, j.Event, j.Owner, j.Other), 0, j)
}

// restoreFollows is the job: a piece of the follows that ended, and a job for the next.
// Twice is as good as once.
func (p *Pipeline) restoreFollows(ctx context.Context, j restoreJob) error {
	events, err := p.DB.SeverancesBy(ctx, j.Type, j.Target)
	if err != nil {
		return err
	}
	for _, event := range events { // Newest first.
		if j.Event != 0 && event > j.Event {
			continue
		}
		if event != j.Event {
			j.Event, j.Owner, j.Other = event, 0, 0
		}
		lost, err := p.DB.LostFollows(ctx, event, j.Owner, j.Other, restoreChunk)
		if err != nil {
			return err
		}
		more := len(lost) == restoreChunk
		if more {
			lost = wholePairs(lost)
		}
		for i := range lost {
			if err := p.restoreOne(ctx, &lost[i]); err != nil {
				return err
			}
			j.Owner, j.Other = lost[i].Owner, lost[i].Other
		}
		if more {
			return p.DB.Write(ctx, func(tx *store.Tx) error {
				s := &Step{Tx: tx, p: p}
				return s.restoreLater(ctx, j)
			})
		}
	}
	return nil
}

// wholePairs leaves the last pair of a full piece to the next one: who followed each
// other has two rows, and the second may not be in it.
func wholePairs(lost []store.SeveredFollow) []store.SeveredFollow {
	last := lost[len(lost)-1]
	return slices.DeleteFunc(lost, func(f store.SeveredFollow) bool { return f.Owner == last.Owner && f.Other == last.Other })
}

// restoreOne brings a follow back where both are still there and nobody has decided
// otherwise meanwhile. One whose other side is still suspended waits on.
func (p *Pipeline) restoreOne(ctx context.Context, f *store.SeveredFollow) error {
	owner, other, err := p.pair(ctx, f.Owner, f.Other)
	if err != nil {
		return err
	}
	if other != nil && (ours(other.Suspended) != 0 || p.Hosts.Refuses(other.Host)) {
		return nil
	}
	at := p.Now().UnixMilli()
	if owner == nil || other == nil {
		at = -1
	} else if f.Following {
		if err := p.followAgain(ctx, owner, other, f); fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
			at = -1 // One of them blocks the other by now.
		} else if err != nil {
			return err
		}
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if at > 0 && !f.Following {
			back, err := p.takeBack(ctx, tx, owner, other, f)
			if err != nil {
				return err
			}
			if !back {
				at = -1
			}
		}
		return tx.SetRestored(ctx, f, at)
	})
}

// pair returns two actors; nil for one that is not there any more.
func (p *Pipeline) pair(ctx context.Context, owner, other int64) (*store.Actor, *store.Actor, error) {
	both, err := p.DB.Actors(ctx, []int64{owner, other})
	if err != nil {
		return nil, nil, err
	}
	one, two := both[owner], both[other]
	if one != nil && one.Hidden() {
		one = nil
	}
	if two != nil && two.Deleted != 0 {
		two = nil
	}
	return one, two, nil
}

// followAgain sends a Follow anew: the other server may have noticed that we were gone.
func (p *Pipeline) followAgain(ctx context.Context, owner, other *store.Actor, f *store.SeveredFollow) error {
	if err := p.Follow(ctx, owner, other); err != nil {
		return err
	}
	if f.Boosts && !f.Notify && f.Languages == "" {
		return nil
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.SetFollowSettings(ctx, store.FollowSettings{Actor: owner.ID, Target: other.ID, Boosts: f.Boosts, Notify: f.Notify, Languages: f.Languages})
	})
}

// takeBack has somebody follow one of ours as before. Their server was not told that it
// had ended, since nothing is sent to a suspended host: the old Follow stands again.
// Where it was taken back there meanwhile, followers synchronisation tells (FEP-8fcf).
func (p *Pipeline) takeBack(ctx context.Context, tx *store.Tx, owner, follower *store.Actor, f *store.SeveredFollow) (bool, error) {
	row, err := tx.Activity(ctx, f.Seq)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Type != "Follow" || row.State != store.Undone || row.Actor != follower.ID) {
		return false, nil // Too long ago, or taken back by another activity.
	} else if err != nil {
		return false, err
	}
	if ended, err := tx.TakenBack(ctx, f.Seq); err != nil || ended {
		return false, err
	}
	if shut, err := tx.ShutsOut(ctx, owner.ID, follower); err != nil || shut {
		return false, err
	}
	if _, err := tx.Follow(ctx, follower.ID, owner.ID); err == nil || !errors.Is(err, store.ErrNotFound) {
		return err == nil, err
	}
	doc := row.Doc
	if doc == "" {
		doc = string(vocab.EncodeActivity(&vocab.Activity{ID: row.URI, Type: "Follow", Actor: follower.URI, Object: owner.URI}, nil))
	}
	if err := tx.Revive(ctx, f.Seq, doc); err != nil {
		return false, err
	}
	_, err = tx.SetFollow(ctx, store.Follow{Actor: follower.ID, Target: owner.ID, Seq: f.Seq, Accepted: true})
	return true, err
}
