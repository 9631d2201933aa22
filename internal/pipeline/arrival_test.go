package pipeline

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// TestSentAfterFetched has a post fetched, for a boost or an answer that was quicker,
// before its author's own Create comes: it reaches everybody all the same, once.
func TestSentAfterFetched(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.setting()
		sent := note(1, "hello @ann", `,"tag":[{"type":"Mention","href":"https://a.test/users/ann","name":"@ann@a.test"}]`)
		a := must2(vocab.DecodeActivity([]byte(sent)))(t)
		fetched := &vocab.Activity{ID: a.Object + "#fetched", Type: "Create", Actor: a.Actor, Object: a.Object, Inline: a.Inline, To: a.To}
		fetched.Raw = vocab.EncodeActivity(fetched, nil)
		if err := w.Process(t.Context(), fetched, Origin{Host: "b.test", Fetched: true}); err != nil {
			t.Fatal(err)
		}
		reached := func() map[string][]string {
			return w.dump(`SELECT a.username || ' ' || n.kind FROM notifications n JOIN actors a ON a.id = n.owner`,
				`SELECT a.username || ' home ' || o.uri FROM home h JOIN actors a ON a.id = h.owner JOIN objects o ON o.id = h.post`)
		}
		for query, rows := range reached() {
			if len(rows) != 0 {
				t.Fatalf("fetched: %s: %v, want none", query, rows)
			}
		}
		w.events = nil
		w.send(sent)
		w.send(`{"id":"https://b.test/create/again","type":"Create","actor":"https://b.test/users/bob","to":["as:Public"],"object":` + string(a.Inline.Raw) + `}`)
		got := reached()
		for query, rows := range got {
			if len(rows) != 1 {
				t.Errorf("sent: %s: %v, want one", query, rows)
			}
		}
		told := 0
		for _, e := range w.events {
			if e.Kind == "update" && len(e.Home) == 1 && !e.Public {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%d homes were told, want one: %+v", told, w.events)
		}
		w.rebuild()
		if again := reached(); !reflect.DeepEqual(again, got) {
			t.Errorf("rebuilt: %v, want %v", again, got)
		}
	})
}

// TestAnswerBesideItsParent commits an answer while what it answers is on its way:
// they find each other.
func TestAnswerBesideItsParent(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.setting()
		parent := must2(vocab.DecodeActivity([]byte(note(1, "root", ""))))(t)
		applied, release, done := make(chan bool), make(chan bool), make(chan error, 2)
		go func() {
			done <- w.process(context.Background(), parent, Origin{Host: "b.test"}, func(context.Context, *Step) error {
				applied <- true
				<-release
				return nil
			})
		}()
		<-applied
		answered := make(chan error, 1)
		go func() { answered <- w.deliver(note(2, "reply", `,"inReplyTo":"https://b.test/notes/1"`)) }()
		select {
		case err := <-answered:
			answered <- err
		case <-time.After(200 * time.Millisecond): // It waits for the parent.
		}
		close(release)
		if err := errors.Join(<-done, <-answered); err != nil {
			t.Fatal(err)
		}
		first := must2(w.DB.ObjectByURI(t.Context(), "https://b.test/notes/1"))(t)
		second := must2(w.DB.ObjectByURI(t.Context(), "https://b.test/notes/2"))(t)
		if st := must2(w.DB.Status(t.Context(), second.ID))(t); st.ReplyTo != first.ID || st.Conversation != first.ID {
			t.Errorf("the answer is %+v, want it below %d", st, first.ID)
		}
	})
}

// TestMentionBesideItsActor commits an actor while a post that mentions it is on its
// way, and the other way round: they find each other.
func TestMentionBesideItsActor(t *testing.T) {
	for _, postFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("post first %v", postFirst), func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				w.setting()
				dan := must2(vocab.DecodeActor([]byte(`{"id":"https://d.test/users/dan","type":"Person","preferredUsername":"dan","inbox":"https://d.test/inbox"}`)))(t)
				post := must2(vocab.DecodeActivity([]byte(note(1, "hello @dan", `,"tag":[{"type":"Mention","href":"https://d.test/users/dan"}]`))))(t)
				applied, release := make(chan bool), make(chan bool)
				pause := func() {
					applied <- true
					<-release
				}
				first := func() error {
					return w.process(context.Background(), post, Origin{Host: "b.test"}, func(context.Context, *Step) error { pause(); return nil })
				}
				insert := func(pause func()) error {
					return w.DB.Write(context.Background(), func(tx *store.Tx) error {
						_, err := w.insertActor(context.Background(), tx, dan, "d.test")
						pause()
						return err
					})
				}
				second := func() error { return insert(func() {}) }
				if !postFirst {
					first = func() error { return insert(pause) }
					second = func() error { return w.Process(context.Background(), post, Origin{Host: "b.test"}) }
				}
				done, other := make(chan error, 1), make(chan error, 1)
				go func() { done <- first() }()
				<-applied
				go func() { other <- second() }()
				select {
				case err := <-other:
					other <- err
				case <-time.After(200 * time.Millisecond): // It waits for the other one.
				}
				close(release)
				if err := errors.Join(<-done, <-other); err != nil {
					t.Fatal(err)
				}
				const known, jobs = `SELECT 1 FROM mentions m JOIN actors a ON a.id = m.actor WHERE a.uri = 'https://d.test/users/dan'`, `SELECT kind FROM jobs WHERE kind = 'introduce'`
				got := w.dump(known, jobs)
				if len(got[known])+len(got[jobs]) == 0 {
					t.Error("there is neither the mention nor a job that will make it")
				}
			})
		})
	}
}
