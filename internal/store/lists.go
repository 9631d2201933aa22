package store

import (
	"context"
	"fmt"
)

// List is a row of lists.
type List struct {
	ID, Owner int64
	Title     string
	Replies   string // Whose answers are shown: followed, list, none.
	Exclusive bool   // What is in it does not stand in the home.
}

func (l *List) scan() []any { return []any{&l.ID, &l.Owner, &l.Title, &l.Replies, &l.Exclusive} }

const listColumns = "l.id, l.owner, l.title, l.replies, l.exclusive"

// maxLists is how many lists an account sees.
const maxLists = 500

// Lists returns an account's lists, the oldest first.
func (q *Q) Lists(ctx context.Context, owner int64) ([]List, error) {
	rows, err := q.query(ctx, "SELECT "+listColumns+" FROM lists l WHERE l.owner = $1 ORDER BY l.id LIMIT $2", owner, maxLists)
	all, err := collect(rows, err, (*List).scan)
	return all, wrapped(err, "lists of %d", owner)
}

// ListsWith returns those of owner's lists that have target as a member.
func (q *Q) ListsWith(ctx context.Context, owner, target int64) ([]List, error) {
	rows, err := q.query(ctx, "SELECT "+listColumns+" FROM list_members m JOIN lists l ON l.id = m.list WHERE m.target = $1 AND l.owner = $2 ORDER BY l.id LIMIT $3",
		target, owner, maxLists)
	all, err := collect(rows, err, (*List).scan)
	return all, wrapped(err, "lists with %d", target)
}

// List returns one of owner's lists; ErrNotFound also for somebody else's.
func (q *Q) List(ctx context.Context, owner, id int64) (*List, error) {
	var l List
	if err := q.row(ctx, "SELECT "+listColumns+" FROM lists l WHERE l.id = $1 AND l.owner = $2", id, owner).Scan(l.scan()...); err != nil {
		return nil, fmt.Errorf("list %d: %w", id, err)
	}
	return &l, nil
}

// SaveList writes a list; one without an id is new and gets one. What an exclusive
// list holds leaves its owner's home.
func (tx *Tx) SaveList(ctx context.Context, l *List) error {
	if l.ID == 0 {
		l.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, `INSERT INTO lists (id, owner, title, replies, exclusive) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, replies = excluded.replies, exclusive = excluded.exclusive`,
		l.ID, l.Owner, l.Title, l.Replies, l.Exclusive)
	if err == nil && l.Exclusive {
		_, err = tx.exec(ctx, "DELETE FROM home WHERE owner = $1 AND actor IN (SELECT target FROM list_members WHERE list = $2)", l.Owner, l.ID)
	}
	return wrapped(err, "list %d", l.ID)
}

// DropList removes a list with its members and timeline.
func (tx *Tx) DropList(ctx context.Context, id int64) error {
	for _, text := range []string{"DELETE FROM list_members WHERE list = $1", "DELETE FROM home WHERE owner = $1", "DELETE FROM lists WHERE id = $1"} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return fmt.Errorf("dropping list %d: %w", id, err)
		}
	}
	return nil
}

// ListMembers returns a page of who is in a list.
func (q *Q) ListMembers(ctx context.Context, list int64, p Page) ([]Cursor, error) {
	all, err := q.page(ctx, p, "SELECT target, id FROM list_members WHERE list = $1", "id", list)
	return all, wrapped(err, "members of list %d", list)
}

// AddListMember puts an account into a list, and its newest posts into the list's
// timeline; false when it was there.
func (tx *Tx) AddListMember(ctx context.Context, list, target int64) (bool, error) {
	n, err := tx.exec(ctx, "INSERT INTO list_members (list, target, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", list, target, tx.NewID())
	if err != nil || n == 0 {
		return false, wrapped(err, "adding to list %d", list)
	}
	_, err = tx.exec(ctx, "DELETE FROM home WHERE actor = $2 AND owner IN (SELECT owner FROM lists WHERE id = $1 AND exclusive)", list, target)
	if err != nil {
		return false, wrapped(err, "adding to list %d", list)
	}
	return true, tx.BackfillHome(ctx, list, target)
}

// RemoveListMember takes an account and its posts out of a list.
func (tx *Tx) RemoveListMember(ctx context.Context, list, target int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM list_members WHERE list = $1 AND target = $2", list, target); err != nil {
		return fmt.Errorf("removing from list %d: %w", list, err)
	}
	_, err := tx.exec(ctx, "DELETE FROM home WHERE owner = $1 AND actor = $2", list, target)
	return wrapped(err, "removing from list %d", list)
}
