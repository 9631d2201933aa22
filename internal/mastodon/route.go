package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Request is what a handler gets: the request with its parameters and who asks.
type Request struct {
	*http.Request
	Params
	Session *auth.Session // nil: anybody.
	User    *store.Actor  // The person; nil for anybody and for apps themselves.

	api    *API
	header http.Header // Of the answer.
	buf    []byte      // Pooled, for rendering.
}

// handler gets, does, and returns what is drawn as JSON: a struct, a
// json.RawMessage that is rendered already, or an answer with a status of its own.
type handler func(api *API, r *Request) (any, error)

// answer is a result that is not a plain 200.
type answer struct {
	status int
	body   any
}

// empty is {}, what most deletions answer with.
var empty = struct{}{}

// endpoint is a row of the table of routes.
type endpoint struct {
	pattern string // Method and path, with parameters in braces.
	access  access
	run     handler
	raw     func(api *API, w http.ResponseWriter, r *http.Request) // Instead of run, for streams.
}

// endpoints is the table of all routes; the files of the groups fill it.
var endpoints []endpoint

// route registers an endpoint. scope says who may call it:
//
//	""                     anybody; a token is looked at if there is one
//	"?read:statuses"       anybody; a token must have the scope
//	"app"                  any token, a person's or an app's own
//	"app write:accounts"   any token with the scope
//	"user"                 a person's token
//	"unconfirmed user"     a person's token, also before its address is confirmed
//	"read:statuses"        a person's token with the scope; "a|b" is either of two
//
// The path answers with a trailing slash too, without a redirect.
func route(pattern, scope string, run handler) struct{} {
	endpoints = append(endpoints, endpoint{pattern: pattern, access: parseAccess(scope), run: run})
	return struct{}{}
}

// access says who may call an endpoint.
type access struct {
	token  bool // One is needed.
	person bool // It must be a person's.
	early  bool // Its address need not be confirmed.
	scopes []string
}

func parseAccess(scope string) access {
	var a access
	switch {
	case scope == "":
		return a
	case strings.HasPrefix(scope, "?"):
		scope = scope[1:]
	case scope == "app" || strings.HasPrefix(scope, "app "):
		a.token = true
		scope = strings.TrimPrefix(strings.TrimPrefix(scope, "app"), " ")
	case scope == "user":
		return access{token: true, person: true}
	case scope == "unconfirmed user":
		return access{token: true, person: true, early: true}
	default:
		a.token, a.person = true, true
	}
	if scope != "" {
		a.scopes = strings.Split(scope, "|")
	}
	return a
}

// The texts of refusals, which some apps match on.
//
// spec: masto:entities/Error
var (
	errToken     = fault.New(fault.Unauthorized, "The access token is invalid")
	errScope     = fault.New(fault.Denied, "This action is outside the authorized scopes")
	errNeedsUser = fault.New(fault.Invalid, "This method requires an authenticated user")
)

func errNotFound() error { return fault.New(fault.NotFound, "Record not found") }

// check tells whether the session may use the endpoint.
func (a access) check(s *auth.Session) error {
	switch {
	case s == nil && a.token:
		return errToken
	case s == nil:
		return nil
	}
	allowed := len(a.scopes) == 0
	for _, scope := range a.scopes {
		allowed = allowed || s.Scopes.Allows(scope)
	}
	if !allowed {
		return errScope
	}
	if a.person && s.Actor == nil {
		return errNeedsUser
	}
	return nil
}

// newRouter builds the handler of all endpoints.
func (api *API) newRouter() http.Handler {
	mux := chi.NewRouter()
	for _, e := range endpoints {
		method, path, ok := strings.Cut(e.pattern, " ")
		if !ok {
			panic("mastodon: route without method: " + e.pattern)
		}
		mux.Method(method, path, api.frame(e))
	}
	missing := api.frame(endpoint{pattern: "unknown", run: func(*API, *Request) (any, error) { return nil, errNotFound() }})
	mux.NotFound(missing.ServeHTTP)
	mux.MethodNotAllowed(missing.ServeHTTP)
	return trimSlash(mux)
}

// trimSlash lets every path have a trailing slash.
func trimSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; len(p) > 1 && strings.HasSuffix(p, "/") {
			u := *r.URL
			u.Path, u.RawPath = strings.TrimRight(p, "/"), strings.TrimRight(u.RawPath, "/")
			r2 := *r
			r2.URL = &u
			r = &r2
		}
		next.ServeHTTP(w, r)
	})
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is how large a buffer may be to be kept for the next request.
const maxPooled = 512 << 10

// frame does what all endpoints need: limits, token, parameters, errors, the log.
func (api *API) frame(e endpoint) http.Handler {
	own, limited := endpointLimits[e.pattern]
	maxFiles := int64(0)
	if uploads[e.pattern] {
		maxFiles = api.MaxUpload
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "private, no-store")
		if e.raw != nil {
			r = withStreamToken(r)
		}
		req := &Request{Request: r, api: api, header: h}
		defer api.recovered(w, r)
		err := api.admit(req, e.access, own, limited)
		var result any
		if err == nil {
			if e.raw != nil {
				e.raw(api, w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, req.Session)))
				return
			}
			result, err = api.run(req, e.run, maxFiles)
		}
		if err != nil {
			api.writeError(w, r, err)
		} else {
			api.write(w, r, result)
		}
		req.release()
	})
}

// sessionKey is where frame leaves the session for raw handlers.
type sessionKey struct{}

// run reads the parameters and calls the handler.
func (api *API) run(r *Request, h handler, maxFiles int64) (any, error) {
	p, done, err := readParams(r.Request, maxFiles, api.TempDir)
	defer done()
	if err != nil {
		return nil, err
	}
	r.Params = p
	return h(api, r)
}

// admit counts the request against the limits, finds out who asks, and whether
// they may.
func (api *API) admit(r *Request, a access, own limit, limited bool) error {
	if err := api.Auth.Admit(r.Request); err != nil {
		return err
	}
	ip := ipKey(auth.ClientIP(r.Request, api.TrustedProxies))
	if err := api.count(r, limitIP, ip); err != nil {
		return err
	}
	if bearer := auth.Bearer(r.Request); bearer != "" {
		s, err := api.Auth.Authenticate(r.Context(), bearer)
		if err != nil && !(a.early && waits(s)) {
			return err
		}
		if r.Session, r.User = s, s.Actor; s.Actor != nil {
			api.Auth.Saw(s.Actor.ID, auth.ClientIP(r.Request, api.TrustedProxies).String())
		}
	}
	key := ip
	if r.User != nil {
		key = strconv.FormatInt(r.User.ID, 10)
		if err := api.count(r, limitAccount, key); err != nil {
			return err
		}
	}
	if limited {
		if own == limitSignUp {
			key = ip
		}
		if err := api.count(r, own, key); err != nil {
			return err
		}
	}
	return a.check(r.Session)
}

func (api *API) count(r *Request, l limit, key string) error {
	if api.NoRateLimit {
		return nil
	}
	q := api.limits.take(l, key)
	q.header(r.header)
	if q.exceeded {
		return fault.New(fault.TooMany, "Too many requests")
	}
	return nil
}

// recovered turns a panic into a logged 500.
func (api *API) recovered(w http.ResponseWriter, r *http.Request) {
	if cause := recover(); cause != nil {
		if cause == http.ErrAbortHandler {
			panic(cause)
		}
		api.Log.Error("panic in a request", "method", r.Method, "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
		api.writeError(w, r, fmt.Errorf("panic: %v", cause))
	}
}

func (r *Request) release() {
	if cap(r.buf) > 0 && cap(r.buf) <= maxPooled {
		b := r.buf[:0]
		buffers.Put(&b)
	}
	r.buf = nil
}

// buffer is where a handler renders to; what it returns must be set with drawn.
func (r *Request) buffer() []byte {
	if r.buf == nil {
		r.buf = *buffers.Get().(*[]byte)
	}
	return r.buf[:0]
}

// drawn returns rendered JSON as a result; its memory goes back after the answer.
func (r *Request) drawn(b []byte) (any, error) {
	r.buf = b
	return json.RawMessage(b), nil
}

// write sends a result.
func (api *API) write(w http.ResponseWriter, r *http.Request, result any) {
	status := http.StatusOK
	if a, ok := result.(answer); ok {
		status, result = a.status, a.body
	}
	body, ok := result.(json.RawMessage)
	if !ok {
		var err error
		if body, err = marshal(result); err != nil {
			api.writeError(w, r, err)
			return
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		api.Log.Debug("answer not sent", "path", r.URL.Path, "err", err)
	}
}

// statuses are where this API differs from fault's own table.
//
// spec: masto:entities/Error, reference/mastodon-limits
var statuses = map[int]int{
	http.StatusConflict:             http.StatusUnprocessableEntity,
	http.StatusGone:                 http.StatusNotFound,
	http.StatusUnsupportedMediaType: http.StatusUnprocessableEntity,
}

// errorBody is the Error entity.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// writeError sends err as far as it is fit for a person, and logs what is ours.
func (api *API) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) && fault.KindOf(err) == fault.Internal {
		err = fault.Because(err, fault.NotFound, "Record not found")
	}
	status, text := fault.Public(err)
	if other, ok := statuses[status]; ok {
		status = other
	}
	level := slog.LevelDebug
	if status >= 500 && r.Context().Err() == nil {
		level = slog.LevelError
	}
	api.Log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "status", status, "err", err)
	var body any = errorBody{Error: text}
	var fields auth.FieldErrors
	if errors.As(err, &fields) {
		status, body = http.StatusUnprocessableEntity, invalid{fields.Error(), fields}
	}
	out, merr := marshal(body)
	if merr != nil {
		out = []byte(`{"error":"Something went wrong on our side."}`)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Kenoma", error="invalid_token"`)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	w.Write(out)
}

// invalid is a failed validation with details per field, as sign-up answers it.
//
// spec: masto:methods/accounts#create
type invalid struct {
	Error   string           `json:"error"`
	Details auth.FieldErrors `json:"details"`
}
