package activitypub

import (
	"context"
	"errors"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/proof"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// maxVouched is how old a signature inside a document may be. Beyond it an activity
// that was taken back may be forgotten here, and whoever kept it could have it done again.
const maxVouched = 28 * 24 * time.Hour

// foreign tells whether an activity is passed on by another host than its actor's.
func foreign(a *vocab.Activity, signer *store.Actor) bool {
	return a.Actor.Host() != signer.Host
}

// passable makes sure that an activity could be its actor's own word although another host
// brings it, and is worth to be looked at: it is signed in itself, or it concerns us and its own
// host can be asked. The error is for who brings it.
//
// spec: ap#inbox-forwarding
func (h *Handler) passable(ctx context.Context, a *vocab.Activity, body []byte, by string) error {
	if h.own[a.Actor.Host()] {
		return fault.New(fault.Denied, "%s does not speak for %s.", by, a.Actor)
	}
	if a.ID == "" || a.ID.Valid() != nil || !vocab.SameHost(a.ID, a.Actor) {
		return fault.New(fault.Rejected, "The activity's id is on another host than its actor.")
	}
	if h.Refuses != nil && (h.Refuses(by) || h.Refuses(a.Actor.Host())) {
		return fault.New(fault.Rejected, "This server does not talk to %s.", by)
	}
	if pipeline.Signed(body) {
		return nil
	}
	concerns, err := h.Pipeline.Concerns(ctx, a)
	if err != nil {
		return err
	}
	if !concerns {
		return fault.New(fault.Denied, "%s does not speak for %s.", by, a.Actor)
	}
	return nil
}

// passedOn takes in, at once, an activity that another host brings where the keys of its actor
// are known and vouch for it. later: it takes a fetch to know.
func (h *Handler) passedOn(ctx context.Context, a *vocab.Activity, body []byte, by string) (later bool, err error) {
	if err := h.passable(ctx, a, body, by); err != nil {
		return false, err
	}
	if known, err := h.DB.HasActivity(ctx, a.ID); err != nil || known {
		return false, err
	}
	author, err := h.DB.ActorByURI(ctx, a.Actor)
	if errors.Is(err, store.ErrNotFound) {
		return a.Type != "Delete", nil // Of strangers nothing is here to delete.
	} else if err != nil {
		return false, err
	}
	read, err := h.vouched(ctx, a, body, func(id vocab.IRI, use func([]string) error) error {
		keys, err := h.keysOf(ctx, author, id)
		if err != nil {
			return err
		}
		return use(keys)
	})
	if err != nil || read == nil {
		return true, nil // The keys may be others by now, or there is nothing to check.
	}
	return false, h.Pipeline.ProcessDecoded(ctx, read, pipeline.Origin{Host: author.Host, Signed: body})
}

// settlePassedOn is passedOn in a job, which may fetch: the actor, its keys, and where no
// signature vouches for the activity, what its own host says of it. A proof that is wrong is
// final.
func (h *Handler) settlePassedOn(ctx context.Context, a *vocab.Activity, body []byte, by string) error {
	if err := h.passable(ctx, a, body, by); err != nil {
		return err
	}
	if known, err := h.DB.HasActivity(ctx, a.ID); err != nil || known {
		return err
	}
	if pipeline.Signed(body) {
		author, err := h.Pipeline.FetchActor(ctx, a.Actor)
		if err != nil {
			return err
		}
		read, err := h.vouched(ctx, a, body, func(id vocab.IRI, use func([]string) error) error {
			_, err := h.withKeys(ctx, author, id, use)
			return err
		})
		switch {
		case err == nil && read != nil:
			return h.Pipeline.ProcessDecoded(ctx, read, pipeline.Origin{Host: author.Host, Signed: body})
		case fault.Is(err, fault.Unauthorized), err != nil && fault.Retryable(err):
			return err
		}
		// A Linked Data Signature that can't be checked says nothing.
		concerns, dbErr := h.Pipeline.Concerns(ctx, a)
		if dbErr != nil {
			return dbErr
		}
		if !concerns {
			return fault.Because(err, fault.Rejected, "Nothing vouches for it.")
		}
	}
	return h.Pipeline.Refetch(ctx, a)
}

// keysFor has use tried with the keys that an id may name.
type keysFor func(id vocab.IRI, use func(keys []string) error) error

// vouched returns a as its actor signed it, read from body; nil when nothing is signed.
// An error of kind Unauthorized means that there is a proof which does not hold, another one that a Linked
// Data Signature does not.
func (h *Handler) vouched(_ context.Context, a *vocab.Activity, body []byte, keys keysFor) (*vocab.Activity, error) {
	p, err := proof.Find(body)
	if err != nil {
		return nil, fault.Because(err, fault.Unauthorized, "The proof can't be read.")
	}
	if p != nil {
		return h.proven(a, p, keys)
	}
	l, err := proof.FindLinked(body)
	if err != nil {
		return nil, fault.Because(err, fault.Rejected, "The signature can't be read.")
	}
	if l == nil {
		return nil, nil
	}
	return h.linked(a, l, keys)
}

func (h *Handler) proven(a *vocab.Activity, p *proof.Proof, keys keysFor) (*vocab.Activity, error) {
	now := h.Now()
	if !vocab.SameHost(p.Method(), a.Actor) {
		return nil, fault.New(fault.Unauthorized, "The proof was not made by %s.", a.Actor)
	}
	if now.Sub(p.Created()) > maxVouched {
		return nil, fault.New(fault.Unauthorized, "The proof is too old.")
	}
	err := keys(p.Method(), func(texts []string) error {
		why := errors.New("no such key")
		for _, text := range texts {
			pub, err := h.keys.parse(text)
			if err != nil {
				why = err
				continue
			}
			if why = p.Verify(pub, now); why == nil {
				return nil
			}
		}
		return fault.Because(why, fault.Unauthorized, "The proof is not valid.")
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// linked reads what is signed, and that alone.
func (h *Handler) linked(a *vocab.Activity, l *proof.Linked, keys keysFor) (*vocab.Activity, error) {
	now := h.Now()
	if !vocab.SameHost(l.Creator(), a.Actor) {
		return nil, fault.New(fault.Rejected, "The signature was not made by %s.", a.Actor)
	}
	if now.Sub(l.Created()) > maxVouched {
		return nil, fault.New(fault.Rejected, "The signature is too old.")
	}
	var plain []byte
	err := keys(l.Creator(), func(texts []string) error {
		why := errors.New("no such key")
		for _, text := range texts {
			pub, err := h.keys.parse(text)
			if err != nil {
				why = err
				continue
			}
			if plain, why = l.Verify(pub, now); why == nil {
				return nil
			}
		}
		return fault.Because(why, fault.Rejected, "The signature is not valid.")
	})
	if err != nil {
		return nil, err
	}
	read, err := vocab.DecodeActivity(plain)
	if err != nil {
		return nil, err
	}
	if read.ID != a.ID || read.Actor != a.Actor || read.Type != a.Type {
		return nil, fault.New(fault.Rejected, "What is signed is another activity.")
	}
	return read, nil
}
