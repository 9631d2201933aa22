package mastodon

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/store"
)

func TestPost(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("bob")
		for _, tt := range []struct {
			name, body string
			status     int
			want       string
		}{
			{"plain", "status=Hi+@bob+and+%23Fediverse", 200, `{"content": "<p>Hi <span class=\"h-card\" translate=\"no\"><a href=\"https://a.test/@bob\" class=\"u-url mention\" rel=\"nofollow noopener noreferrer\" target=\"_blank\">@<span>bob</span></a></span> and <a href=\"https://a.test/tags/fediverse\" class=\"mention hashtag\" rel=\"tag nofollow noopener noreferrer\" target=\"_blank\">#<span>Fediverse</span></a></p>",
				"visibility": "public", "tags": [{"name": "fediverse"}], "mentions": [{"acct": "bob", "url": "https://a.test/@bob"}], "account": {"acct": "ann"}, "favourited": false, "pinned": false,
				"reblog": null, "poll": null, "pleroma": {"local": true, "emoji_reactions": [], "thread_muted": false}}`},
			{"with everything", `{"status": "a", "spoiler_text": "careful", "sensitive": true, "visibility": "private", "language": "de"}`, 200,
				`{"spoiler_text": "careful", "sensitive": true, "visibility": "private", "language": "de"}`},
			{"local only", "status=a&visibility=local", 200, `{"visibility": "public", "local_only": true}`},
			{"a poll", "status=a&poll[options][]=x&poll[options][]=y&poll[expires_in]=600&poll[multiple]=true", 200,
				`{"poll": {"multiple": true, "expired": false, "voted": true, "own_votes": [], "votes_count": 0, "voters_count": 0, "options": [{"title": "x", "votes_count": 0}, {"title": "y"}]}}`},
			{"nothing", "status=+", 422, `{"error": "Validation failed: Text can't be blank"}`},
			{"too long", "status=" + strings.Repeat("x", 501), 422, `{"error": "Validation failed: Text character limit of 500 exceeded"}`},
			{"a poll with one choice", "status=a&poll[options][]=x&poll[expires_in]=600", 422, `{"error": "Validation failed: Options must be at least 2"}`},
			{"a poll with the same choice twice", "status=a&poll[options][]=x&poll[options][]=x&poll[expires_in]=600", 422, `{"error": "Validation failed: Options contain duplicate items"}`},
			{"a poll that is over at once", "status=a&poll[options][]=x&poll[options][]=y&poll[expires_in]=1", 422, `{"error": "Validation failed: Expires at is too soon"}`},
			{"a poll for ever", "status=a&poll[options][]=x&poll[options][]=y&poll[expires_in]=1e12", 422, `{"error": "Validation failed: Expires at is too far into the future"}`},
			{"an answer to nothing", "status=a&in_reply_to_id=12345", 404, `{}`},
			{"an unknown visibility", "status=a&visibility=everyone", 422, `{}`},
			{"an unknown language", "status=a&language=Klingon!", 422, `{}`},
			{"a file that isn't there", "status=a&media_ids[]=5", 422, `{}`},
			{"broken JSON", `{"status": `, 400, `{}`},
		} {
			w.t = t
			ok := t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.as("ann", "POST", "/api/v1/statuses", tt.body).want(tt.status, tt.want)
			})
			if !ok {
				t.FailNow()
			}
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		header := http.Header{"Idempotency-Key": {"k"}}
		token := w.token("ann", fullScopes)
		first := w.send(token, "POST", "/api/v1/statuses", "status=once", header).want(200, "").id()
		if again := w.send(token, "POST", "/api/v1/statuses", "status=once", header).want(200, "").id(); again != first {
			t.Errorf("the same key made %s and %s", first, again)
		}
		if other := w.send(token, "POST", "/api/v1/statuses", "status=once", http.Header{"Idempotency-Key": {"l"}}).id(); other == first {
			t.Error("another key gave the same post")
		}
	})
}

// upload puts a file of somebody's into the database, as the media endpoints do.
func (w *world) upload(who, description string) string {
	w.t.Helper()
	id, owner := w.db.IDs.Next(), w.person(who).ID
	w.write(func(tx *store.Tx) error {
		return tx.InsertUpload(w.t.Context(), &store.Upload{ID: id, Owner: owner, Kind: "image", Mime: "image/png", File: itoa(id) + "/original.png",
			Preview: itoa(id) + "/small.png", Size: 10, Description: description, Meta: store.UploadMeta{Width: 40, Height: 20, Blurhash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj", Focus: [2]float64{-0.5, 0.25}}})
	})
	return itoa(id)
}

func TestPostWithMedia(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		one, two, foreign := w.upload("ann", "One"), w.upload("ann", "Two"), w.upload("bob", "Theirs")
		w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+foreign).want(422, "")
		header, token := http.Header{"Idempotency-Key": {"k"}}, w.token("ann", fullScopes)
		body := `{"status": "", "media_ids": ["` + one + `", "` + two + `"]}`
		id := w.send(token, "POST", "/api/v1/statuses", body, header).want(200, `{"media_attachments": [{"id": "`+one+`", "type": "image", "description": "One",
			"url": "https://a.test/media/`+one+`/original.png", "preview_url": "https://a.test/media/`+one+`/small.png", "remote_url": null,
			"meta": {"original": {"width": 40, "height": 20, "aspect": 2, "size": "40x20"}, "focus": {"x": -0.5, "y": 0.25}}}, {"id": "`+two+`"}]}`).id()
		// The app didn't hear the answer and tries again.
		w.send(token, "POST", "/api/v1/statuses", body, header).want(200, `{"id": "`+id+`"}`)
		w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+one).want(422, "") // It belongs to that post.

		at := "/api/v1/statuses/" + id
		w.as("ann", "PUT", at, "status=Words").want(200, `{"content": "<p>Words</p>", "media_attachments": [{"id": "`+one+`"}, {"id": "`+two+`"}]}`)
		w.as("ann", "PUT", at, `{"status": "Words", "media_ids": ["`+two+`"], "media_attributes": [{"id": "`+two+`", "description": "Better", "focus": "1,-1"}]}`).
			want(200, `{"media_attachments": [{"id": "`+two+`", "description": "Better", "meta": {"focus": {"x": 1, "y": -1}}}]}`)
		w.as("bob", "GET", at+"/history", "").want(200, `[{"media_attachments": [{"description": "One"}, {}]}, {"content": "<p>Words</p>"}, {"media_attachments": [{"description": "Better"}]}]`)
		w.as("bob", "GET", "/api/v1/timelines/public?only_media=true", "").want(200, `[{"id": "`+id+`"}]`)
		w.as("ann", "PUT", at, `{"status": "", "media_ids": []}`).want(422, "")

		// Who deletes a post to write it anew takes its files along.
		w.as("ann", "DELETE", at, "").want(200, `{"text": "Words", "media_attachments": [{"id": "`+two+`"}]}`)
		w.as("ann", "POST", "/api/v1/statuses", `{"status": "Better words", "media_ids": ["`+two+`"]}`).want(200, `{"media_attachments": [{"id": "`+two+`"}]}`)
	})
}

// Who may read what.
func TestVisibility(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("dan")
		w.follow("bob", "ann")
		posts := map[string]string{}
		for _, v := range []string{"public", "unlisted", "private", "direct", "local"} {
			posts[v] = w.post("ann", "status=Hi+@cid&visibility="+v)
		}
		w.person("cid")
		posts["direct"] = w.post("ann", "status=Hi+@cid&visibility=direct")
		for _, tt := range []struct{ who, sees string }{
			{"ann", "public unlisted private direct local"},
			{"bob", "public unlisted private local"},
			{"cid", "public unlisted direct local"},
			{"dan", "public unlisted local"},
			{"", "public unlisted"},
		} {
			for name, id := range posts {
				status, may := 404, slices.Contains(strings.Fields(tt.sees), name)
				if may {
					status = 200
				}
				w.as(tt.who, "GET", "/api/v1/statuses/"+id, "").want(status, "")
				w.as(tt.who, "GET", "/api/v1/statuses/"+id+"/context", "").want(status, "")
				w.as(tt.who, "GET", "/api/v1/statuses/"+id+"/favourited_by", "").want(status, "")
				w.as(tt.who, "GET", "/api/v1/statuses/"+id+"/history", "").want(status, "")
				if got := w.as(tt.who, "GET", "/api/v1/statuses?id[]="+id, "").want(200, "").ids(); (len(got) == 1) != may {
					t.Errorf("%q gets %v of many for the %s post", tt.who, got, name)
				}
				if tt.who != "" {
					w.as(tt.who, "POST", "/api/v1/statuses/"+id+"/bookmark", "").want(status, "")
					w.as(tt.who, "POST", "/api/v1/statuses/"+id+"/favourite", "").want(status, "")
				}
			}
		}
	})
}

func TestActs(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=Hi")
		at := "/api/v1/statuses/" + id + "/"
		for _, tt := range []struct{ who, act, want string }{
			{"bob", "favourite", `{"favourited": true, "favourites_count": 1}`},
			{"bob", "favourite", `{"favourited": true, "favourites_count": 1}`}, // Twice is once.
			{"cid", "favourite", `{"favourites_count": 2}`},
			{"bob", "unfavourite", `{"favourited": false, "favourites_count": 1}`},
			{"bob", "bookmark", `{"bookmarked": true}`},
			{"bob", "unbookmark", `{"bookmarked": false}`},
			{"bob", "mute", `{"muted": true, "pleroma": {"thread_muted": true}}`},
			{"bob", "unmute", `{"muted": false}`},
			{"bob", "reblog", `{"account": {"acct": "bob"}, "reblogged": true, "content": "<p>Hi</p>", "reblog": {"id": "` + id + `", "reblogged": true, "reblogs_count": 1, "account": {"acct": "ann"}}}`},
			{"bob", "reblog", `{"reblog": {"id": "` + id + `", "reblogs_count": 1}}`},
			{"bob", "unreblog", `{"id": "` + id + `", "reblogged": false, "reblogs_count": 0}`},
			{"ann", "pin", `{"pinned": true}`},
			{"ann", "unpin", `{"pinned": false}`},
		} {
			w.as(tt.who, "POST", at+tt.act, "").want(200, tt.want)
		}
		w.as("bob", "POST", at+"pin", "").want(422, "")
		w.as("", "POST", at+"favourite", "").want(401, `{"error": "The access token is invalid"}`)
		w.as("cid", "GET", at+"favourited_by", "").want(200, `[{"acct": "cid"}]`)
		boost := w.as("bob", "POST", at+"reblog", "").id()
		w.as("cid", "GET", at+"reblogged_by", "").want(200, `[{"acct": "bob"}]`)
		w.as("cid", "POST", "/api/v1/statuses/"+boost+"/favourite", "").want(200, `{"id": "`+id+`", "favourites_count": 1}`)
	})
}

func TestEditAndDelete(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=One&spoiler_text=careful")
		at := "/api/v1/statuses/" + id
		w.as("bob", "PUT", at, "status=Mine").want(404, "")
		w.as("bob", "DELETE", at, "").want(404, "")
		w.as("bob", "GET", at+"/source", "").want(200, `{"text": "One", "spoiler_text": "careful"}`)
		w.send(w.token("", "read:statuses"), "GET", at+"/source", "", nil).want(200, `{"text": "One"}`)
		w.as("", "GET", at+"/source", "").want(401, "")
		w.as("bob", "GET", "/api/v1/statuses/5/source", "").want(404, "")
		w.as("ann", "PUT", at, "status=Two").want(200, `{"content": "<p>Two</p>", "spoiler_text": "careful"}`)
		w.as("bob", "GET", at, "").want(200, `{"content": "<p>Two</p>"}`)
		if w.as("bob", "GET", at, "").want(200, `{}`); strings.Contains(string(w.as("bob", "GET", at, "").body), `"edited_at":null`) {
			t.Error("no time of the edit")
		}
		w.as("ann", "GET", at+"/source", "").want(200, `{"text": "Two", "spoiler_text": "careful"}`)
		w.as("bob", "GET", at+"/history", "").want(200, `[{"content": "<p>One</p>", "account": {"acct": "ann"}}, {"content": "<p>Two</p>"}]`)
		w.as("ann", "DELETE", at, "").want(200, `{"id": "`+id+`", "text": "Two"}`)
		w.as("ann", "GET", at, "").want(404, `{"error": "Record not found"}`)
		w.as("ann", "DELETE", at, "").want(404, "")
	})
}

func TestEditKeepsPoll(t *testing.T) {
	w := onSQLite(t)
	id := w.post("ann", "status=a&poll[options][]=x&poll[options][]=y&poll[expires_in]=600")
	w.as("ann", "PUT", "/api/v1/statuses/"+id, "status=b").want(200, `{"content": "<p>b</p>", "poll": {"options": [{"title": "x"}, {"title": "y"}]}}`)
}

func TestPolls(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=a&poll[options][]=x&poll[options][]=y&poll[expires_in]=600")
		at := "/api/v1/polls/" + id
		w.as("bob", "GET", at, "").want(200, `{"voted": false, "own_votes": []}`)
		w.as("bob", "POST", at+"/votes", "choices[]=0&choices[]=1").want(422, "")
		w.as("bob", "POST", at+"/votes", "choices[]=7").want(422, "")
		w.as("bob", "POST", at+"/votes", "choices[]=1").want(200, `{"voted": true, "own_votes": [1], "votes_count": 1, "voters_count": 1, "options": [{"votes_count": 0}, {"votes_count": 1}]}`)
		w.as("bob", "POST", at+"/votes", "choices[]=0").want(422, "")
		w.as("ann", "POST", at+"/votes", "choices[]=0").want(422, "")
		w.as("", "GET", at, "").want(200, `{"votes_count": 1}`)
		private := w.post("ann", "status=a&visibility=private&poll[options][]=x&poll[options][]=y&poll[expires_in]=600")
		w.as("bob", "GET", "/api/v1/polls/"+private, "").want(404, "")
		w.as("bob", "GET", "/api/v1/polls/"+w.post("ann", "status=none"), "").want(404, "")
	})
}

func TestContext(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		root := w.post("ann", "status=root")
		reply := func(who, to, text, more string) string { return w.post(who, "status="+text+"&in_reply_to_id="+to+more) }
		one := reply("bob", root, "one", "")
		two := reply("cid", root, "two", "")
		under := reply("ann", one, "under", "")
		secret := reply("bob", one, "secret", "&visibility=private")
		got := w.as("dan", "GET", "/api/v1/statuses/"+one+"/context", "").want(200, "")
		checkContext(t, got, []string{root}, []string{under})
		checkContext(t, w.as("bob", "GET", "/api/v1/statuses/"+one+"/context", ""), []string{root}, []string{under, secret})
		checkContext(t, w.as("", "GET", "/api/v1/statuses/"+root+"/context", ""), []string{}, []string{one, under, two})
		w.as("dan", "GET", "/api/v1/statuses/"+one, "").want(200, `{"in_reply_to_id": "`+root+`", "replies_count": 1}`)
		w.as("ann", "POST", "/api/v1/statuses/"+one+"/favourite", "")
		if err := w.api.Pipeline.Block(t.Context(), w.person("dan"), w.person("bob")); err != nil {
			t.Fatal(err)
		}
		w.api.relationsChanged(w.person("dan").ID)
		checkContext(t, w.as("dan", "GET", "/api/v1/statuses/"+root+"/context", ""), []string{}, []string{under, two})
	})
}

func checkContext(t *testing.T, r *response, above, below []string) {
	t.Helper()
	var c struct{ Ancestors, Descendants json.RawMessage }
	if err := json.Unmarshal(r.body, &c); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]struct {
		got  json.RawMessage
		want []string
	}{"ancestors": {c.Ancestors, above}, "descendants": {c.Descendants, below}} {
		if got := (&response{r.Response, t, part.got}).ids(); !slices.Equal(got, part.want) {
			t.Errorf("%s = %v, want %v", name, got, part.want)
		}
	}
}

// What a stranger posts is drawn with its files through the proxy, and never with
// anything that runs.
func TestRemotePost(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.stranger("eve", "b.test")
		w.follow("bob", "ann")
		w.arrives("b.test", map[string]any{"id": "https://b.test/c/1", "type": "Create", "actor": "https://b.test/users/eve",
			"to": []string{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []string{"https://a.test/users/ann", "https://b.test/users/eve/followers"},
			"object": map[string]any{"id": "https://b.test/o/1", "type": "Note", "attributedTo": "https://b.test/users/eve", "content": "<p>Hi <script>x()</script><b>@ann</b></p>",
				"to":         []string{"https://www.w3.org/ns/activitystreams#Public"},
				"cc":         []string{"https://a.test/users/ann"},
				"published":  "2025-01-02T03:04:05Z",
				"tag":        []any{map[string]any{"type": "Mention", "href": "https://a.test/users/ann", "name": "@ann@a.test"}},
				"attachment": []any{map[string]any{"type": "Image", "mediaType": "image/png", "url": "https://b.test/pic.png", "name": "A \u2028picture", "width": 20, "height": 10, "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"}}}})
		list := w.as("ann", "GET", "/api/v1/timelines/public?remote=true", "").want(200, `[{"account": {"acct": "eve@b.test", "avatar": "https://a.test/proxy/b.test/face.png", "emojis": [{"shortcode": "blob"}]},
			"created_at": "2025-01-02T03:04:05.000Z", "uri": "https://b.test/o/1", "mentions": [{"acct": "ann"}],
			"media_attachments": [{"type": "image", "url": "https://a.test/proxy/b.test/pic.png", "remote_url": "https://b.test/pic.png", "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
				"meta": {"original": {"width": 20, "height": 10, "aspect": 2}}}]}]`)
		if strings.Contains(string(list.body), "<script") {
			t.Errorf("a script: %s", list.body)
		}
	})
}

func TestScopes(t *testing.T) {
	w := onSQLite(t)
	id := w.post("ann", "status=Hi")
	for _, tt := range []struct {
		name, who, scopes, method, path string
		status                          int
		want                            string
	}{
		{"the very scope", "bob", "write:favourites", "POST", "/api/v1/statuses/" + id + "/favourite", 200, ""},
		{"its parent", "bob", "write", "POST", "/api/v1/statuses/" + id + "/favourite", 200, ""},
		{"another one", "bob", "read write:statuses", "POST", "/api/v1/statuses/" + id + "/favourite", 403, `{"error": "This action is outside the authorized scopes"}`},
		{"an app's own token", "", "write", "POST", "/api/v1/statuses/" + id + "/favourite", 422, `{"error": "This method requires an authenticated user"}`},
		{"a public page with a token that may not read", "bob", "write", "GET", "/api/v1/statuses/" + id, 403, ""},
		{"a public page with an app's own token", "", "read", "GET", "/api/v1/statuses/" + id, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			w.send(w.token(tt.who, tt.scopes), tt.method, tt.path, "", nil).want(tt.status, tt.want)
		})
	}
	w.t = t
	w.send("wrong", "GET", "/api/v1/statuses/"+id, "", nil).want(401, `{"error": "The access token is invalid"}`)
	cookie := http.Header{"Cookie": {"session=" + w.token("bob", "read")}}
	w.send("", "GET", "/api/v1/timelines/home", "", cookie).want(401, "")
	w.send("", "GET", "/api/v1/timelines/home?access_token="+w.token("bob", "read"), "", nil).want(401, "")
}

func TestFrame(t *testing.T) {
	w := onSQLite(t)
	w.post("ann", "status=Hi")
	w.as("ann", "GET", "/api/v1/timelines/public/", "").want(200, "") // A trailing slash, and no redirect.
	if got := w.as("", "GET", "/api/v1/timelines/public", "").Header; got.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers = %v", got)
	}
	r := w.send("", "GET", "/api/v1/nothing/here", "", nil)
	if r.StatusCode != 404 || !strings.Contains(string(r.body), "Record not found") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestRateLimit(t *testing.T) {
	w := onSQLite(t)
	w.api.NoRateLimit = false
	var last *response
	for range limitIP.max {
		last = w.as("", "GET", "/api/v1/statuses/1", "")
	}
	if last.StatusCode != 404 || last.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Fatalf("the last one: %d with %q left", last.StatusCode, last.Header.Get("X-RateLimit-Remaining"))
	}
	last = w.as("", "GET", "/api/v1/statuses/1", "").want(429, `{"error": "Too many requests"}`)
	if last.Header.Get("X-RateLimit-Reset") == "" || last.Header.Get("X-RateLimit-Limit") != "300" {
		t.Errorf("headers = %v", last.Header)
	}
	// A header that the client writes itself changes nothing.
	w.send("", "GET", "/api/v1/statuses/1", "", http.Header{"X-Forwarded-For": {"203.0.113.5"}}).want(429, "")
}

func TestPanicIsAnswered(t *testing.T) {
	w := onSQLite(t)
	w.api.Log = slog.New(slog.DiscardHandler)
	h := w.api.frame(endpoint{pattern: "GET /x", run: func(*API, *Request) (any, error) { panic("boom") }})
	rec := httptest.NewRecorder()
	req, err := http.NewRequest("GET", "/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.RemoteAddr = "192.0.2.1:1"
	h.ServeHTTP(rec, req)
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), "Something went wrong on our side.") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// Pages fit together in both directions, and the Link header names them.
func TestPaging(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.follow("bob", "ann")
		var all []string
		for i := range 7 {
			all = append(all, w.post("ann", fmt.Sprintf("status=%d", i)))
		}
		slices.Reverse(all)
		page := func(path string) ([]string, map[string]string) {
			r := w.as("bob", "GET", path, "").want(200, "")
			links := map[string]string{}
			for _, part := range strings.Split(r.Header.Get("Link"), ", ") {
				at, rel, ok := strings.Cut(part, ">; rel=")
				if ok {
					u, err := url.Parse(strings.TrimPrefix(at, "<"))
					if err != nil || u.Host != "a.test" {
						t.Fatalf("link %q", part)
					}
					links[strings.Trim(rel, `"`)] = u.RequestURI()
				}
			}
			return r.ids(), links
		}
		for _, path := range []string{"/api/v1/timelines/home", "/api/v1/timelines/public"} {
			first, links := page(path + "?limit=3&local=true")
			second, links2 := page(links["next"])
			third, links3 := page(links2["next"])
			if got := slices.Concat(first, second, third); !slices.Equal(got, all) {
				t.Errorf("%s: pages = %v, want %v", path, got, all)
			}
			if !strings.Contains(links["next"], "local=true") || !strings.Contains(links["next"], "limit=3") {
				t.Errorf("%s: the link lost parameters: %s", path, links["next"])
			}
			if back, _ := page(links3["prev"]); !slices.Equal(back, second) {
				t.Errorf("%s: back from the third = %v, want %v", path, back, second)
			}
			if newer, _ := page(path + "?limit=3&since_id=" + all[5]); !slices.Equal(newer, all[:3]) {
				t.Errorf("%s: since_id = %v, want the newest %v", path, newer, all[:3])
			}
			if newer, _ := page(path + "?limit=3&min_id=" + all[5]); !slices.Equal(newer, all[2:5]) {
				t.Errorf("%s: min_id = %v, want the next %v", path, newer, all[2:5])
			}
			if none, links := page(path + "?min_id=" + all[0]); len(none) != 0 || len(links) != 0 {
				t.Errorf("%s: beyond the newest = %v, %v", path, none, links)
			}
		}
		w.as("bob", "GET", "/api/v1/timelines/home?limit=x", "").want(400, "")
	})
}
