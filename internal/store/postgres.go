package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// openPostgres opens one pool for reading and writing.
func (d *DB) openPostgres(ctx context.Context, url string) error {
	d.dialect = &postgresDialect
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	d.pools = append(d.pools, pool)
	n := d.opts.Readers
	if n == 0 {
		n = 16
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n) // The default of 2 makes reconnect storms.
	pool.SetConnMaxLifetime(time.Hour)
	if err := migrate(ctx, pool, d.dialect); err != nil {
		return err
	}
	d.Q = d.newQ(pgPool{pool})
	d.write = func(ctx context.Context, fn func(*Tx) error) error {
		var err error
		for range 5 {
			if err = d.writePostgres(ctx, pool, fn); !conflict(err) {
				return err
			}
		}
		return err
	}
	return nil
}

func (d *DB) writePostgres(ctx context.Context, pool *sql.DB, fn func(*Tx) error) error {
	t, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{Q: d.newQ(pgTx{t}), DB: d}
	if err := call(tx, fn); err != nil {
		return errors.Join(err, t.Rollback())
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	tx.finish()
	return nil
}

// conflict tells whether the transaction lost against another one and may simply
// be run again: serialization failure, deadlock, an id or uri taken meanwhile, or
// a plan that a migration made stale.
func conflict(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "23505", "0A000":
		return true
	}
	return false
}

type pgPool struct{ db *sql.DB }

func (p pgPool) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(ctx, text, args...)
}

func (p pgPool) exec(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("write outside of DB.Write")
}

type pgTx struct{ tx *sql.Tx }

func (p pgTx) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return p.tx.QueryContext(ctx, text, args...)
}

func (p pgTx) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return p.tx.ExecContext(ctx, text, args...)
}
