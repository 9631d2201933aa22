package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Rule is something that members agree to.
type Rule struct {
	ID           int64
	Text, Hint   string
	Translations map[string]RuleText // By language.
}

// RuleText is a rule in another language.
type RuleText struct {
	Text string `json:"text"`
	Hint string `json:"hint"`
}

func (r *Rule) scan() []any { return []any{&r.ID, &r.Text, &r.Hint, jsonOf{&r.Translations}} }

// Rules returns the rules that stand, in the order in which they were made.
func (q *Q) Rules(ctx context.Context) ([]Rule, error) {
	rows, err := q.query(ctx, "SELECT id, text, hint, translations FROM rules WHERE id > 0 AND removed = 0 ORDER BY id LIMIT 200")
	all, err := collect(rows, err, (*Rule).scan)
	return all, wrapped(err, "rules")
}

// Rule returns a rule; ErrNotFound also when it was removed.
func (q *Q) Rule(ctx context.Context, id int64) (*Rule, error) {
	var r Rule
	err := q.row(ctx, "SELECT id, text, hint, translations FROM rules WHERE id = $1 AND removed = 0", id).Scan(r.scan()...)
	return &r, wrapped(err, "rule %d", id)
}

// SetRule adds a rule, which gets an id, or changes the one with its id.
func (tx *Tx) SetRule(ctx context.Context, r *Rule) error {
	if r.ID == 0 {
		r.ID = tx.NewID()
	}
	if r.Translations == nil {
		r.Translations = map[string]RuleText{}
	}
	_, err := tx.exec(ctx, `INSERT INTO rules (id, text, hint, translations, removed) VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (id) DO UPDATE SET text = excluded.text, hint = excluded.hint, translations = excluded.translations`, r.ID, r.Text, r.Hint, toJSON(r.Translations))
	return wrapped(err, "rule %d", r.ID)
}

// RemoveRule takes a rule from the list; ErrNotFound when it isn't there.
func (tx *Tx) RemoveRule(ctx context.Context, id int64) error {
	n, err := tx.exec(ctx, "UPDATE rules SET removed = $2 WHERE id = $1 AND removed = 0", id, tx.now().UnixMilli())
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "rule %d", id)
}

// Terms are a version of the terms of service.
type Terms struct {
	Effective string // 2006-01-02, the day from which on they hold.
	Content   string // Markdown
	Created   int64  // ms
}

func (t *Terms) scan() []any { return []any{&t.Effective, &t.Content, &t.Created} }

// AllTerms returns every version, the oldest first.
func (q *Q) AllTerms(ctx context.Context) ([]Terms, error) {
	rows, err := q.query(ctx, "SELECT effective, content, created FROM terms WHERE effective > '' ORDER BY effective LIMIT 1000")
	all, err := collect(rows, err, (*Terms).scan)
	return all, wrapped(err, "terms of service")
}

// SetTerms writes the version that holds from a day on.
func (tx *Tx) SetTerms(ctx context.Context, t Terms) error {
	_, err := tx.exec(ctx, `INSERT INTO terms (effective, content, created) VALUES ($1, $2, $3)
		ON CONFLICT (effective) DO UPDATE SET content = excluded.content, created = excluded.created`, t.Effective, t.Content, tx.now().UnixMilli())
	return wrapped(err, "terms of service of %s", t.Effective)
}

// RemoveTerms drops a version; ErrNotFound when there is none.
func (tx *Tx) RemoveTerms(ctx context.Context, effective string) error {
	n, err := tx.exec(ctx, "DELETE FROM terms WHERE effective = $1", effective)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "terms of service of %s", effective)
}

// SiteText is a setting that admins change while the server runs.
type SiteText struct {
	Value   string
	Changed int64 // ms
}

// sitePrefix begins the keys of these settings in the table.
const sitePrefix = "site."

// SiteTexts returns the settings that were changed, by their keys.
func (q *Q) SiteTexts(ctx context.Context) (map[string]SiteText, error) {
	type pair struct{ key, value string }
	rows, err := q.query(ctx, "SELECT key, value FROM settings WHERE key >= $1 AND key < $2", sitePrefix, after(sitePrefix))
	all, err := collect(rows, err, func(p *pair) []any { return []any{&p.key, &p.value} })
	if err != nil {
		return nil, fmt.Errorf("texts of the site: %w", err)
	}
	found := map[string]SiteText{}
	for _, p := range all {
		at, value, _ := strings.Cut(p.value, " ")
		ms, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", p.key, err)
		}
		found[strings.TrimPrefix(p.key, sitePrefix)] = SiteText{value, ms}
	}
	return found, nil
}

// SetSiteText changes such a setting; nil takes the change back.
func (tx *Tx) SetSiteText(ctx context.Context, key string, value *string) error {
	if value == nil {
		_, err := tx.exec(ctx, "DELETE FROM settings WHERE key = $1", sitePrefix+key)
		return wrapped(err, "setting %s", key)
	}
	return tx.SetSetting(ctx, sitePrefix+key, strconv.FormatInt(tx.now().UnixMilli(), 10)+" "+*value)
}
