package policy

import "time"

// AntiMentionSpam refuses posts by accounts that were first seen a moment ago and
// name many people here who don't follow them.
type AntiMentionSpam struct {
	// UserAge is for how long an account counts as new after it was first seen here.
	UserAge time.Duration `key:"user_age" default:"1d" min:"0s"`

	// Mentions is how many people here who don't follow it such an account may name in
	// a post.
	Mentions int `key:"mentions" default:"3" min:"0" max:"1000"`
}

func (r *AntiMentionSpam) suspect(c *Case) bool {
	return c.Post() != nil && !c.Local && !c.Fetched && c.Now.Sub(c.FirstSeen) < r.UserAge && len(c.People()) > r.Mentions
}

// Wants implements Rule.
func (r *AntiMentionSpam) Wants(c *Case) Want {
	if r.suspect(c) {
		return WantReaders
	}
	return 0
}

// Check implements Rule.
func (r *AntiMentionSpam) Check(c *Case) error {
	if r.suspect(c) && len(c.Strangers) > r.Mentions {
		return c.Reject("New accounts can't name that many people who don't know them.")
	}
	return nil
}
