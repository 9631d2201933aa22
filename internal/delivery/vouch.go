package delivery

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"kenoma/internal/proof"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// vouched is a document with the proof that its actor made it, so that it holds
// whoever passes it on. The same activity always gives the same proof. What others
// are likely to pass on gets a Linked Data Signature too, which more software knows:
// public answers, the ends of public posts, and where relays get them all public posts. Messages to named people get neither:
// nobody is to pass them on, and nobody could deny them.
//
// spec: fep-8b32, ap#inbox-forwarding
func (d *Delivery) vouched(ctx context.Context, a *store.Activity, doc []byte) ([]byte, error) {
	if a.Visibility == narrow && (a.Type == "Create" || a.Type == "Update") {
		return doc, nil
	}
	signer, err := d.prover(ctx, a.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return doc, nil // The instance, or an account that gets its key soon.
	} else if err != nil {
		return nil, err
	}
	made := vocab.TimeOf(a.Seq)
	proven, err := signer.Sign(doc, made)
	if err != nil {
		return nil, fmt.Errorf("activity %d: %w", a.Seq, err)
	}
	read, err := vocab.DecodeActivity(doc)
	if err != nil {
		return nil, fmt.Errorf("activity %d of the log: %w", a.Seq, err)
	}
	if !passedOn(read) {
		if relayed, err := d.relayed(ctx, a); err != nil || !relayed {
			return proven, err
		}
	}
	key, err := d.key(ctx, a.Actor)
	if err != nil {
		return nil, err
	}
	private, ok := key.Private.(*rsa.PrivateKey)
	if !ok {
		return proven, nil
	}
	both, err := proof.SignLinked(proven, key.ID, private, made)
	if err != nil {
		// A post may be too large for it, or hold what no graph can; the proof stands.
		d.opts.Log.Debug("no linked data signature", "activity", a.Seq, "err", err)
		return proven, nil
	}
	return both, nil
}

// passedOn tells whether others are likely to pass an activity on to their followers.
func passedOn(a *vocab.Activity) bool {
	if !contains(a, vocab.Public) {
		return false
	}
	return a.Type == "Delete" || a.Inline != nil && a.Inline.InReplyTo != ""
}

// prover returns what makes the proofs of an account of ours.
func (d *Delivery) prover(ctx context.Context, actor int64) (*proof.Signer, error) {
	return d.provers.get(actor, func() (*proof.Signer, error) {
		ctx := context.WithoutCancel(ctx)
		text, err := d.opts.DB.ProofKey(ctx, actor)
		if err != nil {
			return nil, err
		}
		key, err := remote.ParsePrivateKey(text)
		if err != nil {
			return nil, fmt.Errorf("proof key of %d: %w", actor, err)
		}
		private, ok := key.(ed25519.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("proof key of %d is a %T", actor, key)
		}
		row, err := d.opts.DB.Actor(ctx, actor)
		if err != nil {
			return nil, err
		}
		return &proof.Signer{ID: row.URI + store.ProofKeyID, Private: private}, nil
	})
}

// relayed tells whether relays get an activity whole, to pass it on.
func (d *Delivery) relayed(ctx context.Context, a *store.Activity) (bool, error) {
	if a.Visibility != 0 || !slices.Contains(relayedTypes, a.Type) {
		return false, nil
	}
	inboxes, err := d.opts.DB.RelayInboxes(ctx)
	return len(inboxes) > 0, err
}
