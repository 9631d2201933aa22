package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// groupSpan is how long what happens to a status, or who comes to follow, is told
// as one. Spans begin at fixed times, so that the key of a group follows from any of
// its notifications.
const groupSpan = 12 * time.Hour

const (
	maxSamples  = 8    // Accounts shown of a group.
	groupScan   = 200  // Notifications read at once to fill a page of groups.
	maxCounted  = 1000 // Notifications of a group that are counted beyond the page.
	maxGrouped  = 500  // Accounts listed of a group.
	ungrouped   = "ungrouped"
	unknownList = "Invalid value for 'expand_accounts': allowed values are 'full' and 'partial_avatars'"
)

// groupKey names the group of a notification.
//
// spec: masto:methods/grouped_notifications#NotificationGroup (group_key)
func groupKey(n *store.Notification) string {
	kind := store.Kind(n.Kind)
	if !kind.Grouped {
		return ungrouped + "-" + itoa(n.ID)
	}
	span := strconv.FormatInt(vocab.TimeOf(n.ID).Unix()/int64(groupSpan/time.Second), 10)
	if n.Status == 0 {
		return kind.Name + "-" + span
	}
	return kind.Name + "-" + itoa(n.Status) + "-" + span
}

// parseGroupKey returns what finds the notifications of a group.
func parseGroupKey(key string) (w store.NotificationQuery, p store.Page, err error) {
	parts := strings.Split(key, "-")
	number := func(i int) int64 {
		n, perr := strconv.ParseInt(parts[i], 10, 64)
		if perr != nil || n <= 0 {
			err = errNotFound()
		}
		return n
	}
	kind := store.Kind(store.KindNamed(parts[0]))
	w.IncludeFiltered = true
	switch {
	case parts[0] == ungrouped && len(parts) == 2:
		id := number(1)
		return w, store.Page{Since: id - 1, Max: id + 1, Limit: 1}, err
	case kind.Grouped && len(parts) == 2:
	case kind.Grouped && len(parts) == 3:
		w.Status = number(1)
	default:
		return w, p, errNotFound()
	}
	w.Kinds = []int16{kind.ID}
	from := number(len(parts)-1) * int64(groupSpan/time.Millisecond)
	if err == nil && (from <= 0 || from >= 1<<46) {
		err = errNotFound()
	}
	return w, store.Page{Since: from<<16 - 1, Max: (from + int64(groupSpan/time.Millisecond)) << 16}, err
}

// spanStart is the least id of the span in which an id lies.
func spanStart(id int64) int64 {
	span := int64(groupSpan / time.Millisecond)
	return (id >> 16) / span * span << 16
}

// notificationGroup is a group as far as a page shows it.
type notificationGroup struct {
	key            string
	newest, oldest *store.Notification
	samples        []int64 // Accounts, newest first.
	count          int
}

// grouping puts notifications into groups.
type grouping struct {
	kinds  map[int16]bool // Those that are grouped; others stay single.
	groups map[string]*notificationGroup
	order  []*notificationGroup
}

// newGrouping reads which kinds an app can show as groups.
func newGrouping(r *Request) *grouping {
	g := &grouping{kinds: map[int16]bool{}, groups: map[string]*notificationGroup{}}
	if r.Has("grouped_types") {
		for _, name := range r.Strings("grouped_types") {
			g.kinds[store.KindNamed(name)] = true
		}
		return g
	}
	for _, k := range store.NotificationKinds {
		g.kinds[k.ID] = k.Grouped
	}
	return g
}

func (g *grouping) key(n *store.Notification) string {
	if g.kinds[n.Kind] {
		return groupKey(n)
	}
	return ungrouped + "-" + itoa(n.ID)
}

// add puts n into its group; false when that would make more than most groups.
func (g *grouping) add(n *store.Notification, most int) bool {
	key := g.key(n)
	one := g.groups[key]
	if one == nil {
		if len(g.order) == most {
			return false
		}
		one = &notificationGroup{key: key, newest: n, oldest: n}
		g.groups[key] = one
		g.order = append(g.order, one)
	}
	one.count++
	if n.ID > one.newest.ID {
		one.newest = n
		one.sample(n.Actor, true)
	} else {
		one.sample(n.Actor, false)
	}
	if n.ID < one.oldest.ID {
		one.oldest = n
	}
	return true
}

// sample adds an account to those that are shown, in front when it is the newest.
func (one *notificationGroup) sample(actor int64, newest bool) {
	if at := slices.Index(one.samples, actor); at >= 0 {
		if !newest {
			return
		}
		one.samples = slices.Delete(one.samples, at, at+1)
	}
	if newest {
		one.samples = slices.Insert(one.samples, 0, actor)
		one.samples = one.samples[:min(len(one.samples), maxSamples)]
	} else if len(one.samples) < maxSamples {
		one.samples = append(one.samples, actor)
	}
}

// groupsPage reads a page of groups. newest and oldest are the ends of what was
// read, 0 when there was nothing; more tells whether there may be more beyond.
func (api *API) groupsPage(ctx context.Context, reader *store.Actor, w store.NotificationQuery, page store.Page, g *grouping) (newest, oldest int64, more bool, err error) {
	rel, err := api.relations(ctx, reader)
	if err != nil {
		return 0, 0, false, err
	}
	now, want := api.Now().UnixMilli(), page.Limit
	page.Limit = groupScan
	for range maxScans {
		rows, err := api.DB.Notifications(ctx, reader.ID, w, page)
		if err != nil {
			return 0, 0, false, err
		}
		more = len(rows) == page.Limit
		if page.Min != 0 {
			slices.Reverse(rows) // Upwards, from the bound.
		}
		for i := range rows {
			if !rel.silences(rows[i].Actor, now) && !g.add(&rows[i], want) {
				more = true
				return newest, oldest, more, api.countBeyond(ctx, reader, rel, g, oldest)
			}
			newest = max(newest, rows[i].ID)
			if oldest == 0 || rows[i].ID < oldest {
				oldest = rows[i].ID
			}
		}
		if !more {
			break
		}
		if last := rows[len(rows)-1].ID; page.Min != 0 {
			page.Min = last
		} else {
			page.Max = last
		}
	}
	return newest, oldest, more, api.countBeyond(ctx, reader, rel, g, oldest)
}

// countBeyond adds to the groups of the page's last span what is older than the
// page, so that their numbers are those of the whole.
func (api *API) countBeyond(ctx context.Context, reader *store.Actor, rel *relations, g *grouping, oldest int64) error {
	start := spanStart(oldest)
	var w store.NotificationQuery
	for _, one := range g.order {
		if g.kinds[one.newest.Kind] && store.Kind(one.newest.Kind).Grouped && spanStart(one.oldest.ID) == start && !slices.Contains(w.Kinds, one.newest.Kind) {
			w.Kinds = append(w.Kinds, one.newest.Kind)
		}
	}
	if len(w.Kinds) == 0 || start == oldest {
		return nil
	}
	rows, err := api.DB.Notifications(ctx, reader.ID, w, store.Page{Max: oldest, Since: start - 1, Limit: maxCounted})
	if err != nil {
		return err
	}
	now := api.Now().UnixMilli()
	for i := range rows {
		if one := g.groups[g.key(&rows[i])]; one != nil && !rel.silences(rows[i].Actor, now) {
			one.count++
			one.sample(rows[i].Actor, false)
		}
	}
	return nil
}

// groupEntity is a NotificationGroup, but for what it is about.
//
// spec: masto:methods/grouped_notifications#NotificationGroup
type groupEntity struct {
	Key     string   `json:"group_key"`
	Count   int      `json:"notifications_count"`
	Type    string   `json:"type"`
	Newest  int64    `json:"most_recent_notification_id"` // A number, as in Mastodon's own answers.
	PageMin string   `json:"page_min_id,omitempty"`
	PageMax string   `json:"page_max_id,omitempty"`
	Latest  *string  `json:"latest_page_notification_at,omitempty"`
	Samples []string `json:"sample_account_ids"`
	Status  string   `json:"status_id,omitempty"`

	Report  json.RawMessage `json:"report,omitempty"`
	Event   json.RawMessage `json:"event,omitempty"`
	Warning json.RawMessage `json:"moderation_warning,omitempty"`

	Emoji    string  `json:"emoji,omitempty"` // Of a reaction, as Pleroma has them.
	EmojiURL *string `json:"emoji_url,omitempty"`
}

// partialAccount is a PartialAccountWithAvatar.
//
// spec: masto:methods/grouped_notifications#PartialAccountWithAvatar
type partialAccount struct {
	ID                string `json:"id"`
	Acct              string `json:"acct"`
	URL               string `json:"url"`
	Avatar            string `json:"avatar"`
	AvatarStatic      string `json:"avatar_static"`
	AvatarDescription string `json:"avatar_description"`
	Locked            bool   `json:"locked"`
	Bot               bool   `json:"bot"`
}

// groupsEntity is a GroupedNotificationsResults.
type groupsEntity struct {
	Accounts []json.RawMessage `json:"accounts"`
	Partial  []partialAccount  `json:"partial_accounts,omitempty"`
	Statuses []json.RawMessage `json:"statuses"`
	Groups   []groupEntity     `json:"notification_groups"`
}

// drawGroups draws groups, newest first, each with its accounts and status, which
// stand beside them once. Groups whose status is gone or hidden are left out.
func (api *API) drawGroups(ctx context.Context, viewer *store.Actor, groups []*notificationGroup, partial, paged bool) (*groupsEntity, error) {
	slices.SortFunc(groups, func(a, b *notificationGroup) int { return int(min(1, max(-1, b.newest.ID-a.newest.ID))) })
	var newest []store.Notification
	var people, ids []int64
	for _, g := range groups {
		newest = append(newest, *g.newest)
		people = append(people, g.samples...)
		if g.newest.Status != 0 && !slices.Contains(ids, g.newest.Status) {
			ids = append(ids, g.newest.Status)
		}
	}
	faces, err := api.people(ctx, people)
	if err != nil {
		return nil, err
	}
	statuses, err := api.notifiedStatuses(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	extras, err := api.notifiedExtras(ctx, viewer, newest)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	out := &groupsEntity{Accounts: []json.RawMessage{}, Statuses: []json.RawMessage{}, Groups: []groupEntity{}}
	full, shownPosts := map[int64]bool{}, map[int64]bool{}
	var shownGroups []*notificationGroup
	for _, g := range groups {
		g.samples = slices.DeleteFunc(g.samples, func(id int64) bool { return !rel.shows(faces[id], id == viewer.ID) })
		s := statuses[g.newest.Status]
		if len(g.samples) == 0 || g.newest.Status != 0 && s == nil {
			continue
		}
		if s != nil && !shownPosts[s.row.ID] {
			shownPosts[s.row.ID] = true
			out.Statuses = append(out.Statuses, s.append(nil))
		}
		out.Groups = append(out.Groups, drawGroup(g, extras[g.newest.ID], paged))
		shownGroups = append(shownGroups, g)
		full[g.samples[0]] = true
	}
	return out, out.addAccounts(shownGroups, faces, full, partial)
}

func drawGroup(g *notificationGroup, extra *notifiedExtra, paged bool) groupEntity {
	e := groupEntity{Key: g.key, Count: g.count, Type: store.KindName(g.newest.Kind), Newest: g.newest.ID}
	for _, id := range g.samples {
		e.Samples = append(e.Samples, itoa(id))
	}
	if g.newest.Status != 0 {
		e.Status = itoa(g.newest.Status)
	}
	if paged {
		e.PageMin, e.PageMax, e.Latest = itoa(g.oldest.ID), itoa(g.newest.ID), isoTime(vocab.TimeOf(g.newest.ID).UnixMilli())
	}
	if extra != nil && extra.emoji != nil {
		e.Emoji, e.EmojiURL = extra.emoji.name, orNil(extra.emoji.url)
	} else if extra != nil {
		switch extra.key {
		case "report":
			e.Report = extra.json
		case "event":
			e.Event = extra.json
		case "moderation_warning":
			e.Warning = extra.json
		}
	}
	return e
}

// addAccounts draws every account of the groups once; where partial is set, only
// those in full in full.
func (out *groupsEntity) addAccounts(groups []*notificationGroup, faces map[int64]*face, full map[int64]bool, partial bool) error {
	done := map[int64]bool{}
	for _, g := range groups {
		for _, id := range g.samples {
			if done[id] {
				continue
			}
			done[id] = true
			if !partial || full[id] {
				out.Accounts = append(out.Accounts, faces[id].json)
				continue
			}
			var p partialAccount
			if err := json.Unmarshal(faces[id].json, &p); err != nil {
				return err
			}
			out.Partial = append(out.Partial, p)
		}
	}
	return nil
}

// partialAvatars reads which accounts are wanted in full.
func partialAvatars(r *Request) (bool, error) {
	switch r.String("expand_accounts") {
	case "", "full":
		return false, nil
	case "partial_avatars":
		return true, nil
	}
	return false, fault.New(fault.Malformed, unknownList)
}

func listGroups(api *API, r *Request) (any, error) {
	w, err := notificationQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := r.page(somePeople)
	if err != nil {
		return nil, err
	}
	partial, err := partialAvatars(r)
	if err != nil {
		return nil, err
	}
	g := newGrouping(r)
	newest, oldest, more, err := api.groupsPage(r.Context(), r.User, w, page, g)
	if err != nil {
		return nil, err
	}
	r.links(prevByMin, newest, oldest, more || page.Min != 0)
	return api.drawGroups(r.Context(), r.User, g.order, partial, true)
}

// ownGroup reads the group that the path names, as far as it is shown.
func (api *API) ownGroup(r *Request, limit int) ([]store.Notification, error) {
	w, page, err := parseGroupKey(r.PathValue("group_key"))
	if err != nil {
		return nil, err
	}
	if page.Limit == 0 {
		page.Limit = limit
	}
	rows, err := api.DB.Notifications(r.Context(), r.User.ID, w, page)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(r.Context(), r.User)
	if err != nil {
		return nil, err
	}
	now := api.Now().UnixMilli()
	rows = slices.DeleteFunc(rows, func(n store.Notification) bool { return rel.silences(n.Actor, now) })
	if len(rows) == 0 {
		return nil, errNotFound()
	}
	return rows, nil
}

func oneGroup(api *API, r *Request) (any, error) {
	rows, err := api.ownGroup(r, maxCounted)
	if err != nil {
		return nil, err
	}
	g := &grouping{kinds: map[int16]bool{rows[0].Kind: store.Kind(rows[0].Kind).Grouped && !strings.HasPrefix(r.PathValue("group_key"), ungrouped)},
		groups: map[string]*notificationGroup{}}
	for i := range rows {
		g.add(&rows[i], 1)
	}
	out, err := api.drawGroups(r.Context(), r.User, g.order, false, false)
	if err == nil && len(out.Groups) == 0 {
		err = errNotFound()
	}
	return out, err
}

func groupAccounts(api *API, r *Request) (any, error) {
	rows, err := api.ownGroup(r, maxGrouped)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, n := range rows {
		if !slices.Contains(ids, n.Actor) {
			ids = append(ids, n.Actor)
		}
	}
	faces, err := api.people(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	all := []json.RawMessage{}
	for _, id := range ids {
		if f := faces[id]; f != nil && !f.suspended {
			all = append(all, f.json)
		}
	}
	return all, nil
}

// dismissJob goes on with the dismissal of a large group.
type dismissJob struct {
	Owner int64  `json:"owner"`
	Key   string `json:"key"`
}

// dismissChunk is how many notifications one transaction dismisses.
const dismissChunk = 400

// dismissSome dismisses a part of a group and leaves the rest to a job.
func (api *API) dismissSome(ctx context.Context, j dismissJob) error {
	w, page, err := parseGroupKey(j.Key)
	if err != nil {
		return err
	}
	page.Limit = dismissChunk
	return api.DB.Write(ctx, func(tx *store.Tx) error {
		more, err := tx.DismissNotifications(ctx, j.Owner, w, page)
		if err != nil || !more {
			return err
		}
		payload, err := json.Marshal(j)
		if err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: "dismiss", Payload: payload})
	})
}

func dismissGroup(api *API, r *Request) (any, error) {
	return empty, api.dismissSome(r.Context(), dismissJob{r.User.ID, r.PathValue("group_key")})
}

// unread answers with how much came after the notification that was seen last, at
// most limit; by groups where g is not nil.
func (api *API) unread(r *Request, g *grouping) (any, error) {
	w, err := notificationQuery(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.limit(pageSize{100, 1000})
	if err != nil {
		return nil, err
	}
	n, err := api.countUnread(r.Context(), r.User, w, g, limit)
	if err != nil {
		return nil, err
	}
	return map[string]int{"count": n}, nil
}

// countUnread counts what viewer was told of since the notification that was seen
// last, at most limit; by groups where g is not nil.
func (api *API) countUnread(ctx context.Context, viewer *store.Actor, w store.NotificationQuery, g *grouping, limit int) (int, error) {
	last, err := api.lastSeen(ctx, viewer)
	if err != nil {
		return 0, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return 0, err
	}
	page, now, n := store.Page{Since: last, Limit: 1000}, api.Now().UnixMilli(), 0
	for range maxScans {
		rows, err := api.DB.Notifications(ctx, viewer.ID, w, page)
		if err != nil {
			return 0, err
		}
		for i := range rows {
			switch {
			case rel.silences(rows[i].Actor, now):
			case g == nil:
				n++
			case g.add(&rows[i], limit):
				n = len(g.order)
			}
		}
		if len(rows) < page.Limit || n >= limit {
			break
		}
		page.Max = rows[len(rows)-1].ID
	}
	return min(n, limit), nil
}

// The first apps with groups ask at v2_alpha.
//
// spec: masto:methods/grouped_notifications, masto:methods/notifications_alpha
var (
	_ = route("GET /api/v2/notifications", "read:notifications", listGroups)
	_ = route("GET /api/v2/notifications/{group_key}", "read:notifications", oneGroup)
	_ = route("POST /api/v2/notifications/{group_key}/dismiss", "write:notifications", dismissGroup)
	_ = route("GET /api/v2/notifications/{group_key}/accounts", "read:notifications|write:notifications", groupAccounts)
	_ = route("GET /api/v2/notifications/unread_count", "read:notifications", unreadGroups)

	_ = route("GET /api/v2_alpha/notifications", "read:notifications", listGroups)
	_ = route("GET /api/v2_alpha/notifications/{group_key}", "read:notifications", oneGroup)
	_ = route("POST /api/v2_alpha/notifications/{group_key}/dismiss", "write:notifications", dismissGroup)
	_ = route("GET /api/v2_alpha/notifications/unread_count", "read:notifications", unreadGroups)
)

func unreadGroups(api *API, r *Request) (any, error) { return api.unread(r, newGrouping(r)) }

// dismissAll is the job that dismisses the rest of a group.
func (api *API) dismissAll(ctx context.Context, j store.Job) error {
	var d dismissJob
	if err := json.Unmarshal(j.Payload, &d); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	if err := api.dismissSome(ctx, d); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}
