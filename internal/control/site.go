package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// SiteSetting is a setting that admins may change while the server runs.
type SiteSetting struct {
	Key, Value string // Value: of file, environment or default.
	From       string // Where it comes from.
	Editable   bool   // Neither file nor environment has it.
	Check      func(value string) error
}

var (
	_ = command("setting list", 0, settingList)
	_ = command("setting get", 1, settingGet)
	_ = command("setting set", 2, settingSet)
	_ = command("setting unset", 1, settingUnset)
	_ = command("rule list", 0, ruleList)
	_ = command("rule add", 2, ruleAdd)
	_ = command("rule translate", 4, ruleTranslate)
	_ = command("rule remove", 1, ruleRemove)
	_ = command("terms list", 0, termsList)
	_ = command("terms set", 2, termsSet)
	_ = command("terms remove", 1, termsRemove)
)

// inForce returns a setting's value and where it comes from.
func (s *SiteSetting) inForce(changed map[string]store.SiteText) (value, from string) {
	if t, ok := changed[s.Key]; ok && s.Editable {
		return t.Value, "database"
	}
	return s.Value, s.From
}

func settingList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	changed, err := env.DB.SiteTexts(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tFROM\tVALUE")
	for i := range env.Site {
		value, from := env.Site[i].inForce(changed)
		line, _, more := strings.Cut(value, "\n")
		if more || len(line) > 60 {
			line = line[:min(len(line), 60)] + "…"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", env.Site[i].Key, from, line)
	}
	return w.Flush()
}

// setting returns the setting with a key.
func (env *Env) setting(key string) (*SiteSetting, error) {
	i := slices.IndexFunc(env.Site, func(s SiteSetting) bool { return s.Key == key || s.Key == "instance."+key })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "There is no setting %s that can be changed like this; see `kenoma setting list`. Others stand in the settings' file.", key)
	}
	return &env.Site[i], nil
}

func settingGet(ctx context.Context, env *Env, args []string, out io.Writer) error {
	s, err := env.setting(args[0])
	if err != nil {
		return err
	}
	changed, err := env.DB.SiteTexts(ctx)
	if err != nil {
		return err
	}
	value, _ := s.inForce(changed)
	_, err = fmt.Fprintln(out, value)
	return err
}

// settingSet: key, value.
func settingSet(ctx context.Context, env *Env, args []string, out io.Writer) error {
	s, err := env.setting(args[0])
	if err != nil {
		return err
	}
	if !s.Editable {
		return fault.New(fault.Conflict, "%s is set in %s, which counts more. Change it there.", s.Key, s.From)
	}
	if err := s.Check(args[1]); err != nil {
		return fault.Because(err, fault.Invalid, "%s: %v.", s.Key, err)
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSiteText(ctx, s.Key, &args[1]) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is set; everybody sees it within seconds.\n", s.Key)
	return err
}

func settingUnset(ctx context.Context, env *Env, args []string, out io.Writer) error {
	s, err := env.setting(args[0])
	if err != nil {
		return err
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetSiteText(ctx, s.Key, nil) }); err != nil {
		return err
	}
	return settingGet(ctx, env, args, out)
}

func ruleList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.Rules(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tRULE\tHINT\tLANGUAGES")
	for _, r := range all {
		var languages []string
		for l := range r.Translations {
			languages = append(languages, l)
		}
		slices.Sort(languages)
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", r.ID, r.Text, r.Hint, strings.Join(languages, " "))
	}
	return w.Flush()
}

// ruleAdd: text, hint.
func ruleAdd(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if strings.TrimSpace(args[0]) == "" {
		return fault.New(fault.Invalid, "A rule needs a text.")
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetRule(ctx, &store.Rule{Text: args[0], Hint: args[1]}) }); err != nil {
		return err
	}
	return ruleList(ctx, env, nil, out)
}

func ruleID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "A rule is named by its number, see `kenoma rule list`.")
	}
	return id, nil
}

// ruleTranslate: id, language, text, hint; without a text the translation goes.
func ruleTranslate(ctx context.Context, env *Env, args []string, out io.Writer) error {
	id, err := ruleID(args[0])
	if err != nil {
		return err
	}
	err = env.DB.Write(ctx, func(tx *store.Tx) error {
		r, err := tx.Rule(ctx, id)
		if err != nil {
			return err
		}
		if delete(r.Translations, args[1]); args[2] != "" {
			r.Translations[args[1]] = store.RuleText{Text: args[2], Hint: args[3]}
		}
		return tx.SetRule(ctx, r)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no rule %d.", id)
	} else if err != nil {
		return err
	}
	return ruleList(ctx, env, nil, out)
}

// ruleRemove: id.
func ruleRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	id, err := ruleID(args[0])
	if err != nil {
		return err
	}
	err = env.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemoveRule(ctx, id) })
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no rule %d.", id)
	} else if err != nil {
		return err
	}
	return ruleList(ctx, env, nil, out)
}

func termsList(ctx context.Context, env *Env, _ []string, out io.Writer) error {
	all, err := env.DB.AllTerms(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "FROM\tLENGTH\tWRITTEN")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\n", t.Effective, len(t.Content), day(t.Created))
	}
	return w.Flush()
}

// termsSet: the day from which on they hold, the text.
func termsSet(ctx context.Context, env *Env, args []string, out io.Writer) error {
	if _, err := time.Parse(time.DateOnly, args[0]); err != nil {
		return fault.New(fault.Invalid, "The day is written as 2026-12-31.")
	}
	if strings.TrimSpace(args[1]) == "" {
		return fault.New(fault.Invalid, "The terms are empty.")
	}
	if err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.SetTerms(ctx, store.Terms{Effective: args[0], Content: args[1]}) }); err != nil {
		return err
	}
	return termsList(ctx, env, nil, out)
}

// termsRemove: the day.
func termsRemove(ctx context.Context, env *Env, args []string, out io.Writer) error {
	err := env.DB.Write(ctx, func(tx *store.Tx) error { return tx.RemoveTerms(ctx, args[0]) })
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There are no terms of %s.", args[0])
	} else if err != nil {
		return err
	}
	return termsList(ctx, env, nil, out)
}
