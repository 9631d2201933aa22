package auth

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"kenoma/internal/fault"
)

func TestCheckPassword(t *testing.T) {
	for _, tt := range []struct {
		name, password string
		ok             bool
	}{
		{"empty", "", false},
		{"seven", "1234567", false},
		{"eight", "12345678", true},
		{"eight characters of two bytes", "äöüßäöüß", true},
		{"four characters of two bytes", "äöüß", false},
		{"as long as may be", strings.Repeat("x", 256), true},
		{"too long", strings.Repeat("x", 257), false},
	} {
		if err := CheckPassword(tt.password); (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want ok %t", tt.name, err, tt.ok)
		}
	}
}

func TestPasswordMatches(t *testing.T) {
	hash, err := HashPassword(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	other, err := HashPassword(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || hash == other {
		t.Errorf("hashes %s and %s: want PHC strings of different salts", hash, other)
	}
	parts := strings.Split(hash, "$")
	for _, tt := range []struct {
		name, password, hash string
		want                 bool
	}{
		{"right", "correct horse", hash, true},
		{"right, other salt", "correct horse", other, true},
		{"made elsewhere, cheaper", "password", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" + vector(t), true},
		{"wrong", "correct horsf", hash, false},
		{"empty", "", hash, false},
		{"no hash", "correct horse", "", false},
		{"the hash of nobody", "", nobody, false},
		{"much too long", strings.Repeat("x", 5000), hash, false},
		{"no argon2id", "x", "$2b$12$abcdefghijklmnopqrstuv", false},
		{"costs too much memory", "correct horse", strings.Join([]string{"", "argon2id", "v=19", "m=999999,t=2,p=1", parts[4], parts[5]}, "$"), false},
		{"costs too much time", "correct horse", strings.Join([]string{"", "argon2id", "v=19", "m=19456,t=999,p=1", parts[4], parts[5]}, "$"), false},
		{"no passes", "correct horse", strings.Join([]string{"", "argon2id", "v=19", "m=19456,t=0,p=1", parts[4], parts[5]}, "$"), false},
		{"no key", "correct horse", strings.Join([]string{"", "argon2id", "v=19", "m=19456,t=2,p=1", parts[4], ""}, "$"), false},
		{"other parameters than made it", "correct horse", strings.Join([]string{"", "argon2id", "v=19", "m=19456,t=3,p=1", parts[4], parts[5]}, "$"), false},
	} {
		got, err := passwordMatches(t.Context(), tt.password, tt.hash)
		if err != nil || got != tt.want {
			t.Errorf("%s: %t, %v, want %t", tt.name, got, err, tt.want)
		}
	}
}

// vector is the hash of "password" with the salt "somesalt", 64 KiB and one pass, as
// the reference implementation has it.
func vector(t *testing.T) string {
	t.Helper()
	b, err := hex.DecodeString("655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb")
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}
