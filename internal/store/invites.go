package store

import (
	"context"
	"fmt"
)

// Invite is a code with which people may sign up.
type Invite struct {
	ID         int64 // Tells when.
	Code       string
	Creator    int64 // 0: on the command line.
	MaxUses    int64 // 0: any number.
	Uses       int64
	Expires    int64 // ms, 0 never
	Revoked    int64 // ms, 0 not
	Autofollow bool  // Who comes follows the creator.
	Comment    string
}

const inviteColumns = "id, code, creator, max_uses, uses, expires, revoked, autofollow, comment"

func (i *Invite) scan() []any {
	return []any{&i.ID, &i.Code, &i.Creator, &i.MaxUses, &i.Uses, &i.Expires, &i.Revoked, &i.Autofollow, &i.Comment}
}

// Usable tells whether somebody may still come by the invite at a time (ms).
func (i *Invite) Usable(now int64) bool {
	return i.Revoked == 0 && (i.Expires == 0 || i.Expires > now) && (i.MaxUses == 0 || i.Uses < i.MaxUses)
}

// Invite returns an invite by its code; ErrNotFound also for one that is not usable or
// whose creator may not act any more.
func (q *Q) Invite(ctx context.Context, code string) (*Invite, error) {
	var i Invite
	err := q.row(ctx, "SELECT "+inviteColumns+" FROM invites WHERE code = $1", code).Scan(i.scan()...)
	if err == nil && !i.Usable(q.now().UnixMilli()) {
		err = ErrNotFound
	}
	if err == nil && i.Creator != 0 {
		var gone bool
		gone, err = q.exists(ctx, "SELECT 1 FROM actors a JOIN accounts c ON c.actor = a.id WHERE a.id = $1 AND (a.deleted <> 0 OR a.suspended <> 0 OR c.disabled <> 0)", i.Creator)
		if err == nil && gone {
			err = ErrNotFound
		}
	}
	if err != nil {
		return nil, fmt.Errorf("invite: %w", err)
	}
	return &i, nil
}

// Invites returns a page of all invites, or those of a creator (0: of anybody), newest
// first.
func (q *Q) Invites(ctx context.Context, creator int64, p Page) ([]Invite, error) {
	text, args := "SELECT "+inviteColumns+" FROM invites WHERE id > 0", []any{}
	if creator != 0 {
		text, args = "SELECT "+inviteColumns+" FROM invites WHERE creator = $1", []any{creator}
	}
	tail, more := p.clause("id", len(args)+1)
	rows, err := q.query(ctx, text+tail, append(args, more...)...)
	all, err := collect(rows, err, (*Invite).scan)
	return order(p, all), wrapped(err, "invites")
}

// InvitesSince counts the invites that an account made since a time (ms).
func (q *Q) InvitesSince(ctx context.Context, creator, since int64) (n int64, err error) {
	err = q.row(ctx, "SELECT COUNT(*) FROM (SELECT 1 AS one FROM invites WHERE creator = $1 AND id > $2 LIMIT 1000) c", creator, since<<16).Scan(&n)
	return n, wrapped(err, "invites of %d", creator)
}

// InsertInvite keeps an invite, which gets an id.
func (tx *Tx) InsertInvite(ctx context.Context, i *Invite) error {
	i.ID = tx.NewID()
	_, err := tx.exec(ctx, "INSERT INTO invites ("+inviteColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		i.ID, i.Code, i.Creator, i.MaxUses, i.Uses, i.Expires, i.Revoked, i.Autofollow, i.Comment)
	return wrapped(err, "invite")
}

// UseInvite counts a use; ErrNotFound when it is used up, over or revoked. Of several
// that try to be the last at the same time one is.
func (tx *Tx) UseInvite(ctx context.Context, code string) (*Invite, error) {
	if _, err := tx.Invite(ctx, code); err != nil {
		return nil, err
	}
	var i Invite
	err := tx.row(ctx, `UPDATE invites SET uses = uses + 1 WHERE code = $1 AND revoked = 0 AND (expires = 0 OR expires > $2) AND (max_uses = 0 OR uses < max_uses)
		RETURNING `+inviteColumns, code, tx.now().UnixMilli()).Scan(i.scan()...)
	if err != nil {
		return nil, fmt.Errorf("using an invite: %w", err)
	}
	return &i, nil
}

// RevokeInvite ends an invite and returns it; creator 0 is whoever made it. ErrNotFound
// when there is none such.
func (tx *Tx) RevokeInvite(ctx context.Context, code string, creator int64) (*Invite, error) {
	var i Invite
	err := tx.row(ctx, "UPDATE invites SET revoked = CASE WHEN revoked = 0 THEN $2 ELSE revoked END WHERE code = $1 AND (creator = $3 OR $3 = 0) RETURNING "+inviteColumns,
		code, tx.now().UnixMilli(), creator).Scan(i.scan()...)
	if err != nil {
		return nil, fmt.Errorf("revoking an invite: %w", err)
	}
	return &i, nil
}

// Inviters returns who invited accounts, by account; 0: the command line.
func (q *Q) Inviters(ctx context.Context, accounts []int64) (map[int64]int64, error) {
	found := map[int64]int64{}
	for chunk := range chunks(accounts) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT c.actor, i.creator FROM accounts c JOIN invites i ON i.id = c.invite WHERE c.invite <> 0 AND c.actor IN ("+list+")", args...)
		all, err := collect(rows, err, func(p *[2]int64) []any { return []any{&p[0], &p[1]} })
		if err != nil {
			return nil, fmt.Errorf("who invited: %w", err)
		}
		for _, p := range all {
			found[p[0]] = p[1]
		}
	}
	return found, nil
}

// SetInvite notes with which invite an account was made.
func (tx *Tx) SetInvite(ctx context.Context, actor, invite int64) error {
	_, err := tx.exec(ctx, "UPDATE accounts SET invite = $2 WHERE actor = $1", actor, invite)
	return wrapped(err, "invite of %d", actor)
}
