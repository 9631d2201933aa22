package activitypub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/fault"
	"kenoma/internal/pgtest"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

var discard = slog.New(slog.DiscardHandler)

// world is our server, https://a.test, and hosts that it can talk to over loopback.
type world struct {
	*Handler
	t      testing.TB
	db     *store.DB
	router http.Handler
	net    *network
	base   string
	mu     sync.Mutex
	clock  time.Time
}

// eachEngine runs a test in a fresh world on each engine.
func eachEngine(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, newWorld(t, storetest.SQLite, nil)) })
	t.Run("postgres", func(t *testing.T) { run(t, newWorld(t, storetest.Postgres, nil)) })
}

func sqliteWorld(t testing.TB, change func(*Options)) *world {
	return newWorld(t, storetest.SQLite, change)
}

func newWorld(t testing.TB, open func(testing.TB, store.Options) *store.DB, change func(*Options)) *world {
	t.Helper()
	return newWorldAt(t, "https://a.test", &network{ports: map[string]string{}}, open, change)
}

// newWorldAt is newWorld with another address for our server.
func newWorldAt(t testing.TB, base string, n *network, open func(testing.TB, store.Options) *store.DB, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC), net: n, base: base}
	host := vocab.HostOf(base)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	w.db = open(t, store.Options{Now: w.now, Log: log})
	client := remote.New(remote.Options{AllowHTTP: true, Scheme: "http", Dial: w.net.dial, Timeout: 2 * time.Second, Now: w.now,
		Own: func(h string) bool { return h == host }})
	t.Cleanup(client.CloseIdle)
	p := pipeline.New(pipeline.Options{DB: w.db, Remote: client, URL: base, Domain: host, Now: w.now, Log: log, NewKey: oneKey})
	o := Options{DB: w.db, Pipeline: p, URL: base, Title: "A", Version: "0.1.0", Now: w.now, Log: log}
	if change != nil {
		change(&o)
	}
	w.Handler = New(o)
	r := chi.NewRouter()
	w.Routes(r)
	w.router = r
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(time.Millisecond)
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// ours makes an account.
func (w *world) ours(name string) *store.Actor {
	w.t.Helper()
	a, err := w.Pipeline.CreateAccount(context.Background(), store.NewAccount{Username: name, Email: name + "@mail.test", Confirmed: true, Approved: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// write publishes a post and returns its id.
func (w *world) write(by *store.Actor, d pipeline.Draft) int64 {
	w.t.Helper()
	id, err := w.Pipeline.Post(context.Background(), by, d)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// must fails the test on an error.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// get asks for a document; as is who signs, nil for nobody.
func (w *world) get(path string, as *peerActor, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://a.test"+path, nil)
	r.Header.Set("Accept", remote.ActivityPub.Header)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if as != nil {
		w.must(remote.Sign(r, nil, as.key(), w.now()))
	}
	rec := httptest.NewRecorder()
	w.router.ServeHTTP(rec, r)
	return rec
}

// getJSON is get for what must be there, decoded.
func (w *world) getJSON(path string, as *peerActor) map[string]any {
	w.t.Helper()
	rec := w.get(path, as)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", path, rec.Code, rec.Body)
	}
	return decode(w.t, rec.Body.Bytes())
}

func decode(t testing.TB, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m
}

// post sends a document to an inbox, signed by as.
func (w *world) post(path, doc string, as *peerActor) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.send(w.signed(path, doc, as))
}

func (w *world) signed(path, doc string, as *peerActor) *http.Request {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://a.test"+path, bytes.NewReader([]byte(doc)))
	r.Header.Set("Content-Type", activityJSON)
	w.must(remote.Sign(r, []byte(doc), as.key(), w.now()))
	return r
}

func (w *world) send(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.router.ServeHTTP(rec, r)
	return rec
}

// runArrivals does the arrivals' jobs that wait, once each, and returns their errors.
func (w *world) runArrivals() []error {
	w.t.Helper()
	var errs []error
	for _, line := range storetest.Dump(w.t, w.db, "SELECT id, payload FROM jobs WHERE kind = 'arrival'") {
		var id int64
		var payload string
		if _, err := fmt.Sscanf(line, "id=%d payload=%s", &id, &payload); err != nil {
			w.t.Fatal(err)
		}
		err := w.Jobs()[arrivalJob](context.Background(), store.Job{ID: id, Kind: arrivalJob, Payload: json.RawMessage(payload)})
		errs = append(errs, err)
		if err != nil && fault.Retryable(err) {
			continue
		}
		w.must(w.db.Write(context.Background(), func(tx *store.Tx) error { return tx.FinishJobs(context.Background(), []int64{id}) }))
	}
	return errs
}

// serve lets the other worlds of the network reach this one.
func (w *world) serve() {
	srv := httptest.NewServer(w.router)
	w.t.Cleanup(srv.Close)
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	w.net.ports[w.host+":80"] = srv.Listener.Addr().String()
}

// count returns how many rows a query has.
func (w *world) count(query string) int {
	w.t.Helper()
	return len(storetest.Dump(w.t, w.db, query))
}

// network maps the names of hosts to loopback ports.
type network struct {
	mu    sync.Mutex
	ports map[string]string
}

func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	to, ok := n.ports[addr]
	n.mu.Unlock()
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}

// peer is another server, http://NAME.
type peer struct {
	t    testing.TB
	name string
	mu   sync.Mutex
	docs map[string]string
	code map[string]int // Answers other than 200.
	hits map[string]int
}

func (w *world) peer(name string) *peer {
	p := &peer{t: w.t, name: name, docs: map[string]string{}, code: map[string]int{}, hits: map[string]int{}}
	srv := httptest.NewServer(p)
	w.t.Cleanup(srv.Close)
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	w.net.ports[name+":80"] = srv.Listener.Addr().String()
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[r.URL.Path]++
	if code := p.code[r.URL.Path]; code != 0 {
		w.WriteHeader(code)
		return
	}
	doc, ok := p.docs[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", activityJSON)
	fmt.Fprint(w, doc)
}

func (p *peer) answer(path string, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.code[path] = code
}

func (p *peer) asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[path]
}

// peerActor is somebody on another server.
type peerActor struct {
	peer  *peer
	name  string
	keyID vocab.IRI
	pem   string // Private key.
}

func (a *peerActor) id() vocab.IRI { return vocab.IRI("http://" + a.peer.name + "/users/" + a.name) }

func (a *peerActor) path() string { return "/users/" + a.name }

func (a *peerActor) key() *remote.Key {
	signer, err := remote.ParsePrivateKey(a.pem)
	if err != nil {
		a.peer.t.Fatal(err)
	}
	return &remote.Key{ID: a.keyID, Private: signer}
}

// actor serves an actor with the first of the test keys.
func (p *peer) actor(name string) *peerActor {
	a := &peerActor{peer: p, name: name}
	a.keyID = a.id() + "#main-key"
	a.rotate(0)
	return a
}

// rotate gives the actor another of the test keys, and serves it.
func (a *peerActor) rotate(n int) {
	a.pem = testKey(a.peer.t, n)
	signer := a.key().Private
	public, err := remote.EncodePublicKey(signer.Public())
	if err != nil {
		a.peer.t.Fatal(err)
	}
	id := a.id()
	doc, _ := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Person", "preferredUsername": a.name,
		"inbox": id + "/inbox", "followers": id + "/followers",
		"publicKey": map[string]any{"id": a.keyID, "owner": id, "publicKeyPem": public}})
	a.peer.mu.Lock()
	defer a.peer.mu.Unlock()
	a.peer.docs[a.path()] = string(doc)
}

// known has our server fetch the actor.
func (w *world) known(a *peerActor) *store.Actor {
	w.t.Helper()
	row, err := w.Pipeline.FetchActor(context.Background(), a.id())
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// follow has a stranger follow one of ours.
func (w *world) follow(a *peerActor, target *store.Actor) {
	w.t.Helper()
	doc := fmt.Sprintf(`{"id":"%s/follow/%s","type":"Follow","actor":"%s","object":"%s"}`, a.id(), target.Username, a.id(), target.URI)
	if err := w.Pipeline.ProcessDocument(context.Background(), []byte(doc), pipeline.Origin{Host: a.peer.name}); err != nil {
		w.t.Fatal(err)
	}
}

// note is a Create of a public Note.
func note(a *peerActor, n int, more string) string {
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%[1]s/create/%[2]d","type":"Create","actor":"%[1]s","to":["as:Public"],
		"object":{"id":"%[1]s/notes/%[2]d","type":"Note","attributedTo":"%[1]s","to":["as:Public"],"published":"2026-11-01T10:00:00Z","content":"note %[2]d"%[3]s}}`, a.id(), n, more)
}

// Keys take long to make: all tests share a few.
var testKeys = func() []func() (string, error) {
	var all []func() (string, error)
	for range 3 {
		all = append(all, sync.OnceValues(func() (string, error) {
			key, err := remote.NewRSAKey()
			if err != nil {
				return "", err
			}
			return remote.EncodePrivateKey(key)
		}))
	}
	return all
}()

func oneKey() (string, error) { return testKeys[0]() }

func testKey(t testing.TB, n int) string {
	t.Helper()
	pem, err := testKeys[n]()
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

// field follows a path of names and numbers into a decoded document.
func field(v any, path ...string) any {
	for _, name := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func contains(list any, want string) bool {
	for _, v := range list.([]any) {
		if v == want {
			return true
		}
	}
	return false
}
