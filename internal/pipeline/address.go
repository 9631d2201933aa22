package pipeline

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// addressee is an actor whom a post addresses: by name, or only in to or cc.
type addressee struct {
	*store.Actor
	named bool
}

// maxAddressees bounds who is looked up for one post.
const maxAddressees = 100

// addressed returns the known actors whom a post addresses, those with a Mention
// first, in the order of the document.
func (s *Step) addressed(ctx context.Context, o *vocab.Object) ([]addressee, error) {
	var uris []vocab.IRI
	named := map[vocab.IRI]bool{}
	seen := map[vocab.IRI]bool{vocab.Public: true, s.Actor.Followers: true, "": true}
	add := func(uri vocab.IRI, byName bool) {
		if !seen[uri] && len(uris) < maxAddressees {
			seen[uri] = true
			named[uri] = byName
			uris = append(uris, uri)
		}
	}
	for _, t := range o.Tags {
		if t.Type == "Mention" {
			add(t.Href, true)
		}
	}
	for _, list := range [][]vocab.IRI{o.To, o.Cc} {
		for _, uri := range list {
			add(uri, false)
		}
	}
	if len(uris) == 0 {
		return nil, nil
	}
	known, err := s.ActorsByURI(ctx, uris)
	if err != nil {
		return nil, err
	}
	var people []addressee
	for _, uri := range uris {
		if a := known[uri]; a != nil {
			people = append(people, addressee{Actor: a, named: named[uri]})
		}
	}
	return people, nil
}

// address records who may read a post because it is addressed to them. Silent ones
// count only where the post is not for everybody.
func (s *Step) address(ctx context.Context, status int64, o *vocab.Object, people []addressee) error {
	var named, silent []int64
	for _, a := range people {
		if a.named {
			named = append(named, a.ID)
		} else if s.visibility >= private {
			silent = append(silent, a.ID)
		}
	}
	if err := s.AddMentions(ctx, status, named, false); err != nil {
		return err
	}
	if err := s.AddMentions(ctx, status, silent, true); err != nil {
		return err
	}
	return s.awaitMentioned(ctx, status, o, people)
}

// maxIntroductions is how many unknown people of one document are fetched. The others
// become its mentions too, when they come in another way.
const maxIntroductions = 5

// awaitMentioned has the post wait for those whom it mentions and who are not known
// yet. When the activity brought the post, jobs fetch some of them.
func (s *Step) awaitMentioned(ctx context.Context, status int64, o *vocab.Object, known []addressee) error {
	seen := map[vocab.IRI]bool{}
	for _, a := range known {
		seen[a.URI] = true
	}
	fetched := 0
	for _, t := range o.Tags {
		if t.Type != "Mention" || seen[t.Href] || t.Href.Valid() != nil || t.Href.Host() == s.p.host || len(seen) >= maxAddressees {
			continue
		}
		seen[t.Href] = true
		if err := s.Lock(ctx, string(t.Href)); err != nil { // They may be about to be committed, see insertActor.
			return err
		}
		if err := s.AddWait(ctx, t.Href, store.Wait{Ref: status, Kind: store.WaitMention}); err != nil {
			return err
		}
		if a, err := s.ActorByURI(ctx, t.Href); err == nil {
			if err := s.enqueue(ctx, "introduce", "", introduceJob{Actor: a.ID}); err != nil {
				return err
			}
			continue
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if fetched++; fetched > maxIntroductions || s.From.climb > maxClimb || s.Activity.Inline == nil || s.p.fetchable(t.Href) != nil {
			continue
		}
		if err := s.enqueueAt(ctx, "fetch", t.Href.Host(), "fetch "+string(t.Href), 0, fetchJob{Actor: t.Href, Unknown: true}); err != nil {
			return err
		}
	}
	return nil
}

type introduceJob struct {
	Actor int64 `json:"actor"`
}

// introduceChunk is how many posts of those that mention a new actor change in one
// transaction.
const introduceChunk = 50

// introduce adds an actor who was not known to the mentions of the posts that wait.
func (p *Pipeline) introduce(ctx context.Context, j introduceJob) error {
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			actor, err := tx.Actor(ctx, j.Actor)
			if err != nil {
				return err
			}
			posts, err := tx.Mentioning(ctx, actor.URI, introduceChunk)
			if err != nil {
				return err
			}
			more = len(posts) == introduceChunk
			for _, id := range posts {
				if err := tx.DropWait(ctx, actor.URI, id); err != nil {
					return err
				}
				if err := p.mention(ctx, tx, id); err != nil {
					return fmt.Errorf("mentions of %d: %w", id, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mention writes the mentions of a post anew, now that more people are known: of the
// version that is shown, and of earlier ones those who were addressed.
func (p *Pipeline) mention(ctx context.Context, tx *store.Tx, status int64) error {
	o, err := tx.Object(ctx, status)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	author, err := tx.Actor(ctx, o.Actor)
	if err != nil {
		return err
	}
	s := &Step{Tx: tx, p: p, Actor: author, Seq: tx.NewID(), Activity: &vocab.Activity{Type: "Update"}, visibility: o.Visibility}
	versions, err := s.Versions(ctx, status)
	if err != nil {
		return err
	}
	for _, v := range append(versions, store.Version{Doc: o.Doc, Patch: o.Patch}) {
		post, err := stored(v.Doc, v.Patch)
		if err != nil {
			return err
		}
		people, err := s.addressed(ctx, post)
		if err != nil {
			return err
		}
		if err := s.address(ctx, status, post, people); err != nil {
			return err
		}
		if v.Doc != o.Doc {
			continue
		}
		contents, err := s.Contents(ctx, []int64{status})
		if err != nil || contents[status] == nil {
			return err
		}
		contents[status].Mentions = mentions(people)
		if err := s.SetContent(ctx, status, contents[status]); err != nil {
			return err
		}
	}
	s.publish(stream.Event{Kind: "status.update", Status: status, Author: author.ID}) // Nobody is told, but what was rendered is out of date.
	s.publishOnCommit()
	return nil
}
