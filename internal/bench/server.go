package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the real program, running.
type server struct {
	cmd     *exec.Cmd
	started time.Duration // Until the first answer.
}

// startServer runs the binary on a loaded database and waits for its first answer.
func startServer(ctx context.Context, o options, s *set, dir string) (*server, error) {
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, o.binary, "serve")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "KENOMA_DATA_DIR="+dir, "KENOMA_DATABASE="+s.URL, "KENOMA_URL="+base, "KENOMA_LISTEN="+listen,
		"KENOMA_FEDERATION_ALLOW_NETWORKS=127.0.0.0/8", "KENOMA_FEDERATION_ALLOW_HTTP=true", "KENOMA_RATE_LIMIT_ENABLED=false", "KENOMA_LOG_LEVEL=warn",
		"KENOMA_ADMIN_LISTEN=")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	srv := &server{cmd: cmd}
	for time.Since(began) < 30*time.Second {
		res, err := http.Get(base + "/api/v2/instance")
		if err == nil {
			res.Body.Close()
			srv.started = time.Since(began)
			return srv, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	srv.stop()
	return nil, fmt.Errorf("the server does not answer; see %s", log.Name())
}

func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

// cpu is what the server and its children used until now.
func (s *server) cpu() time.Duration { return cpuOf(s.cmd.Process.Pid) }

// cpuOf reads utime, stime, cutime and cstime, in ticks of 10 ms.
func cpuOf(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:15] {
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// postgresCPU is what all processes named postgres used until now; those that
// ended are in their parent's.
func postgresCPU() time.Duration {
	paths, _ := filepath.Glob("/proc/[0-9]*/comm")
	var sum time.Duration
	for _, p := range paths {
		if name, err := os.ReadFile(p); err == nil && strings.TrimSpace(string(name)) == "postgres" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(p)))
			sum += cpuOf(pid)
		}
	}
	return sum
}

// memory returns a figure of /proc/PID/status in MB: VmRSS, VmHWM.
func (s *server) memory(what string) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// settle waits until the server has nothing left to do.
func (s *server) settle() {
	for range 100 {
		before := s.cpu()
		time.Sleep(250 * time.Millisecond)
		if s.cpu()-before <= 10*time.Millisecond {
			return
		}
	}
}
