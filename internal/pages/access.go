package pages

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/store"
)

// accessRoutes adds the lists of browsers and apps that are let in.
func (p *Pages) accessRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/settings/sessions"+slash, p.page(p.own(p.sessions)))
		r.Post("/settings/sessions"+slash, p.form(p.own(p.endSession)))
		r.Get("/settings/apps"+slash, p.page(p.own(p.apps)))
		r.Post("/settings/apps"+slash, p.form(p.own(p.revokeApp)))
		r.Get("/oauth/authorized_applications"+slash, p.page(func(w http.ResponseWriter, r *http.Request) error { // Where Mastodon has it.
			http.Redirect(w, r, "/settings/apps", http.StatusSeeOther)
			return nil
		}))
	}
}

// signedIn is a browser in the list.
type signedIn struct {
	ID          int64
	Name, IP    string
	Since, Used string
	This        bool
}

func (p *Pages) sessions(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	all, err := p.Auth.Browsers(r.Context(), one)
	if err != nil {
		return err
	}
	var own []signedIn
	for _, b := range all {
		own = append(own, signedIn{b.ID, browserName(b.Agent), b.IP, day(b.Since), day(b.LastUsed), b.This})
	}
	r.URL.Path = "/settings/sessions"
	p.settings(w, r, one, "sessions.html", view{Title: "Sessions"}, own)
	return nil
}

// endSession signs one browser out, or all others.
func (p *Pages) endSession(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	if r.PostForm.Get("id") == "others" {
		if err := p.Auth.EndOtherBrowsers(r.Context(), one); err != nil {
			return err
		}
		return settle(w, r, "/settings/sessions", "sessions")
	}
	id, err := strconv.ParseInt(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.Auth.EndBrowser(r.Context(), one.Actor.ID, id); err != nil {
		return err
	}
	return settle(w, r, "/settings/sessions", "session")
}

// The names that browsers and systems give themselves, the telling ones first:
// most also call themselves by the names of others.
var (
	browsers = []struct{ part, name string }{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi", "Vivaldi"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"},
		{"CriOS", "Chrome"}, {"Chromium", "Chromium"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}}
	systems = []struct{ part, name string }{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}, {"BSD", "BSD"}}
)

// browserName says what a browser calls itself, in short.
func browserName(agent string) string {
	name := "Another browser"
	for _, b := range browsers {
		if strings.Contains(agent, b.part) {
			name = b.name
			break
		}
	}
	for _, s := range systems {
		if strings.Contains(agent, s.part) {
			return name + " on " + s.name
		}
	}
	return name
}

// authorized is an app in the list.
type authorized struct {
	ID            int64
	Name, Website string
	Since, Used   string
	Allows        []auth.Sentences
}

func (p *Pages) apps(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	all, err := p.Auth.AuthorizedApps(r.Context(), one.Actor.ID)
	if err != nil {
		return err
	}
	var own []authorized
	for _, a := range all {
		own = append(own, authorized{a.ID, a.Name, a.Website, day(a.Since), day(a.LastUsed), a.Scopes.InWords()})
	}
	r.URL.Path = "/settings/apps"
	p.settings(w, r, one, "apps.html", view{Title: "Apps"}, own)
	return nil
}

func (p *Pages) revokeApp(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	id, err := strconv.ParseInt(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.Auth.RevokeApp(r.Context(), one.Actor.ID, id); err != nil {
		return err
	}
	return settle(w, r, "/settings/apps", "app")
}
