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

// Brought is a post that its author brought along from another server.
type Brought struct {
	Origin     vocab.IRI // Where it stood; "" unknown.
	Later      vocab.IRI // Where it stood after that; "" nowhere.
	Published  time.Time
	Updated    time.Time // Zero: never edited.
	HTML       string    // As found; it is made safe here.
	Source     string    // As typed, where that is known.
	SourceType string
	Spoiler    string
	Sensitive  bool
	Language   string
	Visibility string // Name.
	InReplyTo  vocab.IRI
	Hashtags   []string // Without #.
	Media      []store.Media
	Poll       *vocab.Poll // With its results; it is over.
}

// importPrefix marks in the log what its author brought along.
const importPrefix = "import:"

// fromArchive is the origin of what an account of ours brings along: it is filed under
// its date, and nobody is told, here or elsewhere.
func fromArchive(actor int64) Origin { return Origin{Actor: actor, Fetched: true, imported: true} }

// Import files a post that by wrote elsewhere, with its date, and returns its id; fresh
// is false when it was brought along before. It goes to nobody: no home but the
// profile's own list, no notification, no delivery. Who is mentioned stays a link.
func (p *Pipeline) Import(ctx context.Context, by *store.Actor, m Brought) (id int64, fresh bool, err error) {
	for _, uri := range m.origins() {
		if o, err := p.DB.ByOrigin(ctx, uri, by.ID); err == nil {
			return o.ID, false, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return 0, false, err
		}
	}
	if m.Published.IsZero() {
		return 0, false, fault.New(fault.Invalid, "The post has no date.")
	}
	for range 5 { // Another one of the same millisecond may take the id.
		if id, err = p.freeID(ctx, vocab.ClampTime(m.Published, p.Now())); err != nil {
			return 0, false, err
		}
		err = p.importAs(ctx, by, &m, id)
		if free, ferr := p.DB.FreeID(ctx, id); err == nil || ferr != nil || free {
			break
		}
	}
	return id, err == nil, err
}

// freeID is an id for something of ours that happened at a time.
func (p *Pipeline) freeID(ctx context.Context, at time.Time) (int64, error) {
	for {
		id := p.DB.IDs.At(at)
		if free, err := p.DB.FreeID(ctx, id); err != nil || free {
			return id, err
		}
	}
}

func (p *Pipeline) importAs(ctx context.Context, by *store.Actor, m *Brought, id int64) error {
	o, err := p.importedObject(ctx, by, m, id)
	if err != nil {
		return err
	}
	a := p.activity("Create", by, o.ID)
	a.To, a.Cc, a.Inline, a.Published = o.To, o.Cc, o, o.Published
	a.Raw = vocab.EncodeActivity(a, nil)
	from := fromArchive(by.ID)
	if err := Create.Validate(a, from); err != nil {
		return err
	}
	var uploads []int64
	for i := range m.Media {
		uploads = append(uploads, m.Media[i].ID)
	}
	s := &Step{p: p, Activity: a, Actor: by, From: from, also: func(ctx context.Context, s *Step) error {
		if err := s.attachUploads(ctx, id, uploads); err != nil {
			return err
		}
		for _, origin := range m.origins() {
			if err := s.SetOrigin(ctx, origin, by.ID, id); err != nil {
				return err
			}
		}
		return nil
	}}
	s.prepare()
	return p.DB.Write(ctx, func(tx *store.Tx) error { return s.commit(ctx, tx, Create) })
}

// origins are where it stood, the first place first.
func (m *Brought) origins() []vocab.IRI {
	var all []vocab.IRI
	for _, uri := range []vocab.IRI{m.Origin, m.Later} {
		if uri != "" {
			all = append(all, uri)
		}
	}
	return all
}

// importedObject is the post's document here.
func (p *Pipeline) importedObject(ctx context.Context, by *store.Actor, m *Brought, id int64) (*vocab.Object, error) {
	vis, ok := vocab.VisibilityNamed(m.Visibility)
	if !ok {
		return nil, fault.New(fault.Invalid, "A post can be public, unlisted, private or direct.")
	}
	o := &vocab.Object{ID: p.ObjectURI(id), Type: "Note", AttributedTo: []vocab.IRI{by.URI}, Published: vocab.TimeOf(id), Updated: m.Updated,
		URL: vocab.IRI(p.URL + "/@" + by.Username + "/" + fmt.Sprint(id)), Summary: m.Spoiler, Sensitive: m.Sensitive || m.Spoiler != "",
		Content: markup.Sanitize(cut(m.HTML, maxContent)), Language: m.Language, Source: cut(m.Source, maxContent), SourceType: m.SourceType,
		InReplyTo: m.InReplyTo, RepliesCount: -1, LikesCount: -1, SharesCount: -1}
	o.AlsoKnownAs = m.origins()
	if m.InReplyTo != "" {
		if parent, err := p.DB.ByOrigin(ctx, m.InReplyTo, by.ID); err == nil {
			o.InReplyTo = parent.URI
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	o.To, o.Cc = vis.Audience(by.Followers, nil)
	o.Policy = policyOf("", by, vis.Level)
	for _, tag := range m.Hashtags {
		o.Tags = append(o.Tags, vocab.Tag{Type: "Hashtag", Name: "#" + tag, Href: vocab.IRI(p.URL + "/tags/" + strings.ToLower(tag))})
	}
	emoji, err := p.EmojiTags(ctx, o.Content, o.Summary)
	if err != nil {
		return nil, err
	}
	o.Tags = append(o.Tags, emoji...)
	for _, f := range m.Media {
		o.Attachments = append(o.Attachments, vocab.Attachment{Type: "Document", MediaType: f.Mime, URL: f.URL, Name: f.Description, Blurhash: f.Blurhash,
			Width: f.Width, Height: f.Height, Focus: f.Focus, Duration: f.Duration, Preview: f.Preview})
	}
	if m.Poll != nil {
		poll := *m.Poll
		poll.Closed = true
		if now := p.Now().UTC().Truncate(time.Millisecond); poll.Ends.IsZero() || poll.Ends.After(now) {
			poll.Ends = now
		}
		o.Type, o.Poll = "Question", &poll
	}
	o.Raw = o.Encode()
	return o, nil
}

// maxJoined bounds the answers that a post finds waiting.
const maxJoined = 100

// joinThread hangs those of the author's own posts on a post that answer it by the
// address where it stood before. Other people's answers are left alone: the old
// address is nobody's word but the author's.
func (s *Step) joinThread(ctx context.Context, o *vocab.Object) error {
	if !s.From.imported {
		return nil
	}
	for _, origin := range o.AlsoKnownAs {
		ids, err := s.WaitingReplies(ctx, origin, s.Actor.ID, maxJoined)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.thread(ctx, id, o.ID); err != nil {
				return err
			}
			if err := s.DropWait(ctx, origin, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// FavouriteQuietly has by favour a status again that it favoured at its old server:
// nobody is told of it a second time.
func (p *Pipeline) FavouriteQuietly(ctx context.Context, by *store.Actor, status int64) error {
	post, _, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	live, err := p.DB.LiveActivities(ctx, "Like", by.ID, post.ID)
	if err != nil || len(live) > 0 {
		return err
	}
	return p.Process(ctx, encoded(p.activity("Like", by, uri)), fromArchive(by.ID))
}

// PinQuietly puts one of by's own posts on its profile again, as far as there is room;
// nobody is told.
func (p *Pipeline) PinQuietly(ctx context.Context, by *store.Actor, status int64) error {
	post, _, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	pins, err := p.DB.Pins(ctx, by.ID)
	switch {
	case err != nil || slices.Contains(pins, post.ID):
		return err
	case post.Actor != by.ID || post.Visibility == direct:
		return fault.New(fault.Invalid, "This post can't be pinned.")
	case len(pins) >= p.MaxPins:
		return fault.New(fault.Invalid, "There are %d pinned posts already, which is the most that is possible.", p.MaxPins)
	}
	a := p.activity("Add", by, uri)
	a.Target = by.URI + "/collections/featured"
	return p.Process(ctx, encoded(a), fromArchive(by.ID))
}
