package mastodon

import (
	"html"
	"net/url"
	"strings"

	"kenoma/internal/fault"
)

// oembed is how a page elsewhere shows a post of ours.
//
// spec: masto:methods/oembed#get, https://oembed.com
type oembed struct {
	Type         string `json:"type"`
	Version      string `json:"version"`
	Title        string `json:"title"`
	AuthorName   string `json:"author_name"`
	AuthorURL    string `json:"author_url"`
	ProviderName string `json:"provider_name"`
	ProviderURL  string `json:"provider_url"`
	CacheAge     int    `json:"cache_age"` // Seconds.
	HTML         string `json:"html"`
	Width        int64  `json:"width"`
	Height       *int64 `json:"height"`
}

// oembedWidth is the width without maxwidth, in pixels.
const oembedWidth = 400

// Only public and unlisted posts of ours can be shown elsewhere.
var _ = route("GET /api/oembed", "",
	func(api *API, r *Request) (any, error) {
		ctx := r.Context()
		number, ok := api.postNumber(r.String("url"))
		if !ok {
			return nil, errNotFound()
		}
		st, err := api.visiblePost(ctx, nil, number)
		if err != nil {
			return nil, err
		}
		if !st.Local || st.BoostOf != 0 {
			return nil, errNotFound()
		}
		width, err := r.Int("maxwidth", oembedWidth)
		if err != nil || width < 1 || width > 10_000 {
			return nil, fault.New(fault.Malformed, "maxwidth must be a number of pixels.")
		}
		author, err := api.loadPeople(ctx, []int64{st.Actor})
		if err != nil {
			return nil, err
		}
		contents, err := api.DB.Contents(ctx, []int64{st.ID})
		if err != nil {
			return nil, err
		}
		by, c := author[st.Actor], contents[st.ID]
		if by == nil || c == nil || by.actor.Suspended != 0 {
			return nil, errNotFound()
		}
		name := by.actor.Username
		if by.profile != nil && by.profile.DisplayName != "" {
			name = by.profile.DisplayName
		}
		page := orElse(string(c.URL), string(c.URI))
		shown := c.HTML
		if c.Spoiler != "" || c.Sensitive {
			shown = "<p>" + html.EscapeString(orElse(c.Spoiler, "Sensitive content")) + "</p>"
		}
		text := `<blockquote class="mastodon-embed" cite="` + html.EscapeString(page) + `">` + shown + `<p><a href="` + html.EscapeString(page) + `">` + html.EscapeString(name) + ` (@` +
			html.EscapeString(by.actor.Username+"@"+api.Domain) + `)</a></p></blockquote>`
		return oembed{Type: "rich", Version: "1.0", Title: "A post by " + name, AuthorName: name, AuthorURL: api.URL + "/@" + by.actor.Username,
			ProviderName: api.Domain, ProviderURL: api.URL, CacheAge: 86400, HTML: text, Width: width}, nil
	})

// postNumber is the number in an address of a post of ours: its page's or its id.
func (api *API) postNumber(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return "", false
	}
	own, err := url.Parse(api.URL)
	if err != nil || !strings.EqualFold(u.Host, own.Host) {
		return "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 || parts[0] != "objects" && !strings.HasPrefix(parts[0], "@") {
		return "", false
	}
	return parts[1], true
}
