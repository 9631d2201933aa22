package pipeline

import (
	"strings"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// TestWritesFindTheirRows looks at the plan of every statement that any activity,
// local or remote, sends while it is taken in: each must find its rows by an index.
func TestWritesFindTheirRows(t *testing.T) {
	sent := map[string]storetest.Statement{}
	observe := func(text string, args []any) {
		if _, known := sent[text]; !known {
			first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
			sent[text] = storetest.Statement{From: first, Text: text, Args: args}
		}
	}
	eachEngineWith(t, store.Options{Observe: observe}, func(t *testing.T, w *world) {
		clear(sent)
		w.everything()
		var all []storetest.Statement
		writes := 0
		for _, s := range sent {
			all = append(all, s)
			if !strings.HasPrefix(s.Text, "SELECT") {
				writes++
			}
		}
		if writes < 50 {
			t.Fatalf("%d different writes were seen; the test is to see all of them", writes)
		}
		storetest.NoFullScans(t, w.DB, all)
	})
}
