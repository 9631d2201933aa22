package store

import (
	"context"
	"fmt"
)

// ModerationNote is what a moderator writes about an account or a report.
type ModerationNote struct {
	ID      int64  // Tells when.
	Kind    string // account, report
	Target  int64
	Author  int64
	Content string
}

// ModerationNotes returns up to 200 notes about these accounts or reports, oldest first, by
// what they are about.
func (q *Q) ModerationNotes(ctx context.Context, kind string, targets []int64) (map[int64][]ModerationNote, error) {
	found := map[int64][]ModerationNote{}
	for chunk := range chunks(targets) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT id, kind, target, author, content FROM moderation_notes WHERE kind = $1 AND target IN ("+list+") ORDER BY target, id LIMIT 200", append([]any{kind}, args...)...)
		all, err := collect(rows, err, func(n *ModerationNote) []any { return []any{&n.ID, &n.Kind, &n.Target, &n.Author, &n.Content} })
		if err != nil {
			return nil, fmt.Errorf("moderators' notes: %w", err)
		}
		for _, n := range all {
			found[n.Target] = append(found[n.Target], n)
		}
	}
	return found, nil
}

// AddModerationNote keeps a note, which gets an id.
func (tx *Tx) AddModerationNote(ctx context.Context, n *ModerationNote) error {
	n.ID = tx.NewID()
	_, err := tx.exec(ctx, "INSERT INTO moderation_notes (id, kind, target, author, content) VALUES ($1, $2, $3, $4, $5)", n.ID, n.Kind, n.Target, n.Author, n.Content)
	return wrapped(err, "note about %s %d", n.Kind, n.Target)
}

// RemoveModerationNote removes a note about a target; ErrNotFound when there is none such.
func (tx *Tx) RemoveModerationNote(ctx context.Context, kind string, target, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM moderation_notes WHERE id = $1 AND kind = $2 AND target = $3", id, kind, target)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "note %d", id)
}
