// Package push encrypts messages for the push services of browsers and phones and
// sends them: Web Push as browsers have it today, and the draft of it that older
// apps still decrypt.
package push

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// MaxMessage is how many bytes a message may have: what fits the 4,096 that every
// push service takes, encrypted.
//
// spec: rfc8291#section-4
const MaxMessage = 3993

// authBytes is the length of a subscription's secret.
//
// spec: rfc8291#section-3.2
const authBytes = 16

// Subscription is where a person's messages go and how they are encrypted.
type Subscription struct {
	Endpoint vocab.IRI
	Standard bool // RFC 8291. Otherwise the draft "aesgcm", which many apps and their relays still expect.

	public *ecdh.PublicKey
	auth   []byte
}

// NewSubscription makes a Subscription of what a browser or app gave: p256dh is its
// public key, auth its secret, both in any form of base64. The error is Invalid.
func NewSubscription(endpoint vocab.IRI, p256dh, auth string, standard bool) (*Subscription, error) {
	s := &Subscription{Endpoint: endpoint, Standard: standard}
	if err := endpoint.Valid(); err != nil {
		return nil, fault.Because(err, fault.Invalid, "Validation failed: Endpoint is not a valid URL")
	}
	raw, err := decode64(p256dh)
	if err == nil {
		s.public, err = ecdh.P256().NewPublicKey(raw)
	}
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "Validation failed: Key p256dh is invalid")
	}
	s.auth, err = decode64(auth)
	if err != nil || len(s.auth) != authBytes {
		return nil, fault.Because(err, fault.Invalid, "Validation failed: Key auth is invalid")
	}
	return s, nil
}

// decode64 reads base64 in the alphabet of URLs or the old one, padded or not.
func decode64(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(strings.TrimSpace(s), "="))
	return base64.RawURLEncoding.DecodeString(s)
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// join puts pieces of a key derivation one after the other.
func join(pieces ...[]byte) []byte { return bytes.Join(pieces, nil) }
