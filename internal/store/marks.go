package store

import (
	"context"
	"fmt"
)

// Mark is a post's counts and what one viewer has done with it.
type Mark struct {
	Counts
	Favourited, Boosted, Bookmarked, Pinned bool
}

// Marks are those of several posts. Posts without an entry have none at all.
type Marks struct {
	Of    map[int64]Mark
	Muted map[int64]bool // By conversation.
}

// Marks reads counts and viewer's marks of posts in one query. viewer 0 is nobody,
// for whom only the counts are read. At most maxIn posts.
func (q *Q) Marks(ctx context.Context, viewer int64, posts, conversations []int64) (*Marks, error) {
	m := &Marks{Of: make(map[int64]Mark, len(posts)), Muted: map[int64]bool{}}
	if len(posts) == 0 {
		return m, nil
	}
	list, args := in(2, posts)
	args = append([]any{viewer}, args...)
	text := "SELECT status, 0, replies, boosts, favourites FROM counts WHERE status IN (" + list + ") AND CAST($1 AS BIGINT) >= 0"
	if viewer != 0 {
		convs, more := in(2+len(args)-1, conversations)
		args = append(args, more...)
		text += ` UNION ALL SELECT status, 1, 0, 0, 0 FROM favourites WHERE actor = $1 AND status IN (` + list + `)
			UNION ALL SELECT boost_of, 2, 0, 0, 0 FROM statuses WHERE actor = $1 AND boost_of <> 0 AND boost_of IN (` + list + `)
			UNION ALL SELECT status, 3, 0, 0, 0 FROM bookmarks WHERE actor = $1 AND status IN (` + list + `)
			UNION ALL SELECT status, 4, 0, 0, 0 FROM pins WHERE actor = $1 AND status IN (` + list + `)
			UNION ALL SELECT conversation, 5, 0, 0, 0 FROM conversation_mutes WHERE actor = $1 AND conversation IN (` + convs + `)`
	}
	rows, err := q.query(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("marks: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var what int
		var c Counts
		if err := rows.Scan(&id, &what, &c.Replies, &c.Boosts, &c.Favourites); err != nil {
			return nil, fmt.Errorf("marks: %w", err)
		}
		m.add(id, what, c)
	}
	return m, rows.Err()
}

func (m *Marks) add(id int64, what int, c Counts) {
	if what == 5 {
		m.Muted[id] = true
		return
	}
	one := m.Of[id]
	switch what {
	case 0:
		one.Counts = c
	case 1:
		one.Favourited = true
	case 2:
		one.Boosted = true
	case 3:
		one.Bookmarked = true
	case 4:
		one.Pinned = true
	}
	m.Of[id] = one
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
