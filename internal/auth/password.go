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
	key, err := derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, memoryKiB, passes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

func derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return argon2.IDKey([]byte(password), salt, passes, memoryKiB, 1, keyBytes), nil
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
	if hash == "" {
		hash = nobody
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(password) > 4*maxPassword {
		return false, nil
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, nil
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, nil
	}
	got, err := derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && hash != nobody, nil
}
