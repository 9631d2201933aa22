package mastodon

import (
	"context"
	"strings"
	"testing"

	"kenoma/internal/store"
)

func TestReport(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		boss, err := w.api.Pipeline.CreateAccount(context.Background(), store.NewAccount{Username: "boss", Role: "moderator", Password: "-", Confirmed: true, Approved: true})
		if err != nil {
			t.Fatal(err)
		}
		w.actors["boss"] = boss
		rude, fine := w.post("bob", "status=rude"), w.post("ann", "status=fine")
		secret := w.post("bob", "status=psst&visibility=private")
		bob := w.id("bob")
		id := w.as("ann", "POST", "/api/v1/reports", "account_id="+bob+"&comment=please+look&category=spam&forward=true&status_ids[]="+rude+"&status_ids[]="+fine+"&status_ids[]="+secret).want(200,
			`{"action_taken": false, "category": "spam", "comment": "please look", "forwarded": false, "status_ids": ["`+rude+`"], "target_account": {"username": "bob"}}`).id()
		w.as("ann", "POST", "/api/v1/reports", "account_id="+bob+"&rule_ids[]=1").want(200, `{"category": "violation", "status_ids": [], "rule_ids": ["1"]}`)
		w.as("boss", "GET", "/api/v1/notifications", "").want(200, `[{"type": "admin.report", "account": {"username": "ann"}},
			{"type": "admin.report", "account": {"username": "ann"}, "report": {"id": "`+id+`", "target_account": {"username": "bob"}}}]`)
		w.as("bob", "GET", "/api/v1/notifications", "").want(200, `[]`)
		for _, bad := range []struct {
			name, form string
			status     int
		}{
			{"nobody", "account_id=5", 404}, {"without an account", "comment=x", 404}, {"an unknown category", "account_id=" + bob + "&category=taste", 422},
			{"too long", "account_id=" + bob + "&comment=" + strings.Repeat("x", maxReportComment+1), 422},
		} {
			if res := w.as("ann", "POST", "/api/v1/reports", bad.form); res.StatusCode != bad.status {
				t.Errorf("%s: %d, want %d", bad.name, res.StatusCode, bad.status)
			}
		}
	})
}
