package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
)

// change writes something about the site, which is seen at once.
func (w *world) change(write func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.db.Write(ctx, func(tx *store.Tx) error { return write(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
	w.api.siteNow.now.Store(nil)
	w.api.dashboard.made = nil
}

func TestSite(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.api.Settings.Editable = []string{"instance.description", "instance.extended_description", "instance.privacy_policy", "instance.contact_account", "instance.registrations_message"}
		get := func(path string, status int, want string) {
			t.Helper()
			w.as("", "GET", "/api/"+path, "").want(status, want)
		}
		get("v2/instance", 200, `{"title": "A test", "contact": {"email": "admin@a.test", "account": null}, "registrations": {"message": null}, "configuration": {"urls": {"terms_of_service": null}, "limited_federation": false}}`)
		get("v1/instance/rules", 200, `[{"id": "1", "text": "Be kind.", "hint": "", "translations": {}}]`)
		get("v1/instance/extended_description", 200, `{"content": "<p>Where tests live.</p>"}`)
		get("v1/instance/terms_of_service", 404, `{}`)
		w.person("ann")
		rule := &store.Rule{Text: "No spam", Hint: "At all.", Translations: map[string]store.RuleText{"de": {Text: "Kein Spam", Hint: "Gar keiner."}}}
		w.change(func(ctx context.Context, tx *store.Tx) error {
			for key, value := range map[string]string{"instance.title": "not editable", "instance.description": "New here", "instance.extended_description": "It is **good**.",
				"instance.privacy_policy": "# Ours", "instance.contact_account": "@ann", "instance.registrations_message": "Later"} {
				if err := tx.SetSiteText(ctx, key, &value); err != nil {
					return err
				}
			}
			for _, day := range []string{"2020-01-01", "2021-01-01", "2999-12-31"} {
				if err := tx.SetTerms(ctx, store.Terms{Effective: day, Content: "Terms of " + day}); err != nil {
					return err
				}
			}
			return tx.SetRule(ctx, rule)
		})
		want := `"title": "A test", "description": "New here"`
		get("v2/instance", 200, `{`+want+`, "contact": {"account": {"username": "ann"}}, "registrations": {"message": "Later"}, "rules": [{"id": "1"}, {"id": "`+itoa(rule.ID)+`", "hint": "At all.", "translations": {"de": {"text": "Kein Spam"}}}]}`)
		get("v1/instance", 200, `{`+want+`, "contact_account": {"username": "ann"}}`)
		get("v2/instance", 200, `{"configuration": {"urls": {"terms_of_service": "https://a.test/terms-of-service", "privacy_policy": "https://a.test/privacy-policy"}}}`)
		get("v1/instance/extended_description", 200, `{"content": "<p>It is <strong>good</strong>.</p>"}`)
		get("v1/instance/privacy_policy", 200, `{"content": "<h1>Ours</h1>"}`)
		get("v1/instance/terms_of_service", 200, `{"effective_date": "2021-01-01", "effective": true, "content": "<p>Terms of 2021-01-01</p>", "succeeded_by": "2999-12-31"}`)
		get("v1/instance/terms_of_service/2020-01-01", 200, `{"effective": true, "succeeded_by": "2021-01-01"}`)
		get("v1/instance/terms_of_service/2999-12-31", 200, `{"effective": false, "succeeded_by": null}`)
		get("v1/instance/terms_of_service/2020-01-02", 404, `{}`)
		w.change(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SetSiteText(ctx, "instance.description", nil); err != nil {
				return err
			}
			return tx.RemoveRule(ctx, rule.ID)
		})
		get("v2/instance", 200, `{"description": "Where tests live.", "rules": [{"id": "1"}]}`)
	})
}

func TestPeersAndActivity(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		w.stranger("far", "b.test")
		w.stranger("bad", "c.test")
		w.as("", "GET", "/api/v1/instance/peers", "").want(200, `["b.test", "c.test"]`)
		w.asStaff("boss", "POST", "/api/v1/admin/domain_blocks", "domain=c.test&severity=suspend").want(200, "")
		w.post("ann", "status=hello")
		w.tally()
		w.change(func(ctx context.Context, tx *store.Tx) error { return tx.Seen(ctx, w.person("ann").ID, w.api.Now()) })
		w.as("", "GET", "/api/v1/instance/peers", "").want(200, `["b.test"]`)
		var weeks []struct{ Week, Statuses, Logins, Registrations string }
		if err := json.Unmarshal(w.as("", "GET", "/api/v1/instance/activity", "").want(200, "").body, &weeks); err != nil || len(weeks) != 12 {
			t.Fatalf("weeks: %v, %v", weeks, err)
		}
		if first := weeks[0]; first.Statuses != "1" || first.Logins == "0" || first.Registrations != "2" || first.Week != itoa(store.Week(time.Now().UnixMilli())/1000) {
			t.Errorf("this week: %+v", first)
		}
		if last := weeks[11]; last.Statuses != "0" || last.Week != itoa(store.Week(time.Now().AddDate(0, 0, -77).UnixMilli())/1000) {
			t.Errorf("eleven weeks ago: %+v", last)
		}
		w.api.Settings.HidePeers, w.api.Settings.HideActivity = true, true
		w.as("", "GET", "/api/v1/instance/peers", "").want(404, "")
		w.as("", "GET", "/api/v1/instance/activity", "").want(404, "")
	})
}

func TestSiteText(t *testing.T) {
	w := onSQLite(t)
	w.change(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetTerms(ctx, store.Terms{Effective: "2021-01-01", Content: "Be *good*"})
	})
	for _, tt := range []struct{ name, title, part string }{
		{"about", "A test", "<li>Be kind.</li>"}, {"about", "A test", "mailto:admin@a.test"}, {"privacy-policy", "Privacy policy", "hash of the password"},
		{"terms-of-service", "Terms of service from 2021-01-01", "<em>good</em>"}, {"terms-of-service/2021-01-01", "Terms of service from 2021-01-01", "good"},
	} {
		title, text, err := w.api.Text(t.Context(), tt.name)
		if err != nil || title != tt.title || !strings.Contains(text, tt.part) {
			t.Errorf("%s: %q %q, %v", tt.name, title, text, err)
		}
	}
	for _, name := range []string{"terms-of-service/2022-01-01", "nothing"} {
		if _, _, err := w.api.Text(t.Context(), name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if got, err := w.api.RuleTexts(t.Context()); err != nil || len(got) != 1 || got[0] != "Be kind." {
		t.Errorf("rules: %v, %v", got, err)
	}
}
