package fedtest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kenoma/internal/interoptest"
)

// tally is how many documents of each platform and kind were understood, of how many.
// The tests of this package run one after the other.
type tally struct {
	understood, all map[string]map[string]int
	later           map[string][]string // Files by the reason why they are for later.
}

var tallied = tally{map[string]map[string]int{}, map[string]map[string]int{}, map[string][]string{}}

func (c *tally) add(folder, kind string, understood bool) {
	for _, m := range []map[string]map[string]int{c.understood, c.all} {
		if m[folder] == nil {
			m[folder] = map[string]int{}
		}
	}
	c.all[folder][kind]++
	if understood {
		c.understood[folder][kind]++
	}
}

// tallyKinds are the columns, by the kinds of the collection.
var tallyKinds = []string{"activity", "object", "actor", "collection", "webfinger", "host-meta", "nodeinfo", "atom", "salmon"}

// write makes docs/interop.md.
func (c *tally) write() string {
	var b strings.Builder
	b.WriteString("# Documents of other software\n\nMade by the tests of `internal/fedtest`: each document of a collection is sent to a running server as its platform would send or serve it, and what people then see is held against what a correct receiver makes of it. The numbers say how many of how many are understood; of `hostile`, how many are refused or contained as they should be. [quirks.md](quirks.md) tells what each platform sends.\n\n| platform |")
	for _, k := range tallyKinds {
		b.WriteString(" " + k + " |")
	}
	b.WriteString(" all |\n| --- |" + strings.Repeat(" ---: |", len(tallyKinds)+1) + "\n")
	total, of := 0, 0
	for _, folder := range slices.Sorted(maps.Keys(c.all)) {
		b.WriteString("| " + folder + " |")
		row, rowOf, known := 0, 0, 0
		for _, k := range tallyKinds {
			n, all := c.understood[folder][k], c.all[folder][k]
			if row, rowOf = row+n, rowOf+all; all == 0 {
				b.WriteString(" |")
				continue
			}
			known += all
			fmt.Fprintf(&b, " %d of %d |", n, all)
		}
		for k, all := range c.all[folder] {
			if !slices.Contains(tallyKinds, k) { // Of hostile documents there are forms of their own.
				row, rowOf = row+c.understood[folder][k], rowOf+all
			}
		}
		fmt.Fprintf(&b, " %d of %d |\n", row, rowOf)
		total, of = total+row, of+rowOf
	}
	fmt.Fprintf(&b, "\nAltogether %d of %d.\n", total, of)
	if len(c.later) > 0 {
		b.WriteString("\nNot understood yet:\n\n")
	}
	for _, why := range slices.Sorted(maps.Keys(c.later)) {
		fmt.Fprintf(&b, "- %s: %d\n", why, len(c.later[why]))
	}
	if len(otherwise) > 0 {
		b.WriteString("\nUnderstood, but one thing is taken otherwise on purpose:\n\n")
	}
	for _, what := range slices.Sorted(maps.Keys(otherwise)) {
		file, claim, _ := strings.Cut(what, " ")
		fmt.Fprintf(&b, "- `%s`, %s: %s\n", strings.TrimSuffix(file, ".json"), claim, otherwise[what])
	}
	return b.String()
}

// TestInteropWritten holds docs/interop.md against what the tests before it found,
// where all of them ran. UPDATE=1 writes it.
func TestInteropWritten(t *testing.T) {
	dir := interoptest.Dir(t)
	for _, folder := range append(interopFolders(t, dir), "hostile") {
		if tallied.all[folder] == nil || strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
			t.Skip("not all documents were tried")
		}
	}
	report, file := tallied.write(), filepath.Join("..", "..", "docs", "interop.md")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != report {
		t.Errorf("%s is out of date: run UPDATE=1 go test ./internal/fedtest -run 'TestInterop|TestHostile'", file)
	}
}
