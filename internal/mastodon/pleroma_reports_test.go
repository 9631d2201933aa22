package mastodon

import (
	"strings"
	"testing"

	"kenoma/internal/store"
)

func TestReportNotes(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		w.stranger("far", "b.test")
		file := func(who, about string) string {
			t.Helper()
			rep := &store.Report{Reporter: w.person(who).ID, Target: w.person(about).ID, Category: "other", Comment: "rude"}
			if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertReport(t.Context(), rep) }); err != nil {
				t.Fatal(err)
			}
			return itoa(rep.ID)
		}
		id := file("ann", "bob")
		path := "/api/v1/pleroma/admin/reports/" + id
		ask := func(method, path, form string) *response { return w.asStaff("boss", method, path, form) }
		ask("GET", path, "").want(200, `{"id": "`+id+`", "state": "open", "content": "rude", "account": {"username": "bob"}, "actor": {"username": "ann"}, "assigned_account": null, "notes": []}`)
		ask("GET", "/api/v1/pleroma/admin/reports/5", "").want(404, "")
		ask("POST", path+"/notes", "content=+").want(422, "")
		ask("POST", path+"/notes", "content="+strings.Repeat("x", maxStaffNote+1)).want(422, "")
		ask("POST", "/api/v1/pleroma/admin/reports/5/notes", "content=x").want(404, "")
		if res := ask("POST", path+"/notes", "content=I+look+into+it").want(204, ""); len(res.body) != 0 {
			t.Errorf("a body: %q", res.body)
		}
		ask("POST", "/api/v1/admin/reports/"+id+"/assign_to_self", "").want(200, "")
		ask("GET", path, "").want(200, `{"assigned_account": {"username": "boss"}, "notes": [{"content": "I look into it", "user": {"username": "boss"}}]}`)
		notes, err := w.db.ModerationNotes(t.Context(), "report", []int64{must(parseID(id))})
		if err != nil || len(notes) != 1 {
			t.Fatal(notes, err)
		}
		note := itoa(notes[must(parseID(id))][0].ID)
		ask("DELETE", path+"/notes/5", "").want(404, "")
		ask("DELETE", path+"/notes/"+note, "").want(204, "")
		ask("DELETE", path+"/notes/"+note, "").want(404, "")
		ask("POST", "/api/v1/admin/reports/"+id+"/resolve", "").want(200, "")
		ask("GET", path, "").want(200, `{"state": "resolved", "notes": []}`)

		// Forwarded later on, once, and only what concerns others.
		forward := func(id string) *response {
			return ask("POST", "/api/kenoma/v1/admin/reports/"+id+"/forward", "")
		}
		forward(id).want(422, "")
		forward("5").want(404, "")
		far := file("ann", "far@b.test")
		forward(far).want(200, `{"forwarded": true}`)
		forward(far).want(422, `{"error": "This report was forwarded already."}`)

		// Notes about accounts.
		path = "/api/kenoma/v1/admin/accounts/" + w.id("bob") + "/notes"
		ask("GET", path, "").want(200, `[]`)
		ask("POST", path, "content=").want(422, "")
		one := ask("POST", path, "content=Was+warned+in+May").want(200, `[{"content": "Was warned in May"}]`).ids()[0]
		ask("DELETE", path+"/5", "").want(404, "")
		ask("DELETE", path+"/"+one, "").want(200, `{}`)
		ask("GET", path, "").want(200, `[]`)
		log := ask("GET", "/api/v1/pleroma/admin/moderation_log", "").want(200, "")
		for _, action := range []string{`"note"`, `"remove_note"`, `"forward"`} {
			if !strings.Contains(string(log.body), action) {
				t.Errorf("the audit log lacks %s", action)
			}
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
