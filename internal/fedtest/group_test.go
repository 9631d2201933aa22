package fedtest

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// community is a server as Lemmy is one: a group with a moderator, and people elsewhere
// who write in it.
type community struct {
	*internet
	group, mod, author string
}

// newCommunity has ann follow the group.
func newCommunity(t *testing.T) (*World, *User, *community) {
	w := New(t, "a.test")
	ann := w.User("ann@a.test")
	c := &community{newInternet(t, w), "http://lemmy.test/c/tea", "http://mods.test/u/mod", "http://other.test/u/bob"}
	c.actor(c.group, map[string]any{"type": "Group", "preferredUsername": "tea", "inbox": c.group + "/inbox", "followers": c.group + "/followers",
		"attributedTo": c.group + "/moderators"}, "")
	c.actor(c.mod, nil, "")
	c.actor(c.author, nil, "")
	c.serve(c.group+"/moderators", "application/activity+json", encode(t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": c.group + "/moderators",
		"type": "OrderedCollection", "orderedItems": []any{c.mod}}))
	c.follow(ann, c.group)
	return w, ann, c
}

// post is one of bob's in the group; it is served at its address.
func (c *community) post(n, more string) map[string]any {
	p := decode(c.t, `{"id":"http://other.test/post/`+n+`","type":"Page","attributedTo":"`+c.author+`","to":["`+c.group+`","https://www.w3.org/ns/activitystreams#Public"],
		"audience":"`+c.group+`","name":"Post `+n+`","content":"<p>Text</p>","published":"2026-01-01T10:00:00Z"`+more+`}`)
	c.put(p)
	return p
}

func (c *community) put(doc map[string]any) {
	doc["@context"] = "https://www.w3.org/ns/activitystreams"
	c.serve(doc["id"].(string), "application/activity+json", encode(c.t, doc))
}

// tell has the group announce an activity.
func (c *community) tell(to *Server, id, typ, actor string, object any) {
	c.t.Helper()
	host := strings.SplitN(actor, "/", 4)[2]
	c.raw(to, id, map[string]any{"id": "http://" + host + "/activities/" + id, "type": typ, "actor": actor, "object": object, "audience": c.group})
}

func (c *community) raw(to *Server, id string, object any) {
	c.t.Helper()
	code := c.deliver(to, c.group, encode(c.t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": "http://lemmy.test/announce/" + id, "type": "Announce",
		"actor": c.group, "to": []any{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []any{c.group + "/followers"}, "object": object}))
	if code/100 != 2 {
		c.t.Fatalf("answer %d to %s", code, id)
	}
}

// boosts are the addresses of what the group shows.
func (c *community) boosts(u *User) []string {
	var list []string
	for _, s := range u.Get("/api/v1/accounts/" + u.account(c.group).ID + "/statuses") {
		if s.Reblog != nil {
			list = append(list, s.Reblog.URI)
		}
	}
	slices.Sort(list)
	return list
}

func (c *community) wantBoosts(u *User, when string, want ...string) {
	c.t.Helper()
	if got := c.boosts(u); !slices.Equal(got, want) {
		c.t.Errorf("%s the group shows %v, want %v", when, got, want)
	}
}

// TestGroupAnnounces follows a group and hears of posts, answers, votes, edits and
// removals in it.
//
// spec: fep-1b12
func TestGroupAnnounces(t *testing.T) {
	_, ann, c := newCommunity(t)
	a := ann.Server
	post := c.post("1", "")
	id := post["id"].(string)
	c.tell(a, "1", "Create", c.author, post)
	c.raw(a, "2", id) // For those who know no wrapped activities.
	c.wantBoosts(ann, "after a Create", id)
	comment := decode(t, `{"id":"http://other.test/comment/1","type":"Note","attributedTo":"`+c.author+`","to":["`+c.group+`","https://www.w3.org/ns/activitystreams#Public"],
		"inReplyTo":"`+id+`","content":"<p>Answer</p>","published":"2026-01-01T11:00:00Z"}`)
	c.put(comment)
	c.tell(a, "3", "Create", c.author, comment)
	c.wantBoosts(ann, "after a comment", "http://other.test/comment/1", id)
	if s, _ := ann.See(id); s.Replies != 1 || s.Content == "" || !strings.Contains(s.Content, "<strong>Post 1</strong>") {
		t.Errorf("the post is %+v", s)
	}

	fan := "http://fans.test/u/fan"
	c.actor(fan, nil, "")
	like := map[string]any{"id": "http://fans.test/activities/4", "type": "Like", "actor": fan, "object": id}
	c.raw(a, "4", like)
	if s, _ := ann.See(id); s.Favourites != 0 {
		t.Error("a like counts that its own host does not know of")
	}
	c.put(like)
	c.raw(a, "5", like)
	c.tell(a, "6", "Dislike", fan, id)
	c.tell(a, "7", "Like", "http://lemmy.test/u/local", id) // Unknown there: nobody to fetch.
	if s, _ := ann.See(id); s.Favourites != 1 {
		t.Errorf("%d favourites, want the proven one", s.Favourites)
	}

	changed := c.post("1", `,"updated":"2026-01-01T12:00:00Z"`)
	forged := map[string]any{"id": id, "type": "Page", "attributedTo": c.author, "to": "https://www.w3.org/ns/activitystreams#Public", "content": "forged", "updated": "2026-01-02T12:00:00Z"}
	changed["content"] = "<p>Edited</p>"
	c.put(changed)
	c.tell(a, "8", "Update", c.author, forged)
	if s, _ := ann.See(id); !strings.Contains(s.Content, "Edited") || strings.Contains(s.Content, "forged") {
		t.Errorf("after an Update: %s", s.Content)
	}

	c.tell(a, "9", "Delete", c.mod, id)
	c.wantBoosts(ann, "after a removal", "http://other.test/comment/1")
	s, ok := ann.See(id)
	if !ok {
		t.Error("a removal from the group deletes the post")
	}
	c.raw(a, "10", map[string]any{"id": "http://mods.test/activities/10", "type": "Undo", "actor": c.mod,
		"object": map[string]any{"id": "http://mods.test/activities/9", "type": "Delete", "actor": c.mod, "object": id}})
	c.wantBoosts(ann, "after it was restored", "http://other.test/comment/1", id)

	changed["commentsEnabled"] = false
	c.put(changed)
	c.tell(a, "11", "Lock", c.mod, id)
	if code := ann.Call("POST", "/api/v1/statuses", url.Values{"status": {"Too late"}, "in_reply_to_id": {s.ID}}, nil); code != 422 {
		t.Errorf("an answer to a locked post gets %d", code)
	}

	c.gone(id)
	c.tell(a, "12", "Delete", c.author, id)
	if code := ann.Call("GET", "/api/v1/statuses/"+s.ID, nil, nil); code != 404 {
		t.Errorf("the deleted post gets %d", code)
	}
	c.wantBoosts(ann, "in the end", "http://other.test/comment/1")
}

// TestModeratorDelete has moderators send their Delete themselves: of somebody who
// moderates the group it is a removal from it, of others nothing, whatever they say
// who they are.
func TestModeratorDelete(t *testing.T) {
	_, ann, c := newCommunity(t)
	post := c.post("1", "")
	id := post["id"].(string)
	c.tell(ann.Server, "1", "Create", c.author, post)
	stranger := "http://mods.test/u/stranger"
	c.actor(stranger, nil, "")
	removal := func(by string) string {
		return encode(t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": by + "/delete/1", "type": "Delete", "actor": by, "object": id,
			"to": []any{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []any{c.group}, "audience": c.group, "summary": "off topic"})
	}
	remove := func(by string) { c.deliver(ann.Server, by, removal(by)) }
	remove(stranger)
	c.wantBoosts(ann, "after a stranger's Delete", id)
	evil := "http://evil.test/u/x"
	c.actor(evil, nil, "")
	for _, inbox := range []string{"/inbox", "/relay/inbox"} {
		c.postTo(ann.Server, inbox, evil, removal(c.mod))
		c.w.Settle()
		c.wantBoosts(ann, "after another host's Delete in the moderator's name to "+inbox, id)
	}
	remove(c.mod)
	c.wantBoosts(ann, "after a moderator's Delete")
	if _, ok := ann.See(id); !ok {
		t.Error("the post is gone, not only out of the group")
	}
}

// TestPostToGroup writes to a group by mentioning it, answers in it and votes; each
// reaches the group in the form that its software takes.
func TestPostToGroup(t *testing.T) {
	w, ann, c := newCommunity(t)
	c.tell(ann.Server, "1", "Create", c.author, c.post("1", ""))
	public := "https://www.w3.org/ns/activitystreams#Public"
	me := string(ann.Actor.URI)

	mine := ann.Post("A new kind of tea @tea@lemmy.test", "public")
	w.Settle()
	create := c.last(c.group, "Create")
	note := create["object"].(map[string]any)
	for _, part := range []map[string]any{create, note} {
		same(t, "to", part["to"], []any{public})
		same(t, "cc", part["cc"], []any{me + "/followers", c.group})
		same(t, "audience", part["audience"], c.group) // One address: Lemmy takes no list.
	}
	same(t, "type", note["type"], "Note")
	same(t, "attributedTo", note["attributedTo"], me)
	same(t, "tag", note["tag"], []any{map[string]any{"type": "Mention", "name": "@tea@lemmy.test", "href": c.group}})

	theirs, _ := ann.See("http://other.test/post/1")
	var answer Status
	ann.Call("POST", "/api/v1/statuses", url.Values{"status": {"I like it"}, "in_reply_to_id": {theirs.ID}}, &answer)
	w.Settle()
	create = c.last(c.group, "Create")
	note = create["object"].(map[string]any)
	same(t, "inReplyTo", note["inReplyTo"], "http://other.test/post/1")
	same(t, "audience", note["audience"], c.group)
	if cc := note["cc"].([]any); !slices.Contains(cc, any(c.group)) || note["tag"] != nil && len(note["tag"].([]any)) > 1 {
		t.Errorf("the answer is for %v, tags %v", cc, note["tag"])
	}
	if len(answer.Mentions) != 0 {
		t.Errorf("the answer mentions %v", answer.Mentions)
	}

	ann.Call("POST", "/api/v1/statuses/"+theirs.ID+"/favourite", nil, nil)
	w.Settle()
	like := c.last(c.group, "Like")
	same(t, "object", like["object"], "http://other.test/post/1")
	same(t, "audience", like["audience"], c.group)
	ann.Call("POST", "/api/v1/statuses/"+theirs.ID+"/unfavourite", nil, nil)
	w.Settle()
	undo := c.last(c.group, "Undo")
	inner := undo["object"].(map[string]any)
	same(t, "undone", []any{inner["id"], inner["type"], inner["actor"], inner["object"]}, []any{like["id"], "Like", me, "http://other.test/post/1"})

	ann.Call("PUT", "/api/v1/statuses/"+mine.ID, url.Values{"status": {"A kind of tea @tea@lemmy.test"}}, nil)
	w.Settle()
	update := c.last(c.group, "Update")
	same(t, "audience", update["audience"], c.group)
	same(t, "published", update["object"].(map[string]any)["published"], decode(t, c.body("Create", mine.URI))["object"].(map[string]any)["published"])
	ann.Call("DELETE", "/api/v1/statuses/"+answer.ID, nil, nil)
	w.Settle()
	del := c.last(c.group, "Delete")
	same(t, "to", del["to"], []any{public})
	same(t, "deleted", one(del["object"]), answer.URI)

	before := len(c.boosts(ann))
	c.raw(ann.Server, "2", answerOf(create))
	if got := len(c.boosts(ann)); got != before {
		t.Errorf("the group boosts a deleted post: %d", got)
	}
	c.raw(ann.Server, "3", mine.URI)
	if list := c.boosts(ann); !slices.Contains(list, mine.URI) {
		t.Errorf("the group shows %v, not our post", list)
	}
}

func answerOf(create map[string]any) any { return create["object"].(map[string]any)["id"] }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// last is the last activity of a type that came to an actor's inbox.
func (n *internet) last(actor, typ string) map[string]any {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.posted) - 1; i >= 0; i-- {
		if d := n.posted[i]; d.Type == typ && d.To == actor+"/inbox" {
			return decode(n.t, d.Body)
		}
	}
	n.t.Fatalf("%s got no %s", actor, typ)
	return nil
}

// body is the activity of a type about an object, as it was sent first.
func (n *internet) body(typ, object string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.posted {
		if d.Type == typ && strings.Contains(string(d.Obj), `"`+object+`"`) {
			return d.Body
		}
	}
	n.t.Fatalf("no %s of %s was sent", typ, object)
	return ""
}
