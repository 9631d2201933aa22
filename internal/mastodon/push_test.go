package mastodon

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"kenoma/internal/push"
	"kenoma/internal/remote"
	"kenoma/internal/store"
)

// sender sends nothing: what is sent is tested with whole servers, in fedtest.
func sender(t *testing.T) *push.Sender {
	t.Helper()
	keys, err := push.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &push.Sender{Keys: keys, Remote: remote.New(remote.Options{}), Subject: "mailto:admin@a.test", Now: time.Now}
}

const (
	appKey  = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	appAuth = "BTBZMqHH6r4Tts7J_aSIgg"
)

// subscribe is the form of a subscription, with more parameters.
func subscribe(more ...string) string {
	form := url.Values{"subscription[endpoint]": {"https://push.test/abc"}, "subscription[keys][p256dh]": {appKey}, "subscription[keys][auth]": {appAuth}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form.Encode()
}

func TestPushSubscription(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		key := w.api.Push.Keys.Public()
		w.as("", "GET", "/api/v2/instance", "").want(200, `{"configuration": {"vapid": {"public_key": "`+key+`"}}}`)
		w.as("ann", "GET", "/api/v1/push/subscription", "").want(404, `{"error": "Record not found"}`)
		w.as("ann", "PUT", "/api/v1/push/subscription", "data[alerts][mention]=true").want(404, `{}`)
		w.send(w.token("ann", "read write follow"), "POST", "/api/v1/push/subscription", subscribe(), nil).want(403, `{}`)
		w.as("", "POST", "/api/v1/push/subscription", subscribe()).want(401, `{}`)
		w.as("ann", "POST", "/api/v1/push/subscription", subscribe("data[alerts][mention]", "true", "data[alerts][admin.sign_up]", "1", "data[policy]", "followed")).want(200,
			`{"endpoint": "https://push.test/abc", "standard": false, "server_key": "`+key+`", "alerts": {"mention": true, "admin.sign_up": true, "follow": false, "quote": false}}`)
		w.as("ann", "PUT", "/api/v1/push/subscription", "data[alerts][follow]=true&policy=all").want(200,
			`{"endpoint": "https://push.test/abc", "alerts": {"mention": false, "follow": true}}`)
		w.as("ann", "PUT", "/api/v1/push/subscription", "data[policy]=friends").want(422, `{}`)
		w.as("ann", "GET", "/api/v1/push/subscription", "").want(200, `{"alerts": {"follow": true}}`)
		// Another one with the same token takes its place; the other token has none.
		w.as("ann", "POST", "/api/v1/push/subscription", `{"subscription": {"endpoint": "https://push.test/new", "standard": true, "keys": {"p256dh": "`+appKey+`", "auth": "`+appAuth+`"}}, "data": {"alerts": {"poll": true}}}`).want(200,
			`{"endpoint": "https://push.test/new", "standard": true, "alerts": {"poll": true, "follow": false}}`)
		w.send(w.token("ann", "push"), "GET", "/api/v1/push/subscription", "", nil).want(404, `{}`)
		w.as("ann", "DELETE", "/api/v1/push/subscription", "").want(200, `{}`)
		w.as("ann", "DELETE", "/api/v1/push/subscription", "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/push/subscription", "").want(404, `{}`)
		w.send(w.token("ann", "read"), "DELETE", "/api/v1/push/subscription", "", nil).want(403, `{}`)
		for _, bad := range []string{subscribe("subscription[endpoint]", ""), subscribe("subscription[endpoint]", "push"), subscribe("subscription[keys][p256dh]", "AAAA"),
			subscribe("subscription[keys][auth]", "x"), subscribe("data[policy]", "friends")} {
			w.as("ann", "POST", "/api/v1/push/subscription", bad).want(422, `{}`)
		}
	})
}

// waiting returns the kinds of the notifications for which a message waits, oldest first.
func (w *world) waiting() []string {
	w.t.Helper()
	var kinds []string
	rows, err := store.Raw(w.db).QueryContext(w.t.Context(), "SELECT payload FROM jobs WHERE kind = 'push' ORDER BY id")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var p store.PushJob
		if err := rows.Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			w.t.Fatal(err)
		}
		n, err := w.db.Notification(w.t.Context(), p.Owner, p.Notification)
		if err != nil {
			w.t.Fatal(err)
		}
		kinds = append(kinds, store.KindName(n.Kind))
	}
	return kinds
}

// A job is left with the notification, for what the app asked for.
func TestPushJobs(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		post := w.post("ann", "status=hello")
		for _, tt := range []struct{ policy, want string }{
			{"none", ""}, {"followed", ""}, {"follower", ""}, {"all", "favourite"},
		} {
			w.as("ann", "POST", "/api/v1/push/subscription", subscribe("data[alerts][favourite]", "true", "data[alerts][mention]", "true", "data[policy]", tt.policy)).want(200, "")
			who := "by-" + tt.policy
			w.as(who, "POST", "/api/v1/statuses/"+post+"/favourite", "").want(200, "")
			w.as(who, "POST", "/api/v1/statuses/"+post+"/reblog", "").want(200, "") // Not asked for.
			if got := strings.Join(w.waiting(), " "); got != tt.want {
				t.Errorf("with policy %s: messages about %q, want %q", tt.policy, got, tt.want)
			}
		}
		w.follow("ann", "bob")
		w.follow("cid", "ann")
		w.as("ann", "PUT", "/api/v1/push/subscription", "data[policy]=followed").want(200, "")
		w.post("bob", "status=@ann+hi")
		w.post("cid", "status=@ann+hi")
		w.as("ann", "PUT", "/api/v1/push/subscription", "data[policy]=follower").want(200, "")
		w.post("cid", "status=@ann+hi")
		w.post("bob", "status=@ann+hi")
		if got := strings.Join(w.waiting(), " "); got != "favourite mention mention" {
			t.Errorf("messages about %q", got)
		}
	})
}
