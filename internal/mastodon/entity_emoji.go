package mastodon

import "kenoma/internal/store"

// appendOwnEmoji draws one of the instance's own emoji.
//
// spec: masto:entities/CustomEmoji
func (api *API) appendOwnEmoji(b []byte, e *store.OwnEmoji) []byte {
	o := begin(b)
	o.str("shortcode", e.Shortcode)
	o.str("url", api.mediaURL(e.File))
	o.str("static_url", api.mediaURL(orElse(e.Static, e.File)))
	o.flag("visible_in_picker", e.Visible)
	o.strOr("category", e.Category)
	return o.close()
}
