package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// PolicySetup tells the pipeline what the admin set up outside the database. The zero
// value is the defaults of nothing: no policies.
type PolicySetup struct {
	// Configure lays the values of the database (JSON, by key) over the defaults, where
	// neither file nor environment has a setting. Values that are not right are left out
	// and named.
	Configure func(values map[string]string) (*policy.Settings, []policy.Setting, []error)
	// Files are the scripts in the data folder, marked by a negative time of change.
	Files func() ([]store.PolicyScript, error)
}

// policyState is what is in force on this node beside the set of rules.
type policyState struct {
	tags    atomic.Pointer[actorTags]
	loaded  atomic.Pointer[map[string]*loadedScript]
	inForce atomic.Pointer[policy.Settings]
}

// actorTags are the tags that moderators gave accounts, by id and by uri.
type actorTags struct {
	ids  map[int64][]string
	uris map[vocab.IRI][]string
}

// TagsOf returns the tags of an account.
func (p *Pipeline) TagsOf(actor int64) []string {
	if t := p.tags.Load(); t != nil {
		return t.ids[actor]
	}
	return nil
}

// ReloadPolicies reads the policies from the database and the data folder and puts
// them in force on this node.
func (p *Pipeline) ReloadPolicies(ctx context.Context) error {
	if err := p.reloadTags(ctx); err != nil {
		return err
	}
	if p.Setup.Configure == nil {
		return nil
	}
	values, err := p.DB.PolicySettings(ctx)
	if err != nil {
		return err
	}
	settings, _, problems := p.Setup.Configure(values)
	for _, problem := range problems {
		p.Log.Warn("a setting of the policies in the database does not count", "err", problem)
	}
	set, err := settings.Build(p.Hosts)
	if err != nil {
		return err
	}
	scripts, err := p.scripts(ctx)
	if err != nil {
		return err
	}
	p.addScripts(set, scripts, settings)
	p.Policies.Set(set)
	p.inForce.Store(settings)
	return nil
}

func (p *Pipeline) reloadTags(ctx context.Context) error {
	all, err := p.DB.AllActorTags(ctx)
	if err != nil {
		return err
	}
	tags := &actorTags{ids: map[int64][]string{}, uris: map[vocab.IRI][]string{}}
	for _, t := range all {
		tags.ids[t.Actor] = append(tags.ids[t.Actor], t.Tag)
		tags.uris[t.URI] = tags.ids[t.Actor]
	}
	p.tags.Store(tags)
	return nil
}

// scripts returns the scripts of the folder and of the database; of one name that of
// the folder counts.
func (p *Pipeline) scripts(ctx context.Context) ([]store.PolicyScript, error) {
	all, err := p.DB.PolicyScripts(ctx)
	if err != nil || p.Setup.Files == nil {
		return all, err
	}
	files, err := p.Setup.Files()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if !slices.ContainsFunc(files, func(f store.PolicyScript) bool { return f.Name == s.Name }) {
			files = append(files, s)
		}
	}
	slices.SortFunc(files, func(a, b store.PolicyScript) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// PolicyView is what is set up, for the staff.
type PolicyView struct {
	Settings []policy.Setting
	Scripts  []ScriptView
}

// ScriptView is a script with what became of it.
type ScriptView struct {
	store.PolicyScript
	Locked   bool   // It is in the data folder.
	Problem  string // Why it does not run; "" it does, where it is enabled.
	Failures int64  // Runs on this node that ended in an error, since it was loaded.
	LastFail string
}

// PolicyView returns what is set up.
func (p *Pipeline) PolicyView(ctx context.Context) (*PolicyView, error) {
	values, err := p.DB.PolicySettings(ctx)
	if err != nil {
		return nil, err
	}
	view := &PolicyView{}
	if p.Setup.Configure != nil {
		_, view.Settings, _ = p.Setup.Configure(values)
	}
	all, err := p.scripts(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		view.Scripts = append(view.Scripts, p.viewScript(s))
	}
	return view, nil
}

// ChangePolicies changes settings of the policies on every node; a nil value takes a
// change back. Values are JSON. All are changed or none.
func (p *Pipeline) ChangePolicies(ctx context.Context, by int64, changes map[string]*string) error {
	values, err := p.DB.PolicySettings(ctx)
	if err != nil {
		return err
	}
	_, settings, _ := p.Setup.Configure(values)
	for key, value := range changes {
		i := slices.IndexFunc(settings, func(s policy.Setting) bool { return s.Key == key })
		switch {
		case i < 0:
			return fault.New(fault.Invalid, "There is no setting %s of the policies.", key)
		case settings[i].Locked:
			return fault.New(fault.Conflict, "%s is set in %s, which counts more. Change it there.", key, settings[i].From)
		case value == nil:
			delete(values, key)
		default:
			values[key] = *value
		}
	}
	next, _, problems := p.Setup.Configure(values)
	for _, problem := range problems {
		return fault.Because(problem, fault.Invalid, "%v.", problem)
	}
	if _, err := next.Build(&policy.Hosts{}); err != nil {
		return err
	}
	return p.changePolicies(ctx, by, "policy", "", func(tx *store.Tx) error {
		for key, value := range changes {
			if err := tx.SetPolicySetting(ctx, key, value); err != nil {
				return err
			}
			said := "default"
			if value != nil {
				said = cut(*value, 200)
			}
			if err := tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "update", Kind: "policy", Name: key, Details: details("value", said)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// changePolicies writes a change and has every node read the policies anew.
func (p *Pipeline) changePolicies(ctx context.Context, by int64, kind, name string, write func(*store.Tx) error) error {
	if err := p.DB.Write(ctx, write); err != nil {
		return fmt.Errorf("%s %s: %w", kind, name, err)
	}
	if err := p.rulesChanged(ctx); err != nil {
		return err
	}
	return p.ReloadPolicies(ctx)
}

var scriptName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// SetScript adds or replaces a policy of the admin's own.
func (p *Pipeline) SetScript(ctx context.Context, by int64, s *store.PolicyScript) error {
	if !scriptName.MatchString(s.Name) {
		return fault.New(fault.Invalid, "The name of a script has up to 64 small letters, digits, - and _.")
	}
	if _, err := policy.NewScript(s.Name, s.Source, policy.ScriptLimits{}); err != nil {
		return fault.Because(err, fault.Invalid, "The script can't be used: %v.", err)
	}
	return p.changePolicies(ctx, by, "script", s.Name, func(tx *store.Tx) error {
		if err := tx.SetPolicyScript(ctx, s); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "update", Kind: "policy_script", Name: s.Name, Details: details("enabled", fmt.Sprint(s.Enabled))})
	})
}

// RemoveScript removes one; NotFound when there is none of that name.
func (p *Pipeline) RemoveScript(ctx context.Context, by int64, name string) error {
	err := p.changePolicies(ctx, by, "script", name, func(tx *store.Tx) error {
		if err := tx.RemovePolicyScript(ctx, name); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditEntry{Actor: by, Action: "destroy", Kind: "policy_script", Name: name})
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "There is no script %s in the database.", name)
	}
	return err
}

// maxTag bounds the length of a tag, in bytes.
const maxTag = 100

// TagAccounts gives accounts tags, or takes them away.
func (p *Pipeline) TagAccounts(ctx context.Context, by int64, accounts []*store.Actor, tags []string, on bool) error {
	var clean []string
	for _, t := range tags {
		if t = strings.ToLower(strings.TrimSpace(t)); t == "" || len(t) > maxTag {
			return fault.New(fault.Invalid, "A tag has up to %d letters.", maxTag)
		}
		clean = append(clean, t)
	}
	action := "untag"
	if on {
		action = "tag"
	}
	return p.changePolicies(ctx, by, "tags", "", func(tx *store.Tx) error {
		for _, a := range accounts {
			if err := tx.SetActorTags(ctx, a.ID, clean, on); err != nil {
				return err
			}
			if err := tx.Audit(ctx, store.AuditEntry{Actor: by, Action: action, Kind: "account", Target: a.ID, Name: a.Acct(), Details: details("tags", strings.Join(clean, ", "))}); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadedScript is a script as it is in force on this node.
type loadedScript struct {
	source, problem string
	limits          policy.ScriptLimits
	script          *policy.Script // nil: it can't be used.
}

// addScripts puts the scripts that are enabled behind the rules of a set. One that
// did not change keeps its counts.
func (p *Pipeline) addScripts(set *policy.Set, scripts []store.PolicyScript, settings *policy.Settings) {
	limits := settings.Script.Limits()
	before, now := p.loaded.Load(), map[string]*loadedScript{}
	for _, s := range scripts {
		if !s.Enabled {
			continue
		}
		one := &loadedScript{source: s.Source, limits: limits}
		if before != nil && (*before)[s.Name] != nil && (*before)[s.Name].source == s.Source && (*before)[s.Name].limits == limits {
			one = (*before)[s.Name]
		} else if script, err := policy.NewScript(s.Name, s.Source, limits); err != nil {
			one.problem = err.Error()
			p.Log.Error("a policy script can't be used", "script", s.Name, "err", err)
		} else {
			one.script = script
		}
		now[s.Name] = one
		if one.script != nil {
			set.Rules = append(set.Rules, policy.Named{Name: "script " + s.Name, Rule: one.script})
		}
	}
	p.loaded.Store(&now)
}

// viewScript adds to a script what this node knows of it.
func (p *Pipeline) viewScript(s store.PolicyScript) ScriptView {
	v := ScriptView{PolicyScript: s, Locked: s.Changed < 0}
	if now := p.loaded.Load(); now != nil && (*now)[s.Name] != nil {
		one := (*now)[s.Name]
		v.Problem = one.problem
		if one.script != nil {
			v.Failures, v.LastFail = one.script.Failures()
		}
	}
	return v
}
