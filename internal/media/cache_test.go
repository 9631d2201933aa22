package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// peer answers fetches and counts them.
type peer struct {
	body   []byte
	err    error
	asked  atomic.Int64
	gate   chan struct{} // If not nil, answers wait for it.
	closed atomic.Int64
}

func (p *peer) fetch(ctx context.Context, _ string) (io.ReadCloser, string, error) {
	p.asked.Add(1)
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	if p.err != nil {
		return nil, "", p.err
	}
	return body{bytes.NewReader(p.body), p}, "text/html", nil
}

type body struct {
	io.Reader
	p *peer
}

func (b body) Close() error { b.p.closed.Add(1); return nil }

// picOf is a file of n bytes that begins as a PNG.
func picOf(n int) []byte {
	return append(bombPNG(1, 1), make([]byte, n-len(bombPNG(1, 1)))...)
}

func mustGet(t *testing.T, c *Cache, url string, p *peer) {
	t.Helper()
	f, contentType, err := c.Get(context.Background(), url, p.fetch)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, p.body) || contentType != "image/png" {
		t.Fatalf("Get(%s) gives %d bytes of %s, %v", url, len(got), contentType, err)
	}
}

// files returns the number and bytes of the files in c's folder.
func files(t *testing.T, c *Cache) (n int, bytes int64) {
	t.Helper()
	err := filepath.WalkDir(c.Dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		n, bytes = n+1, bytes+info.Size()
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return n, bytes
}

func TestCache(t *testing.T) {
	c := &Cache{Dir: filepath.Join(t.TempDir(), "remote")}
	p := &peer{body: picOf(5000)}
	mustGet(t, c, "https://b.test/1.png", p)
	mustGet(t, c, "https://b.test/1.png", p)
	if p.asked.Load() != 1 || p.closed.Load() != 1 {
		t.Errorf("fetched %d times, closed %d, want once", p.asked.Load(), p.closed.Load())
	}
	mustGet(t, c, "https://b.test/2.png", p)
	if p.asked.Load() != 2 {
		t.Errorf("another address was not fetched")
	}
	if err := c.Forget("https://b.test/1.png"); err != nil {
		t.Error(err)
	}
	mustGet(t, c, "https://b.test/1.png", p)
	if p.asked.Load() != 3 {
		t.Errorf("a forgotten address was not fetched again")
	}
}

func TestCacheOneFetchForMany(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	p := &peer{body: picOf(100), gate: make(chan struct{})}
	left, cancel := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() {
		_, _, err := c.Get(left, "https://b.test/1.png", p.fetch)
		gone <- err
	}()
	for p.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { mustGet(t, c, "https://b.test/1.png", p) })
	}
	cancel() // The first one leaves; the others still get the file.
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	close(p.gate)
	all.Wait()
	if p.asked.Load() != 1 {
		t.Errorf("fetched %d times, want once", p.asked.Load())
	}
}

func TestCacheRefuses(t *testing.T) {
	gone := fault.New(fault.NotFound, "gone")
	for _, tt := range []struct {
		name string
		p    *peer
		want fault.Kind
	}{
		{"HTML", &peer{body: []byte("<!DOCTYPE html><script>alert(1)</script>")}, fault.Unsupported},
		{"SVG", &peer{body: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)}, fault.Unsupported},
		{"nothing", &peer{}, fault.Unsupported},
		{"too much", &peer{body: picOf(2001)}, fault.TooLarge},
		{"not found", &peer{err: gone}, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Cache{Dir: t.TempDir(), MaxFile: 2000}
			for range 2 {
				if _, _, err := c.Get(context.Background(), "https://b.test/x", tt.p.fetch); !fault.Is(err, tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
			}
			if tt.p.asked.Load() != 1 {
				t.Errorf("fetched %d times, want once: failures are remembered", tt.p.asked.Load())
			}
			if n, _ := files(t, c); n != 0 {
				t.Errorf("%d files were left", n)
			}
		})
	}
}

func TestCacheFailuresAreBounded(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	p := &peer{err: errors.New("down")}
	for i := range 3 * maxFailures {
		_, _, _ = c.Get(context.Background(), fmt.Sprint("https://b.test/", i), p.fetch)
	}
	if len(c.failed) > maxFailures {
		t.Errorf("%d failures are remembered", len(c.failed))
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	p := &peer{body: picOf(1000)}
	url := func(i int) string { return fmt.Sprint("https://b.test/", i) }
	c := &Cache{Dir: dir, MaxBytes: 20_000}
	for i := range 15 {
		mustGet(t, c, url(i), p)
	}
	// Whatever was used longest ago goes first; 3 was used again.
	for i := range 15 {
		used := time.Now().Add(-time.Duration(30-i) * time.Hour)
		if i == 3 {
			used = time.Now()
		}
		if err := os.Chtimes(c.path(url(i)), used, used); err != nil {
			t.Fatal(err)
		}
	}
	c = &Cache{Dir: dir, MaxBytes: 20_000} // A new start counts what is there.
	for i := 15; i < 21; i++ {
		mustGet(t, c, url(i), p)
	}
	if n, size := files(t, c); size > 18_000 || n < 15 {
		t.Errorf("%d files of %d bytes are left, want at most 18,000 bytes and not much less", n, size)
	}
	for i, want := range map[int]bool{0: false, 1: false, 3: true, 14: true, 20: true} {
		if _, err := os.Stat(c.path(url(i))); (err == nil) != want {
			t.Errorf("file %d is there: %t, want %t", i, err == nil, want)
		}
	}
}

func TestCacheExpires(t *testing.T) {
	c := &Cache{Dir: t.TempDir(), TTL: 24 * time.Hour}
	p := &peer{body: picOf(100)}
	age := func(url string, d time.Duration) {
		then := time.Now().Add(-d)
		if err := os.Chtimes(c.path(url), then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, url := range []string{"https://b.test/used", "https://b.test/old", "https://b.test/older"} {
		mustGet(t, c, url, p)
	}
	age("https://b.test/used", 23*time.Hour)
	age("https://b.test/old", 25*time.Hour)
	age("https://b.test/older", 26*time.Hour)
	mustGet(t, c, "https://b.test/used", p)
	if p.asked.Load() != 3 {
		t.Error("a copy was fetched again before its time")
	}
	mustGet(t, c, "https://b.test/old", p)
	if p.asked.Load() != 4 {
		t.Error("a copy over its time was not fetched again")
	}
	if err := c.Sweep(); err != nil {
		t.Fatal(err)
	}
	if n, _ := files(t, c); n != 2 {
		t.Errorf("%d files are left, want the two in use", n)
	}
	if info, err := os.Stat(c.path("https://b.test/used")); err != nil || time.Since(info.ModTime()) > time.Hour {
		t.Errorf("the use was not noted: %v, %v", info.ModTime(), err)
	}
}

func TestSigner(t *testing.T) {
	s := Signer("0123456789abcdef0123456789abcdef")
	const url = "https://b.test/a b.png?x=1&y=ä"
	path := s.Path(url)
	if got, ok := s.Open(path); !ok || got != url {
		t.Errorf("Open(Path(%s)) = %q, %t", url, got, ok)
	}
	other := Signer("another secret, another secret ..").Path(url)
	coded := path[strings.LastIndexByte(path, '/'):]
	elsewhere := s.Path("https://c.test/")
	for name, bad := range map[string]string{
		"another secret":  other,
		"another address": path[:len(path)-len(coded)] + elsewhere[strings.LastIndexByte(elsewhere, '/'):],
		"no proof":        "/proxy/" + coded,
		"no address":      path[:len(path)-len(coded)],
		"another form":    path + "=",
		"another prefix":  strings.Replace(path, "/proxy/", "/media/", 1),
		"nothing":         "",
	} {
		if got, ok := s.Open(bad); ok {
			t.Errorf("%s: Open(%q) = %q", name, bad, got)
		}
	}
	for _, bad := range []string{"", "file:///etc/passwd", "data:text/html,x", "/media/1"} {
		if got := s.Path(bad); got != "" {
			t.Errorf("Path(%q) = %q", bad, got)
		}
	}
}
