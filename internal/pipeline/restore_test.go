package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// runJobs runs the jobs of these kinds until there are none.
func (w *world) runJobs(kinds ...string) {
	w.t.Helper()
	for range 100 {
		query := "SELECT id, kind, payload FROM jobs WHERE kind IN ('" + strings.Join(kinds, "', '") + "') ORDER BY id LIMIT 1"
		rows := storetest.Dump(w.t, w.DB, query)
		if len(rows) == 0 {
			return
		}
		var id int64
		var kind string
		if _, err := fmt.Sscanf(rows[0], "id=%d kind=%s", &id, &kind); err != nil {
			w.t.Fatalf("%v: %s", err, rows[0])
		}
		_, payload, _ := strings.Cut(rows[0], "payload=")
		if err := w.Jobs()[kind](w.t.Context(), store.Job{Kind: kind, Payload: json.RawMessage(strings.TrimSpace(payload))}); err != nil {
			w.t.Fatalf("%s: %v", kind, err)
		}
		if err := w.DB.Write(w.t.Context(), func(tx *store.Tx) error { return tx.FinishJobs(w.t.Context(), []int64{id}) }); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("the jobs never end")
}

// follows lists who follows whom, accepted ones with a star.
func (w *world) follows() []string {
	w.t.Helper()
	names := map[int64]string{}
	for handle, a := range w.actors {
		names[a.ID] = handle
	}
	var list []string
	for handle, a := range w.actors {
		all, err := w.DB.FollowsAround(w.t.Context(), a.ID, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range all {
			if f.Actor != a.ID {
				continue
			}
			one := handle + " " + names[f.Target]
			if f.Accepted {
				one += " *"
			}
			list = append(list, one)
		}
	}
	slices.Sort(list)
	return list
}

// A suspended host loses its follows, with a list for those concerned; when it is lifted
// they come back, ours by new Follows, theirs as they were.
func TestSuspendHostAndBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss, ann, cid, bob, eve := w.moderator("boss"), w.person("ann"), w.person("cid"), w.person("bob@b.test"), w.person("eve@sub.b.test")
		for n, other := range []*store.Actor{bob, eve} {
			if err := w.Follow(ctx, ann, other); err != nil {
				t.Fatal(err)
			}
			w.send(fmt.Sprintf(`{"id":"%s/accept/%d","type":"Accept","actor":%q,"object":%q}`, other.URI, n, other.URI, w.followOf(ann, other)))
			for _, who := range []string{"ann", "cid"} {
				w.send(fmt.Sprintf(`{"id":"%s/follow/%s","type":"Follow","actor":%q,"object":"https://a.test/users/%s"}`, other.URI, who, other.URI, who))
			}
		}
		err := w.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.SetFollowSettings(ctx, store.FollowSettings{Actor: ann.ID, Target: bob.ID, Notify: true, Languages: "de"})
		})
		if err != nil {
			t.Fatal(err)
		}
		before := w.follows()
		if len(before) != 6 {
			t.Fatalf("follows: %q", before)
		}
		b := &store.HostBlock{Domain: "b.test", Severity: "suspend"}
		if err := w.SetHostBlock(ctx, boss.ID, b); err != nil {
			t.Fatal(err)
		}
		w.runJobs("host-rule", "restore-follows")
		if left := w.follows(); len(left) != 0 {
			t.Errorf("follows left: %q", left)
		}
		events, err := w.DB.SeverancesOf(ctx, ann.ID, store.Page{Limit: 10})
		if err != nil || len(events) != 1 || events[0].Followers != 2 || events[0].Following != 2 || events[0].Target != "b.test" {
			t.Fatalf("what Ann lost: %+v, %v", events, err)
		}
		lost, err := w.DB.SeveredFollows(ctx, ann.ID, events[0].ID, true, 0, 10)
		if err != nil || len(lost) != 2 || lost[0].Other != bob.ID || !lost[0].Notify || lost[0].Languages != "de" || lost[0].Boosts {
			t.Errorf("Ann's list: %+v, %v", lost, err)
		}
		if theirs, err := w.DB.SeveredFollows(ctx, cid.ID, events[0].ID, false, 0, 10); err != nil || len(theirs) != 2 {
			t.Errorf("Cid's list: %+v, %v", theirs, err)
		}

		// Meanwhile Cid blocks one of them, and the documents of dead activities go.
		if err := w.Block(ctx, cid, eve); err != nil {
			t.Fatal(err)
		}
		if err := w.Compact(ctx, w.Now().Add(keepDocs+time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveHostBlock(ctx, boss.ID, b); err != nil {
			t.Fatal(err)
		}
		w.runJobs("host-rule", "restore-follows")
		want := []string{"ann bob@b.test", "ann eve@sub.b.test", "bob@b.test ann *", "bob@b.test cid *", "eve@sub.b.test ann *"}
		if got := w.follows(); !slices.Equal(got, want) {
			t.Errorf("restored %q, want %q: ours asked for anew, theirs as they were, blocked ones not", got, want)
		}
		if r, err := w.DB.Relations(ctx, ann.ID, []int64{bob.ID}, 0); err != nil || !r[bob.ID].Notify || r[bob.ID].Languages != "de" {
			t.Errorf("how Ann follows Bob: %+v, %v", r[bob.ID], err)
		}
		if err := w.Rebuild(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if got := w.follows(); !slices.Equal(got, want) {
			t.Errorf("after a rebuild %q, want %q", got, want)
		}
		lost, err = w.DB.SeveredFollows(ctx, cid.ID, events[0].ID, false, 0, 10)
		if err != nil || len(lost) != 2 || lost[0].Restored <= 0 || lost[1].Restored != -1 {
			t.Errorf("what is noted of Cid's: %+v, %v", lost, err)
		}
	})
}

// A follow that its maker takes back after the host was let in again stays ended.
func TestRestoreHonoursUndo(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.person("ann")
	bob := w.person("bob@b.test")
	w.send(`{"id":"https://b.test/follow/1","type":"Follow","actor":"https://b.test/users/bob","object":"https://a.test/users/ann"}`)
	b := &store.HostBlock{Domain: "b.test", Severity: "suspend"}
	if err := w.SetHostBlock(ctx, 0, b); err != nil {
		t.Fatal(err)
	}
	w.runJobs("host-rule", "restore-follows")
	if err := w.RemoveHostBlock(ctx, 0, b); err != nil {
		t.Fatal(err)
	}
	w.runJobs("host-rule") // Bob's accounts are let in, his follows wait for their job.
	w.send(`{"id":"https://b.test/undo/1","type":"Undo","actor":"https://b.test/users/bob","object":"https://b.test/follow/1"}`)
	w.runJobs("restore-follows")
	if got := w.follows(); len(got) != 0 {
		t.Errorf("%s follows again: %q", bob.Acct(), got)
	}
}

// A suspension of one account is lifted with its follows by ours.
func TestUnsuspendRestores(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ann, bob := w.person("ann"), w.person("bob@b.test")
	if err := w.Follow(ctx, ann, bob); err != nil {
		t.Fatal(err)
	}
	w.send(fmt.Sprintf(`{"id":"https://b.test/accept/1","type":"Accept","actor":"https://b.test/users/bob","object":%q}`, w.followOf(ann, bob)))
	w.mustModerate(Moderation{Target: bob, Action: "suspend"})
	w.runJobs("sever")
	if got := w.follows(); len(got) != 0 {
		t.Fatalf("follows left: %q", got)
	}
	w.mustModerate(Moderation{Target: bob, Action: "unsuspend"})
	w.runJobs("restore-follows")
	if got := w.follows(); !slices.Equal(got, []string{"ann bob@b.test"}) {
		t.Errorf("restored: %q, want Ann's request", got)
	}
}

// Two who followed each other both come back, also where a piece of the work ends
// between the two.
func TestRestoreBothWays(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob@b.test")
		event := &store.Severance{ID: w.NewID(), Type: "domain_block", Target: "b.test"}
		err := w.DB.Write(ctx, func(tx *store.Tx) error {
			if err := tx.InsertSeverance(ctx, event); err != nil {
				return err
			}
			for n := range int64(restoreChunk - 1) { // People who are gone, before bob.
				if err := tx.KeepSevered(ctx, store.SeveredFollow{Owner: ann.ID, Event: event.ID, Other: n + 1}); err != nil {
					return err
				}
			}
			for _, following := range []bool{false, true} {
				if err := tx.KeepSevered(ctx, store.SeveredFollow{Owner: ann.ID, Event: event.ID, Other: bob.ID, Following: following}); err != nil {
					return err
				}
			}
			return (&Step{Tx: tx, p: w.Pipeline}).restoreLater(ctx, restoreJob{Type: event.Type, Target: event.Target})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.runJobs("restore-follows")
		if left := storetest.Dump(t, w.DB, "SELECT other, following FROM severed_follows WHERE restored = 0"); len(left) != 0 {
			t.Errorf("not looked at: %v", left)
		}
		if got := w.follows(); !slices.Equal(got, []string{"ann bob@b.test"}) {
			t.Errorf("follows: %v, want Ann's asked for anew", got)
		}
	})
}
