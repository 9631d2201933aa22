package policy

import (
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// verdict is a row of a rule's test: a case, and what it becomes.
type verdict struct {
	name     string
	rule     Rule
	facts    Facts
	activity vocab.Activity
	rejected bool
	check    func(t *testing.T, c *Case) // nil: nothing may have changed.
}

// judge runs the rows.
func judge(t *testing.T, rows []verdict) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			c := &Case{Activity: &tt.activity, Facts: tt.facts}
			err := (&Set{Rules: []Named{{"Tested", tt.rule}}}).Judge(c)
			if got := fault.Is(err, fault.Rejected); got != tt.rejected || err != nil && !got {
				t.Fatalf("Judge = %v, want rejected %t", err, tt.rejected)
			}
			switch {
			case tt.rejected:
				if Refused(err) != "Tested" {
					t.Errorf("the refusal names the rule %q", Refused(err))
				}
			case tt.check != nil:
				tt.check(t, c)
			case !c.Patch.Empty() || len(c.Jobs) > 0 || !c.Expires.IsZero():
				t.Errorf("changed without need: %s %v %v", c.Patch.String(), c.Jobs, c.Decisions)
			}
		})
	}
}

const followers vocab.IRI = "https://b.test/users/bob/followers"

// note is a Create of a public post by bob@b.test.
func note(change func(*vocab.Object)) vocab.Activity {
	o := &vocab.Object{ID: "https://b.test/notes/1", Type: "Note", AttributedTo: []vocab.IRI{"https://b.test/users/bob"}, To: []vocab.IRI{vocab.Public},
		Cc: []vocab.IRI{followers}, Content: "<p>Good morning</p>"}
	if change != nil {
		change(o)
	}
	return vocab.Activity{ID: "https://b.test/create/1", Type: "Create", Actor: "https://b.test/users/bob", Object: o.ID, Inline: o, To: o.To, Cc: o.Cc}
}

// remote are the plain facts about bob.
var remote = Facts{Host: "b.test", Followers: followers, Username: "bob"}

func visibility(name string) func(*testing.T, *Case) {
	return func(t *testing.T, c *Case) {
		t.Helper()
		if got := c.Visibility().Name; got != name {
			t.Errorf("the post is %s, want %s (%v)", got, name, c.Decisions)
		}
		if len(c.Decisions) == 0 {
			t.Error("it is not said why")
		}
	}
}

func TestRejectDomains(t *testing.T) {
	rule := RejectDomains{"bad.test", "*.worse.test"}
	create := vocab.Activity{Type: "Create"}
	judge(t, []verdict{
		{"a listed host", rule, Facts{Host: "bad.test"}, create, true, nil},
		{"below a listed host without star", rule, Facts{Host: "sub.bad.test"}, create, false, nil},
		{"below a starred host", rule, Facts{Host: "a.b.worse.test"}, create, true, nil},
		{"the starred host itself", rule, Facts{Host: "worse.test"}, create, true, nil},
		{"a host that only ends alike", rule, Facts{Host: "notworse.test"}, create, false, nil},
		{"one of ours", rule, Facts{Host: "bad.test", Local: true}, create, false, nil},
	})
}

func TestSimple(t *testing.T) {
	var hosts Hosts
	hosts.Set([]HostRule{{Domain: "bad.test", Suspend: true}, {Domain: "b.test", FollowersOnly: true, MediaNSFW: true}, {Domain: "sticky.test", RejectDeletes: true}}, nil, false)
	rule, wary := NewSimple(&hosts, false), NewSimple(&hosts, true)
	picture := note(func(o *vocab.Object) {
		o.To, o.Cc = []vocab.IRI{followers}, nil
		o.Attachments = []vocab.Attachment{{URL: "https://b.test/a.png"}}
	})
	answer := note(func(o *vocab.Object) {
		o.To, o.Cc = []vocab.IRI{followers}, nil
		o.InReplyTo = "https://sub.bad.test/notes/1"
	})
	thread := note(func(o *vocab.Object) {
		o.To, o.Cc = []vocab.IRI{followers}, nil
		o.Conversation = "https://bad.test/contexts/1"
	})
	judge(t, []verdict{
		{"a blocked host", rule, Facts{Host: "bad.test"}, note(nil), true, nil},
		{"below a blocked host", rule, Facts{Host: "x.bad.test"}, note(nil), true, nil},
		{"one of ours", rule, Facts{Host: "bad.test", Local: true}, note(nil), false, nil},
		{"followers only", rule, remote, note(nil), false, visibility("private")},
		{"media is marked", rule, remote, picture, false, func(t *testing.T, c *Case) {
			if !c.Post().Sensitive {
				t.Error("the media is not marked")
			}
		}},
		{"an answer to a blocked host", rule, remote, answer, false, nil},
		{"the same, where threads are looked at", wary, remote, answer, true, nil},
		{"in a thread of a blocked host", wary, remote, thread, true, nil},
		{"a deletion", rule, Facts{Host: "sticky.test"}, vocab.Activity{Type: "Delete", Actor: "https://sticky.test/u", Object: "https://sticky.test/1"}, true, nil},
		{"a deletion by others", rule, remote, vocab.Activity{Type: "Delete", Actor: "https://b.test/u", Object: "https://b.test/1"}, false, nil},
	})
}

func TestPatchIsKept(t *testing.T) {
	a := note(func(o *vocab.Object) { o.Attachments = []vocab.Attachment{{URL: "https://b.test/a.png"}} })
	c := &Case{Activity: &a, Facts: remote}
	text := "other"
	c.Delist("test")
	c.StripMedia("test")
	c.MarkSensitive("test")
	c.SetText(&text, nil, nil, "test")
	c.SetTags(nil, "test")
	c.Quiet("test")
	back, err := ParsePatch(c.Patch.String())
	if err != nil {
		t.Fatal(err)
	}
	again := note(func(o *vocab.Object) {
		o.Attachments = []vocab.Attachment{{URL: "https://b.test/a.png"}}
		o.Tags = []vocab.Tag{{Type: "Hashtag", Name: "#x"}}
	})
	back.Apply(&again)
	o := again.Inline
	if vocab.VisibilityOf(o.To, o.Cc, followers).Name != "unlisted" || vocab.VisibilityOf(again.To, again.Cc, followers).Name != "unlisted" ||
		len(o.Attachments) != 0 || !o.Sensitive || o.Content != "other" || len(o.Tags) != 0 || !back.Quiet {
		t.Errorf("the patch %s makes %+v", c.Patch.String(), o)
	}
	if p, err := ParsePatch(""); err != nil || !p.Empty() {
		t.Errorf("no patch is %v, %v", p, err)
	}
}

func TestHostRules(t *testing.T) {
	var h Hosts
	if h.Refuses("b.test") || h.AnyMedia() {
		t.Error("no rules refuse something")
	}
	h.Set([]HostRule{{Domain: "bad.test", Suspend: true}, {Domain: "loud.bad.test", Silence: true, RejectMedia: true}}, nil, false)
	for host, want := range map[string]bool{"bad.test": true, "sub.bad.test": true, "SUB.bad.test:8080": true, "notbad.test": false, "test": false,
		"loud.bad.test": false, "a.loud.bad.test": false, "": false} {
		if h.Refuses(host) != want {
			t.Errorf("%q refused: %t", host, !want)
		}
	}
	if !h.AnyMedia() || !h.Of("loud.bad.test").Silence {
		t.Error("the rule of the lower host does not hold")
	}
	h.Set(nil, []string{"good.test"}, true)
	if h.Refuses("good.test") || !h.Refuses("b.test") {
		t.Error("limited federation lets in others, or not those who are allowed")
	}
}
