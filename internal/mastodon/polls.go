package mastodon

import (
	"slices"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// visiblePoll returns a poll whose post the one who asks may see; its id is that of
// the post.
func (api *API) visiblePoll(r *Request) (*store.Status, *store.Poll, error) {
	st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	poll, err := api.DB.Poll(r.Context(), st.ID)
	return st, poll, err
}

func (api *API) drawPoll(r *Request, st *store.Status, poll *store.Poll) (any, error) {
	var own map[int64][]int
	var who int64
	if r.User != nil {
		who = r.User.ID
		var err error
		if own, err = api.DB.Votes(r.Context(), who, []int64{st.ID}); err != nil {
			return nil, err
		}
	}
	return r.drawn(appendPoll(r.buffer(), poll, own[st.ID], r.User != nil, st.Actor == who, api.Now().UnixMilli()))
}

// spec: masto:methods/polls#get
var _ = route("GET /api/v1/polls/{id}", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		st, poll, err := api.visiblePoll(r)
		if err != nil {
			return nil, err
		}
		return api.drawPoll(r, st, poll)
	})

// spec: masto:methods/polls#vote
var _ = route("POST /api/v1/polls/{id}/votes", "write:statuses",
	func(api *API, r *Request) (any, error) {
		st, _, err := api.visiblePoll(r)
		if err != nil {
			return nil, err
		}
		var choices []int
		for _, s := range r.Strings("choices") {
			n, err := strconv.Atoi(s)
			if err != nil {
				return nil, fault.New(fault.Invalid, "The chosen vote option does not exist")
			}
			choices = append(choices, n)
		}
		slices.Sort(choices)
		if err := api.Pipeline.Vote(r.Context(), r.User, st.ID, slices.Compact(choices)); err != nil {
			return nil, err
		}
		poll, err := api.DB.Poll(r.Context(), st.ID)
		if err != nil {
			return nil, err
		}
		return api.drawPoll(r, st, poll)
	})
