package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SetWords writes which words a post is found by, in place of those from before.
// They hold no spaces or quotes, and are all different.
func (tx *Tx) SetWords(ctx context.Context, status int64, words []string, before bool) error {
	if before {
		if err := tx.dropWords(ctx, status); err != nil {
			return err
		}
	}
	text, arg := "INSERT INTO status_words (word, status) SELECT w, $1 FROM unnest($2::text[]) AS w ON CONFLICT DO NOTHING", any(words)
	if tx.dialect == &sqliteDialect {
		text, arg = "INSERT INTO status_words (rowid, words) VALUES ($1, $2)", strings.Join(words, " ")
	}
	_, err := tx.exec(ctx, text, status, arg)
	return wrapped(err, "words of status %d", status)
}

func (tx *Tx) dropWords(ctx context.Context, status int64) error {
	text := "DELETE FROM status_words WHERE status = $1"
	if tx.dialect == &sqliteDialect {
		text = "DELETE FROM status_words WHERE rowid = $1"
	}
	_, err := tx.exec(ctx, text, status)
	return wrapped(err, "words of status %d", status)
}

// WordQuery asks for posts by the words of the index.
type WordQuery struct {
	Words []string // All of these; at least one.
	Not   []string // None of these.
	Page           // By id. Limit is at most maxMatches.
}

// Bounds of one query for words.
const (
	maxMatches = 2000
	wordRows   = 5000                   // Posts with the rarest of the words that are looked at on PostgreSQL.
	wordTime   = 100 * time.Millisecond // SQLite answers with what it has by then.
)

// WithWords returns posts by their words, the newest first (or upwards from Page.Min,
// the oldest first). Nothing is said about who may see them. The work is bounded:
// where frequent words hardly ever meet, older posts may be left out.
func (q *Q) WithWords(ctx context.Context, w WordQuery) ([]int64, error) {
	if len(w.Words) == 0 {
		return nil, errors.New("a search without words")
	}
	w.Limit = min(w.limit(), maxMatches)
	if q.dialect == &sqliteDialect {
		ids, err := q.matching(ctx, w)
		return ids, wrapped(err, "searching for words")
	}
	ids, err := q.joined(ctx, w)
	return ids, wrapped(err, "searching for words")
}

// matching asks SQLite's index. It goes through posts in the order of ids and stops
// at the limit; only where the words hardly meet the time is the bound.
func (q *Q) matching(ctx context.Context, w WordQuery) ([]int64, error) {
	quoted := func(words []string, joint string) string { return `"` + strings.Join(words, `"`+joint+`"`) + `"` }
	match := quoted(w.Words, " AND ")
	if len(w.Not) > 0 {
		match = "(" + match + ") NOT (" + quoted(w.Not, " OR ") + ")"
	}
	text, args := "SELECT rowid FROM status_words WHERE status_words MATCH $1", []any{match}
	tail, more := w.clause("rowid", 2)
	ctx, stop := context.WithTimeout(context.WithValue(context.WithoutCancel(ctx), interruptible{}, true), wordTime)
	defer stop()
	rows, err := q.query(ctx, text+tail, append(args, more...)...)
	if err != nil && interrupted(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return untilStopped(rows)
}

// untilStopped collects ids until there are no more, or the time is over.
func untilStopped(rows *sql.Rows) ([]int64, error) {
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil && interrupted(err) {
			return ids, nil
		} else if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil && !interrupted(err) {
		return nil, err
	}
	return ids, nil
}

// interrupted tells that a query ended because its time was over.
func interrupted(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "interrupted")
}

// joined asks PostgreSQL: it goes through the posts with the rarest word and looks
// for the others by key.
func (q *Q) joined(ctx context.Context, w WordQuery) ([]int64, error) {
	if len(w.Words) > 1 {
		var err error
		if w.Words, err = q.rarestFirst(ctx, w.Words, w.Max); err != nil {
			return nil, err
		}
	}
	args := []any{w.Words[0]}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	from := "SELECT w.status FROM status_words w WHERE w.word = $1"
	wide := w.Page
	if len(w.Words) > 1 || len(w.Not) > 0 {
		wide.Limit = wordRows
	}
	tail, more := wide.clause("w.status", len(args)+1)
	from += tail
	args = append(args, more...)
	text := "SELECT f.status FROM (" + from + ") f"
	for i, word := range w.Words[1:] { // A limit within keeps it a look-up by key for each row.
		text += fmt.Sprintf(" JOIN LATERAL (SELECT 1 FROM status_words o WHERE o.word = %s AND o.status = f.status LIMIT 1) o%d ON TRUE", arg(word), i)
	}
	for i, word := range w.Not {
		text += fmt.Sprintf(" LEFT JOIN LATERAL (SELECT o.status FROM status_words o WHERE o.word = %s AND o.status = f.status LIMIT 1) n%d ON TRUE", arg(word), i)
	}
	for i := range w.Not {
		text += []string{" WHERE", " AND"}[min(i, 1)] + fmt.Sprintf(" n%d.status IS NULL", i)
	}
	direction := " DESC"
	if w.Min > 0 {
		direction = ""
	}
	return q.ids(ctx, text+" ORDER BY f.status"+direction+" LIMIT "+arg(w.Limit), args...)
}

// rareRows is up to how many posts are counted to find out how rare a word is.
const rareRows = 400

// rarestFirst puts words in the order of how many posts have them, as far as the
// newest rows show.
func (q *Q) rarestFirst(ctx context.Context, words []string, newest int64) ([]string, error) {
	if newest == 0 {
		newest = 1<<63 - 1
	}
	var text strings.Builder
	args := []any{newest, rareRows}
	for i, word := range words {
		if i > 0 {
			text.WriteString(" UNION ALL ")
		}
		args = append(args, word)
		fmt.Fprintf(&text, "(SELECT %d, COUNT(*), COALESCE(MIN(status), 0) FROM (SELECT status FROM status_words WHERE word = $%d AND status < $1 ORDER BY status DESC LIMIT $2) w)", i, len(args))
	}
	type use struct{ word, posts, oldest int64 }
	rows, err := q.query(ctx, text.String(), args...)
	uses, err := collect(rows, err, func(u *use) []any { return []any{&u.word, &u.posts, &u.oldest} })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(uses, func(a, b use) int {
		switch {
		case a.posts != b.posts:
			return int(a.posts - b.posts)
		case a.oldest < b.oldest:
			return -1
		}
		return 1
	})
	sorted := make([]string, len(uses))
	for i, u := range uses {
		sorted[i] = words[u.word]
	}
	return sorted, nil
}

// Findable is what a search may show of a status.
type Findable struct {
	ID, Actor int64
	Public    bool // Its author lets everybody find it.
	Library   bool // The searcher wrote it, is mentioned in it, or did something to it.
}

// Findable returns which of these posts viewer may find, the newest first: what is
// public and whose author agrees and is not silenced, and what viewer had to do with and may read still.
// Blocks and mutes are left to the caller.
func (q *Q) Findable(ctx context.Context, viewer int64, ids []int64) ([]Findable, error) {
	var found []Findable
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, `SELECT s.id, s.actor, s.visibility, COALESCE(p.indexable, FALSE) AND a.silenced = 0,
			CASE WHEN s.actor = $1 OR EXISTS (SELECT 1 FROM mentions m WHERE m.status = s.id AND m.actor = $1) THEN 2
				WHEN EXISTS (SELECT 1 FROM favourites f WHERE f.status = s.id AND f.actor = $1)
				OR EXISTS (SELECT 1 FROM bookmarks k WHERE k.status = s.id AND k.actor = $1)
				OR EXISTS (SELECT 1 FROM statuses b WHERE b.boost_of = s.id AND b.boost_of <> 0 AND b.actor = $1)
				OR EXISTS (SELECT 1 FROM poll_votes v WHERE v.status = s.id AND v.actor = $1) THEN 1 ELSE 0 END,
			CASE WHEN s.visibility = 2 AND EXISTS (SELECT 1 FROM follows w WHERE w.actor = $1 AND w.target = s.actor AND w.accepted) THEN 1 ELSE 0 END
			FROM statuses s JOIN actors a ON a.id = s.actor LEFT JOIN profiles p ON p.actor = s.actor
			WHERE s.id IN (`+list+`) AND s.boost_of = 0 AND a.suspended = 0`, append([]any{viewer}, args...)...)
		type row struct {
			Findable
			visibility   int16
			indexable    bool
			near, follow int
		}
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.ID, &r.Actor, &r.visibility, &r.indexable, &r.near, &r.follow} })
		if err != nil {
			return nil, fmt.Errorf("findable by %d: %w", viewer, err)
		}
		for _, r := range all {
			r.Public = r.visibility == 0 && r.indexable
			r.Library = r.near == 2 || r.near == 1 && (r.visibility <= 1 || r.follow == 1)
			if r.Public || r.Library {
				found = append(found, r.Findable)
			}
		}
	}
	slices.SortFunc(found, func(a, b Findable) int { return int(min(1, max(-1, b.ID-a.ID))) })
	return found, nil
}

// Touched returns posts that an account favoured, bookmarked or boosted last, up to
// limit of each.
func (q *Q) Touched(ctx context.Context, actor int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT f.status FROM (SELECT status FROM favourites WHERE actor = $1 ORDER BY seq DESC LIMIT $2) f
		UNION SELECT k.status FROM (SELECT status FROM bookmarks WHERE actor = $1 ORDER BY id DESC LIMIT $2) k
		UNION SELECT b.boost_of FROM (SELECT boost_of FROM statuses WHERE actor = $1 ORDER BY id DESC LIMIT $2) b WHERE b.boost_of <> 0`, actor, limit)
	return ids, wrapped(err, "touched by %d", actor)
}

// PostsBefore returns up to limit posts with ids below before, the newest first.
func (q *Q) PostsBefore(ctx context.Context, before int64, limit int) ([]Status, error) {
	rows, err := q.query(ctx, "SELECT "+statusColumns+" FROM statuses WHERE id < $1 AND boost_of = 0 ORDER BY id DESC LIMIT $2", before, limit)
	all, err := collect(rows, err, (*Status).scan)
	return all, wrapped(err, "posts before %d", before)
}

// LocalMentions returns which of our accounts are addressed by these posts.
func (q *Q) LocalMentions(ctx context.Context, ids []int64) (map[int64][]int64, error) {
	found := map[int64][]int64{}
	type pair struct{ status, actor int64 }
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT m.status, m.actor FROM mentions m JOIN actors a ON a.id = m.actor AND a.local WHERE m.status IN ("+list+") ORDER BY m.status, m.actor", args...)
		all, err := collect(rows, err, func(p *pair) []any { return []any{&p.status, &p.actor} })
		if err != nil {
			return nil, fmt.Errorf("mentions: %w", err)
		}
		for _, p := range all {
			found[p.status] = append(found[p.status], p.actor)
		}
	}
	return found, nil
}
