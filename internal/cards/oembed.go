package cards

import (
	"context"
	"encoding/json"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// embed is an oEmbed document.
//
// spec: oembed#response-parameters
type embed struct {
	Type         string      `json:"type"`
	Title        string      `json:"title"`
	AuthorName   string      `json:"author_name"`
	AuthorURL    string      `json:"author_url"`
	ProviderName string      `json:"provider_name"`
	ProviderURL  string      `json:"provider_url"`
	URL          string      `json:"url"`
	HTML         string      `json:"html"`
	Thumbnail    string      `json:"thumbnail_url"`
	Width        json.Number `json:"width"` // Some send texts: "100%".
	Height       json.Number `json:"height"`
}

// maxEmbed is how long an oEmbed document may be.
const maxEmbed = 64 << 10

// addEmbed completes a card by the oEmbed document that the page names. A document
// that can't be had or read changes nothing.
func (s *Service) addEmbed(ctx context.Context, p *page, c *store.Card) error {
	resp, err := s.Remote.Page(ctx, vocab.IRI(p.oembed), remote.JSON, maxEmbed)
	if err != nil {
		if fault.Retryable(err) {
			return err
		}
		return nil
	}
	applyEmbed(resp.Body, p, c)
	return nil
}

func applyEmbed(doc []byte, p *page, c *store.Card) {
	e := readEmbed(doc)
	if e == nil {
		return
	}
	c.Title = or(c.Title, text(e.Title, titleLength))
	c.Author = or(text(e.AuthorName, nameLength), c.Author)
	c.AuthorURL = or(p.address(e.AuthorURL), c.AuthorURL)
	c.Provider = or(text(e.ProviderName, nameLength), c.Provider)
	c.ProviderURL = p.address(e.ProviderURL)
	w, h := size(e.Width.String()), size(e.Height.String())
	thumbnail := p.address(e.Thumbnail)
	switch e.Type {
	case "link":
		c.Image = or(c.Image, thumbnail)
	case "photo":
		if at := p.address(e.URL); at != "" {
			c.Type, c.Image, c.Width, c.Height, c.Embed = "photo", at, w, h, ""
		}
	case "video":
		c.Image = or(thumbnail, c.Image)
		if at := frameIn(e.HTML); at != "" {
			c.Type, c.Embed, c.Width, c.Height = "video", at, w, h
		}
	}
}

// readEmbed decodes the document, forgiving sizes that are no numbers; nil when it
// is none of version 1 and a type that can be shown. HTML of type rich is not.
func readEmbed(doc []byte) *embed {
	var loose map[string]json.RawMessage
	if json.Unmarshal(doc, &loose) != nil {
		return nil
	}
	take := func(key string) string {
		var v any
		if json.Unmarshal(loose[key], &v) != nil {
			return ""
		}
		switch v := v.(type) {
		case string:
			return v
		case float64:
			if v >= 0 && v <= maxSize {
				return json.Number(itoa(int(v))).String()
			}
		}
		return ""
	}
	e := &embed{Type: take("type"), Title: clip(take("title")), AuthorName: clip(take("author_name")), AuthorURL: clip(take("author_url")),
		ProviderName: clip(take("provider_name")), ProviderURL: clip(take("provider_url")), URL: clip(take("url")), HTML: take("html"),
		Thumbnail: clip(take("thumbnail_url")), Width: json.Number(take("width")), Height: json.Number(take("height"))}
	if !strings.HasPrefix(take("version"), "1") || e.Type != "link" && e.Type != "photo" && e.Type != "video" {
		return nil
	}
	return e
}

// frameIn returns the https address of the frame that the HTML consists of; nothing
// else of the HTML is ever used.
func frameIn(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	z.SetMaxBuf(maxEmbed)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			if t := z.Token(); t.DataAtom == atom.Iframe {
				at := attribute(t, "src")
				if strings.HasPrefix(at, "//") {
					at = "https:" + at
				}
				if u := (&page{base: nowhere}).address(at); strings.HasPrefix(u, "https://") {
					return u
				}
				return ""
			}
		}
	}
}
