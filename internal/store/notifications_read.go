package store

import (
	"context"
	"fmt"
	"strconv"
)

// NotificationQuery says which notifications are wanted. The zero value wants all.
type NotificationQuery struct {
	Kinds   []int16 // Only these; nil all.
	Exclude []int16
	Actor   int64 // Only by this account, also what is filtered; 0 all.

	Status int64 // Only about this status; 0 all.

	IncludeFiltered bool // Also what the owner's policy keeps from the list.
}

// shownNotifications is the condition on what owner ($1) has neither dismissed nor
// cleared away.
const shownNotifications = ` FROM notifications n WHERE n.owner = $1
	AND n.id > COALESCE((SELECT CAST(m.last_read AS BIGINT) FROM markers m WHERE m.actor = $1 AND m.timeline = 'cleared'), 0)
	AND NOT EXISTS (SELECT 1 FROM dismissed d WHERE d.owner = $1 AND d.notification = n.id)`

func (w NotificationQuery) conditions(args []any) (string, []any) {
	text := ""
	for _, part := range []struct {
		op    string
		kinds []int16
	}{{" AND n.kind IN (", w.Kinds}, {" AND n.kind NOT IN (", w.Exclude}} {
		if len(part.kinds) > 0 {
			list, more := in(len(args)+1, part.kinds)
			text += part.op + list + ")"
			args = append(args, more...)
		}
	}
	if w.Actor != 0 {
		args = append(args, w.Actor)
		text += fmt.Sprintf(" AND n.actor = $%d", len(args))
	}
	if w.Status != 0 {
		args = append(args, w.Status)
		text += fmt.Sprintf(" AND n.status = $%d", len(args))
	}
	if w.Actor == 0 && !w.IncludeFiltered {
		text += " AND NOT EXISTS (SELECT 1 FROM filtered_notifications f WHERE f.owner = $1 AND f.notification = n.id)"
	}
	return text, args
}

func (n *Notification) scan() []any {
	return []any{&n.Owner, &n.ID, &n.Kind, &n.Actor, &n.Status, &n.Ref}
}

const notificationColumns = "n.owner, n.id, n.kind, n.actor, n.status, n.ref"

// Notifications returns a page of what an account was told.
func (q *Q) Notifications(ctx context.Context, owner int64, w NotificationQuery, p Page) ([]Notification, error) {
	where, args := w.conditions([]any{owner})
	tail, more := p.clause("n.id", len(args)+1)
	rows, err := q.query(ctx, "SELECT "+notificationColumns+shownNotifications+where+tail, append(args, more...)...)
	all, err := collect(rows, err, (*Notification).scan)
	return order(p, all), wrapped(err, "notifications of %d", owner)
}

// Notification returns one of them; ErrNotFound when it was dismissed.
func (q *Q) Notification(ctx context.Context, owner, id int64) (*Notification, error) {
	var n Notification
	err := q.row(ctx, "SELECT "+notificationColumns+shownNotifications+" AND n.id = $2", owner, id).Scan(n.scan()...)
	if err != nil {
		return nil, fmt.Errorf("notification %d: %w", id, err)
	}
	return &n, nil
}

// ClearNotifications has an account see none of its notifications up to now.
func (tx *Tx) ClearNotifications(ctx context.Context, owner int64) error {
	var newest int64
	err := tx.row(ctx, "SELECT COALESCE(MAX(id), 0) FROM notifications WHERE owner = $1", owner).Scan(&newest)
	if err != nil {
		return fmt.Errorf("clearing notifications of %d: %w", owner, err)
	}
	if _, err := tx.SetMarker(ctx, Marker{Actor: owner, Timeline: "cleared", LastRead: strconv.FormatInt(newest, 10)}); err != nil {
		return err
	}
	_, err = tx.exec(ctx, "DELETE FROM dismissed WHERE owner = $1 AND notification <= $2", owner, newest)
	return wrapped(err, "clearing notifications of %d", owner)
}

// DismissNotifications dismisses a page of notifications, and tells whether it was
// full.
func (tx *Tx) DismissNotifications(ctx context.Context, owner int64, w NotificationQuery, p Page) (more bool, err error) {
	where, args := w.conditions([]any{owner})
	tail, more2 := p.clause("n.id", len(args)+1)
	n, err := tx.exec(ctx, "INSERT INTO dismissed (owner, notification) SELECT n.owner, n.id"+shownNotifications+where+tail, append(args, more2...)...)
	return n == int64(p.limit()), wrapped(err, "dismissing notifications of %d", owner)
}

// DismissNotification has an account not see one of its notifications any more; what
// is none of them leaves no trace.
func (tx *Tx) DismissNotification(ctx context.Context, owner, id int64) error {
	_, err := tx.exec(ctx, "INSERT INTO dismissed (owner, notification) SELECT owner, id FROM notifications WHERE owner = $1 AND id = $2 ON CONFLICT DO NOTHING", owner, id)
	return wrapped(err, "dismissing notification %d", id)
}
