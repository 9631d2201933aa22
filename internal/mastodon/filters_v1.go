package mastodon

import (
	"strings"

	"kenoma/internal/store"
)

// oldFilter is V1::Filter: each keyword of a filter is one of its own, under the
// keyword's id.
//
// spec: masto:entities/V1_Filter
type oldFilter struct {
	ID           string   `json:"id"`
	Phrase       string   `json:"phrase"`
	Context      []string `json:"context"`
	Expires      *string  `json:"expires_at"`
	Irreversible bool     `json:"irreversible"`
	WholeWord    bool     `json:"whole_word"`
}

func newOldFilter(f *store.Filter, k *store.FilterKeyword) oldFilter {
	return oldFilter{itoa(k.ID), k.Keyword, strings.Split(f.Contexts, ","), isoTime(f.Expires), f.Action == "hide", k.WholeWord}
}

// saveOldFilter writes a filter and the keyword that stands for it.
func (api *API) saveOldFilter(r *Request, f *store.Filter, k *store.FilterKeyword) (any, error) {
	if r.Has("phrase") || k.ID == 0 {
		k.Keyword = strings.TrimSpace(r.String("phrase"))
	}
	if k.Keyword == "" {
		return nil, invalidField("Phrase can't be blank")
	}
	if err := checkKeyword(k); err != nil {
		return nil, err
	}
	k.WholeWord = r.Bool("whole_word", k.WholeWord || k.ID == 0)
	if f.ID == 0 {
		f.Title = k.Keyword
	}
	if r.Has("irreversible") {
		f.Action = "warn"
		if r.Bool("irreversible", false) {
			f.Action = "hide"
		}
	}
	if err := api.readScope(r, f); err != nil {
		return nil, err
	}
	err := api.changePrivate(r, "filters_changed", func(tx *store.Tx) error {
		if err := tx.SaveFilter(r.Context(), f); err != nil {
			return err
		}
		k.Filter = f.ID
		return tx.SaveKeyword(r.Context(), k)
	})
	if err != nil {
		return nil, err
	}
	return newOldFilter(f, k), nil
}

// spec: masto:methods/filters#v1
var (
	_ = route("GET /api/v1/filters", "read:filters", func(api *API, r *Request) (any, error) {
		filters, err := api.DB.Filters(r.Context(), r.User.ID)
		all := []oldFilter{}
		for i := range filters {
			for j := range filters[i].Keywords {
				all = append(all, newOldFilter(&filters[i], &filters[i].Keywords[j]))
			}
		}
		return all, err
	})
	_ = route("GET /api/v1/filters/{id}", "read:filters", func(api *API, r *Request) (any, error) {
		f, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return newOldFilter(f, k), nil
	})
	_ = route("POST /api/v1/filters", "write:filters", func(api *API, r *Request) (any, error) {
		if err := api.roomForFilter(r); err != nil {
			return nil, err
		}
		return api.saveOldFilter(r, &store.Filter{Owner: r.User.ID, Action: "warn"}, &store.FilterKeyword{})
	})
	_ = route("PUT /api/v1/filters/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		f, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return api.saveOldFilter(r, f, k)
	})
	_ = route("DELETE /api/v1/filters/{id}", "write:filters", func(api *API, r *Request) (any, error) {
		f, k, err := api.ownKeyword(r)
		if err != nil {
			return nil, err
		}
		return empty, api.changePrivate(r, "filters_changed", func(tx *store.Tx) error {
			if len(f.Keywords) == 1 && len(f.Statuses) == 0 {
				return tx.DropFilter(r.Context(), f.ID)
			}
			return tx.DropKeyword(r.Context(), k.ID)
		})
	})
)
