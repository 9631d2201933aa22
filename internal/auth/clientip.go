package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP is the address of who asks: the rightmost address of X-Forwarded-For
// that is no trusted proxy, where the connection itself comes from one. Whatever
// else stands in the header is the client's own claim.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := parseAddr(r.RemoteAddr)
	if !in(peer, trusted) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := parseAddr(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
		if !in(hop, trusted) {
			break
		}
	}
	return peer
}

// FromProxy tells whether a request came from one of the trusted proxies.
func FromProxy(r *http.Request, trusted []netip.Prefix) bool {
	return in(parseAddr(r.RemoteAddr), trusted)
}

func parseAddr(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func in(a netip.Addr, nets []netip.Prefix) bool {
	for _, n := range nets {
		if a.IsValid() && n.Contains(a) {
			return true
		}
	}
	return false
}
