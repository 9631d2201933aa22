package mastodon

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// renderings keeps posts and accounts as drawn, bounded by bytes. What changes them
// comes as events, on every node; a lifetime bounds what an event that was lost
// leaves behind.
type renderings struct {
	limit int64
	mu    sync.RWMutex
	posts map[int64]*cached[*post]
	size  int64
	// people are few and small: they are bounded by number.
	people map[int64]*cached[*face]
	// viewers holds what readers don't want to see.
	viewers map[int64]*cached[*relations]
	// suggested holds whom people may want to follow.
	suggested map[int64]*cached[[]suggestion]
	epochs    [256]atomic.Uint32 // By id: raised by each change, so that a slow reader stores nothing old.
}

// face is an account as drawn.
type face struct {
	json   []byte // The whole Account.
	domain string // Of the handle; "" for our own.

	suspended, silenced, sensitized bool // What moderators decided.
}

// cached is a kept value; used since the last sweep means that it stays.
type cached[T any] struct {
	value   T
	expires int64 // ms
	used    atomic.Bool
}

// Lifetimes, in ms, and bounds by number.
const (
	postLife   = 5 * 60_000
	personLife = 5_000 // Counts of accounts are shown with that lag in timelines.
	viewerLife = 60_000
	maxPeople  = 4_000
	maxViewers = 2_000
)

func newRenderings(limit int64) *renderings {
	if limit <= 0 {
		limit = 12 << 20
	}
	return &renderings{limit: limit, posts: map[int64]*cached[*post]{}, people: map[int64]*cached[*face]{}, viewers: map[int64]*cached[*relations]{}, suggested: map[int64]*cached[[]suggestion]{}}
}

func (c *renderings) epoch(id int64) *atomic.Uint32 { return &c.epochs[uint8(id)^uint8(id>>16)] }

// changed forgets what an event makes wrong.
func (c *renderings) changed(e *stream.Event) {
	switch e.Kind {
	case "resync", "rules_changed":
		c.forgetAll()
	case "account_changed":
		c.forgetPerson(e.Author)
	case "relations_changed", "filters_changed":
		for _, id := range e.Home {
			c.forgetViewer(id)
		}
	default:
		if e.Status != 0 {
			c.forgetPost(e.Status)
		}
	}
}

func (c *renderings) forgetAll() {
	for i := range c.epochs {
		c.epochs[i].Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.posts)
	clear(c.people)
	clear(c.viewers)
	clear(c.suggested)
	c.size = 0
}

func (c *renderings) forgetPost(id int64) {
	c.epoch(id).Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropPost(id)
}

func (c *renderings) dropPost(id int64) {
	if had := c.posts[id]; had != nil {
		c.size -= had.value.size()
		delete(c.posts, id)
	}
}

func (c *renderings) forgetPerson(id int64) {
	c.epoch(id).Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.people, id)
}

func (c *renderings) forgetViewer(id int64) {
	c.epoch(id).Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, id)
}

// findPosts looks ids up and returns which are missing, each with its epoch.
func (c *renderings) findPosts(ids []int64, now int64, found map[int64]*post) (missing []int64, epochs []uint32) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, id := range ids {
		if found[id] != nil {
			continue
		}
		if hit := c.posts[id]; hit != nil && hit.expires > now {
			if !hit.used.Load() {
				hit.used.Store(true)
			}
			found[id] = hit.value
			continue
		}
		missing = append(missing, id)
		epochs = append(epochs, c.epoch(id).Load())
	}
	return missing, epochs
}

// keepPost stores a post unless it changed since epoch.
func (c *renderings) keepPost(p *post, epoch uint32, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch(p.row.ID).Load() != epoch {
		return
	}
	c.dropPost(p.row.ID)
	c.size += p.size()
	c.posts[p.row.ID] = &cached[*post]{value: p, expires: now + postLife}
	if c.size > c.limit {
		c.sweep(now)
	}
}

// sweep makes room down to three quarters: first what nobody asked for since the
// last time, then anything.
func (c *renderings) sweep(now int64) {
	for pass := range 2 {
		for id, one := range c.posts {
			if c.size <= c.limit*3/4 {
				return
			}
			if pass == 0 && one.expires > now && one.used.Swap(false) {
				continue
			}
			c.dropPost(id)
		}
	}
}

// get and keep are the same for people and viewers, which are bounded by number.
func get[T any](c *renderings, m map[int64]*cached[T], id, now int64) (value T, epoch uint32, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if hit := m[id]; hit != nil && hit.expires > now {
		return hit.value, 0, true
	}
	return value, c.epoch(id).Load(), false
}

func keep[T any](c *renderings, m map[int64]*cached[T], id int64, v T, epoch uint32, expires int64, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch(id).Load() != epoch {
		return
	}
	for other := range m {
		if len(m) < most {
			break
		}
		delete(m, other)
	}
	m[id] = &cached[T]{value: v, expires: expires}
}

// posts returns these statuses as drawn, and what they boost; unknown ones are left
// out.
func (api *API) posts(ctx context.Context, ids []int64) (map[int64]*post, error) {
	found := make(map[int64]*post, 2*len(ids))
	if err := api.loadPosts(ctx, ids, found); err != nil {
		return nil, err
	}
	var boosted []int64
	for _, id := range ids {
		if p := found[id]; p != nil && p.row.BoostOf != 0 && found[p.row.BoostOf] == nil {
			boosted = append(boosted, p.row.BoostOf)
		}
	}
	if len(boosted) > 0 {
		if err := api.loadPosts(ctx, boosted, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// loadPosts adds posts to found, from the cache or the database.
func (api *API) loadPosts(ctx context.Context, ids []int64, found map[int64]*post) error {
	now := api.Now().UnixMilli()
	missing, epochs := api.cache.findPosts(ids, now, found)
	if len(missing) == 0 {
		return nil
	}
	rows, err := api.DB.Statuses(ctx, missing)
	if err != nil {
		return err
	}
	contents, err := api.DB.Contents(ctx, missing)
	if err != nil {
		return err
	}
	if err := api.withoutMedia(ctx, rows, contents); err != nil {
		return err
	}
	authors, err := api.people(ctx, cardAuthors(contents))
	if err != nil {
		return err
	}
	quotes, err := api.quotesOf(ctx, contents)
	if err != nil {
		return err
	}
	for i, id := range missing {
		row := rows[id]
		if row == nil || found[id] != nil {
			continue
		}
		content := contents[id]
		if content == nil && row.BoostOf == 0 {
			continue // Deleted between the two queries.
		}
		p := api.draw.drawPost(*row, content, quotes[id], row.Local, authors)
		found[id] = p
		api.cache.keepPost(p, epochs[i], now)
	}
	return nil
}

// people returns these accounts as drawn, complete objects; unknown ones are left out.
func (api *API) people(ctx context.Context, ids []int64) (map[int64]*face, error) {
	now := api.Now().UnixMilli()
	found := make(map[int64]*face, len(ids))
	var missing []int64
	epochs := map[int64]uint32{}
	for _, id := range ids {
		if found[id] != nil {
			continue
		}
		drawn, epoch, ok := get(api.cache, api.cache.people, id, now)
		if ok {
			found[id] = drawn
		} else if _, again := epochs[id]; !again {
			missing = append(missing, id)
			epochs[id] = epoch
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	loaded, err := api.loadPeople(ctx, missing)
	if err != nil {
		return nil, err
	}
	for id, p := range loaded {
		drawn := &face{json: api.draw.drawAccount(nil, p).close(), domain: p.actor.Domain,
			suspended: p.actor.Suspended != 0, silenced: p.actor.Silenced != 0, sensitized: p.actor.Sensitized != 0}
		found[id] = drawn
		keep(api.cache, api.cache.people, id, drawn, epochs[id], now+personLife, maxPeople)
	}
	return found, nil
}

// loadPeople reads what accounts are drawn from, past the cache.
func (api *API) loadPeople(ctx context.Context, ids []int64) (map[int64]*person, error) {
	actors, err := api.DB.Actors(ctx, ids)
	if err != nil {
		return nil, err
	}
	profiles, err := api.DB.Profiles(ctx, ids)
	if err != nil {
		return nil, err
	}
	counts, err := api.DB.ActorCounts(ctx, ids)
	if err != nil {
		return nil, err
	}
	var local []int64
	var far []int64
	people := make(map[int64]*person, len(actors))
	for id, a := range actors {
		api.ruled(a)
		people[id] = &person{actor: a, profile: profiles[id], counts: counts[id]}
		if a.Local {
			local = append(local, id)
		} else {
			far = append(far, id)
		}
	}
	said, err := api.DB.Elsewhere(ctx, far)
	if err != nil {
		return nil, err
	}
	for id, e := range said {
		people[id].counts.Add(e)
	}
	accounts, err := api.DB.AccountsOf(ctx, local)
	if err != nil {
		return nil, err
	}
	for id, account := range accounts {
		people[id].account = account
		if people[id].role, err = api.role(ctx, account.Role); err != nil {
			return nil, err
		}
	}
	return people, api.addMoved(ctx, people)
}

// addMoved adds where those went who moved.
func (api *API) addMoved(ctx context.Context, people map[int64]*person) error {
	for id, p := range people {
		if p.profile == nil || p.profile.MovedTo == "" {
			continue
		}
		to, err := api.DB.ActorByURI(ctx, p.profile.MovedTo)
		if errors.Is(err, store.ErrNotFound) || err == nil && (to.ID == id || to.Hidden()) {
			continue
		} else if err != nil {
			return err
		}
		next := &person{actor: to}
		profiles, err := api.DB.Profiles(ctx, []int64{to.ID})
		if err != nil {
			return err
		}
		counts, err := api.DB.ActorCounts(ctx, []int64{to.ID})
		if err != nil {
			return err
		}
		next.profile, next.counts = profiles[to.ID], counts[to.ID]
		p.moved = next
	}
	return nil
}

// show puts together what an answer with these statuses needs: in at most four
// queries where posts and accounts are cached. viewer may be nil. Unknown ids are
// left out, the order stays.
func (api *API) show(ctx context.Context, viewer *store.Actor, ids []int64) ([]*shown, error) {
	posts, err := api.posts(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []*shown
	var all []*shown // Boosted posts too.
	var authors []int64
	for _, id := range ids {
		p := posts[id]
		if p == nil {
			continue
		}
		s := &shown{post: p}
		if p.row.BoostOf != 0 {
			of := posts[p.row.BoostOf]
			if of == nil {
				continue
			}
			s.boosted = &shown{post: of}
			all = append(all, s.boosted)
			authors = append(authors, of.row.Actor)
		}
		list, all, authors = append(list, s), append(all, s), append(authors, p.row.Actor)
	}
	if len(list) == 0 {
		return nil, nil
	}
	if all, err = api.addQuoted(ctx, viewer, all); err != nil {
		return nil, err
	}
	for _, s := range all {
		authors = append(authors, s.row.Actor)
	}
	people, err := api.people(ctx, authors)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(s *shown) bool { // Nothing of who is suspended.
		return suspended(people, s.row.Actor) || s.boosted != nil && suspended(people, s.boosted.row.Actor)
	})
	all = slices.DeleteFunc(all, func(s *shown) bool { return suspended(people, s.row.Actor) })
	for _, s := range all {
		if q := s.quoted; q != nil && q.status != nil && suspended(people, q.status.row.Actor) {
			s.quoted = &quotedBy{state: "unauthorized"}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	for _, s := range all {
		s.account = []byte("null")
		if author := people[s.row.Actor]; author != nil {
			s.account, s.domain, s.silenced, s.sensitized = author.json, author.domain, author.silenced, author.sensitized
		}
		if viewer != nil {
			s.viewer = viewer.ID
		}
	}
	if err := api.judgeQuotes(ctx, viewer, all); err != nil {
		return nil, err
	}
	if err := api.addFacets(ctx, viewer, all); err != nil {
		return nil, err
	}
	return list, api.addPolls(ctx, viewer, all)
}

// suspended tells whether an account is.
func suspended(people map[int64]*face, id int64) bool {
	one := people[id]
	return one != nil && one.suspended
}

// addFacets reads counts and the viewer's marks of all posts in one query.
func (api *API) addFacets(ctx context.Context, viewer *store.Actor, all []*shown) error {
	var ids, conversations []int64
	for _, s := range all {
		if s.boosted == nil {
			ids = append(ids, s.row.ID)
			conversations = append(conversations, s.row.Conversation)
		}
	}
	var who int64
	if viewer != nil {
		who = viewer.ID
	}
	marks, err := api.DB.Marks(ctx, who, ids, conversations)
	if err != nil {
		return err
	}
	for _, s := range all {
		m := marks.Of[s.row.ID]
		s.facets = facets{counts: m.Counts, favourited: m.Favourited, boosted: m.Boosted, bookmarked: m.Bookmarked, pinned: m.Pinned,
			muted: marks.Muted[s.row.Conversation]}
	}
	return api.addReactions(ctx, viewer, all, marks)
}

func (api *API) addPolls(ctx context.Context, viewer *store.Actor, all []*shown) error {
	var ids []int64
	for _, s := range all {
		if s.post.poll {
			ids = append(ids, s.row.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	polls, err := api.DB.Polls(ctx, ids)
	if err != nil {
		return err
	}
	var own map[int64][]int
	var who int64
	if viewer != nil {
		who = viewer.ID
		if own, err = api.DB.Votes(ctx, who, ids); err != nil {
			return err
		}
	}
	now := api.Now().UnixMilli()
	for _, s := range all {
		if p := polls[s.row.ID]; p != nil {
			s.poll = appendPoll(nil, p, own[s.row.ID], viewer != nil, s.row.Actor == who, now)
		}
	}
	return nil
}

// appendStatuses draws a JSON list.
func appendStatuses(b []byte, list []*shown) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.append(b)
	}
	return append(b, ']')
}

// appendAll joins drawn objects to a JSON list.
func appendAll(b []byte, all [][]byte) []byte {
	b = append(b, '[')
	for i, one := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, one...)
	}
	return append(b, ']')
}

func pathEscape(s string) string { return url.PathEscape(s) }
