package store

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/vocab"
)

// Projections lists the tables that a rebuild empties and fills again. The names
// of tags are kept: they are a register, and lists of theirs refer to its ids.
var Projections = []string{
	"statuses", "contents", "counts", "profiles", "name_words", "name_prefixes", "directory", "actor_counts", "status_tags", "mentions", "polls", "poll_options", "poll_votes",
	"favourites", "quotes", "quote_stamps", "follows", "follower_digests", "blocks", "pins", "notifications", "home", "waits", "status_words", "status_links", "actor_keys",
	"reactions", "reaction_counts", "scrobbles", "group_removals",
}

// EmptyProjections empties them all.
func (tx *Tx) EmptyProjections(ctx context.Context) error {
	for _, table := range Projections {
		text := "DELETE FROM " + table
		if table == "status_words" && tx.dialect == &sqliteDialect {
			text = "INSERT INTO status_words (status_words) VALUES ('delete-all')"
		}
		var args []any
		if table == "notifications" { // What comes of no activity stays.
			var list string
			list, args = in(1, KindsWhere(func(k NotificationKind) bool { return k.Private }))
			text += " WHERE kind NOT IN (" + list + ")"
		}
		if _, err := tx.exec(ctx, text, args...); err != nil {
			return fmt.Errorf("emptying %s: %w", table, err)
		}
	}
	return nil
}

// CountActivities returns how long the log is.
func (q *Q) CountActivities(ctx context.Context) (int64, error) {
	var n int64
	err := q.row(ctx, "SELECT COUNT(*) FROM activities").Scan(&n)
	return n, err
}

// ActorRow is an actor's document with what names it.
type ActorRow struct {
	ID   int64
	URI  vocab.IRI
	Type string
	Doc  string
}

// ActorDocs returns the documents of up to limit actors after an id.
func (q *Q) ActorDocs(ctx context.Context, after int64, limit int) ([]ActorRow, error) {
	rows, err := q.query(ctx, "SELECT id, uri, type, doc FROM actors WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	return collect(rows, err, func(r *ActorRow) []any { return []any{&r.ID, &r.URI, &r.Type, &r.Doc} })
}

// VersionBySeq returns the version of an object that the activity with this seq
// brought, with its patch; "" when it is not kept.
func (q *Q) VersionBySeq(ctx context.Context, object, seq int64) (doc, patch string, err error) {
	err = q.row(ctx, `SELECT doc, patch FROM objects WHERE id = $1 AND seq = $2
		UNION ALL SELECT doc, patch FROM versions WHERE object = $1 AND seq = $2`, object, seq).Scan(&doc, &patch)
	if errors.Is(err, ErrNotFound) {
		return "", "", nil
	}
	return doc, patch, err
}

// compactChunk is how many rows one step of compaction looks at.
const compactChunk = 500

// EmptyDead drops the documents of activities before a seq that have no effect any
// more, and tells whether there may be others.
func (tx *Tx) EmptyDead(ctx context.Context, before int64) (more bool, err error) {
	n, err := tx.exec(ctx, `UPDATE activities SET doc = '', verdict = '' WHERE seq IN (
		SELECT seq FROM activities WHERE seq < $1 AND state IN (2, 3) AND doc <> '' LIMIT $2)`, before, compactChunk)
	return n == compactChunk, err
}

// DropDead drops the rows of such activities, of what took them back, and of what
// still waits, from before a seq.
func (tx *Tx) DropDead(ctx context.Context, before int64) (more bool, err error) {
	seqs, err := tx.ids(ctx, `SELECT seq FROM activities WHERE seq < $1 AND (state IN (1, 2, 3) OR type IN ('Undo', 'Delete'))
		ORDER BY seq LIMIT $2`, before, compactChunk)
	if err != nil || len(seqs) == 0 {
		return false, err
	}
	list, args := in(1, seqs)
	if _, err := tx.exec(ctx, "DELETE FROM waits WHERE kind = 1 AND ref IN ("+list+")", args...); err != nil {
		return false, err
	}
	_, err = tx.exec(ctx, "DELETE FROM activities WHERE seq IN ("+list+")", args...)
	return len(seqs) == compactChunk, err
}

// TrimHomes cuts the homes and lists that have grown beyond their size.
func (tx *Tx) TrimHomes(ctx context.Context) (more bool, err error) {
	owners, err := tx.ids(ctx, "SELECT owner FROM home GROUP BY owner HAVING COUNT(*) > $1 LIMIT 20", HomeSize+HomeSize/4)
	if err != nil {
		return false, err
	}
	for _, o := range owners {
		if err := tx.TrimHome(ctx, o); err != nil {
			return false, err
		}
	}
	return len(owners) == 20, nil
}
