// Package fedtest runs whole servers in one process, wired to each other: real
// handlers, the real client, the real queue, HTTP over loopback. Names such as
// a.test lead to their ports below the check of addresses. Nothing sleeps: Settle
// runs every queue until all are empty.
package fedtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/config"
	"kenoma/internal/pgtest"
	"kenoma/internal/remote"
	"kenoma/internal/server"
	"kenoma/internal/store"
)

// World is a network of servers.
type World struct {
	t       testing.TB
	mu      sync.Mutex
	offset  time.Duration
	dials   map[string]string // host → address of its listener; "" refuses
	servers map[string]*Server
	users   map[string]*User
}

// Server is one of them.
type Server struct {
	*server.Server
	Host string
	w    *World
	url  string // of the database
	dir  string
	env  []string // Settings beside the usual ones.
	web  *httptest.Server
}

// New starts servers with these names. A name after "postgres:" keeps its data
// there, the others use SQLite.
func New(t testing.TB, hosts ...string) *World {
	t.Helper()
	w := &World{t: t, dials: map[string]string{}, servers: map[string]*Server{}, users: map[string]*User{}}
	for _, h := range hosts {
		w.Start(h)
	}
	t.Cleanup(func() {
		for _, s := range w.servers {
			s.Down()
		}
	})
	return w
}

// Start adds a server with settings of its own, as KENOMA_…=….
func (w *World) Start(name string, env ...string) *Server {
	w.t.Helper()
	host, pg := strings.CutPrefix(name, "postgres:")
	s := &Server{Host: host, w: w, dir: w.t.TempDir(), env: env}
	s.url = "sqlite:" + filepath.Join(s.dir, "test.db")
	if pg {
		s.url = pgtest.Database(w.t)
	}
	w.servers[host] = s
	s.Up()
	return s
}

// now is the time of all servers.
func (w *World) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

// Advance moves the time of all servers on.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += d
}

// Server returns the server with a name.
func (w *World) Server(host string) *Server { return w.servers[host] }

// Host lets a name lead to a handler of the test's own: a fake server.
func (w *World) Host(name string, h http.Handler) {
	web := httptest.NewServer(h)
	w.t.Cleanup(web.Close)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[name] = web.Listener.Addr().String()
}

// dial leads names to listeners.
func (w *World) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	to := w.dials[host]
	w.mu.Unlock()
	if to == "" {
		return nil, fmt.Errorf("dial %s: connection refused", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

// oneKey is the key of every account: making one takes a tenth of a second.
var oneKey = sync.OnceValues(func() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
})

// Up starts the server, on the data that it has.
func (s *Server) Up() {
	s.w.t.Helper()
	c, err := config.Load("", append([]string{"KENOMA_URL=http://" + s.Host, "KENOMA_DATA_DIR=" + s.dir, "KENOMA_DATABASE=" + s.url,
		"KENOMA_FEDERATION_ALLOW_HTTP=true", "KENOMA_RATE_LIMIT_ENABLED=false", "KENOMA_REGISTRATIONS=open",
		"KENOMA_POLICY_OBJECT_AGE_THRESHOLD=876000h"}, s.env...)) // The documents of the tests are from any time.
	if err != nil {
		s.w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testWriter{s.w.t, s.Host}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s.Server, err = server.New(context.Background(), server.Options{Config: c, Version: "test", Now: s.w.now, Dial: s.w.dial, NoSync: true, NewKey: oneKey, Log: log})
	if err != nil {
		s.w.t.Fatal(err)
	}
	s.web = httptest.NewServer(s.Handler())
	s.w.mu.Lock()
	s.w.dials[s.Host] = s.web.Listener.Addr().String()
	s.w.mu.Unlock()
}

// Down stops it; others can't reach it any more.
func (s *Server) Down() {
	if s.web == nil {
		return
	}
	s.w.mu.Lock()
	s.w.dials[s.Host] = ""
	s.w.mu.Unlock()
	s.web.CloseClientConnections()
	s.web.Close()
	s.web = nil
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		s.w.t.Error(err)
	}
}

// testWriter sends logs to the test.
type testWriter struct {
	t    testing.TB
	host string
}

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s: %s", w.host, bytes.TrimSpace(p))
	return len(p), nil
}

// Settle runs every queue until no server has a job that is due.
func (w *World) Settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		total := 0
		for _, s := range w.servers {
			if s.web == nil {
				continue
			}
			n, err := s.Queue.Settle(ctx)
			if err != nil {
				w.t.Fatal(err)
			}
			total += n
		}
		if total == 0 {
			return
		}
	}
}

// User is a person with an app.
type User struct {
	w      *World
	Server *Server
	Actor  *store.Actor
	Token  string
}

// User returns the person with a handle, ann@a.test, whose account is made when
// there is none yet.
func (w *World) User(handle string) *User {
	w.t.Helper()
	if u := w.users[handle]; u != nil {
		return u
	}
	name, host, _ := strings.Cut(handle, "@")
	s := w.servers[host]
	ctx := context.Background()
	actor, err := s.Pipeline.CreateAccount(ctx, store.NewAccount{Username: name, Email: handle, Confirmed: true, Approved: true})
	if err != nil {
		w.t.Fatal(err)
	}
	u := &User{w: w, Server: s, Actor: actor}
	u.Token, err = s.Auth.NewToken(ctx, "access", store.Token{Actor: actor.ID, Scopes: "read write follow push"}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.users[handle] = u
	return u
}

// Handle is the person's full handle.
func (u *User) Handle() string { return u.Actor.Username + "@" + u.Server.Host }

// Call does a request to the person's own server. form may be nil; a url.Values of
// a GET becomes its query. The answer's JSON goes into out unless that is nil.
func (u *User) Call(method, path string, form url.Values, out any) int {
	u.w.t.Helper()
	return u.Server.Call(u.Token, method, path, form, out)
}

// Call does a request with a token, "" for none.
func (s *Server) Call(token, method, path string, form url.Values, out any) int {
	s.w.t.Helper()
	body := io.Reader(nil)
	if method == http.MethodGet && form != nil {
		path += "?" + form.Encode()
	} else if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, s.web.URL+path, body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	req.Host = s.Host
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(text, out); err != nil {
			s.w.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	if resp.StatusCode >= 300 && out != nil {
		s.w.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode
}

// Account is what the API says of an actor.
type Account struct {
	ID, Acct, URL, URI, Note string
	DisplayName              string `json:"display_name"`
	Locked, Bot              bool
	FollowersCount           int `json:"followers_count"`
	StatusesCount            int `json:"statuses_count"`
	Fields                   []struct{ Name, Value string }
	Avatar, Header           string
	Discoverable             *bool
}

// Status is what the API says of a post.
type Status struct {
	ID, URI, URL, Content, Visibility string
	Account                           Account
	SpoilerText                       string  `json:"spoiler_text"`
	InReplyTo                         *string `json:"in_reply_to_id"`
	CreatedAt                         string  `json:"created_at"`
	EditedAt                          *string `json:"edited_at"`
	Language                          *string
	Sensitive                         bool
	Favourites                        int `json:"favourites_count"`
	Boosts                            int `json:"reblogs_count"`
	Replies                           int `json:"replies_count"`
	Reblog                            *Status
	Poll                              *Poll
	Mentions                          []struct{ Acct, URL string }
	Tags                              []struct{ Name string }
	Media                             []struct {
		Type, Description string
		URL               *string
		RemoteURL         *string `json:"remote_url"`
		Blurhash          *string
	} `json:"media_attachments"`
	Emojis []struct{ Shortcode string }
	Local  bool `json:"local_only"`

	Pleroma struct {
		Reactions []Reaction `json:"emoji_reactions"`
	}
}

// Reaction is what the API says of an emoji under a post.
type Reaction struct {
	Name  string
	Count int
	Me    bool
	URL   *string
}

// Poll is what the API says of a poll.
type Poll struct {
	ID       string
	Expired  bool
	Multiple bool
	Votes    int  `json:"votes_count"`
	Voted    bool `json:"voted"`
	Options  []struct {
		Title string
		Votes *int `json:"votes_count"`
	}
}

// Post publishes a post; more are further parameters, in pairs.
func (u *User) Post(text, visibility string, more ...string) Status {
	u.w.t.Helper()
	form := url.Values{"status": {text}, "visibility": {visibility}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	var s Status
	u.Call("POST", "/api/v1/statuses", form, &s)
	return s
}

// Find returns how the person's server knows somebody, whom it may have to look up.
func (u *User) Find(handle string) Account {
	u.w.t.Helper()
	var found struct{ Accounts []Account }
	u.Call("GET", "/api/v2/search", url.Values{"q": {"@" + handle}, "resolve": {"true"}, "type": {"accounts"}}, &found)
	if len(found.Accounts) == 0 {
		u.w.t.Fatalf("%s does not find %s", u.Handle(), handle)
	}
	return found.Accounts[0]
}

// See returns a post as the person's server has it, by its address.
func (u *User) See(uri string) (Status, bool) {
	u.w.t.Helper()
	var found struct{ Statuses []Status }
	u.Call("GET", "/api/v2/search", url.Values{"q": {uri}, "resolve": {"true"}, "type": {"statuses"}}, &found)
	if len(found.Statuses) == 0 {
		return Status{}, false
	}
	return found.Statuses[0], true
}

// Follow has the person follow another one.
func (u *User) Follow(other *User) {
	u.w.t.Helper()
	u.Call("POST", "/api/v1/accounts/"+u.Find(other.Handle()).ID+"/follow", nil, nil)
}

// Home is the person's home timeline.
func (u *User) Home() []Status {
	u.w.t.Helper()
	var list []Status
	u.Call("GET", "/api/v1/timelines/home", nil, &list)
	return list
}

// Get is a GET for a list of posts.
func (u *User) Get(path string) []Status {
	u.w.t.Helper()
	var list []Status
	u.Call("GET", path, nil, &list)
	return list
}

// Notification is what the API says of one.
type Notification struct {
	ID, Type string
	Account  Account
	Status   *Status
	Emoji    string
	EmojiURL *string `json:"emoji_url"`
}

// Notifications are the person's, newest first.
func (u *User) Notifications() []Notification {
	u.w.t.Helper()
	var list []Notification
	u.Call("GET", "/api/v1/notifications", nil, &list)
	return list
}
