package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// ActorTag is a tag that moderators gave an account.
type ActorTag struct {
	Actor int64
	URI   vocab.IRI
	Tag   string
}

func (t *ActorTag) scan() []any { return []any{&t.Actor, &t.URI, &t.Tag} }

// maxActorTags bounds how many tags are in force.
const maxActorTags = 100_000

// AllActorTags returns the tags of all accounts.
func (q *Q) AllActorTags(ctx context.Context) ([]ActorTag, error) {
	rows, err := q.query(ctx, fmt.Sprintf("SELECT t.actor, a.uri, t.tag FROM actor_tags t JOIN actors a ON a.id = t.actor ORDER BY t.actor, t.tag LIMIT %d", maxActorTags))
	all, err := collect(rows, err, (*ActorTag).scan)
	return all, wrapped(err, "tags of accounts")
}

// SetActorTags gives an account tags, or takes them away.
func (tx *Tx) SetActorTags(ctx context.Context, actor int64, tags []string, on bool) error {
	for _, tag := range tags {
		text := "DELETE FROM actor_tags WHERE actor = $1 AND tag = $2"
		if on {
			text = "INSERT INTO actor_tags (actor, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING"
		}
		if _, err := tx.exec(ctx, text, actor, tag); err != nil {
			return fmt.Errorf("tags of actor %d: %w", actor, err)
		}
	}
	return nil
}

// PolicySettings returns the settings of the policies that were changed, as JSON.
func (q *Q) PolicySettings(ctx context.Context) (map[string]string, error) {
	type pair struct{ key, value string }
	rows, err := q.query(ctx, "SELECT key, value FROM policy_settings ORDER BY key LIMIT 1000")
	all, err := collect(rows, err, func(p *pair) []any { return []any{&p.key, &p.value} })
	found := map[string]string{}
	for _, p := range all {
		found[p.key] = p.value
	}
	return found, wrapped(err, "settings of policies")
}

// SetPolicySetting changes one; nil takes the change back.
func (tx *Tx) SetPolicySetting(ctx context.Context, key string, value *string) (err error) {
	if value == nil {
		_, err = tx.exec(ctx, "DELETE FROM policy_settings WHERE key = $1", key)
	} else {
		_, err = tx.exec(ctx, "INSERT INTO policy_settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, *value)
	}
	return wrapped(err, "setting %s", key)
}

// PolicyScript is a policy of the admin's own.
type PolicyScript struct {
	Name    string
	Source  string
	Enabled bool
	Changed int64 // ms
}

func (s *PolicyScript) scan() []any { return []any{&s.Name, &s.Source, &s.Enabled, &s.Changed} }

// PolicyScripts returns them by name.
func (q *Q) PolicyScripts(ctx context.Context) ([]PolicyScript, error) {
	rows, err := q.query(ctx, "SELECT name, source, enabled, changed FROM policy_scripts WHERE name > '' ORDER BY name LIMIT 100")
	all, err := collect(rows, err, (*PolicyScript).scan)
	return all, wrapped(err, "scripts")
}

// SetPolicyScript adds a script, or replaces the one of that name.
func (tx *Tx) SetPolicyScript(ctx context.Context, s *PolicyScript) error {
	s.Changed = tx.now().UnixMilli()
	_, err := tx.exec(ctx, `INSERT INTO policy_scripts (name, source, enabled, changed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET source = excluded.source, enabled = excluded.enabled, changed = excluded.changed`, s.Name, s.Source, s.Enabled, s.Changed)
	return wrapped(err, "script %s", s.Name)
}

// RemovePolicyScript removes one; ErrNotFound when there is none of that name.
func (tx *Tx) RemovePolicyScript(ctx context.Context, name string) error {
	n, err := tx.exec(ctx, "DELETE FROM policy_scripts WHERE name = $1", name)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "script %s", name)
}

// SetExpiration has a post deleted at a time (ms); 0 keeps it.
func (tx *Tx) SetExpiration(ctx context.Context, status, at int64) (err error) {
	if at == 0 {
		_, err = tx.exec(ctx, "DELETE FROM expirations WHERE status = $1", status)
	} else {
		_, err = tx.exec(ctx, "INSERT INTO expirations (status, at) VALUES ($1, $2) ON CONFLICT (status) DO UPDATE SET at = excluded.at", status, at)
	}
	return wrapped(err, "end of post %d", status)
}

// Expiration returns when a post is to be deleted (ms); ErrNotFound when never.
func (q *Q) Expiration(ctx context.Context, status int64) (at int64, err error) {
	err = q.row(ctx, "SELECT at FROM expirations WHERE status = $1", status).Scan(&at)
	return at, wrapped(err, "end of post %d", status)
}

// RecentActivities returns up to limit activities before a seq (0: the end of the
// log), the newest first.
func (q *Q) RecentActivities(ctx context.Context, before int64, limit int) ([]Activity, error) {
	tail, args := Page{Max: before, Limit: limit}.clause("seq", 1)
	rows, err := q.query(ctx, "SELECT "+activityColumns+" FROM activities WHERE seq > 0"+tail, args...)
	all, err := collect(rows, err, (*Activity).scan)
	return all, wrapped(err, "end of the log")
}
