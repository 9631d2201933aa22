// Package queue runs the jobs that transactions left in the database, until each
// has succeeded or is given up. It knows no job by name: handlers do.
//
// One goroutine talks to the database: in one transaction it saves what became of
// the jobs that ended and leases others. The lease is the retry, so what a node
// held when it died is run by another one, or after the restart. Handlers must be
// idempotent: a job that was done may run once more after a crash.
package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"kenoma/internal/store"
)

// Handler does one job. With nil it is done. An error that fault.Retryable tells
// to be transient has it run again, any other one is final. ctx ends when the
// kind's Timeout is over, or when a shutdown can't wait any longer.
type Handler func(ctx context.Context, job store.Job) error

// Kind tunes the jobs of one kind. The zero value is fit for most.
type Kind struct {
	Attempts int           // Runs before a job is given up. 0 means one more than the schedule is long.
	Timeout  time.Duration // Limit for one run. 0 means 30 s.
	Schedule Schedule      // Waits between runs. nil means Week.

	// Save runs in the transaction that saves the outcomes of the jobs it gets, so
	// that many are written together. It must read and write through tx only. nil:
	// nothing more is to be saved.
	Save func(ctx context.Context, tx *store.Tx, results []Result) error
}

// Result is how one run ended.
type Result struct {
	Job     store.Job
	Err     error // What the handler returned.
	GivenUp bool  // It won't run again. False with an Err: it will.
	Value   any   // What the handler gave to Report.
}

// Options tune a Queue. The zero value is fit for a small server.
type Options struct {
	Parallel int             // Jobs of other parts than "" at once. 0 means 64.
	PerPart  int             // Jobs of one such part at once. 0 means 4.
	Own      int             // Jobs of part "" at once. 0 means 8.
	Slow     time.Duration   // A job of another part that runs for longer counts no more, as it only waits. 0 means 1 s.
	MaxSlow  int             // So many of those at most. 0 means 512.
	Poll     time.Duration   // Look for work at least so often, should a wake-up be lost. 0 means 5 s on PostgreSQL, 1 min on SQLite.
	Kinds    map[string]Kind // Settings of kinds that differ from the zero Kind.
	Log      *slog.Logger    // nil means slog.Default().
}

const (
	defaultTimeout = 30 * time.Second
	// linger is how long outcomes wait for others to be saved with, while more
	// jobs run. A commit costs a flush of the disk.
	linger = 4 * time.Millisecond
	// ahead is how many jobs are leased per job that may run, so that workers
	// don't wait for the database.
	ahead = 4
	// batch is how many outcomes are saved at once without lingering.
	batch = 128
	// channel of the notices that tell other nodes about new jobs.
	channel = "kenoma_jobs"
)

// Queue runs jobs. It is safe for concurrent use.
type Queue struct {
	db       *store.DB
	handlers map[string]Handler
	opts     Options
	log      *slog.Logger
	node     int64
	longer   map[string]time.Duration // Leases of kinds that may run for longer than most.
	wake     chan struct{}            // Somebody enqueued.
	ended    chan struct{}            // A job ended; closed never, capacity 1.

	mu        sync.Mutex
	parts     map[string]*part
	ready     []*part // Parts with a job that may start, first come, first served.
	runs      map[*run]bool
	active    int // Runs of parts other than "" that are not slow.
	slow      int
	waiting   int // Jobs leased and not started, of parts other than "".
	outcomes  []outcome
	stopping  bool // Nothing starts any more.
	started   bool
	recovered bool
	settlers  []chan struct{}
	ran       int
	notify    *time.Timer // Pending notice to other nodes.
	runCtx    context.Context
	abort     context.CancelFunc // Ends all handlers.
	done      chan struct{}      // Closed when the loop has ended.
	unlisten  func()
}

// part is a part that is leased, or "".
type part struct {
	name    string
	limit   int // Runs at once; grows with each success.
	fails   int // Failures in a row.
	running int
	waiting []waiting
	queued  bool      // In Queue.ready.
	more    bool      // There may be more of it in the database.
	failed  time.Time // When it was backed off; zero while it is held.
}

type waiting struct {
	job   store.Job
	until time.Time // End of the lease.
}

// run is a job that a handler works on.
type run struct {
	job     store.Job
	part    *part
	started time.Time
	slow    bool
	value   any
}

// outcome is a run that ended, or a job that was leased and not run.
type outcome struct {
	job      store.Job
	part     *part
	err      error
	value    any
	unrun    bool // Leased but not run, or interrupted by a shutdown.
	failPart bool
	until    time.Time // With failPart.
	okPart   bool      // It failed before and works again.
}

// New makes a Queue for the jobs of db. Nothing runs before Start or Settle.
func New(db *store.DB, handlers map[string]Handler, opts Options) *Queue {
	set := func(p *int, d int) {
		if *p <= 0 {
			*p = d
		}
	}
	set(&opts.Parallel, 64)
	set(&opts.PerPart, 4)
	set(&opts.Own, 8)
	set(&opts.MaxSlow, 512)
	if opts.Slow <= 0 {
		opts.Slow = time.Second
	}
	if opts.Poll <= 0 {
		opts.Poll = time.Minute
		if db.Engine() == "postgres" {
			opts.Poll = 5 * time.Second
		}
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	q := &Queue{db: db, handlers: handlers, opts: opts, log: opts.Log, node: rand.Int64N(1<<62) + 1,
		wake: make(chan struct{}, 1), ended: make(chan struct{}, 1), parts: map[string]*part{}, runs: map[*run]bool{}}
	q.longer = map[string]time.Duration{}
	for name, k := range opts.Kinds {
		if k.Timeout > defaultTimeout {
			q.longer[name] = leaseFor(k.Timeout)
		}
	}
	return q
}

// leaseFor is for how long a job is leased that may run for timeout: some wait before
// they run. After a crash nobody takes it before that is over.
func leaseFor(timeout time.Duration) time.Duration { return 2*timeout + 30*time.Second }

func (q *Queue) kind(name string) Kind {
	k := q.opts.Kinds[name]
	if k.Timeout <= 0 {
		k.Timeout = defaultTimeout
	}
	if len(k.Schedule) == 0 {
		k.Schedule = Week
	}
	if k.Attempts <= 0 {
		k.Attempts = len(k.Schedule) + 1
	}
	return k
}

// Wake has the queue look for jobs, here and on the other nodes. It never blocks;
// store.Options.Wake is meant to call it.
func (q *Queue) Wake() {
	q.signal()
	if q.db.Engine() != "postgres" {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.notify == nil {
		q.notify = time.AfterFunc(20*time.Millisecond, func() {
			q.mu.Lock()
			q.notify = nil
			q.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := q.db.Notify(ctx, channel, strconv.FormatInt(q.node, 10)); err != nil {
				q.log.Debug("other nodes not woken, they will look by themselves", "err", err)
			}
		})
	}
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Start begins to run jobs, in the background, until Drain.
func (q *Queue) Start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		return
	}
	q.begin()
	me := strconv.FormatInt(q.node, 10)
	q.unlisten = q.db.Listen(channel, func(from string) {
		if from != me {
			q.signal()
		}
	})
	done := q.done
	go func() {
		defer close(done)
		q.loop(false)
	}()
}

// begin makes ready for a loop; mu is held.
func (q *Queue) begin() {
	q.started, q.stopping = true, false
	q.runCtx, q.abort = context.WithCancel(context.Background())
	q.done = make(chan struct{})
}

// Drain ends what Start began: nothing new is run, what runs may end until ctx
// does, then it is interrupted. All outcomes are saved; what was not run is given
// back. Nothing is lost.
func (q *Queue) Drain(ctx context.Context) {
	q.mu.Lock()
	if !q.started {
		q.mu.Unlock()
		return
	}
	q.stopping = true
	q.dispatch() // Gives back what waits.
	done, abort := q.done, q.abort
	if q.notify != nil {
		q.notify.Stop()
		q.notify = nil
	}
	q.mu.Unlock()
	q.signal()
	select {
	case <-done:
	case <-ctx.Done():
		abort()
		<-done
	}
	abort()
	q.mu.Lock()
	q.started = false
	unlisten := q.unlisten
	q.unlisten = nil
	q.mu.Unlock()
	if unlisten != nil {
		unlisten()
	}
}

// Settle runs jobs until none is due now and none runs, also those that others
// enqueue meanwhile, and returns how many ran. It is meant for tests, and works
// with and without Start.
func (q *Queue) Settle(ctx context.Context) (ran int, err error) {
	q.mu.Lock()
	before := q.ran
	if !q.started {
		q.begin()
		q.mu.Unlock()
		stop := context.AfterFunc(ctx, func() {
			q.mu.Lock()
			q.stopping = true
			q.mu.Unlock()
			q.abort()
			q.signal()
		})
		err = q.loop(true)
		stop()
		q.abort()
		q.mu.Lock()
		q.started = false
		ran = q.ran - before
		q.mu.Unlock()
		return ran, errors.Join(err, ctx.Err())
	}
	settled := make(chan struct{})
	q.settlers = append(q.settlers, settled)
	q.mu.Unlock()
	q.signal()
	select {
	case <-settled:
	case <-q.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ran - before, nil
}

// SettleWithin is Settle also for the jobs that become due within the horizon: set
// puts the clock that the store was opened with to when the next one is.
func (q *Queue) SettleWithin(ctx context.Context, horizon time.Duration, set func(time.Time)) (ran int, err error) {
	end := q.db.Now().Add(horizon)
	for {
		n, err := q.Settle(ctx)
		ran += n
		if err != nil {
			return ran, err
		}
		next, err := q.db.NextJob(ctx)
		if err != nil {
			return ran, err
		}
		at := time.UnixMilli(next)
		if next == 0 || at.After(end) {
			return ran, nil
		}
		if at.After(q.db.Now()) {
			set(at)
		}
	}
}

// Status is what a queue is doing at the moment.
type Status struct {
	Running int // Handlers at work, the slow ones among them.
	Slow    int // Of those, how many only wait for their hosts.
	Held    int // Parts leased.
}

// Status returns what the queue is doing.
func (q *Queue) Status() Status {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Status{Running: len(q.runs), Slow: q.slow, Held: len(q.parts)}
}

type runKey struct{}

// Report hands what a handler found out to the Save of its kind. ctx is what the
// handler got; the last call counts.
func Report(ctx context.Context, value any) {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		r.value = value
	}
}

// dispatch starts what may start; mu is held.
func (q *Queue) dispatch() {
	if q.stopping {
		for _, p := range q.parts {
			q.unload(p)
		}
		q.ready = nil
		return
	}
	q.findSlow()
	var blocked []*part // For lack of a slot.
	for len(q.ready) > 0 {
		p := q.ready[0]
		q.ready = q.ready[1:]
		if p.name != "" && q.active >= q.opts.Parallel {
			blocked = append(blocked, p)
			continue
		}
		p.queued = false
		if !p.runnable() {
			continue
		}
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		if p.name != "" {
			q.waiting--
		}
		if time.Until(w.until) < q.kind(w.job.Kind).Timeout {
			q.outcomes = append(q.outcomes, outcome{job: w.job, part: p, unrun: true}) // The lease could end under it.
		} else {
			q.start(p, w.job)
		}
		q.enlist(p)
	}
	q.ready = append(q.ready, blocked...)
}

// findSlow gives the slots of slow runs away; mu is held.
func (q *Queue) findSlow() {
	if q.active < q.opts.Parallel {
		return
	}
	since := time.Now().Add(-q.opts.Slow)
	for r := range q.runs {
		if q.slow >= q.opts.MaxSlow {
			return
		}
		if !r.slow && r.part.name != "" && r.started.Before(since) {
			r.slow = true
			q.slow++
			q.active--
		}
	}
}

func (p *part) runnable() bool {
	return len(p.waiting) > 0 && p.running < p.limit && p.failed.IsZero()
}

// enlist puts p in the line of those with a job that may start; mu is held.
func (q *Queue) enlist(p *part) {
	if !p.queued && p.runnable() {
		p.queued = true
		q.ready = append(q.ready, p)
	}
}

// unload gives the jobs back that wait in p; mu is held.
func (q *Queue) unload(p *part) {
	for _, w := range p.waiting {
		q.outcomes = append(q.outcomes, outcome{job: w.job, part: p, unrun: true})
	}
	if p.name != "" {
		q.waiting -= len(p.waiting)
	}
	p.waiting = nil
	p.queued = false
}

// start runs a job; mu is held.
func (q *Queue) start(p *part, job store.Job) {
	r := &run{job: job, part: p, started: time.Now()}
	q.runs[r] = true
	p.running++
	if p.name != "" {
		q.active++
	}
	ctx := q.runCtx
	go func() {
		err := q.handle(ctx, r)
		q.finish(ctx, r, err)
	}()
}

// handle calls the handler and survives its panics.
func (q *Queue) handle(ctx context.Context, r *run) (err error) {
	h := q.handlers[r.job.Kind]
	if h == nil {
		return fmt.Errorf("no handler for jobs of kind %q", r.job.Kind)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, runKey{}, r), q.kind(r.job.Kind).Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a job: %v", p)
			q.log.Error("panic in a job", "job", r.job.ID, "kind", r.job.Kind, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return h(ctx, r.job)
}

// finish takes note of a run that ended and starts what it made room for.
func (q *Queue) finish(ctx context.Context, r *run, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := r.part
	delete(q.runs, r)
	p.running--
	q.ran++
	switch {
	case p.name == "":
	case r.slow:
		q.slow--
	default:
		q.active--
	}
	o := outcome{job: r.job, part: p, err: err, value: r.value, unrun: err != nil && ctx.Err() != nil}
	switch {
	case o.unrun:
	case err == nil && p.name != "":
		o.okPart = p.fails > 0
		p.fails = 0
		p.limit = min(p.limit*2, q.opts.PerPart)
	case err != nil:
		q.failed(p, r, &o)
	}
	q.outcomes = append(q.outcomes, o)
	q.enlist(p)
	q.dispatch()
	if len(q.outcomes) == 1 || len(q.outcomes) == batch || len(q.runs) == 0 {
		select {
		case q.ended <- struct{}{}:
		default:
		}
	}
}

// failed backs the whole part off when the error says so, once for all the runs
// that were under way together; mu is held.
func (q *Queue) failed(p *part, r *run, o *outcome) {
	v := judge(o.err)
	if !v.part || p.name == "" || r.started.Before(p.failed) {
		return
	}
	p.fails++
	p.failed = time.Now()
	o.failPart = true
	o.until = q.db.Now().Add(max(Week.After(p.fails), v.wait))
	q.unload(p)
}

// turn returns what ended since the last one and what may be leased now. Both are
// of one moment: a part is given back in the transaction that saves its last run.
func (q *Queue) turn() ([]outcome, store.Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ended := q.outcomes
	q.outcomes = nil
	return ended, q.claim()
}

// claim says what may be leased now; mu is held.
func (q *Queue) claim() store.Claim {
	q.findSlow()
	c := store.Claim{Node: q.node, Lease: leaseFor(defaultTimeout), Longer: q.longer, PerPart: 1, Held: map[string]store.Held{}}
	own := q.parts[""]
	if own == nil {
		own = &part{limit: q.opts.Own}
		q.parts[""] = own
	}
	if !q.stopping {
		c.Own = own.room()
		c.Jobs = max(q.opts.Parallel*ahead-q.waiting-q.active, 0)
		c.Parts = max(q.opts.Parallel-q.active+min(q.opts.Parallel, c.Jobs)-len(q.ready), 0)
	}
	for name, p := range q.parts {
		if name == "" || !p.failed.IsZero() {
			continue
		}
		h := store.Held{Running: p.running + len(p.waiting)}
		if !q.stopping && (p.more || h.Running == 0) {
			h.Want = p.room()
		}
		c.Held[name] = h
	}
	return c
}

// room is how many jobs of p may be leased in addition.
func (p *part) room() int {
	if len(p.waiting) > p.limit {
		return 0
	}
	return max(p.limit*ahead-p.running-len(p.waiting), 0)
}

// accept takes over what was leased.
func (q *Queue) accept(c store.Claim, got *store.Claimed) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range got.Released {
		if p := q.parts[name]; p != nil && p.running == 0 && len(p.waiting) == 0 {
			delete(q.parts, name)
		}
	}
	for name, fails := range got.Fails {
		p := q.parts[name]
		if p == nil {
			p = &part{name: name}
			q.parts[name] = p
		}
		p.limit, p.fails, p.failed, p.more = 1, fails, time.Time{}, true
	}
	counts := map[string]int{}
	for _, j := range got.Jobs {
		p := q.parts[j.Part]
		p.waiting = append(p.waiting, waiting{j, now.Add(max(c.Lease, c.Longer[j.Kind]))})
		if j.Part != "" {
			q.waiting++
		}
		counts[j.Part]++
	}
	for name, h := range c.Held {
		if p := q.parts[name]; p != nil && h.Want > 0 {
			p.more = counts[name] > 0
		}
	}
	for name := range counts {
		p := q.parts[name]
		if !p.failed.IsZero() { // It failed while we asked for more.
			q.unload(p)
		}
		q.enlist(p)
	}
	// Parts that failed are no longer ours once their last run has ended.
	maps.DeleteFunc(q.parts, func(name string, p *part) bool {
		return name != "" && !p.failed.IsZero() && p.running == 0 && len(p.waiting) == 0
	})
	q.dispatch()
}

// idle tells whether there is nothing to wait for.
func (q *Queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.runs) == 0 && len(q.outcomes) == 0 && len(q.ready) == 0
}
