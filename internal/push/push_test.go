package push

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := decode64(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples of the specifications, to the byte.
func TestKnownAnswers(t *testing.T) {
	for _, tt := range []struct {
		name                        string
		standard                    bool
		message                     string
		public, auth, private, salt string // The receiver's, and the sender's for this message.
		body                        string
		header                      http.Header
	}{
		{
			name: "RFC 8291, section 5", standard: true, message: "When I grow up, I want to be a watermelon",
			public: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", auth: "BTBZMqHH6r4Tts7J_aSIgg",
			private: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", salt: "DGv6ra1nlYgDCS1FRnbzlw",
			body:   "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
			header: http.Header{"Content-Encoding": {"aes128gcm"}},
		},
		{
			name: "draft-ietf-webpush-encryption-04, section 5", message: "I am the walrus",
			public: "BCEkBjzL8Z3C-oi2Q7oE5t2Np-p7osjGLg93qUP0wvqRT21EEWyf0cQDQcakQMqz4hQKYOQ3il2nNZct4HgAUQU", auth: "R29vIGdvbyBnJyBqb29iIQ",
			private: "nCScek-QpEjmOOlT-rQ38nZzvdPlqa00Zy0i6m2OJvY", salt: "lngarbyKfMoi9Z75xYXmkg",
			body: "6nqAQUME8hNqw5J3kl8cpVVJylXKYqZOeseZG8UueKpA",
			header: http.Header{"Content-Encoding": {"aesgcm"}, "Encryption": {"salt=lngarbyKfMoi9Z75xYXmkg"},
				"Crypto-Key": {"dh=BNoRDbb84JGm8g5Z5CFxurSqsXWJ11ItfXEWYVLE85Y7CYkDjXsIEc4aqxYaQ1G8BqkXCJ6DPpDrWtdWj_mugHU"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := NewSubscription("https://push.example.net/x", tt.public, tt.auth, tt.standard)
			if err != nil {
				t.Fatal(err)
			}
			own, err := ecdh.P256().NewPrivateKey(raw(t, tt.private))
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{}
			body, err := s.encrypt([]byte(tt.message), own, raw(t, tt.salt), header)
			if err != nil || !bytes.Equal(body, raw(t, tt.body)) {
				t.Errorf("encrypt = %s, %v\nwant %s", encode64(body), err, tt.body)
			}
			for k, want := range tt.header {
				if header.Get(k) != want[0] {
					t.Errorf("%s: %q, want %q", k, header.Get(k), want[0])
				}
			}
		})
	}
}

// The example of RFC 8292, section 2.4, whose signature our check must accept.
func TestTokenOfTheSpecification(t *testing.T) {
	const token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw(t, "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if !signed(parts[0]+"."+parts[1], raw(t, parts[2]), public) {
		t.Error("the signature of the specification's example is not accepted")
	}
	if signed(parts[0]+"x."+parts[1], raw(t, parts[2]), public) {
		t.Error("the signature is accepted for another text")
	}
}

func TestToken(t *testing.T) {
	keys, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadKeys(keys.Secret())
	if err != nil || again.Public() != keys.Public() {
		t.Fatalf("read back: %v", err)
	}
	if b, err := base64.URLEncoding.DecodeString(keys.Public()); err != nil || len(b) != 65 || b[0] != 4 {
		t.Errorf("the public key is %q, want an uncompressed point in padded base64: %v", keys.Public(), err)
	}
	now := time.Unix(1_800_000_000, 0)
	token, err := keys.token("https://push.example.net:8443/p/abc?d=1", "mailto:admin@a.test", now)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || string(raw(t, parts[0])) != `{"typ":"JWT","alg":"ES256"}` {
		t.Fatalf("token %q", token)
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(raw(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Aud != "https://push.example.net:8443" || claims.Sub != "mailto:admin@a.test" || claims.Exp != now.Unix()+12*3600 {
		t.Errorf("claims = %+v", claims)
	}
	if !signed(parts[0]+"."+parts[1], raw(t, parts[2]), &again.private.PublicKey) {
		t.Error("the signature is not ours")
	}
	for _, bad := range []string{"", "!!", "AAAA"} {
		if _, err := ReadKeys(bad); err == nil {
			t.Errorf("ReadKeys(%q) gave keys", bad)
		}
	}
}

func TestBadSubscriptions(t *testing.T) {
	const key, auth = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "BTBZMqHH6r4Tts7J_aSIgg"
	for _, tt := range []struct{ name, endpoint, key, auth string }{
		{"no address", "", key, auth},
		{"another scheme", "ftp://push.test/", key, auth},
		{"no key", "https://push.test/", "", auth},
		{"a point that is not on the curve", "https://push.test/", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAjw4", auth},
		{"no secret", "https://push.test/", key, ""},
		{"a short secret", "https://push.test/", key, "BTBZMqHH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := NewSubscription(vocab.IRI(tt.endpoint), tt.key, tt.auth, true); !fault.Is(err, fault.Invalid) {
				t.Errorf("NewSubscription: %v, want Invalid", err)
			}
		})
	}
	// Padded and in the other alphabet, as some apps send it.
	old := base64.StdEncoding.EncodeToString(raw(t, key))
	s, err := NewSubscription("https://push.test/", old, auth+"==", true)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.encrypt(make([]byte, MaxMessage+1), own, make([]byte, 16), http.Header{}); err == nil {
		t.Error("a message that is too long was encrypted")
	}
	if body, err := s.encrypt(make([]byte, MaxMessage), own, make([]byte, 16), http.Header{}); err != nil || len(body) != 4096 {
		t.Errorf("the longest message is %d bytes encrypted, want 4096: %v", len(body), err)
	}
}
