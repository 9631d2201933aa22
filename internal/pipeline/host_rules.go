package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// ReloadHosts reads the rules about hosts from the database into memory.
func (p *Pipeline) ReloadHosts(ctx context.Context) error {
	blocks, err := p.DB.AllHostBlocks(ctx)
	if err != nil {
		return err
	}
	var allowed []string
	if p.LimitedFederation {
		if allowed, err = p.AllowedHosts(ctx); err != nil {
			return err
		}
	}
	rules := make([]policy.HostRule, len(blocks))
	for i, b := range blocks {
		rules[i] = policy.HostRule{Domain: b.Domain, Silence: b.Severity == "silence", Suspend: b.Severity == "suspend", RejectMedia: b.RejectMedia,
			RejectReports: b.RejectReports, MediaNSFW: b.MediaNSFW, FollowersOnly: b.FollowersOnly, RejectAvatars: b.RejectAvatars, RejectBanners: b.RejectBanners,
			RejectDeletes: b.RejectDeletes, Since: vocab.TimeOf(b.ID).UnixMilli()}
	}
	p.Hosts.Set(rules, allowed, p.LimitedFederation)
	return nil
}

// rulesChanged has every node read the rules anew: this one now.
func (p *Pipeline) rulesChanged(ctx context.Context) error {
	if p.Stream != nil {
		p.Stream.Publish(stream.Event{Kind: "rules_changed"})
	}
	return p.ReloadHosts(ctx)
}

var domainForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// NormalDomain is a domain as it is written in rules; the error is Invalid.
func NormalDomain(domain string) (string, error) {
	domain = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(domain)), ".")
	if len(domain) > 253 || !domainForm.MatchString(domain) {
		return "", fault.New(fault.Invalid, "Validation failed: Domain is not a valid domain name")
	}
	return domain, nil
}

// severities are what a block may do to a host.
var severities = map[string]bool{"noop": true, "silence": true, "suspend": true}

// maxComment bounds the comments on a block, in bytes.
const maxComment = 4000

// SetHostBlock adds a block of a host, or changes the one with its id. What comes and
// goes from now on is judged by it at once; accounts that are known, in a job.
func (p *Pipeline) SetHostBlock(ctx context.Context, by int64, b *store.HostBlock) error {
	if !severities[b.Severity] {
		return fault.New(fault.Invalid, "Validation failed: Severity is not included in the list")
	}
	if len(b.PrivateComment) > maxComment || len(b.PublicComment) > maxComment {
		return fault.New(fault.Invalid, "Validation failed: Comment is too long")
	}
	action := "update"
	if b.ID == 0 {
		action = "create"
	}
	if b.Domain == p.Domain || b.Domain == bareHost(p.host) {
		return fault.New(fault.Invalid, "Validation failed: Domain is that of this server")
	}
	id := b.ID
	b.Listed = false // Decided here from now on.
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		b.ID = id
		if err := tx.SetHostBlock(ctx, b); err != nil {
			return err
		}
		if err := p.ruleJob(ctx, tx, b); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "domain_block", Target: b.ID, Name: b.Domain, Details: details("severity", b.Severity)})
	})
	if err != nil {
		return err
	}
	return p.rulesChanged(ctx)
}

func bareHost(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// RemoveHostBlock lifts the block of a host. Follows that it ended come back, in jobs.
// Lists have no say in a host any more from which somebody lifts what they brought.
func (p *Pipeline) RemoveHostBlock(ctx context.Context, by int64, b *store.HostBlock) error {
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RemoveHostBlock(ctx, b.ID); err != nil {
			return err
		}
		if b.Listed {
			if err := exceptHost(ctx, tx, b.Domain); err != nil {
				return err
			}
		}
		if err := p.ruleJob(ctx, tx, b); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "destroy", Kind: "domain_block", Target: b.ID, Name: b.Domain})
	})
	if err != nil {
		return err
	}
	return p.rulesChanged(ctx)
}

// SetHostAllow lets a host in where federation is limited, or no more.
func (p *Pipeline) SetHostAllow(ctx context.Context, by int64, n *store.NameRow, on bool) error {
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		action := "destroy"
		if on {
			action = "create"
			if err := tx.AddName(ctx, store.HostAllows, n); err != nil && !errors.Is(err, store.ErrExists) {
				return err
			}
		} else if err := tx.RemoveName(ctx, store.HostAllows, n.ID); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "domain_allow", Target: n.ID, Name: n.Name})
	})
	if err != nil {
		return err
	}
	return p.rulesChanged(ctx)
}

// ruleJob brings the known accounts of a host in line with the rules.
func (p *Pipeline) ruleJob(ctx context.Context, tx *store.Tx, b *store.HostBlock) error {
	s := &Step{Tx: tx, p: p}
	return s.enqueueAt(ctx, "host-rule", "", fmt.Sprintf("host-rule %s", b.Domain), 0, hostRuleJob{Domain: b.Domain, Since: vocab.TimeOf(b.ID).UnixMilli()})
}

type hostRuleJob struct {
	Domain string `json:"domain"`
	Since  int64  `json:"since"` // What an account of the host has that the block silenced or suspended.
}

// ruleChunk is how many accounts are marked in one transaction.
const ruleChunk = 200

// applyHostRule marks the known accounts of a host and those below it as the rules
// have it now, and ends the follows of those that are suspended; where they are not any
// more, follows come back. Twice is as good as once.
func (p *Pipeline) applyHostRule(ctx context.Context, j hostRuleJob) error {
	if err := p.ReloadHosts(ctx); err != nil {
		return err
	}
	domains, err := p.DB.DomainsWithin(ctx, j.Domain)
	if err != nil {
		return err
	}
	event := &store.Severance{Type: "domain_block", Target: j.Domain}
	for _, d := range domains {
		if err := p.markDomain(ctx, d, j.Since, event); err != nil {
			return fmt.Errorf("rule about %s: %w", d, err)
		}
	}
	if p.Hosts.Refuses(j.Domain) {
		return nil
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.restoreLater(ctx, restoreJob{Type: event.Type, Target: j.Domain})
	})
}

// markDomain does that for one domain. The event is stored when it is first needed.
func (p *Pipeline) markDomain(ctx context.Context, domain string, since int64, event *store.Severance) error {
	rule := p.Hosts.Of(domain)
	var after int64
	for {
		actors, err := p.DB.ActorsOfDomain(ctx, domain, after, ruleChunk)
		if err != nil || len(actors) == 0 {
			return err
		}
		after = actors[len(actors)-1].ID
		err = p.DB.Write(ctx, func(tx *store.Tx) error {
			for i := range actors {
				a, err := tx.Actor(ctx, actors[i].ID)
				if err != nil {
					return err
				}
				actors[i] = *a
				actors[i].Silenced = ruled(a.Silenced, rule.Silence, rule.Since, since)
				actors[i].Suspended = ruled(a.Suspended, rule.Suspend, rule.Since, since)
				if actors[i] == *a {
					continue
				}
				if err := tx.SetModeration(ctx, &actors[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if !rule.Suspend {
			continue
		}
		for i := range actors {
			if err := p.severFor(ctx, actors[i].ID, event); err != nil {
				return err
			}
		}
	}
}

// ruled is since when an account is silenced or suspended: what moderators decided
// about it alone stands, what came of the rule goes with it.
func ruled(had int64, on bool, now, before int64) int64 {
	switch {
	case on && (had == 0 || had == before):
		return now
	case !on && had == before:
		return 0
	}
	return had
}

// severFor ends the follows of an actor of a blocked host, if it has any.
func (p *Pipeline) severFor(ctx context.Context, actor int64, event *store.Severance) error {
	some, err := p.DB.FollowsAround(ctx, actor, 1)
	if err != nil || len(some) == 0 {
		return err
	}
	if event.ID == 0 {
		event.ID = p.NewID()
		if err := p.DB.Write(ctx, func(tx *store.Tx) error { return tx.InsertSeverance(ctx, event) }); err != nil {
			return err
		}
	}
	return p.severAll(ctx, severJob{Actor: actor, Event: event.ID, Quiet: true})
}
