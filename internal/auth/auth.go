// Package auth says who is asking: passwords, the OAuth 2 server, sessions, scopes
// and throttles.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Creator makes accounts: the pipeline.
type Creator interface {
	CreateAccount(ctx context.Context, n store.NewAccount) (*store.Actor, error)
}

// Options are what a Service needs.
type Options struct {
	DB             *store.DB
	Accounts       Creator
	URL            string // Base, without a trailing slash.
	Domain         string
	Registrations  string        // open, approval, invite, closed
	MinimumAge     int           // Years; 0 asks nobody.
	Captcha        bool          // Who signs up reads letters in a picture.
	Resolver       Resolver      // Looks up who takes the mail of an address. nil: nobody looks.
	Letters        func() string // What captchas say, in tests. nil: chance.
	PasswordGrant  bool          // Pleroma's clients sign in with it.
	TrustedProxies []netip.Prefix
	Throttle       bool   // false lets tests ask and sign in as often as they like.
	Mail           Mailer // nil: addresses are not confirmed.
	Log            *slog.Logger
	Now            func() time.Time
}

// Service is the one place that knows secrets.
type Service struct {
	Options
	sessions   *otter.Cache[string, *Session] // By the token's hash.
	generation atomic.Int64                   // Counts what makes remembered sessions wrong.
	logins     *throttle
	asked      *limiter
	passkeys   passkeys
	blocks     blockBook

	touchMu sync.Mutex
	touched map[int64]int64 // token → when it was last noted as used, ms

	sawMu sync.Mutex
	saw   map[string]time.Time // Account and address → when it was last noted.
}

// New makes a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Service{Options: o, logins: newThrottle(o.Now), asked: newLimiter(o.Now), touched: map[int64]int64{},
		sessions: otter.Must(&otter.Options[string, *Session]{MaximumSize: maxSessions, ExpiryCalculator: otter.ExpiryWriting[string, *Session](sessionCached)})}
}

// maxSessions is how many tokens' owners are remembered: a few kB each.
const maxSessions = 4096

// sessionCached is how long a token's owner is remembered. What changes an account
// on this node forgets it at once; on other nodes it takes this long.
const sessionCached = 30 * time.Second

// Session is who asks.
type Session struct {
	Token   *store.Token
	Account *store.Account // nil for an app's own token.
	Actor   *store.Actor   // nil then, too.
	Role    *store.Role    // What the account may do here; nil then, too.
	App     *store.App     // nil for tokens made on the command line.
	Scopes  Grant
}

// Authenticate returns who a bearer token belongs to; mostly that costs no query.
// The error is Unauthorized for an unknown token, and Denied for an account that
// may not act now, whose session is returned all the same.
func (s *Service) Authenticate(ctx context.Context, bearer string) (*Session, error) {
	hash := Hash(bearer)
	if one, ok := s.sessions.GetIfPresent(hash); ok {
		s.touch(one.Token)
		return one, one.Usable()
	}
	generation := s.generation.Load()
	one, err := s.load(ctx, "access", hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errToken
	} else if err != nil {
		return nil, err
	}
	s.sessions.Set(hash, one)
	if s.generation.Load() != generation { // It was read before something changed.
		s.sessions.Invalidate(hash)
	}
	s.touch(one.Token)
	return one, one.Usable()
}

// load reads who a token belongs to; ErrNotFound when it, its app or its account
// is not there.
func (s *Service) load(ctx context.Context, kind, hash string) (*Session, error) {
	t, err := s.DB.Token(ctx, kind, hash)
	if err != nil {
		return nil, err
	}
	one := &Session{Token: t, Scopes: strings.Fields(t.Scopes)}
	if t.App != 0 {
		if one.App, err = s.DB.App(ctx, t.App); err != nil {
			return nil, err
		}
	}
	if t.Actor == 0 {
		return one, nil
	}
	if one.Account, err = s.DB.Account(ctx, t.Actor); err != nil {
		return nil, err
	}
	if one.Role, err = s.DB.Role(ctx, one.Account.Role); err != nil {
		return nil, err
	}
	one.Actor, err = s.DB.Actor(ctx, t.Actor)
	return one, err
}

// The texts of refusals, on which some apps match.
//
// spec: masto:entities/Error
var (
	errToken       = fault.New(fault.Unauthorized, "The access token is invalid")
	errDisabled    = fault.New(fault.Denied, "Your login is currently disabled")
	errUnconfirmed = fault.New(fault.Denied, "Your login is missing a confirmed e-mail address")
	errPending     = fault.New(fault.Denied, "Your login is currently pending approval")
	errScopes      = fault.New(fault.Denied, "This action is outside the authorized scopes")
	errNeedsUser   = fault.New(fault.Invalid, "This method requires an authenticated user")
	errTooMany     = fault.New(fault.TooMany, "Too many requests")
)

// Usable refuses accounts that may not act, in Mastodon's words: apps show them.
func (one *Session) Usable() error {
	switch a := one.Account; {
	case a == nil:
		return nil
	case one.Actor.Deleted != 0:
		return errToken
	case a.Disabled != 0, one.Actor.Suspended != 0:
		return errDisabled
	case a.Confirmed == 0:
		return errUnconfirmed
	case a.Approved == 0:
		return errPending
	}
	return nil
}

// touchEvery is how exactly it is known when a token was last used.
const touchEvery = 10 * time.Minute

// touch notes that a token was used, without keeping the reader waiting.
func (s *Service) touch(t *store.Token) {
	now := s.Now().UnixMilli()
	s.touchMu.Lock()
	fresh := now-max(t.LastUsed, s.touched[t.ID]) < touchEvery.Milliseconds()
	if !fresh {
		if len(s.touched) > 10_000 {
			clear(s.touched)
		}
		s.touched[t.ID] = now
	}
	s.touchMu.Unlock()
	if fresh {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			if t.Actor != 0 {
				if err := tx.Seen(ctx, t.Actor, s.Now()); err != nil {
					return err
				}
			}
			return tx.TouchTokens(ctx, []int64{t.ID}, now)
		})
		if err != nil {
			s.Log.Warn("last use of a token not noted", "err", err)
		}
	}()
}

// Forget drops what is remembered of sessions: an account or token changed.
func (s *Service) Forget() {
	s.generation.Add(1)
	s.sessions.InvalidateAll()
}

// forget drops what is remembered of one token.
func (s *Service) forget(hash string) {
	s.generation.Add(1)
	s.sessions.Invalidate(hash)
}

// Hash is how secrets are kept.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// secretLength is how many characters a secret has.
const secretLength = 43

// newSecret is 256 random bits as text that fits a URL.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// NewToken makes a token of a kind and returns the secret, which is not kept. life
// 0 means for good.
func (s *Service) NewToken(ctx context.Context, kind string, t store.Token, life time.Duration) (string, error) {
	secret := newSecret()
	t.Kind, t.Hash, t.Created = kind, Hash(secret), s.Now().UnixMilli()
	if life > 0 {
		t.Expires = s.Now().Add(life).UnixMilli()
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		t.ID = tx.NewID()
		return tx.InsertToken(ctx, &t)
	})
	return secret, err
}

// SignIn returns the account that a name, handle or e-mail address and a password
// belong to. Unknown names and wrong passwords are answered alike, and slower each
// time. Whether the account may act is left to the caller.
func (s *Service) SignIn(ctx context.Context, login, password string, ip netip.Addr) (*store.Account, *store.Actor, error) {
	address, name := "ip "+network(ip), "name "+s.plainLogin(login)
	if s.Throttle {
		if wait := s.logins.try(limitOf{address, longestWait}, limitOf{name, longestWaitOfName}); wait > 0 {
			return nil, nil, fault.New(fault.TooMany, "Too many attempts. Please try again in %s.", max(time.Second, wait.Round(time.Second)))
		}
	}
	account, actor, err := s.find(ctx, login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	hash := ""
	if err == nil && actor.Deleted == 0 {
		hash = account.Password
	}
	ok, err := passwordMatches(ctx, password, hash)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, fault.New(fault.Unauthorized, "The name or the password is not right.")
	}
	s.logins.undo(address)
	s.logins.forget(name)
	return account, actor, nil
}

// plainLogin folds the ways to write one name, without asking whether it exists.
func (s *Service) plainLogin(login string) string {
	name := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(login)), "@")
	return strings.TrimSuffix(name, "@"+strings.ToLower(s.Domain))
}

// find looks an account up by e-mail address, handle or name.
func (s *Service) find(ctx context.Context, login string) (*store.Account, *store.Actor, error) {
	login = strings.TrimSpace(login)
	name := strings.TrimPrefix(login, "@")
	if at := strings.LastIndex(name, "@"); at >= 0 {
		if account, err := s.DB.AccountByEmail(ctx, login); err == nil {
			actor, err := s.DB.Actor(ctx, account.Actor)
			return account, actor, err
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, nil, err
		}
		if !strings.EqualFold(name[at+1:], s.Domain) {
			return nil, nil, store.ErrNotFound
		}
		name = name[:at]
	}
	actor, err := s.DB.ActorByHandle(ctx, name, "")
	if err != nil {
		return nil, nil, err
	}
	account, err := s.DB.Account(ctx, actor.ID)
	return account, actor, err
}
