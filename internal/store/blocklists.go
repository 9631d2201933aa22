package store

import (
	"context"
	"fmt"
)

// Blocklist is a list of hosts to be kept out, or not to be.
type Blocklist struct {
	ID      int64 // Tells when it was added.
	Name    string
	URL     string // "": it was imported.
	Allow   bool   // What it names is not kept out by other lists.
	Cap     string // The hardest severity that is taken from it; "" any.
	Every   int64  // ms between fetches.
	Due     int64  // ms of the next one; 0 never.
	Fetched int64  // ms of the last that succeeded.
	Problem string // Why the last one failed.
	Version int64  // Of the entries that count; 0 none.
	Hosts   int64
	Skipped int64 // Lines that could not be used.
	Digest  string
}

const blocklistColumns = "id, name, url, allow, cap, every, due, fetched, problem, version, hosts, skipped, digest"

func (b *Blocklist) scan() []any {
	return []any{&b.ID, &b.Name, &b.URL, &b.Allow, &b.Cap, &b.Every, &b.Due, &b.Fetched, &b.Problem, &b.Version, &b.Hosts, &b.Skipped, &b.Digest}
}

// MaxBlocklists bounds how many lists there are.
const MaxBlocklists = 100

// Blocklists returns all lists, by name.
func (q *Q) Blocklists(ctx context.Context) ([]Blocklist, error) {
	rows, err := q.query(ctx, fmt.Sprintf("SELECT "+blocklistColumns+" FROM blocklists WHERE name > '' ORDER BY name LIMIT %d", MaxBlocklists))
	all, err := collect(rows, err, (*Blocklist).scan)
	return all, wrapped(err, "block lists")
}

// Blocklist returns one of them.
func (q *Q) Blocklist(ctx context.Context, id int64) (*Blocklist, error) {
	var b Blocklist
	err := q.row(ctx, "SELECT "+blocklistColumns+" FROM blocklists WHERE id = $1", id).Scan(b.scan()...)
	return &b, wrapped(err, "block list %d", id)
}

// BlocklistNamed returns the list with a name.
func (q *Q) BlocklistNamed(ctx context.Context, name string) (*Blocklist, error) {
	var b Blocklist
	err := q.row(ctx, "SELECT "+blocklistColumns+" FROM blocklists WHERE name = $1", name).Scan(b.scan()...)
	return &b, wrapped(err, "block list %s", name)
}

// SetBlocklist adds a list, or changes the one with its id; ErrExists when another one
// has the name.
func (tx *Tx) SetBlocklist(ctx context.Context, b *Blocklist) error {
	taken, err := tx.exists(ctx, "SELECT 1 FROM blocklists WHERE name = $1 AND id <> $2", b.Name, b.ID)
	if err == nil && taken {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("block list %s: %w", b.Name, err)
	}
	if b.ID == 0 {
		b.ID = tx.NewID()
	}
	_, err = tx.exec(ctx, `INSERT INTO blocklists (`+blocklistColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url, allow = excluded.allow, cap = excluded.cap, every = excluded.every, due = excluded.due,
		fetched = excluded.fetched, problem = excluded.problem, version = excluded.version, hosts = excluded.hosts, skipped = excluded.skipped, digest = excluded.digest`,
		b.ID, b.Name, b.URL, b.Allow, b.Cap, b.Every, b.Due, b.Fetched, b.Problem, b.Version, b.Hosts, b.Skipped, b.Digest)
	return wrapped(err, "block list %s", b.Name)
}

// RemoveBlocklist removes a list. Its entries count no more; SweepBlocklist drops them.
func (tx *Tx) RemoveBlocklist(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM blocklists WHERE id = $1", id)
	return wrapped(err, "block list %d", id)
}

// BlocklistEntry is what a list says of a host.
type BlocklistEntry struct {
	Domain, Severity           string
	RejectMedia, RejectReports bool
	Comment                    string
	Obfuscate                  bool
}

// AddBlocklistEntries adds entries of a version of a list, at most some hundred.
func (tx *Tx) AddBlocklistEntries(ctx context.Context, list, version int64, entries []BlocklistEntry) error {
	var args []any
	for _, e := range entries {
		args = append(args, list, version, e.Domain, e.Severity, e.RejectMedia, e.RejectReports, e.Comment, e.Obfuscate)
	}
	err := tx.insertRows(ctx, "INSERT INTO blocklist_entries (list, version, domain, severity, reject_media, reject_reports, comment, obfuscate)", "", 8, args, " ON CONFLICT DO NOTHING")
	return wrapped(err, "block list %d", list)
}

// BlocklistEntries returns the entries of a version of a list, by domain.
func (q *Q) BlocklistEntries(ctx context.Context, list, version int64) ([]BlocklistEntry, error) {
	rows, err := q.query(ctx, fmt.Sprintf(`SELECT domain, severity, reject_media, reject_reports, comment, obfuscate FROM blocklist_entries
		WHERE list = $1 AND version = $2 ORDER BY domain LIMIT %d`, maxBlocks), list, version)
	all, err := collect(rows, err, func(e *BlocklistEntry) []any {
		return []any{&e.Domain, &e.Severity, &e.RejectMedia, &e.RejectReports, &e.Comment, &e.Obfuscate}
	})
	return all, wrapped(err, "block list %d", list)
}

// SweepBlocklist drops entries of a list of other versions than one, some at a time, and
// tells whether there may be more.
func (tx *Tx) SweepBlocklist(ctx context.Context, list, version int64) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM blocklist_entries WHERE list = $1 AND (version, domain) IN (
		SELECT version, domain FROM blocklist_entries WHERE list = $1 AND version <> $2 LIMIT $3)`, list, version, swept)
	return n == swept, wrapped(err, "sweeping block list %d", list)
}

// ListedBy returns the lists that name exactly that domain, with what they say, by name.
func (q *Q) ListedBy(ctx context.Context, domain string) ([]Blocklist, []BlocklistEntry, error) {
	rows, err := q.query(ctx, `SELECT l.id, l.name, l.url, l.allow, e.domain, e.severity, e.reject_media, e.reject_reports, e.comment, e.obfuscate
		FROM blocklist_entries e JOIN blocklists l ON l.id = e.list AND l.version = e.version WHERE e.domain = $1 ORDER BY l.name`, domain)
	type both struct {
		Blocklist
		BlocklistEntry
	}
	all, err := collect(rows, err, func(b *both) []any {
		return []any{&b.ID, &b.Name, &b.URL, &b.Allow, &b.Domain, &b.Severity, &b.RejectMedia, &b.RejectReports, &b.Comment, &b.Obfuscate}
	})
	var lists []Blocklist
	var entries []BlocklistEntry
	for _, b := range all {
		lists, entries = append(lists, b.Blocklist), append(entries, b.BlocklistEntry)
	}
	return lists, entries, wrapped(err, "lists that name %s", domain)
}

// Concern is whom a rule about a domain concerns here.
type Concern struct {
	Domain    string
	Accounts  int64 // Known ones.
	Following int64 // Follows of them by ours.
	Followers int64 // Follows of ours by them.
}

// Concerns counts that for domains; those of which nobody is known are left out.
func (q *Q) Concerns(ctx context.Context, domains []string) (map[string]*Concern, error) {
	found := map[string]*Concern{}
	for chunk := range chunks(domains) {
		list, args := in(1, chunk)
		for i, text := range []string{
			"SELECT domain, COUNT(*) FROM actors WHERE domain <> '' AND domain IN (" + list + ") GROUP BY domain",
			"SELECT a.domain, COUNT(*) FROM actors a JOIN follows f ON f.target = a.id AND f.accepted WHERE a.domain <> '' AND a.domain IN (" + list + ") GROUP BY a.domain",
			"SELECT a.domain, COUNT(*) FROM actors a JOIN follows f ON f.actor = a.id AND f.accepted WHERE a.domain <> '' AND a.domain IN (" + list + ") GROUP BY a.domain",
		} {
			rows, err := q.query(ctx, text, args...)
			type counted struct {
				domain string
				n      int64
			}
			all, err := collect(rows, err, func(c *counted) []any { return []any{&c.domain, &c.n} })
			if err != nil {
				return nil, fmt.Errorf("whom hosts concern: %w", err)
			}
			for _, c := range all {
				if found[c.domain] == nil {
					found[c.domain] = &Concern{Domain: c.domain}
				}
				*[]*int64{&found[c.domain].Accounts, &found[c.domain].Following, &found[c.domain].Followers}[i] = c.n
			}
		}
	}
	return found, nil
}
