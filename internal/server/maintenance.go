package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kenoma/internal/store"
)

const (
	sweepEvery = time.Hour
	// keepLoose is how long an upload may wait for its post.
	keepLoose = 24 * time.Hour
	// keepIPs is for how long it is known from where somebody came.
	keepIPs = 365 * 24 * time.Hour
)

// scheduleSweep has the next sweep run in an hour, once for all nodes.
func (s *Server) scheduleSweep(ctx context.Context) error {
	at := s.Now().Add(sweepEvery).UnixMilli()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: "sweep", RunAt: at, Uniq: fmt.Sprintf("sweep %d", at/sweepEvery.Milliseconds()), Payload: []byte("{}")})
	})
}

// sweep drops what nobody needs any more: expired tokens, uploads that no post
// took, copies of remote pictures that nobody looks at.
func (s *Server) sweep(ctx context.Context, _ store.Job) error {
	for more := true; more; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.SweepTokens(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	for more := true; more; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.SweepIPs(ctx, s.Now().Add(-keepIPs).UnixMilli())
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SweepIPBlocks(ctx) }); err != nil {
		return err
	}
	s.reloadRules(ctx)
	for more := true; more; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.SweepPush(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := s.sweepUploads(ctx); err != nil {
		return err
	}
	if err := s.cache.Sweep(); err != nil {
		return err
	}
	if err := s.Pipeline.SendAway(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ForgetOld(ctx, time.Duration(s.Config.Federation.KeepPosts)*24*time.Hour); err != nil {
		return err
	}
	return s.scheduleSweep(ctx)
}

func (s *Server) sweepUploads(ctx context.Context) error {
	for {
		loose, err := s.DB.LooseUploads(ctx, s.Now().Add(-keepLoose).UnixMilli(), 100)
		if err != nil || len(loose) == 0 {
			return err
		}
		for _, u := range loose {
			if err := s.uploads.Delete(ctx, &u); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
	}
}
