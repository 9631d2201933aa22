package store

import (
	"context"
	"fmt"
)

// Away tells whether nothing is written into an account's home.
func (q *Q) Away(ctx context.Context, owner int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM away WHERE owner = $1", owner)
}

// Absent returns accounts that were last used before a time (ms), and were made before
// it, whose homes are still written to.
func (q *Q) Absent(ctx context.Context, before int64, limit int) ([]int64, error) {
	return q.ids(ctx, `SELECT a.actor FROM accounts a WHERE a.last_seen < $1 AND a.created < $1
		AND NOT EXISTS (SELECT 1 FROM away w WHERE w.owner = a.actor) ORDER BY a.actor LIMIT $2`, before, limit)
}

// SendAway ends what is written into the home and lists of an account, and empties
// them as far as one transaction goes; more tells that rows are left.
func (tx *Tx) SendAway(ctx context.Context, owner int64) (more bool, err error) {
	if _, err := tx.exec(ctx, "INSERT INTO away (owner) VALUES ($1) ON CONFLICT DO NOTHING", owner); err != nil {
		return false, fmt.Errorf("account %d is away: %w", owner, err)
	}
	n, err := tx.exec(ctx, `DELETE FROM home WHERE owner = $1 AND status IN (SELECT status FROM home WHERE owner = $1 LIMIT $2)`, owner, maxIn)
	if err != nil || n == maxIn {
		return n == maxIn, wrapped(err, "home of %d", owner)
	}
	lists, err := tx.ids(ctx, "SELECT id FROM lists WHERE owner = $1", owner)
	if err != nil {
		return false, err
	}
	for _, l := range lists {
		n, err := tx.exec(ctx, `DELETE FROM home WHERE owner = $1 AND status IN (SELECT status FROM home WHERE owner = $1 LIMIT $2)`, l, maxIn)
		if err != nil || n == maxIn {
			return n == maxIn, wrapped(err, "list %d", l)
		}
	}
	return false, nil
}

// RefillJob is the job that fills the home of an account that is back.
func RefillJob(owner int64) Job {
	return Job{Kind: "refill", Uniq: fmt.Sprintf("refill %d", owner), Payload: []byte(fmt.Sprintf(`{"owner":%d}`, owner))}
}

// FollowedAfter returns whom an account follows, by id and after the given one.
func (q *Q) FollowedAfter(ctx context.Context, actor, after int64, limit int) ([]int64, error) {
	return q.ids(ctx, "SELECT target FROM follows WHERE actor = $1 AND target > $2 AND accepted ORDER BY target LIMIT $3", actor, after, limit)
}
