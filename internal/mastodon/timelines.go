package mastodon

import (
	"context"
	"errors"
	"strings"

	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// The home timeline is read from rows that were written when posts arrived; what
// the reader avoids is left out now.
//
// spec: masto:methods/timelines#home
var _ = route("GET /api/v1/timelines/home", "read:statuses",
	func(api *API, r *Request) (any, error) {
		return api.timeline(r, "home", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			rows, err := api.DB.Home(ctx, r.User.ID, p)
			if err != nil || len(rows) == p.Limit || p.Max == 0 || p.Min != 0 || p.Since != 0 {
				return rows, err
			}
			return api.olderHome(ctx, r.User.ID, rows, p)
		})
	})

// olderHome completes a page that reaches the end of the rows kept for a home.
func (api *API) olderHome(ctx context.Context, reader int64, rows []store.TimelineRow, p store.Page) ([]store.TimelineRow, error) {
	full, err := api.DB.HomeIsFull(ctx, reader)
	if err != nil || !full {
		return rows, err
	}
	if len(rows) > 0 {
		p.Max = rows[len(rows)-1].Status
	}
	p.Limit -= len(rows)
	older, err := api.DB.OlderHome(ctx, reader, p)
	return append(rows, older...), err
}

// spec: masto:methods/timelines#public
var _ = route("GET /api/v1/timelines/public", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		want := publicQuery(r)
		return api.timeline(r, "public", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			return api.DB.PublicTimeline(ctx, want, p)
		})
	})

func publicQuery(r *Request) store.PublicQuery {
	return store.PublicQuery{Local: r.Bool("local", false), Remote: r.Bool("remote", false), Media: r.Bool("only_media", false), LocalOnly: r.User != nil}
}

// maxTags is how many more tags a tag's timeline may be combined with.
const maxTags = 16

// spec: masto:methods/timelines#tag
var _ = route("GET /api/v1/timelines/tag/{hashtag}", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		want := store.TagQuery{Tag: markup.FoldTag(r.PathValue("hashtag")), Any: foldTags(r.Strings("any")), All: foldTags(r.Strings("all")),
			None: foldTags(r.Strings("none")), PublicQuery: publicQuery(r)}
		return api.timeline(r, "public", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			return api.DB.TagTimeline(ctx, want, p)
		})
	})

func foldTags(tags []string) []string {
	folded := []string{}
	for _, t := range tags[:min(len(tags), maxTags)] {
		folded = append(folded, markup.FoldTag(t))
	}
	return folded
}

// spec: masto:methods/timelines#list
var _ = route("GET /api/v1/timelines/list/{list_id}", "read:lists",
	func(api *API, r *Request) (any, error) {
		id, err := parseID(r.PathValue("list_id"))
		if err != nil {
			return nil, err
		}
		if owner, err := api.DB.ListOwner(r.Context(), id); err != nil {
			return nil, err
		} else if owner != r.User.ID {
			return nil, errNotFound()
		}
		return api.timeline(r, "home", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			return api.DB.Home(ctx, id, p)
		})
	})

// spec: masto:methods/timelines#direct (removed in 3.0.0, still asked for by some)
var _ = route("GET /api/v1/timelines/direct", "read:statuses",
	func(api *API, r *Request) (any, error) {
		return api.timeline(r, "home", func(ctx context.Context, p store.Page) ([]store.TimelineRow, error) {
			return api.DB.DirectTimeline(ctx, r.User.ID, p)
		})
	})

// maxScans is how often a page is read on to replace what its reader avoids.
const maxScans = 5

// timeline draws a page of statuses. read gives a page of rows that the reader may
// see; those that the reader avoids are left out and made up for.
func (api *API) timeline(r *Request, where string, read func(context.Context, store.Page) ([]store.TimelineRow, error)) (any, error) {
	page, err := r.page(somePosts)
	if err != nil {
		return nil, err
	}
	list, span, err := api.readTimeline(r.Context(), r.User, where, page, read)
	if err != nil {
		return nil, err
	}
	r.links(prevByMin, span.newest, span.oldest, span.more)
	return r.drawn(appendStatuses(r.buffer(), list))
}

// span is what of a list was looked at, by id; 0 when it is empty.
type span struct {
	newest, oldest int64
	more           bool // There may be something older.
}

// readTimeline reads pages until there are enough statuses that the viewer may and
// wants to see.
func (api *API) readTimeline(ctx context.Context, viewer *store.Actor, where string, page store.Page,
	read func(context.Context, store.Page) ([]store.TimelineRow, error)) ([]*shown, span, error) {
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, span{}, err
	}
	var kept []*shown
	var seen span
	for range maxScans {
		rows, err := read(ctx, page)
		if err != nil {
			return nil, seen, err
		}
		ids := make([]int64, len(rows))
		for i, row := range rows {
			ids[i] = row.Status
			if seen.newest == 0 || row.Status > seen.newest {
				seen.newest = row.Status
			}
			if seen.oldest == 0 || row.Status < seen.oldest {
				seen.oldest = row.Status
			}
		}
		seen.more = len(rows) == page.Limit || page.Min != 0
		list, err := api.show(ctx, viewer, ids)
		if err != nil {
			return nil, seen, err
		}
		if list, err = api.unsilenced(ctx, viewer, where, list); err != nil {
			return nil, seen, err
		}
		list = rel.wanted(list, where, viewer, api.Now().UnixMilli())
		if page.Min != 0 { // Read upwards: what comes later is newer.
			kept = append(list, kept...)
		} else {
			kept = append(kept, list...)
		}
		page.Limit -= len(list)
		if len(rows) == 0 || len(list) == len(rows) || page.Limit <= 0 {
			break
		}
		if page.Min != 0 {
			page.Min = seen.newest
		} else {
			page.Max = seen.oldest
		}
	}
	return kept, seen, nil
}

// wanted leaves out what the reader avoids and hides, and adds what filters say.
func (r *relations) wanted(list []*shown, where string, viewer *store.Actor, now int64) []*shown {
	if r == nil {
		return list
	}
	kept := list[:0:0]
	for _, s := range list {
		of := s
		if s.boosted != nil {
			of = s.boosted
		}
		if r.avoids(s.row.Actor, now) || of != s && r.avoids(of.row.Actor, now) {
			continue
		}
		if len(r.Domains) > 0 && (r.fromBlockedDomain(s) || r.fromBlockedDomain(of)) {
			continue
		}
		if where == "home" && of.facets.muted {
			continue
		}
		drawn, hide := r.apply(of.post, where, viewer.ID, now)
		if hide {
			continue
		}
		s.filtered, of.filtered = drawn, drawn
		s.filterQuoted(r, where, viewer.ID, now)
		kept = append(kept, s)
	}
	return kept
}

// fromBlockedDomain tells whether a status's author is on a host that the reader
// blocks.
func (r *relations) fromBlockedDomain(s *shown) bool { return r.Domains[s.domain] }

// accountStatuses draws a page of an account's statuses.
//
// spec: masto:methods/accounts#statuses
func (api *API) accountStatuses(r *Request, actor *store.Actor) (any, error) {
	ctx := r.Context()
	if r.Bool("pinned", false) {
		return api.pinned(r, actor)
	}
	want := store.AccountQuery{Viewer: r.User, ExcludeReplies: r.Bool("exclude_replies", false), ExcludeBoosts: r.Bool("exclude_reblogs", false),
		Media: r.Bool("only_media", false)}
	if tag := r.String("tagged"); tag != "" {
		want.Tag = markup.FoldTag(strings.TrimPrefix(tag, "#"))
	}
	if r.User != nil && r.User.ID != actor.ID {
		blocked, err := api.DB.Blocks(ctx, actor.ID, r.User.ID)
		if err != nil {
			return nil, err
		}
		if blocked {
			return []struct{}{}, nil
		}
		if want.Follows, err = api.follows(ctx, r.User.ID, actor.ID); err != nil {
			return nil, err
		}
	}
	page, err := r.page(somePosts)
	if err != nil {
		return nil, err
	}
	list, err := api.DB.AccountStatuses(ctx, actor.ID, want, page)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(list))
	for i, row := range list {
		ids[i] = row.Status
	}
	if len(ids) > 0 {
		r.links(prevByMin, ids[0], ids[len(ids)-1], len(ids) == page.Limit || page.Min != 0)
	}
	return api.drawStatuses(r, ids, "account")
}

// follows tells whether one account follows another, accepted.
func (api *API) follows(ctx context.Context, actor, target int64) (bool, error) {
	f, err := api.DB.Follow(ctx, actor, target)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && f.Accepted, err
}

// pinned draws an account's pinned posts.
func (api *API) pinned(r *Request, actor *store.Actor) (any, error) {
	ids, err := api.DB.Pins(r.Context(), actor.ID)
	if err != nil {
		return nil, err
	}
	if ids, err = api.readable(r.Context(), r.User, ids); err != nil {
		return nil, err
	}
	return api.drawStatuses(r, ids, "account")
}

// drawStatuses draws these statuses, which the reader may see. In contexts but
// account and thread, what the reader avoids is left out.
func (api *API) drawStatuses(r *Request, ids []int64, where string) (any, error) {
	list, err := api.show(r.Context(), r.User, ids)
	if err != nil {
		return nil, err
	}
	if list, err = api.filter(r.Context(), r.User, list, where); err != nil {
		return nil, err
	}
	return r.drawn(appendStatuses(r.buffer(), list))
}

// filter adds what filters say to statuses that were asked for by name; only boosts
// of people between whom and the viewer there is a block are left out.
func (api *API) filter(ctx context.Context, viewer *store.Actor, list []*shown, where string) ([]*shown, error) {
	rel, err := api.relations(ctx, viewer)
	if err != nil || rel == nil {
		return list, err
	}
	now := api.Now().UnixMilli()
	kept := list[:0:0]
	for _, s := range list {
		of := s
		if s.boosted != nil {
			of = s.boosted
		}
		if of != s && rel.Blocks[of.row.Actor] {
			continue
		}
		kept = append(kept, s)
		drawn, _ := rel.apply(of.post, where, viewer.ID, now)
		s.filterQuoted(rel, where, viewer.ID, now)
		s.filtered, of.filtered = drawn, drawn
	}
	return kept, nil
}
