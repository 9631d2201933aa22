package fedtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

type fieldsOnly struct {
	Fields []struct {
		Name, Value string
		VerifiedAt  *string `json:"verified_at"`
	}
}

// TestVerifiedLinks wants a link on a profile verified, here and on other servers, as
// long as the page links back, and no longer when the link is another one.
func TestVerifiedLinks(t *testing.T) {
	w, ann, bob := friends(t)
	var rel atomic.Value
	rel.Store("nofollow me")
	w.Host("home.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(rw, `<p>See <a rel="%s" href="%s/">me</a></p>`, rel.Load(), ann.Find("ann").URL)
	}))
	scheme, _, _ := strings.Cut(ann.Find("ann").URL, ":")
	set := func(link string) {
		t.Helper()
		form := url.Values{"fields_attributes[0][name]": {"Home"}, "fields_attributes[0][value]": {link}}
		if code := ann.Call("PATCH", "/api/v1/accounts/update_credentials", form, nil); code != http.StatusOK {
			t.Fatalf("update_credentials: %d", code)
		}
		w.Settle()
	}
	verified := func(u *User) bool {
		t.Helper()
		var got fieldsOnly
		u.Call("GET", "/api/v1/accounts/"+u.Find("ann@a.test").ID, nil, &got)
		return len(got.Fields) == 1 && got.Fields[0].VerifiedAt != nil
	}
	set(scheme + "://home.test/ann")
	if !verified(ann) || !verified(bob) {
		t.Errorf("verified at home: %t, elsewhere: %t, want both", verified(ann), verified(bob))
	}
	set(scheme + "://home.test/other and more")
	if verified(ann) || verified(bob) {
		t.Error("what is no link is shown as verified")
	}
	set(scheme + "://home.test/ann")
	rel.Store("nofollow")
	if err := w.Server("a.test").Pipeline.ScheduleCompaction(t.Context()); err != nil { // Which looks at old ones.
		t.Fatal(err)
	}
	w.Advance(8 * 24 * time.Hour)
	w.Settle()
	if verified(ann) {
		t.Error("still verified a week after the page stopped linking back")
	}
}

// TestFeaturedTagsFederate wants the tags of a profile shown on another server.
func TestFeaturedTagsFederate(t *testing.T) {
	w, ann, bob := friends(t)
	if code := ann.Call("POST", "/api/v1/featured_tags", url.Values{"name": {"Cats"}}, nil); code != http.StatusOK {
		t.Fatalf("featuring: %d", code)
	}
	path := "/api/v1/accounts/" + bob.Find("ann@a.test").ID + "/featured_tags"
	var got []struct{ Name, URL string }
	bob.Call("GET", path, nil, &got)
	if len(got) != 0 {
		t.Errorf("known before they were fetched: %+v", got)
	}
	w.Settle()
	bob.Call("GET", path, nil, &got)
	if len(got) != 1 || got[0].Name != "Cats" || !strings.HasSuffix(got[0].URL, "a.test/@ann/tagged/cats") {
		t.Errorf("Bob sees the tags %+v, want Cats", got)
	}
}
