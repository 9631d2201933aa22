package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// groupOf returns the group that a post stands in, "" for none: the first that its
// document names and that is known here. Groups pass on what reaches them alone, so
// what our people do with such a post goes there too.
//
// spec: fep-1b12
func (p *Pipeline) groupOf(ctx context.Context, post int64) (vocab.IRI, error) {
	row, err := p.DB.Object(ctx, post)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Deleted != 0 {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if row.Visibility > unlisted || row.LocalOnly {
		return "", nil
	}
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return "", fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	return p.firstGroup(ctx, slices.Concat(o.Audience, o.To, o.Cc))
}

// audienceOf is groupOf as a list.
func (p *Pipeline) audienceOf(ctx context.Context, post int64) ([]vocab.IRI, error) {
	group, err := p.groupOf(ctx, post)
	if err != nil || group == "" {
		return nil, err
	}
	return []vocab.IRI{group}, nil
}

// maxGroups is how many addressees of a post are looked at for a group.
const maxGroups = 20

func (p *Pipeline) firstGroup(ctx context.Context, named []vocab.IRI) (vocab.IRI, error) {
	named = named[:min(len(named), maxGroups)]
	if len(named) == 0 {
		return "", nil
	}
	known, err := p.DB.ActorsByURI(ctx, named)
	if err != nil {
		return "", err
	}
	for _, uri := range named {
		if a := known[uri]; a != nil && a.Type == "Group" && !a.Local && a.Deleted == 0 {
			return uri, nil
		}
	}
	return "", nil
}

// draftGroup addresses a public post to the group that it mentions, or in which it
// answers. Only one is named as the audience: Lemmy takes no list.
func (p *Pipeline) draftGroup(ctx context.Context, d *Draft, o *vocab.Object, people []vocab.IRI) error {
	group, err := p.firstGroup(ctx, people)
	if err == nil && group == "" && d.InReplyTo != 0 {
		group, err = p.groupOf(ctx, d.InReplyTo)
	}
	if err != nil || group == "" {
		return err
	}
	toGroup(o, group)
	return nil
}

// toGroup makes group the audience of a post, and one of those who get it.
func toGroup(o *vocab.Object, group vocab.IRI) {
	o.Audience = []vocab.IRI{group}
	if !slices.Contains(o.To, group) && !slices.Contains(o.Cc, group) {
		o.Cc = append(o.Cc, group)
	}
}

// answerable refuses answers to a post whose author, or whose group's moderators, want
// none.
func (p *Pipeline) answerable(ctx context.Context, by *store.Actor, post *store.Status) error {
	if post.Actor == by.ID {
		return nil
	}
	contents, err := p.DB.Contents(ctx, []int64{post.ID})
	if err != nil {
		return err
	}
	if c := contents[post.ID]; c != nil && c.Locked {
		return fault.New(fault.Invalid, "This post takes no more answers.")
	}
	return nil
}
