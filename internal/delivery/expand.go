package delivery

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"slices"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// expandJob is the payload of "expand", and how far it has come.
type expandJob struct {
	Activity int64 `json:"activity"`
	Stage    int   `json:"stage,omitempty"` // Index into stages.
	After    int64 `json:"after,omitempty"` // The last recipient of that stage which is done.
}

// deliverJob is the payload of "deliver".
type deliverJob struct {
	Activity int64 `json:"activity"`
	Inbox    int64 `json:"inbox"`
}

// hostJob is the payload of the jobs about a host.
type hostJob struct {
	Host string `json:"host"`
}

// expansion is an activity whose recipients are looked for.
type expansion struct {
	row     *store.Activity
	doc     *vocab.Activity
	actor   *store.Actor
	object  *store.Object // What it is about, nil when that is no object.
	subject int64         // What its deliveries are about: of an Undo, what was undone.
	self    bool          // Update or Delete of the actor itself.
	wide    bool          // For more than those addressed by name: shared inboxes will do.
	// origin is the host of somebody else whose activity actor, one of ours, passes on;
	// "" when it is actor's own.
	origin string
}

// stages find the recipients one after the other; an inbox that several find gets
// the activity once. Each returns the next recipients after one, and where to go
// on, 0 at its end.
var stages = []func(*Delivery, context.Context, *expansion, int64) (to []vocab.IRI, next int64, err error){
	(*Delivery).addressed,
	(*Delivery).followers,
	(*Delivery).tried,
	(*Delivery).everywhere,
	(*Delivery).relays,
}

// expand records the inboxes that an activity goes to, with a job for each. It goes
// on where it was when it is interrupted.
func (d *Delivery) expand(ctx context.Context, job store.Job) error {
	var at expandJob
	if err := decode(job, &at); err != nil {
		return err
	}
	x, err := d.load(ctx, at.Activity)
	if err != nil || x == nil {
		return err
	}
	deadline, limited := ctx.Deadline()
	for at.Stage < len(stages) {
		to, next, err := stages[at.Stage](d, ctx, x, at.After)
		if err != nil {
			return err
		}
		if at.After = next; next == 0 {
			at.Stage++
		}
		if len(to) == 0 && next == 0 {
			continue
		}
		stop := limited && time.Until(deadline) < 10*time.Second && at.Stage < len(stages)
		err = d.opts.DB.Write(ctx, func(tx *store.Tx) error {
			if err := d.record(ctx, tx, x, to); err != nil {
				return err
			}
			return tx.ContinueJob(ctx, job.ID, encode(at), stop)
		})
		if err != nil || stop {
			return err
		}
	}
	return nil
}

// load reads an activity of ours; nil when nothing of it is to be sent.
func (d *Delivery) load(ctx context.Context, seq int64) (*expansion, error) {
	db := d.opts.DB
	row, err := db.Activity(ctx, seq)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // Compacted: it has no effect any more.
	} else if err != nil || row.Doc == "" {
		return nil, err
	}
	x := &expansion{row: row, subject: row.Object}
	if x.doc, err = vocab.DecodeActivity([]byte(row.Doc)); err != nil {
		return nil, err
	}
	if x.actor, err = db.Actor(ctx, row.Actor); err != nil {
		return nil, err
	}
	if !x.actor.Local || row.Origin != "" {
		return d.loadForward(ctx, x) // What others did is theirs to deliver, with one exception.
	}
	if row.Type == "Undo" {
		undone, err := db.Activity(ctx, row.Object)
		switch {
		case err == nil:
			x.subject = undone.Object
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	x.self = row.Object == row.Actor && (row.Type == "Update" || row.Type == "Delete")
	x.wide = x.self || contains(x.doc, vocab.Public) || contains(x.doc, x.actor.Followers)
	x.object, err = db.Object(ctx, x.subject)
	if errors.Is(err, store.ErrNotFound) {
		return x, nil
	} else if err != nil {
		return nil, err
	}
	if x.object.LocalOnly {
		return nil, nil // The pipeline does not even ask; a leak would need both to fail.
	}
	return x, nil
}

// loadForward completes what one of ours passes on; nil when nobody does.
//
// spec: ap#inbox-forwarding
func (d *Delivery) loadForward(ctx context.Context, x *expansion) (*expansion, error) {
	f, err := d.opts.DB.Forward(ctx, x.row.Seq)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	x.origin, x.wide = x.actor.Host, true
	if x.actor, err = d.opts.DB.Actor(ctx, f.Actor); err != nil {
		return nil, err
	}
	x.object, err = d.opts.DB.Object(ctx, x.subject)
	return x, ignoreMissing(err)
}

// changes tells whether x changes or deletes an object that others may have.
func (x *expansion) changes() bool {
	return x.object != nil && (x.row.Type == "Update" || x.row.Type == "Delete")
}

// narrow is the visibility of what is for nobody but those addressed by name.
const narrow = 3

// inbox returns where a recipient gets x: the inbox that it shares with others of
// its host where that is as good as its own. several: others there get x too.
func (x *expansion) inbox(r store.Recipient, several bool) vocab.IRI {
	if (x.wide || several) && r.SharedInbox != "" && r.SharedInbox.Host() == r.Host {
		return r.SharedInbox
	}
	return r.Inbox
}

// addressed finds those whom the document names. One that names nobody is for
// whoever it is about.
func (d *Delivery) addressed(ctx context.Context, x *expansion, after int64) (to []vocab.IRI, next int64, err error) {
	if x.origin != "" {
		return nil, 0, nil // Its own server has seen to them.
	}
	names := append(append(append([]vocab.IRI(nil), x.doc.To...), x.doc.Cc...), x.doc.Audience...)
	if len(names) == 0 {
		names = append(names, x.doc.Object, x.doc.Target)
		if n := x.doc.Nested; n != nil {
			names = append(names, n.Actor, n.Object)
		}
	}
	names = names[min(int(after), len(names)):]
	if len(names) > chunk {
		names, next = names[:chunk], after+chunk
	}
	if len(names) == 0 {
		return nil, 0, nil
	}
	known, err := d.opts.DB.ActorsByURI(ctx, names)
	if err != nil {
		return nil, 0, err
	}
	together := map[vocab.IRI]int{} // Several on one host need one request only.
	for _, a := range known {
		if !a.Local && a.Deleted == 0 {
			together[a.SharedInbox]++
		}
	}
	for _, a := range known {
		if !a.Local && a.Deleted == 0 {
			r := store.Recipient{Actor: a.ID, Host: a.Host, Inbox: a.Inbox, SharedInbox: a.SharedInbox}
			to = append(to, x.inbox(r, together[a.SharedInbox] > 1))
		}
	}
	return to, next, nil
}

// followers finds the actor's followers, where it is for them.
func (d *Delivery) followers(ctx context.Context, x *expansion, after int64) (to []vocab.IRI, next int64, err error) {
	if x.origin == "" && !x.self && !contains(x.doc, x.actor.Followers) && !(x.changes() && x.object.Visibility < narrow) {
		return nil, 0, nil
	}
	list, err := d.opts.DB.RemoteFollowers(ctx, x.actor.ID, after, chunk)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range list {
		to = append(to, x.inbox(r, true))
	}
	if len(list) == chunk {
		next = list[len(list)-1].Actor
	}
	return to, next, nil
}

// tried finds the inboxes that got, or may have got, what is changed, deleted or
// taken back: also of those who follow no more.
func (d *Delivery) tried(ctx context.Context, x *expansion, after int64) (to []vocab.IRI, next int64, err error) {
	switch {
	case x.row.Type == "Undo":
		return d.before(ctx, store.TriedActivity, x.row.Object, after)
	case x.changes():
		return d.before(ctx, store.TriedObject, x.object.ID, after)
	}
	return nil, 0, nil
}

// recorded is for how long deliveries are surely on record.
const recorded = 30 * 24 * time.Hour

// everywhere finds all inboxes that ever got anything of the actor: for what
// becomes of the actor, and for the end of a post that is older than the records.
func (d *Delivery) everywhere(ctx context.Context, x *expansion, after int64) (to []vocab.IRI, next int64, err error) {
	old := x.changes() && x.row.Type == "Delete" && x.object.Visibility < narrow &&
		d.opts.DB.Now().Sub(vocab.TimeOf(x.object.ID)) > recorded
	if !x.self && !old || x.origin != "" {
		return nil, 0, nil
	}
	return d.before(ctx, store.TriedActor, x.actor.ID, after)
}

// relays finds the relays that get our public posts whole, with what becomes of them.
func (d *Delivery) relays(ctx context.Context, x *expansion, _ int64) (to []vocab.IRI, next int64, err error) {
	if x.origin != "" || x.object == nil || x.object.Visibility != 0 || !slices.Contains(relayedTypes, x.row.Type) {
		return nil, 0, nil
	}
	to, err = d.opts.DB.RelayInboxes(ctx)
	return to, 0, err
}

// relayedTypes is what those relays are sent.
var relayedTypes = []string{"Create", "Update", "Delete"}

func (d *Delivery) before(ctx context.Context, way string, id, after int64) (to []vocab.IRI, next int64, err error) {
	list, err := d.opts.DB.Tried(ctx, way, id, after, chunk)
	if err != nil {
		return nil, 0, err
	}
	for _, i := range list {
		to = append(to, i.URL)
	}
	if len(list) == chunk {
		next = list[len(list)-1].ID
	}
	return to, next, nil
}

// record writes a delivery and a job for each inbox that has none of x yet.
func (d *Delivery) record(ctx context.Context, tx *store.Tx, x *expansion, to []vocab.IRI) error {
	seen := map[vocab.IRI]bool{}
	var urls []vocab.IRI
	var hosts []string
	for _, u := range to {
		if host := u.Host(); !seen[u] && host != x.origin && !d.refuses(host) {
			seen[u] = true
			urls = append(urls, u)
			hosts = append(hosts, host)
		}
	}
	if len(urls) == 0 {
		return nil
	}
	inboxes, err := tx.Inboxes(ctx, urls)
	if err != nil {
		return err
	}
	health, err := tx.Hosts(ctx, hosts)
	if err != nil {
		return err
	}
	slices.SortFunc(inboxes, func(a, b store.Inbox) int { return cmp.Compare(a.ID, b.ID) }) // Everybody locks in the same order.
	var list []store.NewDelivery
	for _, i := range inboxes {
		switch {
		case i.Gone != 0:
		case health[i.Host].Unreachable(tx.Now()):
			list = append(list, store.NewDelivery{Inbox: i.ID, State: store.DeliveryParked})
		default:
			list = append(list, store.NewDelivery{Inbox: i.ID, State: store.DeliveryWaiting})
		}
	}
	fresh, err := tx.AddDeliveries(ctx, x.row.Seq, x.actor.ID, x.subject, list)
	if err != nil {
		return err
	}
	var jobs []store.Job
	for _, i := range inboxes {
		switch {
		case !fresh[i.ID]:
		case health[i.Host].Unreachable(tx.Now()):
			jobs = append(jobs, probeOf(i.Host, tx.Now()))
		default:
			jobs = append(jobs, deliveryJob(x.row.Seq, x.subject, i.ID, i.Host))
		}
	}
	if x.row.Type == "Delete" || x.row.Type == "Undo" { // What they take back must not keep them waiting.
		if err := tx.HurryLanes(ctx, jobs); err != nil {
			return err
		}
	}
	return tx.EnqueueAll(ctx, jobs)
}

// deliveryJob is the job that sends an activity about object to an inbox. What is
// about one object goes to an inbox in order.
func deliveryJob(activity, object, inbox int64, host string) store.Job {
	j := store.Job{Kind: kindDeliver, Part: host, Payload: encode(deliverJob{activity, inbox})}
	if object != 0 {
		j.Lane = lane(object, inbox)
	}
	return j
}

// lane turns an object and an inbox into a number that is not 0. A collision makes
// one wait for the other, no more.
func lane(object, inbox int64) int64 {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(object))
	binary.BigEndian.PutUint64(b[8:], uint64(inbox))
	h := fnv.New64a()
	h.Write(b[:])
	return int64(h.Sum64()>>1) | 1
}
