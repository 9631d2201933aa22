package pipeline

import (
	"fmt"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// RenderVersion makes what a version of a post said, from its document in the log
// and what the policies changed: safe to show, without mentions.
func (p *Pipeline) RenderVersion(doc []byte, patch string) (*store.Content, error) {
	o, err := stored(string(doc), patch)
	if err != nil {
		return nil, fmt.Errorf("version of a post: %w", err)
	}
	r := render(o)
	r.localize(p.URL)
	at := o.Published
	if !o.Updated.IsZero() {
		at = o.Updated
	}
	content := r.fill(o.ID, at.UnixMilli(), nil)
	return content, nil
}

// PollOptions returns the titles of the options that a version of a post offered;
// nil when it was no poll.
func (p *Pipeline) PollOptions(doc []byte) []string {
	o, err := vocab.DecodeObject(doc)
	if err != nil || o.Poll == nil {
		return nil
	}
	titles := []string{}
	for _, option := range o.Poll.Options {
		titles = append(titles, option.Name)
	}
	return titles
}
