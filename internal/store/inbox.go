package store

import (
	"context"
	"slices"
)

// InboxRow is an activity that came for somebody.
type InboxRow struct {
	At       int64 // By which the inbox is paged: of a home's status its id, else that of the notification.
	Seq      int64
	Type     string
	Object   int64
	Activity string // The document, an inline object cut out.
}

func (r *InboxRow) scan() []any { return []any{&r.At, &r.Seq, &r.Type, &r.Object, &r.Activity} }

// Inbox returns the activities behind owner's home and notifications, newest first.
// Only p.Max counts.
func (q *Q) Inbox(ctx context.Context, owner int64, p Page) ([]InboxRow, error) {
	p = Page{Max: p.Max, Limit: p.Limit}
	var all []InboxRow
	for _, part := range []struct{ column, query string }{
		{"h.status", `SELECT h.status, a.seq, a.type, a.object, a.doc FROM home h JOIN statuses s ON s.id = h.status JOIN activities a ON a.seq = s.seq
			WHERE h.owner = $1 AND a.doc <> ''`},
		{"n.id", `SELECT n.id, a.seq, a.type, a.object, a.doc FROM notifications n JOIN activities a ON a.seq = n.id
			WHERE n.owner = $1 AND a.doc <> '' AND NOT EXISTS (SELECT 1 FROM home h JOIN statuses s ON s.id = h.status WHERE h.owner = $1 AND h.status = n.status AND s.seq = n.id)`},
	} {
		tail, args := p.clause(part.column, 2)
		rows, err := q.query(ctx, part.query+tail, append([]any{owner}, args...)...)
		list, err := collect(rows, err, (*InboxRow).scan)
		if err != nil {
			return nil, wrapped(err, "inbox of %d", owner)
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b InboxRow) int { return int(min(max(b.At-a.At, -1), 1)) })
	return all[:min(len(all), p.limit())], nil
}
