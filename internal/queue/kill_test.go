package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kenoma/internal/queue"
	"kenoma/internal/store"
)

// childEnv makes this test binary a worker on the database in that folder.
const childEnv = "KENOMA_TEST_QUEUE_CHILD"

// worker runs the jobs of the database in dir; each writes its id to out.
func worker(dir string, out func(id int64)) (*store.DB, *queue.Queue, error) {
	db, err := store.Open(context.Background(), "sqlite:"+filepath.Join(dir, "kill.db"), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	return db, queue.New(db, map[string]queue.Handler{"k": func(_ context.Context, j store.Job) error {
		out(j.ID)
		return nil
	}}, queue.Options{}), nil
}

// TestKill kills the process that works, with kill -9, and wants every job to have
// run in it or in the next one.
func TestKill(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		_, q, err := worker(dir, func(id int64) { fmt.Printf("ran %d\n", id) })
		if err != nil {
			t.Fatal(err)
		}
		q.Start()
		select {} // Until it is killed.
	}
	dir := t.TempDir()
	const n = 3000
	seen := make(map[int64]bool)
	var jobs []store.Job
	for i := range int64(n) {
		jobs = append(jobs, store.Job{ID: i + 1, Kind: "k", Part: fmt.Sprintf("h%d.test", i%60)})
	}
	db, _, err := worker(dir, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, db, jobs...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), childEnv+"="+dir)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		var id int64
		if !strings.HasPrefix(lines.Text(), "ran ") {
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "ran %d", &id); err != nil {
			continue // The line during which it died.
		}
		seen[id] = true
		if len(seen) == n/4 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	child.Wait() // "signal: killed"
	killed := len(seen)
	if killed < n/4 || killed == n {
		t.Fatalf("%d jobs had run when the process died, want it in the middle of %d", killed, n)
	}

	again, next := 0, make(chan int64, n)
	db, q, err := worker(dir, func(id int64) { next <- id })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	settle(t, q)
	close(next)
	for id := range next {
		if seen[id] {
			again++
		}
		seen[id] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d jobs were lost", n-len(seen), n)
	}
	if again > 400 {
		t.Errorf("%d jobs ran a second time, want no more than what was under way", again)
	}
	t.Logf("killed after %d, %d ran twice, none lost", killed, again)
}
