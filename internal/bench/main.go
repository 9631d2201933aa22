// Bench measures a whole Kenoma server against its budgets: it fills databases,
// starts the real binary on them, and loads it as apps and other servers would.
// Everything stays on loopback. What it prints is a table in Markdown.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/pgtest"
	"kenoma/internal/remote"
)

// Where everything listens. The addresses are part of the loaded databases.
const (
	base     = "http://127.0.0.1:17400"
	domain   = "127.0.0.1:17400"
	listen   = "127.0.0.1:17400"
	sinkPort = 17480
)

// options are the flags.
type options struct {
	binary string
	dir    string
	engine string
	sizes  []int
	only   string
	time   time.Duration
	load   bool
	storm  int // Reactions to one post; 0 measures everything else.
}

func main() {
	var o options
	var sizes string
	flag.StringVar(&o.binary, "binary", "bin/kenoma", "the server")
	flag.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "kenoma-bench"), "where loaded databases are kept")
	flag.StringVar(&o.engine, "engine", "sqlite", "sqlite or postgres")
	flag.StringVar(&sizes, "sizes", "20000", "numbers of statuses, comma-separated")
	flag.StringVar(&o.only, "only", "", "run only the measurements whose name holds this")
	flag.DurationVar(&o.time, "time", 3*time.Second, "how long each measurement runs")
	flag.IntVar(&o.storm, "storm", 0, "measure only how so many reactions to one post are borne")
	flag.BoolVar(&o.load, "load", false, "only fill the databases")
	flag.Parse()
	for s := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			fail(fmt.Errorf("-sizes: %w", err))
		}
		o.sizes = append(o.sizes, n)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	err := run(ctx, o)
	pgtest.Stop()
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	slog.Error("bench", "err", err)
	os.Exit(1)
}

func run(ctx context.Context, o options) error {
	for _, n := range o.sizes {
		s, dir, err := prepared(ctx, o, n)
		if err != nil {
			return err
		}
		if o.load {
			continue
		}
		if err := measure(ctx, o, n, s, dir); err != nil {
			return err
		}
	}
	return nil
}

// prepared returns a data folder with a fresh copy of the loaded database.
func prepared(ctx context.Context, o options, n int) (*set, string, error) {
	dir := filepath.Join(o.dir, fmt.Sprintf("%s-%d", o.engine, n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	master := filepath.Join(dir, "master.db")
	url := "sqlite:" + master
	if o.engine == "postgres" {
		var err error
		if url, err = freshPostgres(); err != nil {
			return nil, "", err
		}
	}
	s, err := readSet(dir)
	if err != nil || o.engine == "postgres" {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(master + suffix)
		}
		key, err := benchKey()
		if err != nil {
			return nil, "", err
		}
		slog.Info("loading", "engine", o.engine, "statuses", n)
		if s, err = load(ctx, url, n, key); err != nil {
			return nil, "", err
		}
		slog.Info("loaded", "in", s.Loaded.Round(time.Second))
		if err := writeSet(dir, s); err != nil {
			return nil, "", err
		}
	}
	if o.engine == "postgres" {
		return s, dir, nil
	}
	data := filepath.Join(dir, "data")
	os.RemoveAll(data)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, "", err
	}
	s.URL = "sqlite:" + filepath.Join(data, "kenoma.db")
	return s, data, copyFile(master, filepath.Join(data, "kenoma.db"))
}

func readSet(dir string) (*set, error) {
	b, err := os.ReadFile(filepath.Join(dir, "set.json"))
	if err != nil {
		return nil, err
	}
	var s set
	return &s, json.Unmarshal(b, &s)
}

func writeSet(dir string, s *set) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "set.json"), b, 0o600)
}

// benchKeyPath is where the key is kept that everybody in the databases has.
func benchKeyPath() string { return filepath.Join(os.TempDir(), "kenoma-bench.pem") }

func benchKey() (signer, error) {
	if b, err := os.ReadFile(benchKeyPath()); err == nil {
		return remote.ParsePrivateKey(string(b))
	}
	k, err := remote.NewRSAKey()
	if err != nil {
		return nil, err
	}
	text, err := remote.EncodePrivateKey(k)
	if err != nil {
		return nil, err
	}
	return k, os.WriteFile(benchKeyPath(), []byte(text), 0o600)
}
