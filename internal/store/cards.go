package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Card is what a page says about itself: the document of the cards table. All texts
// are plain; Embed is the address of a player that may be shown in a sandbox.
type Card struct {
	URL              string       `json:"url"`  // As linked.
	Type             string       `json:"type"` // link, photo, video
	Title            string       `json:"title"`
	Description      string       `json:"description,omitempty"`
	Language         string       `json:"language,omitempty"`
	Provider         string       `json:"provider,omitempty"`
	ProviderURL      string       `json:"provider_url,omitempty"`
	Author           string       `json:"author,omitempty"`
	AuthorURL        string       `json:"author_url,omitempty"`
	Image            string       `json:"image,omitempty"` // On the other server; shown through the proxy only.
	ImageDescription string       `json:"image_description,omitempty"`
	Width            int          `json:"w,omitempty"` // Of the picture or player.
	Height           int          `json:"h,omitempty"`
	Embed            string       `json:"embed,omitempty"`     // Of the player of a video, https.
	Published        int64        `json:"published,omitempty"` // ms
	Creator          string       `json:"creator,omitempty"`   // Handle of the author on the fediverse, as the page claims.
	Authors          []CardAuthor `json:"authors,omitempty"`   // Creators who let the page's host name them.
}

// CardAuthor is an account that wrote the page.
type CardAuthor struct {
	Actor int64 `json:"actor"`
}

// LinkID numbers an address: the first 63 bits of its SHA-256.
func LinkID(url string) int64 {
	sum := sha256.Sum256([]byte(url))
	return int64(binary.BigEndian.Uint64(sum[:]) >> 1)
}

// SetLink notes the link of a post that a card is shown for; "" is none.
func (tx *Tx) SetLink(ctx context.Context, status int64, url string) error {
	var err error
	if url == "" {
		_, err = tx.exec(ctx, "DELETE FROM status_links WHERE status = $1", status)
	} else {
		_, err = tx.exec(ctx, `INSERT INTO status_links (status, link, url) VALUES ($1, $2, $3)
			ON CONFLICT (status) DO UPDATE SET link = excluded.link, url = excluded.url`, status, LinkID(url), url)
	}
	if err != nil {
		return fmt.Errorf("link of status %d: %w", status, err)
	}
	return nil
}

// CardTried returns when the card of a link was last fetched, in ms; 0 for never.
func (q *Q) CardTried(ctx context.Context, link int64) (int64, error) {
	var at int64
	err := q.row(ctx, "SELECT fetched FROM cards WHERE id = $1", link).Scan(&at)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return at, wrapped(err, "card %d", link)
}

// Card returns the card of a link, ErrNotFound when there is none.
func (q *Q) Card(ctx context.Context, link int64) (*Card, error) {
	var doc []byte
	if err := q.row(ctx, "SELECT doc FROM cards WHERE id = $1 AND doc <> ''", link).Scan(&doc); err != nil {
		return nil, fmt.Errorf("card %d: %w", link, err)
	}
	var c Card
	if err := json.Unmarshal(doc, &c); err != nil {
		return nil, fmt.Errorf("card %d: %w", link, err)
	}
	return &c, nil
}

// SetCard keeps what was fetched for a link. c nil says that the page has no card:
// one that was there stays, unless the page is definitely without.
func (tx *Tx) SetCard(ctx context.Context, link int64, c *Card, definite bool) error {
	doc, keep := "", ""
	if c != nil {
		doc = toJSON(c)
	} else if !definite {
		keep = "fetched = excluded.fetched"
	}
	if keep == "" {
		keep = "fetched = excluded.fetched, doc = excluded.doc"
	}
	_, err := tx.exec(ctx, "INSERT INTO cards (id, fetched, doc) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET "+keep,
		link, tx.now().UnixMilli(), doc)
	if err != nil {
		return fmt.Errorf("card %d: %w", link, err)
	}
	return nil
}

// StatusesWithLink returns a page of the public posts with a link.
func (q *Q) StatusesWithLink(ctx context.Context, link int64, p Page) ([]TimelineRow, error) {
	tail, args := p.clause("l.status", 2)
	return q.timeline(ctx, p, `SELECT s.id, s.actor, s.id FROM status_links l JOIN statuses s ON s.id = l.status
		WHERE l.link = $1 AND s.visibility = 0 AND NOT s.local_only`+tail, append([]any{link}, args...)...)
}

// NewestWithLink returns up to limit posts with a link, whoever may see them.
func (q *Q) NewestWithLink(ctx context.Context, link int64, limit int) ([]int64, error) {
	ids, err := q.ids(ctx, "SELECT status FROM status_links WHERE link = $1 ORDER BY status DESC LIMIT CAST($2 AS BIGINT)", link, limit)
	return ids, wrapped(err, "posts with link %d", link)
}
