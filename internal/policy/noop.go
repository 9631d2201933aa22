package policy

// NoOp does nothing.
type NoOp struct{}

// Wants implements Rule.
func (NoOp) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (NoOp) Check(*Case) error { return nil }

// Drop refuses everything that strangers send. It is meant for tests.
type Drop struct{}

// Wants implements Rule.
func (Drop) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (Drop) Check(c *Case) error {
	if c.Local {
		return nil
	}
	return c.Reject("This server takes nothing at the moment.")
}
