package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// sqliteForm turns PostgreSQL's DDL, the form in which migrations are written,
// into SQLite's. Only these differences are used.
var sqliteForm = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b(BIGINT|SMALLINT|BOOLEAN)\b`), "INTEGER"},
	{regexp.MustCompile(` COLLATE "C"`), ""},
	{regexp.MustCompile(`(?m)^\) /\* clustered \*/;`), ") STRICT, WITHOUT ROWID;"},
	{regexp.MustCompile(`(?m)^\);`), ") STRICT;"},
}

// onlyPostgres is what SQLite has another form of, which follows it as a comment.
var onlyPostgres = regexp.MustCompile(`(?s)-- \[postgres\]\n.*?-- \[sqlite\]\n-- (.*?)\n-- \[both\]\n`)

// schema returns the migrations in the form of d, in order.
func schema(d *dialect) ([]*goose.Migration, error) {
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, entry := range names {
		text, err := migrations.ReadFile(path.Join("migrations", entry.Name()))
		if err != nil {
			return nil, err
		}
		if d == &sqliteDialect {
			text = onlyPostgres.ReplaceAll(text, []byte("$1\n"))
			for _, f := range sqliteForm {
				text = f.from.ReplaceAll(text, []byte(f.to))
			}
		}
		version, err := strconv.ParseInt(entry.Name()[:5], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: its name must begin with five digits", entry.Name())
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, string(text))
			return err
		}}, nil))
	}
	return all, nil
}

// migrate brings the schema up to date. Several nodes may start at once: the
// first takes a lock, the others find nothing to do.
func migrate(ctx context.Context, db *sql.DB, d *dialect) error {
	all, err := schema(d)
	if err != nil {
		return err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(all...),
		goose.WithAllowOutofOrder(true)} // Numbers are given out in ranges, so a lower one may come later.
	if d == &postgresDialect {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(goose.Dialect(d.goose), db, nil, opts...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	newest := all[len(all)-1].Version
	if have > newest {
		return fmt.Errorf("the database was written by a newer Kenoma (its schema is %d, this program knows %d); start that version, or restore a backup", have, newest)
	}
	if more, err := p.HasPending(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	} else if !more {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			return fmt.Errorf("migration %d: %w", partial.Failed.Source.Version, partial.Err)
		}
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}
