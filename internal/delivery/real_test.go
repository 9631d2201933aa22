package delivery_test

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kenoma/internal/delivery"
	"kenoma/internal/queue"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// fleet is real HTTP servers behind one listener: every host name leads to it, but
// those that are dead or silent.
type fleet struct {
	srv    *httptest.Server
	silent func(host string) bool
	seen   sync.Map // host → arrival
	count  atomic.Int64
	check  func(req *http.Request, body []byte)
}

func newFleet(t testing.TB) *fleet {
	f := &fleet{silent: func(string) bool { return false }}
	f.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if f.check != nil {
			f.check(req, body)
		}
		f.count.Add(1)
		f.seen.Store(req.Host, time.Now())
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(f.srv.Close)
	return f
}

func (f *fleet) client() *remote.Client {
	return remote.New(remote.Options{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(addr)
			if f.silent(host) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			var d net.Dialer
			return d.DialContext(ctx, network, f.srv.Listener.Addr().String())
		}})
}

// realWorld is Ann with an RSA key, followed from n hosts, and the real client.
func realWorld(t testing.TB, f *fleet, n int) *world {
	w := &world{TB: t, now: time.Now(), refused: map[string]bool{}}
	var wake func(string)
	w.db = storetest.SQLite(t, store.Options{Wake: func(s string) {
		if wake != nil {
			wake(s)
		}
	}})
	w.d = delivery.New(delivery.Options{DB: w.db, Remote: f.client(), Host: "a.test"})
	w.q = queue.New(w.db, w.d.Jobs(), queue.Options{Kinds: w.d.Kinds()})
	wake = func(string) { w.q.Wake() }
	key, err := remote.NewRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := remote.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	w.ann = w.actor("https://a.test/users/ann", "")
	w.write(func(tx *store.Tx) error {
		ctx := context.Background()
		if err := tx.InsertAccount(ctx, w.ann.ID, private, store.NewAccount{Username: "ann"}); err != nil {
			return err
		}
		for i := range n {
			host := fmt.Sprintf("h%d.test", i)
			uri := vocab.IRI("http://" + host + "/u")
			a := &store.Actor{ID: tx.NewID(), URI: uri, Type: "Person", Host: host, Domain: host, Username: "u", Inbox: uri + "/inbox", Followers: uri + "/followers"}
			if err := tx.InsertActor(ctx, a, "{}"); err != nil {
				return err
			}
			if _, err := tx.SetFollow(ctx, store.Follow{Actor: a.ID, Target: w.ann.ID, Seq: tx.NewID(), Accepted: true}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func TestRealRequestsAreSignedAndIdentical(t *testing.T) {
	f := newFleet(t)
	var mu sync.Mutex
	bodies := map[string]int{}
	var public crypto.PublicKey
	f.check = func(req *http.Request, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		bodies[string(body)]++
		sig, err := remote.Parse(req)
		if err != nil {
			t.Errorf("signature: %v", err)
			return
		}
		if sig.KeyID() != "https://a.test/users/ann#main-key" {
			t.Errorf("key id = %s", sig.KeyID())
		}
		if err := sig.Verify(req, body, public, time.Now()); err != nil {
			t.Errorf("signature: %v", err)
		}
		if got := req.Header.Get("Content-Type"); got != "application/activity+json" {
			t.Errorf("Content-Type = %q", got)
		}
	}
	w := realWorld(t, f, 20)
	_, text, err := w.db.Signer(context.Background(), w.ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	private, err := remote.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	public = private.Public()
	w.postPublic("hello")
	w.settle()
	if len(bodies) != 1 || f.count.Load() != 20 {
		t.Errorf("%d requests with %d different bodies, want 20 with one", f.count.Load(), len(bodies))
	}
}

// With a tenth of the hosts silent the others are served at once.
func TestSilentHostsDelayNobody(t *testing.T) {
	f := newFleet(t)
	const hosts = 300
	silent := func(i int) bool { return i%10 == 0 }
	names := map[string]bool{}
	for i := range hosts {
		names[fmt.Sprintf("h%d.test", i)] = silent(i)
	}
	f.silent = func(host string) bool { return names[host] }
	all := make(chan struct{})
	want := int64(hosts * 9 / 10)
	f.check = func(*http.Request, []byte) {
		if f.count.Load() == want-1 {
			close(all)
		}
	}
	w := realWorld(t, f, hosts)
	w.q.Start()
	start := time.Now()
	w.postPublic("hello")
	select {
	case <-all:
	case <-time.After(10 * time.Second):
	}
	t.Logf("%d of %d live hosts served after %v", f.count.Load(), want, time.Since(start))
	if f.count.Load() < want {
		t.Errorf("%d of %d live hosts served within 10 s", f.count.Load(), want)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	w.q.Drain(over)
}

// BenchmarkDeliver is one delivery with all that belongs to it, the receiver's work
// included, as both are in one process.
func BenchmarkDeliver(b *testing.B) {
	f := newFleet(b)
	const hosts = 200
	w := realWorld(b, f, hosts)
	w.postPublic("warm up")
	w.settle()
	posts := max(b.N/hosts, 1)
	f.count.Store(0)
	b.ResetTimer()
	cpu := cpuTime()
	for range posts {
		w.postPublic("hello")
	}
	w.settle()
	n := f.count.Load()
	b.ReportMetric(float64(cpuTime()-cpu)/1e6/float64(n), "cpu-ms/delivery")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkSign is the part of it that can't be saved.
func BenchmarkSign(b *testing.B) {
	key, err := remote.NewRSAKey()
	if err != nil {
		b.Fatal(err)
	}
	req := httptest.NewRequest("POST", "https://b.test/inbox", nil)
	body := make([]byte, 2000)
	for b.Loop() {
		if err := remote.Sign(req, body, &remote.Key{ID: "https://a.test/users/ann#main-key", Private: key}, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
