package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"kenoma/internal/fault"
)

// storages are the implementations, which all make the same promises.
func eachStorage(t *testing.T, f func(t *testing.T, s Storage)) {
	for name, open := range map[string]func(t *testing.T) Storage{
		"disk": func(t *testing.T) Storage { return Disk(filepath.Join(t.TempDir(), "media")) },
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func mustPut(t *testing.T, s Storage, key, content string) {
	t.Helper()
	if err := s.Put(context.Background(), key, strings.NewReader(content), "image/png"); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, s Storage, key string) string {
	t.Helper()
	f, info, err := s.Open(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || info.Size != int64(len(b)) || info.Modified.IsZero() {
		t.Errorf("read %d bytes, %+v, %v", len(b), info, err)
	}
	return string(b)
}

func TestStorage(t *testing.T) {
	ctx := context.Background()
	eachStorage(t, func(t *testing.T, s Storage) {
		mustPut(t, s, "media/1/original.png", "one")
		mustPut(t, s, "media/1/preview.png", "two")
		mustPut(t, s, "media/1/original.png", "three")
		if got := content(t, s, "media/1/original.png"); got != "three" {
			t.Errorf("read %q, want what was put last", got)
		}
		if err := s.Delete(ctx, "media/1/original.png"); err != nil {
			t.Error(err)
		}
		if err := s.Delete(ctx, "media/1/original.png"); err != nil {
			t.Errorf("deleting again: %v", err)
		}
		if _, _, err := s.Open(ctx, "media/1/original.png"); !fault.Is(err, fault.NotFound) {
			t.Errorf("open what was deleted: %v, want NotFound", err)
		}
		if got := content(t, s, "media/1/preview.png"); got != "two" {
			t.Errorf("the other file is %q", got)
		}
	})
}

func TestStorageKeys(t *testing.T) {
	ctx := context.Background()
	eachStorage(t, func(t *testing.T, s Storage) {
		for _, key := range []string{"", ".", "..", "../x", "a/../b", "/a", "a/", "a//b", "A", "a b", "a\x00b", "a~b", ".hidden", "a/.new-1", `a\b`, strings.Repeat("a", 201)} {
			if err := s.Put(ctx, key, strings.NewReader("x"), ""); err == nil {
				t.Errorf("Put took the key %q", key)
			}
			if _, _, err := s.Open(ctx, key); !fault.Is(err, fault.NotFound) {
				t.Errorf("Open(%q): %v, want NotFound", key, err)
			}
			if err := s.Delete(ctx, key); err != nil {
				t.Errorf("Delete(%q): %v", key, err)
			}
		}
	})
}

// TestStoragePutFails shows that a file that broke off is not seen, and harms no
// older one.
func TestStoragePutFails(t *testing.T) {
	eachStorage(t, func(t *testing.T, s Storage) {
		mustPut(t, s, "a", "old")
		broken := io.MultiReader(strings.NewReader("new"), iotest.ErrReader(errors.New("broken off")))
		if err := s.Put(context.Background(), "a", broken, ""); err == nil {
			t.Error("Put of a broken file succeeded")
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Put(ctx, "b", strings.NewReader("x"), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("Put after the end: %v", err)
		}
		if got := content(t, s, "a"); got != "old" {
			t.Errorf("the older file is %q", got)
		}
		if _, _, err := s.Open(context.Background(), "b"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the broken file is there: %v", err)
		}
	})
}

func TestDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := Disk(dir)
	_ = s.Put(context.Background(), "a", iotest.ErrReader(errors.New("broken off")), "")
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServe(t *testing.T) {
	s := Disk(t.TempDir())
	mustPut(t, s, "a.png", "0123456789")
	serve := func(contentType string, header http.Header) *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/media/a.png", nil)
		r.Header = header
		if err := Serve(w, r, s, "a.png", contentType); err != nil {
			t.Fatal(err)
		}
		return w.Result()
	}
	for _, tt := range []struct{ stored, want, disposition string }{
		{"image/png", "image/png", "inline"},
		{"video/mp4", "video/mp4", "inline"},
		{"audio/mpeg", "audio/mpeg", "inline"},
		{"image/svg+xml", "application/octet-stream", "attachment"},
		{"text/html", "application/octet-stream", "attachment"},
		{"", "application/octet-stream", "attachment"},
	} {
		h := serve(tt.stored, nil).Header
		if got := h.Get("Content-Type"); got != tt.want {
			t.Errorf("%q is served as %s, want %s", tt.stored, got, tt.want)
		}
		if got := h.Get("Content-Disposition"); got != tt.disposition {
			t.Errorf("%q is served %s, want %s", tt.stored, got, tt.disposition)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q is served with %v", tt.stored, h)
		}
		if got := h.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("Cache-Control = %q", got)
		}
	}
	part := serve("video/mp4", http.Header{"Range": {"bytes=2-4"}})
	if b, _ := io.ReadAll(part.Body); part.StatusCode != http.StatusPartialContent || string(b) != "234" {
		t.Errorf("a range gives %d %q", part.StatusCode, b)
	}
	if again := serve("image/png", http.Header{"If-None-Match": {`"a.png"`}}); again.StatusCode != http.StatusNotModified {
		t.Errorf("asking again gives %d", again.StatusCode)
	}
	w := httptest.NewRecorder()
	if err := Serve(w, httptest.NewRequest("GET", "/", nil), s, "../../etc/passwd", "image/png"); !fault.Is(err, fault.NotFound) || len(w.Header()) > 0 {
		t.Errorf("a bad key gives %v, %v", err, w.Header())
	}
	var none bytes.Buffer
	if w.Body.Len() != none.Len() {
		t.Errorf("an error wrote %q", w.Body)
	}
}
