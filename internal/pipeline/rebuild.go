package pipeline

import (
	"context"
	"fmt"

	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// Rebuild empties every projection and fills it again from the log, in one
// transaction: it succeeds whole or changes nothing. It is meant for a server that
// is not running. progress is told how many of how many activities are done.
func (p *Pipeline) Rebuild(ctx context.Context, progress func(done, total int64)) error {
	total, err := p.DB.CountActivities(ctx)
	if err != nil {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.EmptyProjections(ctx); err != nil {
			return err
		}
		if err := p.rebuildProfiles(ctx, tx); err != nil {
			return err
		}
		var done, after int64
		for {
			rows, err := tx.Activities(ctx, after, 200)
			if err != nil {
				return err
			}
			for i := range rows {
				if err := p.replay(ctx, tx, &rows[i]); err != nil {
					return err
				}
				after = rows[i].Seq
			}
			done += int64(len(rows))
			if progress != nil {
				progress(done, total)
			}
			if len(rows) < 200 {
				return nil
			}
		}
	})
}

// rebuildProfiles renders every actor's document again.
func (p *Pipeline) rebuildProfiles(ctx context.Context, tx *store.Tx) error {
	var after int64
	for {
		docs, err := tx.ActorDocs(ctx, after, 200)
		if err != nil {
			return err
		}
		for _, d := range docs {
			after = d.ID
			profile := &store.Profile{Type: d.Type, URL: d.URI}
			if d.Doc != "" {
				a, err := vocab.DecodeActor([]byte(d.Doc))
				if err != nil {
					return fmt.Errorf("actor %d of the log: %w", d.ID, err)
				}
				profile = profileOf(a)
				if keys := otherKeys(a); len(keys) > 0 {
					if err := tx.SetActorKeys(ctx, d.ID, keys); err != nil {
						return err
					}
				}
			}
			if _, err := setProfile(ctx, tx, d.ID, profile, 0); err != nil {
				return err
			}
		}
		if len(docs) < 200 {
			return nil
		}
	}
}

// replay applies one activity of the log to the projections. What was taken back
// is not done in the first place.
func (p *Pipeline) replay(ctx context.Context, tx *store.Tx, row *store.Activity) error {
	if row.State == store.Undone || row.State == store.Void {
		return nil
	}
	s, err := p.load(ctx, tx, row)
	if err != nil || s == nil {
		return err
	}
	s.replay = true
	if err := p.attach(ctx, s, row); err != nil {
		return err
	}
	s.prepare()
	if err := types[row.Type].Apply(ctx, s); err != nil {
		if fault.KindOf(err) == fault.Internal {
			return fmt.Errorf("replaying %s: %w", row.URI, err)
		}
		return nil
	}
	for _, w := range s.waits {
		if err := tx.AddWait(ctx, w, store.Wait{Ref: row.Seq, Kind: store.WaitActivity}); err != nil {
			return err
		}
	}
	s.arrived = append(s.arrived, row.URI)
	return s.after(ctx, 0)
}

// attach puts the version of the object that the activity brought back into it.
func (p *Pipeline) attach(ctx context.Context, s *Step, row *store.Activity) error {
	if s.Activity.Inline != nil || row.Object == 0 || row.Type != "Create" && row.Type != "Update" {
		return nil
	}
	doc, patch, err := s.VersionBySeq(ctx, row.Object, row.Seq)
	if err != nil || doc == "" {
		return err
	}
	o, err := stored(doc, patch)
	if err != nil {
		return fmt.Errorf("object %d of the log: %w", row.Object, err)
	}
	s.Activity.Inline = o
	return nil
}
