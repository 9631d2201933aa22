package pipeline

import (
	"context"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Type is what an activity type means. Each has a file of its own, whose
// declaration registers it.
type Type struct {
	Name string
	Spec string // Where its side effects are specified.
	// Validate looks at the activity alone; no I/O. nil: nothing to check.
	Validate func(*vocab.Activity, Origin) error
	// Apply writes the effects in the transaction that stores the activity. It runs
	// again, on the same log and emptied projections, when they are rebuilt.
	Apply func(context.Context, *Step) error
	// Undo takes the effects of a stored activity of this type back. nil: it can't
	// be undone.
	Undo func(context.Context, *Step, *store.Activity) error
	// Internal types are ours alone: never accepted from outside, never sent.
	Internal bool
	// Wrapped types are those of what an Announce wraps: never named by a document.
	Wrapped bool
}

// types is the registry; define fills it while the package is initialised.
var types = map[string]*Type{}

func define(t Type) *Type {
	if t.Validate == nil {
		t.Validate = func(*vocab.Activity, Origin) error { return nil }
	}
	types[t.Name] = &t
	return &t
}

// Types returns the names of the activity types that have effects here.
func Types() []string {
	var names []string
	for name, t := range types {
		if !t.Internal && !t.Wrapped {
			names = append(names, name)
		}
	}
	return names
}
