// Package delivery brings what our accounts do to the servers of those whom it is
// for. It learns of work from job rows: "expand" finds the inboxes of a committed
// activity, "deliver" sends it to one of them. What is sent is read when it is
// sent, so that a post which was deleted meanwhile stays here, and an edited one
// goes out as it reads now.
package delivery

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/proof"
	"kenoma/internal/queue"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Poster sends a signed document to an inbox; remote.Client does.
type Poster interface {
	// Post returns the answer whenever there was one; the error is nil for 2xx only.
	Post(ctx context.Context, inbox vocab.IRI, body []byte, key *remote.Key, about *remote.Synchronization) (*remote.Answer, error)
}

// Options are what a Delivery needs.
type Options struct {
	DB     *store.DB
	Remote Poster
	Host   string // Our own authority, which nothing is sent to.

	// Refuses tells whether nothing may be sent to a host, such as one that the
	// admin suspended. It is asked when inboxes are found and again before each
	// request. nil: every host may get what is for it.
	Refuses func(host string) bool
	// Key returns the key of an actor of ours that is no account, such as the
	// instance's. nil: there is none.
	Key func(ctx context.Context, actor int64) *remote.Key
	Log *slog.Logger // nil means slog.Default().
}

const (
	chunk     = 500       // Recipients per transaction.
	bodyBytes = 4 << 20   // Documents that are kept for the next inboxes.
	keyCount  = 256       // Parsed keys that are kept, about 4 kB each.
	noteEvery = time.Hour // How exactly the last success of a healthy host is noted.
	maxNoted  = 20_000    // Hosts of which that is remembered.
)

// Delivery has the handlers of its jobs. It is safe for concurrent use.
type Delivery struct {
	opts    Options
	bodies  cache[bodyKey, []byte]
	keys    cache[int64, *remote.Key]
	provers cache[int64, *proof.Signer]

	mu      sync.Mutex
	noted   map[string]time.Time // When a host's last success was written.
	failing map[string]bool      // Hosts known to fail.
}

// New makes a Delivery.
func New(opts Options) *Delivery {
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	opts.Host = strings.ToLower(opts.Host)
	return &Delivery{opts: opts, noted: map[string]time.Time{}, failing: map[string]bool{},
		bodies:  cache[bodyKey, []byte]{max: bodyBytes, cost: func(b []byte) int { return len(b) + 200 }},
		keys:    cache[int64, *remote.Key]{max: keyCount},
		provers: cache[int64, *proof.Signer]{max: keyCount}}
}

// The kinds of jobs.
const (
	kindExpand  = "expand"            // {"activity": seq}
	kindDeliver = "deliver"           // {"activity": seq, "inbox": id}, part: the host
	kindPark    = "park"              // {"host"}: it is unreachable
	kindProbe   = "probe"             // {"host"}, part: the host
	kindUnpark  = "unpark"            // {"host"}: it is back
	kindExpire  = "expire-deliveries" // {}
)

// Jobs returns the handlers of the delivery's jobs by kind, for the queue.
func (d *Delivery) Jobs() map[string]queue.Handler {
	return map[string]queue.Handler{
		kindExpand:  d.expand,
		kindDeliver: d.deliver,
		kindPark:    d.park,
		kindProbe:   d.probe,
		kindUnpark:  d.unpark,
		kindExpire:  d.expire,
	}
}

// Kinds returns how the queue is to treat them.
func (d *Delivery) Kinds() map[string]queue.Kind {
	return map[string]queue.Kind{
		// What fails here is our own, and the actor's next activities wait behind it.
		kindExpand:  {Schedule: queue.Schedule{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}},
		kindDeliver: {Save: d.save},
		// As long as deliveries are on record, once or twice a day.
		kindProbe: {Save: d.save, Attempts: 60, Schedule: queue.Schedule{12 * time.Hour, 16 * time.Hour, 24 * time.Hour}},
	}
}

// Start has what must happen regularly happen from now on. It is called once the
// database is open, on every node.
func (d *Delivery) Start(ctx context.Context) error {
	hosts, err := d.opts.DB.FailingHosts(ctx, maxNoted)
	if err != nil {
		return err
	}
	d.mu.Lock()
	for _, h := range hosts {
		d.failing[h.Host] = true
	}
	d.mu.Unlock()
	return d.scheduleExpiry(ctx)
}

// Alive is told that a host has sent us something that its key vouches for: if it
// was failing, what waits for it goes out at once.
func (d *Delivery) Alive(ctx context.Context, host string) {
	d.mu.Lock()
	was := d.failing[host]
	d.mu.Unlock()
	if !was {
		return
	}
	err := d.opts.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.PartsOK(ctx, []string{host}); err != nil {
			return err
		}
		return d.hostsOK(ctx, tx, []string{host})
	})
	if err != nil {
		d.opts.Log.Warn("the recovery of a host was not noted", "host", host, "err", err)
	}
}

// ForgetKey has the key of an account read anew, after it was changed.
func (d *Delivery) ForgetKey(actor int64) {
	d.keys.drop(actor)
	d.provers.drop(actor)
}

// refuses tells whether nothing may be sent to host.
func (d *Delivery) refuses(host string) bool {
	return host == "" || host == d.opts.Host || d.opts.Refuses != nil && d.opts.Refuses(host)
}

// decode reads a job's payload.
func decode(j store.Job, payload any) error {
	if err := json.Unmarshal(j.Payload, payload); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	return nil
}

func encode(payload any) json.RawMessage {
	b, err := json.Marshal(payload)
	if err != nil {
		panic(err) // Our own structs of numbers and strings.
	}
	return b
}

// contains tells whether a document addresses iri.
func contains(a *vocab.Activity, iri vocab.IRI) bool {
	return slices.Contains(a.To, iri) || slices.Contains(a.Cc, iri) || slices.Contains(a.Audience, iri)
}
