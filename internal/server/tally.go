package server

import (
	"context"
	"fmt"
	"time"

	"kenoma/internal/store"
)

const (
	tallyEvery = 10 * time.Minute
	tallyChunk = 1000        // Activities that are counted in one transaction.
	tallyDelay = time.Minute // What is younger may still be in the making.
	keepDays   = 100 * 24 * time.Hour
	keepMonths = 2 * 366 * 24 * time.Hour
	tallyBack  = 12 * 7 * 24 * time.Hour // How far back the first count goes.
)

// scheduleTally has the next count run in ten minutes, once for all nodes.
func (s *Server) scheduleTally(ctx context.Context) error {
	at := s.Now().Add(tallyEvery).UnixMilli()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: "tally", RunAt: at, Uniq: fmt.Sprintf("tally %d", at/tallyEvery.Milliseconds()), Payload: []byte("{}")})
	})
}

// tally counts what came since the last time, and drops numbers that are old.
func (s *Server) tally(ctx context.Context, _ store.Job) error {
	now := s.Now()
	for _, step := range []func(*store.Tx) (bool, error){
		func(tx *store.Tx) (bool, error) {
			return tx.Tally(ctx, now.Add(-tallyBack).UnixMilli(), now.Add(-tallyDelay).UnixMilli(), tallyChunk)
		},
		func(tx *store.Tx) (bool, error) {
			return tx.SweepNumbers(ctx, now.Add(-keepDays).UnixMilli(), now.Add(-keepMonths).UnixMilli())
		},
	} {
		for more := true; more; {
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return s.scheduleTally(ctx)
}
