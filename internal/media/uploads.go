package media

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// JobKind is the kind of the jobs that Uploads leaves; Uploads.Job does them. They
// are of a part of their own, so that other work doesn't wait for them.
const JobKind = "media"

// Times of a job.
const (
	// hold is how long one run of a job watches the work, well below the queue's
	// limit of a run; then it asks for another run, which watches on.
	hold = 20 * time.Second
	// maxRuns is how often the work on a file may be begun. One that brings the
	// program down must not do so for ever.
	maxRuns = 3
)

// Uploads keeps the files that people bring: rows in the database, bytes in the
// storage, and the work between the two. Set the fields before the first call; it
// is then safe for concurrent use.
type Uploads struct {
	DB        *store.DB
	Storage   Storage
	Processor *Processor
	Log       *slog.Logger

	mu   sync.Mutex
	work map[int64]*working // By upload.
}

// working is the work on one file, which may last longer than a run of its job.
type working struct {
	done   chan struct{} // Closed at the end, err is set then.
	cancel context.CancelFunc
	err    error
}

// Add takes a file in and completes u, of which ID, Owner, Status, Created,
// Description and Focus are set; thumbnail is a picture to be its preview, nil for
// none. With wait, and for what takes but a moment, u is ready then; else its State
// is UploadWaiting, and a job does the rest.
func (s *Uploads) Add(ctx context.Context, u *store.Upload, file, thumbnail io.Reader, wait bool) (err error) {
	taken, err := s.Processor.Take(file)
	if err != nil {
		return err
	}
	defer func() { _ = taken.Close() }()
	if thumbnail != nil {
		if err := s.preview(ctx, u, thumbnail); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				s.drop(context.WithoutCancel(ctx), u.Preview)
			}
		}()
	}
	if wait || taken.Quick() {
		return s.now(ctx, u, taken)
	}
	return s.later(ctx, u, taken)
}

// now works on a file at once.
func (s *Uploads) now(ctx context.Context, u *store.Upload, taken *Taken) error {
	res, err := s.Processor.Work(ctx, taken, Options{})
	if err != nil {
		return err
	}
	defer func() { _ = res.Close() }()
	done := *u
	if err := s.Keep(ctx, &done, res); err != nil {
		return err
	}
	if u.Preview != "" {
		s.drop(ctx, done.Preview)
		showAs(&done, u)
	}
	*u = done
	err = s.DB.Write(ctx, func(tx *store.Tx) error { return tx.InsertUpload(ctx, u) })
	if err != nil {
		s.drop(context.WithoutCancel(ctx), u.File, u.Preview)
	}
	return err
}

// later leaves a file to a job.
func (s *Uploads) later(ctx context.Context, u *store.Upload, taken *Taken) error {
	u.State, u.Kind, u.Mime, u.Size, u.File = store.UploadWaiting, string(taken.Kind), taken.t.name, taken.Size, folder(u.ID)+"raw"
	if _, err := taken.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	if err := s.Storage.Put(ctx, u.File, taken.f, taken.t.name); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertUpload(ctx, u); err != nil {
			return err
		}
		payload, err := json.Marshal(order{Upload: u.ID})
		if err != nil {
			return fmt.Errorf("job of upload %d: %w", u.ID, err)
		}
		return tx.Enqueue(ctx, store.Job{Kind: JobKind, Part: JobKind, Uniq: JobKind + " " + strconv.FormatInt(u.ID, 10), Payload: payload})
	})
}

// folder begins the keys of an upload's files.
func folder(id int64) string { return strconv.FormatInt(id, 10) + "/" }

// Keep puts the files of a result into the storage and completes u with them.
func (s *Uploads) Keep(ctx context.Context, u *store.Upload, res *Result) error {
	u.File, u.Preview = folder(u.ID)+"original"+Extension(res.Original.Type), ""
	if err := s.put(ctx, u.File, &res.Original); err != nil {
		return err
	}
	if res.Preview != nil {
		u.Preview = folder(u.ID) + "small" + Extension(res.Preview.Type)
		if err := s.put(ctx, u.Preview, res.Preview); err != nil {
			return err
		}
	}
	u.Kind, u.Mime, u.Size = string(res.Kind), res.Original.Type, res.Original.Size
	u.Meta.Width, u.Meta.Height, u.Meta.Blurhash, u.Meta.Duration = res.Original.Width, res.Original.Height, res.Blurhash, res.Duration
	u.Meta.MediaDetail = res.Detail
	if res.Preview != nil {
		u.Meta.SmallWidth, u.Meta.SmallHeight = res.Preview.Width, res.Preview.Height
	}
	u.State, u.Problem = store.UploadReady, ""
	return nil
}

func (s *Uploads) put(ctx context.Context, key string, f *File) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	defer func() { _ = in.Close() }()
	return s.Storage.Put(ctx, key, in, f.Type)
}

// Delete drops an upload: the row, then the files. Files that can't be deleted are
// logged.
func (s *Uploads) Delete(ctx context.Context, u *store.Upload) error {
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DeleteUpload(ctx, u.ID) }); err != nil {
		return err
	}
	s.mu.Lock()
	if w := s.work[u.ID]; w != nil {
		w.cancel()
	}
	s.mu.Unlock()
	s.drop(ctx, u.File, u.Preview)
	return nil
}

func (s *Uploads) drop(ctx context.Context, keys ...string) {
	for _, key := range keys {
		if key == "" {
			continue
		}
		if err := s.Storage.Delete(ctx, key); err != nil {
			s.Log.Warn("the file of an upload stays", "key", key, "err", err)
		}
	}
}

// order is the payload of a job.
type order struct {
	Upload int64 `json:"upload"`
	Runs   int   `json:"runs,omitempty"` // How often the work was begun.
}

// Job works on one upload until it is ready or failed. It may be run again after a
// crash at any point: what was stored before is stored again under the same names.
func (s *Uploads) Job(ctx context.Context, j store.Job) error {
	var o order
	if err := json.Unmarshal(j.Payload, &o); err != nil {
		return fmt.Errorf("job %d: %w", j.ID, err)
	}
	w, err := s.begin(ctx, j, &o)
	if err != nil || w == nil {
		return err
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-w.done:
		s.mu.Lock()
		delete(s.work, o.Upload)
		s.mu.Unlock()
		return w.err
	case <-timer.C:
		return s.proceed(ctx, j, o, true)
	case <-ctx.Done(): // A shutdown, which is not the file's fault.
		w.cancel()
		<-w.done
		s.mu.Lock()
		delete(s.work, o.Upload)
		s.mu.Unlock()
		o.Runs--
		if err := s.proceed(context.WithoutCancel(ctx), j, o, false); err != nil {
			return err
		}
		return fmt.Errorf("upload %d: %w", o.Upload, ctx.Err())
	}
}

// proceed writes the order down; with more the job runs again as soon as this run ends.
func (s *Uploads) proceed(ctx context.Context, j store.Job, o order, more bool) error {
	payload, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("job %d: %w", j.ID, err)
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, j.ID, payload, more) })
}

// begin returns the work that is under way, or starts it; nil when there is none to do.
func (s *Uploads) begin(ctx context.Context, j store.Job, o *order) (*working, error) {
	s.mu.Lock()
	w := s.work[o.Upload]
	s.mu.Unlock()
	if w != nil {
		return w, nil
	}
	u, err := s.DB.Upload(ctx, o.Upload)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // Deleted meanwhile, with its files.
	}
	if err != nil {
		return nil, err
	}
	if u.State != store.UploadWaiting {
		s.drop(ctx, folder(u.ID)+"raw") // We ended before we came to it.
		return nil, nil
	}
	if o.Runs++; o.Runs > maxRuns {
		return nil, s.fail(ctx, u, fault.New(fault.Invalid, "The file could not be processed."))
	}
	if err := s.proceed(ctx, j, *o, false); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w = &working{done: make(chan struct{}), cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.work == nil {
		s.work = map[int64]*working{}
	}
	s.work[u.ID] = w
	go func() {
		defer close(w.done)
		defer cancel()
		w.err = s.process(bounded, u)
	}()
	return w, nil
}

// process makes of the raw file what is kept, or notes why it can't be done.
func (s *Uploads) process(ctx context.Context, u *store.Upload) error {
	raw, _, err := s.Storage.Open(ctx, u.File)
	if fault.Is(err, fault.NotFound) {
		return s.fail(ctx, u, fault.Because(err, fault.Invalid, "The file was lost. Upload it again."))
	}
	if err != nil {
		return err
	}
	defer func() { _ = raw.Close() }()
	res, err := s.Processor.Process(ctx, raw, Options{})
	if err != nil && ctx.Err() == nil && fault.KindOf(err) != fault.Internal && !fault.Is(err, fault.Transient) {
		return s.fail(ctx, u, err)
	}
	if err != nil {
		return fault.Because(err, fault.Transient, "The file could not be processed.") // A full disk, a shutdown: again later.
	}
	defer func() { _ = res.Close() }()
	done := *u
	if err := s.Keep(ctx, &done, res); err != nil {
		return err
	}
	var unused string
	gone, err := s.change(ctx, u.ID, func(now *store.Upload) {
		if done.Description, done.Meta.Focus, done.Status = now.Description, now.Meta.Focus, now.Status; now.Preview != "" { // The owner brought one.
			unused = done.Preview
			showAs(&done, now)
		}
		*now = done
	})
	if err != nil {
		return err
	}
	if gone {
		s.drop(ctx, done.File, done.Preview)
	}
	s.drop(ctx, u.File, unused)
	return nil
}

// change writes what f makes of an upload; gone is true when there is none any more.
func (s *Uploads) change(ctx context.Context, id int64, f func(*store.Upload)) (gone bool, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := tx.LockUpload(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			gone = true
			return nil
		}
		if err != nil {
			return err
		}
		f(u)
		return tx.UpdateUpload(ctx, u)
	})
	return gone, err
}

// fail notes for the owner why a file can't be used.
func (s *Uploads) fail(ctx context.Context, u *store.Upload, cause error) error {
	s.Log.Info("an upload can't be used", "upload", u.ID, "type", u.Mime, "err", cause)
	_, text := fault.Public(cause)
	_, err := s.change(ctx, u.ID, func(now *store.Upload) { now.State, now.Problem, now.File = store.UploadFailed, text, "" })
	if err == nil {
		s.drop(ctx, u.File)
	}
	return err
}

// preview makes a picture the preview of u, under a key that was not used before:
// what is at a key never changes.
func (s *Uploads) preview(ctx context.Context, u *store.Upload, thumbnail io.Reader) error {
	res, err := s.Processor.Process(ctx, thumbnail, Options{Purpose: Preview})
	if err != nil {
		return err
	}
	defer func() { _ = res.Close() }()
	key := folder(u.ID) + "small-" + strings.ToLower(rand.Text()[:10]) + Extension(res.Original.Type)
	if err := s.put(ctx, key, &res.Original); err != nil {
		return err
	}
	u.Preview, u.Meta.Blurhash = key, res.Blurhash
	u.Meta.SmallWidth, u.Meta.SmallHeight, u.Meta.Colours = res.Original.Width, res.Original.Height, res.Detail.Colours
	return nil
}

// showAs gives to the preview of from.
func showAs(to, from *store.Upload) {
	to.Preview, to.Meta.Blurhash, to.Meta.Colours = from.Preview, from.Meta.Blurhash, from.Meta.Colours
	to.Meta.SmallWidth, to.Meta.SmallHeight = from.Meta.SmallWidth, from.Meta.SmallHeight
}

// Change gives an upload the description and focus of u, and its preview unless
// thumbnail is nil, and returns it as it is then. A job may work on it meanwhile.
func (s *Uploads) Change(ctx context.Context, u *store.Upload, thumbnail io.Reader) (*store.Upload, error) {
	fresh := *u
	if thumbnail != nil {
		if err := s.preview(ctx, &fresh, thumbnail); err != nil {
			return nil, err
		}
	}
	var after *store.Upload
	var unused string
	gone, err := s.change(ctx, u.ID, func(now *store.Upload) {
		now.Description, now.Meta.Focus = u.Description, u.Meta.Focus
		if thumbnail != nil {
			unused = now.Preview
			showAs(now, &fresh)
		}
		after = now
	})
	if err != nil || gone {
		if thumbnail != nil {
			s.drop(ctx, fresh.Preview)
		}
		if gone {
			err = fault.New(fault.NotFound, "There is no such file.")
		}
		return nil, err
	}
	s.drop(ctx, unused)
	return after, nil
}
