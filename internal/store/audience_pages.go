package store

import "context"

// Those of ours who are told of what happens to a status come in pages, each row with
// the cursor that the next page begins after.

// LocalBoosters returns who boosted a post and is ours, by id and after the given one.
func (q *Q) LocalBoosters(ctx context.Context, post, after int64, limit int) ([]Cursor, error) {
	return q.audience(ctx, "SELECT actor, actor FROM statuses WHERE boost_of = $1 AND boost_of <> 0 AND actor > $2 AND local ORDER BY actor LIMIT $3", post, after, limit)
}

// LocalQuoters returns our own accounts that quote a post with its author's leave, by
// the ids of their posts. Who does so twice comes twice.
func (q *Q) LocalQuoters(ctx context.Context, quoted, after int64, limit int) ([]Cursor, error) {
	return q.audience(ctx, `SELECT x.actor, x.status FROM quotes x JOIN accounts a ON a.actor = x.actor
		WHERE x.quoted = $1 AND x.quoted <> 0 AND x.state = 1 AND x.status > $2 ORDER BY x.status LIMIT $3`, quoted, after, limit)
}

// Bells returns which of our accounts asked to hear of every post of actor, by id.
func (q *Q) Bells(ctx context.Context, actor, after int64, limit int) ([]Cursor, error) {
	return q.audience(ctx, `SELECT f.actor, f.actor FROM follows f JOIN follow_settings s ON s.actor = f.actor AND s.target = f.target
		WHERE f.target = $1 AND f.actor > $2 AND f.accepted AND f.local AND s.notify ORDER BY f.actor LIMIT $3`, actor, after, limit)
}

// LocalVoters returns which of our accounts voted in a poll, by id.
func (q *Q) LocalVoters(ctx context.Context, status, after int64, limit int) ([]Cursor, error) {
	return q.audience(ctx, `SELECT DISTINCT v.actor, v.actor FROM poll_votes v WHERE v.status = $1 AND v.actor > $2
		AND EXISTS (SELECT 1 FROM accounts a WHERE a.actor = v.actor) ORDER BY v.actor LIMIT $3`, status, after, limit)
}

func (q *Q) audience(ctx context.Context, text string, of, after int64, limit int) ([]Cursor, error) {
	rows, err := q.query(ctx, text, of, after, limit)
	list, err := collect(rows, err, func(c *Cursor) []any { return []any{&c.ID, &c.At} })
	return list, wrapped(err, "who is told of %d", of)
}
