package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// world is one server with some people, ours and strangers.
type world struct {
	*Pipeline
	t      *testing.T
	clock  time.Time
	actors map[string]*store.Actor // by handle: "ann", "bob@b.test"
	events []stream.Event
}

func (w *world) Publish(e stream.Event) { w.events = append(w.events, e) }

// eachEngine runs a test with a fresh world on each engine.
func eachEngine(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	eachEngineWith(t, store.Options{}, run)
}

func eachEngineWith(t *testing.T, opts store.Options, run func(t *testing.T, w *world)) {
	t.Helper()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var w *world
	now := func() time.Time { w.clock = w.clock.Add(time.Millisecond); return w.clock }
	w = &world{clock: start}
	opts.Now = now
	storetest.Each(t, opts, func(t *testing.T, db *store.DB) {
		*w = world{t: t, clock: start, actors: map[string]*store.Actor{}}
		w.Pipeline = New(Options{DB: db, URL: "https://a.test", Domain: "a.test", Now: now, Stream: w, NewKey: oneKey})
		run(t, w)
	})
}

// person returns the actor with a handle, which it makes when there is none yet.
func (w *world) person(handle string) *store.Actor {
	w.t.Helper()
	if a := w.actors[handle]; a != nil {
		return a
	}
	ctx := context.Background()
	name, host, remote := strings.Cut(handle, "@")
	if !remote {
		w.actors[handle] = w.mustCreate(name)
		return w.actors[handle]
	}
	id := vocab.IRI("https://" + host + "/users/" + name)
	doc := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"Person","preferredUsername":%q,"inbox":%q,"followers":%q,"featured":%q}`,
		id, name, id+"/inbox", id+"/followers", id+"/featured")
	a := must2(vocab.DecodeActor([]byte(doc)))(w.t)
	err := w.DB.Write(ctx, func(tx *store.Tx) (err error) {
		w.actors[handle], err = w.insertActor(ctx, tx, a, host)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.actors[handle]
}

func must2[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) mustCreate(name string) *store.Actor {
	w.t.Helper()
	a, err := w.CreateAccount(context.Background(), store.NewAccount{Username: name, Email: name + "@a.test", Confirmed: true, Approved: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// deliver takes a document in as its actor's host would send it.
func (w *world) deliver(doc string) error {
	var head struct{ Actor vocab.IRI }
	if err := json.Unmarshal([]byte(doc), &head); err != nil {
		w.t.Fatalf("%v: %s", err, doc)
	}
	return w.ProcessDocument(context.Background(), []byte(doc), Origin{Host: head.Actor.Host()})
}

// send is deliver for what must be taken.
func (w *world) send(doc string) {
	w.t.Helper()
	if err := w.deliver(doc); err != nil {
		w.t.Fatalf("%v\n%s", err, doc)
	}
}

// note is a Create of a public Note by bob@b.test.
func note(n int, text, more string) string {
	return fmt.Sprintf(`{"id":"https://b.test/create/%d","type":"Create","actor":"https://b.test/users/bob","to":["as:Public"],
		"object":{"id":"https://b.test/notes/%d","type":"Note","attributedTo":"https://b.test/users/bob","to":["as:Public"],"published":"2026-01-01T10:00:00Z","content":%q%s}}`, n, n, text, more)
}

// newWorld is a fresh world on SQLite.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), actors: map[string]*store.Actor{}}
	now := func() time.Time { w.clock = w.clock.Add(time.Millisecond); return w.clock }
	db := storetest.SQLite(t, store.Options{Now: now})
	w.Pipeline = New(Options{DB: db, URL: "https://a.test", Domain: "a.test", Now: now, Stream: w, NewKey: oneKey})
	return w
}

// dump returns the rows of each query, sorted.
func (w *world) dump(queries ...string) map[string][]string {
	w.t.Helper()
	all := map[string][]string{}
	for _, q := range queries {
		all[q] = storetest.Dump(w.t, w.DB, q)
	}
	return all
}

// followOf returns the id of follower's Follow of target.
func (w *world) followOf(follower, target *store.Actor) vocab.IRI {
	w.t.Helper()
	ctx := context.Background()
	f, err := w.DB.Follow(ctx, follower.ID, target.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.DB.Activity(ctx, f.Seq)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.URI
}

// oneKey is the key of every account here: making one takes a tenth of a second.
var oneKey = sync.OnceValues(newKeyPEM)
