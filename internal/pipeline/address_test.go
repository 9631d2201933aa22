package pipeline

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kenoma/internal/vocab"
)

// TestMentionOfStranger has a post name somebody who is known only later.
func TestMentionOfStranger(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		mention := func(name string) string {
			return fmt.Sprintf(`,"tag":[{"type":"Mention","href":"https://h.test/users/%s","name":"@%s@h.test"}]`, name, name)
		}
		w.send(note(1, "hello", mention("hal")))
		w.send(note(2, "hello again", mention("hal")))
		w.send(note(3, "hello", mention("ida")))
		w.send(update(2, 2, "hello nobody", "2026-01-01T11:00:00Z"))
		hal := w.person("hal@h.test")
		if err := w.introduce(ctx, introduceJob{Actor: hal.ID}); err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int]string{1: "hal@h.test", 2: "", 3: ""} {
			o, err := w.DB.ObjectByURI(ctx, vocab.IRI(fmt.Sprintf("https://b.test/notes/%d", n)))
			if err != nil {
				t.Fatal(err)
			}
			contents := must2(w.DB.Contents(ctx, []int64{o.ID}))(t)
			var got []string
			for _, m := range contents[o.ID].Mentions {
				got = append(got, m.Acct)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("note %d mentions %q, want %q", n, got, want)
			}
		}
		left := w.dump("SELECT uri FROM waits")["SELECT uri FROM waits"]
		if len(left) != 1 || !strings.Contains(left[0], "ida") {
			t.Errorf("still waiting: %q, want ida's post alone", left)
		}
		jobs := w.dump("SELECT kind FROM jobs WHERE kind = 'introduce'")["SELECT kind FROM jobs WHERE kind = 'introduce'"]
		if len(jobs) != 1 {
			t.Errorf("%d jobs introduce the new actor, want 1", len(jobs))
		}
	})
}
