package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// InsertStatus adds a post or boost to the timelines' table.
func (tx *Tx) InsertStatus(ctx context.Context, s *Status) error {
	_, err := tx.exec(ctx, "INSERT INTO statuses ("+statusColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)",
		s.ID, s.Seq, s.Actor, s.BoostOf, s.ReplyTo, s.ReplyActor, s.IsReply, s.Conversation, s.Visibility,
		s.LocalOnly, s.Local, s.Media, s.Edited, s.Language)
	if err != nil {
		return fmt.Errorf("adding status %d: %w", s.ID, err)
	}
	return nil
}

// EditStatus writes what an edit may change.
func (tx *Tx) EditStatus(ctx context.Context, s *Status) error {
	_, err := tx.exec(ctx, "UPDATE statuses SET media = $2, edited = $3, language = $4 WHERE id = $1", s.ID, s.Media, s.Edited, s.Language)
	if err != nil {
		return fmt.Errorf("editing status %d: %w", s.ID, err)
	}
	return nil
}

// SetBringer notes which activity brought a post, when that is another one than was
// known.
func (tx *Tx) SetBringer(ctx context.Context, s *Status) error {
	_, err := tx.exec(ctx, "UPDATE statuses SET seq = $2 WHERE id = $1", s.ID, s.Seq)
	return wrapped(err, "status %d", s.ID)
}

// SetContent writes the rendered content of a post.
func (tx *Tx) SetContent(ctx context.Context, status int64, c *Content) error {
	_, err := tx.exec(ctx, "INSERT INTO contents (status, doc) VALUES ($1, $2) ON CONFLICT (status) DO UPDATE SET doc = excluded.doc", status, toJSON(c))
	if err != nil {
		return fmt.Errorf("content of status %d: %w", status, err)
	}
	return nil
}

// Thread attaches reply to its parent, once the parent is known: the reply and all
// that hangs on it join the parent's conversation.
func (tx *Tx) Thread(ctx context.Context, old, parent *Status) error {
	reply := old.ID
	if _, err := tx.exec(ctx, "UPDATE statuses SET reply_to = $2, reply_actor = $3, conversation = $4 WHERE id = $1",
		reply, parent.ID, parent.Actor, parent.Conversation); err != nil {
		return fmt.Errorf("threading status %d: %w", reply, err)
	}
	if old.Conversation != parent.Conversation {
		// Everything below was filed under the topmost post that was known.
		if _, err := tx.exec(ctx, "UPDATE statuses SET conversation = $2 WHERE conversation = $1 AND conversation <> id AND boost_of = 0",
			old.Conversation, parent.Conversation); err != nil {
			return fmt.Errorf("threading status %d: %w", reply, err)
		}
		if _, err := tx.exec(ctx, `INSERT INTO conversation_mutes (actor, conversation)
			SELECT actor, $2 FROM conversation_mutes WHERE conversation = $1 ON CONFLICT DO NOTHING`, old.Conversation, parent.Conversation); err != nil {
			return fmt.Errorf("threading status %d: %w", reply, err)
		}
	}
	if old.Visibility > 1 {
		return nil
	}
	return tx.count(ctx, parent.ID, "replies", 1)
}

// count adds n to one of a post's counts; column is one of ours.
func (tx *Tx) count(ctx context.Context, status int64, column string, n int64) error {
	_, err := tx.exec(ctx, "INSERT INTO counts (status, "+column+") VALUES ($1, $2) ON CONFLICT (status) DO UPDATE SET "+
		column+" = counts."+column+" + excluded."+column, status, n)
	if err != nil {
		return fmt.Errorf("counting %s of status %d: %w", column, status, err)
	}
	return nil
}

// CountReply adds n to the replies of a post.
func (tx *Tx) CountReply(ctx context.Context, status, n int64) error {
	return tx.count(ctx, status, "replies", n)
}

// CountBoost adds n to the boosts of a post.
func (tx *Tx) CountBoost(ctx context.Context, status, n int64) error {
	return tx.count(ctx, status, "boosts", n)
}

// CountStatus adds n to the number of an actor's statuses; at is when the new one
// was published (ms), for the date of the last one.
func (tx *Tx) CountStatus(ctx context.Context, actor, n, at int64) error {
	var last int64
	err := tx.row(ctx, `INSERT INTO actor_counts (actor, statuses, last_status) VALUES ($1, $2, $3)
		ON CONFLICT (actor) DO UPDATE SET statuses = actor_counts.statuses + excluded.statuses,
			last_status = CASE WHEN excluded.last_status > actor_counts.last_status THEN excluded.last_status ELSE actor_counts.last_status END
		RETURNING last_status`, actor, n, at).Scan(&last)
	if err != nil {
		return fmt.Errorf("counting statuses of %d: %w", actor, err)
	}
	return tx.setActive(ctx, actor, last)
}

// SetTags files a status under tags: folded names with their spelling. What it was
// filed under before and is not any more is removed.
func (tx *Tx) SetTags(ctx context.Context, status int64, names, spelt []string) error {
	if _, err := tx.exec(ctx, "DELETE FROM status_tags WHERE status = $1", status); err != nil {
		return fmt.Errorf("tags of status %d: %w", status, err)
	}
	for i, name := range names {
		id, err := tx.EnsureTag(ctx, name, spelt[i])
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "INSERT INTO status_tags (tag, status) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, status); err != nil {
			return fmt.Errorf("tags of status %d: %w", status, err)
		}
	}
	return nil
}

// EnsureTag returns the id of a tag, which it adds when new.
func (tx *Tx) EnsureTag(ctx context.Context, name, spelt string) (int64, error) {
	var id int64
	err := tx.row(ctx, "SELECT id FROM tags WHERE name = $1", name).Scan(&id)
	if errors.Is(err, ErrNotFound) {
		err = tx.row(ctx, "INSERT INTO tags (id, name, display) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
			tx.NewID(), name, spelt).Scan(&id)
	}
	if err != nil {
		return 0, fmt.Errorf("tag %s: %w", name, err)
	}
	return id, nil
}

// AddMentions records who is addressed by a status.
func (tx *Tx) AddMentions(ctx context.Context, status int64, actors []int64, silent bool) error {
	for _, a := range actors {
		if _, err := tx.exec(ctx, "INSERT INTO mentions (status, actor, silent) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", status, a, silent); err != nil {
			return fmt.Errorf("mentions of status %d: %w", status, err)
		}
	}
	return nil
}

// Boost returns the id of actor's boost of post, ErrNotFound when there is none.
func (q *Q) Boost(ctx context.Context, post, actor int64) (*Status, error) {
	var s Status
	err := q.row(ctx, "SELECT "+statusColumns+" FROM statuses WHERE boost_of = $1 AND boost_of <> 0 AND actor = $2", post, actor).Scan(s.scan()...)
	if err != nil {
		return nil, fmt.Errorf("boost of %d by %d: %w", post, actor, err)
	}
	return &s, nil
}

// BoostsOf returns up to limit boosts of a post.
func (q *Q) BoostsOf(ctx context.Context, post int64, limit int) ([]Status, error) {
	rows, err := q.query(ctx, "SELECT "+statusColumns+" FROM statuses WHERE boost_of = $1 AND boost_of <> 0 LIMIT $2", post, limit)
	return collect(rows, err, (*Status).scan)
}

// partsOfStatus are the tables that hang on a status, with the column that names it.
var partsOfStatus = []string{
	"contents.status", "counts.status", "status_tags.status", "mentions.status", "polls.status", "poll_options.status",
	"poll_votes.status", "status_links.status", "favourites.status", "reactions.status", "reaction_counts.status", "quotes.status", "quote_stamps.status", "group_removals.status", "pins.status", "notifications.status", "waits.ref",
}

// RemoveStatus takes a post or boost out of every projection but the boosts of it,
// which the caller removes first, and the counts of others.
func (tx *Tx) RemoveStatus(ctx context.Context, s *Status) error {
	if err := tx.unhome(ctx, s); err != nil {
		return err
	}
	if s.BoostOf == 0 {
		for _, part := range partsOfStatus {
			table, column, _ := strings.Cut(part, ".")
			where := column + " = $1"
			if table == "notifications" {
				where += " AND status <> 0" // For the partial index.
			}
			if table == "waits" {
				where += " AND kind <> 1" // Those of activities have other numbers.
			}
			if _, err := tx.exec(ctx, "DELETE FROM "+table+" WHERE "+where, s.ID); err != nil {
				return fmt.Errorf("removing status %d: %w", s.ID, err)
			}
		}
		if err := tx.dropWords(ctx, s.ID); err != nil {
			return err
		}
		// Answers stay, as answers to something that is gone.
		if _, err := tx.exec(ctx, "UPDATE statuses SET reply_to = 0, reply_actor = 0 WHERE reply_to = $1 AND reply_to <> 0", s.ID); err != nil {
			return fmt.Errorf("removing status %d: %w", s.ID, err)
		}
	}
	if _, err := tx.exec(ctx, "DELETE FROM statuses WHERE id = $1", s.ID); err != nil {
		return fmt.Errorf("removing status %d: %w", s.ID, err)
	}
	if s.Visibility == directLevel {
		return nil // Never counted.
	}
	var last int64
	err := tx.row(ctx, `UPDATE actor_counts SET statuses = statuses - 1, last_status = CASE WHEN last_status > $2 THEN last_status ELSE
		COALESCE((SELECT id / 65536 FROM statuses WHERE actor = $1 ORDER BY id DESC LIMIT 1), 0) END WHERE actor = $1 RETURNING last_status`, s.Actor, s.ID/65536).Scan(&last)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("removing status %d: %w", s.ID, err)
	}
	return tx.setActive(ctx, s.Actor, last)
}
