package pipeline

import (
	"context"

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
