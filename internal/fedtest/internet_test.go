package fedtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// internet is every host of the fake kind: it serves documents by their address,
// takes whatever is posted, and remembers both.
type internet struct {
	t *testing.T
	w *World

	mu      sync.Mutex
	hosts   map[string]bool
	pages   map[string]page
	fingers map[string]page // By host and resource.
	flaky   map[string]bool // Hosts whose next WebFinger question gets a 404.
	asked   []string        // "GET http://…"
	posted  []delivered
}

type page struct{ contentType, body string }

// delivered is an activity that somebody posted to a fake inbox.
type delivered struct {
	To     string          `json:"-"`
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Obj    json.RawMessage `json:"object"`
	Result string          `json:"result"`
	Sig    json.RawMessage `json:"signature"`
	Body   string          `json:"-"` // All of it.
}

func newInternet(t *testing.T, w *World) *internet {
	return &internet{t: t, w: w, hosts: map[string]bool{}, pages: map[string]page{}, fingers: map[string]page{}, flaky: map[string]bool{}}
}

// host makes a name lead here, unless a server has it.
func (n *internet) host(name string) {
	n.mu.Lock()
	have := n.hosts[name]
	n.hosts[name] = true
	n.mu.Unlock()
	if !have && n.w.servers[name] == nil {
		n.w.Host(name, n)
	}
}

// ServeHTTP implements http.Handler.
func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := "http://" + r.Host + r.URL.RequestURI()
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, r.Method+" "+address)
	if r.Method == http.MethodPost {
		d := delivered{To: address, Body: string(body)}
		if err := json.Unmarshal(body, &d); err != nil {
			n.t.Errorf("%s got %q: %v", address, body, err)
		}
		n.posted = append(n.posted, d)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	p, ok := n.pages[address]
	if r.URL.Path == "/.well-known/webfinger" {
		p, ok = n.fingers[r.Host+" "+r.URL.Query().Get("resource")]
		if n.flaky[r.Host] {
			n.flaky[r.Host], ok = false, false
		}
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", p.contentType)
	io.WriteString(w, p.body)
}

// serve puts a document at an address.
func (n *internet) serve(address, contentType, body string) {
	u, err := url.Parse(address)
	if err != nil {
		n.t.Fatal(err)
	}
	u.Fragment = ""
	if u.Path == "" {
		u.Path = "/"
	}
	n.host(u.Host)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pages[u.String()] = page{contentType, body}
}

// gone makes an address answer that there is nothing any more.
func (n *internet) gone(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.pages, address)
}

func (n *internet) finger(host, resource, contentType, body string) {
	n.host(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fingers[host+" "+resource] = page{contentType, body}
}

// actor serves an actor with a key that the test holds: doc, or one made up when
// that is nil. WebFinger there knows it as name, "" for what its document says.
func (n *internet) actor(id string, doc map[string]any, name string) {
	if doc == nil {
		doc = map[string]any{"type": "Person", "preferredUsername": usernameIn(id), "inbox": id + "/inbox", "outbox": id + "/outbox", "followers": id + "/followers"}
	}
	doc["@context"], doc["id"] = "https://www.w3.org/ns/activitystreams", id
	doc["publicKey"] = map[string]any{"id": keyID(id, doc), "owner": id, "publicKeyPem": publicPEM(n.t)}
	if name == "" {
		name, _ = doc["preferredUsername"].(string)
	} else if doc["preferredUsername"] != name {
		doc["preferredUsername"] = name
	}
	n.serve(id, "application/activity+json", encode(n.t, doc))
	host := vocab.IRI(id).Host()
	acct := "acct:" + name + "@" + host
	n.finger(host, acct, "application/jrd+json", encode(n.t, map[string]any{"subject": acct,
		"links": []any{map[string]any{"rel": "self", "type": "application/activity+json", "href": id}}}))
}

// keyID is that of the document's own key, else the usual one.
func keyID(id string, doc map[string]any) string {
	if k, ok := doc["publicKey"].(map[string]any); ok {
		if kid, ok := k["id"].(string); ok {
			return kid
		}
	}
	return id + "#main-key"
}

func publicPEM(t *testing.T) string {
	pem, err := remote.EncodePublicKey(signer(t, "").Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

// signer is the key of every fake actor, under one of their key ids.
func signer(t *testing.T, id string) *remote.Key {
	text, err := oneKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := remote.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return &remote.Key{ID: vocab.IRI(id), Private: key}
}

// deliver posts an activity to a server's shared inbox, signed as actor, lets
// everything settle, and returns the status of the answer.
func (n *internet) deliver(to *Server, actor, doc string) int {
	n.t.Helper()
	code, _ := n.post(to, actor, doc)
	n.w.Settle()
	return code
}

func (n *internet) post(to *Server, actor, doc string) (status int, took time.Duration) {
	n.t.Helper()
	return n.postTo(to, "/inbox", actor, doc)
}

// postTo is post to another inbox than the shared one.
func (n *internet) postTo(to *Server, inbox, actor, doc string) (status int, took time.Duration) {
	n.t.Helper()
	req, err := http.NewRequest(http.MethodPost, to.web.URL+inbox, bytes.NewReader([]byte(doc)))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Host = to.Host
	req.Header.Set("Content-Type", "application/activity+json")
	key := actor + "#main-key"
	n.mu.Lock()
	if p, ok := n.pages[actor]; ok {
		key = keyID(actor, decode(n.t, p.body))
	}
	n.mu.Unlock()
	if err := remote.Sign(req, []byte(doc), signer(n.t, key), n.w.now()); err != nil {
		n.t.Fatal(err)
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, time.Since(began)
}

// got tells whether a request came, "GET http://…".
func (n *internet) got(request string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.asked {
		if a == request {
			return true
		}
	}
	return false
}

// took returns the last activity of a type that was posted to an inbox of host.
func (n *internet) took(host, typ string) (delivered, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.posted) - 1; i >= 0; i-- {
		if d := n.posted[i]; d.Type == typ && strings.HasPrefix(d.To, "http://"+host+"/") {
			return d, true
		}
	}
	return delivered{}, false
}

// follow has u follow a fake actor, which accepts.
func (n *internet) follow(u *User, actor string) {
	n.t.Helper()
	n.request(u, actor)
	f, ok := n.took(vocab.IRI(actor).Host(), "Follow")
	if !ok {
		n.t.Fatalf("%s got no Follow", actor)
	}
	n.deliver(u.Server, actor, encode(n.t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": actor + "#accept-test",
		"type": "Accept", "actor": actor, "object": f.ID}))
}

// request has u ask to follow a fake actor.
func (n *internet) request(u *User, actor string) {
	n.t.Helper()
	u.Call("POST", "/api/v1/accounts/"+u.account(actor).ID+"/follow", nil, nil)
	n.w.Settle()
}

// profile is an Account with what only these tests look at.
type profile struct {
	Account
	Emojis    []struct{ Shortcode string }
	Indexable bool
	Memorial  bool
	Pleroma   struct {
		AlsoKnownAs []string `json:"also_known_as"`
	}
}

// account looks up an actor by its address.
func (u *User) account(uri string) profile {
	u.w.t.Helper()
	a, ok := u.lookUp(uri)
	if !ok {
		u.w.t.Fatalf("%s does not find %s", u.Handle(), uri)
	}
	return a
}

func (u *User) lookUp(q string) (profile, bool) {
	u.w.t.Helper()
	var found struct{ Accounts []profile }
	u.Call("GET", "/api/v2/search", url.Values{"q": {q}, "resolve": {"true"}, "type": {"accounts"}}, &found)
	if len(found.Accounts) == 0 {
		return profile{}, false
	}
	return found.Accounts[0], true
}

// relation is what stands between a person and an account.
type relation struct {
	Following  bool
	Requested  bool
	FollowedBy bool `json:"followed_by"`
	BlockedBy  bool `json:"blocked_by"`
}

func (u *User) relation(uri string) relation {
	u.w.t.Helper()
	var list []relation
	u.Call("GET", "/api/v1/accounts/relationships", url.Values{"id[]": {u.account(uri).ID}}, &list)
	if len(list) != 1 {
		u.w.t.Fatalf("%d relationships with %s", len(list), uri)
	}
	return list[0]
}

func encode(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode(t *testing.T, doc string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
