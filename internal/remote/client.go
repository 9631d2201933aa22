// Package remote is the only code that talks to strangers: it fetches, posts,
// signs and verifies, and keeps requests away from addresses that are not public.
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

const (
	maxRedirects = 3               // Followed by a GET.
	mediaLimit   = 5 * time.Minute // The longest a media download may take.
	headerLimit  = 64 << 10        // Bytes of an answer's header.
)

// Options tune a Client. The zero value asks public https hosts only.
type Options struct {
	UserAgent string // "" means "Kenoma".

	AllowNetworks []netip.Prefix // Private networks that may be reached, on any port.
	AllowHTTP     bool           // Ask http addresses too. Off, they are refused.
	Scheme        string         // For WebFinger, which starts from a bare host. "" means https.

	PerHost int           // Requests to one host at once; media are counted apart. 0 means 8.
	Timeout time.Duration // Limit for one call with its redirects; for media, for each pause. 0 means 10 s.
	MaxBody int64         // Limit of a decoded document in bytes. 0 means 1 MB.

	// Own tells whether host, in lower case and with its port unless that is the
	// default, is this server, which is never asked. nil means that none is.
	Own func(host string) bool

	// Dial replaces the dialer that checks addresses. Tests map names to loopback
	// ports with it; addresses written as numbers are checked all the same.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolve replaces the system's resolver. What it returns is checked.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	// Forms keeps which hosts take signatures of RFC 9421 alone. nil: that is learned
	// anew after each start.
	Forms FormStore

	RootCAs *x509.CertPool   // nil means the system's.
	Now     func() time.Time // nil means time.Now.
}

// Client talks to other servers. It is safe for concurrent use. Its errors carry
// a fault kind: NotFound, Gone, Denied, Transient and Rejected for what the host
// answered (with a *StatusError as cause), Transient for a host that does not
// answer, Rejected for addresses and documents that are refused, TooLarge.
type Client struct {
	opt    Options
	guard  *guard
	gate   *gate
	pool   *http.Transport
	dialer *net.Dialer
	forms  forms

	signing chan struct{} // Full while as many questions as may be are being signed.
}

// New makes a Client.
func New(opt Options) *Client {
	if opt.UserAgent == "" {
		opt.UserAgent = "Kenoma"
	}
	if opt.Scheme == "" {
		opt.Scheme = "https"
	}
	if opt.PerHost <= 0 {
		opt.PerHost = 8
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	if opt.MaxBody <= 0 {
		opt.MaxBody = 1 << 20
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &Client{opt: opt, guard: newGuard(opt.AllowNetworks), gate: newGate(opt.PerHost), forms: newForms(opt.Forms, opt.Now),
		signing: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	c.dialer = &net.Dialer{Timeout: min(opt.Timeout, 5*time.Second), KeepAlive: 30 * time.Second, Control: c.guard.control}
	c.pool = &http.Transport{
		Proxy:                  nil, // A proxy would connect to what our guard never sees.
		DialContext:            c.dial,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           64, // About 40 kB each with TLS.
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    min(opt.Timeout, 5*time.Second),
		ResponseHeaderTimeout:  opt.Timeout,
		MaxResponseHeaderBytes: headerLimit,
		TLSClientConfig: &tls.Config{
			RootCAs:            opt.RootCAs,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(128), // A resumed handshake costs a tenth.
		},
	}
	return c
}

// CloseIdle closes the connections that nobody uses.
func (c *Client) CloseIdle() { c.pool.CloseIdleConnections() }

func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.opt.Dial != nil {
		return c.opt.Dial(ctx, network, addr)
	}
	if c.opt.Resolve == nil {
		return c.dialer.DialContext(ctx, network, addr)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ips, err := c.opt.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	err = errors.New("name without an address")
	for _, ip := range ips[:min(len(ips), 8)] {
		var conn net.Conn
		if conn, err = c.dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// Accept is what a Get asks for and which answers it takes.
type Accept struct {
	Header string // Of the request.
	// Match tells whether an answer of this media type, in lower case, is taken.
	Match func(mediaType string, params map[string]string) bool
}

const activityStreams = "https://www.w3.org/ns/activitystreams"

// ActivityPub asks for ActivityStreams documents. Plain application/json is no
// answer: on many hosts anybody can upload such a file, and it would speak for
// whomever it names.
//
// spec: ap#retrieving-objects
var ActivityPub = Accept{
	Header: `application/activity+json, application/ld+json; profile="` + activityStreams + `"`,
	Match: func(mediaType string, params map[string]string) bool {
		switch mediaType {
		case "application/activity+json":
			return true
		case "application/ld+json":
			for p := range strings.FieldsSeq(params["profile"]) {
				if p == activityStreams {
					return true
				}
			}
		}
		return false
	},
}

// Response is a document that was fetched.
type Response struct {
	Body        []byte
	URL         vocab.IRI // The final address, after redirects and without a fragment.
	ContentType string    // As sent.
	Header      http.Header
}

// Get fetches a document from address, signed with key unless that is nil. It
// follows up to three redirects, none of them from https to http.
func (c *Client) Get(ctx context.Context, address vocab.IRI, want Accept, key *Key) (*Response, error) {
	return c.get(ctx, address, want, key, c.opt.MaxBody)
}

func (c *Client) get(ctx context.Context, address vocab.IRI, want Accept, key *Key, limit int64) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	resp, err := c.follow(ctx, address, want.Header, "", key)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	host := resp.Request.URL.Host
	contentType := resp.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		mediaType = ""
	}
	if want.Match != nil && !want.Match(mediaType, params) {
		return nil, fault.New(fault.Rejected, "%s answered with %.100q, which is not what was asked for.", host, contentType)
	}
	if resp.ContentLength > limit {
		return nil, tooLarge(host)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case int64(len(body)) > limit:
		return nil, tooLarge(host)
	case err != nil:
		return nil, silent(err, host)
	}
	return &Response{
		Body:        body,
		URL:         vocab.IRI(resp.Request.URL.String()),
		ContentType: contentType,
		Header:      resp.Header,
	}, nil
}

// Document fetches the ActivityStreams document id and makes sure that the host
// which serves it may speak for it: the id in the document must be the address
// that it came from after all redirects. Where it is another one on the host that
// was asked or that answered (a page's address was given), that is fetched, once.
// final is the id as the document has it. An id with a fragment gives the
// document around it, so compare final with what you asked for.
func (c *Client) Document(ctx context.Context, id vocab.IRI, key *Key) (body []byte, final vocab.IRI, err error) {
	asked, err := c.target(id)
	if err != nil {
		return nil, "", err
	}
	for range 2 {
		resp, err := c.Get(ctx, id, ActivityPub, key)
		if err != nil {
			return nil, "", err
		}
		own, err := documentID(resp.Body)
		if err != nil {
			return nil, "", fault.Because(err, fault.Rejected, "%s sent a document that can't be read.", asked.Host)
		}
		if sameAddress(own, resp.URL) {
			return resp.Body, own, nil
		}
		at, err := c.target(own)
		if err != nil {
			return nil, "", err
		}
		if at.Host != asked.Host && at.Host != hostOf(resp.URL) {
			return nil, "", fault.New(fault.Rejected, "%s sent a document that belongs to %s.", asked.Host, at.Host)
		}
		id = own
	}
	return nil, "", fault.New(fault.Rejected, "%s sent a document with an id that leads elsewhere.", asked.Host)
}

// documentID reads the id of a JSON document. Names are case-sensitive and must
// not repeat.
func documentID(body []byte) (vocab.IRI, error) {
	var d struct {
		ID vocab.IRI `json:"id"`
	}
	err := json.Unmarshal(body, &d, jsontext.AllowInvalidUTF8(true))
	if err == nil && d.ID == "" {
		err = errors.New("document without id")
	}
	return d.ID, err
}

// hostOf returns the canonical authority of i, "" when it has none.
func hostOf(i vocab.IRI) string {
	u, err := parseURL(string(i))
	if err != nil {
		return ""
	}
	return u.Host
}

// Media opens a picture, video or sound of at most limit bytes. The caller sniffs
// what it is, contentType is only what the host claims, and closes the body. A
// read fails with kind TooLarge beyond the limit and with Transient when nothing
// came for Options.Timeout, or after five minutes.
func (c *Client) Media(ctx context.Context, address vocab.IRI, limit int64) (body io.ReadCloser, contentType string, err error) {
	ctx, cancel := context.WithTimeout(ctx, mediaLimit)
	stall := time.AfterFunc(c.opt.Timeout, cancel)
	end := func() { stall.Stop(); cancel() }
	resp, err := c.follow(ctx, address, "image/*, video/*, audio/*, */*;q=0.1", "media ", nil)
	if err != nil {
		end()
		return nil, "", err
	}
	host := resp.Request.URL.Host
	if resp.ContentLength > limit {
		resp.Body.Close()
		end()
		return nil, "", tooLarge(host)
	}
	pause := c.opt.Timeout
	return &mediaBody{
		body: resp.Body, left: limit, host: host, end: end,
		alive: func() { stall.Reset(pause) },
	}, resp.Header.Get("Content-Type"), nil
}

// mediaBody bounds a download in bytes and in pauses.
type mediaBody struct {
	body  io.ReadCloser
	left  int64 // Bytes that may still come.
	host  string
	alive func() // Puts off the end for another pause.
	end   func()
}

func (m *mediaBody) Read(p []byte) (int, error) {
	if int64(len(p)) > m.left+1 {
		p = p[:m.left+1]
	}
	n, err := m.body.Read(p)
	if int64(n) > m.left {
		n = int(m.left)
		m.left = 0
		return n, tooLarge(m.host)
	}
	m.left -= int64(n)
	switch {
	case err == nil && n > 0:
		m.alive()
	case err != nil && err != io.EOF:
		err = silent(err, m.host)
	}
	return n, err
}

func (m *mediaBody) Close() error {
	defer m.end()
	return m.body.Close()
}

// Post delivers body to inbox, signed with key, and says whom we count as followers
// there where about is not nil. The answer is there whenever the
// host gave one, also together with an error; the error is nil for 2xx only.
func (c *Client) Post(ctx context.Context, inbox vocab.IRI, body []byte, key *Key, about *Synchronization) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	u, err := c.target(inbox)
	if err != nil {
		return nil, err
	}
	resp, err := c.post(ctx, u, body, key, about)
	if err != nil {
		return nil, err
	}
	if next := sameHostRedirect(resp, u); next != nil {
		// Once, and only to the host that the activity is for anyway.
		finish(resp)
		if u, err = c.target(vocab.IRI(next.String())); err != nil {
			return nil, err
		}
		if resp, err = c.post(ctx, u, body, key, about); err != nil {
			return nil, err
		}
	}
	defer finish(resp)
	if resp.StatusCode/100 == 2 {
		return &Answer{Status: resp.StatusCode}, nil
	}
	err = c.failed(resp)
	var status *StatusError
	errors.As(err, &status)
	return &status.Answer, err
}

func (c *Client) post(ctx context.Context, u *url.URL, body []byte, key *Key, about *Synchronization) (*http.Response, error) {
	return c.knock(ctx, u.Host, key, func(form Form) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
		if err != nil {
			return nil, fault.Because(err, fault.Rejected, "This inbox has no usable address.")
		}
		req.Header.Set("Content-Type", "application/activity+json")
		if about != nil {
			req.Header.Set(synchronizationHeader, about.String())
		}
		// Activities may come twice, so net/http may repeat one on a fresh connection
		// when a kept one turns out to be closed. Without a value nothing is sent.
		req.Header["Idempotency-Key"] = nil
		return c.do(req, body, key, form, "")
	})
}

// sameHostRedirect returns where resp sends a POST that may be repeated there,
// nil when it does not.
func sameHostRedirect(resp *http.Response, from *url.URL) *url.URL {
	if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
		return nil
	}
	next, err := resp.Location()
	if err != nil || next.Scheme != from.Scheme || !strings.EqualFold(next.Host, from.Host) {
		return nil
	}
	return next
}

// follow sends a GET and up to maxRedirects more; every hop is checked and signed
// anew. The answer's status is 2xx, and its body must be closed.
func (c *Client) follow(ctx context.Context, address vocab.IRI, accept, lane string, key *Key) (*http.Response, error) {
	u, err := c.target(address)
	if err != nil {
		return nil, err
	}
	for range maxRedirects + 1 {
		resp, err := c.knock(ctx, u.Host, key, func(form Form) (*http.Response, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
			if err != nil {
				return nil, fault.Because(err, fault.Rejected, "This is not an address that can be fetched.")
			}
			req.Header.Set("Accept", accept)
			return c.do(req, nil, key, form, lane)
		})
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode/100 == 2:
			return decoded(resp)
		case !isRedirect(resp):
			defer finish(resp)
			return nil, c.failed(resp)
		}
		finish(resp)
		if u, err = c.next(resp); err != nil {
			return nil, err
		}
	}
	return nil, fault.New(fault.Rejected, "%s redirects too often.", u.Host)
}

// next returns the checked address that resp redirects to.
func (c *Client) next(resp *http.Response) (*url.URL, error) {
	from := resp.Request.URL
	to, err := resp.Location()
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "%s redirects to nowhere.", from.Host)
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return nil, fault.New(fault.Rejected, "%s redirects to an address that is not encrypted.", from.Host)
	}
	return c.target(vocab.IRI(to.String()))
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// decoded refuses a content coding that the transport has not undone. It undoes
// gzip, the only one it asks for, and the limits count what comes out of it.
func decoded(resp *http.Response) (*http.Response, error) {
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		resp.Body.Close()
		return nil, fault.New(fault.Rejected, "%s answered in a coding that was not asked for: %.50q.", resp.Request.URL.Host, coding)
	}
	return resp, nil
}

// do signs req in that form, unless key is nil, and sends it when its host has a slot in lane; the slot is given
// back when the answer's body is closed. An error is Transient or Rejected.
func (c *Client) do(req *http.Request, body []byte, key *Key, form Form, lane string) (*http.Response, error) {
	leave, err := c.gate.enter(req.Context(), lane+req.URL.Host)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)
	if key != nil {
		sign := Sign
		if form == RFC9421 {
			sign = SignMessage
		}
		done := c.mayQuery(req.Method)
		err := sign(req, body, key, c.opt.Now())
		done()
		if err != nil {
			leave()
			return nil, err
		}
	}
	resp, err := c.pool.RoundTrip(req)
	if err != nil {
		leave()
		return nil, silent(err, req.URL.Host)
	}
	resp.Request = req
	resp.Body = &slotBody{ReadCloser: resp.Body, leave: sync.OnceFunc(leave)}
	return resp, nil
}

// mayQuery waits until a question may be signed; done is called afterwards. A signature
// takes a millisecond of a processor, and a post that spreads sets off thousands of
// questions at once: half of the processors are left for those who read meanwhile.
// What our people send is not held up.
func (c *Client) mayQuery(method string) (done func()) {
	if method != http.MethodGet {
		return func() {}
	}
	c.signing <- struct{}{}
	return func() { <-c.signing }
}

// slotBody gives the slot of its request back when it is closed.
type slotBody struct {
	io.ReadCloser
	leave func()
}

func (b *slotBody) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}

// finish closes an answer whose body is of no interest, reading a short rest so
// that the connection can be used again.
func finish(resp *http.Response) {
	io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
}

// silent is the error for a host that gave no answer; what the guard refused
// stays Rejected.
func silent(err error, host string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Because(err, fault.Transient, "%s does not answer.", host)
}

func tooLarge(host string) error {
	return fault.New(fault.TooLarge, "%s sent more than this server takes.", host)
}
