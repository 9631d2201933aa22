package policy

import "time"

// RejectNewlyCreatedAccountNotes refuses the posts of accounts that were first seen a
// short time ago.
type RejectNewlyCreatedAccountNotes struct {
	// Age is how long an account must have been known here.
	Age time.Duration `key:"age" default:"1d" min:"0s"`
}

// Wants implements Rule.
func (*RejectNewlyCreatedAccountNotes) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *RejectNewlyCreatedAccountNotes) Check(c *Case) error {
	if c.Post() != nil && !c.Local && !c.Fetched && c.Now.Sub(c.FirstSeen) < r.Age {
		return c.Reject("This server takes no posts yet from accounts that it has known for a short time only.")
	}
	return nil
}
