package remote

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// maxURL is the longest address, in bytes, that is ever asked.
const maxURL = 4096

// guard decides which addresses may be reached. Its control runs on the resolved
// address right before each connect, so that neither a redirect nor a name that
// resolves differently the second time gets around it.
type guard struct {
	safe  *ssrf.Guardian
	allow []netip.Prefix
}

func newGuard(allow []netip.Prefix) *guard {
	var v4, v6 []netip.Prefix
	for _, p := range allow {
		if p.Addr().Is4() {
			v4 = append(v4, p.Masked())
		} else {
			v6 = append(v6, p.Masked())
		}
	}
	return &guard{
		safe: ssrf.New(ssrf.WithAnyPort(),
			ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...)),
		allow: append(v4, v6...),
	}
}

// control implements net.Dialer.Control.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return forbidden(ssrf.ErrProhibitedNetwork)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return forbidden(err)
	}
	return g.check(at)
}

// check refuses what is not public or not in the allowed networks; an error is a
// fault of kind Rejected.
func (g *guard) check(at netip.AddrPort) error {
	ip := at.Addr().Unmap() // ::ffff:127.0.0.1 is judged as what it reaches.
	if err := g.safe.SafeAddr(ip); err != nil {
		return forbidden(err)
	}
	if !g.allowed(ip) && !portAllowed(at.Port()) {
		return forbidden(ssrf.ErrProhibitedPort)
	}
	return nil
}

func (g *guard) allowed(ip netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// portAllowed tells whether a public host may be asked on port p. Servers of the
// network do run on odd ports, so all are open except those where something that
// is not HTTP listens and might act on the lines of a request that a stranger
// chose for us: the system's ports other than 80 and 443 (mail, FTP, SSH …), and
// well-known databases, IRC and printers above. Networks that the admin allowed
// have all ports.
func portAllowed(p uint16) bool {
	switch {
	case p == 80 || p == 443:
		return true
	case p < 1024:
		return false
	}
	switch p {
	case 2525, // SMTP
		3306, 5432, // MySQL, PostgreSQL
		6379, 11211, // Redis, memcached
		6665, 6666, 6667, 6668, 6669, 6697, // IRC
		9100: // printers
		return false
	}
	return true
}

func forbidden(err error) error {
	return fault.Because(err, fault.Rejected, "This server does not connect to that address.")
}

// target reads raw as an address that may be asked: http(s), a host that is not
// our own and no forbidden address, no user name. Scheme and host of the result
// are canonical (lower case, ASCII, no default port), the fragment is gone. An
// error is a fault of kind Rejected.
func (c *Client) target(raw vocab.IRI) (*url.URL, error) {
	u, err := parseURL(string(raw))
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "This is not an address that can be fetched: %.200q.", string(raw))
	}
	if u.Scheme == "http" && !c.opt.AllowHTTP {
		return nil, fault.New(fault.Rejected, "%s is not encrypted, and this server asks only https addresses.", u.Host)
	}
	if c.opt.Own != nil && c.opt.Own(u.Host) {
		return nil, fault.New(fault.Rejected, "This address is on this server itself.")
	}
	return u, c.checkLiteral(u)
}

// checkLiteral refuses hosts that need no resolver to be known as forbidden, so
// that they are refused also where a test replaces the dialer.
func (c *Client) checkLiteral(u *url.URL) error {
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1" // RFC 6761, section 6.3.
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil // A name; control sees what it resolves to.
	}
	return c.guard.check(netip.AddrPortFrom(ip, portOf(u)))
}

// portOf returns the port that u is asked on; parseURL has checked it.
func portOf(u *url.URL) uint16 {
	if p, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(p)
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// parseURL reads an absolute http(s) URL and makes scheme and host canonical. It
// drops the fragment, which never goes over the wire.
func parseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, errors.New("address is too long")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https": // url.Parse made it lower case.
		return nil, errors.New("scheme is not http or https")
	case u.Opaque != "" || u.User != nil:
		return nil, errors.New("opaque address or one with a user name")
	}
	if u.Host, err = canonicalHost(u.Scheme, u.Host); err != nil {
		return nil, err
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// canonicalHost makes the authority of a URL comparable: lower case, punycode, no
// default port of scheme. A host that only looks like a name but that some
// resolvers read as an IPv4 address (127.1, 0x7f000001, 2130706433) is refused.
//
// spec: whatwg-url#ends-in-a-number-checker
func canonicalHost(scheme, authority string) (string, error) {
	u := url.URL{Host: authority}
	host, port := u.Hostname(), u.Port()
	ascii, err := canonicalName(host)
	if err != nil {
		return "", err
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "", errors.New("port is out of range")
		}
		port = strconv.FormatUint(n, 10)
	}
	if strings.Contains(ascii, ":") {
		ascii = "[" + ascii + "]"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return ascii, nil
	}
	return ascii + ":" + port, nil
}

// canonicalName is canonicalHost for a host without port.
func canonicalName(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", errors.New("address with a zone")
		}
		return ip.String(), nil
	}
	ascii := strings.ToLower(host)
	if !isASCII(host) {
		var err error
		if ascii, err = idna.Lookup.ToASCII(host); err != nil {
			return "", err
		}
	}
	if len(ascii) == 0 || len(ascii) > 253 {
		return "", errors.New("host is empty or too long")
	}
	labels := strings.Split(ascii, ".")
	for _, l := range labels {
		if !isLabel(l) {
			return "", errors.New("host is not a domain name")
		}
	}
	if looksNumeric(labels[len(labels)-1]) {
		return "", errors.New("host is a number in disguise")
	}
	return ascii, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isLabel tells whether l, in lower case, can be a part of a domain name. The
// underscore is no letter of host names, but found in real ones.
func isLabel(l string) bool {
	if len(l) == 0 || len(l) > 63 {
		return false
	}
	for i := range len(l) {
		switch c := l[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// looksNumeric tells whether a last label makes resolvers of the inet_aton kind
// read the host as an IPv4 address.
func looksNumeric(l string) bool {
	if strings.Trim(l, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(l, "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

// sameAddress tells whether a and b are one address, apart from the spelling of
// scheme and host. Fragments count.
func sameAddress(a, b vocab.IRI) bool {
	if a == b {
		return true
	}
	ua, errA := parseURL(string(a))
	ub, errB := parseURL(string(b))
	if errA != nil || errB != nil {
		return false
	}
	return ua.String() == ub.String() && fragment(a) == fragment(b)
}

func fragment(i vocab.IRI) string {
	_, f, _ := strings.Cut(string(i), "#")
	return f
}
