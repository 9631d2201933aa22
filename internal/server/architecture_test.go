package server

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitecture holds the imports of every package against the table in
// ARCHITECTURE.md.
func TestArchitecture(t *testing.T) {
	const root = "../.."
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|[^|]*\\| ([^|]*) \\|$")
	allowed := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		allowed[m[1]] = strings.Fields(m[2])
	}
	if len(allowed) < 15 {
		t.Fatalf("only %d rows found in the table", len(allowed))
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "tools" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		seen[folder] = true
		checkImports(t, path, folder, allowed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 15 {
		t.Errorf("only %d packages found", len(seen))
	}
}

func checkImports(t *testing.T, path, folder string, allowed map[string][]string) {
	t.Helper()
	may, ok := allowed[folder]
	if !ok {
		t.Errorf("%s has no row in ARCHITECTURE.md", folder)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		name, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), "kenoma/")
		if !ours || slices.Contains(may, "all") {
			continue
		}
		if short := strings.TrimPrefix(name, "internal/"); !slices.Contains(may, short) && !slices.Contains(may, name) {
			t.Errorf("%s imports %s, which ARCHITECTURE.md does not allow for %s", path, name, folder)
		}
	}
}
