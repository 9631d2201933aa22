package mastodon

import (
	"context"
	"encoding/json"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// useOnDay is an entry of a history.
//
// spec: masto:entities/Tag#history
type useOnDay struct {
	Day      string `json:"day"` // Unix time of its midnight, UTC.
	Uses     string `json:"uses"`
	Accounts string `json:"accounts"`
}

// history draws the use of the last days, today first.
func (api *API) history(used *[store.HistoryDays]store.DayUse) []useOnDay {
	if used == nil {
		used = &[store.HistoryDays]store.DayUse{}
	}
	today := store.DayNumber(api.Now())
	all := make([]useOnDay, len(used))
	for i, u := range used {
		all[i] = useOnDay{strconv.FormatInt((today-int64(i))*86400, 10), strconv.FormatInt(u.Uses, 10), strconv.FormatInt(u.Accounts, 10)}
	}
	return all
}

// offsetPage reads limit and offset, and sets the Link header.
func (r *Request) offsetPage(size pageSize) (limit, offset int, err error) {
	if limit, err = r.limit(size); err != nil {
		return 0, 0, err
	}
	n, err := r.Int("offset", 0)
	if err != nil || n < 0 || n > 1000 {
		return 0, 0, fault.New(fault.Malformed, "offset must be a number from 0 to 1000.")
	}
	return limit, int(n), nil
}

// The first 10 tags, links, or 20 posts; up to twice as many.
var fewTrends = pageSize{10, 20}

// spec: masto:methods/trends
var (
	_ = route("GET /api/v1/trends", "", trendingTags)
	_ = route("GET /api/v1/trends/tags", "", trendingTags)
	_ = route("GET /api/v1/trends/links", "", func(api *API, r *Request) (any, error) {
		limit, offset, err := r.offsetPage(fewTrends)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.Trends(r.Context(), store.TrendLink, false, limit, offset)
		if err != nil {
			return nil, err
		}
		return api.trendingLinks(r, list, nil)
	})
	_ = route("GET /api/v1/trends/statuses", "", func(api *API, r *Request) (any, error) {
		list, err := api.trendingPosts(r, false)
		if err != nil {
			return nil, err
		}
		rel, err := api.relations(r.Context(), r.User)
		if err != nil {
			return nil, err
		}
		list = rel.wanted(list, "public", r.User, api.Now().UnixMilli())
		return r.drawn(appendStatuses(r.buffer(), list))
	})
)

func trendingTags(api *API, r *Request) (any, error) {
	limit, offset, err := r.offsetPage(fewTrends)
	if err != nil {
		return nil, err
	}
	list, err := api.DB.Trends(r.Context(), store.TrendTag, false, limit, offset)
	if err != nil {
		return nil, err
	}
	tags, err := api.rankedTags(r.Context(), list)
	if err != nil {
		return nil, err
	}
	return api.tags(r.Context(), r.User, tags)
}

// rankedTags are the tags of ranks, in their order.
func (api *API) rankedTags(ctx context.Context, list []store.Trend) ([]store.Tag, error) {
	found, err := api.DB.TagsWith(ctx, items(list))
	tags := []store.Tag{}
	for _, t := range list {
		if tag, ok := found[t.Item]; ok {
			tags = append(tags, tag)
		}
	}
	return tags, err
}

func items(list []store.Trend) []int64 {
	ids := make([]int64, len(list))
	for i, t := range list {
		ids[i] = t.Item
	}
	return ids
}

// trendingPosts are the posts that trend, as drawn; all of them for a moderator.
func (api *API) trendingPosts(r *Request, all bool) ([]*shown, error) {
	limit, offset, err := r.offsetPage(somePosts)
	if err != nil {
		return nil, err
	}
	list, err := api.DB.Trends(r.Context(), store.TrendStatus, all, limit, offset)
	if err != nil {
		return nil, err
	}
	return api.show(r.Context(), r.User, items(list))
}

// trendingLinks draws cards with their history. more adds to each what only
// moderators see; it may be nil.
//
// spec: masto:entities/PreviewCard#trends-link
func (api *API) trendingLinks(r *Request, list []store.Trend, more func(o *object, t store.Trend, c *store.Card)) (any, error) {
	ctx := r.Context()
	cards, err := api.DB.Cards(ctx, items(list))
	if err != nil {
		return nil, err
	}
	used, err := api.DB.History(ctx, store.TrendLink, items(list), store.DayNumber(api.Now()))
	if err != nil {
		return nil, err
	}
	var people []int64
	for _, c := range cards {
		for _, a := range c.Authors {
			people = append(people, a.Actor)
		}
	}
	authors, err := api.people(ctx, people)
	if err != nil {
		return nil, err
	}
	var drawn [][]byte
	for _, t := range list {
		c := cards[t.Item]
		if c == nil {
			continue // Its page has none any more.
		}
		history, err := json.Marshal(api.history(used[t.Item]))
		if err != nil {
			return nil, err
		}
		o := begin(nil)
		api.draw.cardBody(o, c, authors)
		o.raw("history", string(history))
		if more != nil {
			more(o, t, c)
		}
		drawn = append(drawn, o.close())
	}
	return r.drawn(appendAll(r.buffer(), drawn))
}
