package mastodon

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"kenoma/internal/media"
	"kenoma/internal/store"
)

// mastodonVersion is the API level that apps read first.
const mastodonVersion = "4.6.0"

// apiVersion switches features on in apps: grouped notifications (2), filters that
// blur (5), quotes (7), the profile's own method (9), collections (10).
//
// spec: masto:entities/Instance#api_versions
const apiVersion = 10

const (
	urlCharacters    = 23
	nameCharacters   = 100
	fieldCharacters  = 2047
	matrixLimit      = 40_000_000
	pollShortest     = 300
	pollLongest      = 2_629_746
	countsRemembered = 5 * time.Minute
)

// numbers remembers what is expensive to count.
type numbers struct {
	mu     sync.Mutex
	counts store.InstanceCounts
	until  time.Time
}

func (api *API) instanceCounts(ctx context.Context) (store.InstanceCounts, error) {
	n := &api.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	now := api.Now()
	if now.Before(n.until) {
		return n.counts, nil
	}
	counts, err := api.DB.InstanceCounts(ctx, now.AddDate(0, -1, 0).UnixMilli())
	if err != nil {
		return counts, err
	}
	n.counts, n.until = counts, now.Add(countsRemembered)
	return counts, nil
}

func (api *API) version() string {
	return mastodonVersion + " (compatible; Kenoma " + strings.TrimPrefix(api.Settings.Version, "v") + ")"
}

func (api *API) streamingURL() string { return "ws" + strings.TrimPrefix(api.URL, "http") }

type rule struct {
	ID           string                    `json:"id"`
	Text         string                    `json:"text"`
	Hint         string                    `json:"hint"`
	Translations map[string]store.RuleText `json:"translations"`
}

// configuration is what apps must know before they let people write.
func (api *API) configuration() map[string]any {
	s := api.Settings
	return map[string]any{
		"urls":     map[string]any{"streaming": api.streamingURL(), "status": orNil(s.StatusURL), "about": api.URL + "/about", "privacy_policy": api.URL + "/privacy-policy", "terms_of_service": api.termsURL()},
		"vapid":    map[string]any{"public_key": api.vapidKey()},
		"accounts": map[string]any{"max_display_name_length": nameCharacters, "max_note_length": s.BioCharacters, "max_avatar_description_length": s.DescriptionCharacters, "max_header_description_length": s.DescriptionCharacters, "max_featured_tags": maxFeatured, "max_pinned_statuses": api.Pipeline.MaxPins, "max_profile_fields": s.ProfileFields, "profile_field_name_limit": fieldCharacters, "profile_field_value_limit": fieldCharacters},
		"statuses": map[string]any{"max_characters": s.StatusCharacters, "max_media_attachments": s.StatusAttachments, "characters_reserved_per_url": urlCharacters},
		"media_attachments": map[string]any{"supported_mime_types": api.uploadTypes(), "description_limit": s.DescriptionCharacters, "image_size_limit": s.MaxImage, "image_matrix_limit": matrixLimit,
			"video_size_limit": s.MaxVideo, "video_frame_rate_limit": api.filmLimits().Rate, "video_matrix_limit": api.filmLimits().Pixels},
		"polls":       map[string]any{"max_options": s.PollOptions, "max_characters_per_option": s.PollOptionCharacters, "min_expiration": pollShortest, "max_expiration": pollLongest},
		"translation": map[string]any{"enabled": api.Translate != nil},
		"timelines_access": map[string]any{"live_feeds": map[string]string{"local": "public", "remote": "public"}, "hashtag_feeds": map[string]string{"local": "public", "remote": "public"},
			"trending_link_feeds": map[string]string{"local": "authenticated", "remote": "disabled"}},
		"limited_federation": api.Pipeline.LimitedFederation,
	}
}

// uploadTypes are the types of files that may be uploaded to this machine.
func (api *API) uploadTypes() []string {
	if api.Uploads == nil {
		return []string{}
	}
	return api.Uploads.Processor.UploadTypes()
}

// filmLimits are what bounds video.
func (api *API) filmLimits() media.FilmLimits {
	if api.Uploads == nil {
		return media.FilmLimits{}
	}
	return api.Uploads.Processor.Limits()
}

func (api *API) languages() []string {
	if len(api.Settings.Languages) == 0 {
		return []string{}
	}
	return api.Settings.Languages
}

// pleromaInstance is what Pleroma's clients look for.
//
// spec: pleroma:instance
func (api *API) pleromaInstance() map[string]any {
	features := []string{"pleroma_api", "mastodon_api", "polls", "mastodon_api_streaming", "editing", "pleroma_emoji_reactions"}
	if !api.Pipeline.Reactions.NoCustom {
		features = append(features, "custom_emoji_reactions", "pleroma_custom_emoji_reactions")
	}
	return map[string]any{"metadata": map[string]any{"features": features,
		"federation": map[string]any{"enabled": true}, "fields_limits": map[string]int{"max_fields": api.Settings.ProfileFields, "max_remote_fields": 50, "name_length": fieldCharacters, "value_length": fieldCharacters},
		"post_formats": []string{"text/plain", "text/markdown", "text/html"}}, "stats": map[string]any{"mau": 0}}
}

// spec: masto:methods/instance#v2, masto:methods/instance#v1
var (
	_ = route("GET /api/v2/instance", "", func(api *API, r *Request) (any, error) {
		n, err := api.instanceCounts(r.Context())
		if err != nil {
			return nil, err
		}
		s := api.Settings
		about, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		contact, err := api.contactAccount(r.Context(), about)
		if err != nil {
			return nil, err
		}
		return map[string]any{"domain": api.Domain, "title": about.title, "version": api.version(), "source_url": "", "description": about.description, "wrapstodon": nil,
			"usage": map[string]any{"users": map[string]any{"active_month": n.ActiveMonth}}, "thumbnail": map[string]any{"url": api.URL + "/static/header.svg", "description": "", "versions": map[string]string{"@1x": api.URL + "/static/header.svg", "@2x": api.URL + "/static/header.svg"}}, "icon": api.icons(),
			"languages": api.languages(), "configuration": api.configuration(),
			"registrations": map[string]any{"enabled": s.Registrations != "closed", "approval_required": s.Registrations == "approval", "reason_required": s.Registrations == "approval",
				"message": orNil(about.message), "min_age": minAge(s.MinimumAge), "url": api.signUpURL()},
			"api_versions": map[string]any{"mastodon": apiVersion}, "contact": map[string]any{"email": about.contact, "account": contact}, "rules": about.rules, "pleroma": api.pleromaInstance()}, nil
	})
	_ = route("GET /api/v1/instance", "", func(api *API, r *Request) (any, error) {
		n, err := api.instanceCounts(r.Context())
		if err != nil {
			return nil, err
		}
		s := api.Settings
		about, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		contact, err := api.contactAccount(r.Context(), about)
		if err != nil {
			return nil, err
		}
		c := api.configuration()
		accounts := map[string]any{"max_featured_tags": maxFeatured}
		statuses := c["statuses"].(map[string]any)
		m := c["media_attachments"].(map[string]any)
		return map[string]any{"uri": api.Domain, "title": about.title, "short_description": about.description, "description": about.description, "email": about.contact, "version": api.version(),
			"urls":  map[string]any{"streaming_api": api.streamingURL()},
			"stats": map[string]any{"user_count": n.Users, "status_count": n.Statuses, "domain_count": n.Domains}, "thumbnail": api.URL + "/static/header.svg", "languages": api.languages(),
			"registrations": s.Registrations != "closed", "approval_required": s.Registrations == "approval", "invites_enabled": s.Registrations == "invite",
			"configuration": map[string]any{"accounts": accounts,
				"statuses":          map[string]any{"max_characters": statuses["max_characters"], "max_media_attachments": statuses["max_media_attachments"], "characters_reserved_per_url": urlCharacters},
				"media_attachments": map[string]any{"supported_mime_types": m["supported_mime_types"], "image_size_limit": m["image_size_limit"], "image_matrix_limit": matrixLimit, "video_size_limit": m["video_size_limit"], "video_frame_rate_limit": m["video_frame_rate_limit"], "video_matrix_limit": m["video_matrix_limit"]},
				"polls":             c["polls"]},
			"contact_account": contact, "rules": about.rules,
			// What Pleroma's clients read instead of the configuration.
			"max_toot_chars": s.StatusCharacters, "max_media_attachments": s.StatusAttachments, "description_limit": s.DescriptionCharacters,
			"poll_limits":  map[string]any{"max_options": s.PollOptions, "max_option_chars": s.PollOptionCharacters, "min_expiration": pollShortest, "max_expiration": pollLongest},
			"upload_limit": max(s.MaxImage, s.MaxVideo), "avatar_upload_limit": s.MaxImage, "background_upload_limit": s.MaxImage, "banner_upload_limit": s.MaxImage,
			"vapid_public_key": api.vapidKey(), "pleroma": api.pleromaInstance()}, nil
	})
	_ = route("GET /api/v1/instance/rules", "", func(api *API, r *Request) (any, error) { return api.rules(r.Context()) })
	_ = route("GET /api/v1/preferences", "read:accounts", func(api *API, r *Request) (any, error) {
		p := r.Session.Account.Preferences
		var language any
		if p.Language != "" {
			language = p.Language
		}
		return map[string]any{"posting:default:visibility": orElse(p.Visibility, "public"), "posting:default:sensitive": p.Sensitive, "posting:default:language": language,
			"posting:default:quote_policy": quotePolicy(p), "reading:expand:media": "default", "reading:expand:spoilers": false}, nil
	})
	_ = route("GET /api/v1/custom_emojis", "", func(api *API, r *Request) (any, error) {
		all, err := api.DB.AllEmoji(r.Context())
		if err != nil {
			return nil, err
		}
		list := []json.RawMessage{}
		for i := range all {
			list = append(list, api.appendOwnEmoji(nil, &all[i]))
		}
		return list, nil
	})
)

// icons are the server's own picture in the sizes that apps look for.
//
// spec: masto:entities/Instance#icon
func (api *API) icons() []map[string]string {
	list := []map[string]string{}
	for _, size := range []string{"36x36", "72x72", "192x192", "512x512"} {
		list = append(list, map[string]string{"src": api.URL + "/static/avatar.svg", "size": size})
	}
	return list
}

// termsURL is where the terms of service are read, nil where there are none.
func (api *API) termsURL() *string {
	if s := api.siteNow.now.Load(); s != nil && len(s.terms) > 0 {
		url := api.URL + "/terms-of-service"
		return &url
	}
	return nil
}
