package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// refetch takes the newest version of a post that is known here from its own host, or
// learns there that it is gone. deleted says that somebody said so, and "not found"
// agrees.
func (p *Pipeline) refetch(ctx context.Context, uri vocab.IRI, deleted bool) error {
	row, err := p.DB.ObjectByURI(ctx, uri)
	if err != nil || row.Deleted != 0 {
		return err
	}
	author, err := p.DB.Actor(ctx, row.Actor)
	if err != nil {
		return err
	}
	if err := p.fetchable(uri); err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, uri, p.InstanceKey(ctx))
	gone := fault.Is(err, fault.Gone) || deleted && fault.Is(err, fault.NotFound)
	if err != nil && !gone {
		return fmt.Errorf("fetching %s again: %w", uri, err)
	}
	from := Origin{Host: author.Host, Fetched: true}
	if err == nil {
		_, typ, err := vocab.TypeOf(body)
		if err != nil {
			return err
		}
		gone = typ == "Tombstone"
	}
	if gone {
		del := &vocab.Activity{ID: uri + "#gone", Type: Delete.Name, Actor: author.URI, Object: uri}
		del.Raw = vocab.EncodeActivity(del, nil)
		return p.Process(ctx, del, from)
	}
	o, err := vocab.DecodeObject(body)
	if err != nil {
		return err
	}
	if o.ID != uri || final != uri || authorOf(o) != author.URI {
		return fault.New(fault.Rejected, "%s answered with another object.", uri)
	}
	sum := sha256.Sum256(body)
	update := &vocab.Activity{ID: uri + "#fetched-" + vocab.IRI(hex.EncodeToString(sum[:6])), Type: Update.Name, Actor: author.URI, Object: uri, Inline: o, To: o.To, Cc: o.Cc}
	update.Raw = vocab.EncodeActivity(update, nil)
	return p.Process(ctx, update, from)
}

// refetchActor fetches a person anew, or learns that the account is gone.
func (p *Pipeline) refetchActor(ctx context.Context, uri vocab.IRI) error {
	_, err := p.RefreshActor(ctx, uri)
	if !fault.Is(err, fault.Gone) {
		return err
	}
	del := &vocab.Activity{ID: uri + "#gone", Type: Delete.Name, Actor: uri, Object: uri}
	del.Raw = vocab.EncodeActivity(del, nil)
	return p.Process(ctx, del, Origin{Host: uri.Host(), Fetched: true})
}

const (
	askedPerHour = 600   // Fetches that one actor's announcements may set off in an hour.
	maxAsked     = 10000 // Actors of whom that is counted.
)

// allowance counts what each actor sets off in an hour, on this node.
type allowance struct {
	mu    sync.Mutex
	since time.Time
	spent map[int64]int
}

// spend tells whether actor may set off one more fetch, and counts it.
func (a *allowance) spend(actor int64, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.spent == nil || now.Sub(a.since) >= time.Hour || len(a.spent) >= maxAsked {
		a.since, a.spent = now, map[int64]int{}
	}
	if a.spent[actor] >= askedPerHour {
		return false
	}
	a.spent[actor]++
	return true
}
