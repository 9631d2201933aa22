package mastodon

import (
	"context"
	"errors"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// account returns the living account that the path names; ids only.
func (api *API) account(ctx context.Context, id string) (*store.Actor, error) {
	n, err := parseID(id)
	if err != nil {
		return nil, errNotFound()
	}
	a, err := api.DB.Actor(ctx, n)
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Deleted != 0 {
		return nil, errNotFound()
	}
	return a, err
}

// drawPerson draws one account.
func (api *API) drawPerson(r *Request, id int64) (any, error) {
	people, err := api.people(r.Context(), []int64{id})
	if err != nil {
		return nil, err
	}
	if people[id] == nil {
		return nil, errNotFound()
	}
	return r.drawn(append(r.buffer(), people[id].json...))
}

// spec: masto:methods/accounts
var (
	_ = route("GET /api/v1/accounts/{id}", "?read:accounts", func(api *API, r *Request) (any, error) {
		a, err := api.account(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return api.drawPerson(r, a.ID)
	})
	_ = route("GET /api/v1/accounts", "?read:accounts", func(api *API, r *Request) (any, error) {
		ids := r.IDs("id")
		if len(ids) > somePeople.max {
			ids = ids[:somePeople.max]
		}
		return api.drawnPeople(r.Context(), ids)
	})
	_ = route("GET /api/v1/accounts/lookup", "?read:accounts", func(api *API, r *Request) (any, error) {
		name, domain, _ := strings.Cut(strings.TrimPrefix(r.String("acct"), "@"), "@")
		if strings.EqualFold(domain, api.Domain) {
			domain = ""
		}
		a, err := api.DB.ActorByHandle(r.Context(), name, strings.ToLower(domain))
		if errors.Is(err, store.ErrNotFound) || err == nil && a.Deleted != 0 {
			return nil, errNotFound()
		} else if err != nil {
			return nil, err
		}
		return api.drawPerson(r, a.ID)
	})
	_ = route("GET /api/v1/accounts/{id}/statuses", "?read:statuses", func(api *API, r *Request) (any, error) {
		a, err := api.account(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return api.accountStatuses(r, a)
	})
	_ = route("GET /api/v1/accounts/{id}/followers", "?read:accounts", around((*store.Q).Followers))
	_ = route("GET /api/v1/accounts/{id}/following", "?read:accounts", around((*store.Q).Following))
	_ = route("GET /api/v1/accounts/{id}/featured_tags", "?read:accounts", ofAccount(func(*API, *Request, *store.Actor) (any, error) { return []any{}, nil }))
	_ = route("GET /api/v1/accounts/{id}/endorsements", "?read:accounts", ofAccount(func(*API, *Request, *store.Actor) (any, error) { return []any{}, nil }))
	_ = route("GET /api/v1/accounts/{id}/lists", "read:lists", ofAccount(func(api *API, r *Request, a *store.Actor) (any, error) {
		lists, err := api.DB.ListsWith(r.Context(), r.User.ID, a.ID)
		if err != nil {
			return nil, err
		}
		all := []any{}
		for i := range lists {
			all = append(all, listEntity(&lists[i]))
		}
		return all, nil
	}))
	_ = route("GET /api/v1/accounts/relationships", "read:follows", func(api *API, r *Request) (any, error) {
		ids := r.IDs("id")
		if len(ids) > 2*somePeople.max {
			ids = ids[:2*somePeople.max]
		}
		return api.relationships(r.Context(), r.User.ID, ids)
	})
	_ = route("GET /api/v1/accounts/familiar_followers", "read:follows", func(api *API, r *Request) (any, error) {
		all := []any{}
		for _, id := range r.IDs("id")[:min(len(r.IDs("id")), somePeople.def)] {
			ids, err := api.DB.FamiliarFollowers(r.Context(), r.User.ID, id, somePeople.def)
			if err != nil {
				return nil, err
			}
			people, err := api.drawnPeople(r.Context(), ids)
			if err != nil {
				return nil, err
			}
			all = append(all, map[string]any{"id": itoa(id), "accounts": people})
		}
		return all, nil
	})
)

// listEntity is a list as apps know it.
//
// spec: masto:entities/List
func listEntity(l *store.List) map[string]any {
	return map[string]any{"id": itoa(l.ID), "title": l.Title, "replies_policy": l.Replies, "exclusive": l.Exclusive}
}

// ofAccount wraps a handler that is about the account in the path.
func ofAccount(do func(api *API, r *Request, a *store.Actor) (any, error)) handler {
	return func(api *API, r *Request) (any, error) {
		a, err := api.account(r.Context(), r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return do(api, r, a)
	}
}

// around lists the followers or followed of an account, unless it keeps them to
// itself.
func around(read func(*store.Q, context.Context, int64, store.Page) ([]store.Cursor, error)) handler {
	return ofAccount(func(api *API, r *Request, a *store.Actor) (any, error) {
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		if hidden, err := api.hidesNetwork(r, a); err != nil || hidden {
			return []any{}, err
		}
		list, err := read(api.DB.Q, r.Context(), a.ID, page)
		if err != nil {
			return nil, err
		}
		return api.drawPeople(r, list, page, prevBySince)
	})
}

func (api *API) hidesNetwork(r *Request, a *store.Actor) (bool, error) {
	if !a.Local || r.User != nil && r.User.ID == a.ID {
		return false, nil
	}
	account, err := api.DB.Account(r.Context(), a.ID)
	return err == nil && account.Preferences.HideNetwork, err
}

// relationships draws how the person stands to these accounts, in their order.
//
// spec: masto:entities/Relationship
func (api *API) relationships(ctx context.Context, viewer int64, ids []int64) (any, error) {
	rel, err := api.DB.Relations(ctx, viewer, ids, api.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, id := range ids {
		all = append(all, relationship(id, rel[id]))
	}
	return all, nil
}

func relationship(id int64, rel *store.Relation) map[string]any {
	languages := any(nil)
	if rel.Languages != "" {
		languages = strings.Split(rel.Languages, ",")
	}
	expires := any(nil)
	if rel.MuteExpires != 0 {
		expires = time.UnixMilli(rel.MuteExpires).UTC().Format(timeFormat)
	}
	return map[string]any{"id": itoa(id), "following": rel.Following, "showing_reblogs": rel.Following && rel.Boosts || rel.Requested && rel.Boosts, "notifying": rel.Notify,
		"languages": languages, "followed_by": rel.FollowedBy, "blocking": rel.Blocking, "blocked_by": rel.BlockedBy, "muting": rel.Muting,
		"muting_notifications": rel.MutingNotifies, "muting_expires_at": expires, "requested": rel.Requested, "requested_by": rel.RequestedBy,
		"domain_blocking": rel.DomainBlocking, "endorsed": false, "note": rel.Note, "pleroma": map[string]any{}}
}

// toAccount registers something that is done to an account and answers with the
// relationship.
func toAccount(name, scope string, do func(api *API, r *Request, a *store.Actor) error) struct{} {
	return route("POST /api/v1/accounts/{id}/"+name, scope, ofAccount(func(api *API, r *Request, a *store.Actor) (any, error) {
		if err := do(api, r, a); err != nil {
			return nil, err
		}
		api.relationsChanged(r.User.ID)
		rel, err := api.DB.Relations(r.Context(), r.User.ID, []int64{a.ID}, api.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		return relationship(a.ID, rel[a.ID]), nil
	}))
}

// spec: masto:methods/accounts#follow and those after it
var (
	_ = toAccount("follow", "write:follows|follow", follow)
	_ = toAccount("unfollow", "write:follows|follow", func(api *API, r *Request, a *store.Actor) error {
		if err := api.Pipeline.Unfollow(r.Context(), r.User, a); err != nil {
			return err
		}
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.ForgetFollowSettings(r.Context(), r.User.ID, a.ID) })
	})
	_ = toAccount("remove_from_followers", "write:follows|follow", func(api *API, r *Request, a *store.Actor) error {
		err := api.Pipeline.AnswerFollow(r.Context(), r.User, a, false)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	_ = toAccount("block", "write:blocks|follow", func(api *API, r *Request, a *store.Actor) error {
		return api.Pipeline.Block(r.Context(), r.User, a)
	})
	_ = toAccount("unblock", "write:blocks|follow", func(api *API, r *Request, a *store.Actor) error {
		return api.Pipeline.Unblock(r.Context(), r.User, a)
	})
	_ = toAccount("mute", "write:mutes|follow", mute)
	_ = toAccount("unmute", "write:mutes|follow", func(api *API, r *Request, a *store.Actor) error {
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.RemoveMute(r.Context(), r.User.ID, a.ID) })
	})
	_ = toAccount("note", "write:accounts", func(api *API, r *Request, a *store.Actor) error {
		comment := cutRunes(r.String("comment"), 2000)
		return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetNote(r.Context(), r.User.ID, a.ID, comment) })
	})
)

// follow asks to follow, and notes how; a second call changes how.
func follow(api *API, r *Request, a *store.Actor) error {
	ctx := r.Context()
	if err := api.Pipeline.Follow(ctx, r.User, a); err != nil {
		return err
	}
	rel, err := api.DB.Relations(ctx, r.User.ID, []int64{a.ID}, api.Now().UnixMilli())
	if err != nil {
		return err
	}
	now := rel[a.ID]
	s := store.FollowSettings{Actor: r.User.ID, Target: a.ID, Boosts: r.Bool("reblogs", now.Boosts), Notify: r.Bool("notify", now.Notify), Languages: now.Languages}
	if r.Has("languages") {
		s.Languages = strings.Join(r.Strings("languages"), ",")
	}
	if s.Boosts == now.Boosts && s.Notify == now.Notify && s.Languages == now.Languages {
		return nil
	}
	return api.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetFollowSettings(ctx, s) })
}

func mute(api *API, r *Request, a *store.Actor) error {
	if a.ID == r.User.ID {
		return fault.New(fault.Invalid, "You can't mute yourself.")
	}
	seconds, err := r.Int("duration", 0)
	if err != nil || seconds < 0 {
		return fault.New(fault.Invalid, "Validation failed: Duration must be a number of seconds")
	}
	m := store.Mute{Actor: r.User.ID, Target: a.ID, Notifications: r.Bool("notifications", true)}
	if seconds > 0 {
		m.Expires = api.Now().Add(time.Duration(min(seconds, 10*365*86400)) * time.Second).UnixMilli()
	}
	return api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetMute(r.Context(), m) })
}

// mine lists accounts that the person has to do with.
func mine(read func(api *API, ctx context.Context, me int64, p store.Page) ([]store.Cursor, error)) handler {
	return func(api *API, r *Request) (any, error) {
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		list, err := read(api, r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		return api.drawPeople(r, list, page, prevBySince)
	}
}

// spec: masto:methods/blocks, mutes, follow_requests, domain_blocks
var (
	_ = route("GET /api/v1/blocks", "read:blocks|follow", mine(func(api *API, ctx context.Context, me int64, p store.Page) ([]store.Cursor, error) {
		return api.DB.BlockedBy(ctx, me, p)
	}))
	_ = route("GET /api/v1/mutes", "read:mutes|follow", mine(func(api *API, ctx context.Context, me int64, p store.Page) ([]store.Cursor, error) {
		return api.DB.MutedBy(ctx, me, api.Now().UnixMilli(), p)
	}))
	_ = route("GET /api/v1/follow_requests", "read:follows|follow", mine(func(api *API, ctx context.Context, me int64, p store.Page) ([]store.Cursor, error) {
		return api.DB.FollowRequests(ctx, me, p)
	}))
	_ = route("GET /api/v1/endorsements", "read:accounts", func(*API, *Request) (any, error) { return []any{}, nil })
	_ = answerRequest("authorize", true)
	_ = answerRequest("reject", false)

	_ = route("GET /api/v1/domain_blocks", "read:blocks|follow", func(api *API, r *Request) (any, error) {
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
			r.links(prevBySince, list[0].At, list[len(list)-1].At, len(list) == page.Limit)
		}
		return domains, nil
	})
	_ = route("POST /api/v1/domain_blocks", "write:blocks|follow", func(api *API, r *Request) (any, error) { return empty, api.blockDomain(r, true) })
	_ = route("DELETE /api/v1/domain_blocks", "write:blocks|follow", func(api *API, r *Request) (any, error) { return empty, api.blockDomain(r, false) })
)

func answerRequest(name string, accept bool) struct{} {
	return route("POST /api/v1/follow_requests/{id}/"+name, "write:follows|follow", ofAccount(func(api *API, r *Request, a *store.Actor) (any, error) {
		if err := api.Pipeline.AnswerFollow(r.Context(), r.User, a, accept); err != nil {
			return nil, err
		}
		rel, err := api.DB.Relations(r.Context(), r.User.ID, []int64{a.ID}, api.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		return relationship(a.ID, rel[a.ID]), nil
	}))
}

// blockDomain hides a whole server from the person; follows in both directions end.
func (api *API) blockDomain(r *Request, on bool) error {
	ctx := r.Context()
	domain := strings.ToLower(strings.TrimSpace(r.String("domain")))
	if domain == "" || strings.ContainsAny(domain, "/@ ") || domain == api.Domain {
		return fault.New(fault.Invalid, "Validation failed: Domain is not a valid domain name")
	}
	if err := api.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetDomainBlock(ctx, r.User.ID, domain, on) }); err != nil {
		return err
	}
	api.relationsChanged(r.User.ID)
	for on {
		follows, err := api.DB.FollowsOfDomain(ctx, r.User.ID, domain, 100)
		if err != nil || len(follows) == 0 {
			return err
		}
		for _, f := range follows {
			if err := api.endFollow(ctx, r.User, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (api *API) endFollow(ctx context.Context, me *store.Actor, f store.Follow) error {
	if f.Actor == me.ID {
		target, err := api.DB.Actor(ctx, f.Target)
		if err != nil {
			return err
		}
		return api.Pipeline.Unfollow(ctx, me, target)
	}
	follower, err := api.DB.Actor(ctx, f.Actor)
	if err != nil {
		return err
	}
	return api.Pipeline.AnswerFollow(ctx, me, follower, false)
}
