package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/config"
)

// settle gives a test settings of its own and returns the server's address.
func settle(t *testing.T) (base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("KENOMA_DATA_DIR", t.TempDir())
	t.Setenv("KENOMA_LISTEN", l.Addr().String())
	t.Setenv("KENOMA_URL", "http://"+l.Addr().String())
	t.Setenv("KENOMA_LOG_LEVEL", "error")
	return "http://" + l.Addr().String()
}

func kenoma(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, strings.NewReader(in), &out)
	return out.String(), err
}

// told lets a test wait for what a command prints.
type told struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (w *told) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

var setupLink = regexp.MustCompile(`http://\S+setup\S*`)

// TestFirstDay starts a server on nothing, opens the link that it prints, gives
// commands while it runs, and stops it.
func TestFirstDay(t *testing.T) {
	base := settle(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &told{more: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"serve"}, nil, out) }()
	for setupLink.FindString(out.String()) == "" {
		select {
		case <-out.more:
		case err := <-ended:
			t.Fatalf("serve ended: %v", err)
		case <-time.After(20 * time.Second):
			t.Fatal("no setup link")
		}
	}
	if status := get(t, setupLink.FindString(out.String()), ""); status != http.StatusOK {
		t.Errorf("the setup link answers %d", status)
	}

	if _, err := kenoma(t, "from standard input\n", "user", "create", "ann", "--email", "ann@a.test", "--role", "admin"); err != nil {
		t.Fatal(err)
	}
	token, err := kenoma(t, "", "token", "create", "ann")
	if err != nil {
		t.Fatal(err)
	}
	account := base + "/api/v1/accounts/verify_credentials"
	if status := get(t, account, strings.TrimSpace(token)); status != http.StatusOK {
		t.Errorf("with the token the account's address answers %d", status)
	}
	if _, err := kenoma(t, "", "user", "disable", "ann"); err != nil {
		t.Fatal(err)
	}
	if status := get(t, account, strings.TrimSpace(token)); status == http.StatusOK {
		t.Error("the server still takes the token of an account that was disabled beside it")
	}
	if _, err := kenoma(t, "", "serve"); err == nil || !strings.Contains(err.Error(), "in use by another Kenoma") {
		t.Errorf("a second server: %v", err)
	}

	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	list, err := kenoma(t, "", "user", "list")
	if err != nil || !strings.Contains(list, "ann") {
		t.Errorf("after the stop: %q, %v", list, err)
	}
}

func get(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	var resp *http.Response
	for range 100 { // The link is printed just before the server listens.
		if resp, err = http.DefaultClient.Do(req); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestOtherAddress is a start under another address than the accounts have.
func TestOtherAddress(t *testing.T) {
	settle(t)
	if _, err := kenoma(t, "", "user", "create", "ann", "--email", "ann@a.test", "--password", "long enough"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KENOMA_URL", "https://elsewhere.test")
	if _, err := kenoma(t, "", "serve"); err == nil || !strings.Contains(err.Error(), "can't be changed") {
		t.Errorf("serve under another address: %v", err)
	}
}

// TestBadSettings wants no start, and every problem with its line.
func TestBadSettings(t *testing.T) {
	settle(t)
	file := filepath.Join(t.TempDir(), "kenoma.toml")
	if err := os.WriteFile(file, []byte("[media]\nmax_imag = \"1MB\"\n\n[log]\nformat = \"xml\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"config", "check"}, {"user", "list"}} {
		_, err := kenoma(t, "", append(args, "--config", file)...)
		var ps config.Problems
		if !errors.As(err, &ps) || len(ps) != 2 {
			t.Fatalf("%v: %v, want two problems", args, err)
		}
		for _, want := range []string{file + ":2: media.max_imag: there is no such setting; allowed: perhaps media.max_image", file + `:5: log.format: "xml" is not right; allowed: text, json`} {
			if !strings.Contains(complaint(err), want) {
				t.Errorf("%v complains\n%s\nwithout %s", args, complaint(err), want)
			}
		}
	}
}

func TestConfigCommands(t *testing.T) {
	base := settle(t)
	t.Setenv("KENOMA_SMTP_PASSWORD", "hunter2")
	for _, tt := range []struct{ command, want string }{
		{"check", "The settings are right."},
		{"print", `"` + base + `"`},
		{"docs", "### `federation.allow_http`"},
	} {
		out, err := kenoma(t, "", "config", tt.command)
		if err != nil || !strings.Contains(out, tt.want) || strings.Contains(out, "hunter2") {
			t.Errorf("config %s: %v, %s", tt.command, err, out)
		}
	}
}

func TestNoPassword(t *testing.T) {
	settle(t)
	if _, err := kenoma(t, "", "user", "create", "ann", "--email", "ann@a.test"); err == nil {
		t.Error("an account without a password was made")
	}
}
