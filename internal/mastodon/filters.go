package mastodon

import (
	"slices"
	"strings"
	"time"

	"kenoma/internal/store"
)

// filterEntity is Filter with all that it looks for.
//
// spec: masto:entities/Filter
type filterEntity struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Context  []string        `json:"context"`
	Expires  *string         `json:"expires_at"`
	Action   string          `json:"filter_action"`
	Keywords []keywordEntity `json:"keywords"`
	Statuses []caughtEntity  `json:"statuses"`
}

// spec: masto:entities/FilterKeyword
type keywordEntity struct {
	ID        string `json:"id"`
	Keyword   string `json:"keyword"`
	WholeWord bool   `json:"whole_word"`
}

// spec: masto:entities/FilterStatus
type caughtEntity struct {
	ID     string `json:"id"`
	Status string `json:"status_id"`
}

func newFilter(f *store.Filter) filterEntity {
	out := filterEntity{ID: itoa(f.ID), Title: f.Title, Context: strings.Split(f.Contexts, ","), Expires: isoTime(f.Expires), Action: f.Action,
		Keywords: []keywordEntity{}, Statuses: []caughtEntity{}}
	for i := range f.Keywords {
		out.Keywords = append(out.Keywords, newKeyword(&f.Keywords[i]))
	}
	for _, s := range f.Statuses {
		out.Statuses = append(out.Statuses, caughtEntity{itoa(s.ID), itoa(s.Status)})
	}
	return out
}

func newKeyword(k *store.FilterKeyword) keywordEntity {
	return keywordEntity{itoa(k.ID), k.Keyword, k.WholeWord}
}

// Where filters work, and what they do with what they catch.
var (
	filterContexts = []string{"home", "notifications", "public", "thread", "account"}
	filterActions  = []string{"warn", "hide", "blur"}
)

// Bounds of what one person filters: each post is held against all of it.
const (
	maxFilters  = 200
	maxKeywords = 500 // Of one filter.
	maxWord     = 500 // Characters.
)

// readFilter takes over what a request says of a filter.
func (api *API) readFilter(r *Request, f *store.Filter) error {
	if r.Has("title") || f.ID == 0 {
		f.Title = strings.TrimSpace(r.String("title"))
	}
	if f.Title == "" {
		return invalidField("Title can't be blank")
	}
	if action := r.String("filter_action"); action != "" {
		if !slices.Contains(filterActions, action) {
			return invalidField("Action is not included in the list")
		}
		f.Action = action
	}
	return api.readScope(r, f)
}

// readScope takes over where and how long a filter works: what both versions of the
// API call the same.
func (api *API) readScope(r *Request, f *store.Filter) error {
	if contexts := r.Strings("context"); len(contexts) > 0 || f.ID == 0 {
		kept := []string{}
		for _, c := range contexts {
			if !slices.Contains(filterContexts, c) {
				return invalidField("Context None or invalid context supplied")
			}
			if !slices.Contains(kept, c) {
				kept = append(kept, c)
			}
		}
		if len(kept) == 0 {
			return invalidField("Context None or invalid context supplied")
		}
		f.Contexts = strings.Join(kept, ",")
	}
	if !r.Has("expires_in") {
		return nil
	}
	f.Expires = 0
	if r.String("expires_in") == "" {
		return nil // null: for good.
	}
	seconds, err := r.Int("expires_in", 0)
	if err != nil {
		return err
	}
	if seconds < 0 || seconds > maxDuration {
		return invalidField("Expires in is out of range")
	}
	if seconds > 0 { // Some apps send 0 for "never".
		f.Expires = api.Now().Add(time.Duration(seconds) * time.Second).UnixMilli()
	}
	return nil
}

// readKeyword takes over what a request says of a keyword.
func readKeyword(p Params, k *store.FilterKeyword) error {
	if p.Has("keyword") || k.ID == 0 {
		k.Keyword = strings.TrimSpace(p.String("keyword"))
	}
	k.WholeWord = p.Bool("whole_word", k.WholeWord || k.ID == 0)
	return checkKeyword(k)
}

func checkKeyword(k *store.FilterKeyword) error {
	if k.Keyword == "" {
		return invalidField("Keyword can't be blank")
	}
	if len([]rune(k.Keyword)) > maxWord {
		return invalidField("Keyword is too long (maximum is %d characters)", maxWord)
	}
	return nil
}

// readKeywords reads keywords_attributes: new ones, changes of f's by their id, and
// those that go.
func readKeywords(r *Request, f *store.Filter) (save []store.FilterKeyword, drop []int64, err error) {
	left := len(f.Keywords)
	for _, p := range r.List("keywords_attributes") {
		k := store.FilterKeyword{Filter: f.ID}
		if p.String("id") != "" {
			i := slices.IndexFunc(f.Keywords, func(k store.FilterKeyword) bool { return itoa(k.ID) == p.String("id") })
			if i < 0 {
				return nil, nil, errNotFound()
			}
			k = f.Keywords[i]
			if p.Bool("_destroy", false) {
				drop = append(drop, k.ID)
				left--
				continue
			}
		} else {
			left++
		}
		if err := readKeyword(p, &k); err != nil {
			return nil, nil, err
		}
		save = append(save, k)
	}
	if left > maxKeywords {
		return nil, nil, invalidField("Keywords are too many (maximum is %d)", maxKeywords)
	}
	return save, drop, nil
}

// saveFilter writes a filter with the changes of its keywords, and answers with it.
func (api *API) saveFilter(r *Request, f *store.Filter) (any, error) {
	if err := api.readFilter(r, f); err != nil {
		return nil, err
	}
	save, drop, err := readKeywords(r, f)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	err = api.changePrivate(r, "filters_changed", func(tx *store.Tx) error {
		if err := tx.SaveFilter(ctx, f); err != nil {
			return err
		}
		for _, id := range drop {
			if err := tx.DropKeyword(ctx, id); err != nil {
				return err
			}
		}
		for i := range save {
			save[i].Filter = f.ID
			if err := tx.SaveKeyword(ctx, &save[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if f, err = api.DB.Filter(ctx, r.User.ID, f.ID); err != nil {
		return nil, err
	}
	return newFilter(f), nil
}

// ownFilter returns the person's filter that the path names.
func (api *API) ownFilter(r *Request) (*store.Filter, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return api.DB.Filter(r.Context(), r.User.ID, id)
}

// roomForFilter refuses one filter too many.
func (api *API) roomForFilter(r *Request) error {
	all, err := api.DB.Filters(r.Context(), r.User.ID)
	if err == nil && len(all) >= maxFilters {
		err = invalidField("You can have %d filters at most", maxFilters)
	}
	return err
}

// spec: masto:methods/filters
var (
	_ = route("GET /api/v2/filters", "read:filters", func(api *API, r *Request) (any, error) {
		filters, err := api.DB.Filters(r.Context(), r.User.ID)
		all := []filterEntity{}
		for i := range filters {
			all = append(all, newFilter(&filters[i]))
		}
		return all, err
	})
	_ = route("GET /api/v2/filters/{id}", "read:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		return newFilter(f), nil
	})
	_ = route("POST /api/v2/filters", "write:filters", func(api *API, r *Request) (any, error) {
		if err := api.roomForFilter(r); err != nil {
			return nil, err
		}
		return api.saveFilter(r, &store.Filter{Owner: r.User.ID, Action: "warn"})
	})
	_ = route("PUT /api/v2/filters/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		return api.saveFilter(r, f)
	})
	_ = route("DELETE /api/v2/filters/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		return empty, api.changePrivate(r, "filters_changed", func(tx *store.Tx) error { return tx.DropFilter(r.Context(), f.ID) })
	})
)

// ownKeyword returns the keyword that the path names with its filter.
func (api *API) ownKeyword(r *Request) (*store.Filter, *store.FilterKeyword, error) {
	filters, err := api.DB.Filters(r.Context(), r.User.ID)
	if err != nil {
		return nil, nil, err
	}
	for i := range filters {
		for j := range filters[i].Keywords {
			if itoa(filters[i].Keywords[j].ID) == r.PathValue("id") {
				return &filters[i], &filters[i].Keywords[j], nil
			}
		}
	}
	return nil, nil, errNotFound()
}

func (api *API) saveKeyword(r *Request, k *store.FilterKeyword) (any, error) {
	if err := readKeyword(r.Params, k); err != nil {
		return nil, err
	}
	if err := api.changePrivate(r, "filters_changed", func(tx *store.Tx) error { return tx.SaveKeyword(r.Context(), k) }); err != nil {
		return nil, err
	}
	return newKeyword(k), nil
}

// spec: masto:methods/filters#keywords-get and the following
var (
	_ = route("GET /api/v2/filters/{id}/keywords", "read:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		return newFilter(f).Keywords, nil
	})
	_ = route("POST /api/v2/filters/{id}/keywords", "write:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		if len(f.Keywords) >= maxKeywords {
			return nil, invalidField("Keywords are too many (maximum is %d)", maxKeywords)
		}
		return api.saveKeyword(r, &store.FilterKeyword{Filter: f.ID})
	})
	_ = route("GET /api/v2/filters/keywords/{id}", "read:filters", func(api *API, r *Request) (any, error) {
		_, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return newKeyword(k), nil
	})
	_ = route("PUT /api/v2/filters/keywords/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		_, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return api.saveKeyword(r, k)
	})
	_ = route("DELETE /api/v2/filters/keywords/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		_, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return empty, api.changePrivate(r, "filters_changed", func(tx *store.Tx) error { return tx.DropKeyword(r.Context(), k.ID) })
	})
)

// ownCaught returns the caught status that the path names.
func (api *API) ownCaught(r *Request) (*store.FilterStatus, error) {
	filters, err := api.DB.Filters(r.Context(), r.User.ID)
	if err != nil {
		return nil, err
	}
	for i := range filters {
		for j := range filters[i].Statuses {
			if itoa(filters[i].Statuses[j].ID) == r.PathValue("id") {
				return &filters[i].Statuses[j], nil
			}
		}
	}
	return nil, errNotFound()
}

// spec: masto:methods/filters#statuses-get and the following
var (
	_ = route("GET /api/v2/filters/{id}/statuses", "read:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		return newFilter(f).Statuses, nil
	})
	_ = route("POST /api/v2/filters/{id}/statuses", "write:filters", func(api *API, r *Request) (any, error) {
		f, err := api.ownFilter(r)
		if err != nil {
			return nil, err
		}
		st, err := api.visiblePost(r.Context(), r.User, r.String("status_id"))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(f.Statuses, func(s store.FilterStatus) bool { return s.Status == st.ID }) {
			return nil, invalidField("Status has already been taken")
		}
		caught := store.FilterStatus{Filter: f.ID, Status: st.ID}
		if err := api.changePrivate(r, "filters_changed", func(tx *store.Tx) error { return tx.AddFilterStatus(r.Context(), &caught) }); err != nil {
			return nil, err
		}
		return caughtEntity{itoa(caught.ID), itoa(caught.Status)}, nil
	})
	_ = route("GET /api/v2/filters/statuses/{id}", "read:filters", func(api *API, r *Request) (any, error) {
		s, err := api.ownCaught(r)
		if err != nil {
			return nil, err
		}
		return caughtEntity{itoa(s.ID), itoa(s.Status)}, nil
	})
	_ = route("DELETE /api/v2/filters/statuses/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		s, err := api.ownCaught(r)
		if err != nil {
			return nil, err
		}
		return caughtEntity{itoa(s.ID), itoa(s.Status)}, api.changePrivate(r, "filters_changed", func(tx *store.Tx) error { return tx.DropFilterStatus(r.Context(), s.ID) })
	})
)
