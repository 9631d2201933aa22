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
// is for followers only.
func (p *Pipeline) LeaveDomain(ctx context.Context, by *store.Actor, domain string) error {
	for {
		follows, err := p.DB.FollowsOfDomain(ctx, by.ID, domain, severedAtOnce)
		if err != nil {
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
