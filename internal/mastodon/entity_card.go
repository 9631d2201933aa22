package mastodon

import (
	"html"
	"strconv"

	"kenoma/internal/store"
)

// appendCard draws a preview card; authors are accounts as drawn. Pictures come
// through the proxy. The frame of a video is made here, around nothing but its
// address: it runs in a sandbox, without a way to the page around it.
//
// spec: masto:entities/PreviewCard
func (d *drawing) appendCard(b []byte, c *store.Card, authors map[int64]*face) []byte {
	o := begin(b)
	d.cardBody(o, c, authors)
	return o.close()
}

func (d *drawing) cardBody(o *object, c *store.Card, authors map[int64]*face) {
	o.str("url", c.URL)
	o.str("title", c.Title)
	o.str("description", c.Description)
	o.strOr("language", c.Language)
	o.str("type", c.Type)
	o.str("author_name", c.Author)
	o.str("author_url", c.AuthorURL)
	o.str("provider_name", c.Provider)
	o.str("provider_url", c.ProviderURL)
	frame, embed := "", ""
	switch c.Type {
	case "video":
		frame = `<iframe src="` + html.EscapeString(c.Embed) + `" width="` + strconv.Itoa(c.Width) + `" height="` + strconv.Itoa(c.Height) +
			`" sandbox="allow-scripts allow-same-origin allow-popups allow-forms" allow="fullscreen" referrerpolicy="strict-origin" frameborder="0"></iframe>`
	case "photo":
		embed = d.remote(c.Image)
	}
	o.str("html", frame)
	o.num("width", int64(c.Width))
	o.num("height", int64(c.Height))
	image := ""
	if c.Image != "" {
		image = d.remote(c.Image)
	}
	o.strOr("image", image)
	o.str("image_description", c.ImageDescription)
	o.str("embed_url", embed)
	o.raw("blurhash", "null")
	if c.Published > 0 {
		o.str("published_at", strconv.FormatInt(c.Published/1000, 10))
	} else {
		o.raw("published_at", "null")
	}
	known := 0
	for _, a := range c.Authors {
		if authors[a.Actor] != nil {
			known++
		}
	}
	if c.Creator != "" {
		o.flag("missing_attribution", known == 0)
	} else {
		o.raw("missing_attribution", "null")
	}
	if known == 0 {
		o.list("authors", min(1, len(c.Author)), func(b []byte, _ int) []byte {
			one := begin(b)
			one.str("name", c.Author)
			one.str("url", c.AuthorURL)
			one.raw("account", "null")
			return one.close()
		})
		return
	}
	o.list("authors", len(c.Authors), func(b []byte, i int) []byte {
		one := begin(b)
		one.str("name", c.Author)
		one.str("url", c.AuthorURL)
		one.key("account")
		if f := authors[c.Authors[i].Actor]; f != nil {
			one.b = append(one.b, f.json...)
		} else {
			one.b = append(one.b, "null"...)
		}
		return one.close()
	})
}

// cardAuthors are the accounts that cards name.
func cardAuthors(contents map[int64]*store.Content) []int64 {
	var all []int64
	for _, c := range contents {
		if c.Card != nil {
			for _, a := range c.Card.Authors {
				all = append(all, a.Actor)
			}
		}
	}
	return all
}

// spec: masto:methods/statuses#card
var _ = route("GET /api/v1/statuses/{id}/card", "?read:statuses", func(api *API, r *Request) (any, error) {
	ctx := r.Context()
	st, err := api.visiblePost(ctx, r.User, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	contents, err := api.DB.Contents(ctx, []int64{st.ID})
	if err != nil {
		return nil, err
	}
	c := contents[st.ID]
	if c == nil || c.Card == nil {
		return nil, errNotFound()
	}
	authors, err := api.people(ctx, cardAuthors(contents))
	if err != nil {
		return nil, err
	}
	return r.drawn(api.draw.appendCard(r.buffer(), c.Card, authors))
})
