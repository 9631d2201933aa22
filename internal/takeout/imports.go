package takeout

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// MaxFile is how large the file of an import may be, in bytes.
const MaxFile = 2 << 20

// columns is how many columns a kind's file has at most.
var columns = map[string]int{"following": 4, "blocks": 1, "mutes": 2, "domain_blocks": 1, "lists": 2, "bookmarks": 1, "likes": 1}

// headings are the names of columns by which a first row is known as a header, and
// told the order of the others. Files of some programs begin them with a '#'.
var headings = map[string]int{"account address": 0, "show boosts": 1, "notify on new posts": 2, "languages": 3, "hide notifications": 1, "domain": 0, "uri": 0, "list name": 0}

// Read reads a file of that kind: its rows, in the order of our columns. The error
// is Invalid for what is no such file.
func Read(kind string, from io.Reader, maxRows int) ([][]string, error) {
	text, err := io.ReadAll(io.LimitReader(from, MaxFile+1))
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	switch {
	case len(text) > MaxFile:
		return nil, fault.New(fault.TooLarge, "The file is too large.")
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return nil, fault.New(fault.Invalid, "The file is no CSV in UTF-8.")
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.LazyQuotes, in.TrimLeadingSpace = -1, true, true
	var rows [][]string
	var order []int
	for first := true; ; first = false {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fault.Because(err, fault.Invalid, "The file is no CSV that can be read.")
		}
		if first {
			if order = header(fields); order != nil {
				continue
			}
		}
		if row := arranged(fields, order, columns[kind]); row != nil {
			rows = append(rows, row)
		}
		if len(rows) > maxRows {
			return nil, fault.New(fault.TooLarge, "The file has more than %d rows. Please split it.", maxRows)
		}
	}
	if len(rows) == 0 {
		return nil, fault.New(fault.Invalid, "There is nothing in the file.")
	}
	for _, row := range rows {
		if plausible(kind, row) {
			return rows, nil
		}
	}
	return nil, fault.New(fault.Invalid, "This does not look like a file of that kind.")
}

// header returns which of our columns each column of the file is, -1 for none of
// them; nil when the row is no header.
func header(fields []string) []int {
	order := make([]int, len(fields))
	known := false
	for i, f := range fields {
		at, ok := headings[strings.ToLower(strings.TrimPrefix(strings.TrimSpace(f), "#"))]
		if order[i] = at; !ok {
			order[i] = -1
		}
		known = known || ok
	}
	if !known {
		return nil
	}
	return order
}

// arranged puts a row's fields in our order; nil for an empty row.
func arranged(fields []string, order []int, n int) []string {
	row := make([]string, n)
	for i, f := range fields {
		at := i
		if order != nil && i < len(order) {
			at = order[i]
		}
		if at >= 0 && at < n && (order == nil || i < len(order)) {
			row[at] = strings.TrimSpace(f)
		}
	}
	if strings.Join(row, "") == "" {
		return nil
	}
	return row
}

// plausible tells whether a row may be of a kind.
func plausible(kind string, row []string) bool {
	switch kind {
	case "domain_blocks":
		return strings.Contains(row[0], ".") && !strings.ContainsAny(row[0], "@/ ")
	case "bookmarks", "likes":
		return isAddress(row[0])
	case "following":
		return isAddress(row[0]) || row[0] != "" && !strings.ContainsAny(row[0], "/ ")
	case "lists":
		return row[1] != "" && !strings.ContainsAny(row[1], "/ ")
	}
	return row[0] != "" && !strings.ContainsAny(row[0], "/ ")
}

func isAddress(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// Start begins an import. The error is Invalid or TooLarge for a file that will
// not do, and Conflict while one of the same kind runs.
func (s *Service) Start(ctx context.Context, actor int64, kind string, overwrite bool, file io.Reader) error {
	if columns[kind] == 0 {
		return fault.New(fault.Invalid, "Please choose what the file holds.")
	}
	rows, err := Read(kind, file, s.MaxRows)
	if err != nil {
		return err
	}
	return s.startRows(ctx, actor, kind, overwrite, rows)
}

// startRows is Start for rows that were read.
func (s *Service) startRows(ctx context.Context, actor int64, kind string, overwrite bool, rows [][]string) error {
	var entries strings.Builder
	for _, row := range rows {
		b, err := json.Marshal(row)
		if err != nil {
			return err
		}
		entries.Write(b)
		entries.WriteByte('\n')
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := tx.Imports(ctx, actor)
		if err != nil {
			return err
		}
		for _, one := range have {
			if one.Kind == kind && one.Finished == 0 {
				return fault.New(fault.Conflict, "An import of this kind is running. Please wait for its end, or stop it.")
			}
		}
		if len(have) >= maxImports {
			return fault.New(fault.TooMany, "There were many imports lately. Please try again in some days.")
		}
		i := &store.Import{ID: tx.NewID(), Actor: actor, Kind: kind, Overwrite: overwrite, Entries: entries.String(), Total: int64(len(rows))}
		if err := tx.InsertImport(ctx, i); err != nil {
			return err
		}
		return s.goOn(ctx, tx, i.ID, 0)
	})
}

// maxImports is how many imports an account may have in the time that they are kept.
const maxImports = 20

// Stop ends an import that runs. What it has done stays.
func (s *Service) Stop(ctx context.Context, actor, id int64) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		i, err := tx.Import(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && i.Actor != actor {
			return fault.New(fault.NotFound, "There is no such import.")
		} else if err != nil || i.Finished != 0 {
			return err
		}
		return s.finish(ctx, tx, i)
	})
}

// finish ends an import, and has what was noted for it dropped later.
func (s *Service) finish(ctx context.Context, tx *store.Tx, i *store.Import) error {
	i.Finished = s.Now().UnixMilli()
	if err := tx.SaveImport(ctx, i); err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: "import-drop", Uniq: uniq("import-drop", i.ID), RunAt: s.Now().Add(s.Keep).UnixMilli(), Payload: encode(importOrder{ID: i.ID})})
}

// The pace of an import: other servers are asked for people, and told of follows.
const (
	rowsPerRun = 20
	pause      = 5 * time.Second // Between runs.
	runTime    = 15 * time.Second
	askTime    = 8 * time.Second // For one unknown account or post.
)

func (s *Service) goOn(ctx context.Context, tx *store.Tx, id int64, wait time.Duration) error {
	return tx.Enqueue(ctx, store.Job{Kind: "import", Uniq: uniq("import", id), RunAt: s.Now().Add(wait).UnixMilli(), Payload: encode(importOrder{ID: id})})
}

// importJob does the next rows of an import, each in a transaction with the note
// of how far it has come, and asks for another run.
func (s *Service) importJob(ctx context.Context, j store.Job) error {
	ctx = pipeline.AsImport(ctx)
	var d importOrder
	if err := decode(j, &d); err != nil {
		return err
	}
	i, err := s.DB.Import(ctx, d.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Finished != 0 {
		return nil
	} else if err != nil {
		return err
	}
	by, err := s.DB.Actor(ctx, i.Actor)
	if err != nil {
		return err
	}
	if by.Deleted != 0 {
		return s.DB.Write(ctx, func(tx *store.Tx) error { return s.finish(ctx, tx, i) })
	}
	run := &importing{Service: s, i: i, by: by, dead: map[string]bool{}}
	if i.Done < i.Total {
		err = run.rows(ctx)
	} else {
		err = run.clear(ctx)
	}
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if i.Finished != 0 {
			return s.finish(ctx, tx, i)
		}
		return s.goOn(ctx, tx, i.ID, pause)
	})
}

// importing is one run of an import.
type importing struct {
	*Service
	i    *store.Import
	by   *store.Actor
	dead map[string]bool // Hosts that did not answer in this run.
}

// rows does the next rows.
func (r *importing) rows(ctx context.Context) error {
	end := time.Now().Add(runTime)
	lines := strings.Split(strings.TrimSuffix(r.i.Entries, "\n"), "\n")
	for n := 0; n < rowsPerRun && r.i.Done < r.i.Total && time.Now().Before(end); n++ {
		line := lines[r.i.Done]
		fields, err := fieldsOf(line)
		if err != nil {
			return err
		}
		part, target, err := r.row(ctx, fields)
		if ctx.Err() != nil {
			return ctx.Err() // The same row again, next time.
		}
		reason, err := r.reason(err)
		if err != nil {
			return err
		}
		if err := r.note(ctx, line, part, target, reason); err != nil {
			return err
		}
	}
	if r.i.Done == r.i.Total && !r.i.Overwrite {
		r.i.Finished = r.Now().UnixMilli()
	}
	return nil
}

func fieldsOf(line string) (fields []string, err error) {
	err = json.Unmarshal([]byte(line), &fields)
	return fields, err
}

// note writes what has become of a row.
func (r *importing) note(ctx context.Context, line string, part, target int64, reason string) error {
	next := *r.i
	next.Done++
	if reason != "" {
		next.Failed++
	}
	err := r.DB.Write(ctx, func(tx *store.Tx) error {
		if reason != "" {
			if err := tx.AddImportFailure(ctx, r.i.ID, store.ImportFailure{Number: r.i.Done, Entry: line, Reason: reason}); err != nil {
				return err
			}
		} else if r.i.Overwrite {
			if err := tx.KeepTarget(ctx, r.i.ID, part, target); err != nil {
				return err
			}
		}
		return tx.SaveImport(ctx, &next)
	})
	if err == nil {
		*r.i = next
	}
	return err
}

// reason is what a person is told of a row that came to nothing; errors of ours
// have the whole run repeated.
func (r *importing) reason(err error) (string, error) {
	if err == nil {
		return "", nil
	}
	if fault.KindOf(err) == fault.Internal {
		if errors.Is(err, store.ErrNotFound) {
			return "There is no such account or post.", nil
		}
		return "", err
	}
	_, text := fault.Public(err)
	return text, nil
}

// row does one row, and returns what it turned out to be.
func (r *importing) row(ctx context.Context, fields []string) (part, target int64, err error) {
	if !plausible(r.i.Kind, fields) {
		return 0, 0, fault.New(fault.Invalid, "This row can't be read.")
	}
	switch r.i.Kind {
	case "domain_blocks":
		return 0, 0, r.blockDomain(ctx, strings.ToLower(fields[0]))
	case "bookmarks":
		target, err = r.bookmark(ctx, vocab.IRI(fields[0]))
		return 0, target, err
	case "likes":
		if target, err = r.postAt(ctx, vocab.IRI(fields[0])); err == nil {
			err = r.Pipeline.FavouriteQuietly(ctx, r.by, target)
		}
		return 0, target, err
	case "lists":
		return r.listed(ctx, fields[0], fields[1])
	}
	who, err := r.find(ctx, fields[0])
	if err != nil {
		return 0, 0, err
	}
	switch r.i.Kind {
	case "following":
		err = r.follow(ctx, who, fields)
	case "blocks":
		err = r.Pipeline.Block(ctx, r.by, who)
	case "mutes":
		err = r.mute(ctx, who, fields[1])
	}
	return 0, who.ID, err
}

// find returns an account, asking its server for it when it isn't known. A server
// that did not answer is not asked again in the same run.
func (r *importing) find(ctx context.Context, handle string) (*store.Actor, error) {
	handle = strings.TrimPrefix(handle, "@")
	_, host, _ := strings.Cut(strings.ToLower(handle), "@")
	if isAddress(handle) {
		host = vocab.HostOf(handle)
	}
	if r.dead[host] {
		return nil, errSilent
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	resolve := r.Pipeline.Resolve
	if isAddress(handle) {
		resolve = func(ctx context.Context, uri string) (*store.Actor, error) {
			return r.Pipeline.FetchActor(ctx, vocab.IRI(uri))
		}
	}
	who, err := resolve(ctx, handle)
	if err != nil && host != "" && (ctx.Err() != nil || fault.Is(err, fault.Transient)) {
		r.dead[host] = true
		return nil, fault.Because(err, fault.NotFound, "The server %s does not answer.", host)
	}
	if err == nil && who.Deleted != 0 {
		err = fault.New(fault.Gone, "This account was deleted.")
	}
	return who, err
}

var errSilent = fault.New(fault.NotFound, "The server does not answer.")

func (r *importing) follow(ctx context.Context, who *store.Actor, fields []string) error {
	if err := r.Pipeline.Follow(ctx, r.by, who); err != nil {
		return err
	}
	f := store.FollowSettings{Actor: r.by.ID, Target: who.ID, Boosts: !no(fields[1]), Notify: yes(fields[2]), Languages: commaJoined(fields[3])}
	if f.Boosts && !f.Notify && f.Languages == "" {
		return nil
	}
	return r.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetFollowSettings(ctx, f) })
}

func yes(text string) bool { return strings.EqualFold(text, "true") || text == "1" }
func no(text string) bool  { return strings.EqualFold(text, "false") || text == "0" }

// maxLanguages bounds the languages of one follow.
const maxLanguages = 30

// commaJoined reads languages as a file has them: "en, de".
func commaJoined(text string) string {
	var all []string
	for _, l := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		if l = strings.ToLower(l); len(l) >= 2 && len(l) <= 8 && len(all) < maxLanguages {
			all = append(all, l)
		}
	}
	return strings.Join(all, ",")
}

// commaSpaced writes them.
func commaSpaced(languages string) string { return strings.ReplaceAll(languages, ",", ", ") }

func (r *importing) mute(ctx context.Context, who *store.Actor, hide string) error {
	if who.ID == r.by.ID {
		return fault.New(fault.Invalid, "You can't mute yourself.")
	}
	defer r.changed(r.by.ID)
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.SetMute(ctx, store.Mute{Actor: r.by.ID, Target: who.ID, Notifications: !no(hide)})
	})
}

func (r *importing) blockDomain(ctx context.Context, domain string) error {
	if domain == r.Domain || len(domain) > 253 {
		return fault.New(fault.Invalid, "This domain can't be blocked.")
	}
	if err := r.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetDomainBlock(ctx, r.by.ID, domain, true) }); err != nil {
		return err
	}
	r.changed(r.by.ID)
	return r.Pipeline.LeaveDomain(ctx, r.by, domain)
}

// bookmark bookmarks a post, which is fetched when it isn't known.
func (r *importing) bookmark(ctx context.Context, uri vocab.IRI) (int64, error) {
	id, err := r.postAt(ctx, uri)
	if err != nil {
		return 0, err
	}
	return id, r.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetBookmark(ctx, r.by.ID, id, true) })
}

// postAt finds a post that the person may see by its address, or by the one that it had
// before it was brought along; it is fetched when it isn't known.
func (r *importing) postAt(ctx context.Context, uri vocab.IRI) (int64, error) {
	id := int64(0)
	o, err := r.DB.ByOrigin(ctx, uri, r.by.ID)
	if errors.Is(err, store.ErrNotFound) {
		o, err = r.DB.ObjectByURI(ctx, uri)
	}
	switch {
	case err == nil && o.Deleted == 0:
		id = o.ID
	case err == nil:
		return 0, fault.New(fault.Gone, "This post was deleted.")
	case !errors.Is(err, store.ErrNotFound):
		return 0, err
	case r.dead[uri.Host()]:
		return 0, errSilent
	default:
		ask, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		if id, err = r.Pipeline.FetchObject(ask, uri); err != nil {
			if ask.Err() != nil || fault.Is(err, fault.Transient) {
				r.dead[uri.Host()] = true
				return 0, fault.Because(err, fault.NotFound, "The server %s does not answer.", uri.Host())
			}
			return 0, err
		}
	}
	st, err := r.DB.Status(ctx, id)
	if err != nil {
		return 0, err
	}
	visible, err := r.DB.Visible(ctx, st, r.by)
	if err == nil && !visible {
		err = fault.New(fault.NotFound, "There is no such post.")
	}
	return id, err
}

// Bounds of lists: a title's characters, and how many an account may have.
const (
	maxTitle = 255
	maxLists = 200
)

// listed puts an account into a list, which is made when there is none of that
// name. Who is in a list is followed.
func (r *importing) listed(ctx context.Context, title, handle string) (list, target int64, err error) {
	if title == "" || utf8.RuneCountInString(title) > maxTitle {
		return 0, 0, fault.New(fault.Invalid, "This row can't be read.")
	}
	who, err := r.find(ctx, handle)
	if err != nil {
		return 0, 0, err
	}
	if who.ID != r.by.ID {
		if err := r.Pipeline.Follow(ctx, r.by, who); err != nil {
			return 0, 0, err
		}
	}
	err = r.DB.Write(ctx, func(tx *store.Tx) error {
		lists, err := tx.Lists(ctx, r.by.ID)
		if err != nil {
			return err
		}
		list = 0
		for _, l := range lists {
			if l.Title == title {
				list = l.ID
			}
		}
		if list == 0 {
			if len(lists) >= maxLists {
				return fault.New(fault.Invalid, "You have too many lists.")
			}
			l := &store.List{Owner: r.by.ID, Title: title, Replies: "list"}
			if err := tx.SaveList(ctx, l); err != nil {
				return err
			}
			list = l.ID
		}
		_, err = tx.AddListMember(ctx, list, who.ID)
		return err
	})
	return list, who.ID, err
}

// dropImportJob removes what was noted for an import that ended long ago.
func (s *Service) dropImportJob(ctx context.Context, j store.Job) error {
	var d importOrder
	if err := decode(j, &d); err != nil {
		return err
	}
	for more := true; more; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.ForgetImport(ctx, d.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// importOrder is the payload of jobs that run an import, or drop it.
type importOrder struct {
	ID int64 `json:"id"`
}
