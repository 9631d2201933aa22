package pages

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// severedRoutes adds the lists of follows that a suspension or a block of a host ended,
// where Mastodon has them.
func (p *Pages) severedRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get("/severed_relationships"+slash, p.page(p.own(p.severed)))
		for _, suffix := range []string{"", ".csv"} {
			r.Get("/severed_relationships/{id}/following"+suffix+slash, p.page(p.own(p.severedList(true))))
			r.Get("/severed_relationships/{id}/followers"+suffix+slash, p.page(p.own(p.severedList(false))))
		}
	}
}

// severedEvents says what each type of event was.
var severedEvents = map[string]string{
	"domain_block":       "Our moderators suspended the server",
	"user_domain_block":  "You blocked the server",
	"account_suspension": "Our moderators suspended the account",
}

// severance is an event in the list.
type severance struct {
	ID                   int64
	When, Why, Target    string
	Followers, Following int64
}

// severedShown is how many events are listed.
const severedShown = 100

func (p *Pages) severed(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	events, err := p.DB.SeverancesOf(r.Context(), one.Actor.ID, store.Page{Limit: severedShown})
	if err != nil {
		return err
	}
	var own []severance
	for _, e := range events {
		own = append(own, severance{e.ID, day(vocab.TimeOf(e.ID).UnixMilli()), severedEvents[e.Type], e.Target, e.Followers, e.Following})
	}
	r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
	p.settings(w, r, one, "severed.html", view{Title: "Lost follows"}, own)
	return nil
}

func (p *Pages) severedList(following bool) func(http.ResponseWriter, *http.Request, *auth.Session) error {
	name := "followers"
	if following {
		name = "following"
	}
	return func(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
		id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
		if err != nil {
			return store.ErrNotFound
		}
		return p.csv(w, r, name+"-"+strconv.FormatInt(id, 10)+".csv", func(to io.Writer) error {
			return p.Takeout.WriteSevered(r.Context(), to, one.Actor.ID, id, following)
		})
	}
}
