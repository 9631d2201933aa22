package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenoma/internal/blocklist"
	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// blocklistRules is the setting with the rules by which lists are merged.
const blocklistRules = "blocklist_rules"

// defaultBlocklistRules are those of a server where nobody has set any: a list may not
// end more follows than a handful without being asked for.
var defaultBlocklistRules = blocklist.Rules{Combine: "max", Needs: 1, Cap: "suspend", AskAbove: 10}

// BlocklistRules are the rules by which lists are merged.
func (p *Pipeline) BlocklistRules(ctx context.Context) (blocklist.Rules, error) {
	return rulesOf(ctx, p.DB.Q)
}

func rulesOf(ctx context.Context, q *store.Q) (blocklist.Rules, error) {
	rules := defaultBlocklistRules
	text, err := q.Setting(ctx, blocklistRules)
	if errors.Is(err, store.ErrNotFound) {
		return rules, nil
	} else if err != nil {
		return rules, err
	}
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return rules, fmt.Errorf("rules of block lists: %w", err)
	}
	return rules, nil
}

// SetBlocklistRules changes them. What they change is applied in a job.
func (p *Pipeline) SetBlocklistRules(ctx context.Context, by int64, rules blocklist.Rules) error {
	if err := rules.Check(); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := setRules(ctx, tx, rules); err != nil {
			return err
		}
		if err := p.applyListsLater(ctx, tx); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "update", Kind: "blocklist_rules",
			Details: details("combine", rules.Combine, "needs", number(int64(rules.Needs)), "cap", rules.Cap, "except", strings.Join(rules.Except, " "))})
	})
}

func setRules(ctx context.Context, tx *store.Tx, rules blocklist.Rules) error {
	text, err := json.Marshal(rules)
	if err != nil {
		return err
	}
	return tx.SetSetting(ctx, blocklistRules, string(text))
}

// exceptHost takes a host away from the lists' say, after somebody here lifted what
// they had brought.
func exceptHost(ctx context.Context, tx *store.Tx, domain string) error {
	rules, err := rulesOf(ctx, tx.Q)
	if err != nil || slices.Contains(rules.Except, domain) {
		return err
	}
	rules.Except = append(rules.Except, domain)
	if err := rules.Check(); err != nil {
		return err
	}
	return setRules(ctx, tx, rules)
}

// The bounds of how often a list is fetched.
const (
	listEvery    = 24 * time.Hour
	minListEvery = time.Hour
	maxListEvery = 90 * 24 * time.Hour
	listRetry    = time.Hour // After a failure.
)

// checkBlocklist puts what an admin wrote about a list in order; the error is Invalid.
func checkBlocklist(b *store.Blocklist) error {
	b.Name, b.URL = strings.TrimSpace(b.Name), strings.TrimSpace(b.URL)
	if b.Name == "" {
		b.Name = vocab.IRI(b.URL).Host()
	}
	if b.URL != "" && b.Every == 0 {
		b.Every = listEvery.Milliseconds()
	}
	switch every := time.Duration(b.Every) * time.Millisecond; {
	case b.Name == "" || len(b.Name) > 100 || strings.ContainsAny(b.Name, "\r\n"):
		return fault.New(fault.Invalid, "A list needs a name of at most 100 letters.")
	case b.URL != "" && vocab.IRI(b.URL).Valid() != nil:
		return fault.New(fault.Invalid, "%s is no address.", b.URL)
	case b.Cap != "" && !severities[b.Cap]:
		return fault.New(fault.Invalid, "The hardest severity is noop, silence or suspend.")
	case b.URL != "" && (every < minListEvery || every > maxListEvery):
		return fault.New(fault.Invalid, "A list is fetched every hour at most, and every 90 days at least.")
	}
	return nil
}

// errListName is for a second list of one name.
var errListName = fault.New(fault.Conflict, "There is a list of that name already.")

// SetBlocklist subscribes to a list, or changes the one with its id. It is fetched, and
// what it changes applied, in a job.
func (p *Pipeline) SetBlocklist(ctx context.Context, by int64, b *store.Blocklist) error {
	if err := checkBlocklist(b); err != nil {
		return err
	}
	action, id := "update", b.ID
	if id == 0 {
		action = "create"
	}
	if b.URL != "" {
		b.Due = p.Now().UnixMilli()
	}
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		b.ID = id
		all, err := tx.Blocklists(ctx)
		if err != nil {
			return err
		}
		if id == 0 && len(all) >= store.MaxBlocklists {
			return fault.New(fault.Invalid, "There are %d lists already.", store.MaxBlocklists)
		}
		if err := tx.SetBlocklist(ctx, b); err != nil {
			return err
		}
		if err := p.applyListsLater(ctx, tx); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "blocklist", Target: b.ID, Name: b.Name, Details: details("url", b.URL, "cap", b.Cap)})
	})
	if errors.Is(err, store.ErrExists) {
		return errListName
	}
	return err
}

// RemoveBlocklist ends a subscription. What no other list and nobody here backs is
// lifted, in a job.
func (p *Pipeline) RemoveBlocklist(ctx context.Context, by int64, b *store.Blocklist) error {
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.RemoveBlocklist(ctx, b.ID); err != nil {
			return err
		}
		if err := p.applyListsLater(ctx, tx); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "destroy", Kind: "blocklist", Target: b.ID, Name: b.Name})
	})
	if err != nil {
		return err
	}
	return p.sweepList(ctx, b.ID, 0)
}

// RefreshBlocklists has all lists, or one, fetched and applied soon.
func (p *Pipeline) RefreshBlocklists(ctx context.Context, only int64) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Blocklists(ctx)
		if err != nil {
			return err
		}
		for _, b := range all {
			if b.URL == "" || only != 0 && b.ID != only {
				continue
			}
			b.Due = p.Now().UnixMilli()
			if err := tx.SetBlocklist(ctx, &b); err != nil {
				return err
			}
		}
		return p.applyListsLater(ctx, tx)
	})
}

// listAccept is what a list may be served as: hosts of files call CSV all sorts of things.
var listAccept = remote.Accept{Header: "text/csv, application/json;q=0.9, text/plain;q=0.8, */*;q=0.1"}

// FetchBlocklist gets a list and reads it. The client bounds its size and time.
func (p *Pipeline) FetchBlocklist(ctx context.Context, url string) (blocklist.List, string, error) {
	if p.Remote == nil {
		return blocklist.List{}, "", fault.New(fault.Transient, "Nothing is fetched here.")
	}
	resp, err := p.Remote.Get(ctx, vocab.IRI(url), listAccept, nil)
	if err != nil {
		return blocklist.List{}, "", err
	}
	list, err := blocklist.Parse(resp.Body)
	sum := sha256.Sum256(resp.Body)
	return list, hex.EncodeToString(sum[:]), err
}

// fetchDue fetches the lists whose time has come. One that fails keeps what it said.
func (p *Pipeline) fetchDue(ctx context.Context) error {
	all, err := p.DB.Blocklists(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.URL == "" || b.Due == 0 || b.Due > p.Now().UnixMilli() {
			continue
		}
		list, digest, err := p.FetchBlocklist(ctx, b.URL)
		if err == nil && len(list.Entries) == 0 && b.Hosts > 0 {
			err = fault.New(fault.Invalid, "The list is empty. If that is meant, unsubscribe from it.")
		}
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			_, text := fault.Public(err)
			err = p.noteList(ctx, b.ID, func(b *store.Blocklist) {
				b.Problem, b.Due = cut(text, 300), p.Now().Add(listRetry).UnixMilli()
			})
		} else {
			err = p.keepList(ctx, b.ID, list, digest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// noteList changes the row of a list, if it is still there.
func (p *Pipeline) noteList(ctx context.Context, id int64, change func(b *store.Blocklist)) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := tx.Blocklist(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		change(b)
		return tx.SetBlocklist(ctx, b)
	})
}

// listChunk is how many entries, or changes, one transaction writes.
const listChunk = 100

// keepList puts what a list says now in place of what it said: in pieces, and valid at
// once with the last.
func (p *Pipeline) keepList(ctx context.Context, id int64, list blocklist.List, digest string) error {
	had, err := p.DB.Blocklist(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	version := had.Version
	if had.Digest != digest {
		version = p.NewID()
		for part := range slices.Chunk(list.Entries, listChunk) {
			rows := make([]store.BlocklistEntry, len(part))
			for i, e := range part {
				rows[i] = store.BlocklistEntry{Domain: e.Domain, Severity: e.Severity, RejectMedia: e.RejectMedia, RejectReports: e.RejectReports, Comment: e.PublicComment, Obfuscate: e.Obfuscate}
			}
			if err := p.DB.Write(ctx, func(tx *store.Tx) error { return tx.AddBlocklistEntries(ctx, id, version, rows) }); err != nil {
				return err
			}
		}
	}
	err = p.noteList(ctx, id, func(b *store.Blocklist) {
		now := p.Now().UnixMilli()
		b.Version, b.Digest, b.Fetched, b.Problem = version, digest, now, ""
		b.Hosts, b.Skipped = int64(len(list.Entries)), int64(len(list.Skipped))
		if b.Due = 0; b.URL != "" {
			b.Due = now + b.Every
		}
	})
	if err != nil {
		return err
	}
	return p.sweepList(ctx, id, version)
}

// sweepList drops what a list said before.
func (p *Pipeline) sweepList(ctx context.Context, id, version int64) error {
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.SweepBlocklist(ctx, id, version)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type blocklistsJob struct{}

// listsEvery is how often it is looked which lists are due.
const listsEvery = time.Hour

// ScheduleBlocklists has lists fetched from now on.
func (p *Pipeline) ScheduleBlocklists(ctx context.Context) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.nextLists(ctx, tx) })
}

func (p *Pipeline) nextLists(ctx context.Context, tx *store.Tx) error {
	s := &Step{Tx: tx, p: p}
	at := p.Now().Add(listsEvery).UnixMilli()
	return s.enqueueAt(ctx, "blocklists", "", fmt.Sprintf("blocklists %d", at/listsEvery.Milliseconds()), at, blocklistsJob{})
}

// applyListsLater has due lists fetched and all of them applied now, in a job.
func (p *Pipeline) applyListsLater(ctx context.Context, tx *store.Tx) error {
	s := &Step{Tx: tx, p: p}
	return s.enqueueAt(ctx, "blocklists", "", "", 0, blocklistsJob{})
}

// refreshLists is the job.
func (p *Pipeline) refreshLists(ctx context.Context, _ blocklistsJob) error {
	if err := p.fetchDue(ctx); err != nil {
		return err
	}
	if _, err := p.ApplyBlocklists(ctx, 0, false); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.nextLists(ctx, tx) })
}
