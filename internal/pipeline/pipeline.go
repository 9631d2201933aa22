// Package pipeline is the only way to change social state. An activity, local or
// remote, goes through Process: it is checked against who sent it, validated by
// its type's file, judged by the policies, and committed with all of its effects
// in one transaction. What goes out is told in that transaction by a job row.
//
// Every effect is idempotent by the activity's id and independent of the order of
// arrival: what comes too early waits in the store for what it speaks of.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Publisher is told of what was committed.
type Publisher interface{ Publish(stream.Event) }

// Options are what a Pipeline needs.
type Options struct {
	DB        *store.DB
	Remote    *remote.Client // nil: nothing is ever fetched.
	Stream    Publisher      // nil: nobody listens.
	Policies  *policy.Book   // The admin's rules beside those about hosts. nil: none.
	Setup     PolicySetup    // What the admin set up of the policies outside the database.
	URL       string         // Base of all own ids, without a trailing slash: https://a.test
	Domain    string         // Of the handles.
	Log       *slog.Logger
	Now       func() time.Time
	Cards     bool // Links get preview cards.
	Trends    Trends
	Reactions Reactions
	NewKey    func() (pem string, err error) // nil: RSA of 2048 bits.

	Hosts             *policy.Hosts // The admin's rules about hosts. nil: none.
	LimitedFederation bool          // Only hosts that are allowed are let in.
	MailStaff         bool          // Moderators are told by mail too.
	KeepSuspended     time.Duration // After it the data of a suspended account of ours is deleted. 0: never.
	Backfill          int           // Newest posts that are fetched of whom somebody here begins to follow. 0: none.
	Relay             RelayOptions
	MaxPins           int // Posts that a profile shows on top. 0 means 5.
}

// Pipeline processes activities. It is safe for concurrent use.
type Pipeline struct {
	Options
	policyState

	host string // Authority of URL.
	keys keyring

	tally      policy.Tally // What the rules count.
	tagsSeen   recent       // Whose featured tags were fetched lately.
	looked     recent       // Which remote accounts were asked about lately.
	relayRates rates        // Of members of our relay.
	asked      allowance    // What groups had us fetch.
}

// New makes a Pipeline.
func New(o Options) *Pipeline {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hosts == nil {
		o.Hosts = &policy.Hosts{}
	}
	if o.Policies == nil {
		o.Policies = &policy.Book{}
	}
	if o.NewKey == nil {
		o.NewKey = newKeyPEM
	}
	if o.MaxPins == 0 {
		o.MaxPins = 5
	}
	p := &Pipeline{Options: o, host: vocab.IRI(o.URL).Host()}
	p.keys.db = o.DB
	return p
}

// Origin says who vouches for an activity. Every right is judged by it.
type Origin struct {
	Actor   int64     // Our own account; 0 for a remote origin.
	Host    string    // Whose verified key signed the request, or where the document was fetched.
	Signer  vocab.IRI // Whose key signed the request; "" is not known.
	Relay   bool      // It came to the inbox of our relay.
	Fetched bool      // We went to get it: no notifications and no home rows come of it.
	// Signed is the document as it came, where it was read in another form: what a
	// signature in it vouches for. nil: the activity's own.
	Signed   []byte
	part     bool // It was cut out of another activity.
	staff    bool // Our moderators act in the account's name.
	climb    int  // How many fetches led here.
	imported bool // Our own account brought it along from elsewhere.
}

// FromAccount is the origin of what one of our accounts does.
func FromAccount(actor int64) Origin { return Origin{Actor: actor} }

// fetchPrefix marks in the log what we went to get.
const fetchPrefix = "fetch:"

// local tells whether the activity is our own.
func (o Origin) local() bool { return o.Actor != 0 }

// name is how the log calls the origin.
func (o Origin) name() string {
	switch {
	case o.imported:
		return importPrefix
	case o.local():
		return ""
	case o.Fetched:
		return fetchPrefix + o.Host
	}
	return o.Host
}

// ProcessDocument decodes a document that came from a remote host and takes it
// through Process.
func (p *Pipeline) ProcessDocument(ctx context.Context, doc []byte, from Origin) error {
	a, err := vocab.DecodeActivity(doc)
	if err != nil {
		p.refused(ctx, &vocab.Activity{}, from, "decode", err)
		return err
	}
	if taken, err := p.relayArrival(ctx, a, from); taken {
		if err != nil {
			p.refused(ctx, a, from, "relay", err)
		}
		return err
	}
	return p.ProcessDecoded(ctx, a, from)
}

// ProcessDecoded is ProcessDocument for a document that was decoded already and is for no
// relay.
func (p *Pipeline) ProcessDecoded(ctx context.Context, a *vocab.Activity, from Origin) error {
	if inner := requested(a); inner != nil {
		if err := p.Process(ctx, inner, from); err != nil && fault.Retryable(err) {
			return err
		}
	}
	if create := ownInside(a); create != nil {
		part := from
		part.part = true
		if err := p.Process(ctx, create, part); err != nil && fault.Retryable(err) {
			return err
		}
	}
	if inner := vouchedFor(a, from); inner != nil {
		if err := p.Process(ctx, inner, from); err != nil && fault.Retryable(err) {
			return err
		}
	}
	if err := p.moderated(ctx, a, from); err != nil {
		return err
	}
	if a.Type == Delete.Name && len(a.Objects) > 1 {
		return p.deleteEach(ctx, a, from)
	}
	return p.Process(ctx, a, from)
}

// ownInside is the Create of a post that its own author boosts, or asks leave for to
// quote in, and gives along: a followers-only one can't be fetched. Copies of other
// people's posts are nobody's word, see Announce.
func ownInside(a *vocab.Activity) *vocab.Activity {
	o := a.Inline
	if a.Type == "QuoteRequest" || a.Type == "ReplyRequest" {
		o = a.InlineInstrument
	}
	if a.Type != "Announce" && a.Type != "QuoteRequest" && a.Type != "ReplyRequest" || a.Nested != nil || o == nil || !vocab.IsPost(o.Type) || o.ID == "" || !vocab.SameHost(o.ID, a.Actor) || authorOf(o) != a.Actor {
		return nil
	}
	create := &vocab.Activity{ID: o.ID + "#announced", Type: "Create", Actor: a.Actor, Object: o.ID, Inline: o, To: o.To, Cc: o.Cc}
	create.Raw = vocab.EncodeActivity(create, nil)
	return create
}

// Process takes a through every stage. A nil error means that the activity, all of
// its effects and the jobs that will deliver it are committed, or that it was here
// before, or that it has no effect here. Errors of kind Rejected mean that it was
// understood and is refused; the refusal is on record for inspect.
func (p *Pipeline) Process(ctx context.Context, a *vocab.Activity, from Origin) error {
	return p.process(ctx, a, from, nil)
}

// process is Process with private state that is to be written in the same transaction.
func (p *Pipeline) process(ctx context.Context, a *vocab.Activity, from Origin, also func(context.Context, *Step) error) error {
	if err := p.checkOrigin(a, from); err != nil {
		p.refused(ctx, a, from, "origin", err)
		return err
	}
	if !from.local() && p.Hosts.Refuses(from.Host) {
		err := fault.New(fault.Rejected, "This server does not accept posts from %s.", from.Host)
		p.refused(ctx, a, from, "policy Simple", err)
		return err // Before anything is fetched for it.
	}
	t := typeOf(a)
	if t == nil {
		return p.storeWithoutEffect(ctx, a, from) // A sender may know more types than we do.
	}
	if err := t.Validate(a, from); err != nil {
		p.refused(ctx, a, from, "validate", err)
		return err
	}
	actor, err := p.actorOf(ctx, a, from)
	if err != nil {
		p.refused(ctx, a, from, "actor", err)
		return err
	}
	if from.Signed == nil {
		from.Signed = a.Raw // Before the policies rewrite it.
	}
	c, err := p.judge(ctx, p.DB.Q, a, actor, from)
	if err != nil {
		p.refused(ctx, a, from, strings.TrimSpace("policy "+policy.Refused(err)), err)
		return err
	}
	s := &Step{p: p, Activity: a, Actor: actor, From: from, also: also}
	s.heed(c)
	s.prepare()
	err = p.DB.Write(ctx, func(tx *store.Tx) error { return s.commit(ctx, tx, t) })
	if err != nil {
		p.refused(ctx, a, from, "effects", err)
	}
	return err
}

// checkOrigin holds a's claims against who vouches for it: the id, the actor and
// the key are on one host, and only we speak for our own actors.
//
// spec: ap#security-considerations
func (p *Pipeline) checkOrigin(a *vocab.Activity, from Origin) error {
	if a.Actor == "" {
		return fault.New(fault.Malformed, "The activity names no actor.")
	}
	if from.local() {
		return nil
	}
	if err := a.Actor.Valid(); err != nil {
		return fault.Because(err, fault.Malformed, "The actor's id is not an address.")
	}
	if host := a.Actor.Host(); host != from.Host || host == p.host {
		return fault.New(fault.Denied, "%s does not speak for %s.", from.Host, a.Actor)
	}
	if a.ID == "" {
		a.ID = syntheticID(a)
	}
	if err := a.ID.Valid(); err != nil {
		return fault.Because(err, fault.Malformed, "The activity's id is not an address.")
	}
	if !vocab.SameHost(a.ID, a.Actor) {
		return fault.New(fault.Rejected, "The activity's id is on another host than its actor.")
	}
	return nil
}

// actorOf returns the actor of a, fetched when it is not known yet.
func (p *Pipeline) actorOf(ctx context.Context, a *vocab.Activity, from Origin) (*store.Actor, error) {
	actor, err := p.DB.ActorByURI(ctx, a.Actor)
	switch {
	case err == nil && actor.Deleted != 0 && a.Type != "Delete":
		return nil, fault.New(fault.Gone, "%s was deleted.", a.Actor)
	case err == nil && actor.Suspended > store.SuspendedThere && a.Type != "Delete" && !from.staff:
		return nil, fault.New(fault.Denied, "%s is suspended on this server.", a.Actor)
	case err == nil && from.local() && actor.ID != from.Actor:
		return nil, fault.New(fault.Denied, "You can't act for somebody else.")
	case err == nil:
		return actor, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case from.local() || a.Type == "Delete":
		return nil, fault.New(fault.Rejected, "%s is not known here.", a.Actor)
	}
	return p.FetchActor(ctx, a.Actor)
}

// storeWithoutEffect keeps an activity of a type that has no file here.
func (p *Pipeline) storeWithoutEffect(ctx context.Context, a *vocab.Activity, from Origin) error {
	actor, err := p.DB.ActorByURI(ctx, a.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Strangers' strange activities leave no trace.
	} else if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if known, err := tx.HasActivity(ctx, a.ID); err != nil || known {
			return err
		}
		return tx.InsertActivity(ctx, &store.Activity{Seq: tx.NewID(), URI: a.ID, Type: a.Type, Actor: actor.ID,
			Origin: from.name(), State: store.Void, Doc: string(a.Raw)})
	})
}

// refused records a definite refusal of a remote activity for inspect. Trouble of
// our own is not the activity's fate: it will come again.
func (p *Pipeline) refused(ctx context.Context, a *vocab.Activity, from Origin, stage string, cause error) {
	if from.local() || fault.Retryable(cause) {
		return
	}
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Refuse(ctx, store.Refusal{URI: cut(string(a.ID), 2048), Type: cut(a.Type, 64), Actor: cut(string(a.Actor), 2048),
			Origin: from.name(), Stage: stage, Reason: cut(cause.Error(), 500)})
	})
	if err != nil {
		p.Log.Warn("refusal not recorded", "uri", a.ID, "err", err)
	}
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return fmt.Sprintf("%s…", s[:n])
}
