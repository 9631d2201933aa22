package store

import (
	"context"
	"fmt"
)

// OldThreads returns conversations that begin with a post from elsewhere, made between
// two ids, the oldest first.
func (q *Q) OldThreads(ctx context.Context, after, before int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT s.id FROM statuses s WHERE s.id > $1 AND s.id < $2 AND NOT s.local AND s.boost_of = 0 AND s.conversation = s.id
		ORDER BY s.id LIMIT $3`, after, before, limit)
	return ids, wrapped(err, "old threads")
}

// thread is the conversation $1 as a table t of the ids of its posts.
const thread = "WITH t (id) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT id FROM statuses WHERE conversation = $1 AND conversation <> id AND boost_of = 0) "

// kept are the reasons for which a thread stays whatever its age: $2 is the id from
// which on posts are new.
var kept = []string{
	"SELECT 1 FROM t JOIN statuses s ON s.id = t.id WHERE s.local OR s.id >= $2",
	"SELECT 1 FROM t JOIN bookmarks b ON b.status = t.id WHERE t.id < $2",
	"SELECT 1 FROM t JOIN favourites f ON f.status = t.id JOIN actors a ON a.id = f.actor WHERE a.local AND t.id < $2",
	"SELECT 1 FROM t JOIN reactions r ON r.status = t.id JOIN actors a ON a.id = r.actor WHERE a.local AND t.id < $2",
	"SELECT 1 FROM t JOIN statuses b ON b.boost_of = t.id WHERE b.boost_of <> 0 AND b.local AND t.id < $2",
	"SELECT 1 FROM t JOIN mentions m ON m.status = t.id JOIN actors a ON a.id = m.actor WHERE a.local AND t.id < $2",
	"SELECT 1 FROM t JOIN poll_votes v ON v.status = t.id JOIN actors a ON a.id = v.actor WHERE a.local AND t.id < $2",
	"SELECT 1 FROM t JOIN quotes q ON q.quoted = t.id JOIN actors a ON a.id = q.actor WHERE q.quoted <> 0 AND a.local AND t.id < $2",
	"SELECT 1 FROM t JOIN pins p ON p.status = t.id WHERE t.id < $2",
}

// ThreadIsKept tells whether somebody here has to do with a conversation, or it goes on:
// a post of ours, a mention, favourite, reaction, boost, quote, bookmark or vote of ours, a pin, or a
// post that is not older than before.
func (q *Q) ThreadIsKept(ctx context.Context, conversation, before int64) (bool, error) {
	for _, query := range kept {
		if found, err := q.exists(ctx, thread+query+" LIMIT 1", conversation, before); err != nil || found {
			return found, wrapped(err, "what keeps thread %d", conversation)
		}
	}
	return false, nil
}

// ThreadStatuses returns the posts of a conversation, the newest first.
func (q *Q) ThreadStatuses(ctx context.Context, conversation int64, limit int) ([]Status, error) {
	rows, err := q.query(ctx, thread+"SELECT "+statusColumns+" FROM statuses WHERE id IN (SELECT id FROM t) ORDER BY id DESC LIMIT $2", conversation, limit)
	all, err := collect(rows, err, (*Status).scan)
	return all, wrapped(err, "thread %d", conversation)
}

// Forget drops an object and every activity about it from the log, as if it had never
// come. Its projections must be gone.
func (tx *Tx) Forget(ctx context.Context, object int64) error {
	for _, text := range []string{
		"DELETE FROM activities WHERE object = $1 AND type <> 'Create'",
		"DELETE FROM activities WHERE seq IN (SELECT seq FROM objects WHERE id = $1 UNION ALL SELECT seq FROM versions WHERE object = $1)",
		"DELETE FROM versions WHERE object = $1",
		"DELETE FROM objects WHERE id = $1",
	} {
		if _, err := tx.exec(ctx, text, object); err != nil {
			return fmt.Errorf("forgetting object %d: %w", object, err)
		}
	}
	return nil
}
