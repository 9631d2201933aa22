package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// script makes a script of the body of check.
func script(t *testing.T, source string) *Script {
	t.Helper()
	s, err := NewScript("tested", source, ScriptLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScripts(t *testing.T) {
	spam := note(func(o *vocab.Object) {
		o.Content, o.Summary = `<p>Buy <a href="https://buy.test">coins</a></p>`, "offer"
		o.Attachments = []vocab.Attachment{{MediaType: "image/png", URL: "https://b.test/a.png"}}
		o.Tags = []vocab.Tag{{Type: "Hashtag", Name: "#coins"}}
	})
	judge(t, []verdict{
		{"passes", script(t, "def check(activity, facts):\n  pass"), remote, note(nil), false, nil},
		{"accepts", script(t, "def check(activity, facts):\n  return accept()"), remote, note(nil), false, nil},
		{"refuses by the text", script(t, `
def check(activity, facts):
  if activity.post and matches("(?i)buy.*coins", activity.post.text) and not facts.local:
    return reject("no coins from %s" % facts.host)
`), remote, spam, true, nil},
		{"refuses by links of new accounts", script(t, `
NEEDS = ["posts"]
def check(activity, facts):
  if activity.type == "Create" and activity.post.links and facts.posts < 3:
    return reject()
`), remote, spam, true, nil},
		{"rewrites", script(t, `
def check(activity, facts):
  words = [w for w in activity.post.text.split() if len(w) > 1]
  shout = ""
  for w in words:
    shout += w.upper() + "!"
  names = [t.name for t in activity.post.tags if t.type == "Hashtag"]
  return rewrite("loud", content = shout + "".join(names)[1:], delist = True, sensitive = True, strip_media = True)
`), remote, spam, false, func(t *testing.T, c *Case) {
			says("BUY!COINS!coins")(t, c)
			sensitive(t, c)
			visibility("unlisted")(t, c)
			if len(c.Post().Attachments) != 0 {
				t.Error("the media is still there")
			}
		}},
	})
	if want := script(t, "NEEDS = ['posts', 'followed_here']\ndef check(a, f): pass").Wants(&Case{}); want != WantCounts|WantFollowed {
		t.Errorf("it wants %b", want)
	}
}

// TestHostileScripts wants each of them to end in an error, soon and without a harm;
// the activity passes.
func TestHostileScripts(t *testing.T) {
	double := strings.Repeat("  x = x + x\n", 40)
	deep := strings.Repeat("  x = (x, x)\n", 60)
	bodies := map[string]string{
		"an endless loop":              "  for i in range(10000):\n    for j in range(10000):\n      for k in range(10000):\n        pass",
		"a long range":                 "  return max(range(1000000000000))",
		"a giant text":                 "  x = 'a' * 1000000000",
		"a text that doubles":          "  x = 'aa'\n" + double,
		"a text that doubles in place": "  x = 'aa'\n" + strings.ReplaceAll(double, "x = x + x", "x += x"),
		"a giant list":                 "  x = [0] * 1000000000",
		"a giant number":               "  x = 3\n" + strings.Repeat("  x = x * x\n", 40),
		"a list that takes itself":     "  x = [1, 2]\n" + strings.Repeat("  x.extend(x)\n", 40),
		"a text replaced by itself":    "  x = 'a' * 100000\n  y = x.replace('a', x)",
		"a join of big texts":          "  x = 'a' * 100000\n  y = x.join([x] * 1000)",
		"a format of big texts":        "  x = '{}' * 1000\n  y = 'a' * 100000\n  z = x.format(*([y] * 1000))",
		"many big texts":               "  x = ['a' * 100000 for i in range(10000)]",
		"slices that are kept":         "  x = [0] * 10000\n  y = [x[1:] for i in range(10000)]",
		"tuples of tuples, hashed":     "  x = (1,)\n" + deep + "  y = {x: 1}",
		"lists of lists, written":      "  x = [1]\n" + strings.ReplaceAll(strings.ReplaceAll(deep, "(", "["), ")", "]") + "  y = str(x)",
		"a dict that is written":       "  return str({'a': 'b'})",
		"getattr":                      "  return getattr('a', 'replace')('a', 'b')",
		"sorting much":                 "  return sorted(range(9999))",
		"failing":                      "  fail('no')",
		"a wrong answer":               "  return 'yes'",
		"no such field":                "  return activity.nothing",
		"dividing by zero":             "  return 1 // 0",
		"a pattern that is wrong":      "  return matches('(', 'x')",
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			s := script(t, "def check(activity, facts):\n"+body)
			a := note(nil)
			c := &Case{Activity: &a, Facts: remote}
			began := time.Now()
			if err := s.Check(c); err != nil {
				t.Errorf("the post is lost: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if n, last := s.Failures(); n != 1 || last == "" || len(c.Decisions) != 1 {
				t.Errorf("failures %d (%s), said %v", n, last, c.Decisions)
			}
		})
	}
	strict, err := NewScript("strict", "def check(a, f):\n  fail()", ScriptLimits{FailClosed: true})
	if err != nil {
		t.Fatal(err)
	}
	a := note(nil)
	if err := strict.Check(&Case{Activity: &a, Facts: remote}); !fault.Is(err, fault.Rejected) {
		t.Errorf("closed on failure: %v", err)
	}
}

func TestScriptsThatCantBe(t *testing.T) {
	for name, source := range map[string]string{
		"no check":               "x = 1",
		"a check of one":         "def check(a): pass",
		"no Starlark":            "def check(",
		"loading":                "load('x.star', 'y')\ndef check(a, f): pass",
		"our own names":          "def check(a, f):\n  return _attr(a, 'x')",
		"a hidden name assigned": "_add = 1\ndef check(a, f): pass",
		"a while":                "def check(a, f):\n  while True:\n    pass",
		"recursion at once":      "def g(x): return g(x)\ng(1)\ndef check(a, f): pass",
		"an unknown fact":        "NEEDS = ['password']\ndef check(a, f): pass",
		"no such name":           "def check(a, f):\n  return open('x')",
		"an endless start":       "for i in range(10000):\n  for j in range(10000):\n    x = 1\ndef check(a, f): pass",
		"brackets without end":   "def check(a, f):\n  return " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000),
		"signs without end":      "def check(a, f):\n  return " + strings.Repeat("-", 50000) + "1",
		"too long":               "def check(a, f): pass\n#" + strings.Repeat("x", maxScript),
		"assigning to a field":   "def check(a, f):\n  a.x = 1",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewScript("tested", source, ScriptLimits{}); err == nil {
				t.Error("it can be used")
			}
		})
	}
}

func TestSlicesOfScripts(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{"'abcdef'[1:3]", "bc"}, {"'abcdef'[:2]", "ab"}, {"'abcdef'[-2:]", "ef"}, {"'abcdef'[::-1]", "fedcba"}, {"'abcdef'[4:1]", ""}, {"'abcdef'[::2]", "ace"},
		{"'abcdef'[9:]", ""}, {"'abcdef'[4:1:-1]", "edc"}, {"'%s-%d' % ('a', 2)", "a-2"}, {"'a' + 'b' * 2", "abb"}, {"'{}{}'.format(1, 'x')", "1x"},
		{"str(sorted([3, 1])[0])", "1"}, {"'-'.join(['a', 'b'])", "a-b"}, {"'aXa'.replace('X', '--')", "a--a"}, {"str(len({'a': 1} | {'b': 2}))", "2"},
	} {
		a := note(nil)
		c := &Case{Activity: &a, Facts: remote}
		s := script(t, fmt.Sprintf("def check(a, f):\n  return rewrite(content = %s)", tt.expr))
		if err := s.Check(c); err != nil || c.Post().Content != tt.want {
			_, last := s.Failures()
			t.Errorf("%s = %q, want %q (%v %s)", tt.expr, c.Post().Content, tt.want, err, last)
		}
	}
}
