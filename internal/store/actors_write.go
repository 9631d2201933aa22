package store

import (
	"context"
	"fmt"
)

// ParkHandle takes the handle away from an actor whose handle another one has now.
func (tx *Tx) ParkHandle(ctx context.Context, a *Actor) error {
	if _, err := tx.exec(ctx, "UPDATE actors SET name_key = $2 WHERE id = $1", a.ID, fmt.Sprintf("%s#%d", NameKey(a.Username), a.ID)); err != nil {
		return fmt.Errorf("handle of %s: %w", a.URI, err)
	}
	return nil
}

// ForgetActor removes what is filed under the name of an actor that was deleted:
// what it favoured, reacted to, told, blocked and pinned, whom and what it recommends, and others'
// private notes of it.
func (tx *Tx) ForgetActor(ctx context.Context, id int64) error {
	for _, text := range []string{
		"UPDATE counts SET favourites = favourites - 1 WHERE status IN (SELECT status FROM favourites WHERE actor = $1)",
		"DELETE FROM favourites WHERE actor = $1",
		`UPDATE counts SET reactions = reactions - (SELECT COUNT(*) FROM reactions r WHERE r.actor = $1 AND r.status = counts.status)
			WHERE status IN (SELECT status FROM reactions WHERE actor = $1)`,
		"DELETE FROM reaction_counts WHERE (status, name) IN (SELECT status, name FROM reactions WHERE actor = $1) AND n <= 1",
		`UPDATE reaction_counts SET n = n - 1,
			first = COALESCE((SELECT r.seq FROM reactions r WHERE r.status = reaction_counts.status AND r.name = reaction_counts.name AND r.actor <> $1 ORDER BY r.seq LIMIT 1), first),
			url = COALESCE((SELECT r.url FROM reactions r WHERE r.status = reaction_counts.status AND r.name = reaction_counts.name AND r.actor <> $1 ORDER BY r.seq LIMIT 1), url)
			WHERE (status, name) IN (SELECT status, name FROM reactions WHERE actor = $1)`,
		"DELETE FROM reactions WHERE actor = $1",
		"DELETE FROM scrobbles WHERE actor = $1",
		"DELETE FROM notifications WHERE actor = $1",
		"DELETE FROM notifications WHERE owner = $1",
		"DELETE FROM blocks WHERE actor = $1",
		"DELETE FROM blocks WHERE target = $1",
		"DELETE FROM home WHERE owner = $1",
		"DELETE FROM pins WHERE actor = $1",
		"DELETE FROM actor_counts WHERE actor = $1",
		"DELETE FROM endorsements WHERE actor = $1",
		"DELETE FROM featured_tags WHERE actor = $1",
		"DELETE FROM elsewhere WHERE actor = $1",
		"DELETE FROM verified_links WHERE actor = $1",
		"DELETE FROM dismissed_suggestions WHERE owner = $1",
		"DELETE FROM collection_items WHERE target = $1",
		"DELETE FROM collection_items WHERE collection IN (SELECT id FROM collections WHERE owner = $1)",
		"DELETE FROM collections WHERE owner = $1",
	} {
		if _, err := tx.exec(ctx, text, id); err != nil {
			return fmt.Errorf("forgetting actor %d: %w", id, err)
		}
	}
	return nil
}

// ForgetVotes removes the votes of a poll whose choices changed.
func (tx *Tx) ForgetVotes(ctx context.Context, status int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM poll_votes WHERE status = $1", status); err != nil {
		return fmt.Errorf("votes of poll %d: %w", status, err)
	}
	return nil
}

// LocalAlive returns how many of our accounts are alive.
func (q *Q) LocalAlive(ctx context.Context) (int64, error) {
	var n int64
	err := q.row(ctx, "SELECT COUNT(*) FROM accounts c JOIN actors a ON a.id = c.actor WHERE a.deleted = 0").Scan(&n)
	return n, err
}
