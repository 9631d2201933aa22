package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

var (
	_ = command("db migrate", 0, func(_ context.Context, env *Env, _ []string, out io.Writer) error {
		_, err := fmt.Fprintf(out, "The %s database is up to date.\n", env.DB.Engine()) // Opening it has seen to that.
		return err
	})
	_ = command("db rebuild", 0, dbRebuild)
	_ = command("db check", 0, dbCheck)
	_ = command("inspect", 1, inspect)
)

func dbRebuild(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	if env.Running {
		return fault.New(fault.Conflict, "Stop the server first: a rebuild needs the database for itself.")
	}
	began, shown := time.Now(), time.Time{}
	err := env.Pipeline.Rebuild(ctx, func(done, total int64) {
		if now := time.Now(); now.Sub(shown) > time.Second || done == total {
			shown = now
			fmt.Fprintf(out, "\r%s %d of %d activities", bar(done, total), done, total)
		}
	})
	fmt.Fprintln(out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Rebuilt every projection from the log in %s.\n", time.Since(began).Round(time.Millisecond))
	return err
}

func bar(done, total int64) string {
	const width = 30
	filled := width
	if total > 0 {
		filled = int(done * width / total)
	}
	return "[" + strings.Repeat("#", filled) + strings.Repeat(".", width-filled) + "]"
}

func dbCheck(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	problems, err := env.DB.Check(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return fault.New(fault.Invalid, "%d problems. `kenoma db rebuild` mends what is derived from the log.", len(problems))
	}
	_, err = fmt.Fprintln(out, "No problems.")
	return err
}

// inspect tells the story of what a URI names: an activity, an object, or an arrival
// that was refused.
func inspect(ctx context.Context, env *Env, args []string, out io.Writer) error {
	uri := vocab.IRI(args[0])
	known := false
	if o, err := env.DB.ObjectByURI(ctx, uri); err == nil {
		known = true
		if err := inspectObject(ctx, env, o, out); err != nil {
			return err
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if a, err := env.DB.ActivityByURI(ctx, uri); err == nil {
		known = true
		if err := inspectActivity(ctx, env, a, out); err != nil {
			return err
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if known {
		if err := inspectHost(ctx, env, uri.Host(), out); err != nil {
			return err
		}
	}
	brought, err := env.DB.OriginatedAt(ctx, uri)
	if err != nil {
		return err
	}
	for _, now := range brought {
		known = true
		fmt.Fprintf(out, "%s was brought along by its author and is here as %s\n", uri, now)
	}
	refusals, err := env.DB.Refusals(ctx, args[0])
	if err != nil {
		return err
	}
	for _, r := range refusals {
		known = true
		fmt.Fprintf(out, "%s  refused: %s by %s from %s, at the stage %q: %s\n", at(r.Seq), r.Type, r.Actor, r.Origin, r.Stage, r.Reason)
	}
	if !known {
		return fault.New(fault.NotFound, "Nothing is known of %s.", uri)
	}
	return nil
}

// inspectHost says what the server of a URI runs, where it is another one.
func inspectHost(ctx context.Context, env *Env, host string, out io.Writer) error {
	found, err := env.DB.Hosts(ctx, []string{host})
	if h := found[host]; err == nil && h.Software != "" {
		_, err = fmt.Fprintf(out, "host %s runs %s\n", host, h.Software)
	}
	return err
}

func at(seq int64) string { return vocab.TimeOf(seq).Format("2006-01-02 15:04:05.000") }

func inspectObject(ctx context.Context, env *Env, o *store.Object, out io.Writer) error {
	author, err := env.DB.Actor(ctx, o.Actor)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "object %s\n  id %d, %s by %s, %s", o.URI, o.ID, o.Type, author.URI, vocab.VisibilityLevel(o.Visibility).Name)
	if o.LocalOnly {
		fmt.Fprint(out, ", local only")
	}
	fmt.Fprintf(out, "\n  version of %s, arrived %s\n", time.UnixMilli(o.Version).UTC().Format("2006-01-02 15:04:05"), at(o.Seq))
	if o.Patch != "" {
		fmt.Fprintf(out, "  as the policies changed it: %s\n", o.Patch)
	}
	if o.Deleted != 0 {
		fmt.Fprintf(out, "  deleted %s\n", time.UnixMilli(o.Deleted).UTC().Format("2006-01-02 15:04:05"))
	}
	about, err := env.DB.ActivitiesAbout(ctx, o.ID, 50)
	if err != nil {
		return err
	}
	for i := range about {
		if err := inspectActivity(ctx, env, &about[i], out); err != nil {
			return err
		}
	}
	return nil
}

func inspectActivity(ctx context.Context, env *Env, a *store.Activity, out io.Writer) error {
	actor, err := env.DB.Actor(ctx, a.Actor)
	if err != nil {
		return err
	}
	from := a.Origin
	if from == "" {
		from = "here"
	}
	fmt.Fprintf(out, "%s  %s %s\n  by %s, from %s, %s; %s\n", at(a.Seq), a.Type, a.URI, actor.URI, from, vocab.VisibilityLevel(a.Visibility).Name, pipeline.StateName(a.State))
	var decisions []pipeline.Decision
	if a.Verdict != "" {
		if err := json.Unmarshal([]byte(a.Verdict), &decisions); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "  origin, validate, actor, policy: passed\n")
	for _, d := range decisions {
		stage := d.Stage
		if d.Rule != "" {
			stage += " " + d.Rule
		}
		fmt.Fprintf(out, "  %s: %s\n", stage, d.Said)
	}
	written, err := env.DB.Written(ctx, a)
	if err != nil {
		return err
	}
	for _, w := range written {
		fmt.Fprintf(out, "  wrote %s\n", w)
	}
	deliveries, err := env.DB.Deliveries(ctx, a.Seq)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		fmt.Fprintf(out, "  to %s: %s, %d tries", d.URL, d.State, d.Attempts)
		if d.Status != 0 {
			fmt.Fprintf(out, ", last answer %d", d.Status)
		}
		if d.Error != "" {
			fmt.Fprintf(out, " (%s)", d.Error)
		}
		fmt.Fprintf(out, ", %s\n", time.UnixMilli(d.At).UTC().Format("2006-01-02 15:04:05"))
	}
	return nil
}
