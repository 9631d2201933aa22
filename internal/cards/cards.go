// Package cards makes preview cards: what a page that a post links to says about
// itself. Pages are fetched in jobs, once per address for all posts, and read with
// bounds; nothing of their HTML is passed on.
package cards

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Publisher is told of posts whose card came.
type Publisher interface{ Publish(stream.Event) }

// Service fetches cards.
type Service struct {
	DB     *store.DB
	Remote *remote.Client
	Stream Publisher // nil: nobody listens.
	// Resolve finds an account by its handle, over the network if need be.
	Resolve func(ctx context.Context, handle string) (*store.Actor, error)
	Refuses func(host string) bool // Hosts that the admin wants nothing of. nil: none.
	Log     *slog.Logger
	Off     bool // The admin wants no cards; jobs that wait do nothing.
}

const (
	maxPage  = 1 << 20 // Bytes that are read of a page.
	tries    = 3       // Runs of a job for a page that does not answer.
	runLimit = 30 * time.Second
	// maxTold is how many posts with the link are told to have changed; older ones
	// show the card when they are drawn next.
	maxTold = 20
)

// nowhere is the base of addresses that must be whole.
var nowhere = &url.URL{}

func itoa(n int) string { return strconv.Itoa(n) }

// Jobs returns the handlers by kind, for the queue.
func (s *Service) Jobs() map[string]func(context.Context, store.Job) error {
	return map[string]func(context.Context, store.Job) error{"card": s.job}
}

// job fetches the card of one address. A page that can't be had after some tries
// has none, until a post links to it after some days.
func (s *Service) job(ctx context.Context, j store.Job) error {
	var payload struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(j.Payload, &payload); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	if s.Off {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	card, err := s.fetch(ctx, payload.URL)
	if err != nil && fault.Retryable(err) && j.Attempt < tries {
		return err
	}
	if err != nil {
		s.Log.Debug("no card", "url", payload.URL, "err", err)
	}
	return s.keep(context.WithoutCancel(ctx), payload.URL, card, err == nil || !fault.Retryable(err))
}

// fetch returns the card of an address; nil when its page makes none.
func (s *Service) fetch(ctx context.Context, link string) (*store.Card, error) {
	at, err := url.Parse(link)
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "%s is no address.", link)
	}
	if s.Refuses != nil && s.Refuses(strings.ToLower(at.Host)) {
		return nil, fault.New(fault.Rejected, "%s is refused here.", at.Host)
	}
	resp, err := s.Remote.Page(ctx, vocab.IRI(link), remote.WebPage, maxPage)
	if rest, plain := strings.CutPrefix(link, "http://"); plain && fault.Is(err, fault.Rejected) {
		resp, err = s.Remote.Page(ctx, vocab.IRI("https://"+rest), remote.WebPage, maxPage)
	}
	if err != nil {
		return nil, err
	}
	if at, err = url.Parse(string(resp.URL)); err != nil {
		return nil, fault.Because(err, fault.Rejected, "%s is no address.", resp.URL)
	}
	p := parse(resp.Body, resp.ContentType, at)
	card := p.card(link)
	if p.oembed != "" {
		if card == nil {
			card = &store.Card{URL: link, Type: "link"}
		}
		if err := s.addEmbed(ctx, p, card); err != nil {
			return nil, err
		}
	}
	if card == nil || card.Title == "" && card.Image == "" && card.Embed == "" {
		return nil, nil
	}
	s.attribute(ctx, card, at.Hostname())
	return card, nil
}

// attribute adds the account that the page calls its author, if that account says
// that the page's host may.
//
// spec: masto:entities/PreviewCardAuthor
func (s *Service) attribute(ctx context.Context, c *store.Card, host string) {
	if c.Creator == "" || len(c.Creator) > 500 || s.Resolve == nil {
		return
	}
	actor, err := s.Resolve(ctx, c.Creator)
	if err != nil {
		s.Log.Debug("author of a page not found", "creator", c.Creator, "err", err)
		return
	}
	if actor.Deleted == 0 && slices.ContainsFunc(s.attributionDomains(ctx, actor), func(domain string) bool { return within(host, domain) }) {
		c.Authors = append(c.Authors, store.CardAuthor{Actor: actor.ID})
	}
}

// within tells whether host is domain or below it.
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(strings.TrimPrefix(domain, "*."))
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// attributionDomains are the hosts that may name an account as an author.
//
// spec: http://joinmastodon.org/ns#attributionDomains
func (s *Service) attributionDomains(ctx context.Context, actor *store.Actor) []string {
	if actor.Local {
		account, err := s.DB.Account(ctx, actor.ID)
		if err != nil {
			return nil
		}
		return account.Preferences.AttributionDomains
	}
	doc, err := s.DB.ActorDoc(ctx, actor.ID)
	if err != nil {
		return nil
	}
	var d struct {
		Domains any `json:"attributionDomains"`
	}
	if json.Unmarshal([]byte(doc), &d) != nil {
		return nil
	}
	switch v := d.Domains.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v[:min(len(v), 100)] {
			if domain, ok := one.(string); ok {
				all = append(all, domain)
			}
		}
		return all
	}
	return nil
}

// keep writes what came of a fetch and tells of the newest posts that show it.
func (s *Service) keep(ctx context.Context, link string, card *store.Card, definite bool) error {
	id := store.LinkID(link)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := tx.Card(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.SetCard(ctx, id, card, definite); err != nil {
			return err
		}
		if card == nil && (was == nil || !definite) || same(was, card) {
			return nil
		}
		events, err := s.changed(ctx, tx, id)
		if err != nil || s.Stream == nil {
			return err
		}
		tx.OnCommit(func() {
			for _, e := range events {
				s.Stream.Publish(e)
			}
		})
		return nil
	})
}

func same(a, b *store.Card) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// changed makes the events of the newest posts with a link.
func (s *Service) changed(ctx context.Context, tx *store.Tx, link int64) ([]stream.Event, error) {
	ids, err := tx.NewestWithLink(ctx, link, maxTold)
	if err != nil {
		return nil, err
	}
	posts, err := tx.Statuses(ctx, ids)
	if err != nil {
		return nil, err
	}
	var all []stream.Event
	for _, id := range ids {
		st := posts[id]
		if st == nil {
			continue
		}
		e := stream.Event{Kind: "status.update", Status: id, Author: st.Actor, Local: st.Local, Public: st.Visibility == 0 && !st.LocalOnly}
		if e.Home, err = tx.HomesWith(ctx, st, 500); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
