package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"kenoma/internal/store"
)

// in is a moment from now on as apps send it.
func (w *world) in(d time.Duration) string { return w.api.Now().Add(d).UTC().Format(time.RFC3339) }

// publish runs the job of a scheduled post, as the queue does when it is due.
func (w *world) publish(id string) {
	w.t.Helper()
	if err := w.api.publishScheduled(w.t.Context(), store.Job{Kind: store.ScheduledJob, Payload: json.RawMessage(id)}); err != nil {
		w.t.Fatal(err)
	}
}

func TestScheduledStatuses(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		parent, file := w.post("bob", "status=Parent"), w.upload("ann", "A picture")
		header := http.Header{"Idempotency-Key": {"k"}}
		body := fmt.Sprintf(`{"status": "Later", "spoiler_text": "careful", "language": "de", "visibility": "unlisted", "in_reply_to_id": %q, "media_ids": [%q], "scheduled_at": %q}`, parent, file, w.in(time.Hour))
		token := w.token("ann", fullScopes)
		id := w.send(token, "POST", "/api/v1/statuses", body, header).want(200, `{"params": {"text": "Later", "spoiler_text": "careful", "language": "de", "visibility": "unlisted", "media_ids": ["`+file+`"],
			"in_reply_to_id": `+parent+`, "poll": null, "scheduled_at": null}, "media_attachments": [{"id": "`+file+`"}]}`).id()
		w.send(token, "POST", "/api/v1/statuses", body, header).want(200, `{"id": "`+id+`", "params": {"text": "Later"}}`) // The app didn't hear the answer.
		at := "/api/v1/scheduled_statuses/" + id
		w.as("ann", "GET", at, "").want(200, `{"id": "`+id+`"}`)
		w.as("bob", "GET", at, "").want(404, "")
		w.as("bob", "PUT", at, "scheduled_at="+w.in(time.Hour)).want(404, "")
		w.as("bob", "DELETE", at, "").want(404, "")
		w.as("ann", "GET", "/api/v1/scheduled_statuses", "").want(200, `[{"id": "`+id+`"}]`)
		w.as("", "GET", "/api/v1/scheduled_statuses", "").want(401, "")
		w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+file).want(422, "") // It is kept for that one.
		w.as("ann", "PUT", at, "scheduled_at="+w.in(time.Minute)).want(422, "")
		w.as("ann", "PUT", at, "scheduled_at="+w.in(2*time.Hour)).want(200, `{"id": "`+id+`"}`)

		w.publish(id) // Too early: it was put off.
		w.as("ann", "GET", at, "").want(200, "")
		w.api.Now = func() time.Time { return time.Now().Add(3 * time.Hour) }
		w.publish(id)
		w.publish(id)
		w.as("ann", "GET", at, "").want(404, "")
		w.as("bob", "GET", "/api/v1/accounts/"+itoa(w.person("ann").ID)+"/statuses", "").want(200, `[{"content": "<p>Later</p>", "spoiler_text": "careful", "language": "de", "visibility": "unlisted",
			"in_reply_to_id": "`+parent+`", "media_attachments": [{"id": "`+file+`"}]}]`)
	})
}

func TestScheduledLimits(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.api.Settings.Scheduled, w.api.Settings.ScheduledDaily = 3, 2
		now := time.Now().UTC().Truncate(24 * time.Hour).Add(time.Hour)
		w.api.Now = func() time.Time { return now }
		for _, tt := range []struct {
			in     time.Duration
			status int
		}{{time.Minute, 422}, {time.Hour, 200}, {2 * time.Hour, 200}, {3 * time.Hour, 422}, {30 * time.Hour, 200}, {60 * time.Hour, 422}} {
			w.as("ann", "POST", "/api/v1/statuses", "status=a&scheduled_at="+w.in(tt.in)).want(tt.status, "")
		}
		w.as("ann", "POST", "/api/v1/statuses", "status=a&scheduled_at=tomorrow").want(422, "")
		w.as("ann", "POST", "/api/v1/statuses", "scheduled_at="+w.in(time.Hour)).want(422, `{"error": "Validation failed: Text can't be blank"}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=a&scheduled_at="+w.in(-time.Hour)).want(200, `{"content": "<p>a</p>"}`)
		list := w.as("ann", "GET", "/api/v1/scheduled_statuses?limit=2", "").want(200, "")
		if ids := list.ids(); len(ids) != 2 || list.Header.Get("Link") == "" {
			t.Errorf("a page of %v with Link %q", ids, list.Header.Get("Link"))
		}
	})
}

// TestCalledOff frees the files of a post that is not to be.
func TestCalledOff(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		file := w.upload("ann", "A picture")
		id := w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+file+"&scheduled_at="+w.in(time.Hour)).want(200, "").id()
		w.as("ann", "DELETE", "/api/v1/scheduled_statuses/"+id, "").want(200, `{}`)
		w.as("ann", "DELETE", "/api/v1/scheduled_statuses/"+id, "").want(404, "")
		w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+file).want(200, "")
		w.publish(id)
	})
}

// TestScheduledWithoutItsParent publishes what was to answer a post that is gone.
func TestScheduledWithoutItsParent(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		gone := w.post("bob", "status=Gone")
		id := w.as("ann", "POST", "/api/v1/statuses", "status=Orphan&in_reply_to_id="+gone+"&quoted_status_id="+gone+"&poll[options][]=x&poll[options][]=y&poll[expires_in]=600&scheduled_at="+w.in(time.Hour)).want(200,
			`{"params": {"poll": {"options": ["x", "y"], "expires_in": 600, "multiple": false}}}`).id()
		w.as("bob", "DELETE", "/api/v1/statuses/"+gone, "").want(200, "")
		w.api.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		w.publish(id)
		w.as("ann", "GET", "/api/v1/accounts/"+itoa(w.person("ann").ID)+"/statuses", "").want(200, `[{"content": "<p>Orphan</p>", "in_reply_to_id": null, "quote": null, "poll": {"options": [{"title": "x"}, {"title": "y"}]}}]`)
	})
}
