package mastodon

import (
	"context"
	"slices"
	"strings"

	"kenoma/internal/search"
	"kenoma/internal/store"
)

// Bounds of the work for one search. What they leave out is older than what is shown.
const (
	maxFound   = 400 // Results behind which nobody can page by offset.
	maxReading = 200 // Posts whose text is read for phrases and excluded words.
	maxTouched = 25  // Of each kind of thing that the searcher did last.
)

// searchRounds is how many posts with the words are looked at, until there are enough
// that the searcher may find.
var searchRounds = []int{100, 200, 400, 1300}

// statusSearch is a search on its way.
type statusSearch struct {
	api    *API
	viewer *store.Actor
	rel    *relations
	query  *search.Query
	words  store.WordQuery

	need  int
	near  int // Own ones and those that mention the searcher that were found.
	read  int
	seen  map[int64]bool
	found []int64
}

// searchStatuses finds posts in full text: those that the person had to do with, and
// public ones of people who agreed to it.
//
// spec: masto:methods/search#v2 (type=statuses)
func (api *API) searchStatuses(r *Request, text string, limit, offset int) ([]byte, error) {
	ctx := r.Context()
	s := &statusSearch{api: api, viewer: r.User, query: search.Parse(text), need: min(limit+offset, maxFound), seen: map[int64]bool{}}
	if s.query.Empty() {
		return appendStatuses(nil, nil), nil
	}
	var err error
	if s.rel, err = api.relations(ctx, r.User); err != nil {
		return nil, err
	}
	if ok, err := s.prepare(r); err != nil || !ok {
		return appendStatuses(nil, nil), err
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	list, err := api.show(ctx, r.User, s.page(limit, offset))
	if err != nil {
		return nil, err
	}
	if list, err = api.unsilenced(ctx, r.User, "public", list); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(one *shown) bool { return s.rel != nil && s.rel.fromBlockedDomain(one) })
	if list, err = api.filter(ctx, r.User, list, "public"); err != nil {
		return nil, err
	}
	return appendStatuses(nil, list), nil
}

// prepare turns the query into words of the index. It is not ok when nothing can be
// found.
func (s *statusSearch) prepare(r *Request) (ok bool, err error) {
	page, err := r.page(somePosts)
	if err != nil {
		return false, err
	}
	q := s.query
	s.words = store.WordQuery{Words: q.Words(), Not: q.Not(), Page: page}
	if !q.Before.IsZero() {
		if before := q.Before.UnixMilli() << 16; page.Max == 0 || before < page.Max {
			s.words.Max = before
		}
	}
	if !q.After.IsZero() {
		s.words.Since = max(page.Since, q.After.UnixMilli()<<16-1)
	}
	for _, handle := range q.From {
		id, ok := s.account(r.Context(), handle)
		if !ok {
			return false, nil
		}
		s.words.Words = append(s.words.Words, search.FromWord(id))
	}
	if text := r.String("account_id"); text != "" {
		id, err := parseID(text)
		if err != nil {
			return false, nil
		}
		s.words.Words = append(s.words.Words, search.FromWord(id))
	}
	for _, handle := range q.NotFrom {
		if id, ok := s.account(r.Context(), handle); ok {
			s.words.Not = append(s.words.Not, search.FromWord(id))
		}
	}
	return true, nil
}

// account finds whom from: names.
func (s *statusSearch) account(ctx context.Context, handle string) (int64, bool) {
	if handle == "me" {
		return s.viewer.ID, true
	}
	a, err := s.api.byHandle(ctx, handle)
	if err != nil {
		return 0, false
	}
	return a.ID, true
}

// run looks for posts with the words, the newest first, until there are enough. Where
// too many have the words and too few of these may be found, or where only what is
// near is wanted, it looks among that.
func (s *statusSearch) run(ctx context.Context) error {
	words := s.words
	if len(words.Words) == 0 {
		words.Words = []string{search.PublicWord}
	}
	rounds := searchRounds
	if s.query.In == search.Library { // Little of what has a frequent word is near.
		if err := s.nearby(ctx); err != nil {
			return err
		}
		rounds = rounds[:2]
	} else if s.query.NeedsText() { // No more than can be read.
		rounds = rounds[:min(len(rounds), 3)]
	}
	for _, size := range rounds {
		words.Limit = size
		ids, err := s.api.DB.WithWords(ctx, words)
		if err != nil {
			return err
		}
		if err := s.take(ctx, ids); err != nil {
			return err
		}
		all := len(ids) < size || len(s.found) >= s.need
		if all && len(s.words.Words) > 0 || s.query.In == search.Library && s.near >= s.need {
			return nil
		}
		if all || s.read >= maxReading {
			break
		}
		if words.Min > 0 {
			words.Min = slices.Max(ids)
		} else {
			words.Max = slices.Min(ids)
		}
	}
	if s.query.In != search.All {
		return nil
	}
	return s.nearby(ctx)
}

// nearby looks among the searcher's own posts, those that mention the searcher, and
// those that were favoured, bookmarked or boosted last.
func (s *statusSearch) nearby(ctx context.Context) error {
	for _, own := range []string{search.FromWord(s.viewer.ID), search.ToWord(s.viewer.ID)} {
		w := s.words
		w.Words, w.Limit = append(slices.Clone(w.Words), own), s.need
		ids, err := s.api.DB.WithWords(ctx, w)
		if err != nil {
			return err
		}
		if err := s.take(ctx, ids); err != nil {
			return err
		}
	}
	s.near = len(s.found)
	ids, err := s.api.DB.Touched(ctx, s.viewer.ID, maxTouched)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool {
		p := s.words.Page
		return s.seen[id] || p.Max > 0 && id >= p.Max || id <= p.Since || id <= p.Min
	})
	if ids, err = s.having(ctx, ids); err != nil {
		return err
	}
	return s.take(ctx, ids)
}

// having keeps those of a few posts that have the query's words.
func (s *statusSearch) having(ctx context.Context, ids []int64) ([]int64, error) {
	rows, err := s.api.DB.Statuses(ctx, ids)
	if err != nil {
		return nil, err
	}
	texts, err := s.texts(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id int64) bool {
		t := texts[id]
		return t.Content == nil || rows[id] == nil || !search.Has(&search.Post{Status: rows[id], Content: t.Content, Options: t.options}, s.words.Words, s.words.Not)
	}), nil
}

// take keeps those of some posts that the searcher may and wants to find.
func (s *statusSearch) take(ctx context.Context, ids []int64) error {
	ids = slices.DeleteFunc(ids, func(id int64) bool { return s.seen[id] })
	for _, id := range ids {
		s.seen[id] = true
	}
	if len(ids) == 0 {
		return nil
	}
	all, err := s.api.DB.Findable(ctx, s.viewer.ID, ids)
	if err != nil {
		return err
	}
	if s.words.Min > 0 {
		slices.Reverse(all)
	}
	now := s.api.Now().UnixMilli()
	var kept []int64
	for _, f := range all {
		wanted := s.query.In == search.All || s.query.In == search.Library && f.Library || s.query.In == search.Public && f.Public
		if wanted && (f.Actor == s.viewer.ID || !s.rel.avoids(f.Actor, now)) {
			kept = append(kept, f.ID)
		}
	}
	if s.query.NeedsText() {
		if kept, err = s.saying(ctx, kept); err != nil {
			return err
		}
	}
	s.found = append(s.found, kept...)
	return nil
}

// saying keeps the posts whose text has the query's phrases, and none of the excluded
// words.
func (s *statusSearch) saying(ctx context.Context, ids []int64) ([]int64, error) {
	var kept []int64
	for len(ids) > 0 && len(s.found)+len(kept) < s.need && s.read < maxReading {
		some := ids[:min(len(ids), s.need, maxReading-s.read)]
		ids = ids[len(some):]
		s.read += len(some)
		texts, err := s.texts(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			if t := texts[id]; t.Content != nil && s.query.Matches(search.Says(t.Content, t.options)) {
				kept = append(kept, id)
			}
		}
	}
	return kept, nil
}

// said is what a post says, with the options of its poll.
type said struct {
	*store.Content
	options []string
}

func (s *statusSearch) texts(ctx context.Context, ids []int64) (map[int64]said, error) {
	contents, err := s.api.DB.Contents(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]said, len(contents))
	var asking []int64
	for id, c := range contents {
		all[id] = said{c, nil}
		if c.Type == "Question" {
			asking = append(asking, id)
		}
	}
	polls, err := s.api.DB.Polls(ctx, asking)
	if err != nil {
		return nil, err
	}
	for id, p := range polls {
		one := all[id]
		for _, o := range p.Options {
			one.options = append(one.options, o.Title)
		}
		all[id] = one
	}
	return all, nil
}

// page cuts the page out of what was found, the newest first.
func (s *statusSearch) page(limit, offset int) []int64 {
	slices.Sort(s.found)
	if s.words.Min == 0 {
		slices.Reverse(s.found)
	}
	page := s.found[min(offset, len(s.found)):]
	page = page[:min(limit, len(page))]
	if s.words.Min > 0 {
		slices.Reverse(page)
	}
	return page
}

// isHandle tells whether a text names one account and nothing else.
func isHandle(q string) bool { return strings.HasPrefix(q, "@") && !strings.ContainsAny(q, " \t") }
