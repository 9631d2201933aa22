package activitypub

import (
	"errors"
	"math"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// allowance bounds how often each key may do something: so many times at once, and
// so many more in each minute. It is per node.
type allowance struct {
	perMinute float64
	limit     int // Keys that are remembered, about 100 bytes each.
	now       func() time.Time

	mu   sync.Mutex
	left map[string]purse
}

// purse is what a key had left at a time.
type purse struct {
	n  float64
	at time.Time
}

// maxPurses is how many hosts, and how many actors, are remembered.
const maxPurses = 20_000

// newAllowance returns nil, which bounds nothing, for 0.
func newAllowance(perMinute int, now func() time.Time) *allowance {
	if perMinute <= 0 {
		return nil
	}
	return &allowance{perMinute: float64(perMinute), limit: maxPurses, now: now, left: map[string]purse{}}
}

// take uses one of a key's times up. Where none is left it returns how long it takes
// until there is one.
func (a *allowance) take(key string) time.Duration {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	p, ok := a.left[key]
	if !ok {
		a.makeRoom(now)
		p = purse{a.perMinute, now}
	}
	p.n = min(a.perMinute, p.n+a.perMinute*now.Sub(p.at).Minutes())
	p.at = now
	if p.n < 1 {
		a.left[key] = p
		return time.Duration((1 - p.n) / a.perMinute * float64(time.Minute))
	}
	p.n--
	a.left[key] = p
	return 0
}

// makeRoom forgets those who have all that they can have again, and when there are none, any.
func (a *allowance) makeRoom(now time.Time) {
	if len(a.left) < a.limit {
		return
	}
	for key, p := range a.left {
		if now.Sub(p.at) >= time.Minute {
			delete(a.left, key)
		}
	}
	for key := range a.left { // In no order.
		if len(a.left) < a.limit {
			break
		}
		delete(a.left, key)
	}
}

// waitError tells how long a peer should wait.
type waitError struct{ wait time.Duration }

func (waitError) Error() string { return "too many requests" }

// allow counts a delivery that actor's key vouches for, so that nobody can use up what is
// somebody else's.
func (h *Handler) allow(actor *store.Actor) error {
	wait := h.perActor.take(string(actor.URI))
	who := string(actor.URI)
	if wait == 0 {
		wait, who = h.perHost.take(actor.Host), actor.Host
	}
	if wait == 0 {
		return nil
	}
	return fault.Because(waitError{wait}, fault.TooMany, "%s sends too much, try again later.", who)
}

// retryAfter is how many seconds the asker is to wait after err.
func retryAfter(err error) int {
	var w waitError
	if errors.As(err, &w) {
		return max(1, int(math.Ceil(w.wait.Seconds())))
	}
	return int(busy.Seconds())
}
