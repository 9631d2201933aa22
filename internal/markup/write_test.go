package markup

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// people and tags are what the tests' texts may refer to.
var known = Links{
	Mention: func(handle string) (href, url, username string, ok bool) {
		switch strings.ToLower(handle) {
		case "ann":
			return "https://a.test/users/ann", "https://a.test/@ann", "ann", true
		case "bob@b.test", "bob@127.0.0.1:4001":
			return "https://b.test/users/bob", "", "bob", true
		case "so_me_one":
			return "", "https://a.test/@so_me_one", "so_me_one", true
		}
		return "", "", "", false
	},
	Hashtag: func(tag string) string { return "https://a.test/tags/" + FoldTag(tag) },
}

const (
	annLink = `<span class="h-card" translate="no"><a href="https://a.test/@ann" class="u-url mention">@<span>ann</span></a></span>`
	bobLink = `<span class="h-card" translate="no"><a href="https://b.test/users/bob" class="u-url mention">@<span>bob</span></a></span>`
)

func tagLink(url, shown string) string {
	return `<a href="https://a.test/tags/` + url + `" class="mention hashtag" rel="tag">#<span>` + shown + `</span></a>`
}

func webLink(url, prefix, rest string) string {
	return `<a href="` + url + `" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">` + prefix + `</span>` + rest + `</a>`
}

func TestRenderPlain(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", " \n ", ""},
		{"a line", "Good morning", "<p>Good morning</p>"},
		{"lines and paragraphs", "a\nb\n\n\nc\r\nd", "<p>a<br />b</p><p>c<br />d</p>"},
		{"markup is text", "<b>a</b> & b", "<p>&lt;b&gt;a&lt;/b&gt; &amp; b</p>"},
		{"a mention", "Hi @ann!", "<p>Hi " + annLink + "!</p>"},
		{"elsewhere", "@bob@b.test, hi", "<p>" + bobLink + ", hi</p>"},
		{"a host with a port", "(@bob@127.0.0.1:4001)", "<p>(" + bobLink + ")</p>"},
		{"the end of a sentence", "I asked @bob@b.test.", "<p>I asked " + bobLink + ".</p>"},
		{"nobody", "@nobody @ann@ann", "<p>@nobody @ann@ann</p>"},
		{"a mail address", "mail ann@ann.test", "<p>mail ann@ann.test</p>"},
		{"a hashtag", "#Go is fun", "<p>" + tagLink("go", "Go") + " is fun</p>"},
		{"numbers are no tags", "#1 #2024 #1x", "<p>#1 #2024 " + tagLink("1x", "1x") + "</p>"},
		{"a sign inside a word", "a#b C#", "<p>a#b C#</p>"},
		{"unicode", "#日本語 #café #ภาษาไทย", "<p>" + tagLink("日本語", "日本語") + " " + tagLink("café", "café") + " " + tagLink("ภาษาไทย", "ภาษาไทย") + "</p>"},
		{"a middle dot", "#col·lecció #ボーカル・ミク・", "<p>" + tagLink("col·lecció", "col·lecció") + " " + tagLink("ボーカル・ミク", "ボーカル・ミク") + "・</p>"},
		{"full width", "＃タグ", "<p>" + tagLink("タグ", "タグ") + "</p>"},
		{"an emoji", "a :blob: b", "<p>a :blob: b</p>"},
		{"an address", "see https://example.test/x.", "<p>see " + webLink("https://example.test/x", "https://", "example.test/x") + ".</p>"},
		{"www", "http://www.example.test", "<p>" + webLink("http://www.example.test", "http://www.", "example.test") + "</p>"},
		{"a long one", "https://example.test/aaaaaaaaaaaaaaaaaaaaaaaa?b=1&c=2",
			"<p>" + webLink("https://example.test/aaaaaaaaaaaaaaaaaaaaaaaa?b=1&amp;c=2", "https://",
				`<span class="ellipsis">example.test/aaaaaaaaaaaaaaaaa</span><span class="invisible">aaaaaaa?b=1&amp;c=2</span>`) + "</p>"},
		{"brackets", "(https://example.test/a_(b)) [https://example.test/c]", "<p>(" + webLink("https://example.test/a_(b)", "https://", "example.test/a_(b)") +
			") [" + webLink("https://example.test/c", "https://", "example.test/c") + "]</p>"},
		{"what looks like a mention in it", "https://example.test/@ann#go", "<p>" + webLink("https://example.test/@ann#go", "https://", "example.test/@ann#go") + "</p>"},
		{"a port", "http://localhost:4000/x", "<p>" + webLink("http://localhost:4000/x", "http://", "localhost:4000/x") + "</p>"},
		{"japanese around it", "見てhttps://example.test/x。次", "<p>見て" + webLink("https://example.test/x", "https://", "example.test/x") + "。次</p>"},
		{"inside a word", "xhttps://example.test", "<p>xhttps://example.test</p>"},
		{"japanese after it", "https://example.test/x。次 https://example.testです", "<p>" + webLink("https://example.test/x", "https://", "example.test/x") + "。次 " +
			webLink("https://example.test", "https://", "example.test") + "です</p>"},
		{"no host", "https:// http://x https://.a https://a..b", "<p>https:// http://x https://.a https://a..b</p>"},
		{"a user name as bait", "https://bank.test@evil.test/", "<p>https://bank.test@evil.test/</p>"},
		{"quotes around it", `"https://example.test/"`, `<p>"` + webLink("https://example.test/", "https://", "example.test/") + `"</p>`},
		{"other schemes", "javascript:alert(1) ftp://a.test", "<p>javascript:alert(1) ftp://a.test</p>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Render(tt.in, "text/plain", known); got != tt.want {
				t.Errorf("Render(%q)\n got %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestRenderMarkdown(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"emphasis", "*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>"},
		{"lines", "a\nb\n\nc", "<p>a<br />\nb</p>\n<p>c</p>\n"},
		{"a list", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
		{"a mention is no emphasis", "hi @so_me_one _x_", `<p>hi <span class="h-card" translate="no"><a href="https://a.test/@so_me_one" class="u-url mention">@<span>so_me_one</span></a></span> <em>x</em></p>`},
		{"at the start and in brackets", "@ann (@ann)", "<p>" + annLink + " (" + annLink + ")</p>"},
		{"a tag is no heading", "#go\n\n# Go", "<p>" + tagLink("go", "go") + "</p>\n<h1>Go</h1>\n"},
		{"an address with signs", "https://example.test/_a_*b*", "<p>" + webLink("https://example.test/_a_*b*", "https://", "example.test/_a_*b*") + "</p>"},
		{"a named link", "[@ann](https://example.test)", `<p><a href="https://example.test" rel="nofollow noopener noreferrer" target="_blank">@ann</a></p>`},
		{"code is left alone", "`@ann #go https://example.test`", "<p><code>@ann #go https://example.test</code></p>"},
		{"html is sanitised", `<b onclick="x()">a</b><script>x</script> [b](javascript:x)`, "<p><b>a</b> b</p>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.TrimSuffix(Render(tt.in, "text/markdown", known), "\n")
			if got != strings.TrimSuffix(tt.want, "\n") {
				t.Errorf("Render(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestRenderHTML(t *testing.T) {
	in := `<p>@ann <a href="https://x.test">#go @ann</a> <u>#Go</u><script>x</script>`
	want := `<p>` + annLink + ` <a href="https://x.test" rel="nofollow noopener noreferrer" target="_blank">#go @ann</a> <u>` + tagLink("go", "Go") + `</u></p>`
	if got := Render(in, "text/html; charset=utf-8", known); got != want {
		t.Errorf("Render\n got %s\nwant %s", got, want)
	}
}

func TestRenderEscapesAnswers(t *testing.T) {
	evil := Links{
		Mention: func(string) (string, string, string, bool) { return "", `x"><script>`, "<script>", true },
		Hashtag: func(string) string { return `x"><script>` },
	}
	for _, contentType := range ContentTypes() {
		if got := Render("@a #b", contentType, evil); strings.Contains(got, "<script") {
			t.Errorf("Render as %s writes %s", contentType, got)
		}
	}
}

func TestScan(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, in string
		want                  Found
	}{
		{"in order, once", "text/plain", "@bob@b.test @ann @Ann #Go #go #b :blob: :blob: :x:",
			Found{Mentions: []string{"bob@b.test", "ann"}, Hashtags: []string{"Go", "b"}, Emoji: []string{"blob"}}},
		{"a tag and a mention of one name", "", "#ann @ann", Found{Mentions: []string{"ann"}, Hashtags: []string{"ann"}}},
		{"not in addresses", "text/plain", "https://a.test/@ann#go", Found{}},
		{"not in code", "text/markdown", "`@ann` #go\n\n    @ann", Found{Hashtags: []string{"go"}}},
		{"not in links", "text/html", `<a href="https://a.test">@ann</a> @ann@b.test`, Found{Mentions: []string{"ann@b.test"}}},
		{"emoji next to words", "text/plain", "12:30:45 a:bb: :cc:d :ee:, :ff::gg: (:hh:)", Found{Emoji: []string{"ee", "hh"}}},
		{"an emoji with underscores", "text/markdown", ":a_b_c: _x_", Found{Emoji: []string{"a_b_c"}}},
		{"lines", "text/plain", "#a\n@ann\n:bb:", Found{Mentions: []string{"ann"}, Hashtags: []string{"a"}, Emoji: []string{"bb"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Scan(tt.in, tt.contentType); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Scan(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
		})
	}
}

func TestLength(t *testing.T) {
	for _, tt := range []struct {
		text, spoiler string
		want          int
	}{
		{"", "", 0},
		{"hello", "cw", 7},
		{"a\r\nb", "", 3},
		{"https://example.test/" + strings.Repeat("a", 500), "", 23},
		{"see https://a.test.", "", 4 + 23 + 1},
		{"@ann hi", "", 7},
		{"@bob@some.long.host.test hi", "", 7},
		{"👨\u200d👩\u200d👧 é 🇩🇪", "", 5},
		{"", "https://example.test/aaaaaaaaaaaaaaaaaaaa", 41},
	} {
		if got := Length(tt.text, tt.spoiler); got != tt.want {
			t.Errorf("Length(%.40q, %q) = %d, want %d", tt.text, tt.spoiler, got, tt.want)
		}
	}
}

func TestFoldTag(t *testing.T) {
	for in, want := range map[string]string{
		"#Go": "go", "STRASSE": "strasse", "Straße": "strasse", "ＧＯ": "go", "＃カタ": "カタ", "ｶﾀ": "カタ", "Cafe\u0301": "café",
	} {
		if got := FoldTag(in); got != want {
			t.Errorf("FoldTag(%q) = %q, want %q", in, got, want)
		}
		if got := FoldTag(FoldTag(in)); got != want {
			t.Errorf("FoldTag twice of %q = %q, want %q", in, got, want)
		}
	}
}

// TestRenderHostile feeds typed text that could take long.
func TestRenderHostile(t *testing.T) {
	for name, in := range map[string]string{
		"signs":      strings.Repeat("@ # : ", 20_000),
		"mentions":   strings.Repeat("@a@b ", 20_000),
		"addresses":  strings.Repeat("https://a.b/ ", 10_000),
		"one path":   "https://a.b/" + strings.Repeat(")", 100_000),
		"brackets":   strings.Repeat("[", 60_000),
		"images":     strings.Repeat("![", 30_000),
		"emphasis":   strings.Repeat("*a _", 15_000),
		"quotes":     strings.Repeat(">", 60_000),
		"lists":      strings.Repeat("- ", 30_000),
		"backticks":  strings.Repeat("` `` ", 12_000),
		"links":      strings.Repeat("[a](<b", 10_000),
		"references": strings.Repeat("[a]: b\n", 8_000) + strings.Repeat("[a]", 1_000),
		"tags":       strings.Repeat("<a <!-- <?", 6_000),
		"dots":       "@" + strings.Repeat(".", 60_000),
		"entities":   strings.Repeat("&amp", 15_000),
	} {
		for _, contentType := range ContentTypes() {
			t.Run(name+" as "+contentType, func(t *testing.T) {
				start := time.Now()
				Scan(in, contentType)
				Render(in, contentType, known)
				Length(in, "")
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("took %v, want at most 3 s", took)
				}
			})
		}
	}
}

// FuzzRender checks that what Render writes is unchanged by Sanitize but for the
// attributes that it adds to links, so that it is as safe and as balanced.
func FuzzRender(f *testing.F) {
	f.Add("Hi @ann and @bob@b.test, #go https://example.test/x :blob:\n\n*a*", byte(0))
	f.Add("<p>@ann <a href=x>#go</a>", byte(2))
	f.Add("$[spin.speed=1s @ann $[x2 `a` <small>b]]", byte(3))
	f.Add("`@ann` [a](b) ![c](d)\n# x\n- y", byte(1))
	f.Fuzz(func(t *testing.T, s string, kind byte) {
		contentType := ContentTypes()[int(kind)%len(formats)]
		out := Render(s, contentType, known)
		checkSafe(t, out)
		if got, want := PlainText(Sanitize(out)), PlainText(out); got != want {
			t.Fatalf("Render(%q, %s) = %s\nreads  %q\nsanitised %q", s, contentType, out, want, got)
		}
		parts := ""
		scan(s, func(_ part, text string) { parts += text })
		if parts != s {
			t.Fatalf("the parts of %q are %q", s, parts)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	const text = "@bob@b.test Good morning! This is an ordinary post that has a few words in it, and it's about #coffee\n\n➡️ https://b.test/en_US/news#release-3.1\nand then edited :blob:"
	for _, contentType := range ContentTypes() {
		b.Run(strings.TrimPrefix(contentType, "text/"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Render(text, contentType, known)
			}
		})
	}
}
