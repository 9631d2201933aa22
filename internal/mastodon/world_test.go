package mastodon

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/mastodon/contract"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// world is a whole server behind the API, with real parts, that a real HTTP client
// talks to. Every answer is held against the documented entities.
type world struct {
	t      *testing.T
	api    *API
	db     *store.DB
	server *httptest.Server
	actors map[string]*store.Actor
	tokens map[string]string // By name and scopes.
}

// oneKey makes one key for all accounts: making one takes long.
var oneKey = sync.OnceValues(func() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
})

// settings are small enough to run into.
var settings = Settings{Title: "A test", Description: "Where tests live.", Contact: "admin@a.test", Version: "0.1.0", Rules: []string{"Be kind."},
	Languages: []string{"en"}, Registrations: "open", StatusCharacters: 500, StatusAttachments: 4, PollOptions: 4, PollOptionCharacters: 50,
	DescriptionCharacters: 1500, BioCharacters: 500, Scheduled: 300, ScheduledDaily: 25, ProfileFields: 4, MaxImage: 16 << 20, MaxVideo: 99 << 20}

// eachEngine runs a test with an empty server on each engine.
func eachEngine(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) { run(t, newWorld(t, db)) })
}

// onSQLite runs a test that no engine can change, on one.
func onSQLite(t *testing.T) *world {
	t.Helper()
	return newWorld(t, storetest.SQLite(t, store.Options{}))
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	hub := stream.New(stream.Options{DB: db, Log: quiet})
	t.Cleanup(hub.Close)
	p := pipeline.New(pipeline.Options{DB: db, Stream: hub, URL: "https://a.test", Domain: "a.test", NewKey: oneKey, Log: quiet})
	service := auth.New(auth.Options{DB: db, Accounts: p, URL: "https://a.test", Domain: "a.test", Registrations: "open", Log: quiet})
	api := New(Options{DB: db, Pipeline: p, Hub: hub, Auth: service, URL: "https://a.test", Domain: "a.test", Settings: settings, NoRateLimit: true, Log: quiet, Push: sender(t),
		Proxy: func(url string) string { return "/proxy/" + strings.TrimPrefix(url, "https://") }})
	w := &world{t: t, api: api, db: db, server: httptest.NewServer(counting(api)), actors: map[string]*store.Actor{}, tokens: map[string]string{}}
	t.Cleanup(w.server.Close)
	return w
}

// person returns an account of ours, which is made when there is none yet.
func (w *world) person(name string) *store.Actor {
	w.t.Helper()
	if a := w.actors[name]; a != nil {
		return a
	}
	a, err := w.api.Pipeline.CreateAccount(context.Background(), store.NewAccount{Username: name, Email: name + "@mail.test", Password: "-", Confirmed: true, Approved: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.actors[name] = a
	return a
}

// stranger returns an account on another server, which is made when there is none yet.
func (w *world) stranger(name, host string) *store.Actor {
	w.t.Helper()
	if a := w.actors[name+"@"+host]; a != nil {
		return a
	}
	id := vocab.IRI("https://" + host + "/users/" + name)
	a := &store.Actor{ID: w.db.IDs.Next(), URI: id, Type: "Person", Host: host, Domain: host, Username: name, Inbox: id + "/inbox", Followers: id + "/followers"}
	a.Seq = a.ID
	profile := &store.Profile{URL: vocab.IRI("https://" + host + "/@" + name), DisplayName: "The \"stranger\"", Note: "<p>Hi</p>", Avatar: vocab.IRI("https://" + host + "/face.png"),
		Type: "Person", Fields: []store.ProfileField{{Name: "Pronouns", Value: "they"}}, Emoji: []store.Emoji{{Shortcode: "blob", URL: vocab.IRI("https://" + host + "/blob.png")}}}
	err := w.db.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.InsertActor(context.Background(), a, `{"id":"`+string(id)+`","type":"Person","preferredUsername":"`+name+`","inbox":"`+string(id)+`/inbox","followers":"`+string(id)+`/followers"}`); err != nil {
			return err
		}
		return tx.SetProfile(context.Background(), a.ID, profile)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.actors[name+"@"+host] = a
	return a
}

// token returns an access token of a person with these scopes; name "" is an app's own.
func (w *world) token(name, scopes string) string {
	w.t.Helper()
	key := name + " " + scopes
	if had := w.tokens[key]; had != "" {
		return had
	}
	var actor int64
	if name != "" {
		actor = w.person(name).ID
	}
	secret, err := w.api.Auth.NewToken(context.Background(), "access", store.Token{Actor: actor, Scopes: scopes}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens[key] = secret
	return secret
}

// response is an answer that was read.
type response struct {
	*http.Response
	t    *testing.T
	body []byte
}

// fullScopes are what as has.
const fullScopes = "read write follow push"

// as sends a request as somebody with all scopes ("" is nobody) and checks that the
// answer is as documented. body is a form, or JSON where it begins with a brace.
func (w *world) as(who, method, path, body string) *response {
	w.t.Helper()
	token := ""
	if who != "" {
		token = w.token(who, fullScopes)
	}
	return w.send(token, method, path, body, nil)
}

func (w *world) send(token, method, path, body string, header http.Header) *response {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	switch {
	case req.Header.Get("Content-Type") != "" || body == "":
	case strings.HasPrefix(body, "{"):
		req.Header.Set("Content-Type", "application/json")
	default:
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := contract.CheckResponse(method, path, res.StatusCode, data); err != nil {
		w.t.Errorf("the answer is not as documented: %v\n%.2000s", err, data)
	}
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		w.t.Errorf("%s %s answers with %q, want JSON", method, path, got)
	}
	return &response{res, w.t, data}
}

// want fails the test unless the answer has that status and contains the values of
// a JSON object or list (fields that are not named may be anything).
func (r *response) want(status int, pattern string) *response {
	r.t.Helper()
	if r.StatusCode != status {
		r.t.Fatalf("%s %s: %d, want %d: %.500s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.body)
	}
	if pattern == "" {
		return r
	}
	var want, got any
	if err := json.Unmarshal([]byte(pattern), &want); err != nil {
		r.t.Fatalf("pattern %s: %v", pattern, err)
	}
	if err := json.Unmarshal(r.body, &got); err != nil {
		r.t.Fatal(err)
	}
	if where := differs(want, got, ""); where != "" {
		r.t.Fatalf("%s %s: %s\nwant %s\n got %.3000s", r.Request.Method, r.Request.URL.Path, where, pattern, r.body)
	}
	return r
}

// differs compares what is named in want, and says where it first differs.
func differs(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for k, v := range want {
			if where := differs(v, m[k], at+"."+k); where != "" {
				return where
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return at + " is not a list of that length"
		}
		for i := range want {
			if where := differs(want[i], list[i], at+"[]"); where != "" {
				return where
			}
		}
		return ""
	}
	if want != got {
		return at
	}
	return ""
}

// id returns the id of the answer's object.
func (r *response) id() string {
	r.t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal(r.body, &v); err != nil || v.ID == "" {
		r.t.Fatalf("no id in %d %.300s", r.StatusCode, r.body)
	}
	return v.ID
}

// ids returns those of a list.
func (r *response) ids() []string {
	r.t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal(r.body, &list); err != nil {
		r.t.Fatalf("no list: %d %.300s", r.StatusCode, r.body)
	}
	ids := []string{}
	for _, v := range list {
		ids = append(ids, v.ID)
	}
	return ids
}

// post publishes a text and returns its id.
func (w *world) post(who, form string) string {
	w.t.Helper()
	return w.as(who, "POST", "/api/v1/statuses", form).want(200, "").id()
}

// follow has one account of ours follow another.
func (w *world) follow(who, whom string) {
	w.t.Helper()
	if err := w.api.Pipeline.Follow(context.Background(), w.person(who), w.person(whom)); err != nil {
		w.t.Fatal(err)
	}
}

// arrives takes a document from another server through the pipeline.
func (w *world) arrives(host string, doc map[string]any) {
	w.t.Helper()
	doc["@context"] = "https://www.w3.org/ns/activitystreams"
	data, err := json.Marshal(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.api.Pipeline.ProcessDocument(context.Background(), data, pipeline.Origin{Host: host}); err != nil {
		w.t.Fatal(err)
	}
}
