// Package mastodon is the door for apps: the Mastodon client API with Pleroma's
// additions. A file per group of endpoints translates requests into calls of the
// pipeline and the store, entity_*.go draw the JSON. It holds no rules of its own.
package mastodon

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/push"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/translate"
)

// Options are what the API needs.
type Options struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Hub      *stream.Hub // nil: no streams.

	Auth *auth.Service
	Push *push.Sender // nil: no push messages.

	URL    string // Where the server is reached, without a trailing slash.
	Domain string // Of the handles.

	Uploads   *media.Uploads          // nil: no uploads.
	TempDir   string                  // Where files that come in wait. "" is the system's.
	Proxy     func(url string) string // The path or address under which a remote file is served here. nil: its own.
	MaxUpload int64                   // Bytes of a file. 0 means 99 MB.

	Settings Settings

	Translate translate.Service // nil: posts are not translated.

	TrustedProxies []netip.Prefix // Whose X-Forwarded-For counts.
	NoRateLimit    bool
	CacheBytes     int64 // Rendered posts and profiles that are kept. 0 means 12 MB.

	Log *slog.Logger
	Now func() time.Time
}

// Settings are what the admin decides and apps are told.
type Settings struct {
	Title, Description, Contact string
	Version                     string // Of Kenoma: x.y.z.
	Rules, Languages            []string
	Registrations               string   // open, approval, invite, closed
	Captcha                     bool     // Who signs up solves one.
	MinimumAge                  int      // Years; 0 none.
	FeaturedAccounts            []string // Handles of whom everybody is told to follow.

	// What of these texts the admins may change while the server runs: the settings'
	// keys, as far as neither file nor environment has them.
	Editable                                                                            []string
	RegistrationsMessage, ExtendedDescription, PrivacyPolicy, ContactAccount, StatusURL string
	HidePeers, HideActivity                                                             bool

	ShowBlocks, ShowBlockReasons string // To whom blocked hosts are shown: disabled, users, all.

	StatusCharacters, StatusAttachments, PollOptions, PollOptionCharacters int
	DescriptionCharacters, BioCharacters, ProfileFields                    int
	Scheduled, ScheduledDaily                                              int   // Posts for later, in all and on one day.
	MaxImage, MaxVideo                                                     int64 // Bytes.
}

// API answers what apps ask. It is safe for concurrent use.
type API struct {
	Options
	limits    *limiter
	cache     *renderings
	draw      *drawing
	router    http.Handler
	numbers   numbers
	refreshed refreshes
	popular   popular
	roles     roleCache
	dashboard remembered
	siteNow   siteCache
	started   int64 // ms

	translations translations

	streamsMu sync.Mutex
	streams   map[int64]int // Open ones by account.
}

// New makes an API.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = 99 << 20
	}
	if o.Proxy == nil {
		o.Proxy = func(url string) string { return url }
	}
	api := &API{Options: o, limits: newLimiter(o.Now), streams: map[int64]int{}, cache: newRenderings(o.CacheBytes),
		started: o.Now().UnixMilli(), draw: &drawing{url: o.URL, domain: o.Domain, proxy: o.Proxy, hosts: o.Pipeline.Hosts}}
	if o.Hub != nil {
		o.Hub.Watch(api.cache.changed)
	}
	api.router = api.newRouter()
	return api
}

// ServeHTTP implements http.Handler for everything under /api.
func (api *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { api.router.ServeHTTP(w, r) }

// uploads are the routes that take files.
var uploads = map[string]bool{
	"POST /api/v1/media":                        true,
	"POST /api/v2/media":                        true,
	"PUT /api/v1/media/{id}":                    true,
	"PATCH /api/v1/accounts/update_credentials": true,
	"PATCH /api/v1/profile":                     true,
}

// marshal encodes without escaping <, > and &: answers are never HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
