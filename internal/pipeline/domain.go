package pipeline

import (
	"context"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// severedAtOnce is how many follows are read at once that end with the block of a domain.
var severedAtOnce = 500

// LeaveDomain ends the follows between an account of ours and a domain that it has
// blocked, all of them in both directions: who followed on would go on getting what
// is for followers only. A notification tells what was lost.
func (p *Pipeline) LeaveDomain(ctx context.Context, by *store.Actor, domain string) error {
	event := &store.Severance{Type: "user_domain_block", Target: domain}
	for {
		follows, err := p.DB.FollowsOfDomain(ctx, by.ID, domain, severedAtOnce)
		if err != nil {
			return err
		}
		if err := p.tellLeft(ctx, by, event, follows); err != nil {
			return err
		}
		if err := p.leave(ctx, by, follows); err != nil {
			return err
		}
		if len(follows) < severedAtOnce {
			return nil
		}
	}
}

// tellLeft tells an account of ours which follows end by its block of a domain.
//
// spec: masto:entities/RelationshipSeveranceEvent
func (p *Pipeline) tellLeft(ctx context.Context, by *store.Actor, event *store.Severance, follows []store.Follow) error {
	event.Followers, event.Following = 0, 0
	for _, f := range follows {
		switch {
		case !f.Accepted: // A request was no relationship yet.
		case f.Actor == by.ID:
			event.Following++
		default:
			event.Followers++
		}
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := p.Severed(ctx, tx, by.ID, event); err != nil {
			return err
		}
		for _, f := range follows {
			one := store.SeveredFollow{Owner: by.ID, Event: event.ID, Following: f.Actor == by.ID, Other: f.Target, Seq: f.Seq}
			if !one.Following {
				one.Other = f.Actor
			}
			if !f.Accepted {
				continue
			}
			if err := tx.KeepSevered(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// leave ends these follows of or by an account of ours.
func (p *Pipeline) leave(ctx context.Context, by *store.Actor, follows []store.Follow) error {
	for _, f := range follows {
		if f.Actor == by.ID {
			target, err := p.DB.Actor(ctx, f.Target)
			if err != nil {
				return err
			}
			if err := p.Unfollow(ctx, by, target); err != nil {
				return err
			}
			continue
		}
		follower, err := p.DB.Actor(ctx, f.Actor)
		if err != nil {
			return err
		}
		if err := p.AnswerFollow(ctx, by, follower, false); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}
