package pipeline

import (
	"testing"

	"kenoma/internal/vocab"
)

func TestFirstLink(t *testing.T) {
	o := &vocab.Object{QuoteURL: "https://b.test/quoted", Tags: []vocab.Tag{{Type: "Mention", Href: "https://b.test/users/bob"}}}
	for _, tt := range []struct{ name, html, want string }{
		{"none", `<p>no <b>link</b></p>`, ""},
		{"the first", `<p><a href="https://x.test/1">x</a> <a href="https://x.test/2">y</a></p>`, "https://x.test/1"},
		{"not a mention by class", `<a href="https://b.test/@ann" class="u-url mention">@ann</a> <a href="https://x.test/?a=1&amp;b=2">y</a>`, "https://x.test/?a=1&b=2"},
		{"not a mention by tag", `<a href="https://b.test/users/bob">@bob</a>`, ""},
		{"not a hashtag", `<a href="https://b.test/tags/x" rel="tag nofollow">#x</a>`, ""},
		{"not what is quoted", `RE: <a href="https://b.test/quoted">post</a>`, ""},
		{"not other schemes", `<a href="mailto:a@b.test">m</a><a href="gemini://b.test/">g</a>`, ""},
		{"not with a password", `<a href="https://u:p@b.test/">m</a>`, ""},
	} {
		if got := firstLink(tt.html, o); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
