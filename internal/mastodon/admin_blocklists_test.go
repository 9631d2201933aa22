package mastodon

import (
	"net/http"
	"strings"
	"testing"
)

const adminLists = "/api/kenoma/v1/admin/blocklists"

func TestAdminBlocklists(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		ask := func(method, path, form string) *response { return w.asStaff("boss", method, adminLists+path, form) }
		ask("GET", "", "").want(200, `[]`)
		ask("POST", "", "name=one").want(422, `{"error": "Validation failed: Url can't be blank"}`)
		ask("POST", "", "url=nonsense").want(422, "")
		ask("POST", "", "url=https://l.test/x.csv&kind=odd").want(422, "")
		ask("POST", "", "url=https://l.test/x.csv&dry_run=true").want(503, "") // Nothing is fetched in this world.
		id := ask("POST", "", "url=https://l.test/x.csv&name=one&severity_cap=silence&every=7200").want(200, `{"name": "one", "url": "https://l.test/x.csv", "kind": "block", "severity_cap": "silence", "every": 7200, "hosts": 0}`).id()
		ask("POST", "", "url=https://l.test/y.csv&name=one").want(422, "")
		ask("GET", "/"+id, "").want(200, `{"name": "one"}`)
		ask("GET", "/5", "").want(404, "")
		ask("PUT", "/"+id, "kind=allow&severity_cap=").want(200, `{"kind": "allow", "severity_cap": null, "every": 7200}`)
		ask("PUT", "/"+id, "every=1").want(422, "")
		ask("PUT", "/5", "kind=allow").want(404, "")
		ask("POST", "/"+id+"/refresh", "").want(200, `{}`)
		ask("POST", "/5/refresh", "").want(404, "")
		ask("DELETE", "/"+id, "").want(200, `{"id": "`+id+`"}`)
		ask("DELETE", "/"+id, "").want(404, "")

		ask("GET", "/rules", "").want(200, `{"combine": "max", "needs": 1, "cap": "suspend", "except": [], "ask_above": 10}`)
		ask("PUT", "/rules", "combine=min&needs=2&except[]=Fine.test&ask_above=0").want(200, `{"combine": "min", "needs": 2, "except": ["fine.test"], "ask_above": 0}`)
		ask("PUT", "/rules", "combine=avg").want(422, "")
		ask("PUT", "/rules", "needs=x").want(422, "")
		ask("PUT", "/rules", "needs=1").want(200, "")
		res := w.asStaff("boss", "GET", "/api/v1/pleroma/admin/moderation_log", "").want(200, "")
		if !strings.Contains(string(res.body), "blocklist_rules") || !strings.Contains(string(res.body), `"type":"blocklist"`) {
			t.Errorf("the audit log: %s", res.body)
		}
	})
}

func TestAdminBlocklistFiles(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		far := w.stranger("far", "sub.bad.test")
		w.follow("ann", "far@sub.bad.test")
		ask := func(method, path, form string) *response { return w.asStaff("boss", method, adminLists+path, form) }
		ask("POST", "/import", "list=").want(422, "")
		ask("POST", "/import", "list=<html>").want(422, "")
		ask("POST", "/import", "dry_run=true&as=mine&list=bad.test,suspend%0Ab*d.test").want(200,
			`{"hosts": 1, "skipped": [{"line": 2, "text": "b*d.test"}], "changes": [{"domain": "bad.test", "was": null, "now": {"severity": "suspend"}, "lists": ["mine"], "accounts": 1, "held": false}]}`)
		ask("GET", "/plan", "").want(200, `[]`)
		ask("POST", "/import", "as=mine&list=bad.test,suspend").want(200, `{"name": "mine", "url": null, "hosts": 1}`)
		ask("GET", "/plan", "").want(200, `[{"domain": "bad.test"}]`)
		ask("POST", "/apply", "").want(200, `[{"domain": "bad.test", "now": {"severity": "suspend"}}]`)
		ask("GET", "/why?domain=bad.test", "").want(200, `{"decided_by": "lists", "block": {"domain": "bad.test", "private_comment": "Lists: mine"}, "lists": [{"name": "mine", "severity": "suspend"}]}`)
		ask("GET", "/why?domain=other.test", "").want(200, `{"decided_by": "nobody", "block": null, "lists": []}`)
		ask("GET", "/why", "").want(422, "")
		w.as("ann", "GET", "/api/v1/accounts/"+itoa(far.ID), "").want(200, `{"suspended": true}`)

		ask("POST", "/import", "list=%23domain,%23severity,%23public_comment%0Abad.test,silence,loud%0Anew.test,suspend,spam").want(200, `{"added": 1, "changed": 1, "kept": 0, "skipped": 0}`)
		ask("POST", "/import", "list=bad.test,suspend").want(200, `{"added": 0, "changed": 0, "kept": 1}`)
		ask("POST", "/import", "list=bad.test,suspend&overwrite=true").want(200, `{"changed": 1}`)
		ask("GET", "/why?domain=bad.test", "").want(200, `{"decided_by": "staff"}`)
		ask("POST", "/import", "kind=allow&list=good.test").want(200, `{"added": 1}`)
		for path, want := range map[string]string{
			"/export":              "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nbad.test,suspend,false,false,,false\nnew.test,suspend,false,false,spam,false\n",
			"/export?private=true": "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate,#private_comment\nbad.test,suspend,false,false,,false,\nnew.test,suspend,false,false,spam,false,\n",
			"/export?kind=allow":   "#domain\ngood.test\n",
		} {
			if got := w.csv("boss", adminLists+path); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	})
}

// csv gets a file as one of the staff.
func (w *world) csv(who, path string) string {
	w.t.Helper()
	req, err := http.NewRequest("GET", w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token(who, fullScopes+" admin:read admin:write"))
	res, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
		w.t.Errorf("%s is %q", path, got)
	}
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		w.t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	return body
}
