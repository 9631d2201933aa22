package takeout

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Kind is a list that can be taken away, and mostly brought along.
type Kind struct {
	Name   string // In addresses and the database.
	File   string
	Title  string
	Header []string // First row; nil for none.
	Import bool
	write  func(s *Service, ctx context.Context, actor int64, row func(...string) error) error
}

// Kinds lists them; files and columns are those of Mastodon, except for the
// followers, which it has no file for.
var kinds = []Kind{
	{"following", "following_accounts.csv", "Accounts you follow", []string{"Account address", "Show boosts", "Notify on new posts", "Languages"}, true, (*Service).following},
	{"followers", "followers.csv", "Accounts that follow you", []string{"Account address"}, false, people((*store.Q).Followers)},
	{"blocks", "blocked_accounts.csv", "Accounts you block", nil, true, people((*store.Q).BlockedBy)},
	{"mutes", "muted_accounts.csv", "Accounts you mute", []string{"Account address", "Hide notifications"}, true, (*Service).mutes},
	{"domain_blocks", "blocked_domains.csv", "Domains you block", nil, true, (*Service).domains},
	{"lists", "lists.csv", "Lists", nil, true, (*Service).lists},
	{"bookmarks", "bookmarks.csv", "Bookmarks", nil, true, (*Service).bookmarks},
	{"likes", "likes.csv", "Favourites", nil, true, (*Service).likes},
}

// Lists returns every kind of list.
func Lists() []Kind { return kinds }

// KindOf returns a list by its name; NotFound when there is none.
func KindOf(name string) (*Kind, error) {
	for i := range kinds {
		if kinds[i].Name == name {
			return &kinds[i], nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no such list.")
}

// WriteList writes one of an account's lists as CSV.
func (s *Service) WriteList(ctx context.Context, w io.Writer, actor int64, kind *Kind) error {
	out := csv.NewWriter(w)
	if kind.Header != nil {
		if err := out.Write(kind.Header); err != nil {
			return err
		}
	}
	if err := kind.write(s, ctx, actor, func(fields ...string) error { return out.Write(fields) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// pageRows is how many rows are read at once.
const pageRows = 200

// each goes through all pages of a list.
func each(read func(store.Page) ([]store.Cursor, error), do func(page []store.Cursor, ids []int64) error) error {
	page := store.Page{Limit: pageRows}
	for {
		rows, err := read(page)
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		if err := do(rows, ids); err != nil {
			return err
		}
		if len(rows) < pageRows {
			return nil
		}
		page.Max = rows[len(rows)-1].At
	}
}

// people writes the accounts of a list.
func people(read func(*store.Q, context.Context, int64, store.Page) ([]store.Cursor, error)) func(*Service, context.Context, int64, func(...string) error) error {
	return func(s *Service, ctx context.Context, actor int64, row func(...string) error) error {
		return each(func(p store.Page) ([]store.Cursor, error) { return read(s.DB.Q, ctx, actor, p) }, func(_ []store.Cursor, ids []int64) error {
			return s.handles(ctx, ids, func(_ int64, handle string) error { return row(handle) })
		})
	}
}

// handles calls do with the handles of accounts, in their order.
func (s *Service) handles(ctx context.Context, ids []int64, do func(id int64, handle string) error) error {
	actors, err := s.DB.Actors(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if a := actors[id]; a != nil && a.Deleted == 0 {
			if err := do(id, s.handle(a)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) following(ctx context.Context, actor int64, row func(...string) error) error {
	return each(func(p store.Page) ([]store.Cursor, error) { return s.DB.Following(ctx, actor, p) }, func(_ []store.Cursor, ids []int64) error {
		relations, err := s.DB.Relations(ctx, actor, ids, s.Now().UnixMilli())
		if err != nil {
			return err
		}
		return s.handles(ctx, ids, func(id int64, handle string) error {
			r := relations[id]
			return row(handle, strconv.FormatBool(r.Boosts), strconv.FormatBool(r.Notify), commaSpaced(r.Languages))
		})
	})
}

func (s *Service) mutes(ctx context.Context, actor int64, row func(...string) error) error {
	now := s.Now().UnixMilli()
	return each(func(p store.Page) ([]store.Cursor, error) { return s.DB.MutedBy(ctx, actor, now, p) }, func(_ []store.Cursor, ids []int64) error {
		relations, err := s.DB.Relations(ctx, actor, ids, now)
		if err != nil {
			return err
		}
		return s.handles(ctx, ids, func(id int64, handle string) error {
			return row(handle, strconv.FormatBool(relations[id].MutingNotifies))
		})
	})
}

func (s *Service) domains(ctx context.Context, actor int64, row func(...string) error) error {
	page := store.Page{Limit: pageRows}
	for {
		all, err := s.DB.DomainBlocks(ctx, actor, page)
		if err != nil {
			return err
		}
		for _, d := range all {
			if err := row(d.Domain); err != nil {
				return err
			}
			page.Max = d.At
		}
		if len(all) < pageRows {
			return nil
		}
	}
}

func (s *Service) lists(ctx context.Context, actor int64, row func(...string) error) error {
	all, err := s.DB.Lists(ctx, actor)
	if err != nil {
		return err
	}
	for _, l := range all {
		err := each(func(p store.Page) ([]store.Cursor, error) { return s.DB.ListMembers(ctx, l.ID, p) }, func(_ []store.Cursor, ids []int64) error {
			return s.handles(ctx, ids, func(_ int64, handle string) error { return row(l.Title, handle) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) bookmarks(ctx context.Context, actor int64, row func(...string) error) error {
	return s.postURIs(ctx, func(p store.Page) ([]store.Cursor, error) { return s.DB.Bookmarks(ctx, actor, p) }, func(uri string) error { return row(uri) })
}

func (s *Service) likes(ctx context.Context, actor int64, row func(...string) error) error {
	return s.postURIs(ctx, func(p store.Page) ([]store.Cursor, error) { return s.DB.Favourites(ctx, actor, p) }, func(uri string) error { return row(uri) })
}

// postURIs calls do with the addresses of posts of a list.
func (s *Service) postURIs(ctx context.Context, read func(store.Page) ([]store.Cursor, error), do func(uri string) error) error {
	return each(read, func(_ []store.Cursor, ids []int64) error {
		uris, err := s.DB.ObjectURIs(ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if uri := uris[id]; uri != "" {
				if err := do(uri); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// WriteFailures writes the rows of an import that came to nothing, as they can be
// imported once more, with the reasons in a further column. An import of somebody
// else is NotFound.
func (s *Service) WriteFailures(ctx context.Context, w io.Writer, actor, id int64) error {
	i, err := s.DB.Import(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Actor != actor {
		return fault.New(fault.NotFound, "There is no such import.")
	} else if err != nil {
		return err
	}
	kind := &Kind{}
	if i.Kind != ArchiveKind {
		if kind, err = KindOf(i.Kind); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	for from := int64(-1 << 62); ; { // What is about no row has a number below 0.
		rows, err := s.DB.ImportFailures(ctx, id, from, pageRows)
		if err != nil {
			return err
		}
		for _, f := range rows {
			fields, err := fieldsOf(f.Entry)
			if err != nil {
				return err
			}
			for len(fields) < len(kind.Header) || len(fields) < columns[i.Kind] {
				fields = append(fields, "")
			}
			if err := out.Write(append(fields, f.Reason)); err != nil {
				return err
			}
			from = f.Number + 1
		}
		if len(rows) < pageRows {
			out.Flush()
			return out.Error()
		}
	}
}
