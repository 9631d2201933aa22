package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
)

// row is the result of a query for at most one row.
type row struct {
	rows *sql.Rows
	err  error
}

func (q *Q) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return q.run.query(ctx, text, args...)
}

// exec runs a statement and returns how many rows it touched.
func (q *Q) exec(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := q.run.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (q *Q) row(ctx context.Context, text string, args ...any) row {
	rows, err := q.run.query(ctx, text, args...)
	return row{rows, err}
}

// Scan reads the row into dest; ErrNotFound when there is none.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNotFound
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}

// collect reads all rows through scan and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(scan(&v)...); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// self scans a single column into a value of its own type.
func self[T any](v *T) []any { return []any{v} }

// ids runs a query for one column of ids.
func (q *Q) ids(ctx context.Context, text string, args ...any) ([]int64, error) {
	rows, err := q.query(ctx, text, args...)
	return collect(rows, err, self[int64])
}

// exists tells whether the query returns a row.
func (q *Q) exists(ctx context.Context, text string, args ...any) (bool, error) {
	var one int
	err := q.row(ctx, text, args...).Scan(&one)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// maxIn is how many values one IN list may hold; longer ones are cut into chunks.
const maxIn = 500

// in returns "$from,$from+1,…" for ids, padded by repeating the last one to a
// power of two so that few different statements are prepared, and the arguments.
// ids must hold 1 to maxIn values.
func in[T any](from int, ids []T) (string, []any) {
	n := 1
	for n < len(ids) {
		n *= 2
	}
	var b strings.Builder
	args := make([]any, n)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
		args[i] = ids[min(i, len(ids)-1)]
	}
	return b.String(), args
}

// Page is a slice of a list that is ordered by id, newest first. Zero bounds are
// left out of the query, so that the plan stays a range scan.
type Page struct {
	Max   int64 // Only ids below it.
	Since int64 // Only ids above it, newest first.
	Min   int64 // Only ids above it, the page right after it.
	Limit int   // At most so many; 0 means 20.
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return 20
	}
	return p.Limit
}

// clause returns " AND column < $n … ORDER BY column … LIMIT $m" for the page, and
// its arguments; n is the number of the first free parameter. A page with Min is
// read upwards: the caller must call order on what it got.
func (p Page) clause(column string, n int) (string, []any) {
	var b strings.Builder
	var args []any
	add := func(op string, v int64) {
		fmt.Fprintf(&b, " AND %s %s $%d", column, op, n+len(args))
		args = append(args, v)
	}
	if p.Max > 0 {
		add("<", p.Max)
	}
	if p.Since > 0 {
		add(">", p.Since)
	}
	direction := "DESC"
	if p.Min > 0 {
		add(">", p.Min)
		direction = "ASC"
	}
	// A bare parameter would have SQLite plan anew for each value.
	fmt.Fprintf(&b, " ORDER BY %s %s LIMIT CAST($%d AS BIGINT)", column, direction, n+len(args))
	return b.String(), append(args, p.limit())
}

// order puts what a page's query returned into newest first.
func order[T any](p Page, list []T) []T {
	if p.Min > 0 {
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	return list
}

// toJSON encodes a value of our own types, which can't fail. Unlike json.Marshal it
// leaves <, > and & as they are: most of what is kept is HTML.
func toJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func stack() string { return string(debug.Stack()) }

// chunks cuts ids into pieces that fit an IN list.
func chunks[T any](ids []T) func(func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(ids) > 0 {
			n := min(len(ids), maxIn)
			if !yield(ids[:n]) {
				return
			}
			ids = ids[n:]
		}
	}
}

// NameKey folds a username for look-ups: handles differ in more than case.
func NameKey(name string) string { return strings.ToLower(name) }
