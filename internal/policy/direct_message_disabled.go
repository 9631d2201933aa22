package policy

import (
	"slices"

	"kenoma/internal/vocab"
)

// DirectMessageDisabled keeps direct messages from people here who want none from
// their sender.
type DirectMessageDisabled struct{}

// Wants implements Rule.
func (DirectMessageDisabled) Wants(c *Case) Want {
	if c.Post() != nil && c.Visibility().Name == "direct" {
		return WantClosed
	}
	return 0
}

// Check implements Rule.
func (DirectMessageDisabled) Check(c *Case) error {
	o := c.Post()
	if o == nil || len(c.Closed) == 0 || c.Visibility().Name != "direct" {
		return nil
	}
	closed := func(who vocab.IRI) bool { return slices.Contains(c.Closed, who) }
	to, cc := slices.DeleteFunc(slices.Clone(o.To), closed), slices.DeleteFunc(slices.Clone(o.Cc), closed)
	if len(to)+len(cc) == 0 {
		return c.Reject("They don't take direct messages from you.")
	}
	c.SetPeople(to, cc, "some take no direct messages from the author")
	c.SetTags(slices.DeleteFunc(slices.Clone(o.Tags), func(t vocab.Tag) bool { return t.Type == "Mention" && closed(t.Href) }), "the same")
	return nil
}
