package pipeline

import (
	"context"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

const (
	maxLink = 2048 // Bytes of an address that gets a card.
	// cardLife is how long a card stands before a post with its link has it fetched
	// anew; the same for pages that had none.
	cardLife = 14 * 24 * time.Hour
	// cardSpread is over how long the fetches for remote posts are spread, so that a
	// page which is linked by a post with many readers is not asked by every server
	// at once.
	cardSpread = time.Minute
)

// firstLink returns the first address in a post's HTML that is neither a mention nor
// a hashtag nor the post that it quotes; "" when there is none.
func firstLink(content string, o *vocab.Object) string {
	skip := map[string]bool{}
	for _, t := range o.Tags {
		if t.Href != "" {
			skip[string(t.Href)] = true
		}
	}
	if o.QuoteURL != "" {
		skip[string(o.QuoteURL)] = true
	}
	z := html.NewTokenizer(strings.NewReader(content))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken:
			t := z.Token()
			if t.DataAtom != atom.A {
				continue
			}
			if href := linkOf(t.Attr); href != "" && !skip[href] {
				return href
			}
		}
	}
}

// linkOf returns the target of a link that may get a card.
func linkOf(attributes []html.Attribute) string {
	href := ""
	for _, a := range attributes {
		switch a.Key {
		case "href":
			href = a.Val
		case "class", "rel":
			for _, word := range strings.Fields(a.Val) {
				if word == "mention" || word == "hashtag" || word == "u-url" || word == "tag" {
					return ""
				}
			}
		}
	}
	u, err := url.Parse(href)
	if err != nil || len(href) > maxLink || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return href
}

// link files a post under its link and has the card fetched where that is not here
// or old. Posts with the same link share it.
func (s *Step) link(ctx context.Context, st *store.Status, link string) error {
	if err := s.SetLink(ctx, st.ID, link); err != nil || link == "" || s.replay || !s.p.Cards || s.From.imported {
		return err
	}
	id := store.LinkID(link)
	if tried, err := s.CardTried(ctx, id); err != nil || s.p.Now().Sub(msTime(tried)) < cardLife {
		return err
	}
	u, err := url.Parse(link)
	if err != nil || strings.EqualFold(u.Host, s.p.host) {
		return nil // We don't ask ourselves.
	}
	at := int64(0)
	if !s.From.local() {
		at = s.p.Now().Add(rand.N(cardSpread)).UnixMilli()
	}
	return s.enqueueAt(ctx, "card", strings.ToLower(u.Host), "card "+link, at, map[string]string{"url": link})
}
