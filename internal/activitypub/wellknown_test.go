package activitypub

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
)

func TestWebFinger(t *testing.T) {
	w := sqliteWorld(t, nil)
	w.ours("Ann")
	gone := w.ours("gone")
	w.must(w.Pipeline.DeleteAccount(context.Background(), gone))
	if _, err := w.Pipeline.CreateAccount(context.Background(), store.NewAccount{Username: "waits", Email: "w@a.test", Confirmed: true}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		resource string
		status   int
		self     string
	}{
		{"acct:Ann@a.test", 200, "https://a.test/users/Ann"},
		{"acct:ann@A.TEST", 200, "https://a.test/users/Ann"},
		{"ann@a.test", 200, "https://a.test/users/Ann"},
		{"@ann@a.test:443", 200, "https://a.test/users/Ann"},
		{"https://a.test/users/ann", 200, "https://a.test/users/Ann"},
		{"https://a.test/@ann", 200, "https://a.test/users/Ann"},
		{"acct:a.test@a.test", 200, "https://a.test/actor"},
		{"https://a.test/actor", 200, "https://a.test/actor"},
		{"https://a.test/", 200, "https://a.test/actor"},
		{"acct:gone@a.test", 410, ""},
		{"acct:waits@a.test", 404, ""},
		{"acct:nobody@a.test", 404, ""},
		{"acct:ann@b.test", 404, ""},
		{"acct:ann@a.test/x", 404, ""},
		{"acct:ann@evil@b.test", 404, ""},
		{"acct:@a.test", 404, ""},
		{"https://a.test.evil/users/ann", 404, ""},
		{"https://a.test/users/ann/outbox", 404, ""},
		{"https://a.test/users/", 404, ""},
		{"", 400, ""},
		{"acct:" + strings.Repeat("x", 3000), 400, ""},
	} {
		t.Run(tt.resource[:min(len(tt.resource), 40)], func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "https://a.test/.well-known/webfinger", nil)
			q := r.URL.Query()
			if tt.resource != "" {
				q.Set("resource", tt.resource)
			}
			r.URL.RawQuery = q.Encode()
			rec := w.send(r)
			if rec.Code != tt.status {
				t.Fatalf("%d, want %d: %s", rec.Code, tt.status, rec.Body)
			}
			if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Error("browsers on other hosts can't read it")
			}
			if tt.status != 200 {
				return
			}
			// What we say is read by what we use to read others.
			f, err := remote.ParseFinger(rec.Body.Bytes(), rec.Header().Get("Content-Type"))
			if err != nil {
				t.Fatal(err)
			}
			if string(f.Actor) != tt.self || !strings.HasSuffix(f.Subject, "@a.test") || f.SubscribeTemplate != "https://a.test/authorize_interaction?uri={uri}" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestWebFingerDomain has handles on another host than the server's addresses.
func TestWebFingerDomain(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.Domain = "short.test" })
	w.ours("ann")
	for _, resource := range []string{"acct:ann@short.test", "acct:ann@a.test"} {
		doc := w.getJSON("/.well-known/webfinger?resource="+resource, nil)
		if doc["subject"] != "acct:ann@short.test" {
			t.Errorf("%s is %v", resource, doc["subject"])
		}
	}
	doc := w.getJSON("/.well-known/webfinger?resource=acct:ann@short.test&rel=self", nil)
	if links := doc["links"].([]any); len(links) != 1 || field(links, "0", "rel") != "self" {
		t.Errorf("links %v, want self alone", links)
	}
}

func TestHostMeta(t *testing.T) {
	w := sqliteWorld(t, nil)
	rec := w.get("/.well-known/host-meta", nil, "Accept", "*/*")
	if want := `template="https://a.test/.well-known/webfinger?resource={uri}"`; rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := rec.Header().Get("Content-Type"); got != "application/xrd+xml; charset=utf-8" {
		t.Error(got)
	}
	doc := w.getJSON("/.well-known/host-meta.json", nil)
	if field(doc, "links", "0", "template") != "https://a.test/.well-known/webfinger?resource={uri}" {
		t.Error(doc)
	}
}

func TestNodeInfo(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.Repository = "https://example.org/kenoma"
		w.OpenRegistrations = func() bool { return true }
		ann := w.ours("ann")
		w.ours("old")
		w.must(w.db.Write(ctx, func(tx *store.Tx) error { return tx.Seen(ctx, ann.ID, w.now()) }))
		w.write(ann, pipeline.Draft{Text: "hello"})

		links := w.getJSON("/.well-known/nodeinfo", nil)
		if field(links, "links", "1", "href") != "https://a.test/nodeinfo/2.1" {
			t.Error(links)
		}
		for path, version := range map[string]string{"/nodeinfo/2.0": "2.0", "/nodeinfo/2.0.json": "2.0", "/nodeinfo/2.1": "2.1", "/nodeinfo/2.1.json": "2.1"} {
			doc := w.getJSON(path, nil)
			repository, has := field(doc, "software").(map[string]any)["repository"]
			if has != (version == "2.1") || has && repository != "https://example.org/kenoma" {
				t.Errorf("%s: repository %v", path, repository)
			}
			for name, want := range map[string]any{"version": version, "openRegistrations": true} {
				if doc[name] != want {
					t.Errorf("%s: %s is %v, want %v", path, name, doc[name], want)
				}
			}
			users := field(doc, "usage", "users")
			if field(users, "total") != 2.0 || field(users, "activeMonth") != 1.0 || field(doc, "usage", "localPosts") != 1.0 {
				t.Errorf("%s: usage %v", path, doc["usage"])
			}
			meta := doc["metadata"]
			if field(meta, "upstream", "name") != "mastodon" || !contains(field(meta, "features"), "pleroma_api") || field(meta, "staffAccounts") == nil {
				t.Errorf("%s: metadata %v", path, meta)
			}
		}

		w.write(ann, pipeline.Draft{Text: "again"})
		if doc := w.getJSON("/nodeinfo/2.0", nil); field(doc, "usage", "localPosts") != 1.0 {
			t.Error("counted anew for each who asks")
		}
		w.pass(6 * time.Minute)
		if doc := w.getJSON("/nodeinfo/2.0", nil); field(doc, "usage", "localPosts") != 2.0 {
			t.Error("never counted anew")
		}
	})
}

func TestWants(t *testing.T) {
	for _, tt := range []struct {
		accept         string
		document, page bool
	}{
		{"", false, false},
		{"*/*", false, false},
		{"application/activity+json", true, false},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, true, false},
		{`application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams, x", text/html;q=0.1`, true, false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false, true},
		{"text/html, application/activity+json;q=0.5", false, true},
		{"text/html, application/activity+json", true, false},
		{"application/json", false, false},
		{"application/activity+json;q=0", false, false},
		{"application/activity+json;q=nonsense", false, false},
		{strings.Repeat("a/b,", 5000) + "application/activity+json", false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/@ann", nil)
		if tt.accept != "" {
			r.Header.Set("Accept", tt.accept)
		}
		if got := Wants(r); got != tt.document {
			t.Errorf("Wants(%.60q) = %t", tt.accept, got)
		}
		if got := prefersPage(r); got != tt.page {
			t.Errorf("prefersPage(%.60q) = %t", tt.accept, got)
		}
	}
}
