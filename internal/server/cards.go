package server

import "kenoma/internal/cards"

// cards fetches the previews of linked pages.
func (s *Server) cards() *cards.Service {
	return &cards.Service{DB: s.DB, Remote: s.Remote, Stream: s.Hub, Resolve: s.Pipeline.Resolve, Refuses: s.refused, Log: s.Log, Off: !s.Config.Cards.Enabled}
}
