package store

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Kinds of what trends, and of what is reviewed.
const (
	TrendTag       int16 = 1
	TrendLink      int16 = 2
	TrendStatus    int16 = 3
	TrendPublisher int16 = 4 // Reviews only: all links of a host.
	TrendAccount   int16 = 5 // Reviews only: all posts of an account.
)

// HistoryDays is how many days of use are kept and shown.
const HistoryDays = 7

// maxTrends is how many items of a kind are ranked.
const maxTrends = 400

// DayNumber numbers the day of a time, UTC.
func DayNumber(t time.Time) int64 { return t.Unix() / 86400 }

// DayUse is how often something was used on a day, and by how many.
type DayUse struct{ Uses, Accounts int64 }

// CountUses counts that actor used the tags and the link of a post on a day.
func (tx *Tx) CountUses(ctx context.Context, post, actor, day int64) error {
	type use struct {
		kind int16
		item int64
	}
	rows, err := tx.query(ctx, "SELECT 1, tag FROM status_tags WHERE status = $1 UNION ALL SELECT 2, link FROM status_links WHERE status = $1", post)
	all, err := collect(rows, err, func(u *use) []any { return []any{&u.kind, &u.item} })
	if err != nil {
		return fmt.Errorf("uses of post %d: %w", post, err)
	}
	for _, u := range all[:min(len(all), 20)] {
		fresh, err := tx.exec(ctx, "INSERT INTO trend_users (day, kind, item, actor) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", day, u.kind, u.item, actor)
		if err != nil {
			return fmt.Errorf("uses of post %d: %w", post, err)
		}
		_, err = tx.exec(ctx, `INSERT INTO trend_days (kind, item, day, uses, accounts) VALUES ($1, $2, $3, 1, $4)
			ON CONFLICT (kind, item, day) DO UPDATE SET uses = trend_days.uses + 1, accounts = trend_days.accounts + excluded.accounts`, u.kind, u.item, day, fresh)
		if err != nil {
			return fmt.Errorf("uses of post %d: %w", post, err)
		}
	}
	return nil
}

// MayTrend has a public post ranked once it was favoured and boosted often enough.
func (tx *Tx) MayTrend(ctx context.Context, post, enough int64) error {
	_, err := tx.exec(ctx, `INSERT INTO trends (kind, item, score, peak, peaked, shown)
		SELECT 3, status, 0, 0, 0, FALSE FROM counts WHERE status = $1 AND favourites + boosts >= $2 ON CONFLICT DO NOTHING`, post, enough)
	return wrapped(err, "trend of post %d", post)
}

// History returns how often items were used on each of the last days, today first;
// items that were not used are left out.
func (q *Q) History(ctx context.Context, kind int16, items []int64, today int64) (map[int64]*[HistoryDays]DayUse, error) {
	type row struct {
		item, day int64
		DayUse
	}
	found := map[int64]*[HistoryDays]DayUse{}
	for chunk := range chunks(items) {
		list, args := in(4, chunk)
		rows, err := q.query(ctx, "SELECT item, day, uses, accounts FROM trend_days WHERE kind = $1 AND day > $2 AND day <= $3 AND item IN ("+list+")",
			append([]any{kind, today - HistoryDays, today}, args...)...)
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.item, &r.day, &r.Uses, &r.Accounts} })
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		for _, r := range all {
			if found[r.item] == nil {
				found[r.item] = &[HistoryDays]DayUse{}
			}
			found[r.item][today-r.day] = r.DayUse
		}
	}
	return found, nil
}

// Trend is a row of trends, with what its item is called.
type Trend struct {
	Kind   int16
	Item   int64
	Score  int64
	Peak   int64
	Peaked int64
	Shown  bool
}

func (t *Trend) scan() []any { return []any{&t.Kind, &t.Item, &t.Score, &t.Peak, &t.Peaked, &t.Shown} }

// Trends returns what trends, the most first: what everybody may see, or all that
// a moderator reviews.
func (q *Q) Trends(ctx context.Context, kind int16, all bool, limit, offset int) ([]Trend, error) {
	where := " AND shown AND score > 0"
	if all {
		where = ""
	}
	rows, err := q.query(ctx, "SELECT kind, item, score, peak, peaked, shown FROM trends WHERE kind = $1"+where+
		" ORDER BY score DESC, item DESC LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)", kind, limit, offset)
	list, err := collect(rows, err, (*Trend).scan)
	return list, wrapped(err, "trends")
}

// MostUsed returns which tags or links at least some accounts used on a day.
func (q *Q) MostUsed(ctx context.Context, kind int16, day int64, accounts int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT item FROM trend_days WHERE kind = $1 AND day = $2 AND accounts >= $3 ORDER BY accounts DESC LIMIT CAST($4 AS BIGINT)",
		kind, day, accounts, maxTrends)
	return ids, wrapped(err, "most used")
}

// Ranked returns what stands in trends.
func (q *Q) Ranked(ctx context.Context, kind int16) (map[int64]Trend, error) {
	list, err := q.Trends(ctx, kind, true, maxTrends, 0)
	found := map[int64]Trend{}
	for _, t := range list {
		found[t.Item] = t
	}
	return found, err
}

// SetTrends writes what trends now; those with a score of 0 go. At most maxTrends.
func (tx *Tx) SetTrends(ctx context.Context, list []Trend) error {
	for _, t := range list {
		var err error
		if t.Score <= 0 {
			_, err = tx.exec(ctx, "DELETE FROM trends WHERE kind = $1 AND item = $2", t.Kind, t.Item)
		} else {
			_, err = tx.exec(ctx, `INSERT INTO trends (kind, item, score, peak, peaked, shown) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (kind, item) DO UPDATE SET score = excluded.score, peak = excluded.peak, peaked = excluded.peaked, shown = excluded.shown`,
				t.Kind, t.Item, t.Score, t.Peak, t.Peaked, t.Shown)
		}
		if err != nil {
			return fmt.Errorf("trends: %w", err)
		}
	}
	return nil
}

// DropUses drops the counters of days before one, and tells whether there may be more.
func (tx *Tx) DropUses(ctx context.Context, before int64) (more bool, err error) {
	const chunk = 500
	n, err := tx.exec(ctx, `DELETE FROM trend_users WHERE (day, kind, item, actor) IN
		(SELECT day, kind, item, actor FROM trend_users WHERE day < $1 LIMIT 500)`, before)
	if err != nil {
		return false, fmt.Errorf("old uses: %w", err)
	}
	var m int64
	for _, kind := range []int16{TrendTag, TrendLink} {
		k, err := tx.exec(ctx, `DELETE FROM trend_days WHERE kind = $1 AND (item, day) IN
			(SELECT item, day FROM trend_days WHERE kind = $1 AND day < $2 LIMIT 250)`, kind, before)
		if err != nil {
			return false, fmt.Errorf("old uses: %w", err)
		}
		m = max(m, k)
	}
	return n == chunk || m == 250, nil
}

// Review notes what a moderator says of things of a kind, by their names.
func (tx *Tx) Review(ctx context.Context, kind int16, name string, allowed bool) error {
	_, err := tx.exec(ctx, `INSERT INTO trend_reviews (kind, name, allowed, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, name) DO UPDATE SET allowed = excluded.allowed, at = excluded.at`, kind, name, allowed, tx.now().UnixMilli())
	return wrapped(err, "review of %s", name)
}

// Reviews returns what moderators said of these names.
func (q *Q) Reviews(ctx context.Context, kind int16, names []string) (map[string]bool, error) {
	type row struct {
		name    string
		allowed bool
	}
	found := map[string]bool{}
	for chunk := range chunks(names) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT name, allowed FROM trend_reviews WHERE kind = $1 AND name IN ("+list+")", append([]any{kind}, args...)...)
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.name, &r.allowed} })
		if err != nil {
			return nil, fmt.Errorf("reviews: %w", err)
		}
		for _, r := range all {
			found[r.name] = r.allowed
		}
	}
	return found, nil
}

// ReviewedNames returns what moderators said of a kind, by name.
func (q *Q) ReviewedNames(ctx context.Context, kind int16, limit int) (map[string]bool, error) {
	type row struct {
		name    string
		allowed bool
	}
	rows, err := q.query(ctx, "SELECT name, allowed FROM trend_reviews WHERE kind = $1 ORDER BY name LIMIT CAST($2 AS BIGINT)", kind, limit)
	all, err := collect(rows, err, func(r *row) []any { return []any{&r.name, &r.allowed} })
	found := map[string]bool{}
	for _, r := range all {
		found[r.name] = r.allowed
	}
	return found, wrapped(err, "reviews")
}

// TagsWith returns tags by id.
func (q *Q) TagsWith(ctx context.Context, ids []int64) (map[int64]Tag, error) {
	found := map[int64]Tag{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT id, name, display FROM tags WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, func(t *Tag) []any { return []any{&t.ID, &t.Name, &t.Display} })
		if err != nil {
			return nil, fmt.Errorf("tags: %w", err)
		}
		for _, t := range all {
			found[t.ID] = t
		}
	}
	return found, nil
}

// Cards returns the cards of links; those without one are left out.
func (q *Q) Cards(ctx context.Context, links []int64) (map[int64]*Card, error) {
	type row struct {
		id  int64
		doc []byte
	}
	found := map[int64]*Card{}
	for chunk := range chunks(links) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT id, doc FROM cards WHERE doc <> '' AND id IN ("+list+")", args...)
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.id, &r.doc} })
		if err != nil {
			return nil, fmt.Errorf("cards: %w", err)
		}
		for _, r := range all {
			var c Card
			if err := json.Unmarshal(r.doc, &c); err != nil {
				return nil, fmt.Errorf("card %d: %w", r.id, err)
			}
			found[r.id] = &c
		}
	}
	return found, nil
}

// TrendingPost is what decides whether and how high a post ranks.
type TrendingPost struct {
	ID, Actor, Reactions int64
	Fit                  bool // Public, no answer, not sensitive, by somebody who may be recommended.
}

// TrendingPosts returns what is to be known of posts that may trend; those that are
// gone are left out.
func (q *Q) TrendingPosts(ctx context.Context, ids []int64) (map[int64]TrendingPost, error) {
	type row struct {
		TrendingPost
		doc []byte
	}
	found := map[int64]TrendingPost{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, `SELECT s.id, s.actor, COALESCE(n.favourites + n.boosts, 0),
				(s.visibility = 0 AND NOT s.local_only AND NOT s.is_reply AND a.silenced = 0 AND a.suspended = 0 AND a.deleted = 0 AND COALESCE(p.discoverable, FALSE)), c.doc
			FROM statuses s JOIN actors a ON a.id = s.actor JOIN contents c ON c.status = s.id
			LEFT JOIN counts n ON n.status = s.id LEFT JOIN profiles p ON p.actor = s.actor WHERE s.id IN (`+list+")", args...)
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.ID, &r.Actor, &r.Reactions, &r.Fit, &r.doc} })
		if err != nil {
			return nil, fmt.Errorf("trending posts: %w", err)
		}
		for _, r := range all {
			var c Content
			if err := json.Unmarshal(r.doc, &c); err != nil {
				return nil, fmt.Errorf("content of %d: %w", r.ID, err)
			}
			r.Fit = r.Fit && !c.Sensitive && c.Spoiler == ""
			found[r.ID] = r.TrendingPost
		}
	}
	return found, nil
}

// Publisher is the host of a link, under which its publisher is reviewed.
func Publisher(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}

// PublisherID numbers a publisher.
func PublisherID(host string) int64 { return LinkID("publisher " + host) }

// Verdict is what reviews say of an item: of itself first, then of whose it is;
// required is when nobody has said anything.
func Verdict(own, of map[string]bool, name, owner string) (allowed, decided bool) {
	if v, ok := own[name]; ok {
		return v, true
	}
	v, ok := of[owner]
	return v, ok
}

// IDName is the name under which things with a number are reviewed.
func IDName(id int64) string { return strconv.FormatInt(id, 10) }

// ShowTrend shows something that trends to everybody, or no longer.
func (tx *Tx) ShowTrend(ctx context.Context, kind int16, item int64, shown bool) error {
	_, err := tx.exec(ctx, "UPDATE trends SET shown = $3 WHERE kind = $1 AND item = $2", kind, item, shown)
	return wrapped(err, "trend %d", item)
}
