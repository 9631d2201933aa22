package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// clock is the time of the tests; it moves when a test says so.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// eachJobs runs a test on both engines, on a clock of its own.
func eachJobs(t *testing.T, run func(t *testing.T, db *store.DB, c *clock)) {
	c := &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, store.Options{Now: c.now}, func(t *testing.T, db *store.DB) { run(t, db, c) })
}

func mustWrite(t testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t testing.TB, db *store.DB, jobs ...store.Job) {
	t.Helper()
	mustWrite(t, db, func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := tx.Enqueue(context.Background(), j); err != nil {
				return err
			}
		}
		return nil
	})
}

func claim(t testing.TB, db *store.DB, c store.Claim) *store.Claimed {
	t.Helper()
	if c.Node == 0 {
		c.Node = 1
	}
	if c.Lease == 0 {
		c.Lease = time.Minute
	}
	var got *store.Claimed
	mustWrite(t, db, func(tx *store.Tx) (err error) {
		got, err = tx.ClaimJobs(context.Background(), c)
		return err
	})
	return got
}

// all claims as much as the small tests ever have.
var all = store.Claim{Own: 10, Jobs: 10, Parts: 10, PerPart: 10}

func idsOf(jobs []store.Job) []int64 {
	ids := []int64{}
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

func wantIDs(t testing.TB, what string, jobs []store.Job, want ...int64) {
	t.Helper()
	if want == nil {
		want = []int64{}
	}
	if got := idsOf(jobs); !reflect.DeepEqual(got, want) {
		t.Errorf("%s: claimed %v, want %v", what, got, want)
	}
}

func TestClaimLeasesJobsInOrder(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		ctx := context.Background()
		now := db.Now().UnixMilli()
		enqueue(t, db,
			store.Job{ID: 1, Kind: "k", Part: "a.test", Payload: json.RawMessage(`{"n":1}`)},
			store.Job{ID: 2, Kind: "k", Part: "a.test"},
			store.Job{ID: 3, Kind: "k", Part: "a.test", RunAt: now + 3_600_000},
			store.Job{ID: 4, Kind: "k"})

		got := claim(t, db, all)
		wantIDs(t, "first", got.Jobs, 4, 1, 2)
		if j := got.Jobs[1]; j.Kind != "k" || j.Part != "a.test" || j.Attempt != 1 || string(j.Payload) != `{"n":1}` {
			t.Errorf("claimed job = %+v", j)
		}
		wantIDs(t, "leased", claim(t, db, all).Jobs)

		mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{1, 2, 4}) })
		got = claim(t, db, store.Claim{Jobs: 9, Held: map[string]store.Held{"a.test": {Want: 4}}})
		wantIDs(t, "the one of the future", got.Jobs)
		if !reflect.DeepEqual(got.Released, []string{"a.test"}) {
			t.Errorf("Released = %v, want a.test", got.Released)
		}
		if next, err := db.NextJob(ctx); err != nil || next != now+3_600_000 {
			t.Errorf("NextJob = %d, %v, want %d", next, err, now+3_600_000)
		}
	})
}

func TestLeaseEndIsTheRetry(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, clk *clock) {
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Part: "a.test"}, store.Job{ID: 2, Kind: "k"})
		wantIDs(t, "first", claim(t, db, all).Jobs, 2, 1) // And the node dies.
		clk.at = clk.at.Add(59 * time.Second)
		c := all
		c.Node = 2
		wantIDs(t, "before the lease ends", claim(t, db, c).Jobs)
		clk.at = clk.at.Add(time.Second)
		got := claim(t, db, c)
		wantIDs(t, "after the lease", got.Jobs, 2, 1)
		if got.Jobs[0].Attempt != 2 {
			t.Errorf("Attempt = %d, want 2: the first run may have done something", got.Jobs[0].Attempt)
		}
	})
}

func TestLongerLease(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, clk *clock) {
		enqueue(t, db, store.Job{ID: 1, Kind: "k"}, store.Job{ID: 2, Kind: "film"})
		c := all
		c.Longer = map[string]time.Duration{"film": time.Hour}
		wantIDs(t, "first", claim(t, db, c).Jobs, 1, 2) // And the node dies.
		clk.at = clk.at.Add(time.Minute)
		wantIDs(t, "after the lease of most", claim(t, db, c).Jobs, 1)
		clk.at = clk.at.Add(time.Hour)
		wantIDs(t, "after the longer one", claim(t, db, c).Jobs, 1, 2)
	})
}

func TestRecoverJobsFreesLeases(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Part: "a.test"}, store.Job{ID: 2, Kind: "k"})
		claim(t, db, all)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.RecoverJobs(context.Background()) })
		got := claim(t, db, all)
		if db.Engine() == "postgres" {
			wantIDs(t, "another node may be at work on them", got.Jobs)
			return
		}
		wantIDs(t, "after a restart", got.Jobs, 2, 1)
	})
}

func TestPartFailedBacksOffTheWholePart(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		ctx := context.Background()
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Part: "dead.test"}, store.Job{ID: 2, Kind: "k", Part: "dead.test"})
		first := claim(t, db, store.Claim{Jobs: 9, Parts: 9, PerPart: 1})
		wantIDs(t, "first", first.Jobs, 1)
		now := db.Now().UnixMilli()
		mustWrite(t, db, func(tx *store.Tx) error {
			if err := tx.RetryJob(ctx, first.Jobs[0], now-1, "no route"); err != nil {
				return err
			}
			return tx.PartFailed(ctx, "dead.test", now+60_000)
		})
		enqueue(t, db, store.Job{ID: 3, Kind: "k", Part: "dead.test"}, store.Job{ID: 4, Kind: "k", Part: "live.test"})
		wantIDs(t, "only the live host", claim(t, db, all).Jobs, 4)

		mustWrite(t, db, func(tx *store.Tx) error { return tx.PartsOK(ctx, []string{"dead.test"}) })
		got := claim(t, db, all)
		if len(got.Jobs) != 3 || got.Fails["dead.test"] != 0 {
			t.Errorf("claimed %v with %d fails after PartsOK, want all three and 0", idsOf(got.Jobs), got.Fails["dead.test"])
		}
	})
}

func TestFailingPartIsProbedWithOneJob(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Part: "dead.test"}, store.Job{ID: 2, Kind: "k", Part: "dead.test"})
		mustWrite(t, db, func(tx *store.Tx) error {
			return tx.PartFailed(context.Background(), "dead.test", db.Now().UnixMilli()-1)
		})
		got := claim(t, db, all)
		wantIDs(t, "probe", got.Jobs, 1)
		if got.Fails["dead.test"] != 1 {
			t.Errorf("Fails = %v, want 1 for dead.test", got.Fails)
		}
	})
}

func TestLanesKeepOrder(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, clk *clock) {
		ctx := context.Background()
		for _, part := range []string{"", "a.test"} {
			enqueue(t, db,
				store.Job{ID: 1, Kind: "k", Part: part, Lane: 7},
				store.Job{ID: 2, Kind: "k", Part: part, Lane: 7},
				store.Job{ID: 3, Kind: "k", Part: part, Lane: 8},
				store.Job{ID: 4, Kind: "k", Part: part})
			first := claim(t, db, all)
			wantIDs(t, "first of each lane", first.Jobs, 1, 3, 4)

			later := db.Now().UnixMilli() + 60_000
			mustWrite(t, db, func(tx *store.Tx) error {
				if err := tx.RetryJob(ctx, first.Jobs[0], later, "not now"); err != nil {
					return err
				}
				return tx.FinishJobs(ctx, []int64{3, 4})
			})
			held := store.Claim{Own: 9, Jobs: 9, Held: map[string]store.Held{part: {Want: 9}}}
			wantIDs(t, "behind one that is retried later", claim(t, db, held).Jobs)
			if next, err := db.NextJob(ctx); err != nil || next != later {
				t.Errorf("part %q: NextJob = %d, %v, want %d", part, next, err, later)
			}
			clk.at = clk.at.Add(time.Minute)
			again := claim(t, db, all)
			wantIDs(t, "the retried one", again.Jobs, 1)
			held = store.Claim{Own: 9, Jobs: 9, Held: map[string]store.Held{part: {Running: 1, Want: 9}}}
			wantIDs(t, "behind one that runs", claim(t, db, held).Jobs)
			mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{1}) })
			held.Held[part] = store.Held{Want: 9}
			wantIDs(t, "next in the lane", claim(t, db, held).Jobs, 2)
			mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{2}) })
		}
	})
}

func TestUniqJobs(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		ctx := context.Background()
		now := db.Now().UnixMilli()
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Uniq: "u", RunAt: now + 60_000})
		enqueue(t, db, store.Job{ID: 2, Kind: "k", Uniq: "u", RunAt: now + 90_000})
		wantIDs(t, "later ones don't count", claim(t, db, all).Jobs)
		enqueue(t, db, store.Job{ID: 3, Kind: "k", Uniq: "u"})
		got := claim(t, db, all)
		wantIDs(t, "an earlier one brings it forward", got.Jobs, 1)

		enqueue(t, db, store.Job{ID: 4, Kind: "k", Uniq: "u"})
		wantIDs(t, "not twice at once", claim(t, db, all).Jobs)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{1}) })
		got = claim(t, db, all)
		wantIDs(t, "once more afterwards", got.Jobs, 1)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{1}) })
		wantIDs(t, "and then no more", claim(t, db, all).Jobs)
		enqueue(t, db, store.Job{ID: 5, Kind: "k", Uniq: "u"}, store.Job{ID: 6, Kind: "k", Uniq: "v"})
		wantIDs(t, "free again", claim(t, db, all).Jobs, 5, 6)
	})
}

func TestContinueJob(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		ctx := context.Background()
		enqueue(t, db, store.Job{ID: 1, Kind: "k", Part: "a.test"})
		claim(t, db, all)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.ContinueJob(ctx, 1, []byte(`{"cursor":5}`), true) })
		mustWrite(t, db, func(tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{1}) })
		got := claim(t, db, store.Claim{Jobs: 9, Held: map[string]store.Held{"a.test": {Want: 1}}})
		wantIDs(t, "continued", got.Jobs, 1)
		if string(got.Jobs[0].Payload) != `{"cursor":5}` || got.Jobs[0].Attempt != 1 {
			t.Errorf("job = %+v, want the cursor and a first attempt", got.Jobs[0])
		}
	})
}

func TestGiveUpAndStaleOutcomes(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, clk *clock) {
		ctx := context.Background()
		enqueue(t, db, store.Job{ID: 1, Kind: "k"})
		old := claim(t, db, all).Jobs[0]
		clk.at = clk.at.Add(time.Minute)
		fresh := claim(t, db, all).Jobs[0]
		mustWrite(t, db, func(tx *store.Tx) error { // The first node comes back late.
			if err := tx.RetryJob(ctx, old, 1, "late"); err != nil {
				return err
			}
			return tx.GiveUpJob(ctx, old, "late")
		})
		wantIDs(t, "still leased to the second", claim(t, db, all).Jobs)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.GiveUpJob(ctx, fresh, "no use") })
		dead, err := db.DeadJobs(ctx, 10)
		if err != nil || len(dead) != 1 || dead[0].Error != "no use" || dead[0].Attempt != 2 {
			t.Errorf("DeadJobs = %+v, %v, want job 1 after two attempts", dead, err)
		}
	})
}

// A part that always has work must not keep others from theirs.
func TestBusyPartDoesNotStarve(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		ctx := context.Background()
		var jobs []store.Job
		for i := range int64(100) {
			jobs = append(jobs, store.Job{ID: 1000 + i, Kind: "k", Part: "busy.test"})
		}
		jobs = append(jobs, store.Job{ID: 1, Kind: "k", Part: "small.test"})
		mustWrite(t, db, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, jobs) })
		c := store.Claim{Jobs: 4, Parts: 4, PerPart: 2}
		got := claim(t, db, c)
		parts := map[string]int{}
		for _, j := range got.Jobs {
			parts[j.Part]++
		}
		if parts["busy.test"] != 2 || parts["small.test"] != 1 {
			t.Errorf("claimed %v, want 2 of the busy host and the small one's only", parts)
		}
		// With room for one, the part that waits goes before the one that is held.
		enqueue(t, db, store.Job{ID: 2, Kind: "k", Part: "new.test"})
		got = claim(t, db, store.Claim{Jobs: 1, Parts: 4, PerPart: 2, Held: map[string]store.Held{"busy.test": {Want: 2}}})
		wantIDs(t, "waiting part first", got.Jobs, 2)
		if !reflect.DeepEqual(got.Released, []string{"busy.test"}) {
			t.Errorf("Released = %v, want busy.test to take its turn again", got.Released)
		}
	})
}

func TestListenHearsNotices(t *testing.T) {
	eachJobs(t, func(t *testing.T, db *store.DB, _ *clock) {
		heard := make(chan string, 100)
		stop := db.Listen("test", func(p string) { heard <- p })
		defer stop()
		if db.Engine() == "postgres" {
			if p := <-heard; p != "" {
				t.Fatalf("first notice = %q, want the one for a new connection", p)
			}
		}
		if err := db.Notify(context.Background(), "test", "a", "b", "c"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"a", "b", "c"} {
			if p := <-heard; p != want {
				t.Errorf("heard %q, want %q", p, want)
			}
		}
		other := make(chan string, 100) // A channel that comes later.
		defer db.Listen("second", func(p string) { other <- p })()
		if db.Engine() == "postgres" {
			<-other
		}
		if err := db.Notify(context.Background(), "second", "d"); err != nil {
			t.Fatal(err)
		}
		if p := <-other; p != "d" {
			t.Errorf("heard %q on the second channel, want d", p)
		}
		if err := db.Notify(context.Background(), "test", string(make([]byte, 8000))); err == nil {
			t.Error("Notify with 8,000 bytes succeeded, want an error")
		}
	})
}

func BenchmarkEnqueue(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	ctx := context.Background()
	for b.Loop() {
		if err := db.Write(ctx, func(tx *store.Tx) error {
			return tx.Enqueue(ctx, store.Job{Kind: "k", Part: "a.test", Payload: json.RawMessage(`{"activity":1,"inbox":2}`)})
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClaim leases and finishes jobs of 100 parts, as the queue does. An op is one job.
func BenchmarkClaim(b *testing.B) {
	db := storetest.SQLite(b, store.Options{})
	ctx := context.Background()
	var jobs []store.Job
	for i := range b.N {
		jobs = append(jobs, store.Job{Kind: "k", Part: fmt.Sprintf("host%d.test", i%100), Lane: int64(i) + 1})
	}
	for chunk := range slices.Chunk(jobs, 500) {
		mustWrite(b, db, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, chunk) })
	}
	b.ResetTimer()
	held := map[string]store.Held{}
	var done []int64
	for n := 0; n < b.N; {
		var got *store.Claimed
		mustWrite(b, db, func(tx *store.Tx) (err error) {
			if err := tx.FinishJobs(ctx, done); err != nil {
				return err
			}
			got, err = tx.ClaimJobs(ctx, store.Claim{Node: 1, Lease: time.Minute, Jobs: 256, Parts: 64, PerPart: 4, Held: held})
			return err
		})
		done = idsOf(got.Jobs)
		n += len(done)
		for _, j := range got.Jobs {
			held[j.Part] = store.Held{Want: 4}
		}
		for _, p := range got.Released {
			delete(held, p)
		}
	}
}
