package fedtest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// quoteOf is what the person's server says of the quote in a post.
func (u *User) quoteOf(id string) (state, content string) {
	u.w.t.Helper()
	var s struct {
		Quote *struct {
			State  string
			Status *Status `json:"quoted_status"`
		}
	}
	u.Call("GET", "/api/v1/statuses/"+id, nil, &s)
	if s.Quote == nil {
		return "", ""
	}
	if s.Quote.Status != nil {
		content = s.Quote.Status.Content
	}
	return s.Quote.State, content
}

// TestQuoteAcrossServers has Bob quote Ann, whose server permits it; Cat, on a third
// server, checks the permission; then Ann takes it back.
func TestQuoteAcrossServers(t *testing.T) {
	w := New(t, "a.test", "postgres:b.test", "c.test")
	ann, bob, cat := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cat@c.test")
	bob.Follow(ann)
	cat.Follow(bob)
	cat.Follow(ann)
	w.Settle()
	post := ann.Post("Quotable words", "public")
	w.Settle()
	quote := bob.Post("Look at this", "public", "quoted_status_id", only(t, bob.Home()).ID)
	if state, _ := bob.quoteOf(quote.ID); state != "pending" {
		t.Errorf("before the answer Bob's quote is %q, want pending", state)
	}
	w.Settle()

	if n := ann.Notifications(); n[0].Type != "quote" || n[0].Status == nil || !strings.Contains(n[0].Status.Content, "Look at this") {
		t.Errorf("Ann is told %+v, want the quote", n[0])
	}
	seen := map[*User]string{bob: quote.ID}
	for _, u := range []*User{ann, cat} {
		s, ok := u.See(quote.URI)
		if !ok {
			t.Fatalf("%s does not see the quote", u.Handle())
		}
		if strings.Contains(s.Content, "RE:") {
			t.Errorf("%s sees %q, want no line for those who don't show quotes", u.Handle(), s.Content)
		}
		seen[u] = s.ID
	}
	for u, id := range seen {
		if state, content := u.quoteOf(id); state != "accepted" || !strings.Contains(content, "Quotable words") {
			t.Errorf("for %s the quote is %q with %q", u.Handle(), state, content)
		}
	}
	var counted struct {
		Quotes int `json:"quotes_count"`
	}
	ann.Call("GET", "/api/v1/statuses/"+post.ID, nil, &counted)
	if counted.Quotes != 1 {
		t.Errorf("%d quotes counted, want 1", counted.Quotes)
	}

	ann.Call("POST", "/api/v1/statuses/"+post.ID+"/quotes/"+seen[ann]+"/revoke", url.Values{}, &json.RawMessage{})
	w.Settle()
	for u, id := range seen {
		if state, content := u.quoteOf(id); state != "revoked" || content != "" {
			t.Errorf("after it was taken back the quote is %q with %q for %s", state, content, u.Handle())
		}
	}
}

// TestQuoteRefused has a policy change between what Bob's server knows and his asking.
func TestQuoteRefused(t *testing.T) {
	w, ann, bob := friends(t)
	ann.Post("Mine", "public")
	w.Settle()
	post := only(t, bob.Home())
	w.Server("b.test").Down()
	ann.Call("PUT", "/api/v1/statuses/"+post.URI[strings.LastIndex(post.URI, "/")+1:]+"/interaction_policy", url.Values{"quote_approval_policy": {"nobody"}}, &json.RawMessage{})
	w.Server("b.test").Up()
	quote := bob.Post("Look", "public", "quoted_status_id", post.ID)
	w.Settle()
	if state, content := bob.quoteOf(quote.ID); state != "rejected" || content != "" {
		t.Errorf("the refused quote is %q with %q", state, content)
	}
	var raw json.RawMessage
	if code := w.Server("a.test").Call("", "GET", "/quote_authorizations/1", nil, nil); code != 404 {
		t.Errorf("a permission that was never given: %d %s, want 404", code, raw)
	}
}
