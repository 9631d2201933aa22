package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// Jobs returns the handlers of the pipeline's jobs by kind, for the queue.
func (p *Pipeline) Jobs() map[string]func(context.Context, store.Job) error {
	return map[string]func(context.Context, store.Job) error{
		"fetch":           handler(quiet(p.fetch)),
		"group-removal":   handler(quiet(p.removeByModerator)),
		"quote-verify":    handler(quiet(p.verifyStamp)),
		RepliesJob:        p.fetchReplies,
		"fanout":          handler(p.fanout),
		"tell":            handler(p.tellMore),
		"introduce":       handler(p.introduce),
		"refill":          handler(p.refill),
		"synchronize":     handler(quiet(p.synchronize)),
		"move":            handler(quiet(p.confirmMove)),
		"carry-over":      handler(p.carryOver),
		"purge":           handler(p.purge),
		"sever":           handler(p.severAll),
		"restore-follows": handler(p.restoreFollows),
		"erase":           handler(p.erase),
		"forward-report":  handler(p.forwardReport),
		"host-rule":       handler(p.applyHostRule),
		"autofollow":      handler(p.autofollow),
		"blocklists":      handler(p.refreshLists),
		waveJob:           handler(p.tellWave),
		"poll-end":        handler(p.endPoll),
		"poll-update":     handler(p.sendTallies),
		"compact":         handler(p.compactJob),
		"trends":          handler(p.trendsJob),
		"announcement":    handler(p.publishAnnouncement),
		"relay-announce":  handler(p.announceToMembers),
		"relay-intake":    handler(p.intake),
		"relay-send":      p.relaySendJob,
		"look":            handler(quiet(p.look)),
		"backfill":        handler(quiet(p.backfill)),
		"featured-tags":   handler(quiet(p.fetchFeaturedTags)),
		"verify-links":    handler(quiet(p.verifyLinks)),
		"index":           handler(p.indexOld),
		"software":        handler(p.fetchSoftware),
		"proof-keys":      handler(p.addProofKeys),
		"expire":          handler(p.expire),
	}
}

// handler decodes a job's payload for f.
func handler[T any](f func(context.Context, T) error) func(context.Context, store.Job) error {
	return func(ctx context.Context, j store.Job) error {
		var payload T
		if err := json.Unmarshal(j.Payload, &payload); err != nil {
			return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
		}
		return f(ctx, payload)
	}
}

// quiet drops definite failures: a document that is gone, or refused, needs no
// further try and no alarm.
func quiet[T any](f func(context.Context, T) error) func(context.Context, T) error {
	return func(ctx context.Context, payload T) error {
		err := f(ctx, payload)
		if err != nil && !fault.Retryable(err) {
			return nil
		}
		return err
	}
}

type fanoutJob struct {
	Status int64 `json:"status"`
	After  int64 `json:"after"`
}

// fanoutRest leaves the remaining homes of a status with many readers to a job.
// While the log is replayed they are written at once.
func (s *Step) fanoutRest(ctx context.Context, st *store.Status, after int64) error {
	if !s.replay {
		return s.enqueue(ctx, "fanout", "", fanoutJob{st.ID, after})
	}
	for after != 0 {
		var err error
		if _, after, err = s.Deliver(ctx, st, after, fanoutChunk); err != nil {
			return err
		}
	}
	return nil
}

// fanout goes on with a status that has many readers; each chunk is a transaction
// that leaves the next one as a job.
func (p *Pipeline) fanout(ctx context.Context, j fanoutJob) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		st, err := tx.Status(ctx, j.Status)
		if errors.Is(err, store.ErrNotFound) {
			return nil // Deleted meanwhile.
		} else if err != nil {
			return err
		}
		owners, next, err := tx.Deliver(ctx, st, j.After, fanoutChunk)
		if err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p}
		s.publish(stream.Event{Kind: "update", Status: st.ID, Author: st.Actor, Home: owners})
		s.publishOnCommit()
		if next == 0 {
			return nil
		}
		return s.enqueue(ctx, "fanout", "", fanoutJob{st.ID, next})
	})
}

// The times after which things are dropped.
const (
	keepUndone = 30 * 24 * time.Hour // Longer than any peer retries.
	keepDocs   = 10 * 24 * time.Hour // Deliveries of it have been given up by then.
	keepKeys   = time.Hour
)

type compactPayload struct{}

// compactEvery is how often the log is compacted.
const compactEvery = time.Hour

// ScheduleCompaction has the log compacted from now on.
func (p *Pipeline) ScheduleCompaction(ctx context.Context) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "compact", "", "compact", p.Now().Add(compactEvery).UnixMilli(), compactPayload{})
	})
}

func (p *Pipeline) compactJob(ctx context.Context, _ compactPayload) error {
	if err := p.Compact(ctx, p.Now()); err != nil {
		return err
	}
	if err := p.verifyAgain(ctx); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		at := p.Now().Add(compactEvery).UnixMilli()
		return s.enqueueAt(ctx, "compact", "", fmt.Sprintf("compact %d", at/compactEvery.Milliseconds()), at, compactPayload{})
	})
}

// Compact drops the documents of activities that have no effect any more, and
// after 30 days their rows; homes are cut to their size. It works in small pieces,
// each of its own transaction, and changes no state that anybody can see.
func (p *Pipeline) Compact(ctx context.Context, now time.Time) error {
	docs, rows := p.DB.IDs.Floor(now.Add(-keepDocs)), p.DB.IDs.Floor(now.Add(-keepUndone))
	for _, step := range []func(*store.Tx) (bool, error){
		func(tx *store.Tx) (bool, error) { return tx.EmptyDead(ctx, docs) },
		func(tx *store.Tx) (bool, error) { return tx.DropDead(ctx, rows) },
		func(tx *store.Tx) (bool, error) { return tx.TrimHomes(ctx) },
		func(tx *store.Tx) (bool, error) { return false, tx.ForgetKeys(ctx, now.Add(-keepKeys).UnixMilli()) },
	} {
		for more := true; more; {
			err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return fmt.Errorf("compacting: %w", err)
			}
		}
	}
	return nil
}
