package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
)

// site is what the server says of itself, as it is now.
type site struct {
	title, description, contact string
	message                     string // To those who find the door closed; "" nothing.
	extended, privacy           page
	rules                       []rule
	terms                       []store.Terms // The oldest first.
	account                     int64         // Of the contact; 0 none.
	expires                     int64         // ms
}

// page is a text as HTML, and when it was changed (ms).
type page struct {
	html    string
	changed int64
}

// siteCache holds it between requests.
type siteCache struct{ now atomic.Pointer[site] }

// siteLife is how long it is kept, in ms: the command line and other nodes change it.
const siteLife = 5_000

// defaultPrivacy is what holds where the admins wrote no policy of their own.
const defaultPrivacy = `# Privacy

## What this server keeps

- **What you write**: posts, messages, pictures, whom you follow, block and mute, what you favour and bookmark. Direct messages are not encrypted; those who run this server, and the servers of the recipients, could read them.
- **Your account**: name, e-mail address, a hash of the password, your settings.
- **Addresses**: the network addresses from which you used your account, for a year, to keep out abuse.

## What others get

Public posts are for everybody. Posts for followers go to the servers of your followers, messages to those of the recipients. What other servers have received they may keep; a deletion is sent to them, and most obey.

Apps that you allow in read and do what you allowed them. You can put them out in your settings.

## What is not done

Nothing is sold or used for advertising, and nobody is tracked.

## How to leave

You can take out an archive and delete your account in your settings at any time.
`

// privacyChanged is when the text above was last changed.
var privacyChanged = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// site returns what the server says of itself.
func (api *API) site(ctx context.Context) (*site, error) {
	now := api.Now().UnixMilli()
	if had := api.siteNow.now.Load(); had != nil && had.expires > now {
		return had, nil
	}
	s, err := api.loadSite(ctx)
	if err != nil {
		return nil, err
	}
	s.expires = now + siteLife
	api.siteNow.now.Store(s)
	return s, nil
}

func (api *API) loadSite(ctx context.Context) (*site, error) {
	changed, err := api.DB.SiteTexts(ctx)
	if err != nil {
		return nil, err
	}
	c := &api.Settings
	text := func(key, configured string) (string, int64) {
		if t, ok := changed[key]; ok && slices.Contains(c.Editable, key) {
			return t.Value, t.Changed
		}
		return configured, api.started
	}
	s := &site{}
	s.title, _ = text("instance.title", c.Title)
	s.description, _ = text("instance.description", c.Description)
	s.contact, _ = text("instance.contact", c.Contact)
	s.message, _ = text("instance.registrations_message", c.RegistrationsMessage)
	s.extended.html, s.extended.changed = text("instance.extended_description", c.ExtendedDescription)
	s.extended.html = htmlOf(orElse(s.extended.html, s.description))
	s.privacy.html, s.privacy.changed = text("instance.privacy_policy", c.PrivacyPolicy)
	if s.privacy.html == "" {
		s.privacy = page{defaultPrivacy, privacyChanged}
	}
	s.privacy.html = htmlOf(s.privacy.html)
	if name, _ := text("instance.contact_account", c.ContactAccount); name != "" {
		if a, err := api.byHandle(ctx, name); err == nil && a.Local && !a.Hidden() {
			s.account = a.ID
		} else if err != nil && !errors.Is(err, store.ErrNotFound) && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	if s.terms, err = api.DB.AllTerms(ctx); err != nil {
		return nil, err
	}
	s.rules, err = api.loadRules(ctx)
	return s, err
}

// htmlOf is a Markdown text as HTML.
func htmlOf(text string) string {
	return strings.TrimSpace(markup.Render(text, "text/markdown", markup.Links{}))
}

// loadRules reads the rules of the configuration and then those of the database.
func (api *API) loadRules(ctx context.Context) ([]rule, error) {
	all := []rule{}
	for i, text := range api.Settings.Rules {
		all = append(all, rule{ID: strconv.Itoa(i + 1), Text: text, Translations: map[string]store.RuleText{}})
	}
	own, err := api.DB.Rules(ctx)
	for _, r := range own {
		all = append(all, rule{itoa(r.ID), r.Text, r.Hint, r.Translations})
	}
	return all, err
}

// rules are what members agree to.
func (api *API) rules(ctx context.Context) ([]rule, error) {
	s, err := api.site(ctx)
	if err != nil {
		return nil, err
	}
	return s.rules, nil
}

// contactAccount draws the account of the contact, null where there is none.
func (api *API) contactAccount(ctx context.Context, s *site) (json.RawMessage, error) {
	if s.account == 0 {
		return json.RawMessage("null"), nil
	}
	drawn, err := api.people(ctx, []int64{s.account})
	if err != nil || drawn[s.account] == nil {
		return json.RawMessage("null"), err
	}
	return drawn[s.account].json, nil
}

// pageEntity is ExtendedDescription and PrivacyPolicy.
//
// spec: masto:entities/ExtendedDescription, masto:entities/PrivacyPolicy
type pageEntity struct {
	Updated *string `json:"updated_at"`
	Content string  `json:"content"`
}

// termsEntity is TermsOfService.
//
// spec: masto:entities/TermsOfService
type termsEntity struct {
	Date        string  `json:"effective_date"`
	Effective   bool    `json:"effective"`
	Content     string  `json:"content"`
	SucceededBy *string `json:"succeeded_by"`
}

// drawTerms draws version i of the terms.
func (s *site) drawTerms(i int, today string) *termsEntity {
	t := s.terms[i]
	e := &termsEntity{Date: t.Effective, Effective: t.Effective <= today, Content: htmlOf(t.Content)}
	if i+1 < len(s.terms) {
		e.SucceededBy = &s.terms[i+1].Effective
	}
	return e
}

// currentTerms is the version that holds today, or else the first that will; −1 none.
func (s *site) currentTerms(today string) int {
	at := -1
	for i, t := range s.terms {
		if at < 0 || t.Effective <= today {
			at = i
		}
	}
	return at
}

// spec: masto:methods/instance#extended_description, #privacy_policy, #terms_of_service, #terms_of_service_date
var (
	_ = route("GET /api/v1/instance/extended_description", "", func(api *API, r *Request) (any, error) {
		s, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		return pageEntity{isoTime(s.extended.changed), s.extended.html}, nil
	})
	_ = route("GET /api/v1/instance/privacy_policy", "", func(api *API, r *Request) (any, error) {
		s, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		return pageEntity{isoTime(s.privacy.changed), s.privacy.html}, nil
	})
	_ = route("GET /api/v1/instance/terms_of_service", "", func(api *API, r *Request) (any, error) {
		s, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		today := api.Now().UTC().Format(time.DateOnly)
		i := s.currentTerms(today)
		if i < 0 {
			return nil, errNotFound()
		}
		return s.drawTerms(i, today), nil
	})
	_ = route("GET /api/v1/instance/terms_of_service/{date}", "", func(api *API, r *Request) (any, error) {
		s, err := api.site(r.Context())
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(s.terms, func(t store.Terms) bool { return t.Effective == r.PathValue("date") })
		if i < 0 {
			return nil, errNotFound()
		}
		return s.drawTerms(i, api.Now().UTC().Format(time.DateOnly)), nil
	})
)

// activityEntity is InstanceActivity: numbers as text, the week in seconds.
//
// spec: masto:entities/InstanceActivity
type activityEntity struct {
	Week          string `json:"week"`
	Statuses      string `json:"statuses"`
	Logins        string `json:"logins"`
	Registrations string `json:"registrations"`
}

// activityWeeks is how many weeks are shown.
const activityWeeks = 12

// weekly draws what happened in the last weeks, the newest first.
func (api *API) weekly(ctx context.Context) (any, error) {
	const week = 7 * dayMillis
	this := store.Week(api.Now().UnixMilli())
	from, to := this-(activityWeeks-1)*week, this+week
	statuses, err := api.DB.Daily(ctx, "statuses", "", from, to)
	if err != nil {
		return nil, err
	}
	logins, err := api.DB.Active(ctx, store.ActiveWeek, from, to)
	if err != nil {
		return nil, err
	}
	made, err := api.DB.NewAccounts(ctx, from, to)
	if err != nil {
		return nil, err
	}
	sum := func(days []store.DayCount, from int64) string {
		n := int64(0)
		for _, d := range days {
			if d.Day >= from && d.Day < from+week {
				n += d.N
			}
		}
		return itoa(n)
	}
	list := []activityEntity{}
	for at := this; at >= from; at -= week {
		list = append(list, activityEntity{strconv.FormatInt(at/1000, 10), sum(statuses, at), sum(logins, at), sum(made, at)})
	}
	return list, nil
}

// peers are the hosts that are known, without those that are blocked.
func (api *API) peers(ctx context.Context) (any, error) {
	all, err := api.DB.Peers(ctx)
	if err != nil {
		return nil, err
	}
	shown := make([]string, 0, len(all))
	for _, host := range all {
		if !api.Pipeline.Hosts.Refuses(host) {
			shown = append(shown, host)
		}
	}
	drawn, err := marshal(shown)
	return json.RawMessage(drawn), err
}

// spec: masto:methods/instance#peers, #activity
var (
	_ = route("GET /api/v1/instance/peers", "", func(api *API, r *Request) (any, error) {
		if api.Settings.HidePeers {
			return nil, errNotFound()
		}
		return api.remember("peers", func() (any, error) { return api.peers(r.Context()) })
	})
	_ = route("GET /api/v1/instance/activity", "", func(api *API, r *Request) (any, error) {
		if api.Settings.HideActivity {
			return nil, errNotFound()
		}
		return api.remember(fmt.Sprintf("weeks %d", store.Week(api.Now().UnixMilli())), func() (any, error) { return api.weekly(r.Context()) })
	})
)

// Text returns a text of the site as a page shows it: about, privacy-policy, or
// terms-of-service, the latter also with a day behind a slash. ErrNotFound where there
// is none.
func (api *API) Text(ctx context.Context, name string) (title, text string, err error) {
	s, err := api.site(ctx)
	if err != nil {
		return "", "", err
	}
	switch name {
	case "about":
		return s.title, s.about(), nil
	case "privacy-policy":
		return "Privacy policy", s.privacy.html, nil
	}
	i := s.currentTerms(api.Now().UTC().Format(time.DateOnly))
	if day, ok := strings.CutPrefix(name, "terms-of-service/"); ok {
		i = slices.IndexFunc(s.terms, func(t store.Terms) bool { return t.Effective == day })
	} else if name != "terms-of-service" {
		i = -1
	}
	if i < 0 {
		return "", "", fmt.Errorf("text %s: %w", name, store.ErrNotFound)
	}
	return "Terms of service from " + s.terms[i].Effective, htmlOf(s.terms[i].Content), nil
}

// about is what the server is, its rules, and whom to write to.
func (s *site) about() string {
	var b strings.Builder
	b.WriteString(s.extended.html)
	if len(s.rules) > 0 {
		b.WriteString("<h2>Rules</h2><ol>")
		for _, r := range s.rules {
			b.WriteString("<li>" + html.EscapeString(r.Text))
			if r.Hint != "" {
				b.WriteString("<br><small>" + html.EscapeString(r.Hint) + "</small>")
			}
			b.WriteString("</li>")
		}
		b.WriteString("</ol>")
	}
	if s.contact != "" {
		b.WriteString(`<p>Contact: <a href="mailto:` + html.EscapeString(s.contact) + `">` + html.EscapeString(s.contact) + "</a></p>")
	}
	b.WriteString(`<p><a href="/privacy-policy">Privacy policy</a>`)
	if len(s.terms) > 0 {
		b.WriteString(` · <a href="/terms-of-service">Terms of service</a>`)
	}
	b.WriteString("</p>")
	return b.String()
}

// RuleTexts are the rules alone, for the page on which people sign up.
func (api *API) RuleTexts(ctx context.Context) ([]string, error) {
	s, err := api.site(ctx)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, r := range s.rules {
		texts = append(texts, r.Text)
	}
	return texts, nil
}
