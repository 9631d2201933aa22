package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

var (
	_ = command("announcement create", 5, announcementCreate)
	_ = command("announcement list", 0, announcementList)
	_ = command("announcement delete", 1, announcementDelete)
)

// announcementCreate: text, starts, ends, whole days, when to publish. Times are
// empty, dates, or RFC 3339.
func announcementCreate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	a := &store.Announcement{Text: args[0], AllDay: args[3] == "true"}
	for i, to := range map[int]*int64{1: &a.Starts, 2: &a.Ends, 4: &a.Scheduled} {
		at, err := moment(args[i])
		if err != nil {
			return err
		}
		*to = at
	}
	if err := env.Pipeline.Announce(ctx, a); err != nil {
		return err
	}
	said := "published"
	if a.Published == 0 {
		said = "to be published " + args[4]
	}
	_, err := fmt.Fprintf(out, "Announcement %d, %s.\n", a.ID, said)
	return err
}

// moment reads a time in ms; 0 for "".
func moment(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fault.New(fault.Invalid, "%q is no time. Write 2026-05-01, or 2026-05-01T18:00:00+02:00.", s)
}

func announcementList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Announcements(ctx, false, 0)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPUBLISHED\tENDS\tTEXT")
	for i := range all {
		a := &all[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", a.ID, minute(a.Published), minute(a.Ends), pipeline.AnnouncementText(a))
	}
	return w.Flush()
}

func minute(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04")
}

func announcementDelete(ctx context.Context, env *Env, args []string, out io.Writer) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err == nil {
		err = env.Pipeline.RemoveAnnouncement(ctx, id)
	} else {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no announcement %s.", args[0])
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Announcement %d is removed.\n", id)
	return err
}
