package pipeline

import (
	"context"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Listen is "actor listened to a track": shown on its profile, nobody is told.
var Listen = define(Type{
	Name:     "Listen",
	Spec:     "pleroma:scrobbles",
	Validate: validateListen,
	Apply:    applyListen,
	Undo:     undoListen,
})

func validateListen(a *vocab.Activity, _ Origin) error {
	if _, ok := a.Track(); !ok {
		return fault.New(fault.Malformed, "The Listen names no title.")
	}
	return nil
}

func applyListen(ctx context.Context, s *Step) error {
	if s.visibility = vocab.VisibilityOf(s.Activity.To, s.Activity.Cc, s.Actor.Followers).Level; s.visibility > unlisted {
		s.state = store.Void // Only what everybody may know is shown.
		return nil
	}
	track, ok := s.Activity.Track()
	if !ok {
		s.state = store.Void
		return nil
	}
	return s.AddScrobble(ctx, &store.Scrobble{Actor: s.Actor.ID, Seq: s.Seq, Track: track})
}

func undoListen(ctx context.Context, s *Step, row *store.Activity) error {
	return s.RemoveScrobble(ctx, row.Actor, row.Seq)
}

// Listened publishes that by listened to a track, and returns its number.
func (p *Pipeline) Listened(ctx context.Context, by *store.Actor, track vocab.Track) (seq int64, err error) {
	id := p.NewID()
	a := p.activity("Listen", by, "")
	a.To, a.Cc = vocab.VisibilityLevel(0).Audience(by.Followers, nil)
	doc := vocab.EncodeTrack(p.ObjectURI(id), by.URI, a.To, a.Cc, track)
	raw := vocab.EncodeActivity(a, doc)
	if a, err = vocab.DecodeActivity(raw); err != nil {
		return 0, err
	}
	err = p.process(ctx, a, FromAccount(by.ID), func(_ context.Context, s *Step) error {
		seq = s.Seq
		return nil
	})
	return seq, err
}
