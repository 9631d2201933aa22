package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// The intake: what a relay names is queued, and fetched at a bounded pace.

// intakeEvery is how often a relay's queue is worked on.
const intakeEvery = 5 * time.Second

// relayClimb is for what a relay brings: nothing is fetched because of it.
const relayClimb = maxClimb + 1

type intakeJob struct {
	Relay int64 `json:"relay"`
}

// queueRelayed notes a post for fetching, unless it is here or not wanted.
func (p *Pipeline) queueRelayed(ctx context.Context, r *store.Relay, object vocab.IRI) error {
	if p.fetchable(object) != nil || p.Hosts.Of(object.Host()).Silence || p.Relay.Rate <= 0 || p.Relay.Queue <= 0 {
		return nil
	}
	if _, err := p.DB.ObjectByURI(ctx, object); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if added, err := tx.QueueRelayed(ctx, r.ID, object, p.Relay.Queue); err != nil || !added {
			return err
		}
		return p.intakeLater(ctx, tx, r.ID)
	})
}

func (p *Pipeline) intakeLater(ctx context.Context, tx *store.Tx, relay int64) error {
	s := &Step{Tx: tx, p: p}
	return s.enqueueAt(ctx, "relay-intake", "relays", fmt.Sprintf("relay-intake %d", relay), p.Now().Add(intakeEvery).UnixMilli(), intakeJob{relay})
}

// intake is the job "relay-intake": it fetches the share of a relay's queue that its
// pace allows, and comes again while there is more.
func (p *Pipeline) intake(ctx context.Context, j intakeJob) error {
	share := max(1, p.Relay.Rate*int(intakeEvery/time.Second)/60)
	uris, err := p.DB.RelayQueue(ctx, j.Relay, share+1)
	if err != nil || len(uris) == 0 {
		return err
	}
	more := len(uris) > share
	uris = uris[:min(share, len(uris))]
	done := 0
	deadline, limited := ctx.Deadline()
	for _, uri := range uris {
		if limited && time.Until(deadline) < 2*repliesMargin {
			more = true
			break
		}
		if err := p.fetchPublic(ctx, uri); err != nil {
			p.Log.Debug("post of a relay not fetched", "uri", uri, "err", err)
		}
		done++
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UnqueueRelayed(ctx, uris[:done]); err != nil || !more {
			return err
		}
		return p.intakeLater(ctx, tx, j.Relay)
	})
}

// fetchPublic takes in a post for the public timelines alone; nothing else is fetched
// because of it but its author.
func (p *Pipeline) fetchPublic(ctx context.Context, uri vocab.IRI) error {
	if _, err := p.DB.ObjectByURI(ctx, uri); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := p.fetchable(uri); err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, uri, p.InstanceKey(ctx))
	if err != nil {
		return err
	}
	if p.Hosts.Of(final.Host()).Silence || p.Hosts.Refuses(final.Host()) {
		return fault.New(fault.Rejected, "Nothing is taken from %s here.", final.Host())
	}
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return err
	}
	if !vocab.IsPost(o.Type) || vocab.VisibilityOf(o.To, o.Cc, "").Name != "public" {
		return fault.New(fault.Rejected, "%s is no public post.", uri)
	}
	_, err = p.fetched(ctx, body, final, relayClimb)
	return err
}

// rates bounds how much each source may do in a minute, on this node.
type rates struct {
	mu     sync.Mutex
	minute int64
	done   map[int64]int
}

// take counts one; false when it is one too many.
func (r *rates) take(source int64, now time.Time, perMinute int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if minute := now.Unix() / 60; minute != r.minute || r.done == nil {
		r.minute, r.done = minute, map[int64]int{}
	}
	if r.done[source] >= perMinute {
		return false
	}
	r.done[source]++
	return true
}
