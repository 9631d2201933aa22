package mastodon

import (
	"context"
	"net/url"

	"kenoma/internal/store"
)

// reactionKind is the kind of notification that tells of a reaction.
const reactionKind = "pleroma:emoji_reaction"

// drawnEmoji is an emoji of a reaction as clients see it: its name and, of a custom
// one, its picture.
type drawnEmoji struct{ name, url string }

// reactionEmoji draws the emoji of a reaction. Pictures of others come through the
// proxy.
func (api *API) reactionEmoji(r *store.ReactionCount) drawnEmoji {
	switch {
	case r.File != "":
		return drawnEmoji{r.Name, api.mediaURL(r.File)}
	case r.URL == "":
		return drawnEmoji{name: r.Name}
	}
	return drawnEmoji{r.Name, api.draw.remote(string(r.URL))}
}

// addReactions reads what stands under these posts, in one query where there is
// anything. viewer may be nil.
func (api *API) addReactions(ctx context.Context, viewer *store.Actor, all []*shown, marks *store.Marks) error {
	var ids []int64
	for _, s := range all {
		if s.boosted == nil && marks.Of[s.row.ID].Reactions > 0 {
			ids = append(ids, s.row.ID)
		}
	}
	reactions, err := api.reactions(ctx, viewer, ids)
	if err != nil || len(reactions) == 0 {
		return err
	}
	for _, s := range all {
		if list := reactions[s.row.ID]; s.boosted == nil && len(list) > 0 {
			o := object{}
			o.list("", len(list), func(b []byte, i int) []byte {
				one := begin(b)
				api.appendReaction(one, &list[i])
				return one.close()
			})
			s.facets.reactions = o.b[len(`"":`):]
		}
	}
	return nil
}

// reactions reads the reactions to posts, without those people in its samples of whom
// the viewer wants to see nothing.
func (api *API) reactions(ctx context.Context, viewer *store.Actor, ids []int64) (map[int64][]store.ReactionCount, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var who int64
	if viewer != nil {
		who = viewer.ID
	}
	found, err := api.DB.Reactions(ctx, who, ids)
	if err != nil || viewer == nil {
		return found, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	now := api.Now().UnixMilli()
	for _, list := range found {
		for i := range list {
			var heard []int64
			for _, id := range list[i].Actors {
				if !rel.silences(id, now) {
					heard = append(heard, id)
				}
			}
			list[i].Actors = heard
		}
	}
	return found, nil
}

// appendReaction draws a reaction without its braces. account_ids are the first who
// reacted so, not all.
//
// spec: pleroma:status#emoji_reactions
func (api *API) appendReaction(o *object, r *store.ReactionCount) {
	emoji := api.reactionEmoji(r)
	o.str("name", emoji.name)
	o.num("count", r.Count)
	o.flag("me", r.Me)
	o.strOr("url", emoji.url)
	o.list("account_ids", len(r.Actors), func(b []byte, i int) []byte { return appendID(b, r.Actors[i]) })
}

// drawNotifiedReactions adds the emoji of which these notifications tell.
func (api *API) drawNotifiedReactions(ctx context.Context, list []store.Notification, to map[int64]*notifiedExtra) error {
	told, err := api.DB.ReactionsTold(ctx, list)
	for id, one := range told {
		emoji := api.reactionEmoji(&one)
		to[id] = &notifiedExtra{emoji: &emoji}
	}
	return err
}

// reactedPost returns the post that the path names; of a boost, what it boosts.
func (api *API) reactedPost(r *Request) (*store.Status, error) {
	st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
	if err == nil && st.BoostOf != 0 {
		return api.visiblePost(r.Context(), r.User, itoa(st.BoostOf))
	}
	return st, err
}

// emojiInPath is the emoji that the path names.
func emojiInPath(r *Request) (string, error) {
	name, err := url.PathUnescape(r.PathValue("emoji"))
	if err != nil || name == "" {
		return "", errNotFound()
	}
	return name, nil
}

// someReactors is how many people are listed of one emoji when it is asked for.
const someReactors = 80

// listReactions answers with the reactions to a post and who reacted: the first few of
// each emoji, and of a single one the newest.
func listReactions(api *API, r *Request) (any, error) {
	ctx := r.Context()
	st, err := api.reactedPost(r)
	if err != nil {
		return nil, err
	}
	found, err := api.reactions(ctx, r.User, []int64{st.ID})
	if err != nil {
		return nil, err
	}
	list := found[st.ID]
	if r.PathValue("emoji") != "" {
		name, err := emojiInPath(r)
		if err != nil {
			return nil, err
		}
		if list, err = api.oneReaction(r, st, list, api.Pipeline.ReactionKey(name)); err != nil {
			return nil, err
		}
	}
	var ids []int64
	for _, one := range list {
		ids = append(ids, one.Actors...)
	}
	faces, err := api.people(ctx, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, r.User)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, 0, len(list))
	for i := range list {
		var people [][]byte
		for _, id := range list[i].Actors {
			if f := faces[id]; f != nil && !f.suspended && (rel == nil || rel.shows(f, false)) {
				people = append(people, f.json)
			}
		}
		o := begin(nil)
		api.appendReaction(o, &list[i])
		o.raw("accounts", string(appendAll(nil, people)))
		all = append(all, o.close())
	}
	return r.drawn(appendAll(r.buffer(), all))
}

// oneReaction finds the reaction with an emoji, with more of its people.
func (api *API) oneReaction(r *Request, st *store.Status, list []store.ReactionCount, key string) ([]store.ReactionCount, error) {
	for _, one := range list {
		if one.Name != key {
			continue
		}
		people, err := api.DB.ReactedBy(r.Context(), st.ID, key, store.Page{Limit: someReactors})
		if err != nil {
			return nil, err
		}
		rel, err := api.relations(r.Context(), r.User)
		if err != nil {
			return nil, err
		}
		one.Actors = nil
		for _, c := range people {
			if rel == nil || !rel.silences(c.ID, api.Now().UnixMilli()) {
				one.Actors = append(one.Actors, c.ID)
			}
		}
		return []store.ReactionCount{one}, nil
	}
	return nil, nil
}

// reactOnStatus has the person react, or take it back, and answers with the post.
func reactOnStatus(on bool) handler {
	return func(api *API, r *Request) (any, error) {
		st, err := api.reactedPost(r)
		if err != nil {
			return nil, err
		}
		name, err := emojiInPath(r)
		if err != nil {
			return nil, err
		}
		if on {
			err = api.Pipeline.ReactTo(r.Context(), r.User, st.ID, name)
		} else {
			err = api.Pipeline.Unreact(r.Context(), r.User, st.ID, name)
		}
		if err != nil {
			return nil, err
		}
		return api.drawStatus(r, st.ID)
	}
}

// Fedibird's apps know the same by other names.
//
// spec: pleroma:emoji-reactions
var (
	_ = route("GET /api/v1/pleroma/statuses/{id}/reactions", "?read:statuses", listReactions)
	_ = route("GET /api/v1/pleroma/statuses/{id}/reactions/{emoji}", "?read:statuses", listReactions)
	_ = route("PUT /api/v1/pleroma/statuses/{id}/reactions/{emoji}", "write:statuses|write:favourites", reactOnStatus(true))
	_ = route("DELETE /api/v1/pleroma/statuses/{id}/reactions/{emoji}", "write:statuses|write:favourites", reactOnStatus(false))

	_ = route("PUT /api/v1/statuses/{id}/emoji_reactions/{emoji}", "write:favourites|write:statuses", reactOnStatus(true))
	_ = route("DELETE /api/v1/statuses/{id}/emoji_reactions/{emoji}", "write:favourites|write:statuses", reactOnStatus(false))
)
