package activitypub

import (
	"errors"
	"net/http"
	"slices"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// stamp is GET /quote_authorizations/ID and /authorizations/ID: the permission of one
// of ours to quote, answer, favour or boost a post. It names addresses alone, so that everybody may check it; one that was
// taken back is gone.
//
// spec: fep-044f#quoteauthorization
func (h *Handler) stamp(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	o, err := h.DB.Object(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !slices.Contains(vocab.Authorizations, o.Type) {
		return noPost
	} else if err != nil {
		return err
	}
	author, err := h.DB.Actor(r.Context(), o.Actor)
	if err != nil {
		return err
	}
	if !author.Local {
		return noPost
	}
	if o.Deleted != 0 || author.Deleted != 0 {
		return fault.New(fault.Gone, "This permission was taken back.")
	}
	if _, err := h.reader(r); err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, []byte(o.Doc), forAll)
}
