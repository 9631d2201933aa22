package mastodon

import (
	"strings"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// crowd has a number of people do something.
func (w *world) crowd(n int, do func(name string)) {
	for _, name := range []string{"ann", "bob", "cid", "dan", "eva"}[:n] {
		do(name)
	}
}

func TestTrends(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.api.Pipeline
		p.Trends = pipeline.Trends{On: true}
		const page = "https://news.test/1"
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			return tx.SetCard(ctx, store.LinkID(page), &store.Card{URL: page, Type: "link", Title: "A story"}, true)
		})
		if err != nil {
			t.Fatal(err)
		}
		rank := func(at time.Time) {
			t.Helper()
			if err := p.RankTrends(ctx, at); err != nil {
				t.Fatal(err)
			}
		}
		w.crowd(4, func(name string) { w.post(name, "status=%23Moon "+page) })
		w.post("ann", "status=again %23moon")
		w.crowd(2, func(name string) { w.post(name, "status=%23Sun") })
		w.post("bob", "status=%23hidden&visibility=unlisted")
		liked := w.post("ann", "status=everybody likes it")
		w.crowd(4, func(name string) { w.as(name, "POST", "/api/v1/statuses/"+liked+"/favourite", "").want(200, "") })
		secret := w.post("ann", "status=warned&spoiler_text=careful")
		w.crowd(4, func(name string) { w.as(name, "POST", "/api/v1/statuses/"+secret+"/favourite", "").want(200, "") })

		w.as("", "GET", "/api/v1/trends/tags", "").want(200, `[]`)
		rank(p.Now())
		tags := `[{"name": "Moon", "history": [{"uses": "5", "accounts": "4"}, {"uses": "0"}, {}, {}, {}, {}, {}]}]`
		w.as("", "GET", "/api/v1/trends/tags", "").want(200, tags)
		w.as("", "GET", "/api/v1/trends", "").want(200, tags)
		w.as("", "GET", "/api/v1/trends/tags?offset=1", "").want(200, `[]`)
		w.as("", "GET", "/api/v1/trends/tags?offset=x", "").want(400, "")
		w.as("", "GET", "/api/v1/trends?offset=-1", "").want(400, "")
		w.as("bob", "GET", "/api/v1/tags/sun", "").want(200, `{"history": [{"uses": "2", "accounts": "2"}, {}, {}, {}, {}, {}, {}]}`)
		w.as("bob", "GET", "/api/v1/tags/hidden", "").want(200, `{"history": [{"uses": "0"}, {}, {}, {}, {}, {}, {}]}`)
		w.as("", "GET", "/api/v1/trends/links", "").want(200, `[{"url": "https://news.test/1", "title": "A story", "history": [{"uses": "4", "accounts": "4"}, {}, {}, {}, {}, {}, {}]}]`)
		w.as("", "GET", "/api/v1/trends/links?limit=x", "").want(400, "")
		if got := w.as("", "GET", "/api/v1/trends/statuses", "").want(200, "").ids(); len(got) != 1 || got[0] != liked {
			t.Errorf("posts that trend: %v, want %s", got, liked)
		}
		w.as("", "GET", "/api/v1/trends/statuses?offset=x", "").want(400, "")
		w.as("ann", "POST", "/api/v1/accounts/"+itoa(w.person("bob").ID)+"/block", "").want(200, "")
		w.as("bob", "GET", "/api/v1/trends/statuses", "").want(200, `[]`)

		// What nobody goes on with is forgotten.
		rank(p.Now().Add(60 * time.Hour))
		for _, what := range []string{"tags", "links", "statuses"} {
			w.as("", "GET", "/api/v1/trends/"+what, "").want(200, `[]`)
		}
		rank(p.Now().Add(9 * 24 * time.Hour))
		if used, err := w.db.MostUsed(ctx, store.TrendTag, store.DayNumber(p.Now()), 0); err != nil || len(used) != 0 {
			t.Errorf("counters after a week: %v, %v", used, err)
		}
	})
}

func TestTrendReview(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.api.Pipeline
		p.Trends = pipeline.Trends{On: true, Review: true}
		w.staff("mod", "moderator")
		const page = "https://www.news.test/1"
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			return tx.SetCard(ctx, store.LinkID(page), &store.Card{URL: page, Type: "link", Title: "A story"}, true)
		})
		if err != nil {
			t.Fatal(err)
		}
		w.crowd(4, func(name string) { w.post(name, "status=%23moon "+page) })
		liked := w.post("ann", "status=everybody likes it")
		w.crowd(4, func(name string) { w.as(name, "POST", "/api/v1/statuses/"+liked+"/favourite", "").want(200, "") })
		if err := p.RankTrends(ctx, p.Now()); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"tags", "links", "statuses"} {
			w.as("", "GET", "/api/v1/trends/"+what, "").want(200, `[]`)
			w.asStaff("mod", "GET", "/api/v1/admin/trends/"+what+"?limit=x", "").want(400, "")
		}
		review := func(path, want string, shown string, after string) {
			t.Helper()
			w.asStaff("mod", "POST", "/api/v1/admin/trends/"+path+"/reject", "").want(200, "")
			w.as("", "GET", "/api/v1/trends/"+shown, "").want(200, `[]`)
			w.asStaff("mod", "POST", "/api/v1/admin/trends/"+path+"/approve", "").want(200, want)
			w.as("", "GET", "/api/v1/trends/"+shown, "").want(200, after)
		}
		tag := w.asStaff("mod", "GET", "/api/v1/admin/trends/tags", "").want(200, `[{"name": "moon", "trendable": false, "requires_review": true, "usable": true}]`).ids()[0]
		review("tags/"+tag, `{"name": "moon", "trendable": true, "requires_review": false}`, "tags", `[{"name": "moon"}]`)
		link := w.asStaff("mod", "GET", "/api/v1/admin/trends/links", "").want(200, `[{"title": "A story", "requires_review": true}]`).ids()[0]
		review("links/"+link, `{"title": "A story", "requires_review": false}`, "links", `[{"title": "A story"}]`)
		w.asStaff("mod", "GET", "/api/v1/admin/trends/statuses", "").want(200, `[{"id": "`+liked+`"}]`)
		review("statuses/"+liked, `{"id": "`+liked+`"}`, "statuses", `[{"id": "`+liked+`"}]`)

		host := w.asStaff("mod", "GET", "/api/v1/admin/trends/links/publishers", "").want(200, `[{"domain": "news.test", "requires_review": true}]`).ids()[0]
		w.asStaff("mod", "POST", "/api/v1/admin/trends/links/publishers/"+host+"/reject", "").want(200, `{"trendable": false, "requires_review": false}`)
		w.as("", "GET", "/api/v1/trends/links", "").want(200, `[{"title": "A story"}]`) // The link itself was approved.
		w.asStaff("mod", "POST", "/api/v1/admin/trends/links/publishers/"+host+"/approve", "").want(200, `{"trendable": true}`)
		for _, path := range []string{"tags/5", "links/5", "links/publishers/5", "statuses/5"} {
			w.asStaff("mod", "POST", "/api/v1/admin/trends/"+path+"/approve", "").want(404, "")
			w.asStaff("mod", "POST", "/api/v1/admin/trends/"+path+"/reject", "").want(404, "")
		}
		if body := string(w.asStaff("mod", "GET", "/api/v1/admin/trends/links", "").want(200, "").body); !strings.Contains(body, `"id":`) {
			t.Error("links have no id")
		}
	})
}
