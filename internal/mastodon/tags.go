package mastodon

import (
	"context"
	"errors"
	"strings"

	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// tagEntity is Tag.
//
// spec: masto:entities/Tag
type tagEntity struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	URL       string     `json:"url"`
	History   []useOnDay `json:"history"`
	Following bool       `json:"following"`
	Featuring bool       `json:"featuring"`
}

// tag draws a tag; used is nil where it was not used of late.
func (api *API) tag(name, display string, following bool, used *[store.HistoryDays]store.DayUse) tagEntity {
	return tagEntity{ID: name, Name: display, URL: api.URL + "/tags/" + pathEscape(name), History: api.history(used), Following: following}
}

// tags draws tags, with what the viewer has to do with them; nil is nobody.
func (api *API) tags(ctx context.Context, viewer *store.Actor, list []store.Tag) ([]tagEntity, error) {
	var follows, features map[int64]bool
	ids := make([]int64, len(list))
	for i, t := range list {
		ids[i] = t.ID
	}
	used, err := api.DB.History(ctx, store.TrendTag, ids, store.DayNumber(api.Now()))
	if err != nil {
		return nil, err
	}
	if viewer != nil {
		if follows, err = api.DB.FollowsTags(ctx, viewer.ID, ids); err != nil {
			return nil, err
		}
		if features, err = api.DB.FeaturesTags(ctx, viewer.ID, ids); err != nil {
			return nil, err
		}
	}
	all := []tagEntity{}
	for _, t := range list {
		all = append(all, api.tag(t.Name, t.Display, follows[t.ID], used[t.ID]))
		all[len(all)-1].Featuring = features[t.ID]
	}
	return all, nil
}

// tagName reads the tag that the path names; what can't be a tag is not found.
func tagName(r *Request) (name, display string, err error) {
	display = strings.TrimPrefix(r.PathValue("name"), "#")
	found := markup.Scan("#"+display, "text/plain").Hashtags
	if len(found) != 1 || found[0] != display {
		return "", "", errNotFound()
	}
	return markup.FoldTag(display), display, nil
}

// spec: masto:methods/tags, masto:methods/followed_tags
var (
	_ = route("GET /api/v1/tags/{name}", "", func(api *API, r *Request) (any, error) {
		name, display, err := tagName(r)
		if err != nil {
			return nil, err
		}
		t, err := api.DB.TagNamed(r.Context(), name)
		if errors.Is(err, store.ErrNotFound) {
			return api.tag(name, display, false, nil), nil // Nobody has used it yet.
		} else if err != nil {
			return nil, err
		}
		drawn, err := api.tags(r.Context(), r.User, []store.Tag{*t})
		if err != nil {
			return nil, err
		}
		return drawn[0], nil
	})
	_ = route("POST /api/v1/tags/{name}/follow", "write:follows", followTag(true))
	_ = route("POST /api/v1/tags/{name}/unfollow", "write:follows", followTag(false))
	_ = route("GET /api/v1/followed_tags", "read:follows", func(api *API, r *Request) (any, error) {
		page, err := r.page(manyRows)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.FollowedTags(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		tags := []store.Tag{}
		for _, t := range list {
			tags = append(tags, t.Tag)
		}
		all, err := api.tags(r.Context(), r.User, tags)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevBySince, list[0].At, list[len(list)-1].At, len(list) == page.Limit || page.Min != 0)
		}
		return all, nil
	})
)

func followTag(on bool) handler {
	return func(api *API, r *Request) (any, error) {
		name, display, err := tagName(r)
		if err != nil {
			return nil, err
		}
		err = api.DB.Write(r.Context(), func(tx *store.Tx) error {
			id, err := tx.EnsureTag(r.Context(), name, display)
			if err != nil {
				return err
			}
			return tx.SetTagFollow(r.Context(), r.User.ID, id, on)
		})
		if err != nil {
			return nil, err
		}
		t, err := api.DB.TagNamed(r.Context(), name)
		if err != nil {
			return nil, err
		}
		return api.oneTag(r, store.Tag{ID: t.ID, Name: name, Display: display})
	}
}
