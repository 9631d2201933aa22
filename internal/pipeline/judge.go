package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kenoma/internal/markup"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// judge asks the policies about an activity and returns what they decided, already
// applied to it. Activities that carry out what was decided before are not judged.
func (p *Pipeline) judge(ctx context.Context, q *store.Q, a *vocab.Activity, actor *store.Actor, from Origin) (*policy.Case, error) {
	set := p.Policies.Load()
	if set.Empty() || from.staff {
		return nil, nil
	}
	c := p.caseOf(a, actor, from)
	c.Import = imported(ctx)
	if want := set.Wants(c); want != 0 {
		if err := p.gather(ctx, q, c, actor, want); err != nil {
			return nil, err
		}
	}
	if err := set.Judge(c); err != nil {
		return nil, err
	}
	if from.local() && !c.Patch.Empty() && (c.Post() != nil || a.Type == "Announce") {
		reencode(a)
	}
	return c, nil
}

// caseOf is an activity with the facts that cost nothing.
func (p *Pipeline) caseOf(a *vocab.Activity, actor *store.Actor, from Origin) *policy.Case {
	facts := policy.Facts{Local: from.local(), Host: actor.Host, Fetched: from.Fetched, Now: p.Now(), Followers: actor.Followers,
		FirstSeen: vocab.TimeOf(actor.ID), Username: actor.Username, Service: actor.Type == "Service" || actor.Type == "Application"}
	if tags := p.tags.Load(); tags != nil {
		facts.Tags = tags.ids[actor.ID]
		if a.Type == "Follow" {
			facts.TargetTags = tags.uris[a.Object]
		}
	}
	return &policy.Case{Activity: a, Tally: &p.tally, Facts: facts}
}

// reencode writes the documents of an activity of ours anew, as the rules changed it:
// what people here see and what the network sees is one.
func reencode(a *vocab.Activity) {
	if a.Inline != nil {
		a.Inline.Raw = a.Inline.Encode()
	}
	a.Raw = vocab.EncodeActivity(a, nil)
}

// gather looks up the facts that rules want to know.
func (p *Pipeline) gather(ctx context.Context, q *store.Q, c *policy.Case, actor *store.Actor, want policy.Want) error {
	for _, g := range gatherers {
		if want&g.want == 0 {
			continue
		}
		if err := g.look(ctx, q, p.host, c, actor); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("facts for the policies: %w", err)
		}
	}
	return nil
}

// gatherers look up a fact each. ErrNotFound leaves it as it is.
var gatherers = []struct {
	want policy.Want
	look func(ctx context.Context, q *store.Q, own string, c *policy.Case, actor *store.Actor) error
}{
	{policy.WantKnown, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, _ *store.Actor) error {
		_, err := q.ObjectByURI(ctx, c.Activity.Object)
		c.Known = err == nil
		return err
	}},
	{policy.WantCounts, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, actor *store.Actor) error {
		counts, err := q.ActorCounts(ctx, []int64{actor.ID})
		c.Posts, c.FollowerCount = counts[actor.ID].Statuses, counts[actor.ID].Followers
		return err
	}},
	{policy.WantFollowed, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, actor *store.Actor) (err error) {
		c.FollowedHere, err = q.FollowedHere(ctx, actor.ID)
		return err
	}},
	{policy.WantProfile, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, actor *store.Actor) error {
		profiles, err := q.Profiles(ctx, []int64{actor.ID})
		if profile := profiles[actor.ID]; profile != nil {
			c.Name, c.Service = markup.PlainText(profile.DisplayName), c.Service || profile.Bot
			if profile.Created != 0 {
				c.Created = msTime(profile.Created)
			}
		}
		return err
	}},
	{policy.WantTarget, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, actor *store.Actor) error {
		target, err := q.ActorByURI(ctx, c.Activity.Object)
		if err != nil {
			return err
		}
		c.TargetFollows, err = follows(ctx, q, target.ID, actor.ID)
		return err
	}},
	{policy.WantParent, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, _ *store.Actor) error {
		if c.Post() == nil || c.Post().InReplyTo == "" {
			return nil
		}
		o, err := q.ObjectByURI(ctx, c.Post().InReplyTo)
		if err != nil {
			return err
		}
		contents, err := q.Contents(ctx, []int64{o.ID})
		if content := contents[o.ID]; content != nil {
			c.ParentSummary = content.Spoiler
		}
		return err
	}},
	{policy.WantAnswer, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, _ *store.Actor) (err error) {
		c.AnswersUs, err = answersUs(ctx, q, c.Post())
		return err
	}},
	{policy.WantUnknown, func(ctx context.Context, q *store.Q, _ string, c *policy.Case, actor *store.Actor) error {
		named := c.People()
		known, err := q.ActorsByURI(ctx, named[:min(len(named), maxOurs)])
		if err != nil {
			return err
		}
		for uri, one := range known {
			if knows, err := follows(ctx, q, one.ID, actor.ID); err != nil {
				return err
			} else if !knows && one.ID != actor.ID {
				c.Unknown = append(c.Unknown, uri)
			}
		}
		return nil
	}},
	{policy.WantClosed, func(ctx context.Context, q *store.Q, own string, c *policy.Case, actor *store.Actor) error {
		people, err := ourPeople(ctx, q, own, c)
		if err != nil {
			return err
		}
		for _, one := range people {
			account, err := q.Account(ctx, one.ID)
			if err != nil {
				return err
			}
			wary := account.Preferences.DirectFrom == "people_i_follow"
			if wary {
				knows, err := follows(ctx, q, one.ID, actor.ID)
				if err != nil {
					return err
				}
				wary = !knows
			}
			if one.ID != actor.ID && (wary || account.Preferences.DirectFrom == "nobody") {
				c.Closed = append(c.Closed, one.URI)
			}
		}
		return nil
	}},
	{policy.WantReaders, func(ctx context.Context, q *store.Q, own string, c *policy.Case, actor *store.Actor) error {
		people, err := ourPeople(ctx, q, own, c)
		for _, one := range people {
			if knows, err := follows(ctx, q, one.ID, actor.ID); err != nil {
				return err
			} else if !knows {
				c.Strangers = append(c.Strangers, one.URI)
			}
		}
		return err
	}},
}

// answersUs tells whether a post is an answer that nobody here has to wonder about: to
// one of ours, or to one that names somebody of ours.
func answersUs(ctx context.Context, q *store.Q, o *vocab.Object) (bool, error) {
	if o == nil || o.InReplyTo == "" {
		return false, nil
	}
	parent, err := q.ObjectByURI(ctx, o.InReplyTo)
	if err != nil {
		return false, err
	}
	author, err := q.Actor(ctx, parent.Actor)
	if err != nil || author.Local {
		return err == nil, err
	}
	return q.NamesOurs(ctx, parent.ID)
}

type importKey struct{}

// AsImport marks what is done with a context as part of an import of lists, which is not
// held against somebody who is new here.
func AsImport(ctx context.Context) context.Context {
	return context.WithValue(ctx, importKey{}, true)
}

func imported(ctx context.Context) bool {
	yes, _ := ctx.Value(importKey{}).(bool)
	return yes
}

// maxOurs is how many of our people that a post names are looked at for the policies.
const maxOurs = 50

// ourPeople are those of our people whom an activity names.
func ourPeople(ctx context.Context, q *store.Q, own string, c *policy.Case) ([]*store.Actor, error) {
	var uris []vocab.IRI
	for _, who := range c.People() {
		if who.Host() == own && len(uris) < maxOurs {
			uris = append(uris, who)
		}
	}
	if len(uris) == 0 {
		return nil, nil
	}
	known, err := q.ActorsByURI(ctx, uris)
	var people []*store.Actor
	for _, uri := range uris {
		if a := known[uri]; a != nil && a.Local {
			people = append(people, a)
		}
	}
	return people, err
}

func follows(ctx context.Context, q *store.Q, who, whom int64) (bool, error) {
	f, err := q.Follow(ctx, who, whom)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && f.Accepted, err
}

// heed makes what the policies decided part of the step: c may be nil.
func (s *Step) heed(c *policy.Case) {
	if c == nil {
		return
	}
	for _, d := range c.Decisions {
		s.decisions = append(s.decisions, Decision{Stage: "policy", Rule: d.Rule, Said: d.Said})
	}
	if !c.Patch.Empty() {
		s.patch = &c.Patch
		if kept := patchOfActivity(c); len(s.decisions) > 0 && !kept.Empty() {
			s.decisions[len(s.decisions)-1].Patch = kept
		}
	}
	s.asked = c.Jobs
}

// patchOfActivity is what of a patch stands with the activity in the log: that of a
// post's version stands with the version.
func patchOfActivity(c *policy.Case) *policy.Patch {
	switch {
	case c.Post() != nil || c.Local:
		return &policy.Patch{Quiet: c.Patch.Quiet, Withhold: c.Patch.Withhold}
	default:
		return &c.Patch
	}
}

// patchText is the patch as it stands beside a document that arrived. What we wrote
// ourselves was written as the rules wanted it.
func (s *Step) patchText() string {
	if s.From.local() {
		return ""
	}
	return s.patch.String()
}

// homeless tells whether the activity is in nobody's home.
func (s *Step) homeless() bool { return s.patch != nil && s.patch.Quiet }

// enqueueAsked queues the work that rules asked for.
func (s *Step) enqueueAsked(ctx context.Context) error {
	for _, j := range s.asked {
		if err := s.enqueueAt(ctx, j.Kind, j.Part, j.Uniq, 0, j.Payload); err != nil {
			return err
		}
	}
	return nil
}

// decisionsOf reads what was decided about an activity of the log.
func decisionsOf(row *store.Activity) (decisions []Decision, err error) {
	if row.Verdict == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(row.Verdict), &decisions); err != nil {
		return nil, fmt.Errorf("verdict on activity %d: %w", row.Seq, err)
	}
	return decisions, nil
}

// patchedBy returns the patch that stands with an activity of the log; nil none.
func patchedBy(row *store.Activity) (*policy.Patch, error) {
	decisions, err := decisionsOf(row)
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		if d.Patch != nil {
			return d.Patch, nil
		}
	}
	return nil, nil
}

// stored decodes a version of a post from the log, as the policies changed it.
func stored(doc, patch string) (*vocab.Object, error) {
	o, err := vocab.DecodeObject([]byte(doc))
	if err != nil {
		return nil, err
	}
	p, err := policy.ParsePatch(patch)
	if err != nil {
		return nil, err
	}
	p.ApplyTo(o)
	return o, nil
}
