package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// inspectSection is the page of those who manage federation.
var inspectSection = section{Path: "/moderation/inspect", Name: "What arrived"}

// inspectRoutes adds the page on which moderators see what each stage decided about
// what came. kenoma inspect and the API tell the same.
func (p *Pages) inspectRoutes(r chi.Router) {
	for _, slash := range []string{"", "/"} {
		r.Get(inspectSection.Path+slash, p.page(p.own(p.inspect)))
	}
}

// arrivalsShown is how many of the newest are listed, of each kind.
const arrivalsShown = 40

// inspected is the page: the story of what was asked for, or what came last.
type inspected struct {
	URI        string
	Visibility string // Of the object that it is.
	Type       string
	Patch      string // What the policies changed of it, as JSON.
	Deleted    bool
	Chapters   []inspectedChapter
	Refusals   []inspectedRefusal
}

type inspectedChapter struct {
	When, Type, URI, By, From, State string
	Decisions                        []pipeline.Decision
	Written                          []string
	Sent                             map[string]int // How many deliveries are in which state.
}

type inspectedRefusal struct{ When, Type, URI, Actor, From, Stage, Reason string }

func (p *Pages) inspect(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	if !one.Role.Permissions.Has(store.ManageFederation) {
		return fault.New(fault.Denied, "Your role does not let you see what arrived.")
	}
	uri := strings.TrimSpace(r.URL.Query().Get("uri"))
	v := view{Title: inspectSection.Name, Form: url.Values{"uri": {uri}}}
	shown := inspected{URI: uri}
	story, err := &pipeline.Story{}, error(nil)
	if uri == "" {
		story, err = p.Pipeline.Latest(r.Context(), arrivalsShown)
	} else {
		story, err = p.Pipeline.Explain(r.Context(), vocab.IRI(uri))
	}
	switch {
	case fault.Is(err, fault.NotFound):
		v.Status, v.Error = http.StatusNotFound, "Nothing is known of this address. What was compacted or is older than 30 days may be gone."
		story = &pipeline.Story{}
	case err != nil:
		return err
	}
	shown.tell(story)
	r.URL.Path = inspectSection.Path
	p.settings(w, r, one, "inspect.html", v, shown)
	return nil
}

// tell puts a story into words.
func (i *inspected) tell(s *pipeline.Story) {
	if o := s.Object; o != nil {
		i.Visibility, i.Type, i.Patch, i.Deleted = vocab.VisibilityLevel(o.Visibility).Name, o.Type, o.Patch, o.Deleted != 0
	}
	for k := range s.Activities {
		a := &s.Activities[k]
		c := inspectedChapter{When: moment(a.Seq), Type: a.Type, URI: string(a.URI), By: a.By.Acct(), From: a.Origin, State: pipeline.StateName(a.State),
			Decisions: a.Decisions, Written: a.Written, Sent: map[string]int{}}
		for _, d := range a.Deliveries {
			c.Sent[d.State.String()]++
		}
		i.Chapters = append(i.Chapters, c)
	}
	for _, f := range s.Refusals {
		i.Refusals = append(i.Refusals, inspectedRefusal{moment(f.Seq), f.Type, f.URI, f.Actor, f.Origin, f.Stage, f.Reason})
	}
}

// moment is the time in an id, to the second.
func moment(seq int64) string { return vocab.TimeOf(seq).UTC().Format(time.DateTime) }
