package mastodon

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// collectionOf returns the ids of an answered collection and its items.
func collectionOf(t *testing.T, r *response) (id string, items []string) {
	t.Helper()
	var got struct {
		Collection struct {
			ID    string
			Items []struct{ ID string }
		}
	}
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	for _, i := range got.Collection.Items {
		items = append(items, i.ID)
	}
	return got.Collection.ID, items
}

func TestCollections(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob, cy, far := w.person("ann").ID, w.person("bob").ID, w.person("cy").ID, w.stranger("far", "b.test").ID
		w.person("dan")
		made := w.as("ann", "POST", "/api/v1/collections", fmt.Sprintf(`{"name": "Nice", "description": "Very <nice>", "language": "en", "tag_name": "#Cats", "account_ids": ["%d"]}`, bob)).
			want(200, `{"collection": {"name": "Nice", "description": "<p>Very &lt;nice&gt;</p>", "language": "en", "tag": {"name": "Cats", "url": "https://a.test/tags/cats"}, "discoverable": true, "item_count": 1,
				"items": [{"state": "accepted"}], "url": null}}`)
		id, items := collectionOf(t, made)
		path := "/api/v1/collections/" + id
		w.as("", "GET", path, "").want(200, `{"accounts": [{"acct": "ann"}, {"acct": "bob"}], "collection": {"name": "Nice"}}`)
		w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d", bob), "").want(200, `{"feature_approval": {"automatic": ["public"], "current_user": "automatic"}}`)

		w.as("ann", "POST", path+"/items", fmt.Sprintf("account_id=%d", cy)).want(200, fmt.Sprintf(`{"collection_item": {"account_id": "%d", "state": "accepted"}}`, cy))
		w.as("ann", "POST", path+"/items", fmt.Sprintf("account_id=%d", cy)).want(422, "")
		w.as("ann", "POST", path+"/items", fmt.Sprintf("account_id=%d", far)).want(422, `{"error": "Validation failed: Account can't be added to collections"}`)
		w.as("ann", "POST", path+"/items", "account_id=5").want(422, "")
		w.as("ann", "POST", path+"/items", "").want(422, "{\"error\": \"`account_id` parameter is missing\"}")
		w.as("bob", "POST", path+"/items", fmt.Sprintf("account_id=%d", cy)).want(403, `{"error": "This action is not allowed"}`)
		w.as("dan", "PATCH", "/api/v1/accounts/update_credentials", "discoverable=false").want(200, `{"feature_approval": {"current_user": "denied"}}`)
		w.as("ann", "POST", path+"/items", fmt.Sprintf("account_id=%d", w.person("dan").ID)).want(422, "")

		// Who blocks somebody doesn't see them in it.
		w.as("dan", "POST", fmt.Sprintf("/api/v1/accounts/%d/block", cy), "").want(200, "")
		w.as("dan", "GET", path, "").want(200, `{"accounts": [{"acct": "ann"}, {"acct": "bob"}], "collection": {"item_count": 1}}`)

		for _, prefix := range []string{"", "accounts/"} {
			w.as("bob", "GET", fmt.Sprintf("/api/v1/%s%d/collections", prefix, ann), "").want(200, `{"collections": [{"name": "Nice"}]}`)
			w.as("bob", "GET", fmt.Sprintf("/api/v1/%s%d/in_collections", prefix, bob), "").want(200, `{"collections": [{"name": "Nice"}]}`)
		}
		w.as("ann", "PATCH", path, "name=Hidden&discoverable=false&tag_name=").want(200, `{"collection": {"name": "Hidden", "discoverable": false, "tag": null, "description": "<p>Very &lt;nice&gt;</p>"}}`)
		w.as("cy", "GET", fmt.Sprintf("/api/v1/accounts/%d/collections", ann), "").want(200, `{"collections": []}`)
		w.as("ann", "GET", fmt.Sprintf("/api/v1/accounts/%d/collections", ann), "").want(200, `{"collections": [{"name": "Hidden"}]}`)
		w.as("ann", "PATCH", path, "name="+strings.Repeat("x", 41)).want(422,
			`{"error": {"error": "Validation failed: Name is too long (maximum is 40 characters)", "details": {"name": [{"error": "ERR_TOO_LONG"}]}}}`)
		w.as("ann", "POST", "/api/v1/collections", "description=x").want(422, `{"error": {"details": {"name": [{"error": "ERR_BLANK"}]}}}`)
		w.as("bob", "PATCH", path, "name=Mine").want(403, "")

		// One who takes oneself out is not put in again.
		w.as("cy", "POST", path+"/items/"+items[0]+"/revoke", "").want(403, "")
		w.as("bob", "POST", path+"/items/"+items[0]+"/revoke", "").want(200, `{}`)
		w.as("bob", "POST", path+"/items/"+items[0]+"/revoke", "").want(404, "")
		w.as("ann", "POST", path+"/items", fmt.Sprintf("account_id=%d", bob)).want(422, "")
		_, items = collectionOf(t, w.as("ann", "GET", path, "").want(200, `{"accounts": [{"acct": "ann"}, {"acct": "cy"}]}`))
		w.as("bob", "DELETE", path+"/items/"+items[0], "").want(403, "")
		w.as("ann", "DELETE", path+"/items/"+items[0], "").want(200, `{}`)
		w.as("ann", "GET", path, "").want(200, `{"accounts": [{"acct": "ann"}], "collection": {"item_count": 0}}`)

		w.as("bob", "DELETE", path, "").want(403, "")
		w.as("ann", "DELETE", path, "").want(200, `{}`)
		w.as("ann", "GET", path, "").want(404, "")
		w.as("", "POST", "/api/v1/collections", "name=x").want(401, "")
		w.as("", "GET", "/api/v1/accounts/5/collections", "").want(404, "")
		w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d/in_collections", bob), "").want(401, "")
	})
}

// TestCollectionLimits wants no more collections, and pages of them.
func TestCollectionLimits(t *testing.T) {
	w := onSQLite(t)
	for i := range collectionLimit {
		w.as("ann", "POST", "/api/v1/collections", fmt.Sprintf("name=c%d", i)).want(200, "")
	}
	w.as("ann", "POST", "/api/v1/collections", "name=more").want(422, `{"error": "Validation failed: You have reached the maximum number of collections"}`)
	path := fmt.Sprintf("/api/v1/accounts/%d/collections", w.person("ann").ID)
	r := w.as("ann", "GET", path+"?limit=2&offset=2", "").want(200, `{"collections": [{"name": "c7"}, {"name": "c6"}]}`)
	if got, want := r.Header.Get("Link"), "<https://a.test"+path+`?limit=2&offset=4>; rel="next", <https://a.test`+path+`?limit=2&offset=0>; rel="prev"`; got != want {
		t.Errorf("Link: %s, want %s", got, want)
	}
	w.as("ann", "GET", path+"?offset=-1", "").want(400, "")
}
