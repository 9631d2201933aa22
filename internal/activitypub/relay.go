package activitypub

import (
	"net/http"
	"strings"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// relayInbox is where what is for our relay comes in. It is like the shared inbox, but
// what arrives here is spread, and is not taken in.
const relayInbox = pipeline.RelayActor + "/inbox"

// origin says who vouches for a request that actor signed.
func origin(r *http.Request, actor *store.Actor) pipeline.Origin {
	return pipeline.Origin{Host: actor.Host, Signer: actor.URI, Relay: strings.TrimSuffix(r.URL.Path, "/") == relayInbox}
}

// relay is GET /relay, which never needs a signature: it holds the key that checks ours.
func (h *Handler) relay(w http.ResponseWriter, r *http.Request) error {
	doc, err := h.Pipeline.RelayDocument(r.Context())
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, doc, forLong)
}

// relayList is a collection of our relay. Of members it tells how many they are.
func (h *Handler) relayList(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := h.reader(r); err != nil {
			return err
		}
		all, err := h.DB.Relays(r.Context())
		if err != nil {
			return err
		}
		c := &vocab.Collection{ID: h.Pipeline.RelayURI() + vocab.IRI(name), Type: "OrderedCollection"}
		for _, one := range all {
			if name == "/followers" && one.Member == store.RelayAccepted || name == "/following" && one.State == store.RelayAccepted {
				c.Total++
			}
		}
		return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forAll)
	}
}

// relayAnnounce is GET /relay/announces/ID.
func (h *Handler) relayAnnounce(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	if _, err := h.reader(r); err != nil {
		return err
	}
	post, err := h.DB.Relayed(r.Context(), id)
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, h.Pipeline.RelayAnnounce(id, post.Object), forAll)
}
