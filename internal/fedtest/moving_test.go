package fedtest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// movers are Ann on a.test, who is about to be on b.test, with Bob on c.test, Cat on
// a.test and Dan on b.test among her followers.
func movers(t *testing.T) (w *World, ann, annB, bob, cat, dan *User) {
	t.Helper()
	w = New(t, "a.test", "b.test", "c.test")
	ann, annB = w.User("ann@a.test"), w.User("ann@b.test")
	bob, cat, dan = w.User("bob@c.test"), w.User("cat@a.test"), w.User("dan@b.test")
	for _, u := range []*User{bob, cat, dan} {
		u.Follow(ann)
	}
	w.Settle()
	return w, ann, annB, bob, cat, dan
}

// relationship is how the person stands to somebody.
type relationship struct {
	Following, Requested, Muting, Blocking bool
	Reblogs                                bool `json:"showing_reblogs"`
	Note                                   string
}

func (u *User) relationship(handle string) relationship {
	u.w.t.Helper()
	var all []relationship
	u.Call("GET", "/api/v1/accounts/relationships", url.Values{"id[]": {u.Find(handle).ID}}, &all)
	if len(all) != 1 {
		u.w.t.Fatalf("%s stands to %s: %+v", u.Handle(), handle, all)
	}
	return all[0]
}

// move has ann, whose other account names her as its alias, move there.
func move(t *testing.T, ann, to *User) {
	t.Helper()
	ctx := t.Context()
	if err := to.Server.Pipeline.AddAlias(ctx, to.Actor, ann.Handle()); err != nil {
		t.Fatal(err)
	}
	if err := ann.Server.Pipeline.MoveAway(ctx, ann.Actor, to.Handle(), true); err != nil {
		t.Fatal(err)
	}
	ann.w.Settle()
}

// Of several moves at the same moment one counts.
func TestMoveOnce(t *testing.T) {
	_, ann, _, _, cat, _ := movers(t)
	ctx := t.Context()
	if err := cat.Server.Pipeline.AddAlias(ctx, cat.Actor, ann.Handle()); err != nil {
		t.Fatal(err)
	}
	const tries = 16
	begin, moved := make(chan struct{}), make(chan error)
	for range tries {
		go func() {
			<-begin
			moved <- ann.Server.Pipeline.MoveAway(ctx, ann.Actor, cat.Handle(), true)
		}()
	}
	close(begin)
	n := 0
	for range tries {
		if err := <-moved; err == nil {
			n++
		} else if !fault.Is(err, fault.TooMany) {
			t.Errorf("one of many: %v", err)
		}
	}
	if all, err := ann.Server.DB.AccountMoves(ctx, ann.Actor.ID); err != nil || n != 1 || len(all) != 1 {
		t.Errorf("%d moves, %d noted, %v, want one", n, len(all), err)
	}
}

func TestMoveTakesFollowersAlong(t *testing.T) {
	w, ann, annB, bob, cat, dan := movers(t)
	bob.Call("POST", "/api/v1/accounts/"+bob.Find("ann@a.test").ID+"/follow", url.Values{"reblogs": {"false"}}, nil)
	var list struct{ ID string }
	bob.Call("POST", "/api/v1/lists", url.Values{"title": {"Friends"}}, &list)
	bob.Call("POST", "/api/v1/lists/"+list.ID+"/accounts", url.Values{"account_ids[]": {bob.Find("ann@a.test").ID}}, nil)
	bob.Call("POST", "/api/v1/accounts/"+bob.Find("ann@a.test").ID+"/note", url.Values{"comment": {"met in Rome"}}, nil)
	eve, fay, gil := w.User("eve@c.test"), w.User("fay@c.test"), w.User("gil@c.test")
	eve.Call("POST", "/api/v1/accounts/"+eve.Find("ann@a.test").ID+"/block", nil, nil)
	fay.Call("POST", "/api/v1/accounts/"+fay.Find("ann@a.test").ID+"/mute", nil, nil)
	gil.Follow(ann)
	w.Settle()
	gil.Call("POST", "/api/v1/accounts/"+gil.Find("ann@b.test").ID+"/block", nil, nil)
	w.Settle()

	move(t, ann, annB)

	for _, u := range []*User{bob, cat, dan} {
		if r := u.relationship("ann@b.test"); !r.Following {
			t.Errorf("%s does not follow the new account: %+v", u.Handle(), r)
		}
		if r := u.relationship("ann@a.test"); r.Following || r.Requested {
			t.Errorf("%s still follows the old account: %+v", u.Handle(), r)
		}
		var told []struct {
			Type            string
			Account, Target Account
		}
		u.Call("GET", "/api/v1/notifications", url.Values{"types[]": {"move"}}, &told)
		if len(told) != 1 || !strings.HasPrefix(told[0].Account.URI, "http://a.test/") || !strings.HasPrefix(told[0].Target.URI, "http://b.test/") {
			t.Errorf("%s is told %+v, want the move", u.Handle(), told)
		}
	}
	if r := bob.relationship("ann@b.test"); r.Reblogs || !strings.Contains(r.Note, "met in Rome") {
		t.Errorf("Bob's choices did not go along: %+v", r)
	}
	var members []Account
	bob.Call("GET", "/api/v1/lists/"+list.ID+"/accounts", nil, &members)
	if len(members) != 1 || members[0].Acct != "ann@b.test" {
		t.Errorf("Bob's list has %+v", members)
	}
	if r := eve.relationship("ann@b.test"); !r.Blocking {
		t.Errorf("Eve's block stays behind: %+v", r)
	}
	if r := fay.relationship("ann@b.test"); !r.Muting {
		t.Errorf("Fay's mute stays behind: %+v", r)
	}
	if r := gil.relationship("ann@b.test"); r.Following || r.Requested || !r.Blocking {
		t.Errorf("Gil blocks the new account and must not follow it: %+v", r)
	}
	for _, u := range []*User{bob, cat, dan} {
		var a struct {
			Moved *struct{ Acct, URI string }
		}
		u.Call("GET", "/api/v1/accounts/"+u.Find("ann@a.test").ID, nil, &a)
		if a.Moved == nil || a.Moved.URI != "http://b.test/users/ann" {
			t.Errorf("to %s the old account shows moved = %+v", u.Handle(), a.Moved)
		}
	}
	annB.Post("Hello from here", "public")
	w.Settle()
	if got := only(t, bob.Home()); got.Account.Acct != "ann@b.test" {
		t.Errorf("Bob's home: %+v", got)
	}
}

func TestWhoMovedReadsButDoesNotPost(t *testing.T) {
	w, ann, annB, bob, _, _ := movers(t)
	post := bob.Post("Hello", "public")
	move(t, ann, annB)
	if code := ann.Call("POST", "/api/v1/statuses", url.Values{"status": {"still here?"}}, nil); code != 403 {
		t.Errorf("posting after the move: %d", code)
	}
	if seen, ok := ann.See(post.URI); !ok {
		t.Error("Ann can't read any more")
	} else if code := ann.Call("POST", "/api/v1/statuses/"+seen.ID+"/reblog", nil, nil); code != 403 {
		t.Errorf("boosting after the move: %d", code)
	}
	eve := w.User("eve@c.test")
	if code := eve.Call("POST", "/api/v1/accounts/"+eve.Find("ann@a.test").ID+"/follow", nil, nil); code != 403 {
		t.Errorf("following the old account: %d", code)
	}
	if err := ann.Server.Pipeline.MoveAway(t.Context(), ann.Actor, annB.Handle(), true); err == nil || !strings.Contains(err.Error(), "moved lately") {
		t.Errorf("a second move in a week: %v", err)
	}
	if err := ann.Server.Pipeline.StayHere(t.Context(), ann.Actor); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	ann.Post("Back again", "public")
	var a struct{ Moved *struct{ URI string } }
	bob.Call("GET", "/api/v1/accounts/"+bob.Find("ann@a.test").ID, nil, &a)
	if a.Moved != nil {
		t.Errorf("Bob's server still shows the redirect: %+v", a.Moved)
	}
	if r := bob.relationship("ann@b.test"); !r.Following {
		t.Error("Bob came back by himself")
	}
	w.Advance(8 * 24 * time.Hour)
	if err := ann.Server.Pipeline.MoveAway(t.Context(), ann.Actor, annB.Handle(), true); err != nil {
		t.Errorf("a move after a week: %v", err)
	}
}

func TestRedirectAlone(t *testing.T) {
	w, ann, annB, bob, _, _ := movers(t)
	if err := ann.Server.Pipeline.MoveAway(t.Context(), ann.Actor, annB.Handle(), false); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if r := bob.relationship("ann@a.test"); !r.Following {
		t.Errorf("a mere redirect took Bob away: %+v", r)
	}
	var a struct{ Moved *struct{ URI string } }
	bob.Call("GET", "/api/v1/accounts/"+bob.Find("ann@a.test").ID, nil, &a)
	if a.Moved == nil || a.Moved.URI != "http://b.test/users/ann" {
		t.Errorf("Bob sees moved = %+v", a.Moved)
	}
}

// TestMoveWithoutAlias has somebody claim to have become another person.
func TestMoveWithoutAlias(t *testing.T) {
	w, ann, annB, bob, _, _ := movers(t)
	p := ann.Server.Pipeline
	if err := p.MoveAway(t.Context(), ann.Actor, annB.Handle(), true); err == nil || !strings.Contains(err.Error(), "alias") {
		t.Fatalf("a move to an account that knows nothing of it: %v", err)
	}
	// A server that does not care sends it all the same: as if the alias was there for
	// a moment.
	if err := annB.Server.Pipeline.AddAlias(t.Context(), annB.Actor, ann.Handle()); err != nil {
		t.Fatal(err)
	}
	if err := p.MoveAway(t.Context(), ann.Actor, annB.Handle(), true); err != nil {
		t.Fatal(err)
	}
	if err := annB.Server.Pipeline.RemoveAlias(t.Context(), annB.Actor, ann.Handle()); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if r := bob.relationship("ann@b.test"); r.Following || r.Requested {
		t.Errorf("Bob was dragged along: %+v", r)
	}
	if r := bob.relationship("ann@a.test"); !r.Following {
		t.Errorf("Bob lost the old account: %+v", r)
	}
}

// TestMoveToLockedAccount asks where the new account wants to be asked.
func TestMoveToLockedAccount(t *testing.T) {
	_, ann, annB, bob, cat, dan := movers(t)
	annB.Call("PATCH", "/api/v1/accounts/update_credentials", url.Values{"locked": {"true"}}, nil)
	move(t, ann, annB)
	for _, u := range []*User{bob, cat} {
		if r := u.relationship("ann@b.test"); r.Following || !r.Requested {
			t.Errorf("%s stands to the locked account like %+v, want a request", u.Handle(), r)
		}
	}
	if r := dan.relationship("ann@b.test"); !r.Following {
		t.Errorf("Dan, who is on the same server as the new account: %+v", r)
	}
}
