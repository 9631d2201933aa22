package policy

import "strings"

// NoEmpty refuses posts of our own people that say and show nothing: those that only
// name somebody, too.
type NoEmpty struct{}

// Wants implements Rule.
func (NoEmpty) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (NoEmpty) Check(c *Case) error {
	o := c.Post()
	if o == nil || !c.Local || len(o.Attachments) > 0 || o.Poll != nil || o.QuoteURL != "" {
		return nil
	}
	for _, word := range strings.Fields(plain(o.Content)) {
		if !strings.HasPrefix(word, "@") {
			return nil
		}
	}
	return c.Reject("Please write something.")
}
