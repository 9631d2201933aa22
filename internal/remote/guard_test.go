package remote

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// forbiddenAddresses are what names of strangers must not lead to.
var forbiddenAddresses = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
	"100.64.0.1", "169.254.1.1", "169.254.169.254", "192.0.0.8", "192.0.2.1", "198.18.0.1", "224.0.0.1",
	"240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fec0::1",
	"fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
	"2001:db8::1", "3fff::1", "100::1",
}

func TestGuardAddresses(t *testing.T) {
	g := newGuard(nil)
	for _, ip := range forbiddenAddresses {
		if err := g.check(netip.AddrPortFrom(netip.MustParseAddr(ip), 443)); !fault.Is(err, fault.Rejected) {
			t.Errorf("%s: %v, want Rejected", ip, err)
		}
	}
	for _, ip := range []string{"1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a01:4f8::1", "::ffff:1.1.1.1"} {
		if err := g.check(netip.AddrPortFrom(netip.MustParseAddr(ip), 443)); err != nil {
			t.Errorf("%s: %v, want it allowed", ip, err)
		}
	}
}

func TestGuardPortsAndNetworks(t *testing.T) {
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")})
	for _, tt := range []struct {
		network, addr string
		ok            bool
	}{
		{"tcp4", "1.1.1.1:443", true},
		{"tcp4", "1.1.1.1:80", true},
		{"tcp4", "1.1.1.1:3000", true},
		{"tcp4", "1.1.1.1:8443", true},
		{"tcp6", "[2606:4700::1111]:8080", true},
		{"tcp4", "1.1.1.1:0", false},
		{"tcp4", "1.1.1.1:22", false},
		{"tcp4", "1.1.1.1:25", false},
		{"tcp4", "1.1.1.1:6379", false},
		{"tcp4", "1.1.1.1:6667", false},
		{"tcp4", "10.1.2.3:6379", true}, // The admin said so.
		{"tcp6", "[fd00::1]:80", true},
		{"tcp4", "10.2.2.3:80", false},
		{"tcp6", "[fc00::1]:80", false},
		{"udp4", "1.1.1.1:443", false},
		{"unix", "/run/kenoma.sock", false},
		{"tcp", "1.1.1.1:443", false}, // The dialer always says which of the two.
		{"tcp4", "a.test:443", false},
	} {
		if err := g.control(tt.network, tt.addr, nil); (err == nil) != tt.ok {
			t.Errorf("%s %s: %v, want ok %t", tt.network, tt.addr, err, tt.ok)
		}
	}
}

// Every address is refused at the connect itself, whatever name led there.
func TestNamesThatResolveToForbiddenAddresses(t *testing.T) {
	var resolved string
	c := New(Options{AllowHTTP: true, Timeout: 2 * time.Second,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr(resolved)}, nil
		}})
	for _, resolved = range forbiddenAddresses {
		_, err := c.Get(t.Context(), "http://evil.test/", ActivityPub, nil)
		if !fault.Is(err, fault.Rejected) {
			t.Errorf("evil.test at %s: Get gave %v, want Rejected", resolved, err)
		}
		_, err = c.Post(t.Context(), "https://evil.test/inbox", []byte("{}"), testKey(t), nil)
		if !fault.Is(err, fault.Rejected) {
			t.Errorf("evil.test at %s: Post gave %v, want Rejected", resolved, err)
		}
		_, _, err = c.Media(t.Context(), "http://evil.test/a.png", 100)
		if !fault.Is(err, fault.Rejected) {
			t.Errorf("evil.test at %s: Media gave %v, want Rejected", resolved, err)
		}
	}
}

// A name that is good at first and bad the second time is refused the second time.
func TestRebinding(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		doc("{}")(w, r)
	}))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	answers := []string{"127.0.0.1", "127.0.0.2"}
	c := New(Options{AllowHTTP: true,
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			ip := netip.MustParseAddr(answers[0])
			answers = answers[1:]
			return []netip.Addr{ip}, nil
		}})
	at := vocab.IRI("http://rebind.test:" + port + "/")
	if _, err := c.Get(t.Context(), at, ActivityPub, nil); err != nil {
		t.Errorf("allowed network: %v", err)
	}
	_, err := c.Get(t.Context(), at, ActivityPub, nil)
	wantKind(t, err, fault.Rejected)
	if len(answers) != 0 {
		t.Error("the name was not resolved again")
	}
}

// Without a resolver hook the guard sits in the system's dialer all the same.
func TestRealDialerIsGuarded(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("loopback was reached") }))
	defer srv.Close()
	c := New(Options{AllowHTTP: true, Timeout: 2 * time.Second})
	if _, err := c.dial(t.Context(), "tcp", srv.Listener.Addr().String()); !fault.Is(err, fault.Rejected) {
		t.Errorf("dial: %v, want Rejected", err)
	}
}

// Addresses that need no name server are refused before anything is dialled, also
// in disguise.
func TestForbiddenURLs(t *testing.T) {
	c := New(Options{AllowHTTP: true, Own: func(h string) bool { return h == "own.test" },
		Dial: func(context.Context, string, string) (net.Conn, error) {
			t.Error("a forbidden address was dialled")
			return nil, net.ErrClosed
		}})
	for _, u := range []vocab.IRI{
		"http://127.0.0.1/", "http://127.0.0.1:4000/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
		"https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/",
		"https://127.0.0.1./", "https://169.254.169.254/latest/meta-data/", "https://[::1]/", "https://[::]/",
		"https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/",
		"https://[fc00::1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00::]/", "https://localhost/",
		"https://LOCALHOST:8080/", "https://a.localhost/", "https://evil.test:0/", "https://evil.test:65536/",
		"https://own.test/users/ann", "http://OWN.test:80/", "https://①②⑦.0.0.1/",
		"file:///etc/passwd", "unix:///run/kenoma.sock", "http+unix://%2Frun%2Fkenoma.sock/", "gopher://a.test/",
		"ftp://a.test/", "javascript:alert(1)", "bear:?t=x&u=https://a.test/", "data:text/plain,x", "https:a.test",
		"//a.test/", "/users/ann", "", "https://", "https:///x", "https://u@a.test/", "https://u:p@a.test/",
		"https://a b.test/", "https://a..test/", "https://a.test\n.b.test/", "https://a.test%00.b.test/", "https://-%2f/",
		"https://[::1/", "https://" + vocab.IRI(make([]byte, 5000)),
	} {
		_, err := c.Get(t.Context(), u, ActivityPub, nil)
		if !fault.Is(err, fault.Rejected) {
			t.Errorf("%q: %v, want Rejected", u, err)
		}
	}
}

func TestCanonicalAddresses(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"HTTPS://A.Test:443", "https://a.test/"},
		{"https://a.test:80/x?q=1#f", "https://a.test:80/x?q=1"},
		{"http://a.test:80", "http://a.test/"},
		{"https://bücher.example/", "https://xn--bcher-kva.example/"},
		{"https://BÜCHER.example/ä", "https://xn--bcher-kva.example/%C3%A4"},
		{"https://[2A01:4F8:0::1]:443/", "https://[2a01:4f8::1]/"},
		{"https://a.test:08443/", "https://a.test:8443/"},
		{"https://zetsubou.xn--q9jyb4c/users/x", "https://zetsubou.xn--q9jyb4c/users/x"},
		{"https://a_b.example/", "https://a_b.example/"},
	} {
		u, err := parseURL(tt.in)
		if err != nil || u.String() != tt.want {
			t.Errorf("parseURL(%q) = %v, %v, want %s", tt.in, u, err, tt.want)
		}
	}
	for _, tt := range []struct {
		a, b vocab.IRI
		same bool
	}{
		{"https://a.test/x", "https://A.test:443/x", true},
		{"https://a.test", "https://a.test/", true},
		{"https://a.test/é", "https://a.test/%C3%A9", true},
		{"https://a.test/x", "https://a.test/X", false},
		{"https://a.test/x", "https://a.test/x/", false},
		{"https://a.test/x", "https://a.test/x?y", false},
		{"https://a.test/x", "https://a.test/x#y", false},
		{"https://a.test/x", "http://a.test/x", false},
		{"https://a.test/x", "https://b.test/x", false},
		{"javascript:1", "javascript:2", false},
	} {
		if got := sameAddress(tt.a, tt.b); got != tt.same {
			t.Errorf("sameAddress(%s, %s) = %t", tt.a, tt.b, got)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"https://a.test/x", "http://[::1]:80/", "https://0x7f.1/", "https://bücher.example/ä?#f", "HTTP://A%2eb:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseURL(s)
		if err != nil {
			return
		}
		again, err := parseURL(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("parseURL(%q) = %s, and of that %v, %v", s, u, again, err)
		}
		if _, err := url.Parse(u.String()); err != nil || u.User != nil || u.Fragment != "" {
			t.Errorf("parseURL(%q) = %#v, %v", s, u, err)
		}
	})
}
