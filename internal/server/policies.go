package server

import (
	"slices"

	"kenoma/internal/policy"
)

// setPolicies puts the rules in force that the settings describe, behind those about
// hosts that the settings' file has.
func (s *Server) setPolicies(settings policy.Settings) error {
	if !s.Config.RateLimit.Enabled {
		settings.Policies = slices.DeleteFunc(slices.Clone(settings.Policies), func(name string) bool { return policy.PlainName(name) == "Newcomers" })
	}
	set, err := settings.Build(&s.hosts)
	if err != nil {
		return err
	}
	if len(s.refuses) > 0 {
		set.Rules = append([]policy.Named{{Name: "Simple", Rule: s.refuses}}, set.Rules...)
	}
	s.policies.Set(set)
	return nil
}
