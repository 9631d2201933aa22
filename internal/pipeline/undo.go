package pipeline

import (
	"context"
	"errors"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Undo is "actor takes an activity of its own back". It is final for that one.
var Undo = define(Type{
	Name:     "Undo",
	Spec:     "ap#undo-activity-inbox",
	Validate: validateUndo,
	Apply:    applyUndo,
})

func validateUndo(a *vocab.Activity, from Origin) error {
	if n := a.Nested; n != nil {
		if n.Actor != "" && n.Actor != a.Actor {
			return fault.New(fault.Rejected, "Only its actor can undo an activity.")
		}
		if t := types[n.Type]; t == nil || t.Undo == nil {
			return fault.New(fault.Rejected, "A %s can't be undone here.", n.Type)
		}
		if n.ID == "" && n.Object != "" {
			return nil // Some software undoes "my Follow of X" without its id.
		}
	}
	return needsObject(a, from)
}

func applyUndo(ctx context.Context, s *Step) error {
	s.visibility = direct
	row, err := s.undone(ctx)
	if err != nil || row == nil {
		return err
	}
	if row.Actor != s.Actor.ID {
		return fault.New(fault.Rejected, "Only its actor can undo an activity.")
	}
	t := types[row.Type]
	if t == nil || t.Undo == nil {
		return fault.New(fault.Rejected, "A %s can't be undone here.", row.Type)
	}
	s.object, s.visibility = row.Seq, row.Visibility
	if row.State != store.Live && !s.replay {
		if row.State == store.Waiting {
			return s.SetActivity(ctx, row.Seq, store.Undone, row.Object)
		}
		return nil
	}
	if !s.replay {
		if err := s.SetActivity(ctx, row.Seq, store.Undone, row.Object); err != nil {
			return err
		}
	}
	return t.Undo(ctx, s, row)
}

// undone returns the activity that is taken back; nil after asking to wait for it.
// Software that leaves out or invents the id of what it undoes is met half-way: the
// newest live activity of that type by the actor about the same object is meant. An
// invented id counts for follows alone, which Misskey and others name anew to undo
// them, and the activity that has it is waited for all the same.
func (s *Step) undone(ctx context.Context) (*store.Activity, error) {
	row, err := s.ActivityByURI(ctx, s.Activity.Object)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return row, err
	}
	n := s.Activity.Nested
	if n == nil || n.Object == "" {
		return nil, s.Wait(s.Activity.Object)
	}
	object, err := s.idOf(ctx, n.Object)
	if err != nil {
		return nil, err
	}
	if object != 0 && (n.ID == "" || n.Type == Follow.Name) {
		all, err := s.LiveActivities(ctx, n.Type, s.Actor.ID, object)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 && n.ID != "" {
			return &all[0], s.Wait(n.ID)
		}
		if len(all) > 0 {
			return &all[0], nil
		}
	}
	if s.Activity.Object == "" {
		s.state = store.Void
		return nil, nil
	}
	return nil, s.Wait(s.Activity.Object)
}

// idOf returns the id of the object or actor that uri names, 0 when unknown.
func (s *Step) idOf(ctx context.Context, uri vocab.IRI) (int64, error) {
	o, err := s.ObjectByURI(ctx, uri)
	if err == nil {
		return o.ID, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	a, err := s.ActorByURI(ctx, uri)
	if err == nil {
		return a.ID, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	return 0, nil
}
