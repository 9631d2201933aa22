package policy

import "strings"

// NoPlaceholderText removes the full stop that some apps write where a post is only
// a picture.
type NoPlaceholderText struct{}

// Wants implements Rule.
func (NoPlaceholderText) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (NoPlaceholderText) Check(c *Case) error {
	o := c.Post()
	if o != nil && len(o.Attachments) > 0 && strings.TrimSpace(plain(o.Content)) == "." {
		none := ""
		c.SetText(&none, nil, nil, "a full stop stood for no text")
	}
	return nil
}
