package store

import (
	"context"
	"fmt"
)

// OwnEmoji is a row of emoji: one of the instance's own.
type OwnEmoji struct {
	Shortcode string
	File      string // Key in the media storage.
	Static    string // Key of a version that doesn't move.
	Category  string
	Visible   bool // In pickers.
	Updated   int64
}

const emojiColumns = "shortcode, file, static, category, visible, updated"

func (e *OwnEmoji) scan() []any {
	return []any{&e.Shortcode, &e.File, &e.Static, &e.Category, &e.Visible, &e.Updated}
}

// AllEmoji returns the instance's own emoji by name.
func (q *Q) AllEmoji(ctx context.Context) ([]OwnEmoji, error) {
	rows, err := q.query(ctx, "SELECT "+emojiColumns+" FROM emoji ORDER BY shortcode LIMIT 10000")
	all, err := collect(rows, err, (*OwnEmoji).scan)
	return all, wrapped(err, "emoji")
}

// EmojiNamed returns those of the instance's own emoji that have these names.
func (q *Q) EmojiNamed(ctx context.Context, names []string) ([]OwnEmoji, error) {
	var found []OwnEmoji
	for chunk := range chunks(names) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+emojiColumns+" FROM emoji WHERE shortcode IN ("+list+")", args...)
		some, err := collect(rows, err, (*OwnEmoji).scan)
		if err != nil {
			return nil, fmt.Errorf("emoji: %w", err)
		}
		found = append(found, some...)
	}
	return found, nil
}

// SetEmoji adds one of the instance's own emoji, or replaces the one of that name.
func (tx *Tx) SetEmoji(ctx context.Context, e *OwnEmoji) error {
	_, err := tx.exec(ctx, "INSERT INTO emoji ("+emojiColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (shortcode) DO UPDATE SET
		file = excluded.file, static = excluded.static, category = excluded.category, visible = excluded.visible, updated = excluded.updated`,
		e.Shortcode, e.File, e.Static, e.Category, e.Visible, tx.now().UnixMilli())
	return wrapped(err, "emoji %s", e.Shortcode)
}

// RemoveEmoji removes one; ErrNotFound when there is none of that name.
func (tx *Tx) RemoveEmoji(ctx context.Context, shortcode string) error {
	n, err := tx.exec(ctx, "DELETE FROM emoji WHERE shortcode = $1", shortcode)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "emoji %s", shortcode)
}
