package store

import (
	"context"
	"fmt"
)

// Relation is how two accounts stand to each other, seen from the first.
type Relation struct {
	Following, Requested    bool // The viewer follows, or asks to.
	FollowedBy, RequestedBy bool
	Blocking, BlockedBy     bool
	Muting, MutingNotifies  bool
	MuteExpires             int64 // ms, 0 never
	DomainBlocking          bool
	Boosts, Notify          bool // Of the follow; true and false without one of its own settings.
	Languages               string
	Note                    string
	Endorsed                bool
}

// What a row of the query in Relations says.
const (
	relFollow = iota
	relFollowedBy
	relBlock
	relBlockedBy
	relMute
	relDomain
	relSettings
	relNote
	relEndorsed
)

// Relations returns how viewer stands to each of these accounts, in one query for
// up to 500. Every id has an entry. Mutes that have ended by now (ms) are left out.
func (q *Q) Relations(ctx context.Context, viewer int64, ids []int64, now int64) (map[int64]*Relation, error) {
	found := make(map[int64]*Relation, len(ids))
	for _, id := range ids {
		found[id] = &Relation{Boosts: true}
	}
	for chunk := range chunks(ids) {
		list, args := in(3, chunk)
		rows, err := q.query(ctx, `SELECT target, 0, CASE WHEN accepted THEN 1 ELSE 0 END, 0, '' FROM follows WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT actor, 1, CASE WHEN accepted THEN 1 ELSE 0 END, 0, '' FROM follows WHERE target = $1 AND actor IN (`+list+`)
			UNION ALL SELECT target, 2, 0, 0, '' FROM blocks WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT actor, 3, 0, 0, '' FROM blocks WHERE target = $1 AND actor IN (`+list+`)
			UNION ALL SELECT target, 4, CASE WHEN notifications THEN 1 ELSE 0 END, expires, '' FROM mutes
				WHERE actor = $1 AND (expires = 0 OR expires > $2) AND target IN (`+list+`)
			UNION ALL SELECT a.id, 5, 0, 0, '' FROM actors a JOIN domain_blocks d ON d.actor = $1 AND d.domain = a.domain WHERE a.id IN (`+list+`)
			UNION ALL SELECT target, 6, CASE WHEN boosts THEN 1 ELSE 0 END, CASE WHEN notify THEN 1 ELSE 0 END, languages FROM follow_settings
				WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT target, 7, 0, 0, comment FROM notes WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT target, 8, 0, 0, '' FROM endorsements WHERE actor = $1 AND target IN (`+list+`)`, append([]any{viewer, now}, args...)...)
		all, err := collect(rows, err, (*relationRow).scan)
		if err != nil {
			return nil, fmt.Errorf("relations of %d: %w", viewer, err)
		}
		for i := range all {
			all[i].apply(found[all[i].id])
		}
	}
	return found, nil
}

type relationRow struct {
	id   int64
	what int
	a, b int64
	text string
}

func (r *relationRow) scan() []any { return []any{&r.id, &r.what, &r.a, &r.b, &r.text} }

func (r *relationRow) apply(to *Relation) {
	switch r.what {
	case relFollow:
		to.Following, to.Requested = r.a == 1, r.a == 0
	case relFollowedBy:
		to.FollowedBy, to.RequestedBy = r.a == 1, r.a == 0
	case relBlock:
		to.Blocking = true
	case relBlockedBy:
		to.BlockedBy = true
	case relMute:
		to.Muting, to.MutingNotifies, to.MuteExpires = true, r.a == 1, r.b
	case relDomain:
		to.DomainBlocking = true
	case relSettings:
		to.Boosts, to.Notify, to.Languages = r.a == 1, r.b == 1, r.text
	case relNote:
		to.Note = r.text
	case relEndorsed:
		to.Endorsed = true
	}
}

// Mute is a row of mutes.
type Mute struct {
	Actor, Target int64
	Notifications bool  // Those too.
	Expires       int64 // ms, 0 never
}

// SetMute mutes an account, or changes how.
func (tx *Tx) SetMute(ctx context.Context, m Mute) error {
	_, err := tx.exec(ctx, `INSERT INTO mutes (actor, target, notifications, created, expires) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (actor, target) DO UPDATE SET notifications = excluded.notifications, expires = excluded.expires`,
		m.Actor, m.Target, m.Notifications, tx.NewID(), m.Expires)
	return wrapped(err, "mute of %d by %d", m.Target, m.Actor)
}

// RemoveMute ends a mute.
func (tx *Tx) RemoveMute(ctx context.Context, actor, target int64) error {
	_, err := tx.exec(ctx, "DELETE FROM mutes WHERE actor = $1 AND target = $2", actor, target)
	return wrapped(err, "mute of %d by %d", target, actor)
}

// FollowSettings are how a follower wants to follow. Languages are comma-separated
// codes, "" all.
type FollowSettings struct {
	Actor, Target  int64
	Boosts, Notify bool
	Languages      string
}

// SetFollowSettings writes them. They stand beside the follow, which may be a
// request still.
func (tx *Tx) SetFollowSettings(ctx context.Context, f FollowSettings) error {
	_, err := tx.exec(ctx, `INSERT INTO follow_settings (actor, target, boosts, notify, languages) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (actor, target) DO UPDATE SET boosts = excluded.boosts, notify = excluded.notify, languages = excluded.languages`,
		f.Actor, f.Target, f.Boosts, f.Notify, f.Languages)
	return wrapped(err, "settings of the follow of %d by %d", f.Target, f.Actor)
}

// ForgetFollowSettings drops them, after an unfollow, and what shows the other on the
// profile.
func (tx *Tx) ForgetFollowSettings(ctx context.Context, actor, target int64) error {
	if err := tx.SetEndorsement(ctx, actor, target, false); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "DELETE FROM follow_settings WHERE actor = $1 AND target = $2", actor, target)
	return wrapped(err, "settings of the follow of %d by %d", target, actor)
}

// SetNote writes what an account notes about another one for itself; "" removes it.
func (tx *Tx) SetNote(ctx context.Context, actor, target int64, comment string) error {
	text, args := "DELETE FROM notes WHERE actor = $1 AND target = $2", []any{actor, target}
	if comment != "" {
		text = "INSERT INTO notes (actor, target, comment) VALUES ($1, $2, $3) ON CONFLICT (actor, target) DO UPDATE SET comment = excluded.comment"
		args = append(args, comment)
	}
	_, err := tx.exec(ctx, text, args...)
	return wrapped(err, "note of %d about %d", actor, target)
}

// SetDomainBlock has an account see nothing of a domain, or again.
func (tx *Tx) SetDomainBlock(ctx context.Context, actor int64, domain string, on bool) error {
	text, args := "DELETE FROM domain_blocks WHERE actor = $1 AND domain = $2", []any{actor, domain}
	if on {
		text = "INSERT INTO domain_blocks (actor, domain, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
		args = append(args, tx.NewID())
	}
	_, err := tx.exec(ctx, text, args...)
	return wrapped(err, "block of %s by %d", domain, actor)
}

// BlockedDomain is a domain that an account blocks; At is the cursor.
type BlockedDomain struct {
	Domain string
	At     int64
}

// DomainBlocks returns a page of the domains that an account blocks.
func (q *Q) DomainBlocks(ctx context.Context, actor int64, p Page) ([]BlockedDomain, error) {
	tail, args := p.clause("created", 2)
	rows, err := q.query(ctx, "SELECT domain, created FROM domain_blocks WHERE actor = $1"+tail, append([]any{actor}, args...)...)
	all, err := collect(rows, err, func(d *BlockedDomain) []any { return []any{&d.Domain, &d.At} })
	return order(p, all), wrapped(err, "domain blocks of %d", actor)
}

// FollowsOfDomain returns up to limit follows between an account and those of a
// domain, in both directions.
func (q *Q) FollowsOfDomain(ctx context.Context, actor int64, domain string, limit int) ([]Follow, error) {
	rows, err := q.query(ctx, `SELECT f.actor, f.target, f.seq, f.accepted, f.local FROM follows f JOIN actors a ON a.id = f.target WHERE f.actor = $1 AND a.domain = $2
		UNION ALL SELECT f.actor, f.target, f.seq, f.accepted, f.local FROM follows f JOIN actors a ON a.id = f.actor WHERE f.target = $1 AND a.domain = $2
		LIMIT $3`, actor, domain, limit)
	all, err := collect(rows, err, func(f *Follow) []any { return []any{&f.Actor, &f.Target, &f.Seq, &f.Accepted, &f.Local} })
	return all, wrapped(err, "follows between %d and %s", actor, domain)
}

// page runs a query for a list of ids with a cursor: text ends in a condition on
// $1, which is owner, and cursor is the column that orders it.
func (q *Q) page(ctx context.Context, p Page, text, cursor string, owner int64) ([]Cursor, error) {
	tail, args := p.clause(cursor, 2)
	return q.cursors(ctx, p, text+tail, append([]any{owner}, args...)...)
}

// Followers returns a page of who follows an account.
func (q *Q) Followers(ctx context.Context, target int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT actor, seq FROM follows WHERE target = $1 AND accepted", "seq", target)
	return list, wrapped(err, "followers of %d", target)
}

// Following returns a page of whom an account follows.
func (q *Q) Following(ctx context.Context, actor int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT target, seq FROM follows WHERE actor = $1 AND accepted", "seq", actor)
	return list, wrapped(err, "followed by %d", actor)
}

// FollowRequests returns a page of who asks to follow an account.
func (q *Q) FollowRequests(ctx context.Context, target int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT actor, seq FROM follows WHERE target = $1 AND NOT accepted", "seq", target)
	return list, wrapped(err, "follow requests to %d", target)
}

// BlockedBy returns a page of whom an account blocks.
func (q *Q) BlockedBy(ctx context.Context, actor int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT target, seq FROM blocks WHERE actor = $1", "seq", actor)
	return list, wrapped(err, "blocks of %d", actor)
}

// MutedBy returns a page of whom an account mutes at the time now (ms).
func (q *Q) MutedBy(ctx context.Context, actor, now int64, p Page) ([]Cursor, error) {
	tail, args := p.clause("created", 3)
	list, err := q.cursors(ctx, p, "SELECT target, created FROM mutes WHERE actor = $1 AND (expires = 0 OR expires > $2)"+tail, append([]any{actor, now}, args...)...)
	return list, wrapped(err, "mutes of %d", actor)
}

// Favourites returns a page of what an account favours.
func (q *Q) Favourites(ctx context.Context, actor int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT status, seq FROM favourites WHERE actor = $1", "seq", actor)
	return list, wrapped(err, "favourites of %d", actor)
}

// Bookmarks returns a page of what an account bookmarked.
func (q *Q) Bookmarks(ctx context.Context, actor int64, p Page) ([]Cursor, error) {
	list, err := q.page(ctx, p, "SELECT status, id FROM bookmarks WHERE actor = $1", "id", actor)
	return list, wrapped(err, "bookmarks of %d", actor)
}

// FamiliarFollowers returns, for each of up to 500 accounts, up to limit of those whom
// viewer follows and who follow it, the newest first. Viewer's newest 2000 follows
// are looked at.
func (q *Q) FamiliarFollowers(ctx context.Context, viewer int64, targets []int64, limit int) (map[int64][]int64, error) {
	found := map[int64][]int64{}
	if len(targets) == 0 {
		return found, nil
	}
	list, args := in(3, targets)
	rows, err := q.query(ctx, `SELECT x.target, x.who FROM (
			SELECT g.target, f.target AS who, ROW_NUMBER() OVER (PARTITION BY g.target ORDER BY f.seq DESC) AS place
			FROM (SELECT target, seq FROM follows WHERE actor = $1 AND accepted ORDER BY seq DESC LIMIT 2000) f
			JOIN follows g ON g.actor = f.target AND g.target IN (`+list+`) AND g.accepted) x
		WHERE x.place <= $2 ORDER BY x.target, x.place`, append([]any{viewer, limit}, args...)...)
	type pair struct{ target, who int64 }
	all, err := collect(rows, err, func(p *pair) []any { return []any{&p.target, &p.who} })
	for _, p := range all {
		found[p.target] = append(found[p.target], p.who)
	}
	return found, wrapped(err, "familiar followers for %d", viewer)
}
