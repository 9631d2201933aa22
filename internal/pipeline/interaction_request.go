package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Requests for leave to favour, answer or boost a post, as GoToSocial sends them.
// Whoever may see a post of ours has it, and gets an authorisation that others can
// check. What a request brings along is taken in as well, see requested.
var (
	LikeRequest     = define(interactionRequest("LikeRequest"))
	ReplyRequest    = define(interactionRequest("ReplyRequest"))
	AnnounceRequest = define(interactionRequest("AnnounceRequest"))
)

func interactionRequest(name string) Type {
	return Type{Name: name, Spec: "gts:federation/interaction_controls", Validate: validateInteractionRequest, Apply: applyInteractionRequest}
}

// authorizationPath is where our authorisations are served, below the server's address.
const authorizationPath = "/authorizations/"

// authorizationFor returns the type of what answers a request; "" when it is none.
func authorizationFor(request string) string {
	if kind, ok := strings.CutSuffix(request, "Request"); ok && kind != "Quote" && slices.Contains(vocab.Authorizations, kind+"Authorization") {
		return kind + "Authorization"
	}
	return ""
}

func validateInteractionRequest(a *vocab.Activity, from Origin) error {
	if from.local() {
		return fault.New(fault.Denied, "Nobody here has to ask.")
	}
	if err := needsObject(a, from); err != nil {
		return err
	}
	if a.Instrument == "" || !vocab.SameHost(a.Instrument, a.Actor) {
		return fault.New(fault.Rejected, "What the request is for is on another host than the actor.")
	}
	return nil
}

func applyInteractionRequest(ctx context.Context, s *Step) error {
	s.visibility = direct
	o, err := s.ObjectByURI(ctx, s.Activity.Object)
	if errors.Is(err, store.ErrNotFound) {
		s.state = store.Void // Not ours to answer.
		return nil
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
		s.state = store.Void
		return nil
	} else if err != nil {
		return err
	}
	if err := s.mayAct(ctx, post, author); err != nil {
		if fault.KindOf(err) == fault.Internal {
			return err
		}
		s.decide("effects", "refused: the actor does not see the post, or is blocked")
		s.Emit(s.p.answerInteraction(s.Activity, author, "Reject", ""), author)
		return nil
	}
	stamp, err := s.authorize(ctx, author, authorizationFor(s.Activity.Type))
	if err != nil {
		return err
	}
	s.Emit(s.p.answerInteraction(s.Activity, author, "Accept", stamp), author)
	return nil
}

// authorize keeps author's leave for what was asked, and returns its address.
func (s *Step) authorize(ctx context.Context, author *store.Actor, typ string) (vocab.IRI, error) {
	id := s.NewID()
	uri := vocab.IRI(s.p.URL + authorizationPath + strconv.FormatInt(id, 10))
	return uri, s.InsertObject(ctx, &store.Object{ID: id, Seq: s.Seq, URI: uri, Type: typ, Actor: author.ID, Version: s.now(),
		Doc: string(vocab.EncodeAuthorization(typ, uri, author.URI, s.Activity.Instrument, s.Activity.Object))})
}

// answerInteraction is author's Accept or Reject of a request.
func (p *Pipeline) answerInteraction(request *vocab.Activity, author *store.Actor, typ string, stamp vocab.IRI) *vocab.Activity {
	a := p.activity(typ, author, request.ID)
	a.To, a.Result = []vocab.IRI{request.Actor}, stamp
	return about(a, &vocab.Activity{ID: request.ID, Type: request.Type, Actor: request.Actor, Object: request.Object, Instrument: request.Instrument})
}

// requested is the Like or Announce that a request brings along; nil when there is
// none. A reply that it brings is found by ownInside.
func requested(a *vocab.Activity) *vocab.Activity {
	if a.Type != "LikeRequest" && a.Type != "AnnounceRequest" || a.InlineInstrument == nil {
		return nil
	}
	inner, err := vocab.DecodeActivity(a.InlineInstrument.Raw)
	if err != nil || inner.Type+"Request" != a.Type || inner.Actor != a.Actor || inner.Object != a.Object || inner.ID == a.ID {
		return nil
	}
	return inner
}

// answeredInteraction takes an Accept or Reject of a request, or of what one of ours
// did itself; false when this is about something else. The leave for an answer of
// ours is named in it, so that others can check it.
//
// spec: gts:federation/interaction_controls
func (s *Step) answeredInteraction(ctx context.Context) (bool, error) {
	about := s.Activity.Object
	if n := s.Activity.Nested; n != nil && authorizationFor(n.Type) != "" {
		about = n.Instrument
		if row, err := s.ActivityByURI(ctx, n.ID); err == nil && n.ID != "" {
			s.object = row.Seq
		}
		if s.visibility = direct; s.Actor.Local || about.Host() != s.p.host {
			return true, nil // Our own answer, or one to somebody else.
		}
	}
	if about.Host() != s.p.host {
		return false, nil
	}
	row, err := s.ActivityByURI(ctx, about)
	switch {
	case err == nil && (row.Type == "Like" || row.Type == "Announce" || row.Type == "EmojiReact"):
		s.visibility, s.object = direct, row.Seq
		s.decide("effects", "answers a %s of ours", row.Type)
		return true, nil
	case err == nil:
		return false, nil
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	o, err := s.ObjectByURI(ctx, about)
	if errors.Is(err, store.ErrNotFound) || err == nil && !vocab.IsPost(o.Type) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	s.visibility, s.object = direct, o.ID
	if s.Activity.Type != "Accept" || o.Deleted != 0 || s.replay {
		return true, nil
	}
	return true, s.carryApproval(ctx, o)
}

// carryApproval has an answer of ours name the leave that it got.
func (s *Step) carryApproval(ctx context.Context, row *store.Object) error {
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	parent, err := s.ObjectByURI(ctx, o.InReplyTo)
	if errors.Is(err, store.ErrNotFound) || err == nil && parent.Actor != s.Actor.ID {
		return fault.New(fault.Rejected, "Only who is answered can give leave.")
	} else if err != nil {
		return err
	}
	leave := s.Activity.Result
	if leave == "" || !vocab.SameHost(leave, s.Actor.URI) {
		return fault.New(fault.Rejected, "The Accept brings no approval of its author's host.")
	}
	by, err := s.Tx.Actor(ctx, row.Actor)
	if err != nil || !by.Local || o.ReplyAuthorization == leave {
		return err
	}
	o.ReplyAuthorization = leave
	s.Emit(s.p.amendment(by, o), by)
	return nil
}

// permits refuses what the policy of somebody else's post does not allow by to do
// with it; what needs approval is sent, their server decides. canReply, canLike and
// canAnnounce are the words of GoToSocial.
func (p *Pipeline) permits(ctx context.Context, by, author *store.Actor, post *store.Status, what string) error {
	if author.Local || author.ID == by.ID {
		return nil
	}
	row, err := p.DB.Object(ctx, post.ID)
	if err != nil || !strings.Contains(row.Doc, `"interactionPolicy"`) {
		return err
	}
	o, err := vocab.DecodeObject([]byte(row.Doc))
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", row.ID, err)
	}
	policy := o.Policies[what]
	mentioned := slices.ContainsFunc(o.Tags, func(t vocab.Tag) bool { return t.Type == "Mention" && t.Href == by.URI })
	if policy == nil || what == "canReply" && mentioned {
		return nil
	}
	all := slices.Concat(policy.Automatic, policy.Manual)
	if slices.Contains(all, by.URI) {
		return nil
	}
	follows, followedBy, err := p.DB.FollowedAmong(ctx, by.ID, []int64{author.ID})
	if err != nil {
		return err
	}
	if Permission(policyWords(all, author, ""), nil, follows[author.ID], followedBy[author.ID]) == QuoteDenied {
		return fault.New(fault.Denied, "The author does not let you do that with this post.")
	}
	return nil
}
