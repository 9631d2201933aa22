package store

import (
	"context"
	"fmt"
)

// RemoveFromGroup notes that a post was removed from a group by the Delete that hashes
// to cause, and tells whether that was taken back already.
func (tx *Tx) RemoveFromGroup(ctx context.Context, group, cause, status int64) (lifted bool, err error) {
	err = tx.row(ctx, `INSERT INTO group_removals (grp, cause, status, lifted) VALUES ($1, $2, $3, $4)
		ON CONFLICT (grp, cause) DO UPDATE SET status = excluded.status RETURNING lifted`, group, cause, status, false).Scan(&lifted)
	return lifted, wrapped(err, "removing %d from group %d", status, group)
}

// LiftRemoval takes a removal back, which may be known only later. It returns the post,
// 0 when that isn't known.
func (tx *Tx) LiftRemoval(ctx context.Context, group, cause int64) (status int64, err error) {
	err = tx.row(ctx, `INSERT INTO group_removals (grp, cause, status, lifted) VALUES ($1, $2, 0, $3)
		ON CONFLICT (grp, cause) DO UPDATE SET lifted = excluded.lifted RETURNING status`, group, cause, true).Scan(&status)
	return status, wrapped(err, "lifting a removal in group %d", group)
}

// RemovedFrom tells whether a post is removed from a group.
func (q *Q) RemovedFrom(ctx context.Context, group, status int64) (bool, error) {
	removed, err := q.exists(ctx, "SELECT 1 FROM group_removals WHERE status = $1 AND grp = $2 AND NOT lifted LIMIT 1", status, group)
	if err != nil {
		return false, fmt.Errorf("is %d removed from group %d: %w", status, group, err)
	}
	return removed, nil
}
