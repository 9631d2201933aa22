package store

import (
	"context"
	"fmt"
)

// SignatureForms returns which form of signature hosts take, by host, where it is
// not the one that is tried first: up to limit, the last learned.
func (q *Q) SignatureForms(ctx context.Context, limit int) (map[string]int16, error) {
	type row struct {
		host string
		form int16
	}
	rows, err := q.query(ctx, "SELECT host, form FROM signature_forms ORDER BY learned DESC LIMIT $1", limit)
	all, err := collect(rows, err, func(r *row) []any { return []any{&r.host, &r.form} })
	if err != nil {
		return nil, fmt.Errorf("signature forms: %w", err)
	}
	found := make(map[string]int16, len(all))
	for _, r := range all {
		found[r.host] = r.form
	}
	return found, nil
}

// SetSignatureForm notes which form of signature a host takes. It is a transaction
// of its own.
func (d *DB) SetSignatureForm(ctx context.Context, host string, form int16) error {
	return d.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO signature_forms (host, form, learned) VALUES ($1, $2, $3)
			ON CONFLICT (host) DO UPDATE SET form = excluded.form, learned = excluded.learned`, host, form, tx.now().UnixMilli())
		if err != nil {
			return fmt.Errorf("signature form of %s: %w", host, err)
		}
		return nil
	})
}
