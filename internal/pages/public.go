package pages

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
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
	Time, When     string
	Media          []store.Media
	Replies        int64
	Boosts, Favs   int64
	Focus, Boosted bool
	BoostedBy      string
	Poll           *store.Poll
}

// shown is how many posts a profile page shows, and how much of a thread.
const shown = 20

// Profile draws the public page of one of our accounts.
func (p *Pages) Profile(w http.ResponseWriter, r *http.Request, username string) {
	p.page(func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		actor, err := p.DB.ActorByHandle(ctx, username, "")
		if err != nil || actor.Deleted != 0 {
			return fault.Because(err, fault.NotFound, "There is no account @%s here.", username)
		}
		profiles, err := p.DB.Profiles(ctx, []int64{actor.ID})
		if err != nil {
			return err
		}
		counts, err := p.DB.ActorCounts(ctx, []int64{actor.ID})
		if err != nil {
			return err
		}
		ids, err := p.DB.PublicStatuses(ctx, actor.ID, shown)
		if err != nil {
			return err
		}
		posts, err := p.posts(ctx, ids)
		if err != nil {
			return err
		}
		profile := profiles[actor.ID]
		if profile == nil {
			return fault.New(fault.NotFound, "There is no account @%s here.", username)
		}
		name := profile.DisplayName
		if name == "" {
			name = actor.Username
		}
		w.Header().Set("Vary", "Accept, Cookie")
		p.show(w, "profile.html", view{Title: name + " (@" + actor.Username + ")", Head: p.head("profile", name, markup.PlainText(profile.Note), p.picture(profile.Avatar), p.URL+"/@"+actor.Username, string(actor.URI)),
			Data: struct {
				Name, Handle, Avatar, Header string
				Note                         template.HTML
				Profile                      *store.Profile
				Counts                       store.ActorCounts
				Posts                        []post
			}{name, actor.Username + "@" + p.Auth.Domain, p.picture(profile.Avatar), p.header(profile.Header), template.HTML(profile.Note), profile, counts[actor.ID], posts}})
		return nil
	})(w, r)
}

// Post draws the public page of a post with its thread.
func (p *Pages) Post(w http.ResponseWriter, r *http.Request, username string, id int64) {
	p.page(func(w http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		gone := fault.New(fault.NotFound, "There is no such post, or it is not public.")
		st, err := p.DB.Status(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && (st.Visibility > 1 || st.LocalOnly || st.BoostOf != 0) {
			return gone
		} else if err != nil {
			return err
		}
		author, err := p.DB.Actor(ctx, st.Actor)
		if err != nil {
			return err
		}
		if !strings.EqualFold(author.Acct(), username) || author.Deleted != 0 {
			return gone
		}
		if !author.Local {
			content, err := p.DB.Contents(ctx, []int64{id})
			if err != nil || content[id] == nil {
				return gone
			}
			http.Redirect(w, r, string(content[id].URI), http.StatusFound)
			return nil
		}
		thread, err := p.DB.PublicThread(ctx, st, 3*shown)
		if err != nil {
			return err
		}
		posts, err := p.posts(ctx, thread)
		if err != nil {
			return err
		}
		var title, text string
		for i := range posts {
			if posts[i].ID == id {
				posts[i].Focus = true
				title, text = posts[i].Name, markup.Excerpt(string(posts[i].HTML), 200)
			}
		}
		w.Header().Set("Vary", "Accept, Cookie")
		link := fmt.Sprintf("%s/@%s/%d", p.URL, author.Username, id)
		p.show(w, "post.html", view{Title: title + ": " + markup.Excerpt(text, 60), Head: p.head("article", title, text, "", link, fmt.Sprintf("%s/objects/%d", p.URL, id)), Data: posts})
		return nil
	})(w, r)
}

// head is what other programs read of a page: Open Graph, and the same as data.
func (p *Pages) head(kind, title, text, image, link, activity string) template.HTML {
	var b strings.Builder
	meta := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, `<meta property="og:%s" content="%s">`+"\n", name, template.HTMLEscapeString(value))
		}
	}
	meta("type", kind)
	meta("title", title)
	meta("description", text)
	meta("url", link)
	meta("site_name", p.Title)
	if image != "" && !strings.HasPrefix(image, "http") {
		image = p.URL + image
	}
	meta("image", image)
	fmt.Fprintf(&b, `<link rel="alternate" type="application/activity+json" href="%s">`+"\n", template.HTMLEscapeString(activity))
	fmt.Fprintf(&b, `<link rel="canonical" href="%s">`, template.HTMLEscapeString(link))
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

// posts loads what the pages draw, in the order of ids.
func (p *Pages) posts(ctx context.Context, ids []int64) ([]post, error) {
	rows, err := p.DB.Statuses(ctx, ids)
	if err != nil {
		return nil, err
	}
	var postIDs, actorIDs []int64
	for _, id := range ids {
		st := rows[id]
		if st == nil {
			continue
		}
		actorIDs = append(actorIDs, st.Actor)
		if st.BoostOf != 0 {
			postIDs = append(postIDs, st.BoostOf)
		} else {
			postIDs = append(postIDs, id)
		}
	}
	boosted, err := p.DB.Statuses(ctx, postIDs)
	if err != nil {
		return nil, err
	}
	for _, st := range boosted {
		actorIDs = append(actorIDs, st.Actor)
	}
	contents, err := p.DB.Contents(ctx, postIDs)
	if err != nil {
		return nil, err
	}
	counts, err := p.DB.Counts(ctx, postIDs)
	if err != nil {
		return nil, err
	}
	actors, err := p.DB.Actors(ctx, actorIDs)
	if err != nil {
		return nil, err
	}
	profiles, err := p.DB.Profiles(ctx, actorIDs)
	if err != nil {
		return nil, err
	}
	polls, err := p.DB.Polls(ctx, postIDs)
	if err != nil {
		return nil, err
	}
	var all []post
	for _, id := range ids {
		st := rows[id]
		if st == nil {
			continue
		}
		one := post{ID: id}
		if st.BoostOf != 0 {
			one.Boosted, one.BoostedBy = true, name(actors[st.Actor], profiles[st.Actor])
			if st = boosted[st.BoostOf]; st == nil || st.Visibility > 1 || st.LocalOnly {
				continue
			}
		}
		c, author := contents[st.ID], actors[st.Actor]
		if c == nil || author == nil || author.Deleted != 0 {
			continue
		}
		p.fill(&one, st, c, author, profiles[st.Actor])
		n := counts[st.ID]
		one.Replies, one.Boosts, one.Favs, one.Poll = n.Replies, n.Boosts, n.Favourites, polls[st.ID]
		all = append(all, one)
	}
	return all, nil
}

func (p *Pages) fill(one *post, st *store.Status, c *store.Content, author *store.Actor, profile *store.Profile) {
	one.Name, one.Acct = name(author, profile), author.Acct()
	one.HTML, one.Spoiler = template.HTML(c.HTML), c.Spoiler
	one.Profile, one.Link = string(author.URI), string(c.URI)
	if author.Local {
		one.Profile, one.Link = "/@"+author.Username, fmt.Sprintf("/@%s/%d", author.Username, st.ID)
	}
	if profile != nil {
		one.Avatar = p.picture(profile.Avatar)
		if !author.Local && profile.URL != "" {
			one.Profile = string(profile.URL)
		}
	}
	at := time.UnixMilli(c.Published).UTC()
	one.Time, one.When = at.Format(time.RFC3339), at.Format("2 Jan 2006, 15:04 MST")
	for _, m := range c.Media {
		m.URL, m.Preview = vocab.IRI(p.header(m.URL)), vocab.IRI(p.header(m.Preview))
		one.Media = append(one.Media, m)
	}
}

func name(a *store.Actor, profile *store.Profile) string {
	switch {
	case profile != nil && profile.DisplayName != "":
		return profile.DisplayName
	case a != nil:
		return a.Username
	}
	return "somebody"
}
