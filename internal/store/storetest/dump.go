package storetest

import (
	"database/sql"
	"fmt"
	"sort"
	"testing"

	"kenoma/internal/store"
)

// Dump returns the rows of a query as sorted lines, for comparing states. It reads
// past the store's own methods, which tests alone may do.
func Dump(t testing.TB, db *store.DB, query string) []string {
	t.Helper()
	rows, err := store.Raw(db).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	lines := []string{}
	for rows.Next() {
		lines = append(lines, line(t, rows))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	return lines
}

func line(t testing.TB, rows *sql.Rows) string {
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	if err := rows.Scan(values...); err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, v := range values {
		text += fmt.Sprintf("%s=%v ", columns[i], *v.(*any))
	}
	return text
}
