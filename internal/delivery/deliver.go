package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/queue"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// report is what became of one try, for save.
type report struct {
	store.Delivery
	host  string
	alive bool // It answered, whatever it said.
	down  bool // Nothing gets through to it.
	gone  bool // The inbox is no more.
}

// maxRefusals is how often an activity is offered to an inbox that refuses it: some
// servers answer so while they are being updated.
const maxRefusals = 3

// deliver sends an activity to one inbox, or finds that it need not be sent.
func (d *Delivery) deliver(ctx context.Context, job store.Job) error {
	var p deliverJob
	if err := decode(job, &p); err != nil {
		return err
	}
	r, err := d.send(ctx, p, job.Attempt)
	if r != nil {
		queue.Report(ctx, []report{*r})
	}
	return err
}

// send does one try. Without an error the delivery has its final state; with one
// it is to be tried again, as the error says. The report is nil when nothing was found out.
func (d *Delivery) send(ctx context.Context, p deliverJob, attempt int) (*report, error) {
	db := d.opts.DB
	to, err := db.Dispatch(ctx, p.Activity, p.Inbox)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // Expired, or the activity was compacted.
	} else if err != nil {
		return nil, err
	}
	if to.Settled {
		return nil, nil // A repeat after a crash.
	}
	r := &report{host: to.Inbox.Host, Delivery: store.Delivery{Activity: p.Activity, Inbox: p.Inbox, Attempts: attempt - 1, At: db.Now().UnixMilli()}}
	why, err := d.needless(ctx, p, to)
	if err != nil {
		return nil, err
	}
	if why != "" {
		r.State, r.Error = store.DeliveryDropped, why
		return r, nil
	}
	body, err := d.body(ctx, p.Activity, to)
	if err != nil {
		return nil, err
	}
	if body == nil {
		r.State, r.Error = store.DeliveryDropped, "nothing of it is left to send"
		return r, nil
	}
	signer := to.Actor
	if to.Forwarder != 0 {
		signer = to.Forwarder
	}
	key, err := d.key(ctx, signer)
	if err != nil {
		return nil, err
	}
	about, err := d.synchronization(ctx, to)
	if err != nil {
		return nil, err
	}
	r.Attempts = attempt
	answer, err := d.opts.Remote.Post(ctx, to.Inbox.URL, body, key, about)
	if err != nil && ctx.Err() != nil {
		return nil, queue.PartDown(err) // Out of time.
	}
	return r, r.judge(answer, err)
}

// followersOnly is the visibility of what only followers read: with that it matters
// that both servers mean the same people.
const followersOnly = 2

// synchronization tells an inbox whom its actor counts as followers there; nil where
// that is nobody, or too many to compare, or the post is for others too.
//
// spec: fep-8fcf
func (d *Delivery) synchronization(ctx context.Context, to *store.Dispatch) (*remote.Synchronization, error) {
	if to.Visibility != followersOnly || to.Forwarder != 0 {
		return nil, nil
	}
	digest, err := d.opts.DB.FollowerDigest(ctx, to.Actor, to.Inbox.Host)
	if err != nil || digest.Followers == 0 || digest.Followers > 10_000 {
		return nil, err
	}
	actor, err := d.opts.DB.Actor(ctx, to.Actor)
	if err != nil {
		return nil, err
	}
	return &remote.Synchronization{Collection: actor.Followers, URL: actor.URI + "/followers_synchronization", Digest: digest.Digest}, nil
}

// needless returns why an activity is not to be sent to an inbox, "" when it is.
func (d *Delivery) needless(ctx context.Context, p deliverJob, to *store.Dispatch) (string, error) {
	takesBack := to.Type == "Delete" || to.Type == "Undo"
	switch {
	case to.Inbox.Gone != 0:
		return "the inbox is gone", nil
	case to.LocalOnly:
		return "it must not leave this server", nil
	case d.refuses(to.Inbox.Host):
		return "nothing is sent to this server", nil
	case !takesBack && (to.State == store.Undone || to.State == store.Void):
		return "it was taken back", nil
	case !takesBack && to.Deleted != 0:
		return "it was deleted", nil
	case to.Type == "Update":
		newer, err := d.opts.DB.Superseded(ctx, p.Activity, to.Actor, to.Object)
		if err != nil || !newer {
			return "", err
		}
		return "a newer one goes instead", nil
	case takesBack:
		never, err := d.neverSent(ctx, p, to)
		if err != nil || !never {
			return "", err
		}
		return "what it takes back was never sent there", nil
	}
	return "", nil
}

// neverSent tells whether an inbox has nothing of what is taken back.
func (d *Delivery) neverSent(ctx context.Context, p deliverJob, to *store.Dispatch) (bool, error) {
	switch {
	case to.Type == "Undo":
		return d.opts.DB.NeverDelivered(ctx, to.Object, p.Inbox)
	case to.Object == to.Actor:
		return false, nil // The actor is known from more than we have on record.
	}
	return d.opts.DB.NeverSent(ctx, p.Activity, to.Object, p.Inbox)
}

// judge fills in what an answer means and returns the error with which the queue
// is to try again; nil when the try was the last one.
func (r *report) judge(answer *remote.Answer, err error) error {
	if answer != nil {
		r.Status = answer.Status
	}
	if err == nil {
		r.State, r.alive = store.Delivered, true
		return nil
	}
	r.State, r.Error = store.DeliveryFailed, err.Error()
	if answer == nil {
		if !fault.Retryable(err) {
			return nil // An address that we don't talk to.
		}
		r.State, r.down = store.DeliveryWaiting, true
		return queue.PartDown(err)
	}
	wait := func(err error) error {
		r.State = store.DeliveryWaiting
		err = fault.Because(err, fault.Transient, "%s does not take it at the moment.", r.host)
		if answer.RetryAfter > 0 {
			err = queue.RetryAfter(err, answer.RetryAfter)
		}
		return err
	}
	r.alive = answer.Status < 500
	switch status := answer.Status; {
	case status == http.StatusGone:
		r.gone = true
		return nil
	case status == http.StatusTooManyRequests:
		return queue.PartDown(wait(err))
	case status >= 500:
		r.down = true
		return queue.PartDown(wait(err))
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusRequestTimeout,
		r.Attempts < maxRefusals:
		return wait(err)
	}
	return nil
}

// bodyKey names a document: an activity with the version of what it is about.
type bodyKey struct{ activity, version int64 }

// body returns the document to send, the same bytes for every inbox; nil when it
// is gone.
func (d *Delivery) body(ctx context.Context, seq int64, to *store.Dispatch) ([]byte, error) {
	return d.bodies.get(bodyKey{seq, to.Version}, func() ([]byte, error) {
		db := d.opts.DB
		ctx := context.WithoutCancel(ctx) // Others may wait for the same.
		if to.Forwarder != 0 {
			f, err := db.Forward(ctx, seq)
			if err != nil {
				return nil, ignoreMissing(err)
			}
			return []byte(f.Doc), nil
		}
		a, err := db.Activity(ctx, seq)
		if err != nil || a.Doc == "" {
			return nil, err
		}
		doc, err := d.joined(ctx, a)
		if err != nil {
			return nil, err
		}
		return d.vouched(ctx, a, doc)
	})
}

// joined is an activity with the document that it is about.
func (d *Delivery) joined(ctx context.Context, a *store.Activity) ([]byte, error) {
	doc := []byte(a.Doc)
	switch a.Type {
	case "QuoteRequest":
		return d.withQuoting(ctx, doc)
	case "Delete":
		return d.withTombstone(ctx, a, doc)
	case "Create", "Update":
	default:
		return doc, nil
	}
	object, err := d.objectDoc(ctx, a)
	if err != nil || object == nil {
		return doc, err // A vote, for one, stands in its activity.
	}
	joined, err := vocab.WithObject(doc, object)
	if err != nil {
		return nil, fmt.Errorf("joining activity %d with its object: %w", a.Seq, err)
	}
	return joined, nil
}

// withTombstone puts what is left of a deleted post into its Delete. Pixelfed does
// nothing with a bare id, BookWyrm takes it for an account, NodeBB asks for it and
// then purges. formerType is left out, as "Note" is an address to JSON-LD and no Linked
// Data Signature could stand beside it. Deletes of accounts and of permissions stay
// bare, as is usual with them.
//
// spec: ap#delete-activity-outbox
func (d *Delivery) withTombstone(ctx context.Context, a *store.Activity, doc []byte) ([]byte, error) {
	if a.Object == a.Actor {
		return doc, nil
	}
	o, err := d.opts.DB.Object(ctx, a.Object)
	if err != nil || o.Deleted == 0 || vocab.PostKindOf(o.Type) == vocab.NoPost {
		return doc, ignoreMissing(err)
	}
	grave := &vocab.Object{ID: o.URI, Type: "Tombstone", Published: vocab.TimeOf(o.ID), Deleted: time.UnixMilli(o.Deleted).UTC(),
		RepliesCount: -1, LikesCount: -1, SharesCount: -1}
	joined, err := vocab.WithObject(doc, grave.Encode())
	if err != nil {
		return nil, fmt.Errorf("joining activity %d with its tombstone: %w", a.Seq, err)
	}
	return joined, nil
}

// objectDoc returns the document that a Create or Update is about, as it is now;
// nil when it is none that stands apart.
func (d *Delivery) objectDoc(ctx context.Context, a *store.Activity) ([]byte, error) {
	doc := ""
	o, err := d.opts.DB.Object(ctx, a.Object)
	if err == nil {
		doc = o.Doc
	} else if errors.Is(err, store.ErrNotFound) {
		doc, err = d.opts.DB.ActorDoc(ctx, a.Object)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) || doc == "" {
		return nil, ignoreMissing(err)
	}
	return []byte(doc), nil
}

// withQuoting puts the quoting post into the request to quote: who is asked may not be
// able to fetch it.
//
// spec: fep-044f#quoterequest
func (d *Delivery) withQuoting(ctx context.Context, doc []byte) ([]byte, error) {
	a, err := vocab.DecodeActivity(doc)
	if err != nil {
		return nil, err
	}
	o, err := d.opts.DB.ObjectByURI(ctx, a.Instrument)
	if err != nil || o.Doc == "" {
		return nil, ignoreMissing(err)
	}
	return vocab.WithInstrument(doc, []byte(o.Doc))
}

func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// key returns the key with which an actor of ours signs.
func (d *Delivery) key(ctx context.Context, actor int64) (*remote.Key, error) {
	return d.keys.get(actor, func() (*remote.Key, error) {
		ctx := context.WithoutCancel(ctx)
		id, text, err := d.opts.DB.Signer(ctx, actor)
		if errors.Is(err, store.ErrNotFound) && d.opts.Key != nil {
			if key := d.opts.Key(ctx, actor); key != nil {
				return key, nil
			}
		}
		if err != nil {
			return nil, err
		}
		private, err := remote.ParsePrivateKey(text)
		if err != nil {
			return nil, fmt.Errorf("key of actor %d: %w", actor, err)
		}
		return &remote.Key{ID: vocab.IRI(id), Private: private}, nil
	})
}
