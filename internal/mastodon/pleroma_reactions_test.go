package mastodon

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// reactions is the path of the reactions to a post.
func reactions(post, emoji string) string {
	path := "/api/v1/pleroma/statuses/" + post + "/reactions"
	if emoji != "" {
		path += "/" + url.PathEscape(emoji)
	}
	return path
}

// ownEmoji adds one of the instance's own emoji.
func (w *world) ownEmoji(name string) {
	w.t.Helper()
	err := w.db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.SetEmoji(context.Background(), &store.OwnEmoji{Shortcode: name, File: "emoji/" + name + ".png", Visible: true})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// strangeReaction has a stranger react with a custom emoji.
func (w *world) strangeReaction(who, host, post, content, more string) {
	w.t.Helper()
	actor := w.stranger(who, host)
	doc := fmt.Sprintf(`{"id":"%s#react/%s-%s","type":"EmojiReact","actor":%q,"object":"https://a.test/objects/%s","content":%q%s}`, actor.URI, post, url.QueryEscape(content), actor.URI, post, content, more)
	if err := w.api.Pipeline.ProcessDocument(context.Background(), []byte(doc), pipeline.Origin{Host: host}); err != nil {
		w.t.Fatal(err)
	}
}

func TestReactions(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.ownEmoji("kenoma")
		w.person("bob")
		post := w.post("ann", "status=cats")
		w.as("bob", "PUT", reactions(post, "❤"), "").want(200, `{"pleroma": {"emoji_reactions": [{"name": "❤️", "count": 1, "me": true, "url": null, "account_ids": ["`+itoa(w.person("bob").ID)+`"]}]}}`)
		w.as("bob", "PUT", reactions(post, "❤️"), "").want(200, `{"pleroma": {"emoji_reactions": [{"name": "❤️", "count": 1}]}}`)
		w.as("bob", "PUT", reactions(post, ":kenoma:"), "").want(200, `{"favourites_count": 0, "pleroma": {"emoji_reactions": [{}, {"name": "kenoma", "me": true, "url": "https://a.test/media/emoji/kenoma.png"}]}}`)
		w.strangeReaction("cat", "c.test", post, ":blob:", `,"tag":[{"type":"Emoji","id":"https://c.test/e/blob","name":":blob:","icon":{"type":"Image","url":"https://c.test/blob.png"}}]`)
		w.as("ann", "PUT", "/api/v1/statuses/"+post+"/emoji_reactions/:blob@c.test:", "").want(200,
			`{"pleroma": {"emoji_reactions": [{"name": "❤️", "me": false}, {"name": "kenoma"}, {"name": "blob@c.test", "count": 2, "me": true, "url": "https://a.test/proxy/c.test/blob.png"}]}}`)

		w.as("ann", "GET", reactions(post, ""), "").want(200, `[{"name": "❤️", "count": 1, "me": false, "accounts": [{"acct": "bob"}]}, {"name": "kenoma"},
			{"name": "blob@c.test", "count": 2, "me": true, "accounts": [{"acct": "cat@c.test"}, {"acct": "ann"}]}]`)
		w.as("", "GET", reactions(post, "kenoma"), "").want(200, `[{"name": "kenoma", "count": 1, "me": false, "accounts": [{"acct": "bob"}]}]`)
		w.as("", "GET", reactions(post, "🔥"), "").want(200, `[]`)

		w.as("ann", "GET", "/api/v1/notifications?types[]=pleroma:emoji_reaction", "").want(200, `[
			{"type": "pleroma:emoji_reaction", "emoji": "blob@c.test", "emoji_url": "https://a.test/proxy/c.test/blob.png", "account": {"acct": "cat@c.test"}, "status": {"id": "`+post+`"}, "pleroma": {"is_seen": false}},
			{"type": "pleroma:emoji_reaction", "emoji": "kenoma", "emoji_url": "https://a.test/media/emoji/kenoma.png"},
			{"type": "pleroma:emoji_reaction", "emoji": "❤️", "emoji_url": null, "account": {"acct": "bob"}}]`)
		w.as("ann", "GET", "/api/v2/notifications", "").want(200, `{"notification_groups": [{"type": "pleroma:emoji_reaction", "emoji": "blob@c.test", "emoji_url": "https://a.test/proxy/c.test/blob.png", "notifications_count": 1},
			{"emoji": "kenoma"}, {"emoji": "❤️"}]}`)

		w.as("bob", "DELETE", reactions(post, "❤"), "").want(200, `{"pleroma": {"emoji_reactions": [{"name": "kenoma"}, {"name": "blob@c.test"}]}}`)
		w.as("bob", "DELETE", reactions(post, "❤"), "").want(200, `{"pleroma": {"emoji_reactions": [{"name": "kenoma"}, {"name": "blob@c.test"}]}}`)
		w.as("bob", "DELETE", "/api/v1/statuses/"+post+"/emoji_reactions/kenoma", "").want(200, `{"pleroma": {"emoji_reactions": [{"name": "blob@c.test"}]}}`)
		w.as("ann", "GET", "/api/v1/notifications?types[]=pleroma:emoji_reaction", "").want(200, `[{"emoji": "blob@c.test"}]`)

		boost := w.as("bob", "POST", "/api/v1/statuses/"+post+"/reblog", "").want(200, "").id()
		w.as("ann", "GET", "/api/v1/statuses/"+boost, "").want(200, `{"reblog": {"pleroma": {"emoji_reactions": [{"name": "blob@c.test", "count": 2}]}}, "pleroma": {"emoji_reactions": [{"name": "blob@c.test"}]}}`)
		w.as("bob", "PUT", reactions(boost, "🔥"), "").want(200, `{"id": "`+post+`", "pleroma": {"emoji_reactions": [{}, {"name": "🔥", "count": 1, "me": true}]}}`)

		w.as("ann", "POST", "/api/v1/accounts/"+itoa(w.person("bob").ID)+"/block", "").want(200, "")
		w.as("ann", "GET", reactions(post, "🔥"), "").want(200, `[{"count": 1, "account_ids": [], "accounts": []}]`)
		w.as("bob", "PUT", reactions(post, "👀"), "").want(404, `{}`)
		w.as("ann", "DELETE", "/api/v1/statuses/"+post, "").want(200, "")
		w.as("ann", "GET", reactions(post, ""), "").want(404, `{}`)
	})
}

// What can't be a reaction, and to what nobody may react.
func TestReactionRefusals(t *testing.T) {
	w := onSQLite(t)
	w.person("bob")
	w.api.Pipeline.Reactions.MaxPerPost = 2
	post, hidden := w.post("ann", "status=cats"), w.post("ann", "status=mine&visibility=direct")
	for _, tt := range []struct {
		what, path string
		status     int
		want       string
	}{
		{"text", reactions(post, "hello"), 422, `{"error": "There is no such emoji: hello"}`},
		{"several emoji", reactions(post, "👍👍"), 422, `{}`},
		{"an emoji that we don't have", reactions(post, ":nothing:"), 422, `{}`},
		{"another server's that nobody used here", reactions(post, ":blob@c.test:"), 422, `{}`},
		{"a hidden post", reactions(hidden, "👍"), 404, `{}`},
		{"no post", reactions("9", "👍"), 404, `{}`},
		{"one", reactions(post, "👍"), 200, `{}`},
		{"two", reactions(post, "🎉"), 200, `{}`},
		{"too many", reactions(post, "🔥"), 422, `{"error": "You have already left the most reactions that are possible: 2."}`},
		{"one of them again", reactions(post, "🎉"), 200, `{}`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			w.t = t
			w.as("bob", "PUT", tt.path, "").want(tt.status, tt.want)
		})
	}
	w.t = t
	w.ownEmoji("kenoma")
	w.api.Pipeline.Reactions.NoCustom = true
	w.as("ann", "PUT", reactions(post, "kenoma"), "").want(422, `{"error": "Only emoji of Unicode can be used here."}`)
	w.as("bob", "GET", reactions(hidden, ""), "").want(404, `{}`)
	w.as("bob", "DELETE", reactions(hidden, "👍"), "").want(404, `{}`)
}

// A page with reactions costs one query more than one without.
func TestReactionQueries(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	storetest.Each(t, store.Options{Observe: func(text string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(text, "SELECT") {
			sent = append(sent, text)
		}
	}}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		count := func() int {
			w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, "")
			mu.Lock()
			sent = nil
			mu.Unlock()
			w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, "")
			mu.Lock()
			defer mu.Unlock()
			return len(sent)
		}
		var posts []string
		for i := range 20 {
			posts = append(posts, w.post("ann", fmt.Sprintf("status=%d", i)))
		}
		before := count()
		for _, post := range posts {
			for _, emoji := range []string{"👍", "🎉", "🔥"} {
				w.as("bob", "PUT", reactions(post, emoji), "").want(200, "")
			}
		}
		if after := count(); after != before+1 {
			t.Errorf("a page takes %d queries with reactions, %d without:\n%s", after, before, strings.Join(sent, "\n"))
		}
	})
}
