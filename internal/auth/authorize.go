package auth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// codeLife is how long an authorization code may be exchanged: the most that the
// standard recommends, as people copy codes by hand.
//
// spec: rfc6749#section-4.1.2
const codeLife = 10 * time.Minute

// code is what stands behind an authorization code.
type code struct {
	Redirect  string `json:"redirect"`
	Challenge string `json:"challenge,omitempty"` // S256
}

// Request is what an app asks of a person.
type Request struct {
	App    *store.App
	Scopes Grant

	redirect, state, mode string
	challenge             string
}

// Parameters are those of the authorization page. What else comes along is not
// carried on.
var Parameters = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "response_mode"}

// responseModes are the ways back to an app.
var responseModes = []string{"query", "fragment", "form_post"}

// challengeForm is a SHA-256 in base64url.
//
// spec: rfc7636#section-4.2
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Authorize reads the parameters of the authorization page. An error is to be
// shown to the person, never sent to the app's address: anybody may register an
// app, and our address must not lead on to theirs without a click.
//
// spec: masto:methods/oauth#authorize, rfc7636#section-4.3, rfc9700#section-4.11.2
func (s *Service) Authorize(ctx context.Context, v url.Values) (*Request, error) {
	app, err := s.DB.AppByClientID(ctx, v.Get("client_id"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.Unauthorized, "This app is not registered here. Please start again in the app.")
	} else if err != nil {
		return nil, err
	}
	q := &Request{App: app, redirect: v.Get("redirect_uri"), state: v.Get("state"), mode: v.Get("response_mode"), challenge: v.Get("code_challenge")}
	switch method := v.Get("code_challenge_method"); {
	case !slices.Contains(app.RedirectURIs, q.redirect):
		return nil, fault.New(fault.Malformed, "The app wants to be called back at an address that it did not register.")
	case v.Get("response_type") != "code":
		return nil, fault.New(fault.Malformed, "The app asks in a way that this server does not know (response_type).")
	case q.mode != "" && !slices.Contains(responseModes, q.mode):
		return nil, fault.New(fault.Malformed, "The app wants its answer in a way that this server does not know (response_mode).")
	case q.mode == "form_post" && !strings.HasPrefix(q.redirect, "http"):
		return nil, fault.New(fault.Malformed, "The app wants a form sent to an address that takes none (response_mode).")
	case (q.challenge != "" || method != "") && method != "S256":
		return nil, fault.New(fault.Malformed, "The app proves itself in a way that is not safe (code_challenge_method): only S256 is.")
	case method != "" && !challengeForm.MatchString(q.challenge):
		return nil, fault.New(fault.Malformed, "The app's proof can't be read (code_challenge).")
	}
	q.Scopes, err = within(v.Get("scope"), app, Grant{"read"})
	if err != nil {
		return nil, fault.Because(err, fault.Malformed, "The app asks for more than it registered for.")
	}
	return q, nil
}

// OutOfBand tells whether the app wants the person to carry the code over.
func (q *Request) OutOfBand() bool { return q.redirect == OutOfBand }

// Target is where the app is called back: scheme and host of a web page, the
// scheme alone of another app; "" out of band.
func (q *Request) Target() string {
	u, err := url.Parse(q.redirect)
	switch {
	case err != nil || q.OutOfBand():
		return ""
	case u.Scheme == "http" || u.Scheme == "https":
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

// Reply is how a browser goes back to the app.
type Reply struct {
	Location string     // Where to; "" out of band.
	Code     string     // Out of band: to be shown. "" after a no.
	Form     url.Values // If not nil, Location wants it in a form.
}

// Grant lets the app in to an account.
func (s *Service) Grant(ctx context.Context, q *Request, actor int64) (*Reply, error) {
	data, err := json.Marshal(code{q.redirect, q.challenge})
	if err != nil {
		return nil, err
	}
	secret, err := s.NewToken(ctx, "code", store.Token{Actor: actor, App: q.App.ID, Scopes: q.Scopes.String(), Data: string(data)}, codeLife)
	if err != nil {
		return nil, err
	}
	if q.OutOfBand() {
		return &Reply{Code: secret}, nil
	}
	return q.reply(url.Values{"code": {secret}}), nil
}

// Deny tells the app that the person said no.
//
// spec: rfc6749#section-4.1.2.1
func (q *Request) Deny() *Reply {
	if q.OutOfBand() {
		return &Reply{}
	}
	return q.reply(url.Values{"error": {"access_denied"}, "error_description": {"The resource owner or authorization server denied the request."}})
}

func (q *Request) reply(v url.Values) *Reply {
	if q.state != "" {
		v.Set("state", q.state)
	}
	switch {
	case q.mode == "form_post":
		return &Reply{Location: q.redirect, Form: v}
	case q.mode == "fragment":
		return &Reply{Location: q.redirect + "#" + v.Encode()}
	case strings.Contains(q.redirect, "?"):
		return &Reply{Location: q.redirect + "&" + v.Encode()}
	}
	return &Reply{Location: q.redirect + "?" + v.Encode()}
}

// within checks that the scopes asked for are among those the app registered;
// asking for none means otherwise, or all that the app registered if that has not
// even those.
func within(asked string, app *store.App, otherwise Grant) (Grant, error) {
	all := Grant(strings.Fields(app.Scopes))
	if strings.TrimSpace(asked) == "" {
		if otherwise.Within(all) {
			return otherwise, nil
		}
		return all, nil
	}
	grant, err := ParseScopes(asked)
	if err != nil || len(grant) == 0 || !grant.Within(all) {
		return nil, errScope
	}
	return grant, nil
}
