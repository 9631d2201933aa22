package store

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/vocab"
)

// AccountMove says that an account of ours sent its visitors, and maybe its followers,
// to another one.
type AccountMove struct {
	ID, Actor int64
	Target    vocab.IRI
	Followers bool // They were asked to come along.
}

// InsertAccountMove keeps one.
func (tx *Tx) InsertAccountMove(ctx context.Context, m AccountMove) error {
	_, err := tx.exec(ctx, "INSERT INTO account_moves (id, actor, target, followers) VALUES ($1, $2, $3, $4)", m.ID, m.Actor, m.Target, m.Followers)
	return wrapped(err, "move of %d", m.Actor)
}

// AccountMoves returns an account's moves, the newest first, at most 20.
func (q *Q) AccountMoves(ctx context.Context, actor int64) ([]AccountMove, error) {
	rows, err := q.query(ctx, "SELECT id, actor, target, followers FROM account_moves WHERE actor = $1 ORDER BY id DESC LIMIT 20", actor)
	all, err := collect(rows, err, func(m *AccountMove) []any { return []any{&m.ID, &m.Actor, &m.Target, &m.Followers} })
	return all, wrapped(err, "moves of %d", actor)
}

// MovedTo returns where an actor says that it moved; "" when it stays, and of those
// who have no profile, such as deleted ones.
func (q *Q) MovedTo(ctx context.Context, actor int64) (vocab.IRI, error) {
	var to vocab.IRI
	if err := q.row(ctx, "SELECT moved_to FROM profiles WHERE actor = $1", actor).Scan(&to); err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("profile of %d: %w", actor, err)
	}
	return to, nil
}

// LocalFollowers returns our own accepted followers of an actor after an id, in the
// order of ids.
func (q *Q) LocalFollowers(ctx context.Context, target, after int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT actor FROM follows WHERE target = $1 AND accepted = TRUE AND local = TRUE AND actor > $2 ORDER BY actor LIMIT $3", target, after, limit)
	return ids, wrapped(err, "followers of %d", target)
}

// LocalBlockers returns our own who block an actor, after an id, in the order of ids.
func (q *Q) LocalBlockers(ctx context.Context, target, after int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT b.actor FROM blocks b JOIN actors a ON a.id = b.actor WHERE b.target = $1 AND b.actor > $2 AND a.local = TRUE ORDER BY b.actor LIMIT $3", target, after, limit)
	return ids, wrapped(err, "who blocks %d", target)
}

// MutersOf returns who mutes an actor, after an id, in the order of ids.
func (q *Q) MutersOf(ctx context.Context, target, after int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT actor FROM mutes WHERE target = $1 AND actor > $2 ORDER BY actor LIMIT $3", target, after, limit)
	return ids, wrapped(err, "who mutes %d", target)
}

// NotersOf returns who has a note about an actor, after an id, in the order of ids.
func (q *Q) NotersOf(ctx context.Context, target, after int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT actor FROM notes WHERE target = $1 AND actor > $2 ORDER BY actor LIMIT $3", target, after, limit)
	return ids, wrapped(err, "notes about %d", target)
}
