package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// newHosts is from how many hosts strangers come that are met for the first time.
const newHosts = 50

// sinkHost is the authority of follower host i, a loopback address of its own.
func sinkHost(i int) string { return fmt.Sprintf("127.0.1.%d:%d", i+1, sinkPort) }

// newHost is the authority of a host that nobody knows yet.
func newHost(i int) string { return fmt.Sprintf("127.0.2.%d:%d", i+1, sinkPort) }

// peers are the other servers: they take what is delivered and show their actors.
type peers struct {
	key       string // PEM, public.
	got       atomic.Int64
	silent    atomic.Bool // The second ten hosts don't answer.
	mu        sync.Mutex
	at        []time.Time
	listeners []net.Listener
	srv       *http.Server
	quit      chan struct{}
}

func startPeers(key string) (*peers, error) {
	p := &peers{key: key, quit: make(chan struct{})}
	p.srv = &http.Server{Handler: p}
	for i := range fanHosts {
		if err := p.listen(sinkHost(i)); err != nil {
			return nil, err
		}
	}
	for i := range newHosts {
		if err := p.listen(newHost(i)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *peers) listen(at string) error {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	p.listeners = append(p.listeners, l)
	go p.srv.Serve(l)
	return nil
}

func (p *peers) stop() { close(p.quit); p.srv.Close() }

// die closes the first ten hosts and silences the ten after them.
func (p *peers) die() {
	for _, l := range p.listeners[:fanHosts/20] {
		l.Close()
	}
	p.srv.SetKeepAlivesEnabled(false)
	p.silent.Store(true)
}

// quiet tells whether a host is to be silent: 5 % of them.
func quiet(host string) bool {
	for i := fanHosts / 20; i < fanHosts/10; i++ {
		if host == sinkHost(i) {
			return true
		}
	}
	return false
}

func (p *peers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.silent.Load() && quiet(r.Host) {
		<-p.quit
		return
	}
	switch {
	case r.Method == "POST":
		now := time.Now()
		p.mu.Lock()
		p.at = append(p.at, now)
		p.mu.Unlock()
		p.got.Add(1)
		w.WriteHeader(http.StatusAccepted)
	case strings.HasPrefix(r.URL.Path, "/.well-known/webfinger"):
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@")
		w.Header().Set("Content-Type", "application/jrd+json")
		json.NewEncoder(w).Encode(map[string]any{"subject": r.URL.Query().Get("resource"), "links": []map[string]string{
			{"rel": "self", "type": "application/activity+json", "href": "http://" + r.Host + "/users/" + name}}})
	case strings.HasPrefix(r.URL.Path, "/users/"):
		name := strings.TrimPrefix(r.URL.Path, "/users/")
		w.Header().Set("Content-Type", "application/activity+json")
		w.Write(actorDoc("http://"+r.Host+"/users/"+name, name, p.key))
	default:
		http.NotFound(w, r)
	}
}

// arrivals returns when each delivery came since the last call.
func (p *peers) arrivals() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at
	p.at = nil
	return at
}

// await waits until n deliveries came since the last arrivals.
func (p *peers) await(n int, most time.Duration) {
	for began := time.Now(); time.Since(began) < most; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		have := len(p.at)
		p.mu.Unlock()
		if have >= n {
			return
		}
	}
}
