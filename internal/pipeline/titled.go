package pipeline

import (
	"html"
	"strings"
	"time"

	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// maxLinks is how many links that hang on a post are shown below its text.
const maxLinks = 10

// body is the text of a post as safe HTML. What is labelled as Markdown or plain
// text but is HTML is taken as that.
func body(o *vocab.Object) string {
	text := cut(o.Content, maxContent)
	kind, _, _ := strings.Cut(o.MediaType, ";")
	switch kind = strings.TrimSpace(strings.ToLower(kind)); {
	case strings.HasPrefix(strings.TrimSpace(text), "<"):
	case kind == "text/markdown", kind == "text/plain":
		return strings.TrimSpace(markup.Render(text, kind, markup.Links{}))
	}
	return markup.Sanitize(text)
}

// heading is a title as the first paragraph of a post.
func heading(title string) string {
	if title == "" {
		return ""
	}
	return "<p><strong>" + html.EscapeString(title) + "</strong></p>"
}

// entitle shows the title of a note, as forums give their posts one. A text that only
// repeats it is left out.
func (r *rendering) entitle(o *vocab.Object) {
	c := &r.content
	if c.Title = markup.Title(o.Name); c.Title == "" {
		return
	}
	if strings.TrimSpace(markup.PlainText(c.HTML)) == c.Title {
		c.HTML = ""
	}
	c.HTML = heading(c.Title) + c.HTML
}

// article shows what is more than a note as its title, its text or excerpt, and
// the address where the whole is.
func (r *rendering) article(o *vocab.Object) {
	c := &r.content
	c.Title = markup.Title(o.Name)
	if c.HTML == "" && o.Summary != "" {
		c.HTML = markup.Sanitize(o.Summary)
	}
	page := o.URL
	if page == "" {
		page = o.ID
	}
	at := html.EscapeString(string(page))
	c.HTML = heading(c.Title) + whenAndWhere(o) + c.HTML + r.attachedLinks(o) +
		`<p><a href="` + at + `" rel="nofollow noopener noreferrer" target="_blank">` + at + `</a></p>`
}

// whenAndWhere is the paragraph that says when an event is, in UTC, and where.
func whenAndWhere(o *vocab.Object) string {
	if o.Type != "Event" {
		return ""
	}
	var lines []string
	if !o.StartTime.IsZero() {
		from, day := o.StartTime.UTC(), "2006-01-02"
		when := "📅 " + from.Format(day+" 15:04")
		if to := o.EndTime.UTC(); !o.EndTime.IsZero() && to.After(from) {
			if from.Format(day) == to.Format(day) {
				day = ""
			}
			when += "–" + to.Format(strings.TrimSpace(day+" 15:04"))
		}
		lines = append(lines, when+" "+time.UTC.String())
	}
	if place := markup.Title(o.Place); place != "" {
		lines = append(lines, "📍 "+html.EscapeString(place))
	}
	if len(lines) == 0 {
		return ""
	}
	return "<p>" + strings.Join(lines, "<br />") + "</p>"
}

// attachedLinks are the pages that hang on a post and are not in its text; the first
// of them gets the card.
func (r *rendering) attachedLinks(o *vocab.Object) string {
	var b strings.Builder
	for i, n := 0, 0; i < len(o.Attachments) && n < maxLinks; i++ {
		a := &o.Attachments[i]
		if a.Type != "Link" || mediaKind(a) != "" {
			continue
		}
		n++
		at := string(a.URL)
		if r.content.Link == "" && len(at) <= maxLink {
			r.content.Link = at
		}
		if strings.Contains(r.content.HTML, `href="`+html.EscapeString(at)+`"`) {
			continue
		}
		name := markup.Title(a.Name)
		if name == "" {
			name = at
		}
		b.WriteString(`<p><a href="` + html.EscapeString(at) + `">` + html.EscapeString(name) + `</a></p>`)
	}
	if b.Len() == 0 {
		return ""
	}
	return markup.Sanitize(b.String())
}

// aboutBook links the book that a BookWyrm post is about.
func aboutBook(o *vocab.Object, content string) string {
	if at := html.EscapeString(string(o.Book)); at != "" && !strings.Contains(content, `href="`+at+`"`) {
		return markup.Sanitize(`<p><a href="` + at + `">` + at + `</a></p>`)
	}
	return ""
}

// wantedHeight is the resolution of a video that is preferred, in lines: larger ones
// are for those who open the page.
const wantedHeight = 720

// files are the media that an object itself is: the best of a video's or recording's
// files, a picture; else the picture that stands for an article.
func (r *rendering) files(o *vocab.Object) {
	if vocab.PostKindOf(o.Type) != vocab.TitlePost || len(r.content.Media) > 0 {
		return
	}
	m := store.Media{Description: r.content.Title, Preview: o.Icon, Duration: o.Duration}
	if m.Preview == "" {
		m.Preview = o.Image
	}
	best := bestFile(o)
	switch {
	case best != nil:
		m.URL, m.Mime, m.Width, m.Height = best.Href, best.MediaType, best.Width, best.Height
		if m.Kind = mediaKinds[strings.SplitN(best.MediaType, "/", 2)[0]]; m.Kind == "image" {
			m.Preview = ""
		}
	case o.Type == "Image" && o.URL != "":
		m.Kind, m.URL, m.Preview, m.Duration = "image", o.URL, "", 0
	case m.Preview != "" && r.content.Link == "": // A link brings a picture of its own.
		m.Kind, m.URL, m.Preview, m.Duration, m.Description = "image", m.Preview, "", 0, ""
		if o.Image != "" {
			m.URL = o.Image
		}
	default:
		return
	}
	m.ID = mediaID(o.ID, m.URL)
	r.content.Media = []store.Media{m}
}

// bestFile is the file to show of those that url lists: the largest that is no larger
// than wanted, else the smallest. Playlists are none: browsers can't play them.
func bestFile(o *vocab.Object) *vocab.Link {
	var best *vocab.Link
	for i := range o.Links {
		l := &o.Links[i]
		major, _, _ := strings.Cut(l.MediaType, "/")
		if mediaKinds[major] == "" || strings.Contains(strings.ToLower(l.MediaType), "mpegurl") {
			continue
		}
		if best == nil || better(l.Height, best.Height) {
			best = l
		}
	}
	return best
}

func better(height, than int) bool {
	if (height <= wantedHeight) != (than <= wantedHeight) {
		return height <= wantedHeight
	}
	if height <= wantedHeight {
		return height > than
	}
	return height < than
}
