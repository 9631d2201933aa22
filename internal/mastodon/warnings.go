package mastodon

import "kenoma/internal/store"

// What moderators told the person, and what the person says to it. Mastodon has
// this on its pages only.
var (
	_ = route("GET /api/v1/kenoma/warnings", "read:accounts", func(api *API, r *Request) (any, error) {
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.WarningsOf(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		drawn, err := api.drawWarnings(r.Context(), ids)
		if err != nil {
			return nil, err
		}
		all := []*warningEntity{}
		for _, id := range ids {
			if w := drawn[id]; w != nil {
				all = append(all, w)
			}
		}
		if len(ids) > 0 {
			r.links(prevByMin, ids[0], ids[len(ids)-1], len(ids) == page.Limit || page.Min != 0)
		}
		return all, nil
	})
	_ = route("POST /api/v1/kenoma/warnings/{id}/appeal", "write:accounts", func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.Appeal(r.Context(), r.User, id, r.String("text")); err != nil {
			return nil, err
		}
		drawn, err := api.drawWarnings(r.Context(), []int64{id})
		if err != nil || drawn[id] == nil {
			return nil, err
		}
		return drawn[id], nil
	})

	// Moderators answer.
	_ = admin("GET /api/v1/kenoma/admin/appeals", "admin:read", store.ManageAppeals, func(api *API, r *Request) (any, error) {
		page, err := r.page(manyRows)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.OpenAppeals(r.Context(), page)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].Warning
		}
		drawn, err := api.drawWarnings(r.Context(), ids)
		if err != nil {
			return nil, err
		}
		all := []*warningEntity{}
		for _, id := range ids {
			if w := drawn[id]; w != nil {
				all = append(all, w)
			}
		}
		if len(ids) > 0 {
			r.links(prevByMin, ids[0], ids[len(ids)-1], len(ids) == page.Limit || page.Min != 0)
		}
		return all, nil
	})
	_ = admin("POST /api/v1/kenoma/admin/appeals/{id}/approve", "admin:write", store.ManageAppeals, answerAppeal(true))
	_ = admin("POST /api/v1/kenoma/admin/appeals/{id}/reject", "admin:write", store.ManageAppeals, answerAppeal(false))
)

// answerAppeal is the handler that grants or rejects an appeal.
func answerAppeal(grant bool) handler {
	return func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.AnswerAppeal(r.Context(), r.User.ID, id, grant); err != nil {
			return nil, err
		}
		api.Auth.Forget()
		return empty, nil
	}
}
