package markup

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const rel = ` rel="nofollow noopener noreferrer" target="_blank"`

func TestSanitize(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"text", "a & b < c", "a &amp; b &lt; c"},
		{"quotes stay", `<p>it&#39;s &quot;so&quot;</p>`, `<p>it's "so"</p>`},
		{"a post", `<p>Good <em>morning</em><br>world</p>`, `<p>Good <em>morning</em><br />world</p>`},
		{"a mention",
			`<p><span class="h-card" translate="no"><a href="https://b.test/@bob" class="u-url mention">@<span>bob</span></a></span></p>`,
			`<p><span class="h-card" translate="no"><a href="https://b.test/@bob" class="u-url mention"` + rel + `>@<span>bob</span></a></span></p>`},
		{"a hashtag",
			`<a href="https://b.test/tags/go" class="mention hashtag" rel="tag">#<span>go</span></a>`,
			`<a href="https://b.test/tags/go" class="mention hashtag" rel="tag nofollow noopener noreferrer" target="_blank">#<span>go</span></a>`},
		{"unknown classes go, known ones stay", `<span class="x invisible y invisible z">a</span>`, `<span class="invisible">a</span>`},
		{"a quote's fallback", `<p class="quote-inline">RE: x</p>`, `<p class="quote-inline">RE: x</p>`},
		{"ids, styles and events go", `<p id="x" style="color:red" onclick="x()">a</p>`, `<p>a</p>`},
		{"scripts go with their content", `a<script>alert(1)</script><style>p{}</style>b`, `ab`},
		{"an open script takes the rest", `a<script>alert(1)`, `a`},
		{"svg and math go with their content", `a<svg><p>x</p></svg><math><mi>y</mi></math>b`, `ab`},
		{"comments go", `a<!-- x --><![CDATA[y]]>b`, `ab`},
		{"what is unknown goes, its text stays", `<blink>a</blink><custom-x>b</custom-x>`, `ab`},
		{"a link that runs", `<a href="javascript:alert(1)">a</a>`, `a`},
		{"the same in disguise", `<a href="JaVaScRiPt&#58;alert(1)">b</a><a href="java&#9;script:x">c</a>`, `bc`},
		{"data and vbscript", `<a href=" data:text/html,<script>1</script>">c</a> <a href="vbscript:x">d</a>`, `c d`},
		{"no scheme", `<a href="//e.test/x" onclick="x()" style="position:fixed">e</a>`, `<a href="https://e.test/x"` + rel + `>e</a>`},
		{"relative", `<a href="/x">a</a><a href="x">b</a><a href="#x">c</a><a>d</a>`, `abcd`},
		{"no host", `<a href="https:///x">a</a><a href="https:x">b</a><a href="https://">c</a>`, `abc`},
		{"backslashes", `<a href="https://good.test\@evil.test">a</a>`, `a`},
		{"mail and others", `<a href="mailto:a@b.test">a</a><a href="gemini://b.test/">b</a>`,
			`<a href="mailto:a@b.test"` + rel + `>a</a><a href="gemini://b.test/"` + rel + `>b</a>`},
		{"a target is quoted", `<a href='https://a.test/?q="x"&y=<z>'>a</a>`, `<a href="https://a.test/?q=&quot;x&quot;&amp;y=&lt;z&gt;"` + rel + `>a</a>`},
		{"left open", `<p><b>a`, `<p><b>a</b></p>`},
		{"crossed", `<b><i>a</b>b</i>`, `<b><i>a</i></b>b`},
		{"ends without a start", `</p></b>a</blockquote>`, `a`},
		{"paragraphs don't nest", `<p>a<p>b<blockquote>c`, `<p>a</p><p>b</p><blockquote>c</blockquote>`},
		{"headings don't nest", `<h1>a<h2>b</h2>c`, `<h1>a</h1><h2>b</h2>c`},
		{"links don't nest", `<a href="https://a.test">a<a href="https://b.test">b</a></a>`,
			`<a href="https://a.test"` + rel + `>a</a><a href="https://b.test"` + rel + `>b</a>`},
		{"lists", `<ol start="3" reversed><li value="7">a<li>b<ul><li>c</ul></ol>`,
			`<ol start="3" reversed="reversed"><li value="7">a</li><li>b<ul><li>c</li></ul></li></ol>`},
		{"numbers only", `<ol start="x"><li value="1e9">a</ol>`, `<ol><li>a</li></ol>`},
		{"an item without a list", `<li>a</li>`, `a`},
		{"ruby", `<ruby>漢<rp>(<rt>kan<rp>)</ruby>`, `<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>`},
		{"code", "<pre><code>a\n &lt;b&gt;</code></pre>", "<pre><code>a\n &lt;b&gt;</code></pre>"},
		{"what is empty goes", `<p></p><p><b><i></i></b></p><span class="invisible"></span>a`, `a`},
		{"blocks that we don't write are paragraphs", `<div>a</div><div><div>b</div></div><table><tr><td>c</td></tr></table>`,
			`<p>a</p><p>b</p><p>c</p>`},
		{"an emoji picture is its shortcode", `<img src="https://e.test/x.png" alt=":blob:" onerror="x()">`, `:blob:`},
		{"other pictures go", `<img src="https://e.test/x.png" alt="<b>">a`, `a`},
		{"control characters go", "a\x00\x01\x1bb\x7f", "ab"},
		{"broken UTF-8 goes", "a\xff\xfeb", "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sanitize(tt.in); got != tt.want {
				t.Errorf("Sanitize(%q)\n got %s\nwant %s", tt.in, got, tt.want)
			}
			checkSafe(t, tt.in)
		})
	}
}

// TestSanitizeHostile feeds what could take long, deep or much.
func TestSanitizeHostile(t *testing.T) {
	for name, in := range map[string]string{
		"open elements":      strings.Repeat("<p><b><i>", 40_000),
		"nested quotes":      strings.Repeat("<blockquote>", 20_000) + "a",
		"nested lists":       strings.Repeat("<ul><li>", 20_000) + "a",
		"spans with text":    strings.Repeat("<span>a", 20_000),
		"ends":               strings.Repeat("<b>", 100) + strings.Repeat("</i></b>", 20_000),
		"attributes":         "<a " + strings.Repeat(`x="y" `, 20_000) + ` href="https://a.test">a</a>`,
		"one attribute":      `<a href="https://a.test/` + strings.Repeat("a", 200_000) + `">a</a>`,
		"classes":            `<span class="` + strings.Repeat("mention hashtag ", 8_000) + `">a</span>`,
		"links":              strings.Repeat(`<a href=http://a.b>a`, 10_000),
		"angle brackets":     strings.Repeat("<", 200_000),
		"ampersands":         strings.Repeat("&", 200_000),
		"quotes in a target": `<a href="http://a.b/?` + strings.Repeat("&quot;", 20_000) + `">a</a>`,
		"entities":           strings.Repeat("&#x1F600;", 20_000),
		"comments":           strings.Repeat("<!--", 40_000),
		"objects":            strings.Repeat("<object>", 20_000),
		"words":              strings.Repeat("a ", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			got := Sanitize(in)
			if took := time.Since(start); took > time.Second {
				t.Errorf("Sanitize took %v, want less than a second", took)
			}
			if len(got) > maxBytes {
				t.Errorf("Sanitize gave %d bytes, want at most %d", len(got), maxBytes)
			}
			checkSafe(t, in)
			start = time.Now()
			PlainText(in)
			if took := time.Since(start); took > time.Second {
				t.Errorf("PlainText took %v, want less than a second", took)
			}
		})
	}
}

// TestSanitizeShared runs over the documents of other servers, where they are at hand.
func TestSanitizeShared(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cmp.Or(os.Getenv("INTEROP_DIR"), "../../../shared/interop"), "*/*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("the documents of other servers are not beside this checkout")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if json.Unmarshal(data, &doc) != nil {
			continue
		}
		eachText(doc, func(s string) { checkSafe(t, s) })
	}
}

// eachText calls f with every content, summary, name and value in doc.
func eachText(doc any, f func(string)) {
	switch doc := doc.(type) {
	case []any:
		for _, v := range doc {
			eachText(v, f)
		}
	case map[string]any:
		for k, v := range doc {
			if s, ok := v.(string); ok && (k == "content" || k == "summary" || k == "name" || k == "value") {
				f(s)
			}
			eachText(v, f)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		typical,
		`<a href="javascript:alert(1)">a</a> <a href="JaVaScRiPt&#58;alert(1)">b</a>`,
		`<p><b><i><p><ul><li><li><a href="//x.test">y<a href=z>`,
		`<ruby>a<rt>b<rp>c</ruby><img alt=":a:"><svg><style><p title="</style>">`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		"<pre>\n\na</pre><textarea><p>", "&amp;lt;script&gt;", "<ol start=-4 reversed><h1><h2><div>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkSafe(t, s) })
}

var (
	startTag = regexp.MustCompile(`^<([a-z1-6]+)((?: [a-z-]+="[^"<>]*")*)( /)?>`)
	endTag   = regexp.MustCompile(`^</([a-z1-6]+)>`)
	attr     = regexp.MustCompile(` ([a-z-]+)="([^"]*)"`)
)

// checkSafe checks the promises of Sanitize on its answer to in: a scanner that
// knows nothing but well-formed markup of listed names reads all of it, a browser's
// parser reads the same tree, and a second run changes nothing.
func checkSafe(t *testing.T, in string) {
	t.Helper()
	out := Sanitize(in)
	var open []string
	for rest := out; rest != ""; {
		if m := startTag.FindStringSubmatch(rest); m != nil {
			checkTag(t, in, m[1], m[2])
			if m[3] == "" {
				open = append(open, m[1])
			}
			rest = rest[len(m[0]):]
		} else if m := endTag.FindStringSubmatch(rest); m != nil {
			if len(open) == 0 || open[len(open)-1] != m[1] {
				t.Fatalf("Sanitize(%.300q) closes %s, open are %v: %.300q", in, m[1], open, out)
			}
			open = open[:len(open)-1]
			rest = rest[len(m[0]):]
		} else {
			n := strings.IndexByte(rest[1:], '<') + 1
			if n == 0 {
				n = len(rest)
			}
			if strings.ContainsAny(rest[:n], "<>") {
				t.Fatalf("Sanitize(%.300q) leaves a bracket in %.300q", in, rest[:n])
			}
			rest = rest[n:]
		}
	}
	if len(open) > 0 {
		t.Fatalf("Sanitize(%.300q) leaves %v open", in, open)
	}
	if again := Sanitize(out); again != out {
		t.Fatalf("Sanitize(%.300q) is no fixed point:\nfirst  %.300q\nsecond %.300q", in, out, again)
	}
	if want, got := tokens(out), tokens(reparsed(t, out)); got != want {
		t.Fatalf("Sanitize(%.300q): a browser reads another tree:\nwrote %.500q\nread  %.500q", in, want, got)
	}
}

func checkTag(t *testing.T, in, name, attrs string) {
	t.Helper()
	if e, ok := elements[name]; !ok || e.as != "" || e.kind == picture {
		t.Fatalf("Sanitize(%.300q) writes <%s>", in, name)
	}
	for _, a := range attr.FindAllStringSubmatch(attrs, -1) {
		switch value := html.UnescapeString(a[2]); a[1] {
		case "href":
			lower := strings.ToLower(value)
			ok := false
			for _, s := range schemes {
				ok = ok || strings.HasPrefix(lower, s+":")
			}
			if !ok || strings.ContainsAny(value, " \t\n\r\x00") {
				t.Fatalf("Sanitize(%.300q) links to %q", in, value)
			}
		case "class", "rel", "target", "translate", "start", "reversed", "value":
		default:
			if slices.Contains(mfmAttributes, a[1]) && mfmValue.MatchString(value) {
				continue
			}
			t.Fatalf("Sanitize(%.300q) writes the attribute %s", in, a[1])
		}
	}
}

// reparsed returns s as a browser's parser reads it.
func reparsed(t *testing.T, s string) string {
	t.Helper()
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(s), body)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := html.Render(&b, n); err != nil {
			t.Fatalf("render: %v", err)
		}
	}
	return b.String()
}

// tokens lists the tags and texts of s; white space at the ends of a text is left
// out, since a parser drops the line break after <pre>.
func tokens(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		slices.SortFunc(tok.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
		if tok.Type == html.SelfClosingTagToken {
			tok.Type = html.StartTagToken
		}
		if tok.Type == html.TextToken {
			if tok.Data = strings.TrimSpace(tok.Data); tok.Data == "" {
				continue
			}
		}
		b.WriteString(tok.String() + "\n")
	}
	return b.String()
}

func TestPlainText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"paragraphs and breaks", "<p>a<br>b</p><p>c</p>", "a\nb\n\nc"},
		{"a list", "<p>x</p><ul><li>a</li><li>b</li></ul>", "x\n\na\nb"},
		{"entities", "1 &lt; 2 &amp;&nbsp;3", "1 < 2 &\u00a03"},
		{"white space", "  a \n\t b  <b> c</b>", "a b c"},
		{"code keeps it", "<pre>a\n  b</pre>", "a\n  b"},
		{"a shortened link", `<a href="https://a.test/x"><span class="invisible">https://</span><span class="ellipsis">a.test/</span><span class="invisible">x</span></a>`, "https://a.test/x"},
		{"scripts", "a<script>b</script><style>c</style>d", "ad"},
		{"an emoji picture", `a <img alt=":blob:" src=x>`, "a :blob:"},
		{"broken", "<p>a<b", "a"},
		{"text that is none", "I <3 you", "I <3 you"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := PlainText(tt.in); got != tt.want {
				t.Errorf("PlainText(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"<p>one</p><p>two</p>", 20, "one two"},
		{"<p>one two three four</p>", 14, "one two three…"},
		{"<p>one two three four</p>", 12, "one two thr…"},
		{"aaaaaaaaaa", 5, "aaaa…"},
		{"日本語の文章です", 5, "日本語の…"},
		{"a b", 0, ""},
	} {
		if got := Excerpt(tt.in, tt.limit); got != tt.want {
			t.Errorf("Excerpt(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestDisplayName(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "  Ann \n Example ", "Ann Example"},
		{"tags", "<b>Ann</b><script>alert(1)</script>", "Ann"},
		{"a heart", "Ann <3", "Ann <3"},
		{"entities", "A &amp; B", "A & B"},
		{"direction", "\u202eevil\u202c \u2066x\u2069\u200f", "evil x"},
		{"invisible", "\u200b\ufeff\u3164", ""},
		{"a family stays one", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"},
		{"controls", "a\x00\x07b", "ab"},
		{"towers", "a" + strings.Repeat("\u0301", 50), "a" + strings.Repeat("\u0301", maxMarks)},
		{"long", strings.Repeat("n", 200_000), strings.Repeat("n", 100)},
		{"long with a joiner at the cut", strings.Repeat("n", 99) + "\u200dx", strings.Repeat("n", 99)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := DisplayName(tt.in); got != tt.want {
				t.Errorf("DisplayName(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
	if got, want := Title("<script>alert(1)</script>Title"), "Title"; got != want {
		t.Errorf("Title = %q, want %q", got, want)
	}
}

// typical is a post as Mastodon sends it.
const typical = `<p><span class="h-card" translate="no"><a href="https://a.test/@admin" class="u-url mention">@<span>admin</span></a></span> Good Morning! This is an ordinary post that has a few words in it, and it&#39;s about <a href="https://a.test/tags/coffee" class="mention hashtag" rel="tag">#<span>coffee</span></a></p><p>➡️ <a href="https://b.test/en_US/news#release-3.1" rel="nofollow noopener noreferrer" target="_blank"><span class="invisible">https://</span><span class="ellipsis">b.test/en_US/news#re</span><span class="invisible">lease-3.1</span></a><br />and then edited</p>`

func BenchmarkSanitize(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Sanitize(typical)
	}
}
