package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"kenoma/internal/vocab"
)

// Keys are the pair by which push services know this server. Subscriptions are made
// for the public one, so it stays for as long as the server does.
//
// spec: rfc8292
type Keys struct{ private *ecdsa.PrivateKey }

// NewKeys makes a pair.
func NewKeys() (*Keys, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key for push messages: %w", err)
	}
	return &Keys{private}, nil
}

// ReadKeys reads what Secret returned.
func ReadKeys(secret string) (*Keys, error) {
	raw, err := decode64(secret)
	if err != nil {
		return nil, fmt.Errorf("the key for push messages: %w", err)
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, fmt.Errorf("the key for push messages: %w", err)
	}
	return &Keys{private}, nil
}

// Secret is the private key as text, to be kept.
func (k *Keys) Secret() string {
	raw, err := k.private.Bytes()
	if err != nil {
		panic(err) // A key of NewKeys or ReadKeys is on the curve.
	}
	return encode64(raw)
}

// Public is the public key as apps are told it: base64 for URLs, padded as Mastodon
// does.
//
// spec: masto:entities/Instance#configuration-vapid-public_key
func (k *Keys) Public() string { return base64.URLEncoding.EncodeToString(k.public()) }

func (k *Keys) public() []byte {
	raw, err := k.private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return raw
}

// tokenLife is how long a token is good for. Services refuse more than a day.
//
// spec: rfc8292#section-2
const tokenLife = 12 * time.Hour

// token is a JWT that tells the service at endpoint who sends, and whom to ask when
// something is wrong.
//
// spec: rfc8292#section-2, rfc7518#section-3.4
func (k *Keys) token(endpoint vocab.IRI, subject string, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"aud": origin(endpoint), "exp": now.Add(tokenLife).Unix(), "sub": subject})
	if err != nil {
		return "", err
	}
	text := encode64([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + encode64(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing a push message: %w", err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode64(signature), nil
}

// signed tells whether the token's signature was made by the owner of the public key.
func signed(text string, signature []byte, public *ecdsa.PublicKey) bool {
	sum := sha256.Sum256([]byte(text))
	return len(signature) == 64 && ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
