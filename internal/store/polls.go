package store

import (
	"context"
	"fmt"
)

// Poll is a row of polls with its options.
type Poll struct {
	Status   int64
	Multiple bool
	Ends     int64 // ms, 0 open-ended
	Closed   int64 // ms, 0 while open
	Voters   int64 // −1 when unknown
	Options  []PollOption
}

// PollOption is one answer.
type PollOption struct {
	Title string
	Votes int64
}

// SetPoll writes a poll with its options; other options than before replace the
// old ones, and votes with them.
func (tx *Tx) SetPoll(ctx context.Context, p *Poll) error {
	_, err := tx.exec(ctx, `INSERT INTO polls (status, multiple, ends, closed, voters) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (status) DO UPDATE SET multiple = excluded.multiple, ends = excluded.ends, closed = excluded.closed, voters = excluded.voters`,
		p.Status, p.Multiple, p.Ends, p.Closed, p.Voters)
	if err != nil {
		return fmt.Errorf("poll %d: %w", p.Status, err)
	}
	if _, err := tx.exec(ctx, "DELETE FROM poll_options WHERE status = $1", p.Status); err != nil {
		return fmt.Errorf("poll %d: %w", p.Status, err)
	}
	for i, o := range p.Options {
		if _, err := tx.exec(ctx, "INSERT INTO poll_options (status, idx, title, votes) VALUES ($1, $2, $3, $4)", p.Status, i, o.Title, o.Votes); err != nil {
			return fmt.Errorf("poll %d: %w", p.Status, err)
		}
	}
	return nil
}

// Poll returns a poll.
func (q *Q) Poll(ctx context.Context, status int64) (*Poll, error) {
	all, err := q.Polls(ctx, []int64{status})
	if err != nil {
		return nil, err
	}
	if p := all[status]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("poll %d: %w", status, ErrNotFound)
}

// Polls returns the polls of these statuses; those without one are left out.
func (q *Q) Polls(ctx context.Context, statuses []int64) (map[int64]*Poll, error) {
	found := map[int64]*Poll{}
	for chunk := range chunks(statuses) {
		list, args := in(1, chunk)
		type option struct {
			Poll
			title string
			votes int64
		}
		rows, err := q.query(ctx, `SELECT p.status, p.multiple, p.ends, p.closed, p.voters, COALESCE(o.title, ''), COALESCE(o.votes, -1)
			FROM polls p LEFT JOIN poll_options o ON o.status = p.status WHERE p.status IN (`+list+") ORDER BY p.status, o.idx", args...)
		options, err := collect(rows, err, func(o *option) []any {
			return []any{&o.Status, &o.Multiple, &o.Ends, &o.Closed, &o.Voters, &o.title, &o.votes}
		})
		if err != nil {
			return nil, fmt.Errorf("polls: %w", err)
		}
		for i := range options {
			o := &options[i]
			p := found[o.Status]
			if p == nil {
				p = &o.Poll
				found[o.Status] = p
			}
			if o.votes >= 0 { // Otherwise there are no options.
				p.Options = append(p.Options, PollOption{o.title, o.votes})
			}
		}
	}
	return found, nil
}

// Vote records a choice; false when actor made it before. counted says whether the
// tallies of the poll are ours to keep.
func (tx *Tx) Vote(ctx context.Context, status, actor int64, idx int, seq int64, counted bool) (bool, error) {
	first, err := tx.exists(ctx, "SELECT 1 FROM poll_votes WHERE status = $1 AND actor = $2", status, actor)
	if err != nil {
		return false, err
	}
	first = !first
	n, err := tx.exec(ctx, "INSERT INTO poll_votes (status, actor, idx, seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", status, actor, idx, seq)
	if err != nil {
		return false, fmt.Errorf("vote of %d in poll %d: %w", actor, status, err)
	}
	if n == 0 || !counted {
		return n > 0, nil
	}
	if _, err := tx.exec(ctx, "UPDATE poll_options SET votes = votes + 1 WHERE status = $1 AND idx = $2", status, idx); err != nil {
		return false, fmt.Errorf("vote of %d in poll %d: %w", actor, status, err)
	}
	if first {
		if _, err := tx.exec(ctx, "UPDATE polls SET voters = voters + 1 WHERE status = $1", status); err != nil {
			return false, fmt.Errorf("vote of %d in poll %d: %w", actor, status, err)
		}
	}
	return true, nil
}

// Votes returns what actor chose in each of the polls.
func (q *Q) Votes(ctx context.Context, actor int64, statuses []int64) (map[int64][]int, error) {
	type vote struct {
		status int64
		idx    int
	}
	found := map[int64][]int{}
	for chunk := range chunks(statuses) {
		list, args := in(2, chunk)
		rows, err := q.query(ctx, "SELECT status, idx FROM poll_votes WHERE actor = $1 AND status IN ("+list+") ORDER BY status, idx", append([]any{actor}, args...)...)
		all, err := collect(rows, err, func(v *vote) []any { return []any{&v.status, &v.idx} })
		if err != nil {
			return nil, fmt.Errorf("votes of %d: %w", actor, err)
		}
		for _, v := range all {
			found[v.status] = append(found[v.status], v.idx)
		}
	}
	return found, nil
}

// ClosePoll marks a poll as closed.
func (tx *Tx) ClosePoll(ctx context.Context, status, at int64) error {
	if _, err := tx.exec(ctx, "UPDATE polls SET closed = $2 WHERE status = $1 AND closed = 0", status, at); err != nil {
		return fmt.Errorf("closing poll %d: %w", status, err)
	}
	return nil
}
