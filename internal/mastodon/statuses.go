package mastodon

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// visiblePost returns the status that a request names; NotFound also for those that
// viewer may not see.
func (api *API) visiblePost(ctx context.Context, viewer *store.Actor, id string) (*store.Status, error) {
	n, err := parseID(id)
	if err != nil {
		return nil, err
	}
	st, err := api.DB.Status(ctx, n)
	if err != nil {
		return nil, err // Not found is drawn as such.
	}
	if ok, err := api.DB.Visible(ctx, st, viewer); err != nil {
		return nil, err
	} else if !ok {
		return nil, errNotFound()
	}
	return st, nil
}

// drawStatus draws one status, which the reader may see.
func (api *API) drawStatus(r *Request, id int64) (any, error) {
	list, err := api.show(r.Context(), r.User, []int64{id})
	if err != nil {
		return nil, err
	}
	if list, err = api.filter(r.Context(), r.User, list, "thread"); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errNotFound()
	}
	return r.drawn(list[0].append(r.buffer()))
}

// spec: masto:methods/statuses#get
var _ = route("GET /api/v1/statuses/{id}", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return api.drawStatus(r, st.ID)
	})

// maxMany is how many statuses may be asked for at once.
const maxMany = 100

// spec: masto:methods/statuses#index; "ids" is Pleroma's name of the parameter
var _ = route("GET /api/v1/statuses", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		ids := append(r.IDs("id"), r.IDs("ids")...)
		ids, err := api.readable(r.Context(), r.User, ids[:min(len(ids), maxMany)])
		if err != nil {
			return nil, err
		}
		return api.drawStatuses(r, ids, "thread")
	})

// readable keeps of these statuses those that viewer may see, in their order.
func (api *API) readable(ctx context.Context, viewer *store.Actor, ids []int64) ([]int64, error) {
	drawn, err := api.posts(ctx, ids)
	if err != nil {
		return nil, err
	}
	rel, err := api.relations(ctx, viewer)
	if err != nil {
		return nil, err
	}
	var unsure []int64
	for _, id := range ids {
		if p := drawn[id]; p != nil && p.row.Visibility > 1 {
			unsure = append(unsure, id)
		}
	}
	may := map[int64]bool{}
	if viewer != nil && len(unsure) > 0 {
		if may, err = api.DB.Readable(ctx, viewer.ID, unsure); err != nil {
			return nil, err
		}
	}
	kept := []int64{}
	for _, id := range ids {
		p := drawn[id]
		switch {
		case p == nil, p.row.Visibility > 1 && !may[id], p.row.LocalOnly && (viewer == nil || !viewer.Local):
		case rel != nil && rel.Blocks[p.row.Actor]:
		default:
			kept = append(kept, id)
		}
	}
	return kept, nil
}

// How much of a conversation is shown.
//
// spec: masto:methods/statuses#context
const (
	maxThread         = 4096
	maxAncestors      = 40 // Without a token, as the following two.
	maxDescendants    = 60
	maxThreadDistance = 20
)

// spec: masto:methods/statuses#context
var _ = route("GET /api/v1/statuses/{id}/context", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if err := api.refreshContext(r, st); err != nil {
			return nil, err
		}
		all, err := api.DB.Conversation(ctx, st, 2*maxThread)
		if err != nil {
			return nil, err
		}
		above, below := thread(all, st, r.User != nil)
		ids, err := api.readable(ctx, r.User, append(slices.Clone(above), below...))
		if err != nil {
			return nil, err
		}
		list, err := api.show(ctx, r.User, ids)
		if err != nil {
			return nil, err
		}
		rel, err := api.relations(ctx, r.User)
		if err != nil {
			return nil, err
		}
		list = rel.wanted(list, "thread", r.User, api.Now().UnixMilli())
		cut := slices.IndexFunc(list, func(s *shown) bool { return !slices.Contains(above, s.row.ID) })
		if cut < 0 {
			cut = len(list)
		}
		b := append(r.buffer(), `{"ancestors":`...)
		b = appendStatuses(b, list[:cut])
		b = append(b, `,"descendants":`...)
		b = appendStatuses(b, list[cut:])
		return r.drawn(append(b, '}'))
	})

// thread returns what st answers, the first post first, and what answers it, each
// answer before those that came later and after what it answers.
func thread(all []store.Status, st *store.Status, signedIn bool) (above, below []int64) {
	byID := make(map[int64]*store.Status, len(all))
	answers := map[int64][]int64{}
	for i := range all {
		s := &all[i]
		byID[s.ID] = s
		if s.ReplyTo != 0 {
			answers[s.ReplyTo] = append(answers[s.ReplyTo], s.ID)
		}
	}
	up, down, depth := maxThread, maxThread, maxThread
	if !signedIn {
		up, down, depth = maxAncestors, maxDescendants, maxThreadDistance
	}
	for at := byID[st.ReplyTo]; at != nil && len(above) < up; at = byID[at.ReplyTo] {
		above = append(above, at.ID)
	}
	slices.Reverse(above)
	seen := map[int64]bool{st.ID: true}
	type step struct {
		id    int64
		depth int
	}
	stack := []step{{st.ID, 0}}
	for len(stack) > 0 && len(below) < down {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at.depth > 0 {
			below = append(below, at.id)
		}
		if at.depth == depth {
			continue
		}
		for _, id := range slices.Backward(answers[at.id]) {
			if !seen[id] {
				seen[id] = true
				stack = append(stack, step{id, at.depth + 1})
			}
		}
	}
	return above, below
}

// draft reads what a new post or an edit says, and checks it against the limits.
// was is the post that is edited, nil for a new one.
func (api *API) draft(r *Request) (pipeline.Draft, error) {
	d := pipeline.Draft{Text: r.String("status"), ContentType: r.String("content_type"), Spoiler: r.String("spoiler_text"), Language: r.String("language")}
	preferences := preferred(r)
	d.Sensitive = r.Bool("sensitive", preferences.Sensitive)
	if d.Language == "" {
		d.Language = preferences.Language
	}
	if app := r.Session.App; app != nil {
		d.App, d.AppURL = app.Name, app.Website
	}
	if err := d.Check(api.postLimits()); err != nil {
		return d, err
	}
	emoji, err := api.usedEmoji(r.Context(), d.Text+" "+d.Spoiler)
	d.Emoji = emoji
	return d, err
}

// preferred is how the one who asks likes to write.
func preferred(r *Request) store.Preferences {
	if r.Session.Account == nil {
		return store.Preferences{}
	}
	return r.Session.Account.Preferences
}

// invalidField is a validation failure in the words that apps show.
func invalidField(format string, args ...any) error {
	return fault.New(fault.Invalid, "Validation failed: "+format, args...)
}

// usedEmoji returns the instance's own emoji that a text uses.
func (api *API) usedEmoji(ctx context.Context, text string) ([]vocab.Tag, error) {
	names := markup.Scan(text, "").Emoji
	if len(names) == 0 {
		return nil, nil
	}
	all, err := api.DB.EmojiNamed(ctx, names)
	var tags []vocab.Tag
	for _, e := range all {
		tags = append(tags, vocab.Tag{Type: "Emoji", Name: ":" + e.Shortcode + ":", Icon: vocab.IRI(api.mediaURL(e.File)),
			Href: vocab.IRI(api.URL + "/emoji/" + e.Shortcode)})
	}
	return tags, err
}

// mediaURL is the address of a file in the storage.
func (api *API) mediaURL(key string) string { return api.URL + pipeline.MediaPath + key }

// postLimits are what the admin allows in a post.
func (api *API) postLimits() pipeline.Limits {
	c := &api.Settings
	return pipeline.Limits{Characters: c.StatusCharacters, Files: c.StatusAttachments, PollOptions: c.PollOptions, OptionCharacters: c.PollOptionCharacters}
}

// attachments returns the uploads with these ids as a post carries them. edited is
// the status that may have them already.
func (api *API) attachments(ctx context.Context, owner *store.Actor, ids []int64, edited int64) ([]store.Media, error) {
	return api.Pipeline.Attachments(ctx, owner, ids, edited, api.postLimits())
}

// draftPoll reads the poll of a post; nil when there is none.
func (api *API) draftPoll(r *Request) (*pipeline.DraftPoll, error) {
	p := r.Sub("poll")
	if !r.Has("poll") || len(p.Strings("options")) == 0 {
		return nil, nil
	}
	seconds, err := p.Int("expires_in", 24*60*60)
	if err != nil {
		return nil, err
	}
	poll := &pipeline.DraftPoll{Options: p.Strings("options"), Multiple: p.Bool("multiple", false), Expires: time.Duration(seconds) * time.Second}
	if err := poll.Check(api.postLimits()); err != nil {
		return nil, err
	}
	return poll, nil
}

// maxIdempotencyKey is how much of an Idempotency-Key counts.
const maxIdempotencyKey = 200

// spec: masto:methods/statuses#create
var _ = route("POST /api/v1/statuses", "write:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		key := cutRunes(r.Request.Header.Get("Idempotency-Key"), maxIdempotencyKey)
		if key != "" { // Before anything is judged: its files belong to that post by now.
			if id, err := api.DB.Idempotent(ctx, r.User.ID, key); err == nil {
				return api.drawKeyed(r, id)
			} else if !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
		}
		d, err := api.draft(r)
		if err != nil {
			return nil, err
		}
		at, err := api.scheduledAt(r)
		if err != nil {
			return nil, err
		}
		d.Key = key
		d.Visibility = r.String("visibility")
		if d.Visibility == "" && r.Session.Account != nil {
			d.Visibility = r.Session.Account.Preferences.Visibility
		}
		d.LocalOnly = r.Bool("local_only", false) || d.Visibility == "local"
		if d.Visibility == "local" {
			d.Visibility = "public"
		}
		if d.InReplyTo, err = r.ID("in_reply_to_id"); err != nil {
			return nil, err
		}
		if d.Media, err = api.attachments(ctx, r.User, r.IDs("media_ids"), 0); err != nil {
			return nil, err
		}
		if d.Poll, err = api.draftPoll(r); err != nil {
			return nil, err
		}
		if err := api.draftQuote(r, &d); err != nil {
			return nil, err
		}
		if d.QuotePolicy, err = draftPolicy(r, preferred(r).QuotePolicy); err != nil {
			return nil, err
		}
		if d.Lifetime, err = draftLifetime(r); err != nil {
			return nil, err
		}
		if d.Empty() {
			return nil, invalidField("Text can't be blank")
		}
		if !at.IsZero() {
			return api.schedule(r, &d, at)
		}
		id, err := api.Pipeline.Post(ctx, r.User, d)
		if err != nil {
			return nil, err
		}
		return api.drawStatus(r, id)
	})

// draftLifetime is after what time a post is to delete itself, 0 never.
//
// spec: pleroma:differences_in_mastoapi_responses#post-apiv1statuses (expires_in)
func draftLifetime(r *Request) (time.Duration, error) {
	if r.String("expires_in") == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(r.String("expires_in"), 10, 64)
	if err != nil || n < int64(pipeline.MinLifetime/time.Second) || n > 100*365*24*3600 {
		return 0, invalidField("Expiry date is too soon: at least %d seconds", int64(pipeline.MinLifetime/time.Second))
	}
	return time.Duration(n) * time.Second, nil
}

// spec: masto:methods/statuses#edit
var _ = route("PUT /api/v1/statuses/{id}", "write:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, was, err := api.ownPost(ctx, r)
		if err != nil {
			return nil, err
		}
		d, err := api.draft(r)
		if err != nil {
			return nil, err
		}
		if !r.Has("status") {
			d.Text, d.ContentType = was.Source, was.SourceType
		}
		if !r.Has("spoiler_text") {
			d.Spoiler = was.Spoiler
		}
		if !r.Has("sensitive") {
			d.Sensitive = was.Sensitive
		}
		if !r.Has("language") {
			d.Language = st.Language
		}
		if err := api.editMedia(ctx, r, &d, was, st.ID); err != nil {
			return nil, err
		}
		if err := api.editPoll(ctx, r, &d, st.ID); err != nil {
			return nil, err
		}
		if d.QuotePolicy, err = draftPolicy(r, ""); err != nil {
			return nil, err
		}
		if strings.TrimSpace(d.Text) == "" && len(d.Media) == 0 && d.Poll == nil && d.Spoiler == "" && was.Quote == "" {
			return nil, invalidField("Text can't be blank")
		}
		if err := api.Pipeline.Edit(ctx, r.User, st.ID, d); err != nil {
			return nil, err
		}
		api.cache.forgetPost(st.ID)
		return api.drawStatus(r, st.ID)
	})

// ownPost returns a post of the one who asks, and what it says.
func (api *API) ownPost(ctx context.Context, r *Request) (*store.Status, *store.Content, error) {
	st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	if st.Actor != r.User.ID || st.BoostOf != 0 {
		return nil, nil, errNotFound()
	}
	contents, err := api.DB.Contents(ctx, []int64{st.ID})
	if err != nil {
		return nil, nil, err
	}
	if contents[st.ID] == nil {
		return nil, nil, errNotFound()
	}
	return st, contents[st.ID], nil
}

// editMedia takes over the attachments: those named, or all where none are named,
// with their new descriptions.
func (api *API) editMedia(ctx context.Context, r *Request, d *pipeline.Draft, was *store.Content, id int64) (err error) {
	d.Media = was.Media
	if r.Has("media_ids") {
		if d.Media, err = api.attachments(ctx, r.User, r.IDs("media_ids"), id); err != nil {
			return err
		}
	}
	d.Media = slices.Clone(d.Media)
	for _, change := range r.List("media_attributes") {
		for i := range d.Media {
			if m := &d.Media[i]; itoa(m.ID) == change.String("id") {
				if change.Has("description") {
					m.Description = cutRunes(change.String("description"), api.Settings.DescriptionCharacters)
				}
				if focus, ok := parseFocus(change.String("focus")); ok {
					m.Focus = focus
				}
			}
		}
	}
	return nil
}

// editPoll takes over the poll: the one sent, or the one that is there.
func (api *API) editPoll(ctx context.Context, r *Request, d *pipeline.Draft, id int64) (err error) {
	if r.Has("poll") {
		d.Poll, err = api.draftPoll(r)
		return err
	}
	poll, err := api.DB.Poll(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	d.Poll = &pipeline.DraftPoll{Multiple: poll.Multiple}
	for _, option := range poll.Options {
		d.Poll.Options = append(d.Poll.Options, option.Title)
	}
	return nil
}

// spec: masto:methods/statuses#delete; the source goes back, so that apps can offer
// to write it anew
var _ = route("DELETE /api/v1/statuses/{id}", "write:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, was, err := api.ownPost(ctx, r)
		if err != nil {
			return nil, err
		}
		list, err := api.show(ctx, r.User, []int64{st.ID})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, errNotFound()
		}
		list[0].text = &was.Source
		drawn := list[0].append(r.buffer())
		if err := api.Pipeline.Delete(ctx, r.User, st.ID); err != nil {
			return nil, err
		}
		api.cache.forgetPost(st.ID)
		if r.Bool("delete_media", false) && api.Uploads != nil {
			if err := api.deleteFiles(ctx, r.User, was); err != nil {
				return nil, err
			}
		}
		return r.drawn(drawn)
	})

// deleteFiles deletes the files of a post that was deleted at once; otherwise they are
// kept a while for the post that is written anew.
//
// spec: masto:methods/statuses#delete (delete_media)
func (api *API) deleteFiles(ctx context.Context, owner *store.Actor, was *store.Content) error {
	ids := pipeline.LocalMedia(was)
	if len(ids) == 0 {
		return nil
	}
	uploads, err := api.DB.Uploads(ctx, owner.ID, ids)
	if err != nil {
		return err
	}
	for _, u := range uploads {
		if err := api.Uploads.Delete(ctx, u); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// What was typed; of posts that came without it the text as it is shown. Whoever may
// read a post may see it.
//
// spec: masto:methods/statuses#source
var _ = route("GET /api/v1/statuses/{id}/source", "app read:statuses",
	func(api *API, r *Request) (any, error) {
		st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		contents, err := api.DB.Contents(r.Context(), []int64{st.ID})
		if err != nil {
			return nil, err
		}
		c := contents[st.ID]
		if c == nil {
			return nil, errNotFound()
		}
		text := c.Source
		if !st.Local {
			text = orElse(text, c.HTML)
		}
		return statusSource{itoa(st.ID), text, c.Spoiler}, nil
	})

// statusSource is the entity.
//
// spec: masto:entities/StatusSource
type statusSource struct {
	ID          string `json:"id"`
	Text        string `json:"text"`
	SpoilerText string `json:"spoiler_text"`
}

// spec: masto:methods/statuses#history
var _ = route("GET /api/v1/statuses/{id}/history", "?read:statuses",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		o, err := api.DB.Object(ctx, st.ID)
		if err != nil {
			return nil, err
		}
		versions, err := api.DB.Versions(ctx, st.ID)
		if err != nil {
			return nil, err
		}
		author, err := api.people(ctx, []int64{st.Actor})
		if err != nil {
			return nil, err
		}
		by := author[st.Actor]
		if by == nil {
			return nil, errNotFound()
		}
		versions = append(versions, store.Version{Doc: o.Doc, Patch: o.Patch})
		contents, err := api.versions(ctx, st, versions)
		if err != nil {
			return nil, err
		}
		b := append(r.buffer(), '[')
		for i, c := range contents {
			if i > 0 {
				b = append(b, ',')
			}
			b = api.draw.appendEdit(b, c, api.Pipeline.PollOptions([]byte(versions[i].Doc)), by.json, st.Local)
		}
		return r.drawn(append(b, ']'))
	})

// versions renders the versions of a post, with what is known of its files.
func (api *API) versions(ctx context.Context, st *store.Status, versions []store.Version) ([]*store.Content, error) {
	var all []*store.Content
	var ids []int64
	for _, v := range versions {
		c, err := api.Pipeline.RenderVersion([]byte(v.Doc), v.Patch)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		ids = append(ids, pipeline.LocalMedia(c)...)
	}
	if !st.Local || len(ids) == 0 {
		return all, nil
	}
	uploads, err := api.DB.Uploads(ctx, st.Actor, ids)
	for _, c := range all {
		pipeline.DetailMedia(c, uploads)
	}
	return all, err
}

// appendEdit draws a version of a post.
//
// spec: masto:entities/StatusEdit
func (d *drawing) appendEdit(b []byte, c *store.Content, options []string, account []byte, local bool) []byte {
	o := begin(b)
	o.str("content", c.HTML)
	o.str("spoiler_text", c.Spoiler)
	o.flag("sensitive", c.Sensitive)
	o.time("created_at", c.Published)
	o.raw("account", string(account))
	if options != nil {
		poll := o.nest("poll")
		poll.list("options", len(options), func(b []byte, i int) []byte {
			one := begin(b)
			one.str("title", options[i])
			return one.close()
		})
		o.end(poll)
	}
	o.list("media_attachments", len(c.Media), func(b []byte, i int) []byte { return d.appendMedia(b, &c.Media[i]) })
	o.list("emojis", len(c.Emoji), func(b []byte, i int) []byte { return d.appendEmoji(b, &c.Emoji[i], local) })
	o.raw("quote", "null")
	return o.close()
}

// act registers POST /api/v1/statuses/{id}/NAME: something that is done to a post
// and answered with it. do may return another status to be drawn, 0 for the post.
func act(name, scope string, do func(api *API, r *Request, st *store.Status) (int64, error)) struct{} {
	return route("POST /api/v1/statuses/{id}/"+name, scope, func(api *API, r *Request) (any, error) {
		st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if st.BoostOf != 0 { // Apps may name the boost; what is meant is the post.
			if st, err = api.visiblePost(r.Context(), r.User, itoa(st.BoostOf)); err != nil {
				return nil, err
			}
		}
		drawn, err := do(api, r, st)
		if err != nil {
			return nil, err
		}
		if drawn == 0 {
			drawn = st.ID
		}
		return api.drawStatus(r, drawn)
	})
}

// spec: masto:methods/statuses#favourite and the following
var (
	_ = act("favourite", "write:favourites", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.Pipeline.Favourite(r.Context(), r.User, st.ID)
	})
	_ = act("unfavourite", "write:favourites", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.Pipeline.Unfavourite(r.Context(), r.User, st.ID)
	})
	_ = act("reblog", "write:statuses", func(api *API, r *Request, st *store.Status) (int64, error) {
		return api.Pipeline.Boost(r.Context(), r.User, st.ID, r.String("visibility"))
	})
	_ = act("unreblog", "write:statuses", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.Pipeline.Unboost(r.Context(), r.User, st.ID)
	})
	_ = act("bookmark", "write:bookmarks", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetBookmark(r.Context(), r.User.ID, st.ID, true) })
	})
	_ = act("unbookmark", "write:bookmarks", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.SetBookmark(r.Context(), r.User.ID, st.ID, false) })
	})
	_ = act("mute", "write:mutes", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.muteConversation(r, st, true)
	})
	_ = act("unmute", "write:mutes", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.muteConversation(r, st, false)
	})
	_ = act("pin", "write:accounts", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.Pipeline.Pin(r.Context(), r.User, st.ID, true)
	})
	_ = act("unpin", "write:accounts", func(api *API, r *Request, st *store.Status) (int64, error) {
		return 0, api.Pipeline.Pin(r.Context(), r.User, st.ID, false)
	})
)

func (api *API) muteConversation(r *Request, st *store.Status, on bool) error {
	return api.DB.Write(r.Context(), func(tx *store.Tx) error {
		return tx.MuteConversation(r.Context(), r.User.ID, st.Conversation, on)
	})
}

// Who did something to a post.
//
// spec: masto:methods/statuses#reblogged_by, #favourited_by
var (
	_ = route("GET /api/v1/statuses/{id}/reblogged_by", "?read:statuses", func(api *API, r *Request) (any, error) {
		return api.peopleAround(r, api.DB.BoostedBy)
	})
	_ = route("GET /api/v1/statuses/{id}/favourited_by", "?read:statuses", func(api *API, r *Request) (any, error) {
		return api.peopleAround(r, api.DB.FavouredBy)
	})
)

func (api *API) peopleAround(r *Request, read func(context.Context, int64, store.Page) ([]store.Cursor, error)) (any, error) {
	st, err := api.visiblePost(r.Context(), r.User, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	post := st.ID
	if st.BoostOf != 0 {
		post = st.BoostOf
	}
	page, err := r.page(somePeople)
	if err != nil {
		return nil, err
	}
	list, err := read(r.Context(), post, page)
	if err != nil {
		return nil, err
	}
	return api.drawPeople(r, list, page, prevBySince)
}

// drawPeople draws a page of accounts in the order of the list, and sets Link.
func (api *API) drawPeople(r *Request, list []store.Cursor, page store.Page, prev string) (any, error) {
	ids := make([]int64, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	if len(list) > 0 {
		r.links(prev, list[0].At, list[len(list)-1].At, len(list) == page.Limit || page.Min != 0)
	}
	drawn, err := api.people(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, 0, len(ids))
	for _, id := range ids {
		if one := drawn[id]; one != nil && !one.suspended {
			all = append(all, one.json)
		}
	}
	return r.drawn(appendAll(r.buffer(), all))
}
