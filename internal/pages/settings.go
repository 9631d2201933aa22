package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// section is a page of the settings, as the menu shows it.
type section struct {
	Path, Name string
	Here       bool
}

// sections are the pages in the menu.
var sections = []section{
	{Path: "/settings/account", Name: "Account"},
	{Path: "/settings/security", Name: "Second factor"},
	{Path: "/settings/sessions", Name: "Sessions"},
	{Path: "/settings/apps", Name: "Apps"},
	{Path: "/settings/export", Name: "Export"},
	{Path: "/settings/import", Name: "Import"},
	{Path: "/severed_relationships", Name: "Lost follows"},
	{Path: "/settings/move", Name: "Moving"},
}

// inviteSection is the page of those whose role lets them invite.
var inviteSection = section{Path: "/settings/invites", Name: "Invites"}

// menu is the menu with the page of that path marked.
func menu(path string, role *store.Role) []section {
	all := slices.Clone(sections)
	if role != nil && role.Permissions.Has(store.InviteUsers) {
		all = append(all, inviteSection)
	}
	if role != nil && role.Permissions.Has(store.ManageFederation) {
		all = append(all, inspectSection)
	}
	for i := range all {
		all[i].Here = all[i].Path == path
	}
	return all
}

// own wraps a handler for who is signed in. Who isn't does that first.
func (p *Pages) own(h func(w http.ResponseWriter, r *http.Request, one *auth.Session) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		one, err := p.Auth.Browser(r)
		if err != nil {
			return err
		}
		if one == nil {
			if r.Method == http.MethodPost {
				return fault.New(fault.Unauthorized, "You are not signed in any more. Please sign in and try again.")
			}
			http.Redirect(w, r, "/auth/sign_in?next="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
			return nil
		}
		if err := one.Usable(); err != nil {
			return err
		}
		return h(w, r, one)
	}
}

// setting is what the template of a page of the settings gets as Data.
type setting struct {
	Menu []section
	Name string // Who is signed in.
	Done string // What was just done.
	Own  any    // The page's own.
}

// settings shows a page of the settings.
func (p *Pages) settings(w http.ResponseWriter, r *http.Request, one *auth.Session, name string, v view, own any) {
	v.CSRF = p.Auth.CSRF(w, r)
	if v.Form == nil {
		v.Form = url.Values{}
	}
	v.Data = setting{menu(r.URL.Path, one.Role), one.Actor.Username, done[r.URL.Query().Get("done")], own}
	p.show(w, name, v)
}

// done are the sentences that a page begins with after something was done.
var done = map[string]string{
	"password":   "Your password is changed. All other browsers are signed out.",
	"email":      "Your address is changed.",
	"mail":       "We send a link to the new address. It is changed once you have opened that.",
	"app":        "The app has no access any more.",
	"session":    "The browser is signed out.",
	"sessions":   "All other browsers are signed out.",
	"totp":       "The authenticator app is set up.",
	"passkey":    "The passkey is set up.",
	"removed":    "It is removed.",
	"export":     "We are putting your archive together. You get a mail when it is there.",
	"import":     "The import has begun. It goes on by itself; you can close this page.",
	"stopped":    "The import is stopped.",
	"alias":      "The alias is added. You can begin the move at your old account now.",
	"moved":      "You have moved. Your followers are told, and their servers have them follow your new account.",
	"redirected": "Your profile shows where you are now.",
	"stays":      "The redirect is gone. You can post here again.",
}

// settle goes back to a page of the settings, where name tells what was done.
func settle(w http.ResponseWriter, r *http.Request, path, name string) error {
	http.Redirect(w, r, path+"?done="+name, http.StatusSeeOther)
	return nil
}

// told splits an error: what a person can mend is told on the page it came from,
// everything else fails.
func told(err error) (status int, text string, rest error) {
	var wrong auth.FieldErrors
	if errors.As(err, &wrong) {
		return http.StatusUnprocessableEntity, plain(wrong), nil
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unauthorized, fault.TooMany, fault.Conflict, fault.Malformed, fault.TooLarge:
		status, text = fault.Public(err)
		return status, text, nil
	}
	return 0, "", err
}

// confirmed wants the person's own password in the form.
func (p *Pages) confirmed(r *http.Request, one *auth.Session) error {
	return p.Auth.CheckOwn(r.Context(), one.Actor.ID, r.PostForm.Get("password"), auth.ClientIP(r, p.Auth.TrustedProxies))
}

// careRoutes adds the pages with which people look after their accounts.
func (p *Pages) careRoutes(r chi.Router) {
	r.Get("/.well-known/change-password", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/settings/account", http.StatusFound) // spec: w3c.github.io/webappsec-change-password-url
	})
	for _, slash := range []string{"", "/"} {
		r.Get("/auth/password"+slash, p.page(p.forgotForm))
		r.Post("/auth/password"+slash, p.form(p.forgot))
		r.Get("/auth/password/{secret}"+slash, p.page(p.resetForm))
		r.Post("/auth/password/{secret}"+slash, p.form(p.reset))
		r.Get("/auth/email/{secret}"+slash, p.page(p.newEmailForm))
		r.Post("/auth/email/{secret}"+slash, p.form(p.newEmail))
		r.Get("/settings/account"+slash, p.page(p.own(p.accountForm)))
		r.Post("/settings/password"+slash, p.form(p.own(p.changePassword)))
		r.Post("/settings/email"+slash, p.form(p.own(p.changeEmail)))
		r.Get("/settings/password"+slash, p.page(toAccount))
		r.Get("/settings/email"+slash, p.page(toAccount))
	}
}

// toAccount leads to the page that has the form.
func toAccount(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/settings/account", http.StatusSeeOther)
	return nil
}

func (p *Pages) forgotForm(w http.ResponseWriter, r *http.Request) error {
	p.show(w, "forgot.html", view{Title: "Forgot your password?", CSRF: p.Auth.CSRF(w, r), Form: url.Values{}, Data: p.Auth.Mail != nil})
	return nil
}

// forgot says the same whether or not somebody has that address.
func (p *Pages) forgot(w http.ResponseWriter, r *http.Request) error {
	err := p.Auth.RequestReset(r.Context(), r.PostForm.Get("email"), auth.ClientIP(r, p.Auth.TrustedProxies))
	if err != nil {
		status, text, err := told(err)
		if err == nil {
			p.show(w, "forgot.html", view{Title: "Forgot your password?", CSRF: p.Auth.CSRF(w, r), Form: r.PostForm, Error: text, Status: status, Data: p.Auth.Mail != nil})
		}
		return err
	}
	p.show(w, "message.html", view{Title: "Check your mail", Data: "If there is an account with this address, we send a link to it with which you can set a new password within an hour."})
	return nil
}

func (p *Pages) resetForm(w http.ResponseWriter, r *http.Request) error {
	if err := p.Auth.LinkValid(r.Context(), "reset", chi.URLParam(r, "secret")); err != nil {
		return err
	}
	p.show(w, "reset.html", view{Title: "Set a new password", CSRF: p.Auth.CSRF(w, r)})
	return nil
}

func (p *Pages) reset(w http.ResponseWriter, r *http.Request) error {
	if err := p.Auth.Reset(r.Context(), chi.URLParam(r, "secret"), r.PostForm.Get("password")); err != nil {
		status, text, err := told(err)
		if err == nil {
			p.show(w, "reset.html", view{Title: "Set a new password", CSRF: p.Auth.CSRF(w, r), Error: text, Status: status})
		}
		return err
	}
	p.show(w, "message.html", view{Title: "Your password is changed", Data: "All browsers and apps are signed out. Please sign in with the new password."})
	return nil
}

// newEmailForm asks for a click: programs that look at mail open every link.
func (p *Pages) newEmailForm(w http.ResponseWriter, r *http.Request) error {
	if err := p.Auth.LinkValid(r.Context(), "email", chi.URLParam(r, "secret")); err != nil {
		return err
	}
	p.show(w, "new_email.html", view{Title: "Confirm your new address", CSRF: p.Auth.CSRF(w, r)})
	return nil
}

func (p *Pages) newEmail(w http.ResponseWriter, r *http.Request) error {
	email, err := p.Auth.ChangeEmail(r.Context(), chi.URLParam(r, "secret"))
	if err != nil {
		status, text, err := told(err)
		if err == nil {
			p.show(w, "error.html", view{Title: "The address can't be changed", Error: text, Status: status})
		}
		return err
	}
	p.show(w, "message.html", view{Title: "Thank you", Data: "The address of your account is " + email + " now."})
	return nil
}

func (p *Pages) accountForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	p.account(w, r, one, "", nil)
	return nil
}

// account shows the page of the account; wrong is what failed in the form of that name.
func (p *Pages) account(w http.ResponseWriter, r *http.Request, one *auth.Session, form string, wrong error) error {
	v := view{Title: "Account"}
	own := struct{ Email, Failed string }{one.Account.Email, form}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error, v.Form = status, text, r.PostForm
	}
	r.URL.Path = "/settings/account"
	p.settings(w, r, one, "account.html", v, own)
	return nil
}

func (p *Pages) changePassword(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	if err == nil {
		err = p.Auth.ChangePassword(r.Context(), one, r.PostForm.Get("new"), r.PostForm.Get("apps") != "")
	}
	if err != nil {
		return p.account(w, r, one, "password", err)
	}
	return settle(w, r, "/settings/account", "password")
}

func (p *Pages) changeEmail(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	changed := false
	if err == nil {
		changed, err = p.Auth.RequestEmail(r.Context(), one.Actor.ID, r.PostForm.Get("email"))
	}
	switch {
	case err != nil:
		return p.account(w, r, one, "email", err)
	case changed:
		return settle(w, r, "/settings/account", "email")
	}
	return settle(w, r, "/settings/account", "mail")
}
