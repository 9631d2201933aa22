package control

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

var (
	_ = command("relay list", 0, relayList)
	_ = command("relay add", 1, relayAdd)
	_ = command("relay remove", 1, relayRemove)
	_ = command("relay accept", 1, relayAnswer(true))
	_ = command("relay reject", 1, relayAnswer(false))
)

func relayList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Relays(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tADDRESS\tSUBSCRIBED\tMEMBER\tBROUGHT\tDROPPED")
	for i := range all {
		r := &all[i]
		subscribed := "no"
		if r.Wanted {
			subscribed = r.State.String()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%d\n", r.ID, relayName(r), subscribed, r.Member, r.Brought, r.Dropped)
	}
	return w.Flush()
}

// relayName is the address by which a relay is known.
func relayName(r *store.Relay) vocab.IRI {
	if r.Actor != "" {
		return r.Actor
	}
	return r.Inbox
}

// relayAdd: address.
func relayAdd(ctx context.Context, env *Env, args []string, out io.Writer) error {
	r, err := env.Pipeline.Subscribe(ctx, 0, vocab.IRI(args[0]))
	if err != nil {
		return err
	}
	if r.State == store.RelayAccepted {
		_, err = fmt.Fprintf(out, "%s is subscribed to.\n", relayName(r))
		return err
	}
	_, err = fmt.Fprintf(out, "%s is asked; `kenoma relay list` shows when it has accepted.\n", relayName(r))
	return err
}

// relayRemove: number, host or address.
func relayRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	r, err := env.Pipeline.FindRelay(ctx, args[0])
	if err != nil {
		return err
	}
	if err := env.Pipeline.RemoveRelay(ctx, 0, r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is removed.\n", relayName(r))
	return err
}

// relayAnswer: number, host or address of who wants to be a member.
func relayAnswer(accept bool) Command {
	return func(ctx context.Context, env *Env, args []string, out io.Writer) error {
		r, err := env.Pipeline.FindRelay(ctx, args[0])
		if err != nil {
			return err
		}
		if err := env.Pipeline.AnswerMember(ctx, 0, r, accept); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s: %s.\n", relayName(r), r.Member)
		return err
	}
}
