package store

import (
	"context"
	"fmt"
)

// Elsewhere is what another server says of its account, and when it was asked.
type Elsewhere struct {
	Actor                          int64
	Followers, Following, Statuses int64 // −1: it does not tell.
	Looked                         int64 // ms; 0 never.
	Backfilled                     int64 // ms when its newest posts were fetched; 0 never.
}

func (e *Elsewhere) scan() []any {
	return []any{&e.Actor, &e.Followers, &e.Following, &e.Statuses, &e.Looked, &e.Backfilled}
}

// Elsewhere returns what other servers said of these actors; those that were never
// asked about are left out.
func (q *Q) Elsewhere(ctx context.Context, ids []int64) (map[int64]Elsewhere, error) {
	found := make(map[int64]Elsewhere, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT actor, followers, following, statuses, looked, backfilled FROM elsewhere WHERE actor IN ("+list+")", args...)
		all, err := collect(rows, err, (*Elsewhere).scan)
		if err != nil {
			return nil, fmt.Errorf("accounts elsewhere: %w", err)
		}
		for _, e := range all {
			found[e.Actor] = e
		}
	}
	return found, nil
}

// SetNumbers records the numbers of a remote account, as of now.
func (tx *Tx) SetNumbers(ctx context.Context, e Elsewhere) error {
	_, err := tx.exec(ctx, `INSERT INTO elsewhere (actor, followers, following, statuses, looked, backfilled) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (actor) DO UPDATE SET followers = excluded.followers, following = excluded.following, statuses = excluded.statuses, looked = excluded.looked`,
		e.Actor, e.Followers, e.Following, e.Statuses, tx.now().UnixMilli())
	return wrapped(err, "numbers of %d", e.Actor)
}

// SetBackfilled records that the newest posts of a remote account were fetched.
func (tx *Tx) SetBackfilled(ctx context.Context, actor int64) error {
	_, err := tx.exec(ctx, `INSERT INTO elsewhere (actor, followers, following, statuses, looked, backfilled) VALUES ($1, -1, -1, -1, 0, $2)
		ON CONFLICT (actor) DO UPDATE SET backfilled = excluded.backfilled`, actor, tx.now().UnixMilli())
	return wrapped(err, "posts of %d", actor)
}

// Add takes what another server says over what is known here, which is less.
func (c *ActorCounts) Add(e Elsewhere) {
	c.Followers, c.Following, c.Statuses = max(c.Followers, e.Followers), max(c.Following, e.Following), max(c.Statuses, e.Statuses)
}
