package policy

import (
	"slices"
	"time"
)

// ObjectAge acts on old posts that arrive late: somebody's archive is not news.
type ObjectAge struct {
	// Threshold is how old a post must be.
	Threshold time.Duration `key:"threshold" default:"7d" min:"1m"`

	// Actions are what happens to it: delist takes it out of the public timelines,
	// strip_followers out of the homes of those who follow the author, reject refuses
	// it. Posts that are fetched for a thread or a boost are not refused.
	Actions []string `key:"actions" default:"delist,strip_followers" each:"delist,strip_followers,reject"`
}

// old tells whether a post from elsewhere was written before the threshold.
func (r *ObjectAge) old(c *Case) bool {
	o := c.Post()
	return o != nil && !c.Local && !o.Published.IsZero() && c.Now.Sub(o.Published) > r.Threshold
}

// Wants implements Rule.
func (r *ObjectAge) Wants(c *Case) Want {
	if r.old(c) {
		return WantKnown
	}
	return 0
}

// Check implements Rule. A new version of a post that is here is no news either way.
func (r *ObjectAge) Check(c *Case) error {
	if !r.old(c) || c.Known {
		return nil
	}
	why := "written on " + c.Post().Published.UTC().Format("2006-01-02")
	if slices.Contains(r.Actions, "reject") && !c.Fetched {
		return c.Reject("This post is too old to be taken now.")
	}
	if c.Fetched {
		return nil // It stands at its own time, and in nobody's home.
	}
	if slices.Contains(r.Actions, "delist") {
		c.Delist(why)
	}
	if slices.Contains(r.Actions, "strip_followers") {
		c.Quiet(why)
	}
	return nil
}
