package takeout

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kenoma/internal/archives"
	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// The import of a whole archive is a job in stages: unpack it into a folder, take the
// profile, the posts one after the other, and leave the lists to imports of their own.
// What it has done stays when it is stopped, and a run that breaks off is taken up at
// the same post. The folder lies in the data folder of the node that took the file.

// ArchiveKind is the kind of the imports that are archives.
const ArchiveKind = "archive"

// BringJob is the kind of the jobs that bring an archive in.
const BringJob = "bring"

// Bring says what is taken of an archive.
type Bring struct {
	Profile bool // Name, text, fields, pictures, and the old address as an alias.
	Posts   bool
	Private bool   // Followers-only posts too.
	Direct  bool   // Direct messages too; nobody but their author sees them.
	Fetch   bool   // Files that are not in the archive are fetched from the old server.
	Lists   bool   // Follows, lists, blocks, mutes, bookmarks.
	Likes   bool   // Favourites, of which nobody is told.
	Old     string // The old account, like ann@example.org, where the archive does not name it.
}

// bringJob is the payload, and how far it has come.
type bringOrder struct {
	ID     int64 `json:"id"`
	Stage  int   `json:"stage,omitempty"`
	Offset int64 `json:"offset,omitempty"` // Into the file of posts.
}

// The stages.
const (
	stageUnpack = iota
	stageProfile
	stagePosts
	stageLists
)

// MayBring tells whether an account may bring an archive now: Denied where nobody may,
// Conflict while one is at work, TooMany after the most.
func (s *Service) MayBring(ctx context.Context, q *store.Q, actor int64) error {
	if s.Archives == 0 {
		return fault.New(fault.Denied, "This server takes no archives.")
	}
	have, err := q.Imports(ctx, actor)
	if err != nil {
		return err
	}
	n := 0
	for _, one := range have {
		if one.Kind == ArchiveKind {
			if n++; one.Finished == 0 {
				return fault.New(fault.Conflict, "An archive is being imported. Please wait for its end, or stop it.")
			}
		}
	}
	if n >= s.Archives || len(have) >= maxImports {
		return fault.New(fault.TooMany, "You have imported %d archives lately. Please try again in some days.", n)
	}
	return nil
}

// StartArchive begins the import of an archive, whose file it reads first.
func (s *Service) StartArchive(ctx context.Context, actor int64, what Bring, file io.Reader) (err error) {
	if err := s.MayBring(ctx, s.DB.Q, actor); err != nil {
		return err
	}
	if !s.takeUpload(actor) {
		return fault.New(fault.Conflict, "An archive is being uploaded. Please wait for its end.")
	}
	defer s.endUpload(actor)
	id := s.DB.IDs.Next()
	if err := os.MkdirAll(s.brought(id), 0o700); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.brought(id)))
		}
	}()
	f, err := os.OpenFile(s.upload(id), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(file, s.ArchiveBytes+1))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	switch {
	case n > s.ArchiveBytes:
		return fault.New(fault.TooLarge, "The archive is larger than %d MB.", s.ArchiveBytes>>20)
	case n == 0:
		return fault.New(fault.Invalid, "Please choose a file.")
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.MayBring(ctx, tx.Q, actor); err != nil {
			return err
		}
		if err := tx.InsertImport(ctx, &store.Import{ID: id, Actor: actor, Kind: ArchiveKind, Entries: string(encode(what))}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: BringJob, Uniq: uniq(BringJob, id), Payload: encode(bringOrder{ID: id})})
	})
}

// takeUpload lets an account upload one archive at a time: each may fill much of the
// disk before it is an import.
func (s *Service) takeUpload(actor int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploading[actor] {
		return false
	}
	s.uploading[actor] = true
	return true
}

func (s *Service) endUpload(actor int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploading, actor)
}

// brought is the folder of an import.
func (s *Service) brought(id int64) string { return filepath.Join(s.Dir, fmt.Sprintf("import-%d", id)) }

func (s *Service) upload(id int64) string { return filepath.Join(s.brought(id), "upload") }

func (s *Service) unpacked(id int64) string { return filepath.Join(s.brought(id), "files") }

// bringing is one run of the import of an archive.
type bringing struct {
	*importing
	job  store.Job
	at   bringOrder
	what Bring
	c    *archives.Contents
	own  archives.Owner
}

func (s *Service) bringJob(ctx context.Context, job store.Job) error {
	b := &bringing{job: job}
	if err := decode(job, &b.at); err != nil {
		return err
	}
	i, err := s.DB.Import(ctx, b.at.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Finished != 0 {
		return os.RemoveAll(s.brought(b.at.ID))
	} else if err != nil {
		return err
	}
	by, err := s.DB.Actor(ctx, i.Actor)
	if err != nil {
		return err
	}
	b.importing = &importing{Service: s, i: i, by: by, dead: map[string]bool{}}
	if by.Hidden() {
		return b.end(ctx)
	}
	if err := json.Unmarshal([]byte(i.Entries), &b.what); err != nil {
		return fmt.Errorf("import %d: %w", i.ID, err)
	}
	if b.at.Stage == stageUnpack {
		return b.unpack(ctx)
	}
	if b.c, err = archives.Load(s.unpacked(i.ID)); err != nil {
		return b.fails(ctx, fault.Because(err, fault.Invalid, "The archive was lost. Please import it again."))
	}
	b.own = b.c.OwnerOf()
	if _, host, ok := strings.Cut(strings.TrimPrefix(b.what.Old, "@"), "@"); ok && b.own.Host == "" {
		b.own.Host = vocab.NormalHost(host)
	}
	switch b.at.Stage {
	case stageProfile:
		return b.profile(ctx)
	case stagePosts:
		return b.posts(ctx)
	}
	return b.lists(ctx)
}

// next goes on to a stage, in another run.
func (b *bringing) next(ctx context.Context, stage int) error {
	b.at.Stage = stage
	return b.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, b.job.ID, encode(b.at), true) })
}

// end finishes the import and drops its folder.
func (b *bringing) end(ctx context.Context) error {
	if err := b.DB.Write(ctx, func(tx *store.Tx) error { return b.finish(ctx, tx, b.i) }); err != nil {
		return err
	}
	return os.RemoveAll(b.brought(b.i.ID))
}

// fails ends the import with one reason.
func (b *bringing) fails(ctx context.Context, cause error) error {
	if err := b.problem(ctx, b.i.Done, "", cause); err != nil {
		return err
	}
	return b.end(ctx)
}

// problem notes what could not be taken over; numbers tell notes apart.
func (b *bringing) problem(ctx context.Context, number int64, name string, cause error) error {
	reason, err := b.reason(cause)
	if err != nil {
		return err
	}
	b.i.Failed++
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddImportFailure(ctx, b.i.ID, store.ImportFailure{Number: number, Entry: string(encode([]string{name})), Reason: reason}); err != nil {
			return err
		}
		return tx.SaveImport(ctx, b.i)
	})
}

// unpack reads the archive beside the queue, which lets no job run for long.
func (b *bringing) unpack(ctx context.Context) error {
	id := b.i.ID
	err := b.beside(ctx, id, func(ctx context.Context) error {
		c, err := archives.Unpack(ctx, b.upload(id), b.unpacked(id), archives.Limits{Bytes: 4 * b.ArchiveBytes, Posts: b.MaxPosts, Rows: b.MaxRows})
		if err != nil {
			return err
		}
		total := int64(c.Posts)
		if !b.what.Posts {
			total = 0
		}
		return b.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetImportTotal(ctx, id, total) })
	})
	switch {
	case errors.Is(err, errGoesOn):
		return b.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, b.job.ID, encode(b.at), true) })
	case err != nil && ctx.Err() == nil && fault.KindOf(err) != fault.Internal:
		return b.fails(ctx, err)
	case err != nil:
		return err
	}
	if err := os.Remove(b.upload(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return b.next(ctx, stageProfile)
}

var errGoesOn = errors.New("the work goes on")

// beside begins work in this process, or watches what goes on, for a while.
func (s *Service) beside(ctx context.Context, id int64, work func(context.Context) error) error {
	s.mu.Lock()
	p := s.packing[id]
	if p == nil {
		p = &packing{done: make(chan struct{})}
		s.packing[id] = p
		s.workers.Go(func() {
			p.err = work(s.ctx)
			close(p.done)
		})
	}
	s.mu.Unlock()
	select {
	case <-p.done:
		s.mu.Lock()
		delete(s.packing, id)
		s.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(hold):
		return errGoesOn
	}
}

// profile takes over how the person presents itself.
func (b *bringing) profile(ctx context.Context) error {
	if b.what.Profile && b.c.Actor != nil {
		if err := b.takeProfile(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := b.problem(ctx, -1, "profile", err); err != nil {
				return err
			}
		}
	}
	return b.next(ctx, stagePosts)
}

// Bounds of a profile, as the API has them at most.
const (
	maxFields = 10
	maxText   = 2000
)

func (b *bringing) takeProfile(ctx context.Context) error {
	a, err := b.c.Profile()
	if err != nil {
		return err
	}
	avatar, header := b.c.Pictures()
	icon := b.picture(ctx, avatar, media.Avatar)
	image := b.picture(ctx, header, media.Header)
	source := store.Source{Note: cut(markup.PlainText(a.Summary), maxText), Fields: []store.SourceField{}}
	var fields []vocab.Field
	for _, f := range a.Fields[:min(len(a.Fields), maxFields)] {
		fields = append(fields, vocab.Field{Name: cut(markup.PlainText(f.Name), 255), Value: markup.Sanitize(cut(f.Value, maxText))})
		source.Fields = append(source.Fields, store.SourceField{Name: cut(markup.PlainText(f.Name), 255), Value: cut(markup.PlainText(f.Value), maxText)})
	}
	err = b.DB.Write(ctx, func(tx *store.Tx) error {
		account, err := tx.Account(ctx, b.by.ID)
		if err != nil {
			return err
		}
		account.Source = source
		return tx.UpdateAccount(ctx, account)
	})
	if err != nil {
		return err
	}
	return b.Pipeline.EditProfile(ctx, b.by, func(now *vocab.Actor) {
		now.Name, now.Summary, now.Fields = cut(markup.PlainText(a.Name), 255), markup.Sanitize(cut(a.Summary, 4*maxText)), fields
		now.Locked, now.Discoverable, now.Indexable = a.Locked, a.Discoverable, a.Indexable
		if icon != "" {
			now.Icon = icon
		}
		if image != "" {
			now.Image = image
		}
		for _, alias := range append([]vocab.IRI{a.ID}, a.AlsoKnownAs...) {
			now.AlsoKnownAs = withAlias(now, alias)
		}
	})
}

// withAlias adds an address of the person's to its aliases.
func withAlias(a *vocab.Actor, alias vocab.IRI) []vocab.IRI {
	if alias == a.ID || alias.Valid() != nil || len(a.AlsoKnownAs) >= 20 {
		return a.AlsoKnownAs
	}
	for _, one := range a.AlsoKnownAs {
		if one == alias {
			return a.AlsoKnownAs
		}
	}
	return append(append([]vocab.IRI(nil), a.AlsoKnownAs...), alias)
}

// picture makes a picture of the profile ours; "" when there is none that will do.
func (b *bringing) picture(ctx context.Context, name string, purpose media.Purpose) vocab.IRI {
	if name == "" || b.Uploads == nil {
		return ""
	}
	f, err := b.c.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	res, err := b.Uploads.Processor.Process(ctx, f, media.Options{Purpose: purpose})
	if err != nil {
		return ""
	}
	defer res.Close()
	u := &store.Upload{ID: b.DB.IDs.Next(), Owner: b.by.ID, Created: b.Now().UnixMilli()}
	if res.Kind != media.Image || b.Uploads.Keep(ctx, u, res) != nil || b.DB.Write(ctx, func(tx *store.Tx) error { return tx.InsertUpload(ctx, u) }) != nil {
		return ""
	}
	return b.address(u.File)
}

func (s *Service) address(key string) vocab.IRI { return vocab.IRI(s.URL + pipeline.MediaPath + key) }

// cut shortens a text to n bytes at a whole character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// postsPerRun is how many posts one run takes at most, so that others come to theirs.
const postsPerRun = 500

// posts takes the next posts.
func (b *bringing) posts(ctx context.Context) error {
	if !b.what.Posts || b.c.Posts == 0 {
		return b.next(ctx, stageLists)
	}
	f, err := os.Open(b.c.PostsFile())
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(b.at.Offset, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(f, 64<<10)
	end := time.Now().Add(runTime)
	for n := 0; n < postsPerRun && time.Now().Before(end); n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return b.next(ctx, stageLists)
		} else if err != nil {
			return err
		}
		cause := b.post(ctx, bytes.TrimSpace(line))
		if ctx.Err() != nil {
			return ctx.Err() // The same post again, next time.
		}
		if err := b.done(ctx, line, cause); err != nil {
			return err
		}
		if b.i.Finished != 0 {
			return os.RemoveAll(b.brought(b.i.ID)) // Stopped.
		}
	}
	return b.next(ctx, stagePosts)
}

// done notes what has become of a post, with how far the import has come.
func (b *bringing) done(ctx context.Context, line []byte, cause error) error {
	reason, err := b.reason(cause)
	if err != nil {
		return err
	}
	at, next := b.at, *b.i
	at.Offset += int64(len(line))
	next.Done++
	if reason != "" {
		next.Failed++
	}
	err = b.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Import(ctx, b.i.ID)
		if err != nil {
			return err
		}
		if next.Finished = now.Finished; next.Finished != 0 {
			return nil
		}
		if reason != "" {
			note := store.ImportFailure{Number: b.i.Done, Entry: string(encode([]string{archives.Name(line)})), Reason: reason}
			if err := tx.AddImportFailure(ctx, b.i.ID, note); err != nil {
				return err
			}
		}
		if err := tx.SaveImport(ctx, &next); err != nil {
			return err
		}
		return tx.ContinueJob(ctx, b.job.ID, encode(at), true)
	})
	if err == nil {
		b.at, *b.i = at, next
	}
	return err
}

// errPartly is for a post that is here without all of its files.
type errPartly struct{ missing []string }

func (e errPartly) Error() string { return "without " + strings.Join(e.missing, ", ") }

// post takes one post over.
func (b *bringing) post(ctx context.Context, line []byte) error {
	post, err := b.c.ReadPost(line, b.own)
	if err != nil {
		return err
	}
	switch {
	case post.Visibility == "private" && !b.what.Private:
		return fault.New(fault.Invalid, "Followers-only posts were not to be taken.")
	case post.Visibility == "direct" && !b.what.Direct:
		return fault.New(fault.Invalid, "Direct messages were not to be taken.")
	}
	for _, uri := range []vocab.IRI{post.URI, post.Later} {
		if uri == "" {
			continue
		}
		if _, err := b.DB.ByOrigin(ctx, uri, b.by.ID); err == nil {
			return nil // Brought along before.
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if o, err := b.DB.ObjectByURI(ctx, uri); err == nil && o.Actor == b.by.ID && o.Deleted == 0 {
			return nil // It never left: an archive of this account.
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	files, missing, err := b.files(ctx, post)
	if err != nil {
		return err
	}
	if len(files) == 0 && len(missing) > 0 && post.Poll == nil && strings.TrimSpace(markup.PlainText(post.HTML)) == "" {
		return fault.New(fault.Invalid, "Its files could not be taken over, and there is nothing else in it: %s.", strings.Join(missing, "; "))
	}
	_, _, err = b.Pipeline.Import(ctx, b.by, pipeline.Brought{Origin: post.URI, Later: post.Later, Published: post.Published, Updated: post.Updated, HTML: post.HTML,
		Source: post.Source, SourceType: post.SourceType, Spoiler: cut(post.Spoiler, 5000), Sensitive: post.Sensitive, Language: cut(post.Language, 20), Visibility: post.Visibility,
		InReplyTo: post.InReplyTo, Hashtags: post.Hashtags, Media: files, Poll: post.Poll})
	if err == nil && len(missing) > 0 {
		err = fault.Because(errPartly{missing}, fault.Invalid, "The post is here, but not its files: %s.", strings.Join(missing, "; "))
	}
	return err
}

// files makes the files of a post ours, through the same checks as an upload.
func (b *bringing) files(ctx context.Context, post *archives.Post) (files []store.Media, missing []string, err error) {
	for _, f := range post.Files {
		if b.Uploads == nil {
			missing = append(missing, "this server takes no files")
			break
		}
		in, err := b.open(ctx, f.Name)
		if err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			missing = append(missing, cut(f.Name, 200)+" is not in the archive and could not be fetched")
			continue
		}
		u := &store.Upload{ID: b.DB.IDs.Next(), Owner: b.by.ID, Created: b.Now().UnixMilli(), Description: cut(f.Description, 6000)}
		u.Meta.Focus = f.Focus
		err = b.Uploads.Add(ctx, u, in, nil, true)
		in.Close()
		if err != nil {
			reason, err := b.reason(err)
			if err != nil {
				return nil, nil, err
			}
			missing = append(missing, cut(f.Name, 200)+": "+reason)
			continue
		}
		m := store.Media{ID: u.ID, Kind: u.Kind, Mime: u.Mime, URL: b.address(u.File), Description: u.Description, Blurhash: u.Meta.Blurhash,
			Width: u.Meta.Width, Height: u.Meta.Height, Duration: u.Meta.Duration, Focus: u.Meta.Focus, Local: true, MediaDetail: u.Meta.MediaDetail}
		if u.Preview != "" {
			m.Preview = b.address(u.Preview)
		}
		files = append(files, m)
	}
	return files, missing, nil
}

// fetchTime is for one file of the old server.
const fetchTime = 30 * time.Second

// open opens a file of the archive, or fetches it from the old server if that is wanted.
func (b *bringing) open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := b.c.Open(name)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return f, err
	}
	uri := vocab.IRI(name)
	if !b.what.Fetch || b.Pipeline.Remote == nil || uri.Valid() != nil || b.dead[uri.Host()] || b.Pipeline.Hosts.Refuses(uri.Host()) {
		return nil, err
	}
	ask, cancel := context.WithTimeout(ctx, fetchTime)
	body, _, err := b.Pipeline.Remote.Media(ask, uri, 100<<20)
	if err != nil {
		cancel()
		if ask.Err() != nil || fault.Is(err, fault.Transient) {
			b.dead[uri.Host()] = true
		}
		return nil, err
	}
	return &ending{body, cancel}, nil
}

// ending ends the time of a request with its body.
type ending struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (e *ending) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}

// lists leaves the lists to imports of their own, and pins what was pinned.
func (b *bringing) lists(ctx context.Context) error {
	if b.what.Posts {
		if err := b.pins(ctx); err != nil {
			return err
		}
	}
	number := int64(-2)
	for _, kind := range []string{"following", "lists", "blocks", "mutes", "domain_blocks", "bookmarks", "likes"} {
		if b.c.Rows[kind] == 0 || kind == "likes" && !b.what.Likes || kind != "likes" && !b.what.Lists {
			continue
		}
		rows, err := b.rowsOf(kind)
		if err != nil {
			return err
		}
		if err := b.startRows(ctx, b.by.ID, kind, false, rows); err != nil {
			if fault.Is(err, fault.Conflict) && b.job.Attempt > 1 {
				continue // This very import began it before it broke off.
			}
			if err := b.problem(ctx, number, kind, err); err != nil {
				return err
			}
			number--
		}
	}
	return b.end(ctx)
}

// rowsOf reads a list of the archive.
func (b *bringing) rowsOf(kind string) ([][]string, error) {
	f, err := os.Open(b.c.ListFile(kind))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows [][]string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields, err := fieldsOf(lines.Text())
		if err != nil {
			return nil, err
		}
		if row := arranged(fields, nil, columns[kind]); row != nil {
			rows = append(rows, row)
		}
	}
	return rows, lines.Err()
}

// pins puts back on the profile what was there.
func (b *bringing) pins(ctx context.Context) error {
	if b.c.Rows["pins"] == 0 {
		return nil
	}
	f, err := os.Open(b.c.ListFile("pins"))
	if err != nil {
		return err
	}
	defer f.Close()
	number := int64(-100)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields, err := fieldsOf(lines.Text())
		if err != nil || len(fields) == 0 {
			return err
		}
		o, err := b.DB.ByOrigin(ctx, vocab.IRI(fields[0]), b.by.ID)
		if errors.Is(err, store.ErrNotFound) {
			o, err = b.DB.ObjectByURI(ctx, vocab.IRI(fields[0]))
		}
		if err == nil {
			err = b.Pipeline.PinQuietly(ctx, b.by, o.ID)
		}
		if err != nil {
			if err := b.problem(ctx, number, fields[0], err); err != nil {
				return err
			}
			number--
		}
	}
	return lines.Err()
}
