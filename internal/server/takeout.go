package server

import (
	"os"
	"time"

	"kenoma/internal/takeout"
)

// bringTime is for one run of an import of an archive, which may wait for a film to be
// converted; most runs take some seconds.
const bringTime = 15 * time.Minute

// buildTakeout makes the part that puts archives together and runs imports.
func (s *Server) buildTakeout() error {
	dir, err := s.dataFile("archives")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	c := s.Config
	s.Takeout = takeout.New(takeout.Options{DB: s.DB, Pipeline: s.Pipeline, Hub: s.Hub, Storage: s.storage, Dir: dir, URL: c.URL, Domain: c.Domain,
		Every: c.Takeout.ArchiveEvery, Keep: c.Takeout.Keep, MaxRows: c.Takeout.ImportRows, Log: s.Log, Now: s.Now,
		Uploads: s.uploads, Archives: c.Takeout.ImportArchives, ArchiveBytes: int64(c.Takeout.ImportArchiveSize), MaxPosts: c.Takeout.ImportPosts})
	return nil
}
