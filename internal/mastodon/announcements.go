package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// announcement is Announcement.
//
// spec: masto:entities/Announcement
type announcement struct {
	ID          string            `json:"id"`
	Content     string            `json:"content"`
	StartsAt    *string           `json:"starts_at"`
	EndsAt      *string           `json:"ends_at"`
	AllDay      bool              `json:"all_day"`
	PublishedAt string            `json:"published_at"`
	UpdatedAt   string            `json:"updated_at"`
	Read        *bool             `json:"read,omitempty"`
	Mentions    []json.RawMessage `json:"mentions"`
	Statuses    []struct{}        `json:"statuses"`
	Tags        []json.RawMessage `json:"tags"`
	Emojis      []json.RawMessage `json:"emojis"`
	Reactions   []reaction        `json:"reactions"`
}

// reaction is Reaction.
//
// spec: masto:entities/Reaction
type reaction struct {
	Name      string `json:"name"`
	Count     int64  `json:"count"`
	Me        *bool  `json:"me,omitempty"`
	URL       string `json:"url,omitempty"`
	StaticURL string `json:"static_url,omitempty"`
}

// spec: masto:methods/announcements
var (
	_ = route("GET /api/v1/announcements", "user", func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		list, err := api.DB.Announcements(ctx, true, api.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		read, err := api.DB.ReadAnnouncements(ctx, r.User.ID)
		if err != nil {
			return nil, err
		}
		if !r.Bool("with_dismissed", false) {
			kept := list[:0]
			for _, a := range list {
				if !read[a.ID] {
					kept = append(kept, a)
				}
			}
			list = kept
		}
		return api.announcements(ctx, r.User, list, read)
	})
	_ = route("POST /api/v1/announcements/{id}/dismiss", "write:accounts", func(api *API, r *Request) (any, error) {
		a, err := api.announced(r)
		if err != nil {
			return nil, err
		}
		return empty, api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.DismissAnnouncement(r.Context(), r.User.ID, a.ID) })
	})
	_ = route("PUT /api/v1/announcements/{id}/reactions/{name}", "write:favourites", react(true))
	_ = route("DELETE /api/v1/announcements/{id}/reactions/{name}", "write:favourites", react(false))
)

func react(on bool) handler {
	return func(api *API, r *Request) (any, error) {
		a, err := api.announced(r)
		if err != nil {
			return nil, err
		}
		name := strings.Trim(r.PathValue("name"), ":")
		if name == "" {
			return nil, fault.New(fault.Invalid, "Validation failed: Name can't be blank")
		}
		return empty, api.Pipeline.React(r.Context(), r.User.ID, a.ID, name, on)
	}
}

// announced is the announcement of the path, as long as it stands.
func (api *API) announced(r *Request) (*store.Announcement, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	a, err := api.DB.Announcement(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if a.Published == 0 || a.Ends != 0 && a.Ends <= api.Now().UnixMilli() {
		return nil, errNotFound()
	}
	return a, nil
}

// announcements draws some for a reader, nil for nobody.
func (api *API) announcements(ctx context.Context, viewer *store.Actor, list []store.Announcement, read map[int64]bool) ([]announcement, error) {
	var who int64
	if viewer != nil {
		who = viewer.ID
	}
	ids := make([]int64, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	said, err := api.DB.AnnouncementReactions(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for i, a := range list {
		names = append(names, markup.Scan(a.Text, "text/markdown").Emoji...)
		for _, one := range said[ids[i]] {
			names = append(names, one.Name)
		}
	}
	own, err := api.ownEmoji(ctx, names)
	if err != nil {
		return nil, err
	}
	all := []announcement{}
	for i := range list {
		a := api.drawAnnouncement(&list[i], own)
		if viewer != nil {
			was := read[list[i].ID]
			a.Read = &was
		}
		for _, one := range said[list[i].ID] {
			drawn := api.drawReaction(one, own)
			if viewer != nil {
				me := one.Me
				drawn.Me = &me
			}
			a.Reactions = append(a.Reactions, drawn)
		}
		all = append(all, a)
	}
	return all, nil
}

// ownEmoji are those of the instance's own emoji that have these names.
func (api *API) ownEmoji(ctx context.Context, names []string) (map[string]store.OwnEmoji, error) {
	found := map[string]store.OwnEmoji{}
	if len(names) == 0 {
		return found, nil
	}
	list, err := api.DB.EmojiNamed(ctx, names)
	for _, e := range list {
		found[e.Shortcode] = e
	}
	return found, err
}

func (api *API) drawReaction(one store.Reaction, own map[string]store.OwnEmoji) reaction {
	drawn := reaction{Name: one.Name, Count: one.Count}
	if e, ok := own[one.Name]; ok {
		drawn.URL, drawn.StaticURL = api.mediaURL(e.File), api.mediaURL(orElse(e.Static, e.File))
	}
	return drawn
}

func (api *API) drawAnnouncement(a *store.Announcement, own map[string]store.OwnEmoji) announcement {
	found := markup.Scan(a.Text, "text/markdown")
	drawn := announcement{ID: itoa(a.ID), StartsAt: isoTime(a.Starts), EndsAt: isoTime(a.Ends), AllDay: a.AllDay, PublishedAt: *isoTime(a.Published),
		UpdatedAt: *isoTime(a.Updated), Mentions: []json.RawMessage{}, Statuses: []struct{}{}, Tags: []json.RawMessage{}, Emojis: []json.RawMessage{}, Reactions: []reaction{}}
	drawn.Content = markup.Render(a.Text, "text/markdown", markup.Links{Hashtag: api.draw.tagURL})
	for _, tag := range found.Hashtags {
		drawn.Tags = append(drawn.Tags, api.draw.appendTag(nil, tag))
	}
	for _, name := range found.Emoji {
		if e, ok := own[name]; ok {
			drawn.Emojis = append(drawn.Emojis, api.appendOwnEmoji(nil, &e))
		}
	}
	return drawn
}

// announcementEvent is the payload of a live event; nil when there is none any more.
//
// spec: masto:methods/streaming#announcement
func (api *API) announcementEvent(ctx context.Context, e *stream.Event) ([]byte, error) {
	if e.Kind == "announcement.delete" {
		return []byte(itoa(e.Announcement)), nil
	}
	var failed error
	payload := e.Once("announcement", func() []byte {
		b, err := api.drawAnnouncementEvent(context.WithoutCancel(ctx), e)
		failed = err
		return b
	})
	return payload, failed
}

func (api *API) drawAnnouncementEvent(ctx context.Context, e *stream.Event) ([]byte, error) {
	a, err := api.DB.Announcement(ctx, e.Announcement)
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Published == 0 {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if e.Kind == "announcement" {
		all, err := api.announcements(ctx, nil, []store.Announcement{*a}, nil)
		if err != nil {
			return nil, err
		}
		return marshal(all[0])
	}
	said, err := api.DB.AnnouncementReactions(ctx, 0, []int64{a.ID})
	if err != nil {
		return nil, err
	}
	now := store.Reaction{Name: e.Reaction}
	for _, one := range said[a.ID] {
		if one.Name == e.Reaction {
			now = one
		}
	}
	own, err := api.ownEmoji(ctx, []string{e.Reaction})
	if err != nil {
		return nil, err
	}
	return marshal(struct {
		reaction
		Announcement string `json:"announcement_id"`
	}{api.drawReaction(now, own), itoa(a.ID)})
}
