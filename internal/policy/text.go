package policy

import (
	"html"
	"regexp"
	"strings"

	"kenoma/internal/vocab"
)

var (
	tagForm  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>`)
	linkForm = regexp.MustCompile(`(?i)<a\s[^>]*>`)
	hrefForm = regexp.MustCompile(`(?i)\shref\s*=\s*["']([^"']*)["']`)
	// classForm finds the classes with which software marks mentions and hashtags.
	classForm = regexp.MustCompile(`(?i)\sclass\s*=\s*["'][^"']*\b(mention|hashtag|u-url)\b[^"']*["']|\srel\s*=\s*["'][^"']*\btag\b[^"']*["']`)
)

// plain is what HTML says to a reader, near enough to look for words in it.
func plain(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	text = tagForm.ReplaceAllStringFunc(text, func(tag string) string {
		switch strings.ToLower(tagForm.FindStringSubmatch(tag)[2]) {
		case "p", "br", "div", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "tr":
			return "\n"
		}
		return "" // Words are often parted by spans.
	})
	return html.UnescapeString(text)
}

// links are the addresses that a text links to, without those of mentions, hashtags
// and the post's own files.
func links(o *vocab.Object) []string {
	known := map[string]bool{}
	for _, t := range o.Tags {
		known[string(t.Href)] = true
	}
	for _, a := range o.Attachments {
		known[string(a.URL)] = true
	}
	var all []string
	for _, tag := range linkForm.FindAllString(o.Content, 200) {
		href := hrefForm.FindStringSubmatch(tag)
		if href == nil || classForm.MatchString(tag) || known[html.UnescapeString(href[1])] {
			continue
		}
		all = append(all, html.UnescapeString(href[1]))
	}
	return all
}

// pattern is a word, found wherever it stands and however it is written, or a regular
// expression: ~r/…/i as in Pleroma, or /…/.
type pattern struct {
	word string // In lower case.
	re   *regexp.Regexp
	text string // As the admin wrote it.
}

// maxPattern bounds the length of a pattern, in bytes.
const maxPattern = 2000

func newPattern(text string) (p pattern, err error) {
	p.text = text
	body := strings.TrimPrefix(text, "~r")
	end := strings.LastIndexByte(body, '/')
	if end < 1 || body[0] != '/' || strings.Trim(body[end+1:], "imsux") != "" {
		p.word = strings.ToLower(text)
		return p, nil
	}
	flags := strings.Map(func(r rune) rune {
		if strings.ContainsRune("ims", r) {
			return r
		}
		return -1
	}, body[end+1:])
	re := body[1:end]
	if flags != "" {
		re = "(?" + flags + ")" + re
	}
	p.re, err = regexp.Compile(re)
	return p, err
}

func (p *pattern) in(text, lower string) bool {
	if p.re != nil {
		return p.re.MatchString(text)
	}
	return p.word != "" && strings.Contains(lower, p.word)
}

// patterns compiles a list.
func patterns(list []string) ([]pattern, error) {
	var all []pattern
	for _, text := range list {
		if len(text) > maxPattern {
			text = text[:maxPattern]
		}
		p, err := newPattern(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// within returns the first pattern of a list that is in one of the texts.
func within(list []pattern, texts ...string) (string, bool) {
	for _, text := range texts {
		lower := strings.ToLower(text)
		for i := range list {
			if list[i].in(text, lower) {
				return list[i].text, true
			}
		}
	}
	return "", false
}
