package activitypub

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// personalInbox is POST /users/NAME/inbox. To whom an activity is addressed is
// written in it; the name must only be one of ours.
//
// spec: ap#inbox-delivery
func (h *Handler) personalInbox(w http.ResponseWriter, r *http.Request) error {
	p, err := h.person(r.Context(), chi.URLParam(r, "name"))
	if err != nil {
		return err
	}
	if p.Deleted != 0 {
		return fault.New(fault.Gone, "This account was deleted.")
	}
	return h.sharedInbox(w, r)
}

// sharedInbox is POST /inbox. 202 promises that the activity with all its effects
// is on disk, or, where its key has to be fetched first, the request itself.
//
// spec: ap#shared-inbox-delivery
func (h *Handler) sharedInbox(w http.ResponseWriter, r *http.Request) error {
	if !document(r.Header.Get("Content-Type")) {
		return fault.New(fault.Unsupported, "An inbox takes %s.", activityJSON)
	}
	s, err := h.parse(r)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	actor, err := h.known(r.Context(), s.KeyID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = h.keep(r, s, body)
	case err == nil:
		err = h.receive(r, s, body, actor)
	}
	return h.accepted(w, err)
}

// document tells whether a content type is that of an ActivityStreams document.
// The profile of ld+json is left out by some.
func document(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && (kind == activityJSON || kind == linkedJSON)
}

// readBody reads a request of at most vocab.MaxDocument.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > vocab.MaxDocument {
		return nil, tooLarge(nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, vocab.MaxDocument))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(err)
	case err != nil:
		return nil, fault.Because(err, fault.Malformed, "The body can't be read.")
	}
	return body, nil
}

func tooLarge(err error) error {
	return fault.Because(err, fault.TooLarge, "A document may have up to %d bytes.", vocab.MaxDocument)
}

// receive verifies a request with the key of its actor and processes it.
func (h *Handler) receive(r *http.Request, s *remote.Signature, body []byte, actor *store.Actor) error {
	actor, err := h.check(r.Context(), s, r, body, actor, h.Now())
	switch {
	case err == nil:
		if h.Verified != nil {
			h.Verified(r.Context(), actor.Host)
		}
		if err := h.allow(actor); err != nil {
			return err
		}
		if err := h.process(r, s, body, actor); err != nil {
			return err
		}
		return h.synchronize(r, s, actor)
	case (fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound)) && leaves(body):
		return nil // What we know of it stays: nobody proved that it was deleted.
	}
	return unauthorized(err)
}

// process takes in what actor's host sent: as the word of that host, or where the
// activity is somebody else's, as theirs.
func (h *Handler) process(r *http.Request, s *remote.Signature, body []byte, actor *store.Actor) error {
	a, err := vocab.DecodeActivity(body)
	from := origin(r, actor)
	if err != nil || a.Actor == "" || !foreign(a, actor) || from.Relay {
		return h.Pipeline.ProcessDocument(r.Context(), body, from)
	}
	if taken, err := h.Pipeline.RelayPassedOn(r.Context(), a, from); err != nil || taken {
		return err
	}
	if err := h.allow(actor); err != nil { // Twice: to check what others signed takes longer.
		return err
	}
	later, err := h.passedOn(r.Context(), a, body, actor.Host)
	if err != nil || !later {
		return err
	}
	return h.store(r, s, body)
}

// synchronize has the followers of a sender compared, where it says that they are
// others than we know.
//
// spec: fep-8fcf
func (h *Handler) synchronize(r *http.Request, s *remote.Signature, actor *store.Actor) error {
	told := s.Synchronization(r)
	if told == nil || told.Collection != actor.Followers || !vocab.SameHost(told.URL, actor.URI) {
		return nil
	}
	ours, err := h.DB.FollowerDigest(r.Context(), actor.ID, "")
	if err != nil || ours.Digest == told.Digest {
		return err
	}
	return h.Pipeline.FollowersDiffer(r.Context(), actor, told.URL)
}

// leaves tells whether a document is the Delete of the actor itself.
func leaves(body []byte) bool {
	a, err := vocab.DecodeActivity(body)
	return err == nil && leaving(a)
}

func leaving(a *vocab.Activity) bool { return a.Type == "Delete" && a.Object == a.Actor }

// taken lists the kinds of failures after which the sender has nothing to mend: it
// gets the same answer as for what had an effect. That there is no such post is not
// told either, as there may be one that the sender must not know of.
var taken = map[fault.Kind]bool{
	fault.Rejected: true,
	fault.Gone:     true,
	fault.NotFound: true,
	fault.Conflict: true,
}

// accepted answers for an arrival that ended with err.
func (h *Handler) accepted(w http.ResponseWriter, err error) error {
	switch kind := fault.KindOf(err); {
	case err == nil:
	case errors.Is(err, store.ErrNotFound) && kind == fault.Internal:
		// A row that went meanwhile is no trouble of the sender's, but it will come again.
		return fault.Because(err, fault.Transient, "This server is busy with other requests.")
	case taken[kind]:
		h.Log.Debug("arrival refused", "err", err)
	case kind == fault.Invalid:
		return fault.Because(err, fault.Malformed, "%s", message(err))
	default:
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(0))
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func message(err error) string {
	_, text := fault.Public(err)
	return text
}
