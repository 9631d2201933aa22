package mastodon

import (
	"context"
	"encoding/json"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// changePrivate writes something that only the person sees, and tells every node
// that keeps what was known of it.
func (api *API) changePrivate(r *Request, kind string, write func(tx *store.Tx) error) error {
	if err := api.DB.Write(r.Context(), write); err != nil {
		return err
	}
	api.relationsChanged(r.User.ID)
	if api.Hub != nil {
		api.Hub.Publish(stream.Event{Kind: kind, Home: []int64{r.User.ID}})
	}
	return nil
}

// Accounts that a person has to do with.
//
// spec: masto:methods/blocks, follow_requests
var (
	_ = route("GET /api/v1/blocks", "read:blocks", func(api *API, r *Request) (any, error) {
		return api.ownPeople(r, api.DB.BlockedBy)
	})
	_ = route("GET /api/v1/follow_requests", "read:follows", func(api *API, r *Request) (any, error) {
		return api.ownPeople(r, api.DB.FollowRequests)
	})
)

func (api *API) ownPeople(r *Request, read func(context.Context, int64, store.Page) ([]store.Cursor, error)) (any, error) {
	page, err := r.page(somePeople)
	if err != nil {
		return nil, err
	}
	list, err := read(r.Context(), r.User.ID, page)
	if err != nil {
		return nil, err
	}
	return api.drawPeople(r, list, page, prevBySince)
}

// spec: masto:methods/mutes#get, masto:entities/MutedAccount
var _ = route("GET /api/v1/mutes", "read:mutes",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		now := api.Now().UnixMilli()
		list, err := api.DB.MutedBy(ctx, r.User.ID, now, page)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(list))
		for i, c := range list {
			ids[i] = c.ID
		}
		if len(list) > 0 {
			r.links(prevBySince, list[0].At, list[len(list)-1].At, len(list) == page.Limit || page.Min != 0)
		}
		drawn, err := api.people(ctx, ids)
		if err != nil {
			return nil, err
		}
		relations, err := api.DB.Relations(ctx, r.User.ID, ids, now)
		if err != nil {
			return nil, err
		}
		all := make([][]byte, 0, len(ids))
		for _, id := range ids {
			if one := drawn[id]; one != nil {
				o := &object{b: append([]byte(nil), one.json[:len(one.json)-1]...), begun: true}
				o.timeOr("mute_expires_at", relations[id].MuteExpires)
				all = append(all, o.close())
			}
		}
		return json.RawMessage(appendAll(nil, all)), nil
	})

// spec: masto:methods/follow_requests#accept, #reject
var (
	_ = route("POST /api/v1/follow_requests/{id}/authorize", "write:follows", answerRequest(true))
	_ = route("POST /api/v1/follow_requests/{id}/reject", "write:follows", answerRequest(false))
)

func answerRequest(accept bool) handler {
	return func(api *API, r *Request) (any, error) {
		follower, err := api.target(r)
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.AnswerFollow(r.Context(), r.User, follower, accept); err != nil {
			return nil, err
		}
		return api.relationshipTo(r, follower.ID)
	}
}

// Blocking a domain hides all of its accounts and ends follows in both directions.
//
// spec: masto:methods/domain_blocks
var (
	_ = route("GET /api/v1/domain_blocks", "read:blocks", func(api *API, r *Request) (any, error) {
		page, err := r.page(manyRows)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.DomainBlocks(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		domains := []string{}
		for _, d := range list {
			domains = append(domains, d.Domain)
		}
		if len(list) > 0 {
			r.links(prevBySince, list[0].At, list[len(list)-1].At, len(list) == page.Limit || page.Min != 0)
		}
		return domains, nil
	})
	_ = route("POST /api/v1/domain_blocks", "write:blocks", func(api *API, r *Request) (any, error) {
		domain, err := domainOf(r)
		if err != nil {
			return nil, err
		}
		err = api.changePrivate(r, "relations_changed", func(tx *store.Tx) error { return tx.SetDomainBlock(r.Context(), r.User.ID, domain, true) })
		if err != nil {
			return nil, err
		}
		return empty, api.Pipeline.LeaveDomain(r.Context(), r.User, domain)
	})
	_ = route("DELETE /api/v1/domain_blocks", "write:blocks", func(api *API, r *Request) (any, error) {
		domain, err := domainOf(r)
		if err != nil {
			return nil, err
		}
		return empty, api.changePrivate(r, "relations_changed", func(tx *store.Tx) error { return tx.SetDomainBlock(r.Context(), r.User.ID, domain, false) })
	})
)

// domainOf reads the domain of a request.
func domainOf(r *Request) (string, error) {
	domain := strings.ToLower(strings.TrimSpace(r.String("domain")))
	if domain == "" || len(domain) > 253 || strings.ContainsAny(domain, "/@ \t\n?#") {
		return "", invalidField("Domain is not a valid domain name")
	}
	return domain, nil
}

// What apps ask for at their start and what nobody here has: nobody can feature
// accounts or tags, schedule posts, or make announcements.
//
// spec: masto:methods/endorsements, featured_tags, scheduled_statuses,
// announcements, trends, suggestions
var (
	_ = none("GET /api/v1/accounts/{id}/identity_proofs", "user")
)

// none registers a list that is always empty.
func none(pattern, scope string) struct{} {
	return route(pattern, scope, func(*API, *Request) (any, error) { return []struct{}{}, nil })
}
