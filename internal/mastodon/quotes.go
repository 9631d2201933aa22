package mastodon

import (
	"slices"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// draftQuote reads what a new post quotes ("quote_id" is Pleroma's name of it).
func (api *API) draftQuote(r *Request, d *pipeline.Draft) error {
	name := "quoted_status_id"
	if !r.Has(name) && r.Has("quote_id") {
		name = "quote_id"
	}
	id, err := r.ID(name)
	d.Quote = id
	return err
}

// draftPolicy reads who may quote a new or edited post; by is how the person likes it.
//
// spec: masto:methods/statuses#create (quote_approval_policy)
func draftPolicy(r *Request, by string) (string, error) {
	policy := r.String("quote_approval_policy")
	if policy == "" {
		return by, nil
	}
	if !slices.Contains(pipeline.Policies, policy) {
		return "", invalidField("Quote approval policy must be public, followers or nobody")
	}
	return policy, nil
}

// Who quotes a post: the author sees all, others those that they may see.
//
// spec: masto:methods/statuses#quotes
var _ = route("GET /api/v1/statuses/{id}/quotes", "read:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		rows, err := api.DB.QuotesOf(ctx, st.ID, page)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(rows))
		for i, row := range rows {
			ids[i] = row.Status
		}
		if len(ids) > 0 {
			r.links(prevBySince, ids[0], ids[len(ids)-1], len(ids) == page.Limit || page.Min != 0)
		}
		if ids, err = api.readable(ctx, r.User, ids); err != nil {
			return nil, err
		}
		return api.drawStatuses(r, ids, "thread")
	})

// spec: masto:methods/statuses#revoke_quote
var _ = route("POST /api/v1/statuses/{id}/quotes/{quoting_status_id}/revoke", "write:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, _, err := api.ownPost(ctx, r)
		if err != nil {
			return nil, err
		}
		quoting, err := parseID(r.PathValue("quoting_status_id"))
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.RevokeQuote(ctx, r.User, st.ID, quoting); err != nil {
			return nil, err
		}
		api.cache.forgetPost(quoting)
		quoter, err := api.visiblePost(ctx, r.User, itoa(quoting))
		if err != nil {
			return nil, err
		}
		return api.drawStatus(r, quoter.ID)
	})

// spec: masto:methods/statuses#edit_interaction_policy
var _ = route("PUT /api/v1/statuses/{id}/interaction_policy", "write:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, _, err := api.ownPost(ctx, r)
		if err != nil {
			return nil, err
		}
		policy, err := draftPolicy(r, "")
		if err != nil {
			return nil, err
		}
		if policy != "" {
			if err := api.Pipeline.SetQuotePolicy(ctx, r.User, st.ID, policy); err != nil {
				return nil, err
			}
			api.cache.forgetPost(st.ID)
		}
		return api.drawStatus(r, st.ID)
	})

// quotePolicy is how a person likes to be quoted.
func quotePolicy(p store.Preferences) string { return orElse(p.QuotePolicy, "public") }
