package mastodon

import (
	"context"
	"strings"
	"testing"

	"kenoma/internal/store"
)

func TestCard(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		eve := w.stranger("eve", "b.test")
		keep := func(c *store.Card) {
			t.Helper()
			if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.SetCard(ctx, store.LinkID(c.URL), c, true) }); err != nil {
				t.Fatal(err)
			}
		}
		keep(&store.Card{URL: "https://v.test/1", Type: "video", Title: "A film", Embed: `https://v.test/e?a="1"&b`, Width: 640, Height: 360, Published: 1714521600000,
			Author: "Eve", AuthorURL: "https://v.test/eve", Creator: "eve@b.test", Authors: []store.CardAuthor{{Actor: eve.ID}}})
		keep(&store.Card{URL: "https://p.test/1", Type: "photo", Title: "A photo", Image: "https://p.test/1.jpg", Width: 10, Height: 20, Author: "Somebody"})

		film := w.post("ann", "status=@ann look #film https://v.test/1 https://p.test/1")
		got := w.as("bob", "GET", "/api/v1/statuses/"+film, "").want(200, `{"card": {"url": "https://v.test/1", "type": "video", "title": "A film", "width": 640, "missing_attribution": false,
			"published_at": "1714521600", "authors": [{"name": "Eve", "account": {"acct": "eve@b.test"}}]}}`)
		if !strings.Contains(string(got.body), `sandbox=`) || !strings.Contains(string(got.body), `e?a=&#34;1&#34;&amp;b`) {
			t.Errorf("the frame is not as it must be: %s", got.body)
		}
		photo := w.post("ann", "status=https://p.test/1")
		w.as("", "GET", "/api/v1/statuses/"+photo+"/card", "").want(200, `{"type": "photo", "image": "https://a.test/proxy/p.test/1.jpg",
			"embed_url": "https://a.test/proxy/p.test/1.jpg", "authors": [{"name": "Somebody", "account": null}], "missing_attribution": null}`)
		w.as("ann", "PUT", "/api/v1/statuses/"+photo, "status=no link any more").want(200, `{"card": null}`)
		w.as("ann", "GET", "/api/v1/statuses/"+photo+"/card", "").want(404, "")
		again := w.post("bob", "status=Again: https://v.test/1")
		if got := w.as("", "GET", "/api/v1/timelines/link?url=https://v.test/1", "").want(200, "").ids(); len(got) != 2 || got[0] != again || got[1] != film {
			t.Errorf("posts with the link: %v, want %s and %s", got, again, film)
		}
		w.as("", "GET", "/api/v1/timelines/link?url=https://v.test/2", "").want(404, "")
		w.as("", "GET", "/api/v1/timelines/link", "").want(400, "")
		hidden := w.post("ann", "status=https://p.test/1&visibility=direct")
		w.as("bob", "GET", "/api/v1/statuses/"+hidden+"/card", "").want(404, `{"error": "Record not found"}`)
	})
}
