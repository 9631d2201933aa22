package policy

import (
	"fmt"
	"strings"
)

// Keyword acts on words and patterns in the text, content warning or title of posts,
// ours too.
type Keyword struct {
	// Reject are words or patterns whose posts are refused. A word counts wherever it
	// stands, in upper or lower case; a pattern is a regular expression, ~r/word/i.
	Reject []string `key:"reject"`

	// FederatedTimelineRemoval are those whose posts are taken out of the public
	// timelines.
	FederatedTimelineRemoval []string `key:"federated_timeline_removal"`

	// Replace are words or patterns with what they become: "word => other".
	Replace []string `key:"replace"`

	reject, delist []pattern
	replace        []replacement
}

type replacement struct {
	pattern
	with string
}

func (r *Keyword) compile(*Settings) (err error) {
	if r.reject, err = patterns(r.Reject); err != nil {
		return err
	}
	if r.delist, err = patterns(r.FederatedTimelineRemoval); err != nil {
		return err
	}
	r.replace = nil
	for _, entry := range r.Replace {
		from, to, ok := strings.Cut(entry, "=>")
		if !ok {
			return fmt.Errorf("%q has no =>", entry)
		}
		p, err := newPattern(strings.TrimSpace(from))
		if err != nil {
			return err
		}
		r.replace = append(r.replace, replacement{p, strings.TrimSpace(to)})
	}
	return nil
}

// Wants implements Rule.
func (*Keyword) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *Keyword) Check(c *Case) error {
	o := c.Post()
	if o == nil {
		return nil
	}
	texts := []string{plain(o.Content), plain(o.Summary), plain(o.Name)}
	if _, ok := within(r.reject, texts...); ok {
		return c.Reject("This server does not take posts with these words.")
	}
	if word, ok := within(r.delist, texts...); ok {
		c.Delist("the text holds " + word)
	}
	if len(r.replace) == 0 {
		return nil
	}
	content, summary, name := o.Content, o.Summary, o.Name
	for i := range r.replace {
		for _, text := range []*string{&content, &summary, &name} {
			*text = r.replace[i].apply(*text)
		}
	}
	c.SetText(&content, &summary, &name, "words are replaced")
	return nil
}

// maxReplaced bounds what a replacement may make of a text, in bytes.
const maxReplaced = 256 << 10

func (r *replacement) apply(text string) string {
	var changed string
	if r.re != nil {
		changed = r.re.ReplaceAllString(text, r.with)
	} else {
		changed = replaceFold(text, r.word, r.with)
	}
	if len(changed) > max(maxReplaced, len(text)) {
		return text
	}
	return changed
}

// replaceFold replaces a word in lower case wherever it stands, however it is written.
func replaceFold(text, word, with string) string {
	lower := strings.ToLower(text)
	if word == "" || len(lower) != len(text) { // Few letters change their length.
		return strings.ReplaceAll(text, word, with)
	}
	var b strings.Builder
	for {
		at := strings.Index(lower, word)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		b.WriteString(with)
		text, lower = text[at+len(word):], lower[at+len(word):]
	}
}
