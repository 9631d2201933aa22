package fedtest

import (
	"strings"
	"testing"
	"time"

	"kenoma/internal/store/storetest"
)

// TestImportResolves wants people whom nobody here knows to be found on their own
// server and followed, and a server that is down to be told as the reason.
func TestImportResolves(t *testing.T) {
	w := New(t, "a.test", "b.test", "c.test")
	ann, bob, cyn := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cyn@b.test")
	w.Server("c.test").Down()
	a := w.Server("a.test")
	file := "Account address,Show boosts\n" + bob.Handle() + ",false\n" + cyn.Handle() + ",true\nsomebody@c.test,true\nanother@c.test,true\nnobody@b.test,true\n"
	if err := a.Takeout.Start(t.Context(), ann.Actor.ID, "following", false, strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Advance(time.Minute)
	w.Settle()
	rows := storetest.Dump(t, a.DB, "SELECT total, done, failed FROM imports WHERE finished <> 0")
	if len(rows) != 1 || rows[0] != "total=5 done=5 failed=3 " {
		t.Fatalf("imports %q, want three of five to fail", rows)
	}
	if n := len(storetest.Dump(t, a.DB, "SELECT target FROM follows WHERE accepted")); n != 2 {
		t.Errorf("%d follows are accepted, want 2", n)
	}
	if settings := storetest.Dump(t, a.DB, "SELECT boosts FROM follow_settings"); len(settings) != 1 {
		t.Errorf("settings of follows %q, want those of Bob's", settings)
	}
	var reasons strings.Builder
	id := storetest.Dump(t, a.DB, "SELECT reason FROM import_failures ORDER BY number")
	for _, r := range id {
		reasons.WriteString(r)
	}
	if strings.Count(reasons.String(), "does not answer") != 2 {
		t.Errorf("reasons %q, want two of a server that does not answer", id)
	}
}
