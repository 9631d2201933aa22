package mastodon

import (
	"context"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// auditEntity is an entry of the moderation log as Pleroma draws it.
//
// spec: pleroma:admin_api#get-apipleromaadminmoderation_log
type auditEntity struct {
	ID      int64          `json:"id"`
	Data    map[string]any `json:"data"`
	Time    int64          `json:"time"` // Seconds.
	Message string         `json:"message"`
}

// The moderation log: who of the staff did what, newest first.
//
// spec: pleroma:admin_api#get-apipleromaadminmoderation_log
var _ = admin("GET /api/v1/pleroma/admin/moderation_log", "admin:read", store.ViewAuditLog,
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		page, err := r.page(pageSize{50, 200})
		if err != nil {
			return nil, err
		}
		var w store.AuditQuery
		if r.String("user_id") != "" {
			if w.Actor, err = r.ID("user_id"); err != nil {
				return nil, err
			}
		}
		list, err := api.DB.AuditLog(ctx, w, page)
		if err != nil {
			return nil, err
		}
		names, err := api.namesOf(ctx, list)
		if err != nil {
			return nil, err
		}
		items := []auditEntity{}
		for _, e := range list {
			by := orElse(names[e.Actor], "the command line")
			items = append(items, auditEntity{ID: e.ID, Time: vocab.TimeOf(e.ID).Unix(), Message: strings.TrimSpace("@" + by + " did " + e.Action + " " + e.Kind + " " + e.Name),
				Data: map[string]any{"action": e.Action, "actor": map[string]any{"id": itoa(e.Actor), "nickname": by}, "subject": map[string]any{"type": e.Kind, "id": itoa(e.Target), "name": e.Name}, "details": e.Details}})
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, len(list) == page.Limit || page.Min != 0)
		}
		return map[string]any{"items": items, "total": len(items)}, nil
	})

// namesOf returns the handles of who did something.
func (api *API) namesOf(ctx context.Context, list []store.AuditEntry) (map[int64]string, error) {
	var ids []int64
	for _, e := range list {
		if e.Actor != 0 {
			ids = append(ids, e.Actor)
		}
	}
	actors, err := api.DB.Actors(ctx, ids)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for id, a := range actors {
		names[id] = a.Acct()
	}
	return names, nil
}
