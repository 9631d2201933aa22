package store

import (
	"context"
	"fmt"
	"slices"
)

const notificationColumns = "n.owner, n.id, n.kind, n.actor, n.status"

func (n *Notification) scan() []any { return []any{&n.Owner, &n.ID, &n.Kind, &n.Actor, &n.Status} }

// notDismissed leaves out what the owner put away; dismissals stand apart, since
// notifications are a projection.
const notDismissed = " AND NOT EXISTS (SELECT 1 FROM dismissed d WHERE d.owner = n.owner AND d.notification = n.id)"

// NotificationQuery says which notifications are wanted.
type NotificationQuery struct {
	Kinds   []int16 // Only these; empty means all.
	Exclude []int16
	Actor   int64 // Only by this account; 0 any.
	Above   int64 // Only newer ones than what was cleared; 0 all.
}

// Notifications returns a page of an account's notifications.
func (q *Q) Notifications(ctx context.Context, owner int64, w NotificationQuery, p Page) ([]Notification, error) {
	text := "SELECT " + notificationColumns + " FROM notifications n WHERE n.owner = $1" + notDismissed
	args := []any{owner}
	for _, set := range []struct {
		op    string
		kinds []int16
	}{{"IN", w.Kinds}, {"NOT IN", w.Exclude}} {
		if len(set.kinds) > 0 {
			list, more := in(len(args)+1, slices.Clone(set.kinds))
			args = append(args, more...)
			text += " AND n.kind " + set.op + " (" + list + ")"
		}
	}
	if w.Actor != 0 {
		args = append(args, w.Actor)
		text += fmt.Sprintf(" AND n.actor = $%d", len(args))
	}
	if w.Above != 0 {
		args = append(args, w.Above)
		text += fmt.Sprintf(" AND n.id > $%d", len(args))
	}
	tail, more := p.clause("n.id", len(args)+1)
	rows, err := q.query(ctx, text+tail, append(args, more...)...)
	list, err := collect(rows, err, (*Notification).scan)
	if err != nil {
		return nil, fmt.Errorf("notifications of %d: %w", owner, err)
	}
	return order(p, list), nil
}

// Notification returns one notification of an account.
func (q *Q) Notification(ctx context.Context, owner, id int64) (*Notification, error) {
	var n Notification
	err := q.row(ctx, "SELECT "+notificationColumns+" FROM notifications n WHERE n.owner = $1 AND n.id = $2"+notDismissed, owner, id).Scan(n.scan()...)
	return &n, wrapped(err, "notification %d", id)
}

// DismissNotification puts a notification away for good.
func (tx *Tx) DismissNotification(ctx context.Context, owner, id int64) error {
	_, err := tx.exec(ctx, "INSERT INTO dismissed (owner, notification) VALUES ($1, $2) ON CONFLICT DO NOTHING", owner, id)
	return wrapped(err, "dismissing notification %d", id)
}
