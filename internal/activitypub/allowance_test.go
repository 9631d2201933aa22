package activitypub

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// What an actor or a host sends beyond its allowance waits; others are not kept by it.
func TestInboxAllowance(t *testing.T) {
	w := sqliteWorld(t, func(o *Options) { o.InboxActor, o.InboxHost = 3, 5 })
	b := w.peer("b.test")
	bob, eve, cat := b.actor("bob"), b.actor("eve"), w.peer("c.test").actor("cat")
	for _, a := range []*peerActor{bob, eve, cat} {
		w.known(a)
	}
	n := 0
	post := func(as *peerActor, want int) {
		t.Helper()
		n++
		rec := w.post("/inbox", note(as, n, ""), as)
		if rec.Code != want || w.here(as, n) != (want == http.StatusAccepted) {
			t.Errorf("delivery %d of %s: %d, want %d", n, as.name, rec.Code, want)
		}
		if after, err := strconv.Atoi(rec.Header().Get("Retry-After")); want == http.StatusTooManyRequests && (err != nil || after < 1 || after > 60) {
			t.Errorf("Retry-After: %q", rec.Header().Get("Retry-After"))
		}
	}
	for range 3 {
		post(bob, 202)
	}
	post(bob, 429)
	post(eve, 202)
	post(eve, 202)
	post(eve, 429) // Her host has sent five.
	post(cat, 202)

	forged := *cat
	forged.pem = testKey(t, 1)
	for range 5 { // What somebody else sends in her name is not counted.
		n++
		if rec := w.post("/inbox", note(&forged, n, ""), &forged); rec.Code != http.StatusUnauthorized {
			t.Errorf("forged: %d", rec.Code)
		}
	}
	post(cat, 202)
	w.pass(time.Minute)
	post(bob, 202)
}

func TestAllowance(t *testing.T) {
	now := time.Unix(1000, 0)
	a := newAllowance(60, func() time.Time { return now })
	for range 60 {
		if a.take("x") != 0 {
			t.Fatal("refused too early")
		}
	}
	if wait := a.take("x"); wait <= 0 || wait > time.Second {
		t.Errorf("wait %s, want up to a second", wait)
	}
	if a.take("y") != 0 {
		t.Error("y pays for x")
	}
	now = now.Add(10 * time.Second)
	for range 10 {
		if a.take("x") != 0 {
			t.Error("nothing came back")
		}
	}
	if a.take("x") == 0 {
		t.Error("too much came back")
	}
	a.limit = 100
	for i := range 1000 {
		a.take(fmt.Sprint(i))
	}
	if len(a.left) > a.limit {
		t.Errorf("%d are remembered", len(a.left))
	}
	var none *allowance = newAllowance(0, nil)
	if none.take("x") != 0 {
		t.Error("no limit limits")
	}
}
