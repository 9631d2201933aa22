package remote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// network is a set of named hosts, each served on a loopback port.
type network struct {
	t     *testing.T
	mu    sync.Mutex
	ports map[string]string // "a.test:80" to "127.0.0.1:34567"
	roots *x509.CertPool
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, ports: make(map[string]string), roots: x509.NewCertPool()}
}

func (n *network) host(name string, h http.HandlerFunc) {
	srv := httptest.NewServer(h)
	n.t.Cleanup(srv.Close)
	n.add(name+":80", srv.Listener.Addr().String())
}

// secure serves https on port 443; the test certificate is for example.com.
func (n *network) secure(h http.HandlerFunc) {
	srv := httptest.NewTLSServer(h)
	n.t.Cleanup(srv.Close)
	n.roots.AddCert(srv.Certificate())
	n.add("example.com:443", srv.Listener.Addr().String())
}

func (n *network) add(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[from] = to
}

func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	to, ok := n.ports[addr]
	n.mu.Unlock()
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

// client makes a Client that reaches the network over http.
func (n *network) client(change func(*Options)) *Client {
	opt := Options{AllowHTTP: true, Scheme: "http", Dial: n.dial, RootCAs: n.roots, Timeout: 5 * time.Second,
		Own: func(host string) bool { return host == "own.test" }}
	if change != nil {
		change(&opt)
	}
	c := New(opt)
	n.t.Cleanup(c.CloseIdle)
	return c
}

// doc answers with an ActivityStreams document.
func doc(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		io.WriteString(w, body)
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("error = %v (%v), want kind %v", err, fault.KindOf(err), want)
	}
}

func TestGetContentType(t *testing.T) {
	for _, tt := range []struct {
		sent string
		ok   bool
	}{
		{`application/activity+json`, true},
		{`application/activity+json; charset=utf-8`, true},
		{`Application/Activity+JSON`, true},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams"`, true},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams https://x.test"; charset=utf-8`, true},
		{`application/activity+json; charset`, true},
		{`application/ld+json`, false},
		{`application/ld+json; profile="https://www.w3.org/ns/activitystreams2"`, false},
		{`application/json`, false},
		{`text/html`, false},
		{`text/plain; application/activity+json`, false},
		{``, false},
	} {
		n := newNetwork(t)
		n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept"); !strings.Contains(got, "application/activity+json") {
				t.Errorf("Accept = %q", got)
			}
			w.Header()["Content-Type"] = []string{tt.sent}
			io.WriteString(w, "{}")
		})
		resp, err := n.client(nil).Get(t.Context(), "http://a.test/1", ActivityPub, nil)
		switch {
		case tt.ok && (err != nil || string(resp.Body) != "{}"):
			t.Errorf("%q: %v, want the body", tt.sent, err)
		case !tt.ok && !fault.Is(err, fault.Rejected):
			t.Errorf("%q: %v, want Rejected", tt.sent, err)
		}
	}
}

func TestStatusKinds(t *testing.T) {
	for _, tt := range []struct {
		status     int
		retryAfter string
		kind       fault.Kind
		wait       time.Duration
	}{
		{401, "", fault.Denied, 0},
		{403, "", fault.Denied, 0},
		{404, "", fault.NotFound, 0},
		{410, "", fault.Gone, 0},
		{400, "", fault.Rejected, 0},
		{418, "", fault.Rejected, 0},
		{304, "", fault.Rejected, 0},
		{408, "", fault.Transient, 0},
		{429, "120", fault.Transient, 2 * time.Minute},
		{429, "99999999", fault.Transient, 24 * time.Hour},
		{429, "-4", fault.Transient, 0},
		{503, "Sat, 21 Nov 2026 10:05:00 GMT", fault.Transient, 5 * time.Minute},
		{503, "Sat, 21 Nov 2026 09:05:00 GMT", fault.Transient, 0},
		{500, "soon", fault.Transient, 0},
		{599, "", fault.Transient, 0},
	} {
		t.Run(fmt.Sprint(tt.status, tt.retryAfter), func(t *testing.T) {
			n := newNetwork(t)
			n.host("a.test", func(w http.ResponseWriter, _ *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				if tt.status != 304 {
					io.WriteString(w, "line one\nline\x00 two \xff"+strings.Repeat("x", 1000))
				}
			})
			c := n.client(func(o *Options) {
				o.Now = func() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }
			})
			_, err := c.Get(t.Context(), "http://a.test/1", ActivityPub, nil)
			wantKind(t, err, tt.kind)
			var status *StatusError
			if !errors.As(err, &status) {
				t.Fatalf("no StatusError in %v", err)
			}
			if status.Status != tt.status || status.RetryAfter != tt.wait || status.URL != "http://a.test/1" {
				t.Errorf("StatusError = %+v", status)
			}
			if tt.status != 304 && (!strings.HasPrefix(status.Body, "line one line two x") || len(status.Body) > snippetSize) {
				t.Errorf("Body = %q (%d bytes)", status.Body, len(status.Body))
			}
		})
	}
}

func TestSilentHosts(t *testing.T) {
	n := newNetwork(t)
	hang := make(chan struct{})
	n.host("header.test", func(w http.ResponseWriter, r *http.Request) { <-hang })
	n.host("body.test", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		for range 1000 { // A byte now and then keeps nobody waiting for ever.
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-hang:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	n.host("cut.test", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/activity+json")
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "{}")
	})
	n.add("closed.test:80", "127.0.0.1:1")
	t.Cleanup(func() { close(hang) })
	c := n.client(func(o *Options) { o.Timeout = 150 * time.Millisecond })
	for _, host := range []string{"header.test", "body.test", "cut.test", "closed.test", "unknown.test"} {
		start := time.Now()
		_, err := c.Get(t.Context(), vocab.IRI("http://"+host+"/"), ActivityPub, nil)
		wantKind(t, err, fault.Transient)
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%s: gave up after %v", host, d)
		}
	}
	if len(c.gate.hosts) != 0 {
		t.Errorf("gate remembers %d hosts, want none", len(c.gate.hosts))
	}
}

func TestBodyLimits(t *testing.T) {
	gz := func(plain []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(plain)
		w.Close()
		return b.Bytes()
	}
	for _, tt := range []struct {
		name   string
		coding string
		body   []byte
		want   fault.Kind // Internal means success.
	}{
		{"at the limit", "", bytes.Repeat([]byte(" "), 5000), fault.Internal},
		{"beyond the limit", "", bytes.Repeat([]byte(" "), 5001), fault.TooLarge},
		{"gzip", "gzip", gz(bytes.Repeat([]byte(" "), 5000)), fault.Internal},
		{"gzip bomb", "gzip", gz(make([]byte, 50<<20)), fault.TooLarge},
		{"gzip in gzip", "gzip, gzip", gz(gz(make([]byte, 5<<20))), fault.Rejected},
		{"deflate, not asked for", "deflate", []byte("x"), fault.Rejected},
		{"broken gzip", "gzip", []byte("no gzip at all"), fault.Transient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNetwork(t)
			n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/activity+json")
				if tt.coding != "" {
					w.Header().Set("Content-Encoding", tt.coding)
				}
				w.Write(tt.body)
			})
			c := n.client(func(o *Options) { o.MaxBody = 5000 })
			resp, err := c.Get(t.Context(), "http://a.test/", ActivityPub, nil)
			if tt.want != fault.Internal {
				wantKind(t, err, tt.want)
			} else if err != nil || len(resp.Body) != 5000 {
				t.Errorf("Get: %v", err)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	n := newNetwork(t)
	key := testKey(t)
	n.host("b.test", func(w http.ResponseWriter, r *http.Request) {
		s, err := Parse(r)
		if err == nil {
			err = s.Verify(r, nil, key.Private.Public(), time.Now())
		}
		if err != nil {
			t.Errorf("hop %s is not signed well: %v", r.URL, err)
		}
		left, _ := strconv.Atoi(r.URL.Query().Get("left"))
		if left == 0 {
			doc(`{"id":"x"}`)(w, r)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("/?left=%d", left-1))
		w.WriteHeader([]int{301, 302, 303, 307, 308}[left%5])
	})
	n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	n.host("own.test", func(w http.ResponseWriter, r *http.Request) { t.Error("our own host was asked") })
	n.secure(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://b.test/?left=0")
		w.WriteHeader(http.StatusFound)
	})
	c := n.client(nil)

	resp, err := c.Get(t.Context(), "http://b.test/?left=3#part", ActivityPub, key)
	if err != nil || resp.URL != "http://b.test/?left=0" {
		t.Errorf("three redirects: %+v, %v", resp, err)
	}
	resp, err = c.Get(t.Context(), "http://a.test/?to=http://B.test:80?left=0", ActivityPub, key)
	if err != nil || resp.URL != "http://b.test/?left=0" {
		t.Errorf("redirect to another host: %+v, %v", resp, err)
	}
	for _, tt := range []struct{ name, url string }{
		{"four redirects", "http://b.test/?left=4"},
		{"to our own host", "http://a.test/?to=http://OWN.test/users/ann"},
		{"to the metadata service", "http://a.test/?to=http://169.254.169.254/latest/meta-data"},
		{"to loopback", "http://a.test/?to=http://[::1]:6379/"},
		{"to localhost", "http://a.test/?to=http://localhost:4000/"},
		{"to a file", "http://a.test/?to=file:///etc/passwd"},
		{"to gopher", "http://a.test/?to=gopher://b.test/"},
		{"with a user name", "http://a.test/?to=http://u:p@b.test/?left=0"},
		{"without an address", "http://a.test/"},
		{"from https to http", "https://example.com/"},
	} {
		if _, err := c.Get(t.Context(), vocab.IRI(tt.url), ActivityPub, key); !fault.Is(err, fault.Rejected) {
			t.Errorf("%s: %v, want Rejected", tt.name, err)
		}
	}
}

func TestHTTPNeedsPermission(t *testing.T) {
	n := newNetwork(t)
	n.host("a.test", func(http.ResponseWriter, *http.Request) { t.Error("http was used") })
	c := n.client(func(o *Options) { o.AllowHTTP = false })
	_, err := c.Get(t.Context(), "http://a.test/", ActivityPub, nil)
	wantKind(t, err, fault.Rejected)
	_, err = c.Post(t.Context(), "http://a.test/inbox", []byte("{}"), testKey(t), nil)
	wantKind(t, err, fault.Rejected)
}

func TestDocument(t *testing.T) {
	n := newNetwork(t)
	n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/self", "/@ann", "/key":
			doc(`{"id":"http://a.test/self"}`)(w, r)
		case "/case":
			doc(`{"id":"HTTP://A.test:80/case"}`)(w, r)
		case "/moved":
			http.Redirect(w, r, "http://b.test/self", http.StatusFound)
		case "/page-of-b":
			http.Redirect(w, r, "http://b.test/@bob", http.StatusFound)
		case "/claims-b":
			doc(`{"id":"http://b.test/self"}`)(w, r)
		case "/claims-own":
			doc(`{"id":"http://own.test/self"}`)(w, r)
		case "/chain":
			doc(`{"id":"http://a.test/@ann"}`)(w, r)
		case "/fragment":
			doc(`{"id":"http://a.test/fragment#1"}`)(w, r)
		case "/twice":
			doc(`{"id":"http://a.test/twice","id":"http://b.test/self"}`)(w, r)
		case "/wrong-case":
			doc(`{"ID":"http://a.test/wrong-case"}`)(w, r)
		case "/list":
			doc(`{"id":["http://a.test/list"]}`)(w, r)
		case "/array":
			doc(`[]`)(w, r)
		case "/none":
			doc(`{}`)(w, r)
		case "/suffix":
			doc(`{"id":"http://a.test.b.test/self"}`)(w, r)
		case "/port":
			doc(`{"id":"http://a.test:8080/port"}`)(w, r)
		}
	})
	n.host("b.test", func(w http.ResponseWriter, r *http.Request) { doc(`{"id":"http://b.test/self"}`)(w, r) })
	c := n.client(nil)
	for _, tt := range []struct{ ask, want vocab.IRI }{
		{"http://a.test/self", "http://a.test/self"},
		{"http://a.test/@ann", "http://a.test/self"},
		{"http://a.test/key#main-key", "http://a.test/self"},
		{"http://a.test/case", "HTTP://A.test:80/case"},
		{"http://a.test/moved", "http://b.test/self"},
		{"http://a.test/page-of-b", "http://b.test/self"},
		{"http://a.test/claims-b", ""},
		{"http://a.test/claims-own", ""},
		{"http://a.test/chain", ""},
		{"http://a.test/fragment", ""},
		{"http://a.test/twice", ""},
		{"http://a.test/wrong-case", ""},
		{"http://a.test/list", ""},
		{"http://a.test/array", ""},
		{"http://a.test/none", ""},
		{"http://a.test/suffix", ""},
		{"http://a.test/port", ""},
		{"http://own.test/users/ann", ""},
	} {
		body, final, err := c.Document(t.Context(), tt.ask, nil)
		if tt.want == "" {
			if !fault.Is(err, fault.Rejected) || body != nil {
				t.Errorf("Document(%s) = %s, %v, want Rejected", tt.ask, final, err)
			}
		} else if err != nil || final != tt.want {
			t.Errorf("Document(%s) = %s, %v, want %s", tt.ask, final, err, tt.want)
		}
	}
}

func TestPost(t *testing.T) {
	key := testKey(t)
	n := newNetwork(t)
	var redirected atomic.Int32
	n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := Parse(r)
		if err == nil {
			err = s.Verify(r, body, key.Private.Public(), time.Now())
		}
		if err != nil || r.Header.Get("Content-Type") != "application/activity+json" {
			t.Errorf("%s: %v, %v", r.URL, err, r.Header)
		}
		switch r.URL.Path {
		case "/inbox":
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, "thanks")
		case "/refuses":
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"error":"no key"}`)
		case "/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/307", "/308":
			status, _ := strconv.Atoi(r.URL.Path[1:])
			w.Header().Set("Location", "/inbox")
			w.WriteHeader(status)
		case "/loop":
			redirected.Add(1)
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		case "/301":
			http.Redirect(w, r, "/inbox", http.StatusMovedPermanently)
		case "/away":
			http.Redirect(w, r, "http://b.test/inbox", http.StatusTemporaryRedirect)
		}
	})
	n.host("b.test", func(w http.ResponseWriter, r *http.Request) { t.Error("a delivery was redirected to another host") })
	c := n.client(nil)
	for _, tt := range []struct {
		path string
		want Answer
		kind fault.Kind // Internal means success.
	}{
		{"/inbox", Answer{Status: 202}, fault.Internal},
		{"/307", Answer{Status: 202}, fault.Internal},
		{"/308", Answer{Status: 202}, fault.Internal},
		{"/refuses", Answer{Status: 401, Body: `{"error":"no key"}`}, fault.Denied},
		{"/busy", Answer{Status: 429, RetryAfter: 7 * time.Second}, fault.Transient},
		{"/loop", Answer{Status: 307}, fault.Rejected},
		{"/301", Answer{Status: 301}, fault.Rejected},
		{"/away", Answer{Status: 307}, fault.Rejected},
	} {
		got, err := c.Post(t.Context(), vocab.IRI("http://a.test"+tt.path), []byte(`{"type":"Like"}`), key, nil)
		if (err == nil) != (tt.kind == fault.Internal) || err != nil && fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v, want kind %v", tt.path, err, tt.kind)
		}
		if got == nil || got.Status != tt.want.Status || got.RetryAfter != tt.want.RetryAfter ||
			!strings.HasPrefix(got.Body, tt.want.Body) {
			t.Errorf("%s = %+v, want %+v", tt.path, got, tt.want)
		}
	}
	if n := redirected.Load(); n != 2 {
		t.Errorf("a redirect to itself was asked %d times, want 2", n)
	}
	answer, err := c.Post(t.Context(), "http://gone.test/inbox", []byte("{}"), key, nil)
	if answer != nil {
		t.Errorf("a host that is not there answered %+v", answer)
	}
	wantKind(t, err, fault.Transient)
}

// A host that closes a kept connection just when the next delivery uses it gets
// that delivery on a new one.
func TestPostOnStaleConnection(t *testing.T) {
	var conns, posts atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			r := bufio.NewReader(conn)
			if req, err := http.ReadRequest(r); err == nil {
				io.Copy(io.Discard, req.Body)
				if req.Header.Values("Idempotency-Key") != nil {
					t.Error("a header that nobody knows was sent")
				}
				posts.Add(1)
				io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			}
			r.ReadByte() // The next request has begun.
			conn.Close()
		}
	}()
	n := newNetwork(t)
	n.add("a.test:80", l.Addr().String())
	c := n.client(nil)
	for i := range 3 {
		if _, err := c.Post(t.Context(), "http://a.test/inbox", []byte("{}"), testKey(t), nil); err != nil {
			t.Errorf("delivery %d: %v", i, err)
		}
	}
	if conns.Load() != 3 || posts.Load() != 3 {
		t.Errorf("%d deliveries on %d connections, want 3 on 3", posts.Load(), conns.Load())
	}
}

func TestMedia(t *testing.T) {
	n := newNetwork(t)
	hang := make(chan struct{})
	n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		switch r.URL.Path {
		case "/small":
			io.WriteString(w, "12345")
		case "/said-big":
			io.WriteString(w, "123456")
		case "/big":
			for range 100 {
				io.WriteString(w, "123456")
				w.(http.Flusher).Flush()
			}
		case "/slow": // Slower than one pause in total, but never silent for so long.
			for range 5 {
				io.WriteString(w, "1")
				w.(http.Flusher).Flush()
				time.Sleep(60 * time.Millisecond)
			}
		case "/stalls":
			io.WriteString(w, "12")
			w.(http.Flusher).Flush()
			<-hang
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		}
	})
	t.Cleanup(func() { close(hang) })
	c := n.client(func(o *Options) { o.Timeout = 200 * time.Millisecond })
	for _, tt := range []struct {
		path, want string
		kind       fault.Kind // Internal means success.
	}{
		{"/small", "12345", fault.Internal},
		{"/slow", "11111", fault.Internal},
		{"/said-big", "", fault.TooLarge},
		{"/big", "12345", fault.TooLarge},
		{"/stalls", "12", fault.Transient},
		{"/missing", "", fault.NotFound},
	} {
		body, contentType, err := c.Media(t.Context(), vocab.IRI("http://a.test"+tt.path), 5)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(body)
			body.Close()
			if contentType != "image/png" {
				t.Errorf("%s: content type %q", tt.path, contentType)
			}
		}
		if string(got) != tt.want || (err == nil) != (tt.kind == fault.Internal) || err != nil && fault.KindOf(err) != tt.kind {
			t.Errorf("%s = %q, %v, want %q, %v", tt.path, got, err, tt.want, tt.kind)
		}
	}
	if len(c.gate.hosts) != 0 {
		t.Errorf("gate remembers %d hosts, want none", len(c.gate.hosts))
	}
}

func TestPerHostLimit(t *testing.T) {
	n := newNetwork(t)
	var running, most atomic.Int32
	release := make(chan struct{})
	n.host("a.test", func(w http.ResponseWriter, r *http.Request) {
		now := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		<-release
		doc("{}")(w, r)
	})
	n.host("b.test", doc("{}"))
	c := n.client(func(o *Options) { o.PerHost = 3 })
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := c.Get(t.Context(), "http://a.test/", ActivityPub, nil); err != nil {
				t.Error(err)
			}
		})
	}
	// The busy host delays nobody else.
	if _, err := c.Get(t.Context(), "http://b.test/", ActivityPub, nil); err != nil {
		t.Error(err)
	}
	for range 12 {
		release <- struct{}{}
	}
	wg.Wait()
	if got := most.Load(); got > 3 {
		t.Errorf("%d requests ran at once, want at most 3", got)
	}
	if len(c.gate.hosts) != 0 {
		t.Errorf("gate remembers %d hosts, want none", len(c.gate.hosts))
	}
}

func TestGateIsFairAndBounded(t *testing.T) {
	g := newGate(1)
	leave, err := g.enter(t.Context(), "a.test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var order []int
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			leave, err := g.enter(t.Context(), "a.test")
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, i) // The gate itself is the lock.
			leave()
		})
		waitFor(t, func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.hosts["a.test"].users == i+2 })
		time.Sleep(5 * time.Millisecond) // From being counted to standing in line.
	}
	cancel()
	if _, err := g.enter(ctx, "a.test"); !fault.Is(err, fault.Transient) {
		t.Errorf("a caller that gave up got %v", err)
	}
	g.mu.Lock()
	g.hosts["a.test"].users += maxWaiting
	g.mu.Unlock()
	if _, err := g.enter(t.Context(), "a.test"); !fault.Is(err, fault.Transient) {
		t.Errorf("a caller too many got %v", err)
	}
	g.mu.Lock()
	g.hosts["a.test"].users -= maxWaiting
	g.mu.Unlock()
	leave()
	wg.Wait()
	if fmt.Sprint(order) != "[0 1 2 3 4]" {
		t.Errorf("served in the order %v", order)
	}
	if len(g.hosts) != 0 {
		t.Errorf("gate remembers %d hosts, want none", len(g.hosts))
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("it did not happen within 5 s")
}

// HTTP/2 and https with a checked certificate are the normal way.
func TestHTTPS(t *testing.T) {
	n := newNetwork(t)
	n.secure(doc(`{"id":"https://example.com/1"}`))
	c := n.client(nil)
	if _, final, err := c.Document(t.Context(), "https://EXAMPLE.com:443/1", nil); err != nil || final != "https://example.com/1" {
		t.Errorf("Document = %s, %v", final, err)
	}
	c = n.client(func(o *Options) { o.RootCAs = x509.NewCertPool() })
	_, _, err := c.Document(t.Context(), "https://example.com/1", nil)
	wantKind(t, err, fault.Transient)
}
