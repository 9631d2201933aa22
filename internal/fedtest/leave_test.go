package fedtest

import (
	"testing"

	"kenoma/internal/store/storetest"
)

// TestDeleteReachesFollowers wants the Delete of an account to reach a follower who
// has never got anything from it: the follow must be there when recipients are
// looked for, though the account's things are removed at the same time.
func TestDeleteReachesFollowers(t *testing.T) {
	for range 3 {
		w := New(t, "a.test", "b.test")
		ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
		bob.Follow(ann)
		w.Settle()
		a := w.Server("a.test")
		if err := a.Pipeline.DeleteAccount(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		lanes := storetest.Dump(t, a.DB, "SELECT kind FROM jobs WHERE lane <> 0 ORDER BY id")
		if len(lanes) != 2 || lanes[0] != "kind=expand " || lanes[1] != "kind=purge " {
			t.Errorf("jobs in the account's lane: %q, want the delivery before the removal", lanes)
		}
		w.Settle()
		gone, err := w.Server("b.test").DB.ActorByURI(t.Context(), ann.Actor.URI)
		if err != nil || gone.Deleted == 0 {
			t.Errorf("Bob's server has %+v, %v, want Ann deleted", gone, err)
		}
		if left := storetest.Dump(t, a.DB, "SELECT actor FROM follows"); len(left) != 0 {
			t.Errorf("follows left: %q", left)
		}
	}
}
