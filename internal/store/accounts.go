package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Account is a row of accounts: what is private of a local actor. Times are ms, 0
// never.
type Account struct {
	Actor       int64
	Email       string
	Password    string // argon2id in PHC form.
	Role        string // "", moderator, admin
	PrivateKey  string // PEM
	Created     int64
	Confirmed   int64
	Approved    int64
	Disabled    int64
	Reason      string
	Locale      string
	SignUpIP    string
	LastSeen    int64
	Preferences Preferences
	Source      Source
	App         int64 // With which it was made; 0: on our pages.
}

// Preferences are how somebody likes to write and read. Zero values are defaults.
type Preferences struct {
	Visibility  string `json:"visibility,omitempty"` // Of new posts; "" public.
	Sensitive   bool   `json:"sensitive,omitempty"`
	Language    string `json:"language,omitempty"`
	QuotePolicy string `json:"quote_policy,omitempty"` // Of new posts: public, followers, nobody; "" public.
	DirectFrom  string `json:"direct_from,omitempty"`  // Who may write direct messages: people_i_follow, nobody; "" everybody.
	HideNetwork bool   `json:"hide_network,omitempty"` // Followers and followed are nobody's business.

	// What the profile doesn't show although it could.
	HideMedia        bool `json:"hide_media,omitempty"`
	HideMediaReplies bool `json:"hide_media_replies,omitempty"` // Among the media, those of replies.
	HideFeatured     bool `json:"hide_featured,omitempty"`

	StayOnMove bool `json:"stay_on_move,omitempty"` // Whoever is followed and moves is not followed there.

	AttributionDomains []string `json:"attribution_domains,omitempty"` // Sites that may name the account as an author.

	ExpandMedia    string `json:"expand_media,omitempty"` // show_all, hide_all; "" default.
	ExpandSpoilers bool   `json:"expand_spoilers,omitempty"`
}

// Source is the profile as typed.
type Source struct {
	Note   string        `json:"note"`
	Fields []SourceField `json:"fields"`
}

// SourceField is a row of the profile's table as typed.
type SourceField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// NewAccount is what an account begins with. Password is a hash already.
type NewAccount struct {
	Username, Email, Password string
	Role, Reason, Locale, IP  string
	Confirmed, Approved       bool
	App                       int64  // With which it is made; 0: on our pages.
	Invite                    string // Code with which somebody comes; "" none.
}

const accountColumns = `actor, email, password, role, private_key, created, confirmed, approved, disabled, reason, locale, sign_up_ip, last_seen, preferences, source, app`

// jsonOf scans a JSON column.
type jsonOf struct{ to any }

// Scan implements sql.Scanner.
func (j jsonOf) Scan(v any) error {
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), j.to)
	case []byte:
		return json.Unmarshal(v, j.to)
	}
	return fmt.Errorf("a JSON column holds %T", v)
}

func (a *Account) scan() []any {
	return []any{&a.Actor, &a.Email, &a.Password, &a.Role, &a.PrivateKey, &a.Created, &a.Confirmed, &a.Approved, &a.Disabled, &a.Reason,
		&a.Locale, &a.SignUpIP, &a.LastSeen, jsonOf{&a.Preferences}, jsonOf{&a.Source}, &a.App}
}

func (q *Q) account(ctx context.Context, where string, arg any) (*Account, error) {
	var a Account
	if err := q.row(ctx, "SELECT "+accountColumns+" FROM accounts WHERE "+where, arg).Scan(a.scan()...); err != nil {
		return nil, fmt.Errorf("account %v: %w", arg, err)
	}
	return &a, nil
}

// Account returns the account of one of our actors.
func (q *Q) Account(ctx context.Context, actor int64) (*Account, error) {
	return q.account(ctx, "actor = $1", actor)
}

// AccountByEmail looks an account up by its address, without regard to case.
func (q *Q) AccountByEmail(ctx context.Context, email string) (*Account, error) {
	return q.account(ctx, "email_key = $1 AND email_key <> ''", EmailKey(email))
}

// EmailKey folds an address for look-ups.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Accounts returns our accounts, newest first.
func (q *Q) Accounts(ctx context.Context, p Page) ([]Account, error) {
	tail, args := p.clause("actor", 1)
	rows, err := q.query(ctx, "SELECT "+accountColumns+" FROM accounts WHERE actor > 0"+tail, args...)
	all, err := collect(rows, err, (*Account).scan)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	return order(p, all), nil
}

// InsertAccount adds the private side of a new actor. ErrExists when the e-mail
// address is taken.
func (tx *Tx) InsertAccount(ctx context.Context, actor int64, privateKey string, n NewAccount) error {
	if n.Email != "" {
		taken, err := tx.exists(ctx, "SELECT 1 FROM accounts WHERE email_key = $1 AND email_key <> ''", EmailKey(n.Email))
		if err != nil {
			return err
		}
		if taken {
			return fmt.Errorf("e-mail address: %w", ErrExists)
		}
	}
	now := tx.now().UnixMilli()
	when := func(yes bool) int64 {
		if yes {
			return now
		}
		return 0
	}
	_, err := tx.exec(ctx, `INSERT INTO accounts (`+accountColumns+`, email_key)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`,
		actor, n.Email, n.Password, n.Role, privateKey, now, when(n.Confirmed), when(n.Approved), int64(0), n.Reason, n.Locale, n.IP, int64(0),
		toJSON(Preferences{}), toJSON(Source{Fields: []SourceField{}}), n.App, EmailKey(n.Email))
	if err != nil {
		return fmt.Errorf("adding account %d: %w", actor, err)
	}
	return nil
}

// UpdateAccount writes everything that may change.
func (tx *Tx) UpdateAccount(ctx context.Context, a *Account) error {
	_, err := tx.exec(ctx, `UPDATE accounts SET email = $2, email_key = $3, password = $4, role = $5, confirmed = $6, approved = $7, disabled = $8,
		locale = $9, preferences = $10, source = $11 WHERE actor = $1`,
		a.Actor, a.Email, EmailKey(a.Email), a.Password, a.Role, a.Confirmed, a.Approved, a.Disabled, a.Locale, toJSON(a.Preferences), toJSON(a.Source))
	if err != nil {
		return fmt.Errorf("updating account %d: %w", a.Actor, err)
	}
	return nil
}

// Seen notes when an account was last used. One that was away gets its home back.
func (tx *Tx) Seen(ctx context.Context, actor int64, at time.Time) error {
	if _, err := tx.exec(ctx, "UPDATE accounts SET last_seen = $2 WHERE actor = $1 AND last_seen < $2", actor, at.UnixMilli()); err != nil {
		return fmt.Errorf("account %d seen: %w", actor, err)
	}
	if err := tx.active(ctx, actor, at.UnixMilli()); err != nil {
		return err
	}
	n, err := tx.exec(ctx, "DELETE FROM away WHERE owner = $1", actor)
	if err != nil || n == 0 {
		return wrapped(err, "account %d is back", actor)
	}
	return tx.Enqueue(ctx, RefillJob(actor))
}

// AnyAccount tells whether there is an account at all.
func (q *Q) AnyAccount(ctx context.Context) (bool, error) {
	return q.exists(ctx, "SELECT 1 FROM accounts LIMIT 1")
}
