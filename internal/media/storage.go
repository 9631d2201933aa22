package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"kenoma/internal/fault"
)

// Storage keeps files under keys. A file never changes: a new version gets a new
// key. Keys are path-like, of lower-case letters, digits, '-', '_' and '.', in
// parts that begin with a letter or digit, at most 200 bytes.
type Storage interface {
	// Put stores r under key, replacing what was there. Once it returns nil the file
	// is complete and survives a crash; before, nobody sees any of it.
	Put(ctx context.Context, key string, r io.Reader, contentType string) error
	// Open returns the file under key. It fails with NotFound if there is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)
	// Delete removes the file under key. It is no error if there is none.
	Delete(ctx context.Context, key string) error
}

// Info describes a stored file.
type Info struct {
	Size     int64 // Bytes.
	Modified time.Time
}

var keyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$`)

const maxKey = 200

// checkKey returns an error for what is no key.
func checkKey(key string) error {
	if len(key) > maxKey || !keyForm.MatchString(key) {
		return fault.New(fault.NotFound, "There is no such file.")
	}
	return nil
}

// Disk returns a Storage in dir, which is created with the first file. Files lie
// in two levels of folders, named by a hash of the key, so that none gets large.
func Disk(dir string) Storage { return disk{dir} }

type disk struct{ dir string }

// path returns where the file under key lies. '~' is in no key, so that no two keys
// share a path.
func (d disk) path(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(key))
	h := hex.EncodeToString(sum[:2])
	return filepath.Join(d.dir, h[:2], h[2:], strings.ReplaceAll(key, "/", "~")), nil
}

// Put implements Storage. The type is not kept: it is known by the key's owner.
func (d disk) Put(ctx context.Context, key string, r io.Reader, _ string) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if err := writeWhole(ctx, path, r, true); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return nil
}

// Open implements Storage.
func (d disk) Open(_ context.Context, key string) (io.ReadSeekCloser, Info, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, Info{}, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, fault.Because(err, fault.NotFound, "There is no such file.")
	}
	if err != nil {
		return nil, Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	return f, Info{Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete implements Storage.
func (d disk) Delete(_ context.Context, key string) error {
	path, err := d.path(key)
	if err != nil {
		return nil // Nothing can be under it.
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// writeWhole writes r to path by way of a temporary file beside it, so that path
// is there with all of it or not at all. durable waits until disk has it.
func writeWhole(ctx context.Context, path string, r io.Reader, durable bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := io.Copy(f, readerWith(ctx, r)); err != nil {
		return err
	}
	if durable {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	// The name is durable once its folder is, and that folder's once its own is.
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil {
			return err
		}
		if dir == filepath.Dir(filepath.Dir(filepath.Dir(path))) {
			return nil
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// readerWith returns r ending with ctx.
func readerWith(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
