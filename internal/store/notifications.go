package store

import (
	"context"
	"fmt"
)

// NotificationKind is a closed set; its number stands in the database.
type NotificationKind struct {
	ID   int16
	Name string // As the client API says.
}

// NotificationKinds lists every kind. It is the only place to touch when one is
// added; numbers are never reused.
//
// spec: masto:entities/Notification#type
var NotificationKinds = []NotificationKind{
	{1, "mention"}, {2, "status"}, {3, "reblog"}, {4, "follow"}, {5, "follow_request"}, {6, "favourite"}, {7, "poll"}, {8, "update"},
	{9, "admin.sign_up"}, {10, "admin.report"}, {11, "severed_relationships"}, {12, "moderation_warning"},
}

var kindByName = func() map[string]int16 {
	m := map[string]int16{}
	for _, k := range NotificationKinds {
		m[k.Name] = k.ID
	}
	return m
}()

// KindNamed returns the number of a kind, 0 when unknown.
func KindNamed(name string) int16 { return kindByName[name] }

// KindName returns the name of a kind, "" when unknown.
func KindName(id int16) string {
	for _, k := range NotificationKinds {
		if k.ID == id {
			return k.Name
		}
	}
	return ""
}

// Notification is a row of notifications.
type Notification struct {
	Owner, ID     int64
	Kind          int16
	Actor, Status int64
}

// AddNotification adds a notification; false when owner has one of that id.
func (tx *Tx) AddNotification(ctx context.Context, n Notification) (bool, error) {
	rows, err := tx.exec(ctx, "INSERT INTO notifications (owner, id, kind, actor, status) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		n.Owner, n.ID, n.Kind, n.Actor, n.Status)
	if err != nil {
		return false, fmt.Errorf("notifying %d: %w", n.Owner, err)
	}
	return rows > 0, nil
}

// RemoveNotification takes a notification back.
func (tx *Tx) RemoveNotification(ctx context.Context, owner, id int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM notifications WHERE owner = $1 AND id = $2", owner, id); err != nil {
		return fmt.Errorf("taking a notification of %d back: %w", owner, err)
	}
	return nil
}

// Notified tells whether owner has a notification of this kind about a status.
func (q *Q) Notified(ctx context.Context, owner int64, kind int16, status int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM notifications WHERE status = $1 AND status <> 0 AND owner = $2 AND kind = $3", status, owner, kind)
}
