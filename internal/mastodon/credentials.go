package mastodon

import (
	"context"
	"encoding/json"
	"html"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// credentials draws the person's own account, as it is now in the database.
//
// spec: masto:entities/CredentialAccount
func (api *API) credentials(ctx context.Context, id int64) (any, error) {
	people, err := api.loadPeople(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	p := people[id]
	if p == nil || p.account == nil {
		return nil, errToken
	}
	requests, err := api.DB.CountRequests(ctx, id)
	if err != nil {
		return nil, err
	}
	a := p.account
	var language any
	if a.Preferences.Language != "" {
		language = a.Preferences.Language
	}
	discoverable, indexable := true, false
	if p.profile != nil {
		indexable = p.profile.Indexable
		if p.profile.Discoverable != nil {
			discoverable = *p.profile.Discoverable
		}
	}
	source, err := marshal(map[string]any{"attribution_domains": append([]string{}, a.Preferences.AttributionDomains...), "note": a.Source.Note, "fields": sourceFields(p), "privacy": orElse(a.Preferences.Visibility, "public"),
		"sensitive": a.Preferences.Sensitive, "language": language, "follow_requests_count": requests, "hide_collections": a.Preferences.HideNetwork,
		"discoverable": discoverable, "indexable": indexable, "quote_policy": quotePolicy(a.Preferences),
		"pleroma": map[string]any{"show_role": true, "no_rich_text": false, "discoverable": discoverable, "actor_type": orElse(p.profile.Type, "Person"),
			"accepts_direct_messages_from": orElse(a.Preferences.DirectFrom, "everybody")}})
	if err != nil {
		return nil, err
	}
	role, err := marshal(drawRole(p.role))
	if err != nil {
		return nil, err
	}
	o := api.draw.drawAccount(nil, p)
	o.raw("source", string(source))
	o.raw("role", string(role))
	return json.RawMessage(o.close()), nil
}

// spec: masto:methods/accounts#verify_credentials, #update_credentials
var (
	_ = route("GET /api/v1/accounts/verify_credentials", "profile|read:accounts", func(api *API, r *Request) (any, error) {
		return api.credentials(r.Context(), r.User.ID)
	})
	_ = route("PATCH /api/v1/accounts/update_credentials", "write:accounts", func(api *API, r *Request) (any, error) {
		if err := api.updateCredentials(r); err != nil {
			return nil, err
		}
		return api.credentials(r.Context(), r.User.ID)
	})
	_ = route("DELETE /api/v1/profile/avatar", "write:accounts", dropPicture(func(a *vocab.Actor) { a.Icon = "" }))
	_ = route("DELETE /api/v1/profile/header", "write:accounts", dropPicture(func(a *vocab.Actor) { a.Image = "" }))
)

func dropPicture(change func(*vocab.Actor)) handler {
	return func(api *API, r *Request) (any, error) {
		if err := api.Pipeline.EditProfile(r.Context(), r.User, change); err != nil {
			return nil, err
		}
		return api.credentials(r.Context(), r.User.ID)
	}
}

// updateCredentials changes profile and preferences, as far as they are given. The
// pictures are made safe first; then the profile goes through the pipeline.
func (api *API) updateCredentials(r *Request) error {
	ctx := r.Context()
	pictures := map[string]vocab.IRI{}
	for _, one := range []struct {
		name    string
		purpose media.Purpose
	}{{"avatar", media.Avatar}, {"header", media.Header}} {
		if r.File(one.name) == nil {
			continue
		}
		url, err := api.picture(r, one.name, one.purpose)
		if err != nil {
			return err
		}
		pictures[one.name] = url
	}
	var account *store.Account
	if err := api.DB.Write(ctx, func(tx *store.Tx) (err error) { // Moderators may be writing to it as well.
		if account, err = tx.Account(ctx, r.User.ID); err != nil {
			return err
		}
		if err := api.readAccount(r, account); err != nil {
			return err
		}
		return tx.UpdateAccount(ctx, account)
	}); err != nil {
		return err
	}
	api.Auth.Forget()
	note := markup.Render(account.Source.Note, "text/plain", api.profileLinks(ctx, account.Source.Note))
	return api.Pipeline.EditProfile(ctx, r.User, func(a *vocab.Actor) { api.readProfile(r, a, account, pictures, note) })
}

// picture stores an avatar or header and returns its address.
func (api *API) picture(r *Request, name string, purpose media.Purpose) (vocab.IRI, error) {
	if api.Uploads == nil {
		return "", fault.New(fault.Unsupported, "This server takes no uploads.")
	}
	in, err := r.File(name).Open()
	if err != nil {
		return "", err
	}
	res, err := api.Uploads.Processor.Process(r.Context(), in, media.Options{Purpose: purpose})
	if err != nil {
		return "", err
	}
	defer res.Close()
	if res.Kind != media.Image {
		return "", fault.New(fault.Invalid, "Validation failed: %s must be a picture", name)
	}
	u := &store.Upload{ID: api.Pipeline.NewID(), Owner: r.User.ID, Created: api.Now().UnixMilli()} // Loose until the profile names it.
	if err := api.Uploads.Keep(r.Context(), u, res); err != nil {
		return "", err
	}
	if err := api.DB.Write(r.Context(), func(tx *store.Tx) error { return tx.InsertUpload(r.Context(), u) }); err != nil {
		return "", err
	}
	return vocab.IRI(api.mediaURL(u.File)), nil
}

// readAccount takes what is private: preferences and the profile as typed.
func (api *API) readAccount(r *Request, a *store.Account) error {
	if r.Has("note") {
		a.Source.Note = r.String("note")
		if n := len([]rune(a.Source.Note)); n > api.Settings.BioCharacters {
			return fault.New(fault.Invalid, "Validation failed: Note is too long (maximum is %d characters)", api.Settings.BioCharacters)
		}
	}
	if r.Has("fields_attributes") {
		a.Source.Fields = []store.SourceField{}
		for _, f := range r.List("fields_attributes") {
			name, value := cutRunes(strings.TrimSpace(f.String("name")), fieldCharacters), cutRunes(strings.TrimSpace(f.String("value")), fieldCharacters)
			if name == "" && value == "" {
				continue
			}
			a.Source.Fields = append(a.Source.Fields, store.SourceField{Name: name, Value: value})
		}
		if len(a.Source.Fields) > api.Settings.ProfileFields {
			return fault.New(fault.Invalid, "Validation failed: Fields are too many (maximum is %d)", api.Settings.ProfileFields)
		}
	}
	if v := r.String("source[privacy]"); v != "" {
		if _, ok := vocab.VisibilityNamed(v); !ok {
			return fault.New(fault.Invalid, "Validation failed: Privacy is not included in the list")
		}
		a.Preferences.Visibility = v
	}
	if r.Has("source[sensitive]") {
		a.Preferences.Sensitive = r.Bool("source[sensitive]", false)
	}
	if r.Has("source[language]") {
		language := r.String("source[language]")
		if language != "" && !vocab.LanguageCode(language) {
			return fault.New(fault.Invalid, "Validation failed: Language is not valid")
		}
		a.Preferences.Language = language
	}
	if v := r.String("source[quote_policy]"); v != "" {
		if !slices.Contains(pipeline.Policies, v) {
			return fault.New(fault.Invalid, "Validation failed: Quote policy is not included in the list")
		}
		a.Preferences.QuotePolicy = v
	}
	if r.Has("allow_following_move") { // Pleroma's.
		a.Preferences.StayOnMove = !r.Bool("allow_following_move", true)
	}
	if v := r.String("accepts_direct_messages_from"); v != "" {
		if !slices.Contains(directFrom, v) {
			return fault.New(fault.Invalid, "Validation failed: Accepts direct messages from is not included in the list")
		}
		a.Preferences.DirectFrom = strings.TrimPrefix(v, "everybody")
	}
	if r.Has("hide_collections") {
		a.Preferences.HideNetwork = r.Bool("hide_collections", false)
	}
	return api.readShown(r, a)
}

// directFrom are from whom people may want direct messages.
//
// spec: pleroma:differences_in_mastoapi_responses (accepts_direct_messages_from)
var directFrom = []string{"everybody", "people_i_follow", "nobody"}

// readProfile takes what is public.
func (api *API) readProfile(r *Request, a *vocab.Actor, account *store.Account, pictures map[string]vocab.IRI, note string) {
	if r.Has("display_name") {
		a.Name = markup.DisplayName(cutRunes(r.String("display_name"), nameCharacters))
	}
	if url, ok := pictures["avatar"]; ok {
		a.Icon, a.IconType = url, ""
	}
	if url, ok := pictures["header"]; ok {
		a.Image, a.ImageType = url, ""
	}
	if r.Has("avatar_description") {
		a.IconDescription = cutRunes(r.String("avatar_description"), api.Settings.DescriptionCharacters)
	}
	if r.Has("header_description") {
		a.ImageDescription = cutRunes(r.String("header_description"), api.Settings.DescriptionCharacters)
	}
	if r.Has("note") {
		a.Summary = note
	}
	if r.Has("locked") {
		a.Locked = r.Bool("locked", false)
	}
	for _, flag := range []struct {
		name string
		to   **bool
	}{{"discoverable", &a.Discoverable}, {"indexable", &a.Indexable}} {
		if r.Has(flag.name) {
			yes := r.Bool(flag.name, false)
			*flag.to = &yes
		}
	}
	if r.Has("bot") {
		a.Type, a.Bot = "Person", r.Bool("bot", false)
		if a.Bot {
			a.Type = "Service"
		}
	}
	if r.Has("fields_attributes") {
		a.Fields = nil
		for _, f := range account.Source.Fields {
			a.Fields = append(a.Fields, vocab.Field{Name: f.Name, Value: fieldHTML(f.Value)})
		}
	}
}

// fieldHTML is the value of a profile's field: a link where it is an address, with
// rel="me" so that the other page can answer for the same person.
func fieldHTML(value string) string {
	if !isAddress(value) || strings.ContainsAny(value, " \t\n") {
		return html.EscapeString(value)
	}
	at := html.EscapeString(value)
	_, shown, _ := strings.Cut(at, "://")
	return `<a href="` + at + `" rel="me nofollow noopener noreferrer" target="_blank">` + shown + `</a>`
}

// profileLinks looks up who and what a profile's text names; only known people.
func (api *API) profileLinks(ctx context.Context, text string) markup.Links {
	known := map[string]*store.Actor{}
	lookup, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, handle := range markup.Scan(text, "text/plain").Mentions {
		if len(known) == 10 {
			break
		}
		if a, err := api.Pipeline.Resolve(lookup, handle); err == nil {
			known[strings.ToLower(handle)] = a
		}
	}
	return markup.Links{
		Mention: func(handle string) (href, url, username string, ok bool) {
			a := known[strings.ToLower(handle)]
			if a == nil {
				return "", "", "", false
			}
			return string(a.URI), string(a.URI), a.Username, true
		},
		Hashtag: func(tag string) string { return api.URL + "/tags/" + strings.ToLower(tag) },
	}
}
