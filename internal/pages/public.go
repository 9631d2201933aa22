package pages

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// post is a status as the public pages draw it.
type post struct {
	ID             int64
	Name, Acct     string
	Avatar         string
	Profile, Link  string
	HTML           template.HTML
	Spoiler        string
	Sensitive      bool
	Time, When     string
	Media          []attachment
	Replies        int64
	Boosts, Favs   int64
	Focus, Boosted bool
	BoostedBy      string
	Poll           *store.Poll
	Origin         string // Where the post was before; "" nowhere else.
}

// attachment is a file of a post. Kind is image, video, audio, or "" for what is
// only linked to.
type attachment struct {
	Kind, URL, Preview, Description string
	Width, Height                   int
}

// shown is how many posts a profile page shows, inThread how many a thread has above
// and below its post; roomBytes is how much they may say: a page is to stay below
// 30 kB.
const (
	shown     = 20
	inThread  = 60
	roomBytes = 22_000
	postBytes = 1_000 // Of a post's frame.
)

// size is about how many bytes a post takes.
func (o *post) size() int {
	n := postBytes + len(o.HTML) + len(o.Spoiler)
	for _, m := range o.Media {
		n += len(m.URL) + len(m.Preview) + len(m.Description) + 100
	}
	return n
}

// profilePage is what profile.html draws.
type profilePage struct {
	Name, Handle, Avatar, Header string
	Note                         template.HTML
	Fields                       []field
	Profile                      *store.Profile
	Counts                       store.ActorCounts
	Posts                        []post
	Older                        string // Address of the next page; "" at the end.
	Moved                        *elsewhereAccount
}

type field struct {
	Name  string
	Value template.HTML
}

// Profile draws the public page of one of our accounts.
func (p *Pages) Profile(w http.ResponseWriter, r *http.Request, username string) {
	p.page(func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		actor, profile, err := p.person(ctx, username)
		if errors.Is(err, store.ErrNotFound) {
			return fault.Because(err, fault.NotFound, "There is no account @%s here.", username)
		} else if err != nil {
			return err
		}
		counts, err := p.DB.ActorCounts(ctx, []int64{actor.ID})
		if err != nil {
			return err
		}
		page := profilePage{Name: name(actor, profile), Handle: actor.Username + "@" + p.Auth.Domain, Avatar: p.picture(profile.Avatar), Header: p.header(profile.Header),
			Note: template.HTML(profile.Note), Profile: profile, Counts: counts[actor.ID]}
		for _, f := range profile.Fields {
			page.Fields = append(page.Fields, field{f.Name, template.HTML(strings.ReplaceAll(f.Value, `rel="nofollow `, `rel="me nofollow `))})
		}
		if profile.MovedTo != "" {
			to, err := p.named(ctx, profile.MovedTo)
			if err != nil {
				return err
			}
			page.Moved = &to
		}
		if page.Posts, page.Older, err = p.newest(ctx, actor, number(r, "before")); err != nil {
			return err
		}
		w.Header().Set("Vary", "Accept, Cookie")
		p.show(w, "profile.html", view{Title: page.Name + " (@" + actor.Username + ")", Data: page,
			Head: p.head(open{kind: "profile", title: page.Name, text: markup.Excerpt(profile.Note, 200), image: page.Avatar, link: p.URL + "/@" + actor.Username,
				activity: string(actor.URI), hidden: profile.Discoverable == nil || !*profile.Discoverable})})
		return nil
	})(w, r)
}

// person returns one of our actors that takes part: ErrNotFound also for one that
// was deleted, or still waits to be let in.
func (p *Pages) person(ctx context.Context, username string) (*store.Actor, *store.Profile, error) {
	actor, err := p.DB.ActorByHandle(ctx, username, "")
	if err != nil {
		return nil, nil, err
	}
	account, err := p.DB.Account(ctx, actor.ID)
	if err != nil {
		return nil, nil, err
	}
	profiles, err := p.DB.Profiles(ctx, []int64{actor.ID})
	if err != nil {
		return nil, nil, err
	}
	profile := profiles[actor.ID]
	if actor.Hidden() || account.Confirmed == 0 || account.Approved == 0 || profile == nil {
		return nil, nil, fmt.Errorf("@%s takes no part: %w", username, store.ErrNotFound)
	}
	return actor, profile, nil
}

// newest returns what somebody posted lately, before a post if that is not 0, as
// much as has room, and the address of what is older.
func (p *Pages) newest(ctx context.Context, actor *store.Actor, before int64) ([]post, string, error) {
	ids, err := p.DB.PublicStatuses(ctx, actor.ID, store.Page{Max: before, Limit: shown})
	if err != nil {
		return nil, "", err
	}
	posts, err := p.posts(ctx, ids)
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	last, room := ids[len(ids)-1], roomBytes
	for i := range posts {
		if room -= posts[i].size(); room < 0 && i > 0 {
			posts, last = posts[:i], posts[i-1].ID
			break
		}
	}
	if last == ids[len(ids)-1] && len(ids) < shown {
		return posts, "", nil
	}
	return posts, fmt.Sprintf("/@%s?before=%d", actor.Username, last), nil
}

// number reads a number from the query; 0 when there is none.
func number(r *http.Request, key string) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get(key), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// errNoPost says no more about a post that is not for everybody than about none.
var errNoPost = fault.New(fault.NotFound, "There is no such post, or it is not public.")

// threadPage is what post.html draws.
type threadPage struct {
	Earlier string // Address of what comes before; "" at the beginning.
	Posts   []post
	More    string // Address of further answers; "" at the end.
}

// Post draws the public page of a post with its thread.
func (p *Pages) Post(w http.ResponseWriter, r *http.Request, username string, id int64) {
	p.page(func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		st, err := p.DB.Status(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!forAll(st) || st.BoostOf != 0) {
			return errNoPost
		} else if err != nil {
			return err
		}
		author, err := p.DB.Actor(ctx, st.Actor)
		if err != nil {
			return err
		}
		if !strings.EqualFold(author.Acct(), username) || author.Hidden() {
			return errNoPost
		}
		if !author.Local {
			return p.elsewhere(w, r, id)
		}
		thread, err := p.DB.PublicThread(ctx, id, inThread)
		if err != nil {
			return err
		}
		posts, err := p.posts(ctx, thread)
		if err != nil {
			return err
		}
		focus := slices.IndexFunc(posts, func(o post) bool { return o.ID == id })
		if focus < 0 {
			return errNoPost
		}
		profiles, err := p.DB.Profiles(ctx, []int64{author.ID})
		if err != nil {
			return err
		}
		profile := profiles[author.ID]
		head := p.postHead(&posts[focus], profile == nil || !profile.Indexable)
		w.Header().Set("Vary", "Accept, Cookie")
		p.show(w, "post.html", view{Title: head.title + ": " + markup.Excerpt(template.HTMLEscapeString(head.text), 60), Head: p.head(head), Data: cut(posts, focus, number(r, "after"))})
		return nil
	})(w, r)
}

// forAll tells whether anybody may see a post.
func forAll(s *store.Status) bool { return s.Visibility <= 1 && !s.LocalOnly }

// elsewhere leads to the page of a post of another server.
func (p *Pages) elsewhere(w http.ResponseWriter, r *http.Request, id int64) error {
	contents, err := p.DB.Contents(r.Context(), []int64{id})
	if err != nil {
		return err
	}
	c := contents[id]
	if c == nil {
		return errNoPost
	}
	to := c.URI
	if c.URL != "" {
		to = c.URL
	}
	if u, err := url.Parse(string(to)); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errNoPost
	}
	http.Redirect(w, r, string(to), http.StatusFound)
	return nil
}

// cut leaves of a thread what has room: the post itself, then what it answers, the
// nearest first, then the answers that come after a given one.
func cut(posts []post, focus int, after int64) threadPage {
	posts[focus].Focus = true
	room := roomBytes - posts[focus].size()
	fits := func(i int) bool {
		room -= posts[i].size()
		return room >= 0
	}
	var page threadPage
	from := focus
	for from > 0 && after == 0 && fits(from-1) {
		from--
	}
	if from > 0 {
		page.Earlier = posts[from-1].Link
	}
	page.Posts = append(page.Posts, posts[from:focus+1]...)
	for i := focus + 1; i < len(posts); i++ {
		if posts[i].ID <= after {
			continue
		}
		if last := page.Posts[len(page.Posts)-1].ID; !fits(i) && last != posts[focus].ID {
			page.More = fmt.Sprintf("%s?after=%d", posts[focus].Link, last)
			break
		}
		page.Posts = append(page.Posts, posts[i])
	}
	return page
}

// open is what other programs read of a page.
//
// spec: ogp.me
type open struct {
	kind, title, text, image, link, activity string
	published                                string
	hidden                                   bool // From search engines.
}

// postHead says what a link to a post shows in other places: not more than the
// page shows without a click.
func (p *Pages) postHead(o *post, hidden bool) open {
	h := open{kind: "article", title: o.Name, text: markup.Excerpt(string(o.HTML), 200), image: o.Avatar, link: p.URL + o.Link,
		activity: fmt.Sprintf("%s/objects/%d", p.URL, o.ID), published: o.Time, hidden: hidden}
	if o.Spoiler != "" {
		h.text = o.Spoiler
		return h
	}
	for _, m := range o.Media {
		if m.Kind == "image" && !o.Sensitive {
			h.image = m.URL
			break
		}
	}
	return h
}

func (p *Pages) head(o open) template.HTML {
	var b strings.Builder
	meta := func(attribute, name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "<meta %s=\"%s\" content=\"%s\">\n", attribute, name, template.HTMLEscapeString(value))
		}
	}
	if strings.HasPrefix(o.image, "/") {
		o.image = p.URL + o.image
	}
	meta("property", "og:type", o.kind)
	meta("property", "og:title", o.title)
	meta("property", "og:description", o.text)
	meta("property", "og:url", o.link)
	meta("property", "og:site_name", p.Title)
	meta("property", "og:image", o.image)
	meta("property", "article:published_time", o.published)
	meta("name", "description", o.text)
	if o.hidden {
		meta("name", "robots", "noindex")
	}
	fmt.Fprintf(&b, "<link rel=\"alternate\" type=\"application/activity+json\" href=\"%s\">\n", template.HTMLEscapeString(o.activity))
	fmt.Fprintf(&b, `<link rel="canonical" href="%s">`, template.HTMLEscapeString(o.link))
	return template.HTML(b.String())
}

// picture is where a browser gets a picture from: our own files, or our copy.
func (p *Pages) picture(at vocab.IRI) string {
	if at == "" {
		return "/static/avatar.svg"
	}
	return p.header(at)
}

func (p *Pages) header(at vocab.IRI) string {
	if at == "" || strings.HasPrefix(string(at), p.URL+"/") || p.Proxy == nil {
		return string(at)
	}
	return p.Proxy(string(at))
}

// parts are the rows that posts are drawn from.
type parts struct {
	rows, boosted map[int64]*store.Status
	contents      map[int64]*store.Content
	counts        map[int64]store.Counts
	actors        map[int64]*store.Actor
	profiles      map[int64]*store.Profile
	polls         map[int64]*store.Poll
}

// gather reads them, a query for each kind.
func (p *Pages) gather(ctx context.Context, ids []int64) (*parts, error) {
	var g parts
	var err error
	if g.rows, err = p.DB.Statuses(ctx, ids); err != nil {
		return nil, err
	}
	var originals, own, people []int64
	for _, st := range g.rows {
		people = append(people, st.Actor)
		if st.BoostOf != 0 {
			originals = append(originals, st.BoostOf)
		} else {
			own = append(own, st.ID)
		}
	}
	if g.boosted, err = p.DB.Statuses(ctx, originals); err != nil {
		return nil, err
	}
	for _, st := range g.boosted {
		people = append(people, st.Actor)
	}
	all := append(own, originals...)
	if g.contents, err = p.DB.Contents(ctx, all); err != nil {
		return nil, err
	}
	if g.counts, err = p.DB.Counts(ctx, all); err != nil {
		return nil, err
	}
	if g.polls, err = p.DB.Polls(ctx, all); err != nil {
		return nil, err
	}
	if g.actors, err = p.DB.Actors(ctx, people); err != nil {
		return nil, err
	}
	g.profiles, err = p.DB.Profiles(ctx, people)
	return &g, err
}

// posts loads what the pages draw, in the order of ids. What is not for everybody
// is left out.
func (p *Pages) posts(ctx context.Context, ids []int64) ([]post, error) {
	g, err := p.gather(ctx, ids)
	if err != nil {
		return nil, err
	}
	var all []post
	for _, id := range ids {
		st := g.rows[id]
		if st == nil || !forAll(st) {
			continue
		}
		one := post{ID: id}
		if st.BoostOf != 0 {
			one.Boosted, one.BoostedBy = true, name(g.actors[st.Actor], g.profiles[st.Actor])
			if st = g.boosted[st.BoostOf]; st == nil || !forAll(st) {
				continue
			}
		}
		c, author := g.contents[st.ID], g.actors[st.Actor]
		if c == nil || author == nil || author.Hidden() {
			continue
		}
		p.fill(&one, st, c, author, g.profiles[st.Actor])
		n := g.counts[st.ID]
		one.Replies, one.Boosts, one.Favs, one.Poll = n.Replies, n.Boosts, n.Favourites, g.polls[st.ID]
		all = append(all, one)
	}
	return all, nil
}

func (p *Pages) fill(one *post, st *store.Status, c *store.Content, author *store.Actor, profile *store.Profile) {
	one.Name, one.Acct = name(author, profile), author.Acct()
	if author.Local {
		one.Origin = string(c.Origin)
	}
	one.HTML, one.Spoiler, one.Sensitive = template.HTML(c.HTML), c.Spoiler, c.Sensitive
	if c.Title != "" && c.Spoiler == "" {
		one.HTML = template.HTML("<p><strong>"+template.HTMLEscapeString(c.Title)+"</strong></p>") + one.HTML
	}
	one.Avatar, one.Profile, one.Link = p.picture(""), string(author.URI), string(c.URI)
	if profile != nil {
		one.Avatar = p.picture(profile.Avatar)
	}
	switch {
	case author.Local:
		one.Profile, one.Link = "/@"+author.Username, fmt.Sprintf("/@%s/%d", author.Username, st.ID)
	default:
		if profile != nil && profile.URL != "" {
			one.Profile = string(profile.URL)
		}
		if c.URL != "" {
			one.Link = string(c.URL)
		}
	}
	at := time.UnixMilli(c.Published).UTC()
	one.Time, one.When = at.Format(time.RFC3339), at.Format("2 Jan 2006, 15:04 MST")
	for _, m := range c.Media {
		one.Media = append(one.Media, p.attachment(m))
	}
}

// attachment is how a browser gets a file. Of what others keep only pictures pass
// through here; the rest is linked to.
func (p *Pages) attachment(m store.Media) attachment {
	a := attachment{URL: string(m.URL), Description: m.Description, Width: m.Width, Height: m.Height}
	ours := strings.HasPrefix(a.URL, p.URL+"/")
	switch {
	case m.Kind == "image":
		a.Kind, a.URL, a.Preview = "image", p.header(m.URL), p.header(m.Preview)
	case ours && (m.Kind == "video" || m.Kind == "gifv"):
		a.Kind, a.Preview = "video", p.header(m.Preview)
	case ours && m.Kind == "audio":
		a.Kind = "audio"
	}
	return a
}

// name is what to call somebody.
func name(a *store.Actor, profile *store.Profile) string {
	switch {
	case profile != nil && profile.DisplayName != "":
		return profile.DisplayName
	case a != nil:
		return a.Username
	}
	return "somebody"
}
