package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// synchronizeJob has us compare whom an account elsewhere counts as its followers
// here with those who follow it here.
type synchronizeJob struct {
	Actor int64     `json:"actor"`
	List  vocab.IRI `json:"list"` // Where the account's server tells them.
}

// synchronizeAfter leaves what is under way the time to arrive.
const synchronizeAfter = time.Minute

// maxSynchronized is how many followers of one account are compared; of accounts with
// more of them here, none.
const maxSynchronized = 10_000

// FollowersDiffer is told when a server means other followers of its actor here than
// we do. list must be on the actor's own host.
//
// spec: fep-8fcf
func (p *Pipeline) FollowersDiffer(ctx context.Context, actor *store.Actor, list vocab.IRI) error {
	if actor.Local || list.Host() != actor.Host || p.fetchable(list) != nil {
		return nil
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "synchronize", actor.Host, fmt.Sprintf("synchronize %d", actor.ID), p.Now().Add(synchronizeAfter).UnixMilli(),
			synchronizeJob{Actor: actor.ID, List: list})
	})
}

// synchronize ends the follows that the other server doesn't know of, confirms those
// that it took for accepted, and tells it who here does not follow its account.
func (p *Pipeline) synchronize(ctx context.Context, j synchronizeJob) error {
	target, err := p.DB.Actor(ctx, j.Actor)
	if err != nil {
		return ignoreMissing(err)
	}
	if target.Deleted != 0 {
		return nil
	}
	theirs, err := p.followersTold(ctx, j.List)
	if err != nil {
		return err
	}
	ours, err := p.DB.FollowersOn(ctx, target.ID, "", maxSynchronized+1)
	if err != nil || len(ours) > maxSynchronized {
		return err
	}
	for _, uri := range ours {
		if theirs[uri] {
			delete(theirs, uri)
			continue
		}
		follower, err := p.DB.ActorByURI(ctx, uri)
		if err == nil {
			err = p.Unfollow(ctx, follower, target)
		}
		if err != nil {
			return err
		}
	}
	for uri := range theirs {
		if err := p.expected(ctx, uri, target, j.List); err != nil {
			return err
		}
	}
	return nil
}

// followersTold fetches the list of our people whom another server counts as
// followers: one document, on the server's word.
func (p *Pipeline) followersTold(ctx context.Context, list vocab.IRI) (map[vocab.IRI]bool, error) {
	body, final, err := p.Remote.Document(ctx, list, p.InstanceKey(ctx))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", list, err)
	}
	c, err := vocab.DecodeCollection(body)
	if err != nil {
		return nil, err
	}
	if final != list || c.First != "" || c.Next != "" || len(c.Items) > maxSynchronized {
		return nil, fault.New(fault.Rejected, "%s is no list of followers to compare with.", list)
	}
	told := map[vocab.IRI]bool{}
	for _, item := range c.Items {
		if item.ID.Host() == p.host {
			told[item.ID] = true
		}
	}
	return told, nil
}

// expected settles that one of ours is a follower of target in the eyes of target's
// server, and not in ours: a request of theirs was accepted; else we say that it ended.
func (p *Pipeline) expected(ctx context.Context, uri vocab.IRI, target *store.Actor, list vocab.IRI) error {
	follower, err := p.DB.ActorByURI(ctx, uri)
	if errors.Is(err, store.ErrNotFound) || err == nil && (!follower.Local || follower.Deleted != 0) {
		return nil // Of nobody here; their Delete is theirs to remember.
	} else if err != nil {
		return err
	}
	f, err := p.DB.Follow(ctx, follower.ID, target.ID)
	if errors.Is(err, store.ErrNotFound) {
		return p.endedFollow(ctx, follower, target)
	} else if err != nil || f.Accepted {
		return err
	}
	follow, err := p.DB.Activity(ctx, f.Seq)
	if err != nil {
		return ignoreMissing(err)
	}
	accept := &vocab.Activity{ID: list + "#accept-" + vocab.IRI(strconv.FormatInt(f.Seq, 10)), Type: "Accept", Actor: target.URI, Object: follow.URI, To: []vocab.IRI{uri}}
	return p.Process(ctx, encoded(accept), Origin{Host: target.Host, Fetched: true})
}

// endedFollow tells target's server that follower, one of ours, follows no more: by the
// Follow that it had, or where that was forgotten by the two people alone.
func (p *Pipeline) endedFollow(ctx context.Context, follower, target *store.Actor) error {
	var uri vocab.IRI
	last, err := p.DB.LastActivity(ctx, "Follow", follower.ID, target.ID)
	if err == nil {
		uri = last.URI
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return p.Process(ctx, p.undoOf(uri, "Follow", follower, target.URI), FromAccount(follower.ID))
}

// FollowersFor returns our account's followers on another server, for that server's
// eyes; false where there are too many to compare.
func (p *Pipeline) FollowersFor(ctx context.Context, actor int64, host string) ([]vocab.IRI, bool, error) {
	all, err := p.DB.FollowersOn(ctx, actor, host, maxSynchronized+1)
	if err != nil || len(all) > maxSynchronized {
		return nil, false, err
	}
	slices.Sort(all)
	return all, true, nil
}
