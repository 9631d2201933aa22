package store

import (
	"context"
	"fmt"
	"strings"
)

// after is the first text that does not begin with prefix, for a range scan.
func after(prefix string) string { return prefix + "\U0010FFFF" }

// SearchAccounts returns the ids of actors whose name begins with a text, ours and
// the most followed first. domain narrows it to handles whose domain begins so.
func (q *Q) SearchAccounts(ctx context.Context, name, domain string, limit, offset int) ([]int64, error) {
	key := NameKey(name)
	if key == "" {
		return nil, nil
	}
	args := []any{key, after(key), limit, offset}
	cond := ""
	if domain != "" {
		args = append(args, strings.ToLower(domain), after(strings.ToLower(domain)))
		cond = " AND a.domain >= $5 AND a.domain < $6"
	}
	ids, err := q.ids(ctx, `SELECT a.id FROM actors a LEFT JOIN actor_counts c ON c.actor = a.id
		WHERE a.name_key >= $1 AND a.name_key < $2 AND a.deleted = 0`+cond+`
		ORDER BY CASE WHEN a.name_key = $1 THEN 0 ELSE 1 END, CASE WHEN a.local THEN 0 ELSE 1 END, COALESCE(c.followers, 0) DESC, a.id LIMIT $3 OFFSET $4`, args...)
	if err != nil {
		return nil, fmt.Errorf("searching accounts: %w", err)
	}
	return ids, nil
}

// Tag is a hashtag: folded, and as first written.
type Tag struct {
	ID            int64
	Name, Display string
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
		{&n.Domains, "SELECT COUNT(DISTINCT domain) FROM actors WHERE domain <> ''", nil},
		{&n.ActiveMonth, "SELECT COUNT(*) FROM accounts WHERE last_seen > $1", []any{since}},
	} {
		if err := q.row(ctx, part.query, part.args...).Scan(part.to); err != nil {
			return n, fmt.Errorf("counting: %w", err)
		}
	}
	return n, nil
}

// Peers returns the domains of known actors.
func (q *Q) Peers(ctx context.Context) ([]string, error) {
	rows, err := q.query(ctx, "SELECT DISTINCT domain FROM actors WHERE domain <> '' ORDER BY domain LIMIT 100000")
	return collect(rows, err, self[string])
}
