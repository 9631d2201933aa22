package fedtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// client is a client of ActivityPub, without Mastodon's API.
type client struct{ *User }

// ask does a request and returns its status, Location and body.
func (c client) ask(token, method, address, contentType string, body io.Reader) (int, string, []byte) {
	t := c.Server.w.t
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, c.Server.web.URL+u.RequestURI(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = c.Server.Host
	req.Header.Set("Accept", "application/activity+json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), text
}

// do posts a document to the outbox and returns where the activity is.
func (c client) do(doc string) string {
	c.Server.w.t.Helper()
	status, at, text := c.ask(c.Token, "POST", string(c.Actor.URI)+"/outbox", "application/activity+json", strings.NewReader(doc))
	if status != http.StatusCreated || at == "" {
		c.Server.w.t.Fatalf("%s: %d %q %s", doc, status, at, text)
	}
	return at
}

// refused posts a document that must not be taken.
func (c client) refused(token, doc string, want int) {
	c.Server.w.t.Helper()
	status, at, text := c.ask(token, "POST", string(c.Actor.URI)+"/outbox", "application/activity+json", strings.NewReader(doc))
	if status != want || at != "" || !bytes.Contains(text, []byte(`"error"`)) {
		c.Server.w.t.Errorf("%s: %d %q %s, want %d", doc, status, at, text, want)
	}
}

// read gets a document with the token.
func (c client) read(address string) map[string]any {
	c.Server.w.t.Helper()
	status, _, text := c.ask(c.Token, "GET", address, "", nil)
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil || status != http.StatusOK {
		c.Server.w.t.Fatalf("%s: %d %s, %v", address, status, text, err)
	}
	return doc
}

// TestClientToServer has somebody use the server by nothing but ActivityPub.
//
// spec: ap#client-to-server-interactions
func TestClientToServer(t *testing.T) {
	for _, host := range []string{"a.test", "postgres:a.test"} {
		t.Run(host, func(t *testing.T) {
			w := New(t, host, "b.test")
			ann, bob := client{w.User("ann@a.test")}, w.User("bob@b.test")
			me := string(ann.Actor.URI)

			actor := ann.read(me)
			ends, _ := actor["endpoints"].(map[string]any)
			for _, name := range []string{"oauthAuthorizationEndpoint", "oauthTokenEndpoint", "uploadMedia", "sharedInbox"} {
				if at, _ := ends[name].(string); !strings.HasPrefix(at, "http://a.test/") {
					t.Errorf("endpoint %s: %q", name, at)
				}
			}

			ann.do(`{"type":"Follow","object":"` + string(bob.Actor.URI) + `"}`)
			w.Settle()
			bob.Follow(ann.User)
			w.Settle()
			theirs := bob.Post("Hello from B.", "public")
			w.Settle()
			if home := ann.Home(); len(home) != 1 || home[0].URI != theirs.URI {
				t.Fatalf("home %+v, want Bob's post", home)
			}

			// A bare object becomes a Create; its answer, poll and mentions are what they are in apps.
			activity := ann.do(`{"type":"Note","content":"<p>Hello <b>you</b> <script>x</script>#tag</p>","inReplyTo":"` + theirs.URI +
				`","to":["as:Public"],"cc":["` + me + `/followers"],"tag":[{"type":"Mention","href":"` + string(bob.Actor.URI) + `"}]}`)
			w.Settle()
			created := ann.read(activity)
			note, _ := created["object"].(map[string]any)
			mine, ok := bob.See(note["id"].(string))
			if !ok || mine.Visibility != "public" || !strings.Contains(mine.Content, "you") || strings.Contains(mine.Content, "script") || mine.InReplyTo == nil || len(mine.Tags) != 1 {
				t.Errorf("at Bob: %+v", mine)
			}
			if n := bob.Notifications(); len(n) != 2 || n[0].Type != "mention" {
				t.Errorf("Bob was told %+v, want a mention and a follow", n)
			}

			ann.do(`{"type":"Like","object":"` + theirs.URI + `"}`)
			ann.do(`{"type":"Announce","object":"` + theirs.URI + `","to":["as:Public"]}`)
			ann.do(`{"type":"EmojiReact","content":"🔥","object":"` + theirs.URI + `"}`)
			w.Settle()
			if s, _ := bob.See(theirs.URI); s.Favourites != 1 || s.Boosts != 1 || s.Replies != 1 || len(s.Pleroma.Reactions) != 1 {
				t.Errorf("Bob's post has %d favourites, %d boosts, %d replies, %v", s.Favourites, s.Boosts, s.Replies, s.Pleroma.Reactions)
			}
			ann.do(`{"type":"Undo","object":{"type":"Like","actor":"` + me + `","object":"` + theirs.URI + `"}}`)
			ann.do(`{"type":"Undo","object":{"type":"Announce","actor":"` + me + `","object":"` + theirs.URI + `"}}`)
			w.Settle()
			if s, _ := bob.See(theirs.URI); s.Favourites != 0 || s.Boosts != 0 {
				t.Errorf("Bob's post has %d favourites, %d boosts, want none", s.Favourites, s.Boosts)
			}

			// An Update keeps what it leaves out.
			ann.do(`{"type":"Update","object":{"type":"Note","id":"` + mine.URI + `","content":"<p>Hello again</p>"}}`)
			ann.do(`{"type":"Update","object":{"type":"Person","id":"` + me + `","name":"Ann of C2S","summary":"<p>I <i>am</i>.</p>"}}`)
			w.Settle()
			if s, _ := bob.See(mine.URI); !strings.Contains(s.Content, "again") || s.InReplyTo == nil || s.EditedAt == nil {
				t.Errorf("after the edit: %+v", s)
			}
			if a := bob.Find("ann@a.test"); a.DisplayName != "Ann of C2S" || !strings.Contains(a.Note, "<i>am</i>") {
				t.Errorf("profile %+v", a)
			}
			ann.do(`{"type":"Add","object":"` + mine.URI + `","target":"` + me + `/collections/featured"}`)
			if all := ann.read(me + "/collections/featured"); all["totalItems"] != 1.0 {
				t.Errorf("featured %v", all)
			}

			// Polls, followers-only and direct posts.
			activity = ann.do(`{"type":"Create","to":["` + me + `/followers"],"object":{"type":"Question","content":"Tea?","oneOf":[{"type":"Note","name":"yes"},{"type":"Note","name":"no"}],"endTime":"` +
				w.now().AddDate(0, 0, 1).UTC().Format("2006-01-02T15:04:05Z") + `"}}`)
			w.Settle()
			created = ann.read(activity)
			poll, ok := bob.See(created["object"].(map[string]any)["id"].(string))
			if !ok || poll.Visibility != "private" || poll.Poll == nil || len(poll.Poll.Options) != 2 {
				t.Errorf("poll at Bob: %+v", poll)
			}
			asked := bob.Post("Coffee?", "public", "poll[options][]", "yes", "poll[options][]", "no", "poll[expires_in]", "3600")
			w.Settle()
			ann.do(`{"type":"Note","name":"yes","inReplyTo":"` + asked.URI + `","to":["` + string(bob.Actor.URI) + `"]}`)
			w.Settle()
			if s, _ := bob.See(asked.URI); s.Poll == nil || s.Poll.Votes != 1 {
				t.Errorf("poll of Bob: %+v", s.Poll)
			}
			direct := bob.Post("@ann@a.test between us", "direct")
			w.Settle()

			inbox := ann.read(me + "/inbox")
			page := ann.read(inbox["first"].(string))
			text, _ := json.Marshal(page["orderedItems"])
			for _, uri := range []string{theirs.URI, asked.URI, direct.URI} {
				if strings.Count(string(text), `"id":"`+uri+`"`) != 1 {
					t.Errorf("%s is not in the inbox once: %s", uri, text)
				}
			}
			if !strings.Contains(string(text), `"type":"Follow"`) {
				t.Errorf("Bob's Follow is not in the inbox: %s", text)
			}

			ann.do(`{"type":"Delete","object":"` + mine.URI + `"}`)
			ann.do(`{"type":"Block","object":"` + string(bob.Actor.URI) + `"}`)
			w.Settle()
			if _, ok := bob.See(mine.URI); ok {
				t.Error("the deleted post is still at Bob's")
			}
		})
	}
}

// TestClientLikeApps: what a client of ActivityPub leaves out is as the author likes it in
// apps, the same request twice does one thing, and whoever did something can read it.
func TestClientLikeApps(t *testing.T) {
	w := New(t, "a.test")
	ann, bob := client{w.User("ann@a.test")}, w.User("bob@a.test")
	if code := ann.Call("PATCH", "/api/v1/accounts/update_credentials", url.Values{"source[quote_policy]": {"nobody"}, "source[sensitive]": {"true"}, "source[language]": {"de"}}, nil); code != http.StatusOK {
		t.Fatalf("preferences: %d", code)
	}
	me := string(ann.Actor.URI)
	for _, tt := range []struct{ more, quotes string }{
		{``, me},
		{`,"interactionPolicy":{"canQuote":{"automaticApproval":["` + me + `/followers"]}}`, me + "/followers"},
		{`,"interactionPolicy":{"canQuote":{"automaticApproval":["https://www.w3.org/ns/activitystreams#Public"]}}`, "https://www.w3.org/ns/activitystreams#Public"},
	} {
		note, _ := ann.read(ann.do(`{"type":"Note","content":"Guten Tag","to":["as:Public"]` + tt.more + `}`))["object"].(map[string]any)
		if text := encode(t, note["interactionPolicy"]); !strings.Contains(text, `"`+tt.quotes+`"`) {
			t.Errorf("with %q those may quote: %s, want %s", tt.more, text, tt.quotes)
		}
		if s, _ := bob.See(note["id"].(string)); !s.Sensitive || s.Language == nil || *s.Language != "de" {
			t.Errorf("sensitive %t in %v, want what the author likes", s.Sensitive, s.Language)
		}
	}
	twice := map[string]bool{}
	for range 2 {
		req, err := http.NewRequest("POST", ann.Server.web.URL+"/users/ann/outbox", strings.NewReader(`{"type":"Note","content":"Once","to":["as:Public"]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = ann.Server.Host
		req.Header.Set("Content-Type", "application/activity+json")
		req.Header.Set("Authorization", "Bearer "+ann.Token)
		req.Header.Set("Idempotency-Key", "once")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		twice[resp.Header.Get("Location")] = resp.StatusCode == http.StatusCreated
	}
	if len(twice) != 1 || twice[""] {
		t.Errorf("with one key there are %v, want one post", twice)
	}
	setting := url.Values{"reblogs": {"false"}}
	if code := ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob").ID+"/follow", setting, nil); code != http.StatusOK {
		t.Fatalf("follow: %d", code)
	}
	ann.do(`{"type":"Undo","object":{"type":"Follow","actor":"` + me + `","object":"` + string(bob.Actor.URI) + `"}}`)
	ann.do(`{"type":"Follow","object":"` + string(bob.Actor.URI) + `"}`)
	if got := ann.relationship("bob"); !got.Following || !got.Reblogs {
		t.Errorf("followed anew: %+v, want the settings of a new follow", got)
	}
	if like := ann.read(ann.do(`{"type":"Like","object":"` + bob.Post("Hello", "public").URI + `"}`)); like["type"] != "Like" {
		t.Errorf("ann's own Like reads %v", like)
	}
}

// TestClientUpload attaches a file that came by uploadMedia.
func TestClientUpload(t *testing.T) {
	w := New(t, "a.test")
	ann := client{w.User("ann@a.test")}
	data, err := os.ReadFile("../media/testdata/cover.jpg")
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("object", `{"type":"Image","name":"A cover."}`); err != nil {
		t.Fatal(err)
	}
	file, err := form.CreateFormFile("file", "cover.jpg")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(data)
	form.Close()
	me := string(ann.Actor.URI)
	ends := ann.read(me)["endpoints"].(map[string]any)
	status, at, text := ann.ask(ann.Token, "POST", ends["uploadMedia"].(string), form.FormDataContentType(), &body)
	if status != http.StatusCreated || at == "" {
		t.Fatalf("%d %q %s", status, at, text)
	}
	ann.do(`{"type":"Note","content":"Look.","to":["as:Public"],"attachment":[` + string(text) + `]}`)
	posts := ann.Get("/api/v1/timelines/home")
	if len(posts) != 1 || len(posts[0].Media) != 1 || posts[0].Media[0].Description != "A cover." || posts[0].Media[0].Type != "image" {
		t.Errorf("%+v", posts)
	}
	ann.refused(ann.Token, `{"type":"Note","content":"Look.","to":["as:Public"],"attachment":[{"type":"Image","url":"https://elsewhere.test/x.jpg"}]}`, http.StatusUnprocessableEntity)
}

// TestClientRefused wants nothing done for those who may not, or ask for nonsense.
func TestClientRefused(t *testing.T) {
	w := New(t, "a.test")
	ann, bob := client{w.User("ann@a.test")}, w.User("bob@a.test")
	note := `{"type":"Note","content":"Hello","to":["as:Public"]}`
	ann.refused("", note, http.StatusUnauthorized)
	ann.refused("nonsense", note, http.StatusUnauthorized)
	ann.refused(bob.Token, note, http.StatusForbidden)
	ann.refused(ann.Token, `{"type":"Create","actor":"`+string(bob.Actor.URI)+`","object":`+note+`}`, http.StatusForbidden)
	ann.refused(ann.Token, `{"type":"Note","content":"Hello","bto":["`+string(bob.Actor.URI)+`"]}`, http.StatusUnprocessableEntity)
	ann.refused(ann.Token, `{"type":"Travel","object":"https://elsewhere.test/"}`, http.StatusUnprocessableEntity)
	ann.refused(ann.Token, `{"type":"Note","content":"","to":["as:Public"]}`, http.StatusUnprocessableEntity)
	ann.refused(ann.Token, `{"type":"Note","content":"`+strings.Repeat("x", 6000)+`","to":["as:Public"]}`, http.StatusUnprocessableEntity)
	ann.refused(ann.Token, `{"type":"Delete","object":"`+string(ann.Actor.URI)+`"}`, http.StatusForbidden)
	theirs := bob.Post("Mine.", "public")
	ann.refused(ann.Token, `{"type":"Delete","object":"`+theirs.URI+`"}`, http.StatusNotFound)
	ann.refused(ann.Token, `{"type":"Update","object":{"type":"Note","id":"`+theirs.URI+`","content":"Not yours."}}`, http.StatusNotFound)
	ann.refused(ann.Token, `{"type":"Undo","object":"`+string(bob.Actor.URI)+`"}`, http.StatusNotFound)
	ann.refused(ann.Token, `[1]`, http.StatusBadRequest)
	if posts := ann.Get("/api/v1/timelines/public"); len(posts) != 1 {
		t.Errorf("%d posts, want Bob's alone", len(posts))
	}
	if status, _, _ := ann.ask(bob.Token, "GET", string(ann.Actor.URI)+"/inbox", "", nil); status != http.StatusForbidden {
		t.Errorf("somebody else's inbox: %d", status)
	}
	if status, _, _ := ann.ask("", "GET", string(ann.Actor.URI)+"/inbox", "", nil); status != http.StatusUnauthorized {
		t.Errorf("an inbox without a token: %d", status)
	}
}
