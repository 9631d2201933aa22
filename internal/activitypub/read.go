package activitypub

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// The levels of vocab.Visibilities that this package speaks of; a test compares them.
const unlisted int16 = 1

var (
	noActor = fault.New(fault.NotFound, "There is no such account.")
	noPost  = fault.New(fault.NotFound, "There is no such post.")
)

// msTime is a time of the database; zero for never.
func msTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// person is one of our accounts as others may see it.
type person struct {
	*store.Actor
	hidesNetwork bool
}

// person returns one of ours by its name, deleted ones too. Accounts that wait for
// confirmation or approval are not there yet.
func (h *Handler) person(ctx context.Context, name string) (*person, error) {
	a, err := h.DB.ActorByHandle(ctx, name, "")
	if errors.Is(err, store.ErrNotFound) || err == nil && !a.Local {
		return nil, noActor
	} else if err != nil {
		return nil, err
	}
	p := &person{Actor: a}
	if a.Deleted != 0 {
		return p, nil
	}
	account, err := h.DB.Account(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if account.Confirmed == 0 || account.Approved == 0 {
		return nil, noActor
	}
	p.hidesNetwork = account.Preferences.HideNetwork
	return p, nil
}

// asked returns the account that a request is about, once it is clear that the one
// who asks may have it. Deleted accounts are Gone.
func (h *Handler) asked(r *http.Request, name string) (*person, error) {
	reader, err := h.reader(r)
	if err != nil {
		return nil, err
	}
	p, err := h.person(r.Context(), name)
	if err != nil {
		return nil, err
	}
	if p.Deleted != 0 {
		return p, nil
	}
	return p, h.welcome(r.Context(), p.ID, reader)
}

// welcome refuses readers whom an author, or this server, has shut out.
func (h *Handler) welcome(ctx context.Context, author int64, reader *store.Actor) error {
	if reader == nil {
		return nil
	}
	if shut, err := h.DB.ShutsOut(ctx, author, reader); err != nil {
		return err
	} else if shut {
		return fault.New(fault.Denied, "You can't see this.")
	}
	return nil
}

// post is an object of ours that somebody may read.
type post struct {
	*store.Object
	author   *store.Actor
	audience audience
}

// readable returns an object of ours if it is for the one who asks. Deleted is set
// on what was for everybody, and is gone; everything else is NotFound.
func (h *Handler) readable(r *http.Request, o *store.Object, reader *store.Actor) (*post, error) {
	ctx := r.Context()
	author, err := h.DB.Actor(ctx, o.Actor)
	if err != nil {
		return nil, err
	}
	if !author.Local || o.LocalOnly || o.URI != h.Pipeline.ObjectURI(o.ID) {
		return nil, noPost
	}
	p := &post{Object: o, author: author, audience: forAll}
	if author.Deleted != 0 && o.Deleted == 0 {
		p.Deleted = author.Deleted // It goes within a job.
	}
	if p.Deleted != 0 {
		if o.Visibility > unlisted {
			return nil, noPost
		}
		return p, nil
	}
	st, err := h.DB.Status(ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noPost
	} else if err != nil {
		return nil, err
	}
	who := reader
	if o.Visibility > unlisted {
		p.audience = forOne
		if who, err = h.viewer(r, reader); err != nil {
			return nil, err
		}
	}
	if who != nil {
		if shut, err := h.DB.ShutsOut(ctx, author.ID, who); err != nil {
			return nil, err
		} else if shut {
			return nil, noPost
		}
	}
	visible, err := h.DB.Visible(ctx, st, who)
	if err != nil {
		return nil, err
	}
	if !visible {
		return nil, noPost
	}
	return p, nil
}

// documentOf is an object as it is read now: a poll with its votes.
func (h *Handler) documentOf(ctx context.Context, o *store.Object) ([]byte, error) {
	if o.Type != "Question" {
		return []byte(o.Doc), nil
	}
	q, err := h.Pipeline.WithTallies(ctx, o)
	if errors.Is(err, store.ErrNotFound) {
		return []byte(o.Doc), nil
	} else if err != nil {
		return nil, err
	}
	return q.Raw, nil
}

// withCollections adds to a post of ours where its answers, likes and boosts are.
// They are not in the log: they would be in every delivery, for nothing.
func (h *Handler) withCollections(doc []byte, row *store.Object) ([]byte, error) {
	o, err := vocab.DecodeObject(doc)
	if err != nil {
		return nil, err
	}
	if o.Context == "" && o.InReplyTo == "" { // It was written when conversations had no address.
		o.Context = h.Pipeline.ContextURI(row.ID)
	}
	o.Replies, o.Likes, o.Shares = o.ID+"/replies", o.ID+"/likes", o.ID+"/shares"
	o.RepliesCount, o.LikesCount, o.SharesCount = -1, -1, -1
	return o.Encode(), nil
}
