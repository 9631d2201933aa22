package policy

import "strings"

// ForceBotUnlisted takes the posts of bots out of the public timelines, ours too.
type ForceBotUnlisted struct{}

// Wants implements Rule.
func (ForceBotUnlisted) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (ForceBotUnlisted) Check(c *Case) error {
	name := strings.ToLower(c.Username)
	if c.Post() != nil && (c.Service || strings.HasSuffix(name, "bot") || strings.HasSuffix(name, "ebooks")) {
		c.Delist("a bot wrote it")
	}
	return nil
}
