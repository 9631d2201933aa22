package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Scheduled is a post that is to be published later.
type Scheduled struct {
	ID, Actor int64
	RunAt     int64  // ms
	Params    string // The door's.
}

// ScheduledJob is the kind of the jobs that publish them.
const ScheduledJob = "scheduled"

const scheduledColumns = "id, actor, run_at, params"

func (s *Scheduled) scan() []any { return []any{&s.ID, &s.Actor, &s.RunAt, &s.Params} }

// Scheduled returns one of them, whosever it is.
func (q *Q) Scheduled(ctx context.Context, id int64) (*Scheduled, error) {
	var s Scheduled
	err := q.row(ctx, "SELECT "+scheduledColumns+" FROM scheduled_statuses WHERE id = $1", id).Scan(s.scan()...)
	if err != nil {
		return nil, fmt.Errorf("scheduled post %d: %w", id, err)
	}
	return &s, nil
}

// ScheduledOf returns a page of an account's.
func (q *Q) ScheduledOf(ctx context.Context, actor int64, p Page) ([]Scheduled, error) {
	tail, args := p.clause("id", 2)
	rows, err := q.query(ctx, "SELECT "+scheduledColumns+" FROM scheduled_statuses WHERE actor = $1"+tail, append([]any{actor}, args...)...)
	list, err := collect(rows, err, (*Scheduled).scan)
	return order(p, list), wrapped(err, "scheduled posts of %d", actor)
}

// CountScheduled returns how many an account has, but for except, and how many of them
// are due from a time until another (ms).
func (q *Q) CountScheduled(ctx context.Context, actor, except, from, until int64) (all, between int, err error) {
	err = q.row(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN run_at >= $3 AND run_at < $4 THEN 1 ELSE 0 END), 0)
		FROM scheduled_statuses WHERE actor = $1 AND id <> $2`, actor, except, from, until).Scan(&all, &between)
	return all, between, wrapped(err, "scheduled posts of %d", actor)
}

// SetScheduled keeps a post for later, or changes when, with the job that publishes it.
func (tx *Tx) SetScheduled(ctx context.Context, s Scheduled) error {
	_, err := tx.exec(ctx, "INSERT INTO scheduled_statuses ("+scheduledColumns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET run_at = excluded.run_at`, s.ID, s.Actor, s.RunAt, s.Params)
	if err != nil {
		return fmt.Errorf("scheduling a post of %d: %w", s.Actor, err)
	}
	return tx.EnqueueScheduled(ctx, s)
}

// EnqueueScheduled adds the job that publishes a post when it is due.
func (tx *Tx) EnqueueScheduled(ctx context.Context, s Scheduled) error {
	payload, err := json.Marshal(s.ID)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, Job{Kind: ScheduledJob, RunAt: s.RunAt, Uniq: fmt.Sprintf("scheduled %d", s.ID), Payload: payload})
}

// TakeScheduled removes one, and frees its files for the post that it becomes;
// ErrNotFound when it is not there any more.
func (tx *Tx) TakeScheduled(ctx context.Context, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM scheduled_statuses WHERE id = $1", id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("scheduled post %d: %w", id, err)
	}
	return tx.FreeUploads(ctx, id)
}
