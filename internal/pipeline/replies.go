package pipeline

import (
	"context"
	"fmt"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Bounds of one look for the answers to a post of another server.
const (
	maxReplyPages = 3
	maxReplies    = 40
	// repliesMargin is kept of the job's time for what is under way.
	repliesMargin = 5 * time.Second
)

// RepliesJob is the kind of the jobs that look for answers.
const RepliesJob = "replies"

type repliesJob struct {
	Status int64 `json:"status"`
}

// RepliesUniq names the look for the answers to a post among all jobs.
func RepliesUniq(status int64) string { return fmt.Sprintf("replies %d", status) }

// SeekReplies has a job look for the answers to a post of another server where that
// server lists them; false for posts that it would not show us.
func (p *Pipeline) SeekReplies(ctx context.Context, status int64) (bool, error) {
	row, err := p.DB.Object(ctx, status)
	if err != nil || row.Deleted != 0 || row.Visibility > unlisted || p.fetchable(row.URI) != nil {
		return false, err
	}
	return true, p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, RepliesJob, row.URI.Host(), RepliesUniq(status), 0, repliesJob{status})
	})
}

// repliesOf is where a post of another server says that its answers are listed, "" when
// it doesn't. Documents that were delivered often leave it out: then the post is asked
// for once more.
func (p *Pipeline) repliesOf(ctx context.Context, status int64) (vocab.IRI, error) {
	row, err := p.DB.Object(ctx, status)
	if err != nil || row.Deleted != 0 {
		return "", err
	}
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return "", fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	if o.Replies == "" {
		body, _, err := p.Remote.Document(ctx, row.URI, p.InstanceKey(ctx))
		if err != nil {
			return "", fmt.Errorf("fetching %s: %w", row.URI, err)
		}
		if o, err = vocab.DecodeObject(body); err != nil {
			return "", err
		}
	}
	if !vocab.SameHost(o.Replies, row.URI) || p.fetchable(o.Replies) != nil {
		return "", nil
	}
	return o.Replies, nil
}

// fetchReplies is the job. Each answer comes from its own host; those that can't be had
// are left out.
func (p *Pipeline) fetchReplies(ctx context.Context, j repliesJob) error {
	at, err := p.repliesOf(ctx, j.Status)
	if err != nil || at == "" {
		return err
	}
	list, err := p.listed(ctx, at)
	if err != nil {
		return err
	}
	deadline, limited := ctx.Deadline()
	for _, uri := range list {
		if ctx.Err() != nil || limited && time.Until(deadline) < repliesMargin {
			return nil
		}
		if _, err := p.fetchObject(ctx, uri, maxClimb); err != nil {
			p.Log.Debug("answer not fetched", "uri", uri, "err", err)
		}
	}
	return nil
}

// listed reads the first pages of a collection, whose pages must be on its host.
func (p *Pipeline) listed(ctx context.Context, at vocab.IRI) ([]vocab.IRI, error) {
	var list []vocab.IRI
	next := at
	for range maxReplyPages + 1 { // The collection itself, then its pages.
		body, _, err := p.Remote.Document(ctx, next, p.InstanceKey(ctx))
		if err != nil {
			return nil, fmt.Errorf("fetching %s: %w", next, err)
		}
		c, err := vocab.DecodeCollection(body)
		if err != nil {
			return nil, err
		}
		for _, page := range []*vocab.Collection{c, c.FirstPage} {
			if page == nil {
				continue
			}
			for _, item := range page.Items {
				if item.ID != "" && item.ID.Host() != p.host && len(list) < maxReplies {
					list = append(list, item.ID)
				}
			}
		}
		after := c.Next
		if c.FirstPage != nil {
			after = c.FirstPage.Next
		} else if after == "" {
			after = c.First
		}
		if after == "" || after == next || !vocab.SameHost(after, at) || len(list) == maxReplies {
			break
		}
		next = after
	}
	return list, nil
}
