// Package control runs the admin's commands: in the server that is running, over a
// socket in its data folder, so that its caches and queues know of them; or here,
// under the data folder's lock, when none runs.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// Env is what a command works on.
type Env struct {
	DB       *store.DB
	Pipeline *pipeline.Pipeline
	Auth     *auth.Service
	Running  bool // The server runs in this process.
}

// Command does something and tells of it on out.
type Command func(ctx context.Context, env *Env, args []string, out io.Writer) error

// commands is filled by command, in the files of this package.
var commands = map[string]Command{}

func command(name string, c Command) bool {
	commands[name] = c
	return true
}

// Names lists the commands.
func Names() []string {
	var all []string
	for name := range commands {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// call is what goes over the socket.
type call struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

// failed begins the last line of an answer that tells of a failure.
const failed = "\x00error: "

// socket and lock are files in the data folder.
func socket(dir string) string { return filepath.Join(dir, "kenoma.sock") }

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
	path := socket(dir)
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket for commands: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	srv := &http.Server{Handler: handler(env), ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go srv.Serve(l)
	return func() { srv.Close(); os.Remove(path) }, nil
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
			fmt.Fprintf(out, "%s%s", failed, message(err))
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
	c := commands[name]
	if c == nil {
		return fault.New(fault.NotFound, "There is no command %q.", name)
	}
	return c(ctx, env, args, out)
}

// message is what a person at the terminal should know: they may see causes.
func message(err error) string { return err.Error() }

// Run runs a command in the server that has the data folder, or here: open then
// makes what it works on, and what to call afterwards.
func Run(ctx context.Context, dir, name string, args []string, out io.Writer, open func() (*Env, func(), error)) error {
	conn, err := net.Dial("unix", socket(dir))
	if err == nil {
		conn.Close()
		return remotely(ctx, dir, name, args, out)
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

func remotely(ctx context.Context, dir, name string, args []string, out io.Writer) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket(dir))
	}}}
	body, err := json.Marshal(call{name, args})
	if err != nil {
		return err
	}
	pr, pw := io.Pipe()
	go func() { pw.Write(body); pw.Close() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kenoma/", pr)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the running server: %w", err)
	}
	defer resp.Body.Close()
	return relay(resp.Body, out)
}

// relay copies an answer to out; what comes after the mark is the error.
func relay(from io.Reader, out io.Writer) error {
	buf := make([]byte, 32<<10)
	var text []byte
	failing := false
	for {
		n, err := from.Read(buf)
		piece := buf[:n]
		if !failing {
			for i, b := range piece {
				if b == failed[0] {
					out.Write(piece[:i])
					piece, failing = piece[i:], true
					break
				}
			}
			if !failing {
				out.Write(piece)
			}
		}
		if failing {
			text = append(text, piece...)
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if failing {
		return errors.New(string(text[min(len(failed), len(text)):]))
	}
	return nil
}
