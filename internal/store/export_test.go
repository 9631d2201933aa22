package store

import (
	"context"
	"database/sql"
)

// Recorded returns queries on db that tell f of each statement before they run it.
func Recorded(db *DB, f func(text string, args []any)) *Q {
	q := *db.Q
	q.run = recorder{db.Q.run, f}
	return &q
}

type recorder struct {
	runner
	f func(text string, args []any)
}

func (r recorder) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	r.f(text, args)
	return r.runner.query(ctx, text, args...)
}
