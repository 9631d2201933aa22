package policy

import "slices"

// Vocabulary takes from strangers only some types of activities, or some not.
type Vocabulary struct {
	// Accept are the types of activities and of the objects that they bring, Create,
	// Note …, which are taken. Empty means all.
	Accept []string `key:"accept"`

	// Reject are those that are refused.
	Reject []string `key:"reject"`
}

// Wants implements Rule.
func (*Vocabulary) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *Vocabulary) Check(c *Case) error {
	if c.Local {
		return nil
	}
	types := []string{c.Activity.Type}
	if c.Activity.Inline != nil && c.Activity.Inline.Type != "" {
		types = append(types, c.Activity.Inline.Type)
	}
	for _, t := range types {
		if slices.Contains(r.Reject, t) || len(r.Accept) > 0 && !slices.Contains(r.Accept, t) {
			return c.Reject("This server does not take anything of the type %s.", t)
		}
	}
	return nil
}
