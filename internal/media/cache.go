package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"kenoma/internal/fault"
)

// Cache keeps copies of remote pictures, videos and sounds in a folder of its own,
// bounded by bytes: the longest unused go first. It may be deleted at any time.
// Set the fields before the first call; it is then safe for concurrent use.
type Cache struct {
	Dir      string        // Created when needed.
	MaxBytes int64         // Of all copies. 0 means 1 GB.
	MaxFile  int64         // Of one. 0 means 40 MB.
	TTL      time.Duration // How long a copy stays after it was last asked for. 0 means 7 days.
	Timeout  time.Duration // For one fetch. 0 means 1 min.

	flights singleflight.Group
	size    atomic.Int64 // Bytes in Dir, as far as known.
	counted sync.Once    // Set when size holds what was there before.
	sweeps  sync.Mutex   // One sweep at a time.
	mu      sync.Mutex
	failed  map[string]failure // By address; bounded.
}

// failure is a fetch that gave nothing.
type failure struct {
	err   error
	until time.Time
}

const (
	failureTTL  = 5 * time.Minute // Until a failed address is tried again.
	maxFailures = 1024            // Remembered at once; beyond, all are forgotten.
	touchEvery  = time.Hour       // How exact the last use is.
)

// Fetch gets a remote file. contentType is what the other server calls it, which
// is ignored.
type Fetch func(ctx context.Context, url string) (body io.ReadCloser, contentType string, err error)

// Get returns the file at url, from the folder or by fetch, and its type as found
// in its bytes. Many at once for the same url make one fetch, which goes on when
// the one who asked leaves. A failure is remembered for five minutes. The caller
// closes the file.
//
// Errors for the person: Unsupported for what is no picture, video or sound, TooLarge,
// and those of fetch.
func (c *Cache) Get(ctx context.Context, url string, fetch Fetch) (*os.File, string, error) {
	path := c.path(url)
	if f, contentType, err := c.open(path); err == nil {
		return f, contentType, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("copy of %s: %w", url, err)
	}
	if err := c.failure(url); err != nil {
		return nil, "", err
	}
	flight := c.flights.DoChan(url, func() (any, error) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), or(c.Timeout, time.Minute))
		defer cancel()
		err := c.store(bounded, url, path, fetch)
		if err != nil {
			c.remember(url, err)
		}
		return nil, err
	})
	select {
	case <-ctx.Done():
		return nil, "", fmt.Errorf("wait for %s: %w", url, ctx.Err())
	case done := <-flight:
		if done.Err != nil {
			return nil, "", done.Err
		}
	}
	f, contentType, err := c.open(path)
	if err != nil {
		return nil, "", fmt.Errorf("copy of %s: %w", url, err)
	}
	return f, contentType, nil
}

// Forget removes the copy of url, if there is one.
func (c *Cache) Forget(url string) error {
	c.mu.Lock()
	delete(c.failed, url)
	c.mu.Unlock()
	return c.remove(c.path(url))
}

// path returns where the copy of url lies.
func (c *Cache) path(url string) string {
	sum := sha256.Sum256([]byte(url))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(c.Dir, name[:2], name[2:])
}

// open opens a copy that is not over its time, and notes the use.
func (c *Cache) open(path string) (*os.File, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, "", err
	}
	switch age := time.Since(info.ModTime()); {
	case age > or(c.TTL, 7*24*time.Hour):
		_ = f.Close()
		_ = c.remove(path)
		return nil, "", fs.ErrNotExist
	case age > touchEvery:
		now := time.Now()
		_ = os.Chtimes(path, now, now) // It would only expire early.
	}
	head := make([]byte, min(info.Size(), sniffBytes))
	if _, err := f.ReadAt(head, 0); err != nil {
		_ = f.Close()
		return nil, "", err
	}
	t := sniff(head)
	if t == nil { // The disk or an older list of types.
		_ = f.Close()
		_ = c.remove(path)
		return nil, "", fs.ErrNotExist
	}
	return f, t.name, nil
}

// store fetches url and keeps it at path.
func (c *Cache) store(ctx context.Context, url, path string, fetch Fetch) error {
	body, _, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(readerWith(ctx, body), head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Because(err, fault.Transient, "The other server broke off.")
	}
	head = head[:n]
	if sniff(head) == nil {
		return fault.New(fault.Unsupported, "There is no picture, video or sound at this address.")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("copy of %s: %w", url, err)
	}
	c.counted.Do(c.count)
	counted := &limited{r: io.MultiReader(bytes.NewReader(head), body), left: or(c.MaxFile, 40<<20)}
	if err := writeWhole(ctx, path, counted, false); err != nil {
		return fmt.Errorf("copy of %s: %w", url, err)
	}
	if c.size.Add(counted.n) > or(c.MaxBytes, 1<<30) {
		return c.Sweep()
	}
	return nil
}

// limited reads at most left bytes of r, more is an error.
type limited struct {
	r       io.Reader
	n, left int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.n += int64(n)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault.New(fault.TooLarge, "The file on the other server is too large to be shown here.")
	}
	return n, err
}

// remove deletes the copy at path.
func (c *Cache) remove(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove copy: %w", err)
	}
	c.size.Add(-info.Size())
	return nil
}

// copied is one file of the folder.
type copied struct {
	path string
	size int64
	used time.Time
}

// list returns what is in the folder. Files that vanish meanwhile are left out.
func (c *Cache) list() ([]copied, error) {
	var all []copied
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if info, err := d.Info(); err == nil {
			all = append(all, copied{path, info.Size(), info.ModTime()})
		}
		return nil
	})
	return all, err
}

// count adds what is in the folder from before to size.
func (c *Cache) count() {
	all, err := c.list()
	if err != nil {
		return // Sweep, which counts too, tells.
	}
	for _, f := range all {
		c.size.Add(f.size)
	}
}

// Sweep removes copies that are over their time, and while there are more bytes
// than allowed, the longest unused ones down to nine tenths. It is called when the
// cache is full; call it now and then for the time limit.
func (c *Cache) Sweep() error {
	c.sweeps.Lock()
	defer c.sweeps.Unlock()
	all, err := c.list()
	if err != nil {
		return fmt.Errorf("sweep copies: %w", err)
	}
	var total int64
	for _, f := range all {
		total += f.size
	}
	slices.SortFunc(all, func(a, b copied) int { return a.used.Compare(b.used) })
	most := or(c.MaxBytes, 1<<30)
	full := total > most
	oldest := time.Now().Add(-or(c.TTL, 7*24*time.Hour))
	for _, f := range all {
		if !f.used.Before(oldest) && (!full || total <= most/10*9) {
			break
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep copies: %w", err)
		}
		total -= f.size
	}
	c.size.Store(total)
	return nil
}

// failure returns the error of a fetch that failed a short time ago, or nil.
func (c *Cache) failure(url string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.failed[url]
	if !ok || time.Now().After(f.until) {
		return nil
	}
	return f.err
}

func (c *Cache) remember(url string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil || len(c.failed) >= maxFailures {
		c.failed = map[string]failure{}
	}
	c.failed[url] = failure{err, time.Now().Add(failureTTL)}
}

// or returns v, or d where v is not positive.
func or[T int64 | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}
