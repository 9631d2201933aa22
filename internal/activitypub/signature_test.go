package activitypub

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenoma/internal/proof"
	"kenoma/internal/remote"
)

// message is signed by RFC 9421.
func (w *world) message(path, doc string, as *peerActor) *http.Request {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://a.test"+path, strings.NewReader(doc))
	r.Header.Set("Content-Type", activityJSON)
	w.must(remote.SignMessage(r, []byte(doc), as.key(), w.now()))
	return r
}

// Messages signed by RFC 9421 are taken, of people who are known and, after their
// request was kept, of others.
//
// spec: rfc9421
func TestInboxMessageSignatures(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		b := w.peer("b.test")
		bob, new := b.actor("bob"), b.actor("new")
		w.known(bob)
		if rec := w.send(w.message("/inbox", note(bob, 1, ""), bob)); rec.Code != http.StatusAccepted || !w.here(bob, 1) {
			t.Errorf("known key: %d %s", rec.Code, rec.Body)
		}
		if rec := w.send(w.message("/inbox", note(new, 2, ""), new)); rec.Code != http.StatusAccepted || w.here(new, 2) {
			t.Errorf("unknown key: %d %s", rec.Code, rec.Body)
		}
		for _, err := range w.runArrivals() {
			w.must(err)
		}
		if !w.here(new, 2) {
			t.Error("the request that was kept came to nothing")
		}
		forged := w.message("/inbox", note(bob, 3, ""), bob)
		forged.Header.Set("Content-Type", "application/ld+json")
		if rec := w.send(forged); rec.Code != http.StatusUnauthorized || w.here(bob, 3) {
			t.Errorf("a changed header: %d", rec.Code)
		}
	})
}

// A proxy that puts its own name in place of ours must be one of the trusted.
func TestForwardedHost(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	bob := w.peer("b.test").actor("bob")
	w.known(bob)
	for i, tt := range []struct {
		from, forwarded string
		want            int
	}{
		{"127.0.0.1:999", "a.test", 202},
		{"127.0.0.1:999", "evil.test, a.test", 202},
		{"127.0.0.1:999", "a.test, evil.test", 400},
		{"127.0.0.1:999", "", 400},
		{"192.0.2.1:999", "a.test", 400},
	} {
		r := w.signed("/inbox", note(bob, i, ""), bob)
		r.Host, r.RemoteAddr = "backend:4000", tt.from
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", tt.forwarded)
		}
		if rec := w.send(r); rec.Code != tt.want || w.here(bob, i) != (tt.want == 202) {
			t.Errorf("%s, X-Forwarded-Host %q: %d, want %d", tt.from, tt.forwarded, rec.Code, tt.want)
		}
	}
}

// With authorized fetch a reader may sign in either form.
func TestAuthorizedFetchForms(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.AuthorizedFetch = true })
	w.ours("ann")
	bob := w.peer("b.test").actor("bob")
	for name, sign := range map[string]func(*http.Request) error{
		"draft":    func(r *http.Request) error { return remote.Sign(r, nil, bob.key(), w.now()) },
		"RFC 9421": func(r *http.Request) error { return remote.SignMessage(r, nil, bob.key(), w.now()) },
		"":         func(*http.Request) error { return nil },
		"expired":  func(r *http.Request) error { return remote.SignMessage(r, nil, bob.key(), w.now().AddDate(0, 0, -1)) },
	} {
		r := httptest.NewRequest(http.MethodGet, "https://a.test/users/ann", nil)
		r.Header.Set("Accept", remote.ActivityPub.Header)
		w.must(sign(r))
		want := http.StatusOK
		if name == "" || name == "expired" {
			want = http.StatusUnauthorized
		}
		if rec := w.send(r); rec.Code != want {
			t.Errorf("signed %q: %d %s, want %d", name, rec.Code, rec.Body, want)
		}
	}
}

// Which form a host takes outlives the server.
func TestSignatureForms(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.must(w.db.SetSignatureForm(ctx, "b.test", 2))
		w.must(w.db.SetSignatureForm(ctx, "c.test", 2))
		w.must(w.db.SetSignatureForm(ctx, "b.test", 1))
		got, err := w.db.SignatureForms(ctx, 10)
		if err != nil || len(got) != 2 || got["b.test"] != 1 || got["c.test"] != 2 {
			t.Errorf("SignatureForms = %v, %v", got, err)
		}
		if one, err := w.db.SignatureForms(ctx, 1); err != nil || len(one) != 1 || one["b.test"] != 1 {
			t.Errorf("the last learned = %v, %v", one, err)
		}
	})
}

// serveKeys has a peer's actor served with an Ed25519 key beside, or in place of, its RSA
// key, and returns who signs with it.
func (a *peerActor) serveKeys(t *testing.T, alone bool) *peerActor {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a.peer.mu.Lock()
	defer a.peer.mu.Unlock()
	doc := decode(t, []byte(a.peer.docs[a.path()]))
	id := a.id() + "#ed25519-key"
	doc["assertionMethod"] = []any{map[string]any{"id": id, "type": "Multikey", "controller": a.id(), "publicKeyMultibase": proof.EncodeKey(public)}}
	if alone {
		delete(doc, "publicKey")
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	a.peer.docs[a.path()] = string(text)
	pem, err := remote.EncodePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return &peerActor{peer: a.peer, name: a.name, keyID: id, pem: pem}
}

// An actor may sign with each of its keys, in each form, and change any of them.
//
// spec: fep-521a
func TestSeveralKeys(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		bob := w.peer("b.test").actor("bob")
		n := 0
		try := func(what string, as *peerActor, want int) {
			t.Helper()
			for form, r := range map[string]*http.Request{"draft": w.signed("/inbox", note(bob, n, ""), as), "RFC 9421": w.message("/inbox", note(bob, n+1, ""), as)} {
				if rec := w.send(r); rec.Code != want {
					t.Errorf("%s, %s: %d %s, want %d", what, form, rec.Code, rec.Body, want)
				}
			}
			if got := w.here(bob, n) && w.here(bob, n+1); got != (want == 202) {
				t.Errorf("%s: here %t", what, got)
			}
			n += 2
		}
		ed := bob.serveKeys(t, false)
		w.known(bob)
		try("the RSA key", bob, 202)
		try("the Ed25519 key", ed, 202)

		forged := *ed
		forged.pem = bob.serveKeys(t, false).pem // A key that is served from now on.
		try("a new Ed25519 key under the old id", &forged, 202)
		try("the one that it replaced", ed, 401)
		try("the RSA key still", bob, 202)

		w.pass(time.Hour)
		alone := bob.serveKeys(t, true)
		try("an Ed25519 key alone", alone, 202)
		try("the RSA key that is gone", bob, 401)

		// An actor whom we meet by its Ed25519 key.
		eve := bob.peer.actor("eve")
		edEve := eve.serveKeys(t, true)
		if rec := w.post("/inbox", note(eve, 100, ""), edEve); rec.Code != 202 {
			t.Errorf("first contact: %d", rec.Code)
		}
		for _, err := range w.runArrivals() {
			w.must(err)
		}
		if !w.here(eve, 100) {
			t.Error("first contact by an Ed25519 key came to nothing")
		}
	})
}

// A key counts only where its owner and host are the actor's.
func TestKeysOfOthers(t *testing.T) {
	w := sqliteWorld(t, nil)
	bob, eve := w.peer("b.test").actor("bob"), w.peer("e.test").actor("eve")
	key := eve.serveKeys(t, false)
	doc := eve.peer.docs[eve.path()]
	for _, claim := range []string{
		strings.Replace(doc, `"controller":"http://e.test/users/eve"`, `"controller":"`+string(bob.id())+`"`, 1),
		strings.Replace(doc, `"id":"http://e.test/users/eve#ed25519-key"`, `"id":"`+string(bob.id())+`#ed25519-key"`, 1),
	} {
		eve.peer.docs[eve.path()] = claim
		w.pass(time.Hour)
		if _, err := w.Pipeline.RefreshActor(context.Background(), eve.id()); err != nil {
			t.Fatal(err)
		}
		w.known(bob)
		key.keyID = bob.id() + "#ed25519-key"
		if rec := w.post("/inbox", note(bob, 1, ""), key); rec.Code != 401 || w.here(bob, 1) {
			t.Errorf("a key that eve claims for bob: %d", rec.Code)
		}
	}
}
