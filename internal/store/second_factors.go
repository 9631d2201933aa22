package store

import (
	"context"
	"fmt"
	"log/slog"
)

// Hidden is a text that must not get into logs or answers: it shows itself to
// nobody who prints or encodes it.
type Hidden string

// String implements fmt.Stringer.
func (Hidden) String() string { return "[hidden]" }

// GoString implements fmt.GoStringer.
func (Hidden) GoString() string { return "[hidden]" }

// MarshalText implements encoding.TextMarshaler.
func (Hidden) MarshalText() ([]byte, error) { return []byte("[hidden]"), nil }

// LogValue implements slog.LogValuer.
func (Hidden) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// SecondFactor is something that an account shows beside its password: an
// authenticator app (totp), a passkey, or a recovery code.
type SecondFactor struct {
	ID, Actor int64
	Kind      string // totp, passkey, recovery
	Name      string
	Key       string // See the table.
	Secret    Hidden
	Step      int64
	Created   int64 // ms
	Used      int64 // ms, 0 never
}

const factorColumns = "id, actor, kind, name, key, secret, step, created, used"

func (f *SecondFactor) scan() []any {
	return []any{&f.ID, &f.Actor, &f.Kind, &f.Name, &f.Key, (*string)(&f.Secret), &f.Step, &f.Created, &f.Used}
}

// SecondFactors returns what an account has, recovery codes too, the oldest first.
func (q *Q) SecondFactors(ctx context.Context, actor int64) ([]SecondFactor, error) {
	rows, err := q.query(ctx, "SELECT "+factorColumns+" FROM second_factors WHERE actor = $1 ORDER BY id", actor)
	all, err := collect(rows, err, (*SecondFactor).scan)
	return all, wrapped(err, "second factors of %d", actor)
}

// HasSecondFactor tells whether an account needs more than its password.
func (q *Q) HasSecondFactor(ctx context.Context, actor int64) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM second_factors WHERE actor = $1 AND kind IN ('totp', 'passkey') LIMIT 1", actor)
}

// PasskeyByKey returns a passkey by its credential's id; ErrNotFound when nobody has it.
func (q *Q) PasskeyByKey(ctx context.Context, key string) (*SecondFactor, error) {
	var f SecondFactor
	err := q.row(ctx, "SELECT "+factorColumns+" FROM second_factors WHERE key = $1 AND key <> '' AND kind = 'passkey'", key).Scan(f.scan()...)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return &f, nil
}

// InsertSecondFactor keeps one.
func (tx *Tx) InsertSecondFactor(ctx context.Context, f *SecondFactor) error {
	_, err := tx.exec(ctx, "INSERT INTO second_factors ("+factorColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
		f.ID, f.Actor, f.Kind, f.Name, f.Key, string(f.Secret), f.Step, f.Created, f.Used)
	return wrapped(err, "second factor of %d", f.Actor)
}

// UseSecondFactor writes what a use changes: when, the step, and a passkey's record.
func (tx *Tx) UseSecondFactor(ctx context.Context, f *SecondFactor) error {
	_, err := tx.exec(ctx, "UPDATE second_factors SET secret = $2, step = $3, used = $4 WHERE id = $1", f.ID, string(f.Secret), f.Step, f.Used)
	return wrapped(err, "second factor %d", f.ID)
}

// TakeRecovery deletes an account's recovery code by its hash; ErrNotFound when
// there is no such code (any more).
func (tx *Tx) TakeRecovery(ctx context.Context, actor int64, key string) error {
	n, err := tx.exec(ctx, "DELETE FROM second_factors WHERE key = $2 AND key <> '' AND actor = $1 AND kind = 'recovery'", actor, key)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "recovery code of %d", actor)
}

// DropSecondFactor deletes one of an account's, ErrNotFound when it has no such.
func (tx *Tx) DropSecondFactor(ctx context.Context, actor, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM second_factors WHERE id = $2 AND actor = $1", actor, id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "second factor %d of %d", id, actor)
}

// DropSecondFactors deletes all of an account's of a kind, or of every kind ("").
func (tx *Tx) DropSecondFactors(ctx context.Context, actor int64, kind string) error {
	text, args := "DELETE FROM second_factors WHERE actor = $1", []any{actor}
	if kind != "" {
		text, args = text+" AND kind = $2", append(args, kind)
	}
	_, err := tx.exec(ctx, text, args...)
	return wrapped(err, "second factors of %d", actor)
}

// SettingOr returns what is noted under a key; where there is nothing yet, value
// is noted. Of several nodes that do so at once all get the same.
func (d *DB) SettingOr(ctx context.Context, key, value string) (string, error) {
	err := d.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key, value)
		return wrapped(err, "setting %s", key)
	})
	if err != nil {
		return "", err
	}
	return d.Setting(ctx, key)
}

// TokensOf returns an actor's tokens of a kind that have not expired, the newest
// first, at most limit.
func (q *Q) TokensOf(ctx context.Context, actor int64, kind string, limit int) ([]Token, error) {
	rows, err := q.query(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE actor = $1 AND kind = $2 AND (expires = 0 OR expires > $3) ORDER BY id DESC LIMIT $4",
		actor, kind, q.now().UnixMilli(), limit)
	all, err := collect(rows, err, (*Token).scan)
	return all, wrapped(err, "%s tokens of %d", kind, actor)
}

// DropToken deletes one of an actor's tokens of a kind; ErrNotFound when it has no such.
func (tx *Tx) DropToken(ctx context.Context, kind string, actor, id int64) error {
	n, err := tx.exec(ctx, "DELETE FROM tokens WHERE id = $3 AND actor = $1 AND kind = $2", actor, kind, id)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return wrapped(err, "%s token %d", kind, id)
}

// DropAppTokens deletes what an app was given for an actor: tokens, and codes that
// it did not exchange yet. It tells how many there were.
func (tx *Tx) DropAppTokens(ctx context.Context, actor, app int64) (int64, error) {
	n, err := tx.exec(ctx, "DELETE FROM tokens WHERE actor = $1 AND app = $2 AND kind IN ('access', 'code')", actor, app)
	return n, wrapped(err, "tokens of app %d", app)
}

// AppsByID returns registered clients; unknown ones are left out.
func (q *Q) AppsByID(ctx context.Context, ids []int64) (map[int64]*App, error) {
	found := map[int64]*App{}
	for chunk := range chunks(ids) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT id, client_id, name, website, scopes, created FROM apps WHERE id IN ("+list+")", args...)
		all, err := collect(rows, err, func(a *App) []any { return []any{&a.ID, &a.ClientID, &a.Name, &a.Website, &a.Scopes, &a.Created} })
		if err != nil {
			return nil, fmt.Errorf("apps: %w", err)
		}
		for i := range all {
			found[all[i].ID] = &all[i]
		}
	}
	return found, nil
}
