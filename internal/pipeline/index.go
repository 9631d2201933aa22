package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"kenoma/internal/search"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// index has a post found by the words of its newest version. again says that it was
// indexed before.
func (s *Step) index(ctx context.Context, st *store.Status, c *store.Content, o *vocab.Object, people []addressee, again bool) error {
	p := search.Post{Status: st, Content: c}
	for _, a := range people {
		if a.Local && a.ID != st.Actor {
			p.Mentioned = append(p.Mentioned, a.ID)
		}
	}
	if o.Poll != nil {
		for _, option := range o.Poll.Options {
			p.Options = append(p.Options, option.Name)
		}
	}
	return s.SetWords(ctx, st.ID, p.Words(), again)
}

// indexedSetting is where it is noted that posts from before there was an index are
// in it.
const (
	indexedSetting = "posts_indexed"
	indexChunk     = 10               // Posts in one transaction.
	indexRun       = 10 * time.Second // Of one job; the next one goes on.
)

type indexJob struct {
	Before int64 `json:"before"`
}

// ScheduleIndexing has the posts indexed that came before there was an index.
func (p *Pipeline) ScheduleIndexing(ctx context.Context) error {
	if _, err := p.DB.Setting(ctx, indexedSetting); err == nil || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.indexNext(ctx, tx, math.MaxInt64) })
}

// indexNext goes on below an id, or notes that all is done.
func (p *Pipeline) indexNext(ctx context.Context, tx *store.Tx, before int64) error {
	some, err := tx.PostsBefore(ctx, before, 1)
	if err != nil {
		return err
	}
	if len(some) == 0 {
		return tx.SetSetting(ctx, indexedSetting, "1")
	}
	payload, err := json.Marshal(indexJob{before})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: "index", Uniq: fmt.Sprintf("index %d", before), Payload: payload})
}

// indexOld indexes posts from before for a while and leaves the rest to the next job.
func (p *Pipeline) indexOld(ctx context.Context, j indexJob) error {
	for end := p.Now().Add(indexRun); p.Now().Before(end); {
		var posts []store.Status
		err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
			if posts, err = tx.PostsBefore(ctx, j.Before, indexChunk); err != nil {
				return err
			}
			return reindex(ctx, tx, posts)
		})
		if err != nil {
			return err
		}
		if len(posts) > 0 {
			j.Before = posts[len(posts)-1].ID
		}
		if len(posts) < indexChunk {
			break
		}
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.indexNext(ctx, tx, j.Before) })
}

// reindex writes the words of posts from what is shown of them.
func reindex(ctx context.Context, tx *store.Tx, posts []store.Status) error {
	var ids []int64
	for i := range posts {
		ids = append(ids, posts[i].ID)
	}
	contents, err := tx.Contents(ctx, ids)
	if err != nil {
		return err
	}
	polls, err := tx.Polls(ctx, ids)
	if err != nil {
		return err
	}
	mentioned, err := tx.LocalMentions(ctx, ids)
	if err != nil {
		return err
	}
	for i := range posts {
		c := contents[posts[i].ID]
		if c == nil {
			continue
		}
		post := search.Post{Status: &posts[i], Content: c}
		for _, id := range mentioned[posts[i].ID] {
			if id != posts[i].Actor {
				post.Mentioned = append(post.Mentioned, id)
			}
		}
		if poll := polls[posts[i].ID]; poll != nil {
			for _, o := range poll.Options {
				post.Options = append(post.Options, o.Title)
			}
		}
		if err := tx.SetWords(ctx, posts[i].ID, post.Words(), true); err != nil {
			return err
		}
	}
	return nil
}
