package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Draft is a post as its author typed it. The door has checked lengths and limits.
type Draft struct {
	Text        string
	ContentType string // text/plain ("" too), or another of markup.ContentTypes.
	Spoiler     string
	Sensitive   bool
	Visibility  string // Name; "" means public.
	LocalOnly   bool
	Language    string
	InReplyTo   int64  // statuses.id, 0 none
	Quote       int64  // statuses.id, 0 none
	QuotePolicy string // One of Policies; "" means public, of an edit as it was.
	Media       []store.Media
	Poll        *DraftPoll
	Emoji       []vocab.Tag   // The instance's own emoji that the text may use.
	People      []Addressee   // Who is addressed beside those whom the text mentions.
	Lifetime    time.Duration // After it the post is deleted; 0 never.
	Key         string        // Idempotency-Key, "" none
	Scheduled   int64         // What was kept for later and is published now, 0 none.
	App         string        // Name of the client, shown beside the post.
	AppURL      string
}

// Addressee is somebody to whom a post is addressed.
type Addressee struct {
	*store.Actor
	Mentioned bool // They are told of it as of a mention.
}

// DraftPoll is a poll as typed.
type DraftPoll struct {
	Options  []string
	Multiple bool
	Expires  time.Duration
}

// Post publishes a draft and returns the status's id. The same Key within an hour
// gives the same status.
func (p *Pipeline) Post(ctx context.Context, by *store.Actor, d Draft) (int64, error) {
	if d.Key != "" {
		if id, err := p.DB.Idempotent(ctx, by.ID, d.Key); err == nil {
			return id, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
	}
	if err := p.here(ctx, by); err != nil {
		return 0, err
	}
	id := p.NewID()
	o, err := p.compose(ctx, by, &d, id)
	if err != nil {
		return 0, err
	}
	a := p.activity("Create", by, o.ID)
	a.To, a.Cc, a.Audience, a.Inline, a.Published = o.To, o.Cc, o.Audience, o, o.Published
	a.Raw = vocab.EncodeActivity(a, nil)
	err = p.write(ctx, a, by, &d, func(ctx context.Context, s *Step) error {
		if d.Key != "" {
			if err := s.Remember(ctx, by.ID, d.Key, id, s.now()); err != nil {
				return err // Before the files, which the other post has.
			}
		}
		if d.Scheduled != 0 {
			if err := s.TakeScheduled(ctx, d.Scheduled); err != nil {
				return err // Published already.
			}
		}
		return s.attachUploads(ctx, id, d.uploads())
	})
	if errors.Is(err, store.ErrExists) { // The same key at the same moment.
		return p.DB.Idempotent(ctx, by.ID, d.Key)
	}
	return id, err
}

// write processes a Create or Update of one of our posts, with its media and app.
func (p *Pipeline) write(ctx context.Context, a *vocab.Activity, by *store.Actor, d *Draft, also func(context.Context, *Step) error) error {
	if err := p.checkOrigin(a, FromAccount(by.ID)); err != nil {
		return err
	}
	t := types[a.Type]
	if err := t.Validate(a, FromAccount(by.ID)); err != nil {
		return err
	}
	c, err := p.judge(ctx, p.DB.Q, a, by, FromAccount(by.ID))
	if err != nil {
		return err
	}
	s := &Step{p: p, Activity: a, Actor: by, From: FromAccount(by.ID), localOnly: d.LocalOnly, also: also}
	s.heed(c)
	s.expires = p.lifetime(d, c)
	s.prepare()
	return p.DB.Write(ctx, func(tx *store.Tx) error { return s.commit(ctx, tx, t) })
}

// compose makes the object of a draft. Who is mentioned is looked up, by WebFinger
// where it isn't known, before anything is written.
func (p *Pipeline) compose(ctx context.Context, by *store.Actor, d *Draft, id int64) (*vocab.Object, error) {
	vis, ok := vocab.VisibilityNamed(d.Visibility)
	if d.Visibility == "" {
		vis, ok = vocab.Visibilities[0], true
	}
	if !ok {
		return nil, fault.New(fault.Invalid, "A post can be public, unlisted, private or direct.")
	}
	o := &vocab.Object{ID: p.ObjectURI(id), Type: "Note", AttributedTo: []vocab.IRI{by.URI}, Published: vocab.TimeOf(id),
		URL: vocab.IRI(p.URL + "/@" + by.Username + "/" + fmt.Sprint(id)), Summary: d.Spoiler, Sensitive: d.Sensitive || d.Spoiler != "",
		Language: d.Language, Generator: d.App, GeneratorURL: vocab.IRI(d.AppURL), RepliesCount: -1, LikesCount: -1, SharesCount: -1,
		Context: p.ContextURI(id), Conversation: string(p.ContextURI(id))}
	if d.ContentType != "" && d.ContentType != "text/plain" {
		o.Source, o.SourceType = d.Text, d.ContentType
	} else {
		o.Source, o.SourceType = d.Text, "text/plain"
	}
	o.HTMLMFM = d.ContentType == markup.MFM
	people, err := p.draftText(ctx, d, o)
	if err != nil {
		return nil, err
	}
	for _, a := range d.People {
		if a.Mentioned && !slices.ContainsFunc(o.Tags, func(t vocab.Tag) bool { return t.Type == "Mention" && t.Href == a.URI }) {
			o.Tags = append(o.Tags, p.mentionOf(a.Actor))
		}
		people = append(people, a.URI)
	}
	if err := p.draftReply(ctx, by, d, o); err != nil {
		return nil, err
	}
	if err := p.draftQuote(ctx, by, d, o); err != nil {
		return nil, err
	}
	if named, ok := vocab.VisibilityNamed(d.Visibility); ok {
		vis = named
	}
	o.To, o.Cc = vis.Audience(by.Followers, people)
	if vis.Level <= unlisted && !d.LocalOnly {
		if err := p.draftGroup(ctx, d, o, people); err != nil {
			return nil, err
		}
	}
	o.Policy = policyOf(d.QuotePolicy, by, vis.Level)
	p.nameQuote(ctx, o)
	for _, m := range d.Media {
		o.Attachments = append(o.Attachments, vocab.Attachment{Type: "Document", MediaType: m.Mime, URL: m.URL, Name: m.Description, Blurhash: m.Blurhash,
			Width: m.Width, Height: m.Height, Focus: m.Focus, Duration: m.Duration, Preview: m.Preview})
	}
	if d.Poll != nil {
		o.Type = "Question"
		o.Poll = &vocab.Poll{Multiple: d.Poll.Multiple}
		for _, option := range d.Poll.Options {
			o.Poll.Options = append(o.Poll.Options, vocab.PollOption{Name: option})
		}
		if d.Poll.Expires > 0 {
			o.Poll.Ends = o.Published.Add(d.Poll.Expires)
		}
	}
	o.Raw = o.Encode()
	return o, nil
}

// draftText renders the text and returns who is mentioned.
func (p *Pipeline) draftText(ctx context.Context, d *Draft, o *vocab.Object) ([]vocab.IRI, error) {
	found := markup.Scan(d.Text, d.ContentType)
	known := map[string]*store.Actor{}
	var people []vocab.IRI
	for _, handle := range found.Mentions[:min(len(found.Mentions), maxAddressees)] {
		a, err := p.Resolve(ctx, handle)
		if err != nil {
			continue // It stays text.
		}
		known[strings.ToLower(handle)] = a
		people = append(people, a.URI)
		o.Tags = append(o.Tags, p.mentionOf(a))
	}
	for _, tag := range found.Hashtags {
		o.Tags = append(o.Tags, vocab.Tag{Type: "Hashtag", Name: "#" + tag, Href: vocab.IRI(p.URL + "/tags/" + strings.ToLower(tag))})
	}
	beside := []string{d.Spoiler}
	if d.Poll != nil {
		beside = append(beside, d.Poll.Options...)
	}
	shown, err := p.EmojiTags(ctx, beside...)
	if err != nil {
		return nil, err
	}
	for _, e := range d.Emoji {
		if slices.Contains(found.Emoji, strings.Trim(e.Name, ":")) && !slices.ContainsFunc(shown, func(t vocab.Tag) bool { return t.Name == e.Name }) {
			shown = append(shown, e)
		}
	}
	o.Tags = append(o.Tags, shown...)
	profiles, err := p.profileURLs(ctx, known)
	if err != nil {
		return nil, err
	}
	o.Content = markup.Render(d.Text, d.ContentType, markup.Links{
		Mention: func(handle string) (href, url, username string, ok bool) {
			a := known[strings.ToLower(handle)]
			if a == nil {
				return "", "", "", false
			}
			return string(a.URI), profiles[a.ID], a.Username, true
		},
		Hashtag: func(tag string) string { return p.URL + "/tags/" + strings.ToLower(tag) },
	})
	return people, nil
}

// mentionOf is the tag that mentions somebody.
func (p *Pipeline) mentionOf(a *store.Actor) vocab.Tag {
	name := "@" + a.Acct()
	if a.Local {
		name = "@" + a.Username + "@" + p.Domain
	}
	return vocab.Tag{Type: "Mention", Name: name, Href: a.URI}
}

// profileURLs returns the pages of actors.
func (p *Pipeline) profileURLs(ctx context.Context, actors map[string]*store.Actor) (map[int64]string, error) {
	var ids []int64
	urls := map[int64]string{}
	for _, a := range actors {
		ids = append(ids, a.ID)
		urls[a.ID] = string(a.URI)
	}
	if len(ids) == 0 {
		return urls, nil
	}
	profiles, err := p.DB.Profiles(ctx, ids)
	for id, profile := range profiles {
		if profile.URL != "" {
			urls[id] = string(profile.URL)
		}
	}
	return urls, err
}

// draftReply completes what the draft answers. Answers to local-only posts are
// local-only.
func (p *Pipeline) draftReply(ctx context.Context, by *store.Actor, d *Draft, o *vocab.Object) error {
	if d.InReplyTo == 0 {
		return nil
	}
	post, author, uri, err := p.post(ctx, by, d.InReplyTo)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "The post that you answer does not exist any more.")
	} else if err != nil {
		return err
	}
	if err := p.permits(ctx, by, author, post, "canReply"); err != nil {
		return err
	}
	if err := p.answerable(ctx, by, post); err != nil {
		return err
	}
	o.InReplyTo = uri
	d.LocalOnly = d.LocalOnly || post.LocalOnly
	return p.inherit(ctx, post, o)
}

// inherit puts an answer into the conversation of the post that it answers: whoever
// began it says where its posts are listed, if anybody does.
//
// spec: fep-7888
func (p *Pipeline) inherit(ctx context.Context, post *store.Status, o *vocab.Object) error {
	o.Context, o.Conversation = "", ""
	root, err := p.DB.Object(ctx, post.Conversation)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	o.Conversation = string(root.URI)
	if id, ok := p.ownID(root.URI, "/objects/"); ok {
		o.Context = p.ContextURI(id)
		return nil
	}
	for _, id := range []int64{post.ID, root.ID} {
		row, err := p.DB.Object(ctx, id)
		if err != nil || row.Doc == "" {
			continue
		}
		if was, err := vocab.DecodeObject([]byte(row.Doc)); err == nil && was.Context.Valid() == nil {
			o.Context, o.Conversation = was.Context, was.Conversation
			return nil
		}
	}
	return nil
}

// Edit publishes a new version of one of by's own posts. Visibility and what it
// answers stay.
func (p *Pipeline) Edit(ctx context.Context, by *store.Actor, status int64, d Draft) error {
	old, err := p.DB.Object(ctx, status)
	if errors.Is(err, store.ErrNotFound) || err == nil && (old.Actor != by.ID || old.Deleted != 0) {
		return fault.New(fault.NotFound, "There is no such post.")
	} else if err != nil {
		return err
	}
	was, err := vocab.DecodeObject([]byte(old.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", old.ID, err)
	}
	d.Visibility, d.LocalOnly, d.InReplyTo = vocab.VisibilityLevel(old.Visibility).Name, old.LocalOnly, 0
	d.Quote = 0 // It stays.
	o, err := p.compose(ctx, by, &d, status)
	if err != nil {
		return err
	}
	o.InReplyTo, o.Context, o.Conversation, o.Published = was.InReplyTo, was.Context, was.Conversation, was.Published
	o.QuoteURL, o.QuoteAuthorization = was.QuoteURL, was.QuoteAuthorization
	o.ReplyAuthorization = was.ReplyAuthorization
	if len(was.Audience) == 1 {
		toGroup(o, was.Audience[0])
	}
	p.nameQuote(ctx, o)
	if d.QuotePolicy == "" && was.Policy != nil {
		o.Policy = was.Policy
	}
	o.Updated = time.UnixMilli(max(p.Now().UnixMilli(), old.Version+1)).UTC()
	if o.Poll != nil && was.Poll != nil && d.Poll.Expires == 0 {
		o.Poll.Ends = was.Poll.Ends
	}
	o.Raw = o.Encode()
	a := p.activity("Update", by, o.ID)
	a.To, a.Cc, a.Audience, a.Inline = o.To, o.Cc, o.Audience, o
	a.Raw = vocab.EncodeActivity(a, nil)
	return p.write(ctx, a, by, &d, func(ctx context.Context, s *Step) error {
		return s.attachUploads(ctx, status, d.uploads())
	})
}

// attachUploads makes files the post's. Another post may have been quicker, which the
// door could not see.
func (s *Step) attachUploads(ctx context.Context, status int64, ids []int64) error {
	err := s.AttachUploads(ctx, s.Actor.ID, status, ids)
	if errors.Is(err, store.ErrNotFound) {
		return fault.Because(err, fault.Invalid, "A file is not there any more, or belongs to another post.")
	}
	return err
}

// uploads are the numbers of the draft's files.
func (d *Draft) uploads() []int64 {
	var ids []int64
	for _, m := range d.Media {
		if m.Local && !slices.Contains(ids, m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
