package mastodon

import (
	"fmt"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

func TestProfile(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("ann")
		w.as("ann", "GET", "/api/v1/profile", "").want(200, `{"display_name": "", "avatar": null, "show_media": true, "attribution_domains": [], "fields": [], "featured_tags": []}`)
		w.as("ann", "POST", "/api/v1/featured_tags", "name=cats").want(200, "")
		err := w.api.Pipeline.EditProfile(t.Context(), w.person("ann"), func(a *vocab.Actor) {
			a.Icon, a.Image = "https://a.test/media/1/face.png", "https://a.test/media/2/hill.png"
		})
		if err != nil {
			t.Fatal(err)
		}
		w.as("ann", "PATCH", "/api/v1/profile", "display_name=Ann&note=Hi+there&avatar_description=A+face&header_description=A+hill&locked=true&bot=true&indexable=true&discoverable=false"+
			"&hide_collections=true&show_media=false&show_media_replies=false&show_featured=false&attribution_domains[]=https://www.Example.com/blog&attribution_domains[]=b.test"+
			"&fields_attributes[0][name]=Home&fields_attributes[0][value]=https://ann.test").want(200,
			`{"display_name": "Ann", "note": "Hi there", "avatar": "https://a.test/media/1/face.png", "avatar_description": "A face", "header_description": "A hill", "locked": true, "bot": true, "indexable": true, "discoverable": false,
			"hide_collections": true, "show_media": false, "show_media_replies": false, "show_featured": false, "attribution_domains": ["example.com", "b.test"],
			"fields": [{"name": "Home", "value": "https://ann.test", "verified_at": null}], "featured_tags": [{"name": "cats"}]}`)
		w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d", w.person("ann").ID), "").want(200, `{"show_media": false, "show_media_replies": false, "show_featured": false, "avatar_description": "A face"}`)
		w.as("ann", "GET", "/api/v1/accounts/verify_credentials", "").want(200, `{"source": {"attribution_domains": ["example.com", "b.test"]}}`)
		w.as("ann", "PATCH", "/api/v1/profile", "attribution_domains[]=no+domain").want(422, "")
		w.as("ann", "PATCH", "/api/v1/profile", "attribution_domains[]=").want(200, `{"attribution_domains": [], "display_name": "Ann"}`)
		w.as("ann", "DELETE", "/api/v1/profile/avatar", "").want(200, `{"display_name": "Ann"}`)
		w.as("ann", "DELETE", "/api/v1/profile/header", "").want(200, `{"display_name": "Ann"}`)
		w.as("ann", "GET", "/api/v1/profile", "").want(200, `{"avatar": null, "avatar_description": "", "header": null}`)
		w.as("", "GET", "/api/v1/profile", "").want(401, "")
		w.as("", "PATCH", "/api/v1/profile", "display_name=x").want(401, "")
		w.as("", "DELETE", "/api/v1/profile/avatar", "").want(401, "")
		w.as("", "DELETE", "/api/v1/profile/header", "").want(401, "")
	})
}

// TestMovedAccount wants the account to which somebody moved beside the old one.
func TestMovedAccount(t *testing.T) {
	w := onSQLite(t)
	old, now := w.stranger("old", "b.test"), w.stranger("new", "c.test")
	set := func(to *store.Profile) {
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.SetProfile(t.Context(), old.ID, to) }); err != nil {
			t.Fatal(err)
		}
	}
	set(&store.Profile{Type: "Person", MovedTo: now.URI, Memorial: true})
	w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d", old.ID), "").want(200, `{"acct": "old@b.test", "memorial": true, "moved": {"acct": "new@c.test"}}`)
	set(&store.Profile{Type: "Person", MovedTo: "https://d.test/unknown"})
	w.api.cache.forgetPerson(old.ID)
	w.as("", "GET", fmt.Sprintf("/api/v1/accounts/%d", old.ID), "").want(200, `{"moved": null}`)
}
