package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"path/filepath"
	"testing"
)

// TestLoad fills a small database the way that a large one is filled.
func TestLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("the followers alone take seconds")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kenoma.db"), 200, key)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Actors) != people || len(s.Tokens) != people {
		t.Errorf("%d accounts with %d tokens, want %d of both", len(s.Actors), len(s.Tokens), people)
	}
}
