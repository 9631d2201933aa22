package store

import (
	"context"
	"fmt"
)

// Upload is a row of media: a file that one of our accounts brought.
type Upload struct {
	ID, Owner   int64
	Status      int64 // 0 while not attached.
	Kind        string
	Mime        string
	File        string // Key in the storage.
	Preview     string // Key, "" none.
	Size        int64
	Meta        UploadMeta
	Description string
	Created     int64 // ms
	State       UploadState
	Problem     string // Why it failed, for the owner.
}

// UploadState says how far the work on a file is.
type UploadState int16

// The states. File names the bytes as they came until the file is ready.
const (
	UploadReady UploadState = iota
	UploadWaiting
	UploadFailed
)

// UploadMeta are what is known of a file beside its bytes.
type UploadMeta struct {
	Width    int        `json:"w,omitempty"`
	Height   int        `json:"h,omitempty"`
	Blurhash string     `json:"blurhash,omitempty"`
	Duration float64    `json:"duration,omitempty"`
	Focus    [2]float64 `json:"focus,omitzero"`
	MediaDetail
}

// MediaDetail is what a video or sound, and the preview of any file, has beside
// size and duration. The zero value is unknown.
type MediaDetail struct {
	SmallWidth  int    `json:"sw,omitempty"` // Pixels of the preview.
	SmallHeight int    `json:"sh,omitempty"`
	Frames      int    `json:"frames,omitempty"` // Frames per PerTime seconds: 30000 and 1001 are 29.97 a second.
	PerTime     int    `json:"per,omitempty"`
	Bitrate     int64  `json:"bitrate,omitempty"` // Bits per second.
	Sound       string `json:"sound,omitempty"`   // Codec of the sound, as people know it: aac, opus.
	SoundRate   int    `json:"rate,omitempty"`    // Hz
	Channels    int    `json:"channels,omitempty"`
	// Colours that fit the preview of a sound, as #rrggbb: background, foreground, accent.
	Colours [3]string `json:"colours,omitzero"`
}

const uploadColumns = "id, owner, status, kind, mime, file, preview, size, meta, description, created, state, problem"

func (u *Upload) scan() []any {
	return []any{&u.ID, &u.Owner, &u.Status, &u.Kind, &u.Mime, &u.File, &u.Preview, &u.Size, jsonOf{&u.Meta}, &u.Description, &u.Created, &u.State, &u.Problem}
}

// Uploads returns these uploads of an account; unknown ones are left out.
func (q *Q) Uploads(ctx context.Context, owner int64, ids []int64) (map[int64]*Upload, error) {
	found := map[int64]*Upload{}
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT "+uploadColumns+" FROM media WHERE owner = $1 AND id IN ("+list+")", append([]any{owner}, args...)...)
		all, err := collect(rows, err, (*Upload).scan)
		if err != nil {
			return nil, fmt.Errorf("uploads: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// AttachUploads notes of which status these different files of an account are part
// now, so that they are kept. ErrNotFound when another status has taken one of them
// meanwhile, or it was deleted.
func (tx *Tx) AttachUploads(ctx context.Context, owner, status int64, ids []int64) error {
	for _, id := range ids {
		n, err := tx.exec(ctx, "UPDATE media SET status = $2 WHERE owner = $1 AND id = $3 AND status IN (0, $2)", owner, status, id)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("attaching file %d to status %d: %w", id, status, err)
		}
	}
	return nil
}

// FreeUploads takes the files of a status that was deleted from it. A new post may
// take them, as when somebody deletes a post to write it anew; else they are deleted
// like any file that no post has.
func (tx *Tx) FreeUploads(ctx context.Context, status int64) error {
	_, err := tx.exec(ctx, "UPDATE media SET status = 0, created = $2 WHERE status = $1 AND status <> 0", status, tx.now().UnixMilli())
	return wrapped(err, "files of status %d", status)
}
