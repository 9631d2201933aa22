package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// RelayState says how far a Follow between us and a relay has come.
type RelayState int16

// The states.
const (
	RelayNone     RelayState = iota
	RelayAsked               // It waits for an answer.
	RelayAccepted            // It stands.
	RelayRejected            // It was refused.
)

// String names a state for admins.
func (s RelayState) String() string {
	return [...]string{"none", "pending", "accepted", "rejected"}[s]
}

// Relay is a relay that we follow, a server that follows ours, or both.
type Relay struct {
	ID               int64
	Inbox            vocab.IRI
	Actor            vocab.IRI // "" until it answered.
	Host             string    // Of Inbox.
	LitePub          bool      // Followed as an actor; else by following Public, as Mastodon does.
	Wanted           bool      // The admin subscribed: what it brings is taken in.
	State            RelayState
	Follow           vocab.IRI // Id of our Follow.
	Member           RelayState
	MemberFollow     vocab.IRI // Id of its Follow.
	Brought, Dropped int64     // New posts that it named; of them those over the bound.
}

const relayColumns = "id, inbox, actor, host, litepub, wanted, state, follow, member, member_follow, brought, dropped"

func (r *Relay) scan() []any {
	return []any{&r.ID, &r.Inbox, &r.Actor, &r.Host, &r.LitePub, &r.Wanted, &r.State, &r.Follow, &r.Member, &r.MemberFollow, &r.Brought, &r.Dropped}
}

// MaxRelays is how many relays and members there may be.
const MaxRelays = 2000

func (q *Q) relays(ctx context.Context, where string, args ...any) ([]Relay, error) {
	rows, err := q.query(ctx, "SELECT "+relayColumns+" FROM relays WHERE "+where, args...)
	all, err := collect(rows, err, (*Relay).scan)
	return all, wrapped(err, "relays")
}

// Relays returns all relays and members, the oldest first.
func (q *Q) Relays(ctx context.Context) ([]Relay, error) {
	return q.relays(ctx, "id > 0 ORDER BY id LIMIT $1", MaxRelays)
}

// RelayMembers returns members whose Follow stands, after one.
func (q *Q) RelayMembers(ctx context.Context, after int64, limit int) ([]Relay, error) {
	return q.relays(ctx, "member = 2 AND id > $1 ORDER BY id LIMIT $2", after, limit)
}

// HasRelayMembers tells whether there are any.
func (q *Q) HasRelayMembers(ctx context.Context) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM relays WHERE member = 2 LIMIT 1")
}

// RelayInboxes returns the inboxes of the relays that get our posts whole, as
// Mastodon sends them.
func (q *Q) RelayInboxes(ctx context.Context) ([]vocab.IRI, error) {
	all, err := q.relays(ctx, "wanted AND state = 2 AND NOT litepub ORDER BY id LIMIT 100")
	var inboxes []vocab.IRI
	for _, r := range all {
		inboxes = append(inboxes, r.Inbox)
	}
	return inboxes, err
}

func (q *Q) relay(ctx context.Context, where string, args ...any) (*Relay, error) {
	var r Relay
	err := q.row(ctx, "SELECT "+relayColumns+" FROM relays WHERE "+where+" LIMIT 1", args...).Scan(r.scan()...)
	return &r, wrapped(err, "relay %v", args)
}

// Relay returns a relay or member.
func (q *Q) Relay(ctx context.Context, id int64) (*Relay, error) { return q.relay(ctx, "id = $1", id) }

// RelayByActor returns the one whose actor this is.
func (q *Q) RelayByActor(ctx context.Context, actor vocab.IRI) (*Relay, error) {
	return q.relay(ctx, "actor = $1 AND actor <> ''", actor)
}

// RelayByInbox returns the one with this inbox.
func (q *Q) RelayByInbox(ctx context.Context, inbox vocab.IRI) (*Relay, error) {
	return q.relay(ctx, "inbox = $1", inbox)
}

// RelayByHost returns a member on a host whose Follow stands.
func (q *Q) RelayByHost(ctx context.Context, host string) (*Relay, error) {
	return q.relay(ctx, "host = $1 AND member = 2 ORDER BY id", host)
}

// RelayAsked returns the one on a host that our Follow is about; a Follow without an
// id is any that waits there.
func (q *Q) RelayAsked(ctx context.Context, host string, follow vocab.IRI) (*Relay, error) {
	if follow == "" {
		return q.relay(ctx, "host = $1 AND state = 1 ORDER BY id", host)
	}
	return q.relay(ctx, "host = $1 AND follow = $2 ORDER BY id", host, follow)
}

// PutRelay adds or replaces a relay; its counts stay.
func (tx *Tx) PutRelay(ctx context.Context, r *Relay) error {
	if r.ID == 0 {
		r.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, "INSERT INTO relays ("+relayColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,0,0)
		ON CONFLICT (id) DO UPDATE SET inbox = excluded.inbox, actor = excluded.actor, host = excluded.host, litepub = excluded.litepub, wanted = excluded.wanted,
			state = excluded.state, follow = excluded.follow, member = excluded.member, member_follow = excluded.member_follow`,
		r.ID, r.Inbox, r.Actor, r.Host, r.LitePub, r.Wanted, r.State, r.Follow, r.Member, r.MemberFollow)
	return wrapped(err, "relay %s", r.Inbox)
}

// DropRelay removes a relay with what waits of it.
func (tx *Tx) DropRelay(ctx context.Context, id int64) error {
	for _, text := range []string{"DELETE FROM relay_queue WHERE relay = $1", "DELETE FROM relays WHERE id = $1"} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return fmt.Errorf("relay %d: %w", id, err)
		}
	}
	return nil
}

// QueueRelayed notes a post that a relay named, unless it waits already. Of more than
// limit that wait the oldest are dropped.
func (tx *Tx) QueueRelayed(ctx context.Context, relay int64, uri vocab.IRI, limit int) (added bool, err error) {
	n, err := tx.exec(ctx, "INSERT INTO relay_queue (uri, relay, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", uri, relay, tx.NewID())
	if err != nil || n == 0 {
		return false, wrapped(err, "queue of relay %d", relay)
	}
	dropped, err := tx.exec(ctx, "DELETE FROM relay_queue WHERE relay = $1 AND id <= (SELECT id FROM relay_queue WHERE relay = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)", relay, limit)
	if err != nil {
		return false, fmt.Errorf("queue of relay %d: %w", relay, err)
	}
	_, err = tx.exec(ctx, "UPDATE relays SET brought = brought + 1, dropped = dropped + $2 WHERE id = $1", relay, dropped)
	return true, wrapped(err, "queue of relay %d", relay)
}

// RelayQueue returns the next posts to fetch of a relay, the oldest first.
func (q *Q) RelayQueue(ctx context.Context, relay int64, limit int) ([]vocab.IRI, error) {
	rows, err := q.query(ctx, "SELECT uri FROM relay_queue WHERE relay = $1 ORDER BY id LIMIT $2", relay, limit)
	all, err := collect(rows, err, self[vocab.IRI])
	return all, wrapped(err, "queue of relay %d", relay)
}

// UnqueueRelayed removes posts that were fetched, or can't be.
func (tx *Tx) UnqueueRelayed(ctx context.Context, uris []vocab.IRI) error {
	for chunk := range chunks(uris) {
		list, args := in(1, chunk)
		if _, err := tx.exec(ctx, "DELETE FROM relay_queue WHERE uri IN ("+list+")", args...); err != nil {
			return fmt.Errorf("queue of relays: %w", err)
		}
	}
	return nil
}

// maxRelayed is how many announced posts are remembered.
const maxRelayed = 20_000

// AddRelayed notes that our relay announces a post, which source brought (0: it is our
// own); false when it was announced already.
func (tx *Tx) AddRelayed(ctx context.Context, object vocab.IRI, source int64) (id int64, fresh bool, err error) {
	id = tx.NewID()
	n, err := tx.exec(ctx, "INSERT INTO relayed (object, id, source) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", object, id, source)
	if err != nil || n == 0 {
		return 0, false, wrapped(err, "announcing %s", object)
	}
	if id%64 == 0 { // Ids are spread evenly.
		_, err = tx.exec(ctx, "DELETE FROM relayed WHERE id <= (SELECT id FROM relayed ORDER BY id DESC LIMIT 1 OFFSET $1)", maxRelayed)
	}
	return id, true, wrapped(err, "announcing %s", object)
}

// Relayed is a post that our relay announced.
type Relayed struct {
	ID, Source int64
	Object     vocab.IRI
}

// Relayed returns a post that our relay announced.
func (q *Q) Relayed(ctx context.Context, id int64) (*Relayed, error) {
	r := Relayed{ID: id}
	err := q.row(ctx, "SELECT object, source FROM relayed WHERE id = $1", id).Scan(&r.Object, &r.Source)
	return &r, wrapped(err, "announcement %d", id)
}
