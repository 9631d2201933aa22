package pgtest

import (
	"database/sql"
	"net/url"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

// TestDatabase wants a database for each test that nobody else sees, and none left
// when the test is over.
func TestDatabase(t *testing.T) {
	first, second := "", ""
	t.Run("fresh", func(t *testing.T) {
		first, second = Database(t), Database(t)
		for _, u := range []string{first, second} {
			db := open(t, u)
			if _, err := db.Exec("CREATE TABLE mine (text TEXT)"); err != nil {
				t.Fatal(err)
			}
			var encoding string
			if err := db.QueryRow("SHOW server_encoding").Scan(&encoding); err != nil || encoding != "UTF8" {
				t.Errorf("encoding %q, %v", encoding, err)
			}
		}
	})
	if first == "" {
		t.Skip("no PostgreSQL")
	}
	base, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{first, second} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		var left int
		if err := open(t, base).QueryRow("SELECT count(*) FROM pg_database WHERE datname = $1", parsed.Path[1:]).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d databases %s are left (%v)", left, parsed.Path, err)
		}
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
