package delivery

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCache(t *testing.T) {
	made := 0
	c := cache[string, []byte]{max: 10, cost: func(b []byte) int { return len(b) }}
	get := func(key string, size int) {
		t.Helper()
		v, err := c.get(key, func() ([]byte, error) { made++; return make([]byte, size), nil })
		if err != nil || len(v) != size {
			t.Fatalf("get(%s) = %d bytes, %v, want %d", key, len(v), err, size)
		}
	}
	for _, tt := range []struct {
		key  string
		size int
		made int // So far.
	}{
		{"a", 4, 1}, {"b", 4, 2}, {"a", 4, 2},
		{"c", 4, 3}, // Pushes b out, which was used longest ago.
		{"a", 4, 3},
		{"b", 4, 4},
		{"huge", 99, 5}, // Larger than all: kept alone until something else comes.
		{"huge", 99, 5},
		{"a", 4, 6},
		{"huge", 99, 7},
	} {
		get(tt.key, tt.size)
		if made != tt.made {
			t.Errorf("after %s: made %d values, want %d", tt.key, made, tt.made)
		}
	}
	c.drop("huge")
	c.drop("unknown")
	if c.total != 0 || c.order.Len() != 0 || len(c.entries) != 0 {
		t.Errorf("after dropping: total %d, %d in order, %d entries, want nothing", c.total, c.order.Len(), len(c.entries))
	}
}

func TestCacheForgetsErrorsAndMakesOnce(t *testing.T) {
	c := cache[int, int]{max: 3}
	if _, err := c.get(1, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("the error was lost")
	}
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if v, err := c.get(1, func() (int, error) { made.Add(1); return 7, nil }); v != 7 || err != nil {
				t.Errorf("get = %d, %v, want 7", v, err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times for 50 who asked at once, want once", made.Load())
	}
}

func TestLane(t *testing.T) {
	seen := map[int64]bool{}
	for object := range int64(100) {
		for inbox := range int64(100) {
			l := lane(object, inbox)
			if l <= 0 || seen[l] {
				t.Fatalf("lane(%d, %d) = %d, want a positive number of its own", object, inbox, l)
			}
			seen[l] = true
		}
	}
}
