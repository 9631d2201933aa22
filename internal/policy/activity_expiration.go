package policy

import (
	"fmt"
	"time"
)

// ActivityExpiration gives the posts of our own people a lifetime. Pinned posts stay.
type ActivityExpiration struct {
	// Days is after how many days a post is deleted, here and elsewhere. People can
	// choose a shorter time for a post of theirs.
	Days int `key:"days" default:"365" min:"1" max:"36500"`
}

// Wants implements Rule.
func (*ActivityExpiration) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *ActivityExpiration) Check(c *Case) error {
	if c.Local && c.Activity.Type == "Create" && c.Post() != nil {
		c.Expire(c.Now.Add(time.Duration(r.Days)*24*time.Hour), fmt.Sprintf("posts live for %d days here", r.Days))
	}
	return nil
}
