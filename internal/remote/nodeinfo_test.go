package remote

import (
	"strings"
	"testing"
)

func TestParseNodeInfo(t *testing.T) {
	for _, tt := range []struct{ what, doc, want string }{
		{"plain", `{"version":"2.0","software":{"name":"mastodon","version":"4.5.1"}}`, "mastodon 4.5.1"},
		{"a name in capitals", `{"software":{"name":"PeerTube","version":"7.0.0-rc.1+build"}}`, "peertube 7.0.0-rc.1+build"},
		{"no version", `{"software":{"name":"snac"}}`, "snac"},
		{"markup", `{"software":{"name":"<script>alert(1)</script>","version":"<b>1</b>"}}`, "scriptalert1script b1/b"},
		{"a long name", `{"software":{"name":"` + strings.Repeat("x", 5000) + `","version":"1"}}`, strings.Repeat("x", 32) + " 1"},
		{"numbers for texts", `{"software":{"name":1,"version":2}}`, ""},
		{"no software", `{"version":"2.0"}`, ""},
		{"the same key twice", `{"software":{"name":"a"},"software":{"name":"b"}}`, ""},
		{"a list", `[]`, ""},
		{"nothing", ``, ""},
	} {
		got, err := ParseNodeInfo([]byte(tt.doc))
		if got.String() != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", tt.what, got, err, tt.want)
		}
	}
}

func TestNodeInfoLink(t *testing.T) {
	for _, tt := range []struct{ what, doc, want string }{
		{"two versions", `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://b.test/2.0"},{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.1","href":"https://b.test/2.1"}]}`, "https://b.test/2.1"},
		{"others beside it", `{"links":[{"rel":"self","href":"https://b.test/x"},{"rel":"https://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://b.test/2.0"}]}`, "https://b.test/2.0"},
		{"one that is not known", `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/9.0","href":"https://b.test/9"}]}`, ""},
		{"no address", `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"file:///etc/passwd"}]}`, ""},
		{"odd shapes", `{"links":{"rel":1}}`, ""},
		{"nothing", `x`, ""},
	} {
		if got := NodeInfoLink([]byte(tt.doc)); string(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}

func FuzzNodeInfo(f *testing.F) {
	f.Add([]byte(`{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://b.test/2.0"}],"software":{"name":"a","version":"1"}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if link := NodeInfoLink(doc); link != "" && link.Valid() != nil {
			t.Errorf("%q is no address", link)
		}
		if s, err := ParseNodeInfo(doc); err == nil && (s.Name == "" || len(s.Name) > 32 || len(s.Version) > 64 || strings.ContainsAny(s.String(), "<>\"'&\x00")) {
			t.Errorf("%q", s)
		}
	})
}
