package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"strings"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Bounds of collections.
//
// spec: masto:methods/collections#create
const (
	maxCollectionName = 40  // Characters.
	maxCollectionText = 100 // The same.
	maxCollectionSize = 25  // Accounts.
)

var errNotYours = fault.New(fault.Denied, "This action is not allowed")

// collection is Collection.
//
// spec: masto:entities/Collection
type collection struct {
	ID           string           `json:"id"`
	AccountID    string           `json:"account_id"`
	URI          string           `json:"uri"`
	URL          *string          `json:"url"` // There is no page for it.
	Name         string           `json:"name"`
	Description  string           `json:"description"`
	Language     *string          `json:"language"`
	Local        bool             `json:"local"`
	Sensitive    bool             `json:"sensitive"`
	Discoverable bool             `json:"discoverable"`
	Tag          *shallowTag      `json:"tag"`
	CreatedAt    string           `json:"created_at"`
	UpdatedAt    string           `json:"updated_at"`
	ItemCount    int              `json:"item_count"`
	Items        []collectionItem `json:"items"`
}

type shallowTag struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// collectionItem is CollectionItem. Those here agreed to it by wanting to be
// discovered, so none is pending.
type collectionItem struct {
	ID        string  `json:"id"`
	AccountID *string `json:"account_id"`
	State     string  `json:"state"`
	CreatedAt string  `json:"created_at"`
}

func newCollectionItem(i store.CollectionItem) collectionItem {
	target := itoa(i.Target)
	return collectionItem{ID: itoa(i.ID), AccountID: &target, State: "accepted", CreatedAt: *isoTime(vocab.TimeOf(i.ID).UnixMilli())}
}

// collections draws collections for a viewer, who may be nil: those between whom and
// the viewer there is a block are left out of them.
func (api *API) collections(ctx context.Context, viewer *store.Actor, list []store.Collection) ([]collection, error) {
	all := []collection{}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	items, err := api.DB.CollectionItems(ctx, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	for i := range list {
		c := &list[i]
		out := collection{ID: itoa(c.ID), AccountID: itoa(c.Owner), URI: api.URL + "/collections/" + itoa(c.ID), Name: c.Name,
			Local: true, Sensitive: c.Sensitive, Discoverable: c.Discoverable, CreatedAt: *isoTime(vocab.TimeOf(c.ID).UnixMilli()), UpdatedAt: *isoTime(c.Updated),
			Items: []collectionItem{}}
		if c.Description != "" {
			out.Description = "<p>" + html.EscapeString(c.Description) + "</p>"
		}
		if c.Language != "" {
			out.Language = &c.Language
		}
		if c.Tag != "" {
			out.Tag = &shallowTag{c.Tag, api.URL + "/tags/" + pathEscape(markup.FoldTag(c.Tag))}
		}
		for _, item := range items[c.ID] {
			if rel == nil || !rel.Blocks[item.Target] {
				out.Items = append(out.Items, newCollectionItem(item))
			}
		}
		out.ItemCount = len(out.Items)
		all = append(all, out)
	}
	return all, nil
}

// wrapped answers with one collection, read again.
func (api *API) wrapped(r *Request, id int64) (any, error) {
	c, err := api.DB.Collection(r.Context(), id)
	if err != nil {
		return nil, err
	}
	drawn, err := api.collections(r.Context(), r.User, []store.Collection{*c})
	if err != nil {
		return nil, err
	}
	return map[string]any{"collection": drawn[0]}, nil
}

// pathCollection returns the collection that the path names under a parameter.
func (api *API) pathCollection(r *Request, param string) (*store.Collection, error) {
	id, err := parseID(r.PathValue(param))
	if err != nil {
		return nil, err
	}
	c, err := api.DB.Collection(r.Context(), id)
	if err != nil {
		return nil, err
	}
	owner, err := api.DB.Actor(r.Context(), c.Owner)
	if err != nil {
		return nil, err
	}
	if owner.Hidden() {
		return nil, errNotFound()
	}
	return c, nil
}

// ownCollection is the same for what only the owner may do.
func (api *API) ownCollection(r *Request, param string) (*store.Collection, error) {
	c, err := api.pathCollection(r, param)
	if err == nil && c.Owner != r.User.ID {
		return nil, errNotYours
	}
	return c, err
}

// spec: masto:methods/collections
var (
	_ = route("POST /api/v1/collections", "write:collections", (*API).createCollection)
	_ = route("GET /api/v1/collections/{id}", "?read:collections", (*API).getCollection)
	_ = route("PATCH /api/v1/collections/{id}", "write:collections", (*API).updateCollection)
	_ = route("DELETE /api/v1/collections/{id}", "write:collections", func(api *API, r *Request) (any, error) {
		c, err := api.ownCollection(r, "id")
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DropCollection(r.Context(), c.ID) })
	})
	_ = route("POST /api/v1/collections/{collection_id}/items", "write:collections", (*API).addToCollection)
	_ = route("DELETE /api/v1/collections/{collection_id}/items/{id}", "write:collections", func(api *API, r *Request) (any, error) {
		c, err := api.ownCollection(r, "collection_id")
		if err != nil {
			return nil, err
		}
		item, err := api.pathItem(r, c)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.RemoveFromCollection(r.Context(), item.ID, false) })
	})
	_ = route("POST /api/v1/collections/{collection_id}/items/{id}/revoke", "write:collections", func(api *API, r *Request) (any, error) {
		c, err := api.pathCollection(r, "collection_id")
		if err != nil {
			return nil, err
		}
		item, err := api.pathItem(r, c)
		if err != nil {
			return nil, err
		}
		if item.Target != r.User.ID {
			return nil, errNotYours
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.RemoveFromCollection(r.Context(), item.ID, true) })
	})
	_ = route("GET /api/v1/{id}/collections", "?read:collections", (*API).accountCollections)
	_ = route("GET /api/v1/accounts/{id}/collections", "?read:collections", (*API).accountCollections)
	_ = route("GET /api/v1/{id}/in_collections", "read:collections", (*API).inCollections)
	_ = route("GET /api/v1/accounts/{id}/in_collections", "read:collections", (*API).inCollections)
)

// pathItem returns the item of c that the path names; a revoked one is not found.
func (api *API) pathItem(r *Request, c *store.Collection) (*store.CollectionItem, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	item, err := api.DB.CollectionItem(r.Context(), c.ID, id)
	if err == nil && item.Revoked {
		return nil, errNotFound()
	}
	return item, err
}

func (api *API) getCollection(r *Request) (any, error) {
	c, err := api.pathCollection(r, "id")
	if err != nil {
		return nil, err
	}
	drawn, err := api.collections(r.Context(), r.User, []store.Collection{*c})
	if err != nil {
		return nil, err
	}
	ids := []int64{c.Owner}
	for _, item := range drawn[0].Items {
		if id, err := parseID(*item.AccountID); err == nil {
			ids = append(ids, id)
		}
	}
	people, err := api.drawnPeople(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	return map[string]any{"accounts": people, "collection": drawn[0]}, nil
}

func (api *API) accountCollections(r *Request) (any, error) {
	return api.listCollections(r, func(a *store.Actor, limit, offset int) ([]store.Collection, error) {
		return api.DB.Collections(r.Context(), a.ID, r.User != nil && r.User.ID == a.ID, limit, offset)
	})
}

func (api *API) inCollections(r *Request) (any, error) {
	return api.listCollections(r, func(a *store.Actor, limit, offset int) ([]store.Collection, error) {
		return api.DB.InCollections(r.Context(), a.ID, r.User.ID, limit, offset)
	})
}

// listCollections answers with a page by offset.
func (api *API) listCollections(r *Request, read func(a *store.Actor, limit, offset int) ([]store.Collection, error)) (any, error) {
	a, err := api.target(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.limit(somePeople)
	if err != nil {
		return nil, err
	}
	offset, err := r.Int("offset", 0)
	if err != nil || offset < 0 {
		return nil, fault.New(fault.Malformed, "offset must be a number.")
	}
	list, err := read(a, limit+1, int(min(offset, store.MaxDirectory)))
	if err != nil {
		return nil, err
	}
	var links []string
	if len(list) > limit {
		list = list[:limit]
		links = append(links, r.link("offset", offset+int64(limit), "next"))
	}
	if offset > 0 {
		links = append(links, r.link("offset", max(0, offset-int64(limit)), "prev"))
	}
	if len(links) > 0 {
		r.header.Set("Link", strings.Join(links, ", "))
	}
	drawn, err := api.collections(r.Context(), r.User, list)
	return map[string]any{"collections": drawn}, err
}

// readCollection takes what is given; what is wrong with it is said per field.
func readCollection(r *Request, c *store.Collection) error {
	wrong := auth.FieldErrors{}
	fail := func(field, code, text string) {
		wrong[field] = append(wrong[field], auth.FieldError{Code: code, Description: text})
	}
	if r.Has("name") {
		c.Name = strings.TrimSpace(r.String("name"))
	}
	switch n := len([]rune(c.Name)); {
	case n == 0:
		fail("name", "ERR_BLANK", "can't be blank")
	case n > maxCollectionName:
		fail("name", "ERR_TOO_LONG", "is too long (maximum is 40 characters)")
	}
	if r.Has("description") {
		c.Description = strings.TrimSpace(r.String("description"))
		if len([]rune(c.Description)) > maxCollectionText {
			fail("description", "ERR_TOO_LONG", "is too long (maximum is 100 characters)")
		}
	}
	if r.Has("language") {
		if c.Language = r.String("language"); c.Language != "" && !vocab.LanguageCode(c.Language) {
			fail("language", "ERR_INVALID", "is not a language")
		}
	}
	if r.Has("tag_name") {
		c.Tag = trimSign(strings.TrimSpace(r.String("tag_name")))
		if found := markup.Scan("#"+c.Tag, "text/plain").Hashtags; c.Tag != "" && (len(found) != 1 || found[0] != c.Tag) {
			fail("tag", "ERR_INVALID", "is not a hashtag")
		}
	}
	c.Sensitive = r.Bool("sensitive", c.Sensitive)
	c.Discoverable = r.Bool("discoverable", c.Discoverable)
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// invalidCollection is a failed validation of a collection, one level deeper than
// others.
//
// spec: masto:methods/collections#create (422)
func invalidCollection(err error) (any, error) {
	var wrong auth.FieldErrors
	if !errors.As(err, &wrong) {
		return nil, err
	}
	var texts []string
	for _, field := range []string{"name", "description", "language", "tag"} {
		for _, e := range wrong[field] {
			texts = append(texts, strings.ToUpper(field[:1])+field[1:]+" "+e.Description)
		}
	}
	body, err := json.Marshal(map[string]any{"error": invalid{"Validation failed: " + strings.Join(texts, ", "), wrong}})
	return answer{http.StatusUnprocessableEntity, json.RawMessage(body)}, err
}

func (api *API) createCollection(r *Request) (any, error) {
	ctx := r.Context()
	c := &store.Collection{ID: api.Pipeline.NewID(), Owner: r.User.ID, Discoverable: true, Updated: api.Now().UnixMilli()}
	if err := readCollection(r, c); err != nil {
		return invalidCollection(err)
	}
	targets := r.IDs("account_ids")
	if len(targets) > maxCollectionSize {
		return nil, invalidField("Accounts are too many (maximum is %d)", maxCollectionSize)
	}
	for _, id := range targets {
		if _, err := api.featurable(ctx, r.User, id); err != nil {
			return nil, err
		}
	}
	err := api.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.CountCollections(ctx, r.User.ID)
		if err != nil {
			return err
		}
		if n >= collectionLimit {
			return invalidField("You have reached the maximum number of collections")
		}
		if err := tx.PutCollection(ctx, c); err != nil {
			return err
		}
		added := map[int64]bool{}
		for _, id := range targets {
			if added[id] {
				continue
			}
			added[id] = true
			if err := tx.AddToCollection(ctx, store.CollectionItem{ID: tx.NewID(), Collection: c.ID, Target: id}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.wrapped(r, c.ID)
}

func (api *API) updateCollection(r *Request) (any, error) {
	c, err := api.ownCollection(r, "id")
	if err != nil {
		return nil, err
	}
	c.Updated = api.Now().UnixMilli()
	if err := readCollection(r, c); err != nil {
		return invalidCollection(err)
	}
	if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.PutCollection(r.Context(), c) }); err != nil {
		return nil, err
	}
	return api.wrapped(r, c.ID)
}

// featurable returns an account that owner may put into a collection: one of ours that
// wants to be discovered, without a block between the two. Others would have to be
// asked, in a protocol that is not spoken here yet.
func (api *API) featurable(ctx context.Context, owner *store.Actor, id int64) (*store.Actor, error) {
	people, err := api.loadPeople(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	p := people[id]
	if p == nil || p.actor.Hidden() {
		return nil, invalidField("Account can't be found")
	}
	blocked, err := api.DB.Blocked(ctx, owner.ID, id)
	if err != nil {
		return nil, err
	}
	if blocked || featureApproval(p) != automaticApproval {
		return nil, invalidField("Account can't be added to collections")
	}
	return p.actor, nil
}

func (api *API) addToCollection(r *Request) (any, error) {
	ctx := r.Context()
	c, err := api.ownCollection(r, "collection_id")
	if err != nil {
		return nil, err
	}
	if r.String("account_id") == "" {
		return nil, fault.New(fault.Invalid, "`account_id` parameter is missing")
	}
	id, err := parseID(r.String("account_id"))
	if err != nil {
		return nil, invalidField("Account can't be found")
	}
	if _, err := api.featurable(ctx, r.User, id); err != nil {
		return nil, err
	}
	item := store.CollectionItem{ID: api.Pipeline.NewID(), Collection: c.ID, Target: id}
	err = api.DB.Write(ctx, func(tx *store.Tx) error {
		had, err := tx.FindCollectionItem(ctx, c.ID, id)
		if err == nil {
			if had.Revoked {
				return invalidField("Account can't be added to collections")
			}
			return invalidField("Account has already been taken")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		items, err := tx.CollectionItems(ctx, []int64{c.ID})
		if err != nil {
			return err
		}
		if len(items[c.ID]) >= maxCollectionSize {
			return invalidField("Collection is full (maximum is %d accounts)", maxCollectionSize)
		}
		return tx.AddToCollection(ctx, item)
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"collection_item": newCollectionItem(item)}, nil
}
