package contract

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every type that the tables name must parse, and every entity in it must exist.
func TestReferenceIsWhole(t *testing.T) {
	ref := load()
	if len(ref.nodes) < 100 || len(ref.calls) < 250 {
		t.Fatalf("%d entities and %d calls, want more", len(ref.nodes), len(ref.calls))
	}
	var walk func(where string, x *typ)
	walk = func(where string, x *typ) {
		switch x.kind {
		case "entity":
			if ref.nodes[x.name] == nil && x.name != "Stream" {
				t.Errorf("%s: no entity %s", where, x.name)
			}
		case "array", "map":
			walk(where, x.elem)
		case "alt":
			for _, a := range x.alts {
				walk(where, a)
			}
		}
	}
	for _, c := range ref.calls {
		x, err := parseType(c.returns)
		if err != nil {
			t.Errorf("%v: %v", c.parts, err)
			continue
		}
		walk(strings.Join(c.parts, "/"), x)
	}
	var keys func(n *node)
	keys = func(n *node) {
		for name, k := range n.keys {
			walk(n.name+"."+name, k.typ)
			if k.node != nil {
				keys(k.node)
			}
		}
	}
	for _, n := range ref.nodes {
		keys(n)
	}
}

const emoji = `{"shortcode": "blob", "url": "https://a.test/b.png", "static_url": "https://a.test/b.png", "visible_in_picker": true}`

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, returns, body string
		want                string // Part of the error; "" when the body is right.
	}{
		{"as documented", "CustomEmoji", emoji, ""},
		{"in a list", "Array of CustomEmoji", "[" + emoji + "," + emoji + "]", ""},
		{"an object for a list", "Array of CustomEmoji", emoji, "want an array"},
		{"a missing key", "StatusSource", `{"id": "1", "text": ""}`, `lacks "spoiler_text"`},
		{"an unknown key", "StatusSource", `{"id": "1", "text": "", "spoiler_text": "", "x": 1}`, `"x", which is not documented`},
		{"our own key", "StatusSource", `{"id": "1", "text": "", "spoiler_text": "", "pleroma": {"any": 1}}`, ""},
		{"a number as id", "StatusSource", `{"id": 1, "text": "", "spoiler_text": ""}`, "want String"},
		{"an id that is too large", "StatusSource", `{"id": "99999999999999999999", "text": "", "spoiler_text": ""}`, "no id"},
		{"null where a string must be", "StatusSource", `{"id": "1", "text": null, "spoiler_text": ""}`, "null, want String"},
		{"null where it may be", "Marker", `{"last_read_id": "1", "version": 2, "updated_at": null}`, "null, want String"},
		{"a date without time", "Marker", `{"last_read_id": "1", "version": 2, "updated_at": "2024-01-02"}`, "no datetime"},
		{"a date with microseconds", "Marker", `{"last_read_id": "1", "version": 2, "updated_at": "2024-01-02T03:04:05.123456Z"}`, "no datetime"},
		{"a right date", "Marker", `{"last_read_id": "1", "version": 2, "updated_at": "2024-01-02T03:04:05.123Z"}`, ""},
		{"a fraction for an integer", "Marker", `{"last_read_id": "1", "version": 2.5, "updated_at": "2024-01-02T03:04:05Z"}`, "want Integer"},
		{"an unknown word of a closed set", "List", `{"id": "1", "title": "a", "replies_policy": "all", "exclusive": false}`, "want one of followed, list, none"},
		{"a set of words in a list", "Filter", `{"id": "1", "title": "a", "context": ["home", "moon"], "expires_at": null, "filter_action": "warn"}`, `"moon"`},
		{"a map", "Hash of String to Marker", `{"home": {"last_read_id": "1", "version": 1, "updated_at": "2024-01-02T03:04:05Z"}}`, ""},
		{"an object made up in the table", "{count: Integer}", `{"count": "3"}`, "want Integer"},
		{"nothing", "Empty", `{}`, ""},
		{"not nothing", "Empty", `{"id": "1"}`, "want Empty"},
		{"either of two", "ValidationError|Error", `{"error": "no"}`, ""},
		{"neither of two", "ValidationError|Error", `{"fault": "no"}`, "none of the alternatives"},
		{"parts in an array of objects", "StatusEdit", `{"poll": {"options": [{"titel": "a"}]}}`, `lacks "title"`},
		{"keys with dots in them", "WebPushSubscription", `{"alerts": {"admin.sign_up": 1}}`, `admin.sign_up: the number 1, want Boolean`},
		{"no JSON", "Empty", `<html>`, "not JSON"},
		{"two values", "Empty", `{} {}`, "more than one"},
		{"no such type", "Moon", `{}`, "no entity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(tt.returns, []byte(tt.body))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Check = %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Check = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// An entity that extends another has the keys of both.
func TestExtends(t *testing.T) {
	err := Check("MutedAccount", []byte(`{}`))
	for _, want := range []string{`lacks "acct"`, `lacks "mute_expires_at"`} {
		n := load().nodes["MutedAccount"]
		if err == nil || n.keys["acct"] == nil || n.keys["mute_expires_at"] == nil {
			t.Errorf("Check = %v, want %s", err, want)
		}
	}
}

// content may be missing only where text is.
func TestUnless(t *testing.T) {
	for body, want := range map[string]bool{`{"text": "a"}`: false, `{}`: true} {
		var c checker
		c.ref = load()
		n := &node{name: "Status", keys: map[string]*key{"content": c.ref.nodes["Status"].keys["content"], "text": c.ref.nodes["Status"].keys["text"]}}
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		c.object("Status", n, v)
		if got := len(c.errs) > 0; got != want {
			t.Errorf("%s: errors %v, want any: %t", body, c.errs, want)
		}
	}
}

func TestCheckResponse(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
		ok           bool
	}{
		{"GET", "/api/v1/custom_emojis/", 200, "[" + emoji + "]", true},
		{"GET", "/api/v1/custom_emojis?x=1", 200, "[" + emoji + "]", true},
		{"GET", "/api/v1/accounts/relationships?id[]=1", 200, "[]", true}, // Not accounts/:id.
		{"GET", "/api/v1/accounts/5", 200, "[]", false},
		{"POST", "/api/v1/statuses/5/favourite", 404, `{"error": "Record not found"}`, true},
		{"POST", "/api/v1/statuses/5/favourite", 404, `{}`, false},
		{"POST", "/api/v1/accounts", 422, `{"error": "no", "details": {"email": [{"error": "ERR_BLANK", "description": "no"}]}}`, true},
		{"POST", "/api/v1/accounts", 422, `{"error": "no", "details": {"email": [{"error": 1, "description": "no"}]}}`, false},
		{"GET", "/api/v1/moon", 200, `{}`, false},
		{"GET", "/api/v1/pleroma/chats", 200, `[]`, true},
		{"GET", "/api/v1/streaming/health", 200, `OK`, true},
	} {
		if err := CheckResponse(tt.method, tt.path, tt.status, []byte(tt.body)); (err == nil) != tt.ok {
			t.Errorf("CheckResponse(%s %s, %d, %s) = %v, want ok: %t", tt.method, tt.path, tt.status, tt.body, err, tt.ok)
		}
	}
}
