package mastodon

import (
	"strings"

	"kenoma/internal/store"
)

// hostEntity is what is known of another server.
type hostEntity struct {
	Host        string  `json:"host"`
	Software    *string `json:"software"` // As its NodeInfo says, "mastodon"; null unknown.
	Version     *string `json:"version"`
	FirstSeen   *string `json:"first_seen_at"`
	Delivered   *string `json:"last_delivered_at"` // When it last took something, to within an hour.
	Failing     *string `json:"failing_since"`
	Unreachable bool    `json:"unreachable"` // It failed for so long that it is only probed.
}

// What the server knows of a host that it talks to, for the staff.
var _ = admin("GET /api/v1/kenoma/admin/hosts/{host}", "admin:read", store.ManageFederation, func(api *API, r *Request) (any, error) {
	name := strings.ToLower(r.PathValue("host"))
	found, err := api.DB.Hosts(r.Context(), []string{name})
	if err != nil {
		return nil, err
	}
	h, ok := found[name]
	if !ok {
		return nil, errNotFound()
	}
	software, version, _ := strings.Cut(h.Software, " ")
	return &hostEntity{Host: h.Host, Software: orNil(software), Version: orNil(version), FirstSeen: isoTime(h.FirstSeen), Delivered: isoTime(h.LastOK),
		Failing: isoTime(h.Failing), Unreachable: h.Unreachable(api.Now())}, nil
})
