package server

import (
	"kenoma/internal/cards"
	"kenoma/internal/media"
	"kenoma/internal/translate"
)

// cards fetches the previews of linked pages.
func (s *Server) cards() *cards.Service {
	return &cards.Service{DB: s.DB, Remote: s.Remote, Stream: s.Hub, Resolve: s.Pipeline.Resolve, Refuses: s.refused, Log: s.Log, Off: !s.Config.Cards.Enabled}
}

// translator is the service that the admin has chosen, nil for none.
func (s *Server) translator() translate.Service {
	c := s.Config.Translation
	return translate.New(translate.Options{LibreTranslateURL: c.LibreTranslateURL, LibreTranslateKey: c.LibreTranslateKey, DeepLURL: c.DeepLURL, DeepLKey: c.DeepLKey})
}

// Storage is where uploads are kept.
func (s *Server) Storage() media.Storage { return s.storage }
