package store

import (
	"context"

	"kenoma/internal/vocab"
)

// Scrobble is a row of scrobbles: somebody listened to a track.
type Scrobble struct {
	Actor, Seq int64
	vocab.Track
}

const scrobbleColumns = "actor, seq, title, artist, album, length, link"

func (s *Scrobble) scan() []any {
	return []any{&s.Actor, &s.Seq, &s.Title, &s.Artist, &s.Album, &s.Length, &s.Link}
}

// AddScrobble records one; a second one of the same activity is nothing new.
func (tx *Tx) AddScrobble(ctx context.Context, s *Scrobble) error {
	_, err := tx.exec(ctx, "INSERT INTO scrobbles ("+scrobbleColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
		s.Actor, s.Seq, s.Title, s.Artist, s.Album, s.Length, s.Link)
	return wrapped(err, "scrobble of %d", s.Actor)
}

// RemoveScrobble takes one back.
func (tx *Tx) RemoveScrobble(ctx context.Context, actor, seq int64) error {
	_, err := tx.exec(ctx, "DELETE FROM scrobbles WHERE actor = $1 AND seq = $2", actor, seq)
	return wrapped(err, "scrobble of %d", actor)
}

// Scrobbles returns a page of what an actor listened to, newest first.
func (q *Q) Scrobbles(ctx context.Context, actor int64, p Page) ([]Scrobble, error) {
	tail, args := p.clause("seq", 2)
	rows, err := q.query(ctx, "SELECT "+scrobbleColumns+" FROM scrobbles WHERE actor = $1"+tail, append([]any{actor}, args...)...)
	all, err := collect(rows, err, (*Scrobble).scan)
	return order(p, all), wrapped(err, "scrobbles of %d", actor)
}
