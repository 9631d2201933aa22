package queue

import (
	"context"
	"time"

	"kenoma/internal/store"
)

// loop saves, leases and waits until the queue is drained or, with untilIdle,
// nothing is left to do now. Only then it returns an error of the database; else it
// tries again.
func (q *Queue) loop(untilIdle bool) error {
	ctx := context.Background()
	q.recover(ctx)
	var unsaved []outcome
	for {
		settlers := q.takeSettlers()
		ended, c := q.turn()
		unsaved = append(unsaved, ended...)
		got, err := q.cycle(ctx, unsaved, c)
		if err != nil {
			// What is not saved stays leased, and runs again at the worst.
			q.log.Error("the queue can't reach its jobs, trying again", "err", err)
			q.putSettlers(settlers)
			if untilIdle {
				return err
			}
			if !q.pause(time.Second) {
				return nil
			}
			continue
		}
		saved := len(unsaved)
		unsaved = unsaved[:0]
		q.accept(c, got)
		quiet := saved == 0 && len(got.Jobs) == 0 && q.idle()
		if quiet && q.stops() {
			return nil
		}
		var next time.Duration
		if quiet {
			var due bool
			if next, due = q.next(ctx); !due {
				for _, s := range settlers {
					close(s)
				}
				settlers = nil
				if untilIdle {
					return nil
				}
			}
		}
		q.putSettlers(settlers)
		q.wait(quiet, next)
	}
}

// cycle writes what became of jobs and leases others, in one transaction.
func (q *Queue) cycle(ctx context.Context, ended []outcome, c store.Claim) (got *store.Claimed, err error) {
	if len(ended) == 0 && c.Own == 0 && c.Jobs == 0 && len(c.Held) == 0 {
		return &store.Claimed{}, nil
	}
	p := q.plan(ended)
	write := func(extra bool) error {
		return q.db.Write(ctx, func(tx *store.Tx) error {
			if err := q.save(ctx, tx, p, extra); err != nil {
				return err
			}
			got, err = tx.ClaimJobs(ctx, c)
			return err
		})
	}
	if err = write(true); err == nil || len(p.results) == 0 {
		return got, err
	}
	// A kind's own Save must not keep the jobs from ending.
	first := err
	if err = write(false); err == nil {
		q.log.Error("what jobs found out was not saved", "err", first)
	}
	return got, err
}

// plan is what a transaction has to save.
type plan struct {
	done    []int64
	retry   []retry
	dead    []outcome
	unrun   []store.Job
	fails   map[string]int64 // Part → backs off until, ms.
	ok      []string
	results map[string][]Result
}

type retry struct {
	job    store.Job
	at     int64
	reason string
}

// plan decides what becomes of each run that ended.
func (q *Queue) plan(ended []outcome) plan {
	p := plan{fails: map[string]int64{}, results: map[string][]Result{}}
	now := q.db.Now()
	for _, o := range ended {
		if o.unrun {
			p.unrun = append(p.unrun, o.job)
			continue
		}
		k := q.kind(o.job.Kind)
		r := Result{Job: o.job, Err: o.err, Value: o.value}
		if o.failPart {
			p.fails[o.job.Part] = o.until.UnixMilli()
		}
		if o.okPart {
			p.ok = append(p.ok, o.job.Part)
		}
		v := judge(o.err)
		switch {
		case o.err == nil:
			p.done = append(p.done, o.job.ID)
		case v.retry && o.job.Attempt < k.Attempts:
			at := now.Add(max(k.Schedule.After(o.job.Attempt), v.wait))
			p.retry = append(p.retry, retry{o.job, at.UnixMilli(), o.err.Error()})
		default:
			r.GivenUp = true
			p.dead = append(p.dead, o)
		}
		if k.Save != nil {
			p.results[o.job.Kind] = append(p.results[o.job.Kind], r)
		}
	}
	return p
}

// save writes a plan. extra: with what the kinds want saved.
func (q *Queue) save(ctx context.Context, tx *store.Tx, p plan, extra bool) error {
	if extra {
		for kind, results := range p.results {
			if err := q.kind(kind).Save(ctx, tx, results); err != nil {
				return err
			}
		}
	}
	if err := tx.FinishJobs(ctx, p.done); err != nil {
		return err
	}
	for _, r := range p.retry {
		if err := tx.RetryJob(ctx, r.job, r.at, r.reason); err != nil {
			return err
		}
	}
	for _, o := range p.dead {
		q.log.Warn("job given up", "job", o.job.ID, "kind", o.job.Kind, "part", o.job.Part, "attempt", o.job.Attempt, "err", o.err)
		if err := tx.GiveUpJob(ctx, o.job, o.err.Error()); err != nil {
			return err
		}
	}
	for _, j := range p.unrun {
		if err := tx.ReturnJob(ctx, j); err != nil {
			return err
		}
	}
	for part, until := range p.fails {
		if err := tx.PartFailed(ctx, part, until); err != nil {
			return err
		}
	}
	return tx.PartsOK(ctx, p.ok)
}

// recover makes what an earlier process left behind due.
func (q *Queue) recover(ctx context.Context) {
	q.mu.Lock()
	again := q.recovered
	q.recovered = true
	q.mu.Unlock()
	if again {
		return
	}
	if err := q.db.Write(ctx, func(tx *store.Tx) error { return tx.RecoverJobs(ctx) }); err != nil {
		q.log.Error("jobs of the last run not recovered, their leases will end", "err", err)
	}
}

// next returns how long until the next job is due; due when that is now.
func (q *Queue) next(ctx context.Context) (wait time.Duration, due bool) {
	at, err := q.db.NextJob(ctx)
	if err != nil || at == 0 {
		return q.opts.Poll, false
	}
	wait = time.UnixMilli(at).Sub(q.db.Now())
	if wait <= 0 {
		return 0, true
	}
	return min(wait, q.opts.Poll), false
}

// wait returns when there is something to do: new jobs at once, outcomes when a
// few have come together, and what is due when it is.
func (q *Queue) wait(quiet bool, next time.Duration) {
	switch {
	case !quiet && q.enough():
		return
	case !quiet:
		next = q.opts.Slow / 4 // Look for slots that slow runs gave up.
	case next == 0:
		// Something is due that was not leased: another node is about to. Don't spin.
		next = 20 * time.Millisecond
	}
	timer := time.NewTimer(next)
	defer timer.Stop()
	for lingers := false; ; {
		select {
		case <-q.wake:
			return
		case <-timer.C:
			return
		case <-q.ended:
		}
		if q.enough() {
			return
		}
		if !lingers {
			lingers = true
			timer.Reset(linger)
		}
	}
}

// enough tells whether outcomes should be saved without waiting for others.
func (q *Queue) enough() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.runs) == 0 || len(q.outcomes) >= batch
}

// pause waits after a failure of the database; false when the queue is to end.
func (q *Queue) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return !q.stops()
		case <-q.wake:
			if q.stops() {
				return false
			}
		}
	}
}

func (q *Queue) stops() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stopping
}

func (q *Queue) takeSettlers() []chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.settlers
	q.settlers = nil
	return s
}

func (q *Queue) putSettlers(s []chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settlers = append(q.settlers, s...)
}
