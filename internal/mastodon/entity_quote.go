package mastodon

import (
	"context"
	"slices"

	"kenoma/internal/markup"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// quotePart is what a drawn post keeps of quotes.
type quotePart struct {
	row       *store.Quote // What it quotes; nil: nothing.
	auto, ask []string     // Who may quote it.
	approval  []byte       // "automatic":…,"manual":… of QuoteApproval.
}

// quotePartOf draws what is the same for all viewers.
//
// spec: masto:entities/QuoteApproval
func quotePartOf(c *store.Content, q *store.Quote) quotePart {
	o := &object{}
	for _, list := range []struct {
		name  string
		words []string
	}{{"automatic", c.QuoteAuto}, {"manual", c.QuoteAsk}} {
		o.list(list.name, len(list.words), func(b []byte, i int) []byte { return appendString(b, list.words[i]) })
	}
	return quotePart{row: q, auto: c.QuoteAuto, ask: c.QuoteAsk, approval: o.b}
}

// withoutQuoteLine leaves out the words that name the quoted post where apps show it,
// and of our own posts always: they stand there for other servers.
func withoutQuoteLine(c *store.Content, q *store.Quote, local bool) *store.Content {
	if q == nil || !local && q.State != store.QuoteAccepted {
		return c
	}
	copied := *c
	copied.HTML = markup.WithoutQuote(c.HTML)
	return &copied
}

// quotesOf returns what became of the quotes in those of the posts that have one.
func (api *API) quotesOf(ctx context.Context, contents map[int64]*store.Content) (map[int64]*store.Quote, error) {
	var quoting []int64
	for id, c := range contents {
		if c.Quote != "" {
			quoting = append(quoting, id)
		}
	}
	if len(quoting) == 0 {
		return nil, nil
	}
	rows, err := api.DB.Quotes(ctx, quoting)
	found := make(map[int64]*store.Quote, len(quoting))
	for _, id := range quoting {
		q := rows[id] // From before quotes were known: none, which is pending.
		found[id] = &q
	}
	return found, err
}

// quotedBy is the quote in a shown post, for one viewer.
type quotedBy struct {
	state  string
	status *shown // Drawn whole; nil: it is not shown.
	id     int64  // 0: it is not told.
}

// withStatus lists the states in which the quoted post is given.
//
// spec: masto:entities/Quote#quoted_status
var withStatus = []string{"accepted", "blocked_account", "blocked_domain", "muted_account"}

// addQuoted loads the posts that those of all quote and appends them to it: they are
// completed with the others. Quotes within quotes are only named.
func (api *API) addQuoted(ctx context.Context, viewer *store.Actor, all []*shown) ([]*shown, error) {
	var ids []int64
	for _, s := range all {
		if q := s.quotes.row; q != nil && q.State == store.QuoteAccepted {
			ids = append(ids, q.Quoted)
		}
	}
	posts, may := map[int64]*post{}, map[int64]bool{}
	if len(ids) > 0 {
		var err error
		if posts, err = api.posts(ctx, ids); err != nil {
			return nil, err
		}
		readable, err := api.withinReach(ctx, viewer, ids, posts)
		if err != nil {
			return nil, err
		}
		for _, id := range readable {
			may[id] = true
		}
	}
	for _, s := range slices.Clone(all) {
		q := s.quotes.row
		if q == nil {
			continue
		}
		s.quoted = &quotedBy{state: store.QuoteStates[q.State]}
		if q.State != store.QuoteAccepted {
			continue
		}
		switch of := posts[q.Quoted]; {
		case of == nil:
			s.quoted.state = "deleted"
		case !may[q.Quoted]:
			s.quoted.state = "unauthorized"
		default:
			s.quoted.id = q.Quoted
			s.quoted.status = &shown{post: of, nested: true, quoted: named(of.quotes.row)}
			all = append(all, s.quoted.status)
		}
	}
	return all, nil
}

// named is the quote in a post that is quoted itself: which post is told, but not what
// it says.
func named(q *store.Quote) *quotedBy {
	if q == nil {
		return nil
	}
	by := &quotedBy{state: store.QuoteStates[q.State]}
	if q.State == store.QuoteAccepted {
		by.id = q.Quoted
	}
	return by
}

// withinReach keeps those of the posts that a viewer, nil for nobody, may see by their
// visibility.
func (api *API) withinReach(ctx context.Context, viewer *store.Actor, ids []int64, posts map[int64]*post) ([]int64, error) {
	var unsure []int64
	for _, id := range ids {
		if p := posts[id]; p != nil && p.row.Visibility > 1 {
			unsure = append(unsure, id)
		}
	}
	may := map[int64]bool{}
	if viewer != nil && len(unsure) > 0 {
		var err error
		if may, err = api.DB.Readable(ctx, viewer.ID, unsure); err != nil {
			return nil, err
		}
	}
	var kept []int64
	for _, id := range ids {
		if p := posts[id]; p != nil && (p.row.Visibility <= 1 || may[id]) && (!p.row.LocalOnly || viewer != nil && viewer.Local) {
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// judgeQuotes turns quotes of people whom the viewer avoids, or who avoid the viewer,
// into the states for that, and finds what the viewer may quote.
func (api *API) judgeQuotes(ctx context.Context, viewer *store.Actor, all []*shown) error {
	rel, err := api.relations(ctx, viewer)
	if err != nil || viewer == nil {
		return err
	}
	var blocked, authors []int64
	for _, s := range all {
		if s.quoted != nil && s.quoted.status != nil && rel.Blocks[s.quoted.status.row.Actor] {
			blocked = append(blocked, s.quoted.status.row.Actor)
		}
		if s.quotes.needsFollows() && s.row.Actor != viewer.ID {
			authors = append(authors, s.row.Actor)
		}
	}
	now := api.Now().UnixMilli()
	var between map[int64]*store.Relation
	if len(blocked) > 0 {
		if between, err = api.DB.Relations(ctx, viewer.ID, blocked, now); err != nil {
			return err
		}
	}
	for _, s := range all {
		if s.quoted != nil && s.quoted.status != nil {
			s.quoted.avoid(rel, between, now)
		}
	}
	var follows, followedBy map[int64]bool
	if len(authors) > 0 {
		if follows, followedBy, err = api.DB.FollowedAmong(ctx, viewer.ID, authors); err != nil {
			return err
		}
	}
	for _, s := range all {
		s.mayQuote = s.permission(viewer, rel, follows[s.row.Actor], followedBy[s.row.Actor])
	}
	return nil
}

func (p *quotePart) needsFollows() bool {
	for _, words := range [][]string{p.auto, p.ask} {
		if slices.Contains(words, "followers") || slices.Contains(words, "following") {
			return true
		}
	}
	return false
}

// permission says whether the viewer may quote a post.
func (s *shown) permission(viewer *store.Actor, rel *relations, follows, followedBy bool) pipeline.QuotePermission {
	switch {
	case s.row.Visibility == 3:
		return pipeline.QuoteDenied
	case s.row.Actor == viewer.ID:
		return pipeline.QuoteAutomatic
	case s.row.Visibility == 2, rel.Blocks[s.row.Actor]:
		return pipeline.QuoteDenied
	}
	return pipeline.Permission(s.quotes.auto, s.quotes.ask, follows, followedBy)
}

// avoid sets the state for a quoted author whom the viewer avoids.
//
// spec: masto:entities/Quote#state
func (q *quotedBy) avoid(rel *relations, between map[int64]*store.Relation, now int64) {
	author := q.status.row.Actor
	until, muted := rel.Mutes[author]
	switch {
	case rel.Blocks[author] && (between[author] == nil || between[author].BlockedBy):
		q.state, q.status, q.id = "unauthorized", nil, 0
	case rel.Blocks[author]:
		q.state = "blocked_account"
	case rel.fromBlockedDomain(q.status):
		q.state = "blocked_domain"
	case muted && (until == 0 || until > now):
		q.state = "muted_account"
	}
}

// appendQuote draws what a post quotes and who may quote it. of is the post itself, or
// the one that a boost is of.
//
// spec: masto:entities/Quote, masto:entities/ShallowQuote, masto:entities/QuoteApproval
func (s *shown) appendQuote(b []byte, of *shown) []byte {
	o := &object{b: b}
	o.b = append(o.b, ',')
	o.b = append(o.b, `"quote":`...)
	switch q := s.quoted; {
	case q == nil:
		o.b = append(o.b, "null"...)
	case s.nested:
		in := begin(o.b)
		in.str("state", q.state)
		in.idOr("quoted_status_id", q.id)
		o.b = in.close()
	default:
		in := begin(o.b)
		in.str("state", q.state)
		in.key("quoted_status")
		if q.status != nil && slices.Contains(withStatus, q.state) {
			in.b = q.status.append(in.b)
		} else {
			in.b = append(in.b, "null"...)
		}
		o.b = in.close()
	}
	o.b = append(o.b, `,"quote_approval":{`...)
	o.b = append(o.b, of.quotes.approval...)
	o.b = append(o.b, `,"current_user":`...)
	o.b = appendString(o.b, orElse(string(of.mayQuote), string(pipeline.QuoteDenied)))
	return append(o.b, '}')
}

// filterQuoted adds what filters say of a quoted post.
func (s *shown) filterQuoted(rel *relations, where string, viewer, now int64) {
	for _, one := range []*shown{s, s.boosted} {
		if one != nil && one.quoted != nil && one.quoted.status != nil {
			one.quoted.status.filtered, _ = rel.apply(one.quoted.status.post, where, viewer, now)
		}
	}
}
