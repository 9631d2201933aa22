package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// newEnv is what commands work on, without a network.
func newEnv(db *store.DB) *Env {
	p := pipeline.New(pipeline.Options{DB: db, URL: "https://a.test", Domain: "a.test"})
	fine := func(string) error { return nil }
	return &Env{Site: []SiteSetting{{"instance.title", "Kenoma", "default", true, fine}, {"instance.contact", "a@a.test", "kenoma.toml:3", false, fine}}, DB: db, Pipeline: p, Auth: auth.New(auth.Options{DB: db, Accounts: p, URL: "https://a.test", Domain: "a.test"})}
}

// TestSocketAndLock runs the same commands in a running server and beside none, and
// wants the same answers, also when they are refusals.
func TestSocketAndLock(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(map[bool]string{true: "in the server", false: "under the lock"}[running], func(t *testing.T) {
			env := newEnv(storetest.SQLite(t, store.Options{}))
			dir, opened := t.TempDir(), 0
			if running {
				serve(t, dir, env)
			}
			do := func(name string, args ...string) (string, error) {
				var out strings.Builder
				err := Run(t.Context(), dir, name, args, &out, func() (*Env, func(), error) { opened++; return env, func() {}, nil })
				return out.String(), err
			}
			for _, tt := range []struct {
				name, args string
				out, err   string // Parts; "" for err means none.
			}{
				{"user create", "ann,ann@a.test,long enough,admin", "Created @ann", ""},
				{"user create", "ann,two@a.test,long enough,", "", "already been taken"},
				{"user create", "bob,bob@a.test,short,", "", "password"},
				{"user create", "bob,bob@a.test,long enough,", "Created @bob", ""},
				{"announcement create", "Hello all,,,false,", "Announcement ", ""},
				{"announcement create", "Soon,2031-05-01,2031-05-02,true,2031-04-01", "to be published 2031-04-01", ""},
				{"announcement create", "Never,tomorrow,,false,", "", "is no time"},
				{"announcement list", "", "Hello all", ""},
				{"announcement delete", "7", "", "There is no announcement 7."},
				{"user list", "", "ann   ann@a.test  admin  active", ""},
				{"user show", "bob", "address    https://a.test/users/bob", ""},
				{"user show", "@bob", "state      active", ""},
				{"user show", "nobody", "", "There is no account nobody."},
				{"user set-role", "bob,moderator", "role       moderator", ""},
				{"user set-role", "bob,king", "", "A role is user, moderator, admin, owner"},
				{"role set", "Helper,manage_reports,5,#ff0000,true", "Helper      5         true   manage_reports", ""},
				{"role set", "Helper,fly,5,,false", "", "no permission \"fly\""},
				{"role set", "Admin,manage_reports,5,,false", "", "can't be changed"},
				{"user set-role", "bob,helper", "state      active", ""},
				{"role remove", "helper", "is removed", ""},
				{"role remove", "helper", "", "no role"},
				{"user moderate", "bob,silence,be nice", "@bob: silence.", ""},
				{"user moderate", "bob,hug,", "", "no action"},
				{"user moderate", "nobody,silence,", "", "no account nobody"},
				{"audit", "5,", "(command line)  silence  account bob  text=\"be nice\"", ""},
				{"audit", "0,", "", "from 1 to 10000"},
				{"appeal list", "", "ID  WHO", ""},
				{"appeal approve", "5", "", "no such appeal"},
				{"appeal reject", "x", "", "named by its number"},
				{"preset add", "Rude,Please be nice.", "Please be nice.", ""},
				{"preset list", "", "Rude", ""},
				{"preset remove", "5", "", "no preset 5"},
				{"rule add", "Be kind,Always.", "Be kind  Always.", ""},
				{"rule list", "", "Be kind", ""},
				{"rule translate", "5,de,x,", "", "no rule 5"},
				{"rule remove", "5", "", "no rule 5"},
				{"rule remove", "x", "", "named by its number"},
				{"terms set", "2026-12-31,Be good.", "2026-12-31  8", ""},
				{"terms set", "soon,Be good.", "", "2026-12-31"},
				{"terms list", "", "2026-12-31", ""},
				{"terms remove", "2020-01-01", "", "no terms"},
				{"setting list", "", "instance.title    default", ""},
				{"setting set", "title,Ours", "instance.title is set", ""},
				{"setting get", "instance.title", "Ours", ""},
				{"setting set", "contact,x", "", "is set in kenoma.toml:3"},
				{"setting set", "listen,x", "", "no setting listen"},
				{"setting unset", "title", "Kenoma", ""},
				{"user disable", "bob", "state      disabled", ""},
				{"user enable", "bob", "state      active", ""},
				{"user set-password", "bob,another long one", "signed out everywhere", ""},
				{"user reset-second-factor", "bob", "signs in with the password alone", ""},
				{"user reset-second-factor", "nobody", "", "There is no account nobody."},
				{"user set-password", "bob,x", "", "assword"},
				{"token create", "bob,nonsense", "", "scope"},
				{"invite create", "1,720h,", "https://a.test/invite/", ""},
				{"db migrate", "", "up to date", ""},
				{"db check", "", "No problems.", ""},
				{"inspect", "https://b.test/1", "", "Nothing is known of https://b.test/1."},
				{"inspect", "", "", "takes 1 arguments, not 0"},
				{"frobnicate", "", "", `There is no command "frobnicate".`},
			} {
				var args []string
				if tt.args != "" {
					args = strings.Split(tt.args, ",")
				}
				out, err := do(tt.name, args...)
				if !strings.Contains(out, tt.out) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || tt.err == "" && err != nil {
					t.Errorf("%s %s: %q, error %v; want %q, error %q", tt.name, tt.args, out, err, tt.out, tt.err)
				}
			}
			if running != (opened == 0) {
				t.Errorf("the database was opened %d times beside a server that runs = %t", opened, running)
			}
		})
	}
}

func serve(t *testing.T, dir string, env *Env) {
	t.Helper()
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	env.Running = true
	stop, err := Serve(t.Context(), dir, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); release() })
}

// TestToken wants a token that opens the door, alone on the output.
func TestToken(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		env := newEnv(db)
		if _, err := env.Auth.CreateAccount(t.Context(), "ann", "ann@a.test", "long enough", ""); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := run(t.Context(), env, "token create", []string{"ann", "read write"}, &out); err != nil {
			t.Fatal(err)
		}
		token, ok := strings.CutSuffix(out.String(), "\n")
		if !ok || strings.ContainsAny(token, " \n") {
			t.Fatalf("printed %q, want the token alone on a line", out.String())
		}
		s, err := env.Auth.Authenticate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if s.Actor.Username != "ann" {
			t.Errorf("the token is of %s", s.Actor.Username)
		}
		if err := run(t.Context(), env, "user disable", []string{"ann"}, io.Discard); err != nil {
			t.Fatal(err)
		}
		if _, err := env.Auth.Authenticate(t.Context(), token); err == nil {
			t.Error("the token of a disabled account opens the door")
		}
	})
}

// TestInspect wants the story of a post by its own id and by that of the activity
// which brought it.
func TestInspect(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		env := newEnv(db)
		ann, err := env.Auth.CreateAccount(t.Context(), "ann", "ann@a.test", "long enough", "")
		if err != nil {
			t.Fatal(err)
		}
		id, err := env.Pipeline.Post(t.Context(), ann, pipeline.Draft{Text: "Good morning", Visibility: "private"})
		if err != nil {
			t.Fatal(err)
		}
		uri := fmt.Sprintf("https://a.test/objects/%d", id)
		var out strings.Builder
		if err := run(t.Context(), env, "inspect", []string{uri}, &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"object " + uri, "Note by https://a.test/users/ann, private", "Create https://a.test/activities/", "from here", "in effect", "wrote "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the story of %s lacks %q:\n%s", uri, want, out.String())
			}
		}
	})
}

func TestRebuild(t *testing.T) {
	env := newEnv(storetest.SQLite(t, store.Options{}))
	if _, err := env.Auth.CreateAccount(t.Context(), "ann", "ann@a.test", "long enough", ""); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), env, "db rebuild", nil, &out); err != nil || !strings.Contains(out.String(), "Rebuilt every projection") {
		t.Errorf("db rebuild: %v, %q", err, out.String())
	}
	env.Running = true
	var f *fault.Error
	if err := run(t.Context(), env, "db rebuild", nil, io.Discard); !errors.As(err, &f) || f.Kind != fault.Conflict {
		t.Errorf("db rebuild in the running server: %v, want a refusal", err)
	}
}

// TestSocketIsPrivate wants a socket that other users can't use, and a lock that
// keeps a second server out.
func TestSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, &Env{})
	info, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket's mode is %v, want 0600", info.Mode())
	}
	var f *fault.Error
	if _, err := Lock(dir); !errors.As(err, &f) || f.Kind != fault.Conflict {
		t.Errorf("a second lock: %v, want a conflict", err)
	}
}

// TestStaleSocket is a server that was killed: its socket stays, nobody listens.
func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	opened := false
	err = Run(t.Context(), dir, "user list", nil, io.Discard, func() (*Env, func(), error) { opened = true; return nil, nil, io.ErrClosedPipe })
	if !opened || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Run beside an old socket: opened %t, %v", opened, err)
	}
	serve(t, dir, &Env{})
}

// TestDeepFolder is a data folder whose path is longer than a socket's may be.
func TestDeepFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	serve(t, dir, newEnv(storetest.SQLite(t, store.Options{})))
	var out strings.Builder
	if err := Run(t.Context(), dir, "db migrate", nil, &out, nil); err != nil || !strings.Contains(out.String(), "up to date") {
		t.Errorf("a command: %v, %q", err, out.String())
	}
}

// TestProgress wants to see what a long command says while it works.
func TestProgress(t *testing.T) {
	seen := make(chan struct{})
	commands["slow"] = entry{0, func(ctx context.Context, _ *Env, _ []string, out io.Writer) error {
		fmt.Fprint(out, "half")
		select {
		case <-seen:
		case <-time.After(10 * time.Second):
			return errors.New("nobody saw the first half")
		}
		fmt.Fprint(out, " whole")
		return errors.New("and then it broke")
	}}
	t.Cleanup(func() { delete(commands, "slow") })
	dir := t.TempDir()
	serve(t, dir, &Env{})
	var out bytes.Buffer
	err := Run(t.Context(), dir, "slow", nil, writer(func(p []byte) (int, error) {
		if out.Len() == 0 && len(p) > 0 {
			close(seen)
		}
		return out.Write(p)
	}), nil)
	if out.String() != "half whole" || err == nil || err.Error() != "and then it broke" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestBrokenAnswer is a server that dies in the middle of a command.
func TestBrokenAnswer(t *testing.T) {
	commands["dying"] = entry{0, func(_ context.Context, _ *Env, _ []string, out io.Writer) error {
		fmt.Fprint(out, "half")
		panic(http.ErrAbortHandler)
	}}
	t.Cleanup(func() { delete(commands, "dying") })
	dir := t.TempDir()
	serve(t, dir, &Env{})
	var out strings.Builder
	if err := Run(t.Context(), dir, "dying", nil, &out, nil); err == nil || out.String() != "half" {
		t.Errorf("%q, %v; want the half and an error", out.String(), err)
	}
}
