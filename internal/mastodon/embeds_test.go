package mastodon

import (
	"testing"

	"kenoma/internal/media"
)

func TestOEmbed(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=Embed+me")
		hidden := w.post("ann", "status=Not+me&visibility=private")
		for _, at := range []string{"https://a.test/@ann/", "https://a.test/objects/"} {
			w.as("", "GET", "/api/oembed?url="+at+id, "").want(200, `{"type": "rich", "author_name": "ann", "author_url": "https://a.test/@ann", "width": 400, "height": null}`)
			w.as("", "GET", "/api/oembed?url="+at+hidden, "").want(404, "")
		}
		w.as("", "GET", "/api/oembed?maxwidth=200&url=https://a.test/@ann/"+id, "").want(200, `{"width": 200}`)
		w.as("", "GET", "/api/oembed?maxwidth=wide&url=https://a.test/@ann/"+id, "").want(400, "")
		w.as("", "GET", "/api/oembed?url=https://b.test/@ann/"+id, "").want(404, "")
		w.as("", "GET", "/api/oembed", "").want(404, "")
	})
}

func TestAnnualReports(t *testing.T) {
	w := onSQLite(t)
	w.as("ann", "GET", "/api/v1/annual_reports", "").want(200, `{"annual_reports": []}`)
	w.as("", "GET", "/api/v1/annual_reports", "").want(401, "")
	w.as("ann", "GET", "/api/v1/annual_reports/2025", "").want(404, "")
	w.as("ann", "GET", "/api/v1/annual_reports/2025/state", "").want(200, `{"state": "ineligible"}`)
	w.as("ann", "GET", "/api/v1/annual_reports/last/state", "").want(404, "")
	w.as("ann", "POST", "/api/v1/annual_reports/2025/generate", "").want(200, `{}`)
	w.as("ann", "POST", "/api/v1/annual_reports/last/generate", "").want(404, "")
	w.as("ann", "POST", "/api/v1/annual_reports/2025/read", "").want(404, "")
}

func TestAsyncRefreshes(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=Hi")
		w.as("ann", "GET", "/api/v1_alpha/async_refreshes/context-"+id, "").want(200, `{"async_refresh": {"id": "context-`+id+`", "status": "finished", "result_count": null}}`)
		w.as("ann", "GET", "/api/v1_alpha/async_refreshes/context-5", "").want(404, "")
		w.as("ann", "GET", "/api/v1_alpha/async_refreshes/other", "").want(404, "")
		w.as("", "GET", "/api/v1_alpha/async_refreshes/context-"+id, "").want(401, "")
		if got := w.as("ann", "GET", "/api/v1/statuses/"+id+"/context", "").Header.Get("Mastodon-Async-Refresh"); got != "" {
			t.Errorf("a post of ours is refreshed: %s", got)
		}
	})
}

func TestDeleteWithMedia(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.api.Uploads = &media.Uploads{DB: w.db, Storage: media.Disk(t.TempDir()), Log: w.api.Log}
		for _, tt := range []struct {
			query string
			again int
		}{{"", 200}, {"?delete_media=false", 200}, {"?delete_media=true", 422}} {
			file := w.upload("ann", "A picture")
			id := w.post("ann", "media_ids[]="+file)
			w.as("ann", "DELETE", "/api/v1/statuses/"+id+tt.query, "").want(200, "")
			w.as("ann", "POST", "/api/v1/statuses", "media_ids[]="+file).want(tt.again, "")
		}
	})
}
