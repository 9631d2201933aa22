package mastodon

import (
	"context"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// profileField is Profile::Field: as typed.
type profileField struct {
	Name       string  `json:"name"`
	Value      string  `json:"value"`
	VerifiedAt *string `json:"verified_at"`
}

// profileEntity is Profile: what its owner edits.
//
// spec: masto:entities/Profile
type profileEntity struct {
	ID                 string         `json:"id"`
	DisplayName        string         `json:"display_name"`
	Note               string         `json:"note"`
	Fields             []profileField `json:"fields"`
	Avatar             *string        `json:"avatar"`
	AvatarStatic       *string        `json:"avatar_static"`
	AvatarDescription  string         `json:"avatar_description"`
	Header             *string        `json:"header"`
	HeaderStatic       *string        `json:"header_static"`
	HeaderDescription  string         `json:"header_description"`
	Locked             bool           `json:"locked"`
	Bot                bool           `json:"bot"`
	HideCollections    bool           `json:"hide_collections"`
	Discoverable       *bool          `json:"discoverable"`
	Indexable          bool           `json:"indexable"`
	ShowMedia          bool           `json:"show_media"`
	ShowMediaReplies   bool           `json:"show_media_replies"`
	ShowFeatured       bool           `json:"show_featured"`
	AttributionDomains []string       `json:"attribution_domains"`
	FeaturedTags       []featuredTag  `json:"featured_tags"`
}

// spec: masto:methods/profile
var (
	_ = route("GET /api/v1/profile", "profile|read:accounts", func(api *API, r *Request) (any, error) {
		return api.profile(r.Context(), r.User)
	})
	_ = route("PATCH /api/v1/profile", "write:accounts", func(api *API, r *Request) (any, error) {
		if err := api.updateCredentials(r); err != nil {
			return nil, err
		}
		return api.profile(r.Context(), r.User)
	})
)

func (api *API) profile(ctx context.Context, user *store.Actor) (any, error) {
	people, err := api.loadPeople(ctx, []int64{user.ID})
	if err != nil {
		return nil, err
	}
	p := people[user.ID]
	if p == nil || p.account == nil || p.profile == nil {
		return nil, errToken
	}
	tags, err := api.featuredTags(ctx, user)
	if err != nil {
		return nil, err
	}
	f, prefs := p.profile, p.account.Preferences
	picture := func(url vocab.IRI) *string {
		if url == "" {
			return nil
		}
		text := string(url)
		return &text
	}
	return profileEntity{ID: itoa(user.ID), DisplayName: f.DisplayName, Note: p.account.Source.Note, Fields: sourceFields(p),
		Avatar: picture(f.Avatar), AvatarStatic: picture(f.Avatar), AvatarDescription: f.AvatarDescription,
		Header: picture(f.Header), HeaderStatic: picture(f.Header), HeaderDescription: f.HeaderDescription,
		Locked: f.Locked, Bot: f.Bot, HideCollections: prefs.HideNetwork, Discoverable: f.Discoverable, Indexable: f.Indexable,
		ShowMedia: !prefs.HideMedia, ShowMediaReplies: !prefs.HideMediaReplies, ShowFeatured: !prefs.HideFeatured,
		AttributionDomains: append([]string{}, prefs.AttributionDomains...), FeaturedTags: tags}, nil
}

// sourceFields are the rows of a profile's table as typed, with when their links were
// verified.
func sourceFields(p *person) []profileField {
	fields := []profileField{}
	for i, f := range p.account.Source.Fields {
		one := profileField{Name: f.Name, Value: f.Value}
		if p.profile != nil && i < len(p.profile.Fields) {
			one.VerifiedAt = isoTime(p.profile.Fields[i].Verified)
		}
		fields = append(fields, one)
	}
	return fields
}

// maxDomains is how many sites may name an account as their author.
const maxDomains = 100

// readShown takes what a profile shows, and which sites may name the account as the
// author of their pages.
func (api *API) readShown(r *Request, a *store.Account) error {
	for _, flag := range []struct {
		name string
		to   *bool
	}{{"show_media", &a.Preferences.HideMedia}, {"show_media_replies", &a.Preferences.HideMediaReplies}, {"show_featured", &a.Preferences.HideFeatured}} {
		if r.Has(flag.name) {
			*flag.to = !r.Bool(flag.name, true)
		}
	}
	if !r.Has("attribution_domains") {
		return nil
	}
	a.Preferences.AttributionDomains = nil
	for _, text := range r.Strings("attribution_domains") {
		_, domain, ok := strings.Cut(text, "://")
		if !ok {
			domain = text
		}
		domain, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(domain)), "/")
		if domain = strings.TrimPrefix(domain, "www."); domain == "" {
			continue
		}
		if !isDomain(domain) || len(a.Preferences.AttributionDomains) == maxDomains {
			return fault.New(fault.Invalid, "Validation failed: Attribution domains are not valid")
		}
		a.Preferences.AttributionDomains = append(a.Preferences.AttributionDomains, domain)
	}
	return nil
}

// isDomain tells whether a text has the form of a host's name with a dot.
func isDomain(text string) bool {
	labels := strings.Split(text, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && len(text) <= 253
}
