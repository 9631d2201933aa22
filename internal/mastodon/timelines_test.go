package mastodon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// write changes private state as an endpoint would.
func (w *world) write(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
	for _, a := range w.actors {
		w.api.relationsChanged(a.ID)
	}
}

func TestTimelines(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.follow("bob", "ann")
		plain := w.post("ann", "status=plain")
		tagged := w.post("ann", "status=%23Cats+%23dogs")
		unlisted := w.post("ann", "status=quiet+%23cats&visibility=unlisted")
		private := w.post("ann", "status=private&visibility=private")
		local := w.post("ann", "status=local+%23cats&visibility=local")
		foreign := w.post("cid", "status=unknown")
		reply := w.post("ann", "status=reply&in_reply_to_id="+foreign)
		own := w.post("bob", "status=own+%23dogs")
		for _, tt := range []struct {
			name, who, path string
			want            []string
		}{
			{"home", "bob", "home", []string{own, local, private, unlisted, tagged, plain}},
			{"home of the author", "ann", "home", []string{reply, local, private, unlisted, tagged, plain}},
			{"home of nobody's follower", "cid", "home", []string{foreign}},
			{"public", "", "public", []string{own, foreign, tagged, plain}},
			{"local", "", "public?local=true", []string{own, foreign, tagged, plain}},
			{"local for members", "bob", "public?local=true", []string{own, foreign, local, tagged, plain}},
			{"remote", "bob", "public?remote=true", []string{}},
			{"with media", "bob", "public?only_media=1", []string{}},
			{"tag", "", "tag/CATS", []string{tagged}},
			{"tag for members", "bob", "tag/cats", []string{local, tagged}},
			{"any of two tags", "", "tag/cats?any[]=dogs", []string{own, tagged}},
			{"both tags", "", "tag/cats?all[]=dogs", []string{tagged}},
			{"not the other", "bob", "tag/cats?none[]=dogs", []string{local}},
			{"unknown tag", "", "tag/birds", []string{}},
			{"tag and an unknown one", "", "tag/cats?all[]=birds", []string{}},
		} {
			if got := w.as(tt.who, "GET", "/api/v1/timelines/"+tt.path, "").want(200, "").ids(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
		w.as("", "GET", "/api/v1/timelines/home", "").want(401, "")
		w.as("bob", "GET", "/api/v1/timelines/list/7", "").want(404, "")
	})
}

// What a reader avoids is left out of timelines, and made up for.
func TestTimelineAvoids(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.follow("bob", "ann")
		w.follow("bob", "cid")
		var shown []string
		for i := range 4 {
			shown = append(shown, w.post("ann", fmt.Sprintf("status=%d", i)))
			w.post("cid", "status=muted")
		}
		slices.Reverse(shown)
		bob, cid := w.person("bob").ID, w.person("cid").ID
		home := func() []string { return w.as("bob", "GET", "/api/v1/timelines/home?limit=4", "").want(200, "").ids() }
		if got := home(); len(got) != 4 || slices.Equal(got, shown) {
			t.Fatalf("before = %v", got)
		}
		w.write(func(tx *store.Tx) error { return tx.SetMute(t.Context(), store.Mute{Actor: bob, Target: cid}) })
		if got := home(); !slices.Equal(got, shown) {
			t.Errorf("with a mute = %v, want a full page %v", got, shown)
		}
		w.write(func(tx *store.Tx) error {
			return tx.SetMute(t.Context(), store.Mute{Actor: bob, Target: cid, Expires: 1000})
		})
		if got := home(); slices.Equal(got, shown) {
			t.Error("a mute that is over still holds")
		}
		w.as("bob", "POST", "/api/v1/statuses/"+shown[0]+"/mute", "").want(200, "")
		if got := home(); slices.Contains(got, shown[0]) {
			t.Error("a muted conversation is in the home")
		}
	})
}

func TestFilters(t *testing.T) {
	r := &relations{}
	for i, f := range []store.Filter{
		{Title: "words", Contexts: "home,public", Action: "warn", Keywords: []store.FilterKeyword{{Keyword: "Cat", WholeWord: true}, {Keyword: "dog"}}},
		{Title: "hidden", Contexts: "home", Action: "hide", Keywords: []store.FilterKeyword{{Keyword: "spoiler"}}},
		{Title: "over", Contexts: "home", Action: "hide", Expires: 10, Keywords: []store.FilterKeyword{{Keyword: "old"}}},
		{Title: "status", Contexts: "thread", Action: "warn", Statuses: []store.FilterStatus{{Status: 7}}},
	} {
		f.ID = int64(i + 1)
		r.matchers = append(r.matchers, newMatcher(&f))
	}
	for _, tt := range []struct {
		text, where string
		id          int64
		want        string // Part of what is drawn; "" nothing, "hide".
	}{
		{"a CAT here", "home", 1, `"keyword_matches":["Cat"]`},
		{"concatenate", "home", 1, ""},
		{"cat.", "home", 1, `"keyword_matches":["Cat"]`},
		{"Hotdogs and a cat", "public", 1, `"keyword_matches":["Cat","dog"]`},
		{"a cat", "thread", 1, ""},
		{"a spoiler", "home", 1, "hide"},
		{"a spoiler", "public", 1, ""},
		{"old", "home", 1, ""},
		{"anything", "thread", 7, `"status_matches":["7"]`},
		{"anything", "thread", 8, ""},
		{"a cat", "home", 99, ""}, // The reader's own.
	} {
		p := &post{row: store.Status{ID: tt.id, Actor: tt.id}, text: tt.text}
		drawn, hide := r.apply(p, tt.where, 99, 1000)
		got := string(drawn)
		if hide {
			got = "hide"
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q in %s: %q, want %q", tt.text, tt.where, got, tt.want)
		}
	}
}

// A home keeps its newest rows; what is older comes from the posts themselves.
func TestHomeBeyondItsRows(t *testing.T) {
	w := onSQLite(t)
	w.follow("bob", "ann")
	w.post("cid", "status=a+stranger's")
	var all []string
	for i := range store.HomeSize + 25 {
		id, err := w.api.Pipeline.Post(t.Context(), w.person("ann"), pipeline.Draft{Text: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, itoa(id))
	}
	slices.Reverse(all)
	w.write(func(tx *store.Tx) error { return tx.TrimHome(t.Context(), w.person("bob").ID) })
	for _, tt := range []struct {
		after int // Index of the post that max_id names.
		want  []string
	}{
		{store.HomeSize - 30, all[store.HomeSize-29:][:20]}, // Within the rows.
		{store.HomeSize - 6, all[store.HomeSize-5:][:20]},   // Across the edge.
		{store.HomeSize + 3, all[store.HomeSize+4:][:20]},   // Beyond it.
	} {
		got := w.as("bob", "GET", "/api/v1/timelines/home?max_id="+all[tt.after], "").want(200, "").ids()
		if !slices.Equal(got, tt.want) {
			t.Errorf("below the %dth: %d posts, want the next 20", tt.after, len(got))
		}
	}
}
