package cards

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// Bounds of what is looked at in a page.
const (
	maxMetas   = 300
	maxText    = 4 << 10 // Bytes of one text.
	maxScripts = 8       // JSON-LD documents.
	maxScript  = 128 << 10
	maxSize    = 10_000 // Pixels.

	titleLength       = 300 // Characters, as shown.
	descriptionLength = 1000
	nameLength        = 200
)

// page is what the head of a document says, as it says it.
type page struct {
	base     *url.URL
	metas    map[string]string // By property or name in lower case; the first counts.
	title    string
	language string
	oembed   string // Where a JSON oEmbed document is.
	articles []article
}

// parse reads an HTML document: contentType is as sent, and says the encoding
// unless the document knows better. It never fails; what it can't read is left out.
func parse(body []byte, contentType string, at *url.URL) *page {
	p := &page{base: at, metas: map[string]string{}}
	encoding, _, _ := charset.DetermineEncoding(body[:min(len(body), 1024)], contentType)
	if decoded, err := encoding.NewDecoder().Bytes(body); err == nil {
		body = decoded
	}
	z := html.NewTokenizer(bytes.NewReader(body))
	z.SetMaxBuf(maxScript)
	scripts := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return p
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.DataAtom {
			case atom.Html:
				p.language = attribute(t, "lang")
			case atom.Meta:
				p.meta(t)
			case atom.Link:
				p.link(t)
			case atom.Title:
				if z.Next() == html.TextToken && p.title == "" {
					p.title = clip(string(z.Text()))
				}
			case atom.Script:
				if strings.EqualFold(attribute(t, "type"), "application/ld+json") && scripts < maxScripts && z.Next() == html.TextToken {
					scripts++
					p.articles = append(p.articles, articlesIn(z.Text())...)
				}
			}
		}
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return strings.TrimSpace(clip(a.Val))
		}
	}
	return ""
}

// clip bounds a text.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

func (p *page) meta(t html.Token) {
	name := attribute(t, "property")
	if name == "" {
		name = attribute(t, "name")
	}
	name = strings.ToLower(name)
	if _, had := p.metas[name]; name == "" || had || len(p.metas) >= maxMetas {
		return
	}
	if content := attribute(t, "content"); content != "" {
		p.metas[name] = content
	}
}

// link finds where the oEmbed document is.
//
// spec: oembed#discovery
func (p *page) link(t html.Token) {
	if p.oembed == "" && strings.EqualFold(attribute(t, "rel"), "alternate") && strings.EqualFold(attribute(t, "type"), "application/json+oembed") {
		p.oembed = p.address(attribute(t, "href"))
	}
}

// address resolves an address of the page; "" for what is neither http nor https.
func (p *page) address(s string) string {
	u, err := p.base.Parse(s)
	if s == "" || err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	if s = u.String(); len(s) > maxText {
		return ""
	}
	return s
}

// first returns the first of these metas that is there.
func (p *page) first(names ...string) string {
	for _, n := range names {
		if v := p.metas[n]; v != "" {
			return v
		}
	}
	return ""
}

// text is a text on one line of at most limit characters.
func text(s string, limit int) string {
	return markup.Excerpt(html.EscapeString(html.UnescapeString(s)), limit)
}

// card makes a card of what the page says: OpenGraph before Twitter's metas before
// JSON-LD before plain HTML. nil where it says no title.
//
// spec: ogp.me, schema.org/NewsArticle
func (p *page) card(link string) *store.Card {
	a := best(p.articles)
	c := &store.Card{URL: link, Type: "link"}
	c.Title = text(or(p.first("og:title", "twitter:title"), a.title, p.title), titleLength)
	c.Description = text(or(p.first("og:description", "twitter:description"), a.description, p.first("description")), descriptionLength)
	c.Provider = text(or(p.first("og:site_name"), a.publisher, p.first("application-name")), nameLength)
	c.Language = language(or(p.language, a.language, p.first("og:locale", "content-language")))
	c.Author = text(or(a.author, p.first("author", "dc.creator")), nameLength)
	c.AuthorURL = p.address(a.authorURL)
	if by := p.first("article:author", "og:article:author"); by != "" {
		if strings.HasPrefix(by, "http") {
			c.AuthorURL = or(c.AuthorURL, p.address(by))
		} else {
			c.Author = or(c.Author, text(by, nameLength))
		}
	}
	c.Image = p.address(or(p.first("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"), a.image))
	if c.Image != "" {
		c.ImageDescription = text(p.first("og:image:alt", "twitter:image:alt"), descriptionLength)
		c.Width, c.Height = size(p.first("og:image:width")), size(p.first("og:image:height"))
	}
	c.Published = timestamp(or(p.first("article:published_time", "og:article:published_time"), a.published))
	c.Creator = strings.TrimPrefix(clip(p.first("fediverse:creator")), "@")
	p.player(c)
	if c.Title == "" {
		return nil
	}
	return c
}

// player makes c a video where the page offers one that can be put into a frame.
func (p *page) player(c *store.Card) {
	if kind := p.first("og:video:type"); kind != "" && !strings.HasPrefix(kind, "text/html") && p.metas["twitter:player"] == "" {
		return // A file, which is no page.
	}
	at := p.address(p.first("twitter:player", "og:video:secure_url", "og:video:url", "og:video"))
	if !strings.HasPrefix(at, "https://") {
		return
	}
	if p.metas["twitter:player"] == "" && p.metas["og:video:type"] == "" {
		return
	}
	w, h := size(p.first("twitter:player:width", "og:video:width")), size(p.first("twitter:player:height", "og:video:height"))
	if w == 0 || h == 0 {
		return
	}
	c.Type, c.Embed, c.Width, c.Height = "video", at, w, h
}

func or(all ...string) string {
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// size reads a number of pixels; 0 for what is none.
func size(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil || n < 0 || n > maxSize {
		return 0
	}
	return n
}

// language returns the code of a language as posts have it: en, or pt-BR.
func language(s string) string {
	s = strings.ReplaceAll(s, "_", "-")
	primary, region, _ := strings.Cut(s, "-")
	if len(primary) < 2 || len(primary) > 3 || strings.Trim(strings.ToLower(primary), "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	primary = strings.ToLower(primary)
	if (primary == "zh" || primary == "pt") && len(region) == 2 {
		return primary + "-" + strings.ToUpper(region)
	}
	return primary
}

// timestamp reads a date in ms; 0 for what is none, or is not between 1970 and 2200.
func timestamp(s string) int64 {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
			return t.UnixMilli()
		}
	}
	return 0
}
