package pipeline

import (
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

const link = ` rel="nofollow noopener noreferrer" target="_blank">`

// TestRenderTitled shows what is more than a note: documents in the shapes of the
// platforms that send them.
func TestRenderTitled(t *testing.T) {
	for _, tt := range []struct {
		name, doc, html string
		link            string // Of the card.
		media           []store.Media
	}{
		{"a forum's note has a title and no link below", `{"type":"Note","id":"https://f.test/1","name":"Meeting","content":"<p>Thanks</p>"}`,
			`<p><strong>Meeting</strong></p><p>Thanks</p>`, "", nil},
		{"a title alone", `{"type":"Note","id":"https://f.test/1","name":"First task!"}`, `<p><strong>First task!</strong></p>`, "", nil},
		{"a text that repeats the title", `{"type":"Note","id":"https://f.test/1","name":"Hi there","content":"<p>Hi there</p>"}`, `<p><strong>Hi there</strong></p>`, "", nil},
		{"an article without a text has its excerpt", `{"type":"Article","id":"https://w.test/1","name":"On tea","summary":"Leaves.","url":"https://w.test/tea"}`,
			`<p><strong>On tea</strong></p>Leaves.<p><a href="https://w.test/tea"` + link + `https://w.test/tea</a></p>`, "https://w.test/tea", nil},
		{"a link post of a community", `{"type":"Page","id":"https://l.test/post/1","name":"Look","content":"<p>Nice</p>","attachment":[{"type":"Link","href":"https://news.test/a?b=1&c=2"}]}`,
			`<p><strong>Look</strong></p><p>Nice</p><p><a href="https://news.test/a?b=1&amp;c=2"` + link + `https://news.test/a?b=1&amp;c=2</a></p><p><a href="https://l.test/post/1"` + link + `https://l.test/post/1</a></p>`,
			"https://news.test/a?b=1&c=2", nil},
		{"a link to a picture is the picture", `{"type":"Page","id":"https://l.test/post/2","name":"Cat","attachment":[{"type":"Link","href":"https://l.test/cat.webp"}]}`,
			`<p><strong>Cat</strong></p><p><a href="https://l.test/post/2"` + link + `https://l.test/post/2</a></p>`, "", []store.Media{{Kind: "image", URL: "https://l.test/cat.webp"}}},
		{"a link that would run a script is none", `{"type":"Page","id":"https://l.test/post/3","name":"<b>x","attachment":[{"type":"Link","href":"javascript:alert(1)"}]}`,
			`<p><strong>x</strong></p><p><a href="https://l.test/post/3"` + link + `https://l.test/post/3</a></p>`, "https://l.test/post/3", nil},
		{"an event has a time and a place", `{"type":"Event","id":"https://m.test/1","name":"Party","startTime":"2026-05-01T18:00:00+02:00","endTime":"2026-05-01T20:30:00Z",
			"location":{"type":"Place","name":"Town hall","address":{"type":"PostalAddress","streetAddress":"1 Main St","postalCode":"10115","addressLocality":"Berlin","addressCountry":"Germany"}}}`,
			`<p><strong>Party</strong></p><p>📅 2026-05-01 16:00–20:30 UTC<br />📍 Town hall, 1 Main St, 10115 Berlin, Germany</p><p><a href="https://m.test/1"` + link + `https://m.test/1</a></p>`,
			"https://m.test/1", nil},
		{"of a video's files the largest up to 720 lines", `{"type":"Video","id":"https://p.test/v/1","name":"Film","mediaType":"text/markdown","content":"**Bold**","duration":"PT90S",
			"icon":[{"type":"Image","url":"https://p.test/small.jpg"}],"url":[{"type":"Link","mediaType":"text/html","href":"https://p.test/w/1"},
			{"type":"Link","mediaType":"application/x-mpegURL","href":"https://p.test/m.m3u8","tag":[{"type":"Link","mediaType":"video/mp4","href":"https://p.test/1080.mp4","height":1080},
			{"type":"Link","mediaType":"video/mp4","href":"https://p.test/720.mp4","height":720},{"type":"Link","mediaType":"video/mp4","href":"https://p.test/240.mp4","height":240}]}]}`,
			`<p><strong>Film</strong></p><p><strong>Bold</strong></p><p><a href="https://p.test/w/1"` + link + `https://p.test/w/1</a></p>`, "",
			[]store.Media{{Kind: "video", Mime: "video/mp4", URL: "https://p.test/720.mp4", Preview: "https://p.test/small.jpg", Description: "Film", Height: 720, Duration: 90}}},
		{"a recording", `{"type":"Audio","id":"https://fw.test/1","name":"Song","url":[{"type":"Link","mediaType":"audio/mpeg","href":"https://fw.test/1.mp3"}]}`,
			`<p><strong>Song</strong></p><p><a href="https://fw.test/1.mp3"` + link + `https://fw.test/1.mp3</a></p>`, "",
			[]store.Media{{Kind: "audio", Mime: "audio/mpeg", URL: "https://fw.test/1.mp3", Description: "Song"}}},
		{"a blog's picture", `{"type":"Article","id":"https://g.test/1","name":"A","content":"<p>B</p>","image":"https://g.test/hero.jpg"}`,
			`<p><strong>A</strong></p><p>B</p><p><a href="https://g.test/1"` + link + `https://g.test/1</a></p>`, "", []store.Media{{Kind: "image", URL: "https://g.test/hero.jpg"}}},
		{"a quotation from a book", `{"type":"Quotation","id":"https://b.test/1","quote":"To be","content":"<p>Well said</p>","inReplyToBook":"https://b.test/book/1"}`,
			`<blockquote>To be</blockquote><p>Well said</p><p><a href="https://b.test/book/1"` + link + `https://b.test/book/1</a></p>`, "https://b.test/book/1", nil},
		{"Markdown that is HTML", `{"type":"Note","id":"https://f.test/1","mediaType":"text/markdown","content":"<p>a <em>b</em></p>"}`, `<p>a <em>b</em></p>`, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := vocab.DecodeObject([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			c := render(o).content
			if c.HTML != tt.html {
				t.Errorf("got  %s\nwant %s", c.HTML, tt.html)
			}
			if c.Link != tt.link {
				t.Errorf("card for %q, want %q", c.Link, tt.link)
			}
			if len(c.Media) != len(tt.media) {
				t.Fatalf("media %+v, want %+v", c.Media, tt.media)
			}
			for i, m := range c.Media {
				m.ID, m.MediaDetail = 0, store.MediaDetail{}
				if m != tt.media[i] {
					t.Errorf("got  %+v\nwant %+v", m, tt.media[i])
				}
			}
		})
	}
}
