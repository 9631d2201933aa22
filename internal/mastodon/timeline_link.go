package mastodon

import (
	"context"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// The public posts that link to a page of which there is a card.
//
// spec: masto:methods/timelines#link
var _ = route("GET /api/v1/timelines/link", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		url := r.String("url")
		if url == "" {
			return nil, fault.New(fault.Malformed, "url is needed.")
		}
		link := store.LinkID(url)
		if _, err := api.DB.Card(r.Context(), link); err != nil {
			return nil, err
		}
		return api.timeline(r, "public", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			return api.DB.StatusesWithLink(ctx, link, p)
		})
	})
