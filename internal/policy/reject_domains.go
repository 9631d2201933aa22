package policy

import "strings"

// RejectDomains are hosts that the settings' file keeps out and, where an entry
// begins with "*.", the hosts below it too.
type RejectDomains []string

// Refuses tells whether a host is among them.
func (hosts RejectDomains) Refuses(host string) bool {
	for _, h := range hosts {
		below, wild := strings.CutPrefix(h, "*.")
		if host == h || wild && (host == below || strings.HasSuffix(host, "."+below)) {
			return true
		}
	}
	return false
}

// Wants implements Rule.
func (RejectDomains) Wants(*Case) Want { return 0 }

// Check implements Rule.
func (hosts RejectDomains) Check(c *Case) error {
	if !c.Local && hosts.Refuses(c.Host) {
		return c.Reject("This server does not accept posts from %s.", c.Host)
	}
	return nil
}
