package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of what is shown on one line, in characters (runes).
const (
	maxDisplayName = 100
	maxTitle       = 300
	maxMarks       = 8 // Combining marks in a row; scripts that stack them use up to four.
)

// PlainText returns the text of HTML, sanitised or not: a line break for <br>
// and list items, an empty line between paragraphs, the shortcode of an emoji
// picture, nothing of scripts and styles. Input beyond 128 kB is cut.
func PlainText(s string) string {
	var t plain
	z := html.NewTokenizer(strings.NewReader(bounded(s)))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimRightFunc(t.out.String(), unicode.IsSpace)
		case html.TextToken:
			if t.hidden == 0 {
				t.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			t.startTag(tag)
			for more && tag == atom.Img {
				var key, value []byte
				key, value, more = z.TagAttr()
				if alt := string(value); string(key) == "alt" && shortcode.MatchString(alt) {
					t.text(alt)
				}
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			t.endTag(atom.Lookup(name))
		}
	}
}

// plain collects text. A break is held back until text follows.
type plain struct {
	out    strings.Builder
	breaks int       // Line breaks to write before the next text.
	hidden atom.Atom // The element whose content is being skipped, or 0.
	pre    int       // Depth of pre: white space counts.
}

func (t *plain) text(s string) {
	if t.pre == 0 {
		s = collapse(s, t.out.Len() == 0 || t.breaks > 0 || strings.HasSuffix(t.out.String(), " "))
	}
	if s == "" {
		return
	}
	for ; t.breaks > 0 && t.out.Len() > 0; t.breaks-- {
		t.out.WriteByte('\n')
	}
	t.breaks = 0
	t.out.Write(appendVisible(nil, s))
}

func (t *plain) startTag(tag atom.Atom) {
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Svg, atom.Iframe, atom.Noscript, atom.Noembed, atom.Noframes:
		if t.hidden == 0 {
			t.hidden = tag
		}
	case atom.Br:
		if t.hidden == 0 {
			t.breaks = min(t.breaks+1, 2)
		}
	case atom.Pre:
		t.pre++
	}
	t.block(tag)
}

func (t *plain) endTag(tag atom.Atom) {
	if tag == t.hidden {
		t.hidden = 0
	}
	if tag == atom.Pre && t.pre > 0 {
		t.pre--
	}
	t.block(tag)
}

// block asks for the breaks around a block element.
func (t *plain) block(tag atom.Atom) {
	switch tag {
	case atom.Li, atom.Tr, atom.Dt, atom.Dd:
		t.breaks = max(t.breaks, 1)
	default:
		if e, ok := elements[tag.String()]; ok && (e.kind == paragraph || e.kind == heading || e.kind == block || e.kind == list) {
			t.breaks = 2
		}
	}
}

// collapse makes each run of white space one space, none at the start if trim.
func collapse(s string, trim bool) string {
	var b strings.Builder
	space := trim
	for _, r := range s {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// appendVisible appends s without control characters.
func appendVisible(dst []byte, s string) []byte {
	for _, r := range s {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// Excerpt returns the text of HTML on one line, cut to at most limit characters
// with an ellipsis, at a word's end if one is near. A limit of 0 or less gives "".
func Excerpt(s string, limit int) string {
	line := strings.Join(strings.Fields(PlainText(s)), " ")
	runes := []rune(line)
	if len(runes) <= limit {
		return line
	}
	if limit <= 0 {
		return ""
	}
	cut := limit - 1
	for i := cut; i > cut*3/4; i-- {
		if unicode.IsSpace(runes[i]) {
			cut = i
			break
		}
	}
	return strings.TrimRightFunc(string(runes[:cut]), unicode.IsSpace) + "…"
}

// DisplayName returns a name as it may be shown: text on one line of at most 100
// characters, without tags, control characters, invisible characters that change
// the direction of what follows, or towers of accents. It may be "".
func DisplayName(s string) string { return oneLine(s, maxDisplayName) }

// Title is DisplayName for the title of an article, at most 300 characters.
func Title(s string) string { return oneLine(s, maxTitle) }

func oneLine(s string, limit int) string {
	// Names are short: ten times the limit is more than a name with tags takes.
	if len(s) > limit*64 {
		s = s[:limit*64]
	}
	s = strings.ToValidUTF8(s, "")
	if strings.ContainsAny(s, "<&") {
		s = PlainText(s)
	}
	var b strings.Builder
	n, marks, space := 0, 0, true
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			if space {
				continue
			}
			r = ' '
		case unicode.IsControl(r), misleading(r):
			continue
		}
		space = r == ' '
		if unicode.IsMark(r) {
			marks++
		} else {
			marks = 0
		}
		if marks > maxMarks {
			continue
		}
		if n++; n > limit {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " \u200d")
}

// misleading tells whether r is invisible and changes how its neighbours read:
// direction marks and overrides, zero-width spaces, fillers. Joiners stay, since
// emoji and several scripts need them.
func misleading(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, // Embeddings, overrides, isolates.
		r == 0x200b, r == 0x200e, r == 0x200f, r == 0x061c, r == 0xfeff,
		r == 0x00ad, r == 0x034f, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, // Fillers.
		r >= 0xfff9 && r <= 0xfffb, r == utf8.RuneError:
		return true
	}
	return false
}
