package fedtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"kenoma/internal/interoptest"
	"kenoma/internal/vocab"
)

// The parts in the hostile documents, over http.
const (
	mallory = "http://evil.example/users/mallory"
	bob     = "http://remote.example/users/bob"
	trudy   = "http://remote.example/users/trudy"
	asPub   = "https://www.w3.org/ns/activitystreams#Public"
)

// within are addresses that nobody outside may make the server ask.
var within = []string{"127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "::1", "192.168.0.1"}

// siege is one hostile document and the server that gets it. Alice, here, and Bob,
// on remote.example, follow each other; Bob likes a post of hers and has posts and
// a poll of his own. Mallory, whom Alice follows as well, sends what there is.
type siege struct {
	*testing.T
	row
	doc   string
	net   *internet
	w     *World
	alice *User
	mine  Status // Alice's post that Bob likes.
	was   picture
}

// TestHostile sends every document that must be refused or contained, and makes
// sure that nobody else is harmed and that the server goes on.
func TestHostile(t *testing.T) {
	dir := filepath.Join(interoptest.Dir(t), "hostile")
	files, precise := 0, 0
	for _, r := range rows(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, r.file))
		if err != nil {
			t.Error(err)
			continue
		}
		files++
		ok := t.Run(r.file, func(t *testing.T) {
			s := newSiege(t, r, string(text))
			s.was = s.picture()
			s.attack()
			s.unharmed()
			if s.expected() {
				precise++
			}
			s.goesOn()
		})
		tallied.add("hostile", r.kind, ok)
	}
	t.Logf("%d documents, of which %d had an expectation of their own to check", files, precise)
}

func newSiege(t *testing.T, r row, text string) *siege {
	s := &siege{T: t, row: r, doc: overHTTP(text)}
	s.expect = overHTTP(r.expect)
	s.w = New(t)
	s.w.Start("recv.example", noPolicies)
	s.net = newInternet(t, s.w)
	for _, name := range within {
		s.net.host(name)
	}
	s.alice = s.w.User("alice@recv.example")
	for _, id := range []string{bob, trudy, mallory} {
		s.net.actor(id, nil, "")
	}
	s.net.actor("http://evil.example/g/1", nil, "")
	s.mine = s.alice.Post("What do you think?", "public")
	secret := s.alice.Post("@nobody Between us", "direct")
	poll := s.alice.Post("Which?", "public", "poll[expires_in]", "300", "poll[options][]", "a", "poll[options][]", "b")
	s.doc = strings.NewReplacer("http://recv.example/objects/local-direct", secret.URI, "http://recv.example/objects/local-poll-expired", poll.URI,
		"http://recv.example/objects/local-1", s.mine.URI).Replace(s.doc)
	if strings.Contains(text, "local-poll-expired") {
		s.w.Advance(time.Hour)
		s.w.Settle()
	}
	s.befriend()
	return s
}

// befriend brings about what there was between them before.
func (s *siege) befriend() {
	if s.file == "accept-follow-by-wrong-actor.json" {
		s.net.request(s.alice, bob)
	} else {
		s.net.follow(s.alice, bob)
	}
	if s.kind != "actor" { // Those come as one who is not known.
		s.net.follow(s.alice, mallory)
	}
	if s.file != "follow-on-behalf-of-other.json" {
		s.send(bob, map[string]any{"id": bob + "#follow1", "type": "Follow", "actor": bob, "object": s.alice.Actor.URI})
	}
	s.send(bob, map[string]any{"id": bob + "#likes/1", "type": "Like", "actor": bob, "object": s.mine.URI})
	for _, n := range []string{"1", "2", "99", "120"} {
		s.note(bob, "http://remote.example/notes/"+n, "Bob's", nil)
	}
	option := func(name string) any {
		return map[string]any{"type": "Note", "name": name, "replies": map[string]any{"type": "Collection", "totalItems": 1}}
	}
	s.note(bob, "http://remote.example/notes/poll", "Bob asks", map[string]any{"type": "Question", "oneOf": []any{option("a"), option("b")}, "endTime": "2099-01-01T00:00:00Z"})
	switch s.file {
	case "update-note-change-attributedto.json", "create-id-uppercase-host-dup.json":
		s.note(mallory, "http://evil.example/notes/1", "As it was", nil)
	case "like-duplicate-new-id.json":
		s.send(mallory, map[string]any{"id": mallory + "#l3", "type": "Like", "actor": mallory, "object": s.mine.URI})
	}
	s.w.Settle()
}

func (s *siege) send(actor string, a map[string]any) {
	s.Helper()
	a["@context"] = "https://www.w3.org/ns/activitystreams"
	if code, _ := s.net.post(s.alice.Server, actor, encode(s.T, a)); code != http.StatusAccepted {
		s.Fatalf("answer %d to %v", code, a)
	}
}

// note sends a public post, with more properties.
func (s *siege) note(actor, id, text string, more map[string]any) {
	s.Helper()
	o := map[string]any{"id": id, "type": "Note", "attributedTo": actor, "to": asPub, "content": "<p>" + text + "</p>", "published": "2026-01-01T00:00:00Z"}
	for k, v := range more {
		o[k] = v
	}
	s.send(actor, map[string]any{"id": id + "/before", "type": "Create", "actor": actor, "to": asPub, "object": o})
}

// picture is what must not change by anything that Mallory does.
type picture struct {
	Name, Note, Avatar string
	Posts, Pinned      []string
	Between            relation
	Likes, Boosts      int
	Profile            int // Status of Alice's own account.
}

func (s *siege) picture() picture {
	s.Helper()
	a := s.alice.account(bob)
	p := picture{Name: a.DisplayName, Note: a.Note, Avatar: a.Avatar, Between: s.alice.relation(bob)}
	for _, st := range s.alice.Get("/api/v1/accounts/" + a.ID + "/statuses?limit=40") {
		line := fmt.Sprintf("%s %s %s %d", st.URI, st.Content, st.Visibility, st.Favourites)
		if st.Poll != nil {
			line += fmt.Sprint(st.Poll.Votes)
			for _, o := range st.Poll.Options {
				line += " " + o.Title
			}
		}
		p.Posts = append(p.Posts, line)
	}
	for _, st := range s.alice.Get("/api/v1/accounts/" + a.ID + "/statuses?pinned=true") {
		p.Pinned = append(p.Pinned, st.URI)
	}
	var mine Status
	s.alice.Call("GET", "/api/v1/statuses/"+s.mine.ID, nil, &mine)
	p.Likes, p.Boosts = mine.Favourites, mine.Boosts
	p.Profile = s.alice.Call("GET", "/api/v1/accounts/verify_credentials", nil, nil)
	return p
}

// overHTTP rewrites addresses to http, see plain; what leads to this machine stays.
func overHTTP(text string) string {
	text = strings.NewReplacer("https://", "http://", `https:\/\/`, `http:\/\/`).Replace(text)
	return strings.NewReplacer("http://www.w3.org/ns", "https://www.w3.org/ns").Replace(text)
}

// attack sends the document on its way.
func (s *siege) attack() {
	s.Helper()
	began := time.Now()
	switch s.kind {
	case "activity", "atom", "salmon":
		signer := s.signer()
		if signer != mallory && signer != bob {
			s.net.actor(signer, nil, "")
		}
		code, took := s.net.post(s.alice.Server, signer, s.doc)
		if strings.Contains(s.expect, "[deliver twice]") {
			s.net.post(s.alice.Server, signer, s.doc)
		}
		s.Logf("answer %d", code)
		if took > 2*time.Second || code >= 500 {
			s.Errorf("answer %d after %s", code, took)
		}
		s.w.Settle()
	case "actor":
		s.fetchActor()
	case "webfinger", "host-meta", "xml", "nodeinfo":
		s.fetchWellKnown()
	default: // object, collection
		s.fetchObject()
	}
	if took := time.Since(began); took > 5*time.Second {
		s.Errorf("it all took %s", took)
	}
}

// signer is whose key the document comes with.
func (s *siege) signer() string {
	if m := regexp.MustCompile(`\[signed by (\S+?)\]`).FindStringSubmatch(s.expect); m != nil {
		return m[1]
	}
	if s.host == "evil.example" {
		return mallory
	}
	if m := regexp.MustCompile(`(?m)^ ? ?"actor": ?"(.*?)"`).FindStringSubmatch(s.doc); m != nil {
		return m[1]
	}
	return mallory
}

// fetchActor serves an actor as it is and has Alice look it up and follow it.
func (s *siege) fetchActor() {
	id := s.actorID()
	doc := s.doc
	if s.file == "actor-followers-collection-of-victim.json" { // This one posts, too.
		with := s.decoded()
		with["publicKey"] = map[string]any{"id": mallory + "#main-key", "owner": mallory, "publicKeyPem": publicPEM(s.T)}
		doc = encode(s.T, with)
	}
	s.net.serve(id, "application/activity+json", doc)
	if a, ok := s.alice.lookUp(id); ok {
		s.alice.Call("POST", "/api/v1/accounts/"+a.ID+"/follow", nil, nil)
	}
	s.w.Settle()
}

// actorID is where the actor is served: at its id, unless the index says otherwise.
func (s *siege) actorID() string {
	if m := regexp.MustCompile(`\[served at (\S+?)\]`).FindStringSubmatch(s.expect); m != nil {
		return m[1]
	}
	return one(s.decoded()["id"])
}

// fetchWellKnown serves the document wherever a host answers about itself.
func (s *siege) fetchWellKnown() {
	kind := "application/jrd+json"
	if strings.HasSuffix(s.file, ".xml") {
		kind = "application/xrd+xml"
	}
	for _, q := range []string{"x@evil.example", "catsrgr8@evil.example", "meanie@evil.example", "alice@evil.example"} {
		s.net.finger("evil.example", "acct:"+q, kind, s.doc)
		s.net.serve("http://evil.example/.well-known/host-meta", kind, s.doc)
		s.serveNodeInfo(kind)
		if a, ok := s.alice.lookUp("@" + q); ok {
			s.Errorf("@%s leads to %s", q, a.URI)
		}
		if strings.HasSuffix(s.file, ".xml") {
			s.net.mu.Lock()
			delete(s.net.fingers, "evil.example acct:"+q) // Now only host-meta answers.
			s.net.mu.Unlock()
			if a, ok := s.alice.lookUp("@" + q); ok {
				s.Errorf("@%s leads to %s", q, a.URI)
			}
		}
	}
}

// serveNodeInfo serves the document where the host says what it runs, and has it
// asked.
func (s *siege) serveNodeInfo(kind string) {
	s.net.serve("http://evil.example/.well-known/nodeinfo", kind, s.doc)
	if s.kind != "nodeinfo" {
		return
	}
	s.net.serve("http://evil.example/.well-known/nodeinfo", kind, `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://evil.example/nodeinfo/2.0"}]}`)
	s.net.serve("http://evil.example/nodeinfo/2.0", "application/json", s.doc)
	s.w.Advance(2 * time.Minute)
	s.w.Settle()
	if got := s.alice.Server.software("evil.example"); got == "" || len(got) > 100 || strings.ContainsAny(got, "<>&\"") {
		s.Errorf("the software of the host is %.200q", got)
	}
}

// fetchObject serves the document at its id, with those of its kind, and has Alice
// look it up.
func (s *siege) fetchObject() {
	doc := s.decoded()
	id := one(doc["id"])
	if id == "" {
		id = "http://evil.example/notes/116"
	}
	s.net.serve(id, "application/activity+json", s.doc)
	if strings.HasPrefix(s.file, "note-reply-cycle") {
		for _, f := range []string{"note-reply-cycle-a.json", "note-reply-cycle-b.json"} {
			text, err := os.ReadFile(filepath.Join(interoptest.Dir(s.T), "hostile", f))
			if err != nil {
				s.Fatal(err)
			}
			other := overHTTP(string(text))
			s.net.serve(one(decode(s.T, other)["id"]), "application/activity+json", other)
		}
	}
	s.alice.See(id)
	s.w.Settle()
}

func (s *siege) decoded() map[string]any {
	if _, err := vocab.DecodeObject([]byte(s.doc)); err != nil && s.kind != "actor" && s.kind != "collection" {
		return nil
	}
	return decode(s.T, s.doc)
}

// unharmed makes sure of what holds after every document.
func (s *siege) unharmed() {
	s.Helper()
	now := s.picture()
	if s.file == "like-duplicate-new-id.json" && now.Likes != 2 {
		s.Errorf("%d likes, want Bob's and one of Mallory's", now.Likes)
	}
	if !reflect.DeepEqual(now, s.was) {
		s.Errorf("changed from\n%+v\nto\n%+v", s.was, now)
	}
	for _, st := range s.everything() {
		s.contained(st)
	}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if n := len(s.net.asked); n > 100 {
		s.Errorf("%d requests were made", n)
	}
	for _, a := range s.net.asked {
		u, err := url.Parse(strings.SplitN(a, " ", 2)[1])
		if err != nil {
			s.Error(err)
			continue
		}
		for _, name := range within {
			if u.Hostname() == name {
				s.Errorf("it asked %s", a)
			}
		}
		if strings.Contains(a, "evil.example/c") && strings.Contains(s.file, "context") {
			s.Errorf("it fetched the context %s", a)
		}
	}
}

// everything is what Alice can see of others.
func (s *siege) everything() (list []Status) {
	list = append(s.alice.Home(), s.byMallory()...)
	return append(list, s.alice.Get("/api/v1/timelines/public?limit=40")...)
}

func (s *siege) byMallory() []Status {
	a, ok := s.alice.lookUp(mallory)
	if !ok {
		return nil
	}
	return s.alice.Get("/api/v1/accounts/" + a.ID + "/statuses?limit=40")
}

// contained holds a post against what none may be.
func (s *siege) contained(st Status) {
	s.Helper()
	if st.Reblog != nil {
		st = *st.Reblog
	}
	if !strings.EqualFold(vocab.IRI(st.URI).Host(), vocab.IRI(st.Account.URI).Host()) {
		s.Errorf("%s is shown as by %s", st.URI, st.Account.URI)
	}
	for _, word := range []string{"javascript:", "onclick", "<script", "style="} {
		if strings.Contains(strings.ToLower(tagsOf(st.Content)+st.URL), word) {
			s.Errorf("%s contains %s: %q", st.URI, word, st.Content)
		}
	}
	if len(st.Mentions) > 100 || len(st.Tags) > 200 || len(st.Media) > 32 || len(st.Emojis) > 200 || len(st.Content) > 1<<20 || st.Poll != nil && len(st.Poll.Options) > 50 {
		s.Errorf("%s is over the bounds: %d mentions, %d tags, %d attachments, %d emoji, %d bytes", st.URI, len(st.Mentions), len(st.Tags), len(st.Media), len(st.Emojis), len(st.Content))
	}
	if at, err := time.Parse(time.RFC3339, st.CreatedAt); err != nil || at.After(s.w.now().Add(time.Minute)) || at.Year() < 2007 {
		s.Errorf("%s was made at %s", st.URI, st.CreatedAt)
	}
	if st.Poll != nil {
		for _, o := range st.Poll.Options {
			if o.Votes != nil && *o.Votes < 0 {
				s.Errorf("%s has %d votes", st.URI, *o.Votes)
			}
		}
	}
}

// tagsOf is the markup of a text, without what stands between the tags.
func tagsOf(content string) string { return strings.Join(tagPattern.FindAllString(content, -1), "") }

// expected checks what the index says of this one document and tells whether there
// was something.
func (s *siege) expected() bool {
	s.Helper()
	if check := contained[s.file]; check != nil {
		if got := check(s); got != nil {
			s.Errorf("%v, expected %s", got, s.expect)
		}
		return true
	}
	refused := regexp.MustCompile(`^(?:rejected(?: 40\d)?|ignored|refused)(?:[:,]|$)`).MatchString(s.expect)
	byMallory := regexp.MustCompile(`^status by \S+?mallory`).MatchString(s.expect)
	switch {
	case s.kind == "actor" && refused:
		if a, ok := s.alice.lookUp(s.actorID()); ok {
			s.Errorf("taken as %+v", a)
		}
		return true
	case refused:
		if list := s.byMallory(); len(list) != 0 && s.file != "update-note-change-attributedto.json" {
			s.Errorf("shown: %+v, expected %s", list, s.expect)
		}
		return true
	case byMallory && !strings.Contains(s.expect, " or 400"):
		if list := s.byMallory(); len(list) != 1 {
			s.Errorf("%d posts are shown, expected %s", len(list), s.expect)
		}
		return true
	}
	return false
}

// goesOn makes sure that the server still takes what others send.
func (s *siege) goesOn() {
	s.Helper()
	s.net.actor(bob, nil, "")
	s.note(bob, "http://remote.example/notes/after", "Life goes on", nil)
	st, ok := s.alice.See("http://remote.example/notes/after")
	if !ok || begins(st.Content, "Life goes on") != "" {
		s.Error("an ordinary post does not arrive any more")
	}
	if code := s.alice.Server.Call("", "GET", "/api/v2/instance", nil, nil); code != http.StatusOK {
		s.Errorf("the instance answers %d", code)
	}
}

// contained are expectations of single documents.
var contained = map[string]func(s *siege) error{
	"follow-same-id-twice.json": func(s *siege) error {
		n := 0
		for _, one := range s.alice.Notifications() {
			if one.Type == "follow" && one.Account.URI == mallory {
				n++
			}
		}
		return holds(n == 1, "%d notifications", n)
	},
	"follow-list-of-objects.json": nil,
	"vote-on-expired-poll.json":   noVotes,
	"public-misspelt.json":        notPublic,
	"to-as-number-bool.json":      notPublic,
	"to-missing-everywhere.json":  notPublic,
	"to-list-of-lists.json":       nil,
	"create-addressed-to-local-followers.json": func(s *siege) error {
		for _, st := range s.alice.Home() {
			if st.Account.URI == mallory {
				return fmt.Errorf("shown at home: %s as %s", st.URI, st.Visibility)
			}
		}
		return nil
	},
	"to-as-string.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && list[0].Visibility == "public", "%+v", list)
	},
	"create-attachment-as-single-object.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && len(list[0].Media) == 1, "%+v", list)
	},
	"create-attachment-wrong-types.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && len(list[0].Media) <= 1, "%+v", list)
	},
	"create-url-javascript.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && list[0].URL == list[0].URI, "%+v", list)
	},
	"tag-emoji-bad-shortcode.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && len(list[0].Emojis) == 0, "%+v", list)
	},
	"tag-as-string-null-number.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && len(list[0].Tags)+len(list[0].Mentions) == 0, "%+v", list)
	},
	"create-content-javascript-links.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && strings.Count(list[0].Content, "href=") == 1, "%+v", list)
	},
	"question-endtime-invalid.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && list[0].Poll != nil && len(list[0].Poll.Options) == 2 && list[0].Poll.Expired, "%+v", list)
	},
	"inreplyto-object-without-id.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && list[0].InReplyTo == nil, "%+v", list)
	},
	"create-id-uppercase-host-dup.json": func(s *siege) error {
		return holds(len(s.byMallory()) <= 2, "%d posts", len(s.byMallory()))
	},
	"update-note-change-attributedto.json": func(s *siege) error {
		list := s.byMallory()
		return holds(len(list) == 1 && begins(list[0].Content, "As it was") == "", "%+v", list)
	},
	"announce-private-note.json": func(s *siege) error { return holds(len(s.byMallory()) == 0, "%+v", s.byMallory()) },
	"actor-icon-svg-data-uri.json": func(s *siege) error {
		a := s.alice.account(mallory)
		return holds(!strings.Contains(a.Avatar+a.Header, "/proxy/") && !strings.Contains(a.Avatar+a.Header, "data:"), "%s %s", a.Avatar, a.Header)
	},
	"actor-name-bio-fields-oversized.json": func(s *siege) error {
		a := s.alice.account(mallory)
		return holds(len(a.DisplayName) <= 2000 && len(a.Note) <= 1<<16 && len(a.Fields) <= 64, "%d %d %d", len(a.DisplayName), len(a.Note), len(a.Fields))
	},
	"actor-fields-hostile.json": func(s *siege) error {
		a := s.alice.account(mallory)
		for _, f := range a.Fields {
			if all := strings.ToLower(tagsOf(f.Name) + tagsOf(f.Value)); strings.Contains(all, "javascript:") || strings.Contains(all, "<script") {
				return fmt.Errorf("field %+v", f)
			}
		}
		return nil
	},
	"actor-followers-collection-of-victim.json": func(s *siege) error {
		s.send(mallory, map[string]any{"id": mallory + "#c", "type": "Create", "actor": mallory, "to": bob + "/followers",
			"object": map[string]any{"id": "http://evil.example/notes/x", "type": "Note", "attributedTo": mallory, "content": "hi", "to": bob + "/followers"}})
		s.w.Settle()
		for _, st := range s.alice.Home() {
			if st.Account.URI == mallory {
				return errors.New("shown to Bob's followers")
			}
		}
		return nil
	},
	"actor-id-differs-from-fetched-url.json": func(s *siege) error {
		return holds(s.alice.account(bob).Username() == "bob", "Bob is %+v", s.alice.account(bob))
	},
}

// Username is the first part of the handle.
func (p profile) Username() string {
	name, _, _ := strings.Cut(p.Acct, "@")
	return name
}

func holds(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func noVotes(s *siege) error {
	for _, st := range s.alice.Get("/api/v1/accounts/" + s.alice.account(string(s.alice.Actor.URI)).ID + "/statuses") {
		if st.Poll != nil && (st.Poll.Votes != 0 || !st.Poll.Expired) {
			return fmt.Errorf("poll %+v", st.Poll)
		}
	}
	return nil
}

// notPublic looks at what Mallory's posts came to as Alice and as nobody in particular.
func notPublic(s *siege) error {
	for _, st := range s.byMallory() {
		if st.Visibility == "public" || st.Visibility == "unlisted" {
			return fmt.Errorf("%s is %s", st.URI, st.Visibility)
		}
		if code := s.alice.Server.Call("", "GET", "/api/v1/statuses/"+st.ID, nil, nil); code == http.StatusOK {
			return fmt.Errorf("anybody can read %s", st.URI)
		}
	}
	return nil
}
