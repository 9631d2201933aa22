package mastodon

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// limit is how often something may be done in a window.
//
// spec: masto:api/rate-limits
type limit struct {
	name   string
	max    int
	window time.Duration
}

// The limits. Everything counts, errors too: one library repeats a 404 without a
// pause.
var (
	limitAccount = limit{"account", 300, 5 * time.Minute}
	limitIP      = limit{"ip", 300, 5 * time.Minute}
	limitMedia   = limit{"media", 30, 30 * time.Minute}
	limitDelete  = limit{"delete", 30, 30 * time.Minute}
	limitSignUp  = limit{"sign-up", 5, 30 * time.Minute}
)

// endpointLimits are the limits of single routes, beside those of all.
var endpointLimits = map[string]limit{
	"POST /api/v1/media":                  limitMedia,
	"POST /api/v2/media":                  limitMedia,
	"DELETE /api/v1/statuses/{id}":        limitDelete,
	"POST /api/v1/statuses/{id}/unreblog": limitDelete,
	"POST /api/v1/accounts":               limitSignUp,
}

// limiter counts in sliding windows: the count of the running window plus the
// share of the one before that still reaches into the last window's length. Its
// memory is bounded: per limit at most 2 × maxKeys counters.
type limiter struct {
	now func() time.Time
	mu  sync.Mutex
	per map[string]*windows
}

// maxKeys is how many counters a window of one limit holds. Beyond, some counter
// is forgotten: whoever has that many addresses isn't held by a limit per address.
const maxKeys = 50_000

type windows struct {
	start time.Time
	now   map[string]int
	prev  map[string]int
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, per: map[string]*windows{}}
}

// quota is what is left of a limit.
type quota struct {
	limit     limit
	remaining int
	reset     time.Time
	exceeded  bool
}

// take counts one use of l by key and returns what is left.
func (lim *limiter) take(l limit, key string) quota {
	now := lim.now()
	lim.mu.Lock()
	defer lim.mu.Unlock()
	w := lim.per[l.name]
	if w == nil {
		w = &windows{start: now.Truncate(l.window), now: map[string]int{}}
		lim.per[l.name] = w
	}
	w.roll(now, l.window)
	share := 1 - float64(now.Sub(w.start))/float64(l.window)
	used := float64(w.prev[key])*share + float64(w.now[key])
	q := quota{limit: l, reset: w.start.Add(l.window)}
	if used+1 > float64(l.max) {
		q.exceeded = true
		return q
	}
	if _, known := w.now[key]; !known && len(w.now) >= maxKeys {
		for other := range w.now {
			delete(w.now, other)
			break
		}
	}
	w.now[key]++
	q.remaining = max(0, l.max-int(math.Ceil(used+1)))
	return q
}

// roll moves on to the window that now is in.
func (w *windows) roll(now time.Time, length time.Duration) {
	start := now.Truncate(length)
	switch {
	case !start.After(w.start):
		return
	case start.Sub(w.start) == length:
		w.prev = w.now
	default:
		w.prev = nil
	}
	w.start, w.now = start, map[string]int{}
}

// header tells the client about the limit that is nearest to its end.
func (q quota) header(h http.Header) {
	if had := h.Get("X-RateLimit-Remaining"); had != "" {
		if n, err := strconv.Atoi(had); err == nil && n <= q.remaining && !q.exceeded {
			return
		}
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(q.limit.max))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(q.remaining))
	h.Set("X-RateLimit-Reset", q.reset.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// CountClient counts what a client does by another door against the same limits, and
// tells in header what is left. pattern is the route here that does the like.
func (api *API) CountClient(header http.Header, account int64, pattern string) error {
	r := &Request{header: header}
	key := strconv.FormatInt(account, 10)
	if err := api.count(r, limitAccount, key); err != nil {
		return err
	}
	if own, ok := endpointLimits[pattern]; ok {
		return api.count(r, own, key)
	}
	return nil
}

// ipKey is what an address counts as: an IPv6 customer has a /64 at least.
func ipKey(ip netip.Addr) string {
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
