package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Day is the beginning of the day that ms lies in, UTC.
func Day(ms int64) int64 { return ms - ms%dayLength }

// Week is the beginning of its week, a Monday. 1970 began on a Thursday.
func Week(ms int64) int64 { return ms - (ms+3*dayLength)%(7*dayLength) }

// Month is the beginning of its month.
func Month(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

// The kinds of periods in which somebody is active.
const (
	ActiveDay int16 = iota
	ActiveWeek
	ActiveMonth
)

// activeKeys are the names of the counts of each kind.
var activeKeys = [...]string{"active_day", "active_week", "active_month"}

// active notes that an account of ours is in use, once for each period.
func (tx *Tx) active(ctx context.Context, actor, at int64) error {
	for kind, start := range [...]int64{Day(at), Week(at), Month(at)} {
		n, err := tx.exec(ctx, "INSERT INTO active (kind, start, actor) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", kind, start, actor)
		if err != nil {
			return fmt.Errorf("activity of %d: %w", actor, err)
		}
		if n == 0 {
			continue
		}
		if err := tx.count1(ctx, activeKeys[kind], "", start, 1); err != nil {
			return err
		}
	}
	return nil
}

// count1 adds to a number of a day.
func (tx *Tx) count1(ctx context.Context, key, domain string, day, n int64) error {
	_, err := tx.exec(ctx, `INSERT INTO daily (key, domain, day, n) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key, domain, day) DO UPDATE SET n = daily.n + excluded.n`, key, domain, day, n)
	return wrapped(err, "counting %s", key)
}

// DayCount is a number of a day; Day is ms.
type DayCount struct{ Day, N int64 }

func (d *DayCount) scan() []any { return []any{&d.Day, &d.N} }

// Daily returns the numbers of a key and domain from one time (ms) to before another.
func (q *Q) Daily(ctx context.Context, key, domain string, from, to int64) ([]DayCount, error) {
	rows, err := q.query(ctx, "SELECT day, n FROM daily WHERE key = $1 AND domain = $2 AND day >= $3 AND day < $4 ORDER BY day", key, domain, from, to)
	all, err := collect(rows, err, (*DayCount).scan)
	return all, wrapped(err, "numbers of %s", key)
}

// Active returns how many were active in each period of a kind.
func (q *Q) Active(ctx context.Context, kind int16, from, to int64) ([]DayCount, error) {
	return q.Daily(ctx, activeKeys[kind], "", from, to)
}

// Tally counts posts and interactions from the log, up to limit activities after the
// last one that was counted and before the time until (ms), and tells whether there may
// be more. The first time it begins at since (ms).
func (tx *Tx) Tally(ctx context.Context, since, until int64, limit int) (more bool, err error) {
	cursor := since << 16
	text, err := tx.Setting(ctx, "tally")
	if err == nil {
		cursor, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	type row struct {
		seq         int64
		typ, domain string
		local       bool
	}
	rows, err := tx.query(ctx, `SELECT v.seq, v.type, a.domain, a.local FROM activities v JOIN actors a ON a.id = v.actor
		WHERE v.seq > $1 AND v.seq < $2 AND v.state = 0 ORDER BY v.seq LIMIT $3`, cursor, until<<16, limit)
	all, err := collect(rows, err, func(r *row) []any { return []any{&r.seq, &r.typ, &r.domain, &r.local} })
	if err != nil || len(all) == 0 {
		return false, wrapped(err, "counting the log")
	}
	type cell struct {
		key, domain string
		day         int64
	}
	sums := map[cell]int64{}
	for _, r := range all {
		switch {
		case r.typ == "Create":
			sums[cell{"statuses", r.domain, Day(r.seq >> 16)}]++
		case r.local && (r.typ == "Like" || r.typ == "Announce" || r.typ == "Follow"):
			sums[cell{"interactions", "", Day(r.seq >> 16)}]++
		}
	}
	for c, n := range sums {
		if err := tx.count1(ctx, c.key, c.domain, c.day, n); err != nil {
			return false, err
		}
	}
	return len(all) == limit, tx.SetSetting(ctx, "tally", strconv.FormatInt(all[len(all)-1].seq, 10))
}

// SweepNumbers drops numbers from before a time (ms), some at a time, and tells whether
// there may be more. Months are kept since another.
func (tx *Tx) SweepNumbers(ctx context.Context, before, months int64) (more bool, err error) {
	for _, text := range []string{
		"DELETE FROM daily WHERE (key, domain, day) IN (SELECT key, domain, day FROM daily WHERE key IN ('statuses', 'interactions', 'active_day', 'active_week') AND day < $1 LIMIT $2)",
		"DELETE FROM active WHERE (kind, start, actor) IN (SELECT kind, start, actor FROM active WHERE kind IN (0, 1) AND start < $1 LIMIT $2)",
	} {
		n, err := tx.exec(ctx, text, before, swept)
		if err != nil {
			return false, fmt.Errorf("sweeping numbers: %w", err)
		}
		more = more || n == swept
	}
	n, err := tx.exec(ctx, "DELETE FROM active WHERE (kind, start, actor) IN (SELECT kind, start, actor FROM active WHERE kind = 2 AND start < $1 LIMIT $2)", months, swept)
	return more || n == swept, wrapped(err, "sweeping numbers")
}

// byDay counts rows of a table by the day that their id tells, in a range of ids.
func (q *Q) byDay(ctx context.Context, from, to int64, text string, args ...any) ([]DayCount, error) {
	rows, err := q.query(ctx, text, append([]any{from << 16, to << 16}, args...)...)
	return collect(rows, err, (*DayCount).scan)
}

// dayOf is the beginning of the day of an id, in SQL.
func dayOf(id string) string { return "((" + id + " >> 16) / 86400000) * 86400000" }

// NewAccounts counts the accounts that were made, by day.
func (q *Q) NewAccounts(ctx context.Context, from, to int64) ([]DayCount, error) {
	all, err := q.byDay(ctx, from, to, "SELECT "+dayOf("actor")+" AS day, COUNT(*) FROM accounts WHERE actor >= $1 AND actor < $2 GROUP BY day ORDER BY day")
	return all, wrapped(err, "new accounts")
}

// ReportsByDay counts the reports that came in, or that were resolved, by day.
func (q *Q) ReportsByDay(ctx context.Context, from, to int64, resolved bool) ([]DayCount, error) {
	if resolved {
		rows, err := q.query(ctx, `SELECT (resolved / 86400000) * 86400000 AS day, COUNT(*) FROM reports
			WHERE resolved >= $1 AND resolved < $2 AND resolved <> 0 GROUP BY day ORDER BY day`, from, to)
		all, err := collect(rows, err, (*DayCount).scan)
		return all, wrapped(err, "resolved reports")
	}
	all, err := q.byDay(ctx, from, to, "SELECT "+dayOf("id")+" AS day, COUNT(*) FROM reports WHERE id >= $1 AND id < $2 GROUP BY day ORDER BY day")
	return all, wrapped(err, "reports")
}

// maxSampled bounds how many rows a number about a tag or host is made of; what is
// larger is counted up to there.
const maxSampled = 20_000

// TagUse is the public use of a tag on a day.
type TagUse struct{ Day, Uses, Accounts, Servers int64 }

// TagUses returns the use of a tag by day, of its newest 20,000 posts.
func (q *Q) TagUses(ctx context.Context, tag, from, to int64) ([]TagUse, error) {
	rows, err := q.query(ctx, `SELECT x.day, COUNT(*), COUNT(DISTINCT x.actor), COUNT(DISTINCT a.domain) FROM (
			SELECT `+dayOf("t.status")+` AS day, s.actor FROM status_tags t JOIN statuses s ON s.id = t.status
			WHERE t.tag = $1 AND t.status >= $2 AND t.status < $3 AND s.visibility = 0 ORDER BY t.status DESC LIMIT $4) x
		JOIN actors a ON a.id = x.actor GROUP BY x.day ORDER BY x.day`, tag, from<<16, to<<16, maxSampled)
	all, err := collect(rows, err, func(u *TagUse) []any { return []any{&u.Day, &u.Uses, &u.Accounts, &u.Servers} })
	return all, wrapped(err, "use of tag %d", tag)
}

// Share is how much of something falls on one value.
type Share struct {
	Name string
	N    int64
}

func (s *Share) scan() []any { return []any{&s.Name, &s.N} }

func (q *Q) shares(ctx context.Context, text string, args ...any) ([]Share, error) {
	rows, err := q.query(ctx, text, args...)
	all, err := collect(rows, err, (*Share).scan)
	return all, wrapped(err, "shares")
}

// TagServers and TagLanguages tell where, and in which languages, a tag is used.
func (q *Q) TagServers(ctx context.Context, tag, from, to int64, limit int) ([]Share, error) {
	return q.tagShares(ctx, "a.domain", tag, from, to, limit)
}

// TagLanguages tells in which languages a tag is used; "" is no language.
func (q *Q) TagLanguages(ctx context.Context, tag, from, to int64, limit int) ([]Share, error) {
	return q.tagShares(ctx, "x.language", tag, from, to, limit)
}

func (q *Q) tagShares(ctx context.Context, column string, tag, from, to int64, limit int) ([]Share, error) {
	return q.shares(ctx, `SELECT `+column+`, COUNT(*) AS n FROM (SELECT s.actor, s.language FROM status_tags t JOIN statuses s ON s.id = t.status
			WHERE t.tag = $1 AND t.status >= $2 AND t.status < $3 AND s.visibility = 0 ORDER BY t.status DESC LIMIT $4) x
		JOIN actors a ON a.id = x.actor GROUP BY `+column+` ORDER BY n DESC, `+column+` LIMIT $5`, tag, from<<16, to<<16, maxSampled, limit)
}

// BusyServers returns the hosts with most posts in a time.
func (q *Q) BusyServers(ctx context.Context, from, to int64, limit int) ([]Share, error) {
	return q.shares(ctx, `SELECT domain, SUM(n) AS total FROM daily WHERE key = 'statuses' AND day >= $1 AND day < $2 GROUP BY domain ORDER BY total DESC, domain LIMIT $3`, from, to, limit)
}

// AccountLanguages returns the languages of the accounts that were in use in a month, and
// AccountSources with which apps accounts were made in a time.
func (q *Q) AccountLanguages(ctx context.Context, month int64, limit int) ([]Share, error) {
	return q.shares(ctx, `SELECT c.locale, COUNT(*) AS n FROM (SELECT actor FROM active WHERE kind = 2 AND start = $1 LIMIT $2) x JOIN accounts c ON c.actor = x.actor
		GROUP BY c.locale ORDER BY n DESC, c.locale LIMIT $3`, month, maxSampled, limit)
}

// AccountSources returns the names of the apps with which accounts were made; "" is our
// own pages.
func (q *Q) AccountSources(ctx context.Context, from, to int64, limit int) ([]Share, error) {
	return q.shares(ctx, `SELECT COALESCE(p.name, ''), COUNT(*) AS n FROM (SELECT app FROM accounts WHERE actor >= $1 AND actor < $2 LIMIT $3) x LEFT JOIN apps p ON p.id = x.app
		GROUP BY COALESCE(p.name, '') ORDER BY n DESC LIMIT $4`, from<<16, to<<16, maxSampled, limit)
}

// HostNumbers are what is known of a host, of at most its newest 20,000 accounts.
type HostNumbers struct{ Accounts, Statuses, Media, Follows, Followers, Reports int64 }

// ofDomain are the accounts of a host ($1), at most so many ($2).
const ofDomain = "(SELECT id FROM actors WHERE domain = $1 AND domain <> '' ORDER BY id DESC LIMIT $2) x"

// HostNumbers counts what is known of a host.
func (q *Q) HostNumbers(ctx context.Context, domain string) (HostNumbers, error) {
	var n HostNumbers
	for _, part := range []struct {
		to   *int64
		text string
	}{
		{&n.Accounts, "SELECT COUNT(*) FROM " + ofDomain},
		{&n.Statuses, "SELECT COALESCE(SUM(c.statuses), 0) FROM " + ofDomain + " JOIN actor_counts c ON c.actor = x.id"},
		{&n.Media, "SELECT COALESCE(SUM(m.media), 0) FROM (SELECT s.media FROM " + ofDomain + " JOIN statuses s ON s.actor = x.id AND s.media > 0 LIMIT $2) m"},
		{&n.Follows, "SELECT COUNT(*) FROM (SELECT 1 FROM " + ofDomain + " JOIN follows f ON f.target = x.id AND f.accepted AND f.local LIMIT $2) y"},
		{&n.Followers, "SELECT COUNT(*) FROM (SELECT 1 FROM " + ofDomain + " JOIN follows f ON f.actor = x.id AND f.accepted LIMIT $2) y"},
		{&n.Reports, "SELECT COUNT(*) FROM (SELECT 1 FROM " + ofDomain + " JOIN reports r ON r.target = x.id LIMIT $2) y"},
	} {
		if err := q.row(ctx, part.text, domain, maxSampled).Scan(part.to); err != nil {
			return n, fmt.Errorf("numbers of %s: %w", domain, err)
		}
	}
	return n, nil
}

// HostByDay counts, by day, what of a host became known: accounts, follows of its
// accounts by ours, follows the other way, or reports.
func (q *Q) HostByDay(ctx context.Context, what, domain string, from, to int64) ([]DayCount, error) {
	texts := map[string]string{
		"accounts":  "SELECT " + dayOf("id") + " AS day, COUNT(*) FROM actors WHERE domain = $3 AND domain <> '' AND id >= $1 AND id < $2 GROUP BY day ORDER BY day",
		"follows":   "SELECT day, COUNT(*) FROM (SELECT " + dayOf("f.seq") + " AS day FROM (SELECT id FROM actors WHERE domain = $3 AND domain <> '' ORDER BY id DESC LIMIT 20000) x JOIN follows f ON f.target = x.id AND f.accepted AND f.local WHERE f.seq >= $1 AND f.seq < $2) y GROUP BY day ORDER BY day",
		"followers": "SELECT day, COUNT(*) FROM (SELECT " + dayOf("f.seq") + " AS day FROM (SELECT id FROM actors WHERE domain = $3 AND domain <> '' ORDER BY id DESC LIMIT 20000) x JOIN follows f ON f.actor = x.id AND f.accepted WHERE f.seq >= $1 AND f.seq < $2) y GROUP BY day ORDER BY day",
		"reports":   "SELECT day, COUNT(*) FROM (SELECT " + dayOf("r.id") + " AS day FROM (SELECT id FROM actors WHERE domain = $3 AND domain <> '' ORDER BY id DESC LIMIT 20000) x JOIN reports r ON r.target = x.id WHERE r.id >= $1 AND r.id < $2) y GROUP BY day ORDER BY day",
		"media":     "SELECT day, SUM(media) FROM (SELECT " + dayOf("s.id") + " AS day, s.media FROM (SELECT id FROM actors WHERE domain = $3 AND domain <> '' ORDER BY id DESC LIMIT 20000) x JOIN statuses s ON s.actor = x.id AND s.media > 0 WHERE s.id >= $1 AND s.id < $2) y GROUP BY day ORDER BY day",
	}
	all, err := q.byDay(ctx, from, to, texts[what], domain)
	return all, wrapped(err, "%s of %s", what, domain)
}

// HostAccounts returns the most followed accounts of a host, and HostLanguages the
// languages of its posts in a time.
func (q *Q) HostAccounts(ctx context.Context, domain string, limit int) ([]Share, error) {
	return q.shares(ctx, "SELECT a.username, COALESCE(c.followers, 0) AS n FROM "+ofDomain+" JOIN actors a ON a.id = x.id LEFT JOIN actor_counts c ON c.actor = x.id ORDER BY n DESC, a.username LIMIT $3", domain, maxSampled, limit)
}

// HostLanguages returns the languages of a host's posts; "" is no language.
func (q *Q) HostLanguages(ctx context.Context, domain string, from, to int64, limit int) ([]Share, error) {
	return q.shares(ctx, `SELECT y.language, COUNT(*) AS n FROM (SELECT s.language FROM `+ofDomain+` JOIN statuses s ON s.actor = x.id AND s.boost_of = 0
		WHERE s.id >= $3 AND s.id < $4 LIMIT $2) y GROUP BY y.language ORDER BY n DESC, y.language LIMIT $5`, domain, maxSampled, from<<16, to<<16, limit)
}

// Cohort returns how many accounts were made in a time, and how many of them were
// active in each period of a kind since.
func (q *Q) Cohort(ctx context.Context, kind int16, from, to, until int64) (made int64, active []DayCount, err error) {
	if err := q.row(ctx, "SELECT COUNT(*) FROM accounts WHERE actor >= $1 AND actor < $2", from<<16, to<<16).Scan(&made); err != nil {
		return 0, nil, fmt.Errorf("cohort: %w", err)
	}
	rows, err := q.query(ctx, `SELECT v.start, COUNT(*) FROM active v WHERE v.kind = $1 AND v.start >= $2 AND v.start < $3 AND v.actor >= $4 AND v.actor < $5
		GROUP BY v.start ORDER BY v.start`, kind, from, until, from<<16, to<<16)
	active, err = collect(rows, err, (*DayCount).scan)
	return made, active, wrapped(err, "cohort")
}

// DatabaseSize returns how many bytes the database takes, and what it is.
func (q *Q) DatabaseSize(ctx context.Context) (size int64, version string, err error) {
	text, ask := "SELECT pg_database_size(current_database())", "SHOW server_version"
	if q.dialect == &sqliteDialect {
		text, ask = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", "SELECT sqlite_version()"
	}
	if err := q.row(ctx, text).Scan(&size); err != nil {
		return 0, "", fmt.Errorf("size of the database: %w", err)
	}
	err = q.row(ctx, ask).Scan(&version)
	return size, version, wrapped(err, "version of the database")
}

// UploadsSize returns how many bytes our people's files take. It reads the whole table:
// callers remember the answer.
func (q *Q) UploadsSize(ctx context.Context) (int64, error) {
	var n int64
	err := q.row(ctx, "SELECT COALESCE(SUM(size), 0) FROM media").Scan(&n)
	return n, wrapped(err, "size of uploads")
}
