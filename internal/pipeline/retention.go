package pipeline

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

const (
	// retentionCursor is the setting that says how far old threads were looked at.
	retentionCursor = "retention.cursor"
	// retentionThreads is how many are looked at in one go, and retentionPosts how many
	// posts are forgotten in one transaction.
	retentionThreads, retentionPosts = 2000, 20
)

// ForgetOld drops threads from other servers of which every post is older than age and
// with which nobody here has to do: they can be fetched again. It goes on where it
// stopped, looks at a bounded number of threads, and begins anew when it is through.
func (p *Pipeline) ForgetOld(ctx context.Context, age time.Duration) error {
	if age <= 0 {
		return nil
	}
	before := p.DB.IDs.Floor(p.Now().Add(-age))
	after := int64(0)
	if text, err := p.DB.Setting(ctx, retentionCursor); err == nil {
		after, _ = strconv.ParseInt(text, 10, 64)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	threads, err := p.DB.OldThreads(ctx, after, before, retentionThreads)
	if err != nil {
		return err
	}
	for _, thread := range threads {
		if err := p.forgetThread(ctx, thread, before); err != nil {
			return err
		}
		after = thread
	}
	if len(threads) < retentionThreads {
		after = 0
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, retentionCursor, strconv.FormatInt(after, 10)) })
}

// forgetThread drops a thread, newest posts first, unless something keeps it.
func (p *Pipeline) forgetThread(ctx context.Context, thread, before int64) error {
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			kept, err := tx.ThreadIsKept(ctx, thread, before)
			if more = false; err != nil || kept {
				return err
			}
			posts, err := tx.ThreadStatuses(ctx, thread, retentionPosts)
			if err != nil {
				return err
			}
			s := &Step{Tx: tx, p: p, Seq: tx.NewID(), Activity: &vocab.Activity{Type: "Delete"}}
			for i := range posts {
				if err := s.takeDown(ctx, &posts[i]); err != nil {
					return err
				}
				if err := s.Forget(ctx, posts[i].ID); err != nil {
					return err
				}
			}
			more = len(posts) == retentionPosts
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
