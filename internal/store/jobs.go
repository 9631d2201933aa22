package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Job is work that was promised in a transaction: a row of jobs.
type Job struct {
	ID      int64 // 0 when enqueued means a new one. Older jobs go first.
	Kind    string
	Part    string // Fairness: the host it goes to. Jobs of part "" are our own and many run at once.
	Lane    int64  // Jobs of a part with the same lane run one at a time, in the order of their ids; 0: no lane.
	RunAt   int64  // ms, not before; 0 means now.
	Attempt int    // Runs begun, including the one that got this Job.
	Uniq    string // Names the work completely: there is one such job at a time; "" any number.
	Payload json.RawMessage
	Error   string // Of the last run.
}

const jobColumns = "id, kind, part, lane, run_at, attempt, uniq, payload, error"

func (j *Job) scan() []any {
	return []any{&j.ID, &j.Kind, &j.Part, &j.Lane, &j.RunAt, &j.Attempt, &j.Uniq, (*string)(nil), &j.Error}
}

// collectJobs reads rows of jobColumns.
func collectJobs(rows *sql.Rows, err error) ([]Job, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Job
	for rows.Next() {
		var j Job
		var payload string
		dest := j.scan()
		dest[7] = &payload
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		j.Payload = json.RawMessage(payload)
		all = append(all, j)
	}
	return all, rows.Err()
}

// Enqueue adds a job, which exists once the transaction is durable. If a job with
// the same Uniq waits already it runs at the earlier of both times; if it is
// running it runs once more afterwards.
func (tx *Tx) Enqueue(ctx context.Context, j Job) error { return tx.EnqueueAll(ctx, []Job{j}) }

// EnqueueAll is Enqueue for many jobs, with few statements. Of jobs with equal
// Uniq the first one counts.
func (tx *Tx) EnqueueAll(ctx context.Context, jobs []Job) error {
	now := tx.now().UnixMilli()
	const width = 7
	args := make([]any, 0, width*len(jobs))
	parts := map[string]int64{}
	seen := map[string]bool{}
	for _, j := range jobs {
		if j.Uniq != "" {
			if seen[j.Uniq] {
				continue
			}
			seen[j.Uniq] = true
		}
		if j.ID == 0 {
			j.ID = tx.NewID()
		}
		if j.RunAt == 0 {
			j.RunAt = now
		}
		if len(j.Payload) == 0 {
			j.Payload = json.RawMessage("{}")
		}
		args = append(args, j.ID, j.Kind, j.Part, j.Lane, j.RunAt, j.Uniq, string(j.Payload))
		if at, ok := parts[j.Part]; !ok || j.RunAt < at {
			parts[j.Part] = j.RunAt
		}
	}
	err := tx.insertRows(ctx, "INSERT INTO jobs (id, kind, part, lane, run_at, uniq, payload, running, again, attempt, error)",
		"FALSE, 0, 0, ''", width, args, `
		ON CONFLICT (uniq) WHERE uniq <> '' DO UPDATE SET
			again = CASE WHEN jobs.running THEN excluded.run_at ELSE jobs.again END,
			run_at = CASE WHEN NOT jobs.running AND excluded.run_at < jobs.run_at THEN excluded.run_at ELSE jobs.run_at END`)
	if err != nil {
		return fmt.Errorf("enqueuing: %w", err)
	}
	return tx.partsReady(ctx, parts)
}

// partsReady makes parts claimable at the given times, unless they are held for longer.
func (tx *Tx) partsReady(ctx context.Context, parts map[string]int64) error {
	if tx.parts == nil {
		tx.parts = map[string]bool{}
	}
	var names []string
	for part := range parts {
		tx.parts[part] = true
		if part != "" {
			names = append(names, part)
		}
	}
	slices.Sort(names) // Everybody locks rows in the same order.
	args := make([]any, 0, 2*len(names))
	for _, part := range names {
		args = append(args, part, parts[part])
	}
	err := tx.insertRows(ctx, "INSERT INTO job_parts (part, ready_at, held, holder, fails)", "0, 0, 0", 2, args, `
		ON CONFLICT (part) DO UPDATE SET ready_at = CASE WHEN excluded.ready_at < job_parts.held THEN job_parts.held ELSE excluded.ready_at END
		WHERE job_parts.ready_at > excluded.ready_at`)
	if err != nil {
		return fmt.Errorf("enqueuing: %w", err)
	}
	return nil
}

// maxRows is how many rows one INSERT holds at most.
const maxRows = 64

// insertRows runs head VALUES (…),(…) tail for the rows in args, width values each
// followed by the constants. Pieces are powers of two, so that few different
// statements are prepared.
func (tx *Tx) insertRows(ctx context.Context, head, constants string, width int, args []any, tail string) error {
	for len(args) > 0 {
		n := maxRows
		for n > len(args)/width {
			n /= 2
		}
		if _, err := tx.exec(ctx, head+" VALUES "+tuples(n, width, constants)+tail, args[:n*width]...); err != nil {
			return err
		}
		args = args[n*width:]
	}
	return nil
}

// tuples returns n rows of "($1,$2,constants)", numbered through.
func tuples(n, width int, constants string) string {
	var b strings.Builder
	b.Grow(n * (width*6 + len(constants) + 3))
	arg := 0
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range width {
			if c > 0 {
				b.WriteByte(',')
			}
			arg++
			fmt.Fprintf(&b, "$%d", arg)
		}
		if constants != "" {
			b.WriteByte(',')
			b.WriteString(constants)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Claim says what ClaimJobs may take.
type Claim struct {
	Node    int64                    // Who asks; parts are leased to it. Not 0.
	Lease   time.Duration            // How long nobody else may take the same. Longer than a run may last.
	Longer  map[string]time.Duration // The same for jobs of kinds that may run for longer.
	Own     int                      // Jobs of part "".
	Jobs    int                      // Jobs of all other parts together.
	Parts   int                      // Parts that are leased anew.
	PerPart int                      // Jobs of a part that is leased anew; one where its last run failed.
	Held    map[string]Held          // Parts that Node leases already.
}

// Held is a part that the claiming node has a lease of.
type Held struct {
	Running int // Jobs of it that are still running. With none it is given back unless more are taken.
	Want    int // Jobs that may be taken in addition.
}

// Claimed is what ClaimJobs took.
type Claimed struct {
	Jobs     []Job
	Fails    map[string]int // Parts leased anew: how often each failed in a row.
	Released []string       // Parts of Claim.Held that were given back.
}

// ClaimJobs leases jobs that are due. The lease is the retry: a job that is neither
// finished nor retried before it ends is due again. Parts that wait go before those
// that are held, the one that waits longest first, so that none is starved; within a part
// jobs go by time and id. A part is leased to one node at a time.
func (tx *Tx) ClaimJobs(ctx context.Context, c Claim) (*Claimed, error) {
	c.Held = maps.Clone(c.Held)
	s := &claiming{tx: tx, Claim: c, now: tx.now().UnixMilli(), got: &Claimed{Fails: map[string]int{}}, free: c.Jobs}
	for _, step := range []func(context.Context) error{s.own, s.fresh, s.held, s.settle, s.lengthen} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("claiming jobs: %w", err)
		}
	}
	return s.got, nil
}

// claiming is a ClaimJobs under way.
type claiming struct {
	Claim
	tx     *Tx
	now    int64
	free   int // Jobs that may still be taken from parts.
	got    *Claimed
	leased []string // Parts that we took something of.
	idle   []string // Parts with nothing to take now.
	put    []string // Parts with more to take, given back for lack of room.
}

func (s *claiming) own(ctx context.Context) error {
	if s.Own <= 0 {
		return nil
	}
	_, err := s.take(ctx, "", s.Own)
	return err
}

// lengthen leases those for longer that need it.
func (s *claiming) lengthen(ctx context.Context) error {
	for _, j := range s.got.Jobs {
		if lease := s.Longer[j.Kind]; lease > 0 {
			if _, err := s.tx.exec(ctx, "UPDATE jobs SET run_at = $1 WHERE id = $2", s.now+lease.Milliseconds(), j.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// take leases up to n jobs of a part.
func (s *claiming) take(ctx context.Context, part string, n int) (int, error) {
	rows, err := s.tx.query(ctx, `
		WITH due AS MATERIALIZED (
			SELECT j.id FROM jobs j
			WHERE j.part = $1 AND j.run_at <= $2 AND (j.lane = 0 OR NOT EXISTS (
				SELECT 1 FROM jobs e WHERE e.part = j.part AND e.lane = j.lane AND e.lane <> 0 AND e.id < j.id))
			ORDER BY j.run_at, j.id LIMIT $3 `+s.tx.dialect.skipLocked+`)
		UPDATE jobs SET run_at = $4, running = TRUE, again = 0, attempt = attempt + 1
		WHERE id IN (SELECT id FROM due) RETURNING `+jobColumns,
		part, s.now, n, s.now+s.Lease.Milliseconds())
	jobs, err := collectJobs(rows, err)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(jobs, func(a, b Job) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	s.got.Jobs = append(s.got.Jobs, jobs...)
	return len(jobs), nil
}

// fresh leases parts that nobody holds.
func (s *claiming) fresh(ctx context.Context) error {
	if s.Parts <= 0 || s.free <= 0 {
		return nil
	}
	type ready struct {
		part  string
		fails int
	}
	rows, err := s.tx.query(ctx, "SELECT part, fails FROM job_parts WHERE ready_at <= $1 ORDER BY ready_at LIMIT $2 "+s.tx.dialect.skipLocked,
		s.now, min(s.Parts, s.free, maxIn))
	list, err := collect(rows, err, func(r *ready) []any { return []any{&r.part, &r.fails} })
	if err != nil {
		return err
	}
	for _, r := range list {
		n := s.PerPart
		if r.fails > 0 {
			n = 1
		}
		if s.free <= 0 {
			return nil
		}
		took, err := s.fromPart(ctx, r.part, n)
		if err != nil {
			return err
		}
		if took {
			s.got.Fails[r.part] = r.fails
		}
		delete(s.Held, r.part) // Our lease had ended.
	}
	return nil
}

// fromPart takes up to n jobs of a part whose row is locked.
func (s *claiming) fromPart(ctx context.Context, part string, n int) (took bool, err error) {
	got, err := s.take(ctx, part, min(n, s.free))
	if err != nil {
		return false, err
	}
	s.free -= got
	if got > 0 {
		s.leased = append(s.leased, part)
	} else {
		s.idle = append(s.idle, part)
	}
	return got > 0, nil
}

// held takes more of the parts that are leased already, and finds those to give back.
func (s *claiming) held(ctx context.Context) error {
	var names []string
	for part, h := range s.Held {
		if h.Running == 0 || h.Want > 0 {
			names = append(names, part)
		}
	}
	slices.Sort(names)
	for chunk := range chunks(names) {
		list, args := in(3, chunk)
		rows, err := s.tx.query(ctx, `
			SELECT p.part, EXISTS (SELECT 1 FROM jobs j WHERE j.part = p.part AND j.run_at <= $1)
			FROM job_parts p WHERE p.holder = $2 AND p.part IN (`+list+`) ORDER BY p.part `+s.tx.dialect.skipLocked,
			append([]any{s.now, s.Node}, args...)...)
		type state struct {
			part string
			due  bool
		}
		parts, err := collect(rows, err, func(p *state) []any { return []any{&p.part, &p.due} })
		if err != nil {
			return err
		}
		for _, p := range parts {
			if err := s.again(ctx, p.part, p.due); err != nil {
				return err
			}
		}
	}
	return nil
}

// again decides about one part that we hold and whose row is locked.
func (s *claiming) again(ctx context.Context, part string, due bool) error {
	h := s.Held[part]
	took := false
	if due && h.Want > 0 && s.free > 0 {
		got, err := s.take(ctx, part, min(h.Want, s.free))
		if err != nil {
			return err
		}
		s.free -= got
		took, due = got > 0, got > 0
	}
	switch {
	case took:
		s.leased = append(s.leased, part)
		return nil
	case h.Running > 0:
		return nil
	case due:
		s.put = append(s.put, part)
	default:
		s.idle = append(s.idle, part)
	}
	s.got.Released = append(s.got.Released, part)
	return nil
}

// settle writes down who holds what.
func (s *claiming) settle(ctx context.Context) error {
	until := s.now + s.Lease.Milliseconds()
	for chunk := range chunks(s.leased) {
		list, args := in(3, chunk)
		_, err := s.tx.exec(ctx, "UPDATE job_parts SET held = $1, ready_at = $1, holder = $2 WHERE part IN ("+list+")", append([]any{until, s.Node}, args...)...)
		if err != nil {
			return err
		}
	}
	for chunk := range chunks(s.put) {
		list, args := in(2, chunk)
		_, err := s.tx.exec(ctx, "UPDATE job_parts SET held = 0, ready_at = $1, holder = 0 WHERE part IN ("+list+")", append([]any{s.now}, args...)...)
		if err != nil {
			return err
		}
	}
	for chunk := range chunks(s.idle) {
		if err := s.rest(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// rest gives parts back that have nothing to take now, until their next job is due;
// those without jobs are forgotten.
func (s *claiming) rest(ctx context.Context, parts []string) error {
	list, args := in(1, parts)
	n, err := s.tx.exec(ctx, "DELETE FROM job_parts WHERE part IN ("+list+") AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.part = job_parts.part)", args...)
	if err != nil || n == int64(len(parts)) {
		return err
	}
	// What is due but was not taken waits for a job ahead of it in its lane.
	list, args = in(3, parts)
	_, err = s.tx.exec(ctx, `UPDATE job_parts SET held = 0, holder = 0,
			ready_at = COALESCE((SELECT min(j.run_at) FROM jobs j WHERE j.part = job_parts.part AND j.run_at > $1), $2)
		WHERE part IN (`+list+")", append([]any{s.now, s.now + time.Second.Milliseconds()}, args...)...)
	return err
}

// NextJob returns when the next job is due, in ms and possibly in the past; 0 when there is none.
func (q *Q) NextJob(ctx context.Context) (int64, error) {
	var next int64
	err := q.row(ctx, `SELECT COALESCE(min(at), 0) FROM (
		SELECT * FROM (SELECT j.run_at AS at FROM jobs j WHERE j.part = '' AND (j.lane = 0 OR NOT EXISTS (
			SELECT 1 FROM jobs e WHERE e.part = j.part AND e.lane = j.lane AND e.lane <> 0 AND e.id < j.id))
			ORDER BY j.run_at LIMIT 1) own
		UNION ALL SELECT min(ready_at) FROM job_parts) t`).Scan(&next)
	if err != nil {
		return 0, fmt.Errorf("next job: %w", err)
	}
	return next, nil
}

// FinishJobs removes jobs that are done. One that was asked for again meanwhile,
// or that ContinueJob says has more to do, is due again.
func (tx *Tx) FinishJobs(ctx context.Context, ids []int64) error {
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		n, err := tx.exec(ctx, "DELETE FROM jobs WHERE again = 0 AND id IN ("+list+")", args...)
		if err != nil {
			return fmt.Errorf("finishing jobs: %w", err)
		}
		if n == int64(len(chunk)) {
			continue
		}
		rows, err := tx.query(ctx, `UPDATE jobs SET run_at = again, again = 0, running = FALSE, attempt = 0, error = ''
			WHERE again <> 0 AND id IN (`+list+`) RETURNING part, run_at`, args...)
		again, err := collect(rows, err, func(j *Job) []any { return []any{&j.Part, &j.RunAt} })
		if err != nil {
			return fmt.Errorf("finishing jobs: %w", err)
		}
		parts := map[string]int64{}
		for _, j := range again {
			parts[j.Part] = j.RunAt
		}
		if err := tx.partsReady(ctx, parts); err != nil {
			return err
		}
	}
	return nil
}

// ContinueJob records how far a running job has come, in the transaction that did
// that part of it: a later run gets this payload. With more it runs again as soon
// as the present run has ended without an error.
func (tx *Tx) ContinueJob(ctx context.Context, id int64, payload []byte, more bool) error {
	var again int64
	if more {
		again = tx.now().UnixMilli()
	}
	if _, err := tx.exec(ctx, "UPDATE jobs SET payload = $2, again = $3 WHERE id = $1", id, string(payload), again); err != nil {
		return fmt.Errorf("continuing job %d: %w", id, err)
	}
	return nil
}

// RetryJob has a job that failed run again at a time, in ms. A job that somebody
// else has claimed since is left alone.
func (tx *Tx) RetryJob(ctx context.Context, j Job, at int64, reason string) error {
	_, err := tx.exec(ctx, "UPDATE jobs SET run_at = $3, running = FALSE, again = 0, error = $4 WHERE id = $1 AND attempt = $2",
		j.ID, j.Attempt, at, clip(reason))
	if err != nil {
		return fmt.Errorf("retrying job %d: %w", j.ID, err)
	}
	return nil
}

// ReturnJob gives a job back that was claimed but not run.
func (tx *Tx) ReturnJob(ctx context.Context, j Job) error {
	_, err := tx.exec(ctx, "UPDATE jobs SET run_at = $3, running = FALSE, attempt = attempt - 1 WHERE id = $1 AND attempt = $2",
		j.ID, j.Attempt, tx.now().UnixMilli())
	if err != nil {
		return fmt.Errorf("returning job %d: %w", j.ID, err)
	}
	return nil
}

// maxDead is how many jobs that were given up are kept for the admin.
const maxDead = 10_000

// GiveUpJob moves a job to those that were given up.
func (tx *Tx) GiveUpJob(ctx context.Context, j Job, reason string) error {
	n, err := tx.exec(ctx, "DELETE FROM jobs WHERE id = $1 AND attempt = $2", j.ID, j.Attempt)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO dead_jobs (id, kind, part, attempt, payload, error, given_up)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		j.ID, j.Kind, j.Part, j.Attempt, string(j.Payload), clip(reason), tx.now().UnixMilli())
	if err != nil {
		return fmt.Errorf("giving up job %d: %w", j.ID, err)
	}
	if j.ID%64 != 0 { // Ids are spread evenly.
		return nil
	}
	_, err = tx.exec(ctx, "DELETE FROM dead_jobs WHERE id <= (SELECT id FROM dead_jobs ORDER BY id DESC LIMIT 1 OFFSET $1)", maxDead)
	return err
}

// DeadJobs returns the newest jobs that were given up.
func (q *Q) DeadJobs(ctx context.Context, limit int) ([]Job, error) {
	rows, err := q.query(ctx, "SELECT id, kind, part, 0, given_up, attempt, '', payload, error FROM dead_jobs ORDER BY id DESC LIMIT $1", limit)
	return collectJobs(rows, err)
}

// PartFailed has a whole part wait until a time in ms: one row, not its thousand jobs.
func (tx *Tx) PartFailed(ctx context.Context, part string, until int64) error {
	_, err := tx.exec(ctx, "UPDATE job_parts SET held = $2, ready_at = $2, holder = 0, fails = fails + 1 WHERE part = $1", part, until)
	if err != nil {
		return fmt.Errorf("backing off from %s: %w", part, err)
	}
	return nil
}

// outage is how many failures in a row make an outage: what failed in it is due as
// soon as it is over. After fewer the job itself may have been the cause.
const outage = 4

// PartsOK ends the backing off of parts that failed before.
func (tx *Tx) PartsOK(ctx context.Context, parts []string) error {
	for chunk := range chunks(parts) {
		list, args := in(3, chunk)
		_, err := tx.exec(ctx, `UPDATE jobs SET run_at = $1 WHERE part IN (`+list+`) AND run_at > $1 AND attempt > 0 AND NOT running
			AND EXISTS (SELECT 1 FROM job_parts p WHERE p.part = jobs.part AND p.fails >= $2)`,
			append([]any{tx.now().UnixMilli(), outage}, args...)...)
		if err != nil {
			return fmt.Errorf("parts that recovered: %w", err)
		}
		list, args = in(2, chunk)
		_, err = tx.exec(ctx, `UPDATE job_parts SET fails = 0,
				held = CASE WHEN holder = 0 THEN 0 ELSE held END, ready_at = CASE WHEN holder = 0 THEN $1 ELSE ready_at END
			WHERE fails > 0 AND part IN (`+list+")", append([]any{tx.now().UnixMilli()}, args...)...)
		if err != nil {
			return fmt.Errorf("parts that recovered: %w", err)
		}
	}
	return nil
}

// HurryLanes has what waits ahead of jobs, in their parts and lanes, run at once.
func (tx *Tx) HurryLanes(ctx context.Context, jobs []Job) error {
	for len(jobs) > 0 {
		n := maxRows
		for n > len(jobs) {
			n /= 2
		}
		args := make([]any, 0, 2*n+1)
		for _, j := range jobs[:n] {
			args = append(args, j.Part, j.Lane)
		}
		now := fmt.Sprintf("$%d", 2*n+1)
		_, err := tx.exec(ctx, `UPDATE jobs SET run_at = `+now+` FROM (VALUES `+typedTuples(n, "TEXT", "BIGINT")+`) v
			WHERE jobs.part = v.column1 AND jobs.lane = v.column2 AND jobs.lane <> 0 AND jobs.run_at > `+now+` AND NOT jobs.running`,
			append(args, tx.now().UnixMilli())...)
		if err != nil {
			return fmt.Errorf("hurrying jobs: %w", err)
		}
		jobs = jobs[n:]
	}
	return nil
}

// RecoverJobs is called when the first node starts. On SQLite, where no other
// process can have jobs under way, what a crash left leased is due at once; on
// both engines a part that lost its row gets it back.
func (tx *Tx) RecoverJobs(ctx context.Context) error {
	now := tx.now().UnixMilli()
	if tx.dialect == &sqliteDialect {
		for _, text := range []string{
			"UPDATE jobs SET run_at = $1, running = FALSE WHERE running",
			"UPDATE job_parts SET ready_at = $1, held = 0, holder = 0 WHERE holder <> 0",
		} {
			if _, err := tx.exec(ctx, text, now); err != nil {
				return fmt.Errorf("recovering jobs: %w", err)
			}
		}
	}
	_, err := tx.exec(ctx, `INSERT INTO job_parts (part, ready_at, held, holder, fails)
		SELECT DISTINCT part, CAST($1 AS BIGINT), 0, 0, 0 FROM jobs WHERE part <> '' ON CONFLICT DO NOTHING`, now)
	if err != nil {
		return fmt.Errorf("recovering jobs: %w", err)
	}
	return nil
}

// Now is the clock that the database was opened with.
func (q *Q) Now() time.Time { return q.now() }

// JobCount is how much of a kind waits.
type JobCount struct {
	Kind   string
	Jobs   int64
	Oldest int64 // id of the oldest; vocab.TimeOf tells since when.
}

// JobCounts returns what waits, by kind.
func (q *Q) JobCounts(ctx context.Context) ([]JobCount, error) {
	rows, err := q.query(ctx, "SELECT kind, count(*), min(id) FROM jobs GROUP BY kind ORDER BY kind")
	return collect(rows, err, func(c *JobCount) []any { return []any{&c.Kind, &c.Jobs, &c.Oldest} })
}

// clip bounds a text that is only for reading.
func clip(s string) string {
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return strings.ReplaceAll(s, "\x00", "")
}
