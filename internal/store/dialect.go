package store

import "context"

// dialect holds the few places in which the engines differ.
type dialect struct {
	name       string
	goose      string
	skipLocked string // After a SELECT that claims rows.
}

var (
	sqliteDialect   = dialect{name: "sqlite", goose: "sqlite3"}
	postgresDialect = dialect{name: "postgres", goose: "postgres", skipLocked: "FOR UPDATE SKIP LOCKED"}
)

// Lock makes every other transaction that locks the same key wait until this one
// ends. SQLite has one writer and needs none.
func (tx *Tx) Lock(ctx context.Context, key string) error {
	if tx.dialect != &postgresDialect {
		return nil
	}
	_, err := tx.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
	return err
}
