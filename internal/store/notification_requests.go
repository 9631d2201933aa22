package store

import (
	"context"
	"fmt"
)

// NotificationRequest is somebody whose notifications an account's policy withholds.
type NotificationRequest struct {
	ID, Owner, Actor int64
	Status           int64 // The newest that they are about, 0 none.
	Updated          int64 // ms
	Count            int64 // Of those withheld.
}

// withheld are the notifications kept from the list that were neither taken back,
// dismissed nor cleared away; a condition on f.owner must follow.
const withheld = `filtered_notifications f JOIN notifications n ON n.owner = f.owner AND n.id = f.notification
	AND n.id > COALESCE((SELECT CAST(m.last_read AS BIGINT) FROM markers m WHERE m.actor = f.owner AND m.timeline = 'cleared'), 0)
	AND NOT EXISTS (SELECT 1 FROM dismissed d WHERE d.owner = f.owner AND d.notification = n.id) WHERE `

const requestColumns = "r.id, r.owner, r.actor, r.status, r.updated, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM " + withheld + "f.owner = r.owner AND f.actor = r.actor LIMIT 100) c)"

// pendingRequest is the condition on requests that something is withheld of.
const pendingRequest = " AND EXISTS (SELECT 1 FROM " + withheld + "f.owner = r.owner AND f.actor = r.actor)"

func (r *NotificationRequest) scan() []any {
	return []any{&r.ID, &r.Owner, &r.Actor, &r.Status, &r.Updated, &r.Count}
}

// NotificationRequests returns a page of those who wait, the latest comers first.
func (q *Q) NotificationRequests(ctx context.Context, owner int64, p Page) ([]NotificationRequest, error) {
	tail, args := p.clause("r.id", 2)
	rows, err := q.query(ctx, "SELECT "+requestColumns+" FROM notification_requests r WHERE r.owner = $1"+pendingRequest+tail, append([]any{owner}, args...)...)
	all, err := collect(rows, err, (*NotificationRequest).scan)
	return order(p, all), wrapped(err, "notification requests to %d", owner)
}

// NotificationRequest returns one by its id; ErrNotFound when owner has none such.
func (q *Q) NotificationRequest(ctx context.Context, owner, id int64) (*NotificationRequest, error) {
	var r NotificationRequest
	err := q.row(ctx, "SELECT "+requestColumns+" FROM notification_requests r WHERE r.owner = $1 AND r.id = $2", owner, id).Scan(r.scan()...)
	if err != nil {
		return nil, fmt.Errorf("notification request %d: %w", id, err)
	}
	return &r, nil
}

// PendingNotifications returns how many wait and how many notifications are withheld
// from an account, each counted up to 100.
func (q *Q) PendingNotifications(ctx context.Context, owner int64) (requests, notifications int64, err error) {
	err = q.row(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM notification_requests r WHERE r.owner = $1`+pendingRequest+` LIMIT 100) a),
		(SELECT COUNT(*) FROM (SELECT 1 AS one FROM `+withheld+`f.owner = $1 LIMIT 100) b)`, owner).Scan(&requests, &notifications)
	return requests, notifications, wrapped(err, "notifications withheld from %d", owner)
}

// AnswerRequest removes a request. One that is accepted lets through what comes from
// now on; what was withheld is let through by Unfilter, and dismissed otherwise by
// DropUnrequested. ErrNotFound when there is none such.
func (tx *Tx) AnswerRequest(ctx context.Context, owner, id int64, accept bool) error {
	r, err := tx.NotificationRequest(ctx, owner, id)
	if err != nil {
		return err
	}
	if accept {
		_, err := tx.exec(ctx, "INSERT INTO notification_permissions (owner, actor) VALUES ($1, $2) ON CONFLICT DO NOTHING", owner, r.Actor)
		if err != nil {
			return fmt.Errorf("accepting notification request %d: %w", id, err)
		}
	}
	_, err = tx.exec(ctx, "DELETE FROM notification_requests WHERE owner = $1 AND actor = $2", owner, r.Actor)
	return wrapped(err, "notification request %d", id)
}

// Unfilter lets through what was withheld of those whom owner has accepted, up to
// limit notifications, and tells whether there may be more.
func (tx *Tx) Unfilter(ctx context.Context, owner int64, limit int) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM filtered_notifications WHERE owner = $1 AND notification IN (
		SELECT f.notification FROM notification_permissions p JOIN filtered_notifications f ON f.owner = p.owner AND f.actor = p.actor
		WHERE p.owner = $1 LIMIT $2)`, owner, limit)
	return n == int64(limit), wrapped(err, "letting notifications through to %d", owner)
}

// DropUnrequested dismisses what was withheld of those whose request is gone, up to
// limit notifications, and tells whether there may be more.
func (tx *Tx) DropUnrequested(ctx context.Context, owner int64, limit int) (more bool, err error) {
	ids, err := tx.ids(ctx, `SELECT f.notification FROM filtered_notifications f WHERE f.owner = $1
		AND NOT EXISTS (SELECT 1 FROM notification_requests r WHERE r.owner = f.owner AND r.actor = f.actor)
		AND NOT EXISTS (SELECT 1 FROM notification_permissions p WHERE p.owner = f.owner AND p.actor = f.actor) LIMIT $2`, owner, limit)
	if err != nil || len(ids) == 0 {
		return false, wrapped(err, "dismissing notifications of %d", owner)
	}
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		args = append([]any{owner}, args...)
		for _, text := range []string{
			"INSERT INTO dismissed (owner, notification) SELECT owner, notification FROM filtered_notifications WHERE owner = $1 AND notification IN (" + list + ") ON CONFLICT DO NOTHING",
			"DELETE FROM filtered_notifications WHERE owner = $1 AND notification IN (" + list + ")",
		} {
			if _, err := tx.exec(ctx, text, args...); err != nil {
				return false, fmt.Errorf("dismissing notifications of %d: %w", owner, err)
			}
		}
	}
	return len(ids) == limit, nil
}

// SettleRequests does for owner what answered requests left to do, a part of it, and
// leaves a job "notification-requests" for the rest. done tells that there is none.
func (tx *Tx) SettleRequests(ctx context.Context, owner int64) (done bool, err error) {
	more, err := tx.Unfilter(ctx, owner, settleChunk)
	if err == nil && !more {
		more, err = tx.DropUnrequested(ctx, owner, settleChunk/2) // Two rows each.
	}
	if err != nil || !more {
		return err == nil, err
	}
	return false, tx.Enqueue(ctx, Job{Kind: "notification-requests", Uniq: settleName(owner), Payload: fmt.Appendf(nil, "%d", owner)})
}

// settleChunk is how many rows one transaction of it writes.
const settleChunk = 400

func settleName(owner int64) string { return fmt.Sprintf("notification-requests %d", owner) }

// RequestsSettled tells whether all that owner has accepted is in its list.
func (q *Q) RequestsSettled(ctx context.Context, owner int64) (bool, error) {
	waits, err := q.exists(ctx, "SELECT 1 FROM jobs WHERE uniq = $1 AND uniq <> ''", settleName(owner))
	return !waits, wrapped(err, "notification requests to %d", owner)
}
