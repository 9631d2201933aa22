package store

import (
	"context"
	"fmt"
)

// Report is what somebody tells the moderators about an account.
type Report struct {
	ID, Reporter, Target int64
	Statuses, Rules      []int64
	Collections          []int64
	Comment, Category    string // Category: spam, legal, violation, other.
	Forward              bool   // Sent to the account's own server too.
	Created, Resolved    int64  // ms
	Updated              int64  // ms
	Assigned, Resolver   int64  // Moderators, 0 none.
	URI                  string // Of the Flag that brought it from elsewhere; "" for ours.
}

const reportColumns = "id, reporter, target, statuses, comment, category, forward, created, resolved, rules, collections, assigned, resolver, updated, uri"

func (r *Report) scan() []any {
	return []any{&r.ID, &r.Reporter, &r.Target, idList{&r.Statuses}, &r.Comment, &r.Category, &r.Forward, &r.Created, &r.Resolved, idList{&r.Rules},
		idList{&r.Collections}, &r.Assigned, &r.Resolver, &r.Updated, &r.URI}
}

// InsertReport keeps a report, which gets an id. One that came from elsewhere is
// kept once: ErrExists.
func (tx *Tx) InsertReport(ctx context.Context, r *Report) error {
	if r.ID == 0 {
		r.ID = tx.NewID()
	}
	r.Created = tx.now().UnixMilli()
	r.Updated = r.Created
	n, err := tx.exec(ctx, "INSERT INTO reports ("+reportColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
		r.ID, r.Reporter, r.Target, joinIDs(r.Statuses), r.Comment, r.Category, r.Forward, r.Created, r.Resolved, joinIDs(r.Rules), joinIDs(r.Collections),
		r.Assigned, r.Resolver, r.Updated, r.URI)
	if err == nil && n == 0 {
		err = ErrExists
	}
	return wrapped(err, "report about %d", r.Target)
}

// Report returns a report by its id.
func (q *Q) Report(ctx context.Context, id int64) (*Report, error) {
	var r Report
	if err := q.row(ctx, "SELECT "+reportColumns+" FROM reports WHERE id = $1", id).Scan(r.scan()...); err != nil {
		return nil, fmt.Errorf("report %d: %w", id, err)
	}
	return &r, nil
}

// ReportsNamed returns these reports by their ids; unknown ones are left out.
func (q *Q) ReportsNamed(ctx context.Context, ids []int64) (map[int64]*Report, error) {
	found := map[int64]*Report{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+reportColumns+" FROM reports WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, (*Report).scan)
		if err != nil {
			return nil, fmt.Errorf("reports: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// ReportQuery says which reports are wanted: the resolved or the open ones, of and
// about whom. 0 anybody.
type ReportQuery struct {
	Resolved         bool
	Reporter, Target int64
	Domain           string // Of the reported; "" any.
}

// Reports returns a page of reports, newest first.
func (q *Q) Reports(ctx context.Context, w ReportQuery, p Page) ([]Report, error) {
	text := "SELECT " + reportColumns + " FROM reports WHERE resolved = 0"
	if w.Resolved {
		text = "SELECT " + reportColumns + " FROM reports WHERE resolved <> 0"
	}
	var args []any
	if w.Reporter != 0 {
		args = append(args, w.Reporter)
		text += fmt.Sprintf(" AND reporter = $%d", len(args))
	}
	if w.Target != 0 {
		args = append(args, w.Target)
		text += fmt.Sprintf(" AND target = $%d", len(args))
	}
	if w.Domain != "" {
		args = append(args, w.Domain)
		text += fmt.Sprintf(" AND EXISTS (SELECT 1 FROM actors a WHERE a.id = reports.target AND a.domain = $%d)", len(args))
	}
	tail, more := p.clause("id", len(args)+1)
	rows, err := q.query(ctx, text+tail, append(args, more...)...)
	all, err := collect(rows, err, (*Report).scan)
	return order(p, all), wrapped(err, "reports")
}

// OpenReportsOf returns the ids of up to limit open reports about an account.
func (q *Q) OpenReportsOf(ctx context.Context, target int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT id FROM reports WHERE target = $1 AND resolved = 0 ORDER BY id LIMIT $2", target, limit)
	return ids, wrapped(err, "reports about %d", target)
}

// ResolveReport resolves a report in a moderator's name, or opens it again, and
// tells whether that changed something.
func (tx *Tx) ResolveReport(ctx context.Context, id, by int64, resolved bool) (bool, error) {
	text, args := "UPDATE reports SET resolved = $2, resolver = $3, assigned = CASE WHEN assigned = 0 THEN $3 ELSE assigned END, updated = $2 WHERE id = $1 AND resolved = 0",
		[]any{id, tx.now().UnixMilli(), by}
	if !resolved {
		text, args = "UPDATE reports SET resolved = 0, resolver = 0, updated = $2 WHERE id = $1 AND resolved <> 0", args[:2]
	}
	n, err := tx.exec(ctx, text, args...)
	return n > 0, wrapped(err, "report %d", id)
}

// AssignReport gives a report to a moderator; 0 takes it away.
func (tx *Tx) AssignReport(ctx context.Context, id, to int64) error {
	_, err := tx.exec(ctx, "UPDATE reports SET assigned = $2, updated = $3 WHERE id = $1", id, to, tx.now().UnixMilli())
	return wrapped(err, "report %d", id)
}

// SortReport writes the category of a report and the rules that it is about.
func (tx *Tx) SortReport(ctx context.Context, r *Report) error {
	_, err := tx.exec(ctx, "UPDATE reports SET category = $2, rules = $3, updated = $4 WHERE id = $1", r.ID, r.Category, joinIDs(r.Rules), tx.now().UnixMilli())
	return wrapped(err, "report %d", r.ID)
}

// SetForwarded notes that a report goes to the server of who is reported.
func (tx *Tx) SetForwarded(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "UPDATE reports SET forward = TRUE, updated = $2 WHERE id = $1", id, tx.now().UnixMilli())
	return wrapped(err, "report %d", id)
}
