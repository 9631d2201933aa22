package store

import (
	"context"
	"fmt"
)

// Archive is a file with what an account has written.
type Archive struct {
	ID, Actor int64
	Finished  int64 // ms, 0 while it is put together
	File      string
	Size      int64
}

const archiveColumns = "id, actor, finished, file, size"

func (a *Archive) scan() []any { return []any{&a.ID, &a.Actor, &a.Finished, &a.File, &a.Size} }

// Archives returns an account's archives, the newest first, at most 20.
func (q *Q) Archives(ctx context.Context, actor int64) ([]Archive, error) {
	rows, err := q.query(ctx, "SELECT "+archiveColumns+" FROM archives WHERE actor = $1 ORDER BY id DESC LIMIT 20", actor)
	all, err := collect(rows, err, (*Archive).scan)
	return all, wrapped(err, "archives of %d", actor)
}

// Archive returns one; ErrNotFound when there is no such.
func (q *Q) Archive(ctx context.Context, id int64) (*Archive, error) {
	var a Archive
	if err := q.row(ctx, "SELECT "+archiveColumns+" FROM archives WHERE id = $1", id).Scan(a.scan()...); err != nil {
		return nil, fmt.Errorf("archive %d: %w", id, err)
	}
	return &a, nil
}

// SaveArchive writes an archive's row.
func (tx *Tx) SaveArchive(ctx context.Context, a *Archive) error {
	_, err := tx.exec(ctx, "INSERT INTO archives ("+archiveColumns+") VALUES ($1,$2,$3,$4,$5) ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, file = excluded.file, size = excluded.size",
		a.ID, a.Actor, a.Finished, a.File, a.Size)
	return wrapped(err, "archive %d", a.ID)
}

// DropArchive is the payload of DropArchiveJob.
type DropArchive struct {
	ID   int64  `json:"id"`
	File string `json:"file,omitempty"`
}

// DropArchiveJob is the job that deletes an archive's file, not before at (ms).
func DropArchiveJob(a *Archive, at int64) Job {
	return Job{Kind: "archive-drop", Uniq: fmt.Sprintf("archive-drop %d", a.ID), RunAt: at, Payload: []byte(toJSON(DropArchive{a.ID, a.File}))}
}

// DropArchives has the files of an account's archives deleted now.
func (tx *Tx) DropArchives(ctx context.Context, actor int64) error {
	all, err := tx.Archives(ctx, actor)
	if err != nil {
		return err
	}
	var jobs []Job
	for i := range all {
		if all[i].File != "" {
			jobs = append(jobs, DropArchiveJob(&all[i], 0))
		}
	}
	return tx.EnqueueAll(ctx, jobs)
}

// DropArchive deletes an archive's row.
func (tx *Tx) DropArchive(ctx context.Context, id int64) error {
	_, err := tx.exec(ctx, "DELETE FROM archives WHERE id = $1", id)
	return wrapped(err, "archive %d", id)
}

// OwnPosts returns everything that an account has posted and boosted, whoever may
// see it, after an id and in the order of ids.
func (q *Q) OwnPosts(ctx context.Context, actor, after int64, limit int) ([]OutboxRow, error) {
	rows, err := q.query(ctx, `SELECT s.id, s.boost_of <> 0, a.doc FROM statuses s JOIN activities a ON a.seq = s.seq
		WHERE s.actor = $1 AND s.id > $2 ORDER BY s.id LIMIT $3`, actor, after, limit)
	all, err := collect(rows, err, func(r *OutboxRow) []any { return []any{&r.Status, &r.Boost, &r.Activity} })
	return all, wrapped(err, "posts of %d", actor)
}

// ObjectURIs returns the addresses of objects; unknown ones are left out.
func (q *Q) ObjectURIs(ctx context.Context, ids []int64) (map[int64]string, error) {
	found := make(map[int64]string, len(ids))
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT id, uri FROM objects WHERE id IN ("+list+") AND deleted = 0", args...)
		all, err := collect(rows, err, func(n *idText) []any { return []any{&n.id, &n.text} })
		if err != nil {
			return nil, fmt.Errorf("addresses of objects: %w", err)
		}
		for _, n := range all {
			found[n.id] = n.text
		}
	}
	return found, nil
}

type idText struct {
	id   int64
	text string
}

// Import is a list that somebody brought along, and how far it has come.
type Import struct {
	ID, Actor int64
	Kind      string
	Overwrite bool
	Entries   string // Rows as JSON arrays, one a line.
	Total     int64
	Done      int64
	Failed    int64
	Cleared   int64
	Finished  int64 // ms
}

const importColumns = "id, actor, kind, overwrite, entries, total, done, failed, cleared, finished"

func (i *Import) scan() []any {
	return []any{&i.ID, &i.Actor, &i.Kind, &i.Overwrite, &i.Entries, &i.Total, &i.Done, &i.Failed, &i.Cleared, &i.Finished}
}

// Imports returns an account's imports, the newest first, at most 20. They come
// without their rows.
func (q *Q) Imports(ctx context.Context, actor int64) ([]Import, error) {
	rows, err := q.query(ctx, "SELECT id, actor, kind, overwrite, '', total, done, failed, cleared, finished FROM imports WHERE actor = $1 ORDER BY id DESC LIMIT 20", actor)
	all, err := collect(rows, err, (*Import).scan)
	return all, wrapped(err, "imports of %d", actor)
}

// Import returns one; ErrNotFound when there is no such.
func (q *Q) Import(ctx context.Context, id int64) (*Import, error) {
	var i Import
	if err := q.row(ctx, "SELECT "+importColumns+" FROM imports WHERE id = $1", id).Scan(i.scan()...); err != nil {
		return nil, fmt.Errorf("import %d: %w", id, err)
	}
	return &i, nil
}

// InsertImport keeps a list that is to be imported.
func (tx *Tx) InsertImport(ctx context.Context, i *Import) error {
	_, err := tx.exec(ctx, "INSERT INTO imports ("+importColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
		i.ID, i.Actor, i.Kind, i.Overwrite, i.Entries, i.Total, i.Done, i.Failed, i.Cleared, i.Finished)
	return wrapped(err, "import %d", i.ID)
}

// SaveImport writes how far an import has come, unless it has ended meanwhile. At
// its end the rows go.
func (tx *Tx) SaveImport(ctx context.Context, i *Import) error {
	_, err := tx.exec(ctx, `UPDATE imports SET done = $2, failed = $3, cleared = $4, finished = CAST($5 AS BIGINT), entries = CASE WHEN CAST($5 AS BIGINT) = 0 THEN entries ELSE '' END
		WHERE id = $1 AND finished = 0`, i.ID, i.Done, i.Failed, i.Cleared, i.Finished)
	return wrapped(err, "import %d", i.ID)
}

// SetImportTotal notes how much an import has to do.
func (tx *Tx) SetImportTotal(ctx context.Context, id, total int64) error {
	_, err := tx.exec(ctx, "UPDATE imports SET total = $2 WHERE id = $1", id, total)
	return wrapped(err, "import %d", id)
}

// KeepTarget notes what a row of an import turned out to be.
func (tx *Tx) KeepTarget(ctx context.Context, id, part, target int64) error {
	_, err := tx.exec(ctx, "INSERT INTO import_targets (import, part, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, part, target)
	return wrapped(err, "import %d", id)
}

// KeptTargets returns which of these an import has.
func (q *Q) KeptTargets(ctx context.Context, id, part int64, targets []int64) (map[int64]bool, error) {
	found := map[int64]bool{}
	for chunk := range chunks(targets) {
		list, args := in(3, chunk)
		ids, err := q.ids(ctx, "SELECT target FROM import_targets WHERE import = $1 AND part = $2 AND target IN ("+list+")", append([]any{id, part}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("import %d: %w", id, err)
		}
		for _, one := range ids {
			found[one] = true
		}
	}
	return found, nil
}

// HasTargets tells whether an import has anything in a part.
func (q *Q) HasTargets(ctx context.Context, id, part int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM import_targets WHERE import = $1 AND part = $2 LIMIT 1", id, part)
}

// ImportFailure is a row of an import that came to nothing.
type ImportFailure struct {
	Number int64
	Entry  string // JSON array
	Reason string
}

// AddImportFailure notes one.
func (tx *Tx) AddImportFailure(ctx context.Context, id int64, f ImportFailure) error {
	_, err := tx.exec(ctx, "INSERT INTO import_failures (import, number, entry, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", id, f.Number, f.Entry, f.Reason)
	return wrapped(err, "import %d", id)
}

// ImportFailures returns up to limit failures of an import from a row's number on.
func (q *Q) ImportFailures(ctx context.Context, id, from int64, limit int) ([]ImportFailure, error) {
	rows, err := q.query(ctx, "SELECT number, entry, reason FROM import_failures WHERE import = $1 AND number >= $2 ORDER BY number LIMIT $3", id, from, limit)
	all, err := collect(rows, err, func(f *ImportFailure) []any { return []any{&f.Number, &f.Entry, &f.Reason} })
	return all, wrapped(err, "failures of import %d", id)
}

// ForgetImport drops what was noted while an import ran, a piece at a time, and in
// the end its row; it tells whether there is more.
func (tx *Tx) ForgetImport(ctx context.Context, id int64) (more bool, err error) {
	for _, text := range []string{
		"DELETE FROM import_targets WHERE import = $1 AND target IN (SELECT target FROM import_targets WHERE import = $1 LIMIT $2)",
		"DELETE FROM import_failures WHERE import = $1 AND number IN (SELECT number FROM import_failures WHERE import = $1 LIMIT $2)",
	} {
		n, err := tx.exec(ctx, text, id, forgotten)
		if err != nil || n >= forgotten {
			return true, wrapped(err, "import %d", id)
		}
	}
	_, err = tx.exec(ctx, "DELETE FROM imports WHERE id = $1", id)
	return false, wrapped(err, "import %d", id)
}
