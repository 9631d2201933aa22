package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kenoma/internal/blocklist"
	"kenoma/internal/store"
)

// ListChange is what lists would change about a host.
type ListChange struct {
	Domain  string
	Was     *store.HostBlock // nil: there is no rule yet.
	Now     *store.HostBlock // nil: the rule is lifted.
	From    []string         // The lists that want it.
	Concern store.Concern    // Whom it concerns here, with the hosts below.
	Held    bool             // It ends so many follows that an admin has to say yes.
}

// suspends tells whether a change suspends a host that was not.
func (c *ListChange) suspends() bool {
	return c.Now != nil && c.Now.Severity == "suspend" && (c.Was == nil || c.Was.Severity != "suspend")
}

// PlanBlocklists says what the lists would change: those that are subscribed to, and
// more, as a dry run of another one. Rules that somebody here made stand, also over what
// lists say of hosts below; the order is that of the domains.
func (p *Pipeline) PlanBlocklists(ctx context.Context, more ...blocklist.Source) ([]ListChange, error) {
	rules, err := p.BlocklistRules(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := p.listSources(ctx)
	if err != nil {
		return nil, err
	}
	blocks, err := p.DB.AllHostBlocks(ctx)
	if err != nil {
		return nil, err
	}
	have := map[string]*store.HostBlock{}
	for i := range blocks {
		have[blocks[i].Domain] = &blocks[i]
	}
	changes := p.compare(blocklist.Merge(append(sources, more...), rules), have)
	if err := p.concerns(ctx, changes); err != nil {
		return nil, err
	}
	for i := range changes {
		c := &changes[i]
		c.Held = c.suspends() && c.Concern.Following+c.Concern.Followers > rules.AskAbove
	}
	return changes, nil
}

// listSources are the lists that count, with their entries.
func (p *Pipeline) listSources(ctx context.Context) ([]blocklist.Source, error) {
	lists, err := p.DB.Blocklists(ctx)
	if err != nil {
		return nil, err
	}
	var sources []blocklist.Source
	for _, l := range lists {
		entries, err := p.DB.BlocklistEntries(ctx, l.ID, l.Version)
		if err != nil {
			return nil, err
		}
		s := blocklist.Source{Name: l.Name, Cap: l.Cap, Allow: l.Allow, Entries: make([]blocklist.Entry, len(entries))}
		for i, e := range entries {
			s.Entries[i] = blocklist.Entry{Domain: e.Domain, Severity: e.Severity, RejectMedia: e.RejectMedia, RejectReports: e.RejectReports, PublicComment: e.Comment, Obfuscate: e.Obfuscate}
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// compare finds what differs between what the lists want and the rules that there are.
func (p *Pipeline) compare(wanted []blocklist.Merged, have map[string]*store.HostBlock) []ListChange {
	local := func(d string) bool { return have[d] != nil && !have[d].Listed }
	want := map[string]bool{}
	var changes []ListChange
	for _, m := range wanted {
		was := have[m.Domain]
		if p.ourDomain(m.Domain) || was != nil && !was.Listed || blocklist.Above(m.Domain, local) != "" {
			continue
		}
		want[m.Domain] = true
		b := &store.HostBlock{Domain: m.Domain, Severity: m.Severity, RejectMedia: m.RejectMedia, RejectReports: m.RejectReports,
			PublicComment: m.PublicComment, PrivateComment: "Lists: " + strings.Join(m.From, ", "), Obfuscate: m.Obfuscate, Listed: true}
		if was != nil {
			if b.ID = was.ID; *b == *was {
				continue
			}
		}
		changes = append(changes, ListChange{Domain: m.Domain, Was: was, Now: b, From: m.From})
	}
	for domain, b := range have {
		if b.Listed && !want[domain] {
			changes = append(changes, ListChange{Domain: domain, Was: b})
		}
	}
	slices.SortFunc(changes, func(a, b ListChange) int { return strings.Compare(a.Domain, b.Domain) })
	return changes
}

// ourDomain tells whether a host is ours, or one above it.
func (p *Pipeline) ourDomain(domain string) bool {
	for _, own := range []string{p.Domain, bareHost(p.host)} {
		if own == domain || strings.HasSuffix(own, "."+domain) {
			return true
		}
	}
	return false
}

// concerns counts whom changes concern.
func (p *Pipeline) concerns(ctx context.Context, changes []ListChange) error {
	if len(changes) == 0 {
		return nil
	}
	at := map[string]*ListChange{}
	for i := range changes {
		at[changes[i].Domain] = &changes[i]
	}
	peers, err := p.DB.Peers(ctx)
	if err != nil {
		return err
	}
	has := func(d string) bool { return at[d] != nil }
	under := map[string]*ListChange{}
	var known []string
	for _, peer := range peers {
		domain := peer
		if !has(domain) {
			domain = blocklist.Above(peer, has)
		}
		if domain != "" {
			under[peer], known = at[domain], append(known, peer)
		}
	}
	counts, err := p.DB.Concerns(ctx, known)
	if err != nil {
		return err
	}
	for peer, n := range counts {
		c := &under[peer].Concern
		c.Accounts, c.Following, c.Followers = c.Accounts+n.Accounts, c.Following+n.Following, c.Followers+n.Followers
	}
	return nil
}

// ApplyBlocklists brings the rules in line with the lists, and returns what it did. What
// is held waits for held, with which an admin says yes to it; who may do that is told
// once. Twice is as good as once.
func (p *Pipeline) ApplyBlocklists(ctx context.Context, by int64, held bool) ([]ListChange, error) {
	plan, err := p.PlanBlocklists(ctx)
	if err != nil {
		return nil, err
	}
	var now, wait []ListChange
	for _, c := range plan {
		if c.Held && !held {
			wait = append(wait, c)
		} else {
			now = append(now, c)
		}
	}
	for part := range slices.Chunk(now, listChunk) {
		if err := p.DB.Write(ctx, func(tx *store.Tx) error { return p.applyChanges(ctx, tx, by, part) }); err != nil {
			return nil, err
		}
	}
	if len(now) > 0 {
		if err := p.rulesChanged(ctx); err != nil {
			return nil, err
		}
	}
	return now, p.tellHeld(ctx, wait)
}

// applyChanges writes some changes. A rule that somebody here made meanwhile stands.
func (p *Pipeline) applyChanges(ctx context.Context, tx *store.Tx, by int64, changes []ListChange) error {
	for _, c := range changes {
		is, err := tx.HostBlockOf(ctx, c.Domain)
		if errors.Is(err, store.ErrNotFound) {
			is, err = nil, nil
		}
		if err != nil {
			return err
		}
		if (is == nil) != (c.Was == nil) || is != nil && (!is.Listed || is.ID != c.Was.ID) {
			continue // Not what was planned for; the next run sees to it.
		}
		b, action := c.Now, "update"
		switch {
		case c.Now == nil:
			b, action = c.Was, "destroy"
			err = tx.RemoveHostBlock(ctx, b.ID)
		default:
			if c.Was == nil {
				action, b.ID = "create", 0
			}
			err = tx.SetHostBlock(ctx, b)
		}
		if err != nil {
			return err
		}
		if c.Concern.Accounts > 0 {
			if err := p.ruleJob(ctx, tx, b); err != nil {
				return err
			}
		}
		err = tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "domain_block", Target: b.ID, Name: c.Domain,
			Details: details("severity", b.Severity, "lists", strings.Join(c.From, ", "), "by", "block lists")})
		if err != nil {
			return err
		}
	}
	return nil
}

// heldTold is the setting with the hosts that the staff was told wait for it.
const heldTold = "blocklist_held"

// tellHeld tells who looks after federation what waits for a yes: once for each host.
func (p *Pipeline) tellHeld(ctx context.Context, held []ListChange) error {
	var names, lines []string
	for _, c := range held {
		names = append(names, c.Domain)
		lines = append(lines, fmt.Sprintf("%s (%s): %d follows by people here, %d of them", c.Domain, strings.Join(c.From, ", "), c.Concern.Following, c.Concern.Followers))
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		told, err := tx.Setting(ctx, heldTold)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		all := strings.Join(names, " ")
		if told == all {
			return nil
		}
		if err := tx.SetSetting(ctx, heldTold, all); err != nil || all == "" {
			return err
		}
		s := &Step{Tx: tx, p: p, Actor: &store.Actor{}}
		return s.tellStaff(ctx, store.ManageFederation, 0, "", "Block lists wait for you",
			"Lists that this server subscribes to want hosts suspended with which people here have many follows. They wait until you say yes (kenoma blocks apply --held) or except them (kenoma blocks except HOST):\n\n"+strings.Join(lines, "\n"))
	})
}

// Imported is what became of the entries of a file.
type Imported struct{ Added, Changed, Kept int }

// ImportBlocks makes decisions of this server of what a file says. A host about which
// there is a decision keeps it, unless overwrite is set; what lists brought becomes a
// decision.
func (p *Pipeline) ImportBlocks(ctx context.Context, by int64, entries []blocklist.Entry, overwrite bool) (Imported, error) {
	var done Imported
	known, err := p.knownDomains(ctx)
	if err != nil {
		return done, err
	}
	for part := range slices.Chunk(entries, listChunk) {
		var piece Imported
		err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
			piece, err = p.importSome(ctx, tx, by, part, overwrite, known)
			return err
		})
		if err != nil {
			return done, err
		}
		done = Imported{done.Added + piece.Added, done.Changed + piece.Changed, done.Kept + piece.Kept}
	}
	return done, p.rulesChanged(ctx)
}

// knownDomains are the hosts of known accounts, and all domains above them.
func (p *Pipeline) knownDomains(ctx context.Context) (map[string]bool, error) {
	peers, err := p.DB.Peers(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, peer := range peers {
		for d, more := peer, true; more && !known[d]; _, d, more = strings.Cut(d, ".") {
			known[d] = true
		}
	}
	return known, nil
}

func (p *Pipeline) importSome(ctx context.Context, tx *store.Tx, by int64, entries []blocklist.Entry, overwrite bool, known map[string]bool) (Imported, error) {
	var n Imported
	for _, e := range entries {
		if p.ourDomain(e.Domain) {
			n.Kept++
			continue
		}
		b := &store.HostBlock{Domain: e.Domain, Severity: e.Severity, RejectMedia: e.RejectMedia, RejectReports: e.RejectReports,
			PublicComment: e.PublicComment, PrivateComment: e.PrivateNotes, Obfuscate: e.Obfuscate}
		was, err := tx.HostBlockOf(ctx, e.Domain)
		action := "update"
		switch {
		case errors.Is(err, store.ErrNotFound):
			action = "create"
			n.Added++
		case err != nil:
			return n, err
		case !was.Listed && !overwrite:
			n.Kept++
			continue
		default:
			b.ID = was.ID
			n.Changed++
		}
		if err := tx.SetHostBlock(ctx, b); err != nil {
			return n, err
		}
		if known[e.Domain] {
			if err := p.ruleJob(ctx, tx, b); err != nil {
				return n, err
			}
		}
		if err := tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "domain_block", Target: b.ID, Name: b.Domain, Details: details("severity", b.Severity, "by", "import")}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// ImportList makes a list of what a file says, or replaces the one of that name: so what
// the next file does not name any more is lifted.
func (p *Pipeline) ImportList(ctx context.Context, by int64, name string, allow bool, list blocklist.List, digest string) error {
	b, err := p.DB.BlocklistNamed(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	} else if err != nil {
		b = &store.Blocklist{Name: name, Allow: allow}
		if err := p.SetBlocklist(ctx, by, b); err != nil {
			return err
		}
	} else if b.URL != "" {
		return errListName
	}
	if err := p.keepList(ctx, b.ID, list, digest); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := p.applyListsLater(ctx, tx); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "import", Kind: "blocklist", Target: b.ID, Name: name, Details: details("hosts", number(int64(len(list.Entries))))})
	})
}

// ExportBlocks are the rules about hosts as a list. Without private, comments that only
// the staff sees are left out.
func (p *Pipeline) ExportBlocks(ctx context.Context, private bool) ([]blocklist.Entry, error) {
	blocks, err := p.DB.AllHostBlocks(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]blocklist.Entry, len(blocks))
	for i, b := range blocks {
		all[i] = blocklist.Entry{Domain: b.Domain, Severity: b.Severity, RejectMedia: b.RejectMedia, RejectReports: b.RejectReports, PublicComment: b.PublicComment, Obfuscate: b.Obfuscate}
		if private {
			all[i].PrivateNotes = b.PrivateComment
		}
	}
	return all, nil
}

// AllowHosts lets hosts in where federation is limited; those that are in stay so. It
// returns how many are new.
func (p *Pipeline) AllowHosts(ctx context.Context, by int64, domains []string) (added int, err error) {
	for _, d := range domains {
		old, err := p.DB.NamesIn(ctx, store.HostAllows, []string{d})
		if err != nil {
			return added, err
		}
		if len(old) > 0 {
			continue
		}
		if err := p.SetHostAllow(ctx, by, &store.NameRow{Name: d}, true); err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}

// AllowedHosts are all of them, by name.
func (p *Pipeline) AllowedHosts(ctx context.Context) ([]string, error) {
	var names []string
	page := store.Page{Limit: 1000}
	for {
		all, err := p.DB.Names(ctx, store.HostAllows, page)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			names, page.Max = append(names, one.Name), one.ID
		}
		if len(all) < page.Limit {
			slices.Sort(names)
			return names, nil
		}
	}
}
