package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kenoma/internal/vocab"
)

// EmojiReaction is a row of reactions: actor reacts to status with an emoji.
type EmojiReaction struct {
	Status, Actor int64
	Name          string // See vocab.Reaction; of one of ours the shortcode alone.
	Seq           int64
	URL           vocab.IRI
}

// SetReaction records a reaction; true when the actor did not react with it before.
func (tx *Tx) SetReaction(ctx context.Context, r EmojiReaction) (bool, error) {
	n, err := tx.exec(ctx, "INSERT INTO reactions (actor, status, name, seq, url) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		r.Actor, r.Status, r.Name, r.Seq, r.URL)
	if err != nil || n == 0 {
		return false, wrapped(err, "reaction to %d by %d", r.Status, r.Actor)
	}
	_, err = tx.exec(ctx, `INSERT INTO reaction_counts (status, name, first, n, url) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (status, name) DO UPDATE SET n = reaction_counts.n + 1`, r.Status, r.Name, r.Seq, r.URL)
	if err != nil {
		return false, fmt.Errorf("reaction to %d by %d: %w", r.Status, r.Actor, err)
	}
	return true, tx.count(ctx, r.Status, "reactions", 1)
}

// RemoveReaction takes a reaction back; false when there was none.
func (tx *Tx) RemoveReaction(ctx context.Context, status, actor int64, name string) (bool, error) {
	n, err := tx.exec(ctx, "DELETE FROM reactions WHERE actor = $1 AND status = $2 AND name = $3", actor, status, name)
	if err != nil || n == 0 {
		return false, wrapped(err, "reaction to %d by %d", status, actor)
	}
	for _, text := range []string{
		"DELETE FROM reaction_counts WHERE status = $1 AND name = $2 AND n <= 1",
		"UPDATE reaction_counts SET n = n - 1 WHERE status = $1 AND name = $2",
		nameFirstReaction,
	} {
		if _, err := tx.exec(ctx, text, status, name); err != nil {
			return false, fmt.Errorf("reaction to %d by %d: %w", status, actor, err)
		}
	}
	return true, tx.count(ctx, status, "reactions", -1)
}

// nameFirstReaction has a count say which of its reactions is the oldest.
const nameFirstReaction = `UPDATE reaction_counts SET
	first = COALESCE((SELECT r.seq FROM reactions r WHERE r.status = $1 AND r.name = $2 ORDER BY r.seq LIMIT 1), first),
	url = COALESCE((SELECT r.url FROM reactions r WHERE r.status = $1 AND r.name = $2 ORDER BY r.seq LIMIT 1), url)
	WHERE status = $1 AND name = $2`

// MoveReaction names another live activity as the one that counts.
func (tx *Tx) MoveReaction(ctx context.Context, r EmojiReaction) error {
	_, err := tx.exec(ctx, "UPDATE reactions SET seq = $4 WHERE actor = $1 AND status = $2 AND name = $3", r.Actor, r.Status, r.Name, r.Seq)
	if err == nil {
		_, err = tx.exec(ctx, nameFirstReaction, r.Status, r.Name)
	}
	return wrapped(err, "reaction to %d by %d", r.Status, r.Actor)
}

// ReactionsBy returns with what an actor reacts to a status.
func (q *Q) ReactionsBy(ctx context.Context, status, actor int64) ([]string, error) {
	rows, err := q.query(ctx, "SELECT name FROM reactions WHERE actor = $1 AND status = $2 ORDER BY seq LIMIT 200", actor, status)
	list, err := collect(rows, err, func(s *string) []any { return []any{s} })
	return list, wrapped(err, "reactions of %d", actor)
}

// ReactionNamed returns the oldest reaction to a status with an emoji.
func (q *Q) ReactionNamed(ctx context.Context, status int64, name string) (*EmojiReaction, error) {
	r := EmojiReaction{Status: status, Name: name}
	err := q.row(ctx, "SELECT actor, seq, url FROM reactions WHERE status = $1 AND name = $2 ORDER BY seq LIMIT 1", status, name).Scan(&r.Actor, &r.Seq, &r.URL)
	if err != nil {
		return nil, fmt.Errorf("reaction to %d: %w", status, err)
	}
	return &r, nil
}

// ReactionCount is how often an emoji stands under a post.
type ReactionCount struct {
	Name   string
	Count  int64
	Me     bool      // The viewer is among them.
	URL    vocab.IRI // Picture of a custom emoji of another server.
	File   string    // Key in the media storage of one of our own.
	Actors []int64   // The first who reacted with it, at most ReactionSample.
}

// Bounds of what is shown of the reactions to one post.
const (
	ReactionKinds  = 60 // Different emoji, those that came first.
	ReactionSample = 20 // People by emoji.
)

// reactionsText reads the reactions to as many posts as it has places for; the first
// parameter is the viewer. The rows of one post are found in the order of first.
func reactionsText(posts int) string {
	var b strings.Builder
	b.WriteString(`SELECT c.status, c.name, c.n, c.url, COALESCE(e.file, ''),
			CASE WHEN EXISTS (SELECT 1 FROM reactions r WHERE r.actor = $1 AND r.status = c.status AND r.name = c.name) THEN 1 ELSE 0 END,
			COALESCE((SELECT string_agg(CAST(r.actor AS TEXT), ',') FROM (SELECT x.actor FROM reactions x
				WHERE x.status = c.status AND x.name = c.name ORDER BY x.seq LIMIT ` + strconv.Itoa(ReactionSample) + `) r), '')
		FROM (VALUES `)
	for i := range posts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(CAST($%d AS BIGINT))", i+2)
	}
	b.WriteString(`) AS wanted JOIN reaction_counts c ON c.status = wanted.column1
			AND c.name IN (SELECT t.name FROM reaction_counts t WHERE t.status = wanted.column1 ORDER BY t.first LIMIT ` + strconv.Itoa(ReactionKinds) + `)
		LEFT JOIN emoji e ON e.shortcode = c.name ORDER BY c.status, c.first`)
	return b.String()
}

// Reactions returns the reactions to these posts, each emoji once, in the order in
// which they came. viewer 0 is nobody. At most maxIn posts.
func (q *Q) Reactions(ctx context.Context, viewer int64, posts []int64) (map[int64][]ReactionCount, error) {
	found := map[int64][]ReactionCount{}
	if len(posts) == 0 {
		return found, nil
	}
	args := []any{viewer}
	for _, p := range posts {
		args = append(args, p)
	}
	rows, err := q.query(ctx, reactionsText(len(posts)), args...)
	if err != nil {
		return nil, fmt.Errorf("reactions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var status int64
		var one ReactionCount
		var me int
		var actors string
		if err := rows.Scan(&status, &one.Name, &one.Count, &one.URL, &one.File, &me, &actors); err != nil {
			return nil, fmt.Errorf("reactions: %w", err)
		}
		one.Me = me != 0
		for id := range strings.SplitSeq(actors, ",") {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil {
				one.Actors = append(one.Actors, n)
			}
		}
		found[status] = append(found[status], one)
	}
	return found, rows.Err()
}

// ReactedBy returns who reacted to a post with an emoji, newest first.
func (q *Q) ReactedBy(ctx context.Context, post int64, name string, p Page) ([]Cursor, error) {
	tail, args := p.clause("seq", 3)
	list, err := q.cursors(ctx, p, "SELECT actor, seq FROM reactions WHERE status = $1 AND name = $2"+tail, append([]any{post, name}, args...)...)
	return list, wrapped(err, "reactions to %d", post)
}

// ReactionsTold returns the reactions of which these notifications tell, by the
// notification's id; those that are no more are left out.
func (q *Q) ReactionsTold(ctx context.Context, list []Notification) (map[int64]ReactionCount, error) {
	found := map[int64]ReactionCount{}
	if len(list) == 0 {
		return found, nil
	}
	var b strings.Builder
	var args []any
	for i, n := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(CAST($%d AS BIGINT),CAST($%d AS BIGINT),CAST($%d AS BIGINT))", 3*i+1, 3*i+2, 3*i+3)
		args = append(args, n.Actor, n.Status, n.ID)
	}
	rows, err := q.query(ctx, `SELECT r.seq, r.name, r.url, COALESCE(e.file, '') FROM (VALUES `+b.String()+`) AS wanted
		JOIN reactions r ON r.actor = wanted.column1 AND r.status = wanted.column2 AND r.seq = wanted.column3
		LEFT JOIN emoji e ON e.shortcode = r.name`, args...)
	type told struct {
		seq int64
		ReactionCount
	}
	all, err := collect(rows, err, func(t *told) []any { return []any{&t.seq, &t.Name, &t.URL, &t.File} })
	for _, t := range all {
		found[t.seq] = t.ReactionCount
	}
	return found, wrapped(err, "reactions of notifications")
}
