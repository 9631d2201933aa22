package pipeline

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/store"
)

// tellChunk is how many are notified in one transaction; the rest follows in jobs.
const tellChunk = 100

// audiences are those of ours who are told of a status, by the kind of notification.
var audiences = map[string]func(q *store.Q, ctx context.Context, st *store.Status, after int64) ([]store.Cursor, error){
	"status": func(q *store.Q, ctx context.Context, st *store.Status, after int64) ([]store.Cursor, error) {
		return q.Bells(ctx, st.Actor, after, tellChunk)
	},
	"update": func(q *store.Q, ctx context.Context, st *store.Status, after int64) ([]store.Cursor, error) {
		return q.LocalBoosters(ctx, st.ID, after, tellChunk)
	},
	"quoted_update": func(q *store.Q, ctx context.Context, st *store.Status, after int64) ([]store.Cursor, error) {
		return q.LocalQuoters(ctx, st.ID, after, tellChunk)
	},
	"poll": func(q *store.Q, ctx context.Context, st *store.Status, after int64) ([]store.Cursor, error) {
		return q.LocalVoters(ctx, st.ID, after, tellChunk)
	},
}

// tellJob goes on telling of what an activity did to a status.
type tellJob struct {
	Kind   string `json:"kind"`
	Status int64  `json:"status"`
	Seq    int64  `json:"seq"` // The activity's.
	After  int64  `json:"after"`
}

// tellAll notifies everybody in the audience of a kind but the actor: the first of
// them now, the others in jobs. While the log is replayed nobody is left for later.
func (s *Step) tellAll(ctx context.Context, kind string, st *store.Status, after int64) error {
	for {
		page, err := audiences[kind](s.Q, ctx, st, after)
		if err != nil {
			return err
		}
		for _, who := range page {
			if who.ID == s.Actor.ID {
				continue
			}
			if err := s.notify(ctx, who.ID, kind, st.ID); err != nil {
				return err
			}
		}
		if len(page) < tellChunk {
			return nil
		}
		after = page[len(page)-1].At
		if !s.replay {
			j := tellJob{Kind: kind, Status: st.ID, Seq: s.Seq, After: after}
			return s.enqueueAt(ctx, "tell", "", fmt.Sprintf("tell %s %d %d", kind, j.Seq, after), 0, j)
		}
	}
}

// tellMore is the job that goes on.
func (p *Pipeline) tellMore(ctx context.Context, j tellJob) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		st, err := tx.Status(ctx, j.Status)
		if errors.Is(err, store.ErrNotFound) || audiences[j.Kind] == nil {
			return nil // Deleted meanwhile.
		} else if err != nil {
			return err
		}
		author, err := tx.Actor(ctx, st.Actor)
		if err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p, Actor: author, Seq: j.Seq}
		if err := s.tellAll(ctx, j.Kind, st, j.After); err != nil {
			return err
		}
		s.publishOnCommit()
		return nil
	})
}
