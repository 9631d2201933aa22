package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/media"
	"kenoma/internal/queue"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// proxySecret is the setting that holds the key of the proxy's addresses.
const proxySecret = "proxy_secret"

func (s *Server) buildMedia(ctx context.Context) error {
	uploads, err := s.dataFile("media", "uploads")
	if err != nil {
		return err
	}
	s.storage = media.Disk(uploads)
	// Not the system's folder, which may lie in memory.
	if s.incoming, err = s.dataFile("media", "incoming"); err == nil {
		err = os.MkdirAll(s.incoming, 0o700)
	}
	if err != nil {
		return err
	}
	if err := s.clearIncoming(); err != nil {
		return err
	}
	c := s.Config.Media
	ffmpeg, err := media.FindFFmpeg(c.FFmpeg)
	if err != nil {
		return err
	}
	s.uploads = &media.Uploads{DB: s.DB, Storage: s.storage, Log: s.Log, Processor: media.NewProcessor(media.ProcessorOptions{Self: s.Self, TempDir: s.incoming,
		ImageBytes: int64(c.MaxImage), VideoBytes: int64(c.MaxVideo), Limits: media.FilmLimits{Pixels: c.MaxVideoPixels, Rate: c.MaxFrameRate, Duration: c.MaxDuration},
		FFmpeg: ffmpeg, FFmpegMemory: int64(c.FFmpegMemory), FFmpegTimeout: c.FFmpegTimeout})}
	copies, err := s.dataFile("media", "copies")
	if err != nil {
		return err
	}
	s.cache = &media.Cache{Dir: copies, MaxBytes: int64(s.Config.Media.RemoteCache), TTL: s.Config.Media.RemoteTTL, MaxFile: int64(s.Config.Media.RemoteMaxFile)}
	secret, err := s.DB.Setting(ctx, proxySecret)
	if errors.Is(err, store.ErrNotFound) {
		b := make([]byte, 32)
		rand.Read(b)
		secret = hex.EncodeToString(b)
		err = s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, proxySecret, secret) })
	}
	if err != nil {
		return err
	}
	s.signer = media.Signer(secret)
	return nil
}

// clearIncoming makes the folder, and removes what a crash left behind in it.
func (s *Server) clearIncoming() error {
	if err := os.MkdirAll(s.incoming, 0o700); err != nil {
		return err
	}
	left, err := os.ReadDir(s.incoming)
	for _, entry := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(s.incoming, entry.Name())))
	}
	return err
}

// mediaKind tunes the jobs that work on uploads: what fails for want of disk or
// memory is soon tried again.
var mediaKind = queue.Kind{Attempts: 10, Schedule: queue.Schedule{5 * time.Second, 30 * time.Second, 5 * time.Minute}}

// upload serves a file of ours: /media/NUMBER/NAME, where the name is its key.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	if chi.URLParam(r, "id") == "emoji" {
		s.emoji(w, r)
		return
	}
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	m, err := s.DB.Upload(r.Context(), id)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	key, kind := chi.URLParam(r, "id")+"/"+chi.URLParam(r, "*"), m.Mime
	switch {
	case key == m.Preview: // Its owner may have brought it before the file was ready.
		kind = "image/jpeg"
		if strings.HasSuffix(key, ".png") {
			kind = "image/png"
		}
	case key != m.File || m.State != store.UploadReady:
		http.NotFound(w, r)
		return
	}
	if err := media.Serve(w, r, s.storage, key, kind); err != nil {
		http.NotFound(w, r)
	}
}

// proxyAge is how long others may keep a copy. The file behind an address hardly
// ever changes.
const proxyAge = 24 * time.Hour

// fetchMedia fetches a remote file.
func (s *Server) fetchMedia(ctx context.Context, url string) (io.ReadCloser, string, error) {
	return s.Remote.Media(ctx, vocab.IRI(url), int64(s.Config.Media.RemoteMaxFile))
}

// proxy serves our copy of a remote picture, at an address that we have signed.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	url, ok := s.signer.Open(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	f, kind, err := s.cache.Get(r.Context(), url, s.fetchMedia)
	if err != nil {
		s.Log.Debug("no copy", "url", url, "err", err)
		http.Error(w, "The picture can't be had at the moment.", http.StatusBadGateway)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	// The time of a copy changes with its use, so it names no version for those who
	// fetch a video piece by piece.
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, sha256.Sum256([]byte(url)), info.Size()))
	media.ServeContent(w, r, f, kind, time.Time{}, proxyAge)
}

// emoji serves a picture of one of our own emoji: /media/emoji/NAME.
func (s *Server) emoji(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "*")
	kind := media.EmojiType(name)
	if kind == "" || strings.Contains(name, "/") {
		http.NotFound(w, r)
		return
	}
	if err := media.Serve(w, r, s.storage, "emoji/"+name, kind); err != nil {
		http.NotFound(w, r)
	}
}
