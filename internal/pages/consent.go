package pages

import (
	"net/http"
	"net/url"
	"strings"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// consentForm asks whether an app may in. Who isn't signed in does that first.
//
// spec: masto:methods/oauth#authorize
func (p *Pages) consentForm(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	q, err := p.Auth.Authorize(r.Context(), query)
	if err != nil {
		return err
	}
	who, err := p.Auth.Browser(r)
	if err != nil {
		return err
	}
	asked := url.Values{} // What we know of, no more: a stranger wrote the rest.
	for _, key := range auth.Parameters {
		if query.Has(key) {
			asked.Set(key, query.Get(key))
		}
	}
	again := "/auth/sign_in?next=" + url.QueryEscape("/oauth/authorize?"+asked.Encode())
	if who == nil || query.Get("force_login") == "true" {
		http.Redirect(w, r, again, http.StatusSeeOther)
		return nil
	}
	if err := who.Usable(); err != nil {
		return err
	}
	p.show(w, "consent.html", view{Title: "Let " + q.App.Name + " in?", CSRF: p.Auth.CSRF(w, r), Form: asked, FormAction: q.Target(),
		Data: struct {
			App            *store.App
			Allows         []auth.Sentences
			Account, Other string
			Target         string
		}{q.App, q.Scopes.InWords(), who.Actor.Username, again, q.Target()}})
	return nil
}

// source is an address as a further source of the content security policy, if it
// fits in there.
func source(target string) string {
	if target == "" || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;,'"*`, r) }) {
		return ""
	}
	return " " + target
}

// consent takes the person's answer and goes back to the app with it.
func (p *Pages) consent(w http.ResponseWriter, r *http.Request) error {
	q, err := p.Auth.Authorize(r.Context(), r.PostForm)
	if err != nil {
		return err
	}
	who, err := p.Auth.Browser(r)
	if err != nil {
		return err
	}
	if who == nil {
		return fault.New(fault.Unauthorized, "You are not signed in any more. Please start again in the app.")
	}
	if err := who.Usable(); err != nil {
		return err
	}
	reply := q.Deny()
	if r.PostForm.Get("answer") == "yes" {
		if reply, err = p.Auth.Grant(r.Context(), q, who.Actor.ID); err != nil {
			return err
		}
	}
	switch {
	case reply.Form != nil:
		p.show(w, "back.html", view{Title: "Back to " + q.App.Name, Form: reply.Form, FormAction: q.Target(), Data: back{reply.Location, q.App.Name}})
	case reply.Location != "":
		http.Redirect(w, r, reply.Location, http.StatusSeeOther)
	case reply.Code != "":
		p.show(w, "code.html", view{Title: "Authorization code", Data: reply.Code})
	default:
		p.show(w, "message.html", view{Title: "Not let in", Data: "The app was not let in. You can close this page."})
	}
	return nil
}

// back is a form that carries the answer to the app; without JavaScript it takes
// a click.
type back struct{ To, Name string }
