package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// Status is a row of statuses: a post, or a boost of one.
type Status struct {
	ID, Seq      int64
	Actor        int64
	BoostOf      int64 // statuses.id, 0 for a post
	ReplyTo      int64 // 0 when none or not known
	ReplyActor   int64
	IsReply      bool // also when ReplyTo is not known
	Conversation int64
	Visibility   int16 // vocab.Visibility.Level
	LocalOnly    bool
	Local        bool
	Media        int16 // number of attachments
	Edited       int64 // ms, 0 never
	Language     string
}

const statusColumns = `id, seq, actor, boost_of, reply_to, reply_actor, is_reply, conversation, visibility, local_only, local, media, edited, language`

func (s *Status) scan() []any {
	return []any{&s.ID, &s.Seq, &s.Actor, &s.BoostOf, &s.ReplyTo, &s.ReplyActor, &s.IsReply, &s.Conversation, &s.Visibility,
		&s.LocalOnly, &s.Local, &s.Media, &s.Edited, &s.Language}
}

// Content is what a post says, rendered and safe to show: the document of the
// contents table. It holds neither counts nor anything that depends on the reader.
type Content struct {
	URI        vocab.IRI `json:"uri"`
	URL        vocab.IRI `json:"url,omitempty"` // Page for people; "" means URI.
	Type       string    `json:"type"`          // Note, Question, Article …
	Title      string    `json:"title,omitempty"`
	HTML       string    `json:"html"` // Sanitised.
	Spoiler    string    `json:"spoiler,omitempty"`
	Sensitive  bool      `json:"sensitive,omitempty"`
	Published  int64     `json:"published"`        // ms
	Origin     vocab.IRI `json:"origin,omitempty"` // Where it was before, as its author says.
	Source     string    `json:"source,omitempty"`
	SourceType string    `json:"source_type,omitempty"`
	ReplyTo    vocab.IRI `json:"reply_to,omitempty"` // As the document says, known or not.
	Mentions   []Mention `json:"mentions,omitempty"`
	Tags       []string  `json:"tags,omitempty"` // As written, without #.
	Emoji      []Emoji   `json:"emoji,omitempty"`
	Media      []Media   `json:"media,omitempty"`
	Quote      vocab.IRI `json:"quote,omitempty"`       // As the document says, known or not.
	QuoteStamp vocab.IRI `json:"quote_stamp,omitempty"` // Where the permission is said to be.
	QuoteAuto  []string  `json:"quote_auto,omitempty"`  // Whose quotes are approved at once: public, followers, following, unsupported_policy.
	QuoteAsk   []string  `json:"quote_ask,omitempty"`   // Whose are looked at first; the same words.
	App        string    `json:"app,omitempty"`         // Name of the client that made a local post.
	AppURL     string    `json:"app_url,omitempty"`
	Expires    int64     `json:"expires,omitempty"` // ms of its deletion, of a post of ours; 0 never.
	Link       string    `json:"link,omitempty"`    // The one that a card is shown for.
	Locked     bool      `json:"locked,omitempty"`  // Nobody may answer.

	Card *Card `json:"-"` // Of Link, when it was fetched; only Contents fills it.
}

// Mention is an addressed actor as a post names it.
type Mention struct {
	ID       int64     `json:"id"`
	URI      vocab.IRI `json:"uri"`
	URL      vocab.IRI `json:"url"`
	Username string    `json:"username"`
	Acct     string    `json:"acct"`
}

// Emoji is a custom emoji that a text uses.
type Emoji struct {
	Shortcode string    `json:"shortcode"` // Without colons.
	URL       vocab.IRI `json:"url"`
}

// Media is an attachment of a post, local or remote.
type Media struct {
	ID          int64      `json:"id"`   // media.id for local ones, else derived from the URL.
	Kind        string     `json:"kind"` // image, gifv, video, audio, unknown
	Mime        string     `json:"mime,omitempty"`
	URL         vocab.IRI  `json:"url"`
	Preview     vocab.IRI  `json:"preview,omitempty"`
	Description string     `json:"description,omitempty"`
	Blurhash    string     `json:"blurhash,omitempty"`
	Width       int        `json:"w,omitempty"`
	Height      int        `json:"h,omitempty"`
	Duration    float64    `json:"duration,omitempty"`
	Focus       [2]float64 `json:"focus,omitzero"`
	Local       bool       `json:"local,omitempty"`
	MediaDetail            // Of local ones.
}

// Profile is how an actor presents itself, rendered and safe to show: the
// document of the profiles table.
type Profile struct {
	DisplayName       string         `json:"name"` // Plain text.
	Note              string         `json:"note"` // Sanitised HTML.
	URL               vocab.IRI      `json:"url"`
	Avatar            vocab.IRI      `json:"avatar,omitempty"`
	AvatarDescription string         `json:"avatar_description,omitempty"`
	Header            vocab.IRI      `json:"header,omitempty"`
	HeaderDescription string         `json:"header_description,omitempty"`
	Fields            []ProfileField `json:"fields,omitempty"`
	Emoji             []Emoji        `json:"emoji,omitempty"`
	Type              string         `json:"type"`
	Bot               bool           `json:"bot,omitempty"`
	Group             bool           `json:"group,omitempty"`
	Locked            bool           `json:"locked,omitempty"`
	Discoverable      *bool          `json:"discoverable,omitempty"`
	Indexable         bool           `json:"indexable,omitempty"`
	Memorial          bool           `json:"memorial,omitempty"`
	Created           int64          `json:"created"` // ms
	MovedTo           vocab.IRI      `json:"moved_to,omitempty"`
	AlsoKnownAs       []vocab.IRI    `json:"also_known_as,omitempty"`
}

// ProfileField is a row of the profile's table; Value is sanitised HTML.
type ProfileField struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Verified int64  `json:"verified,omitempty"` // ms
}

// Counts are how often a post was answered, boosted, favoured and quoted.
type Counts struct{ Replies, Boosts, Favourites, Quotes int64 }

// ActorCounts are an actor's numbers. LastStatus is ms, 0 for never.
type ActorCounts struct{ Statuses, Followers, Following, LastStatus int64 }

// Status returns a post or boost.
func (q *Q) Status(ctx context.Context, id int64) (*Status, error) {
	var s Status
	if err := q.row(ctx, "SELECT "+statusColumns+" FROM statuses WHERE id = $1", id).Scan(s.scan()...); err != nil {
		return nil, fmt.Errorf("status %d: %w", id, err)
	}
	return &s, nil
}

// Statuses returns the rows with these ids, unknown ones left out.
func (q *Q) Statuses(ctx context.Context, ids []int64) (map[int64]*Status, error) {
	found := make(map[int64]*Status, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+statusColumns+" FROM statuses WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, (*Status).scan)
		if err != nil {
			return nil, fmt.Errorf("statuses: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}

// NamesOurs tells whether a status mentions somebody of ours.
func (q *Q) NamesOurs(ctx context.Context, status int64) (bool, error) {
	yes, err := q.exists(ctx, "SELECT 1 FROM mentions m JOIN accounts a ON a.actor = m.actor WHERE m.status = $1 LIMIT 1", status)
	return yes, wrapped(err, "whom %d names", status)
}
