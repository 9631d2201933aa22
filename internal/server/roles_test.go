package server_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"kenoma/internal/config"
	"kenoma/internal/pgtest"
	"kenoma/internal/server"
	"kenoma/internal/store"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// TestRoles has one node queue what another one does.
func TestRoles(t *testing.T) {
	database := pgtest.Database(t)
	node := func(r server.Roles) *server.Server {
		t.Helper()
		c, err := config.Load("", []string{"KENOMA_DATA_DIR=" + t.TempDir(), "KENOMA_DATABASE=" + database, "KENOMA_URL=https://a.test"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := server.New(t.Context(), server.Options{Config: c, Log: slog.New(slog.DiscardHandler), Roles: r})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close(t.Context()) })
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	web := node(server.Roles{NoWorker: true})
	due := func() (n int64) {
		t.Helper()
		counts, err := web.DB.JobCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if c.Kind == "refill" {
				n += c.Jobs
			}
		}
		return n
	}
	enqueue := func() {
		t.Helper()
		if err := web.DB.Write(t.Context(), func(tx *store.Tx) error { return tx.Enqueue(t.Context(), store.RefillJob(1)) }); err != nil {
			t.Fatal(err)
		}
	}
	enqueue()
	time.Sleep(200 * time.Millisecond)
	if n := due(); n != 1 {
		t.Fatalf("%d jobs wait on a node that does none, want 1", n)
	}
	node(server.Roles{NoWeb: true})
	for deadline := time.Now().Add(20 * time.Second); due() != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the job was not done by the other node")
		}
	}
	enqueue() // It is woken for the next one.
	for deadline := time.Now().Add(20 * time.Second); due() != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the second job was not done by the other node")
		}
	}
}

func TestRolesNeedPostgres(t *testing.T) {
	c, err := config.Load("", []string{"KENOMA_DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.Options{Config: c, Log: slog.New(slog.DiscardHandler), Roles: server.Roles{NoWeb: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	if err := s.Serve(t.Context()); err == nil {
		t.Error("a node on SQLite that listens to nobody started")
	}
}
