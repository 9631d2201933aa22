package store

import (
	"context"
	"errors"
	"fmt"
)

// SeveredFollow is a follow that ended by an event.
type SeveredFollow struct {
	Owner, Event   int64
	Following      bool // Owner followed Other; else Other followed Owner.
	Other          int64
	Seq            int64 // Of the Follow.
	Boosts, Notify bool  // How Owner followed.
	Languages      string
	Restored       int64 // ms; 0 not, -1 it could not be.
}

const severedColumns = "owner, event, following, other, seq, boosts, notify, languages, restored"

func (f *SeveredFollow) scan() []any {
	return []any{&f.Owner, &f.Event, &f.Following, &f.Other, &f.Seq, &f.Boosts, &f.Notify, &f.Languages, &f.Restored}
}

// KeepSevered keeps a follow that ends, with how its owner followed. It must be called
// before the follow's settings go.
func (tx *Tx) KeepSevered(ctx context.Context, f SeveredFollow) error {
	f.Boosts = true
	err := tx.row(ctx, "SELECT boosts, notify, languages FROM follow_settings WHERE actor = $1 AND target = $2", f.Owner, f.Other).Scan(&f.Boosts, &f.Notify, &f.Languages)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("settings of the follow of %d by %d: %w", f.Other, f.Owner, err)
	}
	_, err = tx.exec(ctx, "INSERT INTO severed_follows ("+severedColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING",
		f.Owner, f.Event, f.Following, f.Other, f.Seq, f.Boosts, f.Notify, f.Languages)
	return wrapped(err, "severed follow of %d and %d", f.Owner, f.Other)
}

// SeveredFollows returns up to limit of the follows that one of ours lost by an event
// in one direction, with others beyond an id, by id.
func (q *Q) SeveredFollows(ctx context.Context, owner, event int64, following bool, after int64, limit int) ([]SeveredFollow, error) {
	rows, err := q.query(ctx, "SELECT "+severedColumns+" FROM severed_follows WHERE owner = $1 AND event = $2 AND following = $3 AND other > $4 ORDER BY other LIMIT $5",
		owner, event, following, after, limit)
	all, err := collect(rows, err, (*SeveredFollow).scan)
	return all, wrapped(err, "follows that %d lost", owner)
}

// LostFollows returns up to limit of the follows that ended by an event and are not
// restored, in order, beyond one of them.
func (q *Q) LostFollows(ctx context.Context, event, owner, other int64, limit int) ([]SeveredFollow, error) {
	rows, err := q.query(ctx, "SELECT "+severedColumns+" FROM severed_follows WHERE restored = 0 AND event = $1 AND (owner, other) > ($2, $3) ORDER BY event, owner, other LIMIT $4",
		event, owner, other, limit)
	all, err := collect(rows, err, (*SeveredFollow).scan)
	return all, wrapped(err, "follows that ended by %d", event)
}

// SetRestored notes when a follow came back, or that it can't: -1.
func (tx *Tx) SetRestored(ctx context.Context, f *SeveredFollow, at int64) error {
	_, err := tx.exec(ctx, "UPDATE severed_follows SET restored = $5 WHERE owner = $1 AND event = $2 AND following = $3 AND other = $4", f.Owner, f.Event, f.Following, f.Other, at)
	return wrapped(err, "restored follow of %d and %d", f.Owner, f.Other)
}

// SeverancesBy returns the ids of the newest events of a type with a host or account.
func (q *Q) SeverancesBy(ctx context.Context, typ, target string) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT id FROM severances WHERE target = $1 AND type = $2 ORDER BY id DESC LIMIT 50", target, typ)
	return ids, wrapped(err, "severed relationships with %s", target)
}

// SeverancesOf returns a page of the events by which one of ours lost follows, newest first.
func (q *Q) SeverancesOf(ctx context.Context, owner int64, p Page) ([]Severance, error) {
	tail, args := p.clause("e.id", 2)
	rows, err := q.query(ctx, "SELECT e.id, e.type, e.target, e.purged, s.followers, s.following FROM severed s JOIN severances e ON e.id = s.event WHERE s.owner = $1"+tail,
		append([]any{owner}, args...)...)
	all, err := collect(rows, err, func(s *Severance) []any {
		return []any{&s.ID, &s.Type, &s.Target, &s.Purged, &s.Followers, &s.Following}
	})
	return order(p, all), wrapped(err, "severed relationships of %d", owner)
}

// Revive has an activity that was taken back stand again, with its document, which may
// have been dropped.
func (tx *Tx) Revive(ctx context.Context, seq int64, doc string) error {
	_, err := tx.exec(ctx, "UPDATE activities SET state = 0, doc = $2 WHERE seq = $1", seq, doc)
	return wrapped(err, "activity %d stands again", seq)
}

// TakenBack tells whether an activity of the log takes one back, or refuses it.
func (q *Q) TakenBack(ctx context.Context, seq int64) (bool, error) {
	yes, err := q.exists(ctx, "SELECT 1 FROM activities WHERE object = $1 AND type IN ('Undo', 'Reject') AND type <> 'Create' AND state <> 3 LIMIT 1", seq)
	return yes, wrapped(err, "what takes %d back", seq)
}
