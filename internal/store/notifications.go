package store

import (
	"context"
	"fmt"
)

// NotificationKind is a closed set; its number stands in the database.
type NotificationKind struct {
	ID   int16
	Name string // As the client API says.

	// Title is what a push message says; %s is who did it.
	Title string
	// Alert kinds are told of by subscriptions to push messages, switched on or not.
	Alert bool
	// Grouped ones about the same status are shown as one group for half a day.
	Grouped bool
	// Filtered ones are subject to the owner's policy.
	Filtered bool
	// Private ones come of no activity of the log: a rebuild keeps them.
	Private bool
}

// NotificationKinds lists every kind. It is the only place to touch when one is
// added; numbers are never reused. The id of a notification is the seq of the
// activity, or the id of the report, warning or severance that it is about; what
// else it is about stands in Ref. The actor of those that nobody caused
// (severed_relationships, moderation_warning, annual_report) is the owner.
//
// spec: masto:entities/Notification#type; move is Pleroma's
var NotificationKinds = []NotificationKind{
	{ID: 1, Name: "mention", Title: "%s mentioned you", Alert: true, Filtered: true},
	{ID: 2, Name: "status", Title: "%s just posted", Alert: true},
	{ID: 3, Name: "reblog", Title: "%s boosted your post", Alert: true, Grouped: true, Filtered: true},
	{ID: 4, Name: "follow", Title: "%s followed you", Alert: true, Grouped: true, Filtered: true},
	{ID: 5, Name: "follow_request", Title: "%s requested to follow you", Alert: true, Filtered: true},
	{ID: 6, Name: "favourite", Title: "%s favourited your post", Alert: true, Grouped: true, Filtered: true},
	{ID: 7, Name: "poll", Title: "A poll by %s has ended", Alert: true},
	{ID: 8, Name: "update", Title: "%s edited a post", Alert: true},
	{ID: 9, Name: "admin.sign_up", Title: "%s signed up", Alert: true, Grouped: true, Private: true},
	{ID: 10, Name: "admin.report", Title: "%s submitted a report", Alert: true, Private: true},
	{ID: 11, Name: "severed_relationships", Title: "Relationships with others were lost", Private: true},
	{ID: 12, Name: "moderation_warning", Title: "You have received a moderation warning", Private: true},
	{ID: 13, Name: "quote", Title: "%s quoted your post", Alert: true, Filtered: true},
	{ID: 14, Name: "quoted_update", Title: "%s edited a post you quoted", Alert: true},
	{ID: 15, Name: "annual_report", Title: "Your year in review is ready", Private: true},        // Ref is the year.
	{ID: 16, Name: "added_to_collection", Title: "%s added you to a collection", Filtered: true}, // Ref is the collection.
	{ID: 17, Name: "collection_update", Title: "%s changed a collection that you are in"},        // Ref is the collection.
	{ID: 18, Name: "pleroma:emoji_reaction", Title: "%s reacted to your post", Alert: true, Filtered: true},
	{ID: 19, Name: "move", Title: "%s moved", Private: true}, // Ref is the new account.
}

var kindByName = func() map[string]int16 {
	m := map[string]int16{}
	for _, k := range NotificationKinds {
		m[k.Name] = k.ID
	}
	return m
}()

// kindByID has a place for every number up to the highest.
var kindByID = func() []NotificationKind {
	var all []NotificationKind
	for _, k := range NotificationKinds {
		for len(all) <= int(k.ID) {
			all = append(all, NotificationKind{})
		}
		all[k.ID] = k
	}
	return all
}()

// KindNamed returns the number of a kind, 0 when unknown.
func KindNamed(name string) int16 { return kindByName[name] }

// Kind returns a kind by its number; the zero value when unknown.
func Kind(id int16) NotificationKind {
	if id < 0 || int(id) >= len(kindByID) {
		return NotificationKind{}
	}
	return kindByID[id]
}

// KindName returns the name of a kind, "" when unknown.
func KindName(id int16) string { return Kind(id).Name }

// KindsWhere returns the numbers of those kinds of which want says so.
func KindsWhere(want func(NotificationKind) bool) []int16 {
	var ids []int16
	for _, k := range NotificationKinds {
		if want(k) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// Notification is a row of notifications.
type Notification struct {
	Owner, ID     int64
	Kind          int16
	Actor, Status int64 // Status 0: about none.
	Ref           int64 // What else it is about, see NotificationKinds; 0 nothing.
	Withheld      bool  // The admin's rules want it among the requests. Not stored.
}

// AddNotification tells owner of something, as its policy allows: what is dropped
// or filtered goes nowhere by itself. It returns whether those who listen are to be
// told of it; a second one of the same id is nothing new. Jobs tell the apps that
// subscribed to such messages.
func (tx *Tx) AddNotification(ctx context.Context, n Notification) (heard bool, err error) {
	if added, err := tx.RestoreNotification(ctx, n); err != nil || !added {
		return false, err
	}
	action, err := tx.decide(ctx, n)
	if err != nil {
		return false, err
	}
	switch action {
	case Drop:
		return false, tx.DismissNotification(ctx, n.Owner, n.ID)
	case Withhold:
		return false, tx.withhold(ctx, n)
	}
	return true, tx.push(ctx, n)
}

// RestoreNotification adds a notification whose fate was decided before, as a
// rebuild does; false when owner has one of that id.
func (tx *Tx) RestoreNotification(ctx context.Context, n Notification) (bool, error) {
	rows, err := tx.exec(ctx, "INSERT INTO notifications (owner, id, kind, actor, status, ref) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
		n.Owner, n.ID, n.Kind, n.Actor, n.Status, n.Ref)
	if err != nil {
		return false, fmt.Errorf("notifying %d: %w", n.Owner, err)
	}
	return rows > 0, nil
}

// RemoveNotification takes a notification back.
func (tx *Tx) RemoveNotification(ctx context.Context, owner, id int64) error {
	for _, text := range []string{
		"DELETE FROM notifications WHERE owner = $1 AND id = $2",
		"DELETE FROM filtered_notifications WHERE owner = $1 AND notification = $2",
	} {
		if _, err := tx.exec(ctx, text, owner, id); err != nil {
			return fmt.Errorf("taking a notification of %d back: %w", owner, err)
		}
	}
	return nil
}

// Notified tells whether owner has a notification of this kind about a status.
func (q *Q) Notified(ctx context.Context, owner int64, kind int16, status int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM notifications WHERE status = $1 AND status <> 0 AND owner = $2 AND kind = $3", status, owner, kind)
}
