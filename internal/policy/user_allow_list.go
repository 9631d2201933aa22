package policy

import (
	"slices"

	"kenoma/internal/vocab"
)

// UserAllowList lets in only the listed actors of the hosts of which any is listed.
type UserAllowList struct {
	// Actors are the ids of those who are let in: https://example.org/users/ann. Of
	// other hosts everybody is.
	Actors []string `key:"actors"`

	hosts map[string]bool
}

func (r *UserAllowList) compile(*Settings) error {
	r.hosts = map[string]bool{}
	for _, a := range r.Actors {
		if host := vocab.IRI(a).Host(); host != "" {
			r.hosts[host] = true
		}
	}
	return nil
}

// Wants implements Rule.
func (*UserAllowList) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (r *UserAllowList) Check(c *Case) error {
	if c.Local || !r.hosts[c.Host] || slices.Contains(r.Actors, string(c.Activity.Actor)) {
		return nil
	}
	return c.Reject("Of %s only some accounts are let in here.", c.Host)
}
