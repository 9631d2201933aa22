package store

import (
	"context"
	"fmt"
)

// ActivitiesAbout returns the activities that created, changed or speak of an
// object, in the order of arrival.
func (q *Q) ActivitiesAbout(ctx context.Context, object int64, limit int) ([]Activity, error) {
	rows, err := q.query(ctx, "SELECT "+activityColumns+` FROM activities WHERE object = $1 AND type <> 'Create'
		UNION SELECT `+activityColumns+` FROM activities WHERE seq IN (SELECT seq FROM objects WHERE id = $1 UNION SELECT seq FROM versions WHERE object = $1 UNION SELECT seq FROM statuses WHERE id = $1)
		ORDER BY seq LIMIT $2`, object, limit)
	return collect(rows, err, (*Activity).scan)
}

// Written says in words which rows an activity brought.
func (q *Q) Written(ctx context.Context, a *Activity) ([]string, error) {
	var all []string
	for _, part := range []struct{ what, query string }{
		{"status", "SELECT COUNT(*) FROM statuses WHERE seq = $1 AND actor = $2"},
		{"follow", "SELECT COUNT(*) FROM follows WHERE seq = $1 AND actor = $2"},
		{"favourite", "SELECT COUNT(*) FROM favourites WHERE seq = $1 AND actor = $2"},
		{"reaction", "SELECT COUNT(*) FROM reactions WHERE seq = $1 AND actor = $2"},
		{"block", "SELECT COUNT(*) FROM blocks WHERE seq = $1 AND actor = $2"},
		{"pin", "SELECT COUNT(*) FROM pins WHERE seq = $1 AND actor = $2"},
		{"vote", "SELECT COUNT(*) FROM poll_votes WHERE seq = $1 AND actor = $2"},
		{"notification", "SELECT COUNT(*) FROM notifications WHERE id = $1 AND actor = $2"},
	} {
		var n int64
		if err := q.row(ctx, part.query, a.Seq, a.Actor).Scan(&n); err != nil {
			return nil, fmt.Errorf("what %d wrote: %w", a.Seq, err)
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("%s: %d", part.what, n))
		}
	}
	return all, nil
}

// checks are things that must be nowhere in the database.
var checks = []struct{ what, query string }{
	{"boosts of posts that are not there", "SELECT COUNT(*) FROM statuses s WHERE s.boost_of <> 0 AND NOT EXISTS (SELECT 1 FROM statuses p WHERE p.id = s.boost_of)"},
	{"posts without an object", "SELECT COUNT(*) FROM statuses s WHERE s.boost_of = 0 AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.id = s.id AND o.deleted = 0)"},
	{"posts without content", "SELECT COUNT(*) FROM statuses s WHERE s.boost_of = 0 AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.status = s.id)"},
	{"favourites that are not counted right", `SELECT COUNT(*) FROM counts c WHERE c.favourites <> (SELECT COUNT(*) FROM favourites f WHERE f.status = c.status)`},
	{"reactions that are not counted right", `SELECT COUNT(*) FROM counts c WHERE c.reactions <> (SELECT COUNT(*) FROM reactions r WHERE r.status = c.status)
		OR c.reactions <> COALESCE((SELECT SUM(n.n) FROM reaction_counts n WHERE n.status = c.status), 0)`},
	{"boosts that are not counted right", `SELECT COUNT(*) FROM counts c WHERE c.boosts <> (SELECT COUNT(*) FROM statuses s WHERE s.boost_of = c.status AND s.boost_of <> 0)`},
	{"followers that are not counted right", `SELECT COUNT(*) FROM actor_counts c WHERE c.followers <> (SELECT COUNT(*) FROM follows f WHERE f.target = c.actor AND f.accepted)`},
	{"actors without a profile", "SELECT COUNT(*) FROM actors a WHERE NOT EXISTS (SELECT 1 FROM profiles p WHERE p.actor = a.id)"},
	{"home rows of statuses that are not there", "SELECT COUNT(*) FROM home h WHERE NOT EXISTS (SELECT 1 FROM statuses s WHERE s.id = h.status)"},
	{"accounts without an actor", "SELECT COUNT(*) FROM accounts c WHERE NOT EXISTS (SELECT 1 FROM actors a WHERE a.id = c.actor)"},
}

// Check looks for what must not be, a line each; none is good.
func (q *Q) Check(ctx context.Context) ([]string, error) {
	var problems []string
	if q.dialect == &sqliteDialect {
		var said string
		if err := q.row(ctx, "SELECT * FROM pragma_quick_check").Scan(&said); err != nil {
			return nil, err
		}
		if said != "ok" {
			problems = append(problems, "SQLite: "+said)
		}
	}
	for _, c := range checks {
		var n int64
		if err := q.row(ctx, c.query).Scan(&n); err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
		if n > 0 {
			problems = append(problems, fmt.Sprintf("%d %s", n, c.what))
		}
	}
	return problems, nil
}
