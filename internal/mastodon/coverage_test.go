package mastodon

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kenoma/internal/mastodon/contract"
	"kenoma/internal/pgtest"
)

// called is which documented methods the tests of this package called, by name, with a
// success and with an error.
var called = struct {
	sync.Mutex
	succeeded, failed map[string]bool
}{succeeded: map[string]bool{}, failed: map[string]bool{}}

// counting notes which method a request calls, and how it ended.
func counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names := []string{contract.Named(r.Method, r.URL.Path)}
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			names = append(names, contract.Named("WS", r.URL.Path))
			note(names, http.StatusSwitchingProtocols)
		}
		next.ServeHTTP(&noted{ResponseWriter: w, names: names}, r)
	})
}

// note records how calls ended.
func note(names []string, status int) {
	called.Lock()
	defer called.Unlock()
	for _, name := range names {
		if status < 400 {
			called.succeeded[name] = true
		} else {
			called.failed[name] = true
		}
	}
}

// noted notes the status as soon as it is sent: streams go on for long.
type noted struct {
	http.ResponseWriter
	names []string
	sent  bool
}

func (n *noted) WriteHeader(status int) {
	if !n.sent {
		n.sent = true
		note(n.names, status)
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(b []byte) (int, error) {
	if !n.sent {
		n.sent = true
		note(n.names, http.StatusOK)
	}
	return n.ResponseWriter.Write(b)
}

func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// elsewhere are the documented methods that other packages serve, with where they are
// tested with a success and an error.
var elsewhere = map[string]string{
	"POST /api/v1/apps":                           "internal/auth",
	"GET /api/v1/apps/verify_credentials":         "internal/auth",
	"GET /oauth/authorize":                        "internal/auth, internal/pages",
	"POST /oauth/token":                           "internal/auth",
	"POST /oauth/revoke":                          "internal/auth",
	"GET /oauth/userinfo":                         "internal/auth",
	"POST /oauth/userinfo":                        "internal/auth",
	"GET /.well-known/oauth-authorization-server": "internal/auth",
	"GET /.well-known/webfinger":                  "internal/activitypub",
	"GET /.well-known/host-meta":                  "internal/activitypub",
	"GET /.well-known/nodeinfo":                   "internal/activitypub",
	"GET /.well-known/change-password":            "internal/pages",
	"GET /health":                                 "web/e2e, as every start waits for it",
}

// differs are the methods that answer otherwise than Mastodon does, and why.
var differing = map[string]string{
	"GET /api/v1/annual_reports":                    "There are no reports, as on a Mastodon server that has them off.",
	"GET /api/v1/annual_reports/:year":              "There are no reports, as on a Mastodon server that has them off.",
	"GET /api/v1/annual_reports/:year/state":        "There are no reports, as on a Mastodon server that has them off.",
	"POST /api/v1/annual_reports/:year/read":        "There are no reports, as on a Mastodon server that has them off.",
	"POST /api/v1/annual_reports/:year/generate":    "There are no reports, as on a Mastodon server that has them off.",
	"GET /api/v1/accounts/:id/identity_proofs":      "There are none any more, as in Mastodon since 3.5.",
	"POST /api/v1/collections":                      "Collections hold people of this server and don't federate yet.",
	"POST /api/v1/collections/:collection_id/items": "Collections hold people of this server and don't federate yet.",
	"GET /api/v1/timelines/link":                    "Takes any link that has a preview card, not only trending ones.",
	"GET /api/v1/statuses/:id/card":                 "404 where there is no card; Mastodon 2 answered {}.",
}

// infallible are the methods that can't fail but by the limits that all have: they
// need no token and take no parameters that could be wrong.
var infallible = map[string]bool{
	"GET /api/v1/accounts":                      true,
	"GET /api/v1/custom_emojis":                 true,
	"GET /api/v1/instance/extended_description": true,
	"GET /api/v1/instance/privacy_policy":       true,
	"GET /api/v1/instance/rules":                true,
	"GET /api/v1/statuses":                      true,
	"GET /api/v1/streaming/health":              true,
	"GET /api/v2/instance":                      true,
}

// coverage is the report: a row per documented method.
func coverage() (report string, problems []string) {
	have := map[string]bool{"WS /api/v1/streaming": true}
	for _, e := range endpoints {
		method, path, _ := strings.Cut(e.pattern, " ")
		have[method+" "+generic(path)] = true
	}
	var b strings.Builder
	b.WriteString("# Coverage of the client API\n\nMade by the tests of `internal/mastodon` from the routes and the table of Mastodon's methods (4.6). *Works* means: tested with a success and with an error, and every answer in the tests held against the documented entity.\n\n| method | |\n| --- | --- |\n")
	for _, m := range contract.Methods() {
		if strings.HasPrefix(m.Marker, "removed") && !have[m.Verb+" "+generic(m.Path)] {
			fmt.Fprintf(&b, "| `%s` | not offered: %s |\n", m.Name(), m.Marker)
			continue
		}
		why, where := differing[m.Name()], elsewhere[m.Name()]
		switch {
		case where == "" && !have[m.Verb+" "+generic(m.Path)]:
			fmt.Fprintf(&b, "| `%s` | missing |\n", m.Name())
			problems = append(problems, m.Name()+" is missing")
		case why != "":
			fmt.Fprintf(&b, "| `%s` | differs: %s |\n", m.Name(), why)
		default:
			fmt.Fprintf(&b, "| `%s` | works |\n", m.Name())
		}
	}
	return b.String(), problems
}

// generic is a path with a colon for each of its parameters.
func generic(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") || strings.HasPrefix(p, "{") {
			parts[i] = ":"
		}
	}
	return strings.Join(parts, "/")
}

// TestCoverage holds docs/api-coverage.md against the routes. UPDATE=1 writes it.
func TestCoverage(t *testing.T) {
	report, problems := coverage()
	for _, p := range problems {
		t.Error(p)
	}
	file := filepath.Join("..", "..", "docs", "api-coverage.md")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != report {
		t.Errorf("%s is out of date: run UPDATE=1 go test ./internal/mastodon -run TestCoverage", file)
	}
}

// untested are the methods of this package that no test called with a success, or with
// an error.
func untested() []string {
	var all []string
	for _, m := range contract.Methods() {
		name := m.Name()
		if elsewhere[name] != "" || strings.HasPrefix(m.Marker, "removed") {
			continue
		}
		if !called.succeeded[name] && differing[name] == "" {
			all = append(all, name+" with a success")
		}
		if !called.failed[name] && !infallible[name] {
			all = append(all, name+" with an error")
		}
	}
	slices.Sort(all)
	return all
}

// TestMain wants every method called, where all tests ran.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	pgtest.Stop()
	whole := true
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		whole = whole && flag.Lookup(name).Value.String() == ""
	}
	if missing := untested(); code == 0 && whole && !testing.Short() && len(missing) > 0 {
		fmt.Printf("No test calls\n  %s\n", strings.Join(missing, "\n  "))
		code = 1
	}
	os.Exit(code)
}
