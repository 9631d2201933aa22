package mastodon

import "testing"

func TestScrobbles(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := itoa(w.person("ann").ID)
		list := "/api/v1/pleroma/accounts/" + ann + "/scrobbles"
		w.as("", "GET", list, "").want(200, `[]`)
		w.as("ann", "POST", "/api/v1/pleroma/scrobble", "title=One&artist=A+band&album=First&length=180000&externalLink=https://b.test/1").
			want(200, `{"title": "One", "artist": "A band", "album": "First", "length": 180000, "externalLink": "https://b.test/1", "account": {"acct": "ann"}}`)
		w.as("ann", "POST", "/api/v1/pleroma/scrobble", `{"title": "Two"}`).want(200, `{"title": "Two", "artist": "", "length": 0, "externalLink": null}`)
		w.as("", "GET", list, "").want(200, `[{"title": "Two"}, {"title": "One", "artist": "A band", "album": "First", "length": 180000, "externalLink": "https://b.test/1"}]`)
		w.as("bob", "GET", list+"?limit=1", "").want(200, `[{"title": "Two"}]`)
		w.as("ann", "POST", "/api/v1/pleroma/scrobble", "artist=x").want(422, `{"error": "Validation failed: Title can't be blank"}`)
		w.as("ann", "POST", "/api/v1/pleroma/scrobble", "title=x&externalLink=javascript:1").want(422, `{}`)
		w.as("", "GET", "/api/v1/pleroma/accounts/9/scrobbles", "").want(404, `{}`)
	})
}
