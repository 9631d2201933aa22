package policy

import (
	"sync"
	"time"
)

// Tally counts what happened lately, for rules about many at once. It is kept in
// memory, by each node for itself, and bounded; a restart begins anew. The zero value
// is ready, and a nil Tally counts nothing.
type Tally struct {
	mu   sync.Mutex
	keys map[string]*tallied
}

type tallied struct {
	seen   map[string]time.Time // By id.
	window time.Duration
	last   time.Time
}

// The bounds of a Tally. Few keys hold many ids, so that it takes some MB at most.
const (
	maxTallies = 5_000
	perTally   = 500 // More than anybody has to know.
)

// Count notes that id happened under key now, and returns how many different ids did
// within the window that ends now, up to 500.
func (t *Tally) Count(key, id string, window time.Duration, now time.Time) int {
	n, _ := t.take(key, id, window, now, perTally)
	return n
}

// Take is Count for at most most ids: one too many is not noted, and the answer is no.
func (t *Tally) Take(key, id string, window time.Duration, now time.Time, most int) bool {
	_, yes := t.take(key, id, window, now, min(most, perTally))
	return yes
}

func (t *Tally) take(key, id string, window time.Duration, now time.Time, most int) (n int, taken bool) {
	if t == nil {
		return 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.keys[key]
	if one == nil {
		t.makeRoom(now)
		one = &tallied{seen: map[string]time.Time{}}
		t.keys[key] = one
	}
	one.window, one.last = window, now
	for old, at := range one.seen {
		if now.Sub(at) >= window {
			delete(one.seen, old)
		}
	}
	_, taken = one.seen[id]
	if !taken && len(one.seen) < most {
		one.seen[id], taken = now, true
	}
	return len(one.seen), taken
}

// makeRoom drops keys that are over, and the longest unused one where that is not enough.
func (t *Tally) makeRoom(now time.Time) {
	if t.keys == nil {
		t.keys = map[string]*tallied{}
	}
	if len(t.keys) < maxTallies {
		return
	}
	oldest := ""
	for key, one := range t.keys {
		if now.Sub(one.last) >= one.window {
			delete(t.keys, key)
		} else if oldest == "" || one.last.Before(t.keys[oldest].last) {
			oldest = key
		}
	}
	if len(t.keys) >= maxTallies {
		delete(t.keys, oldest)
	}
}
