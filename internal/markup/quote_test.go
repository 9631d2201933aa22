package markup

import "testing"

func TestWithoutQuote(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"none", "<p>Hi</p>", "<p>Hi</p>"},
		{"Mastodon's paragraph", QuoteLine("https://b.test/1?a=1&b=2") + "<p>Hi</p>", "<p>Hi</p>"},
		{"Misskey's words", `<p>Hi<span class="quote-inline"><br><br>RE: <a href="https://b.test/1">b</a></span></p>`, "<p>Hi</p>"},
		{"one within another", `<span class="x quote-inline">a<span>b</span>c</span>d`, "d"},
		{"named in the text only", "<p>class quote-inline</p>", "<p>class quote-inline</p>"},
		{"never closed", `<p>a</p><p class="quote-inline">b`, "<p>a</p>"},
	} {
		if got := WithoutQuote(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
