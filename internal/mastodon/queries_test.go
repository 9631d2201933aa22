package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// mostQueries is what a page may cost.
const mostQueries = 6

// costly are the methods that may take more, with how many, and why.
var costly = map[string]struct {
	most int
	why  string
}{
	"GET /api/v2/search":              {10, "Three pages in one: accounts, posts, tags. With a type it takes no more than others."},
	"GET /api/v1/search":              {7, "As v2."},
	"GET /api/v2/admin/accounts":      {8, "For moderators: what is private to an account, its addresses and who invited it stand in tables of their own."},
	"GET /api/v1/admin/accounts":      {8, "As v2."},
	"GET /api/v1/admin/accounts/{id}": {7, "As the list."},
	"GET /api/v1/admin/reports":       {7, "For moderators: reports hold such accounts."},
	"GET /api/v1/admin/reports/{id}":  {8, "As the list, and the report is looked for first."},
}

// busy is a world in which ann has a page of everything.
type busy struct {
	*world
	ids map[string]string // What stands for {id} below a path.
}

// perPage is how much of everything there is.
const perPage = 20

// TestQueriesPerPage calls every method that reads. None takes more than a few
// queries, however much there is, and none asks another server.
func TestQueriesPerPage(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	storetest.Each(t, store.Options{Observe: func(text string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(text, "SELECT") || strings.HasPrefix(text, "WITH") { // Others note who was here.
			sent = append(sent, text)
		}
	}}, func(t *testing.T, db *store.DB) {
		b := newBusy(t, db)
		asked := 0
		b.api.Pipeline.Remote = remote.New(remote.Options{Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return nil, errors.New("nobody is to be asked: " + addr)
		}})
		called := 0
		for _, e := range endpoints {
			method, path, _ := strings.Cut(e.pattern, " ")
			if method != "GET" || e.raw != nil || strings.HasSuffix(path, "/export") { // That is no JSON.
				continue
			}
			called++
			for i, path := range b.asks(path) {
				first := b.asStaff("ann", "GET", path, "") // Fills the caches.
				b.answers(e.pattern, path, first)
				mu.Lock()
				sent = nil
				mu.Unlock()
				b.asStaff("ann", "GET", path, "")
				mu.Lock()
				if n, most := len(sent), max(mostQueries, costly[e.pattern].most); n > most || i > 0 && n > mostQueries {
					t.Errorf("%s takes %d queries:\n%s", path, n, strings.Join(sent, "\n"))
				} else if i == 0 && most > mostQueries && n < most {
					t.Errorf("%s takes %d queries, it needs no exception for %d", path, n, most)
				}
				mu.Unlock()
			}
		}
		if called < 100 {
			t.Errorf("only %d methods were called", called)
		}
		mu.Lock()
		defer mu.Unlock()
		if asked > 0 {
			t.Errorf("other servers were asked %d times", asked)
		}
	})
}

// asks are the addresses of a method; of a search also those of each kind.
func (b *busy) asks(path string) []string {
	all := []string{b.fill(path)}
	if strings.HasSuffix(path, "/search") && !strings.Contains(path, "accounts") {
		all = append(all, all[0]+"&type=accounts", all[0]+"&type=statuses", all[0]+"&type=hashtags")
	}
	return all
}

// answers checks that a method has something to tell.
func (b *busy) answers(pattern, path string, r *response) {
	b.t.Helper()
	if r.StatusCode != 200 && !slices.Contains(refused, pattern) {
		b.t.Errorf("%s answers %d: %.200s", path, r.StatusCode, r.body)
	}
	var list []json.RawMessage
	if json.Unmarshal(r.body, &list) == nil && len(list) == 0 && !slices.Contains(short, pattern) {
		b.t.Errorf("%s is empty", path)
	}
}

// refused are methods that answer otherwise than with 200 here: what they ask for
// is not in this world. None of them returns a list.
var refused = []string{
	"GET /api/kenoma/v1/admin/blocklists/why", "GET /api/v1/instance/domain_blocks", "GET /api/kenoma/v1/admin/inspect", "GET /api/v1/annual_reports/{year}",
	"GET /api/v1/annual_reports/{year}/state", "GET /api/v1/kenoma/admin/hosts/{host}", "GET /api/v1/media/{id}", "GET /api/oembed", "GET /api/v1/push/subscription",
	"GET /api/v1_alpha/async_refreshes/{id}", "GET /api/v1/statuses/{id}/card", "GET /api/v1/pleroma/admin/reports/{id}", "GET /api/v1/instance/terms_of_service",
	"GET /api/v1/instance/terms_of_service/{date}", "GET /api/v1/timelines/link",
}

// short are lists that are empty here: of what admins set, of what trends only after
// days, and of what never is.
var short = []string{
	"GET /api/kenoma/v1/admin/blocklists", "GET /api/kenoma/v1/admin/blocklists/{id}", "GET /api/kenoma/v1/admin/blocklists/plan",
	"GET /api/v1/admin/email_domain_blocks", "GET /api/v1/admin/email_domain_blocks/{id}", "GET /api/v1/admin/canonical_email_blocks", "GET /api/v1/admin/canonical_email_blocks/{id}",
	"GET /api/v1/admin/ip_blocks", "GET /api/v1/admin/ip_blocks/{id}", "GET /api/v1/admin/domain_blocks", "GET /api/v1/admin/domain_blocks/{id}",
	"GET /api/v1/admin/domain_allows", "GET /api/v1/admin/domain_allows/{id}", "GET /api/v1/admin/trends/links/publishers", "GET /api/v1/admin/trends/statuses",
	"GET /api/v1/admin/trends/tags", "GET /api/v1/admin/trends/links", "GET /api/v1/trends", "GET /api/v1/trends/tags", "GET /api/v1/trends/links", "GET /api/v1/trends/statuses",
	"GET /api/v1/custom_emojis", "GET /api/kenoma/v1/invites", "GET /api/kenoma/v1/admin/accounts/{id}/notes", "GET /api/v1/kenoma/warnings", "GET /api/v1/kenoma/admin/appeals",
	"GET /api/v1/accounts/{id}/identity_proofs", "GET /api/v2/suggestions", "GET /api/v1/suggestions",
}

func newBusy(t *testing.T, db *store.DB) *busy {
	t.Helper()
	b := &busy{newWorld(t, db), map[string]string{}}
	b.staff("ann", "owner")
	b.people()
	b.posts()
	b.belongings()
	return b
}

func (b *busy) do(who, method, path, form string) *response {
	b.t.Helper()
	return b.asStaff(who, method, path, form).want(200, "")
}

// people: who follow and are followed, ask, are blocked, muted, on lists.
func (b *busy) people() {
	ann := b.id("ann")
	b.ids["accounts"], b.ids["admin/accounts"], b.ids["pleroma/accounts"] = ann, ann, ann
	list := b.do("ann", "POST", "/api/v1/lists", "title=Friends").id()
	b.ids["lists"] = list
	var put []string
	for i := range perPage {
		name := fmt.Sprintf("p%d", i)
		b.follow(name, "ann")
		b.follow("ann", name)
		put = append(put, "account_ids[]="+b.id(name))
		b.do("ann", "POST", "/api/v1/accounts/"+b.id(name)+"/pin", "")
		b.do("ann", "POST", "/api/v1/accounts/"+b.id(fmt.Sprintf("blocked%d", i))+"/block", "")
		b.do("ann", "POST", "/api/v1/accounts/"+b.id(fmt.Sprintf("muted%d", i))+"/mute", "")
		b.do("ann", "POST", "/api/v1/domain_blocks", fmt.Sprintf("domain=d%d.test", i))
	}
	b.do("ann", "POST", "/api/v1/lists/"+list+"/accounts", strings.Join(put, "&"))
	for i := range perPage - 1 {
		b.do("ann", "POST", "/api/v1/lists", fmt.Sprintf("title=l%d", i))
	}
	b.follow("p0", "p1")
	b.follow("p1", "p2")
	b.do("ann", "PATCH", "/api/v1/accounts/update_credentials", "locked=true")
	for i := range perPage {
		b.follow(fmt.Sprintf("asks%d", i), "ann")
	}
}

// posts of everybody, and what happens to one of ann's.
func (b *busy) posts() {
	main := b.post("ann", "status=Tea+%23tea")
	b.ids["statuses"], b.ids["pleroma/statuses"] = main, main
	b.do("ann", "PUT", "/api/v1/statuses/"+main, "status=More+tea+%23tea")
	b.ids["polls"] = "" // Set below: an id of a poll is its post's.
	for i := range perPage {
		who := fmt.Sprintf("p%d", i)
		at := "/api/v1/statuses/" + main
		b.do(who, "POST", at+"/favourite", "")
		b.do(who, "POST", at+"/reblog", "")
		b.do(who, "PUT", reactions(main, "🍵"), "")
		b.post(who, "status=@ann+yes+%23tea&in_reply_to_id="+main)
		b.post(who, "status=Look&quoted_status_id="+main)
		b.post(who, "status=@ann+psst&visibility=direct")
		poll := b.post(who, "status=Which+%23tea&poll[options][]=a&poll[options][]=b&poll[expires_in]=3600")
		if i == 0 {
			var st struct{ Poll struct{ ID string } }
			if err := json.Unmarshal(b.as("ann", "GET", "/api/v1/statuses/"+poll, "").body, &st); err != nil {
				b.t.Fatal(err)
			}
			b.ids["polls"] = st.Poll.ID
		}
		b.do("ann", "POST", "/api/v1/statuses/"+poll+"/favourite", "")
		b.do("ann", "POST", "/api/v1/statuses/"+poll+"/bookmark", "")
		far := b.stranger(fmt.Sprintf("far%d", i), fmt.Sprintf("far%d.test", i))
		uri := string(far.URI) + "/notes/1"
		b.arrives(far.Host, map[string]any{"id": uri + "#create", "type": "Create", "actor": string(far.URI), "to": []string{"as:Public"}, "object": map[string]any{
			"id": uri, "type": "Note", "attributedTo": string(far.URI), "to": []string{"as:Public"}, "content": "<p>Far</p>", "inReplyTo": "https://a.test/objects/" + main,
			"tag":        []map[string]any{{"type": "Hashtag", "name": "#tea"}, {"type": "Mention", "href": string(b.person("ann").URI)}},
			"attachment": []map[string]any{{"type": "Image", "mediaType": "image/png", "url": "https://" + far.Host + "/p.png"}}}})
		b.post("ann", fmt.Sprintf("status=Number+%d+%%23tag%d", i, i))
	}
	b.do("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=filter")
	for i := range perPage {
		b.post(fmt.Sprintf("x%d", i), "status=@ann+who+are+you")
	}
}

// belongings are what ann alone has.
func (b *busy) belongings() {
	ctx := b.t.Context()
	for i := range perPage {
		filter := b.do("ann", "POST", "/api/v2/filters", fmt.Sprintf("title=f%d&context[]=home&context[]=notifications&keywords_attributes[][keyword]=word%d", i, i)).id()
		if i == 0 {
			b.ids["filters"] = filter
			b.do("ann", "POST", "/api/v2/filters/"+filter+"/statuses", "status_id="+b.ids["statuses"])
		}
		b.do("ann", "POST", fmt.Sprintf("/api/v1/tags/tag%d/follow", i), "")
		b.do("ann", "POST", "/api/v1/pleroma/scrobble", fmt.Sprintf("title=Song+%d", i))
		scheduled := b.do("ann", "POST", "/api/v1/statuses", "status=later&scheduled_at="+url.QueryEscape(b.in(time.Hour+time.Duration(i)*time.Minute))).id()
		b.ids["scheduled_statuses"] = scheduled
		a := &store.Announcement{Text: fmt.Sprintf("News %d :blob:", i)}
		if err := b.api.Pipeline.Announce(ctx, a); err != nil {
			b.t.Fatal(err)
		}
		report := b.do("p0", "POST", "/api/v1/reports", "account_id="+b.id("p1")+"&comment=look")
		b.ids["admin/reports"] = report.id()
	}
	for i := range 5 {
		b.do("ann", "POST", "/api/v1/featured_tags", fmt.Sprintf("name=tag%d", i))
		b.do("ann", "POST", "/api/v1/statuses/"+b.post("ann", "status=pinned")+"/pin", "")
		made := b.do("ann", "POST", "/api/v1/collections", fmt.Sprintf(`{"name": "c%d", "account_ids": [%q]}`, i, b.id("p0")))
		b.ids["collections"], _ = collectionOf(b.t, made)
	}
	b.api.Pipeline.Trends = pipeline.Trends{On: true}
	if err := b.api.Pipeline.RankTrends(ctx, b.api.Now()); err != nil {
		b.t.Fatal(err)
	}
	b.tally()
}

// fill puts what there is into the places of a path.
func (b *busy) fill(path string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(path, "/api/"), "v1/"), "v2/"), "kenoma/v1/")
	place, _, _ := strings.Cut(rest, "/{")
	id := b.ids[place]
	switch {
	case strings.HasPrefix(rest, "{id}/"):
		id = b.ids["accounts"]
	case strings.HasPrefix(rest, "notifications/{id}"):
		id = b.as("ann", "GET", "/api/v1/notifications?limit=1", "").ids()[0]
	case strings.HasPrefix(rest, "notifications/requests/{id}"):
		id = b.as("ann", "GET", "/api/v1/notifications/requests?limit=1", "").ids()[0]
	case strings.HasPrefix(rest, "filters/keywords"):
		id = b.as("ann", "GET", "/api/v2/filters/"+b.ids["filters"]+"/keywords", "").ids()[0]
	case strings.HasPrefix(rest, "filters/statuses"):
		id = b.as("ann", "GET", "/api/v2/filters/"+b.ids["filters"]+"/statuses", "").ids()[0]
	case path == "/api/v1/accounts/{id}/lists":
		id = b.id("p1")
	case path == "/api/v1/filters/{id}":
		id = b.as("ann", "GET", "/api/v1/filters", "").ids()[0]
	}
	group := ""
	if strings.Contains(path, "{group_key}") {
		var g struct {
			Groups []struct {
				Key string `json:"group_key"`
			} `json:"notification_groups"`
		}
		if err := json.Unmarshal(b.as("ann", "GET", "/api/v2/notifications", "").body, &g); err != nil {
			b.t.Fatal(err)
		}
		group = g.Groups[0].Key
	}
	path = strings.NewReplacer("{id}", id, "{list_id}", b.ids["lists"], "{hashtag}", "tea", "{name}", "tea", "{emoji}", "%F0%9F%8D%B5", "{group_key}", group).Replace(path)
	switch place {
	case "search":
		path += "?q=tea"
	case "accounts/search":
		path += "?q=p"
	case "accounts/lookup":
		path += "?acct=p1"
	case "accounts", "statuses", "accounts/relationships", "accounts/familiar_followers":
		if !strings.Contains(rest, "{") {
			several := b.ids[strings.Split(place, "/")[0]]
			path += "?id[]=" + several + "&id[]=" + b.id("p1")
		}
	case "markers":
		path += "?timeline[]=home"
	}
	return path
}
