package fedtest

import (
	"errors"
	"testing"
	"time"

	"kenoma/internal/store"
)

// TestFollowersSynchronization has two servers disagree about who follows Ann, and
// one followers-only post after which they agree.
func TestFollowersSynchronization(t *testing.T) {
	w, ann, bob := friends(t)
	cat, dan, eve := w.User("cat@b.test"), w.User("dan@b.test"), w.User("eve@b.test")
	for _, u := range []*User{cat, dan, eve} {
		u.Follow(ann)
	}
	w.Settle()
	a, b := w.Server("a.test"), w.Server("b.test")
	change := func(on *Server, who *User, do func(tx *store.Tx, f store.Follow) error) {
		t.Helper()
		f := follows(t, on, who, ann)
		if f == nil {
			t.Fatalf("%s does not follow on %s", who.Handle(), on.Host)
		}
		if err := on.DB.Write(t.Context(), func(tx *store.Tx) error { return do(tx, *f) }); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(tx *store.Tx, f store.Follow) error {
		_, err := tx.RemoveFollow(t.Context(), f.Actor, f.Target)
		return err
	}
	change(a, bob, remove)                                    // Ann's server forgot him.
	change(b, cat, remove)                                    // His own server forgot that he follows.
	change(b, dan, func(tx *store.Tx, f store.Follow) error { // The Accept was lost.
		f.Accepted = false
		_, err := tx.SetFollow(t.Context(), f)
		return err
	})
	ann.Post("Just us", "private")
	w.Settle()
	w.Advance(2 * time.Minute)
	w.Settle()
	for _, tt := range []struct {
		who  *User
		want bool
	}{{bob, false}, {cat, false}, {dan, true}, {eve, true}} {
		for _, on := range []*Server{a, b} {
			if f := follows(t, on, tt.who, ann); (f != nil && f.Accepted) != tt.want {
				t.Errorf("on %s %s follows Ann: %+v, want %v", on.Host, tt.who.Handle(), f, tt.want)
			}
		}
	}
	var digests []string
	for _, side := range []struct {
		on   *Server
		host string
	}{{a, "b.test"}, {b, ""}} {
		target, err := side.on.DB.ActorByURI(t.Context(), ann.Actor.URI)
		if err != nil {
			t.Fatal(err)
		}
		d, err := side.on.DB.FollowerDigest(t.Context(), target.ID, side.host)
		if err != nil || d.Followers != 2 {
			t.Errorf("digest on %s is %+v, %v, want that of 2 followers", side.on.Host, d, err)
		}
		digests = append(digests, d.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("the digests differ: %q", digests)
	}
}

// follows is how who follows whom in the eyes of one server; nil when not at all.
func follows(t *testing.T, on *Server, who, whom *User) *store.Follow {
	t.Helper()
	actor, err := on.DB.ActorByURI(t.Context(), who.Actor.URI)
	if err != nil {
		t.Fatal(err)
	}
	target, err := on.DB.ActorByURI(t.Context(), whom.Actor.URI)
	if err != nil {
		t.Fatal(err)
	}
	f, err := on.DB.Follow(t.Context(), actor.ID, target.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	return f
}
