package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// What other servers read: the log behind an actor's posts, and lists of ids.

// OutboxRow is a public or unlisted status of an actor with the activity that made
// it. Of a Create, the object stands apart, under the status's id.
type OutboxRow struct {
	Status   int64
	Boost    bool
	Activity string // The document, its inline object cut out.
}

// Outbox returns what an actor published for everybody, newest first.
func (q *Q) Outbox(ctx context.Context, actor int64, p Page) ([]OutboxRow, error) {
	page, args := p.clause("s.id", 2)
	rows, err := q.query(ctx, `SELECT s.id, s.boost_of <> 0, a.doc FROM statuses s JOIN activities a ON a.seq = s.seq
		WHERE s.actor = $1 AND s.visibility <= 1 AND s.local_only = FALSE AND a.doc <> ''`+page, append([]any{actor}, args...)...)
	all, err := collect(rows, err, func(r *OutboxRow) []any { return []any{&r.Status, &r.Boost, &r.Activity} })
	if err != nil {
		return nil, fmt.Errorf("outbox of %d: %w", actor, err)
	}
	return order(p, all), nil
}

// Objects returns the objects with these ids and their tombstones, unknown ones
// left out.
func (q *Q) Objects(ctx context.Context, ids []int64) (map[int64]*Object, error) {
	found := make(map[int64]*Object, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+objectColumns+" FROM objects WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, (*Object).scan)
		if err != nil {
			return nil, fmt.Errorf("objects: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// Named is an entry of a list: the id on the wire and the number by which the list
// is paged.
type Named struct {
	At  int64
	URI vocab.IRI
}

func (n *Named) scan() []any { return []any{&n.At, &n.URI} }

// FollowerURIs returns the accepted followers of an actor, the newest follow first.
func (q *Q) FollowerURIs(ctx context.Context, actor int64, p Page) ([]Named, error) {
	return q.followURIs(ctx, "f.actor", "f.target", actor, p)
}

// FollowingURIs returns whom an actor follows, the newest follow first.
func (q *Q) FollowingURIs(ctx context.Context, actor int64, p Page) ([]Named, error) {
	return q.followURIs(ctx, "f.target", "f.actor", actor, p)
}

func (q *Q) followURIs(ctx context.Context, other, own string, actor int64, p Page) ([]Named, error) {
	page, args := p.clause("f.seq", 2)
	rows, err := q.query(ctx, "SELECT f.seq, a.uri FROM follows f JOIN actors a ON a.id = "+other+
		" WHERE "+own+" = $1 AND f.accepted = TRUE"+page, append([]any{actor}, args...)...)
	all, err := collect(rows, err, (*Named).scan)
	if err != nil {
		return nil, fmt.Errorf("follows around %d: %w", actor, err)
	}
	return order(p, all), nil
}

// ReplyURIs returns the public and unlisted answers to a post after an id, oldest
// first: those of the post's own author, or those of everybody else.
func (q *Q) ReplyURIs(ctx context.Context, post, author int64, own bool, after int64, limit int) ([]Named, error) {
	op := "<>"
	if own {
		op = "="
	}
	rows, err := q.query(ctx, `SELECT s.id, o.uri FROM statuses s JOIN objects o ON o.id = s.id
		WHERE s.reply_to = $1 AND s.reply_to <> 0 AND s.id > $2 AND s.actor `+op+` $3 AND s.visibility <= 1 AND s.local_only = FALSE
		ORDER BY s.id LIMIT $4`, post, after, author, limit)
	all, err := collect(rows, err, (*Named).scan)
	if err != nil {
		return nil, fmt.Errorf("answers to %d: %w", post, err)
	}
	return all, nil
}

// ContextURIs returns the public and unlisted posts of a conversation after an id,
// oldest first, without the one that it began with.
func (q *Q) ContextURIs(ctx context.Context, conversation, after int64, limit int) ([]Named, error) {
	rows, err := q.query(ctx, `SELECT s.id, o.uri FROM statuses s JOIN objects o ON o.id = s.id
		WHERE s.conversation = $1 AND s.conversation <> s.id AND s.boost_of = 0 AND s.id > $2 AND s.visibility <= 1 AND s.local_only = FALSE
		ORDER BY s.id LIMIT $3`, conversation, after, limit)
	all, err := collect(rows, err, (*Named).scan)
	return all, wrapped(err, "conversation %d", conversation)
}

// CountContext returns how many those are.
func (q *Q) CountContext(ctx context.Context, conversation int64) (n int64, err error) {
	err = q.row(ctx, `SELECT COUNT(*) FROM statuses s WHERE s.conversation = $1 AND s.conversation <> s.id AND s.boost_of = 0
		AND s.visibility <= 1 AND s.local_only = FALSE`, conversation).Scan(&n)
	return n, wrapped(err, "conversation %d", conversation)
}

// ShutsOut tells whether actor blocks viewer or the viewer's whole domain.
func (q *Q) ShutsOut(ctx context.Context, actor int64, viewer *Actor) (bool, error) {
	return q.exists(ctx, `SELECT 1 FROM blocks WHERE actor = $1 AND target = $2
		UNION ALL SELECT 1 FROM domain_blocks WHERE actor = $1 AND domain IN ($3, $4) LIMIT 1`, actor, viewer.ID, viewer.Host, viewer.Domain)
}

// Usage is how much a server is used.
type Usage struct {
	Users          int64 // Accounts that are alive and approved.
	ActiveMonth    int64 // Of them, seen in the last 30 days.
	ActiveHalfyear int64 // In the last 180 days.
	Posts          int64 // Their posts and boosts.
}

const msPerDay = 24 * 60 * 60 * 1000 // ms

// Usage counts the accounts. It reads them all, so its result should be kept for
// some minutes.
func (q *Q) Usage(ctx context.Context) (Usage, error) {
	now := q.now().UnixMilli()
	var u Usage
	err := q.row(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN c.last_seen >= $1 THEN 1 ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE WHEN c.last_seen >= $2 THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(n.statuses), 0) AS BIGINT)
		FROM accounts c JOIN actors a ON a.id = c.actor LEFT JOIN actor_counts n ON n.actor = c.actor
		WHERE a.deleted = 0 AND c.approved <> 0`, now-30*msPerDay, now-180*msPerDay).Scan(&u.Users, &u.ActiveMonth, &u.ActiveHalfyear, &u.Posts)
	if err != nil {
		return u, fmt.Errorf("usage: %w", err)
	}
	return u, nil
}

// StaffURIs returns the ids of the moderators and admins, at most 100.
func (q *Q) StaffURIs(ctx context.Context) ([]vocab.IRI, error) {
	rows, err := q.query(ctx, `SELECT a.uri FROM accounts c JOIN actors a ON a.id = c.actor
		WHERE c.role <> '' AND a.deleted = 0 ORDER BY c.actor LIMIT 100`)
	all, err := collect(rows, err, self[vocab.IRI])
	if err != nil {
		return nil, fmt.Errorf("staff: %w", err)
	}
	return all, nil
}
