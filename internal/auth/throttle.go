package auth

import (
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
	longestWait  = 15 * time.Minute
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, fails: map[string]failure{}}
}

// wait says how long key has to wait, 0 not at all.
func (t *throttle) wait(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fails[key]
	if f.n < freeFails {
		return 0
	}
	pause := min(time.Second<<min(f.n-freeFails, 20), longestWait)
	return max(0, f.last.Add(pause).Sub(t.now()))
}

// fail notes a failure. Old ones are dropped when there are too many.
func (t *throttle) fail(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.fails) >= maxThrottled {
		for k, f := range t.fails {
			if now.Sub(f.last) > longestWait || len(t.fails) >= maxThrottled {
				delete(t.fails, k)
			}
			if len(t.fails) < maxThrottled/2 {
				break
			}
		}
	}
	f := t.fails[key]
	if now.Sub(f.last) > 4*longestWait {
		f.n = 0
	}
	t.fails[key] = failure{f.n + 1, now}
}

func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.fails, key)
}
