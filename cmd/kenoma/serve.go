package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"kenoma/internal/control"
	"kenoma/internal/server"
)

type serveCmd struct{}

// softMemory is where Go's collector works harder, well below the budget at the
// peak (bytes).
const softMemory = 72 << 20

// Run serves until SIGTERM or SIGINT, then drains.
func (serveCmd) Run(e *env) error {
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
		debug.SetMemoryLimit(softMemory)
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
	s, err := server.New(e.ctx, server.Options{Config: c, Version: version, Log: log, Self: self})
	if err != nil {
		return err
	}
	stop, err := control.Serve(e.ctx, c.DataDir, &control.Env{DB: s.DB, Pipeline: s.Pipeline, Auth: s.Auth, Running: true})
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
