package activitypub

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// here tells whether a peer's note has arrived.
func (w *world) here(a *peerActor, n int) bool {
	w.t.Helper()
	_, err := w.db.ObjectByURI(context.Background(), a.id()+vocab.IRI(fmt.Sprintf("/notes/%d", n)))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}

func TestInboxKnownKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.ours("ann")
		bob := w.peer("b.test").actor("bob")
		w.known(bob)
		for i, path := range []string{"/inbox", "/users/ann/inbox"} {
			rec := w.post(path, note(bob, i, ""), bob)
			if rec.Code != http.StatusAccepted || rec.Body.Len() != 0 {
				t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
			}
			if !w.here(bob, i) {
				t.Errorf("%s: accepted before it was there", path)
			}
		}
		if n := w.count("SELECT id FROM arrivals"); n != 0 {
			t.Errorf("%d arrivals wait", n)
		}
		if rec := w.post("/users/nobody/inbox", note(bob, 3, ""), bob); rec.Code != 404 || w.here(bob, 3) {
			t.Errorf("inbox of nobody: %d", rec.Code)
		}
	})
}

// TestInboxRefuses goes through what makes a request unfit, whatever it says.
func TestInboxRefuses(t *testing.T) {
	w := sqliteWorld(t, nil)
	ann := w.ours("ann")
	gone := w.ours("gone")
	w.must(w.Pipeline.DeleteAccount(context.Background(), gone))
	b := w.peer("b.test")
	bob, cat := b.actor("bob"), w.peer("c.test").actor("cat")
	w.known(bob)
	w.known(cat)
	forged := b.actor("eve")
	w.known(forged)
	forged.pem = testKey(t, 1)
	own := &peerActor{peer: &peer{name: "a.test", t: t}, name: "ann", keyID: ann.URI + "#main-key", pem: testKey(t, 0)}
	nobody := &peerActor{peer: own.peer, name: "nobody", keyID: "https://a.test/users/nobody#main-key", pem: own.pem}
	doc := note(bob, 1, "")

	for _, tt := range []struct {
		name string
		want int
		path string
		body string
		as   *peerActor
		mend func(*http.Request)
	}{
		{"unsigned", 401, "/inbox", doc, bob, func(r *http.Request) { r.Header.Del("Signature") }},
		{"garbage for a signature", 401, "/inbox", doc, bob, func(r *http.Request) { r.Header.Set("Signature", "x") }},
		{"another type", 415, "/inbox", doc, bob, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"no type", 415, "/inbox", doc, bob, func(r *http.Request) { r.Header.Del("Content-Type") }},
		{"for another host", 400, "/inbox", doc, bob, func(r *http.Request) { r.Host = "other.test" }},
		{"another body", 401, "/inbox", doc, bob, func(r *http.Request) {
			r.Body = http.NoBody
		}},
		{"another path", 401, "/users/ann/inbox", doc, bob, func(r *http.Request) { r.RequestURI = "/users/ann/inbox?x" }},
		{"an old date", 401, "/inbox", doc, bob, func(r *http.Request) {
			w.must(remote.Sign(r, []byte(doc), bob.key(), w.now().Add(-13*time.Hour)))
		}},
		{"a key of ours", 401, "/inbox", doc, own, nil},
		{"a key of nobody of ours", 401, "/inbox", note(nobody, 1, ""), nobody, nil},
		{"another's key", 401, "/inbox", note(forged, 1, ""), forged, nil},
		{"another host's actor", 403, "/inbox", doc, cat, nil},
		{"too large", 413, "/inbox", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, bob, nil},
		{"too large, and no length", 413, "/inbox", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, bob, func(r *http.Request) { r.ContentLength = -1 }},
		{"no JSON", 400, "/inbox", `{`, bob, nil},
		{"a list", 400, "/inbox", `[` + doc + `]`, bob, nil},
		{"an actor twice", 400, "/inbox", strings.Replace(doc, `"type"`, `"actor":"http://c.test/users/cat","type"`, 1), bob, nil},
		{"too deep", 400, "/inbox", strings.Repeat(`{"object":`, 100) + "1" + strings.Repeat("}", 100), bob, nil},
		{"an object", 400, "/inbox", `{"id":"http://b.test/1","type":"Note"}`, bob, nil},
		{"an id of another host", 202, "/inbox", strings.Replace(doc, "http://b.test/users/bob/create", "http://c.test/create", 1), bob, nil},
		{"to one who has left", 410, "/users/gone/inbox", doc, bob, nil},
		{"to nobody", 404, "/users/nobody/inbox", doc, bob, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.signed(tt.path, tt.body, tt.as)
			if tt.mend != nil {
				tt.mend(r)
			}
			if rec := w.send(r); rec.Code != tt.want {
				t.Errorf("%d, want %d: %s", rec.Code, tt.want, rec.Body)
			}
			if w.count("SELECT id FROM objects")+w.count("SELECT id FROM arrivals") != 0 {
				t.Fatal("it had an effect")
			}
		})
	}
	if rec := w.post("/inbox", doc, bob); rec.Code != 202 || !w.here(bob, 1) {
		t.Errorf("what was fine all the time: %d %s", rec.Code, rec.Body)
	}
}

// TestInboxContentTypes lists the types that an activity may come with.
func TestInboxContentTypes(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/activity+json":                                            true,
		"Application/Activity+JSON; charset=utf-8":                             true,
		`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`: true,
		"application/ld+json":                                                  true,
		"application/json":                                                     false,
		"text/html":                                                            false,
		"application/x-www-form-urlencoded; x=application/activity+json":       false,
		"": false,
	} {
		if got := document(contentType); got != want {
			t.Errorf("%q: %t", contentType, got)
		}
	}
}

// TestInboxTwice has the same activity come eight times at one moment.
func TestInboxTwice(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.ours("ann")
		bob := w.peer("b.test").actor("bob")
		w.known(bob)
		like := w.write(ann, pipeline.Draft{Text: "hello"})
		docs := []string{note(bob, 1, ""), fmt.Sprintf(`{"id":"http://b.test/like","type":"Like","actor":"http://b.test/users/bob","object":"https://a.test/objects/%d"}`, like)}
		for _, doc := range docs {
			var wg sync.WaitGroup
			for range 8 {
				r := w.signed("/inbox", doc, bob)
				wg.Go(func() {
					if rec := w.send(r); rec.Code != http.StatusAccepted {
						t.Errorf("%d %s", rec.Code, rec.Body)
					}
				})
			}
			wg.Wait()
		}
		if n := w.count("SELECT seq FROM activities WHERE origin = 'b.test'"); n != 2 {
			t.Errorf("%d activities", n)
		}
		counts, err := w.db.Counts(context.Background(), []int64{like})
		if err != nil || counts[like].Favourites != 1 {
			t.Errorf("%+v %v", counts, err)
		}
	})
}

// TestUnknownKey: the request is on disk before the 202, and has its effect once
// the job has the key.
func TestUnknownKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.ours("ann")
		b := w.peer("b.test")
		forms := map[string]*peerActor{}
		for _, form := range []string{"#main-key", "/main-key", "", "#key-2"} {
			a := b.actor(fmt.Sprintf("bob%d", len(forms)))
			a.keyID = a.id() + vocab.IRI(form)
			a.rotate(0)
			forms[form] = a
		}
		for form, a := range forms {
			for n := range 2 {
				if rec := w.post("/inbox", note(a, n, ""), a); rec.Code != http.StatusAccepted {
					t.Errorf("%s: %d %s", form, rec.Code, rec.Body)
				}
			}
			if b.asked(a.path()) != 0 {
				t.Errorf("%s: fetched while the sender waits", form)
			}
		}
		if n := w.count("SELECT id FROM arrivals"); n != 8 {
			t.Errorf("%d arrivals, want 8", n)
		}
		for _, err := range w.runArrivals() {
			if err != nil {
				t.Error(err)
			}
		}
		for form, a := range forms {
			if !w.here(a, 0) || !w.here(a, 1) {
				t.Errorf("%q: not there after the job", form)
			}
			if n := b.asked(a.path()); n != 1 {
				t.Errorf("%q: fetched %d times", form, n)
			}
		}
		if n := w.count("SELECT id FROM arrivals"); n != 0 {
			t.Errorf("%d arrivals are left", n)
		}
	})
}

// TestUnknownKeyLater has the host of the key not answer at first.
func TestUnknownKeyLater(t *testing.T) {
	w := sqliteWorld(t, nil)
	b := w.peer("b.test")
	bob, eve := b.actor("bob"), b.actor("eve")
	b.answer(bob.path(), 503)
	b.answer(eve.path(), 503)
	for _, a := range []*peerActor{bob, eve} {
		if rec := w.post("/inbox", note(a, 1, ""), a); rec.Code != http.StatusAccepted {
			t.Fatal(rec.Code)
		}
	}
	for _, err := range w.runArrivals() {
		if !fault.Retryable(err) {
			t.Errorf("a host that is down: %v", err)
		}
	}
	w.pass(20 * time.Hour) // The signature is verified as of its arrival.
	b.answer(bob.path(), 0)
	w.runArrivals()
	if !w.here(bob, 1) {
		t.Error("not there when the host is back")
	}
	w.pass(40 * time.Hour)
	for _, err := range w.runArrivals() {
		if err != nil {
			t.Errorf("after two days: %v", err)
		}
	}
	if w.count("SELECT id FROM arrivals") != 0 || w.count("SELECT seq FROM refusals WHERE actor = 'http://b.test/users/eve' AND stage = 'signature'") != 1 {
		t.Error("after two days it is not given up with a reason")
	}
}

// TestUnknownKeyRefused goes through what comes to nothing, for good.
func TestUnknownKeyRefused(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.Refuses = func(host string) bool { return host == "bad.test" } })
	w.ours("ann")
	b := w.peer("b.test")
	gone, forged, deleted := b.actor("gone"), b.actor("forged"), b.actor("deleted")
	b.answer(gone.path(), 404)
	b.answer(deleted.path(), 410)
	forged.pem = testKey(t, 1)
	claimed := &peerActor{peer: b, name: "bob", keyID: "http://c.test/users/cat#main-key", pem: testKey(t, 0)}
	bad := w.peer("bad.test").actor("bad")
	elsewhere := b.actor("elsewhere")
	elsewhere.keyID = "http://b.test/keys/1"

	for _, tt := range []struct {
		name    string
		as      *peerActor
		doc     string
		status  int
		kept    bool
		refusal string // Stage; "" for none.
	}{
		{"no actor at the address", gone, note(gone, 1, ""), 202, true, "signature"},
		{"another's key", forged, note(forged, 1, ""), 202, true, "signature"},
		{"the key of another host", claimed, note(claimed, 1, ""), 403, false, ""},
		{"a host that is refused", bad, note(bad, 1, ""), 202, false, ""},
		{"no JSON", b.actor("x"), "{", 400, false, ""},
		{"an id of another host", b.actor("y"), `{"id":"http://c.test/1","type":"Like","actor":"http://b.test/users/y","object":"https://a.test/objects/1"}`, 202, false, ""},
		{"a Delete of somebody unknown", deleted, `{"id":"http://b.test/d/1","type":"Delete","actor":"http://b.test/users/deleted","object":"http://b.test/users/deleted"}`, 202, false, ""},
		{"a Delete by somebody who is gone", deleted, `{"id":"http://b.test/d/2","type":"Delete","actor":"http://b.test/users/deleted","object":"http://b.test/notes/1"}`, 202, true, ""},
		{"a policy", b.actor("z"), `{"id":"http://b.test/u/1","type":"Undo","actor":"http://b.test/users/z","object":{"type":"Like","actor":"http://b.test/users/bob","object":"http://b.test/x","id":"http://b.test/l"}}`, 202, true, "validate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.count("SELECT seq FROM refusals")
			if rec := w.post("/inbox", tt.doc, tt.as); rec.Code != tt.status {
				t.Fatalf("%d, want %d: %s", rec.Code, tt.status, rec.Body)
			}
			if kept := w.count("SELECT id FROM arrivals") == 1; kept != tt.kept {
				t.Fatalf("kept: %t", kept)
			}
			for _, err := range w.runArrivals() {
				if err != nil {
					t.Error(err)
				}
			}
			if w.count("SELECT id FROM arrivals") != 0 {
				t.Error("it is still waiting")
			}
			want := 0
			if tt.refusal != "" {
				want = 1
			}
			if got := w.count("SELECT seq FROM refusals") - before; got != want {
				t.Errorf("%d refusals on record, want %d", got, want)
			}
			if want == 1 && w.count("SELECT seq FROM refusals WHERE stage = '"+tt.refusal+"' AND origin = 'b.test'") == 0 {
				t.Errorf("no refusal at the stage %s", tt.refusal)
			}
		})
	}

	// A key document of its own: the activity's actor is asked for its key.
	if rec := w.post("/inbox", note(elsewhere, 1, ""), elsewhere); rec.Code != 202 {
		t.Fatal(rec.Code)
	}
	w.runArrivals()
	if !w.here(elsewhere, 1) {
		t.Error("a key that has an address of its own was not found by way of the actor")
	}
}

// TestArrivalBounds: a host that floods us is told to wait, the others are served.
func TestArrivalBounds(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		bob, cat := w.peer("b.test").actor("bob"), w.peer("c.test").actor("cat")
		w.must(w.db.Write(ctx, func(tx *store.Tx) error {
			for range arrivalBounds.PerHost {
				if err := tx.AddArrival(ctx, &store.Arrival{Host: "b.test", Request: "{}", Body: "{}"}, arrivalBounds); err != nil {
					return err
				}
			}
			return nil
		}))
		rec := w.post("/inbox", note(bob, 1, ""), bob)
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
			t.Errorf("%d %v", rec.Code, rec.Header())
		}
		if n := w.count("SELECT id FROM jobs WHERE kind = 'arrival'"); n != 0 {
			t.Errorf("%d jobs for what was not kept", n)
		}
		if rec := w.post("/inbox", note(cat, 1, ""), cat); rec.Code != http.StatusAccepted {
			t.Errorf("another host: %d", rec.Code)
		}
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			return tx.AddArrival(ctx, &store.Arrival{Host: "d.test"}, store.ArrivalBounds{PerHost: 1, Total: arrivalBounds.PerHost, Age: time.Hour})
		})
		if !fault.Is(err, fault.Transient) {
			t.Errorf("in all: %v", err)
		}
		w.pass(arrivalBounds.Age)
		if rec := w.post("/inbox", note(bob, 2, ""), bob); rec.Code != http.StatusAccepted {
			t.Errorf("when the old ones are gone: %d", rec.Code)
		}
	})
}

// TestKeyRotation: a key that changed is fetched once; a wrong one does not make us
// fetch again and again.
func TestKeyRotation(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		b := w.peer("b.test")
		bob := b.actor("bob")
		w.known(bob)
		bob.rotate(1)
		var wg sync.WaitGroup
		for i := range 4 {
			r := w.signed("/inbox", note(bob, i, ""), bob)
			wg.Go(func() {
				if rec := w.send(r); rec.Code != http.StatusAccepted {
					t.Errorf("with the new key: %d %s", rec.Code, rec.Body)
				}
			})
		}
		wg.Wait()
		if n := b.asked(bob.path()); n != 2 {
			t.Errorf("fetched %d times, want twice", n)
		}
		bob.pem = testKey(t, 2) // Not his.
		for i := range 5 {
			if rec := w.post("/inbox", note(bob, 10+i, ""), bob); rec.Code != http.StatusUnauthorized || w.here(bob, 10+i) {
				t.Errorf("with a wrong key: %d", rec.Code)
			}
		}
		if n := b.asked(bob.path()); n != 2 {
			t.Errorf("fetched %d times within five minutes", n)
		}
		w.pass(refreshEvery)
		if rec := w.post("/inbox", note(bob, 20, ""), bob); rec.Code != http.StatusUnauthorized {
			t.Errorf("later: %d", rec.Code)
		}
		if n := b.asked(bob.path()); n != 3 {
			t.Errorf("fetched %d times after five minutes, want once more", n)
		}
	})
}

// TestKeyGone has a known actor's host say that the actor is gone.
func TestKeyGone(t *testing.T) {
	w := sqliteWorld(t, nil)
	b := w.peer("b.test")
	for name, code := range map[string]int{"bob": 410, "eve": 404, "mal": 503} {
		a := b.actor(name)
		row := w.known(a)
		a.pem = testKey(t, 1)
		b.answer(a.path(), code)
		leave := fmt.Sprintf(`{"id":"http://b.test/d/%s","type":"Delete","actor":"%s","object":"%[2]s"}`, name, a.id())
		want, wantNote := 202, 401
		if code == 503 {
			want, wantNote = 503, 503
		}
		if rec := w.post("/inbox", leave, a); rec.Code != want {
			t.Errorf("%d: the Delete gives %d, want %d", code, rec.Code, want)
		}
		if rec := w.post("/inbox", note(a, 1, ""), a); rec.Code != wantNote {
			t.Errorf("%d: a note gives %d, want %d", code, rec.Code, wantNote)
		}
		if row, err := w.db.Actor(context.Background(), row.ID); err != nil || row.Deleted != 0 {
			t.Errorf("deleted without proof: %v", err)
		}
	}
}

// TestInboxDeleted: whoever was deleted here can't come back, nor learns of it.
func TestInboxDeleted(t *testing.T) {
	w := sqliteWorld(t, nil)
	bob := w.peer("b.test").actor("bob")
	w.known(bob)
	leave := fmt.Sprintf(`{"id":"http://b.test/d","type":"Delete","actor":"%s","object":"%[1]s"}`, bob.id())
	for range 2 {
		if rec := w.post("/inbox", leave, bob); rec.Code != 202 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
	}
	if rec := w.post("/inbox", note(bob, 1, ""), bob); rec.Code != 202 || w.here(bob, 1) {
		t.Errorf("%d", rec.Code)
	}
}

// TestAccepted is the table of what an arrival's fate means to its sender.
func TestAccepted(t *testing.T) {
	w := sqliteWorld(t, nil)
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 202},
		{fault.New(fault.Rejected, "no"), 202},
		{fault.New(fault.Gone, "no"), 202},
		{fault.New(fault.NotFound, "no"), 202},
		{fault.New(fault.Conflict, "no"), 202},
		{fault.New(fault.Malformed, "no"), 400},
		{fault.New(fault.Invalid, "no"), 400},
		{fault.New(fault.Unauthorized, "no"), 401},
		{fault.New(fault.Denied, "no"), 403},
		{fault.New(fault.TooLarge, "no"), 413},
		{fault.New(fault.Unsupported, "no"), 415},
		{fault.New(fault.Transient, "later"), 503},
		{fmt.Errorf("a row: %w", store.ErrNotFound), 503},
		{errors.New("a bug"), 500},
	} {
		w.Log = discard
		rec := httptest.NewRecorder()
		w.handle(func(rw http.ResponseWriter, _ *http.Request) error { return w.accepted(rw, tt.err) })(rec, httptest.NewRequest(http.MethodPost, "/inbox", nil))
		if rec.Code != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, rec.Code, tt.want)
		}
		if strings.Contains(rec.Body.String(), "bug") {
			t.Error("it tells of our insides")
		}
	}
}

// TestHostileShapes delivers what breaks careless servers; nothing may get a 5xx or
// leave a trace that it must not.
func TestHostileShapes(t *testing.T) {
	w := sqliteWorld(t, nil)
	w.ours("ann")
	b := w.peer("b.test")
	bob := b.actor("bob")
	w.known(bob)
	id := bob.id()
	long := strings.Repeat("x", 100_000)
	for name, doc := range map[string]string{
		"null":                   `null`,
		"nothing":                ``,
		"a number":               `1`,
		"empty":                  `{}`,
		"no type":                `{"id":"http://b.test/1","actor":"` + string(id) + `"}`,
		"types of no type":       `{"id":"http://b.test/1","type":[1,null,{}],"actor":"` + string(id) + `"}`,
		"no actor":               `{"id":"http://b.test/1","type":"Like","object":"https://a.test/objects/1"}`,
		"an actor of ours":       `{"id":"http://b.test/1","type":"Like","actor":"https://a.test/users/ann","object":"https://a.test/objects/1"}`,
		"an actor with a port":   `{"id":"http://b.test/1","type":"Like","actor":"http://b.test:81/users/bob","object":"https://a.test/objects/1"}`,
		"an actor with userinfo": `{"id":"http://b.test/1","type":"Like","actor":"http://b.test@c.test/users/bob","object":"https://a.test/objects/1"}`,
		"Actor for actor":        `{"id":"http://b.test/1","type":"Like","Actor":"` + string(id) + `","object":"https://a.test/objects/1"}`,
		"a Follow of all":        `{"id":"http://b.test/1","type":"Follow","actor":"` + string(id) + `","object":"as:Public"}`,
		"not UTF-8":              "{\"id\":\"http://b.test/1\xff\",\"type\":\"Like\",\"actor\":\"" + string(id) + `","object":"https://a.test/objects/1"}`,
		"an unknown type":        `{"id":"http://b.test/1","type":"Frobnicate","actor":"` + string(id) + `","object":"https://a.test/objects/1"}`,
		"a long type":            `{"id":"http://b.test/1","type":"` + long + `","actor":"` + string(id) + `","object":"https://a.test/objects/1"}`,
		"a long id":              `{"id":"http://b.test/` + long + `","type":"Like","actor":"` + string(id) + `","object":"https://a.test/objects/1"}`,
		"ours internal":          `{"id":"http://b.test/1","type":"PollEnded","actor":"` + string(id) + `","object":"https://a.test/objects/1"}`,
		"a note of another":      strings.Replace(note(bob, 1, ""), `"attributedTo":"`+string(id), `"attributedTo":"http://b.test/users/eve`, 1),
		"NUL in a text":          strings.Replace(note(bob, 1, ""), "note 1", `a\u0000b`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			for _, as := range []*peerActor{bob, b.actor("unknown")} {
				r := httptest.NewRequest(http.MethodPost, "https://a.test/inbox", bytes.NewReader([]byte(doc)))
				r.Header.Set("Content-Type", activityJSON)
				w.must(remote.Sign(r, []byte(doc), as.key(), w.now()))
				if rec := w.send(r); rec.Code >= 500 {
					t.Errorf("%d %s", rec.Code, rec.Body)
				}
			}
			for _, err := range w.runArrivals() {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	if n := w.count("SELECT seq FROM follows") + w.count("SELECT seq FROM favourites"); n != 0 {
		t.Error("something had an effect")
	}
	if w.count("SELECT id FROM arrivals") != 0 {
		t.Error("something waits")
	}
}

// FuzzClaim: what is kept without proof could at least be true.
func FuzzClaim(f *testing.F) {
	f.Add("http://b.test/users/bob#main-key", []byte(`{"id":"http://b.test/1","type":"Like","actor":"http://b.test/users/bob","object":"https://a.test/objects/1"}`))
	f.Add("http://b.test/users/bob", []byte(`{"type":"Delete","actor":{"id":"http://b.test/users/bob"},"object":"http://b.test/users/bob"}`))
	f.Add("http://B.test:80/users/bob", []byte(`{"id":"http://c.test/1","type":"Like","actor":["http://b.test/users/bob"]}`))
	f.Add("x", []byte(`{`))
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		a, err := claim(body)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("an error that says nothing: %v", err)
			}
			return
		}
		if host := a.Actor.Host(); host == "" || a.ID != "" && a.ID.Host() != host {
			t.Errorf("let through for the actor %q and the id %q", a.Actor, a.ID)
		}
		if owner := keyOwner(vocab.IRI(key)); !strings.HasPrefix(key, string(owner)) {
			t.Errorf("%q is owned by %q", key, owner)
		}
	})
}

// TestStorable: what is stored verifies as it did when it came.
func TestStorable(t *testing.T) {
	w := sqliteWorld(t, nil)
	bob := w.peer("b.test").actor("bob")
	doc := note(bob, 1, "")
	r := w.signed("/users/ann/inbox?a=b%20c", doc, bob)
	r.Header.Set("Cookie", "secret")
	s, err := w.parse(r)
	w.must(err)
	text, err := storable(r, s)
	w.must(err)
	if strings.Contains(text, "secret") {
		t.Error("it holds what is not signed")
	}
	back, err := restore(text, []byte(doc))
	w.must(err)
	again, err := w.parse(back)
	w.must(err)
	w.must(again.Verify(back, []byte(doc), bob.key().Private.Public(), w.now()))

	r.Header["Date"] = []string{strings.Repeat("x", maxSigned)}
	if _, err := storable(r, s); !fault.Is(err, fault.TooLarge) {
		t.Errorf("long fields: %v", err)
	}
}

func TestOnceIn(t *testing.T) {
	now := time.Unix(0, 0)
	o := newOnceIn(time.Minute, 2, func() time.Time { return now })
	n := 0
	boom := errors.New("boom")
	do := func(key string) error {
		return o.do(context.Background(), key, func(context.Context) error { n++; return boom })
	}
	for range 3 {
		if err := do("a"); err != boom {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d times", n)
	}
	do("b")
	if err := do("c"); !fault.Is(err, fault.Transient) || n != 2 {
		t.Errorf("more than it may remember: %v", err)
	}
	now = now.Add(time.Minute)
	if do("c"); n != 3 || len(o.tries) != 1 {
		t.Errorf("%d times, %d remembered", n, len(o.tries))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	block := make(chan struct{})
	if err := o.do(ctx, "d", func(context.Context) error { <-block; return nil }); !fault.Is(err, fault.Transient) {
		t.Errorf("a caller who has gone: %v", err)
	}
	close(block)
}

func TestKeyCache(t *testing.T) {
	c := newKeyCache(2)
	for i := range 6 {
		private, err := remote.ParsePrivateKey(testKey(t, i%3))
		if err != nil {
			t.Fatal(err)
		}
		public, err := remote.EncodePublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.parse(public)
		if err != nil || !key.(*rsa.PublicKey).Equal(private.Public()) {
			t.Error("another key")
		}
		if len(c.keys) > 2 {
			t.Errorf("%d keys", len(c.keys))
		}
	}
	if _, err := c.parse("x"); err == nil {
		t.Error("garbage is a key")
	}
}

// TestPlans wants the reads of this door to go by an index.
func TestPlans(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	for query, want := range map[string]string{
		`SELECT s.id FROM statuses s JOIN activities a ON a.seq = s.seq WHERE s.actor = 1 AND s.visibility <= 1 AND s.local_only = FALSE ORDER BY s.id DESC LIMIT 20`: "statuses_actor",
		`SELECT f.seq, a.uri FROM follows f JOIN actors a ON a.id = f.actor WHERE f.target = 1 AND f.accepted = TRUE AND f.seq < 9 ORDER BY f.seq DESC LIMIT 40`:      "follows_target_seq",
		`SELECT f.seq, a.uri FROM follows f JOIN actors a ON a.id = f.target WHERE f.actor = 1 AND f.accepted = TRUE AND f.seq < 9 ORDER BY f.seq DESC LIMIT 40`:      "follows_actor_seq",
		`SELECT s.id FROM statuses s WHERE s.reply_to = 1 AND s.reply_to <> 0 AND s.id > 1 AND s.actor <> 2 ORDER BY s.id LIMIT 20`:                                   "statuses_replies",
		`SELECT COUNT(*) FROM arrivals WHERE host = 'x'`: "arrivals_host",
	} {
		plan := strings.Join(storetest.Dump(t, db, "EXPLAIN QUERY PLAN "+query), "\n")
		if !strings.Contains(plan, want) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\n%s", query, plan)
		}
	}
}

// BenchmarkInbox is a signed Create of somebody known, from the request to the disk.
func BenchmarkInbox(b *testing.B) {
	w := sqliteWorld(b, nil)
	bob := w.peer("b.test").actor("bob")
	w.known(bob)
	requests := make([]*http.Request, b.N)
	for i := range requests {
		requests[i] = w.signed("/inbox", note(bob, i, ""), bob)
	}
	b.ResetTimer()
	for _, r := range requests {
		if rec := w.send(r); rec.Code != http.StatusAccepted {
			b.Fatal(rec.Code)
		}
	}
}

// BenchmarkVerify is the share of this door in that.
func BenchmarkVerify(b *testing.B) {
	w := sqliteWorld(b, nil)
	bob := w.peer("b.test").actor("bob")
	w.known(bob)
	doc := note(bob, 1, "")
	r := w.signed("/inbox", doc, bob)
	for b.Loop() {
		s, err := w.parse(r)
		w.must(err)
		actor, err := w.Handler.known(r.Context(), s.KeyID())
		w.must(err)
		_, err = w.check(r.Context(), s, r, []byte(doc), actor, w.clock)
		w.must(err)
	}
}
