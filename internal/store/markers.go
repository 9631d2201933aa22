package store

import (
	"context"
	"fmt"
)

// Marker is how far somebody has read.
type Marker struct {
	Actor    int64
	Timeline string // home, notifications; "cleared" is the store's own.
	LastRead string
	Version  int64 // How often it was set.
	Updated  int64 // ms
}

// Markers returns an account's markers by timeline.
func (q *Q) Markers(ctx context.Context, actor int64) (map[string]Marker, error) {
	rows, err := q.query(ctx, "SELECT actor, timeline, last_read, version, updated FROM markers WHERE actor = $1 AND timeline <> 'cleared'", actor)
	all, err := collect(rows, err, func(m *Marker) []any { return []any{&m.Actor, &m.Timeline, &m.LastRead, &m.Version, &m.Updated} })
	if err != nil {
		return nil, fmt.Errorf("markers of %d: %w", actor, err)
	}
	found := make(map[string]Marker, len(all))
	for _, m := range all {
		found[m.Timeline] = m
	}
	return found, nil
}

// SetMarker moves a marker and returns it with its new version.
func (tx *Tx) SetMarker(ctx context.Context, m Marker) (Marker, error) {
	m.Updated = tx.now().UnixMilli()
	err := tx.row(ctx, `INSERT INTO markers (actor, timeline, last_read, version, updated) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (actor, timeline) DO UPDATE SET last_read = excluded.last_read, version = markers.version + 1, updated = excluded.updated
		RETURNING version`, m.Actor, m.Timeline, m.LastRead, m.Updated).Scan(&m.Version)
	return m, wrapped(err, "marker %s of %d", m.Timeline, m.Actor)
}
