package policy

import "fmt"

// Hellthread acts on posts that name very many people, ours too.
type Hellthread struct {
	// DelistThreshold is how many people a post may name before it is taken out of the
	// public timelines. 0 never does.
	DelistThreshold int `key:"delist_threshold" default:"10" min:"0" max:"100000"`

	// RejectThreshold is how many before it is refused. 0 never does.
	RejectThreshold int `key:"reject_threshold" default:"20" min:"0" max:"100000"`
}

// Wants implements Rule.
func (*Hellthread) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *Hellthread) Check(c *Case) error {
	if c.Post() == nil {
		return nil
	}
	n := len(c.People())
	if r.RejectThreshold > 0 && n > r.RejectThreshold {
		return c.Reject("A post can name at most %d people here.", r.RejectThreshold)
	}
	if r.DelistThreshold > 0 && n > r.DelistThreshold {
		c.Delist(fmt.Sprintf("it names %d people", n))
	}
	return nil
}
