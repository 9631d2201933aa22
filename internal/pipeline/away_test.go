package pipeline

import (
	"context"
	"testing"
	"time"

	"kenoma/internal/store"
)

// TestAway drops the home of somebody who has not been here for a month, and gives it
// back on return.
func TestAway(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		ann, dan := w.person("ann"), w.person("dan")
		seen := func(a *store.Actor) {
			t.Helper()
			if err := w.DB.Write(ctx, func(tx *store.Tx) error { return tx.Seen(ctx, a.ID, w.clock) }); err != nil {
				t.Fatal(err)
			}
		}
		home := func(want int, when string) {
			t.Helper()
			rows, err := w.DB.Home(ctx, ann.ID, store.Page{})
			if err != nil || len(rows) != want {
				t.Fatalf("%s: %d posts in the home (%v), want %d", when, len(rows), err, want)
			}
		}
		seen(ann)
		w.send(note(1, "one", ""))
		home(1, "while she is here")
		w.clock = w.clock.Add(29 * 24 * time.Hour)
		if err := w.SendAway(ctx); err != nil {
			t.Fatal(err)
		}
		home(1, "after 29 days")
		w.clock = w.clock.Add(2 * 24 * time.Hour)
		seen(dan)
		if err := w.SendAway(ctx); err != nil {
			t.Fatal(err)
		}
		home(0, "after a month")
		if away, err := w.DB.Away(ctx, dan.ID); err != nil || away {
			t.Errorf("Dan is away: %v, %v", away, err)
		}
		w.send(note(2, "two", ""))
		home(0, "while she is away")
		seen(ann)
		if jobs := w.dump("SELECT payload FROM jobs WHERE kind = 'refill'")["SELECT payload FROM jobs WHERE kind = 'refill'"]; len(jobs) != 1 {
			t.Fatalf("jobs %q, want one that fills the home", jobs)
		}
		if err := w.refill(ctx, refillJob{Owner: ann.ID}); err != nil {
			t.Fatal(err)
		}
		home(2, "when she is back")
		w.send(note(3, "three", ""))
		home(3, "after that")
	})
}
