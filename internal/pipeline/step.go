package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Step is one activity on its way through its transaction: what Apply and Undo
// read and write.
type Step struct {
	*store.Tx
	Activity *vocab.Activity
	Actor    *store.Actor
	From     Origin
	Seq      int64

	p         *Pipeline
	replay    bool // Rebuilding: the log stands, nothing is sent or streamed.
	quiet     bool // The other side is not told of follows that end: nothing is sent there.
	localOnly bool // Of a local post.
	also      func(context.Context, *Step) error

	render *rendering // The inline object, prepared before the transaction.

	// What Apply found out, for the log.
	object     int64
	visibility int16
	state      store.ActivityState
	waits      []vocab.IRI
	decisions  []Decision
	patch      *policy.Patch // What the policies changed; nil nothing.
	asked      []policy.Job  // What they want done.
	expires    int64         // When the new post of ours is to be deleted; ms, 0 never.
	doc        []byte
	arrived    []vocab.IRI
	emitted    []emission
	events     []stream.Event
	behind     []store.Job // Enqueued behind the activity's own delivery.
}

// Decision is a line of the story that inspect tells.
type Decision struct {
	Stage string        `json:"stage"`
	Rule  string        `json:"rule,omitempty"` // Of a policy.
	Said  string        `json:"said"`
	Patch *policy.Patch `json:"patch,omitempty"` // What all policies together changed, where no version of a post has it.
}

// emission is an activity that follows from another one, by one of our actors.
type emission struct {
	a    *vocab.Activity
	by   *store.Actor
	also func(context.Context, *Step) error
}

// maxDepth bounds how far one activity may set off others in one transaction.
const maxDepth = 4

// prepare does the work that needs no database, so that the one writer is not kept.
func (s *Step) prepare() {
	if o := s.Activity.Inline; o != nil && vocab.IsPost(o.Type) {
		s.render = render(o)
		if s.From.local() {
			s.render.localize(s.p.URL)
		}
	}
}

// commit writes the activity, its effects, what it sets off and the job that
// delivers it.
func (s *Step) commit(ctx context.Context, tx *store.Tx, t *Type) error {
	fresh := *s // The function may run again after a conflict.
	fresh.Tx = tx
	if err := fresh.run(ctx, t, 0); err != nil {
		return err
	}
	*s = fresh
	return nil
}

func (s *Step) run(ctx context.Context, t *Type, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s sets off too much", s.Activity.ID)
	}
	uri := logURI(s.Activity)
	for _, key := range []vocab.IRI{s.Activity.Object, uri} {
		if err := s.Lock(ctx, string(key)); err != nil {
			return err
		}
	}
	if known, err := s.HasActivity(ctx, uri); err != nil || known {
		if err != nil || t.Name != Follow.Name {
			return err
		}
		return s.answerAgain(ctx)
	}
	s.Seq = s.NewID()
	s.doc = s.Activity.Raw
	if err := t.Apply(ctx, s); err != nil {
		return err
	}
	if s.also != nil {
		if err := s.also(ctx, s); err != nil {
			return err
		}
	}
	if err := s.keepLifetime(ctx); err != nil {
		return err
	}
	if err := s.enqueueAsked(ctx); err != nil {
		return err
	}
	if err := s.log(ctx, uri); err != nil {
		return err
	}
	s.arrived = append(s.arrived, uri)
	if err := s.after(ctx, depth); err != nil {
		return err
	}
	if s.From.local() && !t.Internal && !s.localOnly && !s.From.imported {
		if err := s.Enqueue(ctx, store.ExpandJob(s.Seq, s.Actor.ID)); err != nil {
			return err
		}
	}
	if err := s.relayOwn(ctx); err != nil {
		return err
	}
	if err := s.EnqueueAll(ctx, s.behind); err != nil {
		return err
	}
	s.publishOnCommit()
	return nil
}

// log appends the activity with what became of it.
func (s *Step) log(ctx context.Context, uri vocab.IRI) error {
	verdict := ""
	if len(s.decisions) > 0 {
		b, err := json.Marshal(s.decisions)
		if err != nil {
			return err
		}
		verdict = string(b)
	}
	if len(s.waits) > 0 {
		s.state = store.Waiting
	}
	err := s.InsertActivity(ctx, &store.Activity{Seq: s.Seq, URI: uri, Type: typeOf(s.Activity).Name, Actor: s.Actor.ID, Object: s.object,
		Origin: s.From.name(), Visibility: s.visibility, State: s.state, Verdict: verdict, Doc: string(s.doc)})
	if err != nil {
		return err
	}
	for _, w := range s.waits {
		if err := s.AddWait(ctx, w, store.Wait{Ref: s.Seq, Kind: store.WaitActivity}); err != nil {
			return err
		}
	}
	return nil
}

// after runs what the activity sets off, then what waited for what it brought.
func (s *Step) after(ctx context.Context, depth int) error {
	for _, e := range s.emitted {
		next := &Step{Tx: s.Tx, p: s.p, Activity: e.a, Actor: e.by, From: FromAccount(e.by.ID), also: e.also}
		next.prepare()
		if err := next.run(ctx, types[e.a.Type], depth+1); err != nil {
			return fmt.Errorf("%s set off by %s: %w", e.a.Type, s.Activity.ID, err)
		}
	}
	for _, uri := range s.arrived {
		if err := s.wake(ctx, uri); err != nil {
			return err
		}
	}
	return nil
}

// wake applies what waited for uri, in the order of arrival.
func (s *Step) wake(ctx context.Context, uri vocab.IRI) error {
	waits, err := s.Waits(ctx, uri)
	if err != nil {
		return err
	}
	for _, w := range waits {
		if err := s.DropWait(ctx, uri, w.Ref); err != nil {
			return err
		}
		if w.Kind == store.WaitReply || w.Kind == store.WaitQuote {
			err = s.wakeStatus(ctx, w.Ref, uri)
		} else {
			err = s.resume(ctx, w.Ref)
		}
		if err != nil {
			return fmt.Errorf("waking %d, which waited for %s: %w", w.Ref, uri, err)
		}
	}
	return nil
}

// resume applies an activity of the log that waited. One that is refused now stays
// without effect; it can't spoil what it waited for.
func (s *Step) resume(ctx context.Context, seq int64) error {
	row, err := s.Tx.Activity(ctx, seq)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if row.State != store.Waiting && !s.replay {
		return nil
	}
	next, err := s.p.load(ctx, s.Tx, row)
	if err != nil || next == nil {
		return err
	}
	next.replay = s.replay
	if err := types[row.Type].Apply(ctx, next); err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		next.state = store.Void
	}
	if len(next.waits) > 0 {
		next.state = store.Waiting
		for _, w := range next.waits {
			if err := s.AddWait(ctx, w, store.Wait{Ref: seq, Kind: store.WaitActivity}); err != nil {
				return err
			}
		}
	}
	if !s.replay {
		if err := s.SetActivity(ctx, seq, next.state, next.object); err != nil {
			return err
		}
		next.publishOnCommit()
	}
	return next.after(ctx, 1)
}

// load makes a Step of a row of the log; nil when the row has nothing left to apply.
func (p *Pipeline) load(ctx context.Context, tx *store.Tx, row *store.Activity) (*Step, error) {
	if row.Doc == "" || types[row.Type] == nil {
		return nil, nil
	}
	a, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil {
		return nil, fmt.Errorf("activity %d of the log: %w", row.Seq, err)
	}
	a.ID = row.URI
	patch, err := patchedBy(row)
	if err != nil {
		return nil, err
	}
	patch.Apply(a)
	actor, err := tx.Actor(ctx, row.Actor)
	if err != nil {
		return nil, err
	}
	from := originOf(row, actor)
	return &Step{Tx: tx, p: p, Activity: a, Actor: actor, From: from, Seq: row.Seq, object: row.Object, visibility: row.Visibility, doc: []byte(row.Doc), patch: patch}, nil
}

// originOf is who vouched for an activity of the log.
func originOf(row *store.Activity, actor *store.Actor) Origin {
	if row.Origin == importPrefix {
		return fromArchive(actor.ID)
	}
	if host, ok := strings.CutPrefix(row.Origin, fetchPrefix); ok {
		return Origin{Host: host, Fetched: true}
	}
	if row.Origin == "" {
		return FromAccount(actor.ID)
	}
	return Origin{Host: row.Origin}
}

// Wait leaves the activity without effect until a document with this id arrives.
func (s *Step) Wait(uri vocab.IRI) error {
	s.waits = append(s.waits, uri)
	return nil
}

// Emit has one of our actors do a next, in the same transaction.
func (s *Step) Emit(a *vocab.Activity, by *store.Actor) {
	if !s.replay {
		s.emitted = append(s.emitted, emission{a: a, by: by})
	}
}

// decide adds a line to the activity's story.
func (s *Step) decide(stage, format string, args ...any) {
	if !s.replay {
		s.decisions = append(s.decisions, Decision{Stage: stage, Said: fmt.Sprintf(format, args...)})
	}
}

// enqueue adds a job to the transaction.
func (s *Step) enqueue(ctx context.Context, kind, part string, payload any) error {
	return s.enqueueAt(ctx, kind, part, "", 0, payload)
}

// enqueueAt adds a job that runs at (ms, 0 now), once per uniq where that is not "".
func (s *Step) enqueueAt(ctx context.Context, kind, part, uniq string, at int64, payload any) error {
	if s.replay {
		return nil
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return s.Enqueue(ctx, store.Job{Kind: kind, Part: part, RunAt: at, Uniq: uniq, Payload: b})
}

// Notify tells one of our own of what the actor did, unless it is the actor
// itself, or the document was only fetched. Others are left alone. Whether it is
// shown (blocks, mutes) is decided when it is read; what the owner's policy does
// with it, and whether the conversation is muted, is decided now.
func (s *Step) Notify(ctx context.Context, owner *store.Actor, kind string, status int64) error {
	if !owner.Local || owner.ID == s.Actor.ID || s.From.Fetched {
		return nil
	}
	return s.notify(ctx, owner.ID, kind, status)
}

func (s *Step) notify(ctx context.Context, owner int64, kind string, status int64) error {
	return s.tell(ctx, store.Notification{Owner: owner, ID: s.Seq, Kind: store.KindNamed(kind), Actor: s.Actor.ID, Status: status,
		Withheld: s.patch != nil && s.patch.Withhold})
}

// tell adds a notification, or while the log is replayed restores it.
func (s *Step) tell(ctx context.Context, n store.Notification) error {
	if s.replay {
		_, err := s.RestoreNotification(ctx, n)
		return err
	}
	heard, err := s.AddNotification(ctx, n)
	if err != nil || !heard {
		return err
	}
	s.publish(stream.Event{Kind: "notification", Notification: n.ID, Home: []int64{n.Owner}, Status: n.Status, Author: n.Actor})
	return nil
}

// publish tells the listeners, once everything is committed.
func (s *Step) publish(e stream.Event) {
	if !s.replay && !s.From.imported {
		s.events = append(s.events, e)
	}
}

func (s *Step) publishOnCommit() {
	events, to := s.events, s.p.Stream
	if to == nil || len(events) == 0 {
		return
	}
	s.OnCommit(func() {
		for _, e := range events {
			to.Publish(e)
		}
	})
}

// now is the time of the activity's arrival in ms, the same when it is replayed.
func (s *Step) now() int64 { return vocab.TimeOf(s.Seq).UnixMilli() }

// logURI is the id under which an activity is logged. Some software gives the
// activity the id of its object: those are told apart by their type and version.
func logURI(a *vocab.Activity) vocab.IRI {
	if a.ID != a.Object {
		return a.ID
	}
	id := a.ID + "#" + vocab.IRI(a.Type)
	if a.Inline != nil && a.Type == "Update" {
		sum := sha256.Sum256(a.Inline.Raw)
		id += vocab.IRI("-" + hex.EncodeToString(sum[:6]))
	}
	return id
}

// syntheticID names an activity that came without an id by its content.
func syntheticID(a *vocab.Activity) vocab.IRI {
	sum := sha256.Sum256(a.Raw)
	return a.Actor + "#activity-" + vocab.IRI(hex.EncodeToString(sum[:12]))
}
