package fedtest

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"kenoma/internal/store"
)

// React has the person react to a post with an emoji, or take that back.
func (u *User) React(method, post, emoji string) []Reaction {
	u.w.t.Helper()
	var s Status
	u.Call(method, "/api/v1/pleroma/statuses/"+post+"/reactions/"+url.PathEscape(emoji), nil, &s)
	return s.Pleroma.Reactions
}

// reactionsTo is what the person sees under a post.
func (u *User) reactionsTo(uri string) string {
	u.w.t.Helper()
	s, ok := u.See(uri)
	if !ok {
		return "no post"
	}
	var all []string
	for _, r := range s.Pleroma.Reactions {
		one, err := json.Marshal(r.Count)
		if err != nil {
			u.w.t.Fatal(err)
		}
		all = append(all, r.Name+" "+string(one))
	}
	return strings.Join(all, ", ")
}

// TestReactionsAcrossServers has Bob react to Ann's post on another server, with an
// emoji and with one of his server's own. Cat, who follows Bob, sees it on a third.
func TestReactionsAcrossServers(t *testing.T) {
	w := New(t, "a.test", "postgres:b.test", "c.test")
	ann, bob, cat := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cat@c.test")
	bob.Follow(ann)
	cat.Follow(ann)
	cat.Follow(bob)
	w.Settle()
	ctx := context.Background()
	err := bob.Server.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.SetEmoji(ctx, &store.OwnEmoji{Shortcode: "blob", File: "emoji/blob.png", Visible: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	post := ann.Post("What do you say?", "public")
	w.Settle()
	there, ok := bob.See(post.URI)
	if !ok {
		t.Fatal("Bob does not see the post")
	}
	bob.React("PUT", there.ID, "🔥")
	bob.React("PUT", there.ID, ":blob:")
	w.Settle()
	for u, want := range map[*User]string{ann: "🔥 1, blob@b.test 1", bob: "🔥 1, blob 1", cat: "🔥 1, blob@b.test 1"} {
		if got := u.reactionsTo(post.URI); got != want {
			t.Errorf("%s sees %q, want %q", u.Handle(), got, want)
		}
	}
	told := map[string]bool{}
	for _, n := range ann.Notifications() {
		told[n.Type+" "+n.Emoji] = true
	}
	if !told["pleroma:emoji_reaction 🔥"] || !told["pleroma:emoji_reaction blob@b.test"] {
		t.Errorf("Ann is told %v, want both reactions", told)
	}

	// Ann joins in with Bob's emoji, which Bob's server knows for its own.
	ann.React("PUT", post.ID, ":blob@b.test:")
	w.Settle()
	if got := bob.reactionsTo(post.URI); got != "🔥 1, blob 2" {
		t.Errorf("Bob sees %q after Ann joined in", got)
	}

	bob.React("DELETE", there.ID, "🔥")
	w.Settle()
	for u, want := range map[*User]string{ann: "blob@b.test 2", bob: "blob 2", cat: "blob@b.test 2"} {
		if got := u.reactionsTo(post.URI); got != want {
			t.Errorf("after it was taken back %s sees %q, want %q", u.Handle(), got, want)
		}
	}
	for _, n := range ann.Notifications() {
		if n.Emoji == "🔥" {
			t.Error("Ann is still told of what was taken back")
		}
	}
}

// TestReactionStaysLocal wants no reaction to a local-only post to leave the server.
func TestReactionStaysLocal(t *testing.T) {
	w := New(t, "a.test", "b.test")
	ann, bob, far := w.User("ann@a.test"), w.User("bob@a.test"), w.User("far@b.test")
	far.Follow(bob)
	w.Settle()
	post := ann.Post("Among us", "local")
	bob.React("PUT", post.ID, "👀")
	if got := ann.reactionsTo(post.URI); got != "👀 1" {
		t.Errorf("Ann sees %q", got)
	}
	jobs, err := bob.Server.DB.JobCounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if j.Kind == "expand" || j.Kind == "deliver" {
			t.Errorf("there is a job to send something: %+v", j)
		}
	}
}
