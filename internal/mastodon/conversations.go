package mastodon

import (
	"context"

	"kenoma/internal/store"
)

// drawConversations draws conversations with their last messages. Those whose
// message is gone are left out.
//
// spec: masto:entities/Conversation
func (api *API) drawConversations(ctx context.Context, viewer *store.Actor, all []store.Conversation) ([][]byte, error) {
	ids := make([]int64, len(all))
	for i, c := range all {
		ids[i] = c.Last
	}
	list, err := api.show(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	contents, err := api.DB.Contents(ctx, ids)
	if err != nil {
		return nil, err
	}
	last := make(map[int64]*shown, len(list))
	who := map[int64][]int64{}
	var everybody []int64
	for _, s := range list {
		id := s.row.ID
		last[id] = s
		who[id] = others(viewer.ID, s.row.Actor, contents[id])
		everybody = append(everybody, who[id]...)
	}
	faces, err := api.people(ctx, everybody)
	if err != nil {
		return nil, err
	}
	drawn := make([][]byte, 0, len(all))
	for _, c := range all {
		s := last[c.Last]
		if s == nil {
			continue
		}
		var people [][]byte
		for _, id := range who[c.Last] {
			if f := faces[id]; f != nil {
				people = append(people, f.json)
			}
		}
		o := begin(nil)
		o.id("id", c.ID)
		o.flag("unread", s.row.Actor != viewer.ID && c.Seen < c.Last)
		o.key("accounts")
		o.b = appendAll(o.b, people)
		o.key("last_status")
		o.b = s.append(o.b)
		drawn = append(drawn, o.close())
	}
	return drawn, nil
}

// others are who takes part in a message, but for the viewer.
func others(viewer, author int64, content *store.Content) []int64 {
	ids := []int64{author}
	if content != nil {
		for _, m := range content.Mentions {
			ids = append(ids, m.ID)
		}
	}
	kept := ids[:0]
	seen := map[int64]bool{viewer: true}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}

// ownConversation returns the conversation that the path names.
func (api *API) ownConversation(r *Request) (*store.Conversation, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return api.DB.ConversationOf(r.Context(), r.User.ID, id)
}

// spec: masto:methods/conversations
var (
	_ = route("GET /api/v1/conversations", "read:statuses", func(api *API, r *Request) (any, error) {
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		all, err := api.DB.Conversations(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			r.links(prevByMin, all[0].Last, all[len(all)-1].Last, len(all) == page.Limit || page.Min != 0)
		}
		drawn, err := api.drawConversations(r.Context(), r.User, all)
		if err != nil {
			return nil, err
		}
		return r.drawn(appendAll(r.buffer(), drawn))
	})
	_ = route("DELETE /api/v1/conversations/{id}", "write:conversations", func(api *API, r *Request) (any, error) {
		c, err := api.ownConversation(r)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.ReadConversation(r.Context(), r.User.ID, *c, true) })
	})
	_ = route("POST /api/v1/conversations/{id}/read", "write:conversations", func(api *API, r *Request) (any, error) {
		c, err := api.ownConversation(r)
		if err != nil {
			return nil, err
		}
		if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.ReadConversation(r.Context(), r.User.ID, *c, false) }); err != nil {
			return nil, err
		}
		c.Seen = c.Last
		drawn, err := api.drawConversations(r.Context(), r.User, []store.Conversation{*c})
		if err != nil {
			return nil, err
		}
		if len(drawn) == 0 {
			return nil, errNotFound()
		}
		return r.drawn(append(r.buffer(), drawn[0]...))
	})
)
