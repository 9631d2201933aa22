// Package proof makes and checks signatures that stand in documents: integrity
// proofs and Linked Data Signatures. What they vouch for holds whoever brings the
// document. It does no I/O.
package proof

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// maxMultibase bounds a key or signature in multibase, in characters. An RSA key of
// 8192 bits takes 1,430.
const maxMultibase = 2048

// The codes before a key's bytes, as varints.
//
// spec: https://github.com/multiformats/multicodec
const (
	ed25519Code = "\xed\x01"
	rsaCode     = "\x85\x24"
)

// EncodeKey writes an Ed25519 key as a Multikey's publicKeyMultibase.
//
// spec: fep-521a, https://www.w3.org/TR/cid-1.0/#Multikey
func EncodeKey(pub ed25519.PublicKey) string {
	return "z" + encode58(append([]byte(ed25519Code), pub...))
}

// ParseKey reads a publicKeyMultibase: Ed25519, or RSA in the form of PKCS #1. The
// caller bounds the size of an RSA key.
func ParseKey(text string) (crypto.PublicKey, error) {
	raw, err := decodeMultibase(text)
	if err != nil {
		return nil, err
	}
	if key, ok := strings.CutPrefix(string(raw), ed25519Code); ok {
		if len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("Ed25519 key of %d bytes", len(key))
		}
		return ed25519.PublicKey(key), nil
	}
	if der, ok := strings.CutPrefix(string(raw), rsaCode); ok {
		key, err := x509.ParsePKCS1PublicKey([]byte(der))
		if err != nil {
			return nil, err
		}
		var pub *rsa.PublicKey = key
		return pub, nil
	}
	return nil, errors.New("a kind of key that is not supported")
}

// decodeMultibase reads base58btc ("z") and base64url without padding ("u").
//
// spec: https://www.w3.org/TR/cid-1.0/#multibase-0
func decodeMultibase(text string) ([]byte, error) {
	if len(text) > maxMultibase {
		return nil, errors.New("multibase value is too long")
	}
	if rest, ok := strings.CutPrefix(text, "z"); ok {
		return decode58(rest)
	}
	if rest, ok := strings.CutPrefix(text, "u"); ok {
		return base64.RawURLEncoding.DecodeString(rest)
	}
	return nil, errors.New("no multibase value")
}

// alphabet is that of base58btc.
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

var base58 = big.NewInt(58)

// encode58 takes time in the square of the length.
func encode58(raw []byte) string {
	n, digit := new(big.Int).SetBytes(raw), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.DivMod(n, base58, digit)
		out = append(out, alphabet[digit.Int64()])
	}
	for _, b := range raw {
		if b != 0 {
			break
		}
		out = append(out, alphabet[0])
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

func decode58(text string) ([]byte, error) {
	n := new(big.Int)
	for i := range len(text) {
		digit := strings.IndexByte(alphabet, text[i])
		if digit < 0 {
			return nil, errors.New("not base58")
		}
		n.Add(n.Mul(n, base58), big.NewInt(int64(digit)))
	}
	zeros := len(text) - len(strings.TrimLeft(text, alphabet[:1]))
	return append(make([]byte, zeros), n.Bytes()...), nil
}
