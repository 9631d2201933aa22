package pipeline

import (
	"errors"
	"strings"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// TestAnswerWithoutID takes answers that describe the Follow instead of naming it.
func TestAnswerWithoutID(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob := w.person("ann"), w.person("bob@b.test")
		if err := w.Follow(t.Context(), ann, bob); err != nil {
			t.Fatal(err)
		}
		answer := func(typ, id, object string) error {
			return w.deliver(`{"id":"https://b.test/answer/` + id + `","type":"` + typ + `","actor":"https://b.test/users/bob","object":` + object + `}`)
		}
		for i, object := range []string{`{"type":"Follow"}`, `{"type":"Follow","actor":"` + string(ann.URI) + `","object":"https://c.test/users/cat"}`, `{}`} {
			if err := answer("Accept", string(rune('a'+i)), object); fault.KindOf(err) != fault.Malformed {
				t.Errorf("%s: %v, want it refused", object, err)
			}
		}
		inline := `{"type":"Follow","actor":"` + string(ann.URI) + `","object":"https://b.test/users/bob"}`
		if err := answer("Accept", "1", inline); err != nil {
			t.Fatal(err)
		}
		if f, err := w.DB.Follow(t.Context(), ann.ID, bob.ID); err != nil || !f.Accepted {
			t.Fatalf("%+v, %v, want an accepted follow", f, err)
		}
		w.rebuild()
		if f, err := w.DB.Follow(t.Context(), ann.ID, bob.ID); err != nil || !f.Accepted {
			t.Fatalf("rebuilt: %+v, %v, want an accepted follow", f, err)
		}
		for _, id := range []string{"2", "3"} { // The second one finds nothing to reject.
			if err := answer("Reject", id, inline); err != nil {
				t.Fatal(err)
			}
			if _, err := w.DB.Follow(t.Context(), ann.ID, bob.ID); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("%v, want no follow", err)
			}
		}
		w.rebuild()
		if _, err := w.DB.Follow(t.Context(), ann.ID, bob.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("rebuilt: %v, want no follow", err)
		}
	})
}

// TestFollowFromBlockedDomain refuses followers from a domain that the followed blocks.
func TestFollowFromBlockedDomain(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob := w.person("ann"), w.person("bob@b.test")
		if err := w.DB.Write(t.Context(), func(tx *store.Tx) error { return tx.SetDomainBlock(t.Context(), ann.ID, "b.test", true) }); err != nil {
			t.Fatal(err)
		}
		w.send(`{"id":"https://b.test/follow/1","type":"Follow","actor":"https://b.test/users/bob","object":"https://a.test/users/ann"}`)
		if f, err := w.DB.Follow(t.Context(), bob.ID, ann.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%+v, %v, want no follow", f, err)
		}
		a := must2(w.DB.ActivityByURI(t.Context(), "https://b.test/follow/1"))(t)
		const answers = `SELECT type FROM activities WHERE origin = ''`
		if got := w.dump(answers)[answers]; a.State != store.Undone || len(got) != 1 || !strings.Contains(got[0], "Reject") {
			t.Errorf("state %d, answers %v, want a Reject", a.State, got)
		}
	})
}

// TestUndoWithInventedID ends a follow whose Undo calls it by an id that was never
// sent, as Misskey's do; the Follow of that id has no effect when it comes late.
func TestUndoWithInventedID(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob := w.person("ann"), w.person("bob@b.test")
		follow := func(id string) string {
			return `{"id":"https://b.test/follow/` + id + `","type":"Follow","actor":"https://b.test/users/bob","object":"https://a.test/users/ann"}`
		}
		follows := func() bool {
			_, err := w.DB.Follow(t.Context(), bob.ID, ann.ID)
			return err == nil
		}
		w.send(follow("1"))
		if !follows() {
			t.Fatal("Bob does not follow")
		}
		w.send(`{"id":"https://b.test/undo/1","type":"Undo","actor":"https://b.test/users/bob","object":` + follow("invented") + `}`)
		if follows() {
			t.Error("Bob still follows")
		}
		w.rebuild()
		w.send(follow("invented"))
		if follows() {
			t.Error("Bob follows by what was undone before it came")
		}
		w.send(follow("2"))
		if !follows() {
			t.Error("Bob can't follow again")
		}
	})
}
