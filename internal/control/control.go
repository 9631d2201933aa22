// Package control runs the admin's commands: in the server that is running, over a
// socket in its data folder, so that its caches and queues know of them; or here,
// under the data folder's lock, when none runs.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// Env is what a command works on.
type Env struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Auth     *auth.Service
	Running  bool // The server runs in this process.
	Site     []SiteSetting
	Storage  media.Storage
	MaxEmoji int64 // Bytes of one.
}

// Command does something and tells of it on out.
type Command func(ctx context.Context, env *Env, args []string, out io.Writer) error

// commands is filled by command, in the files of this package.
var commands = map[string]entry{}

type entry struct {
	args int // How many it takes; the command line has filled in defaults.
	do   Command
}

func command(name string, args int, c Command) bool {
	commands[name] = entry{args, c}
	return true
}

// call is what goes over the socket.
type call struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

// failed begins the last line of an answer that tells of a failure.
const failed = "\x00error: "

// socketName is the socket's file in the data folder.
const socketName = "kenoma.sock"

// longest is how long the path of a socket may be: the kernel's 108 bytes with the
// final zero.
const longest = 107

// socket is the path to the data folder's socket; done goes after its use. A folder
// whose path is too long for the kernel is reached through our hold on it.
func socket(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= longest {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), socketName), func() { f.Close() }, nil
}

// Lock takes the data folder for this process, until it ends. The error says who
// has it.
func Lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "kenoma.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fault.Because(err, fault.Conflict, "The data folder %s is in use by another Kenoma.", dir)
	}
	return func() { f.Close() }, nil
}

// Serve takes commands at the socket until ctx ends. The data folder's lock is
// held, so an old socket is nobody's.
func Serve(ctx context.Context, dir string, env *Env) (stop func(), err error) {
	path, done, err := socket(dir)
	if err != nil {
		return nil, fmt.Errorf("socket for commands: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		done()
		return nil, fmt.Errorf("old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		done()
		return nil, fmt.Errorf("socket for commands: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		done()
		return nil, err
	}
	srv := &http.Server{Handler: handler(env), ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go srv.Serve(l)
	return func() {
		srv.Close() // Removes the socket too.
		done()
	}, nil
}

func handler(env *Env) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c call
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&c); err != nil {
			http.Error(w, "no command", http.StatusBadRequest)
			return
		}
		out := &flushing{w, http.NewResponseController(w)}
		if err := run(r.Context(), env, c.Name, c.Args, out); err != nil {
			fmt.Fprintf(out, "%s%s", failed, err) // Who is at the terminal may see causes.
		}
	})
}

// flushing sends each piece at once: some commands take long.
type flushing struct {
	io.Writer
	control *http.ResponseController
}

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}

func run(ctx context.Context, env *Env, name string, args []string, out io.Writer) error {
	c, ok := commands[name]
	switch {
	case !ok:
		return fault.New(fault.NotFound, "There is no command %q. Is the server that runs older or newer than this program?", name)
	case len(args) != c.args:
		return fault.New(fault.Invalid, "The command %q takes %d arguments, not %d. Is the server that runs older or newer than this program?", name, c.args, len(args))
	}
	return c.do(ctx, env, args, out)
}

// Run runs a command in the server that has the data folder, or here: open then
// makes what it works on, and what to call afterwards.
func Run(ctx context.Context, dir, name string, args []string, out io.Writer, open func() (*Env, func(), error)) error {
	answered, err := remotely(ctx, dir, name, args, out)
	if answered {
		return err
	}
	release, err := Lock(dir)
	if err != nil {
		return err
	}
	defer release()
	env, done, err := open()
	if err != nil {
		return err
	}
	defer done()
	return run(ctx, env, name, args, out)
}

// remotely runs a command in the server at the socket. answered is false where
// nobody listens there.
func remotely(ctx context.Context, dir, name string, args []string, out io.Writer) (answered bool, err error) {
	path, done, err := socket(dir)
	if err != nil {
		return false, err
	}
	defer done()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return false, err
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	defer transport.CloseIdleConnections()
	body, err := json.Marshal(call{name, args})
	if err != nil {
		return true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kenoma/", bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return true, fmt.Errorf("asking the running server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return true, fmt.Errorf("the running server answered %s", resp.Status)
	}
	return true, relay(resp.Body, out)
}

// relay copies an answer to out, each piece as it comes; what stands behind the mark
// is the error. An answer that breaks off is an error too.
func relay(from io.Reader, out io.Writer) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		text, problem, failing := bytes.Cut(buf[:n], []byte(failed[:1]))
		if _, err := out.Write(text); err != nil {
			return err
		}
		if failing {
			rest, err := io.ReadAll(from)
			if err != nil {
				return err
			}
			return errors.New(strings.TrimPrefix(string(problem)+string(rest), failed[1:]))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the answer of the running server broke off: %w", err)
		}
	}
}
