package storetest

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"kenoma/internal/store"
)

// Statement is something that was sent to a database, as store.Options.Observe tells.
type Statement struct {
	From string // What sent it, for messages.
	Text string
	Args []any
}

// fullScan is how the engines say that a table is read from one end to the other.
// An index that is read in order, as far as the limit, is none; "wanted" is a list
// in the query itself.
var fullScan = map[string]*regexp.Regexp{
	"sqlite":   regexp.MustCompile(`(?m)SCAN \w+$|AUTOMATIC`),
	"postgres": regexp.MustCompile(`Seq Scan`),
}

// innerQuery names a query within a query; reading its rows is no reading of a table.
var innerQuery = regexp.MustCompile(`(?m)^(?:CO-ROUTINE|MATERIALIZE) (\w+)$`)

// planned are statements that have a plan.
var planned = regexp.MustCompile(`(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

// NoFullScans fails for each statement that must read a whole table, by the engine's
// own plan: PostgreSQL's with sequential scans made as dear as can be, since its
// tables are nearly empty here.
func NoFullScans(t testing.TB, db *store.DB, sent []Statement) {
	t.Helper()
	conn, err := store.Raw(db).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	explain := "EXPLAIN QUERY PLAN "
	if db.Engine() == "postgres" {
		explain = "EXPLAIN "
		if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
			t.Fatal(err)
		}
		defer conn.ExecContext(t.Context(), "RESET enable_seqscan")
	}
	for _, s := range sent {
		if !planned.MatchString(s.Text) {
			continue
		}
		rows, err := conn.QueryContext(t.Context(), explain+s.Text, s.Args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", s.From, err, s.Text)
		}
		plan := planOf(t, rows)
		for _, inner := range innerQuery.FindAllStringSubmatch(plan, -1) {
			plan = strings.ReplaceAll(plan, "SCAN "+inner[1]+"\n", "") // Its own plan stands above.
		}
		if fullScan[db.Engine()].MatchString(strings.ReplaceAll(plan, "SCAN wanted\n", "")) {
			t.Errorf("%s reads a whole table:\n%s\n%s", s.From, s.Text, plan)
		}
	}
}

// planOf joins the last column of each row, where both engines say what they do.
func planOf(t testing.TB, rows *sql.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, *values[len(values)-1].(*any))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
