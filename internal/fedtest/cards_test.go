package fedtest

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

type card struct {
	URL, Title, Type, HTML, Image string
	Authors                       []struct {
		Name    string
		Account *struct{ Acct string }
	}
}

// TestCards has posts here and elsewhere show what the page that they link to says:
// it is fetched once by each server, in a job.
func TestCards(t *testing.T) {
	w := New(t, "a.test", "postgres:b.test")
	var asked atomic.Int32
	w.Host("news.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/story" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		rw.Write([]byte(`<title>A story</title><meta property="og:image" content="/cat.png"><meta name="fediverse:creator" content="@ann@a.test">` + strings.Repeat("<p>filler</p>", 200_000)))
	}))
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()

	ann.Call("PATCH", "/api/v1/accounts/update_credentials", url.Values{"attribution_domains[]": {"news.test"}}, nil)
	w.Settle()
	first := ann.Post("See http://news.test/story #news @bob@b.test", "public")
	second := ann.Post("Again: http://news.test/story", "public")
	none := ann.Post("Gone: http://news.test/nothing", "public")
	w.Settle()
	for range 3 { // Remote posts wait a random while, then the queue may back off.
		w.Advance(10 * time.Minute)
		w.Settle()
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("the pages were fetched %d times, want each once by each server", n)
	}
	for _, id := range []string{first.ID, second.ID} {
		var got struct{ Card *card }
		ann.Call("GET", "/api/v1/statuses/"+id, nil, &got)
		if got.Card == nil || got.Card.Title != "A story" || got.Card.URL != "http://news.test/story" || !strings.Contains(got.Card.Image, "/proxy/") {
			t.Errorf("card of Ann's post: %+v", got.Card)
		} else if len(got.Card.Authors) != 1 || got.Card.Authors[0].Account == nil || got.Card.Authors[0].Account.Acct != "ann" {
			t.Errorf("authors of the page: %+v, want Ann, who lets it name her", got.Card.Authors)
		}
	}
	var home []struct {
		ID   string
		Card *card
	}
	bob.Call("GET", "/api/v1/timelines/home", nil, &home)
	if len(home) != 3 || home[1].Card == nil || home[2].Card == nil || home[1].Card.Title != "A story" {
		t.Fatalf("Bob's home: %+v", home)
	}
	if home[0].Card != nil {
		t.Errorf("a page that is not there has the card %+v", home[0].Card)
	}
	var alone card
	bob.Call("GET", "/api/v1/statuses/"+home[1].ID+"/card", nil, &alone)
	if alone.Title != "A story" {
		t.Errorf("the card alone: %+v", alone)
	}
	if status := bob.Call("GET", "/api/v1/statuses/"+none.ID+"0/card", nil, nil); status != 404 {
		t.Errorf("the card of no post: %d, want 404", status)
	}
}
