// Package storetest runs tests on a fresh database of each engine.
package storetest

import (
	"path/filepath"
	"testing"

	"kenoma/internal/pgtest"
	"kenoma/internal/store"
)

// Each runs a test on SQLite and on PostgreSQL, with an empty database of the
// current schema each.
func Each(t *testing.T, opts store.Options, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t, opts)) })
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t, opts)) })
}

// SQLite opens an empty database in the test's folder. It does not wait for the
// disk, which only a crash of the machine would tell apart.
func SQLite(t testing.TB, opts store.Options) *store.DB {
	opts.NoSync = true
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), opts)
}

// Postgres opens an empty database in the throw-away cluster.
func Postgres(t testing.TB, opts store.Options) *store.DB {
	return open(t, pgtest.Database(t), opts)
}

func open(t testing.TB, url string, opts store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
