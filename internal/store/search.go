package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// after is the first text that does not begin with prefix, for a range scan.
func after(prefix string) string { return prefix + "\U0010FFFF" }

// AccountSearch says which accounts are looked for.
type AccountSearch struct {
	Text      string // Beginning of the username, or of words of the name that is shown.
	Domain    string // Beginning of the handle's domain; "" any. Then only usernames count.
	Viewer    int64  // Whose followed accounts come first; 0 nobody's.
	Following bool   // Only those.
	Limit     int
	Offset    int
}

// maxCandidates bounds how many accounts with one beginning are looked at.
const maxCandidates = 200

// SearchAccounts returns the ids of accounts whose name begins with a text: the very
// name first, then those whom the viewer follows, ours, and the most followed.
func (q *Q) SearchAccounts(ctx context.Context, w AccountSearch) ([]int64, error) {
	words := nameWords(w.Text)
	key := NameKey(w.Text)
	if key == "" || len(words) == 0 && strings.ContainsAny(key, " ") {
		return nil, nil
	}
	if w.Domain == "" && !w.Following && len(words) == 1 && words[0] == key && utf8.RuneCountInString(key) <= maxPrefix {
		return q.startingWith(ctx, w, key)
	}
	args := []any{key, after(key), w.Viewer, maxCandidates, w.Limit, w.Offset}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	name := "a.name_key >= $1 AND a.name_key < $2"
	if w.Domain != "" {
		domain := strings.ToLower(w.Domain)
		name += " AND a.domain >= " + arg(domain) + " AND a.domain < " + arg(after(domain))
		words = nil
	}
	first, others := "", "TRUE" // The words of one shown name, all of them.
	for i, word := range words {
		if i == 0 {
			first = "w.word >= " + arg(word) + " AND w.word < " + arg(after(word))
			continue
		}
		others += " AND EXISTS (SELECT 1 FROM name_words o WHERE o.actor = w.actor AND o.word >= " + arg(word) + " AND o.word < " + arg(after(word)) + ")"
	}
	followed := "(" + name + ")"
	if first != "" {
		followed = "(" + name + " OR EXISTS (SELECT 1 FROM name_words w WHERE w.actor = a.id AND " + first + " AND " + others + "))"
	}
	sources := "SELECT x.id FROM (SELECT a.id FROM (SELECT target FROM follows WHERE actor = $3 AND accepted ORDER BY seq DESC LIMIT 1000) f JOIN actors a ON a.id = f.target WHERE " + followed + " LIMIT $4) x"
	if !w.Following {
		sources += " UNION SELECT y.id FROM (SELECT a.id FROM actors a WHERE " + name + " LIMIT $4) y"
		if first != "" {
			sources += " UNION SELECT z.id FROM (SELECT w.actor AS id FROM (SELECT w.actor FROM name_words w WHERE " + first + " LIMIT 2000) w WHERE " + others + " LIMIT $4) z"
		}
	}
	ids, err := q.ids(ctx, `SELECT a.id FROM actors a LEFT JOIN follows f ON f.actor = $3 AND f.target = a.id AND f.accepted
		LEFT JOIN actor_counts n ON n.actor = a.id WHERE a.id IN (`+sources+`) AND a.deleted = 0 AND a.suspended = 0 AND (a.silenced = 0 OR f.actor IS NOT NULL)
		ORDER BY CASE WHEN a.name_key = $1 THEN 0 ELSE 1 END, CASE WHEN f.actor IS NULL THEN 1 ELSE 0 END, CASE WHEN a.local THEN 0 ELSE 1 END,
		COALESCE(n.followers, 0) DESC, a.id LIMIT $5 OFFSET $6`, args...)
	return ids, wrapped(err, "searching accounts")
}

// Bounds of the words of one name.
const (
	maxNameWords = 6
	maxNameWord  = 64 // Bytes.
)

// nameWords returns the words of a shown name in lower case, the longest first:
// fewest accounts have it.
func nameWords(name string) []string {
	var words []string
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) }) {
		if len(word) <= maxNameWord && len(words) < maxNameWords && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return words
}

// setNameWords notes by which words of its name an actor is found.
func (tx *Tx) setNameWords(ctx context.Context, actor int64, name string) error {
	if _, err := tx.exec(ctx, "DELETE FROM name_words WHERE actor = $1", actor); err != nil {
		return fmt.Errorf("name of %d: %w", actor, err)
	}
	words := nameWords(name)
	if err := tx.setPrefixes(ctx, actor, words); err != nil {
		return err
	}
	for _, word := range words {
		if _, err := tx.exec(ctx, "INSERT INTO name_words (word, actor) VALUES ($1, $2)", word, actor); err != nil {
			return fmt.Errorf("name of %d: %w", actor, err)
		}
	}
	return nil
}

// Tag is a hashtag: folded, and as first written.
type Tag struct {
	ID            int64
	Name, Display string
}

// TagNamed returns a tag by its folded name.
func (q *Q) TagNamed(ctx context.Context, name string) (*Tag, error) {
	t := Tag{Name: name}
	if err := q.row(ctx, "SELECT id, display FROM tags WHERE name = $1", name).Scan(&t.ID, &t.Display); err != nil {
		return nil, fmt.Errorf("tag %s: %w", name, err)
	}
	return &t, nil
}

// SearchTags returns tags that begin with a folded text.
func (q *Q) SearchTags(ctx context.Context, prefix string, limit, offset int) ([]Tag, error) {
	if prefix == "" {
		return nil, nil
	}
	rows, err := q.query(ctx, "SELECT id, name, display FROM tags WHERE name >= $1 AND name < $2 ORDER BY name LIMIT $3 OFFSET $4", prefix, after(prefix), limit, offset)
	return collect(rows, err, func(t *Tag) []any { return []any{&t.ID, &t.Name, &t.Display} })
}

// InstanceCounts are the numbers that the instance shows.
type InstanceCounts struct{ Users, Statuses, Domains, ActiveMonth int64 }

// InstanceCounts counts accounts, our posts, and known hosts. It reads much: callers
// remember the answer for minutes. since is a month ago (ms).
func (q *Q) InstanceCounts(ctx context.Context, since int64) (InstanceCounts, error) {
	var n InstanceCounts
	for _, part := range []struct {
		to    *int64
		query string
		args  []any
	}{
		{&n.Users, "SELECT COUNT(*) FROM accounts WHERE approved <> 0 AND confirmed <> 0", nil},
		{&n.Statuses, "SELECT COALESCE(SUM(c.statuses), 0) FROM actor_counts c JOIN accounts a ON a.actor = c.actor", nil},
		{&n.Domains, domainsOfActors + "SELECT COUNT(domain) FROM d", nil},
		{&n.ActiveMonth, "SELECT COUNT(*) FROM accounts WHERE last_seen > $1", []any{since}},
	} {
		if err := q.row(ctx, part.query, part.args...).Scan(part.to); err != nil {
			return n, fmt.Errorf("counting: %w", err)
		}
	}
	return n, nil
}

// domainsOfActors goes from one domain to the next by the index, so that it reads as
// many rows as there are domains. A last one is NULL.
const domainsOfActors = `WITH RECURSIVE d (domain) AS (
	SELECT MIN(domain) FROM actors WHERE domain <> ''
	UNION ALL SELECT (SELECT MIN(a.domain) FROM actors a WHERE a.domain > d.domain AND a.domain <> '') FROM d WHERE d.domain IS NOT NULL) `

// Peers returns the domains of known actors.
func (q *Q) Peers(ctx context.Context) ([]string, error) {
	rows, err := q.query(ctx, domainsOfActors+"SELECT domain FROM d WHERE domain IS NOT NULL LIMIT 100000")
	all, err := collect(rows, err, self[string])
	return all, wrapped(err, "peers")
}
