package fedtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const asContext = "https://www.w3.org/ns/activitystreams"

// doc puts an ActivityStreams document at its own address.
func (n *internet) doc(id string, more map[string]any) {
	m := map[string]any{"@context": asContext, "id": id}
	for k, v := range more {
		m[k] = v
	}
	n.serve(id, "application/activity+json", encode(n.t, m))
}

// aNote is a public Note by author.
func aNote(id, author, text string, more map[string]any) map[string]any {
	m := map[string]any{"id": id, "type": "Note", "attributedTo": author, "to": []string{asPub}, "cc": []string{author + "/followers"},
		"content": "<p>" + text + "</p>", "published": "2026-01-01T10:00:00Z"}
	for k, v := range more {
		m[k] = v
	}
	return m
}

// below opens a thread, lets everything be fetched, and returns what stands below.
func (u *User) below(id string) []Status {
	u.w.t.Helper()
	var thread struct{ Ancestors, Descendants []Status }
	u.Call("GET", "/api/v1/statuses/"+id+"/context", nil, nil)
	u.w.Settle()
	u.Call("GET", "/api/v1/statuses/"+id+"/context", nil, &thread)
	return thread.Descendants
}

// asks counts the requests to a host, all of them for "".
func (n *internet) asks(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, a := range n.asked {
		if strings.HasPrefix(a, "GET http://"+host) {
			count++
		}
	}
	return count
}

// TestThreadOfThreeHosts: each host lists only the answers to its own post, in pages of
// one. Whoever opens the thread gets all of it.
func TestThreadOfThreeHosts(t *testing.T) {
	w := New(t, "a.test")
	ann, net := w.User("ann@a.test"), newInternet(t, w)
	var ids []string
	for i, host := range []string{"one.test", "two.test", "three.test"} {
		author := "http://" + host + "/users/x"
		net.actor(author, nil, "")
		id := "http://" + host + "/notes/1"
		more := map[string]any{"replies": id + "/replies"}
		if i > 0 {
			more["inReplyTo"] = ids[i-1]
			net.doc(ids[i-1]+"/replies", map[string]any{"type": "Collection", "first": map[string]any{"type": "CollectionPage", "partOf": ids[i-1] + "/replies",
				"next": ids[i-1] + "/replies?page=2", "items": []any{}}})
			net.doc(ids[i-1]+"/replies?page=2", map[string]any{"type": "CollectionPage", "partOf": ids[i-1] + "/replies", "items": []any{id}})
		}
		net.doc(id, aNote(id, author, host, more))
		ids = append(ids, id)
	}
	root, ok := ann.See(ids[0])
	if !ok {
		t.Fatal("the first post is not found")
	}
	got := ann.below(root.ID)
	if len(got) != 2 || got[0].URI != ids[1] || got[1].URI != ids[2] {
		t.Errorf("below the first post: %+v", got)
	}
	if n := len(ann.Notifications()); n != 0 {
		t.Errorf("%d notifications", n)
	}
}

// TestContextCollection: the owner of a conversation lists it as a whole, on a host of
// its own, with activities and with documents that are nobody's word.
func TestContextCollection(t *testing.T) {
	w := New(t, "a.test")
	ann, net := w.User("ann@a.test"), newInternet(t, w)
	author, other, context := "http://one.test/users/x", "http://two.test/users/y", "http://owner.test/contexts/1"
	net.actor(author, nil, "")
	net.actor(other, nil, "")
	root := "http://one.test/notes/1"
	net.doc(root, aNote(root, author, "root", map[string]any{"context": context}))
	var items []any
	for i := range 3 {
		id := fmt.Sprintf("http://two.test/notes/%d", i)
		note := aNote(id, other, fmt.Sprintf("true %d", i), map[string]any{"inReplyTo": root, "context": context})
		net.doc(id, note)
		forged := aNote(id, other, "forged", map[string]any{"inReplyTo": root})
		items = append(items, []any{id, forged, map[string]any{"id": id + "/create", "type": "Create", "actor": other, "object": forged}}[i])
	}
	net.doc(context, map[string]any{"type": "OrderedCollection", "totalItems": 4, "orderedItems": append([]any{root}, items...)})
	st, ok := ann.See(root)
	if !ok {
		t.Fatal("the post is not found")
	}
	got := ann.below(st.ID)
	if len(got) != 3 {
		t.Fatalf("below: %+v", got)
	}
	for _, s := range got {
		if !strings.Contains(s.Content, "true") {
			t.Errorf("a forged copy is shown: %s", s.Content)
		}
	}
}

// endless answers with collections that lead on for ever: pages without end, a circle,
// pages on other hosts, and thousands of posts on somebody else's host.
type endless struct{ victim string }

func (e endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/activity+json")
	self := "http://" + r.Host + r.URL.RequestURI()
	var items []string
	next := ""
	switch {
	case strings.HasPrefix(r.URL.Path, "/pages"):
		next = self + "x"
	case strings.HasPrefix(r.URL.Path, "/circle"):
		next = "http://" + r.Host + "/circle?" + map[string]string{"a": "b", "b": "a", "": "a"}[r.URL.RawQuery]
	case strings.HasPrefix(r.URL.Path, "/away"):
		next = "http://" + e.victim + "/pages"
	case strings.HasPrefix(r.URL.Path, "/flood"):
		for i := range 2000 {
			items = append(items, fmt.Sprintf("http://%s/notes/%d", e.victim, i))
		}
	}
	var list strings.Builder
	for i, item := range items {
		if i > 0 {
			list.WriteByte(',')
		}
		fmt.Fprintf(&list, "%q", item)
	}
	fmt.Fprintf(w, `{"@context":%q,"id":%q,"type":"OrderedCollectionPage","next":%q,"orderedItems":[%s]}`, asContext, self, next, list.String())
}

// counting counts what a host is asked.
type counting struct {
	http.Handler
	asked chan string
}

func (c counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked <- r.URL.RequestURI()
	c.Handler.ServeHTTP(w, r)
}

// TestHostileThreads: whatever a collection says, few questions come of it.
func TestHostileThreads(t *testing.T) {
	for _, tt := range []struct {
		path                    string
		mostThere, mostAtVictim int
	}{
		{"/pages", 15, 0},
		{"/circle", 5, 0},
		{"/away", 5, 0},
		{"/flood", 5, 80},
	} {
		t.Run(tt.path[1:], func(t *testing.T) {
			w := New(t, "a.test")
			ann, net := w.User("ann@a.test"), newInternet(t, w)
			there, atVictim := make(chan string, 10_000), make(chan string, 10_000)
			w.Host("endless.test", counting{endless{"victim.test"}, there})
			w.Host("victim.test", counting{http.NotFoundHandler(), atVictim})
			author, root := "http://one.test/users/x", "http://one.test/notes/1"
			net.actor(author, nil, "")
			net.doc(root, aNote(root, author, "root", map[string]any{"context": "http://endless.test" + tt.path, "replies": root + "/replies"}))
			net.doc(root+"/replies", map[string]any{"type": "Collection", "first": root + "/replies", "next": root + "/replies"})
			st, ok := ann.See(root)
			if !ok {
				t.Fatal("the post is not found")
			}
			if got := ann.below(st.ID); len(got) != 0 {
				t.Errorf("below: %+v", got)
			}
			if len(there) == 0 || len(there) > tt.mostThere || len(atVictim) > tt.mostAtVictim {
				t.Errorf("%d questions there, at most %d wanted; %d at the victim, at most %d", len(there), tt.mostThere, len(atVictim), tt.mostAtVictim)
			}
			if n := net.asks("one.test"); n > 12 {
				t.Errorf("%d questions to the author's host", n)
			}
		})
	}
}

// TestOwnContext: what we serve is enough for another Kenoma to have the whole thread.
func TestOwnContext(t *testing.T) {
	w := New(t, "a.test", "b.test")
	ann, ben, bob := w.User("ann@a.test"), w.User("ben@a.test"), w.User("bob@b.test")
	root := ann.Post("root", "public")
	last := root
	for i := range 45 {
		last = ben.Post(fmt.Sprintf("answer %d", i), "public", "in_reply_to_id", root.ID)
	}
	ben.Post("deep", "public", "in_reply_to_id", last.ID)
	ben.Post("for followers", "private", "in_reply_to_id", root.ID)
	st, ok := bob.See(root.URI)
	if !ok {
		t.Fatal("the post is not found")
	}
	if got := bob.below(st.ID); len(got) != 46 {
		t.Errorf("%d posts below, want 46", len(got))
	}
}

// outboxes are the first page of an outbox of twelve posts as several programs serve it.
var outboxes = []struct {
	name  string
	posts int
	serve func(n *internet, author string)
}{
	{"inline activities, linked page", 10, func(n *internet, author string) {
		n.doc(author+"/outbox", map[string]any{"type": "OrderedCollection", "totalItems": 12, "first": author + "/outbox?page=true", "last": author + "/outbox?min_id=0&page=true"})
		n.doc(author+"/outbox?page=true", map[string]any{"type": "OrderedCollectionPage", "partOf": author + "/outbox", "orderedItems": creates(author, 12, true)})
	}},
	{"page inside, ids of its own", 10, func(n *internet, author string) {
		n.doc(author+"/outbox", map[string]any{"type": "OrderedCollection", "totalItems": 12, "first": map[string]any{"id": author + "/outbox?page=1", "type": "OrderedCollectionPage",
			"partOf": author + "/outbox", "orderedItems": creates(author, 12, true)}})
	}},
	{"addresses alone", 10, func(n *internet, author string) {
		for i := range 12 {
			id := fmt.Sprintf("%s/notes/%d", author, i)
			n.doc(id, noteAt(author, i))
		}
		n.doc(author+"/outbox", map[string]any{"type": "OrderedCollection", "totalItems": 12, "orderedItems": creates(author, 12, false)})
	}},
	{"empty", 0, func(n *internet, author string) {
		n.doc(author+"/outbox", map[string]any{"type": "OrderedCollection", "first": author + "/outbox?page=true", "totalItems": 12})
		n.doc(author+"/outbox?page=true", map[string]any{"type": "OrderedCollectionPage", "partOf": author + "/outbox", "orderedItems": []any{}})
	}},
	{"missing", 0, func(n *internet, author string) {}},
}

// noteAt is post i of an author, the newest first, an hour apart.
func noteAt(author string, i int) map[string]any {
	return aNote(fmt.Sprintf("%s/notes/%d", author, i), author, fmt.Sprintf("post %d", i),
		map[string]any{"published": time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Hour).Format(time.RFC3339),
			"tag": []any{map[string]any{"type": "Mention", "href": "http://a.test/users/ann", "name": "@ann@a.test"}}})
}

// creates lists n posts as activities, whole or by their object's address, with a boost
// and somebody else's post among them.
func creates(author string, n int, whole bool) []any {
	list := []any{map[string]any{"id": author + "/boost", "type": "Announce", "actor": author, "to": asPub, "object": "http://far.test/notes/1"},
		map[string]any{"id": author + "/forged", "type": "Create", "actor": author, "to": asPub, "object": aNote("http://far.test/notes/1", "http://far.test/users/f", "forged", nil)}}
	for i := range n {
		note := noteAt(author, i)
		one := map[string]any{"id": note["id"].(string) + "/create", "type": "Create", "actor": author, "to": asPub, "object": note}
		if !whole {
			one["object"] = note["id"]
		}
		list = append(list, one)
	}
	return list
}

// TestBackfill: who follows somebody gets the newest posts with their dates, and nobody
// is told of anything.
func TestBackfill(t *testing.T) {
	for _, tt := range outboxes {
		t.Run(tt.name, func(t *testing.T) {
			w := New(t, "a.test")
			w.Server("a.test").Pipeline.Backfill = 10
			ann, cat, net := w.User("ann@a.test"), w.User("cat@a.test"), newInternet(t, w)
			author := "http://one.test/users/x"
			net.actor(author, nil, "")
			tt.serve(net, author)
			net.follow(ann, author)
			list := ann.Get("/api/v1/accounts/" + ann.account(author).ID + "/statuses?exclude_reblogs=true")
			if len(list) != tt.posts {
				t.Fatalf("%d posts, want %d", len(list), tt.posts)
			}
			for i, s := range list {
				if want := time.Date(2026, 1, 2, 12-i, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05"); !strings.HasPrefix(s.CreatedAt, want) || !strings.Contains(s.Content, fmt.Sprintf("post %d<", i)) {
					t.Errorf("post %d is of %s: %s", i, s.CreatedAt, s.Content)
				}
			}
			if home := ann.Home(); len(home) != tt.posts {
				t.Errorf("%d posts at home", len(home))
			}
			if home := cat.Home(); len(home) != 0 {
				t.Errorf("%d posts in the home of somebody else", len(home))
			}
			if n := ann.Notifications(); len(n) != 0 {
				t.Errorf("notifications: %+v", n)
			}
			if n := net.asks("far.test"); n > 2 {
				t.Errorf("%d questions about somebody else's post", n)
			}
		})
	}
}

// TestElsewhere: pinned posts and numbers come from the account's own server when
// somebody looks, once a day.
func TestElsewhere(t *testing.T) {
	w := New(t, "a.test")
	ann, net := w.User("ann@a.test"), newInternet(t, w)
	author := "http://one.test/users/x"
	net.actor(author, map[string]any{"type": "Person", "preferredUsername": "x", "inbox": author + "/inbox", "outbox": author + "/outbox",
		"followers": author + "/followers", "following": author + "/following", "featured": author + "/featured"}, "")
	net.doc(author+"/outbox", map[string]any{"type": "OrderedCollection", "totalItems": 321})
	net.doc(author+"/followers", map[string]any{"type": "OrderedCollection", "totalItems": 1234})
	net.doc(author+"/following", map[string]any{"type": "OrderedCollection", "totalItems": -5})
	foreign := aNote("http://far.test/notes/1", "http://far.test/users/f", "not mine", nil)
	net.actor("http://far.test/users/f", nil, "")
	net.doc("http://far.test/notes/1", foreign)
	net.doc(author+"/notes/1", noteAt(author, 1))
	net.doc(author+"/featured", map[string]any{"type": "OrderedCollection", "orderedItems": []any{noteAt(author, 3), author + "/notes/1", foreign}})
	id := ann.account(author).ID
	pinned := func() (uris []string) {
		for _, s := range ann.Get("/api/v1/accounts/" + id + "/statuses?pinned=true") {
			uris = append(uris, strings.TrimPrefix(s.URI, author))
		}
		return uris
	}
	type numbers struct {
		Statuses  int `json:"statuses_count"`
		Followers int `json:"followers_count"`
		Following int `json:"following_count"`
	}
	look := func() (a numbers) {
		ann.Call("GET", "/api/v1/accounts/"+id, nil, &a)
		w.Settle()
		ann.Call("GET", "/api/v1/accounts/"+id, nil, &a)
		return a
	}
	if a := look(); a != (numbers{321, 1234, 0}) {
		t.Errorf("the numbers are %+v", a)
	}
	if got := strings.Join(pinned(), " "); got != "/notes/3 /notes/1" {
		t.Errorf("pinned: %s", got)
	}
	asked := net.asks("")
	look()
	if again := net.asks(""); again != asked {
		t.Errorf("%d more questions on the same day", again-asked)
	}
	net.doc(author+"/featured", map[string]any{"type": "OrderedCollection", "orderedItems": []any{noteAt(author, 2), noteAt(author, 3)}})
	net.gone(author + "/followers")
	w.Advance(25 * time.Hour)
	look()
	if got := strings.Join(pinned(), " "); got != "/notes/2 /notes/3" {
		t.Errorf("pinned a day later: %s", got)
	}
	if err := ann.Server.Pipeline.Rebuild(t.Context(), func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(pinned(), " "); got != "/notes/2 /notes/3" {
		t.Errorf("pinned after a rebuild: %s", got)
	}
	if n := len(ann.Notifications()) + len(ann.Home()); n != 0 {
		t.Errorf("%d notifications and posts at home", n)
	}
	if ann.Server.Call("", "GET", "/api/v1/accounts/"+id, url.Values{}, nil); net.asks("") > asked+20 {
		t.Errorf("%d questions on the second day", net.asks("")-asked)
	}
}
