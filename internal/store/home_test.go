package store_test

import (
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// TestDeliverGoesOn wants all followers served, a few at a time, though some of them
// have the status already.
func TestDeliverGoesOn(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		err := db.Write(ctx, func(tx *store.Tx) error {
			for id := int64(1); id <= 9; id++ {
				if _, err := tx.SetFollow(ctx, store.Follow{Actor: id, Target: 100, Seq: id, Accepted: true, Local: true}); err != nil {
					return err
				}
			}
			st := &store.Status{ID: 1000, Actor: 100}
			for _, had := range []int64{2, 3, 7} {
				if err := tx.DeliverTo(ctx, had, st); err != nil {
					return err
				}
			}
			var got []int64
			for after, more := int64(0), true; more; more = after != 0 {
				owners, next, err := tx.Deliver(ctx, st, after, 2)
				if err != nil {
					return err
				}
				got, after = append(got, owners...), next
			}
			if len(got) != 6 {
				t.Errorf("the status came to %v, want the six that did not have it", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
