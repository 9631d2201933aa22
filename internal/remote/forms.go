package remote

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// FormStore keeps which form of signature hosts take, where it is not DraftCavage.
type FormStore interface {
	// SignatureForms returns the forms of up to limit hosts, the last learned first.
	SignatureForms(ctx context.Context, limit int) (map[string]int16, error)
	// SetSignatureForm keeps the form of a host.
	SetSignatureForm(ctx context.Context, host string, form int16) error
}

const (
	maxForms = 20_000 // Hosts of which something is remembered, about 60 bytes each.
	// vainFor is for how long a host that took neither form isn't asked twice.
	vainFor = time.Hour
)

// forms remembers which form each host takes. The zero value is not ready.
type forms struct {
	store FormStore // nil: nothing lasts.
	now   func() time.Time

	mu     *sync.Mutex
	loaded bool
	of     map[string]Form      // Only what is not DraftCavage.
	vain   map[string]time.Time // Hosts that took neither.
}

func newForms(store FormStore, now func() time.Time) forms {
	return forms{store: store, now: now, mu: &sync.Mutex{}, loaded: store == nil, of: map[string]Form{}, vain: map[string]time.Time{}}
}

// plan returns with which form a host is asked first, and whether the other one is
// worth a try when that is refused.
func (f *forms) plan(ctx context.Context, host string) (first Form, again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.loaded {
		// Trouble here is trouble of every delivery: until it is over all are unknown.
		if known, err := f.store.SignatureForms(ctx, maxForms); err == nil {
			f.loaded = true
			for h, form := range known {
				f.of[h] = Form(form)
			}
		}
	}
	first = DraftCavage
	if form := f.of[host]; form != 0 {
		first = form
	}
	return first, f.now().Sub(f.vain[host]) >= vainFor
}

// took notes that a host took form after it had refused the other one. When that
// can't be written it is learned again after the next start.
func (f *forms) took(ctx context.Context, host string, form Form) {
	f.mu.Lock()
	delete(f.vain, host)
	if form == DraftCavage {
		delete(f.of, host)
	} else if len(f.of) < maxForms {
		f.of[host] = form
	}
	f.mu.Unlock()
	if f.store != nil {
		_ = f.store.SetSignatureForm(ctx, host, int16(form))
	}
}

// inVain notes that a host took neither form.
func (f *forms) inVain(host string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.vain) >= maxForms {
		clear(f.vain)
	}
	f.vain[host] = f.now()
}

// refusesSignature tells whether an answer may mean that the form of the signature
// is not understood: 400 and 401 do so by their names, and some say 403.
func refusesSignature(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// knock sends a request in the form of signature that the host is known to take; of
// one that isn't known, by the draft first. Where that is refused the other form is tried, and
// what was taken is remembered. The answer is that of the last try.
//
// spec: rfc9421, https://swicg.github.io/activitypub-http-signature/#how-to-upgrade-supported-versions
func (c *Client) knock(ctx context.Context, host string, key *Key, send func(Form) (*http.Response, error)) (*http.Response, error) {
	if key == nil {
		return send(0)
	}
	first, again := c.forms.plan(ctx, host)
	resp, err := send(first)
	if err != nil || !again || !refusesSignature(resp.StatusCode) {
		return resp, err
	}
	finish(resp) // Its slot at the gate is needed.
	other := DraftCavage + RFC9421 - first
	resp, err = send(other)
	switch {
	case err != nil:
	case refusesSignature(resp.StatusCode):
		c.forms.inVain(host)
	case resp.StatusCode < 400:
		c.forms.took(ctx, host, other)
	}
	return resp, err
}
