package pipeline

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Relays spread public posts among servers that don't know each other. There are two
// kinds. To one of Mastodon's kind a server sends a Follow of Public, and then its
// public posts whole; to one of LitePub's it sends a Follow of the relay's actor, and
// Announces of its posts. Either kind announces them to the others. Ours, at /relay,
// subscribes to both, and is both.

// RelayActor is the path of the actor that is our relay, and that follows others.
const RelayActor = "/relay"

// RelayOptions say how relays are dealt with. The zero value accepts no members, and
// takes in nothing.
type RelayOptions struct {
	Members string // Who may become a member of ours: "open", "approval"; else nobody.
	Rate    int    // Posts a minute that each relay may bring.
	Queue   int    // Posts of each that may wait to be fetched.
}

// RelayURI is the id of our relay.
func (p *Pipeline) RelayURI() vocab.IRI { return vocab.IRI(p.URL + RelayActor) }

// relayKey is the key with which our relay signs: the instance's, under its name.
func (p *Pipeline) relayKey(ctx context.Context) (*remote.Key, error) {
	signer, err := p.instanceSigner(ctx)
	if err != nil {
		return nil, err
	}
	return &remote.Key{ID: p.RelayURI() + "#main-key", Private: signer}, nil
}

// RelayDocument is our relay as others read it. It has no shared inbox, so that what
// is for the relay comes to its own.
func (p *Pipeline) RelayDocument(ctx context.Context) ([]byte, error) {
	signer, err := p.instanceSigner(ctx)
	if err != nil {
		return nil, err
	}
	pem, err := remote.EncodePublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	id := p.RelayURI()
	a := &vocab.Actor{ID: id, Type: "Application", PreferredUsername: "relay", Name: "Relay of " + p.Domain, URL: vocab.IRI(p.URL + "/about"), Inbox: id + "/inbox",
		Outbox: id + "/outbox", Followers: id + "/followers", Following: id + "/following", Locked: p.Relay.Members != "open", Bot: true,
		Keys: []vocab.PublicKey{{ID: id + "#main-key", Owner: id, PEM: pem}}}
	return a.Encode(), nil
}

// RelayAnnounce is the Announce with which our relay spreads an object.
func (p *Pipeline) RelayAnnounce(id int64, object vocab.IRI) []byte {
	relay := p.RelayURI()
	a := &vocab.Activity{ID: relay + "/announces/" + vocab.IRI(strconv.FormatInt(id, 10)), Type: "Announce", Actor: relay, Object: object, Published: vocab.TimeOf(id),
		To: []vocab.IRI{relay + "/followers"}, Cc: []vocab.IRI{vocab.Public}}
	return encoded(a).Raw
}

// relaySend is the payload of "relay-send": something that our relay says.
type relaySend struct {
	Inbox  vocab.IRI `json:"inbox"`
	Type   string    `json:"type"`
	ID     int64     `json:"id"`               // The number in its id.
	Object vocab.IRI `json:"object"`           // Of an Accept, Reject or Undo: the id of the Follow.
	Actor  vocab.IRI `json:"actor,omitempty"`  // Who is followed, or followed us.
	Target vocab.IRI `json:"target,omitempty"` // What that Follow was of.
}

// tellRelay has our relay say something to a relay or member.
func (p *Pipeline) tellRelay(ctx context.Context, tx *store.Tx, m relaySend) error {
	s := &Step{Tx: tx, p: p}
	if m.ID == 0 {
		m.ID = tx.NewID()
	}
	return s.enqueue(ctx, "relay-send", m.Inbox.Host(), m)
}

// relayMessage is what a message looks like on the wire.
func (p *Pipeline) relayMessage(m relaySend) []byte {
	relay := p.RelayURI()
	number := vocab.IRI(strconv.FormatInt(m.ID, 10))
	switch m.Type {
	case "Announce":
		return p.RelayAnnounce(m.ID, m.Object)
	case "Follow":
		a := &vocab.Activity{ID: relay + "/follows/" + number, Type: "Follow", Actor: relay, Object: m.Object, To: []vocab.IRI{m.Object}}
		return encoded(a).Raw
	}
	a := &vocab.Activity{ID: relay + "/answers/" + number, Type: m.Type, Actor: relay, To: []vocab.IRI{m.Actor}}
	by, of := m.Actor, m.Target
	if m.Type == "Undo" {
		by = relay
	}
	return about(a, &vocab.Activity{ID: m.Object, Type: "Follow", Actor: by, Object: of}).Raw
}

// announceTries is how often an Announce is offered: it is news, and soon old.
const announceTries = 5

// relaySendJob is the job "relay-send".
func (p *Pipeline) relaySendJob(ctx context.Context, j store.Job) error {
	return handler(func(ctx context.Context, m relaySend) error { return p.sendRelayed(ctx, m, j.Attempt) })(ctx, j)
}

func (p *Pipeline) sendRelayed(ctx context.Context, m relaySend, attempt int) error {
	if p.Remote == nil || p.Hosts.Refuses(m.Inbox.Host()) {
		return nil
	}
	key, err := p.relayKey(ctx)
	if err != nil {
		return err
	}
	_, err = p.Remote.Post(ctx, m.Inbox, p.relayMessage(m), key, nil)
	if err != nil && (!fault.Retryable(err) || m.Type == "Announce" && attempt >= announceTries) {
		p.Log.Info("a relay does not take it", "inbox", m.Inbox, "type", m.Type, "err", err)
		return nil
	}
	return err
}

// Subscribe has our relay follow another one, by the address of its actor or of its
// inbox. by is the admin, 0 on the command line.
func (p *Pipeline) Subscribe(ctx context.Context, by int64, address vocab.IRI) (*store.Relay, error) {
	if err := p.fetchable(address); err != nil {
		return nil, fault.Because(err, fault.Invalid, "%s is no address of a relay that can be asked.", address)
	}
	r := &store.Relay{Inbox: address, Host: address.Host()}
	if !strings.HasSuffix(string(address), "/inbox") {
		actor, err := p.RefreshActor(ctx, address)
		if err != nil {
			return nil, fault.Because(err, fault.Invalid, "There is no relay at %s. A relay is named by the address of its actor, or of its inbox where it is one of Mastodon's kind.", address)
		}
		r = &store.Relay{Inbox: actor.Inbox, Actor: actor.URI, Host: actor.Inbox.Host(), LitePub: true}
	}
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		if old, err := tx.RelayByInbox(ctx, r.Inbox); err == nil {
			old.Actor, old.LitePub = r.Actor, r.LitePub
			r = old
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r.Wanted = true
		if err := p.followRelay(ctx, tx, r); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "create", Kind: "relay", Target: r.ID, Name: string(address)})
	})
	return r, err
}

// followRelay asks a relay to take us, unless it has, and stores it.
func (p *Pipeline) followRelay(ctx context.Context, tx *store.Tx, r *store.Relay) error {
	if r.State == store.RelayAccepted {
		return tx.PutRelay(ctx, r)
	}
	m := relaySend{Inbox: r.Inbox, Type: "Follow", ID: tx.NewID(), Object: vocab.Public}
	if r.LitePub {
		m.Object = r.Actor
	}
	r.State, r.Follow = store.RelayAsked, p.RelayURI()+"/follows/"+vocab.IRI(strconv.FormatInt(m.ID, 10))
	if err := tx.PutRelay(ctx, r); err != nil {
		return err
	}
	return p.tellRelay(ctx, tx, m)
}

// FindRelay returns a relay or member by its number, host, actor or inbox.
func (p *Pipeline) FindRelay(ctx context.Context, name string) (*store.Relay, error) {
	all, err := p.DB.Relays(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		r := &all[i]
		if name == strconv.FormatInt(r.ID, 10) || name == r.Host || vocab.IRI(name) == r.Inbox || vocab.IRI(name) == r.Actor {
			return r, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no relay or member %s; `kenoma relay list` shows all.", name)
}

// RemoveRelay ends what there is with a relay or member, both ways. Of what it brought
// and is not fetched yet nothing is.
func (p *Pipeline) RemoveRelay(ctx context.Context, by int64, r *store.Relay) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := p.leaveRelay(ctx, tx, r); err != nil {
			return err
		}
		if r.Member == store.RelayAccepted || r.Member == store.RelayAsked {
			if err := p.answerMember(ctx, tx, r, "Reject"); err != nil {
				return err
			}
		}
		if err := tx.DropRelay(ctx, r.ID); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "destroy", Kind: "relay", Target: r.ID, Name: string(r.Inbox)})
	})
}

// leaveRelay takes our Follow back.
func (p *Pipeline) leaveRelay(ctx context.Context, tx *store.Tx, r *store.Relay) error {
	if r.State != store.RelayAsked && r.State != store.RelayAccepted {
		return nil
	}
	m := relaySend{Inbox: r.Inbox, Type: "Undo", Object: r.Follow, Actor: r.Actor, Target: vocab.Public}
	if r.LitePub {
		m.Target = r.Actor
	}
	return p.tellRelay(ctx, tx, m)
}

// answerMember accepts or rejects the Follow of a server that wants to be a member.
func (p *Pipeline) answerMember(ctx context.Context, tx *store.Tx, r *store.Relay, typ string) error {
	m := relaySend{Inbox: r.Inbox, Type: typ, Object: r.MemberFollow, Actor: r.Actor, Target: vocab.Public}
	if r.LitePub {
		m.Target = p.RelayURI()
	}
	return p.tellRelay(ctx, tx, m)
}

// AnswerMember lets a server that asked become a member of our relay, or not.
func (p *Pipeline) AnswerMember(ctx context.Context, by int64, r *store.Relay, accept bool) error {
	if r.MemberFollow == "" {
		return fault.New(fault.Invalid, "%s has not asked to be a member.", r.Host)
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		action := "reject"
		if accept {
			action = "accept"
		}
		if err := p.settleMember(ctx, tx, r, accept); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "relay", Target: r.ID, Name: string(r.Actor)})
	})
}

// settleMember answers a server that asked. One that follows our actor is followed
// back: only then does it announce anything to us.
func (p *Pipeline) settleMember(ctx context.Context, tx *store.Tx, r *store.Relay, accept bool) error {
	typ := "Reject"
	r.Member = store.RelayRejected
	if accept {
		typ, r.Member = "Accept", store.RelayAccepted
	}
	if err := tx.PutRelay(ctx, r); err != nil {
		return err
	}
	if err := p.answerMember(ctx, tx, r, typ); err != nil {
		return err
	}
	if accept && r.LitePub && r.State == store.RelayNone {
		return p.followRelay(ctx, tx, r)
	}
	return nil
}

// relayArrival takes what arrives for our relay, or from one that we follow; false for
// everything else.
func (p *Pipeline) relayArrival(ctx context.Context, a *vocab.Activity, from Origin) (bool, error) {
	if from.local() || from.Fetched {
		return false, nil
	}
	if from.Signer != "" && a.Actor.Host() != from.Host {
		return p.RelayPassedOn(ctx, a, from)
	}
	handle := p.relayDoor(a, from)
	if handle == nil {
		return false, nil
	}
	if err := p.checkOrigin(a, from); err != nil {
		return false, nil // The usual way refuses it, and puts that on record.
	}
	if p.Hosts.Refuses(from.Host) {
		return false, nil
	}
	return handle(ctx, a)
}

// RelayPassedOn takes what a relay that we follow passes on as it came; false for
// everything else. It is not believed, but it names a post that can be fetched.
func (p *Pipeline) RelayPassedOn(ctx context.Context, a *vocab.Activity, from Origin) (bool, error) {
	if a.Type != "Create" && a.Type != "Announce" || a.Type == "Create" && !vocab.SameHost(a.Object, a.Actor) {
		return false, nil
	}
	r, err := p.DB.RelayByActor(ctx, from.Signer)
	if errors.Is(err, store.ErrNotFound) || err == nil && (!r.Wanted || r.State != store.RelayAccepted) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, p.queueRelayed(ctx, r, a.Object)
}

// relayDoor is who handles an activity of this kind.
func (p *Pipeline) relayDoor(a *vocab.Activity, from Origin) func(context.Context, *vocab.Activity) (bool, error) {
	n := a.Nested
	ours := func(object vocab.IRI) bool {
		return object == p.RelayURI() || object == vocab.Public || object == "as:Public"
	}
	switch {
	case a.Type == "Follow" && ours(a.Object):
		return p.relayFollowed
	case a.Type == "Undo" && (n != nil && n.Type == "Follow" && ours(n.Object) || from.Relay):
		return p.relayUnfollowed
	case a.Type == "Accept" || a.Type == "Reject":
		if strings.HasPrefix(string(a.Object), string(p.RelayURI())+"/follows/") || n != nil && n.Type == "Follow" && n.Actor == p.RelayURI() {
			return p.relayAnswered
		}
	case a.Type == "Announce":
		return func(ctx context.Context, a *vocab.Activity) (bool, error) { return p.relayAnnounced(ctx, a, from) }
	}
	if from.Relay {
		return p.relayBrought
	}
	return nil
}

// relayFollowed is a server that wants to be a member.
func (p *Pipeline) relayFollowed(ctx context.Context, a *vocab.Activity) (bool, error) {
	actor, err := p.FetchActor(ctx, a.Actor)
	if err != nil {
		return true, err
	}
	litepub := a.Object == p.RelayURI()
	switch {
	case litepub && actor.Type == "Person":
		return true, fault.New(fault.Rejected, "The relay can be followed by servers alone.")
	case !vocab.SameHost(actor.Inbox, actor.URI): // Else it could speak for the relay or member at that inbox.
		return true, fault.New(fault.Rejected, "The inbox of %s is on another host.", actor.URI)
	}
	return true, p.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.RelayByInbox(ctx, actor.Inbox)
		if errors.Is(err, store.ErrNotFound) {
			r = &store.Relay{Inbox: actor.Inbox, Host: actor.Inbox.Host()}
		} else if err != nil {
			return err
		}
		if r.State == store.RelayNone {
			r.LitePub = litepub
		}
		r.Actor, r.MemberFollow = actor.URI, a.ID
		wanted := r.Member == store.RelayAccepted || r.Wanted || p.Relay.Members == "open" && r.Member != store.RelayRejected
		if !wanted && (p.Relay.Members != "approval" || r.Member == store.RelayRejected) {
			return p.answerMember(ctx, tx, r, "Reject")
		}
		if r.ID == 0 {
			if all, err := tx.Relays(ctx); err != nil || len(all) >= store.MaxRelays {
				return errors.Join(err, fault.New(fault.Transient, "Too many servers ask at the moment."))
			}
		}
		if wanted {
			return p.settleMember(ctx, tx, r, true)
		}
		r.Member = store.RelayAsked
		return tx.PutRelay(ctx, r)
	})
}

// relayUnfollowed is a member that leaves.
func (p *Pipeline) relayUnfollowed(ctx context.Context, a *vocab.Activity) (bool, error) {
	return true, p.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.RelayByActor(ctx, a.Actor)
		if errors.Is(err, store.ErrNotFound) || err == nil && a.Nested == nil && a.Object != r.MemberFollow {
			return nil
		} else if err != nil {
			return err
		}
		r.Member, r.MemberFollow = store.RelayNone, ""
		if r.Wanted {
			return tx.PutRelay(ctx, r)
		}
		if err := p.leaveRelay(ctx, tx, r); err != nil {
			return err
		}
		return tx.DropRelay(ctx, r.ID)
	})
}

// relayAnswered is a relay's answer to our Follow. Some give it without an id.
func (p *Pipeline) relayAnswered(ctx context.Context, a *vocab.Activity) (bool, error) {
	return true, p.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.RelayAsked(ctx, a.Actor.Host(), a.Object)
		if errors.Is(err, store.ErrNotFound) && a.Nested != nil {
			r, err = tx.RelayAsked(ctx, a.Actor.Host(), "")
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if r.LitePub && r.Actor != a.Actor {
			return fault.New(fault.Rejected, "Only the relay that is followed can answer.")
		}
		r.Actor, r.State = a.Actor, store.RelayAccepted
		if a.Type == "Reject" {
			r.State = store.RelayRejected
		}
		return tx.PutRelay(ctx, r)
	})
}

// relayAnnounced is an Announce by a relay that we follow, by a member of ours, or by
// both in one. Everybody else's is a boost.
func (p *Pipeline) relayAnnounced(ctx context.Context, a *vocab.Activity, from Origin) (bool, error) {
	r, err := p.DB.RelayByActor(ctx, a.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return from.Relay, nil
	} else if err != nil {
		return false, err
	}
	object := a.Object
	if a.Nested != nil && a.Nested.Object != "" {
		object = a.Nested.Object
	}
	if r.Wanted && r.State == store.RelayAccepted {
		if err := p.queueRelayed(ctx, r, object); err != nil {
			return true, err
		}
	}
	if r.Member == store.RelayAccepted && object.Host() == r.Host {
		return true, p.relayOut(ctx, r, object)
	}
	return true, nil
}

// relayBrought is what a member of Mastodon's kind sends: posts whole, by their
// authors. Only public ones are spread.
func (p *Pipeline) relayBrought(ctx context.Context, a *vocab.Activity) (bool, error) {
	r, err := p.DB.RelayByHost(ctx, a.Actor.Host())
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	} else if err != nil {
		return true, err
	}
	o := a.Inline
	if a.Type != "Create" || o == nil || !vocab.IsPost(o.Type) || !vocab.SameHost(o.ID, a.Actor) || vocab.VisibilityOf(o.To, o.Cc, "").Name != "public" {
		return true, nil
	}
	return true, p.relayOut(ctx, r, o.ID)
}

// relayOut announces a post to the other members, once.
func (p *Pipeline) relayOut(ctx context.Context, source *store.Relay, object vocab.IRI) error {
	host := object.Host()
	if p.Relay.Members == "" || p.Relay.Members == "off" || object.Valid() != nil || p.Hosts.Of(host).Silence || p.Hosts.Refuses(host) {
		return nil
	}
	if !p.relayRates.take(source.ID, p.Now(), p.Relay.Rate) {
		return nil
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.announceRelayed(ctx, tx, object, source.ID) })
}

type announceJob struct {
	ID    int64 `json:"id"`
	After int64 `json:"after"`
}

func (p *Pipeline) announceRelayed(ctx context.Context, tx *store.Tx, object vocab.IRI, source int64) error {
	id, fresh, err := tx.AddRelayed(ctx, object, source)
	if err != nil || !fresh {
		return err
	}
	s := &Step{Tx: tx, p: p}
	return s.enqueue(ctx, "relay-announce", "", announceJob{ID: id})
}

// relayOwn has a public post of ours announced to those who follow our relay.
func (s *Step) relayOwn(ctx context.Context) error {
	if s.Activity.Type != "Create" || !s.From.local() || s.localOnly || s.visibility != 0 || s.object == 0 || s.replay || s.From.imported {
		return nil
	}
	if some, err := s.HasRelayMembers(ctx); err != nil || !some {
		return err
	}
	return s.p.announceRelayed(ctx, s.Tx, s.Activity.Object, 0)
}

// announceChunk is how many members get an Announce in one transaction.
const announceChunk = 400

// announceToMembers is the job "relay-announce". Nobody gets what it brought, nor
// what is of its own host; relays that we subscribe to get our own posts alone.
func (p *Pipeline) announceToMembers(ctx context.Context, j announceJob) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		post, err := tx.Relayed(ctx, j.ID)
		if err != nil {
			return ignoreMissing(err)
		}
		members, err := tx.RelayMembers(ctx, j.After, announceChunk)
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.ID == post.Source || m.Host == post.Object.Host() || m.Wanted && post.Source != 0 {
				continue
			}
			if err := p.tellRelay(ctx, tx, relaySend{Inbox: m.Inbox, Type: "Announce", ID: post.ID, Object: post.Object}); err != nil {
				return err
			}
		}
		if len(members) < announceChunk {
			return nil
		}
		s := &Step{Tx: tx, p: p}
		return s.enqueue(ctx, "relay-announce", "", announceJob{j.ID, members[len(members)-1].ID})
	})
}
