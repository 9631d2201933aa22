// Package store is all SQL of Kenoma: one text for SQLite and PostgreSQL, a file
// per family of tables. Reading methods belong to Q, which both a DB (reads what
// is committed) and a Tx (reads its own writes) embed; writing methods belong to
// Tx, which only DB.Write hands out.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"kenoma/internal/vocab"
)

// ErrNotFound is what a look-up of a single row returns when there is none. It is
// always wrapped with what was looked for; doors turn it into their own words.
var ErrNotFound = errors.New("not found")

// Options tune a DB. The zero value is fit for a small server.
type Options struct {
	Readers int                           // Reading connections of SQLite, or all of PostgreSQL's. 0 means 4 and 16.
	CacheKB int                           // Page cache of all SQLite connections together. 0 means 12,000.
	NoSync  bool                          // Tests and bulk loads only: a crash may lose what was acknowledged.
	Now     func() time.Time              // nil means time.Now.
	Log     *slog.Logger                  // nil means slog.Default().
	Wake    func(queue string)            // Called after a commit that enqueued jobs. nil: nobody is woken.
	Observe func(text string, args []any) // Told of each statement before it runs; for tests of plans. nil: nobody is.
}

// DB is an open database, safe for concurrent use.
type DB struct {
	*Q
	IDs     *vocab.IDs
	opts    Options
	dialect *dialect
	write   func(context.Context, func(*Tx) error) error
	pools   []*sql.DB
	stop    func() // Ends the writer, waits for what it holds.

	notices notices
	url     string
}

// Q runs queries, either on committed data or inside a transaction.
type Q struct {
	run     runner
	dialect *dialect
	now     func() time.Time
}

// runner is what Q needs of a pool or a transaction.
type runner interface {
	query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	exec(ctx context.Context, text string, args ...any) (sql.Result, error)
}

// newQ makes queries on what a pool or a transaction runs.
func (d *DB) newQ(run runner) *Q {
	if d.opts.Observe != nil {
		run = observed{run, d.opts.Observe}
	}
	return &Q{run: run, dialect: d.dialect, now: d.opts.Now}
}

// observed tells of each statement.
type observed struct {
	runner
	tell func(text string, args []any)
}

func (o observed) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	o.tell(text, args)
	return o.runner.query(ctx, text, args...)
}

func (o observed) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	o.tell(text, args)
	return o.runner.exec(ctx, text, args...)
}

// Tx is one transaction. It must not be kept after the function that got it returns.
type Tx struct {
	*Q
	DB       *DB
	onCommit []func()
	parts    map[string]bool // Parts of jobs enqueued here.
}

// OnCommit has f run once everything this transaction wrote is durable, and never
// when it fails.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// NewID returns a fresh id, larger than all before it on this node.
func (tx *Tx) NewID() int64 { return tx.DB.IDs.Next() }

// Write runs fn in a transaction and returns when it is durable, or with fn's
// error after everything fn wrote was rolled back. The transaction is finished
// even when ctx ends meanwhile. fn may run again after a conflict on PostgreSQL,
// so it must have no effects but through tx. fn must read through tx, not db.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return d.write(context.WithoutCancel(ctx), fn)
}

// Open opens the database that url names, "sqlite:PATH" or "postgres://…", and
// brings its schema up to date. A database newer than the program is refused.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	d := &DB{opts: opts, url: url, IDs: &vocab.IDs{Now: opts.Now}}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		err = d.openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"))
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		err = d.openPostgres(ctx, url)
	default:
		err = fmt.Errorf("database %q: must be sqlite:PATH or postgres://…", url)
	}
	if err != nil {
		for _, p := range d.pools {
			p.Close()
		}
		return nil, err
	}
	return d, nil
}

// Close finishes the writes that wait and closes all connections.
func (d *DB) Close() error {
	d.notices.close()
	if d.stop != nil {
		d.stop()
	}
	var errs []error
	for _, p := range d.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Engine names the database engine: "sqlite" or "postgres".
func (d *DB) Engine() string { return d.dialect.name }

// finish runs what waits for the commit of tx.
func (tx *Tx) finish() {
	for _, f := range tx.onCommit {
		f()
	}
	if len(tx.parts) > 0 && tx.DB.opts.Wake != nil {
		tx.DB.opts.Wake("jobs")
	}
}

// call runs fn and turns a panic into an error, so that one bad write can't take
// down those that share its transaction.
func call(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v", p)
			tx.DB.opts.Log.Error("panic in a transaction", "panic", p, "stack", stack())
		}
	}()
	return fn(tx)
}

// Raw is the pool behind db, for tests and benchmarks that look past the store.
func Raw(d *DB) *sql.DB { return d.pools[len(d.pools)-1] }
