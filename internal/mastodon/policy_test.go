package mastodon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/stream"
)

func TestNotificationPolicy(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		const v1, v2 = "/api/v1/notifications/policy", "/api/v2/notifications/policy"
		w.as("ann", "GET", v2, "").want(200, `{"for_not_following": "accept", "for_not_followers": "accept", "for_new_accounts": "accept", "for_private_mentions": "filter",
			"for_limited_accounts": "filter", "summary": {"pending_requests_count": 0, "pending_notifications_count": 0}}`)
		w.as("ann", "PATCH", v2, "for_not_following=drop&for_private_mentions=accept").want(200, `{"for_not_following": "drop", "for_private_mentions": "accept", "for_limited_accounts": "filter"}`)
		w.as("ann", "GET", v1, "").want(200, `{"filter_not_following": true, "filter_private_mentions": false, "filter_new_accounts": false}`)
		w.as("ann", "PUT", v1, "filter_new_accounts=true&filter_not_following=true").want(200, `{"filter_not_following": true, "filter_new_accounts": true}`)
		w.as("ann", "PUT", v2, `{"for_not_followers": "filter"}`).want(200, `{"for_not_following": "drop", "for_new_accounts": "filter", "for_not_followers": "filter"}`)
		w.as("ann", "PATCH", v1, "filter_not_following=false").want(200, `{"filter_not_following": false}`)
		w.as("bob", "GET", v2, "").want(200, `{"for_new_accounts": "accept"}`)
		w.as("ann", "PATCH", v2, "for_not_following=perhaps").want(422, `{}`)
		w.as("", "GET", v2, "").want(401, `{}`)
		w.as("", "GET", v1, "").want(401, `{}`)
		w.send(w.token("ann", "read"), "PATCH", v1, "filter_not_following=true", nil).want(403, `{}`)
		w.send(w.token("ann", "read"), "PUT", v2, "for_not_following=drop", nil).want(403, `{}`)
	})
}

// requests returns the request of each account that waits, "" when none does.
func (w *world) requests(who string) map[string]string {
	w.t.Helper()
	var list []struct {
		ID      string
		Account struct{ Username string }
	}
	if err := json.Unmarshal(w.as(who, "GET", "/api/v1/notifications/requests", "").want(200, "").body, &list); err != nil {
		w.t.Fatal(err)
	}
	ids := map[string]string{}
	for _, one := range list {
		ids[one.Account.Username] = one.ID
	}
	return ids
}

func TestNotificationRequests(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		const base = "/api/v1/notifications/requests"
		events := w.api.Hub.Subscribe(t.Context(), stream.User(w.person("ann").ID))
		own := w.post("ann", "status=hello")
		w.as("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=filter").want(200, "")
		w.as("bob", "POST", "/api/v1/statuses/"+own+"/favourite", "").want(200, "")
		last := w.post("bob", "status=@ann+hi")
		w.post("cid", "status=@ann+hi")
		w.post("dan", "status=@ann+hi")
		w.follow("ann", "eve")
		w.post("eve", "status=@ann+hi")
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"account": {"username": "eve"}}]`)
		if got := w.as("ann", "GET", "/api/v2/notifications", "").groups().line(); got != "mention×1" {
			t.Errorf("groups: %s", got)
		}
		w.as("ann", "GET", "/api/v1/notifications/unread_count", "").want(200, `{"count": 1}`)
		w.as("ann", "GET", "/api/v1/notifications?include_filtered=true&types[]=favourite", "").want(200, `[{"account": {"username": "bob"}}]`)
		w.as("ann", "GET", "/api/v1/notifications?account_id="+w.id("bob"), "").want(200, `[{"type": "mention"}, {"type": "favourite"}]`)
		if got := w.as("ann", "GET", "/api/v2/notifications?include_filtered=true", "").groups().line(); got != "mention×1 mention×1 mention×1 mention×1 favourite×1" {
			t.Errorf("groups with what is filtered: %s", got)
		}
		w.as("ann", "GET", "/api/v2/notifications/policy", "").want(200, `{"summary": {"pending_requests_count": 3, "pending_notifications_count": 4}}`)
		w.as("ann", "GET", base+"?limit=2", "").want(200, `[{"account": {"username": "dan"}}, {"account": {"username": "cid"}}]`)
		ids := w.requests("ann")
		w.as("ann", "GET", base+"?max_id="+ids["cid"], "").want(200, `[{"id": "`+ids["bob"]+`", "notifications_count": "2", "last_status": {"id": "`+last+`"}}]`)
		w.as("ann", "GET", base+"/"+ids["bob"], "").want(200, `{"account": {"username": "bob"}}`)
		w.as("bob", "GET", base+"/"+ids["bob"], "").want(404, `{}`)
		w.as("ann", "GET", base+"/nonsense", "").want(404, `{}`)
		w.as("", "GET", base, "").want(401, `{}`)
		w.as("bob", "POST", base+"/"+ids["bob"]+"/accept", "").want(404, `{}`)
		w.as("bob", "POST", base+"/"+ids["bob"]+"/dismiss", "").want(404, `{}`)
		w.as("ann", "POST", base+"/accept", "").want(400, `{}`)
		w.as("ann", "POST", base+"/dismiss", "").want(400, `{}`)

		w.as("ann", "POST", base+"/"+ids["bob"]+"/accept", "").want(200, `{}`)
		for {
			if e := <-events.Events; e.Kind == "notifications_merged" {
				break
			}
		}
		w.as("ann", "GET", base+"/merged", "").want(200, `{"merged": true}`)
		w.as("", "GET", base+"/merged", "").want(401, `{}`)
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"account": {"username": "eve"}}, {"account": {"username": "bob"}}, {"account": {"username": "bob"}}]`)
		w.post("bob", "status=@ann+again")
		w.as("ann", "GET", "/api/v1/notifications?limit=1", "").want(200, `[{"account": {"username": "bob"}}]`)
		w.as("ann", "POST", base+"/"+ids["cid"]+"/dismiss", "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/notifications?account_id="+w.id("cid"), "").want(200, `[]`)
		w.post("cid", "status=@ann+and+again")
		if got := w.requests("ann"); len(got) != 2 || got["cid"] == ids["cid"] {
			t.Errorf("requests: %v, want a new one of Cid", got)
		}
		ids = w.requests("ann")
		w.as("ann", "POST", base+"/accept", "id[]="+ids["cid"]+"&id[]=77").want(200, `{}`)
		w.as("ann", "POST", base+"/dismiss", "id[]="+ids["dan"]).want(200, `{}`)
		w.as("ann", "GET", base, "").want(200, `[]`)
		w.as("ann", "GET", "/api/v2/notifications/policy", "").want(200, `{"summary": {"pending_requests_count": 0, "pending_notifications_count": 0}}`)

		w.as("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=drop").want(200, "")
		w.post("fay", "status=@ann+hi")
		w.as("ann", "GET", "/api/v1/notifications?include_filtered=true&types[]=mention", "").want(200,
			`[{"account": {"username": "cid"}}, {"account": {"username": "bob"}}, {"account": {"username": "eve"}}, {"account": {"username": "bob"}}]`)
	})
}

// What is withheld and taken back counts no more.
func TestWithheldAndUndone(t *testing.T) {
	w := onSQLite(t)
	own := w.post("ann", "status=hello")
	w.as("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=filter").want(200, "")
	w.as("bob", "POST", "/api/v1/statuses/"+own+"/favourite", "").want(200, "")
	mention := w.post("cid", "status=@ann+hi")
	if got := w.requests("ann"); len(got) != 2 {
		t.Fatalf("requests: %v", got)
	}
	w.as("bob", "POST", "/api/v1/statuses/"+own+"/unfavourite", "").want(200, "")
	w.as("cid", "DELETE", "/api/v1/statuses/"+mention, "").want(200, "")
	if got := w.requests("ann"); len(got) != 0 {
		t.Errorf("requests: %v, want none", got)
	}
	w.as("ann", "GET", "/api/v2/notifications/policy", "").want(200, `{"summary": {"pending_requests_count": 0, "pending_notifications_count": 0}}`)
}

// Clearing away clears what is withheld too, and dismissing one dismisses it.
func TestWithheldAndCleared(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.as("ann", "PATCH", "/api/v2/notifications/policy", "for_not_following=filter").want(200, "")
		w.post("bob", "status=@ann+hi")
		w.post("cid", "status=@ann+hi")
		ids := w.as("ann", "GET", "/api/v1/notifications?include_filtered=true", "").ids()
		w.as("ann", "POST", "/api/v1/notifications/"+ids[0]+"/dismiss", "").want(200, `{}`)
		if got := w.requests("ann"); len(got) != 1 || got["bob"] == "" {
			t.Errorf("requests: %v, want Bob's", got)
		}
		w.as("ann", "POST", "/api/v1/notifications/clear", "").want(200, `{}`)
		if got := w.requests("ann"); len(got) != 0 {
			t.Errorf("requests: %v, want none", got)
		}
		w.post("bob", "status=@ann+again")
		w.as("ann", "GET", "/api/v1/notifications/requests", "").want(200, `[{"account": {"username": "bob"}, "notifications_count": "1"}]`)
	})
}

// Of a conversation that is muted nothing is told, now or later.
func TestMutedConversation(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		own := w.post("ann", "status=hello")
		w.as("ann", "POST", "/api/v1/statuses/"+own+"/mute", "").want(200, `{"muted": true}`)
		w.post("bob", "status=@ann+no&in_reply_to_id="+own)
		w.as("bob", "POST", "/api/v1/statuses/"+own+"/favourite", "").want(200, "")
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[]`)
		w.as("ann", "POST", "/api/v1/statuses/"+own+"/unmute", "").want(200, `{"muted": false}`)
		w.post("bob", "status=@ann+yes&in_reply_to_id="+own)
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"type": "mention"}]`)
	})
}

// undrawn are kinds that the documented entities don't know yet.
var undrawn = map[string]map[string]bool{
	"/api/v1/notifications": {"annual_report": true},
	"/api/v2/notifications": {"annual_report": true, "added_to_collection": true, "collection_update": true},
}

// Every kind is kept and drawn as documented, and can be asked for alone.
func TestEveryKind(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		post := w.post("ann", "status=hello")
		for i, k := range store.NotificationKinds {
			status := ""
			if slices.Contains([]string{"mention", "status", "reblog", "favourite", "poll", "update", "quote", "quoted_update"}, k.Name) {
				status = post
			}
			row := w.notified("ann", k.Name, "bob", status, time.Duration(i)*time.Minute, 0)
			for path, without := range undrawn {
				if without[k.Name] {
					continue
				}
				res := w.as("ann", "GET", path+"?types[]="+k.Name, "").want(200, "")
				if !strings.Contains(string(res.body), `"type":"`+k.Name+`"`) || !strings.Contains(string(res.body), itoa(row.ID)) {
					t.Errorf("%s of %s: %s", path, k.Name, res.body)
				}
			}
		}
	})
}

// Many withheld notifications come through in pieces, by a job.
func TestManyWithheld(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob := w.person("ann").ID, w.person("bob").ID
		for chunk := range 3 {
			err := w.db.Write(t.Context(), func(tx *store.Tx) error {
				for i := range 150 {
					n := store.Notification{Owner: ann, ID: int64(chunk*150+i+1) << 20, Kind: store.KindNamed("follow"), Actor: bob}
					if _, err := tx.AddNotification(t.Context(), n); err != nil {
						return err
					}
				}
				return tx.SetNotificationPolicy(t.Context(), ann, store.NotificationPolicy{NotFollowing: store.Withhold})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := w.db.Write(t.Context(), func(tx *store.Tx) error { // The first 150 came before the policy: they are more of the same.
			for i := range 150 {
				n := store.Notification{Owner: ann, ID: int64(450+i+1) << 20, Kind: store.KindNamed("follow"), Actor: bob}
				if _, err := tx.AddNotification(t.Context(), n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.as("ann", "GET", "/api/v2/notifications/policy", "").want(200, `{"summary": {"pending_requests_count": 1, "pending_notifications_count": 100}}`)
		w.as("ann", "POST", "/api/v1/notifications/requests/accept", "id[]="+w.requests("ann")["bob"]).want(200, `{}`)
		w.as("ann", "GET", "/api/v1/notifications/requests/merged", "").want(200, `{"merged": false}`)
		if err := w.api.settleRequests(t.Context(), store.Job{Payload: fmt.Appendf(nil, "%d", ann)}); err != nil {
			t.Fatal(err)
		}
		left, err := w.db.NotificationRequests(t.Context(), ann, store.Page{})
		if err != nil || len(left) != 0 {
			t.Errorf("still waiting: %v, %v", left, err)
		}
		n, err := w.db.Notifications(t.Context(), ann, store.NotificationQuery{}, store.Page{Limit: 1000})
		if err != nil || len(n) != 600 {
			t.Errorf("%d notifications are shown, want all 600: %v", len(n), err)
		}
	})
}
