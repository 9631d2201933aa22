package pages

import (
	"context"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/store"
)

// Text is a text of the site: about, privacy-policy, terms-of-service, or the latter
// with the day from which on it holds behind a slash. HTML is safe. ErrNotFound where
// there is none.
type Text func(ctx context.Context, name string) (title, html string, err error)

// aboutRoutes are the pages that say what this server is.
func (p *Pages) aboutRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		for _, name := range []string{"about", "privacy-policy", "terms-of-service"} {
			r.Get("/"+name+slash, p.page(func(w http.ResponseWriter, r *http.Request) error { return p.about(w, r, name) }))
		}
		r.Get("/terms-of-service/{date}"+slash, p.page(func(w http.ResponseWriter, r *http.Request) error {
			return p.about(w, r, "terms-of-service/"+chi.URLParam(r, "date"))
		}))
	}
}

func (p *Pages) about(w http.ResponseWriter, r *http.Request, name string) error {
	if p.Text == nil {
		return store.ErrNotFound
	}
	title, text, err := p.Text(r.Context(), name)
	if err != nil {
		return err
	}
	p.show(w, "about.html", view{Title: title, Data: template.HTML(text)})
	return nil
}

// rules are what somebody who signs up agrees to.
func (p *Pages) rules(ctx context.Context) ([]string, error) {
	if p.RuleTexts == nil {
		return p.Rules, nil
	}
	return p.RuleTexts(ctx)
}
