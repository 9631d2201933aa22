package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
)

const (
	maxAnnouncement = 10_000 // Bytes.
	// maxReactions is how many different emoji people may put below one.
	//
	// spec: masto:methods/announcements#put-reactions
	maxReactions = 8
)

// Announce keeps an announcement and tells everybody who is connected, now or at
// the time for which it is scheduled. ID 0 is a new one.
func (p *Pipeline) Announce(ctx context.Context, a *store.Announcement) error {
	a.Text = strings.TrimSpace(a.Text)
	switch {
	case a.Text == "" || len(a.Text) > maxAnnouncement:
		return fault.New(fault.Invalid, "An announcement has a text of at most %d bytes.", maxAnnouncement)
	case a.Ends != 0 && a.Ends < a.Starts:
		return fault.New(fault.Invalid, "It can't end before it begins.")
	case a.AllDay && a.Starts == 0:
		return fault.New(fault.Invalid, "A whole day needs a beginning.")
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		now := p.Now().UnixMilli()
		kept := *a
		if kept.ID == 0 {
			kept.ID = tx.NewID()
		}
		kept.Updated = now
		s := &Step{Tx: tx, p: p}
		if kept.Scheduled > now {
			if err := s.enqueueAt(ctx, "announcement", "", "", kept.Scheduled, announcementJob{kept.ID}); err != nil {
				return err
			}
		} else if kept.Published == 0 {
			kept.Published = now
		}
		if kept.Published != 0 {
			s.publish(stream.Event{Kind: "announcement", Announcement: kept.ID, Everyone: true})
			s.publishOnCommit()
		}
		*a = kept
		return tx.SetAnnouncement(ctx, &kept)
	})
}

type announcementJob struct {
	ID int64 `json:"id"`
}

// publishAnnouncement is the job at the time for which one is scheduled.
func (p *Pipeline) publishAnnouncement(ctx context.Context, j announcementJob) error {
	a, err := p.DB.Announcement(ctx, j.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // Removed meanwhile.
	} else if err != nil {
		return err
	}
	if a.Published != 0 || a.Scheduled > p.Now().UnixMilli() {
		return nil // Put off: another job comes.
	}
	return p.Announce(ctx, a)
}

// RemoveAnnouncement takes one back.
func (p *Pipeline) RemoveAnnouncement(ctx context.Context, id int64) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteAnnouncement(ctx, id); err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p}
		s.publish(stream.Event{Kind: "announcement.delete", Announcement: id, Everyone: true})
		s.publishOnCommit()
		return nil
	})
}

// React puts an emoji below an announcement, or takes it away.
func (p *Pipeline) React(ctx context.Context, actor, id int64, name string, on bool) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if on {
			if err := mayReact(ctx, tx, id, name); err != nil {
				return err
			}
		}
		changed, err := tx.React(ctx, id, actor, name, on)
		if err != nil || !changed {
			return err
		}
		s := &Step{Tx: tx, p: p}
		s.publish(stream.Event{Kind: "announcement.reaction", Announcement: id, Reaction: name, Everyone: true})
		s.publishOnCommit()
		return nil
	})
}

func mayReact(ctx context.Context, tx *store.Tx, id int64, name string) error {
	if !isEmoji(name) {
		own, err := tx.EmojiNamed(ctx, []string{name})
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return fault.New(fault.Invalid, "Validation failed: Name is not a recognized emoji")
		}
	}
	all, err := tx.AnnouncementReactions(ctx, 0, []int64{id})
	if err != nil {
		return err
	}
	for _, r := range all[id] {
		if r.Name == name {
			return nil
		}
	}
	if len(all[id]) >= maxReactions {
		return fault.New(fault.Invalid, "Validation failed: Limit of different reactions reached")
	}
	return nil
}

// isEmoji tells whether a text is one emoji of Unicode.
func isEmoji(s string) bool {
	if len(s) > 64 || uniseg.GraphemeClusterCount(s) != 1 {
		return false
	}
	for _, r := range s {
		switch {
		case r == 0xfe0f, r == 0x20e3: // Shown as an emoji; a key.
			return true
		case r > 0xff && unicode.In(r, unicode.So):
			return true
		}
	}
	return false
}

// AnnouncementText is how logs call an announcement.
func AnnouncementText(a *store.Announcement) string {
	line, _, _ := strings.Cut(a.Text, "\n")
	return fmt.Sprintf("%.60s", line)
}
