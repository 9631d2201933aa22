package store

import (
	"context"
	"fmt"
)

// SetFavourite records that actor favours status by the Like with seq; true when
// it did not before.
func (tx *Tx) SetFavourite(ctx context.Context, status, actor, seq int64) (bool, error) {
	n, err := tx.exec(ctx, "INSERT INTO favourites (status, actor, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", status, actor, seq)
	if err != nil {
		return false, fmt.Errorf("favourite of %d by %d: %w", status, actor, err)
	}
	if n == 0 {
		return false, nil
	}
	return true, tx.count(ctx, status, "favourites", 1)
}

// RemoveFavourite takes a favourite back; false when there was none.
func (tx *Tx) RemoveFavourite(ctx context.Context, status, actor int64) (bool, error) {
	n, err := tx.exec(ctx, "DELETE FROM favourites WHERE status = $1 AND actor = $2", status, actor)
	if err != nil {
		return false, fmt.Errorf("favourite of %d by %d: %w", status, actor, err)
	}
	if n == 0 {
		return false, nil
	}
	return true, tx.count(ctx, status, "favourites", -1)
}

// MoveFavourite names another live Like as the one that counts.
func (tx *Tx) MoveFavourite(ctx context.Context, status, actor, seq int64) error {
	_, err := tx.exec(ctx, "UPDATE favourites SET seq = $3 WHERE status = $1 AND actor = $2", status, actor, seq)
	return err
}

// Pin puts a status on its author's profile; false when it is there already.
func (tx *Tx) Pin(ctx context.Context, actor, status, seq int64) (bool, error) {
	n, err := tx.exec(ctx, "INSERT INTO pins (actor, status, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", actor, status, seq)
	if err != nil {
		return false, fmt.Errorf("pinning %d: %w", status, err)
	}
	return n > 0, nil
}

// Unpin takes a status off the profile.
func (tx *Tx) Unpin(ctx context.Context, actor, status int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM pins WHERE actor = $1 AND status = $2", actor, status); err != nil {
		return fmt.Errorf("unpinning %d: %w", status, err)
	}
	return nil
}

// Pins returns the pinned statuses of an actor, newest pin first.
func (q *Q) Pins(ctx context.Context, actor int64) ([]int64, error) {
	return q.ids(ctx, "SELECT status FROM pins WHERE actor = $1 ORDER BY seq DESC LIMIT 100", actor)
}
