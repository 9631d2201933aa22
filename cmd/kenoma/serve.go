package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"

	"kenoma/internal/control"
	"kenoma/internal/server"
)

type serveCmd struct {
	Roles []string `help:"What this node does, of several on one PostgreSQL: ${enum}." enum:"web,worker" default:"web,worker"`
}

// softMemory is where Go's collector works harder (bytes). With what is not Go's, the
// program's own pages and SQLite's cache, the process stays below the budget at the
// peak. What really lives may take more on a large site: then the bound moves up, or
// the collector would do nothing but run.
const softMemory = 52 << 20

// boundMemory keeps the collector's bound at softMemory, or half again what lives.
func boundMemory(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	bound := int64(softMemory)
	debug.SetMemoryLimit(bound)
	for tick := time.NewTicker(5 * time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		next := max(softMemory, int64(live[0].Value.Uint64()+live[1].Value.Uint64())*3/2)
		if next > bound || next < bound*3/4 {
			bound = next
			debug.SetMemoryLimit(bound)
		}
	}
}

// Run serves until SIGTERM or SIGINT, then drains.
func (c serveCmd) Run(e *env) error {
	roles := server.Roles{NoWeb: !slices.Contains(c.Roles, "web"), NoWorker: !slices.Contains(c.Roles, "worker")}
	return serve(e, roles)
}

func serve(e *env, roles server.Roles) error {
	c, err := e.config()
	if err != nil {
		return err
	}
	log, err := logger(c)
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	if os.Getenv("GOMEMLIMIT") == "" {
		go boundMemory(e.ctx)
	}
	release, err := control.Lock(c.DataDir)
	if err != nil {
		return err
	}
	defer release()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s, err := server.New(e.ctx, server.Options{Config: c, Version: version, Log: log, Self: self, Roles: roles})
	if err != nil {
		return err
	}
	stop, err := control.Serve(e.ctx, c.DataDir, &control.Env{DB: s.DB, Pipeline: s.Pipeline, Auth: s.Auth, Running: true, Site: siteSettings(c), Storage: s.Storage(), MaxEmoji: int64(c.Media.MaxEmoji)})
	if err != nil {
		s.Close(context.WithoutCancel(e.ctx))
		return err
	}
	defer stop()
	if link, err := s.Auth.SetupLink(e.ctx); err != nil {
		log.Error("no setup link", "err", err)
	} else if link != "" {
		fmt.Fprintf(e.out, "\nWelcome to Kenoma. There are no accounts yet. Open this link to create the admin's; it works once:\n\n  %s\n\n", link)
	}
	return s.Serve(e.ctx)
}
