package delivery_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/delivery"
	"kenoma/internal/fault"
	"kenoma/internal/pgtest"
	"kenoma/internal/queue"
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

// world is a server with one account, Ann, and a network that the test scripts.
type world struct {
	testing.TB
	db  *store.DB
	d   *delivery.Delivery
	q   *queue.Queue
	net *network
	ann *store.Actor

	refused map[string]bool

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) set(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

func (w *world) pass(d time.Duration) { w.set(w.clock().Add(d)) }

// network answers requests as the test says, 202 by default.
type network struct {
	mu     sync.Mutex
	status map[string]int // By host; 0 takes it, −1 is silence.
	after  time.Duration  // Retry-After of refusals.
	got    map[string][]string
	tried  map[string]int // Requests by host, whatever became of them.
	bodies map[string]map[string]bool
	keys   map[vocab.IRI]bool
}

func (n *network) Post(_ context.Context, inbox vocab.IRI, body []byte, key *remote.Key, _ *remote.Synchronization) (*remote.Answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	host := inbox.Host()
	n.tried[host]++
	n.keys[key.ID] = true
	a, err := vocab.DecodeActivity(body)
	if err != nil {
		return nil, err
	}
	line := a.Type
	if a.Inline != nil {
		line += " " + a.Inline.Content
	}
	switch status := n.status[host]; {
	case status < 0:
		return nil, fault.New(fault.Transient, "%s does not answer.", host)
	case status > 0:
		answer := remote.Answer{Status: status, RetryAfter: n.after}
		return &answer, fault.Because(&remote.StatusError{URL: inbox, Answer: answer}, fault.Rejected, "%s refused the request.", host)
	}
	n.got[string(inbox)] = append(n.got[string(inbox)], strings.TrimSpace(line))
	if n.bodies[string(a.ID)] == nil {
		n.bodies[string(a.ID)] = map[string]bool{}
	}
	n.bodies[string(a.ID)][string(body)] = true
	return &remote.Answer{Status: 202}, nil
}

func (n *network) answer(host string, status int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status[host] = status
}

func (n *network) requests(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.tried[host]
}

// each runs a test in a world on each engine.
func each(t *testing.T, run func(t *testing.T, w *world)) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, engine := range []struct {
		name string
		open func(testing.TB, store.Options) *store.DB
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		t.Run(engine.name, func(t *testing.T) {
			w := &world{TB: t, now: start}
			w.db = engine.open(t, store.Options{Now: w.clock})
			w.net = &network{status: map[string]int{}, got: map[string][]string{}, tried: map[string]int{}, bodies: map[string]map[string]bool{}, keys: map[vocab.IRI]bool{}}
			w.refused = map[string]bool{}
			w.d = delivery.New(delivery.Options{DB: w.db, Remote: w.net, Host: "a.test",
				Refuses: func(host string) bool { return w.refused[host] }})
			quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
			w.q = queue.New(w.db, w.d.Jobs(), queue.Options{Kinds: w.d.Kinds(), Log: quiet})
			w.ann = w.actor("https://a.test/users/ann", "")
			_, private, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			pem, err := remote.EncodePrivateKey(private)
			if err != nil {
				t.Fatal(err)
			}
			w.write(func(tx *store.Tx) error {
				return tx.InsertAccount(context.Background(), w.ann.ID, pem, store.NewAccount{Username: "ann"})
			})
			run(t, w)
		})
	}
}

func (w *world) write(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := w.db.Write(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

// actor adds an actor, of ours on a.test.
func (w *world) actor(uri vocab.IRI, shared vocab.IRI) *store.Actor {
	w.Helper()
	a := &store.Actor{ID: w.db.IDs.Next(), URI: uri, Type: "Person", Host: uri.Host(), Local: uri.Host() == "a.test", Username: string(uri[strings.LastIndex(string(uri), "/")+1:]),
		Inbox: uri + "/inbox", SharedInbox: shared, Followers: uri + "/followers", KeyID: string(uri) + "#main-key"}
	if !a.Local {
		a.Domain = a.Host
	}
	w.write(func(tx *store.Tx) error {
		return tx.InsertActor(context.Background(), a, fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"Person","content":"is %s"}`, uri, a.Username))
	})
	return a
}

// person adds an actor on a host that has a shared inbox.
func (w *world) person(name, host string) *store.Actor {
	return w.actor(vocab.IRI("https://"+host+"/users/"+name), vocab.IRI("https://"+host+"/inbox"))
}

// follow has people follow Ann.
func (w *world) follow(people ...*store.Actor) {
	w.Helper()
	w.write(func(tx *store.Tx) error {
		for _, p := range people {
			if _, err := tx.SetFollow(context.Background(), store.Follow{Actor: p.ID, Target: w.ann.ID, Seq: tx.NewID(), Accepted: true, Local: p.Local}); err != nil {
				return err
			}
		}
		return nil
	})
}

// act logs an activity of Ann, with the job that expands it, as the pipeline does.
func (w *world) act(typ string, object int64, a vocab.Activity, also ...func(tx *store.Tx) error) int64 {
	w.Helper()
	var seq int64
	w.write(func(tx *store.Tx) error {
		ctx := context.Background()
		seq = tx.NewID()
		a.ID, a.Type, a.Actor = vocab.IRI(fmt.Sprintf("https://a.test/activities/%d", seq)), typ, w.ann.URI
		row := &store.Activity{Seq: seq, URI: a.ID, Type: typ, Actor: w.ann.ID, Object: object, Doc: string(vocab.EncodeActivity(&a, nil))}
		if err := tx.InsertActivity(ctx, row); err != nil {
			return err
		}
		for _, f := range also {
			if err := f(tx); err != nil {
				return err
			}
		}
		return tx.Enqueue(ctx, store.ExpandJob(seq, w.ann.ID))
	})
	return seq
}

func note(id int64, text string) string {
	b, _ := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": noteURI(id), "type": "Note", "content": text,
		"attributedTo": "https://a.test/users/ann"})
	return string(b)
}

func noteURI(id int64) vocab.IRI { return vocab.IRI(fmt.Sprintf("https://a.test/objects/%d", id)) }

// public is addressed to everybody, Ann's followers and people.
func (w *world) public(id int64, people ...*store.Actor) vocab.Activity {
	return vocab.Activity{Object: noteURI(id), To: []vocab.IRI{vocab.Public}, Cc: append([]vocab.IRI{w.ann.Followers}, uris(people)...)}
}

func uris(people []*store.Actor) []vocab.IRI {
	var list []vocab.IRI
	for _, p := range people {
		list = append(list, p.URI)
	}
	return list
}

// post has Ann post a text.
func (w *world) post(text string, a func(id int64) vocab.Activity, visibility int16) (object, seq int64) {
	w.Helper()
	id := w.db.IDs.Next()
	seq = w.act("Create", id, a(id), func(tx *store.Tx) error {
		return tx.InsertObject(context.Background(), &store.Object{ID: id, URI: noteURI(id), Type: "Note", Actor: w.ann.ID, Visibility: visibility, Version: 1, Doc: note(id, text)})
	})
	return id, seq
}

func (w *world) postPublic(text string, people ...*store.Actor) (object, seq int64) {
	w.Helper()
	return w.post(text, func(id int64) vocab.Activity { return w.public(id, people...) }, 0)
}

func (w *world) edit(object int64, text string) int64 {
	w.Helper()
	return w.act("Update", object, w.public(object), func(tx *store.Tx) error {
		ctx := context.Background()
		old, err := tx.Object(ctx, object)
		if err != nil {
			return err
		}
		o := *old
		o.Version, o.Doc = old.Version+1, note(object, text)
		return tx.ReplaceObject(ctx, old, &o)
	})
}

func (w *world) delete(object int64) int64 {
	w.Helper()
	return w.act("Delete", object, w.public(object), func(tx *store.Tx) error {
		return tx.BuryObject(context.Background(), object, 1)
	})
}

func (w *world) settle() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := w.q.Settle(ctx); err != nil {
		w.Fatal(err)
	}
}

// wait lets d pass, with all that happens meanwhile.
func (w *world) wait(d time.Duration) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	end := w.clock().Add(d)
	if _, err := w.q.SettleWithin(ctx, d, w.set); err != nil {
		w.Fatal(err)
	}
	w.set(end)
}

// got compares what the inboxes received since the last call.
func (w *world) got(what string, want map[string][]string) {
	w.Helper()
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	if !reflect.DeepEqual(w.net.got, want) {
		w.Errorf("%s: received\n%v, want\n%v", what, w.net.got, want)
	}
	w.net.got = map[string][]string{}
}

type inboxes = map[string][]string

// states returns an activity's deliveries as "host state attempts status".
func (w *world) states(seq int64) []string {
	w.Helper()
	list, err := w.db.Deliveries(context.Background(), seq)
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, d := range list {
		all = append(all, fmt.Sprintf("%s %s %d %d", d.URL.Host(), d.State, d.Attempts, d.Status))
	}
	slices.Sort(all)
	return all
}

func (w *world) wantStates(what string, seq int64, want ...string) {
	w.Helper()
	if got := w.states(seq); !reflect.DeepEqual(got, want) {
		w.Errorf("%s: deliveries = %q, want %q", what, got, want)
	}
}

func TestPublicPostReachesFollowersAndMentioned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob, eve := w.person("bob", "b.test"), w.person("eve", "b.test")
		alone := w.actor("https://c.test/users/carl", "")
		liar := w.actor("https://d.test/users/dan", "https://victim.test/inbox")
		mentioned := w.person("fay", "f.test")
		w.follow(bob, eve, alone, liar, w.actor("https://a.test/users/local", ""))
		_, seq := w.postPublic("hello", mentioned, bob)
		w.settle()
		w.got("first post", inboxes{
			"https://b.test/inbox":            {"Create hello"}, // Once for both.
			"https://c.test/users/carl/inbox": {"Create hello"},
			"https://d.test/users/dan/inbox":  {"Create hello"}, // Not to a host that he only names.
			"https://f.test/inbox":            {"Create hello"},
		})
		w.wantStates("first post", seq, "b.test delivered 1 202", "c.test delivered 1 202", "d.test delivered 1 202", "f.test delivered 1 202")
		for id, bodies := range w.net.bodies {
			if len(bodies) != 1 {
				t.Errorf("%s went out in %d forms, want the same bytes for every inbox", id, len(bodies))
			}
			for b := range bodies {
				if strings.Count(b, "@context") != 1 || !strings.Contains(b, `"content":"hello"`) {
					t.Errorf("body = %s, want one @context and the note inside", b)
				}
			}
		}
		if want := map[vocab.IRI]bool{"https://a.test/users/ann#main-key": true}; !reflect.DeepEqual(w.net.keys, want) {
			t.Errorf("signed with %v, want %v", w.net.keys, want)
		}
		if rows := storetest.Dump(t, w.db, "SELECT id FROM jobs WHERE kind <> 'expire-deliveries'"); len(rows) != 0 {
			t.Errorf("jobs left: %v", rows)
		}
	})
}

func TestAudience(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob, eve, fay := w.person("bob", "b.test"), w.person("eve", "e.test"), w.person("fay", "e.test")
		w.follow(bob)
		to := func(people ...*store.Actor) func(int64) vocab.Activity {
			return func(id int64) vocab.Activity { return vocab.Activity{Object: noteURI(id), To: uris(people)} }
		}
		w.post("for eve", to(eve), 3)
		w.settle()
		w.got("direct", inboxes{"https://e.test/users/eve/inbox": {"Create for eve"}})
		w.post("for two", to(eve, fay), 3)
		w.settle()
		w.got("direct to two on one host", inboxes{"https://e.test/inbox": {"Create for two"}})
		w.post("for followers", func(id int64) vocab.Activity {
			return vocab.Activity{Object: noteURI(id), To: []vocab.IRI{w.ann.Followers}}
		}, 2)
		w.settle()
		w.got("followers only", inboxes{"https://b.test/inbox": {"Create for followers"}})
		w.act("Follow", eve.ID, vocab.Activity{Object: eve.URI})
		w.settle()
		w.got("a Follow without to", inboxes{"https://e.test/users/eve/inbox": {"Follow"}})

		id := w.db.IDs.Next()
		seq := w.act("Create", id, w.public(id, eve), func(tx *store.Tx) error {
			return tx.InsertObject(context.Background(), &store.Object{ID: id, URI: noteURI(id), Type: "Note", Actor: w.ann.ID, LocalOnly: true, Version: 1, Doc: note(id, "secret")})
		})
		w.settle()
		w.got("local only", inboxes{})
		w.wantStates("local only", seq)

		w.refused["e.test"] = true
		w.postPublic("not for e.test", eve)
		w.settle()
		w.got("refused host", inboxes{"https://b.test/inbox": {"Create not for e.test"}})
	})
}

func TestManyFollowers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const n = 1100
		var people []*store.Actor
		w.write(func(tx *store.Tx) error {
			ctx := context.Background()
			for i := range n {
				host := fmt.Sprintf("h%d.test", i)
				uri := vocab.IRI("https://" + host + "/u")
				a := &store.Actor{ID: tx.NewID(), URI: uri, Type: "Person", Host: host, Domain: host, Username: "u", Inbox: uri + "/inbox", Followers: uri + "/followers"}
				people = append(people, a)
				if err := tx.InsertActor(ctx, a, "{}"); err != nil {
					return err
				}
			}
			return nil
		})
		w.follow(people...)
		_, seq := w.postPublic("to all")
		w.settle()
		if got := len(w.net.got); got != n {
			t.Errorf("%d inboxes got the post, want %d", got, n)
		}
		for inbox, got := range w.net.got {
			if len(got) != 1 {
				t.Errorf("%s got it %d times", inbox, len(got))
			}
		}

		// A job that was interrupted goes on behind the last follower that is done.
		w.write(func(tx *store.Tx) error {
			payload := fmt.Sprintf(`{"activity":%d,"stage":1,"after":%d}`, seq, people[n-10].ID)
			return tx.Enqueue(context.Background(), store.Job{Kind: "expand", Payload: []byte(payload)})
		})
		w.net.got = inboxes{}
		w.settle()
		w.got("a repeat", inboxes{})
	})
}

func TestEditsAndDeletionsWhileAHostIsDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("bob", "up.test"), w.person("eve", "down.test"))
		w.net.answer("down.test", -1)
		first, _ := w.postPublic("one")
		w.settle()
		w.edit(first, "two")
		w.settle()
		last := w.edit(first, "three")
		w.settle()
		doomed, seq := w.postPublic("regretted")
		w.settle()
		gone := w.delete(doomed)
		w.settle()
		w.got("the host that is up", inboxes{"https://up.test/inbox": {"Create one", "Update two", "Update three", "Create regretted", "Delete"}})

		w.net.answer("down.test", 0)
		w.wait(24 * time.Hour)
		// The Create tells the newest text, the Update between is superseded, and what
		// never went there needs no Delete.
		w.got("the host that was down", inboxes{"https://down.test/inbox": {"Create three", "Update three"}})
		w.wantStates("last edit", last, "down.test delivered 1 202", "up.test delivered 1 202")
		w.wantStates("the regretted post", seq, "down.test dropped 0 0", "up.test delivered 1 202")
		w.wantStates("its deletion", gone, "down.test dropped 0 0", "up.test delivered 1 202")
	})
}

// A host that may have got a post, as the answer was lost, gets the Delete.
func TestDeleteGoesWhereThePostMayBe(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("eve", "down.test"))
		w.net.answer("down.test", -1)
		post, seq := w.postPublic("maybe there")
		w.settle()
		if n := w.net.requests("down.test"); n != 1 {
			t.Fatalf("%d requests, want 1", n)
		}
		w.delete(post)
		w.net.answer("down.test", 0)
		w.wait(24 * time.Hour)
		w.got("after the outage", inboxes{"https://down.test/inbox": {"Delete"}})
		w.wantStates("the post", seq, "down.test dropped 1 0")
	})
}

// A post that a host refuses for days must not keep its Delete waiting.
func TestDeleteOvertakesRetries(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("eve", "b.test"))
		w.net.answer("b.test", 403)
		post, seq := w.postPublic("no")
		w.wait(30 * time.Hour)
		w.net.answer("b.test", 0)
		w.delete(post)
		w.settle()
		w.got("at once", inboxes{"https://b.test/inbox": {"Delete"}})
		if s := w.states(seq); len(s) != 1 || !strings.HasPrefix(s[0], "b.test dropped") {
			t.Errorf("the post is %v, want it dropped", s)
		}
	})
}

// What failed in an outage goes out with its end, not when each is next due.
func TestOutageEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("eve", "b.test"))
		w.net.answer("b.test", -1)
		for range 5 {
			w.postPublic("hello")
		}
		w.wait(24 * time.Hour)
		tried := w.net.requests("b.test")
		w.net.answer("b.test", 0)
		w.postPublic("last")
		for range 40 { // Until the next probe.
			w.wait(time.Hour)
			if w.net.requests("b.test") > tried {
				break
			}
		}
		if got := w.net.got["https://b.test/inbox"]; len(got) != 6 {
			t.Errorf("received %v with the first probe that succeeded, want all 6", got)
		}
	})
}

func TestChangesFollowThePost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob := w.person("bob", "b.test")
		w.follow(bob)
		post, _ := w.postPublic("hello")
		w.settle()
		w.write(func(tx *store.Tx) error {
			_, err := tx.RemoveFollow(context.Background(), bob.ID, w.ann.ID)
			return err
		})
		w.follow(w.person("new", "n.test"))
		w.edit(post, "hello again")
		w.delete(post)
		w.settle()
		w.got("edit and deletion", inboxes{"https://b.test/inbox": {"Create hello", "Delete"}}) // The Update was overtaken.

		// Years later, when nothing of it is on record.
		old, _ := w.postPublic("old")
		w.settle()
		w.got("old post", inboxes{"https://n.test/inbox": {"Create old"}})
		w.pass(400 * 24 * time.Hour)
		if err := w.d.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.wait(2 * time.Hour)
		if rows := storetest.Dump(t, w.db, "SELECT activity FROM deliveries"); len(rows) != 0 {
			t.Errorf("%d deliveries on record after a year, want none", len(rows))
		}
		w.delete(old)
		w.settle()
		w.got("late deletion", inboxes{"https://b.test/inbox": {"Delete"}, "https://n.test/inbox": {"Delete"}})

		w.act("Update", w.ann.ID, vocab.Activity{Object: w.ann.URI, To: []vocab.IRI{vocab.Public}})
		w.settle()
		w.got("profile", inboxes{"https://b.test/inbox": {"Update is ann"}, "https://n.test/inbox": {"Update is ann"}})
		w.act("Delete", w.ann.ID, vocab.Activity{Object: w.ann.URI, To: []vocab.IRI{vocab.Public}})
		w.settle()
		w.got("account", inboxes{"https://b.test/inbox": {"Delete"}, "https://n.test/inbox": {"Delete"}})
	})
}

func TestUndo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob, eve := w.person("bob", "b.test"), w.person("eve", "e.test")
		w.net.answer("e.test", -1)
		like := func(who *store.Actor) int64 {
			return w.act("Like", 77, vocab.Activity{Object: who.URI + "/post", To: []vocab.IRI{who.URI}})
		}
		undo := func(seq int64, who *store.Actor) int64 {
			return w.act("Undo", seq, vocab.Activity{Object: who.URI + "/like", To: []vocab.IRI{who.URI}}, func(tx *store.Tx) error {
				return tx.SetActivity(context.Background(), seq, store.Undone, 77)
			})
		}
		one := like(bob)
		w.settle()
		undo(one, bob)
		w.settle()
		two := like(bob)
		gone := undo(two, bob) // Before it was sent.
		w.settle()
		w.got("likes", inboxes{"https://b.test/users/bob/inbox": {"Like", "Undo"}})
		w.wantStates("an Undo of nothing", gone, "b.test dropped 0 0")

		three := like(eve)
		w.settle() // Tried, and who knows.
		undo(three, eve)
		w.net.answer("e.test", 0)
		w.wait(time.Hour)
		w.got("an Undo of what may be there", inboxes{"https://e.test/users/eve/inbox": {"Undo"}})
	})
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		status, requests int
		state            string
	}{
		{410, 1, "failed"},
		{400, 3, "failed"},
		{404, 3, "failed"},
		{401, 16, "failed"},
		{403, 16, "failed"},
		{429, 16, "failed"},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.follow(w.person("bob", "b.test"))
				w.net.answer("b.test", tt.status)
				_, seq := w.postPublic("hello")
				w.wait(14 * 24 * time.Hour)
				if n := w.net.requests("b.test"); n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				w.wantStates("the post", seq, fmt.Sprintf("b.test %s %d %d", tt.state, tt.requests, tt.status))
				hosts, err := w.db.Hosts(context.Background(), []string{"b.test"})
				if err != nil || hosts["b.test"].Failing != 0 {
					t.Errorf("host = %+v, %v; one that answers is not failing", hosts, err)
				}
				w.net.answer("b.test", 0)
				w.postPublic("once more")
				w.settle()
				want := inboxes{"https://b.test/inbox": {"Create once more"}}
				if tt.status == 410 {
					want = inboxes{} // Gone is final.
				}
				w.got("the next post", want)
			})
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("bob", "b.test"))
		w.net.answer("b.test", 503)
		w.net.after = 5 * time.Hour
		w.postPublic("one")
		w.postPublic("two")
		w.wait(4 * time.Hour)
		if n := w.net.requests("b.test"); n < 1 || n > 2 {
			t.Errorf("%d requests before the time that the host named, want 1 or the 2 that were under way", n)
		}
		w.net.answer("b.test", 0)
		w.wait(3 * time.Hour)
		if got := w.net.got["https://b.test/inbox"]; len(got) != 2 {
			t.Errorf("received %v afterwards, want both posts", got)
		}
	})
}

func TestUnreachableHostIsParkedAndProbed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("bob", "b.test"))
		w.net.answer("b.test", -1)
		_, first := w.postPublic("one")
		for range 9 {
			w.wait(24 * time.Hour)
			w.postPublic("daily")
		}
		w.wait(48 * time.Hour)
		before := w.net.requests("b.test")
		_, parked := w.postPublic("parked at once")
		w.settle()
		w.wantStates("a post after the week", parked, "b.test parked 0 0")
		if s := w.states(first); len(s) != 1 || !strings.HasPrefix(s[0], "b.test failed") && !strings.HasPrefix(s[0], "b.test parked") {
			t.Errorf("the first post is %v, want it failed or parked", s)
		}
		if rows := storetest.Dump(t, w.db, "SELECT kind FROM jobs WHERE kind IN ('deliver', 'park')"); len(rows) != 0 {
			t.Errorf("jobs = %v, want none but the probe", rows)
		}
		w.wait(5 * 24 * time.Hour)
		if n := w.net.requests("b.test") - before; n < 2 || n > 12 {
			t.Errorf("%d probes in five days, want about one a day", n)
		}

		w.net.answer("b.test", 0)
		w.wait(4 * 24 * time.Hour)
		got := w.net.got["https://b.test/inbox"]
		if len(got) < 9 {
			t.Errorf("received %v after it came back, want all that was parked", got)
		}
		count := map[string]int{}
		for _, g := range got {
			count[g]++
		}
		if count["Create parked at once"] != 1 || count["Create daily"] > 9 {
			t.Errorf("received %v, want each once", got)
		}
		if rows := storetest.Dump(t, w.db, "SELECT kind FROM jobs"); len(rows) != 0 {
			t.Errorf("jobs left: %v", rows)
		}
		hosts, err := w.db.Hosts(context.Background(), []string{"b.test"})
		if err != nil || hosts["b.test"].Failing != 0 || hosts["b.test"].LastOK == 0 {
			t.Errorf("host = %+v, %v, want it healthy", hosts["b.test"], err)
		}
	})
}

// A host that comes to us is up again: what waits goes out at once.
func TestAlive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("bob", "b.test"))
		w.net.answer("b.test", -1)
		w.postPublic("one")
		w.wait(20 * time.Hour)
		w.postPublic("two")
		w.settle()
		w.net.answer("b.test", 0)
		w.d.Alive(context.Background(), "b.test")
		w.settle()
		if got := w.net.got["https://b.test/inbox"]; !slices.Contains(got, "Create two") {
			t.Errorf("received %v at once, want what had not been tried", got)
		}
		w.wait(24 * time.Hour)
		if got := w.net.got["https://b.test/inbox"]; len(got) != 2 {
			t.Errorf("received %v, want both", got)
		}
	})
}

func TestForbiddenAddressIsFinal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.follow(w.person("bob", "b.test"))
		w.d = delivery.New(delivery.Options{DB: w.db, Remote: poster(func() (*remote.Answer, error) {
			return nil, fault.Because(errors.New("10.0.0.1"), fault.Rejected, "This address is not public.")
		}), Host: "a.test"})
		w.q = queue.New(w.db, w.d.Jobs(), queue.Options{Kinds: w.d.Kinds()})
		_, seq := w.postPublic("hello")
		w.settle()
		w.wantStates("the post", seq, "b.test failed 1 0")
	})
}

type poster func() (*remote.Answer, error)

func (p poster) Post(context.Context, vocab.IRI, []byte, *remote.Key, *remote.Synchronization) (*remote.Answer, error) {
	return p()
}
