package mastodon

import (
	"strings"
	"testing"

	"kenoma/internal/config"
	"kenoma/internal/policy"
)

func TestAdminPolicies(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		c, err := config.Load("", []string{"KENOMA_POLICY_HELLTHREAD_REJECT_THRESHOLD=7"})
		if err != nil {
			t.Fatal(err)
		}
		w.api.Pipeline.Setup.Configure = func(values map[string]string) (*policy.Settings, []policy.Setting, []error) {
			return c.PolicySettings(values)
		}
		ask := func(method, path, form string) *response {
			return w.asStaff("boss", method, "/api/kenoma/v1/admin/"+path, form)
		}
		res := ask("GET", "policies", "").want(200, "")
		for _, want := range []string{`"hellthread.reject_threshold","value":7,"default":"20","from":"environment","locked":true`, `"Keyword"`, `"keyword.reject","value":[]`} {
			if !strings.Contains(string(res.body), want) {
				t.Errorf("the policies lack %s: %s", want, res.body)
			}
		}
		ask("PATCH", "policies", "settings[policies][]=Keyword&settings[keyword.reject][]=casino").want(200, "")
		w.as("ann", "POST", "/api/v1/statuses", "status=my+casino").want(403, `{"error": "This server does not take posts with these words."}`)
		ask("PATCH", "policies", "settings[hellthread.reject_threshold]=5").want(422, "")
		ask("PATCH", "policies", "settings[policies][]=Nonsense").want(422, "")
		ask("PATCH", "policies", "settings[hellthread.delist_threshold]=many").want(422, "")
		ask("PATCH", "policies", "").want(422, "")

		ask("PUT", "policies/scripts/coins", "source=def+check(a,+f):%0A++return+reject('no+coins')").want(200, `{"scripts": [{"name": "coins", "enabled": true}]}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=hello").want(403, `{"error": "no coins"}`)
		ask("PUT", "policies/scripts/coins", "source=def").want(422, "")
		ask("DELETE", "policies/scripts/coins", "").want(200, `{"scripts": []}`)
		ask("DELETE", "policies/scripts/coins", "").want(404, "")
		id := w.as("ann", "POST", "/api/v1/statuses", "status=hello&expires_in=3600").want(200, "").id()
		if res := w.as("ann", "GET", "/api/v1/statuses/"+id, ""); strings.Contains(string(res.body), `"expires_at":null`) {
			t.Errorf("it does not say when it goes: %s", res.body)
		}
		w.as("ann", "POST", "/api/v1/statuses", "status=hello&expires_in=5").want(422, "")

		ask("POST", "policies/rehearse", "settings[keyword.reject][]=hello").want(200, `{"rejected": 1, "rules": {"Keyword": {"rejected": 1}}}`)
		ask("POST", "policies/rehearse", "last=0").want(422, "")
		ask("GET", "inspect?uri=https://a.test/objects/"+id, "").want(200, `{"object": {"type": "Note"}, "activities": [{"type": "Create", "state": "in effect"}]}`)
		ask("GET", "inspect?uri=https://a.test/never", "").want(404, "")

		w.asStaff("boss", "PUT", "/api/v1/pleroma/admin/users/tag", "nicknames[]=ann&tags[]=mrf_tag:force-unlisted").want(204, "")
		w.asStaff("boss", "DELETE", "/api/pleroma/admin/users/tag", "nicknames[]=ann&tags[]=mrf_tag:force-unlisted").want(204, "")
		w.asStaff("boss", "PUT", "/api/v1/pleroma/admin/users/tag", "nicknames[]=nobody&tags[]=x").want(404, "")
	})
}
