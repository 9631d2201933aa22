package policy

import (
	"time"

	"kenoma/internal/fault"
)

// Newcomers limits what new accounts of ours may do in an hour: nobody who means well
// gets there, and who signs up for spam gets no further. Imports of lists are not
// counted. It does nothing where rate_limit.enabled is off.
type Newcomers struct {
	// NewFor is for how long an account counts as new.
	NewFor time.Duration `key:"new_for" default:"72h" min:"0s"`

	// Posts is how many posts and boosts a new account may make in an hour.
	Posts int `key:"posts" default:"60" min:"1" max:"500"`

	// Mentions is how many people who don't follow it a new account may name in an hour.
	Mentions int `key:"mentions" default:"40" min:"1" max:"500"`

	// Links is how many posts with links it may make in an hour.
	Links int `key:"links" default:"20" min:"1" max:"500"`

	// Messages is how many people who don't follow it may get a direct message of it in
	// an hour.
	Messages int `key:"messages" default:"10" min:"1" max:"500"`

	// Follows is how many people it may follow in an hour.
	Follows int `key:"follows" default:"100" min:"1" max:"500"`
}

// errNew is for who is new and does much.
var errNew = fault.New(fault.TooMany, "You have done this often for somebody who is new here. Please go on in an hour.")

// counted tells whether the rule is about c: a new account of ours acts by itself.
func (r *Newcomers) counted(c *Case) bool {
	return c.Local && !c.Import && c.Now.Sub(c.FirstSeen) < r.NewFor
}

// Wants implements Rule.
func (r *Newcomers) Wants(c *Case) Want {
	if r.counted(c) && c.Post() != nil && len(c.People()) > 0 {
		return WantUnknown
	}
	return 0
}

// Check implements Rule.
func (r *Newcomers) Check(c *Case) error {
	if !r.counted(c) {
		return nil
	}
	id := string(c.Activity.ID)
	switch c.Activity.Type {
	case "Follow":
		return r.count(c, "follows", string(c.Activity.Object), r.Follows)
	case "Announce":
		return r.count(c, "posts", id, r.Posts)
	case "Create":
		return r.post(c, id)
	}
	return nil
}

func (r *Newcomers) post(c *Case, id string) error {
	o := c.Post()
	if o == nil {
		return nil // A vote.
	}
	if err := r.count(c, "posts", id, r.Posts); err != nil {
		return err
	}
	if hasLink(o) {
		if err := r.count(c, "links", id, r.Links); err != nil {
			return err
		}
	}
	kind, most := "mentions", r.Mentions
	if c.Visibility().Name == "direct" {
		kind, most = "messages", r.Messages
	}
	for _, who := range c.Unknown {
		if err := r.count(c, kind, string(who), most); err != nil {
			return err
		}
	}
	return nil
}

func (r *Newcomers) count(c *Case, what, id string, most int) error {
	if c.Tally.Take("new "+what+" "+string(c.Activity.Actor), id, waveHour, c.Now, most) {
		return nil
	}
	return errNew
}
