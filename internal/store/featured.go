package store

import (
	"context"
	"fmt"
)

// SetEndorsement has an account show another one on its profile, or no longer.
func (tx *Tx) SetEndorsement(ctx context.Context, actor, target int64, on bool) error {
	text, args := "DELETE FROM endorsements WHERE actor = $1 AND target = $2", []any{actor, target}
	if on {
		text = "INSERT INTO endorsements (actor, target, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		args = append(args, tx.NewID())
	}
	_, err := tx.exec(ctx, text, args...)
	return wrapped(err, "endorsement of %d by %d", target, actor)
}

// Endorsements returns a page of whom an account shows on its profile: those whom it
// still follows.
func (q *Q) Endorsements(ctx context.Context, actor int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, `SELECT e.target, e.id FROM endorsements e JOIN follows f ON f.actor = e.actor AND f.target = e.target AND f.accepted
		WHERE e.actor = $1`, "e.id", actor)
	return list, wrapped(err, "endorsed by %d", actor)
}

// FeaturedTag is a tag that an account shows on its profile.
type FeaturedTag struct {
	ID, Tag int64
	Folded  string
	Name    string // As the account spells it.
	URL     string // Of a remote account's; "" for ours.
	Uses    int64  // Public posts of the account with it, among its newest.
	Last    int64  // ms of the newest of them, 0 never.
}

// taggedRows is how many of an account's newest statuses are looked at to count uses
// of its tags.
const taggedRows = 5000

// FeaturedTags returns the tags that an account features, the most used first.
func (q *Q) FeaturedTags(ctx context.Context, actor int64) ([]FeaturedTag, error) {
	rows, err := q.query(ctx, `SELECT f.id, f.tag, t.name, f.name, f.url, COALESCE(u.uses, 0), COALESCE(u.last, 0) FROM featured_tags f JOIN tags t ON t.id = f.tag
		LEFT JOIN (SELECT s.tag, COUNT(*) AS uses, MAX(x.id) / 65536 AS last FROM
			(SELECT id FROM statuses WHERE actor = $1 AND visibility <= 1 AND boost_of = 0 AND NOT local_only ORDER BY id DESC LIMIT $2) x
			JOIN status_tags s ON s.status = x.id WHERE s.tag IN (SELECT tag FROM featured_tags WHERE actor = $1) GROUP BY s.tag) u ON u.tag = f.tag
		WHERE f.actor = $1 ORDER BY COALESCE(u.uses, 0) DESC, f.id LIMIT 100`, actor, taggedRows)
	all, err := collect(rows, err, func(t *FeaturedTag) []any { return []any{&t.ID, &t.Tag, &t.Folded, &t.Name, &t.URL, &t.Uses, &t.Last} })
	return all, wrapped(err, "tags featured by %d", actor)
}

// FeatureTag has an account feature a tag; it is no error when it does already.
func (tx *Tx) FeatureTag(ctx context.Context, actor, tag int64, name, url string) error {
	_, err := tx.exec(ctx, "INSERT INTO featured_tags (id, actor, tag, name, url) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (actor, tag) DO NOTHING", tx.NewID(), actor, tag, name, url)
	return wrapped(err, "tag %d featured by %d", tag, actor)
}

// UnfeatureTag ends that; tag 0 means all of them. It tells whether there was one.
func (tx *Tx) UnfeatureTag(ctx context.Context, actor, tag int64) (bool, error) {
	text, args := "DELETE FROM featured_tags WHERE actor = $1", []any{actor}
	if tag != 0 {
		text, args = text+" AND tag = $2", append(args, tag)
	}
	n, err := tx.exec(ctx, text, args...)
	return n > 0, wrapped(err, "tag %d featured by %d", tag, actor)
}

// FeaturesTags returns which of these tags an account features.
func (q *Q) FeaturesTags(ctx context.Context, actor int64, tags []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	for chunk := range chunks(tags) {
		list, args := in(2, chunk)
		ids, err := q.ids(ctx, "SELECT tag FROM featured_tags WHERE actor = $1 AND tag IN ("+list+")", append([]any{actor}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("tags featured by %d: %w", actor, err)
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return found, nil
}

// OftenUsedTags returns the tags that an account used most in its newest 500 statuses
// and doesn't feature.
func (q *Q) OftenUsedTags(ctx context.Context, actor int64, limit int) ([]Tag, error) {
	rows, err := q.query(ctx, `SELECT t.id, t.name, t.display FROM (SELECT s.tag, COUNT(*) AS uses FROM
			(SELECT id FROM statuses WHERE actor = $1 AND visibility <= 1 AND boost_of = 0 ORDER BY id DESC LIMIT 500) x
			JOIN status_tags s ON s.status = x.id GROUP BY s.tag) u JOIN tags t ON t.id = u.tag
		WHERE NOT EXISTS (SELECT 1 FROM featured_tags f WHERE f.actor = $1 AND f.tag = u.tag) ORDER BY u.uses DESC, t.id LIMIT $2`, actor, limit)
	all, err := collect(rows, err, func(t *Tag) []any { return []any{&t.ID, &t.Name, &t.Display} })
	return all, wrapped(err, "tags of %d", actor)
}
