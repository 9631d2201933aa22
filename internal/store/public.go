package store

import (
	"context"
	"fmt"
)

// PublicStatuses returns the newest posts and boosts of an actor that anybody may
// see, without answers to others.
func (q *Q) PublicStatuses(ctx context.Context, actor int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT id FROM statuses WHERE actor = $1 AND visibility <= 1 AND NOT local_only
		AND (NOT is_reply OR reply_actor = $1) ORDER BY id DESC LIMIT $2`, actor, limit)
	if err != nil {
		return nil, fmt.Errorf("public statuses of %d: %w", actor, err)
	}
	return ids, nil
}

// PublicThread returns the conversation around a post as far as anybody may see
// it, oldest first: the post is always among them.
func (q *Q) PublicThread(ctx context.Context, s *Status, limit int) ([]int64, error) {
	before, err := q.ids(ctx, `SELECT id FROM statuses WHERE (conversation = $1 AND conversation <> id AND boost_of = 0 OR id = $1)
		AND id <= $2 AND visibility <= 1 AND NOT local_only ORDER BY id DESC LIMIT $3`, s.Conversation, s.ID, limit/2)
	if err != nil {
		return nil, fmt.Errorf("thread of %d: %w", s.ID, err)
	}
	after, err := q.ids(ctx, `SELECT id FROM statuses WHERE conversation = $1 AND conversation <> id AND boost_of = 0
		AND id > $2 AND visibility <= 1 AND NOT local_only ORDER BY id LIMIT $3`, s.Conversation, s.ID, limit/2)
	if err != nil {
		return nil, fmt.Errorf("thread of %d: %w", s.ID, err)
	}
	thread := make([]int64, 0, len(before)+len(after))
	for i := len(before) - 1; i >= 0; i-- {
		thread = append(thread, before[i])
	}
	return append(thread, after...), nil
}
