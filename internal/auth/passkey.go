package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Passkeys are a second factor, and alone let somebody in whom the device itself
// has recognised. What the server asked travels with the form, signed; an answer
// is taken once.
//
// spec: w3.org/TR/webauthn-3

// ceremonyLife is how long an answer to a question of ours may take.
const ceremonyLife = 10 * time.Minute

var (
	errPasskey   = fault.New(fault.Unauthorized, "The passkey was not accepted. Please try again.")
	errNoPasskey = fault.New(fault.Unsupported, "This server can't take passkeys: its address has no name.")
)

// passkeys is what a Service needs for them.
type passkeys struct {
	once sync.Once
	lib  *webauthn.WebAuthn
	err  error

	keyMu sync.Mutex
	key   []byte // Signs what travels with forms.
}

// webAuthn is the library with this server's names.
func (s *Service) webAuthn() (*webauthn.WebAuthn, error) {
	p := &s.passkeys
	p.once.Do(func() {
		u, err := url.Parse(s.URL)
		if err == nil {
			if _, numeric := netip.ParseAddr(u.Hostname()); numeric == nil {
				err = errNoPasskey
			}
		}
		if err == nil {
			p.lib, err = webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: s.Domain, RPOrigins: []string{u.Scheme + "://" + u.Host}})
		}
		p.err = err
	})
	return p.lib, p.err
}

// Passkeys tells whether this server can take passkeys.
func (s *Service) Passkeys() bool {
	_, err := s.webAuthn()
	return err == nil
}

// keyHolder is an account as the library wants it.
type keyHolder struct {
	actor *store.Actor
	all   []store.SecondFactor
	creds []webauthn.Credential
}

func (h *keyHolder) WebAuthnID() []byte                         { return []byte(strconv.FormatInt(h.actor.ID, 10)) }
func (h *keyHolder) WebAuthnName() string                       { return h.actor.Username }
func (h *keyHolder) WebAuthnDisplayName() string                { return h.actor.Username }
func (h *keyHolder) WebAuthnCredentials() []webauthn.Credential { return h.creds }

func (s *Service) keyHolder(ctx context.Context, actor int64) (*keyHolder, error) {
	h := &keyHolder{}
	var err error
	if h.actor, err = s.DB.Actor(ctx, actor); err != nil {
		return nil, err
	}
	all, err := s.DB.SecondFactors(ctx, actor)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Kind != "passkey" {
			continue
		}
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(all[i].Secret), &c); err != nil {
			return nil, err
		}
		h.all, h.creds = append(h.all, all[i]), append(h.creds, c)
	}
	return h, nil
}

// ceremony is a question of ours, as it travels with the form.
type ceremony struct {
	For     string               `json:"for"` // What it is good for, and for whom.
	Expires int64                `json:"expires"`
	Session webauthn.SessionData `json:"session"`
}

// Question is what a page asks a browser: options as the browser's own function
// takes them, and what has to come back with the answer.
type Question struct {
	Options string // JSON
	State   string
}

func (s *Service) question(ctx context.Context, purpose string, options any, data *webauthn.SessionData) (*Question, error) {
	o, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	c, err := json.Marshal(ceremony{purpose, s.Now().Add(ceremonyLife).UnixMilli(), *data})
	if err != nil {
		return nil, err
	}
	mac, err := s.seal(ctx, c)
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding
	return &Question{string(o), b64.EncodeToString(c) + "." + b64.EncodeToString(mac)}, nil
}

// seal signs with a key that all nodes share and no page shows.
func (s *Service) seal(ctx context.Context, data []byte) ([]byte, error) {
	p := &s.passkeys
	p.keyMu.Lock()
	defer p.keyMu.Unlock()
	if p.key == nil {
		b := make([]byte, 32)
		rand.Read(b)
		text, err := s.DB.SettingOr(ctx, "form_secret", base64.RawURLEncoding.EncodeToString(b))
		if err != nil {
			return nil, err
		}
		if p.key, err = base64.RawURLEncoding.DecodeString(text); err != nil {
			return nil, err
		}
	}
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte("ceremony "))
	mac.Write(data)
	return mac.Sum(nil), nil
}

// wasAsked reads back what was asked for a purpose.
func (s *Service) wasAsked(ctx context.Context, purpose, state string) (*ceremony, error) {
	first, second, _ := strings.Cut(state, ".")
	data, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, errPasskey
	}
	mac, err := base64.RawURLEncoding.DecodeString(second)
	if err != nil {
		return nil, errPasskey
	}
	want, err := s.seal(ctx, data)
	if err != nil {
		return nil, err
	}
	var c ceremony
	if !hmac.Equal(mac, want) || json.Unmarshal(data, &c) != nil || c.For != purpose {
		return nil, errPasskey
	}
	if c.Expires <= s.Now().UnixMilli() {
		return nil, fault.New(fault.Unauthorized, "That took too long. Please try again.")
	}
	c.Session.Expires = time.Time{} // Ours counts: it goes by the server's clock.
	return &c, nil
}

// takeChallenge notes that a question was answered; the second time is refused.
func (s *Service) takeChallenge(ctx context.Context, tx *store.Tx, c *ceremony) error {
	hash := Hash("challenge " + c.Session.Challenge)
	if _, err := tx.Token(ctx, "challenge", hash); err == nil {
		return errPasskey
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.InsertToken(ctx, &store.Token{ID: tx.NewID(), Hash: hash, Kind: "challenge", Created: s.Now().UnixMilli(), Expires: c.Expires})
}

func enrolment(actor int64) string { return "enrol " + strconv.FormatInt(actor, 10) }
func secondOf(actor int64) string  { return "second " + strconv.FormatInt(actor, 10) }

const signInAlone = "sign-in"

// AskNewPasskey asks a browser for a new passkey.
func (s *Service) AskNewPasskey(ctx context.Context, actor int64) (*Question, error) {
	lib, err := s.webAuthn()
	if err != nil {
		return nil, err
	}
	h, err := s.keyHolder(ctx, actor)
	if err != nil {
		return nil, err
	}
	options, data, err := lib.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.creds).CredentialDescriptors()),
		webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred}))
	if err != nil {
		return nil, err
	}
	return s.question(ctx, enrolment(actor), options.Response, data)
}

// AddPasskey keeps the passkey that a browser made. Recovery codes come back with
// the first factor of an account.
func (s *Service) AddPasskey(ctx context.Context, actor int64, name, state, response string) ([]string, error) {
	lib, err := s.webAuthn()
	if err != nil {
		return nil, err
	}
	c, err := s.wasAsked(ctx, enrolment(actor), state)
	if err != nil {
		return nil, err
	}
	h, err := s.keyHolder(ctx, actor)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The browser's answer can't be read. Please try again.")
	}
	made, err := lib.CreateCredential(h, c.Session, parsed)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The passkey was not accepted. Please try again.")
	}
	record, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	key := passkeyKey(made.ID)
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.PasskeyByKey(ctx, key); err == nil {
			return fault.New(fault.Conflict, "This passkey is set up already.")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return s.takeChallenge(ctx, tx, c)
	}); err != nil {
		return nil, err
	}
	return s.addFactor(ctx, &store.SecondFactor{Actor: actor, Kind: "passkey", Name: factorName(name, "Passkey"), Key: key, Secret: store.Hidden(record)})
}

func passkeyKey(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// AskPasskey asks a browser for any passkey of this server, or, after the password,
// for one of an account's; nil when it has none.
func (s *Service) AskPasskey(ctx context.Context, actor int64) (*Question, error) {
	lib, err := s.webAuthn()
	if err != nil {
		return nil, err
	}
	if actor == 0 {
		options, data, err := lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return nil, err
		}
		return s.question(ctx, signInAlone, options.Response, data)
	}
	h, err := s.keyHolder(ctx, actor)
	if err != nil || len(h.creds) == 0 {
		return nil, err
	}
	options, data, err := lib.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, err
	}
	return s.question(ctx, secondOf(actor), options.Response, data)
}

// CheckPasskey takes the passkey of somebody whose password was right.
func (s *Service) CheckPasskey(ctx context.Context, actor int64, state, response string, ip netip.Addr) error {
	right, err := s.secondAttempt(actor, ip)
	if err != nil {
		return err
	}
	h, err := s.keyHolder(ctx, actor)
	if err != nil {
		return err
	}
	if err := s.answered(ctx, secondOf(actor), state, response, func([]byte) (*keyHolder, error) { return h, nil }); err != nil {
		return err
	}
	right()
	return nil
}

// SignInByPasskey returns the account that a passkey belongs to, whose owner the
// device has recognised. Whether the account may act is left to the caller.
func (s *Service) SignInByPasskey(ctx context.Context, state, response string, ip netip.Addr) (*store.Account, *store.Actor, error) {
	address := "ip " + network(ip)
	if err := s.attempt(limitOf{address, longestWait}); err != nil {
		return nil, nil, err
	}
	var h *keyHolder
	err := s.answered(ctx, signInAlone, state, response, func(id []byte) (*keyHolder, error) {
		f, err := s.DB.PasskeyByKey(ctx, passkeyKey(id))
		if err != nil {
			return nil, err
		}
		h, err = s.keyHolder(ctx, f.Actor)
		if err == nil && h.actor.Deleted != 0 {
			err = store.ErrNotFound
		}
		return h, err
	})
	if err != nil {
		return nil, nil, err
	}
	s.logins.undo(address)
	account, err := s.DB.Account(ctx, h.actor.ID)
	return account, h.actor, err
}

// answered checks the answer to a question and notes that passkey and question
// were used. A counter that goes backwards means a copied key, which is refused.
func (s *Service) answered(ctx context.Context, purpose, state, response string, owner func(id []byte) (*keyHolder, error)) error {
	lib, err := s.webAuthn()
	if err != nil {
		return err
	}
	c, err := s.wasAsked(ctx, purpose, state)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil {
		return fault.Because(err, fault.Unauthorized, "The passkey was not accepted. Please try again.")
	}
	h, err := owner(parsed.RawID)
	if errors.Is(err, store.ErrNotFound) {
		return errPasskey
	} else if err != nil {
		return err
	}
	var used *webauthn.Credential
	if purpose == signInAlone {
		_, used, err = lib.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, c.Session, parsed)
	} else {
		used, err = lib.ValidateLogin(h, c.Session, parsed)
	}
	if err != nil || used.Authenticator.CloneWarning {
		return fault.Because(err, fault.Unauthorized, "The passkey was not accepted. Please try again.")
	}
	record, err := json.Marshal(used)
	if err != nil {
		return err
	}
	key := passkeyKey(used.ID)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.takeChallenge(ctx, tx, c); err != nil {
			return err
		}
		f, err := tx.PasskeyByKey(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			return errPasskey // Removed meanwhile.
		} else if err != nil {
			return err
		}
		f.Secret, f.Used = store.Hidden(record), s.Now().UnixMilli()
		return tx.UseSecondFactor(ctx, f)
	})
}
