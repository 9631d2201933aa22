package store_test

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"

	"kenoma/internal/pgtest"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// TestSchemas wants the same tables, columns and their order on both engines, but for
// the words of posts.
func TestSchemas(t *testing.T) {
	sqlite := storetest.Dump(t, storetest.SQLite(t, store.Options{}), `
		SELECT m.name AS tab, c.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%' AND m.name NOT LIKE 'status_words%'`)
	postgres := storetest.Dump(t, storetest.Postgres(t, store.Options{}), `
		SELECT table_name AS tab, column_name AS col FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'goose_%' AND table_name <> 'status_words'`)
	if len(sqlite) < 100 || len(sqlite) != len(postgres) {
		t.Fatalf("%d columns on SQLite, %d on PostgreSQL", len(sqlite), len(postgres))
	}
	for i := range sqlite {
		if sqlite[i] != postgres[i] {
			t.Fatalf("SQLite has %s, PostgreSQL %s", sqlite[i], postgres[i])
		}
	}
}

// TestWriteTogether wants every write that was acknowledged to be there, and of
// those that fail, alone or beside others, nothing.
func TestWriteTogether(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler) // The panics are on purpose.
	storetest.Each(t, store.Options{Log: quiet}, func(t *testing.T, db *store.DB) {
		boom := errors.New("boom")
		var wg sync.WaitGroup
		var committed sync.Map
		for i := range 200 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					key := string(rune('a'+i%26)) + string(rune('a'+i/26))
					if err := tx.SetSetting(t.Context(), key, "x"); err != nil {
						return err
					}
					tx.OnCommit(func() { committed.Store(key, true) })
					switch i % 5 {
					case 3:
						return boom
					case 4:
						panic("boom")
					}
					return nil
				})
				if want := i%5 >= 3; (err != nil) != want {
					t.Errorf("write %d: %v", i, err)
				}
			}()
		}
		wg.Wait()
		n := 0
		committed.Range(func(k, _ any) bool {
			n++
			if _, err := db.Setting(t.Context(), k.(string)); err != nil {
				t.Error(err)
			}
			return true
		})
		if got := len(storetest.Dump(t, db, "SELECT key FROM settings")); n != 120 || got != 120 {
			t.Errorf("%d hooks ran, %d rows are there; want 120", n, got)
		}
	})
}
