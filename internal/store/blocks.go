package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// HostBlock is what the admins decided about a host and those below it.
type HostBlock struct {
	ID                            int64 // Tells when.
	Domain                        string
	Severity                      string // noop, silence, suspend
	RejectMedia, RejectReports    bool
	MediaNSFW                     bool // Its media is marked as sensitive.
	FollowersOnly                 bool // Its posts are for followers alone.
	RejectAvatars, RejectBanners  bool
	RejectDeletes                 bool // What it deletes stays here.
	PrivateComment, PublicComment string
	Obfuscate                     bool // Shown with stars.
	Listed                        bool // Lists brought it; else somebody here decided.
}

const hostBlockColumns = "id, domain, severity, reject_media, reject_reports, private_comment, public_comment, obfuscate, media_nsfw, followers_only, avatar_removal, banner_removal, reject_deletes, listed"

func (b *HostBlock) scan() []any {
	return []any{&b.ID, &b.Domain, &b.Severity, &b.RejectMedia, &b.RejectReports, &b.PrivateComment, &b.PublicComment, &b.Obfuscate,
		&b.MediaNSFW, &b.FollowersOnly, &b.RejectAvatars, &b.RejectBanners, &b.RejectDeletes, &b.Listed}
}

// maxBlocks bounds how many rules of one kind are in force.
const maxBlocks = 100_000

// AllHostBlocks returns every block of a host, by domain.
func (q *Q) AllHostBlocks(ctx context.Context) ([]HostBlock, error) {
	rows, err := q.query(ctx, fmt.Sprintf("SELECT "+hostBlockColumns+" FROM host_blocks WHERE domain > '' ORDER BY domain LIMIT %d", maxBlocks))
	all, err := collect(rows, err, (*HostBlock).scan)
	return all, wrapped(err, "blocked hosts")
}

// HostBlocks returns a page of them.
func (q *Q) HostBlocks(ctx context.Context, p Page) ([]HostBlock, error) {
	tail, args := p.clause("id", 1)
	rows, err := q.query(ctx, "SELECT "+hostBlockColumns+" FROM host_blocks WHERE id > 0"+tail, args...)
	all, err := collect(rows, err, (*HostBlock).scan)
	return order(p, all), wrapped(err, "blocked hosts")
}

// HostBlock returns one of them.
func (q *Q) HostBlock(ctx context.Context, id int64) (*HostBlock, error) {
	var b HostBlock
	err := q.row(ctx, "SELECT "+hostBlockColumns+" FROM host_blocks WHERE id = $1", id).Scan(b.scan()...)
	return &b, wrapped(err, "blocked host %d", id)
}

// HostBlockOf returns the block of exactly that domain.
func (q *Q) HostBlockOf(ctx context.Context, domain string) (*HostBlock, error) {
	var b HostBlock
	err := q.row(ctx, "SELECT "+hostBlockColumns+" FROM host_blocks WHERE domain = $1", domain).Scan(b.scan()...)
	return &b, wrapped(err, "blocked host %s", domain)
}

// SetHostBlock adds a block, or changes the one with its id.
func (tx *Tx) SetHostBlock(ctx context.Context, b *HostBlock) error {
	if b.ID == 0 {
		b.ID = tx.NewID()
	}
	_, err := tx.exec(ctx, `INSERT INTO host_blocks (`+hostBlockColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, listed = excluded.listed, reject_media = excluded.reject_media, reject_reports = excluded.reject_reports,
		private_comment = excluded.private_comment, public_comment = excluded.public_comment, obfuscate = excluded.obfuscate, media_nsfw = excluded.media_nsfw, followers_only = excluded.followers_only,
		avatar_removal = excluded.avatar_removal, banner_removal = excluded.banner_removal, reject_deletes = excluded.reject_deletes`,
		b.ID, b.Domain, b.Severity, b.RejectMedia, b.RejectReports, b.PrivateComment, b.PublicComment, b.Obfuscate,
		b.MediaNSFW, b.FollowersOnly, b.RejectAvatars, b.RejectBanners, b.RejectDeletes, b.Listed)
	return wrapped(err, "blocking %s", b.Domain)
}

// NameRow is a row that is not more than a name: an allowed host, a hash.
type NameRow struct {
	ID    int64 // Tells when.
	Name  string
	Flag  bool  // Of an e-mail domain: a moderator decides instead.
	Actor int64 // Of a hash: whose suspension brought it.
}

// NameTable says where rows of a kind stand.
type NameTable struct{ table, name, flag, actor string }

// The tables of names.
var (
	HostAllows           = NameTable{"host_allows", "domain", "FALSE", "0"}
	EmailDomainBlocks    = NameTable{"email_domain_blocks", "domain", "allow_approval", "0"}
	CanonicalEmailBlocks = NameTable{"canonical_email_blocks", "hash", "FALSE", "actor"}
)

func (t NameTable) columns() string { return "id, " + t.name + ", " + t.flag + ", " + t.actor }

func (n *NameRow) scan() []any { return []any{&n.ID, &n.Name, &n.Flag, &n.Actor} }

// Names returns a page of a table of names, newest first.
func (q *Q) Names(ctx context.Context, t NameTable, p Page) ([]NameRow, error) {
	tail, args := p.clause("id", 1)
	rows, err := q.query(ctx, "SELECT "+t.columns()+" FROM "+t.table+" WHERE id > 0"+tail, args...)
	all, err := collect(rows, err, (*NameRow).scan)
	return order(p, all), wrapped(err, "%s", t.table)
}

// Name returns a row of a table of names.
func (q *Q) Name(ctx context.Context, t NameTable, id int64) (*NameRow, error) {
	var n NameRow
	err := q.row(ctx, "SELECT "+t.columns()+" FROM "+t.table+" WHERE id = $1", id).Scan(n.scan()...)
	return &n, wrapped(err, "%s %d", t.table, id)
}

// NamesIn returns the rows with one of these names.
func (q *Q) NamesIn(ctx context.Context, t NameTable, names []string) ([]NameRow, error) {
	var found []NameRow
	for chunk := range chunks(names) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+t.columns()+" FROM "+t.table+" WHERE "+t.name+" IN ("+list+")", args...)
		all, err := collect(rows, err, (*NameRow).scan)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.table, err)
		}
		found = append(found, all...)
	}
	return found, nil
}

// AddName adds a row, which gets an id; ErrExists when the name is there.
func (tx *Tx) AddName(ctx context.Context, t NameTable, n *NameRow) error {
	n.ID = tx.NewID()
	text, args := "INSERT INTO "+t.table+" (id, "+t.name, []any{n.ID, n.Name}
	if t.flag != "FALSE" {
		text, args = text+", "+t.flag, append(args, n.Flag)
	}
	if t.actor != "0" {
		text, args = text+", "+t.actor, append(args, n.Actor)
	}
	text += ") VALUES ($1, $2"
	if len(args) > 2 {
		text += ", $3"
	}
	rows, err := tx.exec(ctx, text+") ON CONFLICT DO NOTHING", args...)
	if err == nil && rows == 0 {
		err = ErrExists
	}
	return wrapped(err, "%s %s", t.table, n.Name)
}

// RemoveName removes a row.
func (tx *Tx) RemoveName(ctx context.Context, t NameTable, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM "+t.table+" WHERE id = $1", id)
	return wrapped(err, "%s %d", t.table, id)
}

// RemoveHostBlock lifts a block.
func (tx *Tx) RemoveHostBlock(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM host_blocks WHERE id = $1", id)
	return wrapped(err, "blocked host %d", id)
}

// CanonicalEmail is the SHA-256, in hex, of a mailbox: without case, dots in the name,
// and what stands after a plus.
//
// spec: masto:entities/Admin_CanonicalEmailBlock
func CanonicalEmail(address string) string {
	name, domain, _ := strings.Cut(EmailKey(address), "@")
	name, _, _ = strings.Cut(strings.ReplaceAll(name, ".", ""), "+")
	sum := sha256.Sum256([]byte(name + "@" + domain))
	return hex.EncodeToString(sum[:])
}

// ForgetCanonicalEmails lifts the blocks that the suspension of an account brought.
func (tx *Tx) ForgetCanonicalEmails(ctx context.Context, actor int64) error {
	_, err := tx.exec(ctx, "DELETE FROM canonical_email_blocks WHERE actor = $1 AND actor <> 0", actor)
	return wrapped(err, "blocked address of %d", actor)
}

// EmailDomainUse counts how often somebody tried to sign up with a blocked provider.
type EmailDomainUse struct{ Block, Day, Attempts int64 } // Day: ms of its beginning.

const dayLength = 24 * 60 * 60 * 1000 // ms

// CountEmailDomainUse counts an attempt.
func (tx *Tx) CountEmailDomainUse(ctx context.Context, block int64) error {
	now := tx.now().UnixMilli()
	_, err := tx.exec(ctx, `INSERT INTO email_domain_uses (block, day, attempts) VALUES ($1, $2, 1)
		ON CONFLICT (block, day) DO UPDATE SET attempts = email_domain_uses.attempts + 1`, block, now-now%dayLength)
	return wrapped(err, "use of a blocked provider")
}

// EmailDomainUses returns the attempts since a time (ms) by block.
func (q *Q) EmailDomainUses(ctx context.Context, blocks []int64, since int64) (map[int64][]EmailDomainUse, error) {
	found := map[int64][]EmailDomainUse{}
	for chunk := range chunks(blocks) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT block, day, attempts FROM email_domain_uses WHERE day >= $1 AND block IN ("+list+")", append([]any{since}, args...)...)
		all, err := collect(rows, err, func(u *EmailDomainUse) []any { return []any{&u.Block, &u.Day, &u.Attempts} })
		if err != nil {
			return nil, fmt.Errorf("uses of blocked providers: %w", err)
		}
		for _, u := range all {
			found[u.Block] = append(found[u.Block], u)
		}
	}
	return found, nil
}

// IPBlock keeps a network out.
type IPBlock struct {
	ID       int64  // Tells when.
	IP       string // CIDR.
	Severity string // sign_up_requires_approval, sign_up_block, no_access
	Comment  string
	Expires  int64 // ms, 0 never
}

const ipBlockColumns = "id, ip, severity, comment, expires"

func (b *IPBlock) scan() []any { return []any{&b.ID, &b.IP, &b.Severity, &b.Comment, &b.Expires} }

// IPBlocks returns a page of the blocked networks, newest first, expired ones too.
func (q *Q) IPBlocks(ctx context.Context, p Page) ([]IPBlock, error) {
	tail, args := p.clause("id", 1)
	rows, err := q.query(ctx, "SELECT "+ipBlockColumns+" FROM ip_blocks WHERE id > 0"+tail, args...)
	all, err := collect(rows, err, (*IPBlock).scan)
	return order(p, all), wrapped(err, "blocked networks")
}

// IPBlock returns one of them.
func (q *Q) IPBlock(ctx context.Context, id int64) (*IPBlock, error) {
	var b IPBlock
	err := q.row(ctx, "SELECT "+ipBlockColumns+" FROM ip_blocks WHERE id = $1", id).Scan(b.scan()...)
	return &b, wrapped(err, "blocked network %d", id)
}

// SetIPBlock adds a block, or changes the one with its id; ErrExists when another one
// has the network.
func (tx *Tx) SetIPBlock(ctx context.Context, b *IPBlock) error {
	taken, err := tx.exists(ctx, "SELECT 1 FROM ip_blocks WHERE ip = $1 AND id <> $2", b.IP, b.ID)
	if err == nil && taken {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("blocking %s: %w", b.IP, err)
	}
	if b.ID == 0 {
		b.ID = tx.NewID()
	}
	_, err = tx.exec(ctx, `INSERT INTO ip_blocks (`+ipBlockColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET ip = excluded.ip, severity = excluded.severity, comment = excluded.comment, expires = excluded.expires`,
		b.ID, b.IP, b.Severity, b.Comment, b.Expires)
	return wrapped(err, "blocking %s", b.IP)
}

// RemoveIPBlock lifts a block.
func (tx *Tx) RemoveIPBlock(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM ip_blocks WHERE id = $1", id)
	return wrapped(err, "blocked network %d", id)
}

// SweepIPBlocks removes blocks that have ended, some at a time.
func (tx *Tx) SweepIPBlocks(ctx context.Context) error {
	_, err := tx.exec(ctx, "DELETE FROM ip_blocks WHERE id IN (SELECT id FROM ip_blocks WHERE id > 0 AND expires <> 0 AND expires <= $1 LIMIT $2)", tx.now().UnixMilli(), swept)
	return wrapped(err, "sweeping blocked networks")
}

// ActorsOfDomain returns up to limit actors of a domain after an id, by id.
func (q *Q) ActorsOfDomain(ctx context.Context, domain string, after int64, limit int) ([]Actor, error) {
	rows, err := q.query(ctx, "SELECT "+actorColumns+" FROM actors WHERE domain = $1 AND domain <> '' AND id > $2 ORDER BY id LIMIT $3", domain, after, limit)
	all, err := collect(rows, err, (*Actor).scan)
	return all, wrapped(err, "accounts of %s", domain)
}

// DomainsWithin returns the domains of known actors that are a domain or lie below it.
func (q *Q) DomainsWithin(ctx context.Context, domain string) ([]string, error) {
	all, err := q.Peers(ctx)
	if err != nil {
		return nil, err
	}
	var within []string
	for _, d := range all {
		if d == domain || strings.HasSuffix(d, "."+domain) {
			within = append(within, d)
		}
	}
	return within, nil
}
