package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"kenoma/internal/vocab"
)

// FollowerDigest says who of one server follows an account.
//
// spec: fep-8fcf#the-digest
type FollowerDigest struct {
	Followers int64
	Digest    string // 64 hex digits; of nobody all 0.
}

// noFollowers is the digest of nobody.
var noFollowers = FollowerDigest{Digest: hex.EncodeToString(make([]byte, sha256.Size))}

// FollowerDigest returns the digest of target's followers on a host: "" for ours, of
// an account elsewhere. Follows among strangers, and among our own, are in none.
func (q *Q) FollowerDigest(ctx context.Context, target int64, host string) (FollowerDigest, error) {
	var d FollowerDigest
	err := q.row(ctx, "SELECT followers, digest FROM follower_digests WHERE target = $1 AND host = $2", target, host).Scan(&d.Followers, &d.Digest)
	if errors.Is(err, ErrNotFound) {
		return noFollowers, nil
	}
	return d, wrapped(err, "digest of followers")
}

// FollowersOn returns the ids of target's accepted followers on a host ("" ours), the
// earliest account first, at most limit.
func (q *Q) FollowersOn(ctx context.Context, target int64, host string, limit int) ([]vocab.IRI, error) {
	rows, err := q.query(ctx, `SELECT a.uri FROM follows f JOIN actors a ON a.id = f.actor
		WHERE f.target = $1 AND f.accepted AND a.deleted = 0 AND (CASE WHEN a.local THEN '' ELSE a.host END) = $2 ORDER BY f.actor LIMIT $3`, target, host, limit)
	all, err := collect(rows, err, self[vocab.IRI])
	return all, wrapped(err, "followers on a host")
}

// turnDigest adds a follower to the digest of its server (n 1), or takes it out (n −1):
// the same turn of the bits.
func (tx *Tx) turnDigest(ctx context.Context, actor, target, n int64) error {
	var uri, host string
	var local, targetLocal bool
	err := tx.row(ctx, "SELECT a.uri, a.host, a.local, t.local FROM actors a, actors t WHERE a.id = $1 AND t.id = $2", actor, target).Scan(&uri, &host, &local, &targetLocal)
	if errors.Is(err, ErrNotFound) || err == nil && local == targetLocal {
		return nil
	} else if err != nil {
		return fmt.Errorf("digest of followers of %d: %w", target, err)
	}
	if local {
		host = ""
	}
	if err := tx.Lock(ctx, fmt.Sprintf("followers of %d on %s", target, host)); err != nil {
		return err
	}
	was, err := tx.FollowerDigest(ctx, target, host)
	if err != nil {
		return err
	}
	if was.Followers += n; was.Followers <= 0 {
		_, err := tx.exec(ctx, "DELETE FROM follower_digests WHERE target = $1 AND host = $2", target, host)
		return wrapped(err, "digest of followers")
	}
	bits, err := hex.DecodeString(was.Digest)
	if err != nil || len(bits) != sha256.Size {
		return fmt.Errorf("digest of followers of %d on %q is %q", target, host, was.Digest)
	}
	for i, b := range sha256.Sum256([]byte(uri)) {
		bits[i] ^= b
	}
	_, err = tx.exec(ctx, `INSERT INTO follower_digests (target, host, followers, digest) VALUES ($1, $2, $3, $4)
		ON CONFLICT (target, host) DO UPDATE SET followers = excluded.followers, digest = excluded.digest`, target, host, was.Followers, hex.EncodeToString(bits))
	return wrapped(err, "digest of followers")
}
