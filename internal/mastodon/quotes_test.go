package mastodon

import (
	"testing"
)

func TestQuotes(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("bob")
		ann := w.post("ann", "status=Quotable")
		at := "/api/v1/statuses/" + ann
		w.as("bob", "GET", at, "").want(200, `{"quote": null, "quotes_count": 0, "quote_approval": {"automatic": ["public"], "manual": [], "current_user": "automatic"}}`)
		w.as("", "GET", at, "").want(200, `{"quote_approval": {"automatic": ["public"], "current_user": "denied"}}`)
		bob := w.as("bob", "POST", "/api/v1/statuses", "status=Look&quoted_status_id="+ann).want(200,
			`{"content": "<p>Look</p>", "quote": {"state": "accepted", "quoted_status": {"id": "`+ann+`", "quote": null, "quotes_count": 1}}}`).id()
		own := w.as("ann", "POST", "/api/v1/statuses", "quoted_status_id="+bob).want(200,
			`{"content": "", "quote": {"state": "accepted", "quoted_status": {"id": "`+bob+`", "quote": {"state": "accepted", "quoted_status_id": "`+ann+`"}}}}`).id()
		w.as("cid", "GET", at+"/quotes", "").want(200, `[{"id": "`+bob+`"}]`)
		w.as("", "GET", at+"/quotes", "").want(401, "")
		w.as("cid", "GET", "/api/v1/statuses/1/quotes", "").want(404, "")
		w.as("ann", "GET", "/api/v1/notifications?types[]=quote", "").want(200, `[{"type": "quote", "account": {"acct": "bob"}, "status": {"id": "`+bob+`"}}]`)

		w.as("ann", "PUT", at, "status=Quotable+and+edited").want(200, `{"quotes_count": 1}`)
		w.as("bob", "GET", "/api/v1/notifications?types[]=quoted_update", "").want(200, `[{"type": "quoted_update", "status": {"id": "`+ann+`"}}]`)
		w.as("bob", "PUT", "/api/v1/statuses/"+bob, "status=Look+here").want(200, `{"content": "<p>Look here</p>", "quote": {"state": "accepted", "quoted_status": {"id": "`+ann+`"}}}`)
		w.as("bob", "GET", "/api/v1/statuses/"+bob+"/source", "").want(200, `{"text": "Look here"}`)

		revoke := at + "/quotes/" + bob + "/revoke"
		w.as("bob", "POST", revoke, "").want(404, "")
		w.as("ann", "POST", at+"/quotes/"+own+"/revoke", "").want(404, "")
		w.as("ann", "POST", revoke, "").want(200, `{"id": "`+bob+`", "quote": {"state": "revoked", "quoted_status": null}}`)
		w.as("cid", "GET", at, "").want(200, `{"quotes_count": 0}`)
		w.as("cid", "GET", at+"/quotes", "").want(200, `[]`)
		w.as("ann", "GET", "/api/v1/notifications?types[]=quote", "").want(200, `[]`)

		w.as("bob", "DELETE", "/api/v1/statuses/"+bob, "").want(200, "")
		w.as("ann", "GET", "/api/v1/statuses/"+own, "").want(200, `{"quote": {"state": "deleted", "quoted_status": null}}`)
	})
}

func TestQuotePolicies(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.follow("bob", "ann")
		w.person("cid")
		friends := w.post("ann", "status=For+friends&quote_approval_policy=followers")
		w.as("bob", "GET", "/api/v1/statuses/"+friends, "").want(200, `{"quote_approval": {"automatic": ["followers"], "current_user": "automatic"}}`)
		w.as("cid", "GET", "/api/v1/statuses/"+friends, "").want(200, `{"quote_approval": {"automatic": ["followers"], "current_user": "denied"}}`)
		w.as("bob", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+friends).want(200, `{"quote": {"state": "accepted"}}`)
		w.as("cid", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+friends).want(404, "")
		w.as("cid", "POST", "/api/v1/statuses", "status=a&quoted_status_id=5").want(404, "")
		w.as("ann", "POST", "/api/v1/statuses", "status=a&quote_approval_policy=everybody").want(422, "")

		policy := "/api/v1/statuses/" + friends + "/interaction_policy"
		w.as("bob", "PUT", policy, "quote_approval_policy=public").want(404, "")
		w.as("ann", "PUT", policy, "quote_approval_policy=everybody").want(422, "")
		w.as("ann", "PUT", policy, "quote_approval_policy=nobody").want(200, `{"edited_at": null, "quote_approval": {"automatic": [], "manual": [], "current_user": "automatic"}}`)
		w.as("bob", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+friends).want(404, "")
		w.as("ann", "GET", "/api/v1/statuses/"+friends+"/history", "").want(200, `[{"content": "<p>For friends</p>"}]`)
		w.as("ann", "PUT", "/api/v1/statuses/"+friends, "status=For+all&quote_approval_policy=public").want(200, `{"quote_approval": {"automatic": ["public"]}}`)

		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "source[quote_policy]=followers").want(200, `{"source": {"quote_policy": "followers"}}`)
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "source[quote_policy]=x").want(422, "")
		w.as("ann", "GET", "/api/v1/preferences", "").want(200, `{"posting:default:quote_policy": "followers"}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=a").want(200, `{"quote_approval": {"automatic": ["followers"]}}`)
		private := w.as("ann", "POST", "/api/v1/statuses", "status=a&visibility=private&quote_approval_policy=public").want(200, `{"quote_approval": {"automatic": []}}`).id()
		w.as("bob", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+private).want(404, "")
		quote := w.as("ann", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+private).want(200, `{"visibility": "private", "quote": {"state": "accepted"}}`).id()
		w.as("bob", "GET", "/api/v1/statuses/"+quote, "").want(200, `{"quote": {"state": "accepted", "quoted_status": {"id": "`+private+`"}}}`)
		w.as("cid", "GET", "/api/v1/statuses/"+quote, "").want(404, "")
	})
}

// TestQuotedPeopleAvoided has readers who don't want to see who is quoted.
func TestQuotedPeopleAvoided(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.post("ann", "status=Quotable")
		quote := w.post("bob", "status=Look&quoted_status_id="+ann)
		for who, act := range map[string]string{"cid": "mute", "dan": "block"} {
			w.as(who, "POST", "/api/v1/accounts/"+itoa(w.person("ann").ID)+"/"+act, "").want(200, "")
		}
		at := "/api/v1/statuses/" + quote
		w.as("cid", "GET", at, "").want(200, `{"quote": {"state": "muted_account", "quoted_status": {"id": "`+ann+`"}}}`)
		w.as("dan", "GET", at, "").want(200, `{"quote": {"state": "blocked_account", "quoted_status": {"id": "`+ann+`"}}}`)
		w.as("ann", "POST", "/api/v1/accounts/"+itoa(w.person("eve").ID)+"/block", "").want(200, "")
		w.as("eve", "GET", at, "").want(200, `{"quote": {"state": "unauthorized", "quoted_status": null}}`)
		w.as("eve", "POST", "/api/v1/statuses", "status=a&quoted_status_id="+ann).want(404, "")
	})
}
