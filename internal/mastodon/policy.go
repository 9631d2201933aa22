package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// policyRules are the parts of a notification policy by their names in the API.
//
// spec: masto:entities/NotificationPolicy, masto:entities/V1_NotificationPolicy
var policyRules = []struct {
	name  string // for_NAME in version 2, filter_NAME in version 1.
	newer bool   // Not in version 1.
	of    func(*store.NotificationPolicy) *store.FilterAction
}{
	{"not_following", false, func(p *store.NotificationPolicy) *store.FilterAction { return &p.NotFollowing }},
	{"not_followers", false, func(p *store.NotificationPolicy) *store.FilterAction { return &p.NotFollowers }},
	{"new_accounts", false, func(p *store.NotificationPolicy) *store.FilterAction { return &p.NewAccounts }},
	{"private_mentions", false, func(p *store.NotificationPolicy) *store.FilterAction { return &p.PrivateMentions }},
	{"limited_accounts", true, func(p *store.NotificationPolicy) *store.FilterAction { return &p.LimitedAccounts }},
}

// drawPolicy draws a policy with what it withholds.
func (api *API) drawPolicy(ctx context.Context, owner int64, p store.NotificationPolicy, version int) (any, error) {
	requests, notifications, err := api.DB.PendingNotifications(ctx, owner)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"summary": map[string]int64{"pending_requests_count": requests, "pending_notifications_count": notifications}}
	for _, rule := range policyRules {
		action := *rule.of(&p)
		if version == 2 {
			out["for_"+rule.name] = action.String()
		} else if !rule.newer {
			out["filter_"+rule.name] = action != store.Accept
		}
	}
	return out, nil
}

// changePolicy reads what is to be changed; what is not named stays.
func changePolicy(r *Request, p *store.NotificationPolicy, version int) error {
	for _, rule := range policyRules {
		to := rule.of(p)
		switch name := "filter_" + rule.name; {
		case version == 2 && r.Has("for_"+rule.name):
			action, ok := store.FilterActionNamed(r.String("for_" + rule.name))
			if !ok {
				return invalidField("'%s' is not a valid for_%s", cutRunes(r.String("for_"+rule.name), 50), rule.name)
			}
			*to = action
		case version == 1 && !rule.newer && r.Has(name) && r.Bool(name, false) != (*to != store.Accept):
			*to = store.Accept
			if r.Bool(name, false) {
				*to = store.Withhold
			}
		}
	}
	return nil
}

func readPolicy(version int) handler {
	return func(api *API, r *Request) (any, error) {
		p, err := api.DB.NotificationPolicy(r.Context(), r.User.ID)
		if err != nil {
			return nil, err
		}
		return api.drawPolicy(r.Context(), r.User.ID, p, version)
	}
}

func writePolicy(version int) handler {
	return func(api *API, r *Request) (any, error) {
		var p store.NotificationPolicy
		err := api.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
			if p, err = tx.NotificationPolicy(r.Context(), r.User.ID); err != nil {
				return err
			}
			if err := changePolicy(r, &p, version); err != nil {
				return err
			}
			return tx.SetNotificationPolicy(r.Context(), r.User.ID, p)
		})
		if err != nil {
			return nil, err
		}
		return api.drawPolicy(r.Context(), r.User.ID, p, version)
	}
}

// spec: masto:methods/notifications#get-policy
var (
	_ = route("GET /api/v2/notifications/policy", "read:notifications", readPolicy(2))
	_ = route("PATCH /api/v2/notifications/policy", "write:notifications", writePolicy(2))
	_ = route("PUT /api/v2/notifications/policy", "write:notifications", writePolicy(2))
	_ = route("GET /api/v1/notifications/policy", "read:notifications", readPolicy(1))
	_ = route("PATCH /api/v1/notifications/policy", "write:notifications", writePolicy(1))
	_ = route("PUT /api/v1/notifications/policy", "write:notifications", writePolicy(1))
)

// requestEntity is a NotificationRequest.
//
// spec: masto:entities/NotificationRequest
type requestEntity struct {
	ID      string          `json:"id"`
	Created *string         `json:"created_at"`
	Updated *string         `json:"updated_at"`
	Count   string          `json:"notifications_count"`
	Account json.RawMessage `json:"account"`
	Last    json.RawMessage `json:"last_status,omitempty"`
}

// drawRequests draws these requests; those of accounts that are not shown to the
// viewer are left out.
func (api *API) drawRequests(ctx context.Context, viewer *store.Actor, list []store.NotificationRequest) ([]requestEntity, error) {
	var actors, ids []int64
	for _, one := range list {
		actors = append(actors, one.Actor)
		if one.Status != 0 {
			ids = append(ids, one.Status)
		}
	}
	faces, err := api.people(ctx, actors)
	if err != nil {
		return nil, err
	}
	statuses, err := api.notifiedStatuses(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	now := api.Now().UnixMilli()
	all := []requestEntity{}
	for _, one := range list {
		if !rel.shows(faces[one.Actor], false) || rel.silences(one.Actor, now) {
			continue
		}
		e := requestEntity{ID: itoa(one.ID), Created: isoTime(vocab.TimeOf(one.ID).UnixMilli()), Updated: isoTime(one.Updated),
			Count: strconv.FormatInt(one.Count, 10), Account: faces[one.Actor].json}
		if s := statuses[one.Status]; s != nil {
			e.Last = s.append(nil)
		}
		all = append(all, e)
	}
	return all, nil
}

// maxAnswered bounds how many requests are answered at once.
const maxAnswered = 80

// answerRequests accepts or dismisses requests. Those that are answered already are
// left alone, unless one is named by the path.
func (api *API) answerRequests(r *Request, ids []int64, accept, must bool) (any, error) {
	ctx := r.Context()
	if len(ids) > maxAnswered {
		return nil, invalidField("Too many requests at once (maximum is %d)", maxAnswered)
	}
	var done bool
	err := api.DB.Write(ctx, func(tx *store.Tx) (err error) {
		for _, id := range ids {
			err := tx.AnswerRequest(ctx, r.User.ID, id, accept)
			if errors.Is(err, store.ErrNotFound) {
				if must {
					return errNotFound()
				}
				continue
			} else if err != nil {
				return err
			}
		}
		done, err = tx.SettleRequests(ctx, r.User.ID)
		return err
	})
	if err == nil && done && accept {
		api.merged(r.User.ID)
	}
	return empty, err
}

// merged tells an account's apps that notifications came into the list.
func (api *API) merged(owner int64) {
	if api.Hub != nil {
		api.Hub.Publish(stream.Event{Kind: "notifications_merged", Home: []int64{owner}})
	}
}

// settleRequests is the job that goes on with what answered requests left to do.
func (api *API) settleRequests(ctx context.Context, j store.Job) error {
	owner, err := strconv.ParseInt(string(j.Payload), 10, 64)
	if err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	var done bool
	err = api.DB.Write(ctx, func(tx *store.Tx) (err error) {
		done, err = tx.SettleRequests(ctx, owner)
		return err
	})
	if err == nil && done {
		api.merged(owner)
	}
	return err
}

func answerRequestOf(accept bool) handler {
	return func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return api.answerRequests(r, []int64{id}, accept, true)
	}
}

func answerRequestsOf(accept bool) handler {
	return func(api *API, r *Request) (any, error) {
		if !r.Has("id") {
			return nil, fault.New(fault.Malformed, "param is missing or the value is empty: id")
		}
		return api.answerRequests(r, r.IDs("id"), accept, false)
	}
}

// spec: masto:methods/notifications#get-requests and on
var (
	_ = route("GET /api/v1/notifications/requests", "read:notifications", func(api *API, r *Request) (any, error) {
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		list, err := api.DB.NotificationRequests(r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, len(list) == page.Limit || page.Min != 0)
		}
		return api.drawRequests(r.Context(), r.User, list)
	})
	_ = route("GET /api/v1/notifications/requests/{id}", "read:notifications", func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		one, err := api.DB.NotificationRequest(r.Context(), r.User.ID, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNotFound()
		} else if err != nil {
			return nil, err
		}
		drawn, err := api.drawRequests(r.Context(), r.User, []store.NotificationRequest{*one})
		if err != nil {
			return nil, err
		}
		if len(drawn) == 0 {
			return nil, errNotFound()
		}
		return drawn[0], nil
	})
	_ = route("POST /api/v1/notifications/requests/{id}/accept", "write:notifications", answerRequestOf(true))
	_ = route("POST /api/v1/notifications/requests/{id}/dismiss", "write:notifications", answerRequestOf(false))
	_ = route("POST /api/v1/notifications/requests/accept", "write:notifications", answerRequestsOf(true))
	_ = route("POST /api/v1/notifications/requests/dismiss", "write:notifications", answerRequestsOf(false))
	_ = route("GET /api/v1/notifications/requests/merged", "read:notifications", func(api *API, r *Request) (any, error) {
		settled, err := api.DB.RequestsSettled(r.Context(), r.User.ID)
		return map[string]bool{"merged": settled}, err
	})
)
