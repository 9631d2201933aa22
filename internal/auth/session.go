package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
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

// StartSession signs a browser in: a fresh session, in place of the one it had.
func (s *Service) StartSession(w http.ResponseWriter, r *http.Request, actor int64) error {
	if err := s.dropSession(r); err != nil {
		return err
	}
	data, err := json.Marshal(Browser{Agent: cutText(r.UserAgent(), maxAgent), IP: ClientIP(r, s.TrustedProxies).String()})
	if err != nil {
		return err
	}
	secret, err := s.NewToken(r.Context(), "session", store.Token{Actor: actor, Data: string(data)}, sessionLife)
	if err != nil {
		return err
	}
	s.setCookie(w, s.cookieName(), secret, sessionLife)
	return nil
}

// EndSession signs a browser out.
func (s *Service) EndSession(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, s.cookieName(), "", -time.Hour)
	return s.dropSession(r)
}

// dropSession deletes the session that a browser has, if it has one.
func (s *Service) dropSession(r *http.Request) error {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := tx.TakeToken(r.Context(), "session", Hash(c.Value))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Service) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true,
		Secure: strings.HasPrefix(s.URL, "https:"), SameSite: http.SameSiteLaxMode})
}

// Browser returns who is signed in in a browser; nil when nobody is. Whether the
// account may act is left to the caller.
func (s *Service) Browser(r *http.Request) (*Session, error) {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil, nil
	}
	one, err := s.load(r.Context(), "session", Hash(c.Value))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	s.touch(one.Token)
	return one, nil
}

// formCookieLife is how long a form may lie around.
const formCookieLife = 24 * time.Hour

// CSRF returns the value that a form of this browser must carry: derived from a
// cookie that other sites can neither read nor, over https, set. It has to be
// called before the page is begun.
func (s *Service) CSRF(w http.ResponseWriter, r *http.Request) string {
	name := s.cookieName() + "_form"
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) != secretLength {
		c = &http.Cookie{Value: newSecret()}
	}
	s.setCookie(w, name, c.Value, formCookieLife)
	return sign(c.Value)
}

// CheckCSRF refuses a form that was not made for this browser. The form must have
// been parsed.
func (s *Service) CheckCSRF(r *http.Request) error {
	c, err := r.Cookie(s.cookieName() + "_form")
	if err != nil || c.Value == "" || !hmac.Equal([]byte(sign(c.Value)), []byte(r.PostForm.Get("csrf"))) {
		return fault.New(fault.Denied, "The form is too old. Please go back, reload the page and try again.")
	}
	return nil
}

// sign keeps the cookie itself out of the page.
func sign(value string) string {
	mac := hmac.New(sha256.New, []byte(value))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
