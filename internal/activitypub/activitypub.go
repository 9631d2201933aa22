// Package activitypub is the door for servers: inboxes, actors, objects and
// collections, WebFinger, host-meta and NodeInfo. It turns requests into activities
// for the pipeline and rows into documents; it holds no rules of its own but who
// may read what.
package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Options are what a Handler needs.
type Options struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	URL      string // Base of all own ids, without a trailing slash: https://a.test
	Domain   string // Of the handles; "" means the host of URL.

	Title       string // Of the server; "" means Domain.
	Description string
	Version     string // Of Kenoma.
	Repository  string // Address of the source code; "" leaves it out.
	Homepage    string // Of the software; "" leaves it out.

	// AuthorizedFetch has every document but the instance actor asked for with a
	// signature, so that blocks can be honoured.
	AuthorizedFetch bool
	// Refuses tells whether this server has nothing to do with a host: it may not
	// read where a signature is asked for, and keys are not fetched from it. What a
	// host posts whose keys are known is the policies' matter. nil: it refuses none.
	Refuses func(host string) bool

	// Verified is told of each host that sends what its key vouches for: it is
	// alive. nil: nobody wants to know.
	Verified func(ctx context.Context, host string)

	// InboxHost and InboxActor are how many deliveries a minute are taken from a host and
	// from one actor; as many may come at once. 0: any number.
	InboxHost, InboxActor int

	// TrustedProxies are the networks of proxies that may say for which host a request was.
	TrustedProxies []netip.Prefix

	// What our own people's clients need (see client.go). Without Auth nobody has
	// a token; without Uploads no files are taken.
	Auth         *auth.Service
	Uploads      *media.Uploads
	Posts        pipeline.Limits
	Descriptions int // Characters of the description of a file.
	// Count counts a request of theirs against the limits of the client API; pattern is
	// the route there that does the like. nil: there are no limits.
	Count func(header http.Header, account int64, pattern string) error

	OpenRegistrations func() bool // nil means closed.
	Approval          func() bool // New accounts wait for approval. nil means no.
	Limits            Limits

	Log *slog.Logger     // nil means slog.Default().
	Now func() time.Time // nil means time.Now.
}

// Handler serves other servers. It is safe for concurrent use.
type Handler struct {
	Options
	host    string          // Authority of URL.
	scheme  string          // Of URL.
	own     map[string]bool // Hosts that are us.
	keys    *keyCache
	refresh *onceIn
	signers *onceIn
	numbers numbers

	perHost, perActor *allowance
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	host := vocab.HostOf(o.URL)
	if o.Domain == "" {
		o.Domain = host
	}
	if o.Title == "" {
		o.Title = o.Domain
	}
	scheme, _, _ := strings.Cut(o.URL, "://")
	return &Handler{
		Options: o,
		host:    host,
		scheme:  scheme,
		own:     map[string]bool{host: true, vocab.NormalHost(o.Domain): true},
		keys:    newKeyCache(maxKeys),
		refresh: newOnceIn(refreshEvery, maxRefreshes, o.Now),
		signers: newOnceIn(refreshEvery, maxRefreshes, o.Now),

		perHost:  newAllowance(o.InboxHost, o.Now),
		perActor: newAllowance(o.InboxActor, o.Now),
	}
}

// Routes adds the door's addresses to r.
func (h *Handler) Routes(r chi.Router) {
	get := func(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
		f := h.handle(serve)
		r.Get(pattern, f)
		r.Head(pattern, f)
	}
	get("/.well-known/webfinger", h.webFinger)
	get("/.well-known/host-meta", h.hostMeta)
	get("/.well-known/host-meta.json", h.hostMetaJSON)
	get("/.well-known/nodeinfo", h.nodeInfoLinks)
	for _, version := range nodeInfoVersions {
		serve := func(w http.ResponseWriter, r *http.Request) error { return h.nodeInfo(w, r, version) }
		get("/nodeinfo/"+version, serve)
		get("/nodeinfo/"+version+".json", serve)
	}

	get(pipeline.InstanceActor, h.instanceActor)
	get(pipeline.InstanceActor+"/outbox", h.instanceOutbox)

	get(pipeline.RelayActor, h.relay)
	get(pipeline.RelayActor+"/outbox", h.relayList("/outbox"))
	get(pipeline.RelayActor+"/followers", h.relayList("/followers"))
	get(pipeline.RelayActor+"/following", h.relayList("/following"))
	get(pipeline.RelayActor+"/announces/{id}", h.relayAnnounce)

	get("/users/{name}", h.actor)
	get("/users/{name}/outbox", h.outbox)
	get("/users/{name}/followers", h.followers)
	get("/users/{name}/following", h.following)
	get("/users/{name}/followers_synchronization", h.followersThere)
	get("/users/{name}/collections/featured", h.featured)
	get("/users/{name}/collections/tags", h.featuredTags)
	get("/objects/{id}", h.object)
	get("/objects/{id}/replies", h.replies)
	get("/contexts/{id}", h.context)
	get("/objects/{id}/likes", h.likes)
	get("/objects/{id}/shares", h.shares)
	get("/activities/{id}", h.activity)
	get("/quote_authorizations/{id}", h.stamp)
	get("/authorizations/{id}", h.stamp)

	r.Post("/inbox", h.handle(h.sharedInbox))
	r.Post(relayInbox, h.handle(h.sharedInbox))
	r.Post("/users/{name}/inbox", h.handle(h.personalInbox))

	get("/users/{name}/inbox", h.ownInbox)
	r.Post("/users/{name}/outbox", h.handle(h.ownOutbox))
	r.Post("/users/{name}/media", h.handle(h.ownMedia))
}

// Jobs returns the handlers of the door's jobs by kind, for the queue.
func (h *Handler) Jobs() map[string]func(context.Context, store.Job) error {
	return map[string]func(context.Context, store.Job) error{arrivalJob: h.arrival}
}

// handle turns the error of serve into an answer.
func (h *Handler) handle(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			h.fail(w, r, err)
		}
	}
}

// busy is how long a peer should wait when something is not possible at the moment.
const busy = 5 * time.Minute

// fail answers with err: its kind decides the status, its cause is only logged.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) && fault.KindOf(err) == fault.Internal {
		err = fault.Because(err, fault.NotFound, "There is nothing at this address.")
	}
	status, message := fault.Public(err)
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable && r.Context().Err() == nil:
		h.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	default:
		h.Log.Debug("request refused", "method", r.Method, "path", r.URL.Path, "status", status, "err", err)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(err)))
	}
	body, _ := json.Marshal(map[string]string{"error": message})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}
