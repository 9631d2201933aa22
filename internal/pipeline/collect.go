package pipeline

import (
	"context"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// reading bounds how much of strangers' collections is read. Pages may be endless,
// lead in circles or to other hosts.
type reading struct {
	pages int // Documents that may still be fetched.
	items int // Entries that may still be taken.
	seen  map[vocab.IRI]bool
}

// collection reads the first pages of a collection, which must all be on the host that
// it names. The total is what its first document claims, −1 when that is nothing. With
// an error come the entries that were read before it.
func (p *Pipeline) collection(ctx context.Context, at vocab.IRI, r *reading) (items []vocab.Item, total int, err error) {
	total = -1
	if err := p.fetchable(at); err != nil {
		return nil, total, err
	}
	if r.seen == nil {
		r.seen = map[vocab.IRI]bool{}
	}
	for next := at; next != "" && r.pages > 0 && r.items > 0 && !r.seen[next]; r.pages-- {
		r.seen[next] = true
		c, err := p.page(ctx, next, at)
		if err != nil {
			return items, total, err
		}
		if next == at {
			total = c.Total
		}
		after := c.Next
		for page := c; page != nil; page = page.FirstPage {
			list := page.Items[:min(len(page.Items), r.items)]
			items = append(items, list...)
			r.items -= len(list)
			if page != c {
				after = page.Next
			}
		}
		if after == "" && c.FirstPage == nil && len(c.Items) == 0 {
			after = c.First
		}
		if !vocab.SameHost(after, at) {
			after = ""
		}
		next = after
	}
	return items, total, nil
}

// page fetches a collection or a page of one. Pages have odd ids or none: what counts
// is the host that answers.
func (p *Pipeline) page(ctx context.Context, address, of vocab.IRI) (*vocab.Collection, error) {
	resp, err := p.Remote.Get(ctx, address, remote.ActivityPub, p.InstanceKey(ctx))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", address, err)
	}
	if !vocab.SameHost(resp.URL, of) {
		return nil, fault.New(fault.Rejected, "%s leads to another host.", address)
	}
	return vocab.DecodeCollection(resp.Body)
}

// takeIn returns the post that an entry of owner's collection stands for. An inline
// document counts only where it is owner's own, as the collection is; all others are
// fetched from their own host.
func (p *Pipeline) takeIn(ctx context.Context, item vocab.Item, owner vocab.IRI, depth int) (int64, error) {
	item, err := created(item)
	if err != nil {
		return 0, err
	}
	if item.Raw != nil {
		o, err := vocab.DecodeObject(item.Raw)
		if err != nil {
			return 0, err
		}
		if authorOf(o) == owner && vocab.IsPost(o.Type) {
			if row, err := p.DB.ObjectByURI(ctx, o.ID); err == nil && row.Deleted == 0 {
				return row.ID, nil
			}
			return p.fetched(ctx, item.Raw, o.ID, depth)
		}
	}
	if item.ID == "" {
		return 0, fault.New(fault.Rejected, "The entry names nothing.")
	}
	return p.fetchObject(ctx, item.ID, depth)
}

// created is the post that an entry stands for, which may be the activity that made it
// or added it to the collection.
func created(item vocab.Item) (vocab.Item, error) {
	if item.Raw == nil {
		return item, nil
	}
	if _, typ, err := vocab.TypeOf(item.Raw); err != nil || vocab.IsPost(typ) {
		return item, err
	}
	a, err := vocab.DecodeActivity(item.Raw)
	if err != nil {
		return item, err
	}
	switch {
	case a.Type != "Create" && a.Type != "Add":
		return item, fault.New(fault.Rejected, "A %s is no post.", a.Type)
	case a.Nested != nil && a.Nested.Type == "Create":
		a = a.Nested
	}
	item = vocab.Item{ID: a.Object}
	if a.Inline != nil {
		item = vocab.Item{ID: a.Inline.ID, Raw: a.Inline.Raw}
	}
	return item, nil
}
