package remote

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"kenoma/internal/vocab"
)

// picky is a server that takes requests whose signature is of one form alone.
type picky struct {
	t     *testing.T
	takes Form
	says  int // How it refuses.
	key   *Key

	mu   sync.Mutex
	seen []Form
}

func (p *picky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	s, err := Parse(r)
	if err != nil {
		p.t.Error(err)
		return
	}
	if err := s.Verify(r, body, p.key.Private.Public(), time.Now()); err != nil {
		p.t.Errorf("%s by form %d: %v", r.Method, s.Form(), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, s.Form())
	if s.Form() != p.takes {
		w.WriteHeader(p.says)
		return
	}
	w.Header().Set("Content-Type", "application/activity+json")
	fmt.Fprintf(w, `{"id": "http://%s%s"}`, r.Host, r.RequestURI)
}

// asked returns in which forms the server was asked since the last time.
func (p *picky) asked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := fmt.Sprint(p.seen)
	p.seen = nil
	return seen
}

// memory is a FormStore.
type memory struct {
	mu sync.Mutex
	of map[string]int16
}

func (m *memory) SignatureForms(context.Context, int) (map[string]int16, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.of), nil
}

func (m *memory) SetSignatureForm(_ context.Context, host string, form int16) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of[host] = form
	return nil
}

func TestKnocking(t *testing.T) {
	for _, tt := range []struct {
		name  string
		takes Form
		says  int
		get   bool
		first string // In which forms it is asked the first time …
		next  string // … and the next time, also after a start.
		ok    bool
	}{
		{"takes the draft", DraftCavage, 401, false, "[1]", "[1]", true},
		{"takes the RFC, says 401", RFC9421, 401, false, "[1 2]", "[2]", true},
		{"takes the RFC, says 400", RFC9421, 400, false, "[1 2]", "[2]", true},
		{"takes the RFC, says 403", RFC9421, 403, false, "[1 2]", "[2]", true},
		{"takes the RFC to read", RFC9421, 401, true, "[1 2]", "[2]", true},
		{"takes neither", 0, 403, false, "[1 2]", "[1]", false},
		{"is broken", 0, 500, false, "[1]", "[1]", false},
		{"has gone", 0, 410, true, "[1]", "[1]", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &picky{t: t, takes: tt.takes, says: tt.says, key: testKey(t)}
			web := httptest.NewServer(p)
			defer web.Close()
			kept := &memory{of: map[string]int16{}}
			client := func() *Client {
				return New(Options{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Forms: kept})
			}
			ask := func(c *Client) error {
				if tt.get {
					_, err := c.Get(t.Context(), vocab.IRI(web.URL+"/users/ann?a=b"), ActivityPub, p.key)
					return err
				}
				_, err := c.Post(t.Context(), vocab.IRI(web.URL+"/inbox"), []byte(`{"type":"Like"}`), p.key, nil)
				return err
			}
			c := client()
			for i, want := range []string{tt.first, tt.next, tt.next} {
				if i == 2 && tt.takes != 0 {
					c = client() // After a start.
				}
				if err := ask(c); (err == nil) != tt.ok {
					t.Errorf("request %d: %v, want ok %t", i, err, tt.ok)
				}
				if got := p.asked(); got != want {
					t.Errorf("request %d came in the forms %s, want %s", i, got, want)
				}
			}
		})
	}
}

// A host that changes its mind is followed.
func TestKnockingAgain(t *testing.T) {
	p := &picky{t: t, takes: RFC9421, says: 401, key: testKey(t)}
	web := httptest.NewServer(p)
	defer web.Close()
	at := time.Now().Add(-vainFor / 2)
	c := New(Options{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Now: func() time.Time { return at }})
	post := func() {
		c.Post(t.Context(), vocab.IRI(web.URL+"/inbox"), []byte("{}"), p.key, nil)
	}
	post()
	p.takes = DraftCavage
	post()
	post()
	if got := p.asked(); got != "[1 2 2 1 1]" {
		t.Errorf("asked in the forms %s, want [1 2 2 1 1]", got)
	}
	p.takes = 0
	post()
	post()
	at = at.Add(vainFor)
	post()
	if got := p.asked(); got != "[1 2 1 1 2]" {
		t.Errorf("asked in the forms %s, want [1 2 1 1 2]", got)
	}
}
