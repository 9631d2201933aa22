package mastodon

import (
	"context"
	"testing"

	"kenoma/internal/store"
)

func TestAliases(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("ann")
		w.stranger("old", "b.test")
		w.as("ann", "GET", "/api/pleroma/aliases", "").want(200, `{"aliases": []}`)
		w.as("ann", "PUT", "/api/pleroma/aliases", "alias=old@b.test").want(200, `{"status": "success"}`)
		w.as("ann", "PUT", "/api/pleroma/aliases", "alias=@old@b.test").want(200, `{"status": "success"}`)
		w.as("ann", "GET", "/api/pleroma/aliases", "").want(200, `{"aliases": ["old@b.test"]}`)
		w.as("ann", "GET", "/api/v1/accounts/verify_credentials", "").want(200, `{"pleroma": {"also_known_as": ["https://b.test/users/old"], "allow_following_move": true}}`)
		w.as("ann", "PUT", "/api/pleroma/aliases", "alias=ann").want(422, `{}`)
		w.as("ann", "PUT", "/api/pleroma/aliases", "alias=nobody@c.test").want(422, `{}`)
		w.as("ann", "DELETE", "/api/pleroma/aliases", "alias=bob@a.test").want(422, `{}`)
		w.as("ann", "DELETE", "/api/pleroma/aliases", "alias=old@b.test").want(200, `{"status": "success"}`)
		w.as("ann", "DELETE", "/api/pleroma/aliases", "alias=old@b.test").want(404, `{}`)
		w.as("", "GET", "/api/pleroma/aliases", "").want(401, `{}`)
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "allow_following_move=false").want(200, `{"pleroma": {"allow_following_move": false}}`)
	})
}

func TestMoveAccount(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob, cat := w.person("ann"), w.person("bob"), w.person("cat")
		ctx := context.Background()
		if err := w.api.Auth.SetPassword(ctx, ann.ID, "correct horse"); err != nil {
			t.Fatal(err)
		}
		w.follow("cat", "ann")
		w.as("ann", "POST", "/api/pleroma/move_account", "password=wrong&target_account=bob").want(401, `{}`)
		w.as("ann", "POST", "/api/pleroma/move_account", "password=correct+horse&target_account=bob").want(422, `{}`)
		if err := w.api.Pipeline.AddAlias(ctx, bob, string(ann.URI)); err != nil {
			t.Fatal(err)
		}
		w.as("ann", "POST", "/api/pleroma/move_account", "password=correct+horse&target_account=bob@a.test").want(200, `{"status": "success"}`)
		w.as("bob", "GET", "/api/v1/accounts/"+w.id("ann"), "").want(200, `{"moved": {"acct": "bob"}}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=still+here").want(403, `{}`)
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[]`)
		w.write(func(tx *store.Tx) error {
			return w.api.Pipeline.Tell(ctx, tx, store.Notification{Owner: cat.ID, ID: w.db.IDs.Next(), Kind: store.KindNamed("move"), Actor: ann.ID, Ref: bob.ID})
		})
		w.as("cat", "GET", "/api/v1/notifications?types[]=move", "").want(200, `[{"type": "move", "account": {"acct": "ann"}, "target": {"acct": "bob"}}]`)
	})
}
