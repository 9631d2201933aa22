package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// policySetup is what is set up of the policies outside the database.
func (s *Server) policySetup() pipeline.PolicySetup {
	return pipeline.PolicySetup{
		Configure: func(values map[string]string) (*policy.Settings, []policy.Setting, []error) {
			settings, list, problems := s.Config.PolicySettings(values)
			settings.Simple.Refuse = s.refuses
			if !s.Config.RateLimit.Enabled {
				settings.Policies = slices.DeleteFunc(slices.Clone(settings.Policies), func(name string) bool { return policy.PlainName(name) == "Newcomers" })
			}
			return settings, list, problems
		},
		Files: s.scriptFiles,
	}
}

// maxScripts bounds how many scripts of the data folder are read.
const maxScripts = 100

// scriptFiles reads the scripts in the folder policies of the data folder: *.star.
func (s *Server) scriptFiles() ([]store.PolicyScript, error) {
	names, err := filepath.Glob(filepath.Join(s.Config.DataDir, "policies", "*.star"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []store.PolicyScript
	for _, name := range names[:min(len(names), maxScripts)] {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("scripts of policies: %w", err)
		}
		all = append(all, store.PolicyScript{Name: strings.TrimSuffix(filepath.Base(name), ".star"), Source: string(text), Enabled: true, Changed: -1})
	}
	return all, nil
}

// scriptsEvery is how often the folder of scripts is looked at.
const scriptsEvery = 10 * time.Second

// watchScripts reads the policies anew when a script in the data folder changed, until
// ctx ends.
func (s *Server) watchScripts(ctx context.Context) {
	tick := time.NewTicker(scriptsEvery)
	defer tick.Stop()
	last := s.scriptsSum()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if sum := s.scriptsSum(); sum != last {
			last = sum
			if err := s.Pipeline.ReloadPolicies(ctx); err != nil {
				s.Log.Error("policies not read", "err", err)
			}
		}
	}
}

// scriptsSum tells one state of the folder from another.
func (s *Server) scriptsSum() string {
	files, err := s.scriptFiles()
	return fmt.Sprint(files, err)
}

// warmMedia copies files of a post that arrived, for the policy MediaProxyWarming.
func (s *Server) warmMedia(ctx context.Context, j store.Job) error {
	var w policy.WarmJob
	if err := json.Unmarshal(j.Payload, &w); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	for _, url := range w.URLs {
		f, _, err := s.cache.Get(ctx, url, s.fetchMedia)
		if err != nil {
			s.Log.Debug("not fetched ahead", "url", url, "err", err)
			continue // Who looks tries again.
		}
		f.Close()
	}
	return nil
}

var emojiName = regexp.MustCompile(`^[A-Za-z0-9_]{2,64}$`)

// stealEmoji copies an emoji of another server, for the policy StealEmoji. One that is
// here already stays.
func (s *Server) stealEmoji(ctx context.Context, j store.Job) error {
	var w policy.StealJob
	if err := json.Unmarshal(j.Payload, &w); err != nil {
		return fault.Because(err, fault.Malformed, "The job's payload can't be read.")
	}
	if !emojiName.MatchString(w.Shortcode) || s.Pipeline.Hosts.Of(w.Host).RejectMedia {
		return nil
	}
	if have, err := s.DB.EmojiNamed(ctx, []string{w.Shortcode}); err != nil || len(have) > 0 {
		return err
	}
	body, _, err := s.fetchMedia(ctx, string(w.URL))
	if err != nil {
		if fault.Retryable(err) {
			return err
		}
		return nil
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, int64(w.Limit)+1))
	if err != nil {
		return fault.Because(err, fault.Transient, "The picture broke off.")
	}
	if len(data) > w.Limit {
		return nil
	}
	found, err := media.CheckEmoji(data, int64(w.Limit))
	if err != nil {
		s.Log.Debug("emoji not copied", "shortcode", w.Shortcode, "err", err)
		return nil
	}
	sum := sha256.Sum256(data)
	base := "emoji/" + strings.ToLower(strings.TrimLeft(w.Shortcode, "_")) + "-" + hex.EncodeToString(sum[:6])
	e := &store.OwnEmoji{Shortcode: w.Shortcode, File: base + found.Ext, Category: w.Host, Visible: true}
	if err := s.storage.Put(ctx, e.File, bytes.NewReader(data), found.Type); err != nil {
		return err
	}
	if found.Static != nil {
		e.Static = base + "-static.png"
		if err := s.storage.Put(ctx, e.Static, bytes.NewReader(found.Static), "image/png"); err != nil {
			return err
		}
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetEmoji(ctx, e) })
}
