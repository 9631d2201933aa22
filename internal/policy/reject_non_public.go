package policy

// RejectNonPublic refuses posts from elsewhere that are not for everybody.
type RejectNonPublic struct {
	// AllowFollowersOnly lets in what is for the author's followers.
	AllowFollowersOnly bool `key:"allow_followersonly" default:"false"`

	// AllowDirect lets in what is for those alone whom it names.
	AllowDirect bool `key:"allow_direct" default:"false"`
}

// Wants implements Rule.
func (*RejectNonPublic) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *RejectNonPublic) Check(c *Case) error {
	if c.Post() == nil || c.Local {
		return nil
	}
	switch vis := c.Visibility().Name; {
	case vis == "private" && !r.AllowFollowersOnly, vis == "direct" && !r.AllowDirect:
		return c.Reject("This server takes public posts only.")
	}
	return nil
}
