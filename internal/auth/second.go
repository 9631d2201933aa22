package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// The second factor: codes of an authenticator app, recovery codes, and passkeys,
// which are in passkey.go. Who has one is asked for it after the password.

const (
	// secondLife is how long somebody may take between password and second factor.
	secondLife = 10 * time.Minute

	// codeStep is how long a code of an authenticator app is shown; that of the step
	// before and after is taken too, as clocks differ.
	//
	// spec: rfc6238#section-5.2
	codeStep = 30

	recoveryCodes = 10
	maxFactors    = 20 // Authenticator apps and passkeys of an account.
	maxFactorName = 60 // Characters.
)

var (
	errCode     = fault.New(fault.Unauthorized, "The code is not right.")
	errSecret   = fault.New(fault.Malformed, "The form can't be read. Please start again.")
	errFactors  = fault.New(fault.Invalid, "There are too many already. Please remove one first.")
	errNoFactor = fault.New(fault.NotFound, "There is no such second factor (any more).")
	errGrantMFA = &oauthError{400, "invalid_grant", "This account has a second factor, so a name and a password are not enough. Please sign in through the browser."}
)

// NeedsSecond tells whether an account needs more than its password.
func (s *Service) NeedsSecond(ctx context.Context, actor int64) (bool, error) {
	return s.DB.HasSecondFactor(ctx, actor)
}

// StartSecond notes in a browser that the password was right, and that the second
// factor is still to come.
func (s *Service) StartSecond(w http.ResponseWriter, r *http.Request, actor int64) error {
	secret, err := s.NewToken(r.Context(), "second", store.Token{Actor: actor}, secondLife)
	if err != nil {
		return err
	}
	s.setCookie(w, s.secondCookie(), secret, secondLife)
	return nil
}

func (s *Service) secondCookie() string { return s.cookieName() + "_second" }

// Second returns who has given the password in this browser, and is to show the
// second factor now; nil when nobody is.
func (s *Service) Second(r *http.Request) (*Session, error) {
	c, err := r.Cookie(s.secondCookie())
	if err != nil {
		return nil, nil
	}
	one, err := s.load(r.Context(), "second", Hash(c.Value))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return one, err
}

// FinishSecond signs the browser in: the second factor was right. What stood for
// the password is taken; two who use it at once can't both get in.
func (s *Service) FinishSecond(w http.ResponseWriter, r *http.Request, one *Session) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := tx.TakeToken(r.Context(), "second", one.Token.Hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.Unauthorized, "That took too long. Please sign in again.")
	} else if err != nil {
		return err
	}
	s.setCookie(w, s.secondCookie(), "", -time.Hour)
	return s.StartSession(w, r, one.Actor.ID)
}

// secondAttempt counts a try at an account's second factor. Whoever is here knows
// the password, so that waiting long harms no owner.
func (s *Service) secondAttempt(actor int64, ip netip.Addr) (right func(), err error) {
	address, own := "ip "+network(ip), "second "+strconv.FormatInt(actor, 10)
	if err := s.attempt(limitOf{address, longestWait}, limitOf{own, longestWait}); err != nil {
		return nil, err
	}
	return func() {
		s.logins.undo(address)
		s.logins.forget(own)
	}, nil
}

// CheckCode takes a code of the account's authenticator app, or a recovery code;
// each works once.
func (s *Service) CheckCode(ctx context.Context, actor int64, typed string, ip netip.Addr) error {
	right, err := s.secondAttempt(actor, ip)
	if err != nil {
		return err
	}
	plain := plainCode(typed)
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.SecondFactors(ctx, actor)
		if err != nil {
			return err
		}
		if len(plain) == 6 {
			return s.takeTOTP(ctx, tx, all, plain)
		}
		if err := tx.TakeRecovery(ctx, actor, recoveryKey(actor, plain)); errors.Is(err, store.ErrNotFound) {
			return errCode
		} else if err != nil {
			return err
		}
		account, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, account, "A recovery code was used", "somebody signed in to your account at "+s.Domain+" with a recovery code. It won't work again.")
	})
	if err == nil {
		right()
	}
	return err
}

// plainCode folds the ways to type a code.
func plainCode(typed string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(strings.TrimSpace(typed)))
}

// takeTOTP compares a code with those of all authenticator apps.
func (s *Service) takeTOTP(ctx context.Context, tx *store.Tx, all []store.SecondFactor, typed string) error {
	for i := range all {
		f := &all[i]
		if f.Kind != "totp" {
			continue
		}
		step, ok := matchTOTP(string(f.Secret), typed, s.Now(), f.Step)
		if !ok {
			continue
		}
		f.Step, f.Used = step, s.Now().UnixMilli()
		return tx.UseSecondFactor(ctx, f)
	}
	return errCode
}

// matchTOTP finds the time step that a code belongs to: one around now that is
// later than the last one taken, since a code is good once.
//
// spec: rfc6238#section-5.2
func matchTOTP(secret, typed string, now time.Time, last int64) (step int64, ok bool) {
	at := now.Unix() / codeStep
	for step := at - 1; step <= at+1; step++ {
		if step <= last {
			continue
		}
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(typed)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// NewTOTPSecret makes the secret of an authenticator app: 160 bits in base32.
//
// spec: rfc4226#section-4
func NewTOTPSecret() string {
	b := make([]byte, 20)
	rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// TOTPAddress is what an authenticator app reads as a QR code.
//
// spec: github.com/google/google-authenticator/wiki/Key-Uri-Format
func (s *Service) TOTPAddress(username, secret string) string {
	label := url.PathEscape(s.Domain + ":" + username)
	return "otpauth://totp/" + label + "?" + url.Values{"secret": {secret}, "issuer": {s.Domain}}.Encode()
}

// AddTOTP sets an authenticator app up that shows the right code for a secret of
// NewTOTPSecret. Recovery codes come back with the first factor of an account.
func (s *Service) AddTOTP(ctx context.Context, actor int64, name, secret, typed string) (codes []string, err error) {
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err != nil || len(raw) != 20 {
		return nil, errSecret
	}
	step, ok := matchTOTP(secret, plainCode(typed), s.Now(), 0)
	if !ok {
		return nil, fault.New(fault.Invalid, "The code is not right. Please look whether the clock of your device is.")
	}
	return s.addFactor(ctx, &store.SecondFactor{Actor: actor, Kind: "totp", Name: factorName(name, "Authenticator app"), Secret: store.Hidden(secret), Step: step})
}

func factorName(name, otherwise string) string {
	r := []rune(strings.TrimSpace(name))
	if len(r) == 0 {
		return otherwise
	}
	return string(r[:min(len(r), maxFactorName)])
}

// addFactor keeps a second factor, and makes recovery codes where there are none.
func (s *Service) addFactor(ctx context.Context, f *store.SecondFactor) (codes []string, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		codes = nil
		all, err := tx.SecondFactors(ctx, f.Actor)
		if err != nil {
			return err
		}
		real, recovery := countFactors(all)
		if real >= maxFactors {
			return errFactors
		}
		f.ID, f.Created = tx.NewID(), s.Now().UnixMilli()
		if err := tx.InsertSecondFactor(ctx, f); err != nil {
			return err
		}
		if recovery == 0 {
			if codes, err = s.insertRecovery(ctx, tx, f.Actor); err != nil {
				return err
			}
		}
		account, err := tx.Account(ctx, f.Actor)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, account, "A second factor was set up", "your account at "+s.Domain+" has a new second factor: "+f.Name+".")
	})
	return codes, err
}

func countFactors(all []store.SecondFactor) (real, recovery int) {
	for i := range all {
		if all[i].Kind == "recovery" {
			recovery++
		} else {
			real++
		}
	}
	return real, recovery
}

// recoveryKey is how a recovery code is kept: 80 random bits need no slow hash.
func recoveryKey(actor int64, code string) string {
	return Hash("recovery " + strconv.FormatInt(actor, 10) + " " + code)
}

// insertRecovery makes recovery codes and returns them: xxxx-xxxx-xxxx-xxxx.
func (s *Service) insertRecovery(ctx context.Context, tx *store.Tx, actor int64) ([]string, error) {
	var codes []string
	for range recoveryCodes {
		b := make([]byte, 10)
		rand.Read(b)
		c := strings.ToLower(base32.StdEncoding.EncodeToString(b))
		f := store.SecondFactor{ID: tx.NewID(), Actor: actor, Kind: "recovery", Key: recoveryKey(actor, c), Created: s.Now().UnixMilli()}
		if err := tx.InsertSecondFactor(ctx, &f); err != nil {
			return nil, err
		}
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
	}
	return codes, nil
}

// NewRecoveryCodes replaces the recovery codes of an account that has a second factor.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor int64) (codes []string, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if has, err := tx.HasSecondFactor(ctx, actor); err != nil {
			return err
		} else if !has {
			return errNoFactor
		}
		if err := tx.DropSecondFactors(ctx, actor, "recovery"); err != nil {
			return err
		}
		codes, err = s.insertRecovery(ctx, tx, actor)
		return err
	})
	return codes, err
}

// RemoveFactor removes an authenticator app or a passkey; with the last one the
// recovery codes go, too.
func (s *Service) RemoveFactor(ctx context.Context, actor, id int64) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropSecondFactor(ctx, actor, id); errors.Is(err, store.ErrNotFound) {
			return errNoFactor
		} else if err != nil {
			return err
		}
		has, err := tx.HasSecondFactor(ctx, actor)
		if err != nil {
			return err
		}
		if !has {
			if err := tx.DropSecondFactors(ctx, actor, ""); err != nil {
				return err
			}
		}
		account, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, account, "A second factor was removed", "a second factor of your account at "+s.Domain+" was removed.")
	})
}

// RemoveFactors removes every second factor of an account, for the admin of
// somebody who has lost them.
func (s *Service) RemoveFactors(ctx context.Context, actor int64) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropSecondFactors(ctx, actor, ""); err != nil {
			return err
		}
		account, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		return s.tell(ctx, tx, account, "Your second factors were removed", "the admin of "+s.Domain+" has removed all second factors of your account.")
	})
}
