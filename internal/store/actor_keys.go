package store

import (
	"context"
	"fmt"

	"kenoma/internal/vocab"
)

// ProofKeyID is where the public half of the key for proofs stands, behind the id of
// its actor, for actors of ours.
const ProofKeyID vocab.IRI = "#ed25519-key"

// ActorKey is a key of an actor beside that in Actor.
type ActorKey struct {
	ID  vocab.IRI
	Key string // PEM, or multibase as in a Multikey.
}

// SetActorKeys replaces an actor's further keys.
func (tx *Tx) SetActorKeys(ctx context.Context, actor int64, keys []ActorKey) error {
	if _, err := tx.exec(ctx, "DELETE FROM actor_keys WHERE actor = $1", actor); err != nil {
		return fmt.Errorf("keys of actor %d: %w", actor, err)
	}
	for _, k := range keys {
		_, err := tx.exec(ctx, "INSERT INTO actor_keys (actor, key_id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", actor, k.ID, k.Key)
		if err != nil {
			return fmt.Errorf("keys of actor %d: %w", actor, err)
		}
	}
	return nil
}

// ActorKeys returns an actor's further keys.
func (q *Q) ActorKeys(ctx context.Context, actor int64) ([]ActorKey, error) {
	rows, err := q.query(ctx, "SELECT key_id, key FROM actor_keys WHERE actor = $1 ORDER BY key_id", actor)
	return collect(rows, err, func(k *ActorKey) []any { return []any{&k.ID, &k.Key} })
}

// ActorByOtherKey returns who owns a further key with the given id.
func (q *Q) ActorByOtherKey(ctx context.Context, keyID string) (*Actor, error) {
	return q.actor(ctx, "id = (SELECT actor FROM actor_keys WHERE key_id = $1 ORDER BY actor LIMIT 1)", keyID)
}

// SetProofKey keeps the private key with which an account of ours makes proofs.
func (tx *Tx) SetProofKey(ctx context.Context, actor int64, pem string) error {
	_, err := tx.exec(ctx, `INSERT INTO proof_keys (actor, private_key, made) VALUES ($1, $2, $3)
		ON CONFLICT (actor) DO UPDATE SET private_key = excluded.private_key, made = excluded.made`, actor, pem, tx.now().UnixMilli())
	if err != nil {
		return fmt.Errorf("proof key of %d: %w", actor, err)
	}
	return nil
}

// ProofKey returns the private key with which an account of ours makes proofs.
func (q *Q) ProofKey(ctx context.Context, actor int64) (pem string, err error) {
	if err := q.row(ctx, "SELECT private_key FROM proof_keys WHERE actor = $1", actor).Scan(&pem); err != nil {
		return "", fmt.Errorf("proof key of %d: %w", actor, err)
	}
	return pem, nil
}

// WithoutProofKey returns up to limit of our accounts that have none, after an id.
func (q *Q) WithoutProofKey(ctx context.Context, after int64, limit int) ([]int64, error) {
	return q.ids(ctx, `SELECT c.actor FROM accounts c JOIN actors a ON a.id = c.actor
		WHERE c.actor > $1 AND a.deleted = 0 AND NOT EXISTS (SELECT 1 FROM proof_keys k WHERE k.actor = c.actor)
		ORDER BY c.actor LIMIT $2`, after, limit)
}

// Forward is what somebody else sent and one of ours passes on.
type Forward struct {
	Activity int64
	Actor    int64 // Ours.
	Doc      string
}

// AddForward keeps what is to be passed on.
func (tx *Tx) AddForward(ctx context.Context, f Forward) error {
	_, err := tx.exec(ctx, "INSERT INTO forwards (activity, actor, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", f.Activity, f.Actor, f.Doc)
	if err != nil {
		return fmt.Errorf("forwarding %d: %w", f.Activity, err)
	}
	return nil
}

// Forward returns what is passed on of an activity; ErrNotFound where it is not.
func (q *Q) Forward(ctx context.Context, activity int64) (*Forward, error) {
	f := Forward{Activity: activity}
	if err := q.row(ctx, "SELECT actor, doc FROM forwards WHERE activity = $1", activity).Scan(&f.Actor, &f.Doc); err != nil {
		return nil, fmt.Errorf("forwarding %d: %w", activity, err)
	}
	return &f, nil
}

// ExpireForwards drops up to limit of the old ones and returns how many.
func (tx *Tx) ExpireForwards(ctx context.Context, limit int) (int64, error) {
	n, err := tx.exec(ctx, "DELETE FROM forwards WHERE activity IN (SELECT activity FROM forwards WHERE activity < $1 ORDER BY activity LIMIT $2)",
		tx.DB.IDs.Floor(tx.now().Add(-keepDeliveries)), limit)
	if err != nil {
		return 0, fmt.Errorf("expiring forwards: %w", err)
	}
	return n, nil
}
