package fedtest

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"kenoma/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// friends are Bob on b.test and Ann on a.test, whom he follows.
func friends(t *testing.T) (w *World, ann, bob *User) {
	t.Helper()
	w = New(t, "a.test", "b.test")
	ann, bob = w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	return w, ann, bob
}

// only returns the single status of a list.
func only(t *testing.T, list []Status) Status {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d statuses, want 1: %+v", len(list), list)
	}
	return list[0]
}

func TestFollowAndPost(t *testing.T) {
	w, ann, bob := friends(t)
	if n := ann.Notifications(); len(n) != 1 || n[0].Type != "follow" || n[0].Account.Acct != "bob@b.test" {
		t.Errorf("Ann's notifications = %+v, want Bob's follow", n)
	}
	ann.Post("Good **morning** #Kenoma", "public")
	w.Settle()
	got := only(t, bob.Home())
	if got.Account.Acct != "ann@a.test" || !strings.Contains(got.Content, "morning") || got.Visibility != "public" || len(got.Tags) != 1 {
		t.Errorf("Bob's home = %+v, want Ann's post", got)
	}
}

func TestPrivatePostReachesFollowerAlone(t *testing.T) {
	w, ann, bob := friends(t)
	cat := w.User("cat@b.test")
	post := ann.Post("Just us", "private")
	w.Settle()
	got := only(t, bob.Home())
	if got.Visibility != "private" {
		t.Errorf("visibility %s, want private", got.Visibility)
	}
	if code := cat.Call("GET", "/api/v1/statuses/"+got.ID, nil, nil); code != http.StatusNotFound {
		t.Errorf("Cat, who does not follow, gets %d, want 404", code)
	}
	if _, ok := cat.See(post.URI); ok {
		t.Error("Cat finds the private post by its address")
	}
}

func TestDirectMessage(t *testing.T) {
	w, ann, bob := friends(t)
	cat := w.User("cat@b.test")
	cat.Follow(ann)
	w.Settle()
	ann.Post("@bob@b.test a secret", "direct")
	w.Settle()
	n := bob.Notifications()
	if len(n) != 1 || n[0].Type != "mention" || n[0].Status.Visibility != "direct" {
		t.Fatalf("Bob's notifications = %+v, want the mention", n)
	}
	if got := cat.Home(); len(got) != 0 {
		t.Errorf("Cat sees %+v", got)
	}
	if code := cat.Call("GET", "/api/v1/statuses/"+n[0].Status.ID, nil, nil); code != http.StatusNotFound {
		t.Errorf("Cat gets %d for the message, want 404", code)
	}
}

func TestLocalOnlyStays(t *testing.T) {
	w, ann, bob := friends(t)
	dan := w.User("dan@a.test")
	post := ann.Post("Among us", "local")
	w.Settle()
	if got := bob.Home(); len(got) != 0 {
		t.Errorf("Bob, on another server, sees %+v", got)
	}
	if _, ok := bob.See(post.URI); ok {
		t.Error("Bob finds the local-only post by its address")
	}
	if code := dan.Call("GET", "/api/v1/statuses/"+post.ID, nil, nil); code != http.StatusOK {
		t.Errorf("Dan, on the same server, gets %d", code)
	}
	if code := ann.Server.Call("", "GET", "/api/v1/statuses/"+post.ID, nil, nil); code != http.StatusNotFound {
		t.Errorf("nobody in particular gets %d, want 404", code)
	}
}

func TestReplyFavouriteBoost(t *testing.T) {
	w, ann, bob := friends(t)
	ann.Post("What do you think?", "public")
	w.Settle()
	seen := only(t, bob.Home())
	bob.Post("@ann@a.test A lot!", "public", "in_reply_to_id", seen.ID)
	bob.Call("POST", "/api/v1/statuses/"+seen.ID+"/favourite", nil, nil)
	bob.Call("POST", "/api/v1/statuses/"+seen.ID+"/reblog", nil, nil)
	w.Settle()
	kinds := map[string]int{}
	for _, n := range ann.Notifications() {
		kinds[n.Type]++
	}
	if kinds["mention"] != 1 || kinds["favourite"] != 1 || kinds["reblog"] != 1 {
		t.Errorf("Ann is told %v, want a mention, a favourite and a reblog", kinds)
	}
	got := ann.Get("/api/v1/accounts/" + ann.Find("ann@a.test").ID + "/statuses")[0]
	if got.Favourites != 1 || got.Boosts != 1 || got.Replies != 1 {
		t.Errorf("counts %d %d %d, want 1 each", got.Favourites, got.Boosts, got.Replies)
	}
	var thread struct{ Ancestors, Descendants []Status }
	ann.Call("GET", "/api/v1/statuses/"+got.ID+"/context", nil, &thread)
	if len(thread.Descendants) != 1 || !strings.Contains(thread.Descendants[0].Content, "A lot!") {
		t.Errorf("thread = %+v", thread)
	}
	bob.Call("POST", "/api/v1/statuses/"+seen.ID+"/unfavourite", nil, nil)
	bob.Call("POST", "/api/v1/statuses/"+seen.ID+"/unreblog", nil, nil)
	w.Settle()
	var after Status
	ann.Call("GET", "/api/v1/statuses/"+got.ID, nil, &after)
	if after.Favourites != 0 || after.Boosts != 0 {
		t.Errorf("after undoing: %d favourites, %d boosts", after.Favourites, after.Boosts)
	}
}

func TestEditAndDelete(t *testing.T) {
	w, ann, bob := friends(t)
	post := ann.Post("Teh post", "public")
	w.Settle()
	w.Advance(time.Minute)
	ann.Call("PUT", "/api/v1/statuses/"+post.ID, url.Values{"status": {"The post"}}, nil)
	w.Settle()
	got := only(t, bob.Home())
	if !strings.Contains(got.Content, "The post") || got.EditedAt == nil {
		t.Errorf("after the edit Bob sees %q, edited %v", got.Content, got.EditedAt)
	}
	var history []struct{ Content string }
	bob.Call("GET", "/api/v1/statuses/"+got.ID+"/history", nil, &history)
	if len(history) != 2 || !strings.Contains(history[0].Content, "Teh") {
		t.Errorf("history = %+v, want two versions", history)
	}
	ann.Call("DELETE", "/api/v1/statuses/"+post.ID, nil, nil)
	w.Settle()
	if got := bob.Home(); len(got) != 0 {
		t.Errorf("after the deletion Bob sees %+v", got)
	}
}

func TestPoll(t *testing.T) {
	w, ann, bob := friends(t)
	ann.Post("Tea or coffee?", "public", "poll[options][]", "Tea", "poll[options][]", "Coffee", "poll[expires_in]", "600")
	w.Settle()
	seen := only(t, bob.Home())
	if seen.Poll == nil || len(seen.Poll.Options) != 2 {
		t.Fatalf("Bob sees no poll: %+v", seen)
	}
	bob.Call("POST", "/api/v1/polls/"+seen.Poll.ID+"/votes", url.Values{"choices[]": {"1"}}, nil)
	w.Settle()
	w.Advance(2 * time.Minute)
	w.Settle() // The tallies are sent around.
	var p Poll
	bob.Call("GET", "/api/v1/polls/"+seen.Poll.ID, nil, &p)
	if !p.Voted || p.Votes != 1 || p.Options[1].Votes == nil || *p.Options[1].Votes != 1 {
		t.Errorf("Bob's view of the poll = %+v", p)
	}
	w.Advance(20 * time.Minute)
	w.Settle()
	bob.Call("GET", "/api/v1/polls/"+seen.Poll.ID, nil, &p)
	if !p.Expired {
		t.Errorf("the poll is still open: %+v", p)
	}
	for _, u := range []*User{ann, bob} {
		n := u.Notifications()
		if len(n) == 0 || n[0].Type != "poll" {
			t.Errorf("%s is not told of the end: %+v", u.Handle(), n)
		}
	}
}

func TestLockedAccount(t *testing.T) {
	w := New(t, "a.test", "postgres:b.test")
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	ann.Call("PATCH", "/api/v1/accounts/update_credentials", url.Values{"locked": {"true"}}, nil)
	bob.Follow(ann)
	w.Settle()
	var asking []Account
	ann.Call("GET", "/api/v1/follow_requests", nil, &asking)
	if len(asking) != 1 {
		t.Fatalf("requests = %+v, want Bob's", asking)
	}
	ann.Post("Not yet", "public")
	w.Settle()
	if got := bob.Home(); len(got) != 0 {
		t.Errorf("before the answer Bob sees %+v", got)
	}
	ann.Call("POST", "/api/v1/follow_requests/"+asking[0].ID+"/authorize", nil, nil)
	w.Settle()
	ann.Post("Welcome", "private")
	w.Settle()
	got := bob.Home()
	if len(got) == 0 || !strings.Contains(got[0].Content, "Welcome") {
		t.Errorf("after the answer Bob sees %+v", got)
	}
}

func TestBlockEndsFollows(t *testing.T) {
	w, ann, bob := friends(t)
	ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob@b.test").ID+"/block", nil, nil)
	w.Settle()
	ann.Post("Without Bob", "public")
	w.Settle()
	if got := bob.Home(); len(got) != 0 {
		t.Errorf("blocked Bob sees %+v", got)
	}
	var rel []struct {
		Following bool
		BlockedBy bool `json:"blocked_by"`
	}
	bob.Call("GET", "/api/v1/accounts/relationships", url.Values{"id[]": {bob.Find("ann@a.test").ID}}, &rel)
	if len(rel) != 1 || rel[0].Following {
		t.Errorf("Bob's relationship = %+v, want none", rel)
	}
}

// TestThreeServers has a reply reach the followers of both sides, and its parent
// fetched by who did not know it.
func TestThreeServers(t *testing.T) {
	w := New(t, "a.test", "b.test", "c.test")
	ann, bob, cat := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cat@c.test")
	cat.Follow(bob)
	bob.Follow(ann)
	w.Settle()
	ann.Post("The beginning", "public")
	w.Settle()
	bob.Call("POST", "/api/v1/statuses/"+only(t, bob.Home()).ID+"/reblog", nil, nil)
	w.Settle()
	got := only(t, cat.Home())
	if got.Reblog == nil || got.Reblog.Account.Acct != "ann@a.test" || !strings.Contains(got.Reblog.Content, "The beginning") {
		t.Errorf("Cat sees %+v, want the boost of what she did not know", got)
	}
	bob.Post("@ann@a.test and so on", "public", "in_reply_to_id", only(t, bob.Home()[:1]).ID)
	w.Settle()
}

// TestKilledAndBack has a server away while it is written to.
func TestKilledAndBack(t *testing.T) {
	w, ann, bob := friends(t)
	w.Server("b.test").Down()
	ann.Post("While you were away", "public")
	w.Settle()
	w.Server("b.test").Up()
	for range 40 { // Retries are minutes apart at first.
		w.Advance(10 * time.Minute)
		w.Settle()
		if len(bob.Home()) > 0 {
			break
		}
	}
	only(t, bob.Home())
}
