package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// EmojiReact is "actor reacts to object with an emoji". It counts once per actor and
// emoji. A Like that has content is the same, see like.go.
var EmojiReact = define(Type{
	Name:     "EmojiReact",
	Spec:     "fep-c0e0",
	Validate: validateReact,
	Apply:    applyReact,
	Undo:     undoReact,
})

// Reactions is what the admin decides about reactions with emoji.
type Reactions struct {
	MaxPerPost int  // By one person of ours. 0 means 8.
	NoCustom   bool // Only emoji of Unicode.
}

// maxReactionsOf is how many reactions one stranger may leave under one post.
const maxReactionsOf = 40

func validateReact(a *vocab.Activity, from Origin) error {
	if err := needsObject(a, from); err != nil {
		return err
	}
	if _, ok := reactionOf(a, from, ""); !ok {
		return fault.New(fault.Rejected, "The reaction is not one emoji.")
	}
	return nil
}

// reactionOf returns with what a reacts. An emoji of ours is named without its host.
func reactionOf(a *vocab.Activity, from Origin, host string) (vocab.Reaction, bool) {
	r, ok := a.Reaction()
	if ok && from.local() {
		for _, t := range a.Tags { // Ours are taken at their word: the picture may be elsewhere.
			if name, _, custom := strings.Cut(r.Name, "@"); custom && t.Type == "Emoji" && strings.Trim(t.Name, ":") == name && t.ID.Host() != "" {
				r.Name = name + "@" + t.ID.Host()
			}
		}
	}
	if host != "" {
		r.Name = strings.TrimSuffix(r.Name, "@"+host)
	}
	return r, ok
}

func applyReact(ctx context.Context, s *Step) error {
	r, ok := reactionOf(s.Activity, s.From, s.p.host)
	if !ok { // Such ones are refused; the grammar may have been wider once.
		s.state = store.Void
		return nil
	}
	return s.react(ctx, r)
}

// react has the actor react to the object.
func (s *Step) react(ctx context.Context, r vocab.Reaction) error {
	post, author, err := s.subject(ctx, s.Activity.Object)
	if err != nil || post == nil {
		return err
	}
	if s.visibility, s.localOnly = direct, post.LocalOnly; s.From.local() && slices.Contains(s.Activity.Cc, vocab.Public) {
		s.visibility = unlisted
	}
	if custom := r.Icon != ""; custom && s.p.Reactions.NoCustom && !s.replay {
		if s.From.local() {
			return fault.New(fault.Invalid, "Only emoji of Unicode can be used here.")
		}
		s.state = store.Void
		s.decide("effects", "custom emoji are not taken as reactions")
		return nil
	}
	if err := s.mayReactMore(ctx, post.ID, r.Name); err != nil {
		return err
	}
	added, err := s.SetReaction(ctx, store.EmojiReaction{Status: post.ID, Actor: s.Actor.ID, Name: r.Name, Seq: s.Seq, URL: r.Icon})
	if err != nil || !added {
		return err // A repeat has no further effects.
	}
	return s.Notify(ctx, author, "pleroma:emoji_reaction", post.ID)
}

// mayReactMore bounds how many reactions one actor leaves under a post.
func (s *Step) mayReactMore(ctx context.Context, post int64, name string) error {
	if s.replay {
		return nil
	}
	most := maxReactionsOf
	if s.From.local() {
		if most = s.p.Reactions.MaxPerPost; most <= 0 {
			most = 8
		}
	}
	have, err := s.ReactionsBy(ctx, post, s.Actor.ID)
	if err != nil || len(have) < most || slices.Contains(have, name) {
		return err
	}
	return fault.New(fault.Invalid, "You have already left the most reactions that are possible: %d.", most)
}

func undoReact(ctx context.Context, s *Step, row *store.Activity) error {
	r, ok := s.p.reactionIn(row)
	if !ok {
		return nil // Replayed: its document is gone, and it was never applied.
	}
	return s.unreact(ctx, row, r)
}

// reactionIn returns the reaction of an activity of the log.
func (p *Pipeline) reactionIn(row *store.Activity) (vocab.Reaction, bool) {
	if row.Doc == "" {
		return vocab.Reaction{}, false
	}
	a, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil {
		p.Log.Warn("activity of the log not read", "seq", row.Seq, "err", err)
		return vocab.Reaction{}, false
	}
	from := Origin{Host: row.Origin}
	if row.Origin == "" {
		from = FromAccount(row.Actor)
	}
	return reactionOf(a, from, p.host)
}

// unreact takes a reaction back, unless another live activity says the same.
func (s *Step) unreact(ctx context.Context, row *store.Activity, r vocab.Reaction) error {
	others, err := s.p.liveReactions(ctx, s.Q, row.Actor, row.Object, r.Name)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return s.standIn(ctx, row, &others[len(others)-1], r.Name)
	}
	if _, err := s.RemoveReaction(ctx, row.Object, row.Actor, r.Name); err != nil {
		return err
	}
	return s.takeNotificationBack(ctx, row)
}

// standIn has another activity that says the same take the place of one that is
// undone, also as what the author was told of.
func (s *Step) standIn(ctx context.Context, row, other *store.Activity, name string) error {
	if err := s.MoveReaction(ctx, store.EmojiReaction{Status: row.Object, Actor: row.Actor, Name: name, Seq: other.Seq}); err != nil {
		return err
	}
	post, err := s.Status(ctx, row.Object)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	author, err := s.Tx.Actor(ctx, post.Actor)
	if err != nil || !author.Local || author.ID == row.Actor || strings.HasPrefix(other.Origin, fetchPrefix) {
		return err
	}
	if err := s.RemoveNotification(ctx, author.ID, row.Seq); err != nil {
		return err
	}
	_, err = s.RestoreNotification(ctx, store.Notification{Owner: author.ID, ID: other.Seq, Kind: store.KindNamed("pleroma:emoji_reaction"), Actor: row.Actor, Status: post.ID})
	return err
}

// liveReactions returns the live activities with which an actor reacts to an object
// with that emoji; with "" the Likes that are no reactions. Newest first.
func (p *Pipeline) liveReactions(ctx context.Context, q *store.Q, actor, object int64, name string) ([]store.Activity, error) {
	var found []store.Activity
	for _, typ := range []string{"Like", "EmojiReact"} {
		rows, err := q.LiveActivities(ctx, typ, actor, object)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if r, ok := p.reactionIn(&rows[i]); ok && r.Name == name || !ok && name == "" && typ == "Like" {
				found = append(found, rows[i])
			}
		}
	}
	slices.SortFunc(found, func(a, b store.Activity) int { return int(min(1, max(-1, b.Seq-a.Seq))) })
	return found, nil
}

// ReactTo has by react to a status with an emoji: one of Unicode, ":name:" of one of
// ours, or ":name@host:" of one with which somebody reacted to it before. Doing it
// twice is a success without effect.
//
// What is sent is an EmojiReact: Pleroma and its forks, Misskey and its forks and
// most others take it for what it is, and who does not know it leaves it. A Like with
// content would count as a favourite at Mastodon, whatever the emoji says.
func (p *Pipeline) ReactTo(ctx context.Context, by *store.Actor, status int64, name string) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	if err := p.permits(ctx, by, author, post, "canLike"); err != nil {
		return err
	}
	a := p.activity("EmojiReact", by, uri)
	key, err := p.reactWith(ctx, a, post.ID, name)
	if err != nil {
		return err
	}
	if have, err := p.DB.ReactionsBy(ctx, post.ID, by.ID); err != nil || slices.Contains(have, key) {
		return err
	}
	a.To = []vocab.IRI{author.URI}
	if post.Visibility <= unlisted { // Whoever sees the post may see what stands under it.
		a.To, a.Cc = append(a.To, by.Followers), []vocab.IRI{vocab.Public}
	}
	if a.Audience, err = p.audienceOf(ctx, post.ID); err != nil {
		return err
	}
	return p.processLocalOnly(ctx, encoded(a), by, post.LocalOnly)
}

// reactWith writes the emoji that name means into a, and returns how it is filed.
func (p *Pipeline) reactWith(ctx context.Context, a *vocab.Activity, post int64, name string) (key string, err error) {
	if emoji, ok := vocab.UnicodeEmoji(name); ok {
		a.Content = emoji
		return emoji, nil
	}
	key = p.reactionKey(name)
	short, host, remote := strings.Cut(key, "@")
	unknown := fault.New(fault.Invalid, "There is no such emoji: %s", name)
	if p.Reactions.NoCustom {
		return "", fault.New(fault.Invalid, "Only emoji of Unicode can be used here.")
	}
	a.Content = ":" + short + ":"
	if !remote {
		tags, err := p.EmojiTags(ctx, a.Content)
		if err != nil || len(tags) == 0 {
			return "", cmp.Or(err, unknown)
		}
		tags[0].ID, tags[0].Href = tags[0].Href, ""
		a.Tags = tags[:1]
		return key, nil
	}
	one, err := p.DB.ReactionNamed(ctx, post, key)
	if errors.Is(err, store.ErrNotFound) {
		return "", unknown
	} else if err != nil {
		return "", err
	}
	a.Tags = []vocab.Tag{{Type: "Emoji", ID: vocab.IRI("https://" + host + "/emojis/" + short), Name: a.Content, Icon: one.URL}}
	if row, err := p.DB.Activity(ctx, one.Seq); err == nil {
		if was, err := vocab.DecodeActivity([]byte(row.Doc)); err == nil {
			for _, t := range was.Tags {
				if t.Type == "Emoji" && strings.Trim(t.Name, ":") == short && t.ID.Host() == host {
					a.Tags[0].ID = t.ID
				}
			}
		}
	}
	return key, nil
}

// reactionKey is how a reaction is filed that a client names: the emoji, or the
// shortcode without colons and without our own host.
func (p *Pipeline) reactionKey(name string) string {
	if emoji, ok := vocab.UnicodeEmoji(name); ok {
		return emoji
	}
	key := strings.Trim(strings.TrimSpace(name), ":")
	for _, own := range []string{"@" + p.host, "@" + p.Domain, "@."} {
		key = strings.TrimSuffix(key, own)
	}
	return key
}

// ReactionKey is reactionKey, for doors that look for reactions.
func (p *Pipeline) ReactionKey(name string) string { return p.reactionKey(name) }

// Unreact takes by's reaction with an emoji back. Without one it is a success too.
func (p *Pipeline) Unreact(ctx context.Context, by *store.Actor, status int64, name string) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	live, err := p.liveReactions(ctx, p.DB.Q, by.ID, post.ID, p.reactionKey(name))
	if err != nil {
		return err
	}
	for _, one := range live {
		was, err := vocab.DecodeActivity([]byte(one.Doc))
		if err != nil {
			return fmt.Errorf("activity %d of the log: %w", one.Seq, err)
		}
		undo := p.activity("Undo", by, one.URI)
		undo.To, undo.Cc, undo.Audience = was.To, was.Cc, was.Audience
		if len(undo.To) == 0 {
			undo.To = []vocab.IRI{author.URI}
		}
		n := &vocab.Activity{ID: one.URI, Type: one.Type, Actor: by.URI, Object: uri, Content: was.Content, Tags: was.Tags}
		if err := p.processLocalOnly(ctx, about(undo, n), by, post.LocalOnly); err != nil {
			return err
		}
	}
	return nil
}
