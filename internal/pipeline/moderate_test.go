package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
)

// moderator makes somebody who may do everything.
func (w *world) moderator(name string) *store.Actor {
	w.t.Helper()
	ctx := context.Background()
	a := w.person(name)
	err := w.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Account(ctx, a.ID)
		if err != nil {
			return err
		}
		c.Role, c.Approved = "owner", 1
		return tx.UpdateAccount(ctx, c)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) mustModerate(m Moderation) {
	w.t.Helper()
	if err := w.Moderate(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) jobs(kind string) []string {
	w.t.Helper()
	query := "SELECT payload FROM jobs WHERE kind = '" + kind + "' ORDER BY id"
	return w.dump(query)[query]
}

func TestSuspendRemote(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss, ann, bob := w.moderator("boss"), w.person("ann"), w.person("bob@b.test")
		if err := w.Follow(ctx, ann, bob); err != nil {
			t.Fatal(err)
		}
		w.send(fmt.Sprintf(`{"id":"https://b.test/accept/1","type":"Accept","actor":"https://b.test/users/bob","object":%q}`, w.followOf(ann, bob)))
		w.send(`{"id":"https://b.test/follow/1","type":"Follow","actor":"https://b.test/users/bob","object":"https://a.test/users/ann"}`)
		w.send(note(1, "before", ""))
		w.mustModerate(Moderation{By: boss.ID, Target: bob, Action: "suspend", Text: "spam"})

		if err := w.deliver(note(2, "after", "")); !fault.Is(err, fault.Denied) {
			t.Errorf("a post of the suspended: %v, want it denied", err)
		}
		post, err := w.DB.ObjectByURI(ctx, "https://b.test/notes/1")
		if err != nil {
			t.Fatal(err)
		}
		st, err := w.DB.Status(ctx, post.ID)
		if err != nil {
			t.Fatal(err)
		}
		if seen, err := w.DB.Visible(ctx, st, ann); err != nil || seen {
			t.Errorf("the post is visible: %t, %v", seen, err)
		}
		jobs := w.jobs("sever")
		if len(jobs) != 1 {
			t.Fatalf("jobs that sever: %q, want one", jobs)
		}
		var j severJob
		if err := json.Unmarshal([]byte(strings.TrimSpace(strings.TrimPrefix(jobs[0], "payload="))), &j); err != nil {
			t.Fatal(err)
		}
		for range 2 { // Twice is as good as once.
			if err := w.severAll(ctx, j); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := w.DB.FollowsAround(ctx, bob.ID, 10); err != nil || len(n) != 0 {
			t.Errorf("follows left: %v, %v", n, err)
		}
		events, err := w.DB.Severances(ctx, ann.ID, []int64{j.Event})
		if e := events[j.Event]; err != nil || e == nil || e.Followers != 1 || e.Following != 1 || e.Target != "bob@b.test" || e.Type != "account_suspension" {
			t.Errorf("what Ann lost: %+v, %v", e, err)
		}
		if ok, err := w.DB.Notification(ctx, ann.ID, j.Event); err != nil || store.KindName(ok.Kind) != "severed_relationships" {
			t.Errorf("Ann's notification: %+v, %v", ok, err)
		}
		log, err := w.DB.AuditLog(ctx, store.AuditQuery{Kind: "account", Target: bob.ID}, store.Page{})
		if err != nil || len(log) != 1 || log[0].Actor != boss.ID || log[0].Action != "suspend" || log[0].Details["text"] != "spam" {
			t.Errorf("the audit log: %+v, %v", log, err)
		}
		w.mustModerate(Moderation{By: boss.ID, Target: bob, Action: "unsuspend"})
		w.send(note(3, "again", ""))
	})
}

func TestSuspendLocal(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.KeepSuspended, w.MailStaff = 1, true
		boss, ann := w.moderator("boss"), w.person("ann")
		id, err := w.Post(ctx, ann, Draft{Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		err = w.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.InsertToken(ctx, &store.Token{ID: 5, Hash: "h", Kind: "access", Actor: ann.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.mustModerate(Moderation{By: boss.ID, Target: ann, Action: "suspend", Text: "Enough.", Mail: true})
		if _, err := w.DB.Token(ctx, "access", "h"); err == nil {
			t.Error("the token still opens the door")
		}
		st, err := w.DB.Status(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if seen, err := w.DB.Visible(ctx, st, nil); err != nil || seen {
			t.Errorf("the post is visible: %t, %v", seen, err)
		}
		doc, err := w.DB.ActorDoc(ctx, ann.ID)
		if err != nil || !strings.Contains(doc, `"suspended":true`) {
			t.Errorf("the document %s, %v, want it to say suspended", doc, err)
		}
		if jobs := w.jobs("notice-mail"); len(jobs) != 1 || !strings.Contains(jobs[0], "Enough.") {
			t.Errorf("mails: %q", jobs)
		}
		warnings, err := w.DB.WarningsOf(ctx, ann.ID, store.Page{})
		if err != nil || len(warnings) != 1 || warnings[0].Action != "suspend" {
			t.Fatalf("warnings: %+v, %v", warnings, err)
		}
		if n, err := w.DB.Notification(ctx, ann.ID, warnings[0].ID); err != nil || store.KindName(n.Kind) != "moderation_warning" {
			t.Errorf("notification: %+v, %v", n, err)
		}
		// The appeal is granted: the decision is taken back.
		if err := w.Appeal(ctx, ann, warnings[0].ID, "It was a joke."); err != nil {
			t.Fatal(err)
		}
		if jobs := w.jobs("notice-mail"); len(jobs) != 2 || !strings.Contains(strings.Join(jobs, ""), "It was a joke.") {
			t.Errorf("mails after the appeal: %q, want one to the moderator", jobs)
		}
		if err := w.Appeal(ctx, ann, warnings[0].ID, "Please."); err == nil {
			t.Error("a second appeal was taken")
		}
		if err := w.Appeal(ctx, boss, warnings[0].ID, "Please."); !fault.Is(err, fault.NotFound) {
			t.Errorf("an appeal in somebody else's name: %v", err)
		}
		if err := w.AnswerAppeal(ctx, boss.ID, warnings[0].ID, true); err != nil {
			t.Fatal(err)
		}
		if seen, err := w.DB.Visible(ctx, st, nil); err != nil || !seen {
			t.Errorf("after the appeal the post is visible: %t, %v", seen, err)
		}
		if doc, err = w.DB.ActorDoc(ctx, ann.ID); err != nil || strings.Contains(doc, `"suspended":true`) {
			t.Errorf("the document still says suspended, %v", err)
		}
		// A job of an earlier suspension does nothing; a later one deletes the account.
		if err := w.erase(ctx, eraseJob{Actor: ann.ID, Suspended: 1}); err != nil {
			t.Fatal(err)
		}
		w.mustModerate(Moderation{Target: ann, Action: "suspend"})
		now, err := w.DB.Actor(ctx, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.erase(ctx, eraseJob{Actor: ann.ID, Suspended: now.Suspended}); err != nil {
			t.Fatal(err)
		}
		if now, err = w.DB.Actor(ctx, ann.ID); err != nil || now.Deleted == 0 {
			t.Errorf("the account is not deleted: %v", err)
		}
	})
}

func TestModerateRefuses(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.person("ann"), w.person("bob@b.test")
	for _, m := range []Moderation{{Target: ann, Action: "praise"}, {Target: bob, Action: "disable"}, {Target: ann, Action: "none", Text: strings.Repeat("x", maxWarning+1)}} {
		if err := w.Moderate(t.Context(), m); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want it to be invalid", m.Action, err)
		}
	}
	if err := w.EraseSuspended(t.Context(), 0, ann); !fault.Is(err, fault.Denied) {
		t.Errorf("erasing who is not suspended: %v", err)
	}
	if err := w.RejectAccount(t.Context(), 0, ann); err == nil {
		t.Error("somebody who was let in was rejected")
	}
}

func TestFlag(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss, ann := w.moderator("boss"), w.person("ann")
		w.MailStaff = true
		id, err := w.Post(ctx, ann, Draft{Text: "rude"})
		if err != nil {
			t.Fatal(err)
		}
		o, err := w.DB.Object(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		w.person("bob@b.test")
		flag := `{"id":"https://b.test/flag/%d","type":"Flag","actor":"https://b.test/users/bob","content":"<p>please look</p>","object":[%s]}`
		w.send(fmt.Sprintf(flag, 1, fmt.Sprintf(`"https://a.test/users/ann",%q,"https://a.test/objects/1"`, o.URI)))
		w.send(fmt.Sprintf(flag, 1, `"https://a.test/users/ann"`)) // Again.
		w.send(fmt.Sprintf(flag, 2, fmt.Sprintf("%q", o.URI)))     // Only the post.
		w.send(fmt.Sprintf(flag, 3, `"https://b.test/users/bob"`)) // None of ours.
		all, err := w.DB.Reports(ctx, store.ReportQuery{Target: ann.ID}, store.Page{})
		if err != nil || len(all) != 2 {
			t.Fatalf("reports: %+v, %v; want two", all, err)
		}
		for _, r := range all {
			if len(r.Statuses) != 1 || r.Statuses[0] != id || r.Comment != "please look" || r.Category != "other" {
				t.Errorf("report %+v", r)
			}
			if n, err := w.DB.Notification(ctx, boss.ID, r.ID); err != nil || store.KindName(n.Kind) != "admin.report" {
				t.Errorf("notification %+v, %v", n, err)
			}
		}
		if jobs := w.jobs("notice-mail"); len(jobs) != 2 {
			t.Errorf("mails %q, want two", jobs)
		}
		w.Hosts.Set([]policy.HostRule{{Domain: "b.test", RejectReports: true}}, nil, false)
		w.send(fmt.Sprintf(flag, 4, `"https://a.test/users/ann"`))
		if all, err = w.DB.Reports(ctx, store.ReportQuery{}, store.Page{}); err != nil || len(all) != 2 {
			t.Errorf("from a host whose reports are not taken: %d reports, %v", len(all), err)
		}
		if err := w.deliver(`{"id":"https://b.test/flag/5","type":"Flag","actor":"https://b.test/users/bob"}`); err == nil {
			t.Error("a Flag about nobody was taken")
		}
	})
}
