package activitypub

import (
	"encoding/json"
	"net/http"
	"net/url"

	"kenoma/internal/vocab"
)

// hashtag is an entry of a collection of tags.
type hashtag struct {
	Context []any  `json:"@context"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Href    string `json:"href"`
}

// featuredTags is GET /users/NAME/collections/tags: the tags that an account shows on
// its profile.
//
// spec: toot:featuredTags
func (h *Handler) featuredTags(w http.ResponseWriter, r *http.Request) error {
	p, _, err := h.ownerOf(r)
	if err != nil {
		return err
	}
	list, err := h.DB.FeaturedTags(r.Context(), p.ID)
	if err != nil {
		return err
	}
	items := []vocab.Item{}
	for _, t := range list {
		doc, err := json.Marshal(hashtag{[]any{"https://www.w3.org/ns/activitystreams", map[string]string{"Hashtag": "as:Hashtag"}}, "Hashtag",
			"#" + t.Name, h.URL + "/@" + p.Username + "/tagged/" + url.PathEscape(t.Folded)})
		if err != nil {
			return err
		}
		items = append(items, vocab.Item{Raw: doc})
	}
	c := &vocab.Collection{ID: p.URI + "/collections/tags", Type: "Collection", Total: len(items), Items: items}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forAll)
}
