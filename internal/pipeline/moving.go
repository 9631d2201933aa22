package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// What our own people do to move in and out.

// maxAliases is how many other addresses an account may name as its own.
const maxAliases = 20

// AddAlias has by name another account as its own, so that it can move here. handle
// may be a handle or the account's id.
func (p *Pipeline) AddAlias(ctx context.Context, by *store.Actor, handle string) error {
	other, err := p.accountNamed(ctx, handle)
	if err != nil {
		return err
	}
	if other.ID == by.ID {
		return fault.New(fault.Invalid, "This is the account itself.")
	}
	have, err := p.Aliases(ctx, by)
	switch {
	case err != nil:
		return err
	case slices.Contains(have, other.URI):
		return nil
	case len(have) >= maxAliases:
		return fault.New(fault.Invalid, "You have the most aliases that are possible: %d.", maxAliases)
	}
	return p.EditProfile(ctx, by, func(a *vocab.Actor) {
		if !slices.Contains(a.AlsoKnownAs, other.URI) {
			a.AlsoKnownAs = append(slices.Clone(a.AlsoKnownAs), other.URI)
		}
	})
}

// RemoveAlias takes an alias away: a handle, or the id of an account that need not
// exist any more. NotFound when by has no such.
func (p *Pipeline) RemoveAlias(ctx context.Context, by *store.Actor, handle string) error {
	uri := vocab.IRI(handle)
	if uri.Valid() != nil {
		other, err := p.accountNamed(ctx, handle)
		if err != nil {
			return err
		}
		uri = other.URI
	}
	have, err := p.Aliases(ctx, by)
	if err != nil {
		return err
	}
	if !slices.Contains(have, uri) {
		return fault.New(fault.NotFound, "%s is no alias of yours.", handle)
	}
	return p.EditProfile(ctx, by, func(a *vocab.Actor) {
		a.AlsoKnownAs = slices.DeleteFunc(slices.Clone(a.AlsoKnownAs), func(one vocab.IRI) bool { return one == uri })
	})
}

// Aliases returns the other accounts that an actor names as its own.
func (p *Pipeline) Aliases(ctx context.Context, by *store.Actor) ([]vocab.IRI, error) {
	profiles, err := p.DB.Profiles(ctx, []int64{by.ID})
	if err != nil || profiles[by.ID] == nil {
		return nil, err
	}
	return profiles[by.ID].AlsoKnownAs, nil
}

// accountNamed finds an account by its handle or id.
func (p *Pipeline) accountNamed(ctx context.Context, handle string) (*store.Actor, error) {
	handle = strings.TrimSpace(handle)
	uri := vocab.IRI(handle)
	var a *store.Actor
	var err error
	switch {
	case handle == "":
		return nil, fault.New(fault.Invalid, "Please name an account, like ann@example.org.")
	case uri.Valid() == nil && uri.Host() == p.host:
		a, err = p.DB.ActorByURI(ctx, uri)
	case uri.Valid() == nil:
		a, err = p.FetchActor(ctx, uri)
	default:
		a, err = p.Resolve(ctx, handle)
	}
	if err == nil && !a.Hidden() {
		return a, nil
	}
	if err == nil || errors.Is(err, store.ErrNotFound) || fault.KindOf(err) != fault.Internal {
		err = fault.Because(err, fault.Invalid, "There is no account %s, or its server does not answer.", handle)
	}
	return nil, err
}

// MoveAway sends by's visitors to another account. With followers it is a move: they
// are asked to come along, the other account must name this one as an alias, and the
// next move must wait for a week. From then on by reads but posts nothing.
func (p *Pipeline) MoveAway(ctx context.Context, by *store.Actor, handle string, followers bool) error {
	other, err := p.accountNamed(ctx, handle)
	if err != nil {
		return err
	}
	if other.ID == by.ID {
		return fault.New(fault.Invalid, "This is the account itself.")
	}
	if followers {
		_, err := p.newHome(ctx, by, other.URI)
		if fault.Is(err, fault.Rejected) || fault.Is(err, fault.NotFound) {
			return fault.Because(err, fault.Invalid, "%s does not name this account as an alias yet, or has moved itself. Add @%s@%s there as an alias first.", handle, by.Username, p.Domain)
		} else if err != nil {
			return err
		}
		if err := p.mayMove(ctx, p.DB.Q, by); err != nil {
			return err
		}
	}
	return p.editProfile(ctx, by, func(a *vocab.Actor) { a.MovedTo = other.URI }, func(ctx context.Context, s *Step) error {
		if followers {
			if err := p.mayMove(ctx, s.Q, by); err != nil { // Another one may have come first.
				return err
			}
			a := p.activity("Move", by, by.URI)
			a.Target, a.To = other.URI, []vocab.IRI{by.Followers}
			s.Emit(encoded(a), by)
		}
		return s.InsertAccountMove(ctx, store.AccountMove{ID: s.NewID(), Actor: by.ID, Target: other.URI, Followers: followers})
	})
}

// mayMove refuses a second move in a week, with TooMany.
func (p *Pipeline) mayMove(ctx context.Context, q *store.Q, by *store.Actor) error {
	moves, err := q.AccountMoves(ctx, by.ID)
	if err != nil {
		return err
	}
	for _, m := range moves {
		if next := vocab.TimeOf(m.ID).Add(moveCooldown); m.Followers && p.Now().Before(next) {
			return fault.New(fault.TooMany, "You have moved lately. You can move again on %s.", next.UTC().Format("2 January 2006"))
		}
	}
	return nil
}

// StayHere takes the redirect back. Followers who left stay where they are.
func (p *Pipeline) StayHere(ctx context.Context, by *store.Actor) error {
	return p.EditProfile(ctx, by, func(a *vocab.Actor) { a.MovedTo = "" })
}

// here refuses what those who moved away can't do any more.
func (p *Pipeline) here(ctx context.Context, by *store.Actor) error {
	to, err := p.DB.MovedTo(ctx, by.ID)
	if err != nil || to == "" {
		return err
	}
	return fault.New(fault.Denied, "This account has moved to %s. It can read, but not post. Take the redirect back to post here again.", to)
}

// relationsChanged tells all nodes that what an account avoids is another.
func (p *Pipeline) relationsChanged(actor int64) {
	if p.Stream != nil {
		p.Stream.Publish(stream.Event{Kind: "relations_changed", Home: []int64{actor}})
	}
}

func accountChanged(actor int64) stream.Event {
	return stream.Event{Kind: "account_changed", Author: actor}
}

// containsLines tells whether a text is in another one as whole lines.
func containsLines(have, text string) bool {
	return strings.Contains("\n"+have+"\n", "\n"+text+"\n")
}
