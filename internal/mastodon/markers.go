package mastodon

import (
	"context"
	"slices"

	"kenoma/internal/store"
)

// markerEntity is Marker. How much is unread stands in it for Pleroma's clients.
//
// spec: masto:entities/Marker, pleroma:differences_in_mastoapi#marker
type markerEntity struct {
	LastRead string          `json:"last_read_id"`
	Version  int64           `json:"version"`
	Updated  *string         `json:"updated_at"`
	Pleroma  *unreadInMarker `json:"pleroma,omitempty"`
}

type unreadInMarker struct {
	Unread int `json:"unread_count"` // At most maxUnread.
}

// maxUnread is as far as a marker counts.
const maxUnread = 100

// drawMarkers returns the markers with what is unread behind that of notifications.
func (api *API) drawMarkers(ctx context.Context, viewer *store.Actor, list map[string]store.Marker) (map[string]markerEntity, error) {
	drawn := make(map[string]markerEntity, len(list))
	for name, m := range list {
		e := markerEntity{LastRead: m.LastRead, Version: m.Version, Updated: isoTime(m.Updated)}
		if name == "notifications" {
			n, err := api.countUnread(ctx, viewer, store.NotificationQuery{}, nil, maxUnread)
			if err != nil {
				return nil, err
			}
			e.Pleroma = &unreadInMarker{n}
		}
		drawn[name] = e
	}
	return drawn, nil
}

// marked are the timelines whose reading is remembered.
var marked = []string{"home", "notifications"}

// spec: masto:methods/markers
var (
	_ = route("GET /api/v1/markers", "read:statuses", func(api *API, r *Request) (any, error) {
		have, err := api.DB.Markers(r.Context(), r.User.ID)
		if err != nil {
			return nil, err
		}
		wanted := r.Strings("timeline")
		for name := range have {
			if !slices.Contains(wanted, name) {
				delete(have, name)
			}
		}
		return api.drawMarkers(r.Context(), r.User, have)
	})
	_ = route("POST /api/v1/markers", "write:statuses", func(api *API, r *Request) (any, error) {
		found := map[string]store.Marker{}
		err := api.DB.Write(r.Context(), func(tx *store.Tx) error {
			for _, name := range marked {
				id := r.String(name + "[last_read_id]")
				if id == "" {
					continue
				}
				if _, err := parseID(id); err != nil {
					return invalidField("Last read is not an id")
				}
				m, err := tx.SetMarker(r.Context(), store.Marker{Actor: r.User.ID, Timeline: name, LastRead: id})
				if err != nil {
					return err
				}
				found[name] = m
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return api.drawMarkers(r.Context(), r.User, found)
	})
)
