package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// VerifiedLink is what is known of an address on a profile, in ms.
type VerifiedLink struct {
	Found   int64 // Since when the page links back; 0: it doesn't.
	Checked int64 // When it was last looked at.
}

// VerifiedLinks returns what is known of the addresses on an actor's profile.
func (q *Q) VerifiedLinks(ctx context.Context, actor int64) (map[vocab.IRI]VerifiedLink, error) {
	type row struct {
		url vocab.IRI
		VerifiedLink
	}
	rows, err := q.query(ctx, "SELECT url, found, checked FROM verified_links WHERE actor = $1", actor)
	all, err := collect(rows, err, func(r *row) []any { return []any{&r.url, &r.Found, &r.Checked} })
	if err != nil {
		return nil, fmt.Errorf("links of %d: %w", actor, err)
	}
	found := make(map[vocab.IRI]VerifiedLink, len(all))
	for _, r := range all {
		found[r.url] = r.VerifiedLink
	}
	return found, nil
}

// SetVerifiedLinks replaces that.
func (tx *Tx) SetVerifiedLinks(ctx context.Context, actor int64, links map[vocab.IRI]VerifiedLink) error {
	if _, err := tx.exec(ctx, "DELETE FROM verified_links WHERE actor = $1", actor); err != nil {
		return fmt.Errorf("links of %d: %w", actor, err)
	}
	for url, l := range links {
		if _, err := tx.exec(ctx, "INSERT INTO verified_links (actor, url, found, checked) VALUES ($1, $2, $3, $4)", actor, url, l.Found, l.Checked); err != nil {
			return fmt.Errorf("links of %d: %w", actor, err)
		}
	}
	return nil
}

// VerifiedBefore returns up to limit actors some of whose links were last looked at
// before a time (ms), longest ago first.
func (q *Q) VerifiedBefore(ctx context.Context, before int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT actor FROM (SELECT actor, checked FROM verified_links WHERE checked < $1 ORDER BY checked LIMIT $2) x GROUP BY actor ORDER BY MIN(checked)", before, limit)
	return ids, wrapped(err, "old links")
}
