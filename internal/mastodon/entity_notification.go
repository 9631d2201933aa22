package mastodon

import (
	"context"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// drawNotifications draws these notifications of viewer, complete objects in their
// order. Those whose account or status is gone or hidden by a filter are left out.
func (api *API) drawNotifications(ctx context.Context, viewer *store.Actor, list []store.Notification) ([][]byte, error) {
	var actors, ids []int64
	for _, n := range list {
		actors = append(actors, n.Actor)
		if n.Status != 0 {
			ids = append(ids, n.Status)
		}
	}
	faces, err := api.people(ctx, actors)
	if err != nil {
		return nil, err
	}
	byID, err := api.notifiedStatuses(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	seen, err := api.lastSeen(ctx, viewer)
	if err != nil {
		return nil, err
	}
	extras, err := api.notifiedExtras(ctx, viewer, list)
	if err != nil {
		return nil, err
	}
	drawn := make([][]byte, 0, len(list))
	for i := range list {
		n := &list[i]
		face, s := faces[n.Actor], byID[n.Status]
		if !rel.shows(face, n.Actor == n.Owner) || n.Status != 0 && s == nil {
			continue
		}
		drawn = append(drawn, appendNotification(nil, n, face, s, extras[n.ID], n.ID <= seen))
	}
	return drawn, nil
}

// shows tells whether notifications by an account are shown to the reader at all.
func (r *relations) shows(by *face, own bool) bool {
	return by != nil && (own || !by.suspended && (r == nil || !r.Domains[by.domain]))
}

// notifiedStatuses returns these statuses as the viewer sees them among
// notifications; those that filters hide are left out.
func (api *API) notifiedStatuses(ctx context.Context, viewer *store.Actor, ids []int64) (map[int64]*shown, error) {
	statuses, err := api.show(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	now := api.Now().UnixMilli()
	byID := make(map[int64]*shown, len(statuses))
	for _, s := range statuses {
		drawn, hide := rel.apply(s.post, "notifications", viewer.ID, now)
		if s.filtered = drawn; !hide {
			byID[s.row.ID] = s
		}
	}
	return byID, nil
}

// appendNotification draws one notification; s and extra are nil where it is about
// none.
//
// spec: masto:entities/Notification; Pleroma-FE needs pleroma.is_seen
func appendNotification(b []byte, n *store.Notification, by *face, s *shown, extra *notifiedExtra, seen bool) []byte {
	o := begin(b)
	o.id("id", n.ID)
	o.str("type", store.KindName(n.Kind))
	o.str("group_key", groupKey(n))
	o.time("created_at", vocab.TimeOf(n.ID).UnixMilli())
	o.raw("account", string(by.json))
	if s != nil {
		o.key("status")
		o.b = s.append(o.b)
	}
	if extra != nil && extra.emoji != nil {
		o.str("emoji", extra.emoji.name)
		o.strOr("emoji_url", extra.emoji.url)
	} else if extra != nil {
		o.raw(extra.key, string(extra.json))
	}
	in := o.nest("pleroma")
	in.flag("is_seen", seen)
	in.flag("is_muted", false)
	o.end(in)
	return o.close()
}

// drawNotification draws one notification for a stream; nil when it is gone or the
// reader avoids it.
func (api *API) drawNotification(ctx context.Context, viewer *store.Actor, id int64) ([]byte, error) {
	n, err := api.DB.Notification(ctx, viewer.ID, id)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil || rel.silences(n.Actor, api.Now().UnixMilli()) {
		return nil, err
	}
	drawn, err := api.drawNotifications(ctx, viewer, []store.Notification{*n})
	if err != nil || len(drawn) == 0 {
		return nil, err
	}
	return drawn[0], nil
}
