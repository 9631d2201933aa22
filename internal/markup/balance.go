package markup

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// maxDepth is how deep elements may nest. A person's quotes and lists need ten;
// browsers and apps render recursively.
const maxDepth = 32

// element says how one element is written.
type element struct {
	as   string // The element written instead; "" is the same.
	kind kind
}

// kind is what the start of an element means for those that are open.
type kind uint8

const (
	inline    kind = iota
	link           // Closes an open link: links don't nest.
	paragraph      // Closes an open paragraph.
	heading        // Closes an open paragraph or heading.
	block          // Closes an open paragraph, holds paragraphs.
	list           // A block that holds items.
	item           // Closes what is open inside the list; dropped outside of one.
	ruby           // Holds annotations.
	annotated      // Closes what is open inside the ruby; dropped outside of one.
	lineBreak      // Void.
	picture        // Void; an emoji's shortcode is written as text.
)

// elements is the allow-list of elements. Attributes are listed in attributes.
var elements = map[string]element{
	"p": {kind: paragraph}, "pre": {kind: block}, "blockquote": {kind: block},
	"h1": {kind: heading}, "h2": {kind: heading}, "h3": {kind: heading},
	"h4": {kind: heading}, "h5": {kind: heading}, "h6": {kind: heading},
	"ul": {kind: list}, "ol": {kind: list}, "li": {kind: item},
	"br": {kind: lineBreak}, "img": {kind: picture},

	"a": {kind: link}, "span": {}, "code": {}, "b": {}, "strong": {}, "i": {}, "em": {}, "u": {},
	"s": {}, "del": {}, "sub": {}, "sup": {}, "ruby": {kind: ruby}, "rt": {kind: annotated}, "rp": {kind: annotated},

	// What is written differently.
	"ins": {as: "u"}, "strike": {as: "s"}, "kbd": {as: "code"}, "samp": {as: "code"}, "tt": {as: "code"},
	"div": {"p", paragraph}, "section": {"p", paragraph}, "article": {"p", paragraph}, "aside": {"p", paragraph},
	"header": {"p", paragraph}, "footer": {"p", paragraph}, "main": {"p", paragraph}, "nav": {"p", paragraph},
	"figure": {"p", paragraph}, "figcaption": {"p", paragraph}, "center": {"p", paragraph}, "address": {"p", paragraph},
	"details": {"p", paragraph}, "summary": {"p", paragraph}, "table": {"p", paragraph}, "tr": {"p", paragraph},
	"dl": {"p", paragraph}, "dt": {"p", paragraph}, "dd": {"p", paragraph}, "hr": {"p", paragraph},
}

// classes are the class names kept: what apps style or look for.
var classes = map[string]bool{
	"mention": true, "hashtag": true, "invisible": true, "ellipsis": true,
	"h-card": true, "u-url": true, "status-link": true, "quote-inline": true,
}

// textFunc appends s, text without markup, to dst as HTML.
type textFunc func(dst []byte, s string) []byte

// writer writes balanced HTML. Its rules are those by which a browser closes
// elements, in simple form: what it wrote, a browser reads as it was meant.
type writer struct {
	out  []byte
	open []opened
	tail int      // Bytes that closing everything open will take.
	full bool     // The limit was reached, nothing more is written.
	text textFunc // Writes text outside of links and code; nil escapes only.
}

type opened struct {
	name       string
	kind       kind
	start, end int // Of the start tag in out.
}

// balance writes clean, which may be unbalanced but holds only allowed elements.
func (w *writer) balance(clean string) string {
	z := html.NewTokenizer(strings.NewReader(clean))
	var attrs [16]html.Attribute
	for !w.full {
		switch z.Next() {
		case html.ErrorToken:
			w.closeTo(0)
			return string(w.out)
		case html.TextToken:
			w.writeText(string(z.Text()))
		case html.EndTagToken:
			name, _ := z.TagName()
			w.endTag(string(name))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag, n := string(name), 0
			for more && n < len(attrs) {
				var key, value []byte
				key, value, more = z.TagAttr()
				attrs[n] = html.Attribute{Key: string(key), Val: string(value)}
				n++
			}
			w.startTag(tag, attrs[:n])
		}
	}
	w.closeTo(0)
	return string(w.out)
}

// startTag makes room for the element as its kind demands, and opens it.
func (w *writer) startTag(name string, attrs []html.Attribute) {
	e, ok := elements[name]
	if !ok {
		return
	}
	if e.as != "" {
		name, attrs = e.as, nil
	}
	switch e.kind {
	case lineBreak:
		w.raw("<br />")
		return
	case picture:
		if alt := attribute(attrs, "alt"); shortcode.MatchString(alt) {
			w.writeText(alt)
		}
		return
	case link:
		w.closeKind(link)
	case heading:
		w.closeKind(paragraph)
		w.closeKind(heading)
	case paragraph, block, list:
		w.closeKind(paragraph)
	case item, annotated:
		holder := w.find(holderOf[e.kind])
		if holder < 0 {
			return
		}
		w.closeTo(holder + 1)
	}
	if len(w.open) < maxDepth {
		w.push(name, e.kind, attrs)
	}
}

// holderOf names the kind of element in which a kind may stand.
var holderOf = map[kind]kind{item: list, annotated: ruby}

// endTag closes the innermost open element of that name, with all that is open
// inside of it. An end without a start is ignored.
func (w *writer) endTag(name string) {
	e, ok := elements[name]
	if !ok {
		return
	}
	if e.as != "" {
		name = e.as
	}
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i].name == name {
			w.closeTo(i)
			return
		}
	}
}

// push writes a start tag. A link without a usable target is not opened.
func (w *writer) push(name string, k kind, attrs []html.Attribute) {
	start := len(w.out)
	w.out = append(append(w.out, '<'), name...)
	if !w.attributes(k, attrs) {
		w.out = w.out[:start]
		return
	}
	w.out = append(w.out, '>')
	w.tail += len(name) + len("</>")
	if len(w.out)+w.tail > maxBytes {
		w.out = w.out[:start]
		w.tail -= len(name) + len("</>")
		w.full = true
		return
	}
	w.open = append(w.open, opened{name, k, start, len(w.out)})
}

// closeTo closes elements until n are open. An element without content is taken
// back.
func (w *writer) closeTo(n int) {
	for len(w.open) > n {
		top := w.open[len(w.open)-1]
		w.open = w.open[:len(w.open)-1]
		w.tail -= len(top.name) + len("</>")
		if len(w.out) == top.end {
			w.out = w.out[:top.start]
			continue
		}
		w.out = append(append(append(w.out, "</"...), top.name...), '>')
	}
}

// closeKind closes the innermost open element of kind k, if there is one.
func (w *writer) closeKind(k kind) {
	if i := w.find(k); i >= 0 {
		w.closeTo(i)
	}
}

// find returns the place of the innermost open element of kind k, or −1.
func (w *writer) find(k kind) int {
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i].kind == k {
			return i
		}
	}
	return -1
}

// raw writes s if it fits.
func (w *writer) raw(s string) {
	if len(w.out)+w.tail+len(s) > maxBytes {
		w.full = true
		return
	}
	w.out = append(w.out, s...)
}

// writeText writes text, as much as fits.
func (w *writer) writeText(s string) {
	if room := maxBytes - len(w.out) - w.tail; len(s)*len("&amp;") > room {
		n := fitting(s, room)
		w.full = n < len(s)
		s = s[:n]
	}
	if w.text == nil || w.inside() {
		w.out = appendText(w.out, s)
		return
	}
	w.out = w.text(w.out, s)
}

// inside tells whether text stands in a link or in code, where nothing is linked.
func (w *writer) inside() bool {
	for _, o := range w.open {
		if o.kind == link || o.name == "code" || o.name == "pre" {
			return true
		}
	}
	return false
}

// fitting returns how many bytes of s take at most room bytes once escaped.
func fitting(s string, room int) int {
	for i, r := range s {
		switch r {
		case '&', '<', '>':
			room -= len("&amp;")
		default:
			room -= utf8.RuneLen(r)
		}
		if room < 0 {
			return i
		}
	}
	return len(s)
}

// appendText appends s with what has a meaning in HTML escaped, and without
// control characters.
func appendText(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		var escape string
		switch c := s[i]; {
		case c == '&':
			escape = "&amp;"
		case c == '<':
			escape = "&lt;"
		case c == '>':
			escape = "&gt;"
		case c < ' ' && c != '\n' && c != '\t', c == 0x7f:
		default:
			continue
		}
		dst = append(append(dst, s[from:i]...), escape...)
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// appendValue appends s as it may stand between double quotes.
func appendValue(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return appendText(dst, s)
		}
		dst = append(appendText(dst, s[:i]), "&quot;"...)
		s = s[i+1:]
	}
}

func attribute(attrs []html.Attribute, key string) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
