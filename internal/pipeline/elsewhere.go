package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// What a remote account's own server says of it beside its document: how many follow
// it, its pinned posts, its newest posts. Nobody's arrival sets this off, somebody here
// must look at the account or follow it: a post that many share brings thousands of
// new accounts in a minute, and four questions about each would be a storm.

const (
	lookEvery    = 24 * time.Hour
	staleActor   = 24 * time.Hour // The document is older: it is fetched again too.
	maxFeatured  = 20             // Pinned posts that are taken over.
	backfillBack = 7 * 24 * time.Hour
)

type lookJob struct {
	Actor int64 `json:"actor"`
}

// LookAt has a job ask the server of a remote account about it, at most once a day.
// Of ours and of what is no account there is nothing to ask.
func (p *Pipeline) LookAt(ctx context.Context, actor int64) error {
	if p.Remote == nil || !p.looked.due(actor, p.Now(), lookEvery) {
		return nil
	}
	a, err := p.DB.Actor(ctx, actor)
	if err != nil || a.Local || a.Hidden() || p.fetchable(a.URI) != nil {
		return ignoreMissing(err)
	}
	said, err := p.DB.Elsewhere(ctx, []int64{a.ID})
	if err != nil || p.Now().UnixMilli()-said[a.ID].Looked < lookEvery.Milliseconds() {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "look", a.Host, fmt.Sprintf("look %d", a.ID), 0, lookJob{a.ID})
	})
}

// look is the job. What can't be had is left as it was, until the next day.
func (p *Pipeline) look(ctx context.Context, j lookJob) error {
	row, err := p.DB.Actor(ctx, j.Actor)
	if err != nil || row.Hidden() {
		return ignoreMissing(err)
	}
	if p.Now().UnixMilli()-row.Fetched > staleActor.Milliseconds() {
		if _, err := p.RefreshActor(ctx, row.URI); err != nil {
			p.Log.Debug("account not refreshed", "uri", row.URI, "err", err)
		}
	}
	a, err := p.remoteActor(ctx, j.Actor)
	if err != nil {
		return ignoreMissing(err)
	}
	said := store.Elsewhere{Actor: j.Actor, Followers: p.total(ctx, a, a.Followers), Following: p.total(ctx, a, a.Following), Statuses: p.total(ctx, a, a.Outbox)}
	if err := p.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetNumbers(ctx, said) }); err != nil {
		return err
	}
	if a.Featured != "" {
		if err := p.readFeatured(ctx, row, a); err != nil {
			p.Log.Debug("pinned posts not read", "uri", row.URI, "err", err)
		}
	}
	if p.Stream != nil {
		p.Stream.Publish(stream.Event{Kind: "account_changed", Author: row.ID})
	}
	return nil
}

// remoteActor is the document of a remote account as it is stored.
func (p *Pipeline) remoteActor(ctx context.Context, id int64) (*vocab.Actor, error) {
	doc, err := p.DB.ActorDoc(ctx, id)
	if err != nil {
		return nil, err
	}
	if doc == "" {
		return nil, store.ErrNotFound // Deleted meanwhile.
	}
	return vocab.DecodeActor([]byte(doc))
}

// maxTotal bounds a number that a stranger claims.
const maxTotal = 1_000_000_000

// total is how many entries a collection of the actor's claims to have, −1 unknown.
func (p *Pipeline) total(ctx context.Context, a *vocab.Actor, at vocab.IRI) int64 {
	if !vocab.SameHost(at, a.ID) {
		return -1
	}
	if p.fetchable(at) != nil {
		return -1
	}
	c, err := p.page(ctx, at, at)
	if err != nil {
		p.Log.Debug("collection not read", "at", at, "err", err)
		return -1
	}
	return min(int64(c.Total), maxTotal)
}

// readFeatured makes the pinned posts those that the actor's collection lists. Each
// difference goes into the log as an Add or Remove, like one that was delivered.
//
// spec: toot:featured
func (p *Pipeline) readFeatured(ctx context.Context, row *store.Actor, a *vocab.Actor) error {
	items, _, err := p.collection(ctx, a.Featured, &reading{pages: 3, items: maxFeatured})
	if err != nil {
		return err
	}
	var listed []int64
	for _, item := range items {
		id, err := p.takeIn(ctx, item, a.ID, maxClimb)
		if err != nil {
			p.Log.Debug("pinned post not had", "uri", item.ID, "err", err)
			continue
		}
		if o, err := p.DB.Object(ctx, id); err == nil && o.Actor == row.ID {
			listed = append(listed, id)
		}
	}
	pinned, err := p.DB.Pins(ctx, row.ID)
	if err != nil {
		return err
	}
	for _, id := range pinned {
		if !slices.Contains(listed, id) {
			if err := p.featuredSays(ctx, "Remove", a, id); err != nil {
				return err
			}
		}
	}
	slices.Reverse(listed) // The newest pin stands first there, and is the last to be added here.
	for _, id := range listed {
		if !slices.Contains(pinned, id) {
			if err := p.featuredSays(ctx, "Add", a, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// featuredSays processes an Add or Remove that a collection amounts to.
func (p *Pipeline) featuredSays(ctx context.Context, typ string, a *vocab.Actor, status int64) error {
	o, err := p.DB.Object(ctx, status)
	if err != nil {
		return ignoreMissing(err)
	}
	add := &vocab.Activity{ID: o.URI + "#" + vocab.IRI(typ) + "-" + vocab.IRI(strconv.FormatInt(p.NewID(), 10)), Type: typ, Actor: a.ID, Object: o.URI, Target: a.Featured}
	return p.Process(ctx, encoded(add), Origin{Host: a.ID.Host(), Fetched: true, climb: maxClimb})
}

type backfillJob struct {
	Actor  int64 `json:"actor"`
	Reader int64 `json:"reader"` // Who began to follow it.
}

// backfillLater has a job fetch the newest posts of whom one of ours follows now.
func (s *Step) backfillLater(ctx context.Context, reader int64, target *store.Actor) error {
	if s.replay || target.Local || s.p.Backfill == 0 || s.p.fetchable(target.URI) != nil {
		return nil
	}
	said, err := s.Elsewhere(ctx, []int64{target.ID})
	if err != nil || s.p.Now().UnixMilli()-said[target.ID].Backfilled < backfillBack.Milliseconds() {
		return err
	}
	return s.enqueueAt(ctx, "backfill", target.Host, fmt.Sprintf("backfill %d", target.ID), 0, backfillJob{target.ID, reader})
}

// backfill is the job: the newest public posts from the outbox, with their own dates.
// Nobody is notified, and of homes only those who follow get what a follow brings.
func (p *Pipeline) backfill(ctx context.Context, j backfillJob) error {
	row, err := p.DB.Actor(ctx, j.Actor)
	if err != nil || row.Hidden() {
		return ignoreMissing(err)
	}
	a, err := p.remoteActor(ctx, j.Actor)
	if err != nil {
		return ignoreMissing(err)
	}
	if !vocab.SameHost(a.Outbox, a.ID) {
		return nil
	}
	// Boosts stand in the outbox too: up to as many again are passed over.
	items, _, err := p.collection(ctx, a.Outbox, &reading{pages: 2 + p.Backfill/10, items: 2 * p.Backfill})
	if err != nil && len(items) == 0 {
		return err
	}
	deadline, limited := ctx.Deadline()
	for n, i := 0, 0; n < p.Backfill && i < len(items); i++ {
		if limited && time.Until(deadline) < repliesMargin {
			break
		}
		if _, err := p.takeIn(ctx, items[i], a.ID, maxClimb); err != nil {
			p.Log.Debug("post not taken from an outbox", "uri", items[i].ID, "err", err)
			continue
		}
		n++
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetBackfilled(ctx, row.ID); err != nil {
			return err
		}
		f, err := tx.Follow(ctx, j.Reader, row.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && !f.Accepted {
			return nil
		} else if err != nil {
			return err
		}
		return tx.BackfillHome(ctx, j.Reader, row.ID)
	})
}
