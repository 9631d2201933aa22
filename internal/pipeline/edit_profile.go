package pipeline

import (
	"context"
	"fmt"
	"unicode/utf8"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
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
	a.FeaturedTags, a.Client = a.ID+featuredTagsPath, p.clientEndpoints(a.ID) // Accounts from before have none.
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

// ProfileChange are the parts of a profile that a client of ActivityPub may change, as
// it sends them; what is nil stays.
type ProfileChange struct {
	Name         *string `json:"name"`
	Summary      *string `json:"summary"` // HTML, never trusted.
	Locked       *bool   `json:"manuallyApprovesFollowers"`
	Discoverable *bool   `json:"discoverable"`
	Indexable    *bool   `json:"indexable"`
}

// The most characters of a profile's name and text.
const (
	maxProfileName = 100
	maxProfileText = 5000
)

// ChangeProfile is EditProfile for what came as a document.
func (p *Pipeline) ChangeProfile(ctx context.Context, by *store.Actor, c ProfileChange) error {
	if c.Name != nil && utf8.RuneCountInString(*c.Name) > maxProfileName {
		return invalidField("Display name is too long (maximum is %d characters)", maxProfileName)
	}
	if c.Summary != nil && utf8.RuneCountInString(*c.Summary) > maxProfileText {
		return invalidField("Note is too long (maximum is %d characters)", maxProfileText)
	}
	return p.editProfile(ctx, by, func(a *vocab.Actor) {
		if c.Name != nil {
			a.Name = markup.DisplayName(*c.Name)
		}
		if c.Summary != nil {
			a.Summary = markup.Sanitize(*c.Summary)
		}
		if c.Locked != nil {
			a.Locked = *c.Locked
		}
		if c.Discoverable != nil {
			a.Discoverable = c.Discoverable
		}
		if c.Indexable != nil {
			a.Indexable = c.Indexable
		}
	}, func(ctx context.Context, s *Step) error {
		if c.Summary == nil {
			return nil
		}
		account, err := s.Account(ctx, by.ID)
		if err != nil {
			return err
		}
		account.Source.Note = markup.PlainText(*c.Summary)
		return s.UpdateAccount(ctx, account)
	})
}
