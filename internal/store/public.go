package store

import (
	"context"
	"fmt"
	"slices"
)

// PublicStatuses returns the newest posts and boosts of an actor that anybody may
// see, without answers to others.
func (q *Q) PublicStatuses(ctx context.Context, actor int64, p Page) ([]int64, error) {
	tail, args := p.clause("id", 2)
	ids, err := q.ids(ctx, `SELECT id FROM statuses WHERE actor = $1 AND visibility <= 1 AND NOT local_only
		AND (NOT is_reply OR reply_actor = $1)`+tail, append([]any{actor}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("public statuses of %d: %w", actor, err)
	}
	return order(p, ids), nil
}

// PublicThread returns what a post answers, up to limit posts, the post itself, and
// what answers it, up to limit posts too, the closest: as far as anybody may see
// them, oldest first. What hangs below a post that is not for everybody is left out with it.
func (q *Q) PublicThread(ctx context.Context, id int64, limit int) ([]int64, error) {
	before, err := q.ids(ctx, `WITH RECURSIVE up (id, reply_to, depth) AS (
			SELECT id, reply_to, 0 FROM statuses WHERE id = $1
			UNION ALL SELECT s.id, s.reply_to, up.depth + 1 FROM up JOIN statuses s ON s.id = up.reply_to
			WHERE up.depth < $2 AND s.visibility <= 1 AND NOT s.local_only)
		SELECT id FROM up ORDER BY depth DESC`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("what post %d answers: %w", id, err)
	}
	after, err := q.ids(ctx, `WITH RECURSIVE down (id, depth) AS (
			SELECT id, 1 FROM statuses WHERE reply_to = $1 AND reply_to <> 0 AND visibility <= 1 AND NOT local_only
			UNION ALL SELECT s.id, down.depth + 1 FROM down JOIN statuses s ON s.reply_to = down.id AND s.reply_to <> 0
			WHERE down.depth < 20 AND s.visibility <= 1 AND NOT s.local_only)
		SELECT id FROM down LIMIT $2`, id, limit) // Without an order, both engines stop there.
	if err != nil {
		return nil, fmt.Errorf("answers to %d: %w", id, err)
	}
	slices.Sort(after)
	return append(before, after...), nil
}
