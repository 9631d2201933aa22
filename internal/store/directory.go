package store

import (
	"context"
	"fmt"
)

// hour is the precision in ms with which the directory knows who is active: so an
// account that posts much is written there once in it.
const hour = 3_600_000

// setListed puts an actor into the directory, or takes it out.
func (tx *Tx) setListed(ctx context.Context, actor int64, listed bool) error {
	if !listed {
		_, err := tx.exec(ctx, "DELETE FROM directory WHERE actor = $1", actor)
		return wrapped(err, "directory, %d", actor)
	}
	_, err := tx.exec(ctx, `INSERT INTO directory (actor, local, active)
		SELECT a.id, a.local, COALESCE(n.last_status, 0) / 3600000 * 3600000 FROM actors a LEFT JOIN actor_counts n ON n.actor = a.id
		WHERE a.id = $1 AND a.deleted = 0 ON CONFLICT (actor) DO NOTHING`, actor)
	return wrapped(err, "directory, %d", actor)
}

// setActive notes when an actor last posted (ms), if it is in the directory.
func (tx *Tx) setActive(ctx context.Context, actor, at int64) error {
	_, err := tx.exec(ctx, "UPDATE directory SET active = $2 WHERE actor = $1 AND active <> $2", actor, at/hour*hour)
	return wrapped(err, "directory, %d", actor)
}

// DirectoryQuery says which accounts that want to be discovered are listed.
type DirectoryQuery struct {
	New           bool // The newest first; else those who posted last.
	Local         bool // Only ours.
	Limit, Offset int
}

// MaxDirectory is how far one can page into the directory.
const MaxDirectory = 5000

// Directory returns ids of accounts.
func (q *Q) Directory(ctx context.Context, w DirectoryQuery) ([]int64, error) {
	text := "SELECT d.actor FROM directory d JOIN actors a ON a.id = d.actor WHERE a.silenced = 0 AND a.suspended = 0"
	if w.Local {
		text += " AND d.local = TRUE"
	}
	order := " ORDER BY d.active DESC, d.actor DESC"
	if w.New {
		order = " ORDER BY d.actor DESC"
	}
	if w.Offset >= MaxDirectory {
		return nil, nil
	}
	ids, err := q.ids(ctx, text+order+" LIMIT $1 OFFSET $2", w.Limit, w.Offset)
	return ids, wrapped(err, "directory")
}

// Suggestions: bounds of what one query looks at.
const (
	friendsAsked  = 60   // Newest follows whose follows are looked at.
	friendsRows   = 3000 // Of these follows in all.
	popularRows   = 1000 // Accounts, or posts.
	maxSuggestion = 100
)

// FriendsOfFriends returns whom the accounts that viewer followed last follow, as far
// as they want to be discovered; whom most of them follow first.
func (q *Q) FriendsOfFriends(ctx context.Context, viewer int64) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT x.target FROM (
			SELECT g.target FROM (SELECT target FROM follows WHERE actor = $1 AND accepted ORDER BY seq DESC LIMIT $2) f
			JOIN follows g ON g.actor = f.target AND g.accepted LIMIT $3) x
		JOIN directory d ON d.actor = x.target
		WHERE x.target <> $1 AND NOT EXISTS (SELECT 1 FROM follows o WHERE o.actor = $1 AND o.target = x.target)
		GROUP BY x.target ORDER BY COUNT(*) DESC, x.target LIMIT $4`, viewer, friendsAsked, friendsRows, maxSuggestion)
	return ids, wrapped(err, "friends of friends of %d", viewer)
}

// SimilarToFollowed returns whom others here follow who follow the accounts that viewer
// followed last, as far as they want to be discovered.
func (q *Q) SimilarToFollowed(ctx context.Context, viewer int64) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT x.target FROM (
			SELECT h.target FROM (SELECT target FROM follows WHERE actor = $1 AND accepted ORDER BY seq DESC LIMIT 10) f
			JOIN follows g ON g.target = f.target AND g.accepted AND g.local AND g.actor <> $1
			JOIN follows h ON h.actor = g.actor AND h.accepted LIMIT $2) x
		JOIN directory d ON d.actor = x.target
		WHERE x.target <> $1 AND NOT EXISTS (SELECT 1 FROM follows o WHERE o.actor = $1 AND o.target = x.target)
		GROUP BY x.target ORDER BY COUNT(*) DESC, x.target LIMIT $3`, viewer, friendsRows, maxSuggestion)
	return ids, wrapped(err, "similar to those that %d follows", viewer)
}

// MostFollowed returns the accounts that most here follow, of those in the directory
// that were active last.
func (q *Q) MostFollowed(ctx context.Context) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT x.actor FROM (SELECT actor FROM directory ORDER BY active DESC, actor DESC LIMIT $1) x
		JOIN actor_counts n ON n.actor = x.actor WHERE n.followers > 0 ORDER BY n.followers DESC, x.actor LIMIT $2`, popularRows, maxSuggestion)
	return ids, wrapped(err, "most followed")
}

// MostInteractions returns the accounts in the directory whose newest public posts
// were favoured and boosted most.
func (q *Q) MostInteractions(ctx context.Context) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT x.actor FROM (SELECT id, actor FROM statuses
			WHERE visibility = 0 AND boost_of = 0 AND NOT local_only AND NOT is_reply ORDER BY id DESC LIMIT $1) x
		JOIN counts n ON n.status = x.id JOIN directory d ON d.actor = x.actor
		WHERE n.favourites + n.boosts > 0 GROUP BY x.actor ORDER BY SUM(n.favourites + n.boosts) DESC, x.actor LIMIT $2`, popularRows, maxSuggestion)
	return ids, wrapped(err, "most interactions")
}

// NotSuggested returns which of these accounts must not be suggested to viewer: those
// whom it follows or asked to, put away, blocks or mutes, or that block it, and whom the moderators hide.
func (q *Q) NotSuggested(ctx context.Context, viewer int64, ids []int64, now int64) (map[int64]bool, error) {
	out := map[int64]bool{viewer: true}
	for chunk := range chunks(ids) {
		list, args := in(3, chunk)
		found, err := q.ids(ctx, `SELECT target FROM follows WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT target FROM dismissed_suggestions WHERE owner = $1 AND target IN (`+list+`)
			UNION ALL SELECT target FROM blocks WHERE actor = $1 AND target IN (`+list+`)
			UNION ALL SELECT actor FROM blocks WHERE target = $1 AND actor IN (`+list+`)
			UNION ALL SELECT target FROM mutes WHERE actor = $1 AND (expires = 0 OR expires > $2) AND target IN (`+list+`)
			UNION ALL SELECT id FROM actors WHERE id IN (`+list+`) AND (silenced <> 0 OR suspended <> 0 OR deleted <> 0)
			UNION ALL SELECT a.id FROM actors a JOIN domain_blocks b ON b.actor = $1 AND b.domain = a.domain WHERE a.id IN (`+list+`)`, append([]any{viewer, now}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("suggestions for %d: %w", viewer, err)
		}
		for _, id := range found {
			out[id] = true
		}
	}
	return out, nil
}

// maxDismissed is how many suggestions an account may have put away. With one more
// those of whom we have known for longest go: whoever is suggested is new or busy.
const maxDismissed = 1000

// DismissSuggestion has an account not suggested any more.
func (tx *Tx) DismissSuggestion(ctx context.Context, owner, target int64) error {
	_, err := tx.exec(ctx, "INSERT INTO dismissed_suggestions (owner, target) VALUES ($1, $2) ON CONFLICT DO NOTHING", owner, target)
	if err == nil {
		_, err = tx.exec(ctx, `DELETE FROM dismissed_suggestions WHERE owner = $1 AND target <> $2
			AND target <= (SELECT target FROM dismissed_suggestions WHERE owner = $1 ORDER BY target DESC LIMIT 1 OFFSET $3)`, owner, target, maxDismissed)
	}
	return wrapped(err, "suggestion of %d for %d", target, owner)
}
