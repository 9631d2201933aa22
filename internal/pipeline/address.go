package pipeline

import (
	"context"

	"kenoma/internal/store"
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
	return s.AddMentions(ctx, status, silent, true)
}
