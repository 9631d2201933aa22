package store

import (
	"context"
	"fmt"
	"strings"
)

// App is a client that people use.
type App struct {
	ID           int64
	ClientID     string
	SecretHash   string
	Name         string
	Website      string
	RedirectURIs []string
	Scopes       string
	Created      int64 // ms
}

const appColumns = `id, client_id, secret, name, website, redirect_uris, scopes, created`

func (q *Q) app(ctx context.Context, where string, arg any) (*App, error) {
	var a App
	var uris string
	err := q.row(ctx, "SELECT "+appColumns+" FROM apps WHERE "+where, arg).
		Scan(&a.ID, &a.ClientID, &a.SecretHash, &a.Name, &a.Website, &uris, &a.Scopes, &a.Created)
	if err != nil {
		return nil, fmt.Errorf("app %v: %w", arg, err)
	}
	a.RedirectURIs = strings.Split(uris, "\n") // There is at least one.
	return &a, nil
}

// App returns a registered client.
func (q *Q) App(ctx context.Context, id int64) (*App, error) { return q.app(ctx, "id = $1", id) }

// AppByClientID returns a registered client by its public name.
func (q *Q) AppByClientID(ctx context.Context, clientID string) (*App, error) {
	return q.app(ctx, "client_id = $1", clientID)
}

// InsertApp registers a client.
func (tx *Tx) InsertApp(ctx context.Context, a *App) error {
	_, err := tx.exec(ctx, "INSERT INTO apps ("+appColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
		a.ID, a.ClientID, a.SecretHash, a.Name, a.Website, strings.Join(a.RedirectURIs, "\n"), a.Scopes, a.Created)
	if err != nil {
		return fmt.Errorf("registering app %s: %w", a.Name, err)
	}
	return nil
}

// SweepApps deletes clients from before a time (ms) that nobody ever signed in
// with, or not any more, some at a time, and tells whether there may be more. Posts
// keep the name of the client that made them.
func (tx *Tx) SweepApps(ctx context.Context, before int64) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM apps WHERE id IN (SELECT a.id FROM apps a WHERE a.created < $1
		AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.app = a.id AND t.app <> 0) LIMIT $2)`, before, swept)
	if err != nil {
		return false, fmt.Errorf("sweeping apps: %w", err)
	}
	return n == swept, nil
}
