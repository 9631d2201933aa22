package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrExists is what a write returns that would do something a second time.
var ErrExists = errors.New("exists already")

// Idempotent returns the status that actor made with this key.
//
// spec: masto:methods/statuses#create (Idempotency-Key)
func (q *Q) Idempotent(ctx context.Context, actor int64, key string) (int64, error) {
	var id int64
	if err := q.row(ctx, "SELECT status FROM idempotency WHERE actor = $1 AND key = $2", actor, key).Scan(&id); err != nil {
		return 0, fmt.Errorf("idempotency key: %w", err)
	}
	return id, nil
}

// Remember files a status under its key; ErrExists when the key is taken.
func (tx *Tx) Remember(ctx context.Context, actor int64, key string, status, at int64) error {
	n, err := tx.exec(ctx, "INSERT INTO idempotency (actor, key, status, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", actor, key, status, at)
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	if n == 0 {
		return ErrExists
	}
	return nil
}

// ForgetKeys drops idempotency keys from before a time (ms).
func (tx *Tx) ForgetKeys(ctx context.Context, before int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM idempotency WHERE created < $1", before); err != nil {
		return fmt.Errorf("idempotency keys: %w", err)
	}
	return nil
}
