package fedtest

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// relays lets a server be a relay, or not ("").
func (s *Server) relays(members string) {
	s.Pipeline.Relay = pipeline.RelayOptions{Members: members, Rate: 120, Queue: 1000}
}

// subscribe has a server follow a relay.
func (s *Server) subscribe(address string) {
	s.w.t.Helper()
	if _, err := s.Pipeline.Subscribe(context.Background(), 0, vocab.IRI(address)); err != nil {
		s.w.t.Fatal(err)
	}
	s.w.Settle()
}

// relay returns the only relay or member of a server.
func (s *Server) relay() store.Relay {
	s.w.t.Helper()
	all, err := s.DB.Relays(context.Background())
	if err != nil || len(all) != 1 {
		s.w.t.Fatalf("%s has the relays %+v, %v", s.Host, all, err)
	}
	return all[0]
}

// bring lets what relays named be fetched.
func (w *World) bring(times int) {
	w.Settle()
	for range times {
		w.Advance(6 * time.Second)
		w.Settle()
	}
}

// publicTexts are the contents of a server's public timeline.
func (s *Server) publicTexts() (texts []string) {
	s.w.t.Helper()
	var list []Status
	s.Call("", "GET", "/api/v1/timelines/public", url.Values{"limit": {"40"}}, &list)
	for _, p := range list {
		texts = append(texts, strings.TrimSuffix(strings.TrimPrefix(p.Content, "<p>"), "</p>"))
	}
	return texts
}

// TestRelayBetweenServers: two servers that don't know each other see each other's
// public posts through a third one, in both ways to be a member; nothing else, nobody
// is notified, and it ends with the membership.
func TestRelayBetweenServers(t *testing.T) {
	for _, address := range []string{"http://r.test/relay", "http://r.test/relay/inbox"} {
		t.Run(address, func(t *testing.T) {
			w := New(t, "a.test", "b.test", "r.test")
			a, b, r := w.Server("a.test"), w.Server("b.test"), w.Server("r.test")
			r.relays("open")
			a.subscribe(address)
			b.subscribe(address)
			for _, s := range []*Server{a, b} {
				if got := s.relay(); got.State != store.RelayAccepted || !got.Wanted {
					t.Fatalf("%s has %+v", s.Host, got)
				}
			}
			ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
			ann.Post("from ann", "public")
			ann.Post("unlisted", "unlisted")
			ann.Post("for followers", "private")
			ann.Post("stays here", "public", "local_only", "true")
			bob.Post("from bob", "public")
			w.User("root@r.test").Post("from the relay", "public")
			w.bring(2)
			if got := strings.Join(a.publicTexts(), ", "); got != "from the relay, from bob, from ann" && got != "from the relay, from bob, stays here, from ann" {
				t.Errorf("at a: %s", got)
			}
			if got := strings.Join(b.publicTexts(), ", "); got != "from the relay, from bob, from ann" {
				t.Errorf("at b: %s", got)
			}
			if got := strings.Join(r.publicTexts(), ", "); got != "from the relay" {
				t.Errorf("at the relay: %s", got)
			}
			if len(ann.Notifications())+len(bob.Notifications()) != 0 || len(bob.Home()) != 1 {
				t.Errorf("notifications %+v, home %+v", bob.Notifications(), bob.Home())
			}
			if st, ok := bob.See(ann.Get("/api/v1/timelines/home")[0].URI); ok && st.Boosts != 0 {
				t.Errorf("the relay counts as somebody who boosts: %+v", st)
			}

			relay := b.relay()
			if err := b.Pipeline.RemoveRelay(t.Context(), 0, &relay); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			ann.Post("later", "public")
			bob.Post("not relayed any more", "public")
			w.bring(2)
			if got := strings.Join(b.publicTexts(), ", "); strings.Contains(got, "later") {
				t.Errorf("after leaving, at b: %s", got)
			}
			if got := strings.Join(a.publicTexts(), ", "); strings.Contains(got, "not relayed") {
				t.Errorf("after b left, at a: %s", got)
			}
			if all, _ := r.DB.Relays(t.Context()); len(all) != 1 {
				t.Errorf("members of the relay: %+v", all)
			}
		})
	}
}

// TestRelayMembership: an admin lets members in, or does not; off refuses all.
func TestRelayMembership(t *testing.T) {
	w := New(t, "a.test", "r.test")
	a, r := w.Server("a.test"), w.Server("r.test")
	a.subscribe("http://r.test/relay")
	if got := a.relay(); got.State != store.RelayRejected {
		t.Errorf("with the relay off a has %+v", got)
	}
	r.relays("approval")
	a.subscribe("http://r.test/relay")
	if got, asked := a.relay(), r.relay(); got.State != store.RelayAsked || asked.Member != store.RelayAsked {
		t.Fatalf("before the answer: %+v and %+v", got, asked)
	}
	member := r.relay()
	if err := r.Pipeline.AnswerMember(t.Context(), 0, &member, true); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if got, m := a.relay(), r.relay(); got.State != store.RelayAccepted || got.Member != store.RelayAccepted || m.State != store.RelayAccepted {
		t.Errorf("after the answer: %+v and %+v", got, m)
	}
	member = r.relay()
	if err := r.Pipeline.AnswerMember(t.Context(), 0, &member, false); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if got := a.relay(); got.State != store.RelayRejected {
		t.Errorf("after the end: %+v", got)
	}
	log, err := r.DB.AuditLog(t.Context(), store.AuditQuery{}, store.Page{Limit: 10})
	if err != nil || len(log) != 2 || log[0].Action != "reject" || log[1].Action != "accept" || log[0].Kind != "relay" {
		t.Errorf("the audit log: %+v, %v", log, err)
	}
	person := newInternet(t, w)
	person.actor("http://one.test/users/x", nil, "")
	person.deliver(r, "http://one.test/users/x", encode(t, map[string]any{"@context": asContext, "id": "http://one.test/f", "type": "Follow",
		"actor": "http://one.test/users/x", "object": "http://r.test/relay"}))
	if all, _ := r.DB.Relays(t.Context()); len(all) != 1 {
		t.Errorf("a person became a member: %+v", all)
	}
}

// fakeRelay is a relay of Mastodon's kind, and hosts with posts.
func fakeRelay(t *testing.T) (*World, *Server, *internet, string) {
	w := New(t, "a.test")
	a, net := w.Server("a.test"), newInternet(t, w)
	a.relays("")
	actor := "http://relay.test/actor"
	net.actor(actor, map[string]any{"type": "Service", "preferredUsername": "relay", "inbox": "http://relay.test/inbox"}, "")
	a.subscribe("http://relay.test/inbox")
	follow, ok := net.took("relay.test", "Follow")
	if !ok || string(follow.Obj) != `"https://www.w3.org/ns/activitystreams#Public"` {
		t.Fatalf("the relay got %+v", follow)
	}
	net.deliver(a, actor, encode(t, map[string]any{"@context": asContext, "id": actor + "/accept", "type": "Accept", "actor": actor, "object": follow.ID}))
	if got := a.relay(); got.State != store.RelayAccepted || got.Actor != vocab.IRI(actor) {
		t.Fatalf("a has %+v", got)
	}
	return w, a, net, actor
}

func announced(t *testing.T, relay, object string) string {
	return encode(t, map[string]any{"@context": asContext, "id": relay + "/announce/" + url.QueryEscape(object), "type": "Announce", "actor": relay,
		"to": []string{relay + "/followers"}, "object": object})
}

// TestFakeRelay: what a relay of Mastodon's kind announces or passes on is shown to
// everybody, if it is public and of a host that may be; ours goes to it.
func TestFakeRelay(t *testing.T) {
	w, a, net, relay := fakeRelay(t)
	ann := w.User("ann@a.test")
	author := "http://one.test/users/x"
	net.actor(author, nil, "")
	net.actor("http://silent.test/users/x", nil, "")
	parent := "http://far.test/notes/1"
	for i, more := range []map[string]any{
		{"inReplyTo": parent, "tag": []any{map[string]any{"type": "Mention", "href": "http://far.test/users/f", "name": "@f@far.test"},
			map[string]any{"type": "Mention", "href": "http://a.test/users/ann", "name": "@ann@a.test"}}},
		{"to": []string{author + "/followers"}, "cc": []string{asPub}},
		{"published": w.now().UTC().Format(time.RFC3339)},
	} {
		id := fmt.Sprintf("http://one.test/notes/%d", i)
		net.doc(id, aNote(id, author, fmt.Sprintf("note %d", i), more))
	}
	net.doc("http://silent.test/notes/1", aNote("http://silent.test/notes/1", "http://silent.test/users/x", "silenced", nil))
	if err := a.Pipeline.SetHostBlock(t.Context(), 0, &store.HostBlock{Domain: "silent.test", Severity: "silence"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"http://one.test/notes/0", "http://one.test/notes/1", "http://silent.test/notes/1", "http://a.test/objects/1"} {
		if status := net.deliver(a, relay, announced(t, relay, id)); status != 202 {
			t.Errorf("%s: %d", id, status)
		}
	}
	forwarded := encode(t, map[string]any{"@context": asContext, "id": "http://one.test/create/2", "type": "Create", "actor": author, "to": []string{asPub},
		"object": aNote("http://one.test/notes/2", author, "forged", nil)})
	if status := net.deliver(a, relay, forwarded); status != 202 {
		t.Errorf("forwarded: %d", status)
	}
	w.bring(2)
	for id, want := range map[string]bool{"http://one.test/notes/0": true, "http://one.test/notes/1": false, "http://one.test/notes/2": true, "http://silent.test/notes/1": false} {
		_, err := a.DB.ObjectByURI(t.Context(), vocab.IRI(id))
		if got := err == nil; got != want {
			t.Errorf("%s is here: %t", id, got)
		}
	}
	if got := strings.Join(a.publicTexts(), ", "); got != "note 2" {
		t.Errorf("the public timeline: %s", got)
	}
	if n := ann.Notifications(); len(n) != 0 {
		t.Errorf("notifications: %+v", n)
	}
	if n := net.asks("far.test") + net.asks("silent.test"); n != 0 {
		t.Errorf("%d questions to hosts that have nothing to do with it", n)
	}
	ann.Post("for the relay", "public")
	ann.Post("not for it", "unlisted")
	w.Settle()
	if got, ok := net.took("relay.test", "Create"); !ok || !strings.Contains(string(got.Obj), "for the relay") {
		t.Errorf("the relay got %s", got.Obj)
	} else if got.Sig == nil {
		t.Error("the relay can't pass it on: it has no Linked Data Signature")
	}
}

// TestRelayFlood: of 3,000 posts that a relay names in no time at most as many wait as
// may, the oldest are dropped, each is fetched once and at the pace that was set.
func TestRelayFlood(t *testing.T) {
	w, a, net, relay := fakeRelay(t)
	a.Pipeline.Relay = pipeline.RelayOptions{Rate: 60, Queue: 50}
	author := "http://one.test/users/x"
	net.actor(author, nil, "")
	const posts = 300
	for i := range posts {
		id := fmt.Sprintf("http://one.test/notes/%d", i)
		net.doc(id, aNote(id, author, fmt.Sprintf("note %d", i), nil))
		for range 2 {
			net.post(a, relay, announced(t, relay, id))
		}
	}
	if got := a.relay(); got.Brought != posts || got.Dropped != posts-50 {
		t.Errorf("brought %d, dropped %d", got.Brought, got.Dropped)
	}
	fetched := func() (n int) {
		for i := range posts {
			if net.got(fmt.Sprintf("GET http://one.test/notes/%d", i)) {
				n++
			}
		}
		return n
	}
	w.bring(1)
	if n := fetched(); n != 5 {
		t.Errorf("%d posts fetched in the first five seconds, want 5", n)
	}
	w.bring(15)
	if n := fetched(); n != 50 {
		t.Errorf("%d posts fetched in the end, want 50", n)
	}
	if n := net.asks("one.test"); n > 50+4 {
		t.Errorf("%d questions for 50 posts of one author", n)
	}
	if got := a.publicTexts(); len(got) != 40 {
		t.Errorf("%d posts are shown on a page of 40", len(got))
	}
}

// TestRelayInboxOfAnother: nobody becomes the relay that we follow, nor a member, by
// naming its inbox as one's own.
func TestRelayInboxOfAnother(t *testing.T) {
	_, a, net, relay := fakeRelay(t)
	a.relays("open")
	evil := "http://evil.test/actor"
	net.actor(evil, map[string]any{"type": "Service", "preferredUsername": "evil", "inbox": "http://relay.test/inbox"}, "")
	for _, object := range []string{asPub, "http://a.test/relay"} {
		net.deliver(a, evil, encode(t, map[string]any{"@context": asContext, "id": evil + "/follow/" + url.QueryEscape(object), "type": "Follow", "actor": evil, "object": object}))
		if got := a.relay(); got.Actor != vocab.IRI(relay) || got.State != store.RelayAccepted || got.Member != store.RelayNone {
			t.Errorf("after a Follow of %s a has %+v", object, got)
		}
	}
}
