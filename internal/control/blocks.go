package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kenoma/internal/blocklist"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

var (
	_ = command("blocks list", 0, blocksList)
	_ = command("blocks lists", 0, blocksLists)
	_ = command("blocks import", 5, blocksImport)
	_ = command("blocks export", 2, blocksExport)
	_ = command("blocks subscribe", 6, blocksSubscribe)
	_ = command("blocks unsubscribe", 1, blocksUnsubscribe)
	_ = command("blocks refresh", 0, blocksRefresh)
	_ = command("blocks plan", 0, blocksPlan)
	_ = command("blocks apply", 1, blocksApply)
	_ = command("blocks rules", 4, blocksRules)
	_ = command("blocks except", 2, blocksExcept)
	_ = command("blocks why", 1, blocksWhy)
)

// blocksList prints the rules about hosts, and who decided.
func blocksList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.AllHostBlocks(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSEVERITY\tMEDIA\tREPORTS\tFROM\tCOMMENT")
	for _, b := range all {
		from := "staff"
		if b.Listed {
			from = b.PrivateComment
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", b.Domain, b.Severity, rejected(b.RejectMedia), rejected(b.RejectReports), from, oneLine(b.PublicComment))
	}
	return w.Flush()
}

func rejected(b bool) string {
	if b {
		return "rejected"
	}
	return ""
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// blocksLists prints what is subscribed to.
func blocksLists(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Blocklists(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tHOSTS\tSKIPPED\tAT MOST\tREAD\tFROM\tPROBLEM")
	for _, b := range all {
		read, from := "never", b.URL
		if b.Fetched != 0 {
			read = time.UnixMilli(b.Fetched).UTC().Format(time.DateTime)
		}
		if from == "" {
			from = "(a file)"
		}
		if b.Allow {
			from += " (allowed)"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\n", b.Name, b.Hosts, b.Skipped, b.Cap, read, from, b.Problem)
	}
	return w.Flush()
}

// blocksImport: the text, the list's name ("" makes decisions), allow, overwrite, dry run.
func blocksImport(ctx context.Context, env *Env, args []string, out io.Writer) error {
	list, err := blocklist.Parse([]byte(args[0]))
	if err != nil {
		return err
	}
	for _, s := range list.Skipped {
		fmt.Fprintf(out, "Line %d is left out, %s: %s\n", s.Line, s.Reason, s.Text)
	}
	if len(list.Entries) == 0 {
		return fault.New(fault.Invalid, "The list names no host.")
	}
	allow := args[2] == "true"
	if args[4] == "true" {
		name := args[1]
		if name == "" {
			name = "the file"
		}
		return dryRun(ctx, env, blocklist.Source{Name: name, Allow: allow, Entries: list.Entries}, out)
	}
	if args[1] != "" {
		sum := sha256.Sum256([]byte(args[0]))
		if err := env.Pipeline.ImportList(ctx, 0, args[1], allow, list, hex.EncodeToString(sum[:])); err != nil {
			return err
		}
		return applied(ctx, env, false, out)
	}
	if allow {
		var domains []string
		for _, e := range list.Entries {
			domains = append(domains, e.Domain)
		}
		n, err := env.Pipeline.AllowHosts(ctx, 0, domains)
		if err == nil {
			_, err = fmt.Fprintf(out, "%d hosts are let in now.\n", n)
		}
		return err
	}
	n, err := env.Pipeline.ImportBlocks(ctx, 0, list.Entries, args[3] == "true")
	if err == nil {
		_, err = fmt.Fprintf(out, "%d rules added, %d changed, %d kept as they are.\n", n.Added, n.Changed, n.Kept)
	}
	return err
}

// blocksExport: allow, private.
func blocksExport(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if args[0] == "true" {
		names, err := env.Pipeline.AllowedHosts(ctx)
		if err != nil {
			return err
		}
		return blocklist.WriteDomains(out, names)
	}
	all, err := env.Pipeline.ExportBlocks(ctx, args[1] == "true")
	if err != nil {
		return err
	}
	return blocklist.Write(out, all, args[1] == "true")
}

// blocksSubscribe: address, name, cap, every, allow, dry run.
func blocksSubscribe(ctx context.Context, env *Env, args []string, out io.Writer) error {
	b := &store.Blocklist{URL: args[0], Name: args[1], Cap: args[2], Allow: args[4] == "true"}
	every, err := time.ParseDuration(args[3])
	if err != nil {
		return fault.Because(err, fault.Invalid, "%q is no length of time, such as 24h.", args[3])
	}
	b.Every = every.Milliseconds()
	list, _, err := env.Pipeline.FetchBlocklist(ctx, b.URL)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The list names %d hosts; %d lines can't be used.\n", len(list.Entries), len(list.Skipped))
	if args[5] == "true" {
		return dryRun(ctx, env, blocklist.Source{Name: b.Name, Cap: b.Cap, Allow: b.Allow, Entries: list.Entries}, out)
	}
	if err := env.Pipeline.SetBlocklist(ctx, 0, b); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Subscribed as %q. It is applied by the running server; see kenoma blocks lists.\n", b.Name)
	return err
}

func blocksUnsubscribe(ctx context.Context, env *Env, args []string, out io.Writer) error {
	b, err := env.DB.BlocklistNamed(ctx, args[0])
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no list %q, see kenoma blocks lists.", args[0])
	} else if err != nil {
		return err
	}
	if err := env.Pipeline.RemoveBlocklist(ctx, 0, b); err != nil {
		return err
	}
	return applied(ctx, env, false, out)
}

func blocksRefresh(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	if err := env.Pipeline.RefreshBlocklists(ctx, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "The lists are fetched and applied by the running server.")
	return err
}

func dryRun(ctx context.Context, env *Env, more blocklist.Source, out io.Writer) error {
	plan, err := env.Pipeline.PlanBlocklists(ctx, more)
	if err != nil {
		return err
	}
	return printChanges(out, plan, "Nothing would change.")
}

// blocksPlan prints what the lists would change.
func blocksPlan(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	plan, err := env.Pipeline.PlanBlocklists(ctx)
	if err != nil {
		return err
	}
	return printChanges(out, plan, "Nothing would change.")
}

// blocksApply: held ones too.
func blocksApply(ctx context.Context, env *Env, args []string, out io.Writer) error {
	return applied(ctx, env, args[0] == "true", out)
}

func applied(ctx context.Context, env *Env, held bool, out io.Writer) error {
	did, err := env.Pipeline.ApplyBlocklists(ctx, 0, held)
	if err != nil {
		return err
	}
	return printChanges(out, did, "Nothing has changed.")
}

func printChanges(out io.Writer, all []pipeline.ListChange, none string) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, none)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tWAS\tNOW\tKNOWN\tFOLLOWED\tFOLLOWS\tLISTS")
	for _, c := range all {
		now := ruleName(c.Now)
		if c.Held {
			now += " (held)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", c.Domain, ruleName(c.Was), now, c.Concern.Accounts, c.Concern.Following, c.Concern.Followers, strings.Join(c.From, ", "))
	}
	return w.Flush()
}

func ruleName(b *store.HostBlock) string {
	if b == nil {
		return "-"
	}
	return b.Severity
}

// blocksRules: combine, needs, cap, ask above; "" stays.
func blocksRules(ctx context.Context, env *Env, args []string, out io.Writer) error {
	rules, err := env.Pipeline.BlocklistRules(ctx)
	if err != nil {
		return err
	}
	if args[0] != "" {
		rules.Combine = args[0]
	}
	if args[1] != "" {
		if rules.Needs, err = strconv.Atoi(args[1]); err != nil {
			return fault.New(fault.Invalid, "%q is no number.", args[1])
		}
	}
	if args[2] != "" {
		rules.Cap = args[2]
	}
	if args[3] != "" {
		if rules.AskAbove, err = strconv.ParseInt(args[3], 10, 64); err != nil {
			return fault.New(fault.Invalid, "%q is no number.", args[3])
		}
	}
	if strings.Join(args, "") != "" {
		if err := env.Pipeline.SetBlocklistRules(ctx, 0, rules); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "combine    %s\nneeds      %d\ncap        %s\nask above  %d follows\nexcept     %s\n", rules.Combine, max(rules.Needs, 1), rules.Cap, rules.AskAbove, strings.Join(rules.Except, " "))
	return err
}

// blocksExcept: host, take the exception back.
func blocksExcept(ctx context.Context, env *Env, args []string, out io.Writer) error {
	rules, err := env.Pipeline.BlocklistRules(ctx)
	if err != nil {
		return err
	}
	domain, reason := blocklist.Domain(args[0])
	if reason != "" {
		return fault.New(fault.Invalid, "%s: %s.", args[0], reason)
	}
	rules.Except = slices.DeleteFunc(rules.Except, func(d string) bool { return d == domain })
	if args[1] != "true" {
		rules.Except = append(rules.Except, domain)
	}
	if err := env.Pipeline.SetBlocklistRules(ctx, 0, rules); err != nil {
		return err
	}
	return applied(ctx, env, false, out)
}

// blocksWhy: host.
func blocksWhy(ctx context.Context, env *Env, args []string, out io.Writer) error {
	domain, err := pipeline.NormalDomain(args[0])
	if err != nil {
		return err
	}
	b, err := env.DB.HostBlockOf(ctx, domain)
	switch {
	case errors.Is(err, store.ErrNotFound):
		fmt.Fprintf(out, "There is no rule about %s itself.\n", domain)
	case err != nil:
		return err
	case b.Listed:
		fmt.Fprintf(out, "%s: %s, because of lists.\n", domain, b.Severity)
	default:
		fmt.Fprintf(out, "%s: %s, decided here. %s\n", domain, b.Severity, oneLine(b.PrivateComment))
	}
	lists, entries, err := env.DB.ListedBy(ctx, domain)
	for i, l := range lists {
		fmt.Fprintf(out, "  %s says %s. %s\n", l.Name, entries[i].Severity, oneLine(entries[i].Comment))
	}
	return err
}
