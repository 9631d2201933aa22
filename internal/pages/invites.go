package pages

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// inviteRoutes adds the page on which people invite others, where Mastodon has it too.
func (p *Pages) inviteRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/settings/invites"+slash, p.page(p.own(p.invites)))
		r.Post("/settings/invites"+slash, p.form(p.own(p.newInvite)))
		r.Post("/settings/invites/revoke"+slash, p.form(p.own(p.revokeInvite)))
		r.Get("/invites"+slash, p.page(func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, "/settings/invites", http.StatusSeeOther)
			return nil
		}))
	}
}

// invited is an invite in the list.
type invited struct {
	Code, Link, Since, Ends, Comment string
	Uses, MaxUses                    int64
	Usable, Autofollow               bool
}

// invitesShown is how many invites are listed.
const invitesShown = 100

func (p *Pages) invites(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showInvites(w, r, one, nil)
}

func (p *Pages) showInvites(w http.ResponseWriter, r *http.Request, one *auth.Session, wrong error) error {
	if !one.Role.Permissions.Has(store.InviteUsers) {
		return fault.New(fault.Denied, "Your role does not let you invite people.")
	}
	v := view{Title: "Invites", Form: r.PostForm}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	all, err := p.DB.Invites(r.Context(), one.Actor.ID, store.Page{Limit: invitesShown})
	if err != nil {
		return err
	}
	var own []invited
	for i := range all {
		n := &all[i]
		e := invited{Code: n.Code, Link: p.Auth.InviteLink(n), Since: day(vocab.TimeOf(n.ID).UnixMilli()), Comment: n.Comment, Uses: n.Uses, MaxUses: n.MaxUses,
			Usable: n.Usable(p.Auth.Now().UnixMilli()), Autofollow: n.Autofollow}
		if n.Expires != 0 {
			e.Ends = day(n.Expires)
		}
		own = append(own, e)
	}
	r.URL.Path = "/settings/invites"
	p.settings(w, r, one, "invites.html", v, own)
	return nil
}

func (p *Pages) newInvite(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	uses, err := strconv.ParseInt(r.PostForm.Get("max_uses"), 10, 64)
	if err != nil {
		return p.showInvites(w, r, one, fault.Because(err, fault.Invalid, "Please say how many may use it."))
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 0 {
		return p.showInvites(w, r, one, fault.New(fault.Invalid, "Please say for how many days it works."))
	}
	i := &store.Invite{MaxUses: uses, Autofollow: r.PostForm.Get("autofollow") != "", Comment: strings.TrimSpace(r.PostForm.Get("comment"))}
	if days > 0 {
		i.Expires = p.Auth.Now().Add(time.Duration(min(days, 10_000)) * 24 * time.Hour).UnixMilli()
	}
	if err := p.Auth.NewOwnInvite(r.Context(), one, i); err != nil {
		return p.showInvites(w, r, one, err)
	}
	return settle(w, r, "/settings/invites", "invite")
}

func (p *Pages) revokeInvite(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	if _, err := p.Auth.RevokeInvite(r.Context(), one.Actor.ID, r.PostForm.Get("code"), one.Actor.ID); err != nil {
		return err
	}
	return settle(w, r, "/settings/invites", "revoked")
}
