package pipeline

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Create is "actor made object". A Note with a name and no content, in answer to a
// poll, is a vote in it.
var Create = define(Type{
	Name:     "Create",
	Spec:     "ap#create-activity-inbox",
	Validate: validateCreate,
	Apply:    applyCreate,
})

func validateCreate(a *vocab.Activity, from Origin) error {
	if a.Inline == nil {
		if a.Object == "" {
			return fault.New(fault.Malformed, "The Create has no object.")
		}
		return nil // Only its address: it is fetched.
	}
	if from.Fetched && isStamp(a.Inline, a.Actor) {
		return nil
	}
	return validatePost(a, from)
}

// validatePost holds an inline object against the activity that brings it.
func validatePost(a *vocab.Activity, from Origin) error {
	o := a.Inline
	if !vocab.IsPost(o.Type) {
		return fault.New(fault.Rejected, "Objects of type %s are not shown here.", o.Type)
	}
	if o.ID == "" {
		return fault.New(fault.Malformed, "The object has no id.")
	}
	if from.local() {
		return nil
	}
	if err := o.ID.Valid(); err != nil {
		return fault.Because(err, fault.Malformed, "The object's id is not an address.")
	}
	if o.Type == "ChatMessage" && (len(o.To) != 1 || len(o.Cc) != 0 || o.To[0] == vocab.Public) {
		return fault.New(fault.Rejected, "A chat message is for one person.")
	}
	if !vocab.SameHost(o.ID, a.Actor) {
		return fault.New(fault.Rejected, "The object is on another host than its author.")
	}
	for _, by := range o.AttributedTo {
		if by == a.Actor {
			return nil
		}
	}
	if len(o.AttributedTo) == 0 && (o.Actor == "" || o.Actor == a.Actor) {
		return nil
	}
	return fault.New(fault.Rejected, "The object is attributed to somebody else than the actor.")
}

func applyCreate(ctx context.Context, s *Step) error {
	o := s.Activity.Inline
	if o == nil {
		if s.replay && s.object != 0 {
			return s.arrive(ctx, s.object) // It brought what was here already.
		}
		if vocab.SameHost(s.Activity.Object, s.Activity.Actor) {
			s.decide("effects", "only the address came, the object is fetched")
			if err := s.fetchLater(ctx, s.Activity.Object); err != nil {
				return err
			}
		}
		s.state = store.Void
		return nil
	}
	if o.Type == stampType {
		return s.fetchedStamp(ctx, o)
	}
	if policy.IsVote(o) {
		return s.vote(ctx, o)
	}
	return s.putAndForward(ctx, o)
}

func (s *Step) putAndForward(ctx context.Context, o *vocab.Object) error {
	if err := s.put(ctx, o); err != nil {
		return err
	}
	return s.forward(ctx, s.object)
}

// Update is "object, or the actor itself, now reads like this".
var Update = define(Type{
	Name:     "Update",
	Spec:     "ap#update-activity-inbox",
	Validate: validateUpdate,
	Apply:    applyUpdate,
})

func validateUpdate(a *vocab.Activity, from Origin) error {
	switch {
	case a.Object == a.Actor:
		return nil // A profile; with or without the document.
	case a.Inline == nil:
		if a.Object == "" {
			return fault.New(fault.Malformed, "The Update has no object.")
		}
		return nil
	case vocab.IsActor(a.Inline.Type):
		return fault.New(fault.Rejected, "An actor can only update itself.")
	}
	return validatePost(a, from)
}

func applyUpdate(ctx context.Context, s *Step) error {
	if s.Activity.Object == s.Activity.Actor {
		return s.updateActor(ctx)
	}
	if s.Activity.Inline == nil {
		s.state = store.Void
		if !vocab.SameHost(s.Activity.Object, s.Activity.Actor) {
			return nil
		}
		return s.fetchLater(ctx, s.Activity.Object)
	}
	return s.putAndForward(ctx, s.Activity.Inline)
}

// Delete is "object, or the actor itself, is gone". Only its author deletes a post:
// a moderator of the author's host sends it in the author's name.
var Delete = define(Type{
	Name:     "Delete",
	Spec:     "ap#delete-activity-inbox",
	Validate: validateDelete,
	Apply:    applyDelete,
})

func validateDelete(a *vocab.Activity, _ Origin) error {
	if a.Object == "" {
		return fault.New(fault.Malformed, "The Delete names no object.")
	}
	if !vocab.SameHost(a.Object, a.Actor) {
		return fault.New(fault.Rejected, "The object is on another host than the actor.")
	}
	return nil
}

// maxDeleted is how many things one Delete may name.
const maxDeleted = 100

// deleteEach processes the Delete of several things as one of each.
func (p *Pipeline) deleteEach(ctx context.Context, a *vocab.Activity, from Origin) error {
	if a.ID == "" {
		a.ID = syntheticID(a)
	}
	for i, object := range a.Objects[:min(len(a.Objects), maxDeleted)] {
		one := &vocab.Activity{ID: a.ID + vocab.IRI(fmt.Sprintf("-%d", i)), Type: a.Type, Actor: a.Actor, Object: object, To: a.To, Cc: a.Cc, Published: a.Published}
		one.Raw = vocab.EncodeActivity(one, nil)
		if err := p.Process(ctx, one, from); err != nil && fault.Retryable(err) {
			return err
		}
	}
	return nil
}

func applyDelete(ctx context.Context, s *Step) error {
	s.doc = bareDelete(s.Activity)
	if s.Activity.Object == s.Activity.Actor {
		return s.deleteActor(ctx)
	}
	o, err := s.ObjectByURI(ctx, s.Activity.Object)
	if errors.Is(err, store.ErrNotFound) {
		return s.Wait(s.Activity.Object) // Delete before Create.
	} else if err != nil {
		return err
	}
	if o.Actor != s.Actor.ID {
		return fault.New(fault.Rejected, "Only its author can delete this.")
	}
	s.object = o.ID
	s.visibility = o.Visibility
	s.localOnly = o.LocalOnly
	if err := s.forward(ctx, o.ID); err != nil { // While it is known what it answered.
		return err
	}
	return s.bury(ctx, o)
}

// bareDelete is the Delete with no more than the id of its object.
func bareDelete(a *vocab.Activity) []byte {
	if doc, err := vocab.WithoutObject(a.Raw); err == nil {
		return doc
	}
	return a.Raw
}
