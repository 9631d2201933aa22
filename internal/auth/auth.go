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
	Registrations  string // open, approval, invite, closed
	PasswordGrant  bool
	TrustedProxies []netip.Prefix
	Throttle       bool   // false lets tests sign in as often as they like.
	Mail           Mailer // nil: addresses are not confirmed.
	Log            *slog.Logger
	Now            func() time.Time
}

// Service is the one place that knows secrets.
type Service struct {
	Options
	sessions *otter.Cache[string, *Session] // by the token's hash
	logins   *throttle

	touchMu sync.Mutex
	touched map[int64]int64 // token → when it was last noted as used, ms
}

// New makes a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Service{Options: o, logins: newThrottle(o.Now), touched: map[int64]int64{},
		sessions: otter.Must(&otter.Options[string, *Session]{MaximumSize: 4096, ExpiryCalculator: otter.ExpiryWriting[string, *Session](sessionCached)})}
}

// sessionCached is how long a token's owner is remembered. What changes an account
// on this node forgets it at once; on other nodes it takes this long.
const sessionCached = 30 * time.Second

// Session is who asks.
type Session struct {
	Token   *store.Token
	Account *store.Account // nil for an app's own token.
	Actor   *store.Actor   // nil then, too.
	App     *store.App     // nil for tokens made on the command line.
	Scopes  Grant
}

// Authenticate returns who a bearer token belongs to. The error is Unauthorized
// for an unknown token, and Denied for an account that may not act now.
func (s *Service) Authenticate(ctx context.Context, bearer string) (*Session, error) {
	hash := Hash(bearer)
	if one, ok := s.sessions.GetIfPresent(hash); ok {
		s.touch(one.Token)
		return one, one.usable()
	}
	t, err := s.DB.Token(ctx, "access", hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.Unauthorized, "The access token is invalid")
	} else if err != nil {
		return nil, err
	}
	one, err := s.session(ctx, t)
	if err != nil {
		return nil, err
	}
	s.sessions.Set(hash, one)
	s.touch(t)
	return one, one.usable()
}

func (s *Service) session(ctx context.Context, t *store.Token) (*Session, error) {
	one := &Session{Token: t, Scopes: strings.Fields(t.Scopes)}
	var err error
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
	one.Actor, err = s.DB.Actor(ctx, t.Actor)
	return one, err
}

// usable refuses accounts that may not act, in Mastodon's words: apps show them.
func (one *Session) usable() error {
	switch a := one.Account; {
	case a == nil:
		return nil
	case one.Actor.Deleted != 0:
		return fault.New(fault.Unauthorized, "The access token is invalid")
	case a.Disabled != 0:
		return fault.New(fault.Denied, "Your login is currently disabled")
	case a.Confirmed == 0:
		return fault.New(fault.Denied, "Your login is missing a confirmed e-mail address")
	case a.Approved == 0:
		return fault.New(fault.Denied, "Your login is currently pending approval")
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
func (s *Service) Forget() { s.sessions.InvalidateAll() }

// Hash is how secrets are kept.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

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

// SignIn returns the account that a name or e-mail address and a password belong
// to. Unknown names and wrong passwords are answered alike, and slower each time.
func (s *Service) SignIn(ctx context.Context, login, password, ip string) (*store.Account, *store.Actor, error) {
	if s.Throttle {
		if wait := max(s.logins.wait("ip "+ip), s.logins.wait("name "+strings.ToLower(login))); wait > 0 {
			return nil, nil, fault.New(fault.TooMany, "Too many attempts. Please try again in %s.", wait.Round(time.Second))
		}
	}
	account, actor, err := s.find(ctx, login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	hash := ""
	if err == nil {
		hash = account.Password
	}
	ok, err := passwordMatches(ctx, password, hash)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		s.logins.fail("ip " + ip)
		s.logins.fail("name " + strings.ToLower(login))
		return nil, nil, fault.New(fault.Unauthorized, "The name or the password is not right.")
	}
	s.logins.forget("name " + strings.ToLower(login))
	return account, actor, nil
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

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
