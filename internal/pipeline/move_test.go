package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// farewell is bob's Move to ann, told in both ways, and one to somebody who knows
// nothing of it.
var farewell = []string{
	`{"id":"https://b.test/move/1","type":"Move","actor":"https://b.test/users/bob","object":"https://b.test/users/bob","target":"https://a.test/users/ann"}`,
	`{"id":"https://b.test/move/2","type":"Move","actor":"https://b.test/users/bob","object":"https://b.test/users/bob","target":"https://c.test/users/cat"}`,
	`{"id":"https://b.test/update/profile","type":"Update","actor":"https://b.test/users/bob","object":{"id":"https://b.test/users/bob","type":"Person","preferredUsername":"bob",
		"inbox":"https://b.test/users/bob/inbox","followers":"https://b.test/users/bob/followers","movedTo":"https://a.test/users/ann","updated":"2026-01-02T03:00:00Z"}}`,
	note(1, "farewell", ""),
}

func TestMoveInEveryOrder(t *testing.T) {
	inEveryOrder(t, "a move", farewell, (*world).aboutToMove)
}

// aboutToMove makes ann somebody whom bob may become, and eve a follower of his.
func (w *world) aboutToMove() {
	ctx, eve, bob := context.Background(), w.person("eve"), w.person("bob@b.test")
	if err := w.AddAlias(ctx, w.person("ann"), string(bob.URI)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Follow(ctx, eve, bob); err != nil {
		w.t.Fatal(err)
	}
	w.send(fmt.Sprintf(`{"id":"%s/accepted/eve","type":"Accept","actor":%q,"object":%q}`, bob.URI, bob.URI, w.followOf(eve, bob)))
}

// moves does the jobs that Moves left.
func (w *world) moves() {
	for _, kind := range []string{"move", "carry-over"} {
		for _, row := range storetest.Dump(w.t, w.DB, "SELECT payload FROM jobs WHERE kind = '"+kind+"'") {
			payload := strings.TrimSpace(strings.TrimPrefix(row, "payload="))
			if err := w.Jobs()[kind](context.Background(), store.Job{Kind: kind, Payload: []byte(payload)}); err != nil {
				w.t.Fatalf("%s %s: %v", kind, payload, err)
			}
		}
	}
}

// TestMoved wants the follower at the new account, and a rebuild to agree.
func TestMoved(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.aboutToMove()
		w.send(farewell[0])
		w.moves()
		claims := []string{"SELECT a.uri || ' follows ' || b.uri AS x FROM follows f JOIN actors a ON a.id = f.actor JOIN actors b ON b.id = f.target WHERE a.username = 'eve'",
			"SELECT a.uri || ' at ' || p.moved_to AS x FROM profiles p JOIN actors a ON a.id = p.actor WHERE p.moved_to <> ''",
			"SELECT kind AS x FROM notifications WHERE kind = 19"}
		want := []string{"https://a.test/users/eve follows https://a.test/users/ann", "https://b.test/users/bob at https://a.test/users/ann", "19"}
		check := func(when string) {
			t.Helper()
			for i, q := range claims {
				if got := storetest.Dump(t, w.DB, q); !slices.Equal(got, []string{"x=" + want[i] + " "}) {
					t.Errorf("%s: %q, want %q", when, got, want[i])
				}
			}
		}
		check("after the move")
		w.rebuild()
		check("after a rebuild")
		// A document that came after the Move has the last word.
		w.send(strings.NewReplacer(`"movedTo":"https://a.test/users/ann",`, "", "update/profile", "update/again").Replace(farewell[2]))
		if got := storetest.Dump(t, w.DB, claims[1]); len(got) != 0 {
			t.Errorf("after the redirect was taken back: %q", got)
		}
		w.rebuild()
		if got := storetest.Dump(t, w.DB, claims[1]); len(got) != 0 {
			t.Errorf("taken back and rebuilt: %q", got)
		}
	})
}

func TestMoveRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.aboutToMove()
		w.person("cat@c.test")
		for name, doc := range map[string]string{
			"of somebody else": `{"id":"https://b.test/move/1","type":"Move","actor":"https://b.test/users/bob","object":"https://b.test/users/other","target":"https://a.test/users/ann"}`,
			"to itself":        `{"id":"https://b.test/move/2","type":"Move","actor":"https://b.test/users/bob","object":"https://b.test/users/bob","target":"https://b.test/users/bob"}`,
			"to nowhere":       `{"id":"https://b.test/move/3","type":"Move","actor":"https://b.test/users/bob","object":"https://b.test/users/bob","target":"did:plc:x"}`,
			"by a third party": `{"id":"https://c.test/move/4","type":"Move","actor":"https://c.test/users/cat","object":"https://b.test/users/bob","target":"https://a.test/users/ann"}`,
		} {
			if err := w.deliver(doc); err == nil {
				t.Errorf("a Move %s is taken", name)
			}
		}
		w.moves()
		if got := storetest.Dump(t, w.DB, "SELECT actor FROM profiles WHERE moved_to <> ''"); len(got) != 0 {
			t.Errorf("moved all the same: %q", got)
		}
	})
}
