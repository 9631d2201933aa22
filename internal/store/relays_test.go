package store_test

import (
	"fmt"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// TestRelayQueue: a post waits once, the oldest go when there are too many, and a post
// is announced once.
func TestRelayQueue(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r := &store.Relay{Inbox: "https://r.test/inbox", Host: "r.test", Wanted: true, State: store.RelayAccepted}
		err := db.Write(ctx, func(tx *store.Tx) error {
			if err := tx.PutRelay(ctx, r); err != nil {
				return err
			}
			for i := range 8 {
				uri := vocab.IRI(fmt.Sprintf("https://one.test/%d", i/2))
				if added, err := tx.QueueRelayed(ctx, r.ID, uri, 3); err != nil || added != (i%2 == 0) {
					return fmt.Errorf("post %d: %t, %w", i, added, err)
				}
			}
			for i, want := range []bool{true, false} {
				if _, fresh, err := tx.AddRelayed(ctx, "https://one.test/1", r.ID); err != nil || fresh != want {
					return fmt.Errorf("announced #%d: %t, %w", i, fresh, err)
				}
			}
			return tx.UnqueueRelayed(ctx, []vocab.IRI{"https://one.test/2"})
		})
		if err != nil {
			t.Fatal(err)
		}
		left, err := db.RelayQueue(ctx, r.ID, 10)
		if err != nil || fmt.Sprint(left) != "[https://one.test/1 https://one.test/3]" {
			t.Errorf("left %v, %v", left, err)
		}
		got, err := db.Relay(ctx, r.ID)
		if err != nil || got.Brought != 4 || got.Dropped != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if inboxes, err := db.RelayInboxes(ctx); err != nil || len(inboxes) != 1 {
			t.Errorf("inboxes %v, %v", inboxes, err)
		}
		if some, err := db.HasRelayMembers(ctx); err != nil || some {
			t.Errorf("members: %t, %v", some, err)
		}
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.DropRelay(ctx, r.ID) }); err != nil {
			t.Fatal(err)
		}
		if left, err := db.RelayQueue(ctx, r.ID, 10); err != nil || len(left) != 0 {
			t.Errorf("left after the end: %v, %v", left, err)
		}
	})
}
