package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Remote accounts' featured tags are fetched when somebody asks for them, at most once
// in a while.
const (
	featuredTagsFresh = 12 * time.Hour
	maxRemoteTags     = 30
	maxRecent         = 5000
)

// recent remembers what was done lately, on this node.
type recent struct {
	mu sync.Mutex
	at map[int64]time.Time
}

// due tells whether id's turn has come, and notes it.
func (r *recent) due(id int64, now time.Time, every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.at[id]; ok && now.Sub(last) < every {
		return false
	}
	if r.at == nil || len(r.at) >= maxRecent {
		r.at = map[int64]time.Time{}
	}
	r.at[id] = now
	return true
}

type featuredTagsJob struct {
	Actor int64 `json:"actor"`
}

// RefreshFeaturedTags has a job look which tags a remote account features, if that
// was not done lately.
func (p *Pipeline) RefreshFeaturedTags(ctx context.Context, a *store.Actor) error {
	if p.Remote == nil || !p.tagsSeen.due(a.ID, p.Now(), featuredTagsFresh) {
		return nil
	}
	payload, err := json.Marshal(featuredTagsJob{a.ID})
	if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: "featured-tags", Part: a.Host, Uniq: fmt.Sprintf("featured-tags %d", a.ID), Payload: payload})
	})
}

// fetchFeaturedTags reads the collection and keeps what is in it.
//
// spec: toot:featuredTags
func (p *Pipeline) fetchFeaturedTags(ctx context.Context, j featuredTagsJob) error {
	doc, err := p.DB.ActorDoc(ctx, j.Actor)
	if err != nil {
		return ignoreMissing(err)
	}
	a, err := vocab.DecodeActor([]byte(doc))
	if err != nil || a.FeaturedTags == "" {
		return err
	}
	if err := p.fetchable(a.FeaturedTags); err != nil {
		return err
	}
	body, _, err := p.Remote.Document(ctx, a.FeaturedTags, p.InstanceKey(ctx))
	if err != nil {
		return fmt.Errorf("fetching %s: %w", a.FeaturedTags, err)
	}
	c, err := vocab.DecodeCollection(body)
	if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return keepFeaturedTags(ctx, tx, j.Actor, c) })
}

func keepFeaturedTags(ctx context.Context, tx *store.Tx, actor int64, c *vocab.Collection) error {
	if _, err := tx.UnfeatureTag(ctx, actor, 0); err != nil {
		return err
	}
	for _, item := range c.Items[:min(len(c.Items), maxRemoteTags)] {
		var tag struct {
			Type, Name string
			Href       vocab.IRI
		}
		if item.Raw == nil || json.Unmarshal(item.Raw, &tag) != nil || tag.Type != "Hashtag" || tag.Href.Valid() != nil {
			continue
		}
		name := strings.TrimPrefix(tag.Name, "#")
		if found := markup.Scan("#"+name, "text/plain").Hashtags; len(name) > 200 || len(found) != 1 || found[0] != name {
			continue
		}
		id, err := tx.EnsureTag(ctx, markup.FoldTag(name), name)
		if err != nil {
			return err
		}
		if err := tx.FeatureTag(ctx, actor, id, name, string(tag.Href)); err != nil {
			return err
		}
	}
	return nil
}

// ignoreMissing is for jobs about what may be gone meanwhile.
func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
