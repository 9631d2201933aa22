package store

import (
	"context"
	"fmt"
)

// Conversation is a thread of direct messages as one of those in it sees it.
type Conversation struct {
	ID   int64 // statuses.conversation
	Last int64 // The newest message; the cursor of pages.
	Seen int64 // The newest message that was read, 0 none.
}

func (c *Conversation) scan() []any { return []any{&c.ID, &c.Last, &c.Seen} }

// lastMessages are the newest messages of each conversation that $1 is in, by or to.
const lastMessages = `SELECT s.conversation, s.id, COALESCE(r.seen, 0)
	FROM statuses s LEFT JOIN conversation_reads r ON r.owner = $1 AND r.conversation = s.conversation
	WHERE s.id IN (SELECT status FROM mentions WHERE actor = $1 UNION SELECT id FROM statuses WHERE actor = $1 AND visibility = 3) AND s.visibility = 3 AND s.boost_of = 0 AND s.id > COALESCE(r.hidden, 0)
	AND NOT EXISTS (SELECT 1 FROM statuses n WHERE n.conversation = s.conversation AND n.conversation <> n.id AND n.boost_of = 0 AND n.id > s.id AND n.visibility = 3
		AND (n.actor = $1 OR EXISTS (SELECT 1 FROM mentions m WHERE m.status = n.id AND m.actor = $1)))`

// Conversations returns a page of an account's conversations, by their last messages.
func (q *Q) Conversations(ctx context.Context, owner int64, p Page) ([]Conversation, error) {
	tail, args := p.clause("s.id", 2)
	rows, err := q.query(ctx, lastMessages+tail, append([]any{owner}, args...)...)
	all, err := collect(rows, err, (*Conversation).scan)
	return order(p, all), wrapped(err, "conversations of %d", owner)
}

// ConversationOf returns one of them; ErrNotFound when owner is not in it.
func (q *Q) ConversationOf(ctx context.Context, owner, id int64) (*Conversation, error) {
	var c Conversation
	if err := q.row(ctx, lastMessages+" AND s.conversation = $2 ORDER BY s.id DESC LIMIT 1", owner, id).Scan(c.scan()...); err != nil {
		return nil, fmt.Errorf("conversation %d: %w", id, err)
	}
	return &c, nil
}

// ReadConversation notes that a conversation was read up to a message, and with
// hide, that it is not to be shown until there is a later one.
func (tx *Tx) ReadConversation(ctx context.Context, owner int64, c Conversation, hide bool) error {
	hidden := int64(0)
	if hide {
		hidden = c.Last
	}
	_, err := tx.exec(ctx, `INSERT INTO conversation_reads (owner, conversation, seen, hidden) VALUES ($1, $2, $3, $4)
		ON CONFLICT (owner, conversation) DO UPDATE SET seen = excluded.seen,
		hidden = CASE WHEN excluded.hidden > conversation_reads.hidden THEN excluded.hidden ELSE conversation_reads.hidden END`, owner, c.ID, c.Last, hidden)
	return wrapped(err, "reading conversation %d", c.ID)
}
