package store

import (
	"context"
	"fmt"
)

// QuoteState says what became of a quote; a closed set, its number stands in the
// database. States that depend on the reader or on a deletion are not stored.
type QuoteState int16

// The states.
const (
	QuotePending  QuoteState = iota // The quoted post, or the permission of its author, is not known yet.
	QuoteAccepted                   // Its author permits it, or quotes itself.
	QuoteRejected                   // Its author said no.
	QuoteRevoked                    // Its author permitted it once.
)

// QuoteStates lists the names of the states by number.
//
// spec: masto:entities/Quote#state
var QuoteStates = []string{"pending", "accepted", "rejected", "revoked"}

// Quote is a row of quotes.
type Quote struct {
	Status, Actor int64
	Quoted        int64 // objects.id, 0 while not known.
	State         QuoteState
}

func (x *Quote) scan() []any { return []any{&x.Status, &x.Actor, &x.Quoted, &x.State} }

const quoteColumns = "status, actor, quoted, state"

// Quote returns what became of the quote in a post; nil when it has none.
func (q *Q) Quote(ctx context.Context, status int64) (*Quote, error) {
	var x Quote
	err := q.row(ctx, "SELECT "+quoteColumns+" FROM quotes WHERE status = $1", status).Scan(x.scan()...)
	one, err := found(&x, err)
	return one, wrapped(err, "quote in %d", status)
}

// Quotes returns those of several posts; posts without one are left out.
func (q *Q) Quotes(ctx context.Context, statuses []int64) (map[int64]Quote, error) {
	all := make(map[int64]Quote, len(statuses))
	for chunk := range chunks(statuses) {
		list, args := in(1, chunk)
		rows, err := q.query(ctx, "SELECT "+quoteColumns+" FROM quotes WHERE status IN ("+list+")", args...)
		some, err := collect(rows, err, (*Quote).scan)
		if err != nil {
			return nil, fmt.Errorf("quotes: %w", err)
		}
		for _, x := range some {
			all[x.Status] = x
		}
	}
	return all, nil
}

// QuotesOf returns a page of the posts that quote a post with its author's leave.
func (q *Q) QuotesOf(ctx context.Context, quoted int64, p Page) ([]TimelineRow, error) {
	tail, args := p.clause("status", 2)
	return q.timeline(ctx, p, "SELECT status, actor, status FROM quotes WHERE quoted = $1 AND quoted <> 0 AND state = 1"+tail, append([]any{quoted}, args...)...)
}

// SetQuote writes what became of a quote.
func (tx *Tx) SetQuote(ctx context.Context, x *Quote) error {
	_, err := tx.exec(ctx, "INSERT INTO quotes ("+quoteColumns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (status) DO UPDATE SET quoted = excluded.quoted, state = excluded.state`, x.Status, x.Actor, x.Quoted, x.State)
	return wrapped(err, "quote in %d", x.Status)
}

// RemoveQuote forgets the quote in a post with its permissions.
func (tx *Tx) RemoveQuote(ctx context.Context, status int64) error {
	if _, err := tx.exec(ctx, "DELETE FROM quotes WHERE status = $1", status); err != nil {
		return fmt.Errorf("quote in %d: %w", status, err)
	}
	_, err := tx.exec(ctx, "DELETE FROM quote_stamps WHERE status = $1", status)
	return wrapped(err, "quote in %d", status)
}

// CountQuote adds n to the quotes of a post.
func (tx *Tx) CountQuote(ctx context.Context, status, n int64) error {
	return tx.count(ctx, status, "quotes", n)
}

// AddStamp notes that a permission is for the quote in a post.
func (tx *Tx) AddStamp(ctx context.Context, status, stamp int64) error {
	_, err := tx.exec(ctx, "INSERT INTO quote_stamps (status, stamp) VALUES ($1, $2) ON CONFLICT DO NOTHING", status, stamp)
	return wrapped(err, "permission of the quote in %d", status)
}

// Stamp is a permission of a quote.
type Stamp struct {
	ID      int64 // objects.id
	Actor   int64 // Who gave it.
	Deleted int64 // ms, 0 while it holds.
	URI     string
}

// Stamps returns the permissions of the quote in a post, the oldest first.
func (q *Q) Stamps(ctx context.Context, status int64) ([]Stamp, error) {
	rows, err := q.query(ctx, `SELECT o.id, o.actor, o.deleted, o.uri FROM quote_stamps s JOIN objects o ON o.id = s.stamp
		WHERE s.status = $1 ORDER BY s.stamp LIMIT 50`, status)
	list, err := collect(rows, err, func(s *Stamp) []any { return []any{&s.ID, &s.Actor, &s.Deleted, &s.URI} })
	return list, wrapped(err, "permissions of the quote in %d", status)
}

// StampedBy returns the posts whose quote a permission is for.
func (q *Q) StampedBy(ctx context.Context, stamp int64) ([]int64, error) {
	list, err := q.ids(ctx, "SELECT status FROM quote_stamps WHERE stamp = $1 LIMIT 50", stamp)
	return list, wrapped(err, "quotes with the permission %d", stamp)
}

// FollowedAmong returns which of these accounts an account follows, and which of
// them follow it, in one query.
func (q *Q) FollowedAmong(ctx context.Context, viewer int64, accounts []int64) (follows, followedBy map[int64]bool, err error) {
	follows, followedBy = map[int64]bool{}, map[int64]bool{}
	type row struct {
		id   int64
		back int
	}
	for chunk := range chunks(accounts) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT target, 0 FROM follows WHERE actor = $1 AND accepted AND target IN ("+list+`)
			UNION ALL SELECT actor, 1 FROM follows WHERE target = $1 AND accepted AND actor IN (`+list+")", append([]any{viewer}, args...)...)
		all, err := collect(rows, err, func(r *row) []any { return []any{&r.id, &r.back} })
		if err != nil {
			return nil, nil, fmt.Errorf("follows of %d: %w", viewer, err)
		}
		for _, r := range all {
			if r.back == 0 {
				follows[r.id] = true
			} else {
				followedBy[r.id] = true
			}
		}
	}
	return follows, followedBy, nil
}
