// Package pgtest gives tests a PostgreSQL of their own: the cluster that
// KENOMA_TEST_POSTGRES names, or a throw-away one made from the system's binaries.
package pgtest

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Env names a running cluster with the right to create databases, as a postgres://
// URL, so that the packages of one run share it.
const Env = "KENOMA_TEST_POSTGRES"

var (
	cluster = sync.OnceValues(start)
	number  atomic.Int64
	stop    func()
)

// Database makes an empty database, which is dropped when the test ends, and
// returns its URL. Without PostgreSQL the test is skipped, and fails where CI=true.
func Database(t testing.TB) string {
	t.Helper()
	base, err := Start()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("PostgreSQL is needed: %v", err)
		}
		t.Skipf("no PostgreSQL (%v); install the package postgresql, or set %s", err, Env)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), number.Add(1))
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", base)
		if err != nil {
			return
		}
		defer admin.Close()
		admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Start returns the URL of the cluster, which it starts where nobody has yet.
func Start() (string, error) { return cluster() }

// Stop ends the throw-away cluster, if one was started. TestMain calls it last;
// where it doesn't, the cluster ends with the process that it watches.
func Stop() {
	if stop != nil {
		stop()
	}
}

func start() (url string, err error) {
	if base := os.Getenv(Env); base != "" {
		return base, nil
	}
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "kenoma-pg-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	as, err := unprivileged(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	if out, err := command(as, filepath.Join(bin, "initdb"), "-N", "-D", data, "-U", "kenoma", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8").CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	options := fmt.Sprintf("-F -p %d -k %s -c listen_addresses=127.0.0.1 -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB", port, dir)
	if out, err := command(as, filepath.Join(bin, "pg_ctl"), "-D", data, "-o", options, "-w", "-l", filepath.Join(dir, "log"), "start").CombinedOutput(); err != nil {
		return "", fmt.Errorf("pg_ctl: %w: %s", err, out)
	}
	stop = func() {
		command(as, filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop").Run()
		os.RemoveAll(dir)
	}
	watch(as, bin, data, dir)
	return fmt.Sprintf("postgres://kenoma@127.0.0.1:%d/postgres?sslmode=disable", port), nil
}

// watch leaves a small shell behind that stops the cluster when this process is
// gone, however it ended.
func watch(as *syscall.Credential, bin, data, dir string) {
	script := fmt.Sprintf("while kill -0 %d 2>/dev/null || [ -d /proc/%d ]; do sleep 1; done; %s/pg_ctl -D %s -m immediate stop; rm -rf %s",
		os.Getpid(), os.Getpid(), bin, data, dir)
	cmd := command(as, "/bin/sh", "-c", script)
	cmd.SysProcAttr.Setsid = true
	cmd.Start()
}

// binaries returns the folder of the newest installed server.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	best, version := "", 0
	for _, f := range found {
		v, _ := strconv.Atoi(strings.Split(f, "/")[4])
		if v > version {
			best, version = filepath.Dir(f), v
		}
	}
	if best != "" {
		return best, nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("initdb is not installed")
	}
	return filepath.Dir(path), nil
}

// unprivileged returns as whom the server runs: it refuses root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
	}
	return nil, errors.New("no unprivileged user to run PostgreSQL as")
}

func command(as *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
