package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// Who has access to an account: browsers that are signed in, and apps.

// Browser is what is known of one that signed in.
type Browser struct {
	Agent string `json:"agent"`
	IP    string `json:"ip"`
}

const (
	maxAgent = 300 // Bytes of a browser's name for itself.
	maxShown = 200 // Browsers, or tokens of apps, on one page.
)

// cutText shortens a text to n bytes, not inside of a character.
func cutText(text string, n int) string {
	if len(text) <= n {
		return strings.ToValidUTF8(text, "")
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.ToValidUTF8(text[:n], "")
}

// SignedIn is a browser that is signed in to an account.
type SignedIn struct {
	Browser
	ID       int64
	Since    int64 // ms
	LastUsed int64 // ms, 0 not since then
	This     bool  // The one that asks.
}

// Browsers returns the browsers that are signed in to who asks' account, the newest first.
func (s *Service) Browsers(ctx context.Context, one *Session) ([]SignedIn, error) {
	tokens, err := s.DB.TokensOf(ctx, one.Actor.ID, "session", maxShown)
	if err != nil {
		return nil, err
	}
	var all []SignedIn
	for _, t := range tokens {
		b := SignedIn{ID: t.ID, Since: t.Created, LastUsed: t.LastUsed, This: t.ID == one.Token.ID}
		if t.Data != "" {
			if err := json.Unmarshal([]byte(t.Data), &b.Browser); err != nil {
				return nil, err
			}
		}
		all = append(all, b)
	}
	return all, nil
}

// EndBrowser signs one of an account's browsers out.
func (s *Service) EndBrowser(ctx context.Context, actor, id int64) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.DropToken(ctx, "session", actor, id) })
	if errors.Is(err, store.ErrNotFound) {
		return nil // It has gone by itself.
	}
	return err
}

// EndOtherBrowsers signs all but the one that asks out.
func (s *Service) EndOtherBrowsers(ctx context.Context, one *Session) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropTokens(ctx, "second", one.Actor.ID, 0); err != nil {
			return err
		}
		return tx.DropTokens(ctx, "session", one.Actor.ID, one.Token.ID)
	})
}

// AuthorizedApp is an app that has access to an account.
type AuthorizedApp struct {
	ID       int64 // 0: tokens made on the command line.
	Name     string
	Website  string
	Scopes   Grant // All that its tokens allow together.
	Since    int64 // ms, of its oldest token
	LastUsed int64 // ms, 0 never
}

// AuthorizedApps returns the apps that have access to an account, the newest first.
func (s *Service) AuthorizedApps(ctx context.Context, actor int64) ([]AuthorizedApp, error) {
	tokens, err := s.DB.TokensOf(ctx, actor, "access", maxShown)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, t := range tokens {
		if t.App != 0 && !slices.Contains(ids, t.App) {
			ids = append(ids, t.App)
		}
	}
	apps, err := s.DB.AppsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var all []AuthorizedApp
	at := map[int64]int{}
	for _, t := range tokens {
		i, ok := at[t.App]
		if !ok {
			i = len(all)
			at[t.App] = i
			one := AuthorizedApp{ID: t.App, Name: "Tokens made by the admin"}
			if app := apps[t.App]; app != nil {
				one.Name, one.Website = app.Name, app.Website
			}
			all = append(all, one)
		}
		one := &all[i]
		one.Since, one.LastUsed = t.Created, max(one.LastUsed, t.LastUsed)
		for _, scope := range strings.Fields(t.Scopes) {
			if !slices.Contains(one.Scopes, scope) {
				one.Scopes = append(one.Scopes, scope)
			}
		}
	}
	return all, nil
}

// RevokeApp ends an app's access to an account.
func (s *Service) RevokeApp(ctx context.Context, actor, app int64) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.DropAppTokens(ctx, actor, app)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "This app has no access (any more).")
		}
		return err
	})
	s.Forget()
	return err
}
