package mastodon

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"kenoma/internal/store"
)

// adminTag is Admin::Tag.
//
// spec: masto:entities/Tag#admin
type adminTag struct {
	tagEntity
	Trendable      bool `json:"trendable"`
	Usable         bool `json:"usable"`
	RequiresReview bool `json:"requires_review"`
}

// publisherEntity is the provider of links, which moderators approve as a whole.
type publisherEntity struct {
	ID             string `json:"id"`
	Domain         string `json:"domain"`
	Trendable      bool   `json:"trendable"`
	RequiresReview bool   `json:"requires_review"`
}

const manageTrends = store.ManageTaxonomies

// What trends, or would if a moderator let it; the reviewed ones too.
//
// spec: masto:methods/admin/trends
var (
	_ = admin("GET /api/v1/admin/trends/tags", "admin:read", manageTrends, func(api *API, r *Request) (any, error) {
		limit, offset, err := r.offsetPage(fewTrends)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Trends(r.Context(), store.TrendTag, true, limit, offset)
		if err != nil {
			return nil, err
		}
		tags, err := api.rankedTags(r.Context(), list)
		if err != nil {
			return nil, err
		}
		return api.adminTags(r, tags)
	})
	_ = admin("POST /api/v1/admin/trends/tags/{id}/approve", "admin:write", manageTrends, reviewTag(true))
	_ = admin("POST /api/v1/admin/trends/tags/{id}/reject", "admin:write", manageTrends, reviewTag(false))

	_ = admin("GET /api/v1/admin/trends/links", "admin:read", manageTrends, func(api *API, r *Request) (any, error) {
		limit, offset, err := r.offsetPage(fewTrends)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Trends(r.Context(), store.TrendLink, true, limit, offset)
		if err != nil {
			return nil, err
		}
		return api.adminLinks(r, list)
	})
	_ = admin("POST /api/v1/admin/trends/links/{id}/approve", "admin:write", manageTrends, reviewLink(true))
	_ = admin("POST /api/v1/admin/trends/links/{id}/reject", "admin:write", manageTrends, reviewLink(false))
	_ = admin("GET /api/v1/admin/trends/links/publishers", "admin:read", manageTrends, func(api *API, r *Request) (any, error) {
		return api.publishers(r.Context())
	})
	_ = admin("POST /api/v1/admin/trends/links/publishers/{id}/approve", "admin:write", manageTrends, reviewPublisher(true))
	_ = admin("POST /api/v1/admin/trends/links/publishers/{id}/reject", "admin:write", manageTrends, reviewPublisher(false))

	_ = admin("GET /api/v1/admin/trends/statuses", "admin:read", manageTrends, func(api *API, r *Request) (any, error) {
		list, err := api.trendingPosts(r, true)
		if err != nil {
			return nil, err
		}
		return r.drawn(appendStatuses(r.buffer(), list))
	})
	_ = admin("POST /api/v1/admin/trends/statuses/{id}/approve", "admin:write", manageTrends, reviewPost(true))
	_ = admin("POST /api/v1/admin/trends/statuses/{id}/reject", "admin:write", manageTrends, reviewPost(false))
)

// adminTags draws tags with what moderators said of them.
func (api *API) adminTags(r *Request, tags []store.Tag) ([]adminTag, error) {
	drawn, err := api.tags(r.Context(), r.User, tags)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Name
	}
	said, err := api.DB.Reviews(r.Context(), store.TrendTag, names)
	if err != nil {
		return nil, err
	}
	all := []adminTag{}
	for i, t := range drawn {
		allowed, decided := said[names[i]]
		t.ID = itoa(tags[i].ID) // By which it is approved.
		all = append(all, adminTag{t, allowed || !decided && !api.Pipeline.Trends.Review, true, !decided})
	}
	return all, nil
}

func reviewTag(allowed bool) handler {
	return func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		tags, err := api.DB.TagsWith(r.Context(), []int64{id})
		if err != nil {
			return nil, err
		}
		t, ok := tags[id]
		if !ok {
			return nil, errNotFound()
		}
		if err := api.Pipeline.Reviewed(r.Context(), r.User.ID, store.TrendTag, t.Name, id, allowed); err != nil {
			return nil, err
		}
		drawn, err := api.adminTags(r, []store.Tag{t})
		if err != nil {
			return nil, err
		}
		return drawn[0], nil
	}
}

// adminLinks draws links with their number and whether they wait for a review.
func (api *API) adminLinks(r *Request, list []store.Trend) (any, error) {
	cards, err := api.DB.Cards(r.Context(), items(list))
	if err != nil {
		return nil, err
	}
	var urls, hosts []string
	for _, c := range cards {
		urls, hosts = append(urls, c.URL), append(hosts, store.Publisher(c.URL))
	}
	own, err := api.DB.Reviews(r.Context(), store.TrendLink, urls)
	if err != nil {
		return nil, err
	}
	of, err := api.DB.Reviews(r.Context(), store.TrendPublisher, hosts)
	if err != nil {
		return nil, err
	}
	return api.trendingLinks(r, list, func(o *object, t store.Trend, c *store.Card) {
		_, decided := store.Verdict(own, of, c.URL, store.Publisher(c.URL))
		o.id("id", t.Item)
		o.flag("requires_review", !decided)
	})
}

func reviewLink(allowed bool) handler {
	return func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		card, err := api.DB.Card(r.Context(), id)
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.Reviewed(r.Context(), r.User.ID, store.TrendLink, card.URL, id, allowed); err != nil {
			return nil, err
		}
		return api.oneOf(r, store.Trend{Kind: store.TrendLink, Item: id})
	}
}

// oneOf draws one link as moderators see it.
func (api *API) oneOf(r *Request, t store.Trend) (any, error) {
	drawn, err := api.adminLinks(r, []store.Trend{t})
	if err != nil {
		return nil, err
	}
	list, ok := drawn.(json.RawMessage)
	if !ok || len(list) < 3 {
		return nil, errNotFound()
	}
	return r.drawn(list[1 : len(list)-1])
}

// publishers are the hosts of links that trend, and those that were reviewed.
func (api *API) publishers(ctx context.Context) ([]publisherEntity, error) {
	const most = 200
	list, err := api.DB.Trends(ctx, store.TrendLink, true, most, 0)
	if err != nil {
		return nil, err
	}
	cards, err := api.DB.Cards(ctx, items(list))
	if err != nil {
		return nil, err
	}
	said, err := api.DB.ReviewedNames(ctx, store.TrendPublisher, most)
	if err != nil {
		return nil, err
	}
	hosts := map[string]bool{}
	for _, c := range cards {
		hosts[store.Publisher(c.URL)] = true
	}
	for host := range said {
		hosts[host] = true
	}
	all := []publisherEntity{}
	for host := range hosts {
		allowed, decided := said[host]
		all = append(all, publisherEntity{itoa(store.PublisherID(host)), host, allowed || !decided && !api.Pipeline.Trends.Review, !decided})
	}
	slices.SortFunc(all, func(a, b publisherEntity) int { return strings.Compare(a.Domain, b.Domain) })
	return all, nil
}

func reviewPublisher(allowed bool) handler {
	return func(api *API, r *Request) (any, error) {
		all, err := api.publishers(r.Context())
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(p publisherEntity) bool { return p.ID == r.PathValue("id") })
		if i < 0 {
			return nil, errNotFound()
		}
		if err := api.Pipeline.Reviewed(r.Context(), r.User.ID, store.TrendPublisher, all[i].Domain, 0, allowed); err != nil {
			return nil, err
		}
		all[i].Trendable, all[i].RequiresReview = allowed, false
		return all[i], nil
	}
}

// reviewPost lets a post trend, or not.
func reviewPost(allowed bool) handler {
	return func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.Reviewed(ctx, r.User.ID, store.TrendStatus, store.IDName(st.ID), st.ID, allowed); err != nil {
			return nil, err
		}
		return api.drawStatus(r, st.ID)
	}
}
