package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// maxTogether bounds how many waiting writes share one commit, so that the first
// of them doesn't wait long and the WAL's frames stay few.
const maxTogether = 64

// openSQLite opens the file at path: one connection that writes, a few that read.
// Everything the pragmas say must stand in the DSN, a pool has many connections.
func (d *DB) openSQLite(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	d.dialect = &sqliteDialect
	readers := d.opts.Readers
	if readers == 0 {
		readers = 4
	}
	cacheKB := d.opts.CacheKB
	if cacheKB == 0 {
		cacheKB = 11_000
	}
	sync := "FULL"
	if d.opts.NoSync {
		sync = "OFF"
	}
	dsn := func(extra string, kb int) string {
		return fmt.Sprintf("file:%s?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(%s)"+
			"&_pragma=cache_size(-%d)&_pragma=journal_size_limit(67108864)&_pragma=temp_store(MEMORY)&_txlock=immediate%s",
			(&url.URL{Path: path}).EscapedPath(), sync, kb, extra)
	}
	w, err := sql.Open("sqlite", dsn("", cacheKB/3))
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	d.pools = append(d.pools, w)
	if err := migrate(ctx, w, d.dialect); err != nil {
		return err
	}
	r, err := sql.Open("sqlite", dsn("&_pragma=query_only(1)", cacheKB*2/3/readers))
	if err != nil {
		return err
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	d.pools = append(d.pools, r)
	conn, err := w.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	d.Q = d.newQ(&preparedPool{db: r})
	d.startWriter(conn)
	return nil
}

// write is one waiting DB.Write.
type write struct {
	fn   func(*Tx) error
	done chan error
}

// startWriter starts the one goroutine that writes. Writes that wait together
// commit together, each under its own SAVEPOINT, and are answered after the commit.
func (d *DB) startWriter(conn *sql.Conn) {
	queue := make(chan *write, maxTogether)
	quit := make(chan struct{})
	ended := make(chan struct{})
	w := &sqliteWriter{db: d, q: d.newQ(&preparedConn{conn: conn, stmts: map[string]*sql.Stmt{}})}
	go func() {
		defer close(ended)
		defer conn.Close()
		for {
			select {
			case first := <-queue:
				w.batch(first, queue)
			case <-quit:
				for { // What was accepted is written.
					select {
					case first := <-queue:
						w.batch(first, queue)
					default:
						return
					}
				}
			}
		}
	}()
	var once sync.Once
	d.stop = func() { once.Do(func() { close(quit) }); <-ended }
	d.write = func(_ context.Context, fn func(*Tx) error) error {
		one := &write{fn, make(chan error, 1)}
		select {
		case queue <- one:
		case <-ended:
			return errClosed
		}
		select {
		case err := <-one.done:
			return err
		case <-ended:
			select {
			case err := <-one.done:
				return err
			default:
				return errClosed
			}
		}
	}
}

var errClosed = errors.New("the database is closed")

type sqliteWriter struct {
	db *DB
	q  *Q
}

// batch commits first and the writes that wait behind it in one transaction.
func (w *sqliteWriter) batch(first *write, queue chan *write) {
	ctx := context.Background()
	if _, err := w.q.run.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		first.done <- fmt.Errorf("begin: %w", err)
		return
	}
	type outcome struct {
		w   *write
		tx  *Tx
		err error
	}
	var all []outcome
	for next := first; next != nil; {
		tx := &Tx{Q: w.q, DB: w.db}
		all = append(all, outcome{next, tx, w.one(ctx, tx, next.fn)})
		next = nil
		if len(all) < maxTogether {
			select {
			case next = <-queue:
			default:
			}
		}
	}
	_, err := w.q.run.exec(ctx, "COMMIT")
	if err != nil {
		w.q.run.exec(ctx, "ROLLBACK")
		err = fmt.Errorf("commit: %w", err)
	}
	for _, o := range all {
		if o.err == nil && err == nil {
			o.tx.finish()
		}
		if o.err == nil {
			o.err = err
		}
		o.w.done <- o.err
	}
}

// one runs fn under its own savepoint.
func (w *sqliteWriter) one(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	if _, err := w.q.run.exec(ctx, "SAVEPOINT one"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	err := call(tx, fn)
	if err != nil {
		if _, rerr := w.q.run.exec(ctx, "ROLLBACK TO one"); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	if _, rerr := w.q.run.exec(ctx, "RELEASE one"); rerr != nil {
		return errors.Join(err, rerr)
	}
	return err
}

// bareLimit is a limit that SQLite would look at when it plans: it would plan such a
// statement anew each time it runs.
var bareLimit = regexp.MustCompile(`\b(LIMIT|OFFSET) (\$\d+)`)

// plannedOnce is text with its limits hidden from the planner.
func plannedOnce(text string) string {
	return bareLimit.ReplaceAllString(text, "${1} CAST(${2} AS INTEGER)")
}

// interruptible marks the context of a query that ends with its context.
type interruptible struct{}

// preparedPool prepares each text once for a pool. Queries are short, so they run
// without the context's cancellation, which costs the driver a goroutine each, unless
// they are marked.
type preparedPool struct {
	db    *sql.DB
	stmts sync.Map // text → *sql.Stmt
}

func (p *preparedPool) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := p.stmts.Load(text); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := p.db.PrepareContext(ctx, plannedOnce(text))
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", text, err)
	}
	if old, loaded := p.stmts.LoadOrStore(text, s); loaded {
		s.Close()
		return old.(*sql.Stmt), nil
	}
	return s, nil
}

func (p *preparedPool) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := p.stmt(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	if ctx.Value(interruptible{}) == nil {
		ctx = context.WithoutCancel(ctx)
	}
	return s.QueryContext(ctx, args...)
}

func (p *preparedPool) exec(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("write outside of DB.Write")
}

// preparedConn is the same for the one connection that writes.
type preparedConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (p *preparedConn) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := p.stmts[text]; s != nil {
		return s, nil
	}
	s, err := p.conn.PrepareContext(ctx, plannedOnce(text))
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", text, err)
	}
	p.stmts[text] = s
	return s, nil
}

func (p *preparedConn) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *preparedConn) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}
