package store

import (
	"context"
	"fmt"
	"strings"
)

// HomeSize is how many rows a reader's home and each list keep; older pages come
// from statuses.
const HomeSize = 800

// recentBoosts is how many of the newest rows of a home hold back another boost of
// the same post.
const recentBoosts = 40

// Deliver puts a status into the homes and lists of its author's local followers,
// at most limit of them with an id above after, and returns the owners that got a
// row and where to go on (0 when all are served).
//
// A reply goes to those who follow whom it answers, or are answered; a boost is
// held back where the post is among the newest rows, or the follower wants none.
// Nothing goes to those who want other languages of the author, who have the author
// in an exclusive list, or who are away.
func (tx *Tx) Deliver(ctx context.Context, s *Status, after int64, limit int) (owners []int64, next int64, err error) {
	post := s.ID
	cond := ""
	args := []any{s.ID, s.Actor, post, after, limit}
	switch {
	case s.BoostOf != 0:
		args[2] = s.BoostOf
		cond = fmt.Sprintf(` AND NOT EXISTS (SELECT 1 FROM follow_settings fs WHERE fs.actor = f.actor AND fs.target = f.target AND NOT fs.boosts)
			AND NOT EXISTS (SELECT 1 FROM (SELECT h.post FROM home h WHERE h.owner = f.actor ORDER BY h.status DESC LIMIT %d) r WHERE r.post = $3)`, recentBoosts)
	case s.IsReply:
		args = append(args, s.ReplyActor)
		cond = ` AND (f.actor = $6 OR $6 = $2 OR EXISTS (SELECT 1 FROM follows g WHERE g.actor = f.actor AND g.target = $6 AND g.accepted))`
	}
	if s.Visibility == directLevel {
		cond += " AND EXISTS (SELECT 1 FROM mentions m WHERE m.status = $1 AND m.actor = f.actor)"
	}
	if s.BoostOf == 0 && s.Language != "" {
		main, _, _ := strings.Cut(s.Language, "-")
		args = append(args, ","+main+",")
		cond += fmt.Sprintf(` AND NOT EXISTS (SELECT 1 FROM follow_settings w WHERE w.actor = f.actor AND w.target = f.target AND w.languages <> ''
			AND REPLACE(',' || w.languages || ',', $%d, '') = ',' || w.languages || ',')`, len(args))
	}
	exclusive, err := tx.exists(ctx, "SELECT 1 FROM list_members m JOIN lists l ON l.id = m.list WHERE m.target = $1 AND l.exclusive LIMIT 1", s.Actor)
	if err != nil {
		return nil, 0, fmt.Errorf("delivering status %d: %w", s.ID, err)
	}
	if exclusive {
		cond += " AND NOT EXISTS (SELECT 1 FROM list_members m JOIN lists l ON l.id = m.list WHERE m.target = f.target AND l.owner = f.actor AND l.exclusive)"
	}
	rows, err := tx.query(ctx, `
		INSERT INTO home (owner, status, actor, post)
		SELECT f.actor, $1, $2, $3 FROM follows f
		WHERE f.target = $2 AND f.accepted AND f.local AND f.actor > $4
		AND NOT EXISTS (SELECT 1 FROM home h WHERE h.owner = f.actor AND h.status = $1)
		AND NOT EXISTS (SELECT 1 FROM away w WHERE w.owner = f.actor)`+cond+`
		ORDER BY f.actor LIMIT $5
		ON CONFLICT DO NOTHING RETURNING owner`, args...)
	owners, err = collect(rows, err, self[int64])
	if err != nil {
		return nil, 0, fmt.Errorf("delivering status %d: %w", s.ID, err)
	}
	if len(owners) == limit {
		next = owners[0]
		for _, o := range owners {
			next = max(next, o)
		}
	}
	return owners, next, nil
}

// directLevel is the level of vocab's visibility direct; a test compares them.
const directLevel = 3

// DeliverTo puts a status into one owner's home: the author's own.
func (tx *Tx) DeliverTo(ctx context.Context, owner int64, s *Status) error {
	post := s.BoostOf
	if post == 0 {
		post = s.ID
	}
	_, err := tx.exec(ctx, "INSERT INTO home (owner, status, actor, post) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", owner, s.ID, s.Actor, post)
	if err != nil {
		return fmt.Errorf("delivering status %d: %w", s.ID, err)
	}
	return nil
}

// DeliverLists puts a status into the lists that hold its author and returns them.
// A list's owner must follow the author. Replies follow the list's policy.
func (tx *Tx) DeliverLists(ctx context.Context, s *Status) ([]int64, error) {
	post, reply := s.BoostOf, s.ReplyActor
	if post == 0 {
		post = s.ID
	}
	cond := ""
	args := []any{s.ID, s.Actor, post}
	if s.BoostOf == 0 && s.IsReply && s.ReplyActor != s.Actor {
		args = append(args, reply)
		cond = ` AND (l.owner = $4 OR (l.replies = 'list' AND EXISTS (SELECT 1 FROM list_members o WHERE o.list = l.id AND o.target = $4))
			OR (l.replies = 'followed' AND EXISTS (SELECT 1 FROM follows g WHERE g.actor = l.owner AND g.target = $4 AND g.accepted)))`
	}
	if s.Visibility == directLevel {
		return nil, nil
	}
	rows, err := tx.query(ctx, `
		INSERT INTO home (owner, status, actor, post)
		SELECT l.id, $1, $2, $3 FROM list_members m JOIN lists l ON l.id = m.list
		WHERE m.target = $2 AND (l.owner = $2 OR EXISTS (SELECT 1 FROM follows f WHERE f.actor = l.owner AND f.target = $2 AND f.accepted))
		AND NOT EXISTS (SELECT 1 FROM away w WHERE w.owner = l.owner)`+cond+`
		ORDER BY l.id LIMIT 500
		ON CONFLICT DO NOTHING RETURNING owner`, args...)
	lists, err := collect(rows, err, self[int64])
	if err != nil {
		return nil, fmt.Errorf("delivering status %d to lists: %w", s.ID, err)
	}
	return lists, nil
}

// BackfillHome inserts the newest posts of target that reader may see: what a new
// follow brings.
func (tx *Tx) BackfillHome(ctx context.Context, reader, target int64) error {
	_, err := tx.exec(ctx, `
		INSERT INTO home (owner, status, actor, post)
		SELECT $1, s.id, s.actor, s.id FROM statuses s
		WHERE s.actor = $2 AND s.boost_of = 0 AND s.visibility <= 2 AND (NOT s.is_reply OR s.reply_actor = s.actor)
		ORDER BY s.id DESC LIMIT 20
		ON CONFLICT DO NOTHING`, reader, target)
	if err != nil {
		return fmt.Errorf("filling the home of %d from %d: %w", reader, target, err)
	}
	return nil
}

// ClearHome removes what came from target: after an unfollow or a block.
func (tx *Tx) ClearHome(ctx context.Context, owner, target int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM home WHERE owner = $1 AND actor = $2", owner, target); err != nil {
		return fmt.Errorf("clearing the home of %d: %w", owner, err)
	}
	_, err := tx.exec(ctx, "DELETE FROM home WHERE actor = $2 AND owner IN (SELECT id FROM lists WHERE owner = $1)", owner, target)
	if err != nil {
		return fmt.Errorf("clearing the lists of %d: %w", owner, err)
	}
	return nil
}

// unhome takes a status out of every home and list that may hold it.
func (tx *Tx) unhome(ctx context.Context, s *Status) error {
	for _, owners := range []string{
		"SELECT actor FROM follows WHERE target = $2 AND accepted AND local",
		"SELECT list FROM list_members WHERE target = $2",
	} {
		if _, err := tx.exec(ctx, "DELETE FROM home WHERE status = $1 AND owner IN ("+owners+")", s.ID, s.Actor); err != nil {
			return fmt.Errorf("taking status %d from homes: %w", s.ID, err)
		}
	}
	_, err := tx.exec(ctx, `DELETE FROM home WHERE status = $1 AND (owner = $2
		OR owner IN (SELECT f.owner FROM status_tags t JOIN tag_follows f ON f.tag = t.tag WHERE t.status = $1))`, s.ID, s.Actor)
	return wrapped(err, "taking status %d from homes", s.ID)
}

// TrimHome drops the rows of an owner beyond HomeSize.
func (tx *Tx) TrimHome(ctx context.Context, owner int64) error {
	_, err := tx.exec(ctx, `DELETE FROM home WHERE owner = $1 AND status <= (SELECT status FROM home WHERE owner = $1 ORDER BY status DESC LIMIT 1 OFFSET $2)`, owner, HomeSize)
	if err != nil {
		return fmt.Errorf("trimming the home of %d: %w", owner, err)
	}
	return nil
}
