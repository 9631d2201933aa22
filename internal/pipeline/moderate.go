package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/stream"
	"kenoma/internal/vocab"
)

// Moderation is what a moderator decides about an account.
type Moderation struct {
	By     int64 // The moderator; 0: on the command line.
	Target *store.Actor
	Action string // A key of moderations.
	Text   string // For the moderated person; "" nothing.
	Report int64  // What it answers, which is resolved by it; 0 none.
	Mail   bool   // The person is told by mail too.
}

// moderation is what an action does to the rows; account is nil for remote actors.
type moderation struct {
	do    func(a *store.Actor, account *store.Account, now int64)
	warns bool // The person is told.
	local bool // Only for accounts of ours.
}

// moderations is the one table of what can be decided about an account.
//
// spec: masto:methods/admin/accounts#action
var moderations = map[string]moderation{
	"none":        {do: func(*store.Actor, *store.Account, int64) {}, warns: true},
	"sensitive":   {do: func(a *store.Actor, _ *store.Account, now int64) { a.Sensitized = since(a.Sensitized, now) }, warns: true},
	"silence":     {do: func(a *store.Actor, _ *store.Account, now int64) { a.Silenced = since(a.Silenced, now) }, warns: true},
	"suspend":     {do: func(a *store.Actor, _ *store.Account, now int64) { a.Suspended = since(ours(a.Suspended), now) }, warns: true},
	"disable":     {do: func(_ *store.Actor, c *store.Account, now int64) { c.Disabled = since(c.Disabled, now) }, warns: true, local: true},
	"unsensitive": {do: func(a *store.Actor, _ *store.Account, _ int64) { a.Sensitized = 0 }},
	"unsilence":   {do: func(a *store.Actor, _ *store.Account, _ int64) { a.Silenced = 0 }},
	"unsuspend":   {do: func(a *store.Actor, _ *store.Account, _ int64) { a.Suspended = 0 }},
	"enable":      {do: func(_ *store.Actor, c *store.Account, _ int64) { c.Disabled = 0 }, local: true},
	"approve":     {do: func(_ *store.Actor, c *store.Account, now int64) { c.Approved = since(c.Approved, now) }, local: true},
}

// opposites takes each decision back, for an appeal that is granted.
var opposites = map[string]string{"sensitive": "unsensitive", "silence": "unsilence", "suspend": "unsuspend", "disable": "enable"}

// since keeps the time of a decision that stands already.
func since(had, now int64) int64 {
	if had != 0 {
		return had
	}
	return now
}

// ours is since when our moderators suspended an actor; 0 where its own server did.
func ours(suspended int64) int64 {
	if suspended == store.SuspendedThere {
		return 0
	}
	return suspended
}

// maxWarning bounds what moderators write to a person, in bytes.
const maxWarning = 8000

// Moderate carries a decision out: the flags that every read honours, the warning
// with its notification and mail, the entry in the audit log and the jobs for the
// rest are one transaction. The door has checked that the moderator may.
func (p *Pipeline) Moderate(ctx context.Context, m Moderation) error {
	what, ok := moderations[m.Action]
	switch {
	case !ok:
		return fault.New(fault.Invalid, "There is no action %q.", m.Action)
	case what.local && !m.Target.Local:
		return fault.New(fault.Invalid, "The account is on another server.")
	case m.Target.Deleted != 0:
		return fault.New(fault.NotFound, "There is no such account.")
	case len(m.Text) > maxWarning:
		return fault.New(fault.Invalid, "The text is too long.")
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error { return p.carryOut(ctx, tx, m, what) })
}

// carryOut is Moderate within a transaction.
func (p *Pipeline) carryOut(ctx context.Context, tx *store.Tx, m Moderation, what moderation) error {
	if m.Target.Local && (m.Action == "suspend" || m.Action == "unsuspend") {
		return p.tellSuspension(ctx, tx, m, what)
	}
	s := &Step{Tx: tx, p: p, Actor: m.Target, Seq: tx.NewID(), Activity: &vocab.Activity{}}
	if err := s.moderate(ctx, m, what); err != nil {
		return err
	}
	s.publishOnCommit()
	return nil
}

// tellSuspension is carryOut with an Update of the account's document, by which
// other servers hide it too, or show it again.
//
// spec: toot#suspended
func (p *Pipeline) tellSuspension(ctx context.Context, tx *store.Tx, m Moderation, what moderation) error {
	if err := tx.Lock(ctx, string(m.Target.URI)); err != nil {
		return err
	}
	target, err := tx.Actor(ctx, m.Target.ID)
	if err != nil {
		return err
	}
	doc, err := tx.ActorDoc(ctx, target.ID)
	if err != nil {
		return err
	}
	a, err := vocab.DecodeActor([]byte(doc))
	if err != nil {
		return fmt.Errorf("actor %d of the log: %w", m.Target.ID, err)
	}
	a.Suspended = m.Action == "suspend"
	u, err := p.profileUpdate(ctx, tx, a, target)
	if err != nil {
		return err
	}
	s := &Step{p: p, Activity: u, Actor: target, From: Origin{Actor: target.ID, staff: true}, also: func(ctx context.Context, s *Step) error {
		return s.moderate(ctx, m, what)
	}}
	s.prepare()
	return s.commit(ctx, tx, types[u.Type])
}

// moderate writes a decision.
func (s *Step) moderate(ctx context.Context, m Moderation, what moderation) error {
	target, err := s.Tx.Actor(ctx, m.Target.ID)
	if err != nil {
		return err
	}
	now := s.Now().UnixMilli()
	var account *store.Account
	if target.Local {
		if account, err = s.Account(ctx, target.ID); err != nil {
			return err
		}
	}
	was := ours(target.Suspended)
	what.do(target, account, now)
	if err := s.SetModeration(ctx, target); err != nil {
		return err
	}
	if account != nil {
		if err := s.UpdateAccount(ctx, account); err != nil {
			return err
		}
	}
	if ours(target.Suspended) != 0 && was == 0 {
		if err := s.suspended(ctx, target); err != nil {
			return err
		}
	}
	if m.Action == "unsuspend" {
		if err := s.ForgetCanonicalEmails(ctx, target.ID); err != nil {
			return err
		}
		if !target.Local && was != 0 {
			if err := s.restoreLater(ctx, restoreJob{Type: "account_suspension", Target: target.Acct()}); err != nil {
				return err
			}
		}
	}
	if what.warns && (m.Action != "none" || m.Text != "") {
		if err := s.warn(ctx, m, target); err != nil {
			return err
		}
	}
	if m.Action == "approve" && account.Email != "" {
		if err := s.Enqueue(ctx, store.MailJob(target.ID, "Your account is approved", "your account @"+target.Username+"@"+s.p.Domain+" is approved. You can sign in now.\n\n"+s.p.URL)); err != nil {
			return err
		}
	}
	if err := s.Audit(ctx, store.AuditEntry{Actor: m.By, Action: m.Action, Kind: "account", Target: target.ID, Name: target.Acct(), Details: details("text", m.Text, "report", number(m.Report))}); err != nil {
		return err
	}
	if err := s.resolveReports(ctx, m); err != nil {
		return err
	}
	s.publish(stream.Event{Kind: "account_changed", Author: target.ID})
	s.publish(stream.Event{Kind: "accounts_moderated", Author: target.ID})
	return nil
}

// details makes a map of pairs, without the empty ones.
func details(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	return m
}

func number(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// suspended ends what a suspended actor has here: sign-ins at once, follows of
// remote ones in a job, and after a time of grace the account of ours itself.
func (s *Step) suspended(ctx context.Context, target *store.Actor) error {
	if !target.Local {
		e := &store.Severance{Type: "account_suspension", Target: target.Acct()}
		if err := s.InsertSeverance(ctx, e); err != nil {
			return err
		}
		return s.enqueue(ctx, "sever", "", severJob{Actor: target.ID, Event: e.ID})
	}
	account, err := s.Account(ctx, target.ID)
	if err != nil {
		return err
	}
	if account.Email != "" { // Known again under another name.
		err := s.AddName(ctx, store.CanonicalEmailBlocks, &store.NameRow{Name: store.CanonicalEmail(account.Email), Actor: target.ID})
		if err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	for _, kind := range []string{"session", "code", "access", "reset"} {
		if err := s.DropTokens(ctx, kind, target.ID, 0); err != nil {
			return err
		}
	}
	if s.p.KeepSuspended <= 0 {
		return nil
	}
	at := s.Now().Add(s.p.KeepSuspended).UnixMilli()
	return s.enqueueAt(ctx, "erase", "", fmt.Sprintf("erase %d", target.ID), at, eraseJob{Actor: target.ID, Suspended: target.Suspended})
}

// warningMail is what the person is told was done.
var warningMail = map[string]string{
	"none":      "The moderators of %s sent you a warning.",
	"sensitive": "The moderators of %s decided that your pictures and videos are marked as sensitive from now on.",
	"silence":   "The moderators of %s limited your account: only those who follow you see your posts.",
	"suspend":   "The moderators of %s suspended your account.",
	"disable":   "The moderators of %s locked your account: you can't sign in.",
}

// warn tells the moderated person.
func (s *Step) warn(ctx context.Context, m Moderation, target *store.Actor) error {
	w := &store.Warning{Moderator: m.By, Target: target.ID, Action: m.Action, Text: m.Text, Report: m.Report}
	if m.Report != 0 {
		if r, err := s.Report(ctx, m.Report); err == nil && r.Target == target.ID {
			w.Statuses = r.Statuses
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if err := s.InsertWarning(ctx, w); err != nil || !target.Local {
		return err
	}
	if err := s.tellAbout(ctx, target.ID, w.ID, "moderation_warning", target.ID); err != nil || !m.Mail {
		return err
	}
	text := fmt.Sprintf(warningMail[m.Action], s.p.Domain)
	if m.Text != "" {
		text += "\n\n" + m.Text
	}
	return s.Enqueue(ctx, store.MailJob(target.ID, "From the moderators of "+s.p.Domain, text))
}

// tellAbout notifies one of ours of a row of the moderators', by its id.
func (s *Step) tellAbout(ctx context.Context, owner, id int64, kind string, by int64) error {
	added, err := s.AddNotification(ctx, store.Notification{Owner: owner, ID: id, Kind: store.KindNamed(kind), Actor: by})
	if err == nil && added {
		s.publish(stream.Event{Kind: "notification", Notification: id, Home: []int64{owner}, Author: by})
	}
	return err
}

// resolveReports resolves what a decision answers: the report that it names and,
// where something was done, all others about the account.
func (s *Step) resolveReports(ctx context.Context, m Moderation) error {
	if m.Report == 0 {
		return nil
	}
	ids := []int64{m.Report}
	if m.Action != "none" {
		open, err := s.OpenReportsOf(ctx, m.Target.ID, 100)
		if err != nil {
			return err
		}
		ids = append(ids, open...)
	}
	for _, id := range ids {
		if done, err := s.ResolveReport(ctx, id, m.By, true); err != nil {
			return err
		} else if !done {
			continue
		}
		if err := s.Audit(ctx, store.AuditEntry{Actor: m.By, Action: "resolve", Kind: "report", Target: id, Name: "#" + strconv.FormatInt(id, 10)}); err != nil {
			return err
		}
	}
	return nil
}

// severJob ends the follows of a remote actor.
type severJob struct {
	Actor int64 `json:"actor"`
	Event int64 `json:"event"` // severances.id
	Quiet bool  `json:"quiet"` // The host is suspended as a whole, and not told.
}

// severSize is how many follows end in one transaction; each may set off an activity.
const severSize = 20

// severAll ends all follows of a suspended actor and tells those of ours who lost them.
func (p *Pipeline) severAll(ctx context.Context, j severJob) error {
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) error {
			actor, err := tx.Actor(ctx, j.Actor)
			if err != nil {
				return err
			}
			if ours(actor.Suspended) == 0 {
				more = false // The moderators thought better of it.
				return nil
			}
			s := &Step{Tx: tx, p: p, Actor: actor, Seq: tx.NewID(), Activity: &vocab.Activity{ID: actor.URI}, quiet: j.Quiet}
			all, err := tx.FollowsAround(ctx, j.Actor, severSize)
			if err != nil {
				return err
			}
			more = len(all) == severSize
			for i := range all {
				if err := s.severOne(ctx, &all[i], actor, j.Event); err != nil {
					return err
				}
			}
			if err := s.after(ctx, 0); err != nil {
				return err
			}
			s.publishOnCommit()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// severOne ends one follow of or by gone, and counts it for the other side.
func (s *Step) severOne(ctx context.Context, f *store.Follow, gone *store.Actor, event int64) error {
	other := f.Actor
	if f.Actor == gone.ID {
		other = f.Target
	}
	loser, err := s.Tx.Actor(ctx, other)
	if err != nil {
		return err
	}
	follower, target := loser, gone
	if f.Actor == gone.ID {
		follower, target = gone, loser
	}
	counts := loser.Local && f.Accepted && event != 0
	if counts {
		err := s.KeepSevered(ctx, store.SeveredFollow{Owner: loser.ID, Event: event, Following: follower == loser, Other: gone.ID, Seq: f.Seq})
		if err != nil {
			return err
		}
	}
	if err := s.sever(ctx, follower, target); err != nil || !counts {
		return err
	}
	var followers, following int64 = 1, 0
	if follower == loser {
		followers, following = 0, 1
	}
	first, err := s.CountSevered(ctx, loser.ID, event, followers, following)
	if err != nil || !first {
		return err
	}
	return s.tellAbout(ctx, loser.ID, event, "severed_relationships", loser.ID)
}

// eraseJob removes a suspended account's data.
type eraseJob struct {
	Actor     int64 `json:"actor"`
	Suspended int64 `json:"suspended"` // Since when; another time is another suspension.
}

// erase removes what a suspended actor made. An account of ours is deleted, and
// other servers are told; of a remote one the actor stays, suspended.
func (p *Pipeline) erase(ctx context.Context, j eraseJob) error {
	actor, err := p.DB.Actor(ctx, j.Actor)
	if err != nil {
		return err
	}
	if actor.Suspended != j.Suspended || actor.Suspended == 0 || actor.Deleted != 0 {
		return nil
	}
	if actor.Local {
		return p.DeleteAccount(ctx, actor)
	}
	if err := p.severAll(ctx, severJob{Actor: actor.ID}); err != nil {
		return err
	}
	for more := true; more; {
		err := p.DB.Write(ctx, func(tx *store.Tx) (err error) {
			more, err = tx.UndoAll(ctx, actor.ID, 500)
			return err
		})
		if err != nil {
			return err
		}
	}
	return p.purge(ctx, purgeJob{Actor: actor.ID})
}

// EraseSuspended has the data of a suspended account removed now, which can't be
// undone.
func (p *Pipeline) EraseSuspended(ctx context.Context, by int64, target *store.Actor) error {
	if ours(target.Suspended) == 0 || target.Deleted != 0 {
		return fault.New(fault.Denied, "Only the data of a suspended account can be deleted.")
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "destroy", Kind: "account", Target: target.ID, Name: target.Acct()}); err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "erase", "", fmt.Sprintf("erase %d", target.ID), 0, eraseJob{Actor: target.ID, Suspended: target.Suspended})
	})
}

// RejectAccount refuses somebody who waits to be let in. The name is free again.
func (p *Pipeline) RejectAccount(ctx context.Context, by int64, target *store.Actor) error {
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropPending(ctx, target.ID); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "reject", Kind: "account", Target: target.ID, Name: target.Acct()})
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.Denied, "This account does not wait to be let in.")
	}
	return err
}

// maxAppeal is how long an appeal may be, in characters.
const maxAppeal = 2000

// appealTime is for how long a decision can be appealed against, in ms.
const appealTime = 20 * 24 * 3600 * 1000

// Appeal has by ask the moderators to think again about a warning; once each.
func (p *Pipeline) Appeal(ctx context.Context, by *store.Actor, warning int64, text string) error {
	if n := len([]rune(text)); n == 0 || n > maxAppeal {
		return fault.New(fault.Invalid, "Please say why, in at most %d characters.", maxAppeal)
	}
	err := p.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := tx.Warnings(ctx, []int64{warning})
		if err != nil {
			return err
		}
		w := all[warning]
		if w == nil || w.Target != by.ID {
			return fault.New(fault.NotFound, "There is no such warning.")
		}
		if tx.Now().UnixMilli()-vocab.TimeOf(w.ID).UnixMilli() > appealTime {
			return fault.New(fault.Denied, "It is too late to appeal.")
		}
		if err := tx.InsertAppeal(ctx, &store.Appeal{Warning: warning, Actor: by.ID, Text: text}); err != nil {
			return err
		}
		s := &Step{Tx: tx, p: p, Actor: by}
		return s.tellStaff(ctx, store.ManageAppeals, warning, "", "@"+by.Username+" appeals", "@"+by.Username+" appeals against a decision ("+w.Action+"):\n\n"+text)
	})
	if errors.Is(err, store.ErrExists) {
		return fault.New(fault.Invalid, "You have appealed already.")
	}
	return err
}

// AnswerAppeal grants or rejects an appeal. A granted one takes the decision back, in
// the same transaction.
func (p *Pipeline) AnswerAppeal(ctx context.Context, by, warning int64, grant bool) error {
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Lock(ctx, fmt.Sprintf("appeal %d", warning)); err != nil {
			return err
		}
		w, err := openAppeal(ctx, tx.Q, warning)
		if err != nil {
			return err
		}
		target, err := tx.Actor(ctx, w.Target)
		if err != nil {
			return err
		}
		action, text := "reject", "your appeal against a decision of the moderators was rejected."
		if grant {
			action, text = "approve", "your appeal against a decision of the moderators was granted."
			if err := p.overrule(ctx, tx, by, w, target); err != nil {
				return err
			}
		}
		if err := tx.AnswerAppeal(ctx, warning, grant); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, store.MailJob(target.ID, "Your appeal", text)); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "appeal", Target: warning, Name: target.Acct()})
	})
}

// openAppeal returns the warning that a pending appeal is against.
func openAppeal(ctx context.Context, q *store.Q, warning int64) (*store.Warning, error) {
	all, err := q.Warnings(ctx, []int64{warning})
	if err != nil {
		return nil, err
	}
	appeals, err := q.Appeals(ctx, []int64{warning})
	if err != nil {
		return nil, err
	}
	w, a := all[warning], appeals[warning]
	if w == nil || a == nil || a.State() != "pending" {
		return nil, fault.New(fault.NotFound, "There is no such appeal, or it is answered.")
	}
	return w, nil
}

// overrule takes the decision of a warning back.
func (p *Pipeline) overrule(ctx context.Context, tx *store.Tx, by int64, w *store.Warning, target *store.Actor) error {
	if undo := opposites[w.Action]; undo != "" && target.Deleted == 0 {
		if err := p.carryOut(ctx, tx, Moderation{By: by, Target: target, Action: undo}, moderations[undo]); err != nil {
			return err
		}
	}
	return tx.Overrule(ctx, w.ID)
}
