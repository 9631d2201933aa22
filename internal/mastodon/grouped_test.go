package mastodon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// groups are the keys and counts of an answer with groups.
type groups struct {
	Accounts []struct{ ID, Username string }
	Partial  []struct{ ID, Acct string } `json:"partial_accounts"`
	Statuses []struct{ ID string }
	Groups   []struct {
		Key     string `json:"group_key"`
		Count   int    `json:"notifications_count"`
		Type    string
		Newest  int64    `json:"most_recent_notification_id"`
		PageMin string   `json:"page_min_id"`
		PageMax string   `json:"page_max_id"`
		Samples []string `json:"sample_account_ids"`
		Status  string   `json:"status_id"`
	} `json:"notification_groups"`
}

func (r *response) groups() *groups {
	r.t.Helper()
	r.want(200, "")
	var g groups
	if err := json.Unmarshal(r.body, &g); err != nil {
		r.t.Fatal(err)
	}
	return &g
}

// line is a short form: type×count …
func (g *groups) line() string {
	var all []string
	for _, one := range g.Groups {
		all = append(all, fmt.Sprintf("%s×%d", one.Type, one.Count))
	}
	return strings.Join(all, " ")
}

// notified adds a notification of an hour of a long gone day.
func (w *world) notified(owner, kind, by, status string, at time.Duration, n int64) store.Notification {
	w.t.Helper()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	row := store.Notification{Owner: w.person(owner).ID, ID: day.Add(at).UnixMilli()<<16 + n, Kind: store.KindNamed(kind), Actor: w.person(by).ID}
	if status != "" {
		id, err := parseID(status)
		if err != nil {
			w.t.Fatal(err)
		}
		row.Status = id
	}
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.RestoreNotification(w.t.Context(), row)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

func TestGroupedNotifications(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		one, two := w.post("ann", "status=one"), w.post("ann", "status=two")
		w.notified("ann", "follow", "dan", "", time.Hour, 0)
		w.notified("ann", "favourite", "bob", one, 2*time.Hour, 0)
		w.notified("ann", "favourite", "cid", one, 3*time.Hour, 0)
		w.notified("ann", "favourite", "bob", two, 4*time.Hour, 0)
		w.notified("ann", "favourite", "dan", one, 5*time.Hour, 0)
		mention := w.post("bob", "status=@ann+hi")
		w.notified("ann", "reblog", "bob", one, 6*time.Hour, 0)
		w.notified("ann", "favourite", "eve", one, 13*time.Hour, 0) // Another half of the day.
		all := w.as("ann", "GET", "/api/v2/notifications", "").groups()
		if got := all.line(); got != "mention×1 favourite×1 reblog×1 favourite×3 favourite×1 follow×1" {
			t.Fatalf("groups: %s", got)
		}
		big := all.Groups[3]
		if want := []string{w.id("dan"), w.id("cid"), w.id("bob")}; !slices.Equal(big.Samples, want) || big.Status != one {
			t.Errorf("the group is %+v, want accounts %v", big, want)
		}
		if all.Groups[0].Key != fmt.Sprintf("ungrouped-%d", all.Groups[0].Newest) || all.Groups[0].Status != mention {
			t.Errorf("the mention is %+v", all.Groups[0])
		}
		if len(all.Accounts) != 4 || len(all.Statuses) != 3 {
			t.Errorf("%d accounts and %d statuses, want each once: 4 and 3", len(all.Accounts), len(all.Statuses))
		}
		for _, tt := range []struct{ query, want string }{
			{"limit=2", "mention×1 favourite×1"},
			{"types[]=favourite", "favourite×1 favourite×3 favourite×1"},
			{"exclude_types[]=favourite&exclude_types[]=mention", "reblog×1 follow×1"},
			{"account_id=" + w.id("bob"), "mention×1 reblog×1 favourite×1 favourite×1"},
			{"grouped_types[]=follow&types[]=favourite", "favourite×1 favourite×1 favourite×1 favourite×1 favourite×1"},
			{"types[]=nonsense", ""},
		} {
			if got := w.as("ann", "GET", "/api/v2/notifications?"+tt.query, "").groups().line(); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
			}
			if got := w.as("ann", "GET", "/api/v2_alpha/notifications?"+tt.query, "").groups().line(); got != tt.want {
				t.Errorf("v2_alpha %s: %q, want %q", tt.query, got, tt.want)
			}
		}
		half := w.as("ann", "GET", "/api/v2/notifications?expand_accounts=partial_avatars", "").groups()
		if len(half.Accounts)+len(half.Partial) != 4 || len(half.Partial) != 1 || half.Partial[0].Acct != "cid" {
			t.Errorf("partial: %d full, %+v", len(half.Accounts), half.Partial)
		}
		w.as("ann", "GET", "/api/v2/notifications?expand_accounts=none", "").want(400, `{}`)
		w.as("", "GET", "/api/v2/notifications", "").want(401, `{}`)
		w.send(w.token("ann", "read:statuses"), "GET", "/api/v2/notifications", "", nil).want(403, `{}`)

		for _, version := range []string{"v2", "v2_alpha"} {
			base := "/api/" + version + "/notifications/"
			if got := w.as("ann", "GET", base+big.Key, "").groups(); got.line() != "favourite×3" || got.Groups[0].PageMin != "" || len(got.Accounts) != 3 {
				t.Errorf("%s: %+v", version, got)
			}
			for _, bad := range []string{"nonsense", "favourite-1", "favourite-x-5", "follow--1", "mention-5", "ungrouped-5", "favourite-" + two + "-1"} {
				w.as("ann", "GET", base+bad, "").want(404, `{}`)
			}
			w.as("bob", "GET", base+big.Key, "").want(404, `{}`)
			w.as("ann", "GET", base+"unread_count", "").want(200, `{"count": 6}`)
			w.as("ann", "GET", base+"unread_count?limit=2", "").want(200, `{"count": 2}`)
			w.as("ann", "GET", base+"unread_count?types[]=favourite", "").want(200, `{"count": 3}`)
			w.as("", "GET", base+"unread_count", "").want(401, `{}`)
			w.as("", "POST", base+big.Key+"/dismiss", "").want(401, `{}`)
			w.as("ann", "POST", base+"nonsense/dismiss", "").want(404, `{}`)
		}
		w.as("ann", "GET", "/api/v2/notifications/"+big.Key+"/accounts", "").want(200, `[{"username": "dan"}, {"username": "cid"}, {"username": "bob"}]`)
		w.as("ann", "GET", "/api/v2/notifications/nonsense/accounts", "").want(404, `{}`)
		w.as("ann", "GET", "/api/v1/notifications?types[]=favourite&limit=2", "").want(200, `[{"account": {"username": "eve"}}, {"account": {"username": "dan"}, "group_key": "`+big.Key+`"}]`)

		w.as("ann", "POST", "/api/v2/notifications/"+big.Key+"/dismiss", "").want(200, `{}`)
		w.as("ann", "POST", "/api/v2_alpha/notifications/"+all.Groups[0].Key+"/dismiss", "").want(200, `{}`)
		if got := w.as("ann", "GET", "/api/v2/notifications", "").groups().line(); got != "favourite×1 reblog×1 favourite×1 follow×1" {
			t.Errorf("after dismissing: %s", got)
		}
		w.as("ann", "GET", "/api/v2/notifications/"+big.Key, "").want(404, `{}`)
		w.as("ann", "POST", "/api/v1/accounts/"+w.id("bob")+"/mute", "").want(200, "")
		if got := w.as("ann", "GET", "/api/v2/notifications", "").groups().line(); got != "favourite×1 follow×1" {
			t.Errorf("with Bob muted: %s", got)
		}
	})
}

// Pages go on where the last one ended, both ways, and count what is beyond them.
func TestGroupedPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		var posts []string
		for i := range 3 {
			posts = append(posts, w.post("ann", fmt.Sprintf("status=%d", i)))
		}
		for i := range 9 { // Posts 0 1 2 0 1 2 0 1 2, upwards.
			w.notified("ann", "favourite", fmt.Sprintf("fan%d", i/3), posts[i%3], 2*time.Hour+time.Duration(i)*time.Minute, 0)
		}
		first := w.as("ann", "GET", "/api/v2/notifications?limit=2", "")
		g := first.groups()
		if g.line() != "favourite×3 favourite×3" || g.Groups[0].Status != posts[2] || g.Groups[1].Status != posts[1] {
			t.Fatalf("the first page: %+v", g)
		}
		if g.Groups[0].PageMin != g.Groups[0].PageMax {
			t.Errorf("the page has one notification of its first group: %+v", g.Groups[0])
		}
		link := first.Header.Get("Link")
		if !strings.Contains(link, "max_id="+g.Groups[1].PageMin) || !strings.Contains(link, "min_id="+g.Groups[0].PageMax) {
			t.Errorf("Link: %s", link)
		}
		next := w.as("ann", "GET", "/api/v2/notifications?limit=1&max_id="+g.Groups[1].PageMin, "").groups()
		if next.line() != "favourite×3" || next.Groups[0].Status != posts[0] {
			t.Errorf("the second page: %+v", next)
		}
		up := w.as("ann", "GET", "/api/v2/notifications?limit=1&min_id="+next.Groups[0].PageMax, "").groups()
		if len(up.Groups) != 1 || up.Groups[0].Status != posts[1] || up.Groups[0].Count != 3 {
			t.Errorf("the page above: %+v", up)
		}
		since := w.as("ann", "GET", "/api/v2/notifications?since_id="+g.Groups[1].PageMin, "").groups()
		if len(since.Groups) != 1 || since.Groups[0].Status != posts[2] {
			t.Errorf("since: %+v", since)
		}
	})
}

func TestGroupKeys(t *testing.T) {
	at := time.Date(2026, 3, 1, 11, 59, 59, 0, time.UTC)
	id := at.UnixMilli()<<16 + 7
	for _, n := range []store.Notification{{ID: id, Kind: store.KindNamed("favourite"), Status: 12}, {ID: id, Kind: store.KindNamed("follow")},
		{ID: id, Kind: store.KindNamed("admin.sign_up")}, {ID: id, Kind: store.KindNamed("mention"), Status: 12}} {
		key := groupKey(&n)
		_, page, err := parseGroupKey(key)
		if err != nil || page.Since >= id || page.Max <= id {
			t.Errorf("%s: %+v, %v; want a range with %d", key, page, err, id)
		}
	}
	start := vocab.TimeOf(spanStart(id))
	if want := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC); !start.Equal(want) {
		t.Errorf("the span begins at %v, want %v", start, want)
	}
}

// A group larger than one transaction goes away in pieces; its number is right on
// any page.
func TestLargeGroup(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.person("ann").ID
		const n = 450
		first := w.notified("ann", "follow", "bob", "", time.Hour, 0)
		err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			for i := range int64(n - 1) {
				row := first
				row.ID += i + 1
				if _, err := tx.RestoreNotification(t.Context(), row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		g := w.as("ann", "GET", "/api/v2/notifications", "").groups()
		if g.line() != fmt.Sprintf("follow×%d", n) || len(g.Groups[0].Samples) != 1 {
			t.Fatalf("groups: %s %+v", g.line(), g.Groups)
		}
		w.as("ann", "GET", "/api/v2/notifications/"+g.Groups[0].Key+"/accounts", "").want(200, `[{"username": "bob"}]`)
		w.as("ann", "GET", "/api/v2/notifications/unread_count", "").want(200, `{"count": 1}`)
		w.as("ann", "GET", "/api/v1/notifications/unread_count?limit=300", "").want(200, `{"count": 300}`)
		w.as("ann", "POST", "/api/v2/notifications/"+g.Groups[0].Key+"/dismiss", "").want(200, `{}`)
		if got := w.as("ann", "GET", "/api/v2/notifications", "").groups().line(); got != fmt.Sprintf("follow×%d", n-dismissChunk) {
			t.Errorf("after the first piece: %s", got)
		}
		payload, err := json.Marshal(dismissJob{ann, g.Groups[0].Key})
		if err != nil {
			t.Fatal(err)
		}
		if rows := storetest.Dump(t, w.db, "SELECT kind FROM jobs WHERE kind = 'dismiss'"); len(rows) != 1 {
			t.Errorf("jobs for the rest: %v", rows)
		}
		if err := w.api.dismissAll(t.Context(), store.Job{Payload: payload}); err != nil {
			t.Fatal(err)
		}
		if got := w.as("ann", "GET", "/api/v2/notifications", "").groups().line(); got != "" {
			t.Errorf("after all: %s", got)
		}
	})
}

// A page costs few queries, however much is on it. Reports, warnings and severances
// are rare: each kind of them costs one or two more.
func TestNotificationQueries(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	storetest.Each(t, store.Options{Observe: func(text string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(text, "SELECT") { // Others note who was here.
			sent = append(sent, text)
		}
	}}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.as("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=accept&for_private_mentions=filter").want(200, "")
		for i := range 6 {
			post := w.post("ann", fmt.Sprintf("status=%d&poll[options][]=a&poll[options][]=b&poll[expires_in]=300", i))
			for j := range 3 {
				who := fmt.Sprintf("fan%d", j)
				w.notified("ann", "favourite", who, post, time.Duration(i)*time.Hour, int64(j))
				w.post(who, "status=@ann+hi")
				w.post(who, "status=@ann+psst&visibility=direct")
			}
		}
		for _, path := range []string{"/api/v1/notifications", "/api/v2/notifications", "/api/v2/notifications?expand_accounts=partial_avatars&limit=80", "/api/v1/notifications/requests",
			"/api/v2/notifications/unread_count", "/api/v1/notifications/unread_count", "/api/v2/notifications/policy"} {
			w.as("ann", "GET", path, "").want(200, "") // Fills the caches.
			mu.Lock()
			sent = nil
			mu.Unlock()
			w.as("ann", "GET", path, "").want(200, "")
			mu.Lock()
			if len(sent) > 6 {
				t.Errorf("%s takes %d queries:\n%s", path, len(sent), strings.Join(sent, "\n"))
			}
			mu.Unlock()
		}
	})
}
