package mastodon

import (
	"strings"
	"testing"

	"kenoma/internal/store"
)

// Everything of the staff is closed to others, whatever their token says.
func TestAdminIsClosed(t *testing.T) {
	w := onSQLite(t)
	w.staff("mod", "moderator")
	n := 0
	for _, e := range endpoints {
		method, path, _ := strings.Cut(e.pattern, " ")
		if !strings.Contains(path, "/admin/") {
			continue
		}
		n++
		path = strings.NewReplacer("{id}", "1", "{key}", "1").Replace(path)
		w.asStaff("ann", method, path, "").want(403, `{"error": "This action is not allowed"}`)
		w.as("mod", method, path, "").want(403, `{"error": "This action is outside the authorized scopes"}`)
		w.as("", method, path, "").want(401, "")
	}
	if n < 19 {
		t.Errorf("only %d endpoints of the staff", n)
	}
}

func TestAdminAccounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("mod", "moderator")
		w.staff("boss", "owner")
		ann, far := w.id("ann"), itoa(w.stranger("far", "b.test").ID)
		pending, err := w.api.Pipeline.CreateAccount(t.Context(), store.NewAccount{Username: "pat", Email: "pat@mail.test", Password: "-", Confirmed: true, Reason: "to talk", IP: "192.0.2.7"})
		if err != nil {
			t.Fatal(err)
		}
		w.as("mod", "GET", "/api/v1/notifications", "").want(200, `[{"type": "admin.sign_up", "account": {"username": "pat"}}]`)
		for _, tt := range []struct{ query, want string }{
			{"v2/admin/accounts?origin=remote", `[{"username": "far", "domain": "b.test"}]`},
			{"v2/admin/accounts?status=pending", `[{"username": "pat", "approved": false, "invite_request": "to talk", "ip": "192.0.2.7", "email": "pat@mail.test"}]`},
			{"v2/admin/accounts?permissions=staff", `[{"username": "boss"}, {"username": "mod", "role": {"name": "Moderator"}}]`},
			{"v2/admin/accounts?role_ids[]=3", `[{"username": "boss"}]`},
			{"v2/admin/accounts?username=an", `[{"username": "ann"}]`},
			{"v2/admin/accounts?display_name=strang", `[{"username": "far"}]`},
			{"v2/admin/accounts?by_domain=B.test", `[{"username": "far"}]`},
			{"v2/admin/accounts?email=PAT@", `[{"username": "pat"}]`},
			{"v2/admin/accounts?ip=192.0.2.7", `[{"username": "pat"}]`},
			{"v2/admin/accounts?invited_by=5", `[]`},
			{"v1/admin/accounts?local=true&pending=true", `[{"username": "pat"}]`},
			{"v1/admin/accounts?remote=true", `[{"username": "far"}]`},
			{"v1/admin/accounts?staff=true", `[{"username": "boss"}, {"username": "mod"}]`},
			{"v1/admin/accounts?suspended=true", `[]`},
			{"v1/admin/accounts/" + far, `{"username": "far", "confirmed": true, "role": {"id": "-99"}}`},
		} {
			w.asStaff("mod", "GET", "/api/"+tt.query, "").want(200, tt.want)
		}
		res := w.asStaff("mod", "GET", "/api/v2/admin/accounts?limit=2", "").want(200, "")
		if len(res.ids()) != 2 || !strings.Contains(linkTo(res.Header, "next"), "max_id="+res.ids()[1]) {
			t.Errorf("first page %v, next %q", res.ids(), linkTo(res.Header, "next"))
		}
		for _, bad := range []string{"v2/admin/accounts?status=happy", "v2/admin/accounts?origin=mars", "v1/admin/accounts?max_id=x"} {
			w.asStaff("mod", "GET", "/api/"+bad, "").want(400, "")
		}
		w.asStaff("mod", "GET", "/api/v1/admin/accounts/77", "").want(404, "")

		// Who asks to be let in.
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+itoa(pending.ID)+"/approve", "").want(200, `{"approved": true}`)
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+itoa(pending.ID)+"/approve", "").want(403, "")
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+itoa(pending.ID)+"/reject", "").want(403, "")
		second, err := w.api.Pipeline.CreateAccount(t.Context(), store.NewAccount{Username: "quin", Password: "-", Confirmed: true, IP: "192.0.2.8"})
		if err != nil {
			t.Fatal(err)
		}
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+itoa(second.ID)+"/reject", "").want(200, `{"username": "quin"}`)
		w.asStaff("mod", "GET", "/api/v1/admin/accounts/"+itoa(second.ID), "").want(404, "")

		// Nobody moderates who stands as high or higher.
		for _, name := range []string{"boss", "mod"} {
			w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+w.id(name)+"/action", "type=suspend").want(403, `{"error": "This action is not allowed"}`)
		}
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+ann+"/action", "type=hug").want(422, "")
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+ann+"/action", "type=none&report_id=5").want(404, "")
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+ann+"/action", "type=none&warning_preset_id=5").want(404, "")
		w.asStaff("mod", "POST", "/api/v1/admin/accounts/"+far+"/action", "type=disable").want(422, "")
	})
}

// Each decision has its effect wherever somebody looks, and can be taken back.
func TestModeration(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		ann, bob := w.id("ann"), w.id("bob")
		w.follow("cid", "ann")
		post := w.post("ann", "status=hello+%23cats")
		action := func(id, form string) {
			w.asStaff("boss", "POST", "/api/v1/admin/accounts/"+id+"/action", form).want(200, `{}`)
		}
		undo := func(id, what, want string) {
			w.asStaff("boss", "POST", "/api/v1/admin/accounts/"+id+"/"+what, "").want(200, want)
		}
		listed := func(who, path string, n int) {
			t.Helper()
			if got := w.as(who, "GET", path, "").want(200, "").ids(); len(got) != n {
				t.Errorf("%s gets %d of %s, want %d", who, len(got), path, n)
			}
		}

		// Sensitive.
		w.as("bob", "GET", "/api/v1/statuses/"+post, "").want(200, `{"sensitive": false}`)
		action(ann, "type=sensitive")
		w.as("bob", "GET", "/api/v1/statuses/"+post, "").want(200, `{"sensitive": true}`)
		undo(ann, "unsensitive", `{"sensitized": false}`)
		w.as("bob", "GET", "/api/v1/statuses/"+post, "").want(200, `{"sensitive": false}`)

		// Silence: out of public places, but for followers.
		action(ann, "type=silence")
		for _, path := range []string{"/api/v1/timelines/public", "/api/v1/timelines/tag/cats"} {
			listed("", path, 0)
			listed("bob", path, 0)
			listed("cid", path, 1)
			listed("ann", path, 1)
		}
		w.as("bob", "GET", "/api/v1/accounts/"+ann, "").want(200, `{"limited": true}`)
		w.as("bob", "GET", "/api/v2/search?type=accounts&q=an", "").want(200, `{"accounts": []}`)
		w.as("cid", "GET", "/api/v2/search?type=accounts&q=an", "").want(200, `{"accounts": [{"username": "ann"}]}`)
		w.asStaff("boss", "GET", "/api/v2/admin/accounts?status=silenced", "").want(200, `[{"username": "ann", "silenced": true}]`)
		undo(ann, "unsilence", `{"silenced": false}`)
		listed("bob", "/api/v1/timelines/public", 1)

		// Disable: no way in.
		action(bob, "type=disable&text=cool+down")
		w.as("bob", "GET", "/api/v1/timelines/home", "").want(403, `{"error": "Your login is currently disabled"}`)
		undo(bob, "enable", `{"disabled": false}`)
		w.as("bob", "GET", "/api/v1/notifications", "").want(200, `[{"type": "moderation_warning", "moderation_warning": {"action": "disable", "text": "cool down", "appeal": null}}]`)

		// Suspend: nothing is left to see.
		w.asStaff("boss", "DELETE", "/api/v1/admin/accounts/"+ann, "").want(403, "")
		action(ann, "type=suspend&text=bye")
		w.as("bob", "GET", "/api/v1/statuses/"+post, "").want(404, "")
		w.as("", "GET", "/api/v1/statuses/"+post, "").want(404, "")
		w.as("bob", "GET", "/api/v1/accounts/"+ann, "").want(200, `{"suspended": true, "display_name": "ann", "note": ""}`)
		for _, path := range []string{"/api/v1/timelines/public", "/api/v1/timelines/tag/cats", "/api/v1/timelines/home", "/api/v1/accounts/" + ann + "/statuses", "/api/v1/accounts/" + w.id("cid") + "/following"} {
			listed("cid", path, 0)
		}
		w.as("cid", "GET", "/api/v2/search?q=ann", "").want(200, `{"accounts": []}`)
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(401, "")
		w.asStaff("boss", "GET", "/api/v2/admin/accounts?status=suspended", "").want(200, `[{"username": "ann", "suspended": true}]`)
		undo(ann, "unsuspend", `{"suspended": false}`)
		w.asStaff("boss", "POST", "/api/v1/admin/accounts/"+ann+"/unsuspend", "").want(403, "")
		w.as("bob", "GET", "/api/v1/statuses/"+post, "").want(200, "")
		listed("cid", "/api/v1/timelines/home", 1)

		// The data of who is suspended can be deleted.
		action(ann, "type=suspend")
		w.asStaff("boss", "DELETE", "/api/v1/admin/accounts/"+ann, "").want(200, `{"suspended": true}`)
		w.asStaff("boss", "GET", "/api/v1/pleroma/admin/moderation_log?limit=2", "").want(200, `{"items": [{"data": {"action": "destroy", "actor": {"nickname": "boss"}, "subject": {"name": "ann"}}}, {"data": {"action": "suspend"}}]}`)
		w.asStaff("boss", "GET", "/api/v1/pleroma/admin/moderation_log?user_id=x", "").want(404, "")
	})
}

func TestAdminReports(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		boss := itoa(w.staff("boss", "owner").ID)
		bob := w.id("bob")
		rude := w.post("bob", "status=rude&visibility=unlisted")
		id := w.as("ann", "POST", "/api/v1/reports", "account_id="+bob+"&status_ids[]="+rude+"&comment=look&rule_ids[]=1").want(200, "").id()
		other := w.as("cid", "POST", "/api/v1/reports", "account_id="+bob).want(200, `{"category": "other"}`).id()
		ask := func(method, path, form string) *response {
			return w.asStaff("boss", method, "/api/v1/admin/reports"+path, form)
		}
		ask("GET", "", "").want(200, `[{"id": "`+other+`"}, {"id": "`+id+`", "account": {"username": "ann"}, "target_account": {"username": "bob"}, "assigned_account": null,
			"statuses": [{"id": "`+rude+`"}], "rules": [{"id": "1", "text": "Be kind."}], "category": "violation"}]`)
		ask("GET", "?account_id="+w.id("ann"), "").want(200, `[{"id": "`+id+`"}]`)
		ask("GET", "?target_account_id="+w.id("ann"), "").want(200, `[]`)
		ask("GET", "?target_account_id=x", "").want(404, "")
		ask("GET", "?by_target_domain=b.test", "").want(200, `[]`)
		ask("GET", "?resolved=true", "").want(200, `[]`)
		ask("GET", "/"+id, "").want(200, `{"comment": "look"}`)
		ask("GET", "/5", "").want(404, "")
		ask("POST", "/"+id+"/assign_to_self", "").want(200, `{"assigned_account": {"id": "`+boss+`"}}`)
		ask("POST", "/"+id+"/unassign", "").want(200, `{"assigned_account": null}`)
		ask("PUT", "/"+id, "category=spam").want(200, `{"category": "spam", "rules": []}`)
		ask("PUT", "/"+id, "category=taste").want(422, "")
		ask("PUT", "/5", "category=spam").want(404, "")
		ask("POST", "/"+id+"/resolve", "").want(200, `{"action_taken": true, "action_taken_by_account": {"id": "`+boss+`"}}`)
		ask("GET", "?resolved=true", "").want(200, `[{"id": "`+id+`"}]`)
		ask("POST", "/"+id+"/reopen", "").want(200, `{"action_taken": false, "action_taken_by_account": null}`)
		for _, what := range []string{"assign_to_self", "unassign", "resolve", "reopen"} {
			ask("POST", "/5/"+what, "").want(404, "")
		}
		// A decision answers all reports about the account.
		w.asStaff("boss", "POST", "/api/v1/admin/accounts/"+bob+"/action", "type=silence&report_id="+id).want(200, `{}`)
		ask("GET", "", "").want(200, `[]`)
		w.as("bob", "GET", "/api/v1/notifications", "").want(200, `[{"type": "moderation_warning", "moderation_warning": {"action": "silence", "status_ids": ["`+rude+`"]}}]`)
	})
}

func TestAppeals(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		bob := w.id("bob")
		w.asStaff("boss", "POST", "/api/v1/admin/accounts/"+bob+"/action", "type=silence&text=too+loud").want(200, `{}`)
		id := w.as("bob", "GET", "/api/v1/kenoma/warnings", "").want(200, `[{"action": "silence", "text": "too loud", "appeal": null}]`).ids()[0]
		w.as("ann", "GET", "/api/v1/kenoma/warnings", "").want(200, `[]`)
		path := "/api/v1/kenoma/warnings/" + id + "/appeal"
		w.as("ann", "POST", path, "text=please").want(404, "")
		w.as("bob", "POST", path, "").want(422, "")
		w.as("bob", "POST", path, "text=please").want(200, `{"appeal": {"text": "please", "state": "pending"}}`)
		w.as("bob", "POST", path, "text=please").want(422, "")
		w.asStaff("boss", "GET", "/api/v1/kenoma/admin/appeals", "").want(200, `[{"id": "`+id+`", "appeal": {"text": "please"}}]`)
		w.asStaff("boss", "POST", "/api/v1/kenoma/admin/appeals/"+id+"/approve", "").want(200, `{}`)
		w.asStaff("boss", "POST", "/api/v1/kenoma/admin/appeals/"+id+"/reject", "").want(404, "")
		w.as("bob", "GET", "/api/v1/kenoma/warnings", "").want(200, `[{"appeal": {"state": "approved"}}]`)
		w.asStaff("boss", "GET", "/api/v1/admin/accounts/"+bob, "").want(200, `{"silenced": false}`)
	})
}
