package policy

import (
	"strings"
	"sync/atomic"
)

// HostRule is what the admin decided about a host and those below it.
type HostRule struct {
	Domain        string
	Silence       bool // Out of public places.
	Suspend       bool // Nothing comes in, nothing goes out, nothing is shown.
	RejectMedia   bool // No pictures, videos and avatars of it.
	RejectReports bool
	MediaNSFW     bool // Its media is marked as sensitive.
	FollowersOnly bool // Its posts are for followers alone.
	RejectAvatars bool
	RejectBanners bool
	RejectDeletes bool  // What it deletes stays here.
	Since         int64 // ms
}

// Hosts are the admin's rules about hosts, kept in memory and replaced as a whole
// when they change. The zero value lets everything pass.
type Hosts struct{ now atomic.Pointer[hostBook] }

type hostBook struct {
	rules   map[string]HostRule
	allowed map[string]bool // nil: everybody.
	media   bool            // Some rule is about media.
}

// Set replaces the rules. limited lets in only who is allowed.
func (h *Hosts) Set(rules []HostRule, allowed []string, limited bool) {
	b := &hostBook{rules: make(map[string]HostRule, len(rules))}
	for _, r := range rules {
		b.rules[r.Domain] = r
		b.media = b.media || r.RejectMedia
	}
	if limited {
		b.allowed = make(map[string]bool, len(allowed))
		for _, d := range allowed {
			b.allowed[d] = true
		}
	}
	h.now.Store(b)
}

// Of returns the rule about a host: its own, or that of the closest one above it.
// The zero rule is none. A port does not matter.
func (h *Hosts) Of(host string) HostRule {
	b := h.now.Load()
	if b == nil || host == "" {
		return HostRule{}
	}
	host = bare(host)
	if b.allowed != nil && !b.allows(host) {
		return HostRule{Domain: host, Suspend: true}
	}
	for at := host; at != ""; {
		if r, ok := b.rules[at]; ok {
			return r
		}
		_, above, more := strings.Cut(at, ".")
		if !more {
			break
		}
		at = above
	}
	return HostRule{}
}

func (b *hostBook) allows(host string) bool { return b.allowed[host] }

// bare is a host in lower case without its port.
func bare(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(host)
}

// Refuses tells whether the server has nothing to do with a host.
func (h *Hosts) Refuses(host string) bool { return h.Of(host).Suspend }

// AnyMedia tells whether there is a rule about media at all.
func (h *Hosts) AnyMedia() bool {
	b := h.now.Load()
	return b != nil && b.media
}
