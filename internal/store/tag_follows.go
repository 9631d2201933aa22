package store

import (
	"context"
	"fmt"
)

// FollowedTag is a tag that brings posts home; At is the cursor of pages.
type FollowedTag struct {
	Tag
	At int64
}

// FollowedTags returns a page of the tags that an account follows.
func (q *Q) FollowedTags(ctx context.Context, owner int64, p Page) ([]FollowedTag, error) {
	tail, args := p.clause("f.id", 2)
	rows, err := q.query(ctx, "SELECT t.id, t.name, t.display, f.id FROM tag_follows f JOIN tags t ON t.id = f.tag WHERE f.owner = $1"+tail, append([]any{owner}, args...)...)
	all, err := collect(rows, err, func(t *FollowedTag) []any { return []any{&t.ID, &t.Name, &t.Display, &t.At} })
	return order(p, all), wrapped(err, "tags that %d follows", owner)
}

// FollowsTags returns which of these tags an account follows.
func (q *Q) FollowsTags(ctx context.Context, owner int64, tags []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	for chunk := range chunks(tags) {
		list, args := in(2, chunk)
		ids, err := q.ids(ctx, "SELECT tag FROM tag_follows WHERE owner = $1 AND tag IN ("+list+")", append([]any{owner}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("tags that %d follows: %w", owner, err)
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return found, nil
}

// SetTagFollow has an account follow a tag, or no longer.
func (tx *Tx) SetTagFollow(ctx context.Context, owner, tag int64, on bool) error {
	text, args := "DELETE FROM tag_follows WHERE owner = $1 AND tag = $2", []any{owner, tag}
	if on {
		text = "INSERT INTO tag_follows (owner, tag, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		args = append(args, tx.NewID())
	}
	_, err := tx.exec(ctx, text, args...)
	return wrapped(err, "tag %d that %d follows", tag, owner)
}

// maxTagOwners bounds to how many homes one status comes by its tags.
const maxTagOwners = 500

// DeliverTags puts a public post that answers nobody else into the homes of those
// who follow one of its tags, the longest-standing 500 first, and returns who got a
// row by it. The tags must have been set.
func (tx *Tx) DeliverTags(ctx context.Context, s *Status) ([]int64, error) {
	if s.Visibility != 0 || s.BoostOf != 0 || s.IsReply && s.ReplyActor != s.Actor {
		return nil, nil
	}
	owners, err := tx.ids(ctx, `INSERT INTO home (owner, status, actor, post)
		SELECT f.owner, $1, $2, $1 FROM status_tags t JOIN tag_follows f ON f.tag = t.tag WHERE t.status = $1
		AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.actor = $2 AND b.target = f.owner)
		AND NOT EXISTS (SELECT 1 FROM away w WHERE w.owner = f.owner)
		GROUP BY f.owner ORDER BY MIN(f.id) LIMIT $3
		ON CONFLICT DO NOTHING RETURNING owner`, s.ID, s.Actor, maxTagOwners)
	return owners, wrapped(err, "delivering status %d by its tags", s.ID)
}
