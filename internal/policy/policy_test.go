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
