package media

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kenoma/internal/store"
)

// DropJob deletes the files that a job of kind store.DropUploadsJob names, then their
// rows, so that one that is broken off begins anew. Files that can't be deleted now
// are tried again with the job.
func (s *Uploads) DropJob(ctx context.Context, j store.Job) error {
	var ids []int64
	if err := json.Unmarshal(j.Payload, &ids); err != nil {
		return fmt.Errorf("job %d: %w", j.ID, err)
	}
	dropped, err := s.DB.DroppedUploads(ctx, ids)
	if err != nil {
		return err
	}
	var failed error
	for _, u := range dropped {
		s.mu.Lock()
		if w := s.work[u.ID]; w != nil {
			w.cancel()
		}
		s.mu.Unlock()
		if err := s.dropAll(ctx, u.File, u.Preview, folder(u.ID)+"raw"); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.ForgetUpload(ctx, u.ID) }); err != nil {
			return err
		}
	}
	return failed
}

// dropAll deletes files; "" is none.
func (s *Uploads) dropAll(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if key == "" {
			continue
		}
		if err := s.Storage.Delete(ctx, key); err != nil {
			return fmt.Errorf("deleting the file of an upload: %w", err)
		}
	}
	return nil
}
