package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// OutOfBand is the redirect address of apps that show no page: the code is shown
// to the person instead.
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// codeLife is how long an authorization code may be exchanged.
const codeLife = 10 * time.Minute

// oauthError is an error in OAuth's own terms.
//
// spec: rfc6749#section-5.2
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error implements error.
func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

var (
	errClient      = &oauthError{401, "invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}
	errGrant       = &oauthError{400, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}
	errScope       = &oauthError{400, "invalid_scope", "The requested scope is invalid, unknown, or malformed."}
	errGrantType   = &oauthError{400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."}
	errUnauthorzed = &oauthError{403, "unauthorized_client", "You are not authorized to revoke this token"}
)

// Routes adds the endpoints of OAuth and of apps, each with and without a slash at
// the end. The pages for people are elsewhere.
func (s *Service) Routes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Post("/api/v1/apps"+slash, s.serve(s.createApp))
		r.Get("/api/v1/apps/verify_credentials"+slash, s.serve(s.verifyApp))
		r.Post("/oauth/token"+slash, s.serve(s.token))
		r.Post("/oauth/revoke"+slash, s.serve(s.revoke))
		r.Get("/oauth/userinfo"+slash, s.serve(s.userinfo))
		r.Post("/oauth/userinfo"+slash, s.serve(s.userinfo))
		r.Get("/.well-known/oauth-authorization-server"+slash, s.serve(s.metadata))
	}
}

// serve writes what a handler returns as JSON.
func (s *Service) serve(h func(r *http.Request, v url.Values) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := values(w, r)
		var answer any
		if err == nil {
			answer, err = h(r, v)
		}
		status := http.StatusOK
		if err != nil {
			var o *oauthError
			if errors.As(err, &o) {
				status, answer = o.status, o
			} else {
				var text string
				if status, text = fault.Public(err); status == http.StatusInternalServerError {
					s.Log.Error("request failed", "path", r.URL.Path, "err", err)
				}
				answer = map[string]string{"error": text}
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(answer)
	}
}

// application is the entity of a registered app.
//
// spec: masto:entities/Application
type application struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Website      *string  `json:"website"`
	Scopes       []string `json:"scopes"`
	RedirectURI  string   `json:"redirect_uri"`
	RedirectURIs []string `json:"redirect_uris"`
	VapidKey     string   `json:"vapid_key"`
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	ExpiresAt    *int     `json:"client_secret_expires_at,omitempty"`
}

func draw(a *store.App) *application {
	e := &application{ID: strconv.FormatInt(a.ID, 10), Name: a.Name, Scopes: strings.Fields(a.Scopes), RedirectURIs: a.RedirectURIs,
		RedirectURI: strings.Join(a.RedirectURIs, "\n")}
	if a.Website != "" {
		e.Website = &a.Website
	}
	return e
}

// createApp registers a client.
//
// spec: masto:methods/apps#create
func (s *Service) createApp(r *http.Request, v url.Values) (any, error) {
	name := strings.TrimSpace(v.Get("client_name"))
	if name == "" || len(name) > 240 {
		return nil, fault.New(fault.Invalid, "Validation failed: Application name can't be blank")
	}
	var uris []string
	for _, one := range list(v, "redirect_uris") {
		uris = append(uris, strings.Fields(one)...)
	}
	if len(uris) == 0 || len(uris) > 20 {
		return nil, fault.New(fault.Invalid, "Validation failed: Redirect URI can't be blank.")
	}
	for _, u := range uris {
		if !redirectable(u) {
			return nil, fault.New(fault.Invalid, "Validation failed: Redirect URI must be an absolute URI.")
		}
	}
	grant, err := ParseScopes(strings.Join(list(v, "scopes"), " "))
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "Validation failed: Scopes doesn't match configured on the server.")
	}
	website := v.Get("website")
	if u, err := url.Parse(website); website != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.New(fault.Invalid, "Validation failed: Website is not a valid URL")
	}
	secret := newSecret()
	app := &store.App{ClientID: newSecret(), SecretHash: Hash(secret), Name: name, Website: cutText(website, 2000), RedirectURIs: uris, Scopes: grant.String(),
		Created: s.Now().UnixMilli()}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		app.ID = tx.NewID()
		return tx.InsertApp(r.Context(), app)
	}); err != nil {
		return nil, err
	}
	e := draw(app)
	never := 0
	e.ClientID, e.ClientSecret, e.ExpiresAt = app.ClientID, secret, &never
	return e, nil
}

// redirectable tells whether an address may be sent back to: any absolute one but
// those that a browser would run.
func redirectable(text string) bool {
	if text == OutOfBand {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || len(text) > 2000 || strings.Contains(text, "#") {
		return false
	}
	return !slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about", "mailto"}, strings.ToLower(u.Scheme))
}

// verifyApp tells an app, or a person's client, which app its token belongs to.
func (s *Service) verifyApp(r *http.Request, _ url.Values) (any, error) {
	one, err := s.Authenticate(r.Context(), Bearer(r))
	if err != nil {
		return nil, err
	}
	if one.App == nil {
		return nil, fault.New(fault.Unauthorized, "The access token is invalid")
	}
	return draw(one.App), nil
}

// Bearer returns the token of the Authorization header, "" when there is none.
func Bearer(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// token hands out an access token for a code, an app's own credentials, or a
// password.
//
// spec: masto:methods/oauth#token, rfc6749#section-4
func (s *Service) token(r *http.Request, v url.Values) (any, error) {
	ctx := r.Context()
	app, err := s.client(ctx, r, v, v.Get("grant_type") == "authorization_code")
	if err != nil {
		return nil, err
	}
	t := store.Token{App: app.ID}
	switch v.Get("grant_type") {
	case "authorization_code":
		err = s.byCode(ctx, app, v, &t)
	case "client_credentials":
		t.Scopes, err = within(v.Get("scope"), app)
	case "password":
		err = s.byPassword(r, app, v, &t)
	default:
		err = errGrantType
	}
	if err != nil {
		return nil, err
	}
	secret, err := s.NewToken(ctx, "access", t, 0)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"access_token": secret, "token_type": "Bearer", "scope": t.Scopes, "created_at": s.Now().Unix()}
	if t.Actor != 0 {
		actor, err := s.DB.Actor(ctx, t.Actor)
		if err != nil {
			return nil, err
		}
		answer["me"], answer["id"] = actor.URI, strconv.FormatInt(actor.ID, 10) // Pleroma's clients read these.
	}
	return answer, nil
}

// client returns the app that asks. A public client proves itself by PKCE alone.
func (s *Service) client(ctx context.Context, r *http.Request, v url.Values, public bool) (*store.App, error) {
	id, secret := v.Get("client_id"), v.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		id, secret = user, pass
	}
	app, err := s.DB.AppByClientID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errClient
	} else if err != nil {
		return nil, err
	}
	if secret == "" && public && v.Get("code_verifier") != "" {
		return app, nil
	}
	if subtle.ConstantTimeCompare([]byte(Hash(secret)), []byte(app.SecretHash)) != 1 {
		return nil, errClient
	}
	return app, nil
}

// within checks that the scopes asked for are among those the app registered.
func within(asked string, app *store.App) (string, error) {
	if asked == "" {
		asked = "read"
		if !(Grant{"read"}).Within(strings.Fields(app.Scopes)) {
			asked = app.Scopes
		}
	}
	grant, err := ParseScopes(asked)
	if err != nil || !grant.Within(strings.Fields(app.Scopes)) {
		return "", errScope
	}
	return grant.String(), nil
}

// code is what stands behind an authorization code.
type code struct {
	Redirect  string `json:"redirect"`
	Challenge string `json:"challenge,omitempty"`
	Method    string `json:"method,omitempty"`
}

// Request is what an app asks of a person.
type Request struct {
	App      *store.App
	Redirect string
	Scopes   Grant
	State    string
	code     code
}

// Authorize reads the parameters of the authorization page. The error is to be
// shown to the person: an app that can't be trusted is not redirected to.
//
// spec: masto:methods/oauth#authorize, rfc7636#section-4.3
func (s *Service) Authorize(ctx context.Context, v url.Values) (*Request, error) {
	if v.Get("response_type") != "code" {
		return nil, fault.New(fault.Malformed, "The app asks in a way that this server does not know (response_type).")
	}
	app, err := s.DB.AppByClientID(ctx, v.Get("client_id"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.New(fault.Unauthorized, "This app is not registered here. Please start again in the app.")
	} else if err != nil {
		return nil, err
	}
	q := &Request{App: app, Redirect: v.Get("redirect_uri"), State: v.Get("state")}
	if !slices.Contains(app.RedirectURIs, q.Redirect) {
		return nil, fault.New(fault.Malformed, "The app wants to be called back at an address that it did not register.")
	}
	scopes, err := within(v.Get("scope"), app)
	if err != nil {
		return nil, fault.New(fault.Malformed, "The app asks for more than it registered for.")
	}
	q.Scopes = strings.Fields(scopes)
	q.code = code{Redirect: q.Redirect, Challenge: v.Get("code_challenge"), Method: v.Get("code_challenge_method")}
	if q.code.Challenge != "" && q.code.Method != "S256" {
		return nil, fault.New(fault.Malformed, "The app uses a way of proof (code_challenge_method) that is not safe.")
	}
	return q, nil
}

// Grant lets the app in and returns where to send the browser, or, for apps out of
// band, the code to show.
func (s *Service) Grant(ctx context.Context, q *Request, actor int64) (location, shown string, err error) {
	data, err := json.Marshal(q.code)
	if err != nil {
		return "", "", err
	}
	secret, err := s.NewToken(ctx, "code", store.Token{Actor: actor, App: q.App.ID, Scopes: q.Scopes.String(), Data: string(data)}, codeLife)
	if err != nil {
		return "", "", err
	}
	if q.Redirect == OutOfBand {
		return "", secret, nil
	}
	return q.back(url.Values{"code": {secret}}), "", nil
}

// Deny returns where to send the browser when the person says no; "" out of band.
func (q *Request) Deny() string {
	if q.Redirect == OutOfBand {
		return ""
	}
	return q.back(url.Values{"error": {"access_denied"}, "error_description": {"The resource owner or authorization server denied the request."}})
}

func (q *Request) back(v url.Values) string {
	if q.State != "" {
		v.Set("state", q.State)
	}
	sep := "?"
	if strings.Contains(q.Redirect, "?") {
		sep = "&"
	}
	return q.Redirect + sep + v.Encode()
}

// byCode takes a code, which works once.
func (s *Service) byCode(ctx context.Context, app *store.App, v url.Values, t *store.Token) error {
	var given *store.Token
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		given, err = tx.TakeToken(ctx, "code", Hash(v.Get("code")))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return errGrant
	} else if err != nil {
		return err
	}
	var c code
	if err := json.Unmarshal([]byte(given.Data), &c); err != nil {
		return err
	}
	if given.App != app.ID || c.Redirect != v.Get("redirect_uri") {
		return errGrant
	}
	if c.Challenge == "" && v.Get("client_secret") == "" && v.Get("code_verifier") != "" {
		return errGrant // A verifier without a challenge proves nothing.
	}
	if c.Challenge != "" {
		sum := sha256.Sum256([]byte(v.Get("code_verifier")))
		if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(c.Challenge)) != 1 {
			return errGrant
		}
	}
	t.Actor, t.Scopes = given.Actor, given.Scopes
	return nil
}

// byPassword is the grant that Pleroma's clients use.
func (s *Service) byPassword(r *http.Request, app *store.App, v url.Values, t *store.Token) error {
	if !s.PasswordGrant {
		return errGrantType
	}
	scopes, err := within(v.Get("scope"), app)
	if err != nil {
		return err
	}
	account, actor, err := s.SignIn(r.Context(), v.Get("username"), v.Get("password"), ClientIP(r, s.TrustedProxies).String())
	if fault.Is(err, fault.Unauthorized) {
		return errGrant
	} else if err != nil {
		return err
	}
	if err := (&Session{Account: account, Actor: actor}).usable(); err != nil {
		return err
	}
	t.Actor, t.Scopes = account.Actor, scopes
	return nil
}

// revoke ends a token.
//
// spec: masto:methods/oauth#revoke
func (s *Service) revoke(r *http.Request, v url.Values) (any, error) {
	ctx := r.Context()
	app, err := s.client(ctx, r, v, false)
	if err != nil {
		return nil, errUnauthorzed
	}
	t, err := s.DB.Token(ctx, "access", Hash(v.Get("token")))
	if errors.Is(err, store.ErrNotFound) {
		return struct{}{}, nil
	} else if err != nil {
		return nil, err
	}
	if t.App != app.ID {
		return nil, errUnauthorzed
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { _, err := tx.TakeToken(ctx, "access", t.Hash); return err }); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	s.sessions.Invalidate(t.Hash)
	return struct{}{}, nil
}

// userinfo says who a token belongs to, in OpenID's terms.
//
// spec: masto:methods/oauth#userinfo
func (s *Service) userinfo(r *http.Request, _ url.Values) (any, error) {
	one, err := s.Authenticate(r.Context(), Bearer(r))
	if err != nil {
		return nil, err
	}
	if one.Actor == nil {
		return nil, fault.New(fault.Invalid, "This method requires an authenticated user")
	}
	if !one.Scopes.Allows("profile") && !one.Scopes.Allows("read:accounts") {
		return nil, fault.New(fault.Denied, "This action is outside the authorized scopes")
	}
	profiles, err := s.DB.Profiles(r.Context(), []int64{one.Actor.ID})
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"iss": s.URL + "/", "sub": one.Actor.URI, "name": one.Actor.Username, "preferred_username": one.Actor.Username,
		"profile": s.URL + "/@" + one.Actor.Username, "picture": s.URL + "/static/avatar.svg"}
	if p := profiles[one.Actor.ID]; p != nil {
		if p.DisplayName != "" {
			answer["name"] = p.DisplayName
		}
		if p.Avatar != "" {
			answer["picture"] = p.Avatar
		}
	}
	return answer, nil
}

// metadata tells clients what this server can do.
//
// spec: rfc8414#section-2, masto:methods/oauth#authorization-server-metadata
func (s *Service) metadata(*http.Request, url.Values) (any, error) {
	grants := []string{"authorization_code", "client_credentials"}
	if s.PasswordGrant {
		grants = append(grants, "password")
	}
	var scopes []string
	for _, one := range Scopes {
		scopes = append(scopes, one.Name)
	}
	return map[string]any{
		"issuer": s.URL + "/", "service_documentation": "https://docs.joinmastodon.org/",
		"authorization_endpoint": s.URL + "/oauth/authorize", "token_endpoint": s.URL + "/oauth/token", "revocation_endpoint": s.URL + "/oauth/revoke",
		"userinfo_endpoint": s.URL + "/oauth/userinfo", "app_registration_endpoint": s.URL + "/api/v1/apps",
		"scopes_supported": scopes, "response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"code_challenge_methods_supported": []string{"S256"}, "grant_types_supported": grants,
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	}, nil
}

func cutText(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
