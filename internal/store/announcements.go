package store

import (
	"context"
	"fmt"
)

// Announcement is a row of announcements. Times are ms, 0 for none.
type Announcement struct {
	ID                                          int64
	Text                                        string // Markdown, as typed.
	Starts, Ends, Scheduled, Published, Updated int64
	AllDay                                      bool
}

const announcementColumns = "id, text, starts, ends, scheduled, published, updated, all_day"

func (a *Announcement) scan() []any {
	return []any{&a.ID, &a.Text, &a.Starts, &a.Ends, &a.Scheduled, &a.Published, &a.Updated, &a.AllDay}
}

// Announcement returns one, published or not.
func (q *Q) Announcement(ctx context.Context, id int64) (*Announcement, error) {
	var a Announcement
	err := q.row(ctx, "SELECT "+announcementColumns+" FROM announcements WHERE id = $1", id).Scan(a.scan()...)
	if err != nil {
		return nil, fmt.Errorf("announcement %d: %w", id, err)
	}
	return &a, nil
}

// Announcements returns the newest 100, oldest first; public ones only those that
// are published and not over at a time (ms).
func (q *Q) Announcements(ctx context.Context, public bool, now int64) ([]Announcement, error) {
	where, args := "", []any{}
	if public {
		where, args = " WHERE published > 0 AND (ends = 0 OR ends > $1)", []any{now}
	}
	rows, err := q.query(ctx, "SELECT "+announcementColumns+" FROM announcements"+where+" ORDER BY id DESC LIMIT 100", args...)
	all, err := collect(rows, err, (*Announcement).scan)
	return order(Page{Min: 1}, all), wrapped(err, "announcements")
}

// SetAnnouncement adds or changes one.
func (tx *Tx) SetAnnouncement(ctx context.Context, a *Announcement) error {
	_, err := tx.exec(ctx, "INSERT INTO announcements ("+announcementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET text = excluded.text, starts = excluded.starts, ends = excluded.ends, scheduled = excluded.scheduled,
			published = excluded.published, updated = excluded.updated, all_day = excluded.all_day`,
		a.ID, a.Text, a.Starts, a.Ends, a.Scheduled, a.Published, a.Updated, a.AllDay)
	return wrapped(err, "announcement %d", a.ID)
}

// DeleteAnnouncement removes one with what people said to it; ErrNotFound when there
// is none.
func (tx *Tx) DeleteAnnouncement(ctx context.Context, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM announcements WHERE id = $1", id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	for _, table := range []string{"announcement_reactions", "announcement_reads"} {
		if err == nil {
			_, err = tx.exec(ctx, "DELETE FROM "+table+" WHERE announcement = $1", id)
		}
	}
	return wrapped(err, "announcement %d", id)
}

// ReadAnnouncements returns which announcements somebody has dismissed.
func (q *Q) ReadAnnouncements(ctx context.Context, actor int64) (map[int64]bool, error) {
	ids, err := q.ids(ctx, "SELECT announcement FROM announcement_reads WHERE actor = $1", actor)
	found := map[int64]bool{}
	for _, id := range ids {
		found[id] = true
	}
	return found, wrapped(err, "announcements that %d read", actor)
}

// DismissAnnouncement notes that somebody has read one.
func (tx *Tx) DismissAnnouncement(ctx context.Context, actor, id int64) error {
	_, err := tx.exec(ctx, "INSERT INTO announcement_reads (actor, announcement) VALUES ($1, $2) ON CONFLICT DO NOTHING", actor, id)
	return wrapped(err, "dismissing announcement %d", id)
}

// Reaction is how many said the same to something.
type Reaction struct {
	Announcement int64
	Name         string
	Count        int64
	Me           bool
}

// AnnouncementReactions returns what people said to announcements, in the order in
// which each was first said. viewer may be 0.
func (q *Q) AnnouncementReactions(ctx context.Context, viewer int64, ids []int64) (map[int64][]Reaction, error) {
	found := map[int64][]Reaction{}
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, `SELECT announcement, name, COUNT(*), MAX(CASE WHEN actor = $1 THEN 1 ELSE 0 END) = 1
			FROM announcement_reactions WHERE announcement IN (`+list+") GROUP BY announcement, name ORDER BY MIN(id)", append([]any{viewer}, args...)...)
		all, err := collect(rows, err, func(r *Reaction) []any { return []any{&r.Announcement, &r.Name, &r.Count, &r.Me} })
		if err != nil {
			return nil, fmt.Errorf("reactions: %w", err)
		}
		for _, r := range all {
			found[r.Announcement] = append(found[r.Announcement], r)
		}
	}
	return found, nil
}

// React adds or removes a reaction, and tells whether that changed anything.
func (tx *Tx) React(ctx context.Context, announcement, actor int64, name string, on bool) (bool, error) {
	text, args := "DELETE FROM announcement_reactions WHERE announcement = $1 AND name = $2 AND actor = $3", []any{announcement, name, actor}
	if on {
		text = "INSERT INTO announcement_reactions (announcement, name, actor, id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
		args = append(args, tx.NewID())
	}
	n, err := tx.exec(ctx, text, args...)
	return n > 0, wrapped(err, "reaction to announcement %d", announcement)
}
