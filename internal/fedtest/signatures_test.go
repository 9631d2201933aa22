package fedtest

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"kenoma/internal/proof"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// outsider is a server of the test's own with one person, bob. It checks each signature.
type outsider struct {
	t    *testing.T
	w    *World
	host string
	key  *remote.Key
	// takes is the form of signature without which it refuses everything but its
	// actor; 0: it takes each.
	takes remote.Form

	mu    sync.Mutex
	inbox []string // What arrived.
	asked []remote.Form
	docs  map[string]string // What it serves, by path.
}

// outsider starts a server of that kind.
func (w *World) outsider(t *testing.T, host string, takes remote.Form) *outsider {
	t.Helper()
	text, err := oneKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := remote.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	s := &outsider{t: t, w: w, host: host, takes: takes, docs: map[string]string{}}
	s.key = &remote.Key{ID: s.bob() + "#main-key", Private: private}
	public, err := remote.EncodePublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	actor := vocab.Actor{ID: s.bob(), Type: "Person", PreferredUsername: "bob", Inbox: s.bob() + "/inbox", Followers: s.bob() + "/followers",
		Keys: []vocab.PublicKey{{ID: s.key.ID, Owner: s.bob(), PEM: public}}}
	s.docs["/users/bob"] = string(actor.Encode())
	s.docs["/.well-known/webfinger"] = fmt.Sprintf(`{"subject":"acct:bob@%s","links":[{"rel":"self","type":"application/activity+json","href":"%s"}]}`, host, s.bob())
	w.Host(host, s)
	return s
}

func (s *outsider) bob() vocab.IRI { return vocab.IRI("http://" + s.host + "/users/bob") }

func (s *outsider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/.well-known/webfinger" {
		w.Header().Set("Content-Type", "application/jrd+json")
		io.WriteString(w, s.docs[r.URL.Path])
		return
	}
	signature, err := remote.Parse(r)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.asked = append(s.asked, signature.Form())
	if s.takes != 0 && signature.Form() != s.takes {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := signature.Verify(r, body, s.key.Private.Public(), s.w.now()); err != nil { // All share one key.
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	if r.Method == http.MethodPost {
		s.inbox = append(s.inbox, string(body))
		w.WriteHeader(http.StatusAccepted)
		return
	}
	doc, ok := s.docs[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/activity+json")
	io.WriteString(w, doc)
}

// arrived returns what came since the last time, by type.
func (s *outsider) arrived() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]string{}
	for _, doc := range s.inbox {
		_, typ, err := vocab.TypeOf([]byte(doc))
		if err != nil {
			s.t.Error(err)
		}
		found[typ] = doc
	}
	s.inbox = nil
	return found
}

// forms returns in which forms it was asked since the last time.
func (s *outsider) forms() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := fmt.Sprint(s.asked)
	s.asked = nil
	return asked
}

// send delivers a document to a server's shared inbox, signed by bob.
func (s *outsider) send(to, doc string) int {
	s.t.Helper()
	req, err := http.NewRequest("POST", "http://"+to+"/inbox", strings.NewReader(doc))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/activity+json")
	sign := remote.Sign
	if s.takes == remote.RFC9421 {
		sign = remote.SignMessage
	}
	if err := sign(req, []byte(doc), s.key, s.w.now()); err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: s.w.dial}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// follow has bob follow somebody.
func (s *outsider) follow(u *User) {
	s.t.Helper()
	doc := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"http://%s/follows/%s","type":"Follow","actor":"%s","object":"%s"}`, s.host, u.Actor.Username, s.bob(), u.Actor.URI)
	if code := s.send(u.Server.Host, doc); code != http.StatusAccepted {
		s.t.Fatalf("the follow: %d", code)
	}
	s.w.Settle()
}

// Servers that take one form of signature only, each way: a delivery, a fetch, an arrival. The
// other form is tried once.
func TestFormsOfSignatures(t *testing.T) {
	for name, takes := range map[string]remote.Form{"draft.test": remote.DraftCavage, "rfc.test": remote.RFC9421} {
		t.Run(name, func(t *testing.T) {
			w := New(t, "a.test")
			ann := w.User("ann@a.test")
			s := w.outsider(t, name, takes)
			s.follow(ann)
			if code := s.send("a.test", fmt.Sprintf(`{"id":"http://%s/1/create","type":"Create","actor":"%s","to":["as:Public"],"object":{"id":"http://%s/1","type":"Note","attributedTo":"%s","content":"Hi","to":["as:Public"]}}`, name, s.bob(), name, s.bob())); code != 202 {
				t.Errorf("an arrival: %d", code)
			}
			w.Settle()
			if _, ok := ann.See("http://" + name + "/1"); !ok {
				t.Error("bob's post is not there")
			}
			first := s.forms()
			ann.Post("Good morning", "public")
			w.Settle()
			if s.arrived()["Create"] == "" {
				t.Error("the post did not arrive")
			}
			w.servers["a.test"].Down()
			w.servers["a.test"].Up()
			ann.Post("Good evening", "public")
			w.Settle()
			want := fmt.Sprintf("[%d %d]", takes, takes) // What is known needs no second try, also after a start.
			if got := s.forms(); got != want || strings.Count(first, "1") > 1 && takes == remote.RFC9421 {
				t.Errorf("asked in the forms %s, then %s; want %s in the end", first, got, want)
			}
		})
	}
}

// Authorized fetch: whoever signs may read, in each form; the instance actor
// needs no signature, and with it two such servers read each other.
func TestAuthorizedFetchBothWays(t *testing.T) {
	w := New(t)
	for _, host := range []string{"a.test", "b.test"} {
		w.Start(host, "KENOMA_FEDERATION_AUTHORIZED_FETCH=true")
	}
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	ann.Post("For those who say who they are", "public")
	w.Settle()
	if got := bob.Home(); len(got) != 1 {
		t.Errorf("bob's home has %d posts", len(got))
	}
	for _, takes := range []remote.Form{remote.DraftCavage, remote.RFC9421} {
		s := w.outsider(t, fmt.Sprintf("reader%d.test", takes), takes)
		for path, want := range map[string]int{"/users/ann": 200, "/actor": 200} {
			req, err := http.NewRequest("GET", "http://a.test"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "application/activity+json")
			client := &http.Client{Transport: &http.Transport{DialContext: w.dial}}
			unsigned, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			unsigned.Body.Close()
			if without := map[string]int{"/users/ann": 401, "/actor": 200}[path]; unsigned.StatusCode != without {
				t.Errorf("%s without a signature: %d, want %d", path, unsigned.StatusCode, without)
			}
			sign := remote.Sign
			if takes == remote.RFC9421 {
				sign = remote.SignMessage
			}
			if err := sign(req, nil, s.key, w.now()); err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			client.CloseIdleConnections()
			if resp.StatusCode != want {
				t.Errorf("%s signed in form %d: %d, want %d", path, takes, resp.StatusCode, want)
			}
		}
	}
}

// Limited federation: a host that isn't allowed neither delivers nor reads nor gets anything,
// one that is does all of it.
func TestLimitedFederationByForms(t *testing.T) {
	for name, takes := range map[string]remote.Form{"draft": remote.DraftCavage, "RFC 9421": remote.RFC9421} {
		t.Run(name, func(t *testing.T) {
			w := New(t)
			w.Start("a.test", "KENOMA_FEDERATION_LIMITED=true", "KENOMA_FEDERATION_AUTHORIZED_FETCH=true")
			ann := w.User("ann@a.test")
			if err := w.Server("a.test").Pipeline.SetHostAllow(context.Background(), ann.Actor.ID, &store.NameRow{Name: "friend.test"}, true); err != nil {
				t.Fatal(err)
			}
			for host, let := range map[string]bool{"friend.test": true, "other.test": false} {
				s := w.outsider(t, host, takes)
				doc := fmt.Sprintf(`{"id":"http://%s/f","type":"Follow","actor":"%s","object":"%s"}`, host, s.bob(), ann.Actor.URI)
				s.send("a.test", doc)
				w.Settle()
				if got := len(ann.Notifications()) == 1; got != let {
					t.Errorf("%s: the follow arrived %t", host, got)
				}
				if got := s.arrived()["Accept"] != ""; got != let {
					t.Errorf("%s: the follow was answered %t", host, got)
				}
				req, err := http.NewRequest("GET", string(ann.Actor.URI), nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept", "application/activity+json")
				sign := remote.Sign
				if takes == remote.RFC9421 {
					sign = remote.SignMessage
				}
				if err := sign(req, nil, s.key, w.now()); err != nil {
					t.Fatal(err)
				}
				client := &http.Client{Transport: &http.Transport{DialContext: w.dial}}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				client.CloseIdleConnections()
				if got := resp.StatusCode == 200; got != let {
					t.Errorf("%s: reading gives %d", host, resp.StatusCode)
				}
				if let { // Or the next one's notification would be the second.
					ann.Call("POST", "/api/v1/notifications/clear", nil, nil)
				}
			}
		})
	}
}

// What our people send out carries a proof of theirs; public answers and ends carry a Linked Data
// Signature too; messages carry neither.
//
// spec: fep-8b32
func TestOutgoingProofs(t *testing.T) {
	w := New(t, "a.test")
	ann := w.User("ann@a.test")
	s := w.outsider(t, "b.test", 0)
	s.follow(ann)
	s.arrived()

	post := ann.Post("Good morning", "public")
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Create"], true, false)
	ann.Post("Good morning to you too", "public", "in_reply_to_id", post.ID)
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Create"], true, true)
	ann.Post("Followers", "private")
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Create"], true, false)
	ann.Post("@bob@b.test psst", "direct")
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Create"], false, false)
	ann.Call("PUT", "/api/v1/statuses/"+post.ID, map[string][]string{"status": {"Good evening"}}, nil)
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Update"], true, false)
	ann.Call("POST", "/api/v1/statuses/"+post.ID+"/reblog", nil, nil)
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Announce"], true, false)
	ann.Call("DELETE", "/api/v1/statuses/"+post.ID, nil, nil)
	w.Settle()
	checkVouched(t, w, ann, s.arrived()["Delete"], true, true)
}

// checkVouched checks the signatures in a document against the keys in ann's document.
func checkVouched(t *testing.T, w *World, by *User, doc string, proven, linked bool) {
	t.Helper()
	if doc == "" {
		t.Error("nothing came")
		return
	}
	keys := publicKeys(t, by)
	p, err := proof.Find([]byte(doc))
	if err != nil || (p != nil) != proven {
		t.Errorf("a proof: %v, %v; want %t: %s", p, err, proven, doc)
	}
	if p != nil {
		if err := p.Verify(keys[p.Method()], w.now()); err != nil {
			t.Errorf("%v: %s", err, doc)
		}
	}
	l, err := proof.FindLinked([]byte(doc))
	if err != nil || (l != nil) != linked {
		t.Errorf("a Linked Data Signature: %v, %v; want %t: %s", l, err, linked, doc)
	}
	if l != nil {
		if _, err := l.Verify(keys[l.Creator()], w.now()); err != nil {
			t.Errorf("%v: %s", err, doc)
		}
	}
}

// publicKeys are those in a person's document, by their ids.
func publicKeys(t *testing.T, u *User) map[vocab.IRI]crypto.PublicKey {
	t.Helper()
	doc, err := u.Server.DB.ActorDoc(context.Background(), u.Actor.ID)
	if err != nil {
		t.Fatal(err)
	}
	a, err := vocab.DecodeActor([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[vocab.IRI]crypto.PublicKey{}
	for _, k := range a.Keys {
		key, err := remote.ParsePublicKey(k.PEM + k.Multi)
		if err != nil {
			t.Fatal(err)
		}
		keys[k.ID] = key
	}
	return keys
}

// Accounts from before there were proofs get their key by a job, or with an edit of the
// profile.
func TestOldAccountsGetProofKeys(t *testing.T) {
	ctx := context.Background()
	w := New(t, "a.test")
	model := w.User("model@a.test")
	s := w.Server("a.test")
	private, err := oneKey()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := s.DB.ActorDoc(ctx, model.Actor.ID)
	if err != nil {
		t.Fatal(err)
	}
	old := func(name string) *User { // As it was before.
		a, err := vocab.DecodeActor([]byte(strings.ReplaceAll(doc, "/users/model", "/users/"+name)))
		if err != nil {
			t.Fatal(err)
		}
		a.Keys, a.PreferredUsername = a.Keys[:1], name
		row := *model.Actor
		row.ID = s.DB.IDs.Next()
		row.Seq, row.URI, row.Username, row.KeyID = row.ID, a.ID, name, string(a.Keys[0].ID)
		err = s.DB.Write(ctx, func(tx *store.Tx) error {
			if err := tx.InsertActor(ctx, &row, string(a.Encode())); err != nil {
				return err
			}
			return tx.InsertAccount(ctx, row.ID, private, store.NewAccount{Username: name, Email: name + "@a.test", Confirmed: true, Approved: true})
		})
		if err != nil {
			t.Fatal(err)
		}
		return &User{w: w, Server: s, Actor: &row}
	}
	edited, left := old("edited"), old("left")
	for _, u := range []*User{edited, left} {
		if n := len(publicKeys(t, u)); n != 1 {
			t.Fatalf("%s has %d keys", u.Actor.URI, n)
		}
	}
	if err := s.Pipeline.EditProfile(ctx, edited.Actor, func(a *vocab.Actor) { a.Name = "Ann" }); err != nil {
		t.Fatal(err)
	}
	if n := len(publicKeys(t, edited)); n != 2 {
		t.Errorf("after an edit %d keys", n)
	}
	before := publicKeys(t, edited)[edited.Actor.URI+store.ProofKeyID]
	if err := s.Pipeline.ScheduleProofKeys(ctx); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if n := len(publicKeys(t, left)); n != 2 {
		t.Errorf("after the job %d keys", n)
	}
	if after := publicKeys(t, edited)[edited.Actor.URI+store.ProofKeyID].(ed25519.PublicKey); !after.Equal(before) {
		t.Error("the job changed a key that was there")
	}
	if missing, err := s.DB.WithoutProofKey(ctx, 0, 10); err != nil || len(missing) != 0 {
		t.Errorf("without a key: %v, %v", missing, err)
	}
}
