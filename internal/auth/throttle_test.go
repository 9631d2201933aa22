package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// tick is a time that tests move.
type tick struct{ at time.Time }

func newTick() *tick                 { return &tick{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }
func (c *tick) now() time.Time       { return c.at }
func (c *tick) pass(d time.Duration) { c.at = c.at.Add(d) }

func TestThrottle(t *testing.T) {
	c := newTick()
	th := newThrottle(c.now)
	key := limitOf{"name ann", longestWaitOfName}
	for i := range freeFails {
		if wait := th.try(key); wait != 0 {
			t.Fatalf("try %d has to wait %s", i+1, wait)
		}
	}
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		if wait := th.try(key); wait != want {
			t.Fatalf("wait = %s, want %s", wait, want)
		}
		if wait := th.try(key); wait != want { // Asking doesn't make it longer.
			t.Fatalf("second wait = %s, want %s", wait, want)
		}
		c.pass(want)
		if wait := th.try(key); wait != 0 {
			t.Fatalf("after %s still %s to wait", want, wait)
		}
	}
	if wait := th.try(limitOf{"name bob", longestWaitOfName}); wait != 0 {
		t.Errorf("somebody else has to wait %s", wait)
	}
	c.pass(forgotten + time.Minute)
	for i := range freeFails {
		if wait := th.try(key); wait != 0 {
			t.Errorf("long after, try %d has to wait %s", i+1, wait)
		}
	}
	if th.try(key) == 0 {
		t.Error("nothing is counted any more")
	}
	th.forget(key.key)
	if wait := th.try(key); wait != 0 {
		t.Errorf("after a success there are %s to wait", wait)
	}
}

// TestThrottleBoth wants an attempt that one key refuses to count for no other.
func TestThrottleBoth(t *testing.T) {
	th := newThrottle(newTick().now)
	full, other := limitOf{"ip 192.0.2.1", longestWait}, limitOf{"name ann", longestWaitOfName}
	for range freeFails {
		th.try(full)
	}
	for range 20 {
		if th.try(full, other) == 0 {
			t.Fatal("a full key lets through")
		}
	}
	if wait := th.try(other); wait != 0 {
		t.Errorf("the other key has to wait %s", wait)
	}
	th.undo(full.key)
	if wait := th.try(full, other); wait != 0 {
		t.Errorf("after undo %s to wait", wait)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle(newTick().now)
	for i := range 2*maxThrottled + 10 {
		th.try(limitOf{fmt.Sprint(i), longestWait})
	}
	if len(th.fails) > maxThrottled {
		t.Errorf("%d keys are remembered, want at most %d", len(th.fails), maxThrottled)
	}
}

func TestLimiter(t *testing.T) {
	c := newTick()
	m := newLimiter(c.now)
	l := limit{"test", 2, time.Minute}
	for _, want := range []int{1, 0, -1, -2} {
		if left, ends := m.take(l, "a"); left != want || ends.Sub(c.at) != time.Minute {
			t.Errorf("take = %d, %s, want %d", left, ends, want)
		}
	}
	if left, _ := m.take(l, "b"); left != 1 {
		t.Errorf("another key has %d left, want 1", left)
	}
	if left, _ := m.take(limit{"other", 2, time.Minute}, "a"); left != 1 {
		t.Errorf("another limit has %d left, want 1", left)
	}
	c.pass(time.Minute)
	if left, _ := m.take(l, "a"); left != 1 {
		t.Errorf("in the next window there are %d left, want 1", left)
	}
	for i := range maxThrottled + 10 {
		m.take(l, fmt.Sprint(i))
	}
	if n := len(m.runs["test"].used); n > maxThrottled {
		t.Errorf("%d keys are remembered, want at most %d", n, maxThrottled)
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64"} {
		if got := network(netip.MustParseAddr(addr)); got != want {
			t.Errorf("network(%s) = %s, want %s", addr, got, want)
		}
	}
}
