package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/markup"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Flag is "actor reports an account, perhaps with posts of it" to our moderators.
// It comes from other servers' instance actors; ours are sent by a job.
var Flag = define(Type{
	Name:     "Flag",
	Spec:     "as#Flag",
	Validate: validateFlag,
	Apply:    applyFlag,
})

func validateFlag(a *vocab.Activity, from Origin) error {
	if from.local() || from.Fetched {
		return fault.New(fault.Denied, "A Flag is taken from other servers only.")
	}
	if a.Object == "" && len(a.Objects) == 0 {
		return fault.New(fault.Malformed, "The Flag names nobody.")
	}
	return nil
}

// maxFlagged bounds how many objects of a Flag are looked up.
const maxFlagged = 100

// maxFlagText is how much of a Flag's text is kept, in bytes.
const maxFlagText = 4000

func applyFlag(ctx context.Context, s *Step) error {
	s.visibility = direct
	if s.replay {
		return nil // Reports are private state.
	}
	if s.p.Hosts.Of(s.Actor.Host).RejectReports {
		s.state = store.Void
		s.decide("effects", "reports from %s are not taken", s.Actor.Host)
		return nil
	}
	target, posts, err := s.flagged(ctx)
	if err != nil {
		return err
	}
	if target == nil {
		s.state = store.Void
		return nil
	}
	s.object = target.ID
	rep := &store.Report{Reporter: s.Actor.ID, Target: target.ID, Statuses: posts, Category: "other", URI: string(s.Activity.ID),
		Comment: strings.ToValidUTF8(cut(markup.PlainText(cut(s.Activity.Content, 4*maxFlagText)), maxFlagText), "")}
	if err := s.keepReport(ctx, rep); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

// flagged finds whom of ours a Flag is about: an account that it names, or whose
// posts it names.
func (s *Step) flagged(ctx context.Context) (target *store.Actor, posts []int64, err error) {
	named := s.Activity.Objects
	if len(named) == 0 {
		named = []vocab.IRI{s.Activity.Object}
	}
	named = named[:min(len(named), maxFlagged)]
	actors, err := s.ActorsByURI(ctx, named)
	if err != nil {
		return nil, nil, err
	}
	for _, uri := range named {
		if a := actors[uri]; a != nil && a.Local && a.Deleted == 0 && target == nil {
			target = a
		}
	}
	for _, uri := range named {
		if actors[uri] != nil || uri.Host() != s.p.host {
			continue
		}
		o, err := s.ObjectByURI(ctx, uri)
		if errors.Is(err, store.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, nil, err
		}
		if target == nil {
			if target, err = s.Tx.Actor(ctx, o.Actor); err != nil {
				return nil, nil, err
			}
		}
		if target.Local && o.Actor == target.ID {
			posts = append(posts, o.ID)
		}
	}
	if target != nil && (!target.Local || target.Deleted != 0) {
		return nil, nil, nil
	}
	return target, posts, nil
}

// Report keeps a report by one of ours, tells the staff, and where it is to be
// forwarded sends it to the account's own server.
func (p *Pipeline) Report(ctx context.Context, by, target *store.Actor, rep *store.Report) error {
	rep.Reporter, rep.Target = by.ID, target.ID
	rep.Forward = rep.Forward && !target.Local
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		rep.ID = 0
		s := &Step{Tx: tx, p: p, Actor: by}
		if err := s.keepReport(ctx, rep); err != nil {
			return err
		}
		if rep.Forward {
			if err := s.enqueueAt(ctx, "forward-report", target.Host, fmt.Sprintf("forward-report %d", rep.ID), 0, forwardJob{rep.ID}); err != nil {
				return err
			}
		}
		s.publishOnCommit()
		return nil
	})
}

// keepReport stores a report and tells who may handle it, but for who reports.
func (s *Step) keepReport(ctx context.Context, rep *store.Report) error {
	if err := s.InsertReport(ctx, rep); err != nil {
		return err
	}
	target, err := s.Tx.Actor(ctx, rep.Target)
	if err != nil {
		return err
	}
	return s.tellStaff(ctx, store.ManageReports, rep.ID, "admin.report", "New report about "+target.Acct(),
		fmt.Sprintf("@%s was reported by %s (%s).\n\n%s", target.Acct(), s.reporterName(), rep.Category, rep.Comment))
}

// reporterName tells the staff who reports: of other servers only the server is known.
func (s *Step) reporterName() string {
	if s.Actor.Local {
		return "@" + s.Actor.Username
	}
	return s.Actor.Host
}

// tellStaff notifies everybody with a permission, but for the actor, and by mail
// where that is set. id is the row that it is about.
func (s *Step) tellStaff(ctx context.Context, may store.Permission, id int64, kind, subject, text string) error {
	staff, err := s.StaffWith(ctx, may)
	if err != nil {
		return err
	}
	for _, to := range staff {
		if to == s.Actor.ID {
			continue
		}
		if kind != "" {
			if err := s.tellAbout(ctx, to, id, kind, s.Actor.ID); err != nil {
				return err
			}
		}
		if !s.p.MailStaff || subject == "" {
			continue
		}
		if err := s.Enqueue(ctx, store.MailJob(to, subject, text)); err != nil {
			return err
		}
	}
	return nil
}

// tellSignUp tells the staff that somebody signed up, or asks to be let in.
func (p *Pipeline) tellSignUp(ctx context.Context, tx *store.Tx, who *store.Actor, n store.NewAccount) error {
	if n.IP == "" {
		return nil // Made by the staff itself.
	}
	s := &Step{Tx: tx, p: p, Actor: who}
	subject, text := "", ""
	if !n.Approved {
		subject, text = "@"+who.Username+" asks to be let in", "@"+who.Username+" ("+n.Email+") asks for an account:\n\n"+n.Reason
	}
	if err := s.tellStaff(ctx, store.ManageUsers, who.ID, "admin.sign_up", subject, text); err != nil {
		return err
	}
	s.publishOnCommit()
	return nil
}

type forwardJob struct {
	Report int64 `json:"report"`
}

// ForwardReport has a report that was not forwarded sent to the server of who is
// reported, as a moderator decides later. The error is Invalid for a report about one of
// ours, or one that came from there.
func (p *Pipeline) ForwardReport(ctx context.Context, by int64, rep *store.Report) error {
	target, err := p.DB.Actor(ctx, rep.Target)
	if err != nil {
		return err
	}
	if target.Local || rep.URI != "" {
		return fault.New(fault.Invalid, "Only reports by people here about people elsewhere are forwarded.")
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetForwarded(ctx, rep.ID); err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p}
		if err := s.enqueueAt(ctx, "forward-report", target.Host, fmt.Sprintf("forward-report %d", rep.ID), 0, forwardJob{rep.ID}); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "forward", Kind: "report", Target: rep.ID, Name: "#" + strconv.FormatInt(rep.ID, 10)})
	})
}

// forwardReport sends a report to the server of who is reported. It comes from the
// instance, so that nobody there learns who reported.
func (p *Pipeline) forwardReport(ctx context.Context, j forwardJob) error {
	rep, err := p.DB.Report(ctx, j.Report)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	target, err := p.DB.Actor(ctx, rep.Target)
	if err != nil {
		return err
	}
	if target.Deleted != 0 || p.Remote == nil || p.Hosts.Refuses(target.Host) {
		return nil
	}
	doc, err := p.flagOf(ctx, rep, target)
	if err != nil {
		return err
	}
	answer, err := p.Remote.Post(ctx, target.Inbox, doc, p.InstanceKey(ctx), nil)
	if err != nil && answer != nil && answer.Status >= 400 && answer.Status < 500 && answer.Status != 429 {
		p.Log.Info("a report was not taken", "report", rep.ID, "host", target.Host, "status", answer.Status)
		return nil // A definite no.
	}
	return err
}

// flagOf is a report as other servers read it.
func (p *Pipeline) flagOf(ctx context.Context, rep *store.Report, target *store.Actor) ([]byte, error) {
	objects, err := p.DB.Objects(ctx, rep.Statuses)
	if err != nil {
		return nil, err
	}
	a := &vocab.Activity{ID: vocab.IRI(p.URL + "/activities/report-" + strconv.FormatInt(rep.ID, 10)), Type: "Flag", Actor: vocab.IRI(p.URL + InstanceActor),
		Content: rep.Comment, To: []vocab.IRI{target.URI}, Objects: []vocab.IRI{target.URI}}
	for _, id := range rep.Statuses {
		if o := objects[id]; o != nil && o.Deleted == 0 {
			a.Objects = append(a.Objects, o.URI)
		}
	}
	return vocab.EncodeActivity(a, nil), nil
}
