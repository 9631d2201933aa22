package mastodon

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestLimiterSlides(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	lim := newLimiter(func() time.Time { return now })
	l := limit{"test", 10, time.Minute}
	for i := range 10 {
		if q := lim.take(l, "a"); q.exceeded || q.remaining != 9-i {
			t.Fatalf("take #%d = %+v", i, q)
		}
	}
	if q := lim.take(l, "a"); !q.exceeded || !q.reset.Equal(now.Add(time.Minute)) {
		t.Errorf("the 11th = %+v, want exceeded", q)
	}
	if q := lim.take(l, "b"); q.exceeded {
		t.Error("b is held by a's use")
	}
	now = now.Add(90 * time.Second) // Half of the 10 still count.
	allowed := 0
	for !lim.take(l, "a").exceeded {
		allowed++
	}
	if allowed != 5 {
		t.Errorf("%d were allowed after one and a half windows, want 5", allowed)
	}
	now = now.Add(time.Hour)
	if q := lim.take(l, "a"); q.remaining != 9 {
		t.Errorf("after an hour = %+v, want a fresh window", q)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	lim := newLimiter(time.Now)
	l := limit{"test", 10, 24 * time.Hour}
	for i := range maxKeys + 100 {
		lim.take(l, fmt.Sprint(i))
	}
	if n := len(lim.per["test"].now); n > maxKeys {
		t.Errorf("%d counters, want at most %d", n, maxKeys)
	}
}

func TestQuotaHeader(t *testing.T) {
	h := http.Header{}
	quota{limit: limitIP, remaining: 5}.header(h)
	quota{limit: limitMedia, remaining: 9}.header(h)
	if got := h.Get("X-RateLimit-Remaining"); got != "5" {
		t.Errorf("remaining = %s, want the smaller 5", got)
	}
	quota{limit: limitMedia, exceeded: true}.header(h)
	if got := h.Get("X-RateLimit-Limit"); got != "30" {
		t.Errorf("limit = %s, want that of the one exceeded", got)
	}
}

func TestIPKey(t *testing.T) {
	if a, b := ipKey(netip.MustParseAddr("2001:db8::1")), ipKey(netip.MustParseAddr("2001:db8::2")); a != b {
		t.Errorf("%s and %s differ within a /64", a, b)
	}
}
