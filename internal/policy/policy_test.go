package policy

import (
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

func TestRejectDomains(t *testing.T) {
	rule := RejectDomains{"bad.test", "*.worse.test"}
	for _, tt := range []struct {
		name     string
		facts    Facts
		rejected bool
	}{
		{"a listed host", Facts{Host: "bad.test"}, true},
		{"below a listed host without star", Facts{Host: "sub.bad.test"}, false},
		{"below a starred host", Facts{Host: "a.b.worse.test"}, true},
		{"the starred host itself", Facts{Host: "worse.test"}, true},
		{"a host that only ends alike", Facts{Host: "notworse.test"}, false},
		{"one of ours", Facts{Host: "bad.test", Local: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := rule.Check(t.Context(), &vocab.Activity{Type: "Create"}, tt.facts)
			if got := fault.Is(err, fault.Rejected); got != tt.rejected {
				t.Errorf("Check = %v, want rejected %t", err, tt.rejected)
			}
		})
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
