package auth_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/pgtest"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// world is a service with a real database and pipeline, asked over HTTP.
type world struct {
	t      *testing.T
	db     *store.DB
	auth   *auth.Service
	server *httptest.Server
	mail   *outbox
	now    time.Time
	nowMu  sync.Mutex
}

// outbox keeps mail instead of sending it.
type outbox struct {
	mu   sync.Mutex
	sent []letter
	err  error // What sending answers.
}

type letter struct{ To, Subject, Text string }

// Send implements auth.Mailer.
func (o *outbox) Send(_ context.Context, to, subject, text string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.sent = append(o.sent, letter{to, subject, text})
	return nil
}

// oneKey makes one key for all accounts: making one takes long.
var oneKey = sync.OnceValues(func() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
})

// eachEngine runs a test with an empty server on each engine. change may be nil.
func eachEngine(t *testing.T, change func(*auth.Options), run func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) { run(t, newWorld(t, open, change)) })
	}
}

// onSQLite makes an empty server for a test that no engine can change.
func onSQLite(t *testing.T, change func(*auth.Options)) *world {
	t.Helper()
	return newWorld(t, storetest.SQLite, change)
}

func newWorld(t *testing.T, open func(testing.TB, store.Options) *store.DB, change func(*auth.Options)) *world {
	t.Helper()
	w := &world{t: t, mail: &outbox{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.db = open(t, store.Options{Now: w.clock})
	quiet := slog.New(slog.DiscardHandler)
	p := pipeline.New(pipeline.Options{DB: w.db, URL: "https://a.test", Domain: "a.test", NewKey: oneKey, Log: quiet, Now: w.clock})
	o := auth.Options{DB: w.db, Accounts: p, URL: "https://a.test", Domain: "a.test", Registrations: "open", PasswordGrant: true, Log: quiet, Now: w.clock}
	if change != nil {
		change(&o)
	}
	if o.Mail != nil {
		o.Mail = w.mail
	}
	w.auth = auth.New(o)
	r := chi.NewRouter()
	w.auth.Routes(r)
	w.server = httptest.NewServer(r)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) clock() time.Time {
	w.nowMu.Lock()
	defer w.nowMu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.nowMu.Lock()
	defer w.nowMu.Unlock()
	w.now = w.now.Add(d)
}

const password = "correct horse"

// person makes an account that is ready to be used.
func (w *world) person(name string) *store.Actor {
	w.t.Helper()
	actor, err := w.auth.CreateAccount(w.t.Context(), name, name+"@mail.test", password, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return actor
}

// change edits an account.
func (w *world) change(actor int64, edit func(a *store.Account)) {
	w.t.Helper()
	ctx := w.t.Context()
	err := w.db.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		edit(a)
		return tx.UpdateAccount(ctx, a)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.auth.Forget()
}

// app is a registered client.
type app struct{ ID, Secret string }

const callback = "https://app.test/back"

// app registers a client.
func (w *world) app(scopes string) app {
	w.t.Helper()
	status, got, _ := w.post("/api/v1/apps", url.Values{"client_name": {"Tusk"}, "redirect_uris": {callback + "\n" + auth.OutOfBand}, "scopes": {scopes}})
	if status != 200 {
		w.t.Fatalf("registering an app: %d %v", status, got)
	}
	return app{got["client_id"].(string), got["client_secret"].(string)}
}

// code lets an app in to an account, as the consent page does.
func (w *world) code(a app, actor int64, more url.Values) string {
	w.t.Helper()
	v := url.Values{"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {callback}}
	for k, one := range more {
		v[k] = one
	}
	q, err := w.auth.Authorize(w.t.Context(), v)
	if err != nil {
		w.t.Fatal(err)
	}
	reply, err := w.auth.Grant(w.t.Context(), q, actor)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(reply.Location)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query().Get("code")
}

// token makes an access token of an account.
func (w *world) token(actor int64, scopes string) string {
	w.t.Helper()
	secret, err := w.auth.NewToken(w.t.Context(), "access", store.Token{Actor: actor, Scopes: scopes}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// post sends a form and returns the status, the JSON object and the headers.
func (w *world) post(path string, form url.Values) (int, map[string]any, http.Header) {
	w.t.Helper()
	return w.send("POST", path, "application/x-www-form-urlencoded", form.Encode(), nil)
}

func (w *world) send(method, path, kind, body string, edit func(*http.Request)) (int, map[string]any, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if edit != nil {
		edit(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		w.t.Fatalf("%s %s: %d with a body that is no JSON object: %q", method, path, res.StatusCode, raw)
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		w.t.Errorf("%s %s: Content-Type %q", method, path, kind)
	}
	return res.StatusCode, got, res.Header
}

// bearer sends a token along.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}
