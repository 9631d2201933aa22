package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// Bounds of streams.
const (
	maxStreams       = 50               // Connections of one account.
	maxSubscriptions = 50               // Of one connection.
	heartbeat        = 20 * time.Second // Shorter than what proxies cut off; the token is looked at again too.
	writeTimeout     = 10 * time.Second // A reader that takes longer is dropped.
)

// channel is a stream as apps name it.
type channel struct {
	name  string // As in a subscription: user, public:local …
	path  string // Of its SSE form below /api/v1/streaming.
	param string // Which parameter it needs.
	scope string
	topic func(api *API, ctx context.Context, s *auth.Session, arg string) (stream.Topic, error)
}

func always(t stream.Topic) func(*API, context.Context, *auth.Session, string) (stream.Topic, error) {
	return func(*API, context.Context, *auth.Session, string) (stream.Topic, error) { return t, nil }
}

func own(topic func(int64) stream.Topic) func(*API, context.Context, *auth.Session, string) (stream.Topic, error) {
	return func(_ *API, _ context.Context, s *auth.Session, _ string) (stream.Topic, error) {
		return topic(s.Actor.ID), nil
	}
}

func tagged(topic func(string) stream.Topic) func(*API, context.Context, *auth.Session, string) (stream.Topic, error) {
	return func(_ *API, _ context.Context, _ *auth.Session, tag string) (stream.Topic, error) {
		return topic(markup.FoldTag(tag)), nil
	}
}

// channels is the one table of streams.
//
// spec: masto:methods/streaming
var channels = []channel{
	{"user", "/user", "", "read:statuses", own(stream.User)},
	{"user:notification", "/user/notification", "", "read:notifications", own(stream.Notifications)},
	{"public", "/public", "", "read:statuses", always(stream.Public)},
	{"public:media", "", "", "read:statuses", always(stream.PublicMedia)},
	{"public:local", "/public/local", "", "read:statuses", always(stream.PublicLocal)},
	{"public:local:media", "", "", "read:statuses", always(stream.PublicLocalMedia)},
	{"public:remote", "/public/remote", "", "read:statuses", always(stream.PublicRemote)},
	{"public:remote:media", "", "", "read:statuses", always(stream.PublicRemoteMedia)},
	{"hashtag", "/hashtag", "tag", "read:statuses", tagged(stream.Hashtag)},
	{"hashtag:local", "/hashtag/local", "tag", "read:statuses", tagged(stream.HashtagLocal)},
	{"list", "/list", "list", "read:statuses", listTopic},
	{"direct", "/direct", "", "read:statuses", own(stream.Direct)},
}

// listTopic is that of a list of the one who asks.
func listTopic(api *API, ctx context.Context, s *auth.Session, arg string) (stream.Topic, error) {
	id, err := parseID(arg)
	if err != nil {
		return "", err
	}
	owner, err := api.DB.ListOwner(ctx, id)
	if err != nil {
		return "", err
	}
	if owner != s.Actor.ID {
		return "", errNotFound()
	}
	return stream.List(id), nil
}

func channelNamed(name string) *channel {
	for i := range channels {
		if channels[i].name == name {
			return &channels[i]
		}
	}
	return nil
}

func init() {
	raw := func(pattern, scope string, run func(api *API, w http.ResponseWriter, r *http.Request)) {
		endpoints = append(endpoints, endpoint{pattern: pattern, access: parseAccess(scope), raw: run})
	}
	raw("GET /api/v1/streaming/health", "", func(_ *API, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "OK")
	})
	raw("GET /api/v1/streaming", "user", (*API).serveWebSocket)
	for i := range channels {
		if c := &channels[i]; c.path != "" {
			raw("GET /api/v1/streaming"+c.path, "user", func(api *API, w http.ResponseWriter, r *http.Request) { api.serveSSE(w, r, c) })
		}
	}
	raw("GET /api/v1/streaming/*", "", func(api *API, w http.ResponseWriter, r *http.Request) {
		api.writeError(w, r, fault.New(fault.Malformed, "Unknown channel requested"))
	})
}

// withStreamToken finds the token where browsers can put it: they send no headers
// with a WebSocket or an event source.
func withStreamToken(r *http.Request) *http.Request {
	token := r.URL.Query().Get("access_token")
	if token == "" {
		token = strings.TrimSpace(r.Header.Get("Sec-WebSocket-Protocol"))
	}
	if token == "" || r.Header.Get("Authorization") != "" {
		return r
	}
	r2 := *r
	r2.Header = r.Header.Clone()
	r2.Header.Set("Authorization", "Bearer "+token)
	return &r2
}

// subscription is one stream of a connection.
type subscription struct {
	channel *channel
	arg     string
	topic   stream.Topic
}

// names is what "stream" of a message holds.
func (s subscription) names() []string {
	if s.arg != "" {
		return []string{s.channel.name, s.arg}
	}
	return []string{s.channel.name}
}

// connection is a listener with its streams.
type connection struct {
	api      *API
	session  *auth.Session
	bearer   string
	events   *stream.Listener
	protocol string // Prefix of what is composed once for all connections alike.
	// compose makes of an event what goes over the wire, and send sends that.
	compose func(s subscription, event string, payload []byte) ([]byte, error)
	send    func(wire []byte) error

	mu   sync.Mutex
	subs map[stream.Topic]subscription
}

// connect begins a connection that counts against its account's number.
func (api *API) connect(ctx context.Context, r *http.Request) (*connection, func(), error) {
	s, _ := r.Context().Value(sessionKey{}).(*auth.Session)
	if api.Hub == nil {
		return nil, nil, fault.New(fault.Transient, "This server sends no live updates")
	}
	api.streamsMu.Lock()
	defer api.streamsMu.Unlock()
	if api.streams[s.Actor.ID] >= maxStreams {
		return nil, nil, fault.New(fault.TooMany, "Too many streams are open")
	}
	api.streams[s.Actor.ID]++
	c := &connection{api: api, session: s, bearer: auth.Bearer(r), events: api.Hub.Subscribe(ctx), subs: map[stream.Topic]subscription{}}
	return c, func() {
		api.streamsMu.Lock()
		defer api.streamsMu.Unlock()
		if api.streams[s.Actor.ID]--; api.streams[s.Actor.ID] <= 0 {
			delete(api.streams, s.Actor.ID)
		}
	}, nil
}

// resolve finds out what a subscription means and whether it is allowed.
func (c *connection) resolve(ctx context.Context, name string, arg func(param string) string) (subscription, error) {
	ch := channelNamed(name)
	if ch == nil {
		return subscription{}, fault.New(fault.Malformed, "Unknown stream type")
	}
	if !c.session.Scopes.Allows(ch.scope) && !(ch.name == "user" && c.session.Scopes.Allows("read:notifications")) {
		return subscription{}, errScope
	}
	s := subscription{channel: ch}
	if ch.param != "" {
		if s.arg = arg(ch.param); s.arg == "" {
			return s, fault.New(fault.Malformed, "Missing parameter: %s", ch.param)
		}
	}
	var err error
	s.topic, err = ch.topic(c.api, ctx, c.session, s.arg)
	return s, err
}

func (c *connection) subscribe(s subscription) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.subs) >= maxSubscriptions {
		return fault.New(fault.TooMany, "Too many streams in one connection")
	}
	c.subs[s.topic] = s
	c.events.Add(s.topic)
	if s.channel.name == "user" {
		c.subs[stream.Everyone] = s
		c.events.Add(stream.Everyone)
	}
	return nil
}

func (c *connection) unsubscribe(s subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subs, s.topic)
	c.events.Remove(s.topic)
	if s.channel.name == "user" {
		delete(c.subs, stream.Everyone)
		c.events.Remove(stream.Everyone)
	}
}

// matched returns the streams that an event belongs to.
func (c *connection) matched(e *stream.Event) []subscription {
	topics := c.events.Matched(e)
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []subscription
	for _, t := range topics {
		if s, ok := c.subs[t]; ok {
			found = append(found, s)
		}
	}
	return found
}

// run sends events until the context, the hub or the reader ends it.
func (c *connection) run(ctx context.Context, beat func(context.Context) error) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := c.api.Auth.Authenticate(ctx, c.bearer); err != nil {
				return // The token was revoked meanwhile.
			}
			if err := beat(ctx); err != nil {
				return
			}
		case e, ok := <-c.events.Events:
			if !ok {
				return
			}
			if err := c.pass(ctx, e); err != nil {
				return
			}
		}
	}
}

// pass sends an event on each stream that it belongs to. What can't be drawn any
// more, since it is gone, is left out.
func (c *connection) pass(ctx context.Context, e *stream.Event) error {
	for _, s := range c.matched(e) {
		wire, err := c.draw(ctx, s, e)
		if err != nil && ctx.Err() == nil {
			c.api.Log.Warn("live event not drawn", "kind", e.Kind, "status", e.Status, "err", err)
		}
		if err != nil || wire == nil {
			continue
		}
		if err := c.send(wire); err != nil {
			return err
		}
	}
	return nil
}

// draw returns what goes over the wire for an event on a stream; nil when there is
// nothing to be sent.
func (c *connection) draw(ctx context.Context, s subscription, e *stream.Event) ([]byte, error) {
	if e.Kind == "update" || e.Kind == "status.update" {
		if s.channel.name == "user:notification" {
			return nil, nil
		}
		if s.channel.name != "direct" {
			return c.status(ctx, s, e)
		}
	}
	name, payload, err := c.event(ctx, s, e)
	if err != nil || name == "" {
		return nil, err
	}
	return c.compose(s, name, payload)
}

// event returns the name and payload of an event that is drawn for this reader
// alone; no name when there is nothing to be sent. A nil payload means that there is
// none.
func (c *connection) event(ctx context.Context, s subscription, e *stream.Event) (string, []byte, error) {
	if s.channel.name == "user:notification" && e.Kind != "notification" {
		return "", nil, nil
	}
	switch e.Kind {
	case "update", "status.update":
		payload, err := c.conversation(ctx, e)
		if payload == nil {
			return "", nil, err
		}
		return "conversation", payload, nil
	case "delete":
		if s.channel.name == "direct" {
			return "", nil, nil
		}
		return "delete", []byte(itoa(e.Status)), nil
	case "notification":
		if !c.session.Scopes.Allows("read:notifications") {
			return "", nil, nil
		}
		payload, err := c.api.drawNotification(ctx, c.session.Actor, e.Notification)
		if payload == nil {
			return "", nil, err
		}
		return "notification", payload, err
	case "announcement", "announcement.reaction", "announcement.delete":
		payload, err := c.api.announcementEvent(ctx, e)
		if payload == nil {
			return "", nil, err
		}
		return e.Kind, payload, nil
	case "filters_changed":
		return "filters_changed", nil, nil
	case "notifications_merged":
		return "notifications_merged", []byte("1"), nil // As Mastodon; apps ignore it.
	}
	return "", nil, nil
}

// status draws a status for one stream: once for all readers, to the bytes on the
// wire, unless this reader's filters have to say something. nil: the reader is not
// to see it.
func (c *connection) status(ctx context.Context, s subscription, e *stream.Event) ([]byte, error) {
	api, viewer := c.api, c.session.Actor
	if !c.session.Scopes.Allows("read:statuses") {
		return nil, nil
	}
	posts, err := api.posts(ctx, []int64{e.Status})
	if err != nil {
		return nil, err
	}
	p := posts[e.Status]
	if p == nil {
		return nil, nil
	}
	public := strings.HasPrefix(s.channel.name, "public")
	if public && p.row.IsReply && p.row.ReplyActor != p.row.Actor {
		return nil, nil // As in the timelines.
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	where := "public"
	if s.channel.name == "user" || s.channel.name == "list" {
		where = "home"
	}
	if own := p.row.Actor == viewer.ID; own || len(rel.matchers) > 0 || len(rel.Blocks)+len(rel.Mutes)+len(rel.Domains) > 0 {
		list, err := api.show(ctx, viewer, []int64{e.Status})
		if err != nil {
			return nil, err
		}
		if list = rel.wanted(list, where, viewer, api.Now().UnixMilli()); len(list) == 0 {
			return nil, nil
		}
		if own || list[0].filtered != nil {
			return c.compose(s, e.Kind, list[0].append(nil))
		}
	}
	var drawErr error
	drawn := e.Once("status", func() []byte {
		list, err := api.show(context.WithoutCancel(ctx), nil, []int64{e.Status})
		if drawErr = err; err != nil || len(list) == 0 {
			return nil
		}
		return list[0].append(nil)
	})
	if drawn == nil || drawErr != nil {
		return nil, drawErr
	}
	wire := e.Once(c.protocol+s.channel.name+" "+s.arg, func() (wire []byte) {
		wire, drawErr = c.compose(s, e.Kind, drawn)
		return wire
	})
	return wire, drawErr
}

// conversation draws a direct message as the conversation that it is in; nil when
// the reader avoids its author.
func (c *connection) conversation(ctx context.Context, e *stream.Event) ([]byte, error) {
	api, viewer := c.api, c.session.Actor
	rel, err := api.relations(ctx, viewer)
	if err != nil || rel.avoids(e.Author, api.Now().UnixMilli()) {
		return nil, err
	}
	st, err := api.DB.Status(ctx, e.Status)
	if err != nil {
		return nil, err
	}
	drawn, err := api.drawConversations(ctx, viewer, []store.Conversation{{ID: st.Conversation, Last: st.ID}})
	if err != nil || len(drawn) == 0 {
		return nil, err
	}
	return drawn[0], nil
}

// serveSSE sends one stream as server-sent events.
//
// spec: masto:methods/streaming, html#server-sent-events
func (api *API) serveSSE(w http.ResponseWriter, r *http.Request, ch *channel) {
	ctx := r.Context()
	c, done, err := api.connect(ctx, r)
	if err != nil {
		api.writeError(w, r, err)
		return
	}
	defer done()
	q := r.URL.Query()
	name := ch.name
	if strings.HasPrefix(name, "public") && strings.EqualFold(q.Get("only_media"), "true") {
		name += ":media"
	}
	sub, err := c.resolve(ctx, name, q.Get)
	if err == nil {
		err = c.subscribe(sub)
	}
	if err != nil {
		api.writeError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would wait for more.
	out := http.NewResponseController(w)
	write := func(text []byte) error {
		// Not every writer has deadlines; then the connection's own must do.
		if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		return out.Flush()
	}
	c.protocol, c.compose, c.send = "sse ", composeSSE, write
	if err := write([]byte(":)\n\n")); err != nil {
		return
	}
	c.run(ctx, func(context.Context) error { return write([]byte(":thump\n\n")) })
}

// composeSSE writes an event in the form of an event stream.
func composeSSE(_ subscription, event string, payload []byte) ([]byte, error) {
	if payload == nil {
		payload = []byte("undefined")
	}
	return slices.Concat([]byte("event: "), []byte(event), []byte("\ndata: "), payload, []byte("\n\n")), nil
}

// request is what comes over a WebSocket.
type request struct {
	Type   string          `json:"type"` // subscribe, unsubscribe
	Stream string          `json:"stream"`
	Tag    string          `json:"tag"`
	List   json.RawMessage `json:"list"` // A text, or a number from some.
}

func (q *request) arg(param string) string {
	if param == "tag" {
		return q.Tag
	}
	return strings.Trim(string(q.List), `"`)
}

// serveWebSocket carries any number of streams over one socket. Any origin may
// connect: what counts is the token, which no browser sends by itself.
func (api *API) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		api.writeError(w, r, errNotFound())
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	c, done, err := api.connect(ctx, r)
	if err != nil {
		api.writeError(w, r, err)
		return
	}
	defer done()
	// The token as sub-protocol must come back, or browsers close the socket.
	opts := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if p := strings.TrimSpace(r.Header.Get("Sec-WebSocket-Protocol")); p != "" {
		opts.Subprotocols = []string{p}
	}
	w.Header().Del("Content-Type")
	socket := &socket{ResponseWriter: w}
	conn, err := websocket.Accept(socket, r, opts)
	if err != nil {
		return // Accept has answered.
	}
	defer conn.CloseNow()
	conn.SetReadLimit(4 << 10)
	c.protocol, c.compose, c.send = "ws ", composeFrame, socket.write
	fail := func(err error) error {
		status, text := fault.Public(err)
		b, err := marshal(map[string]any{"error": text, "status": status})
		if err != nil {
			return err
		}
		return socket.write(textFrame(b))
	}
	q := r.URL.Query()
	if name := q.Get("stream"); name != "" {
		if err := c.change(ctx, &request{Type: "subscribe", Stream: name, Tag: q.Get("tag"), List: json.RawMessage(q.Get("list"))}); err != nil && fail(err) != nil {
			return
		}
	}
	go func() {
		defer cancel()
		c.listen(ctx, conn, fail)
	}()
	c.run(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		return conn.Ping(ctx)
	})
	conn.Close(websocket.StatusGoingAway, "")
}

// listen reads what the client asks for until the socket ends.
func (c *connection) listen(ctx context.Context, conn *websocket.Conn, fail func(error) error) {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var q request
		if err := json.Unmarshal(data, &q); err != nil {
			err = fail(fault.Because(err, fault.Malformed, "The message is not JSON"))
			if err != nil {
				return
			}
			continue
		}
		if err := c.change(ctx, &q); err != nil && fail(err) != nil {
			return
		}
	}
}

// change subscribes to a stream or leaves it. Other types of messages are ignored.
func (c *connection) change(ctx context.Context, q *request) error {
	if q.Type != "subscribe" && q.Type != "unsubscribe" {
		return nil
	}
	s, err := c.resolve(ctx, q.Stream, q.arg)
	if errors.Is(err, store.ErrNotFound) {
		err = errNotFound()
	}
	if err != nil {
		return err
	}
	if q.Type == "unsubscribe" {
		c.unsubscribe(s)
		return nil
	}
	return c.subscribe(s)
}
