package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Mark is a post's counts and what one viewer has done with it.
type Mark struct {
	Counts
	Reactions                               int64 // With emoji, all together.
	Favourited, Boosted, Bookmarked, Pinned bool
}

// Marks are those of several posts. Posts without an entry have none at all.
type Marks struct {
	Of    map[int64]Mark
	Muted map[int64]bool // By conversation.
}

// Marks reads counts and viewer's marks of posts in one query; conversations are
// theirs, in the same order. viewer 0 is nobody, for whom only the counts are read.
// At most maxIn posts.
func (q *Q) Marks(ctx context.Context, viewer int64, posts, conversations []int64) (*Marks, error) {
	m := &Marks{Of: make(map[int64]Mark, len(posts)), Muted: map[int64]bool{}}
	if len(posts) == 0 {
		return m, nil
	}
	text, args := marksQuery(viewer, posts, conversations)
	rows, err := q.query(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("marks: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, conversation int64
		var one Mark
		var muted bool
		dest := []any{&id, &conversation, &one.Replies, &one.Boosts, &one.Favourites, &one.Quotes, &one.Reactions, &one.Favourited, &one.Boosted, &one.Bookmarked, &one.Pinned, &muted}
		if viewer == 0 {
			dest = dest[:7]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("marks: %w", err)
		}
		m.Of[id] = one
		if muted {
			m.Muted[conversation] = true
		}
	}
	return m, rows.Err()
}

// marksQuery joins everything to a list of the posts: a look-up by key per mark is
// as quick as many IN lists. The list is padded by repeating its last entry, so
// that few different statements are prepared.
func marksQuery(viewer int64, posts, conversations []int64) (string, []any) {
	n := (len(posts) + 9) / 10 * 10
	args := make([]any, 0, 2*n+1)
	if viewer != 0 {
		args = append(args, viewer)
	}
	for i := range n {
		at := min(i, len(posts)-1)
		args = append(args, posts[at], conversations[at])
	}
	key := marksKey{n, viewer != 0}
	if text, ok := marksTexts.Load(key); ok {
		return text.(string), args
	}
	text := key.text()
	marksTexts.Store(key, text)
	return text, args
}

// marksKey is a form of the query: there are at most 100.
type marksKey struct {
	posts  int
	viewer bool
}

var marksTexts sync.Map // marksKey to string

func (k marksKey) text() string {
	var b strings.Builder
	b.WriteString("SELECT wanted.column1, wanted.column2, COALESCE(c.replies, 0), COALESCE(c.boosts, 0), COALESCE(c.favourites, 0), COALESCE(c.quotes, 0), COALESCE(c.reactions, 0)")
	first := 1
	if k.viewer {
		first = 2
		b.WriteString(`,
			EXISTS (SELECT 1 FROM favourites x WHERE x.status = wanted.column1 AND x.actor = $1),
			EXISTS (SELECT 1 FROM statuses x WHERE x.boost_of = wanted.column1 AND x.boost_of <> 0 AND x.actor = $1),
			EXISTS (SELECT 1 FROM bookmarks x WHERE x.actor = $1 AND x.status = wanted.column1),
			EXISTS (SELECT 1 FROM pins x WHERE x.actor = $1 AND x.status = wanted.column1),
			EXISTS (SELECT 1 FROM conversation_mutes x WHERE x.actor = $1 AND x.conversation = wanted.column2)`)
	}
	b.WriteString(" FROM (VALUES ")
	for i := range k.posts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "(CAST($%d AS BIGINT),CAST($%d AS BIGINT))", first+2*i, first+2*i+1)
	}
	b.WriteString(") AS wanted LEFT JOIN counts c ON c.status = wanted.column1")
	return b.String()
}

// AccountsOf returns the private side of these actors of ours; others are left out.
func (q *Q) AccountsOf(ctx context.Context, actors []int64) (map[int64]*Account, error) {
	found := make(map[int64]*Account, len(actors))
	for chunk := range chunks(actors) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+accountColumns+" FROM accounts WHERE actor IN ("+list+")", args...)
		all, err := collect(rows, err, (*Account).scan)
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		for i := range all {
			found[all[i].Actor] = &all[i]
		}
	}
	return found, nil
}
