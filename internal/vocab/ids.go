package vocab

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"kenoma/internal/fault"
)

// maxIRI is how long an id or address may be, in bytes. Browsers and databases'
// index rows set about this limit.
const maxIRI = 2048

// Valid tells whether iri is an absolute http or https address that is fit to be
// an id: a host, no userinfo, no control characters, at most 2,048 bytes. It does
// not say whether the host may be talked to; that is for package remote.
//
// The error is fault.Invalid.
func (iri IRI) Valid() error {
	if !iri.ok() {
		return fault.New(fault.Invalid, "%q is not a usable http address.", cut([]byte(iri), 200))
	}
	return nil
}

func (iri IRI) ok() bool {
	if len(iri) > maxIRI {
		return false
	}
	_, ok := authority(string(iri))
	if !ok {
		return false
	}
	ascii := true
	for i := 0; i < len(iri); i++ {
		c := iri[i]
		if c < ' ' || c == 0x7f {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || strings.IndexFunc(string(iri), unicode.IsControl) < 0 && utf8.ValidString(string(iri))
}

// authority returns what stands between the scheme and the path. ok is false
// where another reader could see another host: userinfo, backslashes, percent
// signs, spaces.
func authority(iri string) (auth string, ok bool) {
	rest, ok := cutScheme(iri, "https://")
	if !ok {
		if rest, ok = cutScheme(iri, "http://"); !ok {
			return "", false
		}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	auth = rest[:end]
	host, port, _ := strings.Cut(auth, ":")
	if strings.HasPrefix(auth, "[") {
		host, port, ok = strings.Cut(auth[1:], "]")
		if !ok || host == "" || port != "" && port[0] != ':' {
			return "", false
		}
		port = strings.TrimPrefix(port, ":")
		if strings.Trim(host, "0123456789abcdefABCDEF:.") != "" {
			return "", false
		}
		return auth, validPort(port)
	}
	if host == "" || len(host) > 255 || !validPort(port) {
		return "", false
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c < utf8.RuneSelf {
			return "", false
		}
	}
	return auth, true
}

// cutScheme is strings.CutPrefix without regard to case; prefix is lower case.
func cutScheme(s, prefix string) (string, bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// validPort accepts "", as in "https://a.test:/", and 0 to 65535.
func validPort(port string) bool {
	n := 0
	for i := 0; i < len(port); i++ {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
		n = n*10 + int(port[i]-'0')
		if n > 65535 {
			return false
		}
	}
	return true
}

// Host returns the authority that iri is on, in the one form in which hosts are
// compared and stored: lower case, punycode, without the scheme's default port:
// "a.test", "xn--rmote-9ya.example", "a.test:8443". It is "" when iri is not
// usable.
func (iri IRI) Host() string {
	auth, ok := authority(string(iri))
	if !ok {
		return ""
	}
	port := ":443"
	if len(iri) > 4 && iri[4] == ':' {
		port = ":80"
	}
	return plainHost(auth, port)
}

// HostOf is Host for addresses that are not typed as an IRI.
func HostOf[S ~string](address S) string { return IRI(address).Host() }

// NormalHost returns a host as people type it ("Example.COM", "rémote.example")
// in the form of Host; "" when it is none, or more than a host.
func NormalHost(host string) string {
	if strings.ContainsAny(host, "/?#") {
		return ""
	}
	return IRI("https://" + host).Host()
}

// plainHost lowers auth, cuts the default port and turns Unicode into punycode.
func plainHost(auth, defaultPort string) string {
	ascii, upper := true, false
	for i := 0; i < len(auth); i++ {
		ascii = ascii && auth[i] < utf8.RuneSelf
		upper = upper || 'A' <= auth[i] && auth[i] <= 'Z'
	}
	if upper && ascii {
		auth = strings.ToLower(auth)
	}
	auth = strings.TrimSuffix(auth, defaultPort)
	auth = strings.TrimSuffix(auth, ":")
	if ascii {
		return auth
	}
	host, port, _ := strings.Cut(auth, ":")
	host, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return ""
	}
	if port != "" {
		host += ":" + port
	}
	return host
}

// SameHost tells whether a and b are on one authority: equal hosts without regard
// to case, equal ports, a scheme's default port being none. Neither a subdomain
// nor a common suffix counts. Unusable addresses are on no host.
func SameHost(a, b IRI) bool {
	ha := a.Host()
	return ha != "" && ha == b.Host()
}

// maxUsername is how long the part of a handle before the @ may be, in bytes.
// Servers allow up to 30 letters, bridges send host names.
const maxUsername = 255

// lookalikes are scripts with letters that look like Latin ones.
var lookalikes = []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu, unicode.Georgian}

// ValidUsername tells whether a remote actor may be shown and mentioned under
// this name: not empty, letters, digits and ._-~: in composed form, no Latin
// letters mixed with those that look like them. Names are never changed to fit,
// as two of them could become one.
//
// The error is fault.Invalid.
func ValidUsername(name string) error {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "The username %q is not usable: %s.", cut([]byte(name), 80), why)
	}
	switch {
	case name == "":
		return fault.New(fault.Invalid, "The username is empty.")
	case len(name) > maxUsername:
		return bad("it is too long")
	case !norm.NFC.IsNormalString(name):
		return bad("it is not in composed Unicode form")
	}
	latin, lookalike := false, false
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf && strings.ContainsRune("._-~:", r):
		case !unicode.In(r, unicode.L, unicode.M, unicode.Nd):
			return bad("it has a character that is neither letter nor digit")
		}
		latin = latin || unicode.Is(unicode.Latin, r)
		lookalike = lookalike || unicode.In(r, lookalikes...)
	}
	if latin && lookalike {
		return bad("it mixes letters that look alike")
	}
	return nil
}

// IDs makes the ids of posts and other rows that clients page by: 64 bits, the
// milliseconds since 1970 in the upper 48, so that they sort by time. The zero
// value is ready; it may be used by many goroutines at once.
type IDs struct {
	// Now is the clock. nil means time.Now.
	Now func() time.Time

	mu   sync.Mutex
	last int64
}

// Next returns an id for something that happens now, larger than all before it
// from this IDs, also when the clock goes back. Within a millisecond the low bits
// start at random, so that nodes that share a database rarely collide; on a
// conflict ask again.
func (g *IDs) Next() int64 {
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	id := at(now())
	g.mu.Lock()
	defer g.mu.Unlock()
	if last := g.last; id>>16 <= last>>16 {
		id = last + 1
	}
	g.last = id
	return id
}

// At returns an id for something that happened at t, with random low bits. On a
// conflict ask again.
func (g *IDs) At(t time.Time) int64 { return at(t) }

func at(t time.Time) int64 { return max(t.UnixMilli(), 0)<<16 | rand.Int64N(1<<16) }

// TimeOf returns the millisecond in which id lies.
func TimeOf(id int64) time.Time { return time.UnixMilli(id >> 16).UTC() }
