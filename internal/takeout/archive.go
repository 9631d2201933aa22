package takeout

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// An archive is a zip with actor.json, outbox.json, likes.json, bookmarks.json and
// the files of posts and profile, as Mastodon has it, with featured.json and the lists
// as CSV beside. First the posts are gathered
// in pieces beside it, and a job that is interrupted goes on where it was; then
// everything is put into the zip.

// archiveJob is the payload, and how far it has come.
type archiveJob struct {
	Archive int64 `json:"archive"`
	After   int64 `json:"after,omitempty"` // The last post that was gathered.
	Posts   int64 `json:"posts,omitempty"`
	Outbox  int64 `json:"outbox,omitempty"` // Bytes of the gathered posts that count.
	Files   int64 `json:"files,omitempty"`  // Bytes of the list of files that count.
	Zip     bool  `json:"zip,omitempty"`    // All is gathered.
}

// Request has an archive put together. The error is TooMany where the last one is
// too young, and Conflict while one is at work.
func (s *Service) Request(ctx context.Context, actor int64) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		have, err := tx.Archives(ctx, actor)
		if err != nil {
			return err
		}
		id := tx.NewID()
		if len(have) > 0 {
			last := have[0]
			if last.Finished == 0 {
				return fault.New(fault.Conflict, "Your archive is being put together already.")
			}
			if next := vocab.TimeOf(last.ID).Add(s.Every); s.Now().Before(next) {
				return fault.New(fault.TooMany, "You can have the next archive on %s.", next.UTC().Format("2 January 2006"))
			}
		}
		if err := tx.SaveArchive(ctx, &store.Archive{ID: id, Actor: actor}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.Job{Kind: "archive", Uniq: uniq("archive", id), Payload: encode(archiveJob{Archive: id})})
	})
}

// gathered is how many posts are read at once.
const gathered = 100

func (s *Service) archiveJob(ctx context.Context, job store.Job) error {
	var at archiveJob
	if err := decode(job, &at); err != nil {
		return err
	}
	a, err := s.DB.Archive(ctx, at.Archive)
	if errors.Is(err, store.ErrNotFound) || err == nil && a.Finished != 0 {
		return os.RemoveAll(s.work(at.Archive))
	} else if err != nil {
		return err
	}
	actor, err := s.DB.Actor(ctx, a.Actor)
	if err != nil {
		return err
	}
	if actor.Deleted != 0 {
		return s.forgetArchive(ctx, a)
	}
	if err := os.MkdirAll(s.work(a.ID), 0o700); err != nil {
		return err
	}
	for !at.Zip {
		if err := s.gather(ctx, actor, &at); err != nil {
			return err
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, job.ID, encode(at), false) }); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return s.watch(ctx, job, actor, a, at)
}

// hold is how long one run of a job watches the packing, well below the queue's
// limit of a run; then it asks for another run, which watches on.
const hold = 15 * time.Second

// watch begins to pack, or watches the packing that goes on in this process.
func (s *Service) watch(ctx context.Context, job store.Job, actor *store.Actor, a *store.Archive, at archiveJob) error {
	s.mu.Lock()
	p := s.packing[a.ID]
	if p == nil {
		p = &packing{done: make(chan struct{})}
		s.packing[a.ID] = p
		s.workers.Go(func() {
			p.err = s.pack(s.ctx, actor, a, at)
			close(p.done)
		})
	}
	s.mu.Unlock()
	select {
	case <-p.done:
		s.mu.Lock()
		delete(s.packing, a.ID)
		s.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(hold):
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return tx.ContinueJob(ctx, job.ID, encode(at), true) })
}

// work is the folder of an archive that is not ready.
func (s *Service) work(id int64) string { return filepath.Join(s.Dir, fmt.Sprintf("work-%d", id)) }

// gather appends the next posts. What an interrupted run wrote beyond what counts
// is cut off; when the folder was lost, it begins again.
func (s *Service) gather(ctx context.Context, actor *store.Actor, at *archiveJob) error {
	outbox, err := openAt(filepath.Join(s.work(at.Archive), "outbox"), &at.Outbox)
	if err != nil {
		return err
	}
	defer outbox.Close()
	list, err := openAt(filepath.Join(s.work(at.Archive), "files"), &at.Files)
	if err != nil {
		return err
	}
	defer list.Close()
	if at.Outbox == 0 {
		at.After, at.Posts = 0, 0
	}
	rows, err := s.DB.OwnPosts(ctx, actor.ID, at.After, gathered)
	if err != nil {
		return err
	}
	docs, keys, err := s.documents(ctx, rows)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if at.Posts > 0 {
			doc = append([]byte(",\n"), doc...)
		}
		at.Posts++
		n, err := outbox.Write(doc)
		if at.Outbox += int64(n); err != nil {
			return err
		}
	}
	for _, key := range keys {
		n, err := fmt.Fprintln(list, key)
		if at.Files += int64(n); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		at.After = rows[len(rows)-1].Status
	}
	at.Zip = len(rows) < gathered
	return errors.Join(outbox.Sync(), list.Sync())
}

// openAt opens a file to go on at an offset, which becomes 0 where the file is shorter.
func openAt(name string, offset *int64) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < *offset {
		*offset = 0
	}
	if err == nil {
		err = f.Truncate(*offset)
	}
	if err == nil {
		_, err = f.Seek(*offset, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// filesFolder is where an archive has the files of posts.
const filesFolder = "media_attachments/files/"

// documents returns activities with their objects in them, in which our files have
// their addresses in the archive, and the keys of those files.
func (s *Service) documents(ctx context.Context, rows []store.OutboxRow) (docs [][]byte, keys []string, err error) {
	var ids []int64
	for _, r := range rows {
		if !r.Boost {
			ids = append(ids, r.Status)
		}
	}
	objects, err := s.DB.Objects(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		doc := []byte(r.Activity)
		if len(doc) == 0 {
			continue // Compacted.
		}
		if !r.Boost {
			o := objects[r.Status]
			if o == nil || o.Deleted != 0 {
				continue
			}
			inline := []byte(o.Doc)
			if o.Type == "Question" { // With its results.
				if told, err := s.Pipeline.WithTallies(ctx, o); err == nil {
					inline = told.Raw
				} else if !errors.Is(err, store.ErrNotFound) {
					return nil, nil, err
				}
			}
			parsed, err := vocab.DecodeObject(inline)
			if err != nil {
				return nil, nil, fmt.Errorf("object %d of the log: %w", o.ID, err)
			}
			for _, file := range parsed.Attachments {
				if key, ok := s.key(string(file.URL)); ok {
					keys = append(keys, key)
					inline = bytes.ReplaceAll(inline, quoted(string(file.URL)), quoted("/"+filesFolder+key))
				}
			}
			if doc, err = vocab.WithObject(doc, inline); err != nil {
				return nil, nil, err
			}
		}
		docs = append(docs, bytes.TrimSpace(doc))
	}
	return docs, keys, nil
}

func quoted(text string) []byte { return []byte(`"` + text + `"`) }

// pack writes the zip, and its row when it is safe on the disk.
func (s *Service) pack(ctx context.Context, actor *store.Actor, a *store.Archive, at archiveJob) error {
	name := fmt.Sprintf("archive-%d.zip", a.ID)
	f, err := os.CreateTemp(s.work(a.ID), "zip-*") // Mode 0600.
	if err != nil {
		return err
	}
	defer f.Close()
	buffer := bufio.NewWriterSize(f, 256<<10)
	if err := s.fill(ctx, zip.NewWriter(buffer), actor, at); err != nil {
		return err
	}
	if err := errors.Join(buffer.Flush(), f.Sync()); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(s.Dir, name)); err != nil {
		return err
	}
	a.Finished, a.File, a.Size = s.Now().UnixMilli(), name, info.Size()
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SaveArchive(ctx, a); err != nil {
			return err
		}
		drop := store.DropArchiveJob(a, s.Now().Add(s.Keep).UnixMilli())
		mail := store.MailJob(actor.ID, "Your archive is ready", "the archive of your account at "+s.Domain+" is ready. You can download it until "+s.Now().Add(s.Keep).UTC().Format("2 January 2006")+":\n\n"+s.URL+"/settings/export")
		return tx.EnqueueAll(ctx, []store.Job{drop, mail})
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(s.work(a.ID))
}

// fill writes everything into the zip.
func (s *Service) fill(ctx context.Context, z *zip.Writer, actor *store.Actor, at archiveJob) error {
	profile, err := s.actorDocument(ctx, actor)
	if err != nil {
		return err
	}
	files := map[string]string{} // By the name in the archive: keys.
	for _, one := range []struct{ member, name string }{{"icon", "avatar"}, {"image", "header"}} {
		picture, _ := profile[one.member].(map[string]any)
		address, _ := picture["url"].(string)
		if key, ok := s.key(address); ok {
			name := one.name + path.Ext(key)
			files[name], picture["url"] = key, name
		}
	}
	text, err := json.MarshalIndent(profile, "", "  ")
	if err != nil {
		return err
	}
	if err := s.add(z, "actor.json", true, bytes.NewReader(text)); err != nil {
		return err
	}
	posts, err := os.Open(filepath.Join(s.work(at.Archive), "outbox"))
	if err != nil {
		return err
	}
	defer posts.Close()
	if err := s.add(z, "outbox.json", true, collection("outbox.json", at.Posts, io.LimitReader(posts, at.Outbox))); err != nil {
		return err
	}
	if err := s.addPosts(ctx, z, "likes.json", func(p store.Page) ([]store.Cursor, error) { return s.DB.Favourites(ctx, actor.ID, p) }); err != nil {
		return err
	}
	if err := s.addPosts(ctx, z, "bookmarks.json", func(p store.Page) ([]store.Cursor, error) { return s.DB.Bookmarks(ctx, actor.ID, p) }); err != nil {
		return err
	}
	if err := s.addLists(ctx, z, actor.ID); err != nil {
		return err
	}
	list, err := os.Open(filepath.Join(s.work(at.Archive), "files"))
	if err != nil {
		return err
	}
	defer list.Close()
	for lines := bufio.NewScanner(io.LimitReader(list, at.Files)); lines.Scan(); {
		files[filesFolder+lines.Text()] = lines.Text()
	}
	for name, key := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.addFile(ctx, z, name, key); err != nil {
			return err
		}
	}
	return z.Close()
}

// addLists adds the pinned posts and every list as CSV, so that an archive is all there
// is to take along.
func (s *Service) addLists(ctx context.Context, z *zip.Writer, actor int64) error {
	pins, err := s.DB.Pins(ctx, actor)
	if err != nil {
		return err
	}
	uris, err := s.DB.ObjectURIs(ctx, pins)
	if err != nil {
		return err
	}
	var items bytes.Buffer
	for i, id := range pins {
		if i > 0 {
			items.WriteString(",\n")
		}
		items.Write(encode(uris[id]))
	}
	if err := s.add(z, "featured.json", true, collection("featured.json", int64(len(pins)), &items)); err != nil {
		return err
	}
	for i := range kinds {
		var text bytes.Buffer // 60 bytes a row.
		if err := s.WriteList(ctx, &text, actor, &kinds[i]); err != nil {
			return err
		}
		if err := s.add(z, kinds[i].File, true, &text); err != nil {
			return err
		}
	}
	return nil
}

// actorDocument is the actor as other servers know it, with where the rest is.
func (s *Service) actorDocument(ctx context.Context, actor *store.Actor) (map[string]any, error) {
	doc, err := s.DB.ActorDoc(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	var profile map[string]any
	if err := json.Unmarshal([]byte(doc), &profile); err != nil {
		return nil, fmt.Errorf("actor %d of the log: %w", actor.ID, err)
	}
	for _, name := range []string{"outbox", "likes", "bookmarks"} {
		profile[name] = name + ".json"
	}
	return profile, nil
}

// collection is an OrderedCollection around items that are written already.
func collection(id string, total int64, items io.Reader) io.Reader {
	head := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"OrderedCollection","totalItems":%d,"orderedItems":[`+"\n", id, total)
	return io.MultiReader(strings.NewReader(head), items, strings.NewReader("\n]}\n"))
}

// addPosts adds a collection of addresses.
func (s *Service) addPosts(ctx context.Context, z *zip.Writer, name string, read func(store.Page) ([]store.Cursor, error)) error {
	var items bytes.Buffer // 100 bytes a post.
	total := int64(0)
	err := s.postURIs(ctx, read, func(uri string) error {
		if total++; total > 1 {
			items.WriteString(",\n")
		}
		b, err := json.Marshal(uri)
		items.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	return s.add(z, name, true, collection(name, total, &items))
}

// addFile adds a file of the storage, if it is still there.
func (s *Service) addFile(ctx context.Context, z *zip.Writer, name, key string) error {
	f, _, err := s.Storage.Open(ctx, key)
	if fault.Is(err, fault.NotFound) || errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn("a file is missing in an archive", "key", key)
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	return s.add(z, name, false, f)
}

// add writes a file; pictures and films are packed already.
func (s *Service) add(z *zip.Writer, name string, deflate bool, from io.Reader) error {
	method := zip.Store
	if deflate {
		method = zip.Deflate
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: s.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return err
}

// Open returns the file of one of an account's archives. The error is NotFound for
// somebody else's, and for one that is gone.
func (s *Service) Open(ctx context.Context, actor, id int64) (*os.File, *store.Archive, error) {
	a, err := s.DB.Archive(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (a.Actor != actor || a.File == "") {
		return nil, nil, fault.New(fault.NotFound, "There is no such archive (any more).")
	} else if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(filepath.Join(s.Dir, a.File))
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.Because(err, fault.NotFound, "There is no such archive (any more).")
	}
	return f, a, err
}

// dropArchiveJob removes an archive's file. The row stays: it tells when there may
// be another one.
func (s *Service) dropArchiveJob(ctx context.Context, j store.Job) error {
	var d store.DropArchive
	if err := decode(j, &d); err != nil {
		return err
	}
	if d.File != "" && filepath.IsLocal(d.File) {
		if err := os.Remove(filepath.Join(s.Dir, d.File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	a, err := s.DB.Archive(ctx, d.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	a.File = ""
	return s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SaveArchive(ctx, a) })
}

// forgetArchive drops an archive whose account was deleted meanwhile.
func (s *Service) forgetArchive(ctx context.Context, a *store.Archive) error {
	if err := os.RemoveAll(s.work(a.ID)); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropArchive(ctx, a.ID) })
}
