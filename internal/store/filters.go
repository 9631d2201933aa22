package store

import (
	"context"
	"fmt"
)

// Filter returns one of owner's filters with its keywords and statuses;
// ErrNotFound also for somebody else's.
func (q *Q) Filter(ctx context.Context, owner, id int64) (*Filter, error) {
	all, err := q.Filters(ctx, owner)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("filter %d: %w", id, ErrNotFound)
}

// SaveFilter writes a filter without its keywords and statuses; one without an id
// is new and gets one.
func (tx *Tx) SaveFilter(ctx context.Context, f *Filter) error {
	if f.ID == 0 {
		f.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, `INSERT INTO filters (id, owner, title, contexts, action, expires) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, contexts = excluded.contexts, action = excluded.action, expires = excluded.expires`,
		f.ID, f.Owner, f.Title, f.Contexts, f.Action, f.Expires)
	return wrapped(err, "filter %d", f.ID)
}

// DropFilter removes a filter with all that belongs to it.
func (tx *Tx) DropFilter(ctx context.Context, id int64) error {
	for _, text := range []string{"DELETE FROM filter_keywords WHERE filter = $1", "DELETE FROM filter_statuses WHERE filter = $1", "DELETE FROM filters WHERE id = $1"} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return fmt.Errorf("dropping filter %d: %w", id, err)
		}
	}
	return nil
}

// SaveKeyword writes a keyword; one without an id is new and gets one.
func (tx *Tx) SaveKeyword(ctx context.Context, k *FilterKeyword) error {
	if k.ID == 0 {
		k.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, `INSERT INTO filter_keywords (id, filter, keyword, whole_word) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET keyword = excluded.keyword, whole_word = excluded.whole_word`, k.ID, k.Filter, k.Keyword, k.WholeWord)
	return wrapped(err, "keyword %d", k.ID)
}

// DropKeyword removes a keyword.
func (tx *Tx) DropKeyword(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM filter_keywords WHERE id = $1", id)
	return wrapped(err, "keyword %d", id)
}

// AddFilterStatus has a filter catch a status.
func (tx *Tx) AddFilterStatus(ctx context.Context, s *FilterStatus) error {
	s.ID = tx.NewID()
	_, err := tx.exec(ctx, "INSERT INTO filter_statuses (id, filter, status) VALUES ($1, $2, $3)", s.ID, s.Filter, s.Status)
	return wrapped(err, "filtered status %d", s.Status)
}

// DropFilterStatus takes that back.
func (tx *Tx) DropFilterStatus(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM filter_statuses WHERE id = $1", id)
	return wrapped(err, "filtered status %d", id)
}
