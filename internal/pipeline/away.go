package pipeline

import (
	"context"
	"time"

	"kenoma/internal/store"
)

// awayAfter is how long an account must not have been used for its home to be dropped.
const awayAfter = 30 * 24 * time.Hour

// absentChunk is how many accounts are sent away at a time.
const absentChunk = 100

// SendAway drops the homes of those who have not been here for a month: what nobody
// reads needs not be written. A post still notifies them.
func (p *Pipeline) SendAway(ctx context.Context) error {
	for {
		owners, err := p.DB.Absent(ctx, p.Now().Add(-awayAfter).UnixMilli(), absentChunk)
		if err != nil || len(owners) == 0 {
			return err
		}
		for _, owner := range owners {
			for more := true; more; {
				err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
					more, err = tx.SendAway(ctx, owner)
					return err
				})
				if err != nil {
					return err
				}
			}
		}
	}
}

type refillJob struct {
	Owner int64 `json:"owner"`
	After int64 `json:"after,omitempty"` // The last followed account that is done.
}

// refillChunk is how many followed accounts fill a home in one transaction, with 20
// posts each.
const refillChunk = 20

// refill gives back a home to an account that is back: the newest posts of those whom
// it follows, and its own.
func (p *Pipeline) refill(ctx context.Context, j refillJob) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		followed, err := tx.FollowedAfter(ctx, j.Owner, j.After, refillChunk)
		if err != nil {
			return err
		}
		if j.After == 0 {
			followed = append(followed, j.Owner)
		}
		for _, target := range followed {
			if err := tx.BackfillHome(ctx, j.Owner, target); err != nil {
				return err
			}
			j.After = max(j.After, target)
		}
		if len(followed) < refillChunk {
			return tx.TrimHome(ctx, j.Owner)
		}
		s := &Step{Tx: tx, p: p}
		return s.enqueue(ctx, "refill", "", j)
	})
}
