package activitypub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// object is GET /objects/ID: the document, or for a browser the way to the page.
func (h *Handler) object(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	if prefersPage(r) {
		if path, err := h.pageOf(r.Context(), id); err != nil || path != "" {
			if err == nil {
				h.toPage(w, r, path)
			}
			return err
		}
	}
	return h.serveObject(w, r, id)
}

// number is the id in the address; what is no number names nothing.
func number(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, noPost
	}
	return id, nil
}

// pageOf is the path of the page of a post; "" for what has none for everybody.
func (h *Handler) pageOf(ctx context.Context, id int64) (string, error) {
	o, err := h.DB.Object(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if o.Deleted != 0 || o.LocalOnly || o.Visibility > unlisted {
		return "", nil
	}
	author, err := h.DB.Actor(ctx, o.Actor)
	if err != nil || !author.Local || author.Hidden() {
		return "", err
	}
	return "/@" + author.Username + "/" + strconv.FormatInt(id, 10), nil
}

// ServeObject answers with the document of a post of ours, for a page that was
// asked for it (see Wants).
func (h *Handler) ServeObject(w http.ResponseWriter, r *http.Request, id int64) {
	if err := h.serveObject(w, r, id); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) serveObject(w http.ResponseWriter, r *http.Request, id int64) error {
	p, err := h.askedPost(r, id)
	if err != nil {
		return err
	}
	if p.Deleted != 0 {
		return h.tombstone(w, r, p.URI, p.Type, p.Deleted)
	}
	doc, err := h.documentOf(r.Context(), p.Object)
	if err != nil {
		return err
	}
	if doc, err = h.withCollections(doc, p.Object); err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, doc, p.audience)
}

// askedPost returns the post that a request is about, if it is for the one who asks.
func (h *Handler) askedPost(r *http.Request, id int64) (*post, error) {
	reader, err := h.reader(r)
	if err != nil {
		return nil, err
	}
	o, err := h.DB.Object(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noPost
	} else if err != nil {
		return nil, err
	}
	if !vocab.IsPost(o.Type) {
		return nil, noPost // A permission has an address of its own.
	}
	return h.readable(r, o, reader)
}

// livePost is askedPost for what hangs on a post, which is gone with it.
func (h *Handler) livePost(r *http.Request) (*post, error) {
	id, err := number(r)
	if err != nil {
		return nil, err
	}
	p, err := h.askedPost(r, id)
	if err == nil && p.Deleted != 0 {
		return nil, noPost
	}
	return p, err
}

// likes is GET /objects/ID/likes: how many; who did is nobody's business.
//
// spec: ap#likes
func (h *Handler) likes(w http.ResponseWriter, r *http.Request) error {
	return h.counted(w, r, "/likes", func(c store.Counts) int64 { return c.Favourites })
}

// shares is GET /objects/ID/shares: how many.
//
// spec: ap#shares
func (h *Handler) shares(w http.ResponseWriter, r *http.Request) error {
	return h.counted(w, r, "/shares", func(c store.Counts) int64 { return c.Boosts })
}

func (h *Handler) counted(w http.ResponseWriter, r *http.Request, path string, of func(store.Counts) int64) error {
	p, err := h.livePost(r)
	if err != nil {
		return err
	}
	counts, err := h.DB.Counts(r.Context(), []int64{p.ID})
	if err != nil {
		return err
	}
	c := &vocab.Collection{ID: p.URI + vocab.IRI(path), Type: "Collection", Total: int(of(counts[p.ID]))}
	return h.document(w, r, http.StatusOK, vocab.EncodeCollection(c), p.audience)
}

// aboutPosts lists the types of activities that are as public as what they are
// about. All others are for those whom they name.
var aboutPosts = []string{"Create", "Update", "Delete", "Announce", "Add", "Remove"}

// activity is GET /activities/ID, where ID is the number in the activity's address.
func (h *Handler) activity(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	reader, err := h.reader(r)
	if err != nil {
		return err
	}
	a, err := h.DB.ActivityByURI(r.Context(), vocab.IRI(h.URL+"/activities/"+strconv.FormatInt(id, 10)))
	if errors.Is(err, store.ErrNotFound) || err == nil && (a.Doc == "" || a.Origin != "") {
		return noPost
	} else if err != nil {
		return err
	}
	actor, err := h.DB.Actor(r.Context(), a.Actor)
	if err != nil {
		return err
	}
	if err := h.welcome(r.Context(), actor.ID, reader); err != nil {
		return err
	}
	doc, to, err := h.activityFor(r, a, actor, reader)
	if err != nil {
		return err
	}
	return h.document(w, r, http.StatusOK, doc, to)
}

// activityFor returns the document of an activity of ours for the one who asks.
func (h *Handler) activityFor(r *http.Request, a *store.Activity, actor *store.Actor, reader *store.Actor) ([]byte, audience, error) {
	switch {
	case a.Type == "Delete" && a.Object == actor.ID:
		return []byte(a.Doc), forAll, nil
	case actor.Deleted != 0 || a.State != store.Live:
		return nil, 0, noPost
	case !slices.Contains(aboutPosts, a.Type):
		return h.addressedOnly(r, a, reader)
	case a.Type == "Update" && a.Object == actor.ID:
		doc, err := h.DB.ActorDoc(r.Context(), actor.ID)
		if err != nil {
			return nil, 0, err
		}
		whole, err := vocab.WithObject([]byte(a.Doc), []byte(doc))
		return whole, forAll, err
	}
	o, err := h.DB.Object(r.Context(), a.Object)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.LocalOnly {
		return nil, 0, noPost
	} else if err != nil {
		return nil, 0, err
	}
	switch a.Type {
	case "Create", "Update":
		return h.withPost(r, a, o, reader)
	case "Announce":
		if _, err := h.DB.Status(r.Context(), a.Seq); errors.Is(err, store.ErrNotFound) {
			return nil, 0, noPost // Another Announce of the same post counts.
		} else if err != nil {
			return nil, 0, err
		}
	}
	if a.Visibility <= unlisted {
		return []byte(a.Doc), forAll, nil
	}
	return h.addressedOnly(r, a, reader)
}

// withPost joins a Create or Update with its object as it is now.
func (h *Handler) withPost(r *http.Request, a *store.Activity, o *store.Object, reader *store.Actor) ([]byte, audience, error) {
	p, err := h.readable(r, o, reader)
	if err != nil {
		return nil, 0, err
	}
	if p.Deleted != 0 {
		return nil, 0, noPost
	}
	inline, err := h.documentOf(r.Context(), o)
	if err != nil {
		return nil, 0, err
	}
	doc, err := vocab.WithObject([]byte(a.Doc), inline)
	return doc, p.audience, err
}

// addressedOnly gives an activity to those who are named in it, and to whoever did it.
func (h *Handler) addressedOnly(r *http.Request, a *store.Activity, reader *store.Actor) ([]byte, audience, error) {
	who, err := h.viewer(r, reader)
	if err != nil {
		return nil, 0, err
	}
	if who == nil {
		return nil, 0, noPost
	}
	act, err := vocab.DecodeActivity([]byte(a.Doc))
	if err != nil {
		return nil, 0, err
	}
	if who.ID != a.Actor && !slices.Contains(act.To, who.URI) && !slices.Contains(act.Cc, who.URI) {
		return nil, 0, noPost
	}
	return []byte(a.Doc), forOne, nil
}
