package store

import (
	"context"
	"fmt"
)

// Avoided is what a reader must not or doesn't want to see.
type Avoided struct {
	Blocks  map[int64]bool  // Accounts that the reader blocks, or that block the reader.
	Mutes   map[int64]int64 // Until when, in ms; 0 for good.
	Heard   map[int64]bool  // Of those that are muted: what they do is notified all the same.
	Domains map[string]bool
	Filters []Filter
}

// Filter is a reader's filter with what it looks for.
type Filter struct {
	ID       int64
	Owner    int64
	Title    string
	Contexts string // Comma-separated: home, notifications, public, thread, account
	Action   string // warn, hide, blur
	Expires  int64  // ms, 0 never
	Keywords []FilterKeyword
	Statuses []FilterStatus
}

// FilterKeyword is a text that a filter looks for.
type FilterKeyword struct {
	ID, Filter int64
	Keyword    string
	WholeWord  bool
}

// FilterStatus is a status that a filter catches.
type FilterStatus struct{ ID, Filter, Status int64 }

// maxAvoided bounds what is read of one kind, so that one reader can't fill the memory.
const maxAvoided = 50_000

// Avoided reads all that a reader avoids. Callers keep the result until an event
// of kind relations_changed or filters_changed.
func (q *Q) Avoided(ctx context.Context, reader int64) (*Avoided, error) {
	a := &Avoided{Blocks: map[int64]bool{}, Mutes: map[int64]int64{}, Heard: map[int64]bool{}, Domains: map[string]bool{}}
	blocks, err := q.ids(ctx, "SELECT target FROM blocks WHERE actor = $1 UNION SELECT actor FROM blocks WHERE target = $1 LIMIT $2", reader, maxAvoided)
	if err != nil {
		return nil, fmt.Errorf("blocks of %d: %w", reader, err)
	}
	for _, id := range blocks {
		a.Blocks[id] = true
	}
	rows, err := q.query(ctx, "SELECT target, expires, notifications FROM mutes WHERE actor = $1 LIMIT $2", reader, maxAvoided)
	mutes, err := collect(rows, err, func(m *Mute) []any { return []any{&m.Target, &m.Expires, &m.Notifications} })
	if err != nil {
		return nil, fmt.Errorf("mutes of %d: %w", reader, err)
	}
	for _, m := range mutes {
		a.Mutes[m.Target] = m.Expires
		if !m.Notifications {
			a.Heard[m.Target] = true
		}
	}
	rows, err = q.query(ctx, "SELECT domain FROM domain_blocks WHERE actor = $1 LIMIT $2", reader, maxAvoided)
	domains, err := collect(rows, err, self[string])
	if err != nil {
		return nil, fmt.Errorf("blocked domains of %d: %w", reader, err)
	}
	for _, d := range domains {
		a.Domains[d] = true
	}
	a.Filters, err = q.Filters(ctx, reader)
	return a, err
}

// Filters returns the filters of an account with their keywords and statuses, by id.
func (q *Q) Filters(ctx context.Context, owner int64) ([]Filter, error) {
	rows, err := q.query(ctx, "SELECT id, owner, title, contexts, action, expires FROM filters WHERE owner = $1 ORDER BY id LIMIT 500", owner)
	filters, err := collect(rows, err, func(f *Filter) []any {
		return []any{&f.ID, &f.Owner, &f.Title, &f.Contexts, &f.Action, &f.Expires}
	})
	if err != nil || len(filters) == 0 {
		return nil, wrapped(err, "filters of %d", owner)
	}
	at := map[int64]*Filter{}
	for i := range filters {
		at[filters[i].ID] = &filters[i]
	}
	rows, err = q.query(ctx, `SELECT k.id, k.filter, k.keyword, k.whole_word FROM filters f JOIN filter_keywords k ON k.filter = f.id
		WHERE f.owner = $1 ORDER BY k.id LIMIT 5000`, owner)
	words, err := collect(rows, err, func(k *FilterKeyword) []any { return []any{&k.ID, &k.Filter, &k.Keyword, &k.WholeWord} })
	if err != nil {
		return nil, fmt.Errorf("filters of %d: %w", owner, err)
	}
	for _, k := range words {
		if f := at[k.Filter]; f != nil {
			f.Keywords = append(f.Keywords, k)
		}
	}
	rows, err = q.query(ctx, `SELECT s.id, s.filter, s.status FROM filters f JOIN filter_statuses s ON s.filter = f.id
		WHERE f.owner = $1 ORDER BY s.id LIMIT 5000`, owner)
	statuses, err := collect(rows, err, func(s *FilterStatus) []any { return []any{&s.ID, &s.Filter, &s.Status} })
	if err != nil {
		return nil, fmt.Errorf("filters of %d: %w", owner, err)
	}
	for _, s := range statuses {
		if f := at[s.Filter]; f != nil {
			f.Statuses = append(f.Statuses, s)
		}
	}
	return filters, nil
}

// wrapped is fmt.Errorf for an error that may be nil.
func wrapped(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
