package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

var (
	_ = command("audit", 2, audit)
	_ = command("appeal list", 0, appealList)
	_ = command("appeal approve", 1, answerAppeal(true))
	_ = command("appeal reject", 1, answerAppeal(false))
	_ = command("preset list", 0, presetList)
	_ = command("preset add", 2, presetAdd)
	_ = command("preset remove", 1, presetRemove)
	_ = command("user moderate", 3, userModerate)
)

// audit: how many entries, of whom ("" everybody).
func audit(ctx context.Context, env *Env, args []string, out io.Writer) error {
	limit, err := strconv.Atoi(args[0])
	if err != nil || limit < 1 || limit > 10_000 {
		return fault.New(fault.Invalid, "The number of entries is from 1 to 10000.")
	}
	var w store.AuditQuery
	if args[1] != "" {
		actor, _, err := local(ctx, env, args[1])
		if err != nil {
			return err
		}
		w.Actor = actor.ID
	}
	list, err := env.DB.AuditLog(ctx, w, store.Page{Limit: limit})
	if err != nil {
		return err
	}
	var ids []int64
	for _, e := range list {
		ids = append(ids, e.Actor)
	}
	actors, err := env.DB.Actors(ctx, ids)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "WHEN\tWHO\tDID\tTO\tDETAILS")
	for _, e := range list {
		who := "(command line)"
		if a := actors[e.Actor]; a != nil {
			who = a.Username
		}
		var details []string
		for k, v := range e.Details {
			details = append(details, k+"="+strconv.Quote(v))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s %s\t%s\n", at(e.ID), who, e.Action, e.Kind, e.Name, strings.Join(details, " "))
	}
	return tw.Flush()
}

// userModerate: handle, action, text.
func userModerate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	name, domain, _ := strings.Cut(strings.TrimPrefix(args[0], "@"), "@")
	actor, err := env.DB.ActorByHandle(ctx, name, strings.ToLower(domain))
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no account %s.", args[0])
	} else if err != nil {
		return err
	}
	if err := env.Pipeline.Moderate(ctx, pipeline.Moderation{Target: actor, Action: args[1], Text: args[2], Mail: args[2] != ""}); err != nil {
		return err
	}
	env.Auth.Forget()
	_, err = fmt.Fprintf(out, "@%s: %s.\n", actor.Acct(), args[1])
	return err
}

func appealList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	list, err := env.DB.OpenAppeals(ctx, store.Page{Limit: 500})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWHO\tAGAINST\tSAYS")
	for _, a := range list {
		actor, err := env.DB.Actor(ctx, a.Actor)
		if err != nil {
			return err
		}
		warnings, err := env.DB.Warnings(ctx, []int64{a.Warning})
		if err != nil {
			return err
		}
		against := "?"
		if one := warnings[a.Warning]; one != nil {
			against = one.Action
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", a.Warning, actor.Username, against, a.Text)
	}
	return w.Flush()
}

// answerAppeal: id of the appeal.
func answerAppeal(grant bool) Command {
	return func(ctx context.Context, env *Env, args []string, out io.Writer) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return fault.New(fault.Invalid, "An appeal is named by its number, see `kenoma appeal list`.")
		}
		if err := env.Pipeline.AnswerAppeal(ctx, 0, id, grant); err != nil {
			return err
		}
		env.Auth.Forget()
		_, err = fmt.Fprintln(out, "Answered.")
		return err
	}
}

func presetList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	list, err := env.DB.WarningPresets(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTITLE\tTEXT")
	for _, p := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\n", p.ID, p.Title, p.Text)
	}
	return w.Flush()
}

// presetAdd: title, text.
func presetAdd(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if strings.TrimSpace(args[1]) == "" {
		return fault.New(fault.Invalid, "A preset needs a text.")
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error {
		return tx.AddWarningPreset(ctx, &store.WarningPreset{Title: args[0], Text: args[1]})
	}); err != nil {
		return err
	}
	return presetList(ctx, env, nil, out)
}

// presetRemove: id.
func presetRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err == nil {
		err = env.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemoveWarningPreset(ctx, id) })
	}
	if err != nil {
		return fault.Because(err, fault.NotFound, "There is no preset %s.", args[0])
	}
	return presetList(ctx, env, nil, out)
}
