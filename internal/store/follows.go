package store

import (
	"context"
	"fmt"
)

// Follow is a row of follows.
type Follow struct {
	Actor, Target, Seq int64
	Accepted           bool
	Local              bool // The follower is ours.
}

// Follow returns how actor follows target; ErrNotFound when it doesn't.
func (q *Q) Follow(ctx context.Context, actor, target int64) (*Follow, error) {
	var f Follow
	err := q.row(ctx, "SELECT actor, target, seq, accepted, local FROM follows WHERE actor = $1 AND target = $2", actor, target).
		Scan(&f.Actor, &f.Target, &f.Seq, &f.Accepted, &f.Local)
	if err != nil {
		return nil, fmt.Errorf("follow of %d by %d: %w", target, actor, err)
	}
	return &f, nil
}

// SetFollow writes a follow or request, and keeps both actors' counts. It tells
// whether the follow became accepted by this.
func (tx *Tx) SetFollow(ctx context.Context, f Follow) (accepted bool, err error) {
	old, err := found(tx.Follow(ctx, f.Actor, f.Target))
	if err != nil {
		return false, err
	}
	_, err = tx.exec(ctx, `INSERT INTO follows (actor, target, seq, accepted, local) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (actor, target) DO UPDATE SET seq = excluded.seq, accepted = excluded.accepted`, f.Actor, f.Target, f.Seq, f.Accepted, f.Local)
	if err != nil {
		return false, fmt.Errorf("follow of %d by %d: %w", f.Target, f.Actor, err)
	}
	was := old != nil && old.Accepted
	if was == f.Accepted {
		return false, nil
	}
	n := int64(1)
	if was {
		n = -1
	}
	return f.Accepted, tx.countFollow(ctx, f.Actor, f.Target, n)
}

// RemoveFollow ends a follow or request and returns what it was; ErrNotFound when
// there was none.
func (tx *Tx) RemoveFollow(ctx context.Context, actor, target int64) (*Follow, error) {
	f, err := tx.Follow(ctx, actor, target)
	if err != nil {
		return nil, err
	}
	if _, err := tx.exec(ctx, "DELETE FROM follows WHERE actor = $1 AND target = $2", actor, target); err != nil {
		return nil, fmt.Errorf("ending the follow of %d by %d: %w", target, actor, err)
	}
	if !f.Accepted {
		return f, nil
	}
	return f, tx.countFollow(ctx, actor, target, -1)
}

func (tx *Tx) countFollow(ctx context.Context, actor, target, n int64) error {
	for _, c := range []struct {
		column string
		actor  int64
	}{{"following", actor}, {"followers", target}} {
		var count int64
		err := tx.row(ctx, "INSERT INTO actor_counts (actor, "+c.column+") VALUES ($1, $2) ON CONFLICT (actor) DO UPDATE SET "+
			c.column+" = actor_counts."+c.column+" + excluded."+c.column+" RETURNING "+c.column, c.actor, n).Scan(&count)
		if err == nil && c.column == "followers" {
			err = tx.replace(ctx, c.actor, count, n)
		}
		if err != nil {
			return fmt.Errorf("counting follows of %d: %w", c.actor, err)
		}
	}
	return tx.turnDigest(ctx, actor, target, n)
}

// Block is a row of blocks.
type Block struct{ Actor, Target, Seq int64 }

// Blocked tells whether either of the two blocks the other.
func (q *Q) Blocked(ctx context.Context, a, b int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM blocks WHERE actor = $1 AND target = $2 UNION ALL SELECT 1 FROM blocks WHERE actor = $2 AND target = $1", a, b)
}

// Blocks tells whether actor blocks target.
func (q *Q) Blocks(ctx context.Context, actor, target int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM blocks WHERE actor = $1 AND target = $2", actor, target)
}

// AddBlock records a block; false when it was there already.
func (tx *Tx) AddBlock(ctx context.Context, b Block) (bool, error) {
	n, err := tx.exec(ctx, "INSERT INTO blocks (actor, target, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", b.Actor, b.Target, b.Seq)
	if err != nil {
		return false, fmt.Errorf("block of %d by %d: %w", b.Target, b.Actor, err)
	}
	return n > 0, nil
}

// RemoveBlock ends a block.
func (tx *Tx) RemoveBlock(ctx context.Context, actor, target int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM blocks WHERE actor = $1 AND target = $2", actor, target); err != nil {
		return fmt.Errorf("ending the block of %d by %d: %w", target, actor, err)
	}
	return nil
}

// CountRequests returns how many ask to follow an actor.
func (q *Q) CountRequests(ctx context.Context, target int64) (int64, error) {
	var n int64
	if err := q.row(ctx, "SELECT COUNT(*) FROM follows WHERE target = $1 AND NOT accepted", target).Scan(&n); err != nil {
		return 0, fmt.Errorf("requests to follow %d: %w", target, err)
	}
	return n, nil
}
