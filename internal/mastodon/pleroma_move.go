package mastodon

import (
	"context"

	"kenoma/internal/auth"
	"kenoma/internal/store"
)

// Pleroma's way of moving: aliases are handles.
//
// spec: pleroma:openapi#/api/pleroma/aliases, #/api/pleroma/move_account
var (
	_ = route("GET /api/pleroma/aliases", "read:accounts", func(api *API, r *Request) (any, error) {
		aliases, err := api.aliases(r)
		return map[string]any{"aliases": aliases}, err
	})
	_ = route("PUT /api/pleroma/aliases", "write:accounts", func(api *API, r *Request) (any, error) {
		return done, api.Pipeline.AddAlias(r.Context(), r.User, r.String("alias"))
	})
	_ = route("DELETE /api/pleroma/aliases", "write:accounts", func(api *API, r *Request) (any, error) {
		return done, api.Pipeline.RemoveAlias(r.Context(), r.User, r.String("alias"))
	})
	_ = route("POST /api/pleroma/move_account", "write:accounts", func(api *API, r *Request) (any, error) {
		if err := api.Auth.CheckOwn(r.Context(), r.User.ID, r.String("password"), auth.ClientIP(r.Request, api.Auth.TrustedProxies)); err != nil {
			return nil, err
		}
		return done, api.Pipeline.MoveAway(r.Context(), r.User, r.String("target_account"), true)
	})
)

// done is how Pleroma says that all went well.
var done = map[string]string{"status": "success"}

// aliases are the handles of the person's aliases; of those that aren't known any
// more, their addresses.
func (api *API) aliases(r *Request) ([]string, error) {
	uris, err := api.Pipeline.Aliases(r.Context(), r.User)
	if err != nil {
		return nil, err
	}
	known, err := api.DB.ActorsByURI(r.Context(), uris)
	if err != nil {
		return nil, err
	}
	all := []string{}
	for _, uri := range uris {
		name := string(uri)
		if a := known[uri]; a != nil {
			name = api.draw.fqn(a)
		}
		all = append(all, name)
	}
	return all, nil
}

// movedNotifications adds where those went who moved.
func (api *API) movedNotifications(ctx context.Context, list []store.Notification, to map[int64]*notifiedExtra) error {
	var targets []int64
	for _, n := range list {
		if store.KindName(n.Kind) == "move" && n.Ref != 0 {
			targets = append(targets, n.Ref)
		}
	}
	faces, err := api.people(ctx, targets)
	if err != nil {
		return err
	}
	for _, n := range list {
		if face := faces[n.Ref]; store.KindName(n.Kind) == "move" && face != nil {
			to[n.ID] = &notifiedExtra{key: "target", json: face.json}
		}
	}
	return nil
}
