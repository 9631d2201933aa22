package mastodon

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// Accounts that somebody shows on the profile; pin and unpin are the older names.
//
// spec: masto:methods/accounts#endorse, #unendorse, #pin, #endorsements, masto:methods/endorsements#get
var (
	_ = relate("endorse", "write:accounts", endorse(true))
	_ = relate("unendorse", "write:accounts", endorse(false))
	_ = relate("pin", "write:accounts", endorse(true))
	_ = relate("unpin", "write:accounts", endorse(false))
	_ = route("GET /api/v1/endorsements", "read:accounts", func(api *API, r *Request) (any, error) {
		return api.endorsements(r, r.User)
	})
	_ = route("GET /api/v1/accounts/{id}/endorsements", "", func(api *API, r *Request) (any, error) {
		a, err := api.target(r)
		if err != nil {
			return nil, err
		}
		return api.endorsements(r, a)
	})
)

func endorse(on bool) func(*API, *Request, *store.Actor) error {
	return func(api *API, r *Request, target *store.Actor) error {
		if on {
			follows, err := api.follows(r.Context(), r.User.ID, target.ID)
			if err != nil {
				return err
			}
			if !follows {
				return invalidField("You must be already following the person you want to endorse")
			}
		}
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetEndorsement(r.Context(), r.User.ID, target.ID, on) })
	}
}

func (api *API) endorsements(r *Request, a *store.Actor) (any, error) {
	page, err := r.page(somePeople)
	if err != nil {
		return nil, err
	}
	list, err := api.DB.Endorsements(r.Context(), a.ID, page)
	if err != nil {
		return nil, err
	}
	return api.drawPeople(r, list, page, prevBySince)
}

// maxFeatured is how many tags one may show on the profile.
const maxFeatured = 10

// featuredTag is FeaturedTag.
//
// spec: masto:entities/FeaturedTag
type featuredTag struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	URL    string  `json:"url"`
	Uses   string  `json:"statuses_count"`
	LastAt *string `json:"last_status_at"`
}

func (api *API) featuredTag(a *store.Actor, t *store.FeaturedTag) featuredTag {
	out := featuredTag{ID: itoa(t.ID), Name: t.Name, URL: t.URL, Uses: strconv.FormatInt(t.Uses, 10)}
	if a.Local {
		out.URL = api.URL + "/@" + a.Username + "/tagged/" + pathEscape(t.Folded)
	}
	if t.Last != 0 {
		day := time.UnixMilli(t.Last).UTC().Format(time.DateOnly)
		out.LastAt = &day
	}
	return out
}

func (api *API) featuredTags(ctx context.Context, a *store.Actor) ([]featuredTag, error) {
	list, err := api.DB.FeaturedTags(ctx, a.ID)
	all := []featuredTag{}
	for i := range list {
		all = append(all, api.featuredTag(a, &list[i]))
	}
	return all, err
}

// Tags that somebody shows on the profile.
//
// spec: masto:methods/featured_tags, masto:methods/accounts#featured_tags, masto:methods/tags#feature
var (
	_ = route("GET /api/v1/featured_tags", "read:accounts", func(api *API, r *Request) (any, error) {
		return api.featuredTags(r.Context(), r.User)
	})
	_ = route("GET /api/v1/accounts/{id}/featured_tags", "", func(api *API, r *Request) (any, error) {
		a, err := api.target(r)
		if err != nil {
			return nil, err
		}
		if !a.Local {
			if err := api.Pipeline.RefreshFeaturedTags(r.Context(), a); err != nil {
				return nil, err
			}
		}
		return api.featuredTags(r.Context(), a)
	})
	_ = route("POST /api/v1/featured_tags", "write:accounts", func(api *API, r *Request) (any, error) {
		t, err := api.feature(r, r.String("name"))
		if err != nil {
			return nil, err
		}
		list, err := api.DB.FeaturedTags(r.Context(), r.User.ID)
		for i := range list {
			if list[i].Tag == t.ID {
				return api.featuredTag(r.User, &list[i]), nil
			}
		}
		return nil, errors.Join(err, errNotFound())
	})
	_ = route("DELETE /api/v1/featured_tags/{id}", "write:accounts", func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		list, err := api.DB.FeaturedTags(r.Context(), r.User.ID)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if t.ID == id {
				return empty, api.unfeature(r, t.Tag)
			}
		}
		return nil, errNotFound()
	})
	_ = route("GET /api/v1/featured_tags/suggestions", "read:accounts", func(api *API, r *Request) (any, error) {
		list, err := api.DB.OftenUsedTags(r.Context(), r.User.ID, maxFeatured)
		if err != nil {
			return nil, err
		}
		return api.tags(r.Context(), r.User, list)
	})
	_ = route("POST /api/v1/tags/{name}/feature", "write:accounts", func(api *API, r *Request) (any, error) {
		_, display, err := tagName(r)
		if err != nil {
			return nil, err
		}
		t, err := api.feature(r, display)
		if err != nil {
			return nil, err
		}
		return api.oneTag(r, *t)
	})
	_ = route("POST /api/v1/tags/{name}/unfeature", "write:accounts", func(api *API, r *Request) (any, error) {
		name, _, err := tagName(r)
		if err != nil {
			return nil, err
		}
		t, err := api.DB.TagNamed(r.Context(), name)
		if err != nil {
			return nil, err
		}
		if err := api.unfeature(r, t.ID); err != nil {
			return nil, err
		}
		return api.oneTag(r, *t)
	})
)

func (api *API) oneTag(r *Request, t store.Tag) (any, error) {
	drawn, err := api.tags(r.Context(), r.User, []store.Tag{t})
	if err != nil {
		return nil, err
	}
	return drawn[0], nil
}

// feature has the person show a tag, spelt like this.
func (api *API) feature(r *Request, spelt string) (*store.Tag, error) {
	ctx := r.Context()
	found := markup.Scan("#"+trimSign(spelt), "text/plain").Hashtags
	if len(found) != 1 || found[0] != trimSign(spelt) {
		return nil, invalidField("Tag is invalid")
	}
	t := &store.Tag{Name: markup.FoldTag(found[0]), Display: found[0]}
	err := api.DB.Write(ctx, func(tx *store.Tx) error {
		var err error
		if t.ID, err = tx.EnsureTag(ctx, t.Name, t.Display); err != nil {
			return err
		}
		has, err := tx.FeaturedTags(ctx, r.User.ID)
		if err != nil {
			return err
		}
		for _, f := range has {
			if f.Tag == t.ID {
				return nil
			}
		}
		if len(has) >= maxFeatured {
			return fault.New(fault.Invalid, "Validation failed: You have already featured the maximum number of hashtags")
		}
		return tx.FeatureTag(ctx, r.User.ID, t.ID, t.Display, "")
	})
	return t, err
}

func (api *API) unfeature(r *Request, tag int64) error {
	return api.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := tx.UnfeatureTag(r.Context(), r.User.ID, tag)
		return err
	})
}

func trimSign(tag string) string {
	if len(tag) > 0 && tag[0] == '#' {
		return tag[1:]
	}
	return tag
}
