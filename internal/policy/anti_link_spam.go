package policy

// AntiLinkSpam refuses posts with links by strangers of whom no other post and no
// follower is known here.
type AntiLinkSpam struct{}

func linkBy(c *Case) bool {
	o := c.Post()
	return o != nil && !c.Local && !c.Fetched && len(links(o)) > 0
}

// Wants implements Rule.
func (AntiLinkSpam) Wants(c *Case) Want {
	if linkBy(c) {
		return WantCounts
	}
	return 0
}

// Check implements Rule.
func (AntiLinkSpam) Check(c *Case) error {
	if linkBy(c) && c.Posts == 0 && c.FollowerCount == 0 {
		return c.Reject("This server does not take links from accounts that nobody knows yet.")
	}
	return nil
}
