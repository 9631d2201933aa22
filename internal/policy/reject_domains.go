package policy

import (
	"context"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// RejectDomains refuses everything from the listed hosts and, where an entry
// begins with "*.", from the hosts below it.
type RejectDomains []string

// Check implements Rule.
func (hosts RejectDomains) Check(_ context.Context, a *vocab.Activity, facts Facts) error {
	if facts.Local {
		return nil
	}
	for _, h := range hosts {
		below, wild := strings.CutPrefix(h, "*.")
		if facts.Host == h || wild && (facts.Host == below || strings.HasSuffix(facts.Host, "."+below)) {
			return fault.New(fault.Rejected, "This server does not accept posts from %s.", facts.Host)
		}
	}
	return nil
}
