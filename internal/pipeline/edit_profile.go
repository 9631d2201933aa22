package pipeline

import (
	"context"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// EditProfile has by change its public profile: change edits the actor's document as
// it stands when the edit is written, so that of two at the same moment neither is
// lost. change may be called more than once, each time with a fresh document. Pictures
// that the profile shows no more are deleted by a job.
func (p *Pipeline) EditProfile(ctx context.Context, by *store.Actor, change func(*vocab.Actor)) error {
	return p.editProfile(ctx, by, change, nil)
}

// editProfile is EditProfile with what else is to be done in the same transaction.
func (p *Pipeline) editProfile(ctx context.Context, by *store.Actor, change func(*vocab.Actor), also func(context.Context, *Step) error) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Lock(ctx, string(by.URI)); err != nil {
			return err
		}
		actor, err := tx.Actor(ctx, by.ID)
		if err != nil {
			return err
		}
		if actor.Hidden() {
			return fault.New(fault.Denied, "This account can't be used.")
		}
		doc, err := tx.ActorDoc(ctx, by.ID)
		if err != nil {
			return err
		}
		a, err := vocab.DecodeActor([]byte(doc))
		if err != nil {
			return fmt.Errorf("actor %d of the log: %w", by.ID, err)
		}
		was := p.profileUploads(a)
		change(a)
		u, err := p.profileUpdate(ctx, tx, a, actor)
		if err != nil {
			return err
		}
		c, err := p.judge(ctx, tx.Q, u, actor, FromAccount(by.ID))
		if err != nil {
			return err
		}
		now := p.profileUploads(a)
		s := &Step{p: p, Activity: u, Actor: actor, From: FromAccount(by.ID), also: func(ctx context.Context, s *Step) error {
			if err := s.SetProfileUploads(ctx, by.ID, was, now); err != nil || also == nil {
				return err
			}
			return also(ctx, s)
		}}
		s.heed(c)
		s.prepare()
		return s.commit(ctx, tx, types[u.Type])
	})
}

// profileUpdate is the Update that brings a, the new document of an actor of ours.
func (p *Pipeline) profileUpdate(ctx context.Context, tx *store.Tx, a *vocab.Actor, by *store.Actor) (*vocab.Activity, error) {
	if err := p.nameEmoji(ctx, tx.Q, a); err != nil {
		return nil, err
	}
	a.FeaturedTags = a.ID + featuredTagsPath // Accounts from before have none.
	if err := addProofKey(ctx, tx, a, by.ID); err != nil {
		return nil, err
	}
	u := p.activity("Update", by, by.URI)
	a.Updated = u.Published
	a.Raw = a.Encode()
	u.To, u.Cc = vocab.VisibilityLevel(0).Audience(by.Followers, nil)
	u.Inline = &vocab.Object{ID: a.ID, Type: a.Type, Raw: a.Raw}
	u.Raw = vocab.EncodeActivity(u, a.Raw)
	return u, nil
}

// profileUploads are the numbers of our own files among a profile's pictures.
func (p *Pipeline) profileUploads(a *vocab.Actor) []int64 {
	var ids []int64
	for _, url := range []vocab.IRI{a.Icon, a.Image} {
		if id, ok := mediaNumber(p.URL, url); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
