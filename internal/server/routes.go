package server

import (
	"embed"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzhttp"

	"kenoma/internal/activitypub"
	"kenoma/internal/fault"
	"kenoma/web"
)

//go:embed static/avatar.svg static/header.svg
var static embed.FS

// appCookie is set by our page in browsers that are signed in: they get the app
// where others get the page without JavaScript.
const appCookie = "kenoma_app"

// routes is the one table of what is served where.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.admitted, s.recovered, s.open)
	s.ap.Routes(r)
	s.Auth.Routes(r)
	s.pages.Routes(r)
	r.Handle("/api", s.api)
	r.Handle("/api/*", s.api)
	r.Get("/media/{id}/*", s.upload)
	r.Head("/media/{id}/*", s.upload)
	r.Get("/proxy/*", s.proxy)
	r.Head("/proxy/*", s.proxy)
	r.Get("/health", s.health)
	r.Get("/static/avatar.svg", s.static)
	r.Get("/static/header.svg", s.static)
	r.Get("/@{name}", s.profile)
	r.Get("/@{name}/{id}", s.post)
	r.NotFound(web.Handler().ServeHTTP)
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes([]string{"application/json", "application/activity+json", "application/jrd+json", "text/html", "text/css"}))
	if err != nil {
		panic(err) // The options are constant.
	}
	return compress(r)
}

// open lets pages of any origin use what is meant for apps, since web clients live
// elsewhere: what they do needs a token, and no cookie counts there. Asking for the
// options alone is answered too, with or without an origin.
func (s *Server) open(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !forApps(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Link, Location, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Idempotency-Key, Mastodon-Async-Refresh")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Requested-With, Accept, Cache-Control, Last-Event-ID")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func forApps(path string) bool {
	for _, p := range []string{"/api/", "/.well-known/", "/nodeinfo/", "/static/", "/users/", "/objects/", "/activities/", "/contexts/"} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	switch strings.TrimSuffix(path, "/") {
	case "/oauth/token", "/oauth/revoke", "/oauth/userinfo":
		return true
	}
	return false
}

// admitted turns away networks that have no access.
func (s *Server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Auth.Admit(r); err != nil {
			status, text := fault.Public(err)
			http.Error(w, text, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into an answer, and a line in the log.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.Log.Error("panic", "path", r.URL.Path, "panic", p)
				http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// health tells a watcher that the database answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if _, err := s.DB.AnyAccount(r.Context()); err != nil {
		s.Log.Error("health", "err", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("OK\n"))
}

func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	b, err := static.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(b)
}

// profile is a person's page: a document for servers, the app for those who use
// it, a page without JavaScript for everybody else.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	switch {
	case activitypub.Wants(r):
		s.ap.ServeActor(w, r, name)
	case usesApp(r):
		web.Handler().ServeHTTP(w, r)
	default:
		s.pages.Profile(w, r, name)
	}
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	switch {
	case err != nil && usesApp(r):
		web.Handler().ServeHTTP(w, r) // Tabs of a profile.
	case err != nil && profileTabs[chi.URLParam(r, "id")]:
		http.Redirect(w, r, "/@"+chi.URLParam(r, "name"), http.StatusSeeOther)
	case err != nil:
		http.NotFound(w, r)
	case activitypub.Wants(r):
		s.ap.ServeObject(w, r, id)
	case usesApp(r):
		web.Handler().ServeHTTP(w, r)
	default:
		s.pages.Post(w, r, chi.URLParam(r, "name"), id)
	}
}

// profileTabs are the app's parts of a profile; the page without JavaScript is one.
var profileTabs = map[string]bool{"posts": true, "replies": true, "with_replies": true, "media": true, "followers": true, "following": true}

func usesApp(r *http.Request) bool {
	c, err := r.Cookie(appCookie)
	return err == nil && c.Value == "1"
}
