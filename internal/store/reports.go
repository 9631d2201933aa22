package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Report is what somebody tells the moderators about an account.
type Report struct {
	ID, Reporter, Target int64
	Statuses             []int64
	Comment, Category    string // Category: spam, legal, violation, other.
	Forward              bool   // Wanted to be sent to the account's own server.
	Created, Resolved    int64  // ms
}

const reportColumns = "id, reporter, target, statuses, comment, category, forward, created, resolved"

// InsertReport keeps a report, which gets an id.
func (tx *Tx) InsertReport(ctx context.Context, r *Report) error {
	if r.ID == 0 {
		r.ID = tx.NewID()
	}
	r.Created = tx.now().UnixMilli()
	ids := make([]string, len(r.Statuses))
	for i, id := range r.Statuses {
		ids[i] = strconv.FormatInt(id, 10)
	}
	_, err := tx.exec(ctx, "INSERT INTO reports ("+reportColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		r.ID, r.Reporter, r.Target, strings.Join(ids, ","), r.Comment, r.Category, r.Forward, r.Created, r.Resolved)
	return wrapped(err, "report about %d", r.Target)
}

// Report returns a report by its id.
func (q *Q) Report(ctx context.Context, id int64) (*Report, error) {
	var r Report
	var statuses string
	err := q.row(ctx, "SELECT "+reportColumns+" FROM reports WHERE id = $1", id).
		Scan(&r.ID, &r.Reporter, &r.Target, &statuses, &r.Comment, &r.Category, &r.Forward, &r.Created, &r.Resolved)
	if err != nil {
		return nil, fmt.Errorf("report %d: %w", id, err)
	}
	for _, s := range strings.FieldsFunc(statuses, func(c rune) bool { return c == ',' }) {
		status, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("report %d: %w", id, err)
		}
		r.Statuses = append(r.Statuses, status)
	}
	return &r, nil
}
