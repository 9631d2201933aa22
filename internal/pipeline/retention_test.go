package pipeline

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// TestForgetOld drops old threads from elsewhere, and none with which somebody here has
// to do.
func TestForgetOld(t *testing.T) {
	var sent []storetest.Statement
	observe := func(text string, args []any) {
		sent = append(sent, storetest.Statement{From: "ForgetOld", Text: text, Args: args})
	}
	eachEngineWith(t, store.Options{Observe: observe}, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		ann := w.person("ann")
		ids := map[int]int64{}
		post := func(n int, more string) {
			t.Helper()
			w.send(note(n, fmt.Sprint("post ", n), more))
			o, err := w.DB.ObjectByURI(ctx, vocab.IRI(fmt.Sprintf("https://b.test/notes/%d", n)))
			if err != nil {
				t.Fatal(err)
			}
			ids[n] = o.ID
		}
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; n <= 9; n++ {
			post(n, "")
		}
		post(10, `,"inReplyTo":"https://b.test/notes/1"`)
		post(11, `,"inReplyTo":"https://b.test/notes/2"`)
		w.send(update(1, 2, "edited", "2026-01-01T11:00:00Z"))
		w.send(`{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}`)
		w.send(`{"id":"https://c.test/boost/1","type":"Announce","actor":"https://c.test/users/cat","to":["as:Public"],"object":"https://b.test/notes/1"}`)
		ok(w.Favourite(ctx, ann, ids[11])) // Keeps 2 too.
		_, err := w.Boost(ctx, ann, ids[3], "")
		ok(err)
		_, err = w.Post(ctx, ann, Draft{Text: "hm", InReplyTo: ids[4]})
		ok(err)
		ok(w.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetBookmark(ctx, ann.ID, ids[5], true) }))
		w.send(note(12, "hello @ann", `,"tag":[{"type":"Mention","href":"https://a.test/users/ann","name":"@ann@a.test"}]`))
		w.send(`{"id":"https://b.test/add/1","type":"Add","actor":"https://b.test/users/bob","object":"https://b.test/notes/6","target":"https://b.test/users/bob/featured"}`)
		w.clock = w.clock.Add(100 * 24 * time.Hour)
		ok(w.ForgetOld(ctx, 0)) // Of no effect.
		ok(w.ForgetOld(ctx, 365*24*time.Hour))
		before := len(storetest.Dump(t, w.DB, "SELECT id FROM statuses"))
		sent = nil
		ok(w.ForgetOld(ctx, 90*24*time.Hour))
		storetest.NoFullScans(t, w.DB, sent)
		if before != 15 {
			t.Errorf("%d posts and boosts before, want all 15", before)
		}
		for n, want := range map[int]bool{1: false, 10: false, 7: false, 8: false, 9: false, 2: true, 11: true, 3: true, 4: true, 5: true, 6: true} {
			_, err := w.DB.Object(ctx, ids[n])
			if kept := err == nil; kept != want || err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("post %d is kept: %v (%v), want %v", n, kept, err, want)
			}
		}
		if problems, err := w.DB.Check(ctx); err != nil || len(problems) > 0 {
			t.Errorf("check finds %q, %v", problems, err)
		}
		was := w.state()
		w.rebuild()
		if got := w.state(); !reflect.DeepEqual(got, was) {
			t.Errorf("rebuilt:\n%s\nbefore\n%s", pretty(got), pretty(was))
		}
		post(1, "") // It may come again.
	})
}
