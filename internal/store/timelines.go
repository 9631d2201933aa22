package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// TimelineRow is a status in a timeline. Post is what it boosts, or itself.
type TimelineRow struct{ Status, Actor, Post int64 }

func (r *TimelineRow) scan() []any { return []any{&r.Status, &r.Actor, &r.Post} }

// rows runs a query for timeline rows.
func (q *Q) timeline(ctx context.Context, p Page, text string, args ...any) ([]TimelineRow, error) {
	rows, err := q.query(ctx, text, args...)
	list, err := collect(rows, err, (*TimelineRow).scan)
	if err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	return order(p, list), nil
}

// Home returns a page of a home or list: owner is an account's actor or a list.
func (q *Q) Home(ctx context.Context, owner int64, p Page) ([]TimelineRow, error) {
	tail, args := p.clause("status", 2)
	return q.timeline(ctx, p, "SELECT status, actor, post FROM home WHERE owner = $1"+tail, append([]any{owner}, args...)...)
}

// HomeIsFull tells whether older statuses may exist than those in a home.
func (q *Q) HomeIsFull(ctx context.Context, owner int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM home WHERE owner = $1 ORDER BY status DESC LIMIT 1 OFFSET $2", owner, HomeSize-1)
}

// OlderHome returns what would stand in a home below p.Max, from the posts of those
// whom the reader follows now. p.Max must be set.
func (q *Q) OlderHome(ctx context.Context, reader int64, p Page) ([]TimelineRow, error) {
	tail, args := p.clause("s.id", 2)
	return q.timeline(ctx, p, `SELECT s.id, s.actor, s.id FROM statuses s WHERE s.boost_of = 0 AND s.visibility <= 2
		AND (NOT s.is_reply OR s.reply_actor = s.actor)
		AND (s.actor = $1 OR EXISTS (SELECT 1 FROM follows f WHERE f.actor = $1 AND f.target = s.actor AND f.accepted))`+tail,
		append([]any{reader}, args...)...)
}

// PublicQuery says which public posts are wanted.
type PublicQuery struct {
	Local     bool // Only those made here.
	Remote    bool // Only those made elsewhere.
	Media     bool // Only those with attachments.
	LocalOnly bool // Those that never leave the server too: the reader is ours.
}

func (w PublicQuery) conditions(prefix string) string {
	var b strings.Builder
	if !w.LocalOnly {
		b.WriteString(" AND NOT " + prefix + "local_only")
	}
	if w.Local {
		b.WriteString(" AND " + prefix + "local")
	}
	if w.Remote {
		b.WriteString(" AND NOT " + prefix + "local")
	}
	if w.Media {
		b.WriteString(" AND " + prefix + "media > 0")
	}
	return b.String()
}

// PublicTimeline returns a page of public posts that answer nothing. Posts that stay
// on the server are only in the local timeline.
func (q *Q) PublicTimeline(ctx context.Context, w PublicQuery, p Page) ([]TimelineRow, error) {
	w.LocalOnly = w.LocalOnly && w.Local
	tail, args := p.clause("id", 1)
	return q.timeline(ctx, p, "SELECT id, actor, id FROM statuses WHERE visibility = 0 AND boost_of = 0 AND NOT is_reply"+w.conditions("")+tail, args...)
}

// TagQuery says which tags a post must have; all are folded.
type TagQuery struct {
	Tag            string
	Any, All, None []string
	PublicQuery
}

// TagTimeline returns a page of public posts with a tag.
func (q *Q) TagTimeline(ctx context.Context, w TagQuery, p Page) ([]TimelineRow, error) {
	names := append(append(append([]string{w.Tag}, w.Any...), w.All...), w.None...)
	known, err := q.TagIDs(ctx, names)
	if err != nil {
		return nil, err
	}
	var any []int64
	for _, name := range append([]string{w.Tag}, w.Any...) {
		if id, ok := known[name]; ok {
			any = append(any, id)
		}
	}
	if len(any) == 0 {
		return nil, nil
	}
	list, args := in(1, any)
	text := "SELECT s.id, s.actor, s.id FROM status_tags t JOIN statuses s ON s.id = t.status WHERE t.tag IN (" + list + ") AND s.visibility = 0 AND s.boost_of = 0" +
		w.conditions("s.")
	if len(any) > 1 { // A post with two of them stands there once.
		text = "SELECT s.id, s.actor, s.id FROM statuses s WHERE s.visibility = 0 AND s.boost_of = 0" + w.conditions("s.") +
			" AND EXISTS (SELECT 1 FROM status_tags t WHERE t.status = s.id AND t.tag IN (" + list + "))"
	}
	for _, name := range w.All {
		args = append(args, known[name]) // 0 when nobody used it: then there is nothing.
		text += fmt.Sprintf(" AND EXISTS (SELECT 1 FROM status_tags a WHERE a.status = s.id AND a.tag = $%d)", len(args))
	}
	for _, name := range w.None {
		if id, ok := known[name]; ok {
			args = append(args, id)
			text += fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM status_tags n WHERE n.status = s.id AND n.tag = $%d)", len(args))
		}
	}
	column := "t.status"
	if len(any) > 1 {
		column = "s.id"
	}
	tail, more := p.clause(column, len(args)+1)
	return q.timeline(ctx, p, text+tail, append(args, more...)...)
}

// TagIDs returns the ids of tags by their folded names; unknown ones are left out.
func (q *Q) TagIDs(ctx context.Context, names []string) (map[string]int64, error) {
	found := map[string]int64{}
	for chunk := range chunks(names) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT id, name FROM tags WHERE name IN ("+list+")", args...)
		type row struct {
			id   int64
			name string
		}
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.id, &r.name} })
		if err != nil {
			return nil, fmt.Errorf("tags: %w", err)
		}
		for _, r := range all {
			found[r.name] = r.id
		}
	}
	return found, nil
}

// AccountQuery says which statuses of an account are wanted.
type AccountQuery struct {
	Viewer         *Actor // nil: nobody.
	Follows        bool   // The viewer follows the account.
	ExcludeReplies bool
	ExcludeBoosts  bool
	Media          bool
	Tag            string // Folded; "" any.
}

// AccountStatuses returns a page of an account's statuses as far as the viewer may
// see them.
func (q *Q) AccountStatuses(ctx context.Context, actor int64, w AccountQuery, p Page) ([]TimelineRow, error) {
	text := "SELECT s.id, s.actor, CASE WHEN s.boost_of = 0 THEN s.id ELSE s.boost_of END FROM statuses s WHERE s.actor = $1"
	args := []any{actor}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	switch {
	case w.Viewer == nil:
		text += " AND s.visibility <= 1 AND NOT s.local_only"
	case w.Viewer.ID == actor:
	default:
		level := 1
		if w.Follows {
			level = 2
		}
		text += fmt.Sprintf(" AND (s.visibility <= %d OR EXISTS (SELECT 1 FROM mentions m WHERE m.status = s.id AND m.actor = %s))", level, arg(w.Viewer.ID))
		if !w.Viewer.Local {
			text += " AND NOT s.local_only"
		}
	}
	if w.ExcludeReplies {
		text += " AND (NOT s.is_reply OR s.reply_actor = s.actor)"
	}
	if w.ExcludeBoosts {
		text += " AND s.boost_of = 0"
	}
	if w.Media {
		text += " AND s.media > 0"
	}
	if w.Tag != "" {
		text += " AND EXISTS (SELECT 1 FROM status_tags st JOIN tags t ON t.id = st.tag WHERE st.status = s.id AND t.name = " + arg(w.Tag) + ")"
	}
	tail, more := p.clause("s.id", len(args)+1)
	return q.timeline(ctx, p, text+tail, append(args, more...)...)
}

// Conversation returns the posts of the conversation that s belongs to, oldest
// first, at most limit.
func (q *Q) Conversation(ctx context.Context, s *Status, limit int) ([]Status, error) {
	rows, err := q.query(ctx, "SELECT "+statusColumns+" FROM statuses WHERE conversation = $1 AND conversation <> id AND boost_of = 0 ORDER BY id LIMIT $2", s.Conversation, limit)
	all, err := collect(rows, err, (*Status).scan)
	if err != nil {
		return nil, fmt.Errorf("conversation %d: %w", s.Conversation, err)
	}
	root, err := q.Status(ctx, s.Conversation)
	switch {
	case errors.Is(err, ErrNotFound):
		return all, nil
	case err != nil:
		return nil, err
	}
	return append([]Status{*root}, all...), nil
}

// Readable returns which of these posts that are not for everybody a viewer may
// see: those of people whom the viewer follows, and those that name the viewer.
func (q *Q) Readable(ctx context.Context, viewer int64, posts []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	for chunk := range chunks(posts) {
		list, args := in(2, chunk)
		ids, err := q.ids(ctx, `SELECT status FROM mentions WHERE actor = $1 AND status IN (`+list+`)
			UNION SELECT s.id FROM statuses s JOIN follows f ON f.actor = $1 AND f.target = s.actor AND f.accepted
			WHERE s.visibility = 2 AND s.id IN (`+list+`)
			UNION SELECT id FROM statuses WHERE actor = $1 AND id IN (`+list+`)`, append([]any{viewer}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("readable posts: %w", err)
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return found, nil
}

// Cursor is a row of a list that is paged by a number of its own.
type Cursor struct{ ID, At int64 }

func (q *Q) cursors(ctx context.Context, p Page, text string, args ...any) ([]Cursor, error) {
	rows, err := q.query(ctx, text, args...)
	list, err := collect(rows, err, func(c *Cursor) []any { return []any{&c.ID, &c.At} })
	return order(p, list), err
}

// FavouredBy returns who favoured a post, newest first.
func (q *Q) FavouredBy(ctx context.Context, post int64, p Page) ([]Cursor, error) {
	tail, args := p.clause("seq", 2)
	list, err := q.cursors(ctx, p, "SELECT actor, seq FROM favourites WHERE status = $1"+tail, append([]any{post}, args...)...)
	return list, wrapped(err, "favourites of %d", post)
}

// BoostedBy returns who boosted a post for everybody's eyes, newest first; At is the boost.
func (q *Q) BoostedBy(ctx context.Context, post int64, p Page) ([]Cursor, error) {
	tail, args := p.clause("id", 2)
	list, err := q.cursors(ctx, p, "SELECT actor, id FROM statuses WHERE boost_of = $1 AND boost_of <> 0 AND visibility <= 1"+tail, append([]any{post}, args...)...)
	return list, wrapped(err, "boosts of %d", post)
}

// SetBookmark bookmarks a post for an account, or takes the bookmark away.
func (tx *Tx) SetBookmark(ctx context.Context, actor, status int64, on bool) error {
	if !on {
		_, err := tx.exec(ctx, "DELETE FROM bookmarks WHERE actor = $1 AND status = $2", actor, status)
		return wrapped(err, "bookmark of %d", actor)
	}
	_, err := tx.exec(ctx, "INSERT INTO bookmarks (actor, id, status) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", actor, tx.NewID(), status)
	return wrapped(err, "bookmark of %d", actor)
}

// MuteConversation has an account hear no more of a conversation, or again.
func (tx *Tx) MuteConversation(ctx context.Context, actor, conversation int64, on bool) error {
	text := "DELETE FROM conversation_mutes WHERE actor = $1 AND conversation = $2"
	if on {
		text = "INSERT INTO conversation_mutes (actor, conversation) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	}
	_, err := tx.exec(ctx, text, actor, conversation)
	return wrapped(err, "muting a conversation for %d", actor)
}

// ListOwner returns whose list it is.
func (q *Q) ListOwner(ctx context.Context, list int64) (int64, error) {
	var owner int64
	err := q.row(ctx, "SELECT owner FROM lists WHERE id = $1", list).Scan(&owner)
	return owner, wrapped(err, "list %d", list)
}

// DirectTimeline returns a page of the direct messages to and from an account.
func (q *Q) DirectTimeline(ctx context.Context, actor int64, p Page) ([]TimelineRow, error) {
	tail, args := p.clause("s.id", 2)
	return q.timeline(ctx, p, `SELECT s.id, s.actor, s.id FROM statuses s WHERE s.visibility = 3 AND s.boost_of = 0
		AND s.id IN (SELECT status FROM mentions WHERE actor = $1 UNION SELECT id FROM statuses WHERE actor = $1 AND visibility = 3)`+tail, append([]any{actor}, args...)...)
}
