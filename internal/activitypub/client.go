package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// The other half of ActivityPub: our own people's clients, who post activities to
// their outbox. Each is carried out as the same wish would be that comes by the client
// API: what it does, whom it notifies and what is sent are the pipeline's.
//
// spec: ap#client-to-server-interactions

// client returns who asks with a token of one of these scopes for something of
// theirs, which the address names.
func (h *Handler) client(r *http.Request, scopes ...string) (*auth.Session, error) {
	one, err := h.session(r)
	if err != nil {
		return nil, err
	}
	if one == nil || one.Actor == nil {
		return nil, fault.New(fault.Unauthorized, "This needs a person's access token.")
	}
	for _, scope := range scopes {
		if !one.Scopes.Allows(scope) {
			return nil, fault.New(fault.Denied, "The access token does not allow this: it needs %s.", scope)
		}
	}
	p, err := h.person(r.Context(), chi.URLParam(r, "name"))
	if err != nil {
		return nil, err
	}
	if p.ID != one.Actor.ID {
		return nil, fault.New(fault.Denied, "This belongs to somebody else.")
	}
	return one, nil
}

// count counts a request against the limits of the client API.
func (h *Handler) count(w http.ResponseWriter, one *auth.Session, pattern string) error {
	if h.Count == nil {
		return nil
	}
	return h.Count(w.Header(), one.Actor.ID, pattern)
}

// session returns whose token came with a request; nil without one.
func (h *Handler) session(r *http.Request) (*auth.Session, error) {
	bearer := auth.Bearer(r)
	if h.Auth == nil || bearer == "" {
		return nil, nil
	}
	return h.Auth.Authenticate(r.Context(), bearer)
}

// tokenReader returns one of our people who reads a document with a token.
func (h *Handler) tokenReader(r *http.Request) (*store.Actor, error) {
	one, err := h.session(r)
	if err != nil || one == nil || one.Actor == nil {
		return nil, err
	}
	if !one.Scopes.Allows("read:statuses") {
		return nil, fault.New(fault.Denied, "The access token does not allow to read posts.")
	}
	return one.Actor, nil
}

// wish is an activity that one of our people wants to be done.
type wish struct {
	*Handler
	ctx     context.Context
	by      *store.Actor
	session *auth.Session
	*vocab.Activity
	object map[string]json.RawMessage // The members of the inline object; nil without one.
	key    string                     // Idempotency-Key, "" none.
	count  func(pattern string) error // Counts against the limit of a route of the client API.
}

// wishKind is a type of activities that clients can ask for.
type wishKind struct {
	scope string
	like  string // The route of the client API whose limit counts.
	// grant does it, and returns what the activity in the log is about: by that it is found.
	grant func(*wish) (about int64, err error)
}

// wishes is the one table of these.
var wishes map[string]wishKind

func init() { // A table of functions that look into it.
	wishes = map[string]wishKind{
		"Create":     {"write:statuses", "", (*wish).create},
		"Update":     {"write", "", (*wish).update},
		"Delete":     {"write:statuses", "DELETE /api/v1/statuses/{id}", (*wish).delete},
		"Announce":   {"write:statuses", "", (*wish).announce},
		"Like":       {"write:favourites", "", (*wish).like},
		"EmojiReact": {"write:favourites", "", (*wish).react},
		"Follow":     {"write:follows", "", (*wish).follow},
		"Accept":     {"write:follows", "", (*wish).answer},
		"Reject":     {"write:follows", "", (*wish).answer},
		"Block":      {"write:blocks", "", (*wish).block},
		"Add":        {"write:accounts", "", (*wish).pin},
		"Remove":     {"write:accounts", "", (*wish).pin},
		"Undo":       {"write", "", (*wish).undo},
	}
}

// ownOutbox is POST /users/NAME/outbox: an activity, or an object, which is wrapped in
// a Create. The answer names the activity that was made of it.
//
// spec: ap#client-to-server-interactions, ap#object-without-create
func (h *Handler) ownOutbox(w http.ResponseWriter, r *http.Request) error {
	if !document(r.Header.Get("Content-Type")) && r.Header.Get("Content-Type") != "application/json" {
		return fault.New(fault.Unsupported, "An outbox takes %s.", activityJSON)
	}
	one, err := h.client(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	d, err := wished(body)
	if err != nil {
		return err
	}
	kind, ok := wishes[d.Type]
	switch {
	case !ok:
		return fault.New(fault.Invalid, "This server does not know what to do with an activity of type %.50q.", d.Type)
	case !one.Scopes.Allows(kind.scope):
		return fault.New(fault.Denied, "The access token does not allow this: it needs %s.", kind.scope)
	case d.Actor != "" && d.Actor != one.Actor.URI:
		return fault.New(fault.Denied, "You can't act for somebody else.")
	}
	if err := h.count(w, one, kind.like); err != nil {
		return err
	}
	d.Handler, d.ctx, d.by, d.session = h, r.Context(), one.Actor, one
	d.key = cutRunes(r.Header.Get("Idempotency-Key"), maxKey)
	d.count = func(pattern string) error { return h.count(w, one, pattern) }
	about, err := kind.grant(d)
	if err != nil {
		return err
	}
	uri, err := d.done(about)
	if err != nil {
		return err
	}
	w.Header().Set("Location", string(uri))
	w.WriteHeader(http.StatusCreated)
	return nil
}

// wished reads what a client posts.
func wished(body []byte) (*wish, error) {
	a, err := activityIn(body)
	if err != nil {
		return nil, err
	}
	d := &wish{Activity: a}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, fault.Because(err, fault.Malformed, "The document can't be read.")
	}
	if a.Inline != nil && a.Inline.Raw != nil {
		if err := json.Unmarshal(a.Inline.Raw, &d.object); err != nil {
			return nil, fault.Because(err, fault.Malformed, "The object can't be read.")
		}
	}
	for _, hidden := range []string{"bto", "bcc"} {
		if top[hidden] != nil || d.object[hidden] != nil {
			return nil, fault.New(fault.Invalid, "Nobody can be addressed in secret here. Name everybody in to or cc.")
		}
	}
	if a.Inline != nil { // Both are addressed alike.
		a.To, a.Cc = union(a.To, a.Inline.To), union(a.Cc, a.Inline.Cc)
	}
	return d, nil
}

// activityIn is the activity in a document; of an object, its Create.
//
// spec: ap#object-without-create
func activityIn(body []byte) (*vocab.Activity, error) {
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return nil, err
	}
	if vocab.IsPost(o.Type) {
		return &vocab.Activity{Type: "Create", Inline: o, To: o.To, Cc: o.Cc}, nil
	}
	return vocab.DecodeActivity(body)
}

func union(a, b []vocab.IRI) []vocab.IRI {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(slices.Clip(a), x)
		}
	}
	return a
}

// done returns the id of the activity that was made of a wish. What was so before has
// the activity that made it so.
func (d *wish) done(about int64) (vocab.IRI, error) {
	if d.Type == "Create" {
		st, err := d.DB.Status(d.ctx, about)
		if err != nil {
			return "", err
		}
		a, err := d.DB.Activity(d.ctx, st.Seq)
		if err != nil {
			return "", err
		}
		return a.URI, nil
	}
	a, err := d.DB.LastActivity(d.ctx, d.Type, d.by.ID, about)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.New(fault.NotFound, "There is nothing that this would change.")
	} else if err != nil {
		return "", err
	}
	return a.URI, nil
}

// actor returns whom the object names, fetched where they are not known.
func (d *wish) actor(uri vocab.IRI) (*store.Actor, error) {
	if err := uri.Valid(); err != nil {
		return nil, fault.Because(err, fault.Invalid, "The object must be the address of an actor.")
	}
	ctx, cancel := context.WithTimeout(d.ctx, fetchLimit)
	defer cancel()
	return d.Pipeline.FetchActor(ctx, uri)
}

// post returns the status that the object names, fetched where it is not known.
func (d *wish) post(uri vocab.IRI) (int64, error) {
	if err := uri.Valid(); err != nil {
		return 0, fault.Because(err, fault.Invalid, "The object must be the address of a post.")
	}
	ctx, cancel := context.WithTimeout(d.ctx, fetchLimit)
	defer cancel()
	return d.Pipeline.FetchObject(ctx, uri)
}

func (d *wish) like() (int64, error) {
	if d.Content != "" { // Misskey's form of a reaction.
		d.Type = "EmojiReact"
		return d.react()
	}
	id, err := d.post(d.Object)
	if err != nil {
		return 0, err
	}
	return id, d.Pipeline.Favourite(d.ctx, d.by, id)
}

func (d *wish) react() (int64, error) {
	id, err := d.post(d.Object)
	if err != nil {
		return 0, err
	}
	return id, d.Pipeline.ReactTo(d.ctx, d.by, id, d.Content)
}

func (d *wish) announce() (int64, error) {
	id, err := d.post(d.Object)
	if err != nil {
		return 0, err
	}
	visibility := ""
	if len(d.To)+len(d.Cc) > 0 {
		visibility = vocab.VisibilityOf(d.To, d.Cc, d.by.Followers).Name
	}
	_, err = d.Pipeline.Boost(d.ctx, d.by, id, visibility)
	return id, err
}

func (d *wish) follow() (int64, error) {
	target, err := d.actor(d.Object)
	if err != nil {
		return 0, err
	}
	return target.ID, d.Pipeline.Follow(d.ctx, d.by, target)
}

func (d *wish) block() (int64, error) {
	target, err := d.actor(d.Object)
	if err != nil {
		return 0, err
	}
	return target.ID, d.Pipeline.Block(d.ctx, d.by, target)
}

// answer accepts or rejects the follow that the object is.
func (d *wish) answer() (int64, error) {
	about, err := d.former("Follow", 0)
	if err != nil {
		return 0, err
	}
	follower, err := d.DB.Actor(d.ctx, about.Actor)
	if err != nil {
		return 0, err
	}
	return about.Seq, d.Pipeline.AnswerFollow(d.ctx, d.by, follower, d.Type == "Accept")
}

func (d *wish) pin() (int64, error) {
	if d.Target != d.by.URI+"/collections/featured" {
		return 0, fault.New(fault.Invalid, "Only your featured posts can be changed in this way.")
	}
	id, err := d.post(d.Object)
	if err != nil {
		return 0, err
	}
	return id, d.Pipeline.Pin(d.ctx, d.by, id, d.Type == "Add")
}

// former returns the activity that the object names, or describes by its actor and
// object: one of a type, or of any ("") that the person did (actor).
func (d *wish) former(typ string, actor int64) (*store.Activity, error) {
	nothing := fault.New(fault.NotFound, "There is no such activity.")
	if d.Object != "" {
		a, err := d.DB.ActivityByURI(d.ctx, d.Object)
		if errors.Is(err, store.ErrNotFound) || err == nil && (typ != "" && a.Type != typ || actor != 0 && a.Actor != actor) {
			return nil, nothing
		}
		return a, err
	}
	n := d.Nested
	if n == nil || n.Object == "" || typ != "" && n.Type != typ {
		return nil, fault.New(fault.Invalid, "The object must be an activity, by its id or with its type, actor and object.")
	}
	who, what := d.by, int64(0)
	if actor == 0 {
		var err error
		if who, err = d.DB.ActorByURI(d.ctx, n.Actor); err != nil {
			return nil, err
		}
	}
	if a, err := d.DB.ActorByURI(d.ctx, n.Object); err == nil {
		what = a.ID
	} else if o, err := d.DB.ObjectByURI(d.ctx, n.Object); err == nil {
		what = o.ID
	} else {
		return nil, err
	}
	live, err := d.DB.LiveActivities(d.ctx, n.Type, who.ID, what)
	if err != nil {
		return nil, err
	}
	if len(live) == 0 {
		return nil, nothing
	}
	return &live[0], nil
}

func (d *wish) undo() (int64, error) {
	a, err := d.former("", d.by.ID)
	if err != nil {
		return 0, err
	}
	switch a.Type {
	case "Like":
		err = d.Pipeline.Unfavourite(d.ctx, d.by, a.Object)
	case "EmojiReact":
		var was *vocab.Activity
		if was, err = vocab.DecodeActivity([]byte(a.Doc)); err == nil {
			err = d.Pipeline.Unreact(d.ctx, d.by, a.Object, was.Content)
		}
	case "Announce":
		if err := d.count("POST /api/v1/statuses/{id}/unreblog"); err != nil {
			return 0, err
		}
		err = d.Pipeline.Unboost(d.ctx, d.by, a.Object)
	case "Follow", "Block":
		var target *store.Actor
		if target, err = d.DB.Actor(d.ctx, a.Object); err != nil {
			return 0, err
		}
		if a.Type == "Follow" {
			if err = d.Pipeline.Unfollow(d.ctx, d.by, target); err == nil {
				err = d.DB.Write(d.ctx, func(tx *store.Tx) error { return tx.ForgetFollowSettings(d.ctx, d.by.ID, target.ID) })
			}
		} else {
			err = d.Pipeline.Unblock(d.ctx, d.by, target)
		}
	default:
		err = fault.New(fault.Invalid, "A %s can't be undone.", a.Type)
	}
	return a.Seq, err
}

func (d *wish) delete() (int64, error) {
	uri := d.Object
	if uri == "" && d.Inline != nil {
		uri = d.Inline.ID
	}
	if uri == d.by.URI {
		return 0, fault.New(fault.Denied, "An account is deleted in its settings, where the password is asked for.")
	}
	o, err := d.DB.ObjectByURI(d.ctx, uri)
	if errors.Is(err, store.ErrNotFound) {
		return 0, noPost
	} else if err != nil {
		return 0, err
	}
	return o.ID, d.Pipeline.Delete(d.ctx, d.by, o.ID)
}
