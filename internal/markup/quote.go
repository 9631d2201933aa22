package markup

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// WithoutQuote returns safe HTML without the paragraph or words of class
// quote-inline, with which a post names what it quotes for those who don't show it.
//
// spec: fep-044f#compatibility-with-other-quote-implementations
func WithoutQuote(s string) string {
	if !strings.Contains(s, "quote-inline") {
		return s
	}
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	skipped, depth := "", 0 // The element that is left out, and how many of its name are open.
	for {
		typ := z.Next()
		if typ == html.ErrorToken {
			return out.String()
		}
		raw := string(z.Raw())
		name, _ := z.TagName()
		tag := string(name)
		switch {
		case depth > 0 && tag == skipped && typ == html.StartTagToken:
			depth++
		case depth > 0 && tag == skipped && typ == html.EndTagToken:
			depth--
		case depth > 0:
		case typ == html.StartTagToken && (tag == "p" || tag == "span") && isQuote(z):
			skipped, depth = tag, 1
		default:
			out.WriteString(raw)
		}
	}
}

// isQuote tells whether the tag that z is at has the class.
func isQuote(z *html.Tokenizer) bool {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "class" && slices.Contains(strings.Fields(string(value)), "quote-inline") {
			return true
		}
		if !more {
			return false
		}
	}
}

// QuoteLine is the paragraph that names the quoted post for those who don't show
// quotes.
func QuoteLine(url string) string {
	at := html.EscapeString(url)
	return `<p class="quote-inline">RE: <a href="` + at + `">` + at + `</a></p>`
}
