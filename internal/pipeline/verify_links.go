package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Links on profiles are verified by looking whether the page links back with rel="me".
const (
	verifiedFor  = 7 * 24 * time.Hour // Then the page is looked at again.
	maxVerified  = 10                 // Links of one profile.
	verifyAtOnce = 50                 // Accounts whose links one run has looked at again.
)

type verifyJob struct {
	Actor int64 `json:"actor"`
}

// fieldLink is the address that a profile's field consists of; "" when it holds
// something else.
func fieldLink(f *store.ProfileField) vocab.IRI {
	z := html.NewTokenizer(strings.NewReader(f.Value))
	var link vocab.IRI
	depth := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return link
		case html.StartTagToken:
			t := z.Token()
			if t.DataAtom != atom.A {
				continue
			}
			if link != "" {
				return ""
			}
			depth++
			for _, a := range t.Attr {
				if a.Key == "href" {
					link = vocab.IRI(a.Val)
				}
			}
			if link.Valid() != nil {
				return ""
			}
		case html.EndTagToken:
			if t := z.Token(); t.DataAtom == atom.A {
				depth--
			}
		case html.TextToken:
			if depth == 0 && strings.TrimSpace(string(z.Text())) != "" {
				return ""
			}
		}
	}
}

// fieldLinks returns the addresses on a profile that can be verified.
func fieldLinks(p *store.Profile) []vocab.IRI {
	var links []vocab.IRI
	for i := range p.Fields {
		if link := fieldLink(&p.Fields[i]); link != "" && !slices.Contains(links, link) && len(links) < maxVerified {
			links = append(links, link)
		}
	}
	return links
}

// setProfile writes an actor's profile with what is known of its links. It returns
// whether some of them should be looked at.
func setProfile(ctx context.Context, tx *store.Tx, actor int64, p *store.Profile, now int64) (look bool, err error) {
	if links := fieldLinks(p); len(links) > 0 {
		known, err := tx.VerifiedLinks(ctx, actor)
		if err != nil {
			return false, err
		}
		for i := range p.Fields {
			p.Fields[i].Verified = known[fieldLink(&p.Fields[i])].Found
		}
		look = slices.ContainsFunc(links, func(l vocab.IRI) bool {
			return known[l].Checked < now-verifiedFor.Milliseconds()
		})
	}
	return look, tx.SetProfile(ctx, actor, p)
}

// present writes a profile and has a job look at its links where that is due.
func (p *Pipeline) present(ctx context.Context, tx *store.Tx, actor int64, profile *store.Profile) error {
	look, err := setProfile(ctx, tx, actor, profile, p.Now().UnixMilli())
	if err != nil || !look || p.Remote == nil {
		return err
	}
	return enqueueVerify(ctx, tx, actor)
}

func enqueueVerify(ctx context.Context, tx *store.Tx, actor int64) error {
	payload, err := json.Marshal(verifyJob{actor})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: "verify-links", Uniq: fmt.Sprintf("verify-links %d", actor), Payload: payload})
}

// verifyLinks looks at the pages that a profile links to. A page that can't be reached
// now leaves the answer as it was.
func (p *Pipeline) verifyLinks(ctx context.Context, j verifyJob) error {
	profiles, err := p.DB.Profiles(ctx, []int64{j.Actor})
	if err != nil {
		return err
	}
	profile := profiles[j.Actor]
	actor, err := p.DB.Actor(ctx, j.Actor)
	if err != nil || profile == nil || actor.Deleted != 0 {
		return ignoreMissing(err)
	}
	now := p.Now().UnixMilli()
	seen := map[vocab.IRI]store.VerifiedLink{}
	known, err := p.DB.VerifiedLinks(ctx, j.Actor)
	if err != nil {
		return err
	}
	for _, link := range fieldLinks(profile) {
		l := known[link]
		back, err := p.linksBack(ctx, link, profile.URL, actor.URI)
		switch {
		case err != nil && fault.Retryable(err): // As it was.
		case err != nil || !back:
			l.Found = 0
		case l.Found == 0:
			l.Found = now
		}
		l.Checked = now
		seen[link] = l
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetVerifiedLinks(ctx, j.Actor, seen); err != nil {
			return err
		}
		current, err := tx.Profiles(ctx, []int64{j.Actor})
		if err != nil || current[j.Actor] == nil {
			return err
		}
		if _, err := setProfile(ctx, tx, j.Actor, current[j.Actor], now); err != nil {
			return err
		}
		if p.Stream != nil {
			tx.OnCommit(func() { p.Stream.Publish(stream.Event{Kind: "account_changed", Author: j.Actor}) })
		}
		return nil
	})
}

var webPage = remote.Accept{Header: "text/html", Match: func(mediaType string, _ map[string]string) bool {
	return mediaType == "text/html" || mediaType == "application/xhtml+xml"
}}

// linksBack tells whether a page has a link of rel="me" to one of these addresses.
func (p *Pipeline) linksBack(ctx context.Context, page vocab.IRI, to ...vocab.IRI) (bool, error) {
	if p.Remote == nil {
		return false, fault.New(fault.Rejected, "Nothing is fetched here.")
	}
	res, err := p.Remote.Get(ctx, page, webPage, nil)
	if err != nil {
		return false, fmt.Errorf("looking for a link back: %w", err)
	}
	return hasMeLink(res.Body, to), nil
}

func hasMeLink(page []byte, to []vocab.IRI) bool {
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.DataAtom != atom.A && t.DataAtom != atom.Link {
				continue
			}
			var rel, href string
			for _, a := range t.Attr {
				switch a.Key {
				case "rel":
					rel = a.Val
				case "href":
					href = strings.TrimSuffix(strings.TrimSpace(a.Val), "/")
				}
			}
			me := slices.ContainsFunc(strings.Fields(rel), func(r string) bool { return strings.EqualFold(r, "me") })
			if me && slices.ContainsFunc(to, func(u vocab.IRI) bool { return u != "" && strings.EqualFold(href, strings.TrimSuffix(string(u), "/")) }) {
				return true
			}
		}
	}
}

// verifyAgain has the links looked at that were not for a week.
func (p *Pipeline) verifyAgain(ctx context.Context) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		actors, err := tx.VerifiedBefore(ctx, p.Now().Add(-verifiedFor).UnixMilli(), verifyAtOnce)
		if err != nil {
			return err
		}
		for _, id := range actors {
			if err := enqueueVerify(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}
