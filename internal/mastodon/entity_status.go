package mastodon

import (
	"bytes"
	"strconv"
	"strings"

	"kenoma/internal/markup"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// post is a status drawn once for everybody: pieces of JSON between which the
// account, the counts and what depends on the viewer are spliced in.
type post struct {
	row       store.Status
	head      []byte // {"id":… up to and with "account":
	body      []byte // ,"content":… up to the counts
	tail      []byte // What "pleroma" begins with.
	content   []byte // The JSON string of the content, part of body; boosts repeat it.
	spoiler   string
	sensitive bool
	text      string // For filters: all that is read, as plain text.
	poll      bool   // A poll may hang on it.
	replyTo   string // Who is answered, for Pleroma.
	quotes    quotePart
}

// size is roughly what a post costs in memory, with its place in the cache.
func (p *post) size() int64 {
	return int64(cap(p.head)+cap(p.body)+cap(p.tail)+len(p.text)+len(p.spoiler)) + 640
}

// pack leaves no room for more in what was drawn: posts are kept by the thousand.
func (p *post) pack() {
	whole := make([]byte, 0, len(p.head)+len(p.body)+len(p.tail))
	whole = append(append(append(whole, p.head...), p.body...), p.tail...)
	body, tail := len(p.head), len(p.head)+len(p.body)
	at := bytes.Index(p.body, p.content)
	p.head, p.body, p.tail = whole[:body:body], whole[body:tail:tail], whole[tail:]
	p.content = p.body[at : at+len(p.content) : at+len(p.content)]
	p.text = strings.Clone(p.text)
}

// drawPost draws what is the same for all viewers. c is nil for a boost, q for what
// quotes nothing. authors are the accounts that its card names.
//
// spec: masto:entities/Status
func (d *drawing) drawPost(row store.Status, c *store.Content, q *store.Quote, local bool, authors map[int64]*face) *post {
	p := &post{row: row}
	if c == nil {
		c = &store.Content{Published: vocab.TimeOf(row.ID).UnixMilli()}
	}
	c = withoutQuoteLine(c, q, local)
	p.quotes = quotePartOf(c, q)
	o := begin(nil)
	o.id("id", row.ID)
	o.time("created_at", c.Published)
	o.key("account")
	p.head = o.b
	plain := markup.PlainText(c.HTML)
	p.body = d.drawBody(p, c, local, authors)
	p.text = readable(c, plain)
	p.tail = drawTail(p, c, plain)
	p.pack()
	return p
}

func (d *drawing) drawBody(p *post, c *store.Content, local bool, authors map[int64]*face) []byte {
	row := &p.row
	o := &object{}
	uri := string(c.URI)
	if row.BoostOf != 0 {
		uri = d.url + "/activities/" + itoa(row.ID)
	}
	o.str("uri", uri)
	o.strOr("url", orElse(string(c.URL), uri))
	o.str("visibility", vocab.VisibilityLevel(row.Visibility).Name)
	if row.LocalOnly {
		o.flag("local_only", true)
	}
	o.strOr("language", row.Language)
	o.timeOr("edited_at", row.Edited)
	o.idOr("in_reply_to_id", row.ReplyTo)
	o.idOr("in_reply_to_account_id", row.ReplyActor)
	if c.Card == nil {
		o.raw("card", "null")
	} else {
		o.key("card")
		o.b = d.appendCard(o.b, c.Card, authors)
	}
	o.raw("tagged_collections", "[]")
	o.list("emojis", len(c.Emoji), func(b []byte, i int) []byte { return d.appendEmoji(b, &c.Emoji[i], local) })
	if row.BoostOf != 0 {
		o.raw("media_attachments", "[]")
		o.raw("mentions", "[]")
		o.raw("tags", "[]")
		o.raw("application", "null")
		return o.b // Content, spoiler and sensitive come from the boosted post.
	}
	p.spoiler = c.Spoiler
	p.sensitive = c.Sensitive
	o.str("spoiler_text", c.Spoiler)
	o.key("content")
	from := len(o.b)
	o.b = appendString(o.b, c.HTML)
	to := len(o.b)
	o.list("media_attachments", len(c.Media), func(b []byte, i int) []byte { return d.appendMedia(b, &c.Media[i]) })
	o.list("mentions", len(c.Mentions), func(b []byte, i int) []byte { return d.appendMention(b, &c.Mentions[i]) })
	o.list("tags", len(c.Tags), func(b []byte, i int) []byte { return d.appendTag(b, c.Tags[i]) })
	if c.App == "" {
		o.raw("application", "null")
	} else {
		app := o.nest("application")
		app.str("name", c.App)
		app.strOr("website", c.AppURL)
		o.end(app)
	}
	p.poll = c.Type == "Question"
	p.content = o.b[from:to:to]
	for _, m := range c.Mentions {
		if m.ID == row.ReplyActor {
			p.replyTo = m.Acct
		}
	}
	return o.b
}

// readable is what filters look at.
func readable(c *store.Content, text string) string {
	if c.Spoiler != "" {
		text = c.Spoiler + "\n" + text
	}
	for _, m := range c.Media {
		if m.Description != "" {
			text += "\n" + m.Description
		}
	}
	return text
}

// drawTail begins the "pleroma" object; what depends on the viewer comes after.
func drawTail(p *post, c *store.Content, text string) []byte {
	o := begin([]byte(`"pleroma":`))
	o.flag("local", p.row.Local)
	if p.row.BoostOf != 0 {
		return o.b
	}
	o.num("conversation_id", p.row.Conversation)
	o.raw("direct_conversation_id", "null")
	o.strOr("in_reply_to_account_acct", p.replyTo)
	plain := o.nest("content")
	plain.str("text/plain", text)
	o.end(plain)
	plain = o.nest("spoiler_text")
	plain.str("text/plain", c.Spoiler)
	o.end(plain)
	o.timeOr("expires_at", c.Expires)
	if p.row.Local && c.Origin != "" {
		o.str("origin", string(c.Origin))
	}
	o.raw("parent_visible", strconv.FormatBool(p.row.ReplyTo != 0))
	return o.b
}

// facets are a post's counts and what the viewer has done with it.
type facets struct {
	counts     store.Counts
	favourited bool
	boosted    bool
	bookmarked bool
	muted      bool // Its conversation.
	pinned     bool
	reactions  []byte // JSON list of what stands under it; nil: none
}

// shown is one status of an answer with all that is spliced into it.
type shown struct {
	*post
	account  []byte // Of the author.
	domain   string // Of the author's handle.
	silenced bool   // The author is.

	sensitized bool // All of the author's media is marked.
	facets     facets
	poll       []byte  // nil: none
	filtered   []byte  // JSON list; nil: none
	boosted    *shown  // Of a boost.
	viewer     int64   // 0: nobody
	text       *string // Instead of content: the source, in the answer to a deletion.
	quoted     *quotedBy
	nested     bool // It stands in a quote.
	mayQuote   pipeline.QuotePermission
}

// append draws the status.
func (s *shown) append(b []byte) []byte {
	b = append(b, s.head...)
	b = append(b, s.account...)
	b = append(b, ',')
	b = s.appendBody(b)
	f := &s.facets
	if s.boosted != nil {
		f = &s.boosted.facets // Apps look at either for what they have done.
	}
	b = append(b, `,"replies_count":`...)
	b = strconv.AppendInt(b, max(0, f.counts.Replies), 10)
	b = append(b, `,"reblogs_count":`...)
	b = strconv.AppendInt(b, max(0, f.counts.Boosts), 10)
	b = append(b, `,"favourites_count":`...)
	b = strconv.AppendInt(b, max(0, f.counts.Favourites), 10)
	b = append(b, `,"quotes_count":`...)
	b = strconv.AppendInt(b, max(0, f.counts.Quotes), 10)
	of := s
	if s.boosted != nil {
		of = s.boosted
	}
	b = s.appendQuote(b, of)
	b = append(b, `,"poll":`...)
	b = orNull(b, s.poll)
	if s.viewer != 0 {
		b = s.appendFlags(b, f)
	}
	b = append(b, `,"reblog":`...)
	if s.boosted != nil {
		b = s.boosted.append(b)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, ',')
	b = append(b, s.tail...)
	b = append(b, `,"emoji_reactions":`...)
	if f.reactions == nil {
		b = append(b, "[]"...)
	} else {
		b = append(b, f.reactions...)
	}
	b = append(b, `,"thread_muted":`...)
	b = strconv.AppendBool(b, f.muted)
	return append(b, `,"pinned_at":null}}`...)
}

// appendBody is body, with what a boost shows of its post, or the source where the
// post was deleted to be written anew.
func (s *shown) appendBody(b []byte) []byte {
	if s.text != nil {
		b = append(b, `"text":`...)
		b = appendString(b, *s.text)
		b = append(b, ',')
	}
	b = append(b, s.body...)
	b = append(b, `,"sensitive":`...)
	if s.boosted == nil {
		return strconv.AppendBool(b, s.sensitive || s.sensitized)
	}
	b = strconv.AppendBool(b, s.boosted.sensitive || s.boosted.sensitized)
	b = append(b, `,"content":`...)
	b = append(b, s.boosted.content...)
	b = append(b, `,"spoiler_text":`...)
	return appendString(b, s.boosted.spoiler)
}

func (s *shown) appendFlags(b []byte, f *facets) []byte {
	for _, flag := range [...]struct {
		name string
		on   bool
	}{{`,"favourited":`, f.favourited}, {`,"reblogged":`, f.boosted}, {`,"muted":`, f.muted}, {`,"bookmarked":`, f.bookmarked}} {
		b = append(b, flag.name...)
		b = strconv.AppendBool(b, flag.on)
	}
	if s.row.Actor == s.viewer && s.boosted == nil {
		b = append(b, `,"pinned":`...)
		b = strconv.AppendBool(b, f.pinned)
	}
	b = append(b, `,"filtered":`...)
	if s.filtered == nil {
		return append(b, "[]"...)
	}
	return append(b, s.filtered...)
}

func orNull(b, v []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return append(b, v...)
}

// spec: masto:entities/Status#Mention
func (d *drawing) appendMention(b []byte, m *store.Mention) []byte {
	page := orElse(string(m.URL), string(m.URI))
	if m.Acct == m.Username { // One of ours.
		page = d.url + "/@" + m.Username
	}
	o := begin(b)
	o.id("id", m.ID)
	o.str("username", m.Username)
	o.str("url", page)
	o.str("acct", m.Acct)
	return o.close()
}

// spec: masto:entities/Status#Tag
func (d *drawing) appendTag(b []byte, tag string) []byte {
	o := begin(b)
	o.str("name", markup.FoldTag(tag))
	o.str("url", d.tagURL(tag))
	return o.close()
}

func (d *drawing) tagURL(tag string) string {
	return d.url + "/tags/" + pathEscape(markup.FoldTag(tag))
}

// appendMedia draws an attachment. Remote files come through the proxy. One that is
// not ready has no address yet.
//
// spec: masto:entities/MediaAttachment
func (d *drawing) appendMedia(b []byte, m *store.Media) []byte {
	url, preview, remote := string(m.URL), string(m.Preview), ""
	if !m.Local {
		remote = url
		url = d.remote(url)
		if preview != "" {
			preview = d.remote(preview)
		}
	}
	if preview == "" && m.Kind == "image" {
		preview = url
	}
	o := begin(b)
	o.id("id", m.ID)
	o.str("type", orElse(m.Kind, "unknown"))
	o.strOr("url", url)
	o.strOr("preview_url", preview)
	o.strOr("remote_url", remote)
	o.strOr("description", m.Description)
	o.strOr("blurhash", m.Blurhash)
	o.key("meta")
	o.b = appendMeta(o.b, m)
	in := o.nest("pleroma")
	in.str("mime_type", orElse(m.Mime, "application/octet-stream"))
	o.end(in)
	return o.close()
}

// decimal is a number with a point always, as typed apps read it.
func decimal(f float64) string {
	s := strconv.FormatFloat(f, 'f', 4, 64)
	for s[len(s)-1] == '0' && s[len(s)-2] != '.' {
		s = s[:len(s)-1]
	}
	return s
}
