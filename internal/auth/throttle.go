package auth

import (
	"net/netip"
	"sync"
	"time"
)

// throttle makes those who fail wait: not at all for a few times, then twice as
// long each time. It remembers at most maxThrottled keys.
type throttle struct {
	now   func() time.Time
	mu    sync.Mutex
	fails map[string]failure
}

type failure struct {
	n    int
	last time.Time
}

const (
	maxThrottled = 10_000
	freeFails    = 5

	// longestWait is that of an address. It is shorter for a name, or strangers could
	// lock its owner out; a minute still leaves no more than 1,440 guesses a day.
	longestWait       = 15 * time.Minute
	longestWaitOfName = time.Minute

	// forgotten is how long after the last failure all is forgiven.
	forgotten = 4 * longestWait
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, fails: map[string]failure{}}
}

// limitOf is how long a key waits at most.
type limitOf struct {
	key     string
	longest time.Duration
}

// try notes an attempt by every key, which counts as failed until undo or forget
// is called: of many at once no more get through than one after the other would.
// If one of them has to wait nothing is noted, and the answer says how long.
func (t *throttle) try(keys ...limitOf) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	var wait time.Duration
	for _, k := range keys {
		if f := t.fails[k.key]; f.n >= freeFails {
			wait = max(wait, f.last.Add(min(time.Second<<min(f.n-freeFails, 20), k.longest)).Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, k := range keys {
		f := t.fails[k.key]
		if now.Sub(f.last) > forgotten {
			f.n = 0
		}
		t.makeRoom(now)
		t.fails[k.key] = failure{f.n + 1, now}
	}
	return 0
}

// makeRoom drops what is old, and then whatever comes, when there are too many keys.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.fails) < maxThrottled {
		return
	}
	for k, f := range t.fails {
		if now.Sub(f.last) > longestWait {
			delete(t.fails, k)
		}
	}
	for k := range t.fails {
		if len(t.fails) < maxThrottled*3/4 {
			return
		}
		delete(t.fails, k)
	}
}

// undo takes one attempt back.
func (t *throttle) undo(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.fails[key]; f.n > 1 {
		t.fails[key] = failure{f.n - 1, f.last}
	} else {
		delete(t.fails, key)
	}
}

// forget takes all attempts back.
func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.fails, key)
}

// limit is how often an address may do something in a window of time.
type limit struct {
	name   string
	max    int
	window time.Duration
}

// The limits of what the doors' own limits don't count.
//
// spec: masto:api/rate-limits
var (
	limitAll     = limit{"all", 300, 5 * time.Minute}
	limitApps    = limit{"apps", 60, 30 * time.Minute}
	limitSignUps = limit{"sign-ups", 5, 30 * time.Minute}
	limitMails   = limit{"mails", 3, time.Hour} // To one account.
)

// limiter counts in fixed windows. It remembers at most maxThrottled keys of one
// window of each limit.
type limiter struct {
	now  func() time.Time
	mu   sync.Mutex
	runs map[string]*window
}

type window struct {
	ends time.Time
	used map[string]int
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, runs: map[string]*window{}}
}

// take counts a use of l by key and returns how many are left, negative when it is
// one too many, and when the window ends.
func (m *limiter) take(l limit, key string) (left int, ends time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.runs[l.name]
	if now := m.now(); w == nil || !now.Before(w.ends) {
		w = &window{now.Add(l.window), map[string]int{}}
		m.runs[l.name] = w
	}
	if _, known := w.used[key]; !known && len(w.used) >= maxThrottled {
		for other := range w.used { // Whoever has so many addresses isn't held by a limit per address.
			delete(w.used, other)
			break
		}
	}
	w.used[key]++
	return l.max - w.used[key], w.ends
}

// network is what an address counts as: an IPv6 customer has a /64 at least.
func network(ip netip.Addr) string {
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
