package markup

import (
	"strings"
	"testing"
)

func TestRenderMFM(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a function", "$[spin.speed=2s wheee]", `<p><span class="mfm-spin" data-mfm-speed="2s">wheee</span></p>`},
		{"arguments in one order, unknown ones left out", "$[spin.evil=1,x,speed=1s a]", `<p><span class="mfm-spin" data-mfm-speed="1s" data-mfm-x="">a</span></p>`},
		{"inside of each other", "$[x2 $[fg.color=f00 **red**]]", `<p><span class="mfm-x2"><span class="mfm-fg" data-mfm-color="f00"><strong>red</strong></span></span></p>`},
		{"an unknown one is a span alone", "$[constructor a]", `<p><span>a</span></p>`},
		{"one that is not closed", "$[spin a", `<p>$[spin a</p>`},
		{"a link inside", "$[jelly [a](https://b.test/)]", `<p><span class="mfm-jelly"><a href="https://b.test/" rel="nofollow noopener noreferrer" target="_blank">a</a></span></p>`},
		{"in code", "`$[spin a]`", `<p><code>$[spin a]</code></p>`},
		{"center and small", "<center>a <small>b</small></center>", `<p><span class="mfm-center">a <span class="mfm-small">b</span></span></p>`},
		{"a value that is more than a value", `$[fg.color="onclick=x a]`, `<p>$[fg.color="onclick=x a]</p>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.TrimSpace(Render(tt.text, MFM, Links{})); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	deep := Render(strings.Repeat("$[x2 ", 500)+"a"+strings.Repeat("]", 500), MFM, Links{})
	if n := strings.Count(deep, "<span"); n > maxMFM {
		t.Errorf("%d functions nest", n)
	}
}

// TestSanitizeMFM keeps what others send of it (htmlMfm), and no more.
func TestSanitizeMFM(t *testing.T) {
	for in, want := range map[string]string{
		`<span class="mfm-spin evil" data-mfm-speed="1s" data-mfm-x="url(a)" data-x="1" style="x">a</span>`: `<span class="mfm-spin" data-mfm-speed="1s">a</span>`,
		`<p data-mfm-speed="1s">a</p>`: `<p>a</p>`,
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
