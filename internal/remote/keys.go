package remote

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"kenoma/internal/fault"
	"kenoma/internal/proof"
	"kenoma/internal/vocab"
)

const (
	keyBits = 2048     // Of our own RSA keys; what the whole network verifies.
	maxPEM  = 16 << 10 // Bytes; an RSA key of 8192 bits takes 1.5 kB.
)

// Bounds of strangers' RSA keys in bits. Below 1024 they are broken, above 8192
// each verification would cost more than half a millisecond.
const (
	minRSA = 1024
	maxRSA = 8192
)

// Key signs requests in the name of an actor.
type Key struct {
	ID      vocab.IRI     // Where others find the public half, e.g. "https://a.test/users/ann#main-key".
	Private crypto.Signer // RSA or Ed25519.
}

// NewRSAKey makes a key of 2048 bits.
func NewRSAKey() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, keyBits)
}

// ParsePublicKey reads the publicKeyPem of an actor, or the publicKeyMultibase of a
// Multikey: RSA of 1024 to 8192 bits (PKIX or PKCS #1) or Ed25519. An error is a
// fault of kind Invalid. Its time is bounded for whatever comes.
func ParsePublicKey(text string) (crypto.PublicKey, error) {
	key, err := parsePublicKey(text)
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "The public key can't be used.")
	}
	return key, nil
}

func parsePublicKey(text string) (crypto.PublicKey, error) {
	key, err := decodePublicKey(text)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < minRSA || n > maxRSA {
			return nil, fmt.Errorf("RSA key of %d bits", n)
		}
		if key.E < 3 || key.E%2 == 0 {
			return nil, errors.New("RSA key with a bad exponent")
		}
		return key, nil
	case ed25519.PublicKey:
		return key, nil
	default:
		return nil, fmt.Errorf("key is a %T", key)
	}
}

// decodePublicKey reads a key in any of its forms; its size is not checked yet.
func decodePublicKey(text string) (any, error) {
	if strings.HasPrefix(text, "z") || strings.HasPrefix(text, "u") {
		return proof.ParseKey(text) // spec: fep-521a
	}
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return nil, fmt.Errorf("PEM block is a %.50q", block.Type)
}

// EncodePublicKey writes pub as PKIX PEM.
func EncodePublicKey(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// EncodePrivateKey writes key as PKCS #8 PEM.
func EncodePrivateKey(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encode private key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// ParsePrivateKey reads what EncodePrivateKey wrote, and PKCS #1, which other
// servers keep.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	var key any
	if block.Type == "RSA PRIVATE KEY" {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, fmt.Errorf("private key is a %T", key)
	}
}

func onePEM(text string) (*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, errors.New("PEM is too long")
	}
	block, _ := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	return block, nil
}
