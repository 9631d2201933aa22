package fedtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kenoma/internal/pgtest"
	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// program is a real kenoma process with a data folder.
type program struct {
	t    *testing.T
	bin  string
	env  []string
	URL  string
	cmd  *exec.Cmd
	logs bytes.Buffer
}

// build makes the binary, once per run; KENOMA_BIN names one that is there already.
var build = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("KENOMA_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "kenoma-bin-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "kenoma")
	out, err := exec.Command("go", "build", "-o", bin, "kenoma/cmd/kenoma").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
})

func newProgram(t *testing.T, database string) *program {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	p := &program{t: t, bin: bin, URL: "http://" + addr}
	p.env = append(os.Environ(), "KENOMA_DATA_DIR="+t.TempDir(), "KENOMA_URL="+p.URL, "KENOMA_LISTEN="+addr, "KENOMA_DATABASE="+database,
		"KENOMA_FEDERATION_ALLOW_HTTP=true", "KENOMA_FEDERATION_ALLOW_NETWORKS=127.0.0.0/8", "KENOMA_RATE_LIMIT_ENABLED=false", "KENOMA_LOG_LEVEL=error")
	t.Cleanup(p.kill)
	return p
}

// run runs a command and returns what it prints.
func (p *program) run(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(p.bin, args...)
	cmd.Env = p.env
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("kenoma %s: %v %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// start runs the server and returns when it answers.
func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.bin, "serve")
	p.cmd.Env, p.cmd.Stderr = p.env, &p.logs
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get(p.URL + "/health"); err == nil {
			resp.Body.Close()
			return
		}
	}
	p.t.Fatalf("the server does not answer: %s", p.logs.String())
}

// kill ends the process as a power cut would.
func (p *program) kill() {
	if p.cmd != nil {
		p.cmd.Process.Signal(syscall.SIGKILL)
		p.cmd.Wait()
		p.cmd = nil
	}
}

// person makes an account and returns its token.
func (p *program) person(name string) string {
	p.t.Helper()
	p.run("user", "create", name, "--email", name+"@example.org", "--password", "correct horse")
	return p.run("token", "create", name)
}

// call does a request; ok says that it was answered with 2xx.
func (p *program) call(token, method, path string, form url.Values, out any) (ok bool) {
	var body io.Reader
	if method == http.MethodGet {
		path += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, p.URL+path, body)
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		return false
	}
	return out == nil || json.Unmarshal(text, out) == nil
}

// has tells whether the server knows a post by its id on the wire.
func (p *program) has(token, uri string) bool {
	var found struct{ Statuses []Status }
	return p.call(token, "GET", "/api/v2/search", url.Values{"q": {uri}, "type": {"statuses"}}, &found) && len(found.Statuses) == 1
}

// stranger is an actor of a server of its own that signs what it sends.
type stranger struct {
	URL string
	key *remote.Key
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	pem, err := oneKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := remote.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	public, err := remote.EncodePublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/users/mae" {
			http.NotFound(w, r)
			return
		}
		id := s.URL + "/users/mae"
		w.Header().Set("Content-Type", "application/activity+json")
		json.NewEncoder(w).Encode(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Person", "preferredUsername": "mae",
			"inbox": id + "/inbox", "publicKey": map[string]string{"id": id + "#main-key", "owner": id, "publicKeyPem": public}})
	}))
	t.Cleanup(web.Close)
	s.URL = web.URL
	s.key = &remote.Key{ID: vocab.IRI(s.URL + "/users/mae#main-key"), Private: private}
	return s
}

// send delivers a Note and tells whether it was answered with 2xx.
func (s *stranger) send(inbox string, n int) (uri string, ok bool) {
	actor := s.URL + "/users/mae"
	uri = fmt.Sprintf("%s/notes/%d", s.URL, n)
	doc, err := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": uri + "/create", "type": "Create", "actor": actor, "to": vocab.Public,
		"object": map[string]any{"id": uri, "type": "Note", "attributedTo": actor, "to": vocab.Public, "content": fmt.Sprintf("number %d", n)}})
	if err != nil {
		return uri, false
	}
	req, err := http.NewRequest(http.MethodPost, inbox, bytes.NewReader(doc))
	if err != nil {
		return uri, false
	}
	req.Header.Set("Content-Type", "application/activity+json")
	if err := remote.Sign(req, doc, s.key, time.Now()); err != nil {
		return uri, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return uri, false
	}
	resp.Body.Close()
	return uri, resp.StatusCode/100 == 2
}

// acknowledged collects what was promised.
type acknowledged struct {
	mu     sync.Mutex
	all    []string
	marked int
}

// more is how many came since the last mark.
func (a *acknowledged) more() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all) - a.marked
}

func (a *acknowledged) mark() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.marked = len(a.all)
}

func (a *acknowledged) add(s string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, s)
}

// TestKilled kills a server twenty times while it is posted to, delivers and is
// delivered to. What it acknowledged must be there, and must have arrived.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Run("sqlite", func(t *testing.T) { testKilled(t, "", 20) })
	t.Run("postgres", func(t *testing.T) { testKilled(t, pgtest.Database(t), 5) })
}

// busyUntil waits, on a slow machine, until five of each more were acknowledged than
// when it last did.
func busyUntil(lists ...*acknowledged) {
	for range 400 {
		enough := true
		for _, l := range lists {
			enough = enough && l.more() >= 5
		}
		if enough {
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	for _, l := range lists {
		l.mark()
	}
}

func testKilled(t *testing.T, database string, times int) {
	a, b, mae := newProgram(t, database), newProgram(t, ""), newStranger(t)
	ann, bob := a.person("ann"), b.person("bob")
	a.start()
	b.start()
	follow(t, a, b, bob)

	var posts, notes acknowledged
	quit := make(chan struct{})
	var wg sync.WaitGroup
	repeat := func(do func(n int)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				select {
				case <-quit:
					return
				case <-time.After(10 * time.Millisecond):
					do(n)
				}
			}
		}()
	}
	for worker := range 3 {
		repeat(func(n int) {
			var s Status
			if a.call(ann, "POST", "/api/v1/statuses", url.Values{"status": {fmt.Sprintf("post %d of worker %d", n, worker)}}, &s) {
				posts.add(s.URI)
			}
		})
		repeat(func(n int) {
			if uri, ok := mae.send(a.URL+"/inbox", worker*1_000_000+n); ok {
				notes.add(uri)
			}
		})
	}
	for range times {
		time.Sleep(100*time.Millisecond + rand.N(300*time.Millisecond)) // The burst goes on meanwhile.
		busyUntil(&posts, &notes)
		a.kill()
		a.start()
	}
	close(quit)
	wg.Wait()
	if len(posts.all) < 5*times || len(notes.all) < 5*times {
		t.Fatalf("only %d posts and %d arrivals were acknowledged", len(posts.all), len(notes.all))
	}
	t.Logf("%d posts and %d arrivals were acknowledged around %d kills", len(posts.all), len(notes.all), times)
	for _, uri := range posts.all {
		if !a.has(ann, uri) {
			t.Errorf("the acknowledged post %s is lost", uri)
		}
	}
	eventually(t, "an arrival without effect", notes.all, func(uri string) bool { return a.has(ann, uri) })
	eventually(t, "a post that did not arrive", posts.all, func(uri string) bool { return b.has(bob, uri) })
}

// follow has bob on b follow ann on a.
func follow(t *testing.T, a, b *program, bob string) {
	t.Helper()
	var found struct{ Accounts []Account }
	handle := "ann@" + strings.TrimPrefix(a.URL, "http://")
	if !b.call(bob, "GET", "/api/v2/search", url.Values{"q": {handle}, "resolve": {"true"}}, &found) || len(found.Accounts) != 1 {
		t.Fatalf("%s is not found: %s", handle, b.logs.String())
	}
	id := found.Accounts[0].ID
	b.call(bob, "POST", "/api/v1/accounts/"+id+"/follow", nil, nil)
	eventually(t, "a follow that is not accepted", []string{id}, func(id string) bool {
		var rel []struct{ Following bool }
		return b.call(bob, "GET", "/api/v1/accounts/relationships", url.Values{"id[]": {id}}, &rel) && len(rel) == 1 && rel[0].Following
	})
}

// eventually wants done of each, within two minutes for all of them.
func eventually(t *testing.T, what string, each []string, done func(string) bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for _, one := range each {
		for !done(one) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s", what, one)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}
