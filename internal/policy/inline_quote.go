package policy

import (
	"html"
	"strings"
)

// InlineQuote appends the link of a quoted post to the text, for apps that show no
// quotes.
type InlineQuote struct {
	// Prefix stands before the link.
	Prefix string `key:"prefix" default:"RE"`
}

// Wants implements Rule.
func (*InlineQuote) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *InlineQuote) Check(c *Case) error {
	o := c.Post()
	if o == nil || o.QuoteURL == "" {
		return nil
	}
	at := html.EscapeString(string(o.QuoteURL))
	if strings.Contains(o.Content, at) || strings.Contains(o.Content, "quote-inline") {
		return nil
	}
	content := o.Content + `<span class="quote-inline"><br><br>` + html.EscapeString(r.Prefix) + `: <a href="` + at + `">` + at + `</a></span>`
	c.SetText(&content, nil, nil, "with the link of the quoted post")
	return nil
}
