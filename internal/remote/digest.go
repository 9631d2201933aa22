package remote

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/dunglas/httpsfv"
)

// maxDigest bounds the header that holds the digests of a body, in bytes.
const maxDigest = 1024

// digests are the algorithms of digests that are checked, in lower case.
var digests = map[string]func(body []byte) []byte{
	"sha-256": func(b []byte) []byte { h := sha256.Sum256(b); return h[:] },
	"sha-512": func(b []byte) []byte { h := sha512.Sum512(b); return h[:] },
}

// fieldDigest makes the value of a Digest header.
//
// spec: rfc3230#section-4.3.2
func fieldDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// contentDigest makes the value of a Content-Digest header.
//
// spec: rfc9530#section-2
func contentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// checkDigest compares body with a Digest header, which may hold several values:
// each that is known must be right, and one must be. The value may lack its padding.
//
// spec: rfc3230#section-4.3.2
func checkDigest(headers []string, body []byte) error {
	if len(headers) != 1 || len(headers[0]) > maxDigest {
		return errors.New("there must be one short Digest header")
	}
	seen := make(map[string]bool, len(digests))
	for part := range strings.SplitSeq(headers[0], ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		name = strings.ToLower(name)
		sum := digests[name]
		if sum == nil {
			continue
		}
		if seen[name] {
			return errors.New("the Digest header has two values of one kind")
		}
		seen[name] = true
		claimed, err := decode64(value)
		if err != nil || !bytes.Equal(claimed, sum(body)) {
			return errors.New("the digest does not fit the body")
		}
	}
	if len(seen) == 0 {
		return errors.New("the Digest header has neither SHA-256 nor SHA-512")
	}
	return nil
}

// checkContentDigest is checkDigest for a Content-Digest header.
//
// spec: rfc9530#section-2
func checkContentDigest(headers []string, body []byte) error {
	if len(headers) != 1 || len(headers[0]) > maxDigest {
		return errors.New("there must be one short Content-Digest header")
	}
	all, err := httpsfv.UnmarshalDictionary(headers)
	if err != nil {
		return fmt.Errorf("the Content-Digest header can't be read: %w", err)
	}
	seen := 0
	for _, name := range all.Names() {
		sum := digests[name]
		if sum == nil {
			continue
		}
		seen++
		member, _ := all.Get(name)
		item, ok := member.(httpsfv.Item)
		if !ok {
			return errors.New("the Content-Digest header holds a list")
		}
		if claimed, ok := item.Value.([]byte); !ok || !bytes.Equal(claimed, sum(body)) {
			return errors.New("the digest does not fit the body")
		}
	}
	if seen == 0 {
		return errors.New("the Content-Digest header has neither sha-256 nor sha-512")
	}
	return nil
}

// decode64 reads Base64 in the usual alphabet, with or without padding.
func decode64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}
