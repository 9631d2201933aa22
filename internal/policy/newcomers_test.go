package policy

import (
	"fmt"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

func TestNewcomers(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rule := &Newcomers{NewFor: 72 * time.Hour, Posts: 6, Mentions: 4, Links: 2, Messages: 3, Follows: 5}
	post := func(i int, change func(*vocab.Object)) vocab.Activity {
		a := note(func(o *vocab.Object) {
			if change != nil {
				change(o)
			}
		})
		a.ID = vocab.IRI(fmt.Sprintf("https://a.test/create/%d", i))
		return a
	}
	stranger := func(i int) []vocab.IRI { return []vocab.IRI{vocab.IRI(fmt.Sprintf("https://c.test/users/s%d", i))} }
	for _, tt := range []struct {
		name  string
		want  int
		facts Facts
		make  func(i int) (vocab.Activity, []vocab.IRI)
		every time.Duration
	}{
		{name: "posts", want: 6, make: func(i int) (vocab.Activity, []vocab.IRI) { return post(i, nil), nil }},
		{name: "boosts", want: 6, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return vocab.Activity{Type: "Announce", ID: vocab.IRI(fmt.Sprint("https://a.test/", i)), Actor: "https://b.test/users/bob"}, nil
		}},
		{name: "links", want: 2, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return post(i, func(o *vocab.Object) { o.Content = "https://x.test/" }), nil
		}},
		{name: "mentions of strangers", want: 4, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return post(i, nil), stranger(i)
		}},
		{name: "a talk with one stranger", want: 6, make: func(i int) (vocab.Activity, []vocab.IRI) { return post(i, nil), stranger(1) }},
		{name: "direct messages to strangers", want: 3, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return post(i, func(o *vocab.Object) { o.To, o.Cc = stranger(i), nil }), stranger(i)
		}},
		{name: "follows", want: 5, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return vocab.Activity{Type: "Follow", Actor: "https://b.test/users/bob", Object: stranger(i)[0]}, nil
		}},
		{name: "an import", want: 20, facts: Facts{Import: true}, make: func(i int) (vocab.Activity, []vocab.IRI) {
			return vocab.Activity{Type: "Follow", Actor: "https://b.test/users/bob", Object: stranger(i)[0]}, nil
		}},
		{name: "somebody who is here for long", want: 20, facts: Facts{FirstSeen: start.Add(-100 * time.Hour)}, make: func(i int) (vocab.Activity, []vocab.IRI) { return post(i, nil), nil }},
		{name: "slowly", want: 20, every: 20 * time.Minute, make: func(i int) (vocab.Activity, []vocab.IRI) { return post(i, nil), nil }},
	} {
		tally, done := &Tally{}, 0
		for i := range 20 {
			a, people := tt.make(i)
			facts := tt.facts
			facts.Local, facts.Unknown, facts.Now = true, people, start.Add(time.Duration(i)*tt.every)
			if facts.FirstSeen.IsZero() {
				facts.FirstSeen = start
			}
			err := rule.Check(&Case{Activity: &a, Facts: facts, Tally: tally})
			if err == nil {
				done++
			} else if !fault.Is(err, fault.TooMany) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if done != tt.want {
			t.Errorf("%s: %d of 20 pass, want %d", tt.name, done, tt.want)
		}
	}
	// Elsewhere others judge.
	a := post(1, nil)
	if err := rule.Check(&Case{Activity: &a, Facts: Facts{Now: start, FirstSeen: start}, Tally: &Tally{}}); err != nil {
		t.Errorf("a stranger: %v", err)
	}
}
