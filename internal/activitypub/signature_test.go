package activitypub

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

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
