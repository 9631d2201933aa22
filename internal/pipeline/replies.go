package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Bounds of one look for the rest of a thread.
const (
	threadDocs    = 200 // Documents fetched in all: posts, collections and their pages.
	threadPerHost = 80  // Of them from one host: nobody can send us against somebody.
	threadPages   = 10  // Of one collection.
	threadItems   = 200 // Of one collection, and posts that wait to be fetched.
	threadLists   = 60  // Collections that wait to be read.
	threadClimb   = 3   // Unknown posts above one that was found.
	// repliesMargin is kept of the job's time for what is under way.
	repliesMargin = 5 * time.Second
)

// RepliesJob is the kind of the jobs that make a thread whole.
const RepliesJob = "replies"

// repliesJob is the look for the thread around a status, and how far it has come.
type repliesJob struct {
	Status int64          `json:"status"`
	Begun  bool           `json:"begun,omitempty"`
	Lists  []vocab.IRI    `json:"lists,omitempty"` // Collections to be read.
	Posts  []vocab.IRI    `json:"posts,omitempty"` // Posts to be fetched.
	Docs   int            `json:"docs,omitempty"`  // Documents that were fetched.
	Hosts  map[string]int `json:"hosts,omitempty"` // The same by host.
	// Context is where the whole conversation is listed; Whole, that the list was had.
	Context vocab.IRI `json:"context,omitempty"`
	Whole   bool      `json:"whole,omitempty"`
}

// RepliesUniq names the look for the answers to a post among all jobs.
func RepliesUniq(status int64) string { return fmt.Sprintf("replies %d", status) }

// SeekReplies has a job look for the rest of the thread of a post of another server,
// where servers list it; false for posts that it would not show us.
func (p *Pipeline) SeekReplies(ctx context.Context, status int64) (bool, error) {
	row, err := p.DB.Object(ctx, status)
	if err != nil || row.Deleted != 0 || row.Visibility > unlisted || p.fetchable(row.URI) != nil {
		return false, err
	}
	return true, p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, RepliesJob, row.URI.Host(), RepliesUniq(status), 0, repliesJob{Status: status})
	})
}

// walk is one run of the job.
type walk struct {
	*Pipeline
	repliesJob
	seen map[vocab.IRI]bool
}

// fetchReplies is the job. Each post comes from its own host; those that can't be had
// are left out. When its time is over it goes on in another run.
func (p *Pipeline) fetchReplies(ctx context.Context, job store.Job) error {
	w := &walk{Pipeline: p, seen: map[vocab.IRI]bool{}}
	if err := json.Unmarshal(job.Payload, &w.repliesJob); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	if w.Hosts == nil {
		w.Hosts = map[string]int{}
	}
	if !w.Begun {
		if err := w.begin(ctx); err != nil {
			return ignoreMissing(err)
		}
		w.Begun = true
	}
	deadline, limited := ctx.Deadline()
	for w.Docs < threadDocs && len(w.Lists)+len(w.Posts) > 0 {
		if ctx.Err() != nil || limited && time.Until(deadline) < repliesMargin {
			return p.continueWalk(context.WithoutCancel(ctx), job, w)
		}
		if len(w.Posts) > 0 { // Before more lists: those may be many, and empty.
			uri := w.Posts[0]
			w.Posts = w.Posts[1:]
			w.post(ctx, uri)
			continue
		}
		at := w.Lists[0]
		w.Lists = w.Lists[1:]
		w.list(ctx, at)
	}
	return nil
}

func (p *Pipeline) continueWalk(ctx context.Context, job store.Job, w *walk) error {
	payload, err := json.Marshal(w.repliesJob)
	if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, job.ID, payload, true) })
}

// begin finds where the thread of the status is listed: what its first post and the
// status itself say, and the posts of it that are here already.
func (w *walk) begin(ctx context.Context) error {
	st, err := w.DB.Status(ctx, w.Status)
	if err != nil {
		return err
	}
	if st.IsReply && st.ReplyTo == 0 { // What it answers has not come yet.
		if o, err := w.document(ctx, st.ID); err == nil && w.spend(o.InReplyTo) {
			if _, err := w.fetchObject(ctx, o.InReplyTo, 0); err == nil {
				if again, err := w.DB.Status(ctx, w.Status); err == nil {
					st = again
				}
			}
		}
	}
	all, err := w.DB.Conversation(ctx, st, threadLists)
	if err != nil {
		return err
	}
	ids := []int64{st.Conversation, st.ID}
	for i := range all {
		if !all[i].Local && !slices.Contains(ids, all[i].ID) {
			ids = append(ids, all[i].ID)
		}
	}
	for i, id := range ids {
		if o, err := w.document(ctx, id); err == nil {
			w.listsOf(ctx, o, i < 2)
		}
	}
	return nil
}

// document is the newest version of a post that is here.
func (w *walk) document(ctx context.Context, status int64) (*vocab.Object, error) {
	row, err := w.DB.Object(ctx, status)
	if err != nil {
		return nil, err
	}
	if row.Deleted != 0 {
		return nil, fault.New(fault.Gone, "This post was deleted.")
	}
	return vocab.DecodeObject([]byte(row.Doc))
}

// listsOf notes the collections that a post names. Documents that were delivered often
// leave them out: then an important post is asked for once more.
//
// spec: fep-f228#reading-collections
func (w *walk) listsOf(ctx context.Context, o *vocab.Object, important bool) {
	if important && o.Replies == "" && o.Context == "" && w.fetchable(o.ID) == nil && w.spend(o.ID) {
		body, _, err := w.Remote.Document(ctx, o.ID, w.InstanceKey(ctx))
		if err != nil {
			return
		}
		again, err := vocab.DecodeObject(body)
		if err != nil || again.ID != o.ID {
			return
		}
		o = again
	}
	// A context may be on another host than the post: it is whose conversation it is.
	for _, at := range []vocab.IRI{o.ContextHistory, o.Context} {
		if w.Context == "" && w.fetchable(at) == nil {
			w.Context = at
			w.note(at)
		}
	}
	if vocab.SameHost(o.Replies, o.ID) && w.fetchable(o.Replies) == nil {
		w.note(o.Replies)
	}
}

// note puts a collection on the list, once.
func (w *walk) note(at vocab.IRI) {
	if !w.seen[at] && len(w.Lists) < threadLists {
		w.seen[at] = true
		w.Lists = append(w.Lists, at)
	}
}

// spend counts a document that is to be fetched; false when no more may be.
func (w *walk) spend(at vocab.IRI) bool {
	host := at.Host()
	if host == "" || w.Docs >= threadDocs || w.Hosts[host] >= threadPerHost {
		return false
	}
	w.Docs++
	w.Hosts[host]++
	return true
}

// list reads a collection and notes the posts in it. What stands in it whole is not
// believed, as it may be anybody's.
func (w *walk) list(ctx context.Context, at vocab.IRI) {
	host := at.Host()
	pages := min(threadPages, threadDocs-w.Docs, threadPerHost-w.Hosts[host])
	r := &reading{pages: pages, items: threadItems}
	items, _, err := w.collection(ctx, at, r)
	if err != nil {
		w.Log.Debug("collection of a thread not read", "at", at, "err", err)
		r.pages-- // It was asked for all the same.
	}
	w.Docs += pages - r.pages
	w.Hosts[host] += pages - r.pages
	w.Whole = w.Whole || at == w.Context && len(items) > 0
	for _, item := range items {
		item, err := created(item)
		if err != nil || item.ID == "" || w.seen[item.ID] || len(w.Posts) >= threadItems || w.fetchable(item.ID) != nil {
			continue
		}
		w.seen[item.ID] = true
		w.Posts = append(w.Posts, item.ID)
	}
}

// post fetches a post that is not here yet, and notes where its answers are listed. One
// that answers nothing is no part of the thread: nothing is looked for around it, nor
// where the whole conversation was listed.
func (w *walk) post(ctx context.Context, uri vocab.IRI) {
	if _, err := w.DB.ObjectByURI(ctx, uri); !errors.Is(err, store.ErrNotFound) || !w.spend(uri) {
		return // One that is here was looked at in the beginning, or is of another thread.
	}
	id, err := w.fetchObject(ctx, uri, maxClimb-threadClimb)
	if err != nil {
		w.Log.Debug("post of a thread not fetched", "uri", uri, "err", err)
		return
	}
	row, err := w.DB.Object(ctx, id)
	if err != nil {
		return
	}
	if o, err := vocab.DecodeObject([]byte(row.Doc)); err == nil && o.InReplyTo != "" && !w.Whole {
		w.listsOf(ctx, o, false)
	}
}
