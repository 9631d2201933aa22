package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"kenoma/internal/fault"
)

// The cost of a password: 19 MiB and two passes, what OWASP names as the least,
// since the whole server is to live in 96 MB.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	keyBytes  = 32
	saltBytes = 16
)

// hashing lets two passwords be hashed at once, no more: each takes 19 MiB.
var hashing = make(chan struct{}, 2)

// Bounds of passwords, in characters.
const (
	minPassword = 8
	maxPassword = 256
)

// CheckPassword tells whether a new password will do.
func CheckPassword(password string) error {
	n := utf8.RuneCountInString(password)
	if n < minPassword || n > maxPassword {
		return fault.New(fault.Invalid, "The password must have from %d to %d characters.", minPassword, maxPassword)
	}
	return nil
}

// HashPassword returns the argon2id hash of a password in PHC form.
func HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	h := phc{memoryKiB, passes, 1, salt, make([]byte, keyBytes)}
	key, err := h.derive(ctx, password)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// phc is a hash with what it was made from. Older ones may have cost less, or more.
type phc struct {
	memory, passes uint32 // KiB
	threads        uint8
	salt, key      []byte
}

// parsePHC reads an argon2id hash; false when it is none, or would cost more than
// a sign-in may.
func parsePHC(text string) (h phc, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, false
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	return h, saltErr == nil && keyErr == nil && len(h.salt) >= 8 && len(h.key) >= 16 && len(h.key) <= 64 &&
		h.memory <= 4*memoryKiB && h.passes >= 1 && h.passes <= 16 && h.threads >= 1 && h.threads <= 8
}

// derive hashes a password as h was made, when it is its turn.
func (h phc) derive(ctx context.Context, password string) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.key))), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// nobody's hash is checked where there is no account, so that the answer takes as
// long.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// passwordMatches compares a password with a hash; "" never matches, and takes as
// long.
func passwordMatches(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > 4*maxPassword {
		return false, nil
	}
	known := hash != ""
	if !known {
		hash = nobody
	}
	h, ok := parsePHC(hash)
	if !ok {
		return false, nil
	}
	got, err := h.derive(ctx, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, h.key) == 1 && known, nil
}
