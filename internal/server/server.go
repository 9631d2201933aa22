// Package server builds the parts of Kenoma, starts them in order, and stops them
// so that nothing accepted is lost.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kenoma/internal/activitypub"
	"kenoma/internal/auth"
	"kenoma/internal/config"
	"kenoma/internal/delivery"
	"kenoma/internal/fault"
	"kenoma/internal/mastodon"
	"kenoma/internal/media"
	"kenoma/internal/pages"
	"kenoma/internal/pipeline"
	"kenoma/internal/policy"
	"kenoma/internal/push"
	"kenoma/internal/queue"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/takeout"
	"kenoma/internal/vocab"
)

// Options are what differs between a service and a test.
type Options struct {
	Config  *config.Config
	Version string
	Log     *slog.Logger
	Now     func() time.Time
	Self    string // Program that decodes pictures in a child; "" does it in this process.
	// Dial replaces the network below the checks of addresses, in tests.
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	NoSync bool // Tests: a crash of the machine may lose what was acknowledged.
	Roles  Roles
	NewKey func() (string, error)
}

// Roles say what a node does not do: one on PostgreSQL may answer requests alone, or
// run jobs alone. The zero value does everything.
type Roles struct {
	NoWeb    bool // Listens for the admin's tools at most.
	NoWorker bool // What it queues is done by other nodes.
}

// Server is the whole of it.
type Server struct {
	Options
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Auth     *auth.Service
	Queue    *queue.Queue
	Hub      *stream.Hub
	Remote   *remote.Client
	Delivery *delivery.Delivery
	Takeout  *takeout.Service

	api      *mastodon.API
	push     *push.Sender
	ap       *activitypub.Handler
	pages    *pages.Pages
	storage  media.Storage
	uploads  *media.Uploads
	cache    *media.Cache
	incoming string // Folder of files that come in.
	signer   media.Signer
	handler  http.Handler
	refuses  policy.RejectDomains
	hosts    policy.Hosts
	policies policy.Book
}

// New opens the database and builds the parts. Nothing runs yet but the database.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{Options: o}
	c := o.Config
	var err error
	s.DB, err = store.Open(ctx, c.Database, store.Options{NoSync: o.NoSync, Now: o.Now, Log: o.Log, Wake: func(string) {
		if s.Queue != nil {
			s.Queue.Wake()
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := s.build(ctx); err != nil {
		s.DB.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) build(ctx context.Context) error {
	c := s.Config
	if err := s.checkIdentity(ctx); err != nil {
		return err
	}
	s.refuses = policy.RejectDomains(c.Federation.RejectHosts)
	s.Hub = stream.New(stream.Options{DB: s.DB, Log: s.Log})
	base := vocab.IRI(c.URL)
	scheme, _, _ := strings.Cut(c.URL, ":")
	s.Remote = remote.New(remote.Options{UserAgent: "Kenoma/" + s.Version + " (+" + c.URL + ")", AllowNetworks: c.Federation.AllowNetworks,
		AllowHTTP: c.Federation.AllowHTTP, Dial: s.Dial, Scheme: scheme, Now: s.Now, Forms: s.DB, Own: func(host string) bool { return host == base.Host() }})
	s.Pipeline = pipeline.New(pipeline.Options{DB: s.DB, Remote: s.Remote, Stream: s.Hub, Hosts: &s.hosts, Policies: &s.policies, Setup: s.policySetup(), URL: c.URL, Domain: c.Domain,
		Log: s.Log, Now: s.Now, NewKey: s.NewKey, KeepSuspended: c.Moderation.KeepSuspended, MailStaff: c.Moderation.MailReports, LimitedFederation: c.Federation.Limited})
	s.Pipeline.Cards = c.Cards.Enabled
	s.Pipeline.MaxPins = c.Limits.Pins
	s.Pipeline.Backfill = c.Federation.Backfill
	s.Pipeline.Relay = pipeline.RelayOptions{Members: c.Federation.Relay, Rate: c.Federation.RelayRate, Queue: c.Federation.RelayQueue}
	s.Pipeline.Trends = pipeline.Trends{On: c.Trends.Enabled, Review: c.Trends.RequireReview, Accounts: c.Trends.MinAccounts}
	s.Pipeline.Reactions = pipeline.Reactions{MaxPerPost: c.Reactions.MaxPerPost, NoCustom: !c.Reactions.Custom}
	s.Auth = auth.New(auth.Options{DB: s.DB, Accounts: s.Pipeline, URL: c.URL, Domain: c.Domain, Registrations: c.Registrations, MinimumAge: c.MinimumAge, PasswordGrant: c.OAuth.PasswordGrant,
		Captcha: c.SignUp.Captcha, TrustedProxies: c.TrustedProxies, Throttle: c.RateLimit.Enabled, Mail: s.mailer(), Log: s.Log, Now: s.Now})
	if c.SignUp.CheckMX && c.SMTP.Host != "" {
		s.Auth.Resolver = net.DefaultResolver
	}
	s.Delivery = delivery.New(delivery.Options{DB: s.DB, Remote: s.Remote, Host: base.Host(), Refuses: s.refused, Log: s.Log})
	title, description, err := s.names(ctx)
	if err != nil {
		return err
	}
	s.ap = activitypub.New(activitypub.Options{DB: s.DB, Pipeline: s.Pipeline, URL: c.URL, Domain: c.Domain, Title: title,
		Description: description, Version: s.Version, AuthorizedFetch: c.Federation.AuthorizedFetch, Refuses: s.refused,
		Verified:       s.Delivery.Alive,
		TrustedProxies: c.TrustedProxies,
		InboxHost:      inboxLimit(c.RateLimit, c.RateLimit.InboxHost),
		InboxActor:     inboxLimit(c.RateLimit, c.RateLimit.InboxActor),
		Auth:           s.Auth, Descriptions: c.Limits.DescriptionCharacters,
		Posts: pipeline.Limits{Characters: c.Limits.StatusCharacters, Files: c.Limits.StatusAttachments, PollOptions: c.Limits.PollOptions,
			OptionCharacters: c.Limits.PollOptionCharacters},
		OpenRegistrations: func() bool { return c.Registrations == "open" || c.Registrations == "approval" },
		Approval:          func() bool { return c.Registrations == "approval" },
		Limits: activitypub.Limits{Upload: int64(c.Media.MaxVideo), Avatar: int64(c.Media.MaxImage), Banner: int64(c.Media.MaxImage),
			PollOptions: c.Limits.PollOptions, PollOption: c.Limits.PollOptionCharacters, PollShortest: 5 * time.Minute, PollLongest: 30 * 24 * time.Hour,
			Fields: c.Limits.ProfileFields, FieldName: 2047, FieldValue: 2047, PostFormats: []string{"text/plain", "text/markdown", "text/html"}},
		Log: s.Log, Now: s.Now})
	s.Hub.Watch(func(e *stream.Event) {
		if e.Kind == "accounts_moderated" || e.Kind == "resync" {
			s.Auth.Forget() // On every node: a suspended account's token is dead.
		}
		if e.Kind == "rules_changed" || e.Kind == "resync" {
			go s.reloadRules(context.WithoutCancel(ctx)) // A watcher must be quick.
		}
	})
	if err := errors.Join(s.Pipeline.ReloadHosts(ctx), s.Pipeline.ReloadPolicies(ctx), s.Auth.ReloadBlocks(ctx)); err != nil {
		return err
	}
	if err := s.buildMedia(ctx); err != nil {
		return err
	}
	if err := s.buildTakeout(); err != nil {
		return err
	}
	s.pages = pages.New(pages.Options{DB: s.DB, Auth: s.Auth, Pipeline: s.Pipeline, Takeout: s.Takeout, URL: c.URL, Title: title, Rules: c.Instance.Rules, Proxy: s.signer.Path,
		RuleTexts: func(ctx context.Context) ([]string, error) { return s.api.RuleTexts(ctx) },
		Text:      func(ctx context.Context, name string) (string, string, error) { return s.api.Text(ctx, name) }, Log: s.Log})
	if err := s.buildPush(ctx); err != nil {
		return err
	}
	s.api = s.newAPI()
	s.ap.Uploads, s.ap.Count = s.uploads, s.api.CountClient
	s.api.Translate = s.translator()
	s.Queue = queue.New(s.DB, s.jobs(), queue.Options{Parallel: c.Federation.Workers, Kinds: s.kinds(), Log: s.Log})
	s.handler = s.routes()
	return nil
}

// names are the server's title and description at the start, as the admins changed them.
func (s *Server) names(ctx context.Context) (title, description string, err error) {
	texts, err := s.DB.SiteTexts(ctx)
	title, description = s.Config.Instance.Title, s.Config.Instance.Description
	for _, key := range editable(s.Config) {
		switch t, ok := texts[key]; {
		case ok && key == "instance.title":
			title = t.Value
		case ok && key == "instance.description":
			description = t.Value
		}
	}
	return title, description, err
}

// reloadRules reads what the admins keep out, after a change or in case that one was missed.
func (s *Server) reloadRules(ctx context.Context) {
	if err := errors.Join(s.Pipeline.ReloadHosts(ctx), s.Pipeline.ReloadPolicies(ctx), s.Auth.ReloadBlocks(ctx)); err != nil {
		s.Log.Error("rules not read", "err", err)
	}
}

// refused tells whether the admin wants nothing to do with a host.
func (s *Server) refused(host string) bool {
	return s.Pipeline.Hosts.Refuses(host) || s.refuses.Refuses(host)
}

// jobs gathers the handlers of every part.
func (s *Server) jobs() map[string]queue.Handler {
	all := s.Delivery.Jobs()
	for _, more := range []map[string]func(context.Context, store.Job) error{s.Pipeline.Jobs(), s.ap.Jobs(), s.Auth.Jobs(), s.Takeout.Jobs(), s.cards().Jobs()} {
		for kind, h := range more {
			all[kind] = h
		}
	}
	for kind, h := range s.api.Jobs() {
		all[kind] = h
	}
	all["sweep"] = s.sweep
	all["tally"] = s.tally
	all["warm-media"] = s.warmMedia
	all["steal-emoji"] = s.stealEmoji
	all[media.JobKind] = s.uploads.Job
	all[store.DropUploadsJob] = s.uploads.DropJob
	for _, kind := range []string{"fetch", "relay-send"} {
		run := all[kind]
		all[kind] = func(ctx context.Context, j store.Job) error {
			err := run(ctx, j)
			if fault.Retryable(err) && err != nil {
				return queue.PartDown(err) // The whole host waits, not each of its documents.
			}
			return err
		}
	}
	return all
}

// kinds gathers how the jobs of every part run.
func (s *Server) kinds() map[string]queue.Kind {
	all := s.Delivery.Kinds()
	all[media.JobKind] = mediaKind
	all[takeout.BringJob] = queue.Kind{Timeout: bringTime}
	for name, kind := range s.api.Kinds() {
		all[name] = kind
	}
	return all
}

// checkIdentity refuses a start under another address than the one that every
// account and post carries.
func (s *Server) checkIdentity(ctx context.Context) error {
	any, err := s.DB.AnyAccount(ctx)
	if err != nil {
		return err
	}
	for key, value := range map[string]string{"url": s.Config.URL, "domain": s.Config.Domain} {
		have, err := s.DB.Setting(ctx, key)
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case err == nil && have == value:
			continue
		case err == nil && any:
			return fault.New(fault.Conflict, "The accounts in this database live at %s = %q, but the configuration says %q. Set %s back: it can't be changed, other servers know the accounts by it.", key, have, value, key)
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, key, value) }); err != nil {
			return err
		}
	}
	return nil
}

// Handler answers every request.
func (s *Server) Handler() http.Handler { return s.handler }

// Start lets jobs run, where this node does any.
func (s *Server) Start(ctx context.Context) error {
	if s.Roles.NoWorker {
		return nil
	}
	if err := s.Delivery.Start(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ScheduleCompaction(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ScheduleProofKeys(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ScheduleIndexing(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ScheduleTrends(ctx); err != nil {
		return err
	}
	if err := s.Pipeline.ScheduleBlocklists(ctx); err != nil {
		return err
	}
	if err := s.scheduleSweep(ctx); err != nil {
		return err
	}
	if err := s.scheduleTally(ctx); err != nil {
		return err
	}
	if err := s.Auth.Schedule(ctx); err != nil {
		return err
	}
	s.Queue.Start()
	return nil
}

// Close ends the jobs that run, or gives them back, and closes the database. What
// was accepted is in the database by then.
func (s *Server) Close(ctx context.Context) error {
	s.Queue.Drain(ctx)
	s.Takeout.Close()
	s.Hub.Close()
	s.Remote.CloseIdle()
	return s.DB.Close()
}

// drainTime is how long a shutdown waits for requests and jobs.
const drainTime = 15 * time.Second

// Serve listens until ctx ends, then drains.
func (s *Server) Serve(ctx context.Context) error {
	if s.DB.Engine() != "postgres" && s.Roles != (Roles{}) {
		return fault.New(fault.Invalid, "Only nodes on PostgreSQL can share the work: on SQLite one process does everything.")
	}
	var l net.Listener
	if !s.Roles.NoWeb {
		var err error
		if l, err = net.Listen("tcp", s.Config.Listen); err != nil {
			return fmt.Errorf("listening: %w", err)
		}
	}
	go s.watchScripts(ctx)
	web := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)}
	if err := s.Start(ctx); err != nil {
		return err
	}
	failed := make(chan error, 2)
	if s.Config.AdminListen != "" {
		admin := &http.Server{Addr: s.Config.AdminListen, Handler: s.adminRoutes(), ReadHeaderTimeout: 10 * time.Second}
		defer admin.Close()
		go func() { failed <- admin.ListenAndServe() }()
	}
	if l != nil {
		go func() { failed <- web.Serve(l) }()
		s.Log.Info("Kenoma is ready", "url", s.Config.URL, "listen", l.Addr().String(), "version", s.Version, "database", s.DB.Engine())
	} else {
		s.Log.Info("Kenoma is ready for jobs alone", "url", s.Config.URL, "version", s.Version, "database", s.DB.Engine())
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.Log.Info("stopping: finishing requests and jobs")
	wait, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	s.Hub.Close() // Streams would never end by themselves.
	if err := web.Shutdown(wait); err != nil {
		s.Log.Warn("some requests did not end in time", "err", err)
		web.Close()
	}
	return s.Close(wait)
}

// adminRoutes is what only the admin's tools should reach.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /health", s.health)
	return mux
}

// dataFile is a path in the data folder, whose parent is made.
func (s *Server) dataFile(parts ...string) (string, error) {
	path := filepath.Join(append([]string{s.Config.DataDir}, parts...)...)
	return path, os.MkdirAll(filepath.Dir(path), 0o700)
}

// inboxLimit is n, or none where nothing is limited.
func inboxLimit(l config.RateLimit, n int) int {
	if !l.Enabled {
		return 0
	}
	return n
}
