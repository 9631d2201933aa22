package policy

import "strings"

// EnsureRePrepended puts "re:" before a content warning that was copied from the post
// that is answered.
type EnsureRePrepended struct{}

// Wants implements Rule.
func (EnsureRePrepended) Wants(c *Case) Want {
	if o := c.Post(); o != nil && o.InReplyTo != "" && o.Summary != "" && !strings.HasPrefix(strings.ToLower(o.Summary), "re:") {
		return WantParent
	}
	return 0
}

// Check implements Rule.
func (r EnsureRePrepended) Check(c *Case) error {
	if r.Wants(c) != 0 && strings.EqualFold(strings.TrimSpace(plain(c.Post().Summary)), strings.TrimSpace(c.ParentSummary)) {
		summary := "re: " + c.Post().Summary
		c.SetText(nil, &summary, nil, "the content warning is that of the post above")
	}
	return nil
}
