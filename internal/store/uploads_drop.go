package store

import (
	"context"
	"fmt"
	"slices"
)

// What stands for a status in a row of media that belongs to none.
const (
	uploadOfProfile = -1 // An avatar or header.
	uploadDropped   = -2 // Nobody's any more; a job deletes its files, then the row.
)

// DropUploadsJob is the kind of the jobs that delete files, see DropUploads. The
// payload is a list of uploads as JSON.
const DropUploadsJob = "drop-uploads"

// SetProfileUploads makes these uploads of an account part of its profile, where they
// are loose, and those in was that are not among them nobody's: a job deletes their
// files. What is in a list and is no upload of the account, or a post's, stays as it is.
func (tx *Tx) SetProfileUploads(ctx context.Context, owner int64, was, now []int64) error {
	for _, id := range now {
		if _, err := tx.exec(ctx, "UPDATE media SET status = $3 WHERE id = $1 AND owner = $2 AND status = 0", id, owner, uploadOfProfile); err != nil {
			return fmt.Errorf("pictures of %d: %w", owner, err)
		}
	}
	var gone []int64
	for _, id := range was {
		if slices.Contains(now, id) {
			continue
		}
		n, err := tx.exec(ctx, "UPDATE media SET status = $3 WHERE id = $1 AND owner = $2 AND status = $4", id, owner, uploadDropped, uploadOfProfile)
		if err != nil {
			return fmt.Errorf("pictures of %d: %w", owner, err)
		}
		if n > 0 {
			gone = append(gone, id)
		}
	}
	return tx.dropUploads(ctx, gone)
}

// DropUploads makes up to limit files of an account nobody's, whatever had them, and
// leaves a job that deletes them; more tells that there are others.
func (tx *Tx) DropUploads(ctx context.Context, owner int64, limit int) (more bool, err error) {
	ids, err := tx.ids(ctx, "SELECT id FROM media WHERE owner = $1 AND status <> $2 ORDER BY id LIMIT $3", owner, uploadDropped, limit)
	if err != nil || len(ids) == 0 {
		return false, wrapped(err, "files of %d", owner)
	}
	list, args := in(2, ids)
	if _, err := tx.exec(ctx, "UPDATE media SET status = $1 WHERE id IN ("+list+")", append([]any{uploadDropped}, args...)...); err != nil {
		return false, fmt.Errorf("files of %d: %w", owner, err)
	}
	return len(ids) == limit, tx.dropUploads(ctx, ids)
}

func (tx *Tx) dropUploads(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.Enqueue(ctx, Job{Kind: DropUploadsJob, Payload: []byte(toJSON(ids))})
}

// DroppedUploads returns those of these uploads that are nobody's.
func (q *Q) DroppedUploads(ctx context.Context, ids []int64) ([]Upload, error) {
	var found []Upload
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT "+uploadColumns+" FROM media WHERE status = $1 AND id IN ("+list+")", append([]any{uploadDropped}, args...)...)
		all, err := collect(rows, err, (*Upload).scan)
		if err != nil {
			return nil, fmt.Errorf("dropped files: %w", err)
		}
		found = append(found, all...)
	}
	return found, nil
}

// ForgetUpload removes the row of a file that was dropped.
func (tx *Tx) ForgetUpload(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM media WHERE id = $1 AND status = $2", id, uploadDropped)
	return wrapped(err, "dropped file %d", id)
}
