package pipeline

import (
	"context"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
)

// The families of activities about one object, each delivered in every order,
// every one twice. %s-free JSON as the actors' hosts send it.
var families = []struct {
	name string
	docs []string
}{
	{"a note, edited twice, favoured, boosted, deleted", []string{
		note(1, "first", ""),
		update(1, 2, "second", "2026-01-01T11:00:00Z"),
		`{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}`,
		`{"id":"https://c.test/undo/1","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/like/1"}`,
		`{"id":"https://b.test/delete/1","type":"Delete","actor":"https://b.test/users/bob","object":{"id":"https://b.test/notes/1","type":"Tombstone"}}`,
	}},
	{"a note and two edits", []string{
		note(1, "first", ""),
		update(1, 2, "second", "2026-01-01T11:00:00Z"),
		update(1, 3, "third", "2026-01-01T12:00:00Z"),
	}},
	{"two likes of which one is undone", []string{
		note(1, "first", ""),
		`{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}`,
		`{"id":"https://c.test/like/2","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}`,
		`{"id":"https://c.test/undo/1","type":"Undo","actor":"https://c.test/users/cat","object":{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}}`,
	}},
	{"reactions in both forms, of which some are undone", []string{
		note(1, "first", ""),
		react(1, "👌", ""), react(2, "❤", ""),
		`{"id":"https://c.test/react/3","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1","content":"❤️"}`,
		`{"id":"https://c.test/undo/5","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/react/2"}`,
	}},
	{"a custom reaction, a like, and the end of the post", []string{
		note(1, "first", ""),
		react(1, ":blob:", `,"tag":[{"type":"Emoji","id":"https://c.test/emojis/blob","name":":blob:","icon":{"type":"Image","url":"https://c.test/blob.png"}}]`),
		`{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}`,
		`{"id":"https://c.test/undo/6","type":"Undo","actor":"https://c.test/users/cat","object":{"id":"https://c.test/react/1","type":"EmojiReact","actor":"https://c.test/users/cat","content":":blob:","object":"https://b.test/notes/1"}}`,
		`{"id":"https://b.test/delete/1","type":"Delete","actor":"https://b.test/users/bob","object":"https://b.test/notes/1"}`,
	}},
	{"a reaction with another emoji instead", []string{
		note(1, "first", ""),
		`{"id":"https://c.test/react/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1","content":"pudding"}`,
		`{"id":"https://c.test/undo/7","type":"Undo","actor":"https://c.test/users/cat","object":{"id":"https://c.test/react/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1"}}`,
		`{"id":"https://c.test/react/2","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/1","_misskey_reaction":"⭐"}`,
	}},
	{"two tracks, of which one is taken back", []string{
		`{"id":"https://c.test/listen/1","type":"Listen","actor":"https://c.test/users/cat","to":["as:Public"],"object":{"type":"Audio","title":"one","artist":"a band"}}`,
		`{"id":"https://c.test/listen/2","type":"Listen","actor":"https://c.test/users/cat","to":["as:Public"],"object":{"type":"Audio","title":"two"}}`,
		`{"id":"https://c.test/undo/8","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/listen/2"}`,
	}},
	{"a boost, undone, and another one", []string{
		note(1, "first", ""),
		announce(1), announce(2),
		`{"id":"https://c.test/undo/2","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/boost/1"}`,
	}},
	{"a thread of three", []string{
		note(1, "root", ""),
		note(2, "reply", `,"inReplyTo":"https://b.test/notes/1"`),
		note(3, "reply to the reply", `,"inReplyTo":"https://b.test/notes/2"`),
		`{"id":"https://c.test/like/1","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/3"}`,
	}},
	{"a follow between strangers, accepted and undone", []string{
		`{"id":"https://c.test/follow/1","type":"Follow","actor":"https://c.test/users/cat","object":"https://b.test/users/bob"}`,
		`{"id":"https://b.test/accept/1","type":"Accept","actor":"https://b.test/users/bob","object":"https://c.test/follow/1"}`,
		`{"id":"https://c.test/undo/3","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/follow/1"}`,
	}},
	{"a follow, accepted, then rejected", []string{
		`{"id":"https://c.test/follow/1","type":"Follow","actor":"https://c.test/users/cat","object":"https://b.test/users/bob"}`,
		`{"id":"https://b.test/accept/1","type":"Accept","actor":"https://b.test/users/bob","object":"https://c.test/follow/1"}`,
		`{"id":"https://b.test/reject/1","type":"Reject","actor":"https://b.test/users/bob","object":"https://c.test/follow/1"}`,
	}},
	{"a block and its end", []string{
		`{"id":"https://c.test/block/1","type":"Block","actor":"https://c.test/users/cat","object":"https://b.test/users/bob"}`,
		`{"id":"https://c.test/undo/4","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/block/1"}`,
	}},
	{"a poll whose tallies grow", []string{
		question(1, 0, 0), question(2, 1, 0), question(3, 2, 5),
		`{"id":"https://b.test/delete/9","type":"Delete","actor":"https://b.test/users/bob","object":"https://b.test/notes/9"}`,
	}},
	{"a quote, permitted and revoked", []string{
		note(1, "quotable", ""), quoting(""), quoteRequest, quoteAccept,
		`{"id":"https://b.test/delete/stamp","type":"Delete","actor":"https://b.test/users/bob","object":{"id":"https://b.test/stamps/1","type":"QuoteAuthorization"}}`,
	}},
	{"a quote, permitted and rejected", []string{
		note(1, "quotable", ""), quoting(""), quoteRequest, quoteAccept,
		`{"id":"https://b.test/reject/quote","type":"Reject","actor":"https://b.test/users/bob","object":"https://c.test/request/1"}`,
	}},
	{"a quote of a post that goes", []string{
		note(1, "quotable", ""), quoting(""),
		`{"id":"https://b.test/delete/1","type":"Delete","actor":"https://b.test/users/bob","object":{"id":"https://b.test/notes/1","type":"Tombstone"}}`,
	}},
	{"a quote that is amended by its permission", []string{
		note(1, "quotable", ""), quoting(""), quoteRequest, quoteAccept,
		strings.NewReplacer(`"Create"`, `"Update"`, "/create/", "/update/").Replace(quoting(`,"quoteAuthorization":"https://b.test/stamps/1"`)),
	}},
	{"a post quoted by its author in an answer to it", []string{
		note(1, "quotable", ""), note(2, "as I said", `,"inReplyTo":"https://b.test/notes/1","quote":"https://b.test/notes/1"`),
		update(1, 2, "edited", "2026-01-01T11:00:00Z"),
		`{"id":"https://b.test/delete/2","type":"Delete","actor":"https://b.test/users/bob","object":"https://b.test/notes/2"}`,
	}},
	{"a post in a group, removed by a moderator", []string{
		note(1, "first", ""), announce(1), removal(1), announce(2),
	}},
	{"a post in a group, removed and restored, and removed again", []string{
		note(1, "first", ""), announce(1), removal(1), restored, removal(2),
	}},
	{"a post in a group, removed and restored", []string{
		note(1, "first", ""), announce(1), removal(1), restored,
	}},
	{"a removal that its group takes back", []string{
		note(1, "first", ""), announce(1), removal(1),
		`{"id":"https://c.test/undo/r","type":"Undo","actor":"https://c.test/users/cat","object":{"id":"https://c.test/removal/1","type":"Announce","actor":"https://c.test/users/cat"}}`,
	}},
	{"a mention that an edit removes", []string{
		note(1, "hello @ann", `,"tag":[{"type":"Mention","href":"https://a.test/users/ann","name":"@ann@a.test"}]`),
		update(1, 2, "hello nobody", "2026-01-01T11:00:00Z"),
	}},
}

// removal is what cat@c.test, a group, tells of a moderator on another host.
func removal(n int) string {
	return fmt.Sprintf(`{"id":"https://c.test/removal/%d","type":"Announce","actor":"https://c.test/users/cat","to":["as:Public"],
		"object":{"id":"https://d.test/delete/%d","type":"Delete","actor":"https://d.test/users/mod","object":"https://b.test/notes/1","summary":"off topic"}}`, n, n)
}

const restored = `{"id":"https://c.test/restored/1","type":"Announce","actor":"https://c.test/users/cat","to":["as:Public"],
	"object":{"id":"https://d.test/undo/1","type":"Undo","actor":"https://d.test/users/mod","object":{"id":"https://d.test/delete/1","type":"Delete","actor":"https://d.test/users/mod","object":"https://b.test/notes/1"}}}`

// quoting is a Create of a Note by cat@c.test that quotes bob's first one.
func quoting(more string) string {
	return `{"id":"https://c.test/create/1","type":"Create","actor":"https://c.test/users/cat","to":["as:Public"],"object":{"id":"https://c.test/notes/1","type":"Note",
		"attributedTo":"https://c.test/users/cat","to":["as:Public"],"published":"2026-01-01T10:30:00Z","content":"look","quote":"https://b.test/notes/1"` + more + `}}`
}

const (
	quoteRequest = `{"id":"https://c.test/request/1","type":"QuoteRequest","actor":"https://c.test/users/cat","object":"https://b.test/notes/1","instrument":"https://c.test/notes/1"}`
	quoteAccept  = `{"id":"https://b.test/accept/quote","type":"Accept","actor":"https://b.test/users/bob","object":"https://c.test/request/1","result":"https://b.test/stamps/1"}`
)

func update(n, version int, text, at string) string {
	return fmt.Sprintf(`{"id":"https://b.test/update/%d-%d","type":"Update","actor":"https://b.test/users/bob","to":["as:Public"],
		"object":{"id":"https://b.test/notes/%d","type":"Note","attributedTo":"https://b.test/users/bob","to":["as:Public"],"published":"2026-01-01T10:00:00Z","updated":%q,"content":%q}}`,
		n, version, n, at, text)
}

// react is an EmojiReact by cat@c.test to bob's first note.
func react(n int, content, more string) string {
	return fmt.Sprintf(`{"id":"https://c.test/react/%d","type":"EmojiReact","actor":"https://c.test/users/cat","object":"https://b.test/notes/1","content":%q%s}`, n, content, more)
}

func announce(n int) string {
	return fmt.Sprintf(`{"id":"https://c.test/boost/%d","type":"Announce","actor":"https://c.test/users/cat","to":["as:Public"],"published":"2026-01-01T1%d:00:00Z","object":"https://b.test/notes/1"}`, n, n)
}

func question(n, a, b int) string {
	typ := "Update"
	if n == 1 {
		typ = "Create"
	}
	return fmt.Sprintf(`{"id":"https://b.test/q/%d","type":%q,"actor":"https://b.test/users/bob","to":["as:Public"],
		"object":{"id":"https://b.test/notes/1","type":"Question","attributedTo":"https://b.test/users/bob","to":["as:Public"],"published":"2026-01-01T10:00:00Z","content":"which?",
		"endTime":"2026-12-01T10:00:00Z","votersCount":%d,"oneOf":[{"type":"Note","name":"a","replies":{"type":"Collection","totalItems":%d}},{"type":"Note","name":"b","replies":{"type":"Collection","totalItems":%d}}]}}`, n, typ, a+b, a, b)
}

// TestOrder delivers every family in every order, everything twice, and wants the
// same state of all that people see; and the same again after compaction and after
// a rebuild from the log.
func TestOrder(t *testing.T) {
	for _, f := range families {
		inEveryOrder(t, f.name, f.docs, nil)
	}
}

// inEveryOrder is TestOrder for one family; before is called with each new world.
func inEveryOrder(t *testing.T, name string, docs []string, before func(*world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		var want map[string][]string
		var wantOrder []int
		for _, order := range permutations(len(docs)) {
			w := newWorld(t)
			if before != nil {
				before(w)
			}
			w.setting()
			for range 2 {
				for _, i := range order {
					if err := w.deliver(docs[i]); err != nil && !strings.Contains(err.Error(), "only") {
						t.Logf("order %v: %v", order, err)
					}
				}
			}
			w.moves()
			got := w.state()
			if want == nil {
				want, wantOrder = got, order
			} else if !reflect.DeepEqual(got, want) {
				t.Fatalf("order %v ends in\n%s\norder %v in\n%s", order, pretty(got), wantOrder, pretty(want))
			}
			check := func(when string) {
				t.Helper()
				if got := w.state(); !reflect.DeepEqual(got, want) {
					t.Fatalf("order %v %s:\n%s\nbefore\n%s", order, when, pretty(got), pretty(want))
				}
			}
			w.compact(11 * 24 * time.Hour)
			check("after compaction")
			for _, i := range order { // Peers retry for days.
				w.deliver(docs[i])
			}
			w.moves()
			check("delivered once more")
			w.rebuild()
			check("after a rebuild")
			w.compact(365 * 24 * time.Hour)
			w.rebuild()
			check("a year later")
		}
	})
}

// setting makes the people that the families speak of: ann is ours and follows both.
func (w *world) setting() {
	ann, bob, cat := w.person("ann"), w.person("bob@b.test"), w.person("cat@c.test")
	for i, target := range []*store.Actor{bob, cat} {
		if err := w.Follow(context.Background(), ann, target); err != nil {
			w.t.Fatal(err)
		}
		f := w.followOf(ann, target)
		w.send(fmt.Sprintf(`{"id":"%s/accepted/%d","type":"Accept","actor":%q,"object":%q}`, target.URI, i, target.URI, f))
	}
}

// state is all that people see, without ids that depend on the time of arrival.
func (w *world) state() map[string][]string {
	return w.dump(`SELECT o.uri || ' ' || COALESCE(p.uri, '-') || ' ' || s.edited || ' ' || s.visibility || ' ' || s.is_reply || ' ' || c.doc
			FROM statuses s JOIN objects o ON o.id = s.id LEFT JOIN objects p ON p.id = s.reply_to JOIN contents c ON c.status = s.id`,
		`SELECT a.uri || ' boosts ' || o.uri || ' ' || s.visibility FROM statuses s JOIN actors a ON a.id = s.actor JOIN objects o ON o.id = s.boost_of`,
		`SELECT o.uri || ' in ' || r.uri FROM statuses s JOIN objects o ON o.id = s.id JOIN objects r ON r.id = s.conversation`,
		`SELECT o.uri || ' ' || c.replies || ' ' || c.boosts || ' ' || c.favourites FROM counts c JOIN objects o ON o.id = c.status WHERE c.replies + c.boosts + c.favourites > 0`,
		`SELECT o.uri || ' ' || c.reactions FROM counts c JOIN objects o ON o.id = c.status WHERE c.reactions <> 0`,
		`SELECT a.uri || ' reacts to ' || o.uri || ' ' || r.name || ' ' || r.url FROM reactions r JOIN actors a ON a.id = r.actor JOIN objects o ON o.id = r.status`,
		`SELECT o.uri || ' ' || c.name || ' ' || c.n || ' ' || c.url FROM reaction_counts c JOIN objects o ON o.id = c.status`,
		`SELECT a.uri || ' heard ' || s.title || ' ' || s.artist FROM scrobbles s JOIN actors a ON a.id = s.actor`,
		`SELECT o.uri || ' quoted ' || c.quotes FROM counts c JOIN objects o ON o.id = c.status WHERE c.quotes > 0`,
		`SELECT o.uri || ' quotes ' || COALESCE(t.uri, '-') || ' ' || q.state FROM quotes q JOIN objects o ON o.id = q.status LEFT JOIN objects t ON t.id = q.quoted`,
		`SELECT o.uri || ' by leave of ' || t.uri FROM quote_stamps q JOIN objects o ON o.id = q.status JOIN objects t ON t.id = q.stamp`,
		`SELECT a.uri || ' ' || c.statuses || ' ' || c.followers || ' ' || c.following FROM actor_counts c JOIN actors a ON a.id = c.actor`,
		`SELECT a.uri || ' likes ' || o.uri FROM favourites f JOIN actors a ON a.id = f.actor JOIN objects o ON o.id = f.status`,
		`SELECT a.uri || ' follows ' || b.uri || ' ' || f.accepted FROM follows f JOIN actors a ON a.id = f.actor JOIN actors b ON b.id = f.target`,
		`SELECT a.uri || ' moved to ' || p.moved_to FROM profiles p JOIN actors a ON a.id = p.actor WHERE p.moved_to <> ''`,
		`SELECT a.uri || ' blocks ' || b.uri FROM blocks f JOIN actors a ON a.id = f.actor JOIN actors b ON b.id = f.target`,
		`SELECT a.uri || ' ' || n.kind || ' ' || b.uri || ' ' || COALESCE(o.uri, '') FROM notifications n JOIN actors a ON a.id = n.owner JOIN actors b ON b.id = n.actor LEFT JOIN objects o ON o.id = n.status`,
		`SELECT a.uri || ' home ' || o.uri FROM home h JOIN actors a ON a.id = h.owner JOIN objects o ON o.id = h.post`,
		`SELECT o.uri || ' ' || p.idx || ' ' || p.title || ' ' || p.votes FROM poll_options p JOIN objects o ON o.id = p.status`,
		`SELECT o.uri || ' ' || p.voters || ' ' || p.closed FROM polls p JOIN objects o ON o.id = p.status`,
		`SELECT o.uri || ' ' || a.uri || ' ' || m.silent FROM mentions m JOIN objects o ON o.id = m.status JOIN actors a ON a.id = m.actor`,
		`SELECT o.uri || ' #' || t.name FROM status_tags s JOIN tags t ON t.id = s.tag JOIN objects o ON o.id = s.status`,
	)
}

func pretty(state map[string][]string) string {
	var all []string
	for query, rows := range state {
		for _, r := range rows {
			all = append(all, "  "+query[:min(len(query), 30)]+"… "+r)
		}
	}
	sort.Strings(all)
	return strings.Join(all, "\n")
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			q := append(append(append([]int{}, p[:at]...), n-1), p[at:]...)
			all = append(all, q)
		}
	}
	return all
}

func (w *world) compact(after time.Duration) {
	w.t.Helper()
	if err := w.Compact(context.Background(), w.clock.Add(after)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rebuild() {
	w.t.Helper()
	if err := w.Rebuild(context.Background(), nil); err != nil {
		w.t.Fatal(err)
	}
}
