package pipeline

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/policy"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

func TestRehearse(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.setUp()
		for i := 1; i <= 7; i++ {
			w.send(note(i, []string{"hello", "a casino"}[i%2], ""))
		}
		w.send(announce(1))
		before := w.state()
		for _, tt := range []struct {
			name     string
			try      Rehearsal
			rule     string
			rejected int
		}{
			{"a setting", Rehearsal{Settings: map[string]string{"policies": `["Keyword"]`, "keyword.reject": `["casino"]`}}, "Keyword", 4},
			{"of the last three", Rehearsal{Last: 3, Settings: map[string]string{"policies": `["Keyword"]`, "keyword.reject": `["casino"]`}}, "Keyword", 1},
			{"a script", Rehearsal{Script: "def check(a, f):\n  if a.type == 'Announce':\n    return reject()"}, "script", 1},
			{"a block", Rehearsal{Hosts: []policy.HostRule{{Domain: "c.test", Suspend: true}}}, "Simple", 2},
		} {
			got := must2(w.Rehearse(ctx, tt.try, nil))(t)
			rule := got.Rules[tt.rule]
			if rule == nil || rule.Rejected != tt.rejected || got.Rejected != tt.rejected || len(rule.Examples) != tt.rejected {
				t.Errorf("%s: %+v %+v, want %d rejected", tt.name, got, rule, tt.rejected)
			}
		}
		if got := w.state(); !reflect.DeepEqual(got, before) {
			t.Error("a rehearsal changed something")
		}
		for name, try := range map[string]Rehearsal{"too many": {Last: MaxRehearsed + 1}, "a bad script": {Script: "def"}, "a bad setting": {Settings: map[string]string{"policies": "7"}}} {
			if _, err := w.Rehearse(ctx, try, nil); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestExplain(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.setting()
		w.withRules(strict{})
		w.send(note(1, "a rule", ""))
		s := must2(w.Explain(ctx, "https://b.test/notes/1"))(t)
		if s.Object == nil || s.Object.Patch == "" || len(s.Activities) != 1 || len(s.Activities[0].Decisions) == 0 || s.Activities[0].Decisions[0].Rule != "Rule1" {
			t.Errorf("told: %+v", s)
		}
		w.withRules(refuse{})
		w.deliver(note(2, "hello", ""))
		if s := must2(w.Explain(ctx, "https://b.test/create/2"))(t); len(s.Refusals) != 1 || s.Refusals[0].Stage != "policy Rule1" {
			t.Errorf("told of a refusal: %+v", s)
		}
		if _, err := w.Explain(ctx, "https://b.test/never"); !fault.Is(err, fault.NotFound) {
			t.Errorf("told of nothing: %v", err)
		}
	})
}

func TestTransparency(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.setUp()
	settings := &policy.Settings{Transparency: true, TransparencyExclusions: []string{"secret.test"}}
	w.inForce.Store(settings)
	w.withRules(policy.Tag{})
	for i, b := range []store.HostBlock{{Domain: "bad.test", Severity: "suspend", PublicComment: "spam"}, {Domain: "secret.test", Severity: "suspend"}, {Domain: "lewd.test", Severity: "noop", MediaNSFW: true, Obfuscate: true}} {
		if err := w.SetHostBlock(ctx, 0, &b); err != nil {
			t.Fatal(i, err)
		}
	}
	w.withRules(policy.Tag{})
	w.inForce.Store(settings)
	said := must2(w.Federation(ctx))(t)
	want := "map[media_nsfw:[le**.test] reject:[bad.test]] map[reject:map[bad.test:map[reason:spam]]] true"
	if got := fmt.Sprint(said["mrf_simple"], said["mrf_simple_info"], said["exclusions"]); got != want {
		t.Errorf("said %s, want %s", got, want)
	}
	w.inForce.Store(&policy.Settings{})
	if said := must2(w.Federation(ctx))(t); said["mrf_simple"] != nil {
		t.Errorf("said although it is off: %v", said)
	}
}

// BenchmarkJudge is what the default policies cost for a post that none of them
// touches.
func BenchmarkJudge(b *testing.B) {
	p, _ := benchWorld(b)
	defaults := &policy.Settings{Policies: []string{"ObjectAge", "Tag", "Hashtag", "DirectMessageDisabled", "SpamWave"}, Hashtag: policy.Hashtag{Sensitive: []string{"nsfw"}},
		ObjectAge: policy.ObjectAge{Threshold: 7 * 24 * 3600e9}}
	set, err := defaults.Build(p.Hosts)
	if err != nil {
		b.Fatal(err)
	}
	p.Policies.Set(set)
	actor := &store.Actor{ID: p.NewID(), Host: "b.test", URI: "https://b.test/users/bob", Followers: "https://b.test/users/bob/followers"}
	a := must2(vocab.DecodeActivity([]byte(note(1, "hello", `,"tag":[{"type":"Hashtag","name":"#go"}]`))))(b)
	a.Inline.Published = p.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.judge(b.Context(), p.DB.Q, a, actor, Origin{Host: "b.test"}); err != nil {
			b.Fatal(err)
		}
	}
}
