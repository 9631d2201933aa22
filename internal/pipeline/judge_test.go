package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kenoma/internal/policy"
)

// strict changes all that a rule can change of posts that say "rule", and of boosts.
type strict struct{}

func (strict) Wants(*policy.Case) policy.Want { return policy.WantKnown | policy.WantCounts }

func (strict) Check(c *policy.Case) error {
	if c.Activity.Type == "Announce" {
		c.Delist("a boost")
	}
	o := c.Post()
	if o == nil || !strings.Contains(o.Content, "rule") {
		return nil
	}
	text := strings.ReplaceAll(o.Content, "rule", "law")
	c.SetText(&text, nil, nil, "words")
	c.MarkSensitive("words")
	c.StripMedia("words")
	c.SetTags(nil, "words")
	c.Quiet("words")
	c.Ask(policy.Job{Kind: "asked", Uniq: "asked " + string(o.ID), Payload: map[string]string{"of": "strict"}})
	return nil
}

func (w *world) withRules(rules ...policy.Rule) {
	set := &policy.Set{}
	for i, r := range rules {
		set.Rules = append(set.Rules, policy.Named{Name: fmt.Sprintf("Rule%d", i+1), Rule: r})
	}
	w.Policies.Set(set)
}

// TestOrderWithPolicies delivers what rules rewrite in every order, and compacts and
// rebuilds: the rewritten versions stand, each the same whenever it came. The rules are
// off by the time of the rebuild: their verdict is in the log.
func TestOrderWithPolicies(t *testing.T) {
	more := `,"attachment":[{"type":"Document","mediaType":"image/png","url":"https://b.test/a.png"}],"tag":[{"type":"Hashtag","name":"#go"}]`
	inEveryOrder(t, "a note that is rewritten, edited twice, boosted, undone", []string{
		note(1, "a rule", more),
		update(1, 2, "no longer", "2026-01-01T11:00:00Z"),
		update(1, 3, "a rule again", "2026-01-01T12:00:00Z"),
		announce(1), announce(2),
	}, func(w *world) { w.withRules(strict{}) })
}

func TestRewriting(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.withRules(strict{})
		doc := note(1, "a rule", `,"attachment":[{"type":"Document","mediaType":"image/png","url":"https://b.test/a.png"}],"tag":[{"type":"Hashtag","name":"#go"}]`)
		w.send(doc)
		w.send(announce(1))
		w.withRules() // What was decided stands.
		look := func(when string) {
			t.Helper()
			o := must2(w.DB.ObjectByURI(ctx, "https://b.test/notes/1"))(t)
			if !strings.Contains(o.Doc, "a rule") || strings.Contains(o.Doc, "law") {
				t.Errorf("%s: the document is no longer as it was accepted: %s", when, o.Doc)
			}
			content := must2(w.DB.Contents(ctx, []int64{o.ID}))(t)[o.ID]
			if content.HTML != "a law" || !content.Sensitive || len(content.Media) != 0 || len(content.Tags) != 0 {
				t.Errorf("%s: shown as %+v", when, content)
			}
			if home := rowsOf(w, `SELECT o.uri FROM home h JOIN objects o ON o.id = h.status WHERE h.status = h.post`); len(home) != 0 {
				t.Errorf("%s: at home: %v", when, home)
			}
			if boosts := rowsOf(w, `SELECT 'at ' || visibility FROM statuses WHERE boost_of <> 0`); len(boosts) != 1 || !strings.Contains(boosts[0], "at 1") {
				t.Errorf("%s: boosts have the visibilities %v, want one that is unlisted", when, boosts)
			}
		}
		look("at once")
		w.rebuild()
		look("rebuilt")
		a := must2(w.DB.ActivityByURI(ctx, "https://b.test/create/1"))(t)
		var said []Decision
		if err := json.Unmarshal([]byte(a.Verdict), &said); err != nil || len(said) != 5 || said[0].Rule != "Rule1" || said[0].Stage != "policy" {
			t.Errorf("the verdict is %s (%v)", a.Verdict, err)
		}
		if jobs := rowsOf(w, `SELECT payload FROM jobs WHERE kind = 'asked'`); len(jobs) != 1 {
			t.Errorf("asked for the jobs %v", jobs)
		}
	})
}

// refuse refuses everything.
type refuse struct{ strict }

func (refuse) Check(c *policy.Case) error { return c.Reject("No.") }

func TestRefusalsByPolicies(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		ann := w.person("ann")
		w.withRules(strict{}, refuse{})
		if err := w.deliver(note(1, "hello", "")); err == nil {
			t.Error("a refused post is taken")
		}
		refusals := must2(w.DB.Refusals(ctx, "https://b.test/create/1"))(t)
		if len(refusals) != 1 || refusals[0].Stage != "policy Rule2" {
			t.Errorf("on record: %+v", refusals)
		}
		if _, err := w.Post(ctx, ann, Draft{Text: "hello"}); err == nil || err.Error() != "No." {
			t.Errorf("a refused post of ours: %v", err)
		}
		w.withRules(strict{})
		id := must2(w.Post(ctx, ann, Draft{Text: "my rule"}))(t)
		o := must2(w.DB.Object(ctx, id))(t)
		if !strings.Contains(o.Doc, "my law") || o.Patch != "" {
			t.Errorf("a rewritten post of ours is written as %s, patch %q", o.Doc, o.Patch)
		}
		w.rebuild()
		if c := must2(w.DB.Contents(ctx, []int64{id}))(t)[id]; !strings.Contains(c.HTML, "my law") {
			t.Errorf("rebuilt as %s", c.HTML)
		}
	})
}

func rowsOf(w *world, query string) []string { return w.dump(query)[query] }
