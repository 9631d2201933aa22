package pipeline

import (
	"context"
	"slices"
	"strings"

	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// EmojiTags returns the instance's own emoji that texts use, as documents carry them.
func (p *Pipeline) EmojiTags(ctx context.Context, texts ...string) ([]vocab.Tag, error) {
	return p.emojiTags(ctx, p.DB.Q, texts...)
}

func (p *Pipeline) emojiTags(ctx context.Context, q *store.Q, texts ...string) ([]vocab.Tag, error) {
	names := markup.Scan(markup.PlainText(strings.Join(texts, "\n")), "text/plain").Emoji
	if len(names) == 0 {
		return nil, nil
	}
	all, err := q.EmojiNamed(ctx, names[:min(len(names), maxEmoji)])
	var tags []vocab.Tag
	for _, e := range all {
		tags = append(tags, vocab.Tag{Type: "Emoji", Name: ":" + e.Shortcode + ":", Icon: vocab.IRI(p.URL + MediaPath + e.File),
			Href: vocab.IRI(p.URL + "/emoji/" + e.Shortcode)})
	}
	return tags, err
}

// nameEmoji has a profile carry the emoji that its name, text and fields use.
func (p *Pipeline) nameEmoji(ctx context.Context, q *store.Q, a *vocab.Actor) error {
	texts := []string{a.Name, a.Summary}
	for _, f := range a.Fields {
		texts = append(texts, f.Name, f.Value)
	}
	tags, err := p.emojiTags(ctx, q, texts...)
	a.Tags = append(slices.DeleteFunc(a.Tags, func(t vocab.Tag) bool { return t.Type == "Emoji" }), tags...)
	return err
}
