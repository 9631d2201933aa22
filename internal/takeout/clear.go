package takeout

import (
	"context"
	"strings"

	"kenoma/internal/store"
)

// clearedPerRun is how many entries of the present list one run looks at when it
// overwrites.
const clearedPerRun = 200

// clear removes the next entries that are not in the file, and ends the import with
// the last ones. What the file named and nobody found is no entry, so it can't be
// removed by mistake.
func (r *importing) clear(ctx context.Context) error {
	switch r.i.Kind {
	case "lists":
		return r.clearLists(ctx)
	case "domain_blocks":
		return r.clearDomains(ctx)
	case "following":
		return r.clearPage(ctx, 0, func(p store.Page) ([]store.Cursor, error) { return r.DB.Following(ctx, r.by.ID, p) }, r.unfollow)
	case "blocks":
		return r.clearPage(ctx, 0, func(p store.Page) ([]store.Cursor, error) { return r.DB.BlockedBy(ctx, r.by.ID, p) }, r.unblock)
	case "mutes":
		defer r.changed(r.by.ID)
		now := r.Now().UnixMilli()
		return r.clearPage(ctx, 0, func(p store.Page) ([]store.Cursor, error) { return r.DB.MutedBy(ctx, r.by.ID, now, p) },
			r.write(func(tx *store.Tx, id int64) error { return tx.RemoveMute(ctx, r.by.ID, id) }))
	}
	if r.i.Kind == "likes" {
		return r.clearPage(ctx, 0, func(p store.Page) ([]store.Cursor, error) { return r.DB.Favourites(ctx, r.by.ID, p) },
			func(ctx context.Context, id int64) error { return r.Pipeline.Unfavourite(ctx, r.by, id) })
	}
	return r.clearPage(ctx, 0, func(p store.Page) ([]store.Cursor, error) { return r.DB.Bookmarks(ctx, r.by.ID, p) },
		r.write(func(tx *store.Tx, id int64) error { return tx.SetBookmark(ctx, r.by.ID, id, false) }))
}

func (r *importing) unfollow(ctx context.Context, id int64) error {
	who, err := r.DB.Actor(ctx, id)
	if err != nil {
		return err
	}
	if err := r.Pipeline.Unfollow(ctx, r.by, who); err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error { return tx.ForgetFollowSettings(ctx, r.by.ID, id) })
}

func (r *importing) unblock(ctx context.Context, id int64) error {
	who, err := r.DB.Actor(ctx, id)
	if err != nil {
		return err
	}
	return r.Pipeline.Unblock(ctx, r.by, who)
}

// write makes a removal of something private.
func (r *importing) write(do func(tx *store.Tx, id int64) error) func(context.Context, int64) error {
	return func(ctx context.Context, id int64) error {
		return r.DB.Write(ctx, func(tx *store.Tx) error { return do(tx, id) })
	}
}

// clearPage looks at the next page, from the newest entry to the oldest.
func (r *importing) clearPage(ctx context.Context, part int64, read func(store.Page) ([]store.Cursor, error), remove func(context.Context, int64) error) error {
	rows, err := read(store.Page{Max: r.i.Cleared, Limit: clearedPerRun})
	if err != nil {
		return err
	}
	if err := r.removeOthers(ctx, part, rows, remove); err != nil {
		return err
	}
	if len(rows) > 0 {
		r.i.Cleared = rows[len(rows)-1].At
	}
	if len(rows) < clearedPerRun {
		r.i.Finished = r.Now().UnixMilli()
		return nil
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error { return tx.SaveImport(ctx, r.i) })
}

// removeOthers removes those of the entries that the file does not have.
func (r *importing) removeOthers(ctx context.Context, part int64, rows []store.Cursor, remove func(context.Context, int64) error) error {
	ids := make([]int64, len(rows))
	for n, row := range rows {
		ids[n] = row.ID
	}
	kept, err := r.DB.KeptTargets(ctx, r.i.ID, part, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if kept[id] {
			continue
		}
		if err := remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// clearDomains removes the blocks of domains that the file does not have. It is
// done in one run: a block of a domain is one row, and follows stay as they are.
func (r *importing) clearDomains(ctx context.Context) error {
	keep := map[string]bool{}
	for line := range strings.Lines(r.i.Entries) {
		fields, err := fieldsOf(line)
		if err != nil {
			return err
		}
		keep[strings.ToLower(fields[0])] = true
	}
	var others []string
	if err := r.domains(ctx, r.by.ID, func(fields ...string) error {
		if !keep[fields[0]] {
			others = append(others, fields[0])
		}
		return nil
	}); err != nil {
		return err
	}
	defer r.changed(r.by.ID)
	for _, domain := range others {
		if err := r.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetDomainBlock(ctx, r.by.ID, domain, false) }); err != nil {
			return err
		}
	}
	r.i.Finished = r.Now().UnixMilli()
	return nil
}

// clearLists removes lists that the file does not have, and from the others whom it
// does not have there. Follows stay.
func (r *importing) clearLists(ctx context.Context) error {
	lists, err := r.DB.Lists(ctx, r.by.ID)
	if err != nil {
		return err
	}
	for _, l := range lists {
		has, err := r.DB.HasTargets(ctx, r.i.ID, l.ID)
		if err != nil {
			return err
		}
		if !has {
			if err := r.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropList(ctx, l.ID) }); err != nil {
				return err
			}
			continue
		}
		err = each(func(p store.Page) ([]store.Cursor, error) { return r.DB.ListMembers(ctx, l.ID, p) }, func(rows []store.Cursor, _ []int64) error {
			return r.removeOthers(ctx, l.ID, rows, r.write(func(tx *store.Tx, id int64) error { return tx.RemoveListMember(ctx, l.ID, id) }))
		})
		if err != nil {
			return err
		}
	}
	r.i.Finished = r.Now().UnixMilli()
	return nil
}
