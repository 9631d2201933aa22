package search

import (
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// mark begins the index's words for what a post is, as opposed to what it says. No
// word of a text holds it.
const mark = "·"

// PublicWord is in the index with every public post.
const PublicWord = mark + "public"

// FromWord is in the index with the posts of an account.
func FromWord(actor int64) string { return mark + "from" + strconv.FormatInt(actor, 36) }

// ToWord is in the index with the posts that mention an account of ours.
func ToWord(actor int64) string { return mark + "to" + strconv.FormatInt(actor, 36) }

func hasWord(what string) string { return mark + "has" + what }
func isWord(what string) string  { return mark + "is" + what }

func languageWord(code string) string { return mark + "lang" + strings.ToLower(code) }

// Post is a post as the index sees it.
type Post struct {
	*store.Status
	*store.Content
	Options   []string // Of its poll.
	Mentioned []int64  // Accounts of ours.
}

// Says returns everything of a post that can be searched for as one text.
func Says(c *store.Content, options []string) string {
	var b strings.Builder
	b.WriteString(c.Spoiler)
	b.WriteByte('\n')
	b.WriteString(markup.PlainText(c.HTML))
	for _, o := range options {
		b.WriteByte('\n')
		b.WriteString(o)
	}
	for i := range c.Media {
		b.WriteByte('\n')
		b.WriteString(c.Media[i].Description)
	}
	return b.String()
}

// Words returns what a post is indexed under.
func (p *Post) Words() []string {
	words := Words(Says(p.Content, p.Options))
	words = append(words, FromWord(p.Actor))
	add := func(yes bool, word string) {
		if yes && !slices.Contains(words[max(0, len(words)-20):], word) {
			words = append(words, word)
		}
	}
	add(p.Visibility == 0, PublicWord)
	for _, id := range p.Mentioned[:min(len(p.Mentioned), 10)] {
		add(true, ToWord(id))
	}
	add(p.IsReply, isWord("reply"))
	add(p.Sensitive, isWord("sensitive"))
	if p.Language != "" {
		base, _, more := strings.Cut(p.Language, "-")
		add(true, languageWord(base))
		add(more, languageWord(p.Language))
	}
	add(p.Status.Media > 0, hasWord("media"))
	for i := range p.Content.Media {
		switch kind := p.Content.Media[i].Kind; kind {
		case "image", "video", "audio":
			add(true, hasWord(kind))
		case "gifv":
			add(true, hasWord("video"))
		}
	}
	add(len(p.Options) > 0, hasWord("poll"))
	add(p.Quote != "", hasWord("quote"))
	link, embed := links(p.HTML)
	add(link, hasWord("link"))
	add(embed, hasWord("embed"))
	return words
}

// links tells whether the text of a post links somewhere but to people and tags, and
// whether to a place that is known for what is played right in the post.
func links(html string) (link, embed bool) {
	for {
		_, rest, ok := strings.Cut(html, "<a ")
		if !ok {
			return link, embed
		}
		tag, after, ok := strings.Cut(rest, ">")
		if !ok {
			return link, embed
		}
		html = after
		if strings.Contains(tag, "mention") || strings.Contains(tag, "hashtag") {
			continue
		}
		link = true
		for _, player := range players {
			embed = embed || strings.Contains(tag, player)
		}
	}
}

// players are where videos and music are that previews show with a player.
var players = []string{"//www.youtube.com/watch", "//youtube.com/watch", "//m.youtube.com/watch", "//youtu.be/", "//vimeo.com/", "//www.dailymotion.com/video",
	"//soundcloud.com/", "//open.spotify.com/", ".bandcamp.com/", "/videos/watch/", "//www.twitch.tv/videos/", "//tenor.com/view/", "//giphy.com/gifs/", "//www.flickr.com/photos/"}
