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
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

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
	errClient       = &oauthError{401, "invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."}
	errGrant        = &oauthError{400, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."}
	errScope        = &oauthError{400, "invalid_scope", "The requested scope is invalid, unknown, or malformed."}
	errGrantType    = &oauthError{400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server."}
	errUnauthorized = &oauthError{403, "unauthorized_client", "You are not authorized to revoke this token"}
)

// errMissing is a request without a parameter that it needs.
func errMissing(name string) error {
	return &oauthError{400, "invalid_request", "Missing required parameter: " + name + "."}
}

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

// serve counts a request against the limits, reads it, and writes what a handler
// returns as JSON.
func (s *Service) serve(h func(r *http.Request, v url.Values) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		answer, err := s.answer(w, r, h)
		status := http.StatusOK
		if err != nil {
			status, answer = s.failed(r, err)
		}
		if status == http.StatusUnauthorized { // spec: rfc6750#section-3. Asking for Basic would open a browser's own window.
			w.Header().Set("WWW-Authenticate", `Bearer realm="Kenoma", error="`+challengeError(err)+`"`)
		}
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(answer)
	}
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request, h func(r *http.Request, v url.Values) (any, error)) (any, error) {
	left, ends := s.asked.take(limitAll, network(ClientIP(r, s.TrustedProxies)))
	if s.Throttle {
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limitAll.max))
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
		w.Header().Set("X-RateLimit-Reset", ends.UTC().Format("2006-01-02T15:04:05.000Z"))
		if left < 0 {
			return nil, errTooMany
		}
	}
	v, err := values(w, r)
	if err != nil {
		return nil, err
	}
	return h(r, v)
}

// limit counts a request against a limit per address.
func (s *Service) limit(l limit, r *http.Request) error {
	if left, _ := s.asked.take(l, network(ClientIP(r, s.TrustedProxies))); left < 0 && s.Throttle {
		return errTooMany
	}
	return nil
}

// failed turns an error into an answer: OAuth's own errors, and what else can't be
// read on its endpoints, in its form; the others in that of the API.
func (s *Service) failed(r *http.Request, err error) (int, any) {
	var o *oauthError
	if errors.As(err, &o) {
		return o.status, o
	}
	status, text := fault.Public(err)
	switch {
	case status == http.StatusInternalServerError && r.Context().Err() == nil:
		s.Log.Error("request failed", "path", r.URL.Path, "err", err)
	case status == http.StatusBadRequest && strings.HasPrefix(r.URL.Path, "/oauth/"):
		return status, &oauthError{Code: "invalid_request", Description: text}
	}
	return status, map[string]string{"error": text}
}

func challengeError(err error) string {
	var o *oauthError
	if errors.As(err, &o) {
		return o.Code
	}
	return "invalid_token"
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
	var grant func(r *http.Request, app *store.App, v url.Values, t *store.Token) error
	switch kind := v.Get("grant_type"); {
	case kind == "":
		return nil, errMissing("grant_type")
	case kind == "authorization_code":
		grant = s.byCode
	case kind == "client_credentials":
		grant = s.byApp
	case kind == "password" && s.PasswordGrant:
		grant = s.byPassword
	default:
		return nil, errGrantType
	}
	app, err := s.client(ctx, r, v)
	if err != nil {
		return nil, err
	}
	t := store.Token{App: app.ID}
	if err := grant(r, app, v, &t); err != nil {
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

// client returns the app that asks, which has to know its secret.
//
// spec: rfc6749#section-2.3.1
func (s *Service) client(ctx context.Context, r *http.Request, v url.Values) (*store.App, error) {
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
	if subtle.ConstantTimeCompare([]byte(Hash(secret)), []byte(app.SecretHash)) != 1 {
		return nil, errClient
	}
	return app, nil
}

// byCode takes a code, which works once, whatever comes of it.
//
// spec: rfc6749#section-4.1.3, rfc7636#section-4.6
func (s *Service) byCode(r *http.Request, app *store.App, v url.Values, t *store.Token) error {
	ctx := r.Context()
	for _, name := range []string{"code", "redirect_uri"} {
		if v.Get(name) == "" {
			return errMissing(name)
		}
	}
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
	if given.App != app.ID || c.Redirect != v.Get("redirect_uri") || !c.proven(v.Get("code_verifier")) {
		return errGrant
	}
	t.Actor, t.Scopes = given.Actor, given.Scopes
	return nil
}

// proven tells whether a verifier is the one that the code was asked for with. One
// that comes without a challenge is wrong, too: somebody took the challenge away.
//
// spec: rfc9700#section-4.8.2
func (c code) proven(verifier string) bool {
	if c.Challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(c.Challenge)) == 1
}

// byApp is an app's own token, without a person.
func (s *Service) byApp(_ *http.Request, app *store.App, v url.Values, t *store.Token) error {
	scopes, err := within(v.Get("scope"), app, Grant{"read"})
	t.Scopes = scopes.String()
	return err
}

// byPassword is the grant that Pleroma's clients use. They name no scopes and mean
// all that they registered for.
func (s *Service) byPassword(r *http.Request, app *store.App, v url.Values, t *store.Token) error {
	scopes, err := within(v.Get("scope"), app, strings.Fields(app.Scopes))
	if err != nil {
		return err
	}
	account, actor, err := s.SignIn(r.Context(), v.Get("username"), v.Get("password"), ClientIP(r, s.TrustedProxies))
	if fault.Is(err, fault.Unauthorized) {
		return errGrant
	} else if err != nil {
		return err
	}
	if err := (&Session{Account: account, Actor: actor}).Usable(); err != nil {
		return err
	}
	if more, err := s.NeedsSecond(r.Context(), account.Actor); err != nil {
		return err
	} else if more {
		return errGrantMFA
	}
	t.Actor, t.Scopes = account.Actor, scopes.String()
	return nil
}

// revoke ends a token. One that is not there is a success, too.
//
// spec: masto:methods/oauth#revoke
func (s *Service) revoke(r *http.Request, v url.Values) (any, error) {
	ctx := r.Context()
	app, err := s.client(ctx, r, v)
	if errors.Is(err, errClient) {
		return nil, errUnauthorized
	} else if err != nil {
		return nil, err
	}
	hash := Hash(v.Get("token"))
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := tx.TakeToken(ctx, "access", hash)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if t.App != app.ID {
			return errUnauthorized // Which keeps the token.
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.forget(hash)
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
		return nil, errNeedsUser
	}
	if !one.Scopes.Allows("profile") && !one.Scopes.Allows("read:accounts") {
		return nil, errScopes
	}
	profiles, err := s.DB.Profiles(r.Context(), []int64{one.Actor.ID})
	if err != nil {
		return nil, err
	}
	name, picture := one.Actor.Username, s.URL+"/static/avatar.svg"
	if p := profiles[one.Actor.ID]; p != nil {
		if p.DisplayName != "" {
			name = p.DisplayName
		}
		if p.Avatar != "" {
			picture = string(p.Avatar)
		}
	}
	return map[string]any{"iss": s.URL + "/", "sub": one.Actor.URI, "name": name, "preferred_username": one.Actor.Username,
		"profile": s.URL + "/@" + one.Actor.Username, "picture": picture}, nil
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
		"scopes_supported": scopes, "response_types_supported": []string{"code"}, "response_modes_supported": responseModes,
		"code_challenge_methods_supported": []string{"S256"}, "grant_types_supported": grants,
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	}, nil
}

// Jobs are what the queue is to run for this package.
func (s *Service) Jobs() map[string]func(context.Context, store.Job) error {
	jobs := s.careJobs()
	jobs["confirm-mail"], jobs["sweep-tokens"] = s.mailJob, s.sweepJob
	jobs["notice-mail"] = s.noticeJob
	return jobs
}

const (
	sweepEvery = time.Hour

	// keepUnused is how long a client is kept that nobody is signed in with, and an
	// app's own token that is not used. Some clients register for each sign-in, and
	// never say that they are done.
	keepUnused = 30 * 24 * time.Hour
)

// Schedule has expired secrets and unused apps deleted from now on.
func (s *Service) Schedule(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: "sweep-tokens", Uniq: "sweep-tokens", RunAt: s.Now().Add(sweepEvery).UnixMilli()})
	})
}

func (s *Service) sweepJob(ctx context.Context, _ store.Job) error {
	unused := s.Now().Add(-keepUnused).UnixMilli()
	for _, step := range []func(*store.Tx) (bool, error){
		func(tx *store.Tx) (bool, error) { return tx.SweepTokens(ctx) },
		func(tx *store.Tx) (bool, error) { return tx.SweepAppTokens(ctx, unused) },
		func(tx *store.Tx) (bool, error) { return tx.SweepApps(ctx, unused) },
	} {
		for more := true; more; {
			if err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				more, err = step(tx)
				return err
			}); err != nil {
				return err
			}
		}
	}
	return s.Schedule(ctx)
}
