package pipeline

import (
	"context"
	"errors"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// maxPollOptions bounds the answers of a poll, whoever asks.
const maxPollOptions = 100

// vote counts a choice. The Note is no status, it stays in the activity.
func (s *Step) vote(ctx context.Context, o *vocab.Object) error {
	s.visibility = direct
	post, author, err := s.subject(ctx, o.InReplyTo)
	if err != nil || post == nil {
		return err
	}
	s.object = 0 // Its object is the Note, which stands in the activity alone.
	s.localOnly = author.Local
	poll, err := s.Poll(ctx, post.ID)
	if errors.Is(err, store.ErrNotFound) {
		s.state = store.Void
		return nil
	} else if err != nil {
		return err
	}
	idx := -1
	for i, option := range poll.Options {
		if option.Title == o.Name {
			idx = i
			break
		}
	}
	if idx < 0 {
		return fault.New(fault.Invalid, "There is no such choice in this poll.")
	}
	if poll.Closed != 0 || poll.Ends != 0 && poll.Ends <= s.now() {
		return fault.New(fault.Invalid, "This poll has ended.")
	}
	votes, err := s.Votes(ctx, s.Actor.ID, []int64{post.ID})
	if err != nil {
		return err
	}
	if len(votes[post.ID]) > 0 && !poll.Multiple {
		return fault.New(fault.Invalid, "You have already voted in this poll.")
	}
	if !author.Local && !s.Actor.Local {
		return nil // Their author counts them.
	}
	counted, err := s.Vote(ctx, post.ID, s.Actor.ID, idx, s.Seq, author.Local)
	if err != nil || !counted || !author.Local {
		return err
	}
	return s.enqueueAt(ctx, "poll-update", "", fmt.Sprintf("poll-update %d", post.ID), s.now()+pollUpdateDelay, pollJob{Status: post.ID})
}

// pollUpdateDelay gathers votes (ms) before new tallies are sent around.
const pollUpdateDelay = 60_000

type pollJob struct {
	Status int64 `json:"status"`
}

// setPoll projects the poll of a question. Tallies of our own polls are counted
// here; of others the larger of what stands and what arrives is right, as votes
// are never taken back.
func (s *Step) setPoll(ctx context.Context, st *store.Status, o *vocab.Object) error {
	if o.Poll == nil || len(o.Poll.Options) == 0 {
		return nil
	}
	p := &store.Poll{Status: st.ID, Multiple: o.Poll.Multiple, Voters: int64(o.Poll.Voters)}
	if !o.Poll.Ends.IsZero() {
		p.Ends = o.Poll.Ends.UnixMilli()
	}
	switch { // As of the arrival, so that a replay long after says the same.
	case o.Poll.Closed && p.Ends == 0:
		p.Closed = s.now()
	case p.Ends != 0 && p.Ends <= s.now():
		p.Closed = p.Ends
	}
	for _, option := range o.Poll.Options[:min(len(o.Poll.Options), maxPollOptions)] {
		p.Options = append(p.Options, store.PollOption{Title: cut(option.Name, 1000), Votes: int64(option.Votes)})
	}
	if s.Actor.Local && !s.From.imported { // Counted from the votes themselves.
		p.Voters = 0
		for i := range p.Options {
			p.Options[i].Votes = 0
		}
	}
	old, err := s.Poll(ctx, st.ID)
	switch {
	case errors.Is(err, store.ErrNotFound): // The first time.
	case err != nil:
		return err
	case sameOptions(old, p):
		p.Voters = max(p.Voters, old.Voters)
		for i := range p.Options {
			p.Options[i].Votes = max(p.Options[i].Votes, old.Options[i].Votes)
		}
		if old.Closed != 0 {
			p.Closed = old.Closed
		}
	default:
		if err := s.ForgetVotes(ctx, st.ID); err != nil {
			return err
		}
	}
	if err := s.SetPoll(ctx, p); err != nil {
		return err
	}
	if p.Ends == 0 || p.Closed != 0 {
		return nil
	}
	return s.enqueueAt(ctx, "poll-end", "", fmt.Sprintf("poll-end %d", st.ID), p.Ends, pollJob{Status: st.ID})
}

func sameOptions(a, b *store.Poll) bool {
	if len(a.Options) != len(b.Options) {
		return false
	}
	for i := range a.Options {
		if a.Options[i].Title != b.Options[i].Title {
			return false
		}
	}
	return true
}

// retally takes new tallies of a question whose text did not change.
func (s *Step) retally(ctx context.Context, obj *store.Object, o *vocab.Object) error {
	if o.Poll == nil {
		return nil
	}
	st, err := s.Status(ctx, obj.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.setPoll(ctx, st, o); err != nil {
		return err
	}
	e := s.eventFor("status.update", st, nil)
	s.publish(e)
	return nil
}

// PollEnded is ours alone: the time of a poll is over. It tells the author and who
// voted here.
var PollEnded = define(Type{Name: "PollEnded", Internal: true, Validate: ownOnly, Apply: applyPollEnded})

func ownOnly(_ *vocab.Activity, from Origin) error {
	if !from.local() && !from.Fetched {
		return fault.New(fault.Rejected, "This activity is not for other servers to send.")
	}
	return nil
}

func applyPollEnded(ctx context.Context, s *Step) error {
	s.visibility, s.localOnly = direct, true
	o, err := s.ObjectByURI(ctx, s.Activity.Object)
	if err != nil {
		return err
	}
	s.object = o.ID
	if o.Deleted != 0 {
		s.state = store.Void
		return nil
	}
	if err := s.ClosePoll(ctx, o.ID, s.now()); err != nil {
		return err
	}
	if s.Actor.Local {
		if err := s.notify(ctx, s.Actor.ID, "poll", o.ID); err != nil {
			return err
		}
	}
	return s.tellAll(ctx, "poll", &store.Status{ID: o.ID, Actor: o.Actor}, 0)
}

// endPoll is the job at the end of a poll.
func (p *Pipeline) endPoll(ctx context.Context, j pollJob) error {
	o, err := p.DB.Object(ctx, j.Status)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	poll, err := p.DB.Poll(ctx, j.Status)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if poll.Ends > p.Now().UnixMilli() {
		return nil // Prolonged by an edit, which left a job of its own.
	}
	author, err := p.DB.Actor(ctx, o.Actor)
	if err != nil {
		return err
	}
	from := Origin{Host: author.Host, Fetched: true}
	if author.Local {
		from = FromAccount(author.ID)
	}
	ended := &vocab.Activity{ID: o.URI + "#ended", Type: PollEnded.Name, Actor: author.URI, Object: o.URI}
	ended.Raw = vocab.EncodeActivity(ended, nil)
	if err := p.Process(ctx, ended, from); err != nil || !author.Local {
		return err
	}
	return p.sendTallies(ctx, j)
}

// sendTallies sends the Question with its votes to those who have it.
func (p *Pipeline) sendTallies(ctx context.Context, j pollJob) error {
	o, err := p.DB.Object(ctx, j.Status)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Deleted != 0 {
		return nil
	} else if err != nil {
		return err
	}
	author, err := p.DB.Actor(ctx, o.Actor)
	if err != nil {
		return err
	}
	obj, err := p.WithTallies(ctx, o)
	if err != nil {
		return err
	}
	update := p.activity("Update", author, obj.ID)
	update.To, update.Cc = obj.To, obj.Cc
	update.Inline = obj
	update.Raw = vocab.EncodeActivity(update, nil)
	return p.processLocalOnly(ctx, update, author, o.LocalOnly)
}

// WithTallies returns a Question of ours as it is to be shown now: with the votes,
// and closed when it is.
func (p *Pipeline) WithTallies(ctx context.Context, o *store.Object) (*vocab.Object, error) {
	obj, err := vocab.DecodeObject([]byte(o.Doc))
	if err != nil {
		return nil, fmt.Errorf("object %d of the log: %w", o.ID, err)
	}
	poll, err := p.DB.Poll(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if obj.Poll == nil {
		return obj, nil
	}
	for i := range obj.Poll.Options {
		if i < len(poll.Options) {
			obj.Poll.Options[i].Votes = int(poll.Options[i].Votes)
		}
	}
	obj.Poll.Voters = int(poll.Voters)
	obj.Poll.Closed = poll.Closed != 0
	obj.Raw = obj.Encode()
	return obj, nil
}
