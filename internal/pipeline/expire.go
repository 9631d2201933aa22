package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// MinLifetime is how long a post that deletes itself lives at least.
//
// spec: pleroma:config#Pleroma.Workers.PurgeExpiredActivity
const MinLifetime = 10 * time.Minute

// lifetime is when a new post of ours is to be deleted, as its author and the policies
// want it: the earlier of the two; ms, 0 never.
func (p *Pipeline) lifetime(d *Draft, c *policy.Case) int64 {
	var at int64
	if d.Lifetime > 0 {
		at = p.Now().Add(d.Lifetime).UnixMilli()
	}
	if c != nil && !c.Expires.IsZero() && (at == 0 || c.Expires.UnixMilli() < at) {
		at = c.Expires.UnixMilli()
	}
	return at
}

type expireJob struct {
	Status int64 `json:"status"`
}

// keepLifetime records when the post that the step brings is to be deleted, and has it
// done then.
func (s *Step) keepLifetime(ctx context.Context) error {
	if s.expires == 0 || s.replay || s.Activity.Type != "Create" {
		return nil
	}
	if err := s.SetExpiration(ctx, s.object, s.expires); err != nil {
		return err
	}
	return s.enqueueAt(ctx, "expire", "", fmt.Sprintf("expire %d", s.object), s.expires, expireJob{s.object})
}

// lifetimeOf is when a post of ours is to be deleted, for its rendering.
func (s *Step) lifetimeOf(ctx context.Context, status int64) (int64, error) {
	if !s.Actor.Local || s.From.Host != "" {
		return 0, nil
	}
	if s.expires != 0 && !s.replay {
		return s.expires, nil
	}
	at, err := s.Expiration(ctx, status)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return at, err
}

// expire deletes a post whose time has come. One that is pinned by then stays.
func (p *Pipeline) expire(ctx context.Context, j expireJob) error {
	at, err := p.DB.Expiration(ctx, j.Status)
	if errors.Is(err, store.ErrNotFound) || err == nil && at > p.Now().UnixMilli() {
		return nil
	} else if err != nil {
		return err
	}
	if err := p.expireNow(ctx, j.Status); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetExpiration(ctx, j.Status, 0) })
}

func (p *Pipeline) expireNow(ctx context.Context, status int64) error {
	st, err := p.DB.Status(ctx, status)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	author, err := p.DB.Actor(ctx, st.Actor)
	if err != nil {
		return err
	}
	pins, err := p.DB.Pins(ctx, author.ID)
	if err != nil || slices.Contains(pins, status) {
		return err
	}
	return p.Delete(ctx, author, status)
}
