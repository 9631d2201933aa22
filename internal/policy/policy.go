// Package policy holds the admin's rules for what is let in and how (MRF): one
// file per rule. Rules are pure: the pipeline gathers the facts before the call.
package policy

import (
	"context"

	"kenoma/internal/vocab"
)

// Facts are what a rule may know beside the activity itself.
type Facts struct {
	Local   bool   // One of our own accounts acts.
	Host    string // The actor's host.
	Fetched bool   // We went to get it.
}

// Rule judges an activity. An error of kind fault.Rejected refuses it; a rule may
// change the activity instead.
type Rule interface {
	Check(ctx context.Context, a *vocab.Activity, facts Facts) error
}
