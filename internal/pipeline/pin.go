package pipeline

import (
	"context"
	"encoding/json"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Add is "actor pins object", where its target is the actor's own featured
// collection; nothing else is taken up.
var Add = define(Type{Name: "Add", Spec: "ap#add-activity-inbox", Validate: needsOwnTarget, Apply: applyAdd})

// Remove is the end of that. Of an Add and a Remove the one that arrives last
// stands: neither names the other.
var Remove = define(Type{Name: "Remove", Spec: "ap#remove-activity-inbox", Validate: needsOwnTarget, Apply: applyRemove})

func needsOwnTarget(a *vocab.Activity, from Origin) error {
	if a.Target == "" || !vocab.SameHost(a.Target, a.Actor) {
		return fault.New(fault.Rejected, "The target is no collection of the actor.")
	}
	return needsObject(a, from)
}

func applyAdd(ctx context.Context, s *Step) error {
	post, err := s.pinned(ctx)
	if err != nil || post == nil {
		return err
	}
	_, err = s.Pin(ctx, s.Actor.ID, post.ID, s.Seq)
	return err
}

func applyRemove(ctx context.Context, s *Step) error {
	post, err := s.pinned(ctx)
	if err != nil || post == nil {
		return err
	}
	return s.Unpin(ctx, s.Actor.ID, post.ID)
}

// pinned returns the post of the actor's own that is to be pinned or unpinned; nil
// when this is about something else, or the post has not come yet.
func (s *Step) pinned(ctx context.Context) (*store.Status, error) {
	doc, err := s.ActorDoc(ctx, s.Actor.ID)
	if err != nil {
		return nil, err
	}
	var profile struct {
		Featured vocab.IRI `json:"featured"`
	}
	if err := json.Unmarshal([]byte(doc), &profile); err != nil || profile.Featured != s.Activity.Target {
		s.state = store.Void // Featured tags, a group's list, …
		return nil, nil
	}
	if in := s.Activity.Inline; in != nil && !vocab.IsPost(in.Type) {
		s.state = store.Void
		return nil, nil
	}
	post, author, err := s.subject(ctx, s.Activity.Object)
	if err != nil || post == nil {
		if len(s.waits) > 0 && s.Activity.Type == "Add" && vocab.SameHost(s.Activity.Object, s.Activity.Actor) {
			return nil, s.fetchLater(ctx, s.Activity.Object)
		}
		return nil, err
	}
	if author.ID != s.Actor.ID {
		return nil, fault.New(fault.Rejected, "Only one's own posts can be pinned.")
	}
	s.visibility, s.localOnly = post.Visibility, post.LocalOnly
	return post, nil
}
