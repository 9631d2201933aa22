package cards

import (
	"net/url"
	"strings"
	"testing"

	"kenoma/internal/store"
)

var at, _ = url.Parse("https://news.test/a/story")

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, html string
		want                    store.Card
	}{
		{"plain HTML", "", `<html lang="de-AT"><title> Guten
			Tag &amp; so </title><meta name=description content="Ein &lt;b&gt;Text">`,
			store.Card{Type: "link", Title: "Guten Tag & so", Description: "Ein <b>Text", Language: "de"}},
		{"OpenGraph before Twitter before the title", "", `<title>no</title><meta name="twitter:title" content="no"><meta property="og:title" content="Yes">
			<meta property="og:site_name" content="News"><meta property="og:image" content="/p.png"><meta property="og:image:alt" content="A cat">
			<meta property="og:image:width" content="640"><meta property="og:image:height" content="480px">
			<meta property="article:published_time" content="2024-05-01T12:00:00Z"><meta name="fediverse:creator" content="@ann@a.test">`,
			store.Card{Type: "link", Title: "Yes", Provider: "News", Image: "https://news.test/p.png", ImageDescription: "A cat", Width: 640, Height: 480,
				Published: 1714564800000, Creator: "ann@a.test"}},
		{"JSON-LD", "", `<script type="application/ld+json">{"@graph":[{"@type":"WebPage","name":"no"},{"@type":["NewsArticle"],"headline":"Head","description":"D",
			"author":[{"@type":"Person","name":"Ann","url":"/ann"}],"publisher":{"name":"The Paper"},"image":{"url":"i.jpg"},"datePublished":"2024-05-01","inLanguage":"pt_br"}]}</script>`,
			store.Card{Type: "link", Title: "Head", Description: "D", Author: "Ann", AuthorURL: "https://news.test/ann", Provider: "The Paper",
				Image: "https://news.test/a/i.jpg", Published: 1714521600000, Language: "pt-BR"}},
		{"broken JSON-LD", "", `<title>T</title><script type="application/ld+json">{"@type":</script>`, store.Card{Type: "link", Title: "T"}},
		{"a player", "", `<meta property=og:title content=V><meta name=twitter:player content="https://v.test/embed/1"><meta name=twitter:player:width content=640><meta name=twitter:player:height content=360>`,
			store.Card{Type: "video", Title: "V", Embed: "https://v.test/embed/1", Width: 640, Height: 360}},
		{"a player without encryption", "", `<title>V</title><meta name=twitter:player content="http://v.test/embed/1"><meta name=twitter:player:width content=640><meta name=twitter:player:height content=360>`,
			store.Card{Type: "link", Title: "V"}},
		{"a picture that is a script", "", `<title>T</title><meta property=og:image content="javascript:alert(1)">`, store.Card{Type: "link", Title: "T"}},
		{"Latin 1 by header", "text/html; charset=iso-8859-1", "<title>Caf\xe9</title>", store.Card{Type: "link", Title: "Café"}},
		{"Shift JIS by meta", "text/html", "<meta charset=shift_jis><title>\x93\xfa\x96\x7b</title>", store.Card{Type: "link", Title: "日本"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.URL = "https://news.test/x"
			got := parse([]byte(tt.html), tt.contentType, at).card("https://news.test/x")
			if got == nil || !same(got, &tt.want) {
				t.Errorf("\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
	if c := parse([]byte("<p>nothing"), "", at).card("https://news.test/x"); c != nil {
		t.Errorf("a page without a title has the card %+v", c)
	}
}

func TestEmbed(t *testing.T) {
	for _, tt := range []struct {
		name, doc string
		want      store.Card
	}{
		{"video", `{"version":"1.0","type":"video","title":"V","author_name":"Ann","author_url":"https://v.test/ann","provider_name":"Tube","provider_url":"https://v.test/",
			"thumbnail_url":"https://v.test/t.jpg","width":480,"height":"270","html":"<iframe onload=alert(1) src=\"//v.test/e?a=1&amp;b=2\"></iframe><script>x</script>"}`,
			store.Card{Type: "video", Title: "V", Author: "Ann", AuthorURL: "https://v.test/ann", Provider: "Tube", ProviderURL: "https://v.test/", Image: "https://v.test/t.jpg",
				Embed: "https://v.test/e?a=1&b=2", Width: 480, Height: 270}},
		{"photo", `{"version":1,"type":"photo","title":"P","url":"https://v.test/p.jpg","width":10,"height":20}`,
			store.Card{Type: "photo", Title: "P", Image: "https://v.test/p.jpg", Width: 10, Height: 20}},
		{"rich is HTML of strangers", `{"version":"1.0","type":"rich","title":"no","html":"<script>"}`, store.Card{Type: "link"}},
		{"a video without a frame", `{"version":"1.0","type":"video","title":"V","html":"<script src=https://v.test></script>"}`, store.Card{Type: "link", Title: "V"}},
		{"a frame of a script", `{"version":"1.0","type":"video","title":"V","html":"<iframe src=\"javascript:alert(1)\">"}`, store.Card{Type: "link", Title: "V"}},
		{"no JSON", `<html>`, store.Card{Type: "link"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := &store.Card{Type: "link"}
			applyEmbed([]byte(tt.doc), &page{base: at}, got)
			if !same(got, &tt.want) {
				t.Errorf("\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// FuzzParse wants bounded cards of anything, with addresses that are addresses.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`<title>x</title><meta property=og:image content=/x.png>`), "text/html")
	f.Add([]byte(`<script type="application/ld+json">[[{"@type":"Article","headline":["x"],"image":{}}]]</script>`), "text/html; charset=utf-16")
	f.Add([]byte(`{"version":"1.0","type":"video","html":"<iframe src=https://x>"}`), "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		p := parse(body, contentType, at)
		c := p.card("https://news.test/x")
		if c == nil {
			c = &store.Card{Type: "link"}
		}
		applyEmbed(body, p, c)
		for _, u := range []string{c.Image, c.Embed, c.AuthorURL, c.ProviderURL} {
			if u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
				t.Errorf("address %q", u)
			}
		}
		if len([]rune(c.Title)) > titleLength || len([]rune(c.Description)) > descriptionLength || c.Width < 0 || c.Width > maxSize {
			t.Errorf("unbounded: %+v", c)
		}
		if c.Type == "video" && !strings.HasPrefix(c.Embed, "https://") {
			t.Errorf("player %q", c.Embed)
		}
	})
}
