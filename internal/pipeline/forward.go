package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// forward passes what somebody wrote in answer to one of our people on to that person's
// followers on other servers, as it came: they don't follow who wrote it, and see
// the whole thread by that. Whoever gets it must be able to make sure that it is
// true: it is signed, or for everybody so that they can ask its own host. A job
// delivers it, once.
//
// spec: ap#inbox-forwarding
func (s *Step) forward(ctx context.Context, status int64) error {
	if s.replay || s.From.local() || s.From.Fetched || s.From.part || status == 0 || s.state == store.Void {
		return nil
	}
	st, err := s.Status(ctx, status)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return s.forwardReply(ctx, st)
}

func (s *Step) forwardReply(ctx context.Context, st *store.Status) error {
	if st.ReplyTo == 0 || st.BoostOf != 0 || st.Actor != s.Actor.ID {
		return nil
	}
	parent, err := s.Status(ctx, st.ReplyTo)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if !parent.Local || parent.LocalOnly || parent.Visibility == direct {
		return nil
	}
	author, err := s.Tx.Actor(ctx, parent.Actor)
	if err != nil {
		return err
	}
	raw := s.From.raw(s.Activity)
	if author.Hidden() || len(raw) > maxForward {
		return nil
	}
	if ok, err := s.forwardable(ctx, st, author, raw); err != nil || !ok {
		return err
	}
	if wanted, err := s.forwardWanted(ctx, st, author); err != nil || !wanted {
		return err
	}
	if err := s.AddForward(ctx, store.Forward{Activity: s.Seq, Actor: author.ID, Doc: string(raw)}); err != nil {
		return err
	}
	s.decide("forward", "passed on to the followers of %s", author.URI)
	s.behind = append(s.behind, store.ExpandJob(s.Seq, author.ID))
	return nil
}

// maxForward is how large a document that is passed on may be, in bytes. Each waits
// for its deliveries in the database.
const maxForward = 128 << 10

// forwardable tells whether the followers of author may read st, and can tell that
// raw is true.
func (s *Step) forwardable(ctx context.Context, st *store.Status, author *store.Actor, raw []byte) (bool, error) {
	if st.Visibility <= unlisted {
		return true, nil
	}
	if !Signed(raw) {
		return false, nil
	}
	if s.Activity.Type == "Delete" { // It says no more for whom the post was.
		return s.Sent(ctx, st.ID)
	}
	o := s.Activity.Inline
	return o != nil && slices.Contains(append(slices.Clone(o.To), o.Cc...), author.Followers), nil
}

// forwardWanted tells whether author has not shut out who writes. What was passed on
// before is taken back all the same.
func (s *Step) forwardWanted(ctx context.Context, st *store.Status, author *store.Actor) (bool, error) {
	shut, err := s.Blocked(ctx, author.ID, s.Actor.ID)
	if err == nil && !shut {
		shut, err = s.ShutsOut(ctx, author.ID, s.Actor)
	}
	if err != nil || !shut {
		return err == nil, err
	}
	if s.Activity.Type != "Delete" {
		return false, nil
	}
	return s.Sent(ctx, st.ID)
}

// Signed tells whether a document says that it is signed in itself. The signature is
// the receiver's to check.
func Signed(doc []byte) bool {
	return bytes.Contains(doc, []byte(`"proof"`)) || bytes.Contains(doc, []byte(`"signature"`))
}

// raw is an activity as it came.
func (o Origin) raw(a *vocab.Activity) []byte {
	if o.Signed != nil {
		return o.Signed
	}
	return a.Raw
}

// Concerns tells whether an activity that somebody else passes on, and that nothing but its
// own host can vouch for, is worth asking there: it is public, and about a post or by a person
// that we know. Otherwise strangers could have us ask for whatever they name.
func (p *Pipeline) Concerns(ctx context.Context, a *vocab.Activity) (bool, error) {
	if !slices.Contains(append(slices.Clone(a.To), a.Cc...), vocab.Public) && a.Type != "Delete" {
		return false, nil
	}
	about := a.Object
	if a.Type == "Create" {
		if a.Inline == nil {
			return false, nil
		}
		about = a.Inline.InReplyTo
	}
	if about == "" {
		return false, nil
	}
	_, err := p.DB.ObjectByURI(ctx, about)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Refetch takes in an activity that somebody else passed on by what its own host says
// of it. A fault of kind Rejected: that does not say so.
func (p *Pipeline) Refetch(ctx context.Context, a *vocab.Activity) error {
	if !vocab.SameHost(a.Object, a.Actor) && (a.Type == "Create" || a.Type == "Update" || a.Type == "Delete") {
		return fault.New(fault.Rejected, "The object is on another host than the actor.")
	}
	switch a.Type {
	case "Create":
		_, err := p.fetchObject(ctx, a.Object, 0)
		return err
	case "Update":
		return p.refetchObject(ctx, a.Object)
	case "Delete":
		return p.confirmDelete(ctx, a)
	}
	if err := p.fetchable(a.ID); err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, a.ID, p.InstanceKey(ctx))
	if err != nil {
		return fmt.Errorf("fetching %s: %w", a.ID, err)
	}
	own, err := vocab.DecodeActivity(body)
	if err != nil {
		return err
	}
	if final != a.ID || own.ID != a.ID || own.Type != a.Type || own.Actor != a.Actor {
		return fault.New(fault.Rejected, "%s answered with something else.", a.ID)
	}
	return p.Process(ctx, own, Origin{Host: a.ID.Host(), Fetched: true})
}

// refetchObject takes in the version of a post that its host has now.
func (p *Pipeline) refetchObject(ctx context.Context, uri vocab.IRI) error {
	row, err := p.DB.ObjectByURI(ctx, uri)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	if err := p.fetchable(uri); err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, uri, p.InstanceKey(ctx))
	if err != nil {
		return fmt.Errorf("fetching %s: %w", uri, err)
	}
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return err
	}
	author := authorOf(o)
	if final != uri || o.ID != uri || author == "" {
		return fault.New(fault.Rejected, "%s answered with something else.", uri)
	}
	sum := sha256.Sum256(body)
	update := &vocab.Activity{ID: uri + "#fetched-" + vocab.IRI(hex.EncodeToString(sum[:8])), Type: "Update", Actor: author, Object: uri, Inline: o, To: o.To, Cc: o.Cc}
	update.Raw = vocab.EncodeActivity(update, nil)
	return p.Process(ctx, update, Origin{Host: uri.Host(), Fetched: true})
}

// confirmDelete takes a post down that its host says is gone. Only of what everybody
// could read does that say anything.
func (p *Pipeline) confirmDelete(ctx context.Context, a *vocab.Activity) error {
	row, err := p.DB.ObjectByURI(ctx, a.Object)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	if row.Visibility > unlisted {
		return fault.New(fault.Rejected, "Whether %s is gone can't be told.", a.Object)
	}
	if err := p.fetchable(a.Object); err != nil {
		return err
	}
	body, _, err := p.Remote.Document(ctx, a.Object, p.InstanceKey(ctx))
	switch {
	case fault.Is(err, fault.Gone), fault.Is(err, fault.NotFound):
	case err != nil:
		return fmt.Errorf("fetching %s: %w", a.Object, err)
	default:
		if id, typ, err := vocab.TypeOf(body); err != nil || typ != "Tombstone" || id != a.Object {
			return fault.New(fault.Rejected, "%s is not gone.", a.Object)
		}
	}
	gone := &vocab.Activity{ID: a.Object + "#gone", Type: "Delete", Actor: a.Actor, Object: a.Object}
	gone.Raw = vocab.EncodeActivity(gone, nil)
	return p.Process(ctx, gone, Origin{Host: a.Object.Host(), Fetched: true})
}
