package activitypub

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

func TestActor(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.ours("ann")
		rec := w.get("/users/ann", nil)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/activity+json; charset=utf-8" || rec.Header().Get("Vary") != "Accept, Signature" {
			t.Fatalf("%d %v %s", rec.Code, rec.Header(), rec.Body)
		}
		a, err := vocab.DecodeActor(rec.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != "https://a.test/users/ann" || len(a.Keys) != 2 || a.FeaturedTags != "https://a.test/users/ann/collections/tags" {
			t.Errorf("%+v", a)
		}
		if again := w.get("/users/ann", nil, "If-None-Match", rec.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("asked again: %d", again.Code)
		}
		if rec := w.get("/users/nobody", nil); rec.Code != 404 {
			t.Errorf("nobody: %d", rec.Code)
		}
		if rec := w.get("/users/ann", nil, "Accept", "text/html"); rec.Code != http.StatusFound || rec.Header().Get("Location") != "https://a.test/@ann" {
			t.Errorf("a browser: %d %v", rec.Code, rec.Header())
		}
		page := httptest.NewRecorder()
		w.ServeActor(page, httptest.NewRequest(http.MethodGet, "https://a.test/@ann", nil), "ann")
		if page.Code != 200 || page.Body.String() != rec.Body.String() {
			t.Errorf("from the page: %d", page.Code)
		}
	})
}

func TestActorDeleted(t *testing.T) {
	w := sqliteWorld(t, nil)
	ann := w.ours("ann")
	id := w.write(ann, pipeline.Draft{Text: "hello"})
	w.must(w.Pipeline.DeleteAccount(context.Background(), ann))
	for _, path := range []string{"/users/ann", fmt.Sprintf("/objects/%d", id)} {
		rec := w.get(path, nil)
		if doc := decode(t, rec.Body.Bytes()); rec.Code != 410 || doc["type"] != "Tombstone" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	for _, path := range []string{"/users/ann/outbox", "/users/ann/followers", "/users/ann/collections/featured"} {
		if rec := w.get(path, nil); rec.Code != 410 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestInstanceActor(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.AuthorizedFetch = true })
	rec := w.get("/actor", nil)
	a, err := vocab.DecodeActor(rec.Body.Bytes())
	if err != nil || rec.Code != 200 {
		t.Fatalf("%d %v", rec.Code, err)
	}
	if a.ID != "https://a.test/actor" || len(a.Keys) != 1 || a.Inbox != "https://a.test/inbox" {
		t.Errorf("%+v", a)
	}
	if doc := w.getJSON("/actor/outbox", nil); doc["totalItems"] != 0.0 || len(doc["orderedItems"].([]any)) != 0 {
		t.Error(doc)
	}
}

// TestObjectAccess says who may read what.
func TestObjectAccess(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, b := w.ours("ann"), w.peer("b.test")
		fan, friend, foe, stranger := b.actor("fan"), b.actor("friend"), b.actor("foe"), b.actor("stranger")
		for _, a := range []*peerActor{fan, friend, foe} {
			w.known(a)
		}
		w.follow(fan, ann)
		w.follow(foe, ann)
		foeRow := w.known(foe)
		w.must(w.Pipeline.Block(context.Background(), ann, foeRow))
		posts := map[string]int64{
			"local": w.write(ann, pipeline.Draft{Text: "here only", LocalOnly: true}),
		}
		for _, visibility := range []string{"public", "unlisted", "private", "direct"} {
			posts[visibility] = w.write(ann, pipeline.Draft{Text: "hello @friend@b.test", Visibility: visibility})
		}
		for _, tt := range []struct {
			post string
			as   *peerActor
			want int
		}{
			{"public", nil, 200}, {"public", stranger, 200}, {"public", foe, 200},
			{"unlisted", nil, 200},
			{"private", nil, 404}, {"private", stranger, 404}, {"private", fan, 200}, {"private", friend, 200}, {"private", foe, 404},
			{"direct", nil, 404}, {"direct", fan, 404}, {"direct", friend, 200}, {"direct", foe, 404},
			{"local", nil, 404}, {"local", fan, 404},
		} {
			for _, below := range []string{"", "/replies", "/likes", "/shares"} {
				rec := w.get(fmt.Sprintf("/objects/%d%s", posts[tt.post], below), tt.as)
				if rec.Code != tt.want {
					t.Errorf("%s%s for %v: %d, want %d", tt.post, below, tt.as, rec.Code, tt.want)
				}
				cache := rec.Header().Get("Cache-Control")
				if open := tt.post == "public" || tt.post == "unlisted"; strings.Contains(cache, "no-store") == open {
					t.Errorf("%s%s may be kept: %q", tt.post, below, cache)
				}
			}
			act := w.activityOf(posts[tt.post])
			if rec := w.get(act, tt.as); rec.Code != tt.want {
				t.Errorf("the Create of %s for %v: %d, want %d", tt.post, tt.as, rec.Code, tt.want)
			} else if rec.Code == 200 && field(decode(t, rec.Body.Bytes()), "object", "type") != "Note" {
				t.Errorf("the Create of %s has no object: %s", tt.post, rec.Body)
			}
		}
		if b.asked("/users/stranger") != 0 {
			t.Error("a stranger was fetched for a post that can't be for it")
		}

		forged := b.actor("fan")
		forged.pem = testKey(t, 1)
		if rec := w.get(fmt.Sprintf("/objects/%d", posts["private"]), forged); rec.Code != 404 {
			t.Errorf("with another's key: %d", rec.Code)
		}
		if rec := w.get("/objects/12345", fan); rec.Code != 404 {
			t.Errorf("nothing: %d", rec.Code)
		}
		if rec := w.get("/objects/x", nil); rec.Code != 404 {
			t.Errorf("no number: %d", rec.Code)
		}
	})
}

// activityOf is the path of the activity that made a status.
func (w *world) activityOf(status int64) string {
	w.t.Helper()
	st, err := w.db.Status(context.Background(), status)
	w.must(err)
	a, err := w.db.Activity(context.Background(), st.Seq)
	w.must(err)
	return strings.TrimPrefix(string(a.URI), "https://a.test")
}

func TestObjectDocument(t *testing.T) {
	w := sqliteWorld(t, nil)
	ctx := context.Background()
	ann, bob := w.ours("ann"), w.ours("bob")
	id := w.write(ann, pipeline.Draft{Text: "hello"})
	path := fmt.Sprintf("/objects/%d", id)
	doc := w.getJSON(path, nil)
	if doc["id"] != "https://a.test"+path || doc["type"] != "Note" || doc["attributedTo"] != "https://a.test/users/ann" || doc["@context"] == nil {
		t.Error(doc)
	}
	for _, name := range []string{"replies", "likes", "shares"} {
		if doc[name] != "https://a.test"+path+"/"+name {
			t.Errorf("%s is %v", name, doc[name])
		}
	}
	if rec := w.get(path, nil, "Accept", "text/html"); rec.Header().Get("Location") != fmt.Sprintf("https://a.test/@ann/%d", id) {
		t.Errorf("a browser: %d %v", rec.Code, rec.Header())
	}

	w.must(w.Pipeline.Favourite(ctx, bob, id))
	if _, err := w.Pipeline.Boost(ctx, bob, id, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/likes", "/shares"} {
		if doc := w.getJSON(path+name, nil); doc["totalItems"] != 1.0 || doc["items"] != nil {
			t.Errorf("%s: %v", name, doc)
		}
	}

	poll := w.write(ann, pipeline.Draft{Text: "which?", Poll: &pipeline.DraftPoll{Options: []string{"a", "b"}, Expires: time.Hour}})
	w.must(w.Pipeline.Vote(ctx, bob, poll, []int{1}))
	doc = w.getJSON(fmt.Sprintf("/objects/%d", poll), nil)
	if field(doc, "oneOf", "1", "replies", "totalItems") != 1.0 || doc["votersCount"] != 1.0 {
		t.Errorf("the poll has not been counted: %v", doc)
	}

	w.must(w.Pipeline.Delete(ctx, ann, id))
	rec := w.get(path, nil)
	if doc := decode(t, rec.Body.Bytes()); rec.Code != 410 || doc["type"] != "Tombstone" || doc["formerType"] != "Note" || doc["content"] != nil {
		t.Errorf("deleted: %d %v", rec.Code, doc)
	}
}

// TestTombstoneAccess: that something was deleted is told of what was for all.
func TestTombstoneAccess(t *testing.T) {
	w := sqliteWorld(t, nil)
	ann := w.ours("ann")
	for _, tt := range []struct {
		draft pipeline.Draft
		want  int
	}{
		{pipeline.Draft{Text: "x"}, 410},
		{pipeline.Draft{Text: "x", Visibility: "unlisted"}, 410},
		{pipeline.Draft{Text: "x", Visibility: "private"}, 404},
		{pipeline.Draft{Text: "x", Visibility: "direct"}, 404},
		{pipeline.Draft{Text: "x", LocalOnly: true}, 404},
	} {
		id := w.write(ann, tt.draft)
		w.must(w.Pipeline.Delete(context.Background(), ann, id))
		if rec := w.get(fmt.Sprintf("/objects/%d", id), nil); rec.Code != tt.want {
			t.Errorf("%+v: %d, want %d", tt.draft, rec.Code, tt.want)
		}
	}
}

// TestActivities says which activities can be read by whom, beside Create.
func TestActivities(t *testing.T) {
	w := sqliteWorld(t, nil)
	ctx := context.Background()
	ann, bob, b := w.ours("ann"), w.ours("bob"), w.peer("b.test")
	fan := b.actor("fan")
	fanRow := w.known(fan)
	public := w.write(ann, pipeline.Draft{Text: "hello"})
	local := w.write(ann, pipeline.Draft{Text: "here", LocalOnly: true})
	boosted := w.write(ann, pipeline.Draft{Text: "to be boosted for a while"})

	last := func(typ string) string {
		t.Helper()
		all, err := w.db.Activities(ctx, 0, 1000)
		w.must(err)
		path := ""
		for _, a := range all {
			if a.Type == typ && a.Origin == "" {
				path = strings.TrimPrefix(string(a.URI), "https://a.test")
			}
		}
		return path
	}
	check := func(what, path string, as *peerActor, want int) {
		t.Helper()
		if rec := w.get(path, as); rec.Code != want {
			t.Errorf("%s: %d, want %d: %s", what, rec.Code, want, rec.Body)
		}
	}

	_, err := w.Pipeline.Boost(ctx, bob, local, "")
	w.must(err)
	check("a boost of what is local", last("Announce"), nil, 404)
	_, err = w.Pipeline.Boost(ctx, bob, boosted, "")
	w.must(err)
	announce := last("Announce")
	check("a boost", announce, nil, 200)
	w.must(w.Pipeline.Unboost(ctx, bob, boosted))
	check("a boost taken back", announce, nil, 404)

	w.must(w.Pipeline.Favourite(ctx, bob, public))
	check("a like, for everybody", last("Like"), nil, 404)
	w.must(w.Pipeline.Follow(ctx, ann, fanRow))
	check("a follow, for everybody", last("Follow"), nil, 404)
	check("a follow, for the followed", last("Follow"), fan, 200)
	check("a follow, for somebody else", last("Follow"), b.actor("other"), 404)
	follow := last("Follow")
	w.must(w.Pipeline.Unfollow(ctx, ann, fanRow))
	check("a follow that was taken back", follow, fan, 404)

	w.must(w.Pipeline.Pin(ctx, ann, public, true))
	check("a pin", last("Add"), nil, 200)
	w.AuthorizedFetch = true
	check("a pin, unsigned where that does not do", last("Add"), nil, 401)
	check("a pin, signed", last("Add"), fan, 200)
	w.must(w.Pipeline.Block(ctx, ann, fanRow))
	check("a pin, for who is blocked", last("Add"), fan, 403)
	w.AuthorizedFetch = false
	w.must(w.Pipeline.EditProfile(ctx, ann, func(a *vocab.Actor) { a.Name = "Ann" }))
	if doc := w.getJSON(last("Update"), nil); field(doc, "object", "name") != "Ann" {
		t.Errorf("an update of the profile: %v", doc)
	}
	create := w.activityOf(public)
	w.must(w.Pipeline.Delete(ctx, ann, public))
	check("the Create of what is gone", create, nil, 404)
	check("its Delete", last("Delete"), nil, 200)
	check("nothing", "/activities/1", nil, 404)
}

func TestOutbox(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		ann, bob := w.ours("ann"), w.ours("bob")
		other := w.write(bob, pipeline.Draft{Text: "from bob"})
		secret := w.write(bob, pipeline.Draft{Text: "here only", LocalOnly: true})
		var want []string
		for i := range 25 {
			id := w.write(ann, pipeline.Draft{Text: fmt.Sprintf("post %d", i), Visibility: []string{"public", "unlisted"}[i%2]})
			want = append(want, fmt.Sprintf("https://a.test/objects/%d", id))
			w.write(ann, pipeline.Draft{Text: "not for all", Visibility: []string{"private", "direct"}[i%2]})
		}
		w.write(ann, pipeline.Draft{Text: "here only", LocalOnly: true})
		gone := w.write(ann, pipeline.Draft{Text: "gone"})
		w.must(w.Pipeline.Delete(ctx, ann, gone))
		for _, id := range []int64{other, secret} {
			if _, err := w.Pipeline.Boost(ctx, ann, id, ""); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, fmt.Sprintf("https://a.test/objects/%d", other))
		w.must(w.Pipeline.Favourite(ctx, ann, other))

		root := w.getJSON("/users/ann/outbox", nil)
		if root["type"] != "OrderedCollection" || root["orderedItems"] != nil {
			t.Error(root)
		}
		var got []string
		pages := 0
		for next := root["first"]; next != nil; pages++ {
			page := w.getJSON(strings.TrimPrefix(next.(string), "https://a.test"), nil)
			if page["type"] != "OrderedCollectionPage" || page["partOf"] != root["id"] {
				t.Fatal(page)
			}
			items := page["orderedItems"].([]any)
			if pages == 0 && len(items) != 20 {
				t.Errorf("%d on the first page", len(items))
			}
			for _, item := range items {
				object := field(item, "object")
				if field(item, "type") == "Create" {
					if field(object, "content") == nil {
						t.Errorf("without its object: %v", item)
					}
					object = field(object, "id")
				}
				got = append([]string{object.(string)}, got...)
			}
			next = page["next"]
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("got %v\nwant %v", got, want)
		}
		if pages > 3 {
			t.Errorf("%d pages", pages)
		}
		last := w.getJSON(strings.TrimPrefix(root["last"].(string), "https://a.test"), nil)
		if items := last["orderedItems"].([]any); len(items) != 20 || field(items[19], "object", "id") != want[0] || last["next"] != nil {
			t.Errorf("last page: %d items, next is %v", len(items), last["next"])
		}
		if rec := w.get("/users/ann/outbox?max_id=x", nil); rec.Code != 400 {
			t.Errorf("a bad page: %d", rec.Code)
		}
	})
}

func TestFollowers(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		ann, bob, b := w.ours("ann"), w.ours("bob"), w.peer("b.test")
		var want []string
		for i := range 45 {
			fan := b.actor(fmt.Sprintf("fan%d", i))
			w.known(fan)
			w.follow(fan, ann)
			want = append([]string{string(fan.id())}, want...)
		}
		w.must(w.Pipeline.Follow(ctx, ann, bob))

		root := w.getJSON("/users/ann/followers", nil)
		if root["totalItems"] != 45.0 {
			t.Error(root)
		}
		var got []string
		for next := root["first"]; next != nil; {
			page := w.getJSON(strings.TrimPrefix(next.(string), "https://a.test"), nil)
			for _, item := range page["orderedItems"].([]any) {
				got = append(got, item.(string))
			}
			next = page["next"]
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("got %v\nwant %v", got, want)
		}
		following := w.getJSON("/users/ann/following?page=true", nil)
		if items := following["orderedItems"].([]any); len(items) != 1 || items[0] != string(bob.URI) {
			t.Error(following)
		}

		account, err := w.db.Account(ctx, ann.ID)
		w.must(err)
		account.Preferences.HideNetwork = true
		w.must(w.db.Write(ctx, func(tx *store.Tx) error { return tx.UpdateAccount(ctx, account) }))
		for _, path := range []string{"/users/ann/followers", "/users/ann/following"} {
			if doc := w.getJSON(path, nil); doc["first"] != nil || doc["orderedItems"] != nil {
				t.Errorf("hidden, but %v", doc)
			}
			if rec := w.get(path+"?page=true", nil); rec.Code != 403 {
				t.Errorf("hidden, but %d", rec.Code)
			}
		}
	})
}

func TestFeatured(t *testing.T) {
	w := sqliteWorld(t, nil)
	ctx := context.Background()
	ann := w.ours("ann")
	if doc := w.getJSON("/users/ann/collections/featured", nil); doc["totalItems"] != 0.0 || len(doc["orderedItems"].([]any)) != 0 {
		t.Errorf("none: %v", doc)
	}
	var ids []int64
	for _, d := range []pipeline.Draft{{Text: "one"}, {Text: "followers", Visibility: "private"}, {Text: "here", LocalOnly: true}, {Text: "two"}} {
		id := w.write(ann, d)
		ids = append(ids, id)
		w.must(w.Pipeline.Pin(ctx, ann, id, true))
	}
	doc := w.getJSON("/users/ann/collections/featured", nil)
	items := doc["orderedItems"].([]any)
	if len(items) != 2 || field(items[0], "id") != fmt.Sprintf("https://a.test/objects/%d", ids[3]) || field(items[1], "content") != "<p>one</p>" {
		t.Errorf("%v", doc)
	}
}

func TestReplies(t *testing.T) {
	w := sqliteWorld(t, nil)
	ann, bob := w.ours("ann"), w.ours("bob")
	root := w.write(ann, pipeline.Draft{Text: "root"})
	uri := func(id int64) string { return fmt.Sprintf("https://a.test/objects/%d", id) }
	reply := func(by *store.Actor, d pipeline.Draft) string {
		d.InReplyTo = root
		return uri(w.write(by, d))
	}
	others := []string{reply(bob, pipeline.Draft{Text: "from bob"})}
	own := []string{reply(ann, pipeline.Draft{Text: "a thread"})}
	reply(bob, pipeline.Draft{Text: "a secret", Visibility: "private"})
	reply(bob, pipeline.Draft{Text: "here", LocalOnly: true})
	for range pageSize {
		others = append(others, reply(bob, pipeline.Draft{Text: "more", Visibility: "unlisted"}))
	}
	own = append(own, reply(ann, pipeline.Draft{Text: "the end"}))

	doc := w.getJSON(fmt.Sprintf("/objects/%d/replies", root), nil)
	var got []string
	page := doc["first"].(map[string]any)
	for n := 0; n < 10; n++ {
		for _, item := range page["items"].([]any) {
			got = append(got, item.(string))
		}
		next, ok := page["next"].(string)
		if !ok {
			break
		}
		page = w.getJSON(strings.TrimPrefix(next, "https://a.test"), nil)
	}
	if want := append(own, others...); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// TestAuthorizedFetch: with the setting nothing but the instance actor is read
// without a signature, and blocks count.
func TestAuthorizedFetch(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) {
		o.AuthorizedFetch = true
		o.Refuses = func(host string) bool { return host == "bad.test" }
	})
	ctx := context.Background()
	ann, b, c := w.ours("ann"), w.peer("b.test"), w.peer("c.test")
	id := w.write(ann, pipeline.Draft{Text: "hello"})
	stranger, foe, bad, cat := b.actor("stranger"), b.actor("foe"), w.peer("bad.test").actor("bad"), c.actor("cat")
	w.must(w.Pipeline.Block(ctx, ann, w.known(foe)))
	nobody := b.actor("nobody")
	b.answer("/users/nobody", 404)
	forged := b.actor("stranger2")
	forged.pem = testKey(t, 1)
	paths := []string{"/users/ann", "/users/ann/outbox", "/users/ann/followers", "/users/ann/following", "/users/ann/collections/featured",
		fmt.Sprintf("/objects/%d", id), fmt.Sprintf("/objects/%d/replies", id), fmt.Sprintf("/objects/%d/likes", id), w.activityOf(id)}
	for _, path := range paths {
		for _, tt := range []struct {
			who  string
			as   *peerActor
			want []int
		}{
			{"unsigned", nil, []int{401}},
			{"a stranger", stranger, []int{200}},
			{"who is blocked", foe, []int{403, 404}},
			{"of a host that is refused", bad, []int{403}},
			{"whose key can't be had", nobody, []int{401}},
			{"with a wrong key", forged, []int{401}},
			{"of another host", cat, []int{200}},
		} {
			rec := w.get(path, tt.as)
			if rec.Code != tt.want[0] && rec.Code != tt.want[len(tt.want)-1] {
				t.Errorf("%s, %s: %d, want %v: %s", path, tt.who, rec.Code, tt.want, rec.Body)
			}
			if cache := rec.Header().Get("Cache-Control"); !strings.Contains(cache, "no-store") {
				t.Errorf("%s, %s: may be kept: %q", path, tt.who, cache)
			}
		}
	}
	if n := b.asked("/users/stranger"); n != 1 {
		t.Errorf("the stranger was fetched %d times", n)
	}
	if n := b.asked("/users/nobody"); n != 1 {
		t.Errorf("nobody was asked for %d times", n)
	}
	r := httptest.NewRequest(http.MethodGet, "https://evil.test/users/ann", nil)
	w.must(remote.Sign(r, nil, stranger.key(), w.now()))
	if rec := w.send(r); rec.Code != 400 {
		t.Errorf("signed for another host: %d", rec.Code)
	}
}

func TestLevels(t *testing.T) {
	if v, ok := vocab.VisibilityNamed("unlisted"); !ok || v.Level != unlisted {
		t.Errorf("unlisted is %d", v.Level)
	}
}
