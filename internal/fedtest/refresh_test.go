package fedtest

import (
	"net/http"
	"strings"
	"testing"
)

// TestRepliesAreFetched has Bob look at a thread of which his server knows the beginning
// alone.
func TestRepliesAreFetched(t *testing.T) {
	w := New(t, "a.test", "b.test", "c.test")
	ann, bob, cat := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cat@c.test")
	bob.Follow(ann)
	cat.Follow(ann)
	w.Settle()
	ann.Post("The beginning", "public")
	w.Settle()
	cat.Post("@ann@a.test an answer", "public", "in_reply_to_id", only(t, cat.Home()).ID)
	w.Settle()
	at := "/api/v1/statuses/" + only(t, bob.Home()).ID + "/context"
	var thread struct{ Descendants []Status }
	req, err := http.NewRequest("GET", bob.Server.web.URL+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = bob.Server.Host
	req.Header.Set("Authorization", "Bearer "+bob.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	id, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Mastodon-Async-Refresh"), `id="`), `"`)
	if id == "" {
		t.Fatalf("no refresh is told of: %v", resp.Header)
	}
	var state struct {
		Refresh struct{ Status string } `json:"async_refresh"`
	}
	bob.Call("GET", "/api/v1_alpha/async_refreshes/"+id, nil, &state)
	if state.Refresh.Status != "running" {
		t.Errorf("before the jobs ran the refresh is %s", state.Refresh.Status)
	}
	w.Settle()
	bob.Call("GET", "/api/v1_alpha/async_refreshes/"+id, nil, &state)
	bob.Call("GET", at, nil, &thread)
	if state.Refresh.Status != "finished" || len(thread.Descendants) != 1 || !strings.Contains(thread.Descendants[0].Content, "an answer") {
		t.Errorf("the refresh is %s, the thread %+v", state.Refresh.Status, thread)
	}
}
