package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// sessionLife is how long a browser stays signed in for consent pages.
const sessionLife = 30 * 24 * time.Hour

// cookieName is the session cookie's. Browsers take the prefix as a promise: only
// over https, only for this host.
func (s *Service) cookieName() string {
	if strings.HasPrefix(s.URL, "https:") {
		return "__Host-kenoma"
	}
	return "kenoma_session"
}

// StartSession signs a browser in: a fresh session, whatever it had before.
func (s *Service) StartSession(ctx context.Context, w http.ResponseWriter, actor int64) error {
	secret, err := s.NewToken(ctx, "session", store.Token{Actor: actor}, sessionLife)
	if err != nil {
		return err
	}
	s.setCookie(w, s.cookieName(), secret, sessionLife)
	return nil
}

// EndSession signs a browser out.
func (s *Service) EndSession(w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil
	}
	s.setCookie(w, s.cookieName(), "", -time.Hour)
	return s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if _, err := tx.TakeToken(r.Context(), "session", Hash(c.Value)); err != nil && !isNotFound(err) {
			return err
		}
		return nil
	})
}

func (s *Service) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true,
		Secure: strings.HasPrefix(s.URL, "https:"), SameSite: http.SameSiteLaxMode})
}

// Browser returns who is signed in in a browser; nil when nobody is.
func (s *Service) Browser(r *http.Request) (*Session, error) {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil, nil
	}
	t, err := s.DB.Token(r.Context(), "session", Hash(c.Value))
	if isNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	one, err := s.session(r.Context(), t)
	if err != nil {
		return nil, err
	}
	return one, nil
}

// Usable refuses accounts that may not act now.
func (one *Session) Usable() error { return one.usable() }

// CSRF returns the value that a form of this browser must carry: bound to a cookie
// that other sites can neither read nor set over https.
func (s *Service) CSRF(w http.ResponseWriter, r *http.Request) string {
	name := s.cookieName() + "_form"
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) < 40 {
		c = &http.Cookie{Value: newSecret()}
		s.setCookie(w, name, c.Value, sessionLife)
		r.AddCookie(&http.Cookie{Name: name, Value: c.Value})
	}
	return sign(c.Value)
}

// CheckCSRF refuses a form that was not made for this browser.
func (s *Service) CheckCSRF(r *http.Request) error {
	c, err := r.Cookie(s.cookieName() + "_form")
	if err != nil || !hmac.Equal([]byte(sign(c.Value)), []byte(r.PostFormValue("csrf"))) {
		return fault.New(fault.Denied, "The form is too old. Please go back, reload the page and try again.")
	}
	return nil
}

func sign(value string) string {
	mac := hmac.New(sha256.New, []byte(value))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
