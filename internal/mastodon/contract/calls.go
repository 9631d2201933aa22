package contract

import (
	"fmt"
	"net/url"
	"strings"
)

// call is a documented method: what it answers with.
type call struct {
	verb, returns string
	parts         []string // Of the path; those with a colon are any value.
}

// older are calls whose entity is documented still, and the method no longer, or
// under another verb.
//
// spec: masto:entities/V1_NotificationPolicy
var older = []call{
	{"GET", "V1::NotificationPolicy", split("/api/v1/notifications/policy")},
	{"PATCH", "V1::NotificationPolicy", split("/api/v1/notifications/policy")},
	{"PUT", "V1::NotificationPolicy", split("/api/v1/notifications/policy")},
	{"PUT", "NotificationPolicy", split("/api/v2/notifications/policy")},
}

func parseCalls(tsv string) []call {
	var calls []call
	for i, line := range strings.Split(strings.TrimSpace(tsv), "\n") {
		cells := strings.Split(line, "\t")
		if i == 0 || len(cells) < 8 {
			continue
		}
		calls = append(calls, call{verb: cells[0], returns: cells[7], parts: split(cells[1])})
	}
	return calls
}

func split(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// Returns is the type expression of a call's answer, and false where the call is
// not documented. path may have a query and a trailing slash.
func Returns(method, path string) (string, bool) {
	if u, err := url.Parse(path); err == nil {
		path = u.Path
	}
	parts := split(path)
	if n := len(parts); n == 5 && parts[2] == "accounts" && strings.HasSuffix(parts[4], "collections") {
		parts = append(parts[:2:2], parts[3:]...) // Documented without "accounts", asked for with it.
	}
	if s := strings.Join(parts, "/"); strings.HasPrefix(s, "api/v1/admin/trends/") && len(parts) > 5 {
		return trendReview(method, parts)
	}
	best, literal := "", -1
	for _, c := range load().calls {
		if n := c.match(method, parts); n > literal {
			best, literal = c.returns, n
		}
	}
	return best, literal >= 0
}

// trendReview is what Mastodon's methods to approve and reject trends answer with,
// which its reference lacks.
func trendReview(method string, parts []string) (string, bool) {
	last := parts[len(parts)-1]
	switch {
	case method == "GET" && last == "publishers":
		return "Any", true
	case method != "POST" || last != "approve" && last != "reject":
		return "", false
	case parts[4] == "tags":
		return "Admin::Tag", true
	case parts[4] == "statuses":
		return "Status", true
	case parts[5] == "publishers":
		return "Any", true
	}
	return "Trends::Link", true
}

// match returns how many parts of the path are the very words of the call, −1 when
// it is another call.
func (c *call) match(method string, parts []string) int {
	if c.verb != method || len(c.parts) != len(parts) {
		return -1
	}
	n := 0
	for i, p := range c.parts {
		switch {
		case strings.HasPrefix(p, ":"):
		case p == parts[i]:
			n++
		default:
			return -1
		}
	}
	return n
}

// undocumented are paths that belong to extensions, which have no table.
var undocumented = []string{"/api/kenoma/", "/api/pleroma/", "/api/v1/pleroma/", "/api/v1/akkoma/", "/api/v1/kenoma/", "/nodeinfo/"}

// CheckResponse tells whether body is what is documented for that call and status.
// Answers of 400 and above must be an Error or a ValidationError. What the
// documentation does not know is an error, except the paths of extensions.
func CheckResponse(method, path string, status int, body []byte) error {
	if status >= 400 {
		want := "ValidationError|Error"
		if strings.HasPrefix(path, "/api/v1/collections") {
			want = "CollectionValidationError|" + want
		}
		if err := Check(want, body); err != nil {
			return fmt.Errorf("%s %s: %d: %w", method, path, status, err)
		}
		return nil
	}
	if status == 304 || status >= 300 {
		return nil
	}
	for _, prefix := range undocumented {
		if strings.HasPrefix(path, prefix) || strings.Contains(path, "/emoji_reactions/") { // The last is Fedibird's.
			return nil
		}
	}
	returns, ok := Returns(method, path)
	switch {
	case !ok:
		return fmt.Errorf("%s %s is not documented", method, path)
	case returns == "Stream" || returns == "String" || returns == "Any":
		return nil // Not JSON.
	}
	if err := Check(returns, body); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Method is a row of the reference of methods.
type Method struct {
	Verb, Path string // GET, /api/v1/accounts/:id
	Marker     string // deprecated …, removed …, experimental
}

// Name is how the method is called: GET /api/v1/accounts/:id.
func (m Method) Name() string { return m.Verb + " " + m.Path }

// Methods returns the rows of the reference in their order.
func Methods() []Method {
	var all []Method
	for i, line := range strings.Split(strings.TrimSpace(apiTSV), "\n") {
		if cells := strings.Split(line, "\t"); i > 0 && len(cells) > 7 {
			all = append(all, Method{Verb: cells[0], Path: cells[1], Marker: cells[6]})
		}
	}
	return all
}

// Named returns which row a request calls; "" for none.
func Named(method, path string) string {
	parts := split(path)
	best, literal := "", -1
	for _, m := range Methods() {
		c := call{verb: m.Verb, parts: split(m.Path)}
		if n := c.match(method, parts); n > literal {
			best, literal = m.Name(), n
		}
	}
	return best
}
