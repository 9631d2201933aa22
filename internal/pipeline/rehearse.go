package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Rehearsal is a set of policies to be tried on what has arrived.
type Rehearsal struct {
	Last     int               // How many activities of the log are looked at, from its end. 0 means 1000.
	Settings map[string]string // JSON over the settings in force, by key; nil: as they are.
	Script   string            // Source of a script that is tried alone; "" none.
	Hosts    []policy.HostRule // Rules about hosts that are tried alone; nil: those in force.
}

// Rehearsed is what the policies would have done. Refusals of the past are not in the
// log, and facts about people are today's.
type Rehearsed struct {
	Looked   int                       `json:"looked"` // Activities of the log.
	Judged   int                       `json:"judged"` // Of these, those that are still there whole.
	Rejected int                       `json:"rejected"`
	Changed  int                       `json:"changed"`
	Rules    map[string]*RuleRehearsed `json:"rules"`
}

// RuleRehearsed is what one rule would have done.
type RuleRehearsed struct {
	Rejected int       `json:"rejected"`
	Changed  int       `json:"changed"`
	Examples []Example `json:"examples"`
}

// Example is one activity with what was said about it.
type Example struct {
	URI   vocab.IRI `json:"uri"`
	Type  string    `json:"type"`
	Actor vocab.IRI `json:"actor"`
	Said  string    `json:"said"`
}

// Bounds of a rehearsal.
const (
	MaxRehearsed  = 50_000
	rehearseChunk = 200
	maxExamples   = 5 // Of a rule.
)

// Rehearse tries policies on the last activities of the log. It changes nothing.
// progress may be nil.
func (p *Pipeline) Rehearse(ctx context.Context, r Rehearsal, progress func(done, total int)) (*Rehearsed, error) {
	if r.Last == 0 {
		r.Last = 1000
	}
	if r.Last < 1 || r.Last > MaxRehearsed {
		return nil, fault.New(fault.Invalid, "A rehearsal looks at 1 to %d activities.", MaxRehearsed)
	}
	set, err := p.rehearsalSet(ctx, r)
	if err != nil {
		return nil, err
	}
	done, tally, actors := &Rehearsed{Rules: map[string]*RuleRehearsed{}}, &policy.Tally{}, map[int64]*store.Actor{}
	var before int64
	for done.Looked < r.Last {
		rows, err := p.DB.RecentActivities(ctx, before, min(rehearseChunk, r.Last-done.Looked))
		if err != nil || len(rows) == 0 {
			return done, err
		}
		for i := range rows {
			before = rows[i].Seq
			done.Looked++
			if err := p.rehearseOne(ctx, &rows[i], set, tally, actors, done); err != nil {
				return nil, err
			}
		}
		if progress != nil {
			progress(done.Looked, r.Last)
		}
		if len(actors) > 10_000 {
			clear(actors)
		}
	}
	return done, nil
}

// rehearsalSet makes the policies that are tried.
func (p *Pipeline) rehearsalSet(ctx context.Context, r Rehearsal) (*policy.Set, error) {
	switch {
	case r.Script != "":
		script, err := policy.NewScript("rehearsed", r.Script, policy.ScriptLimits{})
		if err != nil {
			return nil, fault.Because(err, fault.Invalid, "The script can't be used: %v.", err)
		}
		return &policy.Set{Rules: []policy.Named{{Name: "script", Rule: script}}}, nil
	case r.Hosts != nil:
		hosts := &policy.Hosts{}
		hosts.Set(r.Hosts, nil, false)
		return &policy.Set{Rules: []policy.Named{{Name: "Simple", Rule: policy.NewSimple(hosts, false)}}}, nil
	case r.Settings == nil || p.Setup.Configure == nil:
		return p.Policies.Load(), nil
	}
	values, err := p.DB.PolicySettings(ctx)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, r.Settings)
	settings, _, problems := p.Setup.Configure(values)
	for _, problem := range problems {
		return nil, fault.Because(problem, fault.Invalid, "%v.", problem)
	}
	return settings.Build(p.Hosts)
}

// rehearseOne judges one activity of the log, as it was accepted.
func (p *Pipeline) rehearseOne(ctx context.Context, row *store.Activity, set *policy.Set, tally *policy.Tally, actors map[int64]*store.Actor, done *Rehearsed) error {
	if row.Doc == "" || types[row.Type] == nil || types[row.Type].Internal {
		return nil
	}
	a, err := vocab.DecodeActivity([]byte(row.Doc))
	if err != nil {
		return nil // Not worth ending a rehearsal for.
	}
	a.ID = row.URI
	actor := actors[row.Actor]
	if actor == nil {
		if actor, err = p.DB.Actor(ctx, row.Actor); err != nil {
			return err
		}
		actors[row.Actor] = actor
	}
	if a.Inline == nil && row.Object != 0 && (row.Type == "Create" || row.Type == "Update") {
		doc, _, err := p.DB.VersionBySeq(ctx, row.Object, row.Seq)
		if err != nil {
			return err
		}
		if doc == "" {
			return nil
		}
		if a.Inline, err = vocab.DecodeObject([]byte(doc)); err != nil {
			return nil
		}
	}
	c := p.caseOf(a, actor, originOf(row, actor))
	c.Now, c.Tally = vocab.TimeOf(row.Seq), tally
	if want := set.Wants(c); want != 0 {
		if err := p.gather(ctx, p.DB.Q, c, actor, want); err != nil {
			return err
		}
		c.Known = row.Type != "Create" // It is here because this brought it.
	}
	done.Judged++
	done.count(c, set.Judge(c))
	return nil
}

// count adds a verdict.
func (r *Rehearsed) count(c *policy.Case, err error) {
	example := func(rule, said string) *RuleRehearsed {
		one := r.Rules[rule]
		if one == nil {
			one = &RuleRehearsed{Examples: []Example{}}
			r.Rules[rule] = one
		}
		if len(one.Examples) < maxExamples {
			one.Examples = append(one.Examples, Example{c.Activity.ID, c.Activity.Type, c.Activity.Actor, said})
		}
		return one
	}
	if err != nil {
		r.Rejected++
		example(policy.Refused(err), err.Error()).Rejected++
		return
	}
	if len(c.Decisions) > 0 {
		r.Changed++
	}
	last := ""
	for _, d := range c.Decisions {
		if d.Rule != last { // Its first word is enough.
			example(d.Rule, d.Said).Changed++
		}
		last = d.Rule
	}
}

// Story is what became of what a URI names.
type Story struct {
	Object     *store.Object
	Activities []Chapter
	Refusals   []store.Refusal
}

// StateName says what an activity amounts to.
func StateName(s store.ActivityState) string { return states[s] }

var states = map[store.ActivityState]string{store.Live: "in effect", store.Waiting: "waits for what it speaks of", store.Undone: "taken back", store.Void: "without effect"}

// Chapter is one activity with what was decided about it.
type Chapter struct {
	store.Activity
	By         *store.Actor
	Decisions  []Decision
	Written    []string // Rows, in words.
	Deliveries []store.Delivery
}

// Explain tells what is known of an activity, an object or an arrival that was refused.
func (p *Pipeline) Explain(ctx context.Context, uri vocab.IRI) (*Story, error) {
	s := &Story{}
	var rows []store.Activity
	o, err := p.DB.ObjectByURI(ctx, uri)
	if err == nil {
		s.Object = o
		rows, err = p.DB.ActivitiesAbout(ctx, o.ID, 50)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if a, err := p.DB.ActivityByURI(ctx, uri); err == nil {
		rows = append(rows, *a)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	for i := range rows {
		one, err := p.chapter(ctx, &rows[i])
		if err != nil {
			return nil, err
		}
		s.Activities = append(s.Activities, *one)
	}
	if s.Refusals, err = p.DB.Refusals(ctx, string(uri)); err != nil {
		return nil, err
	}
	if s.Object == nil && len(s.Activities) == 0 && len(s.Refusals) == 0 {
		return nil, fault.New(fault.NotFound, "Nothing is known of %s.", uri)
	}
	return s, nil
}

// Latest tells what came last and what was decided about it, the newest first, at most
// limit of the activities and of the refusals.
func (p *Pipeline) Latest(ctx context.Context, limit int) (*Story, error) {
	rows, err := p.DB.NewestActivities(ctx, limit)
	if err != nil {
		return nil, err
	}
	s := &Story{}
	for i := range rows {
		c := Chapter{Activity: rows[i]}
		if c.By, err = p.DB.Actor(ctx, c.Actor); err != nil {
			return nil, err
		}
		if c.Decisions, err = decisionsOf(&rows[i]); err != nil {
			return nil, err
		}
		s.Activities = append(s.Activities, c)
	}
	s.Refusals, err = p.DB.NewestRefusals(ctx, limit)
	return s, err
}

func (p *Pipeline) chapter(ctx context.Context, a *store.Activity) (c *Chapter, err error) {
	c = &Chapter{Activity: *a}
	if c.By, err = p.DB.Actor(ctx, a.Actor); err != nil {
		return nil, err
	}
	if c.Decisions, err = decisionsOf(a); err != nil {
		return nil, err
	}
	if c.Written, err = p.DB.Written(ctx, a); err != nil {
		return nil, err
	}
	c.Deliveries, err = p.DB.Deliveries(ctx, a.Seq)
	if err != nil {
		return nil, fmt.Errorf("deliveries of %s: %w", a.URI, err)
	}
	return c, nil
}
