package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Move is "actor is at target from now on". By itself it changes nothing: a job asks
// the new account whether it knows the old one, and has Moved say so.
//
// spec: fep-7628
var Move = define(Type{
	Name:     "Move",
	Spec:     "fep-7628",
	Validate: validateMove,
	Apply:    applyMove,
})

func validateMove(a *vocab.Activity, _ Origin) error {
	switch {
	case a.Object != a.Actor:
		return fault.New(fault.Rejected, "Only the account itself can move.")
	case a.Target.Valid() != nil || a.Target == a.Actor:
		return fault.New(fault.Rejected, "The Move does not say where to.")
	}
	return nil
}

func applyMove(ctx context.Context, s *Step) error {
	s.object = s.Actor.ID
	return s.enqueueAt(ctx, "move", s.Activity.Target.Host(), fmt.Sprintf("move %d", s.Seq), 0, moveJob{Move: s.Seq})
}

// Moved is ours alone: the new account of a Move named the old one among its aliases.
// The old profile shows where to, and our people follow in a job.
var Moved = define(Type{Name: "Moved", Internal: true, Validate: ownOnly, Apply: applyMoved})

// applyMoved shows the new place on the old profile. Software that says it there too
// has the last word: a document that arrives later stands.
func applyMoved(ctx context.Context, s *Step) error {
	s.visibility, s.localOnly, s.object = direct, true, s.Actor.ID
	to, err := s.person(ctx, s.Activity.Target)
	if err != nil || to == nil {
		return err
	}
	if !s.Actor.Local && s.Actor.Fetched <= s.now() {
		profiles, err := s.Profiles(ctx, []int64{s.Actor.ID})
		if err != nil {
			return err
		}
		if profile := profiles[s.Actor.ID]; profile != nil && profile.MovedTo != to.URI {
			profile.MovedTo = to.URI
			if err := s.SetProfile(ctx, s.Actor.ID, profile); err != nil {
				return err
			}
		}
	}
	s.publish(accountChanged(s.Actor.ID))
	return s.enqueueAt(ctx, "carry-over", "", fmt.Sprintf("carry-over %d", s.Seq), 0, carryJob{Moved: s.Seq, Old: s.Actor.ID, New: to.ID})
}

// moveJob is the look at the two accounts of a Move.
type moveJob struct {
	Move int64 `json:"move"`
}

// moveCooldown is how long an account stays where it moved before the next Move is
// followed, and before one of ours may move again, as on Mastodon: nobody is to drag
// followers to and fro.
const moveCooldown = 7 * 24 * time.Hour

// confirmMove asks the new account, from its own host, for the old one among its
// aliases.
func (p *Pipeline) confirmMove(ctx context.Context, j moveJob) error {
	row, err := p.DB.Activity(ctx, j.Move)
	if err != nil || row.Doc == "" || row.State != store.Live {
		return ignoreMissing(err)
	}
	a, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil {
		return fmt.Errorf("activity %d of the log: %w", row.Seq, err)
	}
	old, err := p.DB.Actor(ctx, row.Actor)
	if err != nil || old.Hidden() {
		return ignoreMissing(err)
	}
	from := Origin{Host: old.Host, Fetched: true}
	if old.Local {
		from = FromAccount(old.ID)
	}
	if _, err = p.newHome(ctx, old, a.Target); err == nil {
		err = p.settled(ctx, old)
	}
	if err != nil {
		a.ID = row.URI
		p.refused(ctx, a, Origin{Host: old.Host}, "move", err)
		return err
	}
	if !old.Local && p.Remote != nil { // Most say it in the profile too. It may be gone already.
		if _, err := p.RefreshActor(ctx, old.URI); err != nil && ctx.Err() != nil {
			return err
		}
	}
	moved := &vocab.Activity{ID: row.URI + "#moved", Type: Moved.Name, Actor: old.URI, Object: old.URI, Target: a.Target}
	return p.Process(ctx, encoded(moved), from)
}

// newHome returns the account at target, fresh from its host, if it names old among
// its aliases, which may hold junk beside.
func (p *Pipeline) newHome(ctx context.Context, old *store.Actor, target vocab.IRI) (*store.Actor, error) {
	to, err := p.freshActor(ctx, target)
	if err != nil {
		return nil, err
	}
	profiles, err := p.DB.Profiles(ctx, []int64{to.ID})
	if err != nil {
		return nil, err
	}
	profile := profiles[to.ID]
	switch {
	case to.ID == old.ID:
		return nil, fault.New(fault.Invalid, "This is the account itself.")
	case to.Hidden() || profile == nil:
		return nil, fault.New(fault.NotFound, "There is no account %s.", target)
	case !slices.Contains(profile.AlsoKnownAs, old.URI):
		return nil, fault.New(fault.Rejected, "%s does not name %s among its aliases.", to.URI, old.URI)
	case profile.MovedTo != "":
		return nil, fault.New(fault.Rejected, "%s has moved itself.", to.URI)
	}
	return to, nil
}

// freshActor is an actor as its host has it now.
func (p *Pipeline) freshActor(ctx context.Context, uri vocab.IRI) (*store.Actor, error) {
	if uri.Host() == p.host {
		return p.DB.ActorByURI(ctx, uri)
	}
	to, err := p.RefreshActor(ctx, uri)
	if err == nil && to.URI != uri {
		err = fault.New(fault.Rejected, "%s answered with another account.", uri)
	}
	return to, err
}

// settled refuses a Move that follows too soon after another one.
func (p *Pipeline) settled(ctx context.Context, old *store.Actor) error {
	last, err := p.DB.LastActivity(ctx, Moved.Name, old.ID, old.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil && p.Now().Sub(vocab.TimeOf(last.Seq)) < moveCooldown {
		err = fault.New(fault.Rejected, "%s has moved already, less than a week ago.", old.URI)
	}
	return err
}

// carryJob takes our people along to a new account, a piece at a time: first the
// followers, then those who block, mute, or keep a note.
type carryJob struct {
	Moved int64 `json:"moved"` // Seq of the Moved.
	Old   int64 `json:"old"`
	New   int64 `json:"new"`
	Stage int   `json:"stage,omitempty"` // Index into carryStages.
	After int64 `json:"after,omitempty"`
}

// carrySize is how many people one run takes along.
const carrySize = 20

// carryStages find people of ours and do for each what the move means to them. Doing
// it twice changes nothing.
var carryStages = []struct {
	find func(*store.Q, context.Context, int64, int64, int) ([]int64, error)
	do   func(*Pipeline, context.Context, *carrying) error
}{
	{(*store.Q).LocalFollowers, (*Pipeline).carryFollow},
	{(*store.Q).LocalBlockers, (*Pipeline).carryBlock},
	{(*store.Q).MutersOf, (*Pipeline).carryMute},
	{(*store.Q).NotersOf, (*Pipeline).carryNote},
}

// carrying is one of ours on the way from one account to another.
type carrying struct {
	carryJob
	who, old, to *store.Actor
	rel, next    *store.Relation // How who stands to the two.
}

func (p *Pipeline) carryOver(ctx context.Context, j carryJob) error {
	old, err := p.DB.Actor(ctx, j.Old)
	if err != nil {
		return ignoreMissing(err)
	}
	to, err := p.DB.Actor(ctx, j.New)
	if err != nil || to.Hidden() || j.Stage >= len(carryStages) {
		return ignoreMissing(err)
	}
	stage := carryStages[j.Stage]
	ids, err := stage.find(p.DB.Q, ctx, old.ID, j.After, carrySize)
	if err != nil {
		return err
	}
	people, err := p.DB.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		who := people[id]
		if who == nil || who.Hidden() || who.ID == to.ID {
			continue
		}
		rel, err := p.DB.Relations(ctx, id, []int64{old.ID, to.ID}, p.Now().UnixMilli())
		if err != nil {
			return err
		}
		c := &carrying{carryJob: j, who: who, old: old, to: to, rel: rel[old.ID], next: rel[to.ID]}
		if err := stage.do(p, ctx, c); err != nil && fault.KindOf(err) == fault.Internal {
			return err
		}
	}
	if j.After = 0; len(ids) == carrySize {
		j.After = ids[len(ids)-1]
	} else if j.Stage++; j.Stage == len(carryStages) {
		return nil
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueue(ctx, "carry-over", "", j)
	})
}

// carryFollow has a follower follow the new account, the same way and in the same
// lists, and no longer the old one. Whoever blocks the new account, or its domain,
// keeps things as they are. A locked account of ours has let the person in before.
func (p *Pipeline) carryFollow(ctx context.Context, c *carrying) error {
	account, err := p.DB.Account(ctx, c.who.ID)
	if err != nil {
		return err
	}
	if err := p.tellMove(ctx, c); err != nil {
		return err
	}
	if c.next.Blocking || c.next.BlockedBy || c.next.DomainBlocking || account.Preferences.StayOnMove {
		return nil
	}
	if err := p.Follow(ctx, c.who, c.to); err != nil {
		return err
	}
	if f, err := p.DB.Follow(ctx, c.who.ID, c.to.ID); err == nil && !f.Accepted && c.to.Local {
		if err := p.AnswerFollow(ctx, c.to, c.who, true); err != nil {
			return err
		}
	}
	lists, err := p.DB.ListsWith(ctx, c.who.ID, c.old.ID)
	if err != nil {
		return err
	}
	err = p.DB.Write(ctx, func(tx *store.Tx) error {
		if (!c.rel.Boosts || c.rel.Notify || c.rel.Languages != "") && !c.next.Following {
			f := store.FollowSettings{Actor: c.who.ID, Target: c.to.ID, Boosts: c.rel.Boosts, Notify: c.rel.Notify, Languages: c.rel.Languages}
			if err := tx.SetFollowSettings(ctx, f); err != nil {
				return err
			}
		}
		for _, l := range lists {
			if _, err := tx.AddListMember(ctx, l.ID, c.to.ID); err != nil {
				return err
			}
			if err := tx.RemoveListMember(ctx, l.ID, c.old.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.Unfollow(ctx, c.who, c.old); err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return tx.ForgetFollowSettings(ctx, c.who.ID, c.old.ID) })
}

// tellMove notifies a follower once.
func (p *Pipeline) tellMove(ctx context.Context, c *carrying) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		return p.Tell(ctx, tx, store.Notification{Owner: c.who.ID, ID: c.Moved, Kind: store.KindNamed("move"), Actor: c.old.ID, Ref: c.to.ID})
	})
}

// carryBlock blocks the new account too, unless it is followed.
func (p *Pipeline) carryBlock(ctx context.Context, c *carrying) error {
	if c.next.Blocking || c.next.Following || c.next.Requested {
		return nil
	}
	if err := p.Block(ctx, c.who, c.to); err != nil {
		return err
	}
	return p.noteMove(ctx, c, "This account moved here from "+c.old.Acct()+", which you had blocked.")
}

// carryMute mutes the new account too, as long.
func (p *Pipeline) carryMute(ctx context.Context, c *carrying) error {
	if c.next.Muting || c.next.Following || c.next.Requested || !c.rel.Muting {
		return nil
	}
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.SetMute(ctx, store.Mute{Actor: c.who.ID, Target: c.to.ID, Notifications: c.rel.MutingNotifies, Expires: c.rel.MuteExpires})
	})
	if err != nil {
		return err
	}
	p.relationsChanged(c.who.ID)
	return p.noteMove(ctx, c, "This account moved here from "+c.old.Acct()+", which you had muted.")
}

// carryNote copies what somebody noted about the old account.
func (p *Pipeline) carryNote(ctx context.Context, c *carrying) error {
	if c.rel.Note == "" {
		return nil
	}
	return p.noteMove(ctx, c, "This account moved here from "+c.old.Acct()+". Your note about that one:\n"+c.rel.Note)
}

// maxNote bounds a note, as the API does, in bytes.
const maxNote = 8000

// noteMove adds a text to the note about the new account, unless it is there.
func (p *Pipeline) noteMove(ctx context.Context, c *carrying, text string) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Relations(ctx, c.who.ID, []int64{c.to.ID}, 0)
		if err != nil {
			return err
		}
		have := now[c.to.ID].Note
		if text = cut(text, maxNote); containsLines(have, text) || len(have)+len(text) > maxNote {
			return nil
		}
		if have != "" {
			text = have + "\n\n" + text
		}
		return tx.SetNote(ctx, c.who.ID, c.to.ID, text)
	})
}
