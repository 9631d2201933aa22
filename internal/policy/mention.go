package policy

import (
	"slices"

	"kenoma/internal/vocab"
)

// Mention refuses posts that name certain actors.
type Mention struct {
	// Actors are the ids of the actors: https://example.org/users/ann.
	Actors []string `key:"actors"`
}

// Wants implements Rule.
func (*Mention) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *Mention) Check(c *Case) error {
	o := c.Post()
	if o == nil || len(r.Actors) == 0 {
		return nil
	}
	named := func(who vocab.IRI) bool { return slices.Contains(r.Actors, string(who)) }
	if slices.ContainsFunc(o.To, named) || slices.ContainsFunc(o.Cc, named) ||
		slices.ContainsFunc(o.Tags, func(t vocab.Tag) bool { return t.Type == "Mention" && named(t.Href) }) {
		return c.Reject("This server does not take posts that name this account.")
	}
	return nil
}
