package server

import (
	"context"

	"kenoma/internal/mastodon"
)

// newAPI builds the door for apps.
func (s *Server) newAPI() *mastodon.API {
	return mastodon.New(mastodon.Options{DB: s.DB, Pipeline: s.Pipeline, Hub: s.Hub, URL: s.Config.URL, Domain: s.Config.Domain})
}

var _ = context.Background
