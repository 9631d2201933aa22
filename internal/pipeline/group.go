package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Announced is "a group tells what somebody did in it": an Announce of an activity
// that is no Create. Nothing in it is taken at its word but what the group itself, or
// its host, may say: that a post does not belong to the group any more, and what
// people of that host did. All else is asked from where it is said to come from. What
// a group says that nobody here follows is stored without effect.
//
// spec: fep-1b12
var Announced = define(Type{
	Name:     "Announced",
	Spec:     "fep-1b12",
	Validate: func(*vocab.Activity, Origin) error { return nil },
	Apply:    applyAnnounced,
	Undo:     undoAnnounced,
	Wrapped:  true,
})

// typeOf returns what an activity means; nil when its type is not known.
func typeOf(a *vocab.Activity) *Type {
	if a.Type == Announce.Name && a.Nested != nil && a.Nested.Type != Create.Name {
		return Announced
	}
	if t := types[a.Type]; t != nil && !t.Wrapped {
		return t
	}
	return nil
}

// announcements are what is made of the activities that a group passes on, by type;
// of an Undo, by the type of what is undone. Of other types nothing is.
var announcements = map[string]func(context.Context, *Step, *vocab.Activity) error{
	"Update":          refreshNamed,
	"Lock":            refreshNamed,
	"Undo Lock":       refreshNamed,
	"Delete":          removeFromGroup,
	"Undo Delete":     restoreToGroup,
	"Like":            askForProof,
	"Undo Like":       askForProof,
	"EmojiReact":      askForProof,
	"Undo EmojiReact": askForProof,
}

// announcementOf is the key of an activity in announcements.
func announcementOf(n *vocab.Activity) string {
	if n.Type == Undo.Name && n.Nested != nil {
		return n.Type + " " + n.Nested.Type
	}
	return n.Type
}

func applyAnnounced(ctx context.Context, s *Step) error {
	n := s.Activity.Nested
	s.visibility = direct
	apply := announcements[announcementOf(n)]
	if apply == nil {
		s.decide("effects", "an announced %s has no effect", announcementOf(n))
		s.state = store.Void
		return nil
	}
	return apply(ctx, s, n)
}

func undoAnnounced(ctx context.Context, s *Step, row *store.Activity) error {
	a, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil || a.Nested == nil || a.Nested.Type != Delete.Name {
		return err
	}
	return s.liftRemoval(ctx, a.Nested.ID)
}

// heeded tells whether somebody here listens to the group.
func (s *Step) heeded(ctx context.Context) (bool, error) {
	followed, err := s.FollowedHere(ctx, s.Actor.ID)
	if err == nil && !followed {
		s.decide("effects", "nobody here follows %s", s.Actor.URI)
	}
	return followed, err
}

// refreshNamed fetches what the activity is about anew, a post or a person, where it is
// known here.
func refreshNamed(ctx context.Context, s *Step, n *vocab.Activity) error {
	s.state = store.Void
	about := n
	if n.Type == Undo.Name {
		about = n.Nested
	}
	if heeded, err := s.heeded(ctx); err != nil || !heeded {
		return err
	}
	return s.refreshLater(ctx, about.Object, false)
}

// refreshLater has a job fetch a post or person that is known here once more. deleted
// says that it is said to be gone, so that its host's "not found" means that.
func (s *Step) refreshLater(ctx context.Context, uri vocab.IRI, deleted bool) error {
	if s.replay || s.p.fetchable(uri) != nil || !s.p.asked.spend(s.Actor.ID, s.p.Now()) {
		return nil
	}
	job := fetchJob{Object: uri, Again: true, Deleted: deleted}
	o, err := s.ObjectByURI(ctx, uri)
	if errors.Is(err, store.ErrNotFound) {
		if _, err := s.ActorByURI(ctx, uri); errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		job.Object, job.Actor = "", uri
	} else if err != nil || o.Deleted != 0 {
		return err
	}
	return s.enqueueAt(ctx, "fetch", uri.Host(), "refresh "+string(uri), 0, job)
}

// removeFromGroup takes the group's boost of a post back: it was deleted, or removed by
// a moderator. Whether the post itself is gone only its own host can say.
func removeFromGroup(ctx context.Context, s *Step, n *vocab.Activity) error {
	if n.Object == n.Actor { // Somebody leaves.
		return refreshNamed(ctx, s, n)
	}
	post, _, err := s.subject(ctx, n.Object)
	if err != nil || post == nil {
		return err
	}
	lifted, err := s.RemoveFromGroup(ctx, s.Actor.ID, causeOf(n.ID, n.Object), post.ID)
	if err != nil || lifted {
		return err
	}
	boost, err := s.Boost(ctx, post.ID, s.Actor.ID)
	if err == nil {
		err = s.unboost(ctx, boost)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if heeded, err := s.heeded(ctx); err != nil || !heeded {
		return err
	}
	return s.refreshLater(ctx, n.Object, true)
}

// restoreToGroup brings the boost of a post back that a moderator had removed.
func restoreToGroup(ctx context.Context, s *Step, n *vocab.Activity) error {
	return s.liftRemoval(ctx, n.Object)
}

// liftRemoval ends the removal that a Delete brought, for good. One without an id can't
// be undone.
func (s *Step) liftRemoval(ctx context.Context, id vocab.IRI) error {
	if id == "" {
		s.state = store.Void
		return nil
	}
	post, err := s.LiftRemoval(ctx, s.Actor.ID, causeOf(id, ""))
	if err != nil || post == 0 {
		return err
	}
	if _, err := s.Boost(ctx, post, s.Actor.ID); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.boostAgain(ctx, &store.Activity{Actor: s.Actor.ID, Object: post})
}

// causeOf stands for the Delete id of object in a removal.
func causeOf(id, object vocab.IRI) int64 {
	if id == "" {
		id = "#" + object
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	return int64(h.Sum64() >> 1)
}

// askForProof has a job fetch somebody's reaction from its own host, where it has an
// address of its own: Mastodon's are fragments of the actor. What people of the
// group's own host do needs none, see vouchedFor.
func askForProof(ctx context.Context, s *Step, n *vocab.Activity) error {
	s.state = store.Void
	if s.replay || n.ID == "" || strings.Contains(string(n.ID), "#") || n.Actor.Host() == s.From.Host || !vocab.SameHost(n.ID, n.Actor) || s.p.fetchable(n.ID) != nil {
		return nil
	}
	uri := n.Object
	if n.Type == Undo.Name {
		uri = n.Nested.Object
	}
	if o, err := s.ObjectByURI(ctx, uri); errors.Is(err, store.ErrNotFound) || err == nil && o.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	if heeded, err := s.heeded(ctx); err != nil || !heeded || !s.p.asked.spend(s.Actor.ID, s.p.Now()) {
		return err
	}
	s.decide("effects", "its own host is asked for it")
	return s.enqueueAt(ctx, "fetch", n.ID.Host(), "proof "+string(n.ID), 0, fetchJob{Proof: n.ID})
}

// fetchProof takes a reaction as its own host serves it.
func (p *Pipeline) fetchProof(ctx context.Context, id vocab.IRI) error {
	if err := p.fetchable(id); err != nil {
		return err
	}
	body, final, err := p.Remote.Document(ctx, id, p.InstanceKey(ctx))
	if err != nil {
		return err
	}
	a, err := vocab.DecodeActivity(body)
	if err != nil {
		return err
	}
	if a.ID != final || typeOf(a) == Announced || !provable(a) {
		return fault.New(fault.Rejected, "%s is no reaction.", id)
	}
	return p.Process(ctx, a, Origin{Host: final.Host()})
}

// provable tells whether an activity is one that is taken from where it is kept.
func provable(a *vocab.Activity) bool {
	switch announcementOf(a) {
	case "Like", "Undo Like", "EmojiReact", "Undo EmojiReact":
		return true
	}
	return false
}

// vouchedFor is what an Announce wraps, where that is the reaction of somebody on the
// host that signed it; nil else.
func vouchedFor(a *vocab.Activity, from Origin) *vocab.Activity {
	if typeOf(a) != Announced || !provable(a.Nested) || a.Nested.Actor.Host() != from.Host {
		return nil
	}
	return a.Nested
}

// maxModerators is how many names of a group's list of moderators are read.
const maxModerators = 100

// removalJob is a Delete that may be a moderator's.
type removalJob struct {
	Group int64  `json:"group"`
	Doc   []byte `json:"doc"`
}

// moderated has a Delete looked at by somebody who is not the post's author: a
// moderator of the group that it names removes the post from there. On the group's own
// host that is believed; of others the group's list of moderators is asked.
func (p *Pipeline) moderated(ctx context.Context, a *vocab.Activity, from Origin) error {
	if a.Type != Delete.Name || from.local() || a.Object == "" || a.Object == a.Actor {
		return nil
	}
	if p.checkOrigin(a, from) != nil || p.Hosts.Refuses(from.Host) {
		return nil // The usual way refuses it, and puts that on record.
	}
	o, err := p.DB.ObjectByURI(ctx, a.Object)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	author, err := p.DB.Actor(ctx, o.Actor)
	if err != nil || author.URI == a.Actor {
		return err
	}
	var named []vocab.IRI
	for _, list := range [][]vocab.IRI{a.Audience, {a.Target}, a.Cc, a.To} {
		for _, uri := range list {
			if uri != "" && uri != vocab.Public && len(named) < 5 {
				named = append(named, uri)
			}
		}
	}
	known, err := p.DB.ActorsByURI(ctx, named)
	if err != nil {
		return err
	}
	for _, group := range known {
		if group.Type != "Group" || group.Local {
			continue
		}
		if _, err := p.DB.Boost(ctx, o.ID, group.ID); errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return err
		}
		if group.Host == from.Host {
			if err := p.removed(ctx, group, a); err != nil {
				return err
			}
			continue
		}
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			s := &Step{Tx: tx, p: p}
			return s.enqueueAt(ctx, "group-removal", group.Host, "group-removal "+string(a.ID), 0, removalJob{group.ID, a.Raw})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removed processes a moderator's Delete as what its group would announce.
func (p *Pipeline) removed(ctx context.Context, group *store.Actor, a *vocab.Activity) error {
	announce := &vocab.Activity{ID: syntheticID(&vocab.Activity{Actor: group.URI, Raw: a.Raw}), Type: Announce.Name, Actor: group.URI, Nested: a, Object: a.ID}
	announce.Raw = vocab.EncodeActivity(announce, a.Raw)
	return p.Process(ctx, announce, Origin{Host: group.Host, Fetched: true})
}

// removeByModerator is the job that asks a group who moderates it.
func (p *Pipeline) removeByModerator(ctx context.Context, j removalJob) error {
	a, err := vocab.DecodeActivity(j.Doc)
	if err != nil {
		return err
	}
	group, err := p.DB.Actor(ctx, j.Group)
	if err != nil {
		return err
	}
	doc, err := p.DB.ActorDoc(ctx, group.ID)
	if err != nil {
		return err
	}
	var profile struct {
		AttributedTo json.RawMessage `json:"attributedTo"`
	}
	if err := json.Unmarshal([]byte(doc), &profile); err != nil {
		return fault.Because(err, fault.Malformed, "The group's document can't be read.")
	}
	mods, err := p.moderators(ctx, group, profile.AttributedTo)
	if err != nil {
		return err
	}
	if !mods[a.Actor] {
		return fault.New(fault.Rejected, "%s does not moderate %s.", a.Actor, group.URI)
	}
	return p.removed(ctx, group, a)
}

// moderators are those whom a group's attributedTo names: people, or a collection of
// them on the group's host. Two documents are fetched at most.
//
// spec: fep-1b12#group-moderation
func (p *Pipeline) moderators(ctx context.Context, group *store.Actor, attributedTo json.RawMessage) (map[vocab.IRI]bool, error) {
	mods := map[vocab.IRI]bool{}
	var list []vocab.IRI
	if json.Unmarshal(attributedTo, &list) == nil {
		for _, m := range list[:min(len(list), maxModerators)] {
			mods[m] = true
		}
		return mods, nil
	}
	var next vocab.IRI
	if err := json.Unmarshal(attributedTo, &next); err != nil {
		return nil, fault.New(fault.Rejected, "%s names no moderators.", group.URI)
	}
	for range 2 {
		if next == "" || !vocab.SameHost(next, group.URI) {
			break
		}
		if err := p.fetchable(next); err != nil {
			return nil, err
		}
		body, _, err := p.Remote.Document(ctx, next, p.InstanceKey(ctx))
		if err != nil {
			return nil, err
		}
		c, err := vocab.DecodeCollection(body)
		if err != nil {
			return nil, err
		}
		if next = c.First; c.FirstPage != nil {
			c, next = c.FirstPage, ""
		}
		for _, item := range c.Items[:min(len(c.Items), maxModerators)] {
			mods[item.ID] = true
		}
	}
	return mods, nil
}
