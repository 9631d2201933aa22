package archives

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kenoma/internal/fault"
)

// unpack writes an archive to a file and unpacks it.
func unpack(t testing.TB, text []byte, l Limits) (*Contents, error) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "upload")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return Unpack(t.Context(), name, filepath.Join(dir, "files"), l)
}

func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileNames(t *testing.T) {
	c, err := unpack(t, zipped(t, "../../../etc/evil.png", "a", "/abs/b.png", "b", `..\..\c.png`, "c", "media_attachments/../../d.png", "d", "outbox.json", `{"orderedItems":[{"type":"Create"}]}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if n := e.Name(); n != "posts" && n != "contents.json" && !strings.HasPrefix(n, "file-") {
			t.Errorf("unpacked as %s", n)
		}
	}
	if up, err := os.ReadDir(filepath.Dir(c.Dir)); err != nil || len(up) != 2 {
		t.Errorf("beside the folder: %v, %v", up, err)
	}
	for _, name := range []string{"etc/evil.png", "https://x.test/system/abs/b.png", "/c.png?x=1"} {
		f, err := c.Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.Close()
	}
	if _, err := c.Open("../../../../etc/passwd"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a path that is in no archive: %v", err)
	}
}

func TestLinksInTar(t *testing.T) {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, h := range []tar.Header{{Name: "avatar.png", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "header.png", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	text := `{"orderedItems":[{"type":"Create"}]}`
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "./outbox.json", Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o600})); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	c, err := unpack(t, b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Files) != 0 || c.Posts != 1 {
		t.Errorf("unpacked %+v", c)
	}
}

func TestBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 20<<20)
	for _, tt := range []struct {
		name string
		text []byte
		l    Limits
		want fault.Kind
	}{
		{"a file that unpacks to more than all may", zipped(t, "media_attachments/a.bin", zeros), Limits{Bytes: 1 << 20}, fault.TooLarge},
		{"a CSV of zeros", zipped(t, "following.csv", zeros), Limits{Bytes: 1 << 20}, fault.TooLarge},
		{"one entry of 20 MB", zipped(t, "outbox.json", `{"orderedItems":[{"x":"`+strings.Repeat("x", 20<<20)+`"}]}`), Limits{}, fault.TooLarge},
		{"one string of 20 MB before the entries", zipped(t, "outbox.json", `{"x":"`+strings.Repeat("x", 20<<20)+`"}`), Limits{}, fault.TooLarge},
		{"nesting", zipped(t, "outbox.json", `{"orderedItems":[`+strings.Repeat("[", 200_000)), Limits{}, fault.Invalid},
		{"many files", zipped(t, strings.Split(strings.Repeat("a.json,x,", 50), ",")...), Limits{Files: 10}, fault.TooLarge},
		{"a profile that is none", zipped(t, "actor.json", "{"), Limits{}, fault.Invalid},
		{"nothing", zipped(t), Limits{}, fault.Invalid},
		{"nothing that is known", zipped(t, "readme.txt", "hello"), Limits{}, fault.Invalid},
		{"no archive", []byte("GIF89a"), Limits{}, fault.Invalid},
		{"half a zip", zipped(t, "outbox.json", "{}")[:40], Limits{}, fault.Invalid},
		{"half a gzip", []byte{0x1f, 0x8b, 8, 0}, Limits{}, fault.Invalid},
		{"an empty file", nil, Limits{}, fault.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := unpack(t, tt.text, tt.l); !fault.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// A file that is too large for a post is left out; the others are taken.
func TestLargeFileLeftOut(t *testing.T) {
	c, err := unpack(t, zipped(t, "media_attachments/big.png", strings.Repeat("x", 2000), "media_attachments/small.png", "x", "outbox.json", `{"orderedItems":[{},{},{}]}`), Limits{File: 1000, Posts: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Files) != 1 || c.Posts != 2 || c.Left[".png"] != 1 {
		t.Errorf("%+v", c)
	}
}

func TestReadPost(t *testing.T) {
	own := Owner{ID: "https://old.test/users/ann", Followers: "https://old.test/users/ann/followers", Host: "old.test"}
	create := func(object string) string {
		return `{"id":"https://old.test/c","type":"Create","actor":"https://old.test/users/ann","object":` + object + `}`
	}
	for _, tt := range []struct{ name, line, want string }{
		{"a note", create(`{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/users/ann","published":"2020-01-01T00:00:00Z","to":"as:Public","content":"hi"}`), "public hi"},
		{"an article keeps its title", create(`{"id":"https://old.test/1","type":"Article","attributedTo":"https://old.test/users/ann","published":"2020-01-01T00:00:00Z","to":"as:Public","name":"T","content":"hi"}`), "public <p><strong>T</strong></p>hi"},
		{"no date", create(`{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/users/ann","content":"hi"}`), "The post has no date."},
		{"nothing in it", create(`{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/users/ann","published":"2020-01-01T00:00:00Z","content":"<p> </p>"}`), "The post is empty."},
		{"somebody else's", create(`{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/users/eve","published":"2020-01-01T00:00:00Z","content":"hi"}`), "This was written by somebody else."},
		{"a vote", create(`{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/users/ann","published":"2020-01-01T00:00:00Z","name":"yes","inReplyTo":"https://b.test/q"}`), "Votes in polls are not taken over."},
		{"a like", `{"id":"https://old.test/c","type":"Like","actor":"https://old.test/users/ann","object":"https://b.test/1"}`, "Entries of type Like are not taken over."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := (&Contents{}).ReadPost([]byte(tt.line), own)
			got := ""
			if err != nil {
				_, got = fault.Public(err)
			} else {
				got = p.Visibility + " " + p.HTML
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if p, err := (&Contents{}).ReadPost([]byte(create(`{"id":"https://elsewhere.test/1","type":"Note","attributedTo":"https://old.test/users/ann","published":"2020-01-01T00:00:00Z","content":"hi"}`)), own); err != nil || p.URI != "" {
		t.Errorf("an address on another host is claimed: %v, %v", p, err)
	}
}

// seeds are small archives of each kind.
func seeds(f *testing.F) {
	f.Add(zipped(f, "actor.json", `{"id":"https://old.test/users/ann","type":"Person"}`, "outbox.json", `{"orderedItems":[{"type":"Create","object":{"type":"Note","attachment":[{"url":"/media_attachments/a.png"}]}}]}`, "media_attachments/a.png", "x"))
	f.Add([]byte(`[{"id":"9","text":"hi","createdAt":"2023-01-01T00:00:00Z","visibility":"home","poll":{"choices":["a"],"votes":[1]},"files":[{"url":"https://x.test/1.png"}]}]`))
	f.Add(zipped(f, "following.csv", "Account address\nbob@b.test\n", "user-lists-1.csv", "a,b@c.test\n", "likes.json", `{"orderedItems":["https://x.test/1",{"id":"https://x.test/2"}]}`))
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	w.WriteHeader(&tar.Header{Name: "outbox.json", Size: 2, Mode: 0o600})
	io.WriteString(w, "{}")
	w.Close()
	g.Close()
	f.Add(b.Bytes())
}

// FuzzUnpack wants no panic, nothing outside of the folder, and posts that read.
func FuzzUnpack(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := unpack(t, text, Limits{Bytes: 1 << 20, Files: 100, Posts: 100, Rows: 100})
		if err != nil {
			return
		}
		if entries, err := os.ReadDir(filepath.Dir(c.Dir)); err != nil || len(entries) != 2 {
			t.Fatalf("beside the folder: %v, %v", entries, err)
		}
		if c.Posts == 0 {
			return
		}
		lines, err := os.ReadFile(c.PostsFile())
		if err != nil || bytes.Count(lines, []byte("\n")) != c.Posts {
			t.Fatalf("%d posts are noted, %d lines, %v", c.Posts, bytes.Count(lines, []byte("\n")), err)
		}
		for line := range bytes.Lines(lines) {
			Name(line)
			if p, err := c.ReadPost(line, c.OwnerOf()); err == nil && (p.Published.IsZero() || p.Visibility == "") {
				t.Fatalf("%s: %+v", line, p)
			}
		}
	})
}

// FuzzReadPost reads single entries of an outbox.
func FuzzReadPost(f *testing.F) {
	f.Add([]byte(`{"id":"https://old.test/c","type":"Create","actor":"https://old.test/users/ann","object":{"id":"https://old.test/1","type":"Question","published":"2020-01-01T00:00:00Z","oneOf":[{"name":"a"}],"attachment":{"url":[{"href":"x"}]}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if p, err := activity(line, Owner{}); err == nil && (p.Published.IsZero() || p.Visibility == "" || len(p.Files) > maxFiles) {
			t.Fatalf("%s: %+v", line, p)
		}
	})
}

// FuzzReadNote reads single notes of Misskey.
func FuzzReadNote(f *testing.F) {
	f.Add([]byte(`{"id":"9","text":"hi","createdAt":"2023-01-01T00:00:00Z","visibility":"home","replyId":"8","poll":{"choices":["a"],"votes":[1]},"files":[{"url":"https://x.test/1.png","comment":"x"}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if p, err := note(line, Owner{Host: "old.test"}); err == nil && (p.Published.IsZero() || p.Visibility == "" || len(p.Files) > maxFiles) {
			t.Fatalf("%s: %+v", line, p)
		}
	})
}
