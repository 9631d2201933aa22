package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pgtest"
	"kenoma/internal/queue"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// clock is the time of the tests; it moves when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func each(t *testing.T, run func(t *testing.T, db *store.DB, c *clock)) {
	c := newClock()
	storetest.Each(t, store.Options{Now: c.now}, func(t *testing.T, db *store.DB) { run(t, db, c) })
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func enqueue(t testing.TB, db *store.DB, jobs ...store.Job) {
	t.Helper()
	ctx := context.Background()
	if err := db.Write(ctx, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, jobs) }); err != nil {
		t.Fatal(err)
	}
}

func settle(t testing.TB, q *queue.Queue) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := q.Settle(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// calls counts runs by job.
type calls struct {
	mu sync.Mutex
	of map[int64]int
}

func (c *calls) add(id int64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int64]int{}
	}
	c.of[id]++
	return c.of[id]
}

func TestEachJobRunsOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ *clock) {
		var jobs []store.Job
		for i := range int64(600) {
			jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: []string{"", "a.test", "b.test", fmt.Sprintf("h%d.test", i)}[i%4]})
		}
		enqueue(t, db, jobs...)
		var seen calls
		q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
			seen.add(j.ID)
			return nil
		}}, queue.Options{})
		if n := settle(t, q); n != 600 || len(seen.of) != 600 {
			t.Errorf("%d runs of %d jobs, want 600 of 600", n, len(seen.of))
		}
		if n := settle(t, q); n != 0 {
			t.Errorf("%d runs when nothing was left", n)
		}
		if rows := storetest.Dump(t, db, "SELECT part FROM job_parts"); len(rows) != 0 {
			t.Errorf("parts left behind: %v", rows)
		}
	})
}

// Several nodes share a database: no job runs twice, none is forgotten.
func TestThreeNodes(t *testing.T) {
	db := storetest.Postgres(t, store.Options{})
	const n = 1500
	var jobs []store.Job
	for i := range int64(n) {
		jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: fmt.Sprintf("h%d.test", i%40), Lane: i % 97})
		if i%3 == 0 {
			jobs[i].Part = ""
		}
	}
	enqueue(t, db, jobs...)
	var seen calls
	all := make(chan struct{})
	var left atomic.Int64
	left.Store(n)
	h := map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
		seen.add(j.ID)
		if left.Add(-1) == 0 {
			close(all)
		}
		return nil
	}}
	var nodes []*queue.Queue
	for range 3 {
		q := queue.New(db, h, queue.Options{})
		q.Start()
		nodes = append(nodes, q)
	}
	<-all
	for _, q := range nodes {
		q.Drain(context.Background())
	}
	for id, c := range seen.of {
		if c != 1 {
			t.Errorf("job %d ran %d times", id, c)
		}
	}
	if rows := storetest.Dump(t, db, "SELECT id FROM jobs"); len(rows) != 0 {
		t.Errorf("%d jobs left", len(rows))
	}
}

func TestErrorsDecideWhatComesNext(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		runs int
		dead int
	}{
		{"a definite no", fault.New(fault.Rejected, "No."), 1, 1},
		{"trouble of theirs", fault.New(fault.Transient, "Later."), 4, 1},
		{"trouble of ours", errors.New("bug"), 4, 1},
		{"success", nil, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *store.DB, c *clock) {
				enqueue(t, db, store.Job{ID: 1, Kind: "k"}, store.Job{ID: 2, Kind: "k", Part: "a.test"})
				var seen calls
				q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
					if n := seen.add(j.ID); n != j.Attempt {
						t.Errorf("run %d is attempt %d", n, j.Attempt)
					}
					return tt.err
				}}, queue.Options{Log: quiet, Kinds: map[string]queue.Kind{"k": {Attempts: 4}}})
				if _, err := q.SettleWithin(context.Background(), 24*time.Hour, c.set); err != nil {
					t.Fatal(err)
				}
				if seen.of[1] != tt.runs || seen.of[2] != tt.runs {
					t.Errorf("runs = %v, want %d each", seen.of, tt.runs)
				}
				if dead, err := db.DeadJobs(context.Background(), 9); err != nil || len(dead) != 2*tt.dead {
					t.Errorf("%d jobs given up (%v), want %d", len(dead), err, 2*tt.dead)
				}
			})
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	enqueue(t, db, store.Job{ID: 1, Kind: "k"})
	q := queue.New(db, map[string]queue.Handler{"k": func(context.Context, store.Job) error { panic("boom") }},
		queue.Options{Log: quiet, Kinds: map[string]queue.Kind{"k": {Attempts: 1}}})
	settle(t, q)
	dead, err := db.DeadJobs(context.Background(), 9)
	if err != nil || len(dead) != 1 || dead[0].Error != "panic in a job: boom" {
		t.Errorf("DeadJobs = %+v, %v", dead, err)
	}
}

// A thousand jobs for a dead host cost one probe now and then, and the live host
// next to it nothing.
func TestDeadHostBacksOffAsOne(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, c *clock) {
		var jobs []store.Job
		for i := range int64(1000) {
			jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: "dead.test"})
		}
		for i := range int64(50) {
			jobs = append(jobs, store.Job{ID: 2000 + i, Kind: "k", Part: "live.test"})
		}
		enqueue(t, db, jobs...)
		var dead, live atomic.Int64
		down := atomic.Bool{}
		down.Store(true)
		q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
			if j.Part == "live.test" {
				live.Add(1)
				return nil
			}
			dead.Add(1)
			if down.Load() {
				return queue.PartDown(fault.New(fault.Transient, "dead.test does not answer."))
			}
			return nil
		}}, queue.Options{Log: quiet})
		settle(t, q)
		if live.Load() != 50 || dead.Load() != 1 {
			t.Fatalf("%d runs for the live host and %d for the dead one, want 50 and 1", live.Load(), dead.Load())
		}
		if _, err := q.SettleWithin(context.Background(), 24*time.Hour, c.set); err != nil {
			t.Fatal(err)
		}
		if n := dead.Load(); n < 8 || n > 20 {
			t.Errorf("%d probes in a day, want about a dozen", n)
		}
		down.Store(false)
		dead.Store(0)
		if _, err := q.SettleWithin(context.Background(), 48*time.Hour, c.set); err != nil {
			t.Fatal(err)
		}
		if dead.Load() != 1000 {
			t.Errorf("%d delivered after the host came back, want all 1000", dead.Load())
		}
	})
}

func TestRetryAfter(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, c *clock) {
		start := c.now()
		enqueue(t, db, store.Job{ID: 1, Kind: "k"}, store.Job{ID: 2, Kind: "k", Part: "a.test"}, store.Job{ID: 3, Kind: "k", Part: "a.test"})
		var again []time.Duration
		var mu sync.Mutex
		q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
			mu.Lock()
			defer mu.Unlock()
			if wait := c.now().Sub(start); wait > 0 {
				again = append(again, wait)
				return nil
			}
			err := queue.RetryAfter(fault.New(fault.Transient, "Too many."), 6*time.Hour)
			if j.Part != "" {
				err = queue.PartDown(err)
			}
			return err
		}}, queue.Options{Log: quiet})
		if _, err := q.SettleWithin(context.Background(), 24*time.Hour, c.set); err != nil {
			t.Fatal(err)
		}
		if len(again) != 3 || slices.Min(again) < 6*time.Hour {
			t.Errorf("ran again after %v, want all three not before 6h", again)
		}
	})
}

// Silent hosts hold connections, not the others' turns.
func TestSlowJobsGiveTheirSlotsAway(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	release := make(chan struct{})
	var jobs []store.Job
	for i := range int64(20) {
		jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: fmt.Sprintf("silent%d.test", i), RunAt: 1})
	}
	for i := range int64(20) {
		jobs = append(jobs, store.Job{ID: i + 100, Kind: "k", Part: fmt.Sprintf("live%d.test", i)})
	}
	enqueue(t, db, jobs...)
	var live sync.WaitGroup
	live.Add(20)
	q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
		if j.ID >= 100 {
			live.Done()
			return nil
		}
		<-release
		return nil
	}}, queue.Options{Parallel: 4, Slow: 10 * time.Millisecond})
	q.Start()
	live.Wait() // Hangs when the silent ones are waited for.
	if s := q.Status(); s.Running < 20 {
		t.Errorf("Status = %+v, want the 20 silent ones running", s)
	}
	close(release)
	q.Drain(context.Background())
}

func TestPerPartBound(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	var jobs []store.Job
	for i := range int64(400) {
		jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: []string{"a.test", "b.test"}[i%2], Lane: i%10 + 1})
	}
	enqueue(t, db, jobs...)
	var mu sync.Mutex
	now, most := map[string]int{}, 0
	last := map[string]int64{}
	q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
		mu.Lock()
		lane := fmt.Sprint(j.Part, j.Lane)
		now[j.Part]++
		now[lane]++
		most = max(most, now[j.Part])
		if now[lane] > 1 || last[lane] > j.ID {
			t.Errorf("job %d of lane %s runs beside or after %d", j.ID, lane, last[lane])
		}
		last[lane] = j.ID
		mu.Unlock()
		time.Sleep(10 * time.Microsecond) // Lets others in; the test waits for nothing.
		mu.Lock()
		now[j.Part]--
		now[lane]--
		mu.Unlock()
		return nil
	}}, queue.Options{PerPart: 3})
	if n := settle(t, q); n != 400 {
		t.Errorf("%d runs, want 400", n)
	}
	if most > 3 {
		t.Errorf("%d jobs of a part at once, want at most 3", most)
	}
}

func TestDrainLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ *clock) {
		var jobs []store.Job
		for i := range int64(300) {
			jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: fmt.Sprintf("h%d.test", i%50)})
		}
		jobs = append(jobs, store.Job{ID: 1000, Kind: "stuck"})
		enqueue(t, db, jobs...)
		var seen calls
		some := make(chan struct{})
		stuck := make(chan struct{})
		h := map[string]queue.Handler{
			"k": func(_ context.Context, j store.Job) error {
				seen.add(j.ID)
				if j.ID == 40 {
					close(some)
				}
				return nil
			},
			"stuck": func(ctx context.Context, j store.Job) error {
				if seen.add(j.ID) == 1 {
					close(stuck)
					<-ctx.Done()
				}
				return ctx.Err()
			}}
		q := queue.New(db, h, queue.Options{Parallel: 8})
		q.Start()
		<-some
		<-stuck
		over, cancel := context.WithCancel(context.Background())
		cancel()
		q.Drain(over)
		q.Drain(over) // Twice does no harm.
		seen.mu.Lock()
		delete(seen.of, 1000)
		before := len(seen.of)
		seen.mu.Unlock()
		if left := len(storetest.Dump(t, db, "SELECT id FROM jobs WHERE NOT running")); left != 301-before {
			t.Errorf("%d jobs are free after Drain, want the %d that did not run", left, 301-before)
		}
		if rows := storetest.Dump(t, db, "SELECT part FROM job_parts WHERE holder <> 0"); len(rows) != 0 {
			t.Errorf("still leased: %v", rows)
		}

		// The next process does the rest.
		seen.add(1000)
		settle(t, queue.New(db, h, queue.Options{}))
		for _, j := range jobs[:300] {
			if seen.of[j.ID] != 1 {
				t.Errorf("job %d ran %d times", j.ID, seen.of[j.ID])
			}
		}
	})
}

// A crash is a queue that never saves: its handlers block for ever.
func TestCrashLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, c *clock) {
		var jobs []store.Job
		for i := range int64(100) {
			jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: fmt.Sprintf("h%d.test", i%7)})
		}
		enqueue(t, db, jobs...)
		var claimed *store.Claimed
		err := db.Write(context.Background(), func(tx *store.Tx) (err error) {
			claimed, err = tx.ClaimJobs(context.Background(), store.Claim{Node: 1, Lease: time.Minute, Jobs: 50, Parts: 10, PerPart: 9})
			return err
		})
		if err != nil || len(claimed.Jobs) != 50 {
			t.Fatalf("claimed %d, %v", len(claimed.Jobs), err)
		}
		if db.Engine() == "postgres" {
			c.set(c.now().Add(time.Minute)) // Leases end by themselves.
		}
		var seen calls
		q := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
			seen.add(j.ID)
			return nil
		}}, queue.Options{})
		settle(t, q)
		if len(seen.of) != 100 {
			t.Errorf("%d jobs ran after the crash, want 100", len(seen.of))
		}
	})
}

func TestSaveRunsWithTheOutcome(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ *clock) {
		enqueue(t, db, store.Job{ID: 1, Kind: "k"}, store.Job{ID: 2, Kind: "k", Part: "a.test"}, store.Job{ID: 3, Kind: "bad"})
		no := fault.New(fault.Rejected, "No.")
		q := queue.New(db, map[string]queue.Handler{
			"k": func(ctx context.Context, j store.Job) error {
				queue.Report(ctx, fmt.Sprintf("found by %d", j.ID))
				if j.ID == 2 {
					return no
				}
				return nil
			},
			"bad": func(context.Context, store.Job) error { return nil },
		}, queue.Options{Log: quiet, Kinds: map[string]queue.Kind{
			"k": {Save: func(ctx context.Context, tx *store.Tx, results []queue.Result) error {
				for _, r := range results {
					err := tx.SetSetting(ctx, fmt.Sprint(r.Job.ID), fmt.Sprint(r.Value, " ", r.Err, " ", r.GivenUp))
					if err != nil {
						return err
					}
				}
				return nil
			}},
			"bad": {Save: func(context.Context, *store.Tx, []queue.Result) error { return errors.New("can't be saved") }},
		}})
		settle(t, q)
		got := storetest.Dump(t, db, "SELECT id FROM jobs")
		if len(got) != 0 {
			t.Errorf("jobs left: %v; a Save that fails must not keep them", got)
		}
		enqueue(t, db, store.Job{ID: 1, Kind: "k"}, store.Job{ID: 2, Kind: "k", Part: "a.test"})
		settle(t, q)
		for key, want := range map[string]string{"1": "found by 1 <nil> false", "2": "found by 2 No. true"} {
			if got, err := db.Setting(context.Background(), key); err != nil || got != want {
				t.Errorf("saved %q, %v, want %q", got, err, want)
			}
		}
	})
}

// What one node enqueues, another one that waits picks up without polling.
func TestWakeReachesOtherNodes(t *testing.T) {
	db := storetest.Postgres(t, store.Options{})
	ran := make(chan int64, 10)
	worker := queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
		ran <- j.ID
		return nil
	}}, queue.Options{Poll: time.Hour})
	worker.Start()
	defer worker.Drain(context.Background())
	settle(t, worker)
	door := queue.New(db, nil, queue.Options{}) // Serves the web only.
	enqueue(t, db, store.Job{ID: 1, Kind: "k"})
	door.Wake()
	select {
	case <-ran:
	case <-time.After(20 * time.Second):
		t.Fatal("the other node was not woken")
	}
}

func TestSettleWhileStarted(t *testing.T) {
	db := storetest.SQLite(t, store.Options{})
	var n atomic.Int64
	q := queue.New(db, map[string]queue.Handler{"k": func(ctx context.Context, j store.Job) error {
		if n.Add(1) < 20 {
			return db.Write(ctx, func(tx *store.Tx) error { return tx.Enqueue(ctx, store.Job{Kind: "k", Part: "a.test"}) })
		}
		return nil
	}}, queue.Options{})
	q.Start()
	defer q.Drain(context.Background())
	enqueue(t, db, store.Job{Kind: "k"})
	settle(t, q)
	if n.Load() != 20 {
		t.Errorf("%d jobs ran before Settle returned, want all 20", n.Load())
	}
}

func TestWeek(t *testing.T) {
	var sum time.Duration
	for n := 1; n <= len(queue.Week); n++ {
		for range 100 {
			if d := queue.Week.After(n); d < queue.Week[n-1]*3/4 || d > queue.Week[n-1]*5/4 {
				t.Fatalf("After(%d) = %v, want %v ± 25 %%", n, d, queue.Week[n-1])
			}
		}
		sum += queue.Week[n-1]
	}
	if sum < 6*24*time.Hour || sum > 8*24*time.Hour {
		t.Errorf("16 attempts take %v, want about a week", sum)
	}
	if queue.Week.After(99) < 20*time.Hour || queue.Week.After(0) > time.Minute {
		t.Error("attempts out of range don't get the nearest wait")
	}
}

// BenchmarkQueue runs jobs that do nothing; an op is one job, enqueued before.
func BenchmarkQueue(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB, store.Options) *store.DB
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		for _, bench := range []struct {
			name string
			part func(i int) string
		}{
			{"own", func(int) string { return "" }},
			{"100hosts", func(i int) string { return fmt.Sprintf("h%d.test", i%100) }},
			{"manyhosts", func(i int) string { return fmt.Sprintf("h%d.test", i) }},
		} {
			b.Run(engine.name+"/"+bench.name, func(b *testing.B) {
				db := engine.open(b, store.Options{})
				var jobs []store.Job
				for i := range b.N {
					jobs = append(jobs, store.Job{Kind: "k", Part: bench.part(i)})
				}
				for chunk := range slices.Chunk(jobs, 500) {
					enqueue(b, db, chunk...)
				}
				q := queue.New(db, map[string]queue.Handler{"k": func(context.Context, store.Job) error { return nil }}, queue.Options{})
				b.ResetTimer()
				if n := settle(b, q); n != b.N {
					b.Fatalf("%d of %d ran", n, b.N)
				}
			})
		}
	}
}
