// Command kenoma is the fediverse server and everything to run it with.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"kenoma/internal/config"
	"kenoma/internal/control"
	"kenoma/internal/media"
	"kenoma/internal/server"
)

// version is set by the build.
var version = "0.1.0-dev"

// cli is every command; a file each.
type cli struct {
	Config configFlag `help:"Settings file (TOML)." env:"KENOMA_CONFIG" placeholder:"FILE"`

	Serve        serveCmd        `cmd:"" help:"Run the server."`
	User         userCmd         `cmd:"" help:"Accounts."`
	Role         roleCmd         `cmd:"" help:"What the staff may do."`
	Announcement announcementCmd `cmd:"" help:"What is told to everybody here."`
	Emoji        emojiCmd        `cmd:"" help:"Emoji of your own."`
	Policy       policyCmd       `cmd:"" help:"Policies: what is let in, and how."`
	Audit        auditCmd        `cmd:"" help:"What moderators did."`
	Relay        relayCmd        `cmd:"" help:"Relays, and the members of your own."`
	Setting      settingCmd      `cmd:"" help:"Texts of the site that can be changed while the server runs."`
	Rule         ruleCmd         `cmd:"" help:"Rules that members agree to."`
	Terms        termsCmd        `cmd:"" help:"Terms of service."`
	Appeal       appealCmd       `cmd:"" help:"Appeals against moderators' decisions."`
	Preset       presetCmd       `cmd:"" help:"Texts for moderators' warnings."`
	Blocks       blocksCmd       `cmd:"" help:"Hosts that are kept out, and lists of them."`
	Token        tokenCmd        `cmd:"" help:"Access tokens."`
	Invite       inviteCmd       `cmd:"" help:"Invites."`
	DB           dbCmd           `cmd:"" name:"db" help:"The database."`
	ConfigCmd    configCmd       `cmd:"" name:"config" help:"Settings."`
	Inspect      inspectCmd      `cmd:"" help:"Tell the story of an activity or post: when it came, what was decided, where it went."`
	Version      versionCmd      `cmd:"" help:"Print the version."`
}

// configFlag is the file of settings that all commands read.
type configFlag string

// env is what commands get.
type env struct {
	ctx    context.Context
	file   string
	in     io.Reader
	out    io.Writer
	config func() (*config.Config, error)
}

func main() {
	media.Child()        // Never returns where this process is to decode a picture.
	syscall.Umask(0o077) // What Kenoma keeps is nobody else's to read.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, complaint(err))
		stop()
		os.Exit(1)
	}
}

// complaint says what went wrong; of the settings it lists every problem.
func complaint(err error) string {
	var ps config.Problems
	if !errors.As(err, &ps) {
		return "kenoma: " + err.Error()
	}
	return "kenoma: the settings are not right (docs/configuration.md explains them):\n  " + strings.ReplaceAll(ps.Error(), "\n", "\n  ")
}

// run is main without the process.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("kenoma"), kong.Description("A fediverse server in one binary."), kong.Writers(out, os.Stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		return err
	}
	file := string(c.Config)
	e := &env{ctx: ctx, file: file, in: in, out: out, config: func() (*config.Config, error) { return config.Load(file, os.Environ()) }}
	return k.Run(e)
}

// do runs one of control's commands, in the running server where there is one.
func (e *env) do(name string, args ...string) error {
	c, err := e.config()
	if err != nil {
		return err
	}
	return control.Run(e.ctx, c.DataDir, name, args, e.out, func() (*control.Env, func(), error) {
		quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		s, err := server.New(e.ctx, server.Options{Config: c, Version: version, Log: quiet})
		if err != nil {
			return nil, nil, err
		}
		return &control.Env{DB: s.DB, Pipeline: s.Pipeline, Auth: s.Auth, Site: siteSettings(c), Storage: s.Storage(), MaxEmoji: int64(c.Media.MaxEmoji)}, func() { s.Close(context.WithoutCancel(e.ctx)) }, nil
	})
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, "kenoma", version)
	return err
}

// logger writes to standard error as the settings say.
func logger(c *config.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: level}
	switch c.Log.Format {
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
	}
	return nil, errors.New("unknown log format")
}
