package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Translation is a post in another language: its texts in a fixed order.
type Translation struct {
	Texts    []string `json:"texts"`
	Detected string   `json:"detected"` // Language of the post, as the service found.
	Provider string   `json:"provider"`
}

// Translation returns a kept translation of what source is the number of, made
// after a time (ms); ErrNotFound when there is none.
func (q *Q) Translation(ctx context.Context, status int64, language string, source, after int64) (*Translation, error) {
	var doc []byte
	err := q.row(ctx, "SELECT doc FROM translations WHERE status = $1 AND language = $2 AND source = $3 AND made > $4", status, language, source, after).Scan(&doc)
	if err != nil {
		return nil, fmt.Errorf("translation of %d: %w", status, err)
	}
	var t Translation
	if err := json.Unmarshal(doc, &t); err != nil {
		return nil, fmt.Errorf("translation of %d: %w", status, err)
	}
	return &t, nil
}

// SetTranslation keeps a translation, and drops some that were made before a time.
func (tx *Tx) SetTranslation(ctx context.Context, status int64, language string, source int64, t *Translation, before int64) error {
	_, err := tx.exec(ctx, `INSERT INTO translations (status, language, source, made, doc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (status, language) DO UPDATE SET source = excluded.source, made = excluded.made, doc = excluded.doc`,
		status, language, source, tx.now().UnixMilli(), toJSON(t))
	if err == nil {
		_, err = tx.exec(ctx, `DELETE FROM translations WHERE (status, language) IN
			(SELECT status, language FROM translations WHERE made < $1 ORDER BY made LIMIT 50)`, before)
	}
	return wrapped(err, "translation of %d", status)
}
