package store

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

const (
	maxPrefix   = 5   // Characters of the beginnings that are kept.
	maxOffered  = 5   // Accounts with one beginning that are looked at beyond a page, in place of hidden ones.
	maxFollowed = 300 // Newest follows that are looked at for more.
)

// startingWith returns accounts by a short beginning that is kept as such.
func (q *Q) startingWith(ctx context.Context, w AccountSearch, prefix string) ([]int64, error) {
	ids, err := q.ids(ctx, `SELECT c.actor FROM (
			SELECT x.id AS actor, 0 AS tier, 0 AS place FROM (SELECT id FROM actors WHERE name_key = $1 AND deleted = 0 LIMIT 20) x
			UNION ALL SELECT y.actor, 1, y.place FROM (SELECT actor, place FROM name_prefixes WHERE prefix = $1 ORDER BY place LIMIT $3) y
			UNION ALL SELECT z.target, 1, 0 FROM (SELECT target FROM follows WHERE actor = $2 AND accepted ORDER BY seq DESC LIMIT $6) z
				WHERE (SELECT COUNT(*) FROM (SELECT 1 FROM name_prefixes WHERE prefix = $1 LIMIT $3) n) = $3
				AND EXISTS (SELECT 1 FROM name_prefixes p WHERE p.actor = z.target AND p.prefix = $1)
		) c JOIN actors a ON a.id = c.actor LEFT JOIN follows f ON f.actor = $2 AND f.target = c.actor AND f.accepted
		WHERE a.suspended = 0 AND (a.silenced = 0 OR f.actor IS NOT NULL)
		GROUP BY c.actor, f.actor ORDER BY MIN(c.tier), CASE WHEN f.actor IS NULL THEN 1 ELSE 0 END, MIN(c.place), c.actor LIMIT $4 OFFSET $5`,
		prefix, w.Viewer, min(w.Limit+w.Offset+maxOffered, 2*maxCandidates), w.Limit, w.Offset, maxFollowed)
	return ids, wrapped(err, "accounts that begin with %s", prefix)
}

// setPrefixes notes by which beginnings of its handle and of the words of its name an
// actor is found; none when it is gone.
func (tx *Tx) setPrefixes(ctx context.Context, actor int64, words []string) error {
	if _, err := tx.exec(ctx, "DELETE FROM name_prefixes WHERE actor = $1", actor); err != nil {
		return fmt.Errorf("beginnings of %d: %w", actor, err)
	}
	var handle string
	var local bool
	var gone, followers int64
	err := tx.row(ctx, "SELECT a.name_key, a.local, a.deleted, COALESCE(n.followers, 0) FROM actors a LEFT JOIN actor_counts n ON n.actor = a.id WHERE a.id = $1", actor).
		Scan(&handle, &local, &gone, &followers)
	if err != nil {
		return fmt.Errorf("beginnings of %d: %w", actor, err)
	}
	if gone != 0 {
		return nil
	}
	handle, _, _ = strings.Cut(handle, "#") // One that was parked is found all the same.
	at := placeOf(followers)
	if local {
		at -= 32
	}
	var text strings.Builder
	args := []any{actor, at}
	text.WriteString("INSERT INTO name_prefixes (prefix, place, actor) VALUES ")
	for _, p := range prefixes(append(words, handle)) {
		if len(args) > 2 {
			text.WriteString(", ")
		}
		args = append(args, p)
		fmt.Fprintf(&text, "($%d, $2, $1)", len(args))
	}
	_, err = tx.exec(ctx, text.String(), args...)
	return wrapped(err, "beginnings of %d", actor)
}

// prefixes returns the different short beginnings of words.
func prefixes(words []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, word := range words {
		for i, n := 0, 0; n < maxPrefix && i < len(word); n++ {
			_, size := utf8.DecodeRuneInString(word[i:])
			i += size
			if !seen[word[:i]] {
				seen[word[:i]] = true
				all = append(all, word[:i])
			}
		}
	}
	return all
}

// placeOf is where an account with so many followers stands.
func placeOf(followers int64) int { return -bits.Len64(uint64(max(0, followers))) }

// replace moves an account to where it stands after its followers became more or fewer
// by n.
func (tx *Tx) replace(ctx context.Context, actor, followers, n int64) error {
	by := placeOf(followers) - placeOf(followers-n)
	if by == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "UPDATE name_prefixes SET place = place + $2 WHERE actor = $1", actor, by)
	return wrapped(err, "place of %d", actor)
}
