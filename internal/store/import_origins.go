package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// SetOrigin notes that a post of an account stood at another address before. A
// later one replaces it: the former was deleted here.
func (tx *Tx) SetOrigin(ctx context.Context, uri vocab.IRI, actor, object int64) error {
	_, err := tx.exec(ctx, `INSERT INTO import_origins (uri, actor, object) VALUES ($1, $2, $3)
		ON CONFLICT (uri, actor) DO UPDATE SET object = excluded.object`, uri, actor, object)
	return wrapped(err, "origin %s", uri)
}

// ByOrigin returns the post that an account brought along from an address and did not
// delete since; ErrNotFound when there is none.
func (q *Q) ByOrigin(ctx context.Context, uri vocab.IRI, actor int64) (*Object, error) {
	var o Object
	err := q.row(ctx, "SELECT "+objectColumns+` FROM objects WHERE deleted = 0 AND id = (SELECT object FROM import_origins WHERE uri = $1 AND actor = $2)`, uri, actor).Scan(o.scan()...)
	if err != nil {
		return nil, fmt.Errorf("post from %s: %w", uri, err)
	}
	return &o, nil
}

// OriginatedAt returns the posts that any account brought along from an address, for
// inspect.
func (q *Q) OriginatedAt(ctx context.Context, uri vocab.IRI) ([]vocab.IRI, error) {
	rows, err := q.query(ctx, "SELECT o.uri FROM import_origins i JOIN objects o ON o.id = i.object WHERE i.uri = $1 ORDER BY i.actor LIMIT 20", uri)
	all, err := collect(rows, err, self[vocab.IRI])
	return all, wrapped(err, "posts from %s", uri)
}

// WaitingReplies returns an account's own posts that answer what is at an address and
// is not here yet, at most limit.
func (q *Q) WaitingReplies(ctx context.Context, uri vocab.IRI, actor int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT w.ref FROM waits w JOIN statuses s ON s.id = w.ref
		WHERE w.uri = $1 AND w.kind = $2 AND s.actor = $3 ORDER BY w.ref LIMIT $4`, uri, WaitReply, actor, limit)
	return ids, wrapped(err, "answers to %s", uri)
}
