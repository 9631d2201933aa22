package activitypub

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/pipeline"
	"kenoma/internal/vocab"
)

// actor is GET /users/NAME: the document, or for a browser the way to the page.
//
// spec: ap#actor-objects
func (h *Handler) actor(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "name")
	if prefersPage(r) {
		p, err := h.person(r.Context(), name)
		if err != nil {
			return err
		}
		h.toPage(w, r, "/@"+p.Username)
		return nil
	}
	return h.serveActor(w, r, name)
}

func (h *Handler) toPage(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Vary", "Accept")
	http.Redirect(w, r, h.URL+path, http.StatusFound)
}

// ServeActor answers with the document of one of our accounts, for a page that was
// asked for it (see Wants).
func (h *Handler) ServeActor(w http.ResponseWriter, r *http.Request, name string) {
	if err := h.serveActor(w, r, name); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) serveActor(w http.ResponseWriter, r *http.Request, name string) error {
	p, err := h.asked(r, name)
	if err != nil {
		return err
	}
	if p.Deleted != 0 {
		return h.tombstone(w, r, p.URI, p.Type, p.Deleted)
	}
	doc, err := h.DB.ActorDoc(r.Context(), p.ID)
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, []byte(doc), forAll)
}

// instanceActor is GET /actor, which never needs a signature: it holds the key that
// checks ours.
func (h *Handler) instanceActor(w http.ResponseWriter, r *http.Request) error {
	doc, err := h.Pipeline.InstanceDocument(r.Context())
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, doc, forLong)
}

func (h *Handler) instanceOutbox(w http.ResponseWriter, r *http.Request) error {
	c := &vocab.Collection{ID: vocab.IRI(h.URL + pipeline.InstanceActor + "/outbox"), Type: "OrderedCollection", Items: []vocab.Item{}}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), forLong)
}
