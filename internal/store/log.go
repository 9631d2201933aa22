package store

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/vocab"
)

// Actor is a row of actors: who acts, local or remote.
type Actor struct {
	ID, Seq            int64
	URI                vocab.IRI
	Type               string
	Local              bool
	Host               string // Authority of URI.
	Domain             string // The handle's domain; "" for local actors.
	Username           string
	Inbox, SharedInbox vocab.IRI
	Followers          vocab.IRI // Of remote actors too: addressing it means followers-only.
	KeyID, KeyPEM      string
	Version            int64 // ms; of two documents the newer one stands.
	Fetched            int64 // ms
	Deleted            int64 // ms, 0 while alive.

	// What moderators decided: ms since when, 0 not.
	Silenced, Suspended, Sensitized int64
}

// Acct is the handle without the leading @: "ann", or "ann@a.test" for remote actors.
func (a *Actor) Acct() string {
	if a.Domain == "" {
		return a.Username
	}
	return a.Username + "@" + a.Domain
}

const actorColumns = `id, seq, uri, type, local, host, domain, username, inbox, shared_inbox, followers, key_id, key_pem, version, fetched, deleted, silenced, suspended, sensitized`

func (a *Actor) scan() []any {
	return []any{&a.ID, &a.Seq, &a.URI, &a.Type, &a.Local, &a.Host, &a.Domain, &a.Username, &a.Inbox, &a.SharedInbox,
		&a.Followers, &a.KeyID, &a.KeyPEM, &a.Version, &a.Fetched, &a.Deleted, &a.Silenced, &a.Suspended, &a.Sensitized}
}

func (q *Q) actor(ctx context.Context, where string, args ...any) (*Actor, error) {
	var a Actor
	if err := q.row(ctx, "SELECT "+actorColumns+" FROM actors WHERE "+where, args...).Scan(a.scan()...); err != nil {
		return nil, fmt.Errorf("actor %v: %w", args, err)
	}
	return &a, nil
}

// ActorByURI returns the actor with the given id on the wire, deleted or not.
func (q *Q) ActorByURI(ctx context.Context, uri vocab.IRI) (*Actor, error) {
	return q.actor(ctx, "uri = $1", uri)
}

// Actor returns the actor with the given id, deleted or not.
func (q *Q) Actor(ctx context.Context, id int64) (*Actor, error) {
	return q.actor(ctx, "id = $1", id)
}

// ActorByHandle looks a handle up. domain is "" for local actors, else lower-case
// punycode; name is compared without case.
func (q *Q) ActorByHandle(ctx context.Context, name, domain string) (*Actor, error) {
	return q.actor(ctx, "name_key = $1 AND domain = $2", NameKey(name), domain)
}

// ActorByKey returns who owns the key with the given id.
func (q *Q) ActorByKey(ctx context.Context, keyID string) (*Actor, error) {
	return q.actor(ctx, "key_id = $1", keyID)
}

// Actors returns the actors with these ids, in no particular order; unknown ones
// are left out. It is meant for at most maxIn ids.
func (q *Q) Actors(ctx context.Context, ids []int64) (map[int64]*Actor, error) {
	found := make(map[int64]*Actor, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+actorColumns+" FROM actors WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, (*Actor).scan)
		if err != nil {
			return nil, fmt.Errorf("actors: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// ActorsByURI is Actors by their ids on the wire.
func (q *Q) ActorsByURI(ctx context.Context, uris []vocab.IRI) (map[vocab.IRI]*Actor, error) {
	found := make(map[vocab.IRI]*Actor, len(uris))
	for chunk := range chunks(uris) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+actorColumns+" FROM actors WHERE uri IN ("+list+")", args...)
		all, err := collect(rows, err, (*Actor).scan)
		if err != nil {
			return nil, fmt.Errorf("actors: %w", err)
		}
		for i := range all {
			found[all[i].URI] = &all[i]
		}
	}
	return found, nil
}

// ActorDoc returns the document of an actor as accepted; "" when deleted.
func (q *Q) ActorDoc(ctx context.Context, id int64) (string, error) {
	var doc string
	if err := q.row(ctx, "SELECT doc FROM actors WHERE id = $1", id).Scan(&doc); err != nil {
		return "", fmt.Errorf("document of actor %d: %w", id, err)
	}
	return doc, nil
}

// InsertActor adds an actor with its document.
func (tx *Tx) InsertActor(ctx context.Context, a *Actor, doc string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO actors (`+actorColumns+`, name_key, doc)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21)`,
		a.ID, a.Seq, a.URI, a.Type, a.Local, a.Host, a.Domain, a.Username, a.Inbox, a.SharedInbox, a.Followers,
		a.KeyID, a.KeyPEM, a.Version, a.Fetched, a.Deleted, a.Silenced, a.Suspended, a.Sensitized, NameKey(a.Username), doc)
	if err != nil {
		return fmt.Errorf("adding actor %s: %w", a.URI, err)
	}
	return nil
}

// UpdateActor replaces all of an actor but its id, seq, uri and host.
func (tx *Tx) UpdateActor(ctx context.Context, a *Actor, doc string) error {
	_, err := tx.exec(ctx, `
		UPDATE actors SET type = $2, domain = $3, username = $4, name_key = $5, inbox = $6, shared_inbox = $7,
			followers = $8, key_id = $9, key_pem = $10, version = $11, fetched = $12, deleted = $13, doc = $14
		WHERE id = $1`,
		a.ID, a.Type, a.Domain, a.Username, NameKey(a.Username), a.Inbox, a.SharedInbox, a.Followers, a.KeyID, a.KeyPEM,
		a.Version, a.Fetched, a.Deleted, doc)
	if err != nil {
		return fmt.Errorf("updating actor %s: %w", a.URI, err)
	}
	return nil
}

// Object is a row of objects: the newest accepted version of what was made.
type Object struct {
	ID, Seq    int64
	URI        vocab.IRI
	Type       string
	Actor      int64
	Visibility int16
	LocalOnly  bool
	Version    int64 // ms
	Deleted    int64 // ms; a tombstone when not 0
	Doc        string
	Patch      string // policy.Patch: how it differs from doc; "" it doesn't.
}

const objectColumns = `id, seq, uri, type, actor, visibility, local_only, version, deleted, doc, patch`

func (o *Object) scan() []any {
	return []any{&o.ID, &o.Seq, &o.URI, &o.Type, &o.Actor, &o.Visibility, &o.LocalOnly, &o.Version, &o.Deleted, &o.Doc, &o.Patch}
}

// Object returns an object or its tombstone.
func (q *Q) Object(ctx context.Context, id int64) (*Object, error) {
	var o Object
	if err := q.row(ctx, "SELECT "+objectColumns+" FROM objects WHERE id = $1", id).Scan(o.scan()...); err != nil {
		return nil, fmt.Errorf("object %d: %w", id, err)
	}
	return &o, nil
}

// ObjectByURI returns an object or its tombstone.
func (q *Q) ObjectByURI(ctx context.Context, uri vocab.IRI) (*Object, error) {
	var o Object
	if err := q.row(ctx, "SELECT "+objectColumns+" FROM objects WHERE uri = $1", uri).Scan(o.scan()...); err != nil {
		return nil, fmt.Errorf("object %s: %w", uri, err)
	}
	return &o, nil
}

// InsertObject adds an object. The caller checked that the id is free in statuses too.
func (tx *Tx) InsertObject(ctx context.Context, o *Object) error {
	_, err := tx.exec(ctx, "INSERT INTO objects ("+objectColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		o.ID, o.Seq, o.URI, o.Type, o.Actor, o.Visibility, o.LocalOnly, o.Version, o.Deleted, o.Doc, o.Patch)
	if err != nil {
		return fmt.Errorf("adding object %s: %w", o.URI, err)
	}
	return nil
}

// FreeID tells whether no object and no boost has this id.
func (q *Q) FreeID(ctx context.Context, id int64) (bool, error) {
	taken, err := q.exists(ctx, "SELECT 1 FROM objects WHERE id = $1 UNION ALL SELECT 1 FROM statuses WHERE id = $1", id)
	return !taken, err
}

// ReplaceObject makes o's version the one that stands; what stood moves to versions.
func (tx *Tx) ReplaceObject(ctx context.Context, old, o *Object) error {
	if err := tx.AddVersion(ctx, old.ID, Version{old.Version, old.Seq, old.Doc, old.Patch}); err != nil {
		return err
	}
	return tx.AmendObject(ctx, o)
}

// AmendObject replaces the version that stands without keeping it, as for new tallies.
func (tx *Tx) AmendObject(ctx context.Context, o *Object) error {
	_, err := tx.exec(ctx, "UPDATE objects SET seq = $2, type = $3, version = $4, doc = $5, patch = $6 WHERE id = $1", o.ID, o.Seq, o.Type, o.Version, o.Doc, o.Patch)
	if err != nil {
		return fmt.Errorf("updating object %s: %w", o.URI, err)
	}
	return nil
}

// Version is an earlier version of an object.
type Version struct {
	Version int64 // ms
	Seq     int64
	Doc     string
	Patch   string // As an Object's.
}

// AddVersion keeps an earlier version; one that is there already is left alone.
func (tx *Tx) AddVersion(ctx context.Context, object int64, v Version) error {
	_, err := tx.exec(ctx, `
		INSERT INTO versions (object, version, seq, doc, patch) SELECT $1, $2, $3, $4, $5
		WHERE NOT EXISTS (SELECT 1 FROM versions WHERE object = $1 AND version = $2)`,
		object, v.Version, v.Seq, v.Doc, v.Patch)
	if err != nil {
		return fmt.Errorf("keeping a version of object %d: %w", object, err)
	}
	return nil
}

// Versions returns the earlier versions of an object, oldest first.
func (q *Q) Versions(ctx context.Context, object int64) ([]Version, error) {
	rows, err := q.query(ctx, "SELECT version, seq, doc, patch FROM versions WHERE object = $1 ORDER BY version", object)
	return collect(rows, err, func(v *Version) []any { return []any{&v.Version, &v.Seq, &v.Doc, &v.Patch} })
}

// BuryObject leaves a tombstone: the row without content, and no versions.
func (tx *Tx) BuryObject(ctx context.Context, id, at int64) error {
	if _, err := tx.exec(ctx, "UPDATE objects SET deleted = $2, doc = '', patch = '' WHERE id = $1", id, at); err != nil {
		return fmt.Errorf("burying object %d: %w", id, err)
	}
	if _, err := tx.exec(ctx, "DELETE FROM versions WHERE object = $1", id); err != nil {
		return fmt.Errorf("burying object %d: %w", id, err)
	}
	return nil
}

// ActivityState says what an activity in the log amounts to.
type ActivityState int16

// The states. Undone and Void never become live again.
const (
	Live    ActivityState = iota
	Waiting               // For a document that waits.uri names.
	Undone                // An Undo, Reject, Remove or Block took it back.
	Void                  // It never had an effect, or lost it with its object.
)

// Activity is a row of activities.
type Activity struct {
	Seq        int64
	URI        vocab.IRI
	Type       string
	Actor      int64
	Object     int64 // objects.id, actors.id or activities.seq; 0 unknown.
	Origin     string
	Visibility int16
	State      ActivityState
	Verdict    string
	Doc        string
}

const activityColumns = `seq, uri, type, actor, object, origin, visibility, state, verdict, doc`

func (a *Activity) scan() []any {
	return []any{&a.Seq, &a.URI, &a.Type, &a.Actor, &a.Object, &a.Origin, &a.Visibility, &a.State, &a.Verdict, &a.Doc}
}

// ActivityByURI returns an activity of the log.
func (q *Q) ActivityByURI(ctx context.Context, uri vocab.IRI) (*Activity, error) {
	var a Activity
	if err := q.row(ctx, "SELECT "+activityColumns+" FROM activities WHERE uri = $1", uri).Scan(a.scan()...); err != nil {
		return nil, fmt.Errorf("activity %s: %w", uri, err)
	}
	return &a, nil
}

// Activity returns an activity of the log.
func (q *Q) Activity(ctx context.Context, seq int64) (*Activity, error) {
	var a Activity
	if err := q.row(ctx, "SELECT "+activityColumns+" FROM activities WHERE seq = $1", seq).Scan(a.scan()...); err != nil {
		return nil, fmt.Errorf("activity %d: %w", seq, err)
	}
	return &a, nil
}

// Activities returns up to limit activities after seq, in the order of arrival.
func (q *Q) Activities(ctx context.Context, after int64, limit int) ([]Activity, error) {
	rows, err := q.query(ctx, "SELECT "+activityColumns+" FROM activities WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit)
	return collect(rows, err, (*Activity).scan)
}

// LiveActivities returns the live activities of a type by actor about object, newest first.
func (q *Q) LiveActivities(ctx context.Context, typ string, actor, object int64) ([]Activity, error) {
	rows, err := q.query(ctx, "SELECT "+activityColumns+` FROM activities
		WHERE object = $1 AND type = $2 AND type <> 'Create' AND actor = $3 AND state = 0 ORDER BY seq DESC LIMIT 20`, object, typ, actor)
	return collect(rows, err, (*Activity).scan)
}

// LastActivity returns the newest activity of a type by an actor about an object,
// whatever became of it.
func (q *Q) LastActivity(ctx context.Context, typ string, actor, object int64) (*Activity, error) {
	var a Activity
	err := q.row(ctx, "SELECT "+activityColumns+` FROM activities
		WHERE object = $1 AND type = $2 AND type <> 'Create' AND actor = $3 ORDER BY seq DESC LIMIT 1`, object, typ, actor).Scan(a.scan()...)
	if err != nil {
		return nil, fmt.Errorf("last %s of %d by %d: %w", typ, object, actor, err)
	}
	return &a, nil
}

// InsertActivity appends to the log.
func (tx *Tx) InsertActivity(ctx context.Context, a *Activity) error {
	_, err := tx.exec(ctx, "INSERT INTO activities ("+activityColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
		a.Seq, a.URI, a.Type, a.Actor, a.Object, a.Origin, a.Visibility, a.State, a.Verdict, a.Doc)
	if err != nil {
		return fmt.Errorf("logging activity %s: %w", a.URI, err)
	}
	return nil
}

// SetActivity records what has become of an activity.
func (tx *Tx) SetActivity(ctx context.Context, seq int64, state ActivityState, object int64) error {
	if _, err := tx.exec(ctx, "UPDATE activities SET state = $2, object = $3 WHERE seq = $1", seq, state, object); err != nil {
		return fmt.Errorf("state of activity %d: %w", seq, err)
	}
	return nil
}

// The kinds of rows in waits.
const (
	WaitActivity int16 = 1 // ref is the seq of an activity.
	WaitReply    int16 = 2 // ref is the id of a status that answers the document.
	WaitMention  int16 = 3 // ref is the id of a status that mentions the actor.
	WaitQuote    int16 = 4 // ref is the id of a status that quotes the document, or names it as its permission.
)

// Wait is a row of waits.
type Wait struct {
	Ref  int64
	Kind int16
}

// AddWait has ref wait for the document uri.
func (tx *Tx) AddWait(ctx context.Context, uri vocab.IRI, w Wait) error {
	if _, err := tx.exec(ctx, "INSERT INTO waits (uri, ref, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", uri, w.Ref, w.Kind); err != nil {
		return fmt.Errorf("waiting for %s: %w", uri, err)
	}
	return nil
}

// Waits returns what waits for uri, in the order of arrival, at most maxIn rows.
func (q *Q) Waits(ctx context.Context, uri vocab.IRI) ([]Wait, error) {
	rows, err := q.query(ctx, "SELECT ref, kind FROM waits WHERE uri = $1 ORDER BY ref LIMIT $2", uri, maxIn)
	return collect(rows, err, func(w *Wait) []any { return []any{&w.Ref, &w.Kind} })
}

// DropWait ends a wait.
func (tx *Tx) DropWait(ctx context.Context, uri vocab.IRI, ref int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM waits WHERE uri = $1 AND ref = $2", uri, ref); err != nil {
		return fmt.Errorf("waiting for %s: %w", uri, err)
	}
	return nil
}

// Mentioning returns posts that wait for the actor uri, at most limit.
func (q *Q) Mentioning(ctx context.Context, uri vocab.IRI, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT ref FROM waits WHERE uri = $1 AND kind = $2 ORDER BY ref LIMIT $3", uri, WaitMention, limit)
	return ids, wrapped(err, "posts that mention an actor")
}

// Refusal is an arrival that was not accepted.
type Refusal struct {
	Seq                      int64
	URI, Type, Actor, Origin string
	Stage, Reason            string
}

// maxRefusals is how many refusals are kept for inspect.
const maxRefusals = 20_000

// Refuse records a refusal and drops the oldest ones beyond the bound now and then.
func (tx *Tx) Refuse(ctx context.Context, r Refusal) error {
	if r.Seq == 0 {
		r.Seq = tx.NewID()
	}
	_, err := tx.exec(ctx, "INSERT INTO refusals (seq, uri, type, actor, origin, stage, reason) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		r.Seq, r.URI, r.Type, r.Actor, r.Origin, r.Stage, r.Reason)
	if err != nil {
		return fmt.Errorf("recording a refusal: %w", err)
	}
	if r.Seq%512 != 0 {
		return nil
	}
	_, err = tx.exec(ctx, "DELETE FROM refusals WHERE seq <= (SELECT seq FROM refusals ORDER BY seq DESC LIMIT 1 OFFSET $1)", maxRefusals)
	return err
}

// Refusals returns the newest refusals of what uri names.
func (q *Q) Refusals(ctx context.Context, uri string) ([]Refusal, error) {
	rows, err := q.query(ctx, "SELECT seq, uri, type, actor, origin, stage, reason FROM refusals WHERE uri = $1 ORDER BY seq DESC LIMIT 20", uri)
	return collect(rows, err, (*Refusal).scan)
}

// NewestRefusals returns what was refused last, whatever it was.
func (q *Q) NewestRefusals(ctx context.Context, limit int) ([]Refusal, error) {
	rows, err := q.query(ctx, "SELECT seq, uri, type, actor, origin, stage, reason FROM refusals ORDER BY seq DESC LIMIT CAST($1 AS BIGINT)", limit)
	return collect(rows, err, (*Refusal).scan)
}

// NewestActivities returns the end of the log, the newest first.
func (q *Q) NewestActivities(ctx context.Context, limit int) ([]Activity, error) {
	rows, err := q.query(ctx, "SELECT "+activityColumns+" FROM activities ORDER BY seq DESC LIMIT CAST($1 AS BIGINT)", limit)
	return collect(rows, err, (*Activity).scan)
}

func (r *Refusal) scan() []any {
	return []any{&r.Seq, &r.URI, &r.Type, &r.Actor, &r.Origin, &r.Stage, &r.Reason}
}

// found turns "no row" into nil, for look-ups that may miss.
func found[T any](v *T, err error) (*T, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return v, err
}
