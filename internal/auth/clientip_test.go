package auth

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, tt := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "198.51.100.1:4711", nil, "198.51.100.1"},
		{"a stranger's claim", "198.51.100.1:4711", []string{"203.0.113.9"}, "198.51.100.1"},
		{"by our proxy", "127.0.0.1:4711", []string{"203.0.113.9"}, "203.0.113.9"},
		{"by our proxy without a header", "127.0.0.1:4711", nil, "127.0.0.1"},
		{"a claim before our proxy's word", "127.0.0.1:4711", []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		{"two of our proxies", "127.0.0.1:4711", []string{"1.2.3.4, 203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		{"in several headers", "127.0.0.1:4711", []string{"1.2.3.4", "203.0.113.9", "10.1.2.3"}, "203.0.113.9"},
		{"a claim to be our proxy", "198.51.100.1:4711", []string{"127.0.0.1"}, "198.51.100.1"},
		{"all ours", "127.0.0.1:4711", []string{"10.0.0.1"}, "10.0.0.1"},
		{"nonsense nearest to us", "127.0.0.1:4711", []string{"203.0.113.9, unknown"}, "127.0.0.1"},
		{"IPv6", "[::1]:4711", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with a port", "[::1]:4711", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:4711", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		if got := ClientIP(r, trusted).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
