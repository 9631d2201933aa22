package mastodon

import (
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// relayEntity is a relay that is subscribed to, as Pleroma draws it.
type relayEntity struct {
	Actor        vocab.IRI `json:"actor"`
	FollowedBack bool      `json:"followed_back"`
}

func drawRelay(r *store.Relay) relayEntity {
	e := relayEntity{Actor: r.Actor, FollowedBack: r.Member == store.RelayAccepted}
	if e.Actor == "" {
		e.Actor = r.Inbox // It has not answered yet.
	}
	return e
}

// Relays that the server subscribes to. A relay is named by its actor, or to follow it
// as Mastodon does by its inbox.
//
// spec: pleroma:admin_api#get-apiv1pleromaadminrelay
var (
	_ = admin("GET /api/v1/pleroma/admin/relay", "admin:read", store.ManageFederation, func(api *API, r *Request) (any, error) {
		all, err := api.DB.Relays(r.Context())
		relays := []relayEntity{}
		for i := range all {
			if all[i].Wanted {
				relays = append(relays, drawRelay(&all[i]))
			}
		}
		return map[string]any{"relays": relays}, err
	})
	_ = admin("POST /api/v1/pleroma/admin/relay", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
		address, err := relayURL(r)
		if err != nil {
			return nil, err
		}
		relay, err := api.Pipeline.Subscribe(r.Context(), r.User.ID, address)
		if err != nil {
			return nil, err
		}
		return drawRelay(relay), nil
	})
	_ = admin("DELETE /api/v1/pleroma/admin/relay", "admin:write", store.ManageFederation, func(api *API, r *Request) (any, error) {
		address, err := relayURL(r)
		if err != nil {
			return nil, err
		}
		relay, err := api.Pipeline.FindRelay(r.Context(), string(address))
		if err != nil {
			return nil, err
		}
		if err := api.Pipeline.RemoveRelay(r.Context(), r.User.ID, relay); err != nil {
			return nil, err
		}
		return address, nil
	})
)

func relayURL(r *Request) (vocab.IRI, error) {
	address := vocab.IRI(r.String("relay_url"))
	if err := address.Valid(); err != nil {
		return "", fault.Because(err, fault.Invalid, "relay_url must be the address of a relay.")
	}
	return address, nil
}
