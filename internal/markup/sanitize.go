// Package markup turns what people type into HTML, and strangers' HTML into
// HTML that is safe to show.
//
// Everything that it returns as HTML is well-formed: every element is closed,
// in order, and only the elements and attributes listed here occur. It does no
// I/O and keeps no state.
package markup

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// maxBytes bounds the HTML of a post, as it comes in and as it is written. What
// is beyond is cut. The longest articles seen on the network are near 100 kB.
const maxBytes = 128 << 10

// Sanitize returns strangers' HTML without what could harm: elements, attributes
// and link targets outside the allow-list go, their text stays; the content of
// scripts and the like goes too. Links get rel="nofollow noopener noreferrer" and
// open in a new window; "//host" becomes "https://host". The result is balanced,
// valid UTF-8, at most 128 kB, and a fixed point: sanitising it again changes
// nothing. It never fails; hopeless input gives "".
//
// Two walls stand behind each other. bluemonday decides what may stay; the writer
// in balance.go closes what was left open, and has a list of its own.
func Sanitize(html string) string { return sanitize(html, nil) }

// sanitize is Sanitize with a say on text outside links and code: text, if not
// nil, appends it to dst as HTML.
func sanitize(html string, text textFunc) string {
	clean := strangers.Sanitize(bounded(html))
	w := writer{text: text, out: make([]byte, 0, len(clean)+len(clean)/4)}
	return w.balance(clean)
}

// bounded cuts s to maxBytes and makes it valid UTF-8.
func bounded(s string) string {
	if len(s) > maxBytes {
		s = s[:maxBytes]
	}
	return strings.ToValidUTF8(s, "")
}

// strangers is what bluemonday lets through. Block elements that we do not write
// (div, section …) pass it, so that the writer can make paragraphs of them; so
// does img, whose emoji shortcode becomes text.
var strangers = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	for name := range elements {
		p.AllowElements(name)
		p.AllowNoAttrs().OnElements(name)
	}
	number := regexp.MustCompile(`^-?[0-9]{1,9}$`)
	p.AllowAttrs("class").OnElements("a", "span", "p")
	p.AllowAttrs("translate").Matching(regexp.MustCompile(`^no$`)).OnElements("a", "span")
	p.AllowAttrs("href", "rel").OnElements("a")
	p.AllowAttrs("start").Matching(number).OnElements("ol")
	p.AllowAttrs("reversed").OnElements("ol")
	p.AllowAttrs("value").Matching(number).OnElements("li")
	p.AllowAttrs("alt").Matching(shortcode).OnElements("img")
	p.AllowAttrs(mfmAttributes...).Matching(mfmValue).OnElements("span")
	p.AllowURLSchemes(schemes...)
	p.AllowRelativeURLs(true) // For "//host"; the writer drops the others.
	p.RequireParseableURLs(true)
	p.SkipElementsContent("svg", "math", "template", "title", "select", "textarea", "audio", "video", "canvas")
	return p
}()

// schemes are those that a link may have; the writer asks for "//" after the
// first two.
var schemes = []string{"https", "http", "mailto", "gemini", "gopher", "xmpp", "magnet", "matrix"}

// shortcode is a custom emoji as it stands in text.
var shortcode = regexp.MustCompile(`^:[A-Za-z0-9_-]{1,64}:$`)
