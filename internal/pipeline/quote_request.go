package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// QuoteRequest is "actor asks to quote object in instrument". Whom the post's policy
// lets in gets a stamp at once, all others are refused: nobody here is asked.
var QuoteRequest = define(Type{
	Name:     "QuoteRequest",
	Spec:     "fep-044f#quoterequest",
	Validate: validateQuoteRequest,
	Apply:    applyQuoteRequest,
})

func validateQuoteRequest(a *vocab.Activity, from Origin) error {
	if err := needsObject(a, from); err != nil {
		return err
	}
	if a.Instrument == "" || !vocab.SameHost(a.Instrument, a.Actor) {
		return fault.New(fault.Rejected, "The quoting post is on another host than the actor.")
	}
	return nil
}

func applyQuoteRequest(ctx context.Context, s *Step) error {
	s.visibility = direct
	if s.Activity.InlineInstrument != nil { // It is logged as a post of its own.
		id, err := json.Marshal(s.Activity.Instrument)
		if err != nil {
			return err
		}
		if s.doc, err = vocab.WithInstrument(s.Activity.Raw, id); err != nil {
			return err
		}
	}
	o, err := s.ObjectByURI(ctx, s.Activity.Object)
	if errors.Is(err, store.ErrNotFound) {
		if s.Activity.Object.Host() == s.p.host {
			s.state = store.Void // We would know it.
			return nil
		}
		return s.Wait(s.Activity.Object)
	} else if err != nil {
		return err
	}
	s.object = o.ID
	author, err := s.Tx.Actor(ctx, o.Actor)
	if err != nil || !author.Local || s.replay {
		return err // Theirs to answer, or answered long ago.
	}
	post, err := s.Status(ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && post.LocalOnly {
		return nil // Deleted, or nobody's business.
	} else if err != nil {
		return err
	}
	may, err := mayQuote(ctx, s.Q, s.Actor, post)
	if err != nil {
		return err
	}
	if may != QuoteAutomatic {
		s.decide("effects", "refused: the policy of the post does not let the actor quote it")
		s.Emit(s.p.answerQuote(s.Activity, author, "Reject", ""), author)
		return nil
	}
	s.Emit(s.p.answerQuote(s.Activity, author, "Accept", s.p.newStamp()), author)
	return nil
}

// answerQuote is author's Accept or Reject of a QuoteRequest.
func (p *Pipeline) answerQuote(request *vocab.Activity, author *store.Actor, typ string, stamp vocab.IRI) *vocab.Activity {
	a := p.activity(typ, author, request.ID)
	a.To, a.Result = []vocab.IRI{request.Actor}, stamp
	return about(a, &vocab.Activity{ID: request.ID, Type: "QuoteRequest", Actor: request.Actor, Object: request.Object, Instrument: request.Instrument})
}

// answeredQuote returns the QuoteRequest that an Accept or Reject is about, as row
// and document. Without a row the activity is about something else, or waits for the
// request; without a document it waits for the quoted post.
func (s *Step) answeredQuote(ctx context.Context) (*store.Activity, *vocab.Activity, error) {
	row, err := s.ActivityByURI(ctx, s.Activity.Object)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Type != "QuoteRequest" {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	request, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil {
		return nil, nil, fmt.Errorf("activity %d of the log: %w", row.Seq, err)
	}
	s.visibility, s.object = direct, row.Seq
	quoted, err := s.ObjectByURI(ctx, request.Object)
	if errors.Is(err, store.ErrNotFound) {
		return row, nil, s.Wait(request.Object)
	} else if err != nil {
		return nil, nil, err
	}
	if quoted.Actor != s.Actor.ID {
		return nil, nil, fault.New(fault.Rejected, "Only who is quoted can answer.")
	}
	row.Object = quoted.ID
	return row, request, nil
}

// acceptQuote takes the stamp that an Accept brings.
func (s *Step) acceptQuote(ctx context.Context, request *vocab.Activity) error {
	if request == nil {
		return nil
	}
	uri := s.Activity.Result
	if uri == "" || !vocab.SameHost(uri, s.Actor.URI) {
		return fault.New(fault.Rejected, "The Accept brings no permission of its author's host.")
	}
	stamp, err := s.stamp(ctx, uri, s.Actor, request.Instrument, request.Object)
	if err != nil {
		return err
	}
	s.arrived = append(s.arrived, uri)
	post, err := s.quotingPost(ctx, request)
	if err != nil || post == nil {
		return err
	}
	if err := s.AddStamp(ctx, post.ID, stamp); err != nil {
		return err
	}
	return s.judgeQuote(ctx, post.ID)
}

// rejectQuote is final for the quote, whatever else arrives about it.
func (s *Step) rejectQuote(ctx context.Context, row *store.Activity, request *vocab.Activity) error {
	if request == nil {
		return nil
	}
	post, err := s.quotingPost(ctx, request)
	if err != nil || post == nil {
		return err
	}
	old, err := s.Quote(ctx, post.ID)
	if err != nil || old == nil || old.Quoted != row.Object || old.State == store.QuoteRejected {
		return err
	}
	now := *old
	now.State = store.QuoteRejected
	if err := s.SetQuote(ctx, &now); err != nil {
		return err
	}
	if err := s.quoteChanged(ctx, post, old, &now); err != nil {
		return err
	}
	e := s.eventFor("status.update", post, nil)
	if e.Home, err = s.HomesWith(ctx, post, 500); err != nil {
		return err
	}
	s.publish(e)
	return nil
}

// quotingPost returns the post that is to quote; nil while it is waited for, or when
// it is none of the one who asked.
func (s *Step) quotingPost(ctx context.Context, request *vocab.Activity) (*store.Status, error) {
	o, err := s.ObjectByURI(ctx, request.Instrument)
	if errors.Is(err, store.ErrNotFound) {
		if err := s.fetchLater(ctx, request.Instrument); err != nil {
			return nil, err
		}
		return nil, s.Wait(request.Instrument)
	} else if err != nil || o.Deleted != 0 {
		return nil, err
	}
	by, err := s.ActorByURI(ctx, request.Actor)
	if err != nil || by.ID != o.Actor {
		return nil, err
	}
	post, err := s.Status(ctx, o.ID)
	if errors.Is(err, store.ErrNotFound) {
		if s.replay {
			return nil, s.Wait(request.Instrument) // The log knows it already, it was later then.
		}
		return nil, nil
	}
	return post, err
}
