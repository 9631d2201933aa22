package markup

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// format is one way in which people write.
type format struct {
	name string
	// render returns text as HTML, with text outside of links and code given to typed.
	render func(text string, typed textFunc) string
}

// formats lists them; the first is what "" and unknown types mean.
var formats = []format{
	{"text/plain", renderPlain},
	{"text/markdown", renderMarkdown},
	{"text/html", sanitize},
	{MFM, renderMFM},
}

// ContentTypes returns the media types that Render knows, the default first.
func ContentTypes() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

func formatOf(contentType string) format {
	contentType, _, _ = strings.Cut(contentType, ";")
	for _, f := range formats {
		if strings.EqualFold(f.name, strings.TrimSpace(contentType)) {
			return f
		}
	}
	return formats[0]
}

// Found is what a text refers to, each once, in the order of the text.
type Found struct {
	Mentions []string // "user" or "user@host", as typed; once by case-folding.
	Hashtags []string // Without the sign, as first typed; once by FoldTag.
	Emoji    []string // Shortcodes without colons; there may be no such emoji.
}

// Scan returns what text refers to outside of links and code, so that it can be
// looked up before Render. contentType is as for Render.
func Scan(text, contentType string) Found {
	var f Found
	seen := map[string]bool{}
	first := func(key string) bool {
		was := seen[key]
		seen[key] = true
		return !was
	}
	formatOf(contentType).render(bounded(text), func(dst []byte, s string) []byte {
		scan(s, func(p part, s string) {
			switch p {
			case mention:
				if first(strings.ToLower(s)) {
					f.Mentions = append(f.Mentions, s[1:])
				}
			case hashtag:
				if tag := bare(s); first("#" + FoldTag(tag)) {
					f.Hashtags = append(f.Hashtags, tag)
				}
			case emoji:
				if first(s) {
					f.Emoji = append(f.Emoji, s[1:len(s)-1])
				}
			}
		})
		return append(dst, '.') // Keeps the elements around the text.
	})
	return f
}

// Links answers where the things in a text lead.
type Links struct {
	// Mention returns the account "user" or "user@host": its id, the page to link
	// to ("" is the id), and the name to show. ok is false when there is none; the
	// mention then stays text. nil knows nobody.
	Mention func(handle string) (href, url, username string, ok bool)
	// Hashtag returns the page of a tag, given without the sign. nil, or an answer
	// of "", leaves it text.
	Hashtag func(tag string) (url string)
}

// Render returns typed text as HTML in the shape in which Mastodon writes it, which
// is what apps and other servers look for. contentType is one of ContentTypes,
// anything else is plain text. Plain text gets a paragraph per block of lines and
// a break per line; Markdown and HTML are sanitised like a stranger's. Web
// addresses, mentions and hashtags become links; emoji shortcodes stay.
func Render(text, contentType string, links Links) string {
	return formatOf(contentType).render(bounded(text), func(dst []byte, s string) []byte {
		scan(s, func(p part, s string) { dst = appendPart(dst, p, s, links) })
		return dst
	})
}

// renderPlain makes paragraphs and line breaks.
func renderPlain(text string, typed textFunc) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	out := make([]byte, 0, len(text)*2)
	open := false // A paragraph is open.
	empty := 0    // Empty lines since the last one with text.
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			empty++
			continue
		}
		switch {
		case open && empty > 0:
			out = append(out, "</p><p>"...)
		case open:
			out = append(out, "<br />"...)
		default:
			out = append(out, "<p>"...)
		}
		open, empty = true, 0
		out = typed(out, line)
	}
	if open {
		out = append(out, "</p>"...)
	}
	return string(out)
}

// appendPart appends one part of typed text as HTML.
func appendPart(dst []byte, p part, s string, links Links) []byte {
	switch p {
	case address:
		return appendAddress(dst, s)
	case mention:
		if links.Mention == nil {
			break
		}
		id, page, username, ok := links.Mention(s[1:])
		if !ok {
			break
		}
		if page == "" {
			page = id
		}
		dst = appendValue(append(dst, `<span class="h-card" translate="no"><a href="`...), page)
		dst = appendText(append(dst, `" class="u-url mention">@<span>`...), username)
		return append(dst, `</span></a></span>`...)
	case hashtag:
		if links.Hashtag == nil {
			break
		}
		tag := bare(s)
		page := links.Hashtag(tag)
		if page == "" {
			break
		}
		dst = appendValue(append(dst, `<a href="`...), page)
		dst = appendText(append(dst, `" class="mention hashtag" rel="tag">#<span>`...), tag)
		return append(dst, `</span></a>`...)
	}
	return appendText(dst, s)
}

// shown is how many characters of an address are shown; the rest is there for
// those who copy it, but invisible.
const shown = 30

func appendAddress(dst []byte, s string) []byte {
	prefix := strings.Index(s, "//") + 2
	if strings.HasPrefix(s[prefix:], "www.") {
		prefix += len("www.")
	}
	cut := len(s)
	for i, n := prefix, 0; i < len(s); n++ {
		if n == shown {
			cut = i
			break
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	dst = appendValue(append(dst, `<a href="`...), s)
	dst = append(dst, `" target="_blank" rel="`+linkRel+`" translate="no"><span class="invisible">`...)
	dst = append(appendText(dst, s[:prefix]), `</span>`...)
	if cut == len(s) {
		return append(appendText(dst, s[prefix:]), `</a>`...)
	}
	dst = appendText(append(dst, `<span class="ellipsis">`...), s[prefix:cut])
	dst = appendText(append(dst, `</span><span class="invisible">`...), s[cut:])
	return append(dst, `</span></a>`...)
}

// addressLength is what an address counts, however long it is.
//
// spec: masto:entities/V1_Instance#characters_reserved_per_url
const addressLength = 23

// Length counts the characters of a post as Mastodon does: what a reader sees as
// one (a grapheme cluster) counts one, a web address 23, "@user@host" as "@user".
// spoiler, the content warning, counts with the text, as it is.
//
// spec: masto:user/posting#links
func Length(text, spoiler string) int {
	n := clusters(spoiler)
	scan(text, func(p part, s string) {
		switch p {
		case address:
			n += addressLength
		case mention:
			user, _, _ := strings.Cut(s[1:], "@")
			n += 1 + len(user)
		default:
			n += clusters(s)
		}
	})
	return n
}

func clusters(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == '\r' {
			return uniseg.GraphemeClusterCount(s)
		}
	}
	return len(s)
}

// FoldTag returns the form under which a hashtag is looked up: without the sign,
// compatibility-normalised (NFKC), case-folded. Tags that fold alike are one.
func FoldTag(tag string) string {
	tag = bare(tag)
	for i := range len(tag) {
		if tag[i] >= utf8.RuneSelf {
			// Folding may give decomposed characters, so it is normalised once more.
			return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(tag)))
		}
	}
	return strings.ToLower(tag)
}

// bare returns tag without its sign.
func bare(tag string) string {
	return strings.TrimPrefix(strings.TrimPrefix(tag, "#"), "＃")
}
