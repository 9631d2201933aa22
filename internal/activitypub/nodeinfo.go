package activitypub

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Limits are told to clients that read them from NodeInfo. Sizes are bytes, texts
// characters. The zero value leaves them out.
type Limits struct {
	Upload, Avatar, Banner int64
	PollOptions            int
	PollOption             int // Of the text of one.
	PollShortest           time.Duration
	PollLongest            time.Duration
	Fields                 int // Rows of a profile's table.
	FieldName, FieldValue  int
	PostFormats            []string // Media types; nil means plain text.
}

// nodeInfoVersions are the versions of NodeInfo that are served.
var nodeInfoVersions = []string{"2.0", "2.1"}

const (
	nodeInfoSchema = "http://nodeinfo.diaspora.software/ns/schema/"
	applicationRel = "https://www.w3.org/ns/activitystreams#Application" // fep-2677
	software       = "kenoma"
)

// features are what this server can do, in the words that Pleroma's clients look
// for.
var features = []string{"pleroma_api", "mastodon_api", "mastodon_api_streaming", "polls", "pleroma_explicit_addressing", "editing", "media_proxy", "pleroma_emoji_reactions"}

func (h *Handler) features() []string {
	if h.Pipeline.Reactions.NoCustom {
		return features
	}
	return append(slices.Clip(features), "custom_emoji_reactions", "pleroma_custom_emoji_reactions")
}

// nodeInfoLinks is GET /.well-known/nodeinfo.
//
// spec: nodeinfo-protocol#discovery
func (h *Handler) nodeInfoLinks(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	var d jrd
	for _, v := range nodeInfoVersions {
		d.Links = append(d.Links, jrdLink{Rel: nodeInfoSchema + v, Href: h.URL + "/nodeinfo/" + v})
	}
	d.Links = append(d.Links, jrdLink{Rel: applicationRel, Href: h.URL + pipeline.InstanceActor})
	return writeJSON(w, r, "application/json; charset=utf-8", d)
}

// nodeInfo is GET /nodeinfo/VERSION. Some clients know this server only by what
// stands in metadata: megalodon by upstream, Pleroma-FE by features and limits.
//
// spec: nodeinfo-2.1
func (h *Handler) nodeInfo(w http.ResponseWriter, r *http.Request, version string) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	n, err := h.numbers.get(r.Context(), h)
	if err != nil {
		return err
	}
	about := map[string]any{"name": software, "version": h.Version}
	if version == "2.1" {
		for name, value := range map[string]string{"repository": h.Repository, "homepage": h.Homepage} {
			if value != "" {
				about[name] = value
			}
		}
	}
	doc := map[string]any{
		"version":           version,
		"software":          about,
		"protocols":         []string{"activitypub"},
		"services":          map[string]any{"inbound": []string{}, "outbound": []string{}},
		"openRegistrations": yes(h.OpenRegistrations),
		"usage": map[string]any{
			"users":      map[string]int64{"total": n.Users, "activeMonth": n.ActiveMonth, "activeHalfyear": n.ActiveHalfyear},
			"localPosts": n.Posts,
		},
		"metadata": h.metadata(n),
	}
	return writeJSON(w, r, `application/json; profile="`+nodeInfoSchema+version+`#"; charset=utf-8`, doc)
}

func yes(f func() bool) bool { return f != nil && f() }

// metadata is the part that each software fills as it likes.
func (h *Handler) metadata(n *figures) map[string]any {
	formats := h.Limits.PostFormats
	if formats == nil {
		formats = []string{"text/plain"}
	}
	m := map[string]any{
		"upstream":                  map[string]string{"name": "mastodon"},
		"nodeName":                  h.Title,
		"nodeDescription":           h.Description,
		"private":                   false,
		"features":                  h.features(),
		"postFormats":               formats,
		"staffAccounts":             n.staff,
		"accountActivationRequired": yes(h.Approval),
		"invitesEnabled":            false,
		"suggestions":               map[string]bool{"enabled": false},
		"restrictedNicknames":       []string{},
		"federation":                n.federation,
	}
	l := h.Limits
	if l.Upload > 0 {
		m["uploadLimits"] = map[string]int64{"general": l.Upload, "avatar": l.Avatar, "background": l.Banner, "banner": l.Banner}
	}
	if l.PollOptions > 0 {
		m["pollLimits"] = map[string]int{"max_options": l.PollOptions, "max_option_chars": l.PollOption,
			"min_expiration": int(l.PollShortest.Seconds()), "max_expiration": int(l.PollLongest.Seconds())}
	}
	if l.Fields > 0 {
		m["fieldsLimits"] = map[string]int{"maxFields": l.Fields, "maxRemoteFields": l.Fields, "nameLength": l.FieldName, "valueLength": l.FieldValue}
	}
	return m
}

// countEvery is how long the numbers of the server stay as they are told.
const countEvery = 5 * time.Minute

// figures are how much the server is used, and who runs it.
type figures struct {
	store.Usage
	staff      []vocab.IRI
	federation map[string]any // What is decided about others.
}

// numbers keeps what was counted for a while.
type numbers struct {
	mu   sync.Mutex
	at   time.Time
	last *figures
}

func (n *numbers) get(ctx context.Context, h *Handler) (*figures, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last != nil && h.Now().Sub(n.at) < countEvery {
		return n.last, nil
	}
	usage, err := h.DB.Usage(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.DB.StaffURIs(ctx)
	if err != nil {
		return nil, err
	}
	if staff == nil {
		staff = []vocab.IRI{}
	}
	federation, err := h.Pipeline.Federation(ctx)
	if err != nil {
		return nil, err
	}
	n.at, n.last = h.Now(), &figures{Usage: usage, staff: staff, federation: federation}
	return n.last, nil
}
