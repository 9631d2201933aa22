package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// What our own accounts do, as activities. Doors call these and hold no rules.

// NewID returns a fresh id for something of ours.
func (p *Pipeline) NewID() int64 { return p.DB.IDs.Next() }

// ActorURI is the id of one of our actors.
func (p *Pipeline) ActorURI(username string) vocab.IRI {
	return vocab.IRI(p.URL + "/users/" + username)
}

// ObjectURI is the id of one of our objects.
func (p *Pipeline) ObjectURI(id int64) vocab.IRI {
	return vocab.IRI(p.URL + "/objects/" + strconv.FormatInt(id, 10))
}

// ContextURI is where the posts of a conversation are listed that began with one of
// our objects.
//
// spec: fep-7888, fep-f228
func (p *Pipeline) ContextURI(id int64) vocab.IRI {
	return vocab.IRI(p.URL + "/contexts/" + strconv.FormatInt(id, 10))
}

// ownID returns the number in one of our own addresses.
func (p *Pipeline) ownID(uri vocab.IRI, path string) (int64, bool) {
	rest, ok := strings.CutPrefix(string(uri), p.URL+path)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(rest, 10, 64)
	return id, err == nil && id > 0
}

// activity begins an activity of one of ours about object.
func (p *Pipeline) activity(typ string, by *store.Actor, object vocab.IRI) *vocab.Activity {
	id := p.NewID()
	return &vocab.Activity{ID: vocab.IRI(p.URL + "/activities/" + strconv.FormatInt(id, 10)), Type: typ, Actor: by.URI, Object: object,
		Published: vocab.TimeOf(id)}
}

// encoded finishes an activity whose object is only named.
func encoded(a *vocab.Activity) *vocab.Activity {
	a.Raw = vocab.EncodeActivity(a, nil)
	return a
}

// about wraps the activity n as the object of a.
func about(a, n *vocab.Activity) *vocab.Activity {
	a.Nested, a.Object = n, n.ID
	inner := *n
	inner.Raw = nil
	a.Raw = vocab.EncodeActivity(a, vocab.EncodeActivity(&inner, nil))
	return a
}

// answerTo is target's Accept or Reject of a Follow.
func (p *Pipeline) answerTo(follow *vocab.Activity, target *store.Actor, typ string) *vocab.Activity {
	a := p.activity(typ, target, follow.ID)
	a.To = []vocab.IRI{follow.Actor}
	return about(a, &vocab.Activity{ID: follow.ID, Type: "Follow", Actor: follow.Actor, Object: target.URI})
}

// undoOf is by's Undo of its activity uri of that type about object.
func (p *Pipeline) undoOf(uri vocab.IRI, typ string, by *store.Actor, object vocab.IRI) *vocab.Activity {
	a := p.activity("Undo", by, uri)
	a.To = []vocab.IRI{object}
	return about(a, &vocab.Activity{ID: uri, Type: typ, Actor: by.URI, Object: object})
}

// processLocalOnly is Process for what must not leave the server where localOnly is set.
func (p *Pipeline) processLocalOnly(ctx context.Context, a *vocab.Activity, by *store.Actor, localOnly bool) error {
	return p.process(ctx, a, FromAccount(by.ID), func(_ context.Context, s *Step) error {
		s.localOnly = s.localOnly || localOnly
		return nil
	})
}

// Favourite has by favour a status. Doing it twice is a success without effect.
func (p *Pipeline) Favourite(ctx context.Context, by *store.Actor, status int64) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	live, err := p.liveReactions(ctx, p.DB.Q, by.ID, post.ID, "")
	if err != nil || len(live) > 0 {
		return err
	}
	if err := p.permits(ctx, by, author, post, "canLike"); err != nil {
		return err
	}
	a := p.activity("Like", by, uri)
	a.To = []vocab.IRI{author.URI}
	if a.Audience, err = p.audienceOf(ctx, post.ID); err != nil {
		return err
	}
	return p.Process(ctx, encoded(a), FromAccount(by.ID))
}

// Unfavourite takes that back.
func (p *Pipeline) Unfavourite(ctx context.Context, by *store.Actor, status int64) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	live, err := p.liveReactions(ctx, p.DB.Q, by.ID, post.ID, "")
	if err != nil {
		return err
	}
	return p.undoThese(ctx, live, by, uri, []vocab.IRI{author.URI}, nil)
}

// undoAll takes every live activity of a type by an actor about an object back.
func (p *Pipeline) undoAll(ctx context.Context, typ string, by *store.Actor, object int64, uri vocab.IRI, to, cc []vocab.IRI) error {
	live, err := p.DB.LiveActivities(ctx, typ, by.ID, object)
	if err != nil {
		return err
	}
	return p.undoThese(ctx, live, by, uri, to, cc)
}

// undoThese takes these activities by an actor back.
func (p *Pipeline) undoThese(ctx context.Context, live []store.Activity, by *store.Actor, uri vocab.IRI, to, cc []vocab.IRI) error {
	for _, one := range live {
		undo := p.undoOf(one.URI, one.Type, by, uri)
		undo.To, undo.Cc = to, cc
		if one.Type == Like.Name || one.Type == Announce.Name {
			var err error
			if undo.Audience, err = p.audienceOf(ctx, one.Object); err != nil {
				return err
			}
		}
		if err := p.Process(ctx, about(undo, undo.Nested), FromAccount(by.ID)); err != nil {
			return err
		}
	}
	return nil
}

// post returns a post that by may act on: of a boost, what it boosts.
func (p *Pipeline) post(ctx context.Context, by *store.Actor, status int64) (*store.Status, *store.Actor, vocab.IRI, error) {
	st, err := p.DB.Status(ctx, status)
	if err == nil && st.BoostOf != 0 {
		st, err = p.DB.Status(ctx, st.BoostOf)
	}
	if err == nil {
		visible, verr := p.DB.Visible(ctx, st, by)
		if verr != nil {
			return nil, nil, "", verr
		}
		if !visible {
			err = store.ErrNotFound
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, "", fault.New(fault.NotFound, "There is no such post.")
	} else if err != nil {
		return nil, nil, "", err
	}
	o, err := p.DB.Object(ctx, st.ID)
	if err != nil {
		return nil, nil, "", err
	}
	author, err := p.DB.Actor(ctx, st.Actor)
	return st, author, o.URI, err
}

// Boost has by boost a status with that visibility ("" means public, never wider
// than the post's) and returns the boost's id; an earlier boost is returned as it is.
func (p *Pipeline) Boost(ctx context.Context, by *store.Actor, status int64, visibility string) (int64, error) {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return 0, err
	}
	if have, err := p.DB.Boost(ctx, post.ID, by.ID); err == nil {
		return have.ID, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	vis, ok := vocab.VisibilityNamed(visibility)
	if visibility == "" {
		vis, ok = vocab.Visibilities[0], true
	}
	if !ok || vis.Level == direct {
		return 0, fault.New(fault.Invalid, "A boost can be public, unlisted or private.")
	}
	if vis.Level < post.Visibility {
		vis = vocab.VisibilityLevel(post.Visibility)
	}
	if err := p.here(ctx, by); err != nil {
		return 0, err
	}
	if err := boostable(post, by); err != nil {
		return 0, fault.New(fault.Invalid, "Only public and unlisted posts can be boosted.")
	}
	if err := p.permits(ctx, by, author, post, "canAnnounce"); err != nil {
		return 0, err
	}
	a := p.activity("Announce", by, uri)
	a.To, a.Cc = vis.Audience(by.Followers, []vocab.IRI{author.URI})
	if a.Audience, err = p.audienceOf(ctx, post.ID); err != nil {
		return 0, err
	}
	if err := p.processLocalOnly(ctx, encoded(a), by, post.LocalOnly); err != nil {
		return 0, err
	}
	have, err := p.DB.Boost(ctx, post.ID, by.ID)
	if err != nil {
		return 0, err
	}
	return have.ID, nil
}

// Unboost takes by's boost of a status back.
func (p *Pipeline) Unboost(ctx context.Context, by *store.Actor, status int64) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	to, cc := vocab.VisibilityLevel(0).Audience(by.Followers, []vocab.IRI{author.URI})
	return p.undoAll(ctx, "Announce", by, post.ID, uri, to, cc)
}

// Follow has by follow, or ask to follow, target.
func (p *Pipeline) Follow(ctx context.Context, by, target *store.Actor) error {
	if by.ID == target.ID {
		return fault.New(fault.Invalid, "You can't follow yourself.")
	}
	if target.Hidden() {
		return fault.New(fault.NotFound, "There is no such account.")
	}
	if to, err := p.DB.MovedTo(ctx, target.ID); err != nil {
		return err
	} else if to != "" {
		return fault.New(fault.Denied, "This account has moved to %s. Follow it there.", to)
	}
	if blocked, err := p.DB.Blocked(ctx, by.ID, target.ID); err != nil {
		return err
	} else if blocked {
		return fault.New(fault.Denied, "You can't follow this account: one of you blocks the other.")
	}
	if _, err := p.DB.Follow(ctx, by.ID, target.ID); err == nil {
		return nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	a := p.activity("Follow", by, target.URI)
	a.To = []vocab.IRI{target.URI}
	return p.Process(ctx, encoded(a), FromAccount(by.ID))
}

// Unfollow ends by's follow or request.
func (p *Pipeline) Unfollow(ctx context.Context, by, target *store.Actor) error {
	return p.undoAll(ctx, "Follow", by, target.ID, target.URI, []vocab.IRI{target.URI}, nil)
}

// AnswerFollow accepts or rejects follower's request to by; NotFound when there is none.
func (p *Pipeline) AnswerFollow(ctx context.Context, by, follower *store.Actor, accept bool) error {
	f, err := p.DB.Follow(ctx, follower.ID, by.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "This account has not asked to follow you.")
	} else if err != nil {
		return err
	}
	row, err := p.DB.Activity(ctx, f.Seq)
	if err != nil {
		return err
	}
	typ := "Reject"
	if accept {
		typ = "Accept"
	}
	follow := &vocab.Activity{ID: row.URI, Type: "Follow", Actor: follower.URI, Object: by.URI}
	return p.Process(ctx, p.answerTo(follow, by, typ), FromAccount(by.ID))
}

// Block has by block target.
func (p *Pipeline) Block(ctx context.Context, by, target *store.Actor) error {
	if by.ID == target.ID {
		return fault.New(fault.Invalid, "You can't block yourself.")
	}
	if blocks, err := p.DB.Blocks(ctx, by.ID, target.ID); err != nil || blocks {
		return err
	}
	a := p.activity("Block", by, target.URI)
	a.To = []vocab.IRI{target.URI}
	return p.Process(ctx, encoded(a), FromAccount(by.ID))
}

// Unblock lifts the block.
func (p *Pipeline) Unblock(ctx context.Context, by, target *store.Actor) error {
	return p.undoAll(ctx, "Block", by, target.ID, target.URI, []vocab.IRI{target.URI}, nil)
}

// Pin puts one of by's own posts on its profile, or takes it off.
func (p *Pipeline) Pin(ctx context.Context, by *store.Actor, status int64, on bool) error {
	post, _, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	if post.Actor != by.ID {
		return fault.New(fault.Invalid, "You can only pin your own posts.")
	}
	if post.Visibility == direct {
		return fault.New(fault.Invalid, "Direct messages can't be pinned.")
	}
	pins, err := p.DB.Pins(ctx, by.ID)
	if err != nil {
		return err
	}
	has := false
	for _, id := range pins {
		has = has || id == post.ID
	}
	if has == on {
		return nil
	}
	typ := "Remove"
	if on {
		typ = "Add"
		if len(pins) >= p.MaxPins {
			return fault.New(fault.Invalid, "You have already pinned the most posts that are possible: %d.", p.MaxPins)
		}
	}
	a := p.activity(typ, by, uri)
	a.Target = by.URI + "/collections/featured"
	a.To, a.Cc = vocab.VisibilityLevel(0).Audience(by.Followers, nil)
	return p.processLocalOnly(ctx, encoded(a), by, post.LocalOnly || post.Visibility > unlisted)
}

// Vote has by choose in the poll of a status: indexes into its options.
func (p *Pipeline) Vote(ctx context.Context, by *store.Actor, status int64, choices []int) error {
	post, author, uri, err := p.post(ctx, by, status)
	if err != nil {
		return err
	}
	poll, err := p.DB.Poll(ctx, post.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no such poll.")
	} else if err != nil {
		return err
	}
	if err := p.mayVote(ctx, by, author, poll, choices); err != nil {
		return err
	}
	for _, idx := range choices {
		id := p.NewID()
		vote := &vocab.Object{ID: by.URI + "#votes/" + vocab.IRI(strconv.FormatInt(id, 10)), Type: "Note", AttributedTo: []vocab.IRI{by.URI},
			Name: poll.Options[idx].Title, InReplyTo: uri, To: []vocab.IRI{author.URI}, RepliesCount: -1, LikesCount: -1, SharesCount: -1}
		vote.Raw = vote.Encode()
		a := p.activity("Create", by, vote.ID)
		a.To, a.Inline = vote.To, vote
		a.Raw = vocab.EncodeActivity(a, vote.Raw)
		if err := p.Process(ctx, a, FromAccount(by.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) mayVote(ctx context.Context, by, author *store.Actor, poll *store.Poll, choices []int) error {
	seen := map[int]bool{}
	for _, c := range choices {
		if c < 0 || c >= len(poll.Options) || seen[c] {
			return fault.New(fault.Invalid, "There is no such choice in this poll.")
		}
		seen[c] = true
	}
	votes, err := p.DB.Votes(ctx, by.ID, []int64{poll.Status})
	switch {
	case err != nil:
		return err
	case len(choices) == 0:
		return fault.New(fault.Invalid, "Please choose something.")
	case by.ID == author.ID:
		return fault.New(fault.Invalid, "You can't vote in your own poll.")
	case poll.Closed != 0 || poll.Ends != 0 && poll.Ends <= p.Now().UnixMilli():
		return fault.New(fault.Invalid, "This poll has ended.")
	case len(votes[poll.Status]) > 0:
		return fault.New(fault.Invalid, "You have already voted in this poll.")
	case len(choices) > 1 && !poll.Multiple:
		return fault.New(fault.Invalid, "Only one choice is allowed in this poll.")
	}
	return nil
}

// Delete has by delete one of its own posts.
func (p *Pipeline) Delete(ctx context.Context, by *store.Actor, status int64) error {
	o, err := p.DB.Object(ctx, status)
	if errors.Is(err, store.ErrNotFound) || err == nil && (o.Actor != by.ID || o.Deleted != 0) {
		return fault.New(fault.NotFound, "There is no such post.")
	} else if err != nil {
		return err
	}
	obj, err := vocab.DecodeObject([]byte(o.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", o.ID, err)
	}
	a := p.activity("Delete", by, o.URI)
	a.To, a.Cc, a.Audience = obj.To, obj.Cc, obj.Audience
	a.Inline = &vocab.Object{ID: o.URI, Type: "Tombstone", RepliesCount: -1, LikesCount: -1, SharesCount: -1}
	a.Raw = vocab.EncodeActivity(a, a.Inline.Encode())
	return p.processLocalOnly(ctx, a, by, o.LocalOnly)
}

// DeleteAccount removes an account of ours for good: at once for all who look, its
// posts in a job. The handle stays taken.
func (p *Pipeline) DeleteAccount(ctx context.Context, by *store.Actor) error {
	a := p.activity("Delete", by, by.URI)
	a.To = []vocab.IRI{vocab.Public}
	return p.Process(ctx, encoded(a), FromAccount(by.ID))
}
