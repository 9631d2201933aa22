package mastodon

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
)

// tally counts what is in the log by now.
func (w *world) tally() {
	w.t.Helper()
	ctx := w.t.Context()
	now := w.api.Now().UnixMilli()
	for more := true; more; {
		err := w.db.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.Tally(ctx, now-dayMillis, now+60_000, 2)
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestMeasures(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.staff("boss", "owner")
		far := w.stranger("far", "b.test")
		post := w.post("ann", "status=hello+%23cats")
		w.as("bob", "POST", "/api/v1/statuses/"+post+"/favourite", "").want(200, "")
		w.as("bob", "POST", "/api/v1/accounts/"+itoa(far.ID)+"/follow", "").want(200, "")
		w.arrives("b.test", map[string]any{"id": "https://b.test/accept", "type": "Accept", "actor": string(far.URI), "object": map[string]any{"type": "Follow", "actor": string(w.person("bob").URI), "object": string(far.URI)}})
		w.arrives("b.test", map[string]any{"id": "https://b.test/create", "type": "Create", "actor": string(far.URI), "to": []string{"as:Public"},
			"object": map[string]any{"id": "https://b.test/notes/1", "type": "Note", "attributedTo": string(far.URI), "to": []string{"as:Public"}, "content": "x #cats",
				"tag": []map[string]any{{"type": "Hashtag", "name": "#cats"}}, "attachment": []map[string]any{{"type": "Image", "mediaType": "image/png", "url": "https://b.test/p.png"}}}})
		report := w.as("ann", "POST", "/api/v1/reports", "account_id="+itoa(far.ID)).want(200, "").id()
		w.asStaff("boss", "POST", "/api/v1/admin/reports/"+report+"/resolve", "").want(200, "")
		if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.Seen(ctx, w.person("ann").ID, w.api.Now()) }); err != nil {
			t.Fatal(err)
		}
		w.tally()
		tag, err := w.db.TagNamed(ctx, "cats")
		if err != nil {
			t.Fatal(err)
		}
		today := w.api.Now().UTC().Format(time.DateOnly)
		span := "start_at=" + w.api.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly) + "&end_at=" + today + "T12:00:00Z"
		seen := 0
		for key, m := range measures {
			seen++
			form := span + "&keys[]=" + key
			switch m.param {
			case "id":
				form += "&" + key + "[id]=" + itoa(tag.ID)
			case "domain":
				form += "&" + key + "[domain]=b.test"
			}
			var got []struct {
				Key, Total string
				Data       []struct{ Date, Value string }
			}
			if err := json.Unmarshal(w.asStaff("boss", "POST", "/api/v1/admin/measures", form).want(200, "").body, &got); err != nil || len(got) != 1 {
				t.Fatalf("%s: %v", key, err)
			}
			want := map[string]string{"active_users": "", "new_users": "3", "interactions": "2", "tag_uses": "2", "tag_accounts": "2", "tag_servers": "2", "instance_followers": "0"}
			total, named := want[key]
			if !named {
				total = "1"
			}
			if total != "" && got[0].Total != total { // Who is active depends on which requests were noted by now.
				t.Errorf("%s: total %s, want %s", key, got[0].Total, total)
			}
			if key == "active_users" && got[0].Total == "0" {
				t.Error("nobody was active")
			}
			if len(got[0].Data) != 2 || !strings.HasPrefix(got[0].Data[1].Date, today) || total != "" && got[0].Data[1].Value != total {
				t.Errorf("%s: data %+v", key, got[0].Data)
			}
			if m.param != "" {
				w.asStaff("boss", "POST", "/api/v1/admin/measures", span+"&keys[]="+key).want(400, "")
			}
		}
		if seen != 14 {
			t.Errorf("%d measures, want the 14 documented ones", seen)
		}
		for _, bad := range []string{"", "keys[]=new_users", span, "keys[]=new_users&start_at=x&end_at=" + today, "keys[]=new_users&start_at=2026-01-02&end_at=2025-01-01"} {
			w.asStaff("boss", "POST", "/api/v1/admin/measures", bad).want(400, "")
		}

		for key, d := range dimensions {
			form := span + "&keys[]=" + key
			switch d.param {
			case "id":
				form += "&" + key + "[id]=" + itoa(tag.ID)
			case "domain":
				form += "&" + key + "[domain]=b.test"
			}
			want := map[string]string{
				"servers":           `[{"key": "a.test", "value": "1"}, {"key": "b.test", "value": "1"}]`,
				"tag_servers":       `[{"key": "a.test", "value": "1"}, {"key": "b.test", "value": "1"}]`,
				"sources":           `[{"human_key": "Website", "value": "3"}]`,
				"instance_accounts": `[{"key": "far", "value": "1"}]`,
			}[key]
			if want == "" {
				want = "null"
			}
			res := w.asStaff("boss", "POST", "/api/v1/admin/dimensions", form)
			if want == "null" {
				res.want(200, `[{"key": "`+key+`"}]`)
				if !strings.Contains(string(res.body), `"value":`) {
					t.Errorf("%s has no parts: %s", key, res.body)
				}
				continue
			}
			res.want(200, fmt.Sprintf(`[{"key": %q, "data": %s}]`, key, want))
		}
		if len(dimensions) != 9 {
			t.Errorf("%d dimensions, want the 9 documented ones", len(dimensions))
		}
		w.asStaff("boss", "POST", "/api/v1/admin/dimensions", span).want(400, "")

		w.asStaff("boss", "POST", "/api/v1/admin/retention", span+"&frequency=day").want(200, `[{"frequency": "day", "data": [{"value": "0", "rate": 0}, {"value": "0"}]}, {"data": [{"value": "3", "rate": 1}]}]`)
		w.asStaff("boss", "POST", "/api/v1/admin/retention", span+"&frequency=month").want(200, "")
		w.asStaff("boss", "POST", "/api/v1/admin/retention", span+"&frequency=year").want(400, "")
		w.asStaff("boss", "POST", "/api/v1/admin/retention", "start_at=2026-01-01&end_at=2026-06-01").want(400, "")
	})
}

func TestPeriods(t *testing.T) {
	at := func(s string) int64 {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d.UnixMilli()
	}
	if store.Week(at("2026-11-21")) != at("2026-11-16") || store.Week(at("2026-11-16")+5) != at("2026-11-16") || store.Week(at("2026-11-15")) != at("2026-11-09") {
		t.Error("weeks do not begin on Mondays")
	}
	if store.Month(at("2026-02-28")+7) != at("2026-02-01") || store.Day(at("2026-02-28")+7) != at("2026-02-28") {
		t.Error("months or days begin at other times")
	}
	if got := periods(when{at("2026-01-15"), at("2026-03-02")}, true); len(got) != 4 || got[3] != at("2026-04-01") {
		t.Errorf("months: %v", got)
	}
}
