package mastodon

import (
	"slices"

	"kenoma/internal/store"
)

// markerEntity is Marker.
//
// spec: masto:entities/Marker
type markerEntity struct {
	LastRead string  `json:"last_read_id"`
	Version  int64   `json:"version"`
	Updated  *string `json:"updated_at"`
}

func newMarker(m store.Marker) markerEntity {
	return markerEntity{m.LastRead, m.Version, isoTime(m.Updated)}
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
		found := map[string]markerEntity{}
		for name, m := range have {
			if slices.Contains(wanted, name) {
				found[name] = newMarker(m)
			}
		}
		return found, nil
	})
	_ = route("POST /api/v1/markers", "write:statuses", func(api *API, r *Request) (any, error) {
		found := map[string]markerEntity{}
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
				found[name] = newMarker(m)
			}
			return nil
		})
		return found, err
	})
)
