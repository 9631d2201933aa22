package mastodon

import (
	"fmt"
	"testing"
	"time"

	"kenoma/internal/store"
)

func TestDirectory(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ann", "bob", "cy", "dan"} {
			w.person(name)
		}
		far := w.stranger("far", "b.test")
		yes := true
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.SetProfile(t.Context(), far.ID, &store.Profile{Type: "Person", Discoverable: &yes})
		}); err != nil {
			t.Fatal(err)
		}
		w.as("cy", "PATCH", "/api/v1/accounts/update_credentials", "discoverable=false").want(200, "")
		w.as("", "GET", "/api/v1/directory?order=new", "").want(200, `[{"acct": "far@b.test"}, {"acct": "dan"}, {"acct": "bob"}, {"acct": "ann"}]`)
		w.as("", "GET", "/api/v1/directory?order=new&local=true", "").want(200, `[{"acct": "dan"}, {"acct": "bob"}, {"acct": "ann"}]`)
		w.as("", "GET", "/api/v1/directory?order=new&limit=1&offset=1", "").want(200, `[{"acct": "dan"}]`)
		w.post("ann", "status=Hello")
		w.as("", "GET", "/api/v1/directory?local=true", "").want(200, `[{"acct": "ann"}, {"acct": "dan"}, {"acct": "bob"}]`)
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/block", w.person("bob").ID), "").want(200, "")
		w.as("ann", "GET", "/api/v1/directory?local=true&order=active", "").want(200, `[{"acct": "ann"}, {"acct": "dan"}]`)
		w.as("", "GET", "/api/v1/directory?order=best", "").want(400, "")
		w.as("", "GET", "/api/v1/directory?offset=-1", "").want(400, "")
	})
}

func TestSuggestions(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.api.Settings.FeaturedAccounts = []string{"host", "nobody"}
		for _, name := range []string{"ann", "host", "friend", "foaf", "star", "liked", "hidden", "fan", "similar"} {
			w.person(name)
		}
		w.follow("ann", "friend")
		w.follow("fan", "friend")
		w.follow("fan", "similar")
		w.follow("friend", "foaf")
		w.follow("friend", "hidden")
		w.follow("host", "star")
		w.follow("friend", "star")
		w.as("hidden", "PATCH", "/api/v1/accounts/update_credentials", "discoverable=false").want(200, "")
		w.as("host", "POST", "/api/v1/statuses/"+w.post("liked", "status=Nice")+"/favourite", "").want(200, "")
		w.as("ann", "GET", "/api/v2/suggestions", "").want(200, `[
			{"source": "staff", "sources": ["featured"], "account": {"acct": "host"}},
			{"source": "past_interactions", "sources": ["friends_of_friends", "most_followed"], "account": {"acct": "foaf"}},
			{"source": "past_interactions", "sources": ["similar_to_recently_followed", "most_followed"], "account": {"acct": "similar"}},
			{"source": "global", "sources": ["most_interactions"], "account": {"acct": "liked"}},
			{"source": "past_interactions", "sources": ["friends_of_friends", "most_followed"], "account": {"acct": "star"}}]`)
		w.as("ann", "GET", "/api/v1/suggestions?limit=1", "").want(200, `[{"acct": "host"}]`)

		// What is put away or followed is gone at once.
		w.as("ann", "DELETE", fmt.Sprintf("/api/v1/suggestions/%d", w.person("host").ID), "").want(200, `{}`)
		w.follow("ann", "star")
		w.as("ann", "GET", "/api/v1/suggestions", "").want(200, `[{"acct": "foaf"}, {"acct": "similar"}, {"acct": "liked"}]`)
		w.as("ann", "DELETE", "/api/v1/suggestions/12", "").want(404, "")
		w.as("", "GET", "/api/v2/suggestions", "").want(401, "")
		w.as("", "GET", "/api/v1/suggestions", "").want(401, "")
	})
}

func TestEndorsements(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		bob, cy := w.person("bob").ID, w.person("cy").ID
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/endorse", bob), "").want(422, `{"error": "Validation failed: You must be already following the person you want to endorse"}`)
		w.follow("ann", "bob")
		w.follow("ann", "cy")
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/endorse", bob), "").want(200, `{"endorsed": true}`)
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/pin", cy), "").want(200, `{"endorsed": true}`)
		w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d/endorsements", w.person("ann").ID), "").want(200, `[{"acct": "cy"}, {"acct": "bob"}]`)
		w.as("ann", "GET", "/api/v1/endorsements?limit=1", "").want(200, `[{"acct": "cy"}]`)
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/unpin", cy), "").want(200, `{"endorsed": false}`)
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/unfollow", bob), "").want(200, `{"endorsed": false}`)
		w.follow("ann", "bob")
		w.as("ann", "GET", "/api/v1/endorsements", "").want(200, `[]`)
		w.as("ann", "POST", fmt.Sprintf("/api/v1/accounts/%d/unendorse", bob), "").want(200, `{"endorsed": false}`)
		w.as("", "GET", "/api/v1/endorsements", "").want(401, "")
		w.as("", "GET", "/api/v1/accounts/5/endorsements", "").want(404, "")
	})
}

func TestFeaturedTags(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.post("ann", "status=%23Cats and %23dogs")
		w.post("ann", "status=%23cats")
		w.post("ann", "status=%23cats, secretly&visibility=direct")
		w.as("ann", "GET", "/api/v1/featured_tags/suggestions", "").want(200, `[{"name": "Cats", "featuring": false}, {"name": "dogs"}]`)
		id := w.as("ann", "POST", "/api/v1/featured_tags", "name=CATS").want(200, `{"name": "CATS", "statuses_count": "2", "last_status_at": "`+time.Now().UTC().Format(time.DateOnly)+`", "url": "https://a.test/@ann/tagged/cats"}`).id()
		w.as("ann", "POST", "/api/v1/tags/birds/feature", "").want(200, `{"name": "birds", "featuring": true}`)
		w.as("ann", "GET", "/api/v1/featured_tags", "").want(200, `[{"name": "CATS"}, {"name": "birds", "statuses_count": "0", "last_status_at": null}]`)
		w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d/featured_tags", w.person("ann").ID), "").want(200, `[{"name": "CATS"}, {"name": "birds"}]`)
		w.as("ann", "GET", "/api/v1/featured_tags/suggestions", "").want(200, `[{"name": "dogs"}]`)
		w.as("ann", "POST", "/api/v1/tags/birds/unfeature", "").want(200, `{"name": "birds", "featuring": false}`)
		w.as("ann", "DELETE", "/api/v1/featured_tags/"+id, "").want(200, `{}`)
		w.as("ann", "DELETE", "/api/v1/featured_tags/"+id, "").want(404, "")
		w.as("ann", "POST", "/api/v1/featured_tags", "name=not%20one").want(422, "")
		w.as("ann", "POST", "/api/v1/tags/not%20one/feature", "").want(404, "")
		w.as("ann", "POST", "/api/v1/tags/neverused/unfeature", "").want(404, "")
		for i := range maxFeatured {
			w.as("ann", "POST", "/api/v1/featured_tags", fmt.Sprintf("name=tag%d", i)).want(200, "")
		}
		w.as("ann", "POST", "/api/v1/featured_tags", "name=more").want(422, `{"error": "Validation failed: You have already featured the maximum number of hashtags"}`)
		w.as("ann", "POST", "/api/v1/featured_tags", "name=tag0").want(200, "")
		w.as("", "GET", "/api/v1/featured_tags", "").want(401, "")
		w.as("", "GET", "/api/v1/featured_tags/suggestions", "").want(401, "")
		w.as("", "GET", "/api/v1/accounts/5/featured_tags", "").want(404, "")
	})
}
