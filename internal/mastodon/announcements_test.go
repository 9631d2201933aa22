package mastodon

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"kenoma/internal/mastodon/contract"
	"kenoma/internal/store"
)

func TestAnnouncements(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx, p := t.Context(), w.api.Pipeline
		if err := w.db.Write(ctx, func(tx *store.Tx) error {
			return tx.SetEmoji(ctx, &store.OwnEmoji{Shortcode: "blob", File: "emoji/blob.png", Visible: true})
		}); err != nil {
			t.Fatal(err)
		}
		conn := w.socket("?stream=user&access_token="+w.token("bob", "read"), nil)
		heard := func(want, part string) {
			t.Helper()
			name, payload, _ := event(t, conn)
			if name != want || !strings.Contains(payload, part) {
				t.Errorf("event %s %s, want %s with %s", name, payload, want, part)
			}
			if entity := map[string]string{"announcement": "Announcement", "announcement.reaction": "AnnouncementReactionEvent"}[name]; entity == "Announcement" {
				if err := contract.Check(entity, []byte(payload)); err != nil {
					t.Error(err)
				}
			}
		}
		a := &store.Announcement{Text: "**Party** :blob: #Fun", Starts: 1714521600000, AllDay: true}
		if err := p.Announce(ctx, a); err != nil {
			t.Fatal(err)
		}
		heard("announcement", "<strong>Party</strong>")
		list := w.as("bob", "GET", "/api/v1/announcements", "").want(200, `[{"starts_at": "2024-05-01T00:00:00.000Z", "ends_at": null, "all_day": true, "read": false,
			"emojis": [{"shortcode": "blob", "url": "https://a.test/media/emoji/blob.png"}], "tags": [{"name": "fun"}], "reactions": []}]`)
		w.as("", "GET", "/api/v1/announcements", "").want(401, "")
		path := "/api/v1/announcements/" + list.ids()[0]

		w.as("bob", "PUT", path+"/reactions/"+url.PathEscape("🎉"), "").want(200, `{}`)
		heard("announcement.reaction", `"count":1`)
		w.as("ann", "PUT", path+"/reactions/"+url.PathEscape("🎉"), "").want(200, "")
		heard("announcement.reaction", `"count":2`)
		w.as("ann", "PUT", path+"/reactions/blob", "").want(200, "")
		heard("announcement.reaction", `"url":"https://a.test/media/emoji/blob.png"`)
		w.as("ann", "PUT", path+"/reactions/nothing", "").want(422, "")
		w.as("ann", "PUT", path+"/reactions/ab", "").want(422, "")
		w.as("ann", "PUT", "/api/v1/announcements/5/reactions/blob", "").want(404, "")
		w.as("bob", "GET", "/api/v1/announcements", "").want(200, `[{"reactions": [{"name": "🎉", "count": 2, "me": true}, {"name": "blob", "count": 1, "me": false}]}]`)
		w.as("bob", "DELETE", path+"/reactions/"+url.PathEscape("🎉"), "").want(200, `{}`)
		heard("announcement.reaction", `"count":1`)
		w.as("bob", "DELETE", "/api/v1/announcements/5/reactions/blob", "").want(404, "")
		for i, name := range []string{"😀", "😁", "😂", "😃", "😄", "👍🏽", "🇩🇪"} {
			want := 200
			if i >= 6 {
				want = 422
			}
			w.as("ann", "PUT", path+"/reactions/"+url.PathEscape(name), "").want(want, "")
		}

		w.as("bob", "POST", path+"/dismiss", "").want(200, `{}`)
		w.as("bob", "POST", "/api/v1/announcements/5/dismiss", "").want(404, "")
		w.as("bob", "GET", "/api/v1/announcements", "").want(200, `[]`)
		w.as("bob", "GET", "/api/v1/announcements?with_dismissed=true", "").want(200, `[{"read": true}]`)

		// What is scheduled comes in its time, what is over goes.
		later := &store.Announcement{Text: "Later", Scheduled: p.Now().Add(time.Hour).UnixMilli()}
		over := &store.Announcement{Text: "Over", Starts: 1000, Ends: 2000}
		for _, one := range []*store.Announcement{later, over} {
			if err := p.Announce(ctx, one); err != nil {
				t.Fatal(err)
			}
		}
		w.as("ann", "GET", "/api/v1/announcements", "").want(200, `[{}]`)
		w.as("ann", "POST", "/api/v1/announcements/"+itoa(later.ID)+"/dismiss", "").want(404, "")
		now := p.Now
		p.Now = func() time.Time { return now().Add(2 * time.Hour) }
		job := store.Job{Kind: "announcement", Payload: fmt.Appendf(nil, `{"id": %d}`, later.ID)}
		if err := p.Jobs()["announcement"](ctx, job); err != nil {
			t.Fatal(err)
		}
		w.as("ann", "GET", "/api/v1/announcements", "").want(200, `[{}, {"content": "<p>Later</p>\n"}]`)
		if err := p.RemoveAnnouncement(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		w.as("ann", "GET", "/api/v1/announcements", "").want(200, `[{}]`)
		for _, bad := range []store.Announcement{{}, {Text: "x", Starts: 2, Ends: 1}, {Text: "x", AllDay: true}} {
			if err := p.Announce(ctx, &bad); err == nil {
				t.Errorf("%+v is taken", bad)
			}
		}
	})
}
