package pipeline

import (
	"fmt"
	"testing"

	"kenoma/internal/store/storetest"
)

// TestLeaveDomain wants all follows with a domain to end, however many there are.
func TestLeaveDomain(t *testing.T) {
	severedAtOnce = 2
	t.Cleanup(func() { severedAtOnce = 500 })
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		for n := range 5 {
			other := w.person(fmt.Sprintf("p%d@bad.test", n))
			if err := w.Follow(ctx, ann, other); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Follow(ctx, ann, bob); err != nil {
			t.Fatal(err)
		}
		if err := w.LeaveDomain(ctx, ann, "bad.test"); err != nil {
			t.Fatal(err)
		}
		if left := storetest.Dump(t, w.DB, "SELECT target FROM follows"); len(left) != 1 || left[0] != fmt.Sprintf("target=%d ", bob.ID) {
			t.Errorf("follows left: %q, want Bob's", left)
		}
	})
}
