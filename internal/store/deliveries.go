package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kenoma/internal/vocab"
)

// DeliveryState says what has become of an activity on its way to one inbox.
type DeliveryState int16

// The states; they are stored.
const (
	DeliveryWaiting DeliveryState = iota // A job will try it (again).
	Delivered                            // The host took it.
	DeliveryFailed                       // Refused for good, or given up.
	DeliveryParked                       // Its host is unreachable; sent when it comes back.
	DeliveryDropped                      // Not sent: deleted, taken back or replaced meanwhile, or never needed there.
)

var deliveryStates = [...]string{"waiting", "delivered", "failed", "parked", "dropped"}

// String names the state for people.
func (s DeliveryState) String() string {
	if s < 0 || int(s) >= len(deliveryStates) {
		return fmt.Sprintf("DeliveryState(%d)", int16(s))
	}
	return deliveryStates[s]
}

// Delivery is what has become of an activity on its way to one inbox.
type Delivery struct {
	Activity int64 // activities.seq
	Inbox    int64
	URL      vocab.IRI // Of the inbox.
	State    DeliveryState
	Attempts int    // Requests that may have reached it.
	Status   int    // HTTP status of the last answer, 0 when none came.
	Error    string // Of the last try.
	At       int64  // ms of the last try, or of the decision to send.
}

// Deliveries returns what has become of an activity on its way, by inbox, at most
// 5,000. They are known for about five weeks.
func (q *Q) Deliveries(ctx context.Context, activity int64) ([]Delivery, error) {
	rows, err := q.query(ctx, `SELECT d.activity, d.inbox, i.url, d.state, d.attempts, d.status, d.error, d.at
		FROM deliveries d JOIN inboxes i ON i.id = d.inbox WHERE d.activity = $1 ORDER BY d.inbox LIMIT 5000`, activity)
	all, err := collect(rows, err, func(d *Delivery) []any {
		return []any{&d.Activity, &d.Inbox, &d.URL, &d.State, &d.Attempts, &d.Status, &d.Error, &d.At}
	})
	if err != nil {
		return nil, fmt.Errorf("deliveries of %d: %w", activity, err)
	}
	return all, nil
}

// ExpandJob is the job that finds the inboxes of an activity of ours. What one
// actor does goes out in order.
func ExpandJob(activity, actor int64) Job {
	return Job{Kind: "expand", Lane: actor, Payload: json.RawMessage(fmt.Sprintf(`{"activity":%d}`, activity))}
}

// Recipient is an actor that an activity may go to.
type Recipient struct {
	Actor              int64
	Host               string
	Inbox, SharedInbox vocab.IRI
}

func (r *Recipient) scan() []any { return []any{&r.Actor, &r.Host, &r.Inbox, &r.SharedInbox} }

// RemoteFollowers returns accepted followers of target on other servers, by id and
// after the given one.
func (q *Q) RemoteFollowers(ctx context.Context, target, after int64, limit int) ([]Recipient, error) {
	rows, err := q.query(ctx, `SELECT a.id, a.host, a.inbox, a.shared_inbox FROM follows f JOIN actors a ON a.id = f.actor
		WHERE f.target = $1 AND f.accepted AND NOT f.local AND f.actor > $2 AND a.deleted = 0 ORDER BY f.actor LIMIT $3`, target, after, limit)
	all, err := collect(rows, err, (*Recipient).scan)
	if err != nil {
		return nil, fmt.Errorf("followers of %d: %w", target, err)
	}
	return all, nil
}

// The ways to find the inboxes that something was sent to before.
const (
	TriedObject   = "SELECT DISTINCT inbox FROM deliveries WHERE object = $1 AND inbox > $2 ORDER BY inbox LIMIT $3"
	TriedActivity = "SELECT inbox FROM deliveries WHERE activity = $1 AND inbox > $2 ORDER BY inbox LIMIT $3"
	TriedActor    = "SELECT inbox FROM reached WHERE actor = $1 AND inbox > $2 ORDER BY inbox LIMIT $3"
)

// Tried returns the inboxes that anything about an object, an activity, or anything
// of an actor of ours was sent to, by id and after the given one. way is TriedObject
// or one of its siblings.
func (q *Q) Tried(ctx context.Context, way string, id, after int64, limit int) ([]Inbox, error) {
	rows, err := q.query(ctx, "SELECT i.id, i.url, i.host, i.gone FROM ("+way+") t JOIN inboxes i ON i.id = t.inbox ORDER BY i.id", id, after, limit)
	all, err := collect(rows, err, (*Inbox).scan)
	if err != nil {
		return nil, fmt.Errorf("inboxes tried for %d: %w", id, err)
	}
	return all, nil
}

// NewDelivery is an inbox that an activity is to go to.
type NewDelivery struct {
	Inbox int64
	State DeliveryState // DeliveryWaiting or DeliveryParked.
}

// AddDeliveries records that an activity of actor about object goes to inboxes, and
// returns those that it was not recorded for before.
func (tx *Tx) AddDeliveries(ctx context.Context, activity, actor, object int64, to []NewDelivery) (fresh map[int64]bool, err error) {
	now := tx.now().UnixMilli()
	fresh = map[int64]bool{}
	for len(to) > 0 {
		n := maxRows
		for n > len(to) {
			n /= 2
		}
		args := make([]any, 0, 5*n)
		reached := make([]any, 0, 2*n)
		for _, d := range to[:n] {
			args = append(args, activity, d.Inbox, object, d.State, now)
			reached = append(reached, actor, d.Inbox)
		}
		got, err := tx.ids(ctx, "INSERT INTO deliveries (activity, inbox, object, state, at, attempts, status, error) VALUES "+
			tuples(n, 5, "0, 0, ''")+" ON CONFLICT DO NOTHING RETURNING inbox", args...)
		if err != nil {
			return nil, fmt.Errorf("deliveries of %d: %w", activity, err)
		}
		for _, id := range got {
			fresh[id] = true
		}
		if err := tx.insertRows(ctx, "INSERT INTO reached (actor, inbox)", "", 2, reached, " ON CONFLICT DO NOTHING"); err != nil {
			return nil, fmt.Errorf("deliveries of %d: %w", activity, err)
		}
		to = to[n:]
	}
	return fresh, nil
}

// Dispatch is what must be known when an activity is about to be sent to an inbox.
type Dispatch struct {
	Type       string
	Actor      int64
	Object     int64 // What the activity names, see Activity.Object.
	State      ActivityState
	Visibility int16
	Version    int64 // Of the object or actor that it is about; 0 when it is about none.
	Deleted    int64 // That object was deleted.
	LocalOnly  bool
	Inbox      Inbox
	Settled    bool // The delivery needs nothing more.
	// Forwarder is which of our accounts passes on what somebody else did; 0: it is
	// our own.
	Forwarder int64
}

// Dispatch returns what must be known to send an activity to an inbox now;
// ErrNotFound when one of them or the record of the delivery is no longer there.
func (q *Q) Dispatch(ctx context.Context, activity, inbox int64) (*Dispatch, error) {
	var d Dispatch
	var state DeliveryState
	err := q.row(ctx, `SELECT a.type, a.actor, a.object, a.state, a.visibility, COALESCE(o.version, t.version, 0), COALESCE(o.deleted, 0),
			COALESCE(o.local_only, FALSE), i.id, i.url, i.host, i.gone, d.state, COALESCE(f.actor, 0)
		FROM deliveries d JOIN activities a ON a.seq = d.activity JOIN inboxes i ON i.id = d.inbox
		LEFT JOIN objects o ON o.id = a.object LEFT JOIN actors t ON t.id = a.object LEFT JOIN forwards f ON f.activity = a.seq
		WHERE d.activity = $1 AND d.inbox = $2`, activity, inbox).
		Scan(&d.Type, &d.Actor, &d.Object, &d.State, &d.Visibility, &d.Version, &d.Deleted, &d.LocalOnly,
			&d.Inbox.ID, &d.Inbox.URL, &d.Inbox.Host, &d.Inbox.Gone, &state, &d.Forwarder)
	if err != nil {
		return nil, fmt.Errorf("delivery of %d to %d: %w", activity, inbox, err)
	}
	d.Settled = state != DeliveryWaiting && state != DeliveryParked
	return &d, nil
}

// Superseded tells whether a newer Update of the same object by the same actor exists.
func (q *Q) Superseded(ctx context.Context, activity, actor, object int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM activities WHERE object = $1 AND type = 'Update' AND type <> 'Create' AND actor = $2 AND seq > $3 AND state = 0", object, actor, activity)
}

// NeverSent tells whether everything else about object that was to go to inbox was
// dropped before it was sent, so that a Delete has nothing to take back
// there. Where nothing is on record, something may have been sent long ago.
func (q *Q) NeverSent(ctx context.Context, activity, object, inbox int64) (bool, error) {
	var sent, all int64
	err := q.row(ctx, `SELECT count(*), COALESCE(sum(CASE WHEN attempts > 0 OR state <> $4 THEN 1 ELSE 0 END), 0)
		FROM deliveries WHERE object = $1 AND inbox = $2 AND activity <> $3`, object, inbox, activity, DeliveryDropped).Scan(&all, &sent)
	if err != nil {
		return false, fmt.Errorf("deliveries about %d: %w", object, err)
	}
	return all > 0 && sent == 0, nil
}

// Sent tells whether anything about object was to go to any inbox.
func (q *Q) Sent(ctx context.Context, object int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM deliveries WHERE object = $1 LIMIT 1", object)
}

// NeverDelivered is NeverSent for one activity, which an Undo takes back.
func (q *Q) NeverDelivered(ctx context.Context, activity, inbox int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM deliveries WHERE activity = $1 AND inbox = $2 AND attempts = 0 AND state = $3", activity, inbox, DeliveryDropped)
}

// SetDeliveries writes the state, attempts (which only grow), status, error and time of deliveries.
// Those whose record has expired are left alone.
func (tx *Tx) SetDeliveries(ctx context.Context, all []Delivery) error {
	for len(all) > 0 {
		n := maxRows
		for n > len(all) {
			n /= 2
		}
		args := make([]any, 0, 7*n)
		for _, d := range all[:n] {
			args = append(args, d.Activity, d.Inbox, d.State, d.Attempts, d.Status, clip(d.Error), d.At)
		}
		_, err := tx.exec(ctx, `UPDATE deliveries SET state = v.column3, attempts = CASE WHEN v.column4 > deliveries.attempts THEN v.column4 ELSE deliveries.attempts END,
			status = v.column5, error = v.column6, at = v.column7
			FROM (VALUES `+typedTuples(n, "BIGINT", "BIGINT", "SMALLINT", "BIGINT", "BIGINT", "TEXT", "BIGINT")+`) v
			WHERE deliveries.activity = v.column1 AND deliveries.inbox = v.column2`, args...)
		if err != nil {
			return fmt.Errorf("saving deliveries: %w", err)
		}
		all = all[n:]
	}
	return nil
}

// typedTuples is tuples with a type for each value, of which PostgreSQL knows
// nothing where they are not inserted.
func typedTuples(n int, types ...string) string {
	var b strings.Builder
	arg := 0
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c, typ := range types {
			if c > 0 {
				b.WriteByte(',')
			}
			arg++
			fmt.Fprintf(&b, "CAST($%d AS %s)", arg, typ)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Signer returns the id and the private key, as PEM, with which an account of ours
// signs; ErrNotFound for an actor that is none.
func (q *Q) Signer(ctx context.Context, actor int64) (keyID, privateKey string, err error) {
	err = q.row(ctx, "SELECT a.key_id, c.private_key FROM actors a JOIN accounts c ON c.actor = a.id WHERE a.id = $1", actor).Scan(&keyID, &privateKey)
	if err != nil {
		return "", "", fmt.Errorf("key of actor %d: %w", actor, err)
	}
	return keyID, privateKey, nil
}

// ParkDeliveries takes up to limit waiting jobs of a kind from a part and parks the
// deliveries that their payloads name: {"activity": seq, "inbox": id}. It returns
// how many; less than limit means that none is left.
func (tx *Tx) ParkDeliveries(ctx context.Context, kind, part string, limit int) (int, error) {
	rows, err := tx.query(ctx, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE part = $1 AND kind = $2 AND NOT running ORDER BY id LIMIT $3)
		RETURNING payload`, part, kind, limit)
	payloads, err := collect(rows, err, self[string])
	if err != nil {
		return 0, fmt.Errorf("parking deliveries to %s: %w", part, err)
	}
	for _, p := range payloads {
		var d struct{ Activity, Inbox int64 }
		if err := json.Unmarshal([]byte(p), &d); err != nil {
			return 0, fmt.Errorf("parking deliveries to %s: %w", part, err)
		}
		_, err := tx.exec(ctx, "UPDATE deliveries SET state = $3 WHERE activity = $1 AND inbox = $2 AND state = $4", d.Activity, d.Inbox, DeliveryParked, DeliveryWaiting)
		if err != nil {
			return 0, fmt.Errorf("parking deliveries to %s: %w", part, err)
		}
	}
	return len(payloads), nil
}

// Parked returns the oldest parked deliveries to a host: Activity, Inbox and URL,
// with the object that orders them.
func (q *Q) Parked(ctx context.Context, host string, limit int) ([]Parked, error) {
	rows, err := q.query(ctx, `SELECT d.activity, d.inbox, d.object FROM inboxes i JOIN deliveries d ON d.inbox = i.id
		WHERE i.host = $1 AND d.state = 3 ORDER BY d.activity, d.inbox LIMIT $2`, host, limit)
	all, err := collect(rows, err, func(p *Parked) []any { return []any{&p.Activity, &p.Inbox, &p.Object} })
	if err != nil {
		return nil, fmt.Errorf("parked deliveries to %s: %w", host, err)
	}
	return all, nil
}

// Parked is a delivery that waits for its host to come back.
type Parked struct{ Activity, Inbox, Object int64 }

// Unpark marks a parked delivery as waiting again; false when it no longer was parked.
func (tx *Tx) Unpark(ctx context.Context, p Parked) (bool, error) {
	n, err := tx.exec(ctx, "UPDATE deliveries SET state = $3 WHERE activity = $1 AND inbox = $2 AND state = 3", p.Activity, p.Inbox, DeliveryWaiting)
	if err != nil {
		return false, fmt.Errorf("unparking %d: %w", p.Activity, err)
	}
	return n > 0, nil
}

// keepDeliveries is how long deliveries are on record, by the age of the activity:
// 30 days beyond the week in which they are tried.
const keepDeliveries = 37 * 24 * time.Hour

// ExpireDeliveries drops up to limit records of old deliveries and returns how many.
func (tx *Tx) ExpireDeliveries(ctx context.Context, limit int) (int64, error) {
	n, err := tx.exec(ctx, `DELETE FROM deliveries WHERE (activity, inbox) IN (
		SELECT activity, inbox FROM deliveries WHERE activity < $1 ORDER BY activity, inbox LIMIT $2)`,
		tx.now().Add(-keepDeliveries).UnixMilli()<<16, limit)
	if err != nil {
		return 0, fmt.Errorf("expiring deliveries: %w", err)
	}
	return n, nil
}
