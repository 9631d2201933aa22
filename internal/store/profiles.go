package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// SetProfile writes the rendered profile of an actor.
func (tx *Tx) SetProfile(ctx context.Context, actor int64, p *Profile) error {
	_, err := tx.exec(ctx, `INSERT INTO profiles (actor, locked, discoverable, moved_to, doc, indexable) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (actor) DO UPDATE SET locked = excluded.locked, discoverable = excluded.discoverable, moved_to = excluded.moved_to, doc = excluded.doc,
			indexable = excluded.indexable`,
		actor, p.Locked, p.Discoverable != nil && *p.Discoverable, p.MovedTo, toJSON(p), p.Indexable)
	if err != nil {
		return fmt.Errorf("profile of %d: %w", actor, err)
	}
	if err := tx.setListed(ctx, actor, p.Discoverable != nil && *p.Discoverable && p.MovedTo == ""); err != nil {
		return err
	}
	return tx.setNameWords(ctx, actor, p.DisplayName)
}

// Locked tells whether an actor wants to be asked before it is followed.
func (q *Q) Locked(ctx context.Context, actor int64) (bool, error) {
	var locked bool
	if err := q.row(ctx, "SELECT locked FROM profiles WHERE actor = $1", actor).Scan(&locked); err != nil {
		return false, fmt.Errorf("profile of %d: %w", actor, err)
	}
	return locked, nil
}

// Profiles returns the profiles of these actors, unknown ones left out.
func (q *Q) Profiles(ctx context.Context, ids []int64) (map[int64]*Profile, error) {
	type pair struct {
		id  int64
		doc []byte
	}
	found := make(map[int64]*Profile, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT actor, doc FROM profiles WHERE actor IN ("+list+")", args...)
		all, err := collect(rows, err, func(p *pair) []any { return []any{&p.id, &p.doc} })
		if err != nil {
			return nil, fmt.Errorf("profiles: %w", err)
		}
		for _, one := range all {
			var p Profile
			if err := json.Unmarshal(one.doc, &p); err != nil {
				return nil, fmt.Errorf("profile of %d: %w", one.id, err)
			}
			found[one.id] = &p
		}
	}
	return found, nil
}

// ActorCounts returns the numbers of these actors; no entry means zeros.
func (q *Q) ActorCounts(ctx context.Context, ids []int64) (map[int64]ActorCounts, error) {
	type pair struct {
		id int64
		ActorCounts
	}
	found := make(map[int64]ActorCounts, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT actor, statuses, followers, following, last_status FROM actor_counts WHERE actor IN ("+list+")", args...)
		all, err := collect(rows, err, func(p *pair) []any {
			return []any{&p.id, &p.Statuses, &p.Followers, &p.Following, &p.LastStatus}
		})
		if err != nil {
			return nil, fmt.Errorf("counts: %w", err)
		}
		for _, one := range all {
			found[one.id] = one.ActorCounts
		}
	}
	return found, nil
}

// Contents returns what these posts say, with the cards of their links; unknown ones are left out.
func (q *Q) Contents(ctx context.Context, ids []int64) (map[int64]*Content, error) {
	type pair struct {
		id   int64
		doc  []byte
		card []byte
	}
	found := make(map[int64]*Content, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, `SELECT c.status, c.doc, COALESCE(k.doc, '') FROM contents c
			LEFT JOIN status_links l ON l.status = c.status LEFT JOIN cards k ON k.id = l.link WHERE c.status IN (`+list+")", args...)
		all, err := collect(rows, err, func(p *pair) []any { return []any{&p.id, &p.doc, &p.card} })
		if err != nil {
			return nil, fmt.Errorf("contents: %w", err)
		}
		for _, one := range all {
			var c Content
			if err := json.Unmarshal(one.doc, &c); err != nil {
				return nil, fmt.Errorf("content of %d: %w", one.id, err)
			}
			if len(one.card) > 0 {
				if err := json.Unmarshal(one.card, &c.Card); err != nil {
					return nil, fmt.Errorf("card of %d: %w", one.id, err)
				}
			}
			found[one.id] = &c
		}
	}
	return found, nil
}

// Counts returns the counts of these posts; no entry means zeros.
func (q *Q) Counts(ctx context.Context, ids []int64) (map[int64]Counts, error) {
	type pair struct {
		id int64
		Counts
	}
	found := make(map[int64]Counts, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT status, replies, boosts, favourites, quotes FROM counts WHERE status IN ("+list+")", args...)
		all, err := collect(rows, err, func(p *pair) []any { return []any{&p.id, &p.Replies, &p.Boosts, &p.Favourites, &p.Quotes} })
		if err != nil {
			return nil, fmt.Errorf("counts: %w", err)
		}
		for _, one := range all {
			found[one.id] = one.Counts
		}
	}
	return found, nil
}
