package pipeline

import (
	"errors"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// TestBoostWithPost delivers boosts that give along what they boost: only an
// author's own post is believed.
func TestBoostWithPost(t *testing.T) {
	const boost = `{"id":"https://b.test/boost/1","type":"Announce","actor":"https://b.test/users/bob","to":["https://b.test/users/bob/followers"],"object":`
	for _, c := range []struct {
		name, object string
		taken        bool
	}{
		{"one's own", `{"id":"https://b.test/notes/1","type":"Note","attributedTo":"https://b.test/users/bob","to":["https://b.test/users/bob/followers"],"content":"x"}`, true},
		{"of a neighbour", `{"id":"https://b.test/notes/1","type":"Note","attributedTo":"https://b.test/users/eve","to":["as:Public"],"content":"x"}`, false},
		{"on another host", `{"id":"https://c.test/notes/1","type":"Note","attributedTo":"https://b.test/users/bob","to":["as:Public"],"content":"x"}`, false},
		{"without an author", `{"id":"https://b.test/notes/1","type":"Note","to":["as:Public"],"content":"x"}`, false},
		{"of another host's author", `{"id":"https://c.test/notes/1","type":"Note","attributedTo":"https://c.test/users/cat","to":["as:Public"],"content":"x"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ann, bob := w.person("ann"), w.person("bob@b.test")
			if err := w.Follow(t.Context(), ann, bob); err != nil {
				t.Fatal(err)
			}
			w.send(`{"id":"https://b.test/accept/1","type":"Accept","actor":"https://b.test/users/bob","object":{"id":"https://a.test/some-id","type":"Follow","actor":"` + string(ann.URI) + `","object":"https://b.test/users/bob"}}`)
			if err := w.deliver(boost + c.object + "}"); err != nil {
				t.Fatal(err)
			}
			a, err := vocab.DecodeObject([]byte(c.object))
			if err != nil {
				t.Fatal(err)
			}
			o, err := w.DB.ObjectByURI(t.Context(), a.ID)
			if taken := err == nil; taken != c.taken || err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("taken %v (%v), want %v", taken, err, c.taken)
			}
			if !c.taken {
				return
			}
			if b, err := w.DB.Boost(t.Context(), o.ID, bob.ID); err != nil || b.Visibility != private {
				t.Errorf("boost %+v, %v, want a followers-only one", b, err)
			}
		})
	}
}

// TestDirectBoost has a boost that is for one person alone come and go: it is in no
// count of its author's posts.
func TestDirectBoost(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.setting()
		cat := w.person("cat@c.test")
		w.send(note(1, "first", ""))
		w.send(`{"id":"https://c.test/boost/1","type":"Announce","actor":"https://c.test/users/cat","to":["https://a.test/users/ann"],"object":"https://b.test/notes/1"}`)
		count := func() int64 { return must2(w.DB.ActorCounts(t.Context(), []int64{cat.ID}))(t)[cat.ID].Statuses }
		if n := count(); n != 0 {
			t.Errorf("%d statuses, want 0", n)
		}
		w.send(`{"id":"https://c.test/undo/1","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/boost/1"}`)
		if n := count(); n != 0 {
			t.Errorf("undone: %d statuses, want 0", n)
		}
	})
}
