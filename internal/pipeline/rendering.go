package pipeline

import (
	"hash/fnv"
	"net/url"
	"path"
	"strings"
	"time"

	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// rendering is what can be made of an object without knowing who is who.
type rendering struct {
	content  store.Content
	language string
	tags     []string // Folded, in the order of content.Tags.
	mentions []vocab.Tag
}

// Bounds of what is kept of one post, whoever made it.
const (
	maxTags    = 100
	maxEmoji   = 100
	maxContent = 128 << 10
)

// render makes the safe content of a post.
func render(o *vocab.Object) *rendering {
	r := &rendering{language: o.Language}
	c := &r.content
	c.URI, c.Type = o.ID, o.Type
	if o.URL != o.ID {
		c.URL = o.URL
	}
	c.Sensitive = o.Sensitive
	c.ReplyTo = o.InReplyTo
	if len(o.AlsoKnownAs) > 0 {
		c.Origin = o.AlsoKnownAs[0]
	}
	c.Source, c.SourceType = o.Source, o.SourceType
	c.App, c.AppURL = markup.Title(o.Generator), string(o.GeneratorURL)
	c.HTML = body(o)
	c.Locked = o.CommentsClosed
	if vocab.PostKindOf(o.Type) == vocab.NotePost {
		c.Spoiler = strings.TrimSpace(markup.PlainText(o.Summary))
		r.entitle(o)
		c.HTML += r.attachedLinks(o) + aboutBook(o, c.HTML)
	} else {
		r.article(o)
	}
	c.Sensitive = c.Sensitive || c.Spoiler != ""
	for i := range o.Attachments {
		if m, ok := attachment(o, &o.Attachments[i]); ok {
			c.Media = append(c.Media, m)
		}
	}
	r.files(o)
	r.tagsOf(o)
	switch {
	case len(c.Media) > 0:
		c.Link = ""
	case c.Link == "":
		c.Link = firstLink(c.HTML, o)
	}
	return r
}

// tagsOf sorts the tags of the document into hashtags, mentions and emoji.
func (r *rendering) tagsOf(o *vocab.Object) {
	seen := map[string]bool{}
	for _, t := range o.Tags {
		switch t.Type {
		case "Hashtag":
			name := strings.TrimPrefix(t.Name, "#")
			key := markup.FoldTag(name)
			if key != "" && len(key) <= 200 && !seen[key] && len(r.tags) < maxTags {
				seen[key] = true
				r.tags = append(r.tags, key)
				r.content.Tags = append(r.content.Tags, name)
			}
		case "Emoji":
			if e, ok := emoji(t); ok && len(r.content.Emoji) < maxEmoji {
				r.content.Emoji = append(r.content.Emoji, e)
			}
		case "Mention":
			r.mentions = append(r.mentions, t)
		}
	}
}

func emoji(t vocab.Tag) (store.Emoji, bool) {
	name := strings.Trim(t.Name, ":")
	if name == "" || len(name) > 100 || t.Icon == "" || strings.ContainsAny(name, " \t\n:<>\"&") {
		return store.Emoji{}, false
	}
	return store.Emoji{Shortcode: name, URL: t.Icon}, true
}

// fill completes the content with what the database knew.
func (r *rendering) fill(uri vocab.IRI, published int64, people []addressee) *store.Content {
	c := r.content
	c.URI, c.Published = uri, published
	c.Mentions = mentions(people)
	return &c
}

// mentions are those whom a post addresses by name, as apps see them.
func mentions(people []addressee) []store.Mention {
	var all []store.Mention
	for _, a := range people {
		if a.named {
			all = append(all, store.Mention{ID: a.ID, URI: a.URI, Username: a.Username, Acct: a.Acct()})
		}
	}
	return all
}

// kinds of media by the major part of the media type, for what is shown inline.
var mediaKinds = map[string]string{"image": "image", "video": "video", "audio": "audio"}

// mediaEndings are the kinds by the ends of addresses, for documents that say nothing else.
var mediaEndings = map[string]string{".jpg": "image", ".jpeg": "image", ".png": "image", ".gif": "image", ".webp": "image", ".avif": "image", ".jxl": "image",
	".mp4": "video", ".webm": "video", ".mov": "video", ".m4v": "video", ".ogv": "video", ".mp3": "audio", ".m4a": "audio", ".ogg": "audio", ".oga": "audio",
	".opus": "audio", ".flac": "audio", ".wav": "audio"}

// mediaKind returns the kind of an attachment: by its media type, its type, or its
// address; "" where it is no file, as links and property values aren't.
func mediaKind(a *vocab.Attachment) string {
	major, minor, _ := strings.Cut(a.MediaType, "/")
	if kind := mediaKinds[major]; kind != "" {
		return kind
	}
	switch a.Type {
	case "Image", "Video", "Audio":
		return strings.ToLower(a.Type)
	case "Document", "Link":
	default:
		return ""
	}
	if u, err := url.Parse(string(a.URL)); err == nil && (a.MediaType == "" || minor == "octet-stream") {
		if kind := mediaEndings[strings.ToLower(path.Ext(u.Path))]; kind != "" {
			return kind
		}
	}
	if a.Type == "Link" {
		return ""
	}
	return "unknown"
}

func attachment(o *vocab.Object, a *vocab.Attachment) (store.Media, bool) {
	if a.URL == "" {
		return store.Media{}, false
	}
	kind := mediaKind(a)
	if kind == "" {
		return store.Media{}, false
	}
	return store.Media{ID: mediaID(o.ID, a.URL), Kind: kind, Mime: a.MediaType, URL: a.URL, Preview: a.Preview, Description: cut(a.Name, 10_000),
		Blurhash: a.Blurhash, Width: a.Width, Height: a.Height, Duration: a.Duration, Focus: a.Focus}, true
}

// mediaID derives a stable positive id for a remote attachment.
func mediaID(object, url vocab.IRI) int64 {
	h := fnv.New64a()
	h.Write([]byte(object))
	h.Write([]byte{0})
	h.Write([]byte(url))
	return int64(h.Sum64() >> 1)
}

func msTime(ms int64) time.Time { return time.UnixMilli(ms) }
