package pipeline

import (
	"context"

	"kenoma/internal/store"
	"kenoma/internal/stream"
)

// Tell notifies one of ours of something that no activity says, such as a decision
// of the moderators, in the transaction that writes it. Those who listen are told
// once it is committed.
func (p *Pipeline) Tell(ctx context.Context, tx *store.Tx, n store.Notification) error {
	heard, err := tx.AddNotification(ctx, n)
	if err != nil || !heard || p.Stream == nil {
		return err
	}
	tx.OnCommit(func() {
		p.Stream.Publish(stream.Event{Kind: "notification", Notification: n.ID, Home: []int64{n.Owner}, Status: n.Status, Author: n.Actor})
	})
	return nil
}

// Severed tells owner of follows that end by an event, which is kept with its first
// loss. owner may lose more by the same event later: one notification tells of all.
func (p *Pipeline) Severed(ctx context.Context, tx *store.Tx, owner int64, e *store.Severance) error {
	if e.Followers+e.Following == 0 {
		return nil
	}
	if err := tx.InsertSeverance(ctx, e); err != nil {
		return err
	}
	first, err := tx.CountSevered(ctx, owner, e.ID, e.Followers, e.Following)
	if err != nil || !first {
		return err
	}
	return p.Tell(ctx, tx, store.Notification{Owner: owner, ID: e.ID, Kind: store.KindNamed("severed_relationships"), Actor: owner})
}
