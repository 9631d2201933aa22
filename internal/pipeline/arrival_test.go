package pipeline

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

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
