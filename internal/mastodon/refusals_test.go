package mastodon

import (
	"bufio"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kenoma/internal/markup"
)

var parameter = regexp.MustCompile(`\{\w+\}`)

// TestWithoutToken calls every method that needs a token without one, with one that is
// none, with an app's where it must be a person's, and with too few scopes.
func TestWithoutToken(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	few := w.token("ann", "profile")
	for _, e := range endpoints {
		if !e.access.token {
			continue
		}
		method, path, _ := strings.Cut(parameter.ReplaceAllString(e.pattern, "9"), " ")
		t.Run(e.pattern, func(t *testing.T) {
			w.t = t
			w.send("", method, path, "", nil).want(http.StatusUnauthorized, `{"error": "The access token is invalid"}`)
			w.send("no-such-token", method, path, "", nil).want(http.StatusUnauthorized, `{}`)
			enough := len(e.access.scopes) == 0
			for _, s := range e.access.scopes {
				enough = enough || s == "profile"
			}
			if !enough && e.raw == nil {
				w.send(few, method, path, "", nil).want(http.StatusForbidden, `{"error": "This action is outside the authorized scopes"}`)
			}
		})
	}
}

// TestPublicRefusals are wrong calls of methods that anybody may use.
func TestPublicRefusals(t *testing.T) {
	w := onSQLite(t)
	for _, tt := range []struct {
		path   string
		status int
	}{
		{"/api/v1/accounts/9/followers", 404},
		{"/api/v1/accounts/9/following", 404},
		{"/api/v1/accounts/9/statuses", 404},
		{"/api/v1/accounts/9/endorsements", 404},
		{"/api/v1/accounts/9/featured_tags", 404},
		{"/api/v1/9/collections", 404},
		{"/api/v1/tags/no%20tag", 404},
		{"/api/v1/statuses/9/reblogged_by", 404},
		{"/api/v1/statuses/9/favourited_by", 404},
		{"/api/v1/timelines/public?max_id=none", 400},
		{"/api/v1/timelines/tag/cats?max_id=none", 400},
	} {
		t.Run(tt.path, func(t *testing.T) {
			w.t = t
			w.as("", "GET", tt.path, "").want(tt.status, `{}`)
		})
	}
}

// TestReadOne reads single things that lists hold.
func TestReadOne(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	status := w.post("ann", "status=cats")
	list := w.as("ann", "POST", "/api/v1/lists", "title=Friends").want(200, "").id()
	w.as("ann", "GET", "/api/v1/lists/"+list, "").want(200, `{"title": "Friends"}`)
	v1 := w.as("ann", "POST", "/api/v1/filters", "phrase=dogs&context[]=home").want(200, "").id()
	w.as("ann", "GET", "/api/v1/filters/"+v1, "").want(200, `{"phrase": "dogs", "context": ["home"]}`)
	v2 := w.as("ann", "POST", "/api/v2/filters", "title=Cats&context[]=home&keywords_attributes[][keyword]=cats").want(200, "").id()
	w.as("ann", "GET", "/api/v2/filters/"+v2, "").want(200, `{"title": "Cats", "keywords": [{"keyword": "cats"}]}`)
	keyword := w.as("ann", "POST", "/api/v2/filters/"+v2+"/keywords", "keyword=kittens&whole_word=true").want(200, "").id()
	w.as("ann", "GET", "/api/v2/filters/keywords/"+keyword, "").want(200, `{"keyword": "kittens", "whole_word": true}`)
	filtered := w.as("ann", "POST", "/api/v2/filters/"+v2+"/statuses", "status_id="+status).want(200, "").id()
	w.as("ann", "GET", "/api/v2/filters/statuses/"+filtered, "").want(200, `{"status_id": "`+status+`"}`)
	w.as("bob", "GET", "/api/v1/accounts/"+w.id("ann")+"/identity_proofs", "").want(200, `[]`)
	for _, path := range []string{"/api/v1/lists/", "/api/v1/filters/", "/api/v2/filters/", "/api/v2/filters/keywords/", "/api/v2/filters/statuses/"} {
		w.as("bob", "GET", path+list, "").want(404, `{"error": "Record not found"}`)
	}
}

// TestEveryStream opens each stream as server-sent events.
func TestEveryStream(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	list := w.as("ann", "POST", "/api/v1/lists", "title=Friends").want(200, "").id()
	for _, c := range channels {
		if c.path == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			query := map[string]string{"tag": "?tag=" + markup.FoldTag("Cats"), "list": "?list=" + list}[c.param]
			req, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/api/v1/streaming"+c.path+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+w.token("ann", "read"))
			res, err := w.server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			line, err := bufio.NewReader(res.Body).ReadString('\n')
			if err != nil || res.StatusCode != 200 || line != ":)\n" || res.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
				t.Errorf("%d %q begins with %q, %v", res.StatusCode, res.Header.Get("Content-Type"), line, err)
			}
		})
	}
	res, err := w.server.Client().Get(w.server.URL + "/api/v1/streaming/health")
	if err != nil || res.StatusCode != 200 {
		t.Errorf("health: %v, %v", res, err)
	}
	res.Body.Close()
}
