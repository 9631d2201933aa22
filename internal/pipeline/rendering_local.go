package pipeline

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// MediaPath is where uploads are served, below the server's address: the number
// of the upload follows, then the name of the file.
const MediaPath = "/media/"

// localize recognises our own uploads among the attachments by their addresses, so
// that apps find them again under the id that the upload had.
func (r *rendering) localize(base string) {
	for i := range r.content.Media {
		m := &r.content.Media[i]
		if id, ok := mediaNumber(base, m.URL); ok {
			m.ID, m.Local = id, true
		}
	}
}

// detail completes the content's own uploads with what only their rows know.
func (s *Step) detail(ctx context.Context, c *store.Content) error {
	if !s.From.local() || len(c.Media) == 0 {
		return nil
	}
	c.Media = slices.Clone(c.Media) // The rendering keeps its own.
	uploads, err := s.Uploads(ctx, s.Actor.ID, LocalMedia(c))
	DetailMedia(c, uploads)
	return err
}

// LocalMedia are the numbers of the uploads among the attachments of a post of ours.
func LocalMedia(c *store.Content) []int64 {
	var ids []int64
	for i := range c.Media {
		if c.Media[i].Local {
			ids = append(ids, c.Media[i].ID)
		}
	}
	return ids
}

// DetailMedia completes attachments with what is known of their uploads. What the
// document says of them stays: sizes, description, focus.
func DetailMedia(c *store.Content, uploads map[int64]*store.Upload) {
	for i := range c.Media {
		m := &c.Media[i]
		if u := uploads[m.ID]; m.Local && u != nil {
			m.Kind, m.MediaDetail = u.Kind, u.Meta.MediaDetail
		}
	}
}

func mediaNumber(base string, url vocab.IRI) (int64, bool) {
	rest, ok := strings.CutPrefix(string(url), base+MediaPath)
	if !ok {
		return 0, false
	}
	number, _, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil && id > 0
}
