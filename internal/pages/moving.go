package pages

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// movingRoutes adds the page with which people move in and out.
func (p *Pages) movingRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/settings/move"+slash, p.page(p.own(p.moveForm)))
		r.Post("/settings/move"+slash, p.form(p.own(p.move)))
		r.Post("/settings/move/alias"+slash, p.form(p.own(p.addAlias)))
		r.Post("/settings/move/alias/remove"+slash, p.form(p.own(p.removeAlias)))
		r.Post("/settings/move/stay"+slash, p.form(p.own(p.stay)))
	}
}

// elsewhereAccount is an account on another server, or ours, that a page names.
type elsewhereAccount struct{ URI, Handle, Link string }

// movingPage is what move.html draws.
type movingPage struct {
	Handle  string
	Aliases []elsewhereAccount
	Moved   *elsewhereAccount // nil: stays.
	Past    []pastMove
	Failed  string // The form that did not do.
}

type pastMove struct {
	When      string
	To        elsewhereAccount
	Followers bool
}

func (p *Pages) moveForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showMove(w, r, one, "", nil)
}

func (p *Pages) showMove(w http.ResponseWriter, r *http.Request, one *auth.Session, form string, wrong error) error {
	v := view{Title: "Moving", Form: r.PostForm}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	ctx := r.Context()
	own := movingPage{Handle: one.Actor.Username + "@" + p.Auth.Domain, Failed: form}
	uris, err := p.Pipeline.Aliases(ctx, one.Actor)
	if err != nil {
		return err
	}
	to, err := p.DB.MovedTo(ctx, one.Actor.ID)
	if err != nil {
		return err
	}
	past, err := p.DB.AccountMoves(ctx, one.Actor.ID)
	if err != nil {
		return err
	}
	for _, uri := range uris {
		a, err := p.named(ctx, uri)
		if err != nil {
			return err
		}
		own.Aliases = append(own.Aliases, a)
	}
	if to != "" {
		a, err := p.named(ctx, to)
		if err != nil {
			return err
		}
		own.Moved = &a
	}
	for _, m := range past {
		a, err := p.named(ctx, m.Target)
		if err != nil {
			return err
		}
		own.Past = append(own.Past, pastMove{day(vocab.TimeOf(m.ID).UnixMilli()), a, m.Followers})
	}
	r.URL.Path = "/settings/move"
	p.settings(w, r, one, "move.html", v, own)
	return nil
}

// named is how a page names an account by its id: what isn't known is its address.
func (p *Pages) named(ctx context.Context, uri vocab.IRI) (elsewhereAccount, error) {
	known, err := p.DB.ActorsByURI(ctx, []vocab.IRI{uri})
	if err != nil || known[uri] == nil {
		return elsewhereAccount{string(uri), string(uri), string(uri)}, err
	}
	a := known[uri]
	profiles, err := p.DB.Profiles(ctx, []int64{a.ID})
	if err != nil {
		return elsewhereAccount{}, err
	}
	return p.nameOf(a, profiles[a.ID]), nil
}

func (p *Pages) nameOf(a *store.Actor, profile *store.Profile) elsewhereAccount {
	domain := a.Domain
	if a.Local {
		domain = p.Auth.Domain
	}
	link := a.URI
	if profile != nil && (strings.HasPrefix(string(profile.URL), "https://") || strings.HasPrefix(string(profile.URL), "http://")) {
		link = profile.URL
	}
	return elsewhereAccount{string(a.URI), "@" + a.Username + "@" + domain, string(link)}
}

func (p *Pages) move(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	followers := r.PostForm.Get("how") != "redirect"
	if err == nil {
		err = p.Pipeline.MoveAway(r.Context(), one.Actor, r.PostForm.Get("target"), followers)
	}
	if err != nil {
		return p.showMove(w, r, one, "move", err)
	}
	if followers {
		return settle(w, r, "/settings/move", "moved")
	}
	return settle(w, r, "/settings/move", "redirected")
}

func (p *Pages) addAlias(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	if err := p.Pipeline.AddAlias(r.Context(), one.Actor, r.PostForm.Get("alias")); err != nil {
		return p.showMove(w, r, one, "alias", err)
	}
	return settle(w, r, "/settings/move", "alias")
}

func (p *Pages) removeAlias(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	if err := p.Pipeline.RemoveAlias(r.Context(), one.Actor, r.PostForm.Get("alias")); err != nil {
		return p.showMove(w, r, one, "alias", err)
	}
	return settle(w, r, "/settings/move", "removed")
}

func (p *Pages) stay(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	if err == nil {
		err = p.Pipeline.StayHere(r.Context(), one.Actor)
	}
	if err != nil {
		return p.showMove(w, r, one, "stay", err)
	}
	return settle(w, r, "/settings/move", "stays")
}
