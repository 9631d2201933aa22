// Package archives reads what people bring along from other servers: an archive of
// Mastodon, Pleroma, Akkoma or Kenoma, the lists that GoToSocial and others export,
// the notes of Misskey. It does no SQL and trusts nothing: sizes, counts and depths
// are bounded, names in an archive never become names on the disk, and nothing large
// is held in memory.
//
// What is where, as those who make the archives document or show it:
//
//   - Mastodon (app/services/backup_service.rb): a zip, before 4.2 a tar.gz, of
//     actor.json, outbox.json, likes.json, bookmarks.json, avatar.*, header.* and the
//     files of posts, in media_attachments/files/…; the url of an attachment in
//     outbox.json is that path. Lists are CSV files of their own.
//   - Pleroma and Akkoma (lib/pleroma/user/backup.ex): a zip of actor.json, outbox.json,
//     likes.json, bookmarks.json, newer ones also followers.json and following.json;
//     files stay on the old server, under the addresses in outbox.json.
//   - GoToSocial (docs/user_guide/settings.md, "Export & Import"): following.csv,
//     followers.csv, lists.csv, blocks.csv and mutes.csv, with the columns of Mastodon;
//     it has no export of posts.
//   - Misskey (ExportNotesProcessorService.ts and its siblings): notes-….json, a list
//     of notes with text in MFM, fileIds and in newer versions files; following-….csv,
//     blocking-….csv, mute-….csv, user-lists-….csv without headers. Notes name their
//     server nowhere.
package archives

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kenoma/internal/fault"
)

// Limits bound what is taken from an archive. The zero value is fit for a small server.
type Limits struct {
	Bytes int64 // Of everything unpacked. 0 means 4 GB.
	File  int64 // Of one file that belongs to a post. 0 means 100 MB.
	Files int   // How many members an archive may have. 0 means 200,000.
	Posts int   // How many entries of the outbox are read. 0 means 50,000.
	Rows  int   // Rows of each list. 0 means 20,000.
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		v *int64
		d int64
	}{{&l.Bytes, 4 << 30}, {&l.File, 100 << 20}} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	for _, f := range []struct {
		v *int
		d int
	}{{&l.Files, 200_000}, {&l.Posts, 50_000}, {&l.Rows, 20_000}} {
		if *f.v <= 0 {
			*f.v = f.d
		}
	}
	return l
}

// Bounds of single documents, in bytes.
const (
	maxItem   = 1 << 20 // An entry of a collection, as for what arrives over the network.
	maxActor  = 1 << 20
	maxCSV    = 8 << 20
	maxName   = 512
	maxDirMax = 64 << 20 // A zip's list of its members.
)

// Contents is what an archive held, unpacked into a folder: posts as lines of JSON,
// lists as lines of JSON arrays, files under numbers.
type Contents struct {
	Dir   string           `json:"-"`
	Posts int              `json:"posts"` // Lines of PostsFile.
	Notes bool             `json:"notes"` // They are Misskey's.
	Actor json.RawMessage  `json:"actor,omitempty"`
	Rows  map[string]int   `json:"rows,omitempty"`  // By kind of list.
	Files map[string]int   `json:"files,omitempty"` // By name in the archive: the number.
	Left  map[string]int64 `json:"left,omitempty"`  // What was left out, and how often.
}

// PostsFile is where the posts are.
func (c *Contents) PostsFile() string { return filepath.Join(c.Dir, "posts") }

// ListFile is where the rows of a list are.
func (c *Contents) ListFile(kind string) string { return filepath.Join(c.Dir, "list-"+kind) }

func (c *Contents) file(n int) string { return filepath.Join(c.Dir, fmt.Sprintf("file-%d", n)) }

// Open opens a file by the address or path under which a post names it; NotFound when
// the archive has none.
func (c *Contents) Open(name string) (*os.File, error) {
	n, ok := c.find(name)
	if !ok {
		return nil, fault.New(fault.NotFound, "The file is not in the archive.")
	}
	return os.Open(c.file(n))
}

// find looks for a file whose path is the end of name's: archives drop the host and
// the first folders.
func (c *Contents) find(name string) (int, bool) {
	if i := strings.Index(name, "://"); i >= 0 {
		_, name, _ = strings.Cut(name[i+3:], "/")
	}
	name, _, _ = strings.Cut(name, "?")
	name = strings.Trim(name, "/")
	for range 12 {
		if n, ok := c.Files[name]; ok && name != "" {
			return n, true
		}
		_, rest, more := strings.Cut(name, "/")
		if !more {
			break
		}
		name = rest
	}
	return 0, false
}

// Load reads what Unpack noted in a folder.
func Load(dir string) (*Contents, error) {
	text, err := os.ReadFile(filepath.Join(dir, "contents.json"))
	if err != nil {
		return nil, err
	}
	c := &Contents{Dir: dir}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("contents of an archive: %w", err)
	}
	return c, nil
}

// Unpack reads the archive in a file into a folder, which is empty or left over from a
// run that broke off. The error is Invalid for what is no archive that is known here,
// and TooLarge beyond the limits.
func Unpack(ctx context.Context, name, dir string, l Limits) (*Contents, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	u := &unpacking{ctx: ctx, l: l.filled(), c: &Contents{Dir: dir, Rows: map[string]int{}, Files: map[string]int{}, Left: map[string]int64{}}}
	u.room = u.l.Bytes
	if err := u.read(f); err != nil {
		return nil, err
	}
	if u.c.Posts == 0 && len(u.c.Rows) == 0 && u.c.Actor == nil {
		return nil, fault.New(fault.Invalid, "There is nothing in the file that can be taken over. Please choose an archive of Mastodon, Pleroma, Akkoma, Kenoma, GoToSocial or Misskey.")
	}
	text, err := json.Marshal(u.c)
	if err != nil {
		return nil, err
	}
	tmp := filepath.Join(dir, "contents.tmp")
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return nil, err
	}
	return u.c, os.Rename(tmp, filepath.Join(dir, "contents.json"))
}

// unpacking is one run of Unpack.
type unpacking struct {
	ctx     context.Context
	l       Limits
	c       *Contents
	room    int64 // Bytes that may still be unpacked.
	members int
}

// read tells the formats apart by their first bytes.
func (u *unpacking) read(f *os.File) error {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Because(err, fault.Invalid, "The file is empty.")
	}
	head = head[:n]
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	switch trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"); {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return u.zip(f)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bufio.NewReaderSize(f, 64<<10))
		if err != nil {
			return fault.Because(err, fault.Invalid, "The archive is damaged.")
		}
		return u.tar(z)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return u.tar(bufio.NewReaderSize(f, 64<<10))
	case len(trimmed) > 0 && trimmed[0] == '[':
		return u.member("notes.json", f)
	case len(trimmed) > 0 && trimmed[0] == '{':
		return u.member("outbox.json", f)
	}
	return fault.New(fault.Invalid, "The file is no zip, tar.gz or JSON.")
}

// greedy is an io.ReaderAt that gives up after some bytes: the list of a zip's members
// is read at once, however long it claims to be.
type greedy struct {
	io.ReaderAt
	left int64
}

func (g *greedy) ReadAt(p []byte, off int64) (int, error) {
	if g.left -= int64(len(p)); g.left < 0 {
		return 0, fault.New(fault.TooLarge, "The archive has too many files.")
	}
	return g.ReaderAt.ReadAt(p, off)
}

func (u *unpacking) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	g := &greedy{f, maxDirMax}
	z, err := zip.NewReader(g, info.Size())
	if fault.Is(err, fault.TooLarge) {
		return err
	} else if err != nil {
		return fault.Because(err, fault.Invalid, "The archive is damaged.")
	}
	g.left = 1 << 62 // Members are bounded by themselves.
	for _, m := range z.File {
		if err := u.count(); err != nil {
			return err
		}
		if !m.Mode().IsRegular() {
			continue
		}
		name, ok := plainName(m.Name)
		if !ok || !wanted(name) {
			u.leave(name)
			continue
		}
		r, err := m.Open()
		if err != nil {
			return fault.Because(err, fault.Invalid, "The archive is damaged, at %s.", name)
		}
		err = u.member(name, r)
		r.Close()
		if err != nil {
			return damaged(err, name)
		}
	}
	return nil
}

func (u *unpacking) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fault.Because(err, fault.Invalid, "The archive is damaged.")
		}
		if err := u.count(); err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue // No links, whatever they lead to.
		}
		name, ok := plainName(h.Name)
		if !ok || !wanted(name) {
			u.leave(name)
			if u.room -= h.Size; u.room < 0 { // It is read all the same.
				return errSize
			}
			continue
		}
		if err := u.member(name, t); err != nil {
			return damaged(err, name)
		}
	}
}

var errSize = fault.New(fault.TooLarge, "There is too much in the archive.")

// damaged tells what a reader of an archive says from what we say.
func damaged(err error, name string) error {
	if fault.KindOf(err) != fault.Internal || errors.Is(err, context.Canceled) {
		return err
	}
	var disk *os.PathError
	if errors.As(err, &disk) {
		return err
	}
	return fault.Because(err, fault.Invalid, "The archive is damaged, at %s.", name)
}

func (u *unpacking) count() error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if u.members++; u.members > u.l.Files {
		return fault.New(fault.TooLarge, "The archive has more than %d files.", u.l.Files)
	}
	return nil
}

// plainName is a member's name as it is compared: it never becomes a path on the disk.
func plainName(name string) (string, bool) {
	name = strings.ReplaceAll(name, "\\", "/")
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return "", false
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	return name, name != ""
}

// leave notes that something was left out, by its kind.
func (u *unpacking) leave(name string) {
	ext := strings.ToLower(path.Ext(name))
	if len(u.c.Left) < 50 && len(ext) < 12 {
		u.c.Left[ext]++
	}
}

// pictures and other files that posts may have, by the ends of their names.
var mediaEnds = map[string]bool{".jpg": true, ".jpeg": true, ".png": true, ".gif": true, ".webp": true, ".avif": true, ".heic": true, ".heif": true,
	".mp4": true, ".webm": true, ".mov": true, ".m4v": true, ".mp3": true, ".m4a": true, ".ogg": true, ".oga": true, ".opus": true, ".flac": true, ".wav": true, ".aac": true, ".bin": true}

// wanted tells whether a member is looked at.
func wanted(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".json" || ext == ".csv" || mediaEnds[ext] || strings.HasPrefix(name, "media_attachments/")
}

// member takes one file of an archive.
func (u *unpacking) member(name string, r io.Reader) error {
	r = &metered{u, r}
	base := strings.ToLower(path.Base(name))
	switch ext := path.Ext(base); {
	case base == "actor.json":
		return u.actor(r)
	case base == "outbox.json":
		return u.posts(r, false)
	case ext == ".json" && strings.HasPrefix(base, "notes"):
		return u.posts(r, true)
	case ext == ".json":
		if kind := jsonLists[base]; kind != "" {
			return u.addresses(kind, r)
		}
		u.leave(name)
		return nil
	case ext == ".csv":
		return u.csv(base, r)
	}
	return u.media(name, r)
}

// metered counts what is unpacked.
type metered struct {
	u *unpacking
	r io.Reader
}

func (m *metered) Read(p []byte) (int, error) {
	if err := m.u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if m.u.room -= int64(n); m.u.room < 0 {
		return 0, errSize
	}
	return n, err
}

func (u *unpacking) actor(r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxActor+1))
	if err != nil {
		return err
	}
	if len(text) > maxActor || !json.Valid(text) {
		return fault.New(fault.Invalid, "The profile in the archive can't be read.")
	}
	var small bytes.Buffer
	if err := json.Compact(&small, text); err != nil {
		return fault.Because(err, fault.Invalid, "The profile in the archive can't be read.")
	}
	u.c.Actor = small.Bytes()
	return nil
}

// media keeps the file of a post, or a picture of the profile.
func (u *unpacking) media(name string, r io.Reader) error {
	if _, twice := u.c.Files[name]; twice {
		u.leave(name)
		return nil
	}
	n := len(u.c.Files) + 1
	f, err := os.OpenFile(u.c.file(n), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	size, err := io.Copy(f, io.LimitReader(r, u.l.File+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if size > u.l.File { // The others may do.
		u.leave(name)
		return os.Remove(f.Name())
	}
	u.c.Files[name] = n
	return nil
}
