package mastodon

import (
	"strings"
	"testing"

	"kenoma/internal/remote"
)

// Relays are subscribed to, listed and left; only by those who may, and each time the
// audit log knows.
func TestRelays(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.api.Pipeline.Remote = remote.New(remote.Options{})
		w.staff("boss", "owner")
		w.staff("mod", "moderator")
		const path = "/api/v1/pleroma/admin/relay"
		inbox := "relay_url=https%3A%2F%2Frelay.test%2Finbox"
		w.asStaff("boss", "GET", path, "").want(200, `{"relays": []}`)
		w.asStaff("mod", "GET", path, "").want(403, "")
		w.asStaff("boss", "POST", path, inbox).want(200, `{"actor": "https://relay.test/inbox", "followed_back": false}`)
		w.asStaff("boss", "POST", path, inbox).want(200, "") // Asked again.
		w.asStaff("boss", "POST", path, "relay_url=relay").want(422, "")
		w.asStaff("boss", "POST", path, "relay_url=https%3A%2F%2Fa.test%2Frelay").want(422, "")
		w.asStaff("mod", "POST", path, inbox).want(403, "")
		w.asStaff("boss", "GET", path, "").want(200, `{"relays": [{"actor": "https://relay.test/inbox"}]}`)
		w.asStaff("boss", "DELETE", path, "relay_url=https%3A%2F%2Fother.test%2Finbox").want(404, "")
		if res := w.asStaff("boss", "DELETE", path, inbox).want(200, ""); strings.TrimSpace(string(res.body)) != `"https://relay.test/inbox"` {
			t.Errorf("left: %s", res.body)
		}
		w.asStaff("boss", "GET", path, "").want(200, `{"relays": []}`)
		w.asStaff("boss", "GET", "/api/v1/pleroma/admin/moderation_log", "").want(200,
			`{"items": [{"data": {"action": "destroy", "subject": {"type": "relay"}}}, {"data": {"action": "create"}}, {"data": {"action": "create"}}]}`)
	})
}
