package pipeline

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"kenoma/internal/proof"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// addProofKey puts the key for integrity proofs into the document of one of our
// accounts, where it isn't yet; it is made where there is none.
//
// spec: fep-521a
func addProofKey(ctx context.Context, tx *store.Tx, a *vocab.Actor, id int64) error {
	if slices.ContainsFunc(a.Keys, func(k vocab.PublicKey) bool { return k.Multi != "" }) {
		return nil
	}
	private, err := proofKey(ctx, tx.Q, id)
	if errors.Is(err, store.ErrNotFound) {
		if _, private, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return err
		}
		text, err := remote.EncodePrivateKey(private)
		if err != nil {
			return err
		}
		if err := tx.SetProofKey(ctx, id, text); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	public, _ := private.Public().(ed25519.PublicKey)
	a.Keys = append(a.Keys, vocab.PublicKey{ID: a.ID + store.ProofKeyID, Owner: a.ID, Multi: proof.EncodeKey(public)})
	return nil
}

func proofKey(ctx context.Context, q *store.Q, id int64) (ed25519.PrivateKey, error) {
	text, err := q.ProofKey(ctx, id)
	if err != nil {
		return nil, err
	}
	key, err := remote.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("proof key of %d is a %T", id, key)
	}
	return private, nil
}

type proofKeysJob struct{}

// proofKeysChunk is how many accounts get their key in one transaction.
const proofKeysChunk = 50

// ScheduleProofKeys has accounts from before there were proofs given their keys.
func (p *Pipeline) ScheduleProofKeys(ctx context.Context) error {
	missing, err := p.DB.WithoutProofKey(ctx, 0, 1)
	if err != nil || len(missing) == 0 {
		return err
	}
	return p.DB.Write(ctx, func(tx *store.Tx) error {
		s := &Step{Tx: tx, p: p}
		return s.enqueueAt(ctx, "proof-keys", "", "proof-keys", 0, proofKeysJob{})
	})
}

// addProofKeys is the job. The documents change without an Update being sent: who
// wants to check a proof fetches the key.
func (p *Pipeline) addProofKeys(ctx context.Context, _ proofKeysJob) error {
	var after int64
	for {
		ids, err := p.DB.WithoutProofKey(ctx, after, proofKeysChunk)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		err = p.DB.Write(ctx, func(tx *store.Tx) error {
			for _, id := range ids {
				if err := giveProofKey(ctx, tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func giveProofKey(ctx context.Context, tx *store.Tx, id int64) error {
	row, err := tx.Actor(ctx, id)
	if err != nil {
		return err
	}
	if err := tx.Lock(ctx, string(row.URI)); err != nil {
		return err
	}
	if row, err = tx.Actor(ctx, id); err != nil || row.Deleted != 0 {
		return err
	}
	doc, err := tx.ActorDoc(ctx, id)
	if err != nil {
		return err
	}
	a, err := vocab.DecodeActor([]byte(doc))
	if err != nil {
		return fmt.Errorf("actor %d of the log: %w", id, err)
	}
	if err := addProofKey(ctx, tx, a, id); err != nil {
		return err
	}
	if err := tx.UpdateActor(ctx, row, string(a.Encode())); err != nil {
		return err
	}
	return tx.SetActorKeys(ctx, id, otherKeys(a))
}
