package pipeline

import (
	"context"
	"errors"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// parentOf completes st with what it answers. A parent that is not known yet is
// fetched, and the reply joins the thread when it comes.
func (s *Step) parentOf(ctx context.Context, st *store.Status, o *vocab.Object) (*store.Status, error) {
	if o.InReplyTo == "" {
		return nil, nil
	}
	st.IsReply = true
	parent, err := s.statusByURI(ctx, o.InReplyTo)
	if errors.Is(err, store.ErrNotFound) { // It may be about to be committed: then it would not see who waits.
		if err := s.Lock(ctx, string(o.InReplyTo)); err != nil {
			return nil, err
		}
		parent, err = s.statusByURI(ctx, o.InReplyTo)
	}
	if errors.Is(err, store.ErrNotFound) {
		if err := s.AddWait(ctx, o.InReplyTo, store.Wait{Ref: st.ID, Kind: store.WaitReply}); err != nil {
			return nil, err
		}
		if s.Activity.Type == "Update" || s.From.imported {
			return nil, nil
		}
		return nil, s.fetchLater(ctx, o.InReplyTo)
	} else if err != nil {
		return nil, err
	}
	st.ReplyTo, st.ReplyActor, st.Conversation = parent.ID, parent.Actor, parent.Conversation
	st.LocalOnly = st.LocalOnly || parent.LocalOnly
	return parent, nil
}

// thread hangs a reply on its parent, which has just arrived.
func (s *Step) thread(ctx context.Context, reply int64, parentURI vocab.IRI) error {
	st, err := s.Status(ctx, reply)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Deleted meanwhile.
	} else if err != nil {
		return err
	}
	parent, err := s.statusByURI(ctx, parentURI)
	if errors.Is(err, store.ErrNotFound) {
		return nil // The parent came deleted.
	} else if err != nil {
		return err
	}
	if st.Conversation == parent.Conversation || parent.ID == st.ID {
		return nil // A circle: a post that answers its own answer begins the thread.
	}
	if err := s.Thread(ctx, st, parent); err != nil {
		return err
	}
	s.publish(stream.Event{Kind: "status.update", Status: st.ID, Author: st.Actor}) // Nobody is told, but what was rendered is out of date.
	return s.deliverReply(ctx, st.ID)
}

// deliverReply gives a reply to those who follow its author and, as is known only
// now, whom it answers; not when it was only fetched.
func (s *Step) deliverReply(ctx context.Context, reply int64) error {
	st, err := s.Status(ctx, reply)
	if err != nil {
		return err
	}
	brought, err := s.Tx.Activity(ctx, st.Seq)
	if errors.Is(err, store.ErrNotFound) || err == nil && strings.HasPrefix(brought.Origin, fetchPrefix) {
		return nil
	} else if err != nil {
		return err
	}
	owners, next, err := s.Deliver(ctx, st, 0, fanoutChunk)
	if err != nil {
		return err
	}
	s.publish(stream.Event{Kind: "update", Status: st.ID, Author: st.Actor, Home: owners})
	if next == 0 {
		return nil
	}
	return s.fanoutRest(ctx, st, next)
}

// statusByURI returns the post with this id on the wire.
func (s *Step) statusByURI(ctx context.Context, uri vocab.IRI) (*store.Status, error) {
	o, err := s.ObjectByURI(ctx, uri)
	if err != nil {
		return nil, err
	}
	return s.Status(ctx, o.ID)
}
