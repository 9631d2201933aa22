// Package takeout is what people take away with them and bring along: an archive
// of what they wrote, lists as CSV, and the import of such lists. The forms are
// those of Mastodon, so that people can move in and out.
package takeout

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// Options are what a Service needs.
type Options struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Hub      *stream.Hub   // nil: nobody is told.
	Storage  media.Storage // Of uploads.
	Dir      string        // Where archives lie.
	URL      string
	Domain   string
	Every    time.Duration // An archive per account so often. 0: no limit.
	Keep     time.Duration // How long an archive, or a list of failures, is kept. 0 means a week.
	MaxRows  int           // Of an import. 0 means 20,000.

	Uploads      *media.Uploads // For the files of archives that people bring. nil: those are left out.
	Archives     int            // How many archives an account may bring in the time of Keep. 0: none.
	ArchiveBytes int64          // How large one may be. 0 means 1 GB.
	MaxPosts     int            // How many posts of one are taken. 0 means 50,000.
	Log          *slog.Logger
	Now          func() time.Time
}

// Service puts archives together and runs imports. It is safe for concurrent use.
type Service struct {
	Options
	ctx  context.Context // Ends with Close.
	stop context.CancelFunc

	mu        sync.Mutex
	packing   map[int64]*packing // By archive.
	uploading map[int64]bool     // Accounts that send an archive at the moment.
	workers   sync.WaitGroup
}

// packing is the work on a zip, which may last longer than a run of its job.
type packing struct {
	done chan struct{} // Closed at the end; err is set then.
	err  error
}

// New makes a Service.
func New(o Options) *Service {
	if o.Keep == 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.MaxRows == 0 {
		o.MaxRows = 20_000
	}
	if o.ArchiveBytes == 0 {
		o.ArchiveBytes = 1 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Service{Options: o, packing: map[int64]*packing{}, uploading: map[int64]bool{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Close ends the work on archives, which begin anew after the next start.
func (s *Service) Close() {
	s.stop()
	s.workers.Wait()
}

// Jobs are what the queue is to run for this package.
func (s *Service) Jobs() map[string]func(context.Context, store.Job) error {
	return map[string]func(context.Context, store.Job) error{
		"archive":      s.archiveJob,
		"archive-drop": s.dropArchiveJob,
		"import":       s.importJob,
		"import-drop":  s.dropImportJob,
		BringJob:       s.bringJob,
	}
}

func decode(j store.Job, into any) error {
	if err := json.Unmarshal(j.Payload, into); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	return nil
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // Only structs of this package.
	}
	return b
}

// handle is an account as a file names it: always with its domain.
func (s *Service) handle(a *store.Actor) string {
	if a.Domain == "" {
		return a.Username + "@" + s.Domain
	}
	return a.Username + "@" + a.Domain
}

// key is a file in the storage, if the address is that of an upload of ours.
func (s *Service) key(address string) (string, bool) {
	return strings.CutPrefix(address, s.URL+pipeline.MediaPath)
}

// changed tells all nodes that what an account avoids is another.
func (s *Service) changed(actor int64) {
	if s.Hub != nil {
		s.Hub.Publish(stream.Event{Kind: "relations_changed", Home: []int64{actor}})
	}
}

func uniq(kind string, id int64) string { return fmt.Sprintf("%s %d", kind, id) }
