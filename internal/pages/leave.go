package pages

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
)

// leaveRoutes adds the page with which people delete their accounts.
func (p *Pages) leaveRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/settings/delete"+slash, p.page(p.own(p.leaveForm)))
		r.Post("/settings/delete"+slash, p.form(p.own(p.leave)))
	}
}

func (p *Pages) leaveForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showLeave(w, r, one, nil)
}

func (p *Pages) showLeave(w http.ResponseWriter, r *http.Request, one *auth.Session, wrong error) error {
	v := view{Title: "Delete your account"}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	r.URL.Path = "/settings/account"
	p.settings(w, r, one, "delete.html", v, nil)
	return nil
}

// leave deletes the account of who asks: for all eyes at once, its posts in a job.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	if name := strings.TrimPrefix(strings.TrimSpace(r.PostForm.Get("name")), "@"); err == nil && !strings.EqualFold(name, one.Actor.Username) {
		err = fault.New(fault.Invalid, "That is not the name of your account, which is %s.", one.Actor.Username)
	}
	if err == nil {
		err = p.Pipeline.DeleteAccount(r.Context(), one.Actor)
	}
	if err != nil {
		return p.showLeave(w, r, one, err)
	}
	p.Auth.Forget()
	if err := p.Auth.EndSession(w, r); err != nil {
		return err
	}
	p.show(w, "message.html", view{Title: "Your account is deleted", Data: "Farewell, " + one.Actor.Username + ". Your posts go one after the other now."})
	return nil
}
