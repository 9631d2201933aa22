package markup

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// MFM is the media type of Misskey's Markdown: Markdown with functions that move and
// colour text, "$[spin.speed=2s text]".
const MFM = "text/x.misskeymarkdown"

// mfmFunctions are the functions that clients animate. A function stands as a span
// of class "mfm-NAME", its arguments as attributes "data-mfm-ARG".
//
// spec: fep-c16b
var mfmFunctions = []string{
	"tada", "jelly", "twitch", "shake", "spin", "jump", "bounce", "rainbow", "sparkle", "fade", "rotate", "flip", "x2", "x3", "x4", "scale", "position", "crop",
	"fg", "bg", "border", "font", "blur", "ruby", "unixtime", "followmouse", "center", "small", "group", "plain", "search",
}

// mfmArguments are the arguments that are kept. None can hold more than a number, a
// length of time or of a line, a colour, or the name of a style.
var mfmArguments = []string{
	"speed", "delay", "loop", "left", "alternate", "x", "y", "z", "h", "v", "deg", "color", "style", "width", "radius", "noclip", "top", "right", "bottom", "offset",
	"serif", "monospace", "cursive", "fantasy", "emoji", "math",
}

// mfmValue is what an argument may be: no more than these.
var mfmValue = regexp.MustCompile(`^[A-Za-z0-9.-]{0,16}$`)

const mfmPrefix = "data-mfm-"

// mfmAttributes are mfmArguments as attributes.
var mfmAttributes = func() []string {
	var all []string
	for _, a := range mfmArguments {
		all = append(all, mfmPrefix+a)
	}
	return all
}()

func init() {
	for _, f := range mfmFunctions {
		classes["mfm-"+f] = true
	}
}

// mfm writes the arguments of a function that stands as a span.
func (w *writer) mfm(attrs []html.Attribute) {
	for _, name := range mfmAttributes {
		for _, a := range attrs {
			if a.Key == name && mfmValue.MatchString(a.Val) {
				w.attribute(name, a.Val)
				break
			}
		}
	}
}

// renderMFM turns MFM into sanitised HTML: its functions into spans, all else as
// Markdown.
func renderMFM(s string, typed textFunc) string {
	return renderMarkdown(mfmSpans(s), typed)
}

// maxMFM is how deep functions may nest, and maxMFMFunctions how many there may be; what
// is beyond stays text.
const (
	maxMFM          = 16
	maxMFMFunctions = 1000
)

// mfmOpen is the start of a function, "$[name.arg=value,arg ".
var mfmOpen = regexp.MustCompile(`^\$\[([a-z0-9]{1,16})(?:\.([A-Za-z0-9.,=-]{1,100}))?[ \n]`)

// mfmTags are the tags of MFM that are functions in all but their form.
var mfmTags = strings.NewReplacer("<center>", `<span class="mfm-center">`, "</center>", "</span>", "<small>", `<span class="mfm-small">`, "</small>", "</span>")

// mfmSpans replaces the functions in s by spans. Code is left alone; a function that is
// not closed stays text.
func mfmSpans(s string) string {
	var parts []string // Of the result.
	type bracket struct {
		part int // Where the function starts in parts, −1 for a bracket of Markdown's.
		text string
	}
	var open []bracket
	functions, depth, start := 0, 0, 0
	flush := func(to int) {
		parts = append(parts, mfmTags.Replace(s[start:to]))
	}
	for i := 0; i < len(s); {
		switch {
		case s[i] == '`':
			n := codeLen(s[i:])
			flush(i)
			parts = append(parts, s[i:i+n])
			i += n
			start = i
		case s[i] == '$' && depth < maxMFM && functions < maxMFMFunctions && mfmOpen.MatchString(s[i:min(len(s), i+130)]):
			m := mfmOpen.FindStringSubmatch(s[i:min(len(s), i+130)])
			flush(i)
			open = append(open, bracket{len(parts), m[0]})
			parts = append(parts, mfmSpan(m[1], m[2]))
			i += len(m[0])
			start, functions, depth = i, functions+1, depth+1
		case s[i] == '[':
			open = append(open, bracket{part: -1})
			i++
		case s[i] == ']' && len(open) > 0:
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if last.part >= 0 {
				flush(i)
				parts = append(parts, "</span>")
				start, depth = i+1, depth-1
			}
			i++
		default:
			i++
		}
	}
	flush(len(s))
	for _, o := range open {
		if o.part >= 0 {
			parts[o.part] = o.text
		}
	}
	return strings.Join(parts, "")
}

// codeLen is the length of a code span or block at the start of s, with its marks; of
// the marks alone where they are not closed.
func codeLen(s string) int {
	marks := len(s) - len(strings.TrimLeft(s, "`"))
	if end := strings.Index(s[marks:], s[:marks]); end >= 0 {
		return marks + end + marks
	}
	return marks
}

// mfmSpan is the start tag of a function.
func mfmSpan(name, arguments string) string {
	var b strings.Builder
	b.WriteString(`<span class="mfm-` + name + `"`)
	for a := range strings.SplitSeq(arguments, ",") {
		if key, value, _ := strings.Cut(a, "="); key != "" && mfmValue.MatchString(key) && mfmValue.MatchString(value) {
			b.WriteString(" " + mfmPrefix + strings.ToLower(key) + `="` + value + `"`)
		}
	}
	b.WriteString(">")
	return b.String()
}
