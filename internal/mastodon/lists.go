package mastodon

import (
	"errors"
	"slices"

	"kenoma/internal/store"
)

// listEntity is List.
//
// spec: masto:entities/List
type listEntity struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Replies   string `json:"replies_policy"`
	Exclusive bool   `json:"exclusive"`
}

func newList(l *store.List) listEntity {
	return listEntity{itoa(l.ID), l.Title, l.Replies, l.Exclusive}
}

func newLists(lists []store.List) []listEntity {
	all := []listEntity{}
	for i := range lists {
		all = append(all, newList(&lists[i]))
	}
	return all
}

// repliesPolicies are whose answers a list shows.
var repliesPolicies = []string{"followed", "list", "none"}

const (
	maxTitle   = 255
	maxMembers = 500 // In one request.
)

// ownList returns the list that the path names, of the person.
func (api *API) ownList(r *Request) (*store.List, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return api.DB.List(r.Context(), r.User.ID, id)
}

// readList takes over what a request says of a list.
func readList(r *Request, l *store.List) error {
	if r.Has("title") || l.ID == 0 {
		l.Title = r.String("title")
	}
	if l.Title == "" {
		return invalidField("Title can't be blank")
	}
	if len([]rune(l.Title)) > maxTitle {
		return invalidField("Title is too long (maximum is %d characters)", maxTitle)
	}
	if policy := r.String("replies_policy"); policy != "" {
		if !slices.Contains(repliesPolicies, policy) {
			return invalidField("'%s' is not a valid replies_policy", policy)
		}
		l.Replies = policy
	}
	l.Exclusive = r.Bool("exclusive", l.Exclusive)
	return nil
}

// spec: masto:methods/lists
var (
	_ = route("GET /api/v1/lists", "read:lists", func(api *API, r *Request) (any, error) {
		lists, err := api.DB.Lists(r.Context(), r.User.ID)
		return newLists(lists), err
	})
	_ = route("GET /api/v1/lists/{id}", "read:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		return newList(l), nil
	})
	_ = route("POST /api/v1/lists", "write:lists", func(api *API, r *Request) (any, error) {
		return api.saveList(r, &store.List{Owner: r.User.ID, Replies: "list"})
	})
	_ = route("PUT /api/v1/lists/{id}", "write:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		return api.saveList(r, l)
	})
	_ = route("DELETE /api/v1/lists/{id}", "write:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DropList(r.Context(), l.ID) })
	})
)

func (api *API) saveList(r *Request, l *store.List) (any, error) {
	if err := readList(r, l); err != nil {
		return nil, err
	}
	if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SaveList(r.Context(), l) }); err != nil {
		return nil, err
	}
	return newList(l), nil
}

// Who is in a list. Only people whom one follows can be added.
//
// spec: masto:methods/lists#accounts
var (
	_ = route("GET /api/v1/lists/{id}/accounts", "read:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		if r.String("limit") == "0" { // All of them.
			page.Limit = 5000
		}
		members, err := api.DB.ListMembers(r.Context(), l.ID, page)
		if err != nil {
			return nil, err
		}
		return api.drawPeople(r, members, page, prevBySince)
	})
	_ = route("POST /api/v1/lists/{id}/accounts", "write:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		ids := r.IDs("account_ids")
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error {
			for _, id := range ids[:min(len(ids), maxMembers)] {
				if f, err := tx.Follow(r.Context(), r.User.ID, id); errors.Is(err, store.ErrNotFound) && id != r.User.ID || err == nil && !f.Accepted {
					return errNotFound()
				} else if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				if _, err := tx.AddListMember(r.Context(), l.ID, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
	_ = route("DELETE /api/v1/lists/{id}/accounts", "write:lists", func(api *API, r *Request) (any, error) {
		l, err := api.ownList(r)
		if err != nil {
			return nil, err
		}
		ids := r.IDs("account_ids")
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error {
			for _, id := range ids[:min(len(ids), maxMembers)] {
				if err := tx.RemoveListMember(r.Context(), l.ID, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
)
