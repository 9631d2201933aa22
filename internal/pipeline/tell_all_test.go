package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// crowd makes n accounts of ours that follow target and asked to hear of its posts.
// Of accounts there are only rows; ids begin at 1.
func (w *world) crowd(n int, target *store.Actor) {
	w.t.Helper()
	err := w.DB.Write(w.t.Context(), func(tx *store.Tx) error {
		for id := int64(1); id <= int64(n); id++ {
			if _, err := tx.SetFollow(w.t.Context(), store.Follow{Actor: id, Target: target.ID, Seq: id, Accepted: true, Local: true}); err != nil {
				return err
			}
			if err := tx.SetFollowSettings(w.t.Context(), store.FollowSettings{Actor: id, Target: target.ID, Boosts: true, Notify: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// work runs the jobs of a kind, and those of the kind that they leave, once each. It
// returns how many there were.
func (w *world) work(kind string) int {
	w.t.Helper()
	done := map[string]bool{}
	for more := true; more; {
		more = false
		for _, row := range w.jobs(kind) {
			payload := strings.TrimSpace(strings.TrimPrefix(row, "payload="))
			if done[payload] {
				continue
			}
			done[payload], more = true, true
			if err := w.Jobs()[kind](w.t.Context(), store.Job{Kind: kind, Payload: []byte(payload)}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return len(done)
}

// TestEveryBellRings wants all to be told of a post who asked for it, however many.
func TestEveryBellRings(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.person("ann")
		const many = 2*tellChunk + 30
		w.crowd(many, ann)
		if _, err := w.Post(t.Context(), ann, Draft{Text: "Ding"}); err != nil {
			t.Fatal(err)
		}
		told := func() int { return len(storetest.Dump(t, w.DB, "SELECT owner FROM notifications")) }
		if n := told(); n != tellChunk {
			t.Errorf("%d were told with the post, want %d", n, tellChunk)
		}
		if runs := w.work("tell"); runs != 2 || told() != many {
			t.Errorf("%d were told after %d jobs, want %d after 2", told(), runs, many)
		}
	})
}

// TestProfileEditsMeet wants two edits of a profile at the same moment both to stay.
func TestProfileEditsMeet(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.person("ann")
		var all sync.WaitGroup
		const edits = 12
		for i := range edits {
			all.Go(func() {
				err := w.EditProfile(context.WithoutCancel(t.Context()), ann, func(a *vocab.Actor) {
					a.Fields = append(a.Fields, vocab.Field{Name: fmt.Sprint(i), Value: "x"})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		profiles, err := w.DB.Profiles(t.Context(), []int64{ann.ID})
		if err != nil || len(profiles[ann.ID].Fields) != edits {
			t.Errorf("%d fields, %v; want %d", len(profiles[ann.ID].Fields), err, edits)
		}
	})
}

// TestAppealIsAnsweredWhole wants nothing of an answer to stay when a part of it fails.
func TestAppealIsAnsweredWhole(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, ctx := w.person("ann"), t.Context()
		w.mustModerate(Moderation{Target: ann, Action: "silence"})
		warnings, err := w.DB.WarningsOf(ctx, ann.ID, store.Page{})
		if err != nil || len(warnings) != 1 {
			t.Fatal(warnings, err)
		}
		if err := w.Appeal(ctx, ann, warnings[0].ID, "No."); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		answers := make([]error, 4)
		for i := range answers {
			all.Go(func() { answers[i] = w.AnswerAppeal(context.WithoutCancel(ctx), 0, warnings[0].ID, i%2 == 0) })
		}
		all.Wait()
		granted, refused := 0, 0
		for i, err := range answers {
			switch {
			case err == nil:
				granted = i
			case fault.Is(err, fault.NotFound):
				refused++
			default:
				t.Error(err)
			}
		}
		now, err := w.DB.Actor(ctx, ann.ID)
		if err != nil || refused != len(answers)-1 || (now.Silenced == 0) != (granted%2 == 0) {
			t.Errorf("answers %v, silenced %d, %v; want one answer, and the account as it says", answers, now.Silenced, err)
		}
	})
}
