package activitypub

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

const (
	maxKeys      = 1000            // Public keys that are kept parsed, about 1 kB each.
	refreshEvery = 5 * time.Minute // An actor is not fetched more often because of its key.
	maxRefreshes = 10_000          // Actors of which that is remembered.
	maxFetches   = 16              // Readers whose keys are fetched at once.
	fetchLimit   = 15 * time.Second
)

// parse reads the signature of a request that was made for us, by somebody else.
func (h *Handler) parse(r *http.Request) (*remote.Signature, error) {
	h.throughProxy(r)
	if !h.ours(r.Host) {
		return nil, fault.New(fault.Malformed, "This server is %s, the request is for %.100q.", h.host, r.Host)
	}
	s, err := remote.Parse(r)
	if err != nil {
		return nil, err
	}
	if err := s.KeyID().Valid(); err != nil {
		return nil, fault.Because(err, fault.Unauthorized, "The key's id is not an address.")
	}
	if h.own[s.KeyID().Host()] {
		return nil, fault.New(fault.Unauthorized, "A key of this server can't sign a request to it.")
	}
	return s, nil
}

// throughProxy gives a request the host back that it was signed for, where a proxy
// that is trusted put its own in place of it and says so.
func (h *Handler) throughProxy(r *http.Request) {
	if h.ours(r.Host) || !auth.FromProxy(r, h.TrustedProxies) {
		return
	}
	hosts := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Host"), ","), ",")
	if last := strings.TrimSpace(hosts[len(hosts)-1]); h.ours(last) {
		r.Host = last
	}
}

// ours tells whether an authority is this server.
func (h *Handler) ours(authority string) bool {
	return !strings.ContainsAny(authority, "/?#@") && h.own[vocab.HostOf(h.scheme+"://"+authority)]
}

// keyOwner is the actor that a key's id points to, by the forms that are in use:
// "…#main-key", "…/main-key" and the actor's own id. It is a guess until the key
// has verified something.
func keyOwner(key vocab.IRI) vocab.IRI {
	owner, _, _ := strings.Cut(string(key), "#")
	return vocab.IRI(strings.TrimSuffix(owner, "/main-key"))
}

// known returns who has a key, ErrNotFound when that is nobody whom we know.
func (h *Handler) known(ctx context.Context, key vocab.IRI) (*store.Actor, error) {
	a, err := h.DB.ActorByKey(ctx, string(key))
	if errors.Is(err, store.ErrNotFound) {
		a, err = h.DB.ActorByURI(ctx, keyOwner(key))
	}
	if errors.Is(err, store.ErrNotFound) {
		a, err = h.DB.ActorByOtherKey(ctx, string(key))
	}
	if err != nil {
		return nil, err
	}
	if a.Local || a.Host != key.Host() {
		return nil, fault.New(fault.Unauthorized, "The key does not belong to %s.", a.URI)
	}
	return a, nil
}

// check makes sure that actor signed r with this body at about now. Where its known
// keys did not, the actor is fetched anew, once in five minutes: keys change. What
// comes back is the actor as it is then. A failure of that fetch is returned as it
// is, with a kind of its own; else an error is Unauthorized.
func (h *Handler) check(ctx context.Context, s *remote.Signature, r *http.Request, body []byte, actor *store.Actor, now time.Time) (*store.Actor, error) {
	return h.withKeys(ctx, actor, s.KeyID(), func(keys []string) error { return h.verify(s, r, body, keys, now) })
}

// withKeys has use tried with what the key id of an actor may mean, and where that
// fails once more after the actor was fetched anew.
func (h *Handler) withKeys(ctx context.Context, actor *store.Actor, id vocab.IRI, use func(keys []string) error) (*store.Actor, error) {
	keys, err := h.keysOf(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err = use(keys); err == nil {
		return actor, nil
	}
	fetchErr := h.refresh.do(ctx, string(actor.URI), func(ctx context.Context) error {
		_, err := h.Pipeline.RefreshActor(ctx, actor.URI)
		return err
	})
	if fetchErr != nil {
		return nil, fetchErr
	}
	fresh, dbErr := h.DB.Actor(ctx, actor.ID)
	if dbErr != nil {
		return nil, dbErr
	}
	again, dbErr := h.keysOf(ctx, fresh, id)
	if dbErr != nil {
		return nil, dbErr
	}
	if slices.Equal(keys, again) {
		return nil, err
	}
	return fresh, use(again)
}

// keysOf returns the keys of an actor that id may name: the one of that id, else all
// of them, since some sign with an id that they don't publish.
func (h *Handler) keysOf(ctx context.Context, actor *store.Actor, id vocab.IRI) ([]string, error) {
	if actor.KeyPEM != "" && actor.KeyID == string(id) {
		return []string{actor.KeyPEM}, nil
	}
	more, err := h.DB.ActorKeys(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	var all []string
	if actor.KeyPEM != "" {
		all = append(all, actor.KeyPEM)
	}
	for _, k := range more {
		if k.ID == id {
			return []string{k.Key}, nil
		}
		all = append(all, k.Key)
	}
	return all, nil
}

// verify makes sure that one of the keys signed r.
func (h *Handler) verify(s *remote.Signature, r *http.Request, body []byte, keys []string, now time.Time) error {
	err := fault.New(fault.Unauthorized, "%s has no key.", keyOwner(s.KeyID()))
	for _, text := range keys {
		pub, keyErr := h.keys.parse(text)
		if keyErr != nil {
			err = fault.Because(keyErr, fault.Unauthorized, "The key %s can't be used.", s.KeyID())
			continue
		}
		if err = s.Verify(r, body, pub, now); err == nil {
			return nil
		}
	}
	return err
}

// reader returns who asks for a document where only those who sign may have one. A
// key that isn't known is fetched while they wait. nil where everybody may ask.
func (h *Handler) reader(r *http.Request) (*store.Actor, error) {
	if !h.AuthorizedFetch {
		return nil, nil
	}
	if one, err := h.tokenReader(r); err != nil || one != nil {
		return one, err
	}
	return h.signed(r)
}

// signed returns who asks, which the request must prove.
func (h *Handler) signed(r *http.Request) (*store.Actor, error) {
	s, err := h.parse(r)
	if err != nil {
		return nil, err
	}
	if h.Refuses != nil && h.Refuses(s.KeyID().Host()) {
		return nil, fault.New(fault.Denied, "This server does not talk to %s.", s.KeyID().Host())
	}
	actor, err := h.known(r.Context(), s.KeyID())
	if errors.Is(err, store.ErrNotFound) {
		actor, err = h.meet(r.Context(), s.KeyID())
	}
	if err != nil {
		return nil, err
	}
	actor, err = h.check(r.Context(), s, r, nil, actor, h.Now())
	return actor, unauthorized(err)
}

// meet fetches the owner of a key that is not known yet.
func (h *Handler) meet(ctx context.Context, key vocab.IRI) (*store.Actor, error) {
	err := h.signers.do(ctx, string(keyOwner(key)), func(ctx context.Context) error {
		_, err := h.Pipeline.RefreshActor(ctx, key)
		return err
	})
	if err != nil {
		return nil, unauthorized(err)
	}
	actor, err := h.known(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.Because(err, fault.Unauthorized, "%s does not lead to an actor.", key)
	}
	return actor, err
}

// unauthorized turns the definite failure to get a key into the asker's.
func unauthorized(err error) error {
	if err == nil || fault.Retryable(err) || fault.Is(err, fault.Unauthorized) {
		return err
	}
	return fault.Because(err, fault.Unauthorized, "The key of the signature can't be had.")
}

// viewer returns whom a document that is not for everybody might be meant for: the
// reader, or else a known actor who signed. nil is a stranger; strangers can't have
// been addressed.
func (h *Handler) viewer(r *http.Request, reader *store.Actor) (*store.Actor, error) {
	if reader != nil {
		return reader, nil
	}
	if one, err := h.tokenReader(r); err != nil || one != nil {
		return one, err
	}
	s, err := h.parse(r)
	if err != nil {
		return nil, nil
	}
	actor, err := h.known(r.Context(), s.KeyID())
	if errors.Is(err, store.ErrNotFound) || fault.Is(err, fault.Unauthorized) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	actor, err = h.check(r.Context(), s, r, nil, actor, h.Now())
	if err != nil && !fault.Retryable(err) {
		return nil, nil // A bad signature must not tell that there is something.
	}
	return actor, err
}

// keyCache keeps public keys parsed, by their text, so that nothing need be
// forgotten when an actor changes.
type keyCache struct {
	limit int
	mu    sync.Mutex
	keys  map[string]crypto.PublicKey
}

func newKeyCache(limit int) *keyCache {
	return &keyCache{limit: limit, keys: make(map[string]crypto.PublicKey)}
}

func (c *keyCache) parse(pem string) (crypto.PublicKey, error) {
	c.mu.Lock()
	key := c.keys[pem]
	c.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := remote.ParsePublicKey(pem)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := range c.keys { // In no order: some of the others stay.
		if len(c.keys) < c.limit {
			break
		}
		delete(c.keys, old)
	}
	c.keys[pem] = key
	return key, nil
}

// onceIn does a piece of work for each key at most once in a time; those who come
// while it is under way wait for its outcome, those who come later get it.
type onceIn struct {
	every time.Duration
	limit int // Keys that are remembered.
	now   func() time.Time
	slots chan struct{}

	mu    sync.Mutex
	tries map[string]*try
}

type try struct {
	began time.Time
	done  chan struct{}
	err   error // Once done is closed.
}

func newOnceIn(every time.Duration, limit int, now func() time.Time) *onceIn {
	return &onceIn{every: every, limit: limit, now: now, slots: make(chan struct{}, maxFetches), tries: make(map[string]*try)}
}

func (o *onceIn) do(ctx context.Context, key string, work func(context.Context) error) error {
	t, mine, err := o.enter(key)
	if err != nil {
		return err
	}
	if mine {
		// Others wait for it too, so it does not end with the one who asked first.
		go o.run(context.WithoutCancel(ctx), t, work)
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return fault.Because(ctx.Err(), fault.Transient, "It took too long.")
	}
}

func (o *onceIn) run(ctx context.Context, t *try, work func(context.Context) error) {
	defer close(t.done)
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
		t.err = work(ctx)
	case <-ctx.Done():
		t.err = fault.Because(ctx.Err(), fault.Transient, "This server is busy with other requests.")
	}
}

// enter returns the try that counts for a key now, and whether the caller begins it.
func (o *onceIn) enter(key string) (t *try, mine bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if t := o.tries[key]; t != nil && now.Sub(t.began) < o.every {
		return t, false, nil
	}
	if len(o.tries) >= o.limit {
		for k, t := range o.tries {
			if now.Sub(t.began) >= o.every {
				delete(o.tries, k)
			}
		}
		if len(o.tries) >= o.limit {
			return nil, false, fault.New(fault.Transient, "This server is busy with other requests.")
		}
	}
	t = &try{began: now, done: make(chan struct{})}
	o.tries[key] = t
	return t, true, nil
}
