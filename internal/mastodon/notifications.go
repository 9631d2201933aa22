package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// notificationQuery reads which kinds are wanted; unknown ones are nobody's.
func notificationQuery(r *Request) (store.NotificationQuery, error) {
	var w store.NotificationQuery
	for _, name := range r.Strings("types") {
		if k := store.KindNamed(name); k != 0 {
			w.Kinds = append(w.Kinds, k)
		}
	}
	if r.Has("types") && len(w.Kinds) == 0 && len(r.Strings("types")) > 0 {
		w.Kinds = []int16{0} // Only kinds that are not known here: there are none.
	}
	w.IncludeFiltered = r.Bool("include_filtered", false)
	for _, name := range r.Strings("exclude_types") {
		if k := store.KindNamed(name); k != 0 {
			w.Exclude = append(w.Exclude, k)
		}
	}
	if s := r.String("account_id"); s != "" {
		id, err := parseID(s)
		if err != nil {
			return w, errNotFound()
		}
		w.Actor = id
	}
	return w, nil
}

// notificationsPage reads a page of what the reader wants to hear of.
func (api *API) notificationsPage(ctx context.Context, reader *store.Actor, w store.NotificationQuery, page store.Page) (list []store.Notification, more bool, err error) {
	rel, err := api.relations(ctx, reader)
	if err != nil {
		return nil, false, err
	}
	now := api.Now().UnixMilli()
	want := page.Limit
	for range maxScans {
		rows, err := api.DB.Notifications(ctx, reader.ID, w, page)
		if err != nil {
			return nil, false, err
		}
		more = len(rows) == page.Limit
		for _, n := range rows {
			if !rel.silences(n.Actor, now) && len(list) < want {
				list = append(list, n)
			}
		}
		if !more || len(list) >= want || page.Min != 0 {
			break
		}
		page.Max = rows[len(rows)-1].ID
	}
	return list, more, nil
}

// ownNotification returns the notification that the path names.
func (api *API) ownNotification(r *Request) (*store.Notification, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, errNotFound()
	}
	return api.notificationOf(r, id)
}

func (api *API) notificationOf(r *Request, id int64) (*store.Notification, error) {
	n, err := api.DB.Notification(r.Context(), r.User.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNotFound()
	}
	return n, err
}

// lastSeen returns the newest notification that the person has seen, 0 when none.
func (api *API) lastSeen(ctx context.Context, reader *store.Actor) (int64, error) {
	markers, err := api.DB.Markers(ctx, reader.ID)
	if err != nil {
		return 0, err
	}
	last, err := strconv.ParseInt(markers["notifications"].LastRead, 10, 64)
	if err != nil {
		return 0, nil // None, or an app's own idea of an id.
	}
	return last, nil
}

func dismiss(api *API, r *Request) (any, error) {
	n, err := api.ownNotification(r)
	if err != nil {
		return nil, err
	}
	return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DismissNotification(r.Context(), r.User.ID, n.ID) })
}

// spec: masto:methods/notifications
var (
	_ = route("GET /api/v1/notifications", "read:notifications", func(api *API, r *Request) (any, error) {
		w, err := notificationQuery(r)
		if err != nil {
			return nil, err
		}
		page, err := r.page(somePeople)
		if err != nil {
			return nil, err
		}
		list, more, err := api.notificationsPage(r.Context(), r.User, w, page)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].ID, list[len(list)-1].ID, more || page.Min != 0)
		}
		drawn, err := api.drawNotifications(r.Context(), r.User, list)
		if err != nil {
			return nil, err
		}
		return r.drawn(appendAll(r.buffer(), drawn))
	})
	_ = route("GET /api/v1/notifications/{id}", "read:notifications", func(api *API, r *Request) (any, error) {
		n, err := api.ownNotification(r)
		if err != nil {
			return nil, err
		}
		drawn, err := api.drawNotifications(r.Context(), r.User, []store.Notification{*n})
		if err != nil {
			return nil, err
		}
		if len(drawn) == 0 {
			return nil, errNotFound()
		}
		return json.RawMessage(drawn[0]), nil
	})
	_ = route("GET /api/v1/notifications/unread_count", "read:notifications", func(api *API, r *Request) (any, error) { return api.unread(r, nil) })
	_ = route("POST /api/v1/notifications/clear", "write:notifications", func(api *API, r *Request) (any, error) {
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.ClearNotifications(r.Context(), r.User.ID) })
	})
	_ = route("POST /api/v1/notifications/{id}/dismiss", "write:notifications", dismiss)
	_ = route("POST /api/v1/notifications/dismiss", "write:notifications", func(api *API, r *Request) (any, error) {
		id, err := parseID(r.String("id"))
		if err != nil {
			return nil, fault.New(fault.Malformed, "param is missing or the value is empty: id")
		}
		n, err := api.notificationOf(r, id)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DismissNotification(r.Context(), r.User.ID, n.ID) })
	})
)

// kept lists posts that the person has kept in some way.
func kept(read func(*store.Q, context.Context, int64, store.Page) ([]store.Cursor, error)) handler {
	return func(api *API, r *Request) (any, error) {
		page, err := r.page(somePosts)
		if err != nil {
			return nil, err
		}
		list, err := read(api.DB.Q, r.Context(), r.User.ID, page)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(list))
		for i, c := range list {
			ids[i] = c.ID
		}
		if len(list) > 0 {
			r.links(prevByMin, list[0].At, list[len(list)-1].At, len(list) == page.Limit || page.Min != 0)
		}
		if ids, err = api.readable(r.Context(), r.User, ids); err != nil {
			return nil, err
		}
		return api.drawStatuses(r, ids, "account")
	}
}

// spec: masto:methods/favourites, bookmarks
var (
	_ = route("GET /api/v1/favourites", "read:favourites", kept((*store.Q).Favourites))
	_ = route("GET /api/v1/bookmarks", "read:bookmarks", kept((*store.Q).Bookmarks))
)
