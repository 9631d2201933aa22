package store

import (
	"context"
	"fmt"
)

// Token is an opaque secret that was handed out; only its hash is kept.
type Token struct {
	ID       int64
	Hash     string // SHA-256, hex.
	Kind     string // access, code, session, confirm, reset, setup, captcha
	Actor    int64  // 0: an app's own token.
	App      int64  // 0: none.
	Scopes   string
	Data     string // The kind's own.
	Created  int64  // ms
	Expires  int64  // ms, 0 never
	LastUsed int64  // ms
}

const tokenColumns = `id, hash, kind, actor, app, scopes, data, created, expires, last_used`

func (t *Token) scan() []any {
	return []any{&t.ID, &t.Hash, &t.Kind, &t.Actor, &t.App, &t.Scopes, &t.Data, &t.Created, &t.Expires, &t.LastUsed}
}

// Token returns a token of a kind that has not expired.
func (q *Q) Token(ctx context.Context, kind, hash string) (*Token, error) {
	var t Token
	err := q.row(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE hash = $1 AND kind = $2 AND (expires = 0 OR expires > $3)",
		hash, kind, q.now().UnixMilli()).Scan(t.scan()...)
	if err != nil {
		return nil, fmt.Errorf("%s token: %w", kind, err)
	}
	return &t, nil
}

// InsertToken keeps a token.
func (tx *Tx) InsertToken(ctx context.Context, t *Token) error {
	_, err := tx.exec(ctx, "INSERT INTO tokens ("+tokenColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
		t.ID, t.Hash, t.Kind, t.Actor, t.App, t.Scopes, t.Data, t.Created, t.Expires, t.LastUsed)
	if err != nil {
		return fmt.Errorf("keeping a %s token: %w", t.Kind, err)
	}
	return nil
}

// SetTokenData writes what a token of a kind carries.
func (tx *Tx) SetTokenData(ctx context.Context, kind, hash, data string) error {
	_, err := tx.exec(ctx, "UPDATE tokens SET data = $3 WHERE hash = $1 AND kind = $2", hash, kind, data)
	return wrapped(err, "data of a %s token", kind)
}

// TakeToken deletes a token that has not expired and returns it: what may be used
// once. Of several that try at the same time one gets it, the others ErrNotFound.
func (tx *Tx) TakeToken(ctx context.Context, kind, hash string) (*Token, error) {
	var t Token
	err := tx.row(ctx, "DELETE FROM tokens WHERE hash = $1 AND kind = $2 AND (expires = 0 OR expires > $3) RETURNING "+tokenColumns,
		hash, kind, tx.now().UnixMilli()).Scan(t.scan()...)
	if err != nil {
		return nil, fmt.Errorf("taking a %s token: %w", kind, err)
	}
	return &t, nil
}

// DropTokens deletes an actor's tokens of a kind, all but the one with id keep.
func (tx *Tx) DropTokens(ctx context.Context, kind string, actor, keep int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM tokens WHERE actor = $1 AND kind = $2 AND id <> $3", actor, kind, keep); err != nil {
		return fmt.Errorf("dropping %s tokens: %w", kind, err)
	}
	return nil
}

// DropKind deletes all tokens of a kind. It reads the whole table: for the first
// start only.
func (tx *Tx) DropKind(ctx context.Context, kind string) error {
	if _, err := tx.exec(ctx, "DELETE FROM tokens WHERE kind = $1", kind); err != nil {
		return fmt.Errorf("dropping all %s tokens: %w", kind, err)
	}
	return nil
}

// TouchTokens notes that tokens were used at a time (ms).
func (tx *Tx) TouchTokens(ctx context.Context, ids []int64, at int64) error {
	for chunk := range chunks(ids) {
		list, args := in(2, chunk)
		if _, err := tx.exec(ctx, "UPDATE tokens SET last_used = $1 WHERE id IN ("+list+")", append([]any{at}, args...)...); err != nil {
			return fmt.Errorf("tokens used: %w", err)
		}
	}
	return nil
}

// swept is how many rows a sweep deletes in one transaction.
const swept = 500

// SweepTokens deletes expired tokens, some at a time, and tells whether there may
// be more.
func (tx *Tx) SweepTokens(ctx context.Context) (more bool, err error) {
	n, err := tx.exec(ctx, "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires <> 0 AND expires <= $1 LIMIT $2)",
		tx.now().UnixMilli(), swept)
	if err != nil {
		return false, fmt.Errorf("sweeping tokens: %w", err)
	}
	return n == swept, nil
}

// SweepAppTokens deletes tokens of apps themselves, without a person, that were not
// used since a time (ms), some at a time, and tells whether there may be more.
func (tx *Tx) SweepAppTokens(ctx context.Context, since int64) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE actor = 0 AND kind = 'access'
		AND created < $1 AND last_used < $1 LIMIT $2)`, since, swept)
	if err != nil {
		return false, fmt.Errorf("sweeping tokens of apps: %w", err)
	}
	return n == swept, nil
}
