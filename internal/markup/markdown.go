package markup

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown is CommonMark with strikethrough. A line break is a line break, as
// people expect who write posts; HTML passes, since all of it is sanitised after.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Strikethrough),
	goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(literal{}, 90))),
	goldmark.WithRendererOptions(html.WithUnsafe(), html.WithHardWraps()),
)

// maxMarkdown bounds what is parsed as Markdown, in bytes: a few constructions
// take quadratic time. Longer text is taken as plain.
const maxMarkdown = 32 << 10

// renderMarkdown turns Markdown into sanitised HTML.
func renderMarkdown(s string, typed textFunc) string {
	var b strings.Builder
	if len(s) > maxMarkdown || markdown.Convert([]byte(s), &b) != nil {
		return renderPlain(s, typed)
	}
	return sanitize(b.String(), typed)
}

// literal keeps addresses, mentions, hashtags and shortcodes from being read as
// Markdown: "@so_me_one" holds no emphasis, "https://a.test/*b*" neither.
type literal struct{}

// longest is how far a single address is looked at, in bytes. It bounds the work
// for a line full of signs.
const longest = 2048

// Trigger implements parser.InlineParser. ' ' stands for any white space, the
// start of a line and of a text.
func (literal) Trigger() []byte { return []byte{' ', '(', '@', '#', ':'} }

// Parse implements parser.InlineParser.
func (literal) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if pc.IsInLinkLabel() {
		return nil
	}
	line, segment := block.PeekLine()
	before, lead := block.PrecendingCharacter(), 0
	if line[0] == ' ' || line[0] == '(' || line[0] == '\t' {
		before, lead = rune(line[0]), 1
	}
	if lead == len(line) {
		return nil
	}
	p, n := partAt(string(line[lead:min(len(line), lead+longest)]), before)
	if p == words || n == 0 {
		return nil
	}
	if lead > 0 {
		ast.MergeOrAppendTextSegment(parent, segment.WithStop(segment.Start+lead))
	}
	block.Advance(lead + n)
	node := ast.NewTextSegment(text.NewSegment(segment.Start+lead, segment.Start+lead+n))
	node.SetRaw(true)
	return node
}
