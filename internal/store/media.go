package store

import (
	"context"
	"fmt"
)

// Upload returns a file that one of our accounts brought.
func (q *Q) Upload(ctx context.Context, id int64) (*Upload, error) {
	var u Upload
	if err := q.row(ctx, "SELECT "+uploadColumns+" FROM media WHERE id = $1", id).Scan(u.scan()...); err != nil {
		return nil, fmt.Errorf("upload %d: %w", id, err)
	}
	return &u, nil
}

// InsertUpload adds a file's row; the files themselves are in the storage already.
func (tx *Tx) InsertUpload(ctx context.Context, u *Upload) error {
	_, err := tx.exec(ctx, "INSERT INTO media ("+uploadColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
		u.ID, u.Owner, u.Status, u.Kind, u.Mime, u.File, u.Preview, u.Size, toJSON(u.Meta), u.Description, u.Created, u.State, u.Problem)
	if err != nil {
		return fmt.Errorf("adding upload %d: %w", u.ID, err)
	}
	return nil
}

// LockUpload returns a file that nobody else changes until the transaction ends.
func (tx *Tx) LockUpload(ctx context.Context, id int64) (*Upload, error) {
	if _, err := tx.exec(ctx, "UPDATE media SET state = state WHERE id = $1", id); err != nil {
		return nil, fmt.Errorf("upload %d: %w", id, err)
	}
	return tx.Upload(ctx, id)
}

// UpdateUpload writes a file that LockUpload returned; its owner, time and status stay.
func (tx *Tx) UpdateUpload(ctx context.Context, u *Upload) error {
	_, err := tx.exec(ctx, `UPDATE media SET kind = $2, mime = $3, file = $4, preview = $5, size = $6, meta = $7, description = $8, state = $9, problem = $10
		WHERE id = $1`, u.ID, u.Kind, u.Mime, u.File, u.Preview, u.Size, toJSON(u.Meta), u.Description, u.State, u.Problem)
	if err != nil {
		return fmt.Errorf("updating upload %d: %w", u.ID, err)
	}
	return nil
}

// DeleteUpload drops the row of a file that no status has; ErrNotFound when one has
// taken it meanwhile, or it is gone already.
func (tx *Tx) DeleteUpload(ctx context.Context, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM media WHERE id = $1 AND status = 0", id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "dropping upload %d", id)
}

// LooseUploads returns up to limit files from before a time (ms) that no status has.
func (q *Q) LooseUploads(ctx context.Context, before int64, limit int) ([]Upload, error) {
	rows, err := q.query(ctx, "SELECT "+uploadColumns+" FROM media WHERE status = 0 AND created < $1 ORDER BY created LIMIT $2", before, limit)
	return collect(rows, err, (*Upload).scan)
}
