// Package interoptest finds the collection of other software's documents for tests.
package interoptest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is the collection's folder: $INTEROP_DIR, or shared/interop beside one of the
// folders above. It is not part of the repository: without it the test is skipped, and
// fails where CI=true.
func Dir(t testing.TB) string {
	t.Helper()
	candidates := []string{os.Getenv("INTEROP_DIR")}
	for up := ".."; len(up) < 30; up = filepath.Join(up, "..") {
		candidates = append(candidates, filepath.Join(up, "shared", "interop"))
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "README.md")); dir != "" && err == nil {
			return dir
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the folder shared/interop is missing; set INTEROP_DIR")
	}
	t.Skip("the folder shared/interop is missing; set INTEROP_DIR to run this")
	return ""
}
