package mastodon

import (
	"context"
	"testing"

	"kenoma/internal/store"
)

func TestHost(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		ctx := context.Background()
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			if _, err := tx.HostsOK(ctx, []string{"c.test"}); err != nil {
				return err
			}
			return tx.SetSoftware(ctx, "b.test", "mastodon 4.5.1")
		})
		if err != nil {
			t.Fatal(err)
		}
		w.asStaff("boss", "GET", "/api/v1/kenoma/admin/hosts/B.test", "").want(200, `{"host": "b.test", "software": "mastodon", "version": "4.5.1", "last_delivered_at": null, "failing_since": null, "unreachable": false}`)
		w.asStaff("boss", "GET", "/api/v1/kenoma/admin/hosts/c.test", "").want(200, `{"host": "c.test", "software": null, "version": null}`)
		w.asStaff("boss", "GET", "/api/v1/kenoma/admin/hosts/nowhere.test", "").want(404, `{}`)
		w.as("ann", "GET", "/api/v1/kenoma/admin/hosts/b.test", "").want(403, `{}`)
	})
}
