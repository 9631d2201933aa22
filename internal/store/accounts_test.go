package store_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// eachWithClock runs a test on both engines, each with a clock of its own.
func eachWithClock(t *testing.T, run func(t *testing.T, db *store.DB, c *clock)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, store.Options) *store.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			c := &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
			run(t, open(t, store.Options{Now: c.now}), c)
		})
	}
}

func TestAccounts(t *testing.T) {
	eachWithClock(t, func(t *testing.T, db *store.DB, c *clock) {
		ctx := t.Context()
		if any, err := db.AnyAccount(ctx); any || err != nil {
			t.Fatalf("AnyAccount of an empty database = %t, %v", any, err)
		}
		if _, err := db.Account(ctx, 1); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an account that isn't there: %v, want ErrNotFound", err)
		}
		if _, err := db.AccountByEmail(ctx, ""); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the account without an address: %v, want ErrNotFound", err)
		}
		mustWrite(t, db, func(tx *store.Tx) error {
			return tx.InsertAccount(ctx, 1, "a key", store.NewAccount{Email: "Ann@A.test", Password: "hash", Role: "admin", Reason: "why", Locale: "de", IP: "192.0.2.1", Confirmed: true})
		})
		mustWrite(t, db, func(tx *store.Tx) error { return tx.InsertAccount(ctx, 2, "another", store.NewAccount{}) })
		mustWrite(t, db, func(tx *store.Tx) error { return tx.InsertAccount(ctx, 3, "a third", store.NewAccount{}) }) // Two without an address.
		err := db.Write(ctx, func(tx *store.Tx) error { return tx.InsertAccount(ctx, 4, "", store.NewAccount{Email: "ann@a.TEST"}) })
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("the same address twice: %v, want ErrExists", err)
		}
		now := c.now().UnixMilli()
		want := &store.Account{Actor: 1, Email: "Ann@A.test", Password: "hash", Role: "admin", PrivateKey: "a key", Created: now, Confirmed: now, Reason: "why",
			Locale: "de", SignUpIP: "192.0.2.1", Source: store.Source{Fields: []store.SourceField{}}}
		got, err := db.AccountByEmail(ctx, " ANN@a.test")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("account = %+v, %v\nwant %+v", got, err, want)
		}

		want.Email, want.Password, want.Role, want.Approved, want.Disabled, want.Locale = "new@a.test", "other", "", now, now, "en"
		want.Preferences = store.Preferences{Visibility: "private", Sensitive: true, Language: "de", HideNetwork: true, ExpandMedia: "hide_all", ExpandSpoilers: true}
		want.Source = store.Source{Note: "I *am*", Fields: []store.SourceField{{Name: "Home", Value: "https://a.test"}}}
		mustWrite(t, db, func(tx *store.Tx) error { return tx.UpdateAccount(ctx, want) })
		c.at = c.at.Add(time.Minute)
		mustWrite(t, db, func(tx *store.Tx) error { return tx.Seen(ctx, 1, c.now()) })
		mustWrite(t, db, func(tx *store.Tx) error { return tx.Seen(ctx, 1, c.now().Add(-time.Second)) }) // Late news change nothing.
		want.LastSeen = c.now().UnixMilli()
		if got, err := db.Account(ctx, 1); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("changed account = %+v, %v\nwant %+v", got, err, want)
		}

		for _, tt := range []struct {
			page store.Page
			want []int64
		}{
			{store.Page{}, []int64{3, 2, 1}},
			{store.Page{Limit: 2}, []int64{3, 2}},
			{store.Page{Max: 2}, []int64{1}},
			{store.Page{Min: 1, Limit: 1}, []int64{2}},
		} {
			all, err := db.Accounts(ctx, tt.page)
			var ids []int64
			for _, a := range all {
				ids = append(ids, a.Actor)
			}
			if err != nil || !reflect.DeepEqual(ids, tt.want) {
				t.Errorf("Accounts(%+v) = %v, %v, want %v", tt.page, ids, err, tt.want)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	eachWithClock(t, func(t *testing.T, db *store.DB, c *clock) {
		ctx := t.Context()
		mustWrite(t, db, func(tx *store.Tx) error {
			for i, one := range []store.Token{
				{Hash: "access", Kind: "access", Actor: 1, App: 7, Scopes: "read write", Data: "x"},
				{Hash: "access 2", Kind: "access", Actor: 1},
				{Hash: "access 3", Kind: "access", Actor: 2},
				{Hash: "app's own", Kind: "access", App: 7},
				{Hash: "code", Kind: "code", Actor: 1, Expires: c.at.Add(10 * time.Minute).UnixMilli()},
				{Hash: "old", Kind: "code", Actor: 1, Expires: c.at.Add(time.Minute).UnixMilli()},
			} {
				one.ID, one.Created = int64(i+1), c.now().UnixMilli()
				if err := tx.InsertToken(ctx, &one); err != nil {
					return err
				}
			}
			return nil
		})
		c.at = c.at.Add(time.Minute)
		there := func(kind, hash string) bool {
			t.Helper()
			_, err := db.Token(ctx, kind, hash)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		for _, tt := range []struct {
			name, kind, hash string
			want             bool
		}{
			{"as it is", "access", "access", true},
			{"as another kind", "session", "access", false},
			{"before it expires", "code", "code", true},
			{"after it expired", "code", "old", false},
			{"an unknown one", "access", "?", false},
		} {
			if got := there(tt.kind, tt.hash); got != tt.want {
				t.Errorf("%s: there is %t, want %t", tt.name, got, tt.want)
			}
		}

		var won atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := db.Write(ctx, func(tx *store.Tx) error {
					got, err := tx.TakeToken(ctx, "code", "code")
					if err == nil && got.Actor != 1 {
						t.Errorf("took %+v", got)
					}
					return err
				})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("a code was taken %d times, want once", won.Load())
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { _, err := tx.TakeToken(ctx, "code", "old"); return err }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("taking an expired code: %v, want ErrNotFound", err)
		}

		mustWrite(t, db, func(tx *store.Tx) error { return tx.TouchTokens(ctx, []int64{1, 2}, 99) })
		want := &store.Token{ID: 1, Hash: "access", Kind: "access", Actor: 1, App: 7, Scopes: "read write", Data: "x", Created: c.at.Add(-time.Minute).UnixMilli(), LastUsed: 99}
		if got, err := db.Token(ctx, "access", "access"); err != nil || *got != *want {
			t.Errorf("token = %+v, %v, want %+v", got, err, want)
		}
		mustWrite(t, db, func(tx *store.Tx) error { return tx.DropTokens(ctx, "access", 1, 1) })
		if !there("access", "access") || there("access", "access 2") || !there("access", "access 3") {
			t.Error("dropping the others of an actor left the wrong ones")
		}
		mustWrite(t, db, func(tx *store.Tx) error {
			if more, err := tx.SweepTokens(ctx); more || err != nil {
				t.Errorf("SweepTokens = %t, %v", more, err)
			}
			return nil
		})
		if left := storetest.Dump(t, db, "SELECT hash FROM tokens"); len(left) != 3 {
			t.Errorf("after the sweep there are %q, want three", left)
		}
		for _, tt := range []struct {
			since time.Time
			want  bool
		}{{c.at.Add(-time.Minute), true}, {c.at, false}} { // It was made a minute ago, and never used.
			mustWrite(t, db, func(tx *store.Tx) error {
				if more, err := tx.SweepAppTokens(ctx, tt.since.UnixMilli()); more || err != nil {
					t.Errorf("SweepAppTokens = %t, %v", more, err)
				}
				return nil
			})
			if got := there("access", "app's own"); got != tt.want {
				t.Errorf("an app's token after a sweep of those not used since %s: %t, want %t", tt.since, got, tt.want)
			}
		}
		mustWrite(t, db, func(tx *store.Tx) error { return tx.DropKind(ctx, "access") })
		if there("access", "access 3") {
			t.Error("DropKind left one")
		}
	})
}

func TestApps(t *testing.T) {
	eachWithClock(t, func(t *testing.T, db *store.DB, c *clock) {
		ctx := t.Context()
		old, fresh := c.at.Add(-48*time.Hour).UnixMilli(), c.at.UnixMilli()
		used := store.App{ID: 1, ClientID: "used", SecretHash: "s", Name: "Tusk", Website: "https://t.test", RedirectURIs: []string{"tusk://back", "urn:ietf:wg:oauth:2.0:oob"}, Scopes: "read", Created: old}
		mustWrite(t, db, func(tx *store.Tx) error {
			for _, a := range []store.App{used, {ID: 2, ClientID: "unused", RedirectURIs: []string{"x:"}, Created: old}, {ID: 3, ClientID: "fresh", RedirectURIs: []string{"x:"}, Created: fresh}} {
				if err := tx.InsertApp(ctx, &a); err != nil {
					return err
				}
			}
			return tx.InsertToken(ctx, &store.Token{ID: 1, Hash: "h", Kind: "access", App: 1})
		})
		for _, get := range []func() (*store.App, error){
			func() (*store.App, error) { return db.App(ctx, 1) },
			func() (*store.App, error) { return db.AppByClientID(ctx, "used") },
		} {
			if got, err := get(); err != nil || !reflect.DeepEqual(*got, used) {
				t.Errorf("app = %+v, %v, want %+v", got, err, used)
			}
		}
		mustWrite(t, db, func(tx *store.Tx) error {
			if more, err := tx.SweepApps(ctx, c.at.Add(-24*time.Hour).UnixMilli()); more || err != nil {
				t.Errorf("SweepApps = %t, %v", more, err)
			}
			return nil
		})
		for name, want := range map[string]bool{"used": true, "unused": false, "fresh": true} {
			if _, err := db.AppByClientID(ctx, name); (err == nil) != want {
				t.Errorf("after the sweep the app %s: %v, want there %t", name, err, want)
			}
		}
	})
}
