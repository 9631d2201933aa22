package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"kenoma/internal/control"
	"kenoma/internal/server"
)

type serveCmd struct {
	Roles []string `help:"What this node does, of several on one PostgreSQL: ${enum}." enum:"web,worker" default:"web,worker"`
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
	time.AfterFunc(5*time.Second, forgetStart)
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
