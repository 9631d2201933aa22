package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Trends is what the admin decides about trends.
type Trends struct {
	On       bool
	Review   bool // Nothing is shown that a moderator has not approved.
	Accounts int  // How many people must use a tag or a link, or like a post, on a day. 0 means 3.
}

const (
	trendsEvery = 15 * time.Minute
	// Only what is new can trend, and counts as a use on the day of its arrival.
	trendAge = 48 * time.Hour
	// peakLife is how long a score may be bettered before a lower one counts as new.
	peakLife = 48 * time.Hour
)

// halfLives are the times after which a score counts half.
var halfLives = map[int16]time.Duration{store.TrendTag: 4 * time.Hour, store.TrendLink: 8 * time.Hour, store.TrendStatus: 3 * time.Hour}

func (t Trends) accounts() int {
	if t.Accounts <= 0 {
		return 3
	}
	return t.Accounts
}

// countUse counts a public post, or the boost of one, for its tags and its link.
func (s *Step) countUse(ctx context.Context, post *store.Status) error {
	if s.replay || !s.p.Trends.On || s.From.Fetched || post.Visibility != 0 || post.LocalOnly || s.Actor.Silenced != 0 ||
		s.p.Now().Sub(vocab.TimeOf(post.ID)) > trendAge {
		return nil
	}
	return s.CountUses(ctx, post.ID, s.Actor.ID, store.DayNumber(s.p.Now()))
}

// countReaction has a public post ranked that people like.
func (s *Step) countReaction(ctx context.Context, post *store.Status) error {
	if s.replay || !s.p.Trends.On || post.Visibility != 0 || post.LocalOnly || post.BoostOf != 0 || s.p.Now().Sub(vocab.TimeOf(post.ID)) > trendAge {
		return nil
	}
	return s.MayTrend(ctx, post.ID, int64(s.p.Trends.accounts()))
}

type trendsPayload struct{}

// ScheduleTrends has the trends ranked from now on.
func (p *Pipeline) ScheduleTrends(ctx context.Context) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "trends", "", "trends", p.Now().Add(time.Minute).UnixMilli(), trendsPayload{})
	})
}

func (p *Pipeline) trendsJob(ctx context.Context, _ trendsPayload) error {
	if err := p.RankTrends(ctx, p.Now()); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		at := p.Now().Add(trendsEvery).UnixMilli()
		return s.enqueueAt(ctx, "trends", "", fmt.Sprintf("trends %d", at/trendsEvery.Milliseconds()), at, trendsPayload{})
	})
}

// RankTrends makes the scores of tags, links and posts from what was counted.
func (p *Pipeline) RankTrends(ctx context.Context, now time.Time) error {
	for _, kind := range []int16{store.TrendTag, store.TrendLink} {
		if err := p.rankUsed(ctx, kind, now); err != nil {
			return fmt.Errorf("ranking: %w", err)
		}
	}
	if err := p.rankPosts(ctx, now); err != nil {
		return fmt.Errorf("ranking: %w", err)
	}
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.DropUses(ctx, store.DayNumber(now)-store.HistoryDays)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rankUsed ranks tags or links: by how many more people use one today than did
// yesterday, set against what is usual.
func (p *Pipeline) rankUsed(ctx context.Context, kind int16, now time.Time) error {
	had, err := p.DB.Ranked(ctx, kind)
	if err != nil {
		return err
	}
	items, err := p.DB.MostUsed(ctx, kind, store.DayNumber(now), p.Trends.accounts())
	if err != nil {
		return err
	}
	for id := range had {
		items = append(items, id)
	}
	used, err := p.DB.History(ctx, kind, items, store.DayNumber(now))
	if err != nil {
		return err
	}
	names, owners, err := p.trendNames(ctx, kind, items)
	if err != nil {
		return err
	}
	shown, err := p.allowed(ctx, kind, names, owners)
	if err != nil {
		return err
	}
	var list []store.Trend
	seen := map[int64]bool{}
	for _, id := range items {
		if seen[id] {
			continue
		}
		seen[id] = true
		t := had[id]
		t.Kind, t.Item, t.Shown = kind, id, shown[id]
		fresh := int64(0)
		if days := used[id]; days != nil {
			fresh = surge(days[0].Accounts, days[1].Accounts, int64(p.Trends.accounts()))
		}
		decay(&t, fresh, now)
		list = append(list, t)
	}
	return p.setTrends(ctx, list)
}

// surge is how remarkable it is that something is used so much, in thousandths: the
// square of what is more than expected, against what was expected.
func surge(observed, expected, enough int64) int64 {
	expected = max(expected, 1)
	if observed < enough || observed <= expected {
		return 0
	}
	return (observed - expected) * (observed - expected) * 1000 / expected
}

// decay gives t the score of its peak, halved with the time since then. fresh is
// what it would be now. Below one there is none.
func decay(t *store.Trend, fresh int64, now time.Time) {
	if fresh > t.Peak || now.Sub(msTime(t.Peaked)) > peakLife {
		t.Peak, t.Peaked = fresh, now.UnixMilli()
	}
	age := now.Sub(msTime(t.Peaked))
	t.Score = int64(float64(t.Peak) * math.Exp2(-float64(age)/float64(halfLives[t.Kind])))
	if t.Score < 1000 && fresh == 0 {
		t.Score = 0
	}
}

// trendNames returns under what names items are reviewed, and those whose they are.
// What has no name, as it is gone or a page without a card, is left out.
func (p *Pipeline) trendNames(ctx context.Context, kind int16, items []int64) (names, owners map[int64]string, err error) {
	names, owners = map[int64]string{}, map[int64]string{}
	if kind == store.TrendTag {
		tags, err := p.DB.TagsWith(ctx, items)
		for id, t := range tags {
			names[id] = t.Name
		}
		return names, owners, err
	}
	cards, err := p.DB.Cards(ctx, items)
	for id, c := range cards {
		names[id], owners[id] = c.URL, store.Publisher(c.URL)
	}
	return names, owners, err
}

// ownerKinds says whose review counts where an item itself has none.
var ownerKinds = map[int16]int16{store.TrendLink: store.TrendPublisher, store.TrendStatus: store.TrendAccount}

// allowed tells which items may be shown to everybody.
func (p *Pipeline) allowed(ctx context.Context, kind int16, names, owners map[int64]string) (map[int64]bool, error) {
	own, err := p.DB.Reviews(ctx, kind, values(names))
	if err != nil {
		return nil, err
	}
	of, err := p.DB.Reviews(ctx, ownerKinds[kind], values(owners))
	if err != nil {
		return nil, err
	}
	shown := map[int64]bool{}
	for id, name := range names {
		yes, decided := store.Verdict(own, of, name, owners[id])
		shown[id] = yes || !decided && !p.Trends.Review
	}
	return shown, nil
}

func values(m map[int64]string) []string {
	all := make([]string, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// rankPosts ranks posts by how many favoured or boosted them, against their age. Of
// one author only the best is shown.
func (p *Pipeline) rankPosts(ctx context.Context, now time.Time) error {
	had, err := p.DB.Ranked(ctx, store.TrendStatus)
	if err != nil {
		return err
	}
	var ids []int64
	for id := range had {
		ids = append(ids, id)
	}
	posts, err := p.DB.TrendingPosts(ctx, ids)
	if err != nil {
		return err
	}
	names, owners := map[int64]string{}, map[int64]string{}
	for id, post := range posts {
		names[id], owners[id] = store.IDName(id), store.IDName(post.Actor)
	}
	shown, err := p.allowed(ctx, store.TrendStatus, names, owners)
	if err != nil {
		return err
	}
	var list []store.Trend
	best := map[int64]int{} // By author, index in list.
	for _, id := range ids {
		post, t := posts[id], had[id]
		age := now.Sub(vocab.TimeOf(id))
		t.Score, t.Peak, t.Peaked = 0, 0, vocab.TimeOf(id).UnixMilli()
		if post.Fit && age < peakLife {
			t.Peak = surge(post.Reactions, 1, int64(p.Trends.accounts()))
			t.Score = int64(float64(t.Peak) * math.Exp2(-float64(age)/float64(halfLives[store.TrendStatus])))
		}
		t.Shown = shown[id] && post.Fit
		if t.Score > 0 {
			if i, ok := best[post.Actor]; ok && list[i].Score >= t.Score {
				t.Shown = false
			} else {
				if ok {
					list[i].Shown = false
				}
				best[post.Actor] = len(list)
			}
		}
		list = append(list, t)
	}
	return p.setTrends(ctx, list)
}

// Reviewed notes what the moderator by says of something that may trend, and shows or
// hides it at once. item is the row of trends concerned, 0 where it is about all
// that somebody has.
func (p *Pipeline) Reviewed(ctx context.Context, by int64, kind int16, name string, item int64, allowed bool) error {
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		action := "reject"
		if allowed {
			action = "approve"
		}
		if err := tx.Review(ctx, kind, name, allowed); err != nil {
			return err
		}
		if err := tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "trend", Target: item, Name: name}); err != nil || item == 0 {
			return err
		}
		return tx.ShowTrend(ctx, kind, item, allowed)
	})
	if err != nil || item != 0 {
		return err
	}
	return p.RankTrends(ctx, p.Now())
}

// setTrends writes ranks in transactions of bounded size.
func (p *Pipeline) setTrends(ctx context.Context, list []store.Trend) error {
	for some := range slices.Chunk(list, 250) {
		if err := p.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetTrends(ctx, some) }); err != nil {
			return err
		}
	}
	return nil
}
