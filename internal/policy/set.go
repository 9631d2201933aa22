package policy

import (
	"errors"
	"sync/atomic"
)

// Named is a rule with the name by which admins know it.
type Named struct {
	Name string
	Rule
}

// Set is the rules that are on, in the order in which they are asked. It does not
// change once it is made. A nil Set lets everything pass.
type Set struct{ Rules []Named }

// Empty tells whether there is no rule.
func (s *Set) Empty() bool { return s == nil || len(s.Rules) == 0 }

// Wants says what the rules must know to judge c.
func (s *Set) Wants(c *Case) Want {
	var all Want
	if s != nil {
		for i := range s.Rules {
			all |= s.Rules[i].Wants(c)
		}
	}
	return all
}

// Judge asks every rule about c. A refusal names the rule: see Refused.
func (s *Set) Judge(c *Case) error {
	if s == nil {
		return nil
	}
	for i := range s.Rules {
		c.rule = s.Rules[i].Name
		if err := s.Rules[i].Check(c); err != nil {
			return &refusal{c.rule, err}
		}
	}
	return nil
}

// refusal is an error of a rule, with its name.
type refusal struct {
	rule string
	err  error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// Refused returns the name of the rule that refused an activity; "" when none did.
func Refused(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.rule
	}
	return ""
}

// Book holds the Set that is in force; it is replaced as a whole when the admin
// changes something. The zero value has no rules.
type Book struct{ now atomic.Pointer[Set] }

// Set puts a set in force.
func (b *Book) Set(s *Set) { b.now.Store(s) }

// Load returns the set that is in force.
func (b *Book) Load() *Set { return b.now.Load() }
