package remote

import (
	"context"
	"sync"

	"kenoma/internal/fault"
)

// maxWaiting is how many requests to one host may stand in line. Callers have
// bounds of their own; this one keeps a bug there from filling the memory.
const maxWaiting = 1000

// gate lets a bounded number of requests to each host run at once, the others
// wait in the order of their arrival. It remembers a host only while somebody
// runs or waits, so it can't grow for ever.
type gate struct {
	limit int // Requests to one host at once.

	mu    sync.Mutex
	hosts map[string]*line
}

// line is the state of one host.
type line struct {
	slots chan struct{} // Channels serve senders first come, first served.
	users int           // Running and waiting; guarded by gate.mu.
}

func newGate(limit int) *gate {
	return &gate{limit: limit, hosts: make(map[string]*line)}
}

// enter waits for a slot at host. leave must be called once, when the request
// with its body is over.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	g.mu.Lock()
	l := g.hosts[host]
	if l == nil {
		l = &line{slots: make(chan struct{}, g.limit)}
		g.hosts[host] = l
	}
	if l.users >= g.limit+maxWaiting {
		g.mu.Unlock()
		return nil, fault.New(fault.Transient, "Too many requests to %s are waiting.", host)
	}
	l.users++
	g.mu.Unlock()

	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots; g.forget(host, l) }, nil
	case <-ctx.Done():
		g.forget(host, l)
		return nil, fault.Because(ctx.Err(), fault.Transient, "%s is busy with other requests of this server.", host)
	}
}

// forget ends one use of l and drops it when it was the last.
func (g *gate) forget(host string, l *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(g.hosts, host)
	}
}
