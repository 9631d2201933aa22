package store_test

import (
	"context"
	"errors"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// A subscription is good for as long as its token is, and there is one per token.
func TestPushSubscriptions(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for id := range int64(2) {
			change(t, db, func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertToken(ctx, &store.Token{ID: 10 + id, Hash: string(rune('a' + id)), Kind: "access", Actor: 1})
			})
		}
		s := &store.PushSubscription{Token: 10, Actor: 1, Bearer: "secret", Endpoint: "https://push.test/1", Host: "push.test", Policy: "all", Alerts: []string{"mention", "admin.report"}}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.SetPushSubscription(ctx, s) })
		first := s.ID
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			s.Endpoint = "https://push.test/2"
			return tx.SetPushSubscription(ctx, s)
		})
		got, err := db.SubscriptionOf(ctx, 10)
		if err != nil || got.Endpoint != s.Endpoint || got.Bearer != "secret" || len(got.Alerts) != 2 || got.ID <= 0 || got.ID >= 1<<31 {
			t.Fatalf("the subscription is %+v, %v", got, err)
		}
		if _, err := db.PushSubscription(ctx, first); first != s.ID && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the first one is still there: %v", err)
		}
		if _, err := db.SubscriptionOf(ctx, 11); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another token has %v", err)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropTokens(ctx, "access", 1, 11) })
		if _, err := db.PushSubscription(ctx, s.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of a revoked token: %v", err)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			if n, err := tx.AddNotification(ctx, store.Notification{Owner: 1, ID: 5, Kind: store.KindNamed("mention"), Actor: 2}); err != nil || !n {
				t.Errorf("AddNotification = %t, %v", n, err)
			}
			_, err := tx.SweepPush(ctx)
			return err
		})
		if rows := storetest.Dump(t, db, "SELECT id FROM push_subscriptions"); len(rows) != 0 {
			t.Errorf("left after the sweep: %v", rows)
		}
		if rows := storetest.Dump(t, db, "SELECT id FROM jobs"); len(rows) != 0 {
			t.Errorf("jobs for a subscription that is gone: %v", rows)
		}
		for _, want := range []string{"one", "two"} { // Whoever comes first decides.
			change(t, db, func(ctx context.Context, tx *store.Tx) error {
				got, err := tx.SettingOnce(ctx, "push_key", want)
				if got != "one" {
					t.Errorf("SettingOnce = %q, want the first", got)
				}
				return err
			})
		}
	})
}
