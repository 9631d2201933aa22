package mastodon

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Accounts that want to be discovered. Those that the person blocks, mutes or is
// blocked by are left out of the page.
//
// spec: masto:methods/directory#get
var _ = route("GET /api/v1/directory", "", func(api *API, r *Request) (any, error) {
	ctx := r.Context()
	limit, err := r.limit(somePeople)
	if err != nil {
		return nil, err
	}
	offset, err := r.Int("offset", 0)
	if err != nil || offset < 0 {
		return nil, fault.New(fault.Malformed, "offset must be a number.")
	}
	order := r.String("order")
	if order != "" && order != "active" && order != "new" {
		return nil, fault.New(fault.Malformed, "order must be active or new.")
	}
	ids, err := api.DB.Directory(ctx, store.DirectoryQuery{New: order == "new", Local: r.Bool("local", false), Limit: limit, Offset: int(min(offset, store.MaxDirectory))})
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, r.User)
	if err != nil {
		return nil, err
	}
	now := api.Now().UnixMilli()
	return api.drawnPeople(ctx, slices.DeleteFunc(ids, func(id int64) bool { return rel.avoids(id, now) }))
})

// Why somebody is suggested, in the order in which suggestions are shown, and what
// the older word for it is.
//
// spec: masto:entities/Suggestion#sources
var reasons = []struct{ name, old string }{
	{"featured", "staff"},
	{"friends_of_friends", "past_interactions"},
	{"similar_to_recently_followed", "past_interactions"},
	{"most_followed", "global"},
	{"most_interactions", "global"},
}

// suggestion is somebody to follow, and why: indexes of reasons.
type suggestion struct {
	id  int64
	why []int
}

const (
	suggestionLife = 10 * 60_000 // ms
	maxSuggested   = 80
	maxSuggestedTo = 500 // People whose suggestions are kept.
)

// popular are suggestions that are the same for everybody, as far as nobody knows them
// yet; they are computed now and then.
type popular struct {
	mu    sync.Mutex
	until time.Time
	lists [5][]int64 // By reason.
}

// popularPeople returns the accounts of each reason that are the same for everybody.
func (api *API) popularPeople(ctx context.Context) (lists [5][]int64, err error) {
	p := &api.popular
	p.mu.Lock()
	defer p.mu.Unlock()
	if api.Now().Before(p.until) {
		return p.lists, nil
	}
	for _, handle := range api.Settings.FeaturedAccounts {
		if a, err := api.byHandle(ctx, handle); err == nil {
			lists[0] = append(lists[0], a.ID)
		}
	}
	if lists[3], err = api.DB.MostFollowed(ctx); err != nil {
		return lists, err
	}
	if lists[4], err = api.DB.MostInteractions(ctx); err != nil {
		return lists, err
	}
	p.lists, p.until = lists, api.Now().Add(suggestionLife*time.Millisecond)
	return lists, nil
}

// suggestions returns whom a person may want to follow, from the cache where it was
// asked lately. What the person did since is left out at once.
func (api *API) suggestions(ctx context.Context, viewer *store.Actor, limit int) ([]suggestion, error) {
	now := api.Now().UnixMilli()
	all, epoch, ok := get(api.cache, api.cache.suggested, viewer.ID, now)
	if !ok {
		lists, err := api.popularPeople(ctx)
		if err != nil {
			return nil, err
		}
		if lists[1], err = api.DB.FriendsOfFriends(ctx, viewer.ID); err != nil {
			return nil, err
		}
		if lists[2], err = api.DB.SimilarToFollowed(ctx, viewer.ID); err != nil {
			return nil, err
		}
		all = mixed(lists)
		keep(api.cache, api.cache.suggested, viewer.ID, all, epoch, now+suggestionLife, maxSuggestedTo)
	}
	ids := make([]int64, len(all))
	for i, s := range all {
		ids[i] = s.id
	}
	known, err := api.DB.NotSuggested(ctx, viewer.ID, ids, now)
	if err != nil {
		return nil, err
	}
	var some []suggestion
	for _, s := range all {
		if !known[s.id] && len(some) < limit {
			some = append(some, s)
		}
	}
	return some, nil
}

// mixed makes one list of those of each reason: featured ones first, then the first of
// each, the second, and so on.
func mixed(lists [5][]int64) []suggestion {
	at := map[int64]int{}
	var all []suggestion
	add := func(id int64, why int) {
		i, ok := at[id]
		if !ok {
			i = len(all)
			at[id] = i
			all = append(all, suggestion{id: id})
		}
		all[i].why = append(all[i].why, why)
	}
	for _, id := range lists[0] {
		add(id, 0)
	}
	for i := range maxSuggested {
		for why := 1; why < len(lists); why++ {
			if i < len(lists[why]) {
				add(lists[why][i], why)
			}
		}
	}
	for i := range all {
		slices.Sort(all[i].why)
	}
	return all
}

// suggestionEntity is Suggestion.
type suggestionEntity struct {
	Source  string          `json:"source"`
	Sources []string        `json:"sources"`
	Account json.RawMessage `json:"account"`
}

// spec: masto:methods/suggestions#v2, #v1, #remove
var (
	_ = route("GET /api/v2/suggestions", "read", func(api *API, r *Request) (any, error) {
		list, drawn, err := api.suggested(r)
		if err != nil {
			return nil, err
		}
		all := []suggestionEntity{}
		for _, s := range list {
			one := drawn[s.id]
			if one == nil {
				continue
			}
			e := suggestionEntity{Source: reasons[s.why[0]].old, Account: one.json}
			for _, why := range s.why {
				e.Sources = append(e.Sources, reasons[why].name)
			}
			all = append(all, e)
		}
		return all, nil
	})
	_ = route("GET /api/v1/suggestions", "read", func(api *API, r *Request) (any, error) {
		list, drawn, err := api.suggested(r)
		if err != nil {
			return nil, err
		}
		all := [][]byte{}
		for _, s := range list {
			if one := drawn[s.id]; one != nil {
				all = append(all, one.json)
			}
		}
		return r.drawn(appendAll(r.buffer(), all))
	})
	_ = route("DELETE /api/v1/suggestions/{id}", "read", func(api *API, r *Request) (any, error) {
		target, err := api.target(r)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DismissSuggestion(r.Context(), r.User.ID, target.ID) })
	})
)

func (api *API) suggested(r *Request) ([]suggestion, map[int64]*face, error) {
	limit, err := r.limit(somePeople)
	if err != nil {
		return nil, nil, err
	}
	list, err := api.suggestions(r.Context(), r.User, limit)
	if err != nil {
		return nil, nil, err
	}
	ids := make([]int64, len(list))
	for i, s := range list {
		ids[i] = s.id
	}
	drawn, err := api.people(r.Context(), ids)
	return list, drawn, err
}
