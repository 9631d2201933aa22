package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/policy"
)

var (
	_ = command("policy list", 0, policyList)
	_ = command("policy set", 2, policySet)
	_ = command("policy unset", 1, policyUnset)
	_ = command("policy rehearse", 4, policyRehearse)
)

func policyList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	view, err := env.Pipeline.PolicyView(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tFROM\tVALUE")
	for _, s := range view.Settings {
		fmt.Fprintf(w, "%s\t%s\t%v\n", s.Key, s.From, s.Value)
	}
	if len(view.Scripts) > 0 {
		fmt.Fprintln(w, "SCRIPT\tSTATE\tFAILURES")
	}
	for _, s := range view.Scripts {
		state := "on"
		switch {
		case s.Problem != "":
			state = s.Problem
		case !s.Enabled:
			state = "off"
		}
		fmt.Fprintf(w, "%s\t%s\t%d %s\n", s.Name, state, s.Failures, s.LastFail)
	}
	return w.Flush()
}

// policySet: key, value; a value in brackets is a JSON list.
func policySet(ctx context.Context, env *Env, args []string, out io.Writer) error {
	value, err := settingJSON(args[1])
	if err != nil {
		return err
	}
	if err := env.Pipeline.ChangePolicies(ctx, 0, map[string]*string{args[0]: &value}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is set; it holds at once.\n", args[0])
	return err
}

func settingJSON(text string) (string, error) {
	if strings.HasPrefix(text, "[") {
		return text, nil
	}
	b, err := json.Marshal(text)
	return string(b), err
}

func policyUnset(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if err := env.Pipeline.ChangePolicies(ctx, 0, map[string]*string{args[0]: nil}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s is as it was.\n", args[0])
	return err
}

// policyRehearse: how many activities, settings (key=value by line), source of a
// script, hosts that are blocked (by line).
func policyRehearse(ctx context.Context, env *Env, args []string, out io.Writer) error {
	last, err := strconv.Atoi(args[0])
	if err != nil {
		return fault.New(fault.Invalid, "The number of activities is from 1 to %d.", pipeline.MaxRehearsed)
	}
	r := pipeline.Rehearsal{Last: last, Script: args[2]}
	for _, line := range strings.Split(args[1], "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if r.Settings == nil {
			r.Settings = map[string]string{}
		}
		if r.Settings[strings.TrimSpace(key)], err = settingJSON(strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	for _, host := range strings.Fields(args[3]) {
		domain, err := pipeline.NormalDomain(strings.TrimPrefix(host, "*."))
		if err != nil {
			return err
		}
		r.Hosts = append(r.Hosts, policy.HostRule{Domain: domain, Suspend: true})
	}
	found, err := env.Pipeline.Rehearse(ctx, r, func(done, total int) {
		fmt.Fprintf(out, "\r%s %d of %d activities", bar(int64(done), int64(total)), done, total)
	})
	fmt.Fprintln(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Looked at %d activities, judged %d: %d would have been refused, %d changed.\n", found.Looked, found.Judged, found.Rejected, found.Changed)
	for _, name := range slices.Sorted(maps.Keys(found.Rules)) {
		rule := found.Rules[name]
		fmt.Fprintf(out, "%s: refused %d, changed %d\n", name, rule.Rejected, rule.Changed)
		for _, e := range rule.Examples {
			fmt.Fprintf(out, "  %s %s\n    by %s: %s\n", e.Type, e.URI, e.Actor, e.Said)
		}
	}
	return nil
}
