package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// HasActivity tells whether an activity with this id is in the log.
func (q *Q) HasActivity(ctx context.Context, uri vocab.IRI) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM activities WHERE uri = $1", uri)
}

// FollowedHere tells whether one of our accounts follows actor.
func (q *Q) FollowedHere(ctx context.Context, actor int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM follows WHERE target = $1 AND accepted AND local LIMIT 1", actor)
}

// Visible tells whether viewer may see a post; nil is somebody who isn't signed in.
// Blocks and mutes are the timelines' matter, except that nobody sees the posts of
// who blocks them.
func (q *Q) Visible(ctx context.Context, s *Status, viewer *Actor) (bool, error) {
	if viewer == nil && (s.Visibility > 1 || s.LocalOnly) {
		return false, nil
	}
	if viewer != nil && viewer.ID == s.Actor {
		return true, nil
	}
	if hidden, err := q.HiddenActor(ctx, s.Actor); err != nil || hidden || viewer == nil {
		return err == nil && !hidden, err
	}
	if s.LocalOnly && !viewer.Local {
		return false, nil
	}
	if blocks, err := q.Blocks(ctx, s.Actor, viewer.ID); err != nil || blocks {
		return false, err
	}
	if s.Visibility <= 1 {
		return true, nil
	}
	post := s.ID
	if s.BoostOf != 0 {
		post = s.BoostOf
	}
	text := "SELECT 1 FROM mentions WHERE status = $1 AND actor = $2"
	args := []any{post, viewer.ID}
	if s.Visibility == 2 {
		text += " UNION ALL SELECT 1 FROM follows WHERE actor = $2 AND target = $3 AND accepted"
		args = append(args, s.Actor)
	}
	return q.exists(ctx, text, args...)
}

// HomesWith returns up to limit local owners of homes that may hold a status.
func (q *Q) HomesWith(ctx context.Context, s *Status, limit int) ([]int64, error) {
	return q.ids(ctx, `SELECT f.actor FROM follows f WHERE f.target = $1 AND f.accepted AND f.local
		AND EXISTS (SELECT 1 FROM home h WHERE h.owner = f.actor AND h.status = $2)
		UNION ALL SELECT h.owner FROM home h WHERE h.owner = $1 AND h.status = $2 LIMIT $3`, s.Actor, s.ID, limit)
}

// RetypeNotification turns a notification of one kind into another.
func (tx *Tx) RetypeNotification(ctx context.Context, owner, id int64, from, to int16) error {
	if _, err := tx.exec(ctx, "UPDATE notifications SET kind = $4 WHERE owner = $1 AND id = $2 AND kind = $3", owner, id, from, to); err != nil {
		return fmt.Errorf("notification of %d: %w", owner, err)
	}
	return nil
}

// StatusesOf returns up to limit statuses of an actor, for taking them down.
func (q *Q) StatusesOf(ctx context.Context, actor int64, limit int) ([]Status, error) {
	rows, err := q.query(ctx, "SELECT "+statusColumns+" FROM statuses WHERE actor = $1 ORDER BY id LIMIT $2", actor, limit)
	return collect(rows, err, (*Status).scan)
}

// FollowsAround returns up to limit follows by or of an actor.
func (q *Q) FollowsAround(ctx context.Context, actor int64, limit int) ([]Follow, error) {
	rows, err := q.query(ctx, `SELECT actor, target, seq, accepted, local FROM follows WHERE actor = $1
		UNION SELECT actor, target, seq, accepted, local FROM follows WHERE target = $1 LIMIT $2`, actor, limit)
	return collect(rows, err, func(f *Follow) []any { return []any{&f.Actor, &f.Target, &f.Seq, &f.Accepted, &f.Local} })
}
