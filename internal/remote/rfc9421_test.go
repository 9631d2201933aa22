package remote

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// The request and keys of the RFC's appendix B. The key of B.1.2 is a plain RSA key.
//
// spec: rfc9421#appendix-B
const (
	rfcRequest = "POST /foo?param=Value&Pet=dog HTTP/1.1\r\n" +
		"Host: example.com\r\n" +
		"Date: Tue, 20 Apr 2021 02:07:55 GMT\r\n" +
		"Content-Type: application/json\r\n" +
		"Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\r\n" +
		"Content-Length: 18\r\n" +
		"Signature-Input: %s\r\nSignature: %s\r\n\r\n" +
		`{"hello": "world"}`

	rfcPSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`
	rfcEd = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`

	b23Input = `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`
	b23      = `sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:`
	b26Input = `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	b26      = `sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`
)

// rfcNow is when the RFC's requests were signed.
var rfcNow = time.Unix(1618884473, 0)

func rfcArrival(t testing.TB, input, signature string) *http.Request {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(fmt.Sprintf(rfcRequest, input, signature))))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestMessageVectors(t *testing.T) {
	for _, tt := range []struct{ name, input, signature, key string }{
		{"B.2.3", b23Input, b23, rfcPSS},
		{"B.2.6", b26Input, b26, rfcEd},
		{"B.2.6 behind another label", `other=();created=1, ` + b26Input, b26, rfcEd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pub, err := ParsePublicKey(tt.key)
			if err != nil {
				t.Fatal(err)
			}
			req := rfcArrival(t, tt.input, tt.signature)
			s, err := Parse(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := s.messageText(req, wire{targetOf(req), "https"})
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := s.matches(text, pub); !ok || err != nil {
				t.Errorf("matches = %t, %v over\n%s", ok, err, text)
			}
			if err := s.checkTimes(req, rfcNow); err != nil {
				t.Error(err)
			}
		})
	}
	// The whole verification, of what covers the body.
	pub, _ := ParsePublicKey(rfcPSS)
	if err := check(rfcArrival(t, b23Input, b23), []byte(`{"hello": "world"}`), pub, rfcNow); err != nil {
		t.Error(err)
	}
	if err := check(rfcArrival(t, b23Input, b23), []byte(`{"hello": "World"}`), pub, rfcNow); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("another body: %v", err)
	}
	edKey, _ := ParsePublicKey(rfcEd)
	if err := check(rfcArrival(t, b26Input, b26), []byte(`{"hello": "world"}`), edKey, rfcNow); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("a body that is not signed: %v", err)
	}
}

// message returns a request signed by RFC 9421 as it arrives.
func message(t testing.TB, method, url string, body []byte, key *Key) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/activity+json")
		req.Header.Set(synchronizationHeader, (&Synchronization{Collection: "https://a.test/f", URL: "https://a.test/s", Digest: strings.Repeat("0", 64)}).String())
	}
	if err := SignMessage(req, body, key, now); err != nil {
		t.Fatal(err)
	}
	return arrive(t, req)
}

func edKey(t testing.TB) *Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{ID: "https://a.test/users/ann#ed25519-key", Private: private}
}

func TestSignMessage(t *testing.T) {
	body := []byte(`{"type":"Like"}`)
	for name, key := range map[string]*Key{"RSA": testKey(t), "Ed25519": edKey(t)} {
		for _, tt := range []struct {
			method, url string
			body        []byte
		}{
			{"POST", "https://b.test/inbox", body},
			{"POST", "http://b.test:8080/inbox?x=1", body},
			{"GET", "https://b.test/users/bob?page=2", nil},
			{"GET", "https://b.test", nil},
		} {
			req := message(t, tt.method, tt.url, tt.body, key)
			if err := check(req, tt.body, key.Private.Public(), now); err != nil {
				t.Errorf("%s: %s %s: %v", name, tt.method, tt.url, err)
			}
			if s, err := Parse(req); err != nil || s.Form() != RFC9421 || s.KeyID() != key.ID || (s.Synchronization(req) == nil) != (tt.body == nil) {
				t.Errorf("%s: %s %s: %+v, %v", name, tt.method, tt.url, s, err)
			}
		}
	}
}

// signAs signs req over components with params, as software does that isn't ours.
func signAs(t testing.TB, req *http.Request, key *Key, components, params, alg string) {
	t.Helper()
	s := &Signature{form: RFC9421, params: "(" + components + ")" + params}
	for c := range strings.FieldsSeq(components) {
		s.covered = append(s.covered, strings.Trim(c, `"`))
	}
	text, err := s.messageText(req, wire{targetOf(req), "https"})
	if err != nil {
		t.Fatal(err)
	}
	if alg == "rsa-pss-sha512" {
		sum := sha512.Sum512(text)
		s.value, err = rsa.SignPSS(rand.Reader, key.Private.(*rsa.PrivateKey), crypto.SHA512, sum[:], &rsa.PSSOptions{SaltLength: 64})
	} else {
		s.value, err = signText(key, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Add("Signature-Input", "x="+s.params)
	req.Header.Add("Signature", "x=:"+base64.StdEncoding.EncodeToString(s.value)+":")
}

func TestMessagesOfOthers(t *testing.T) {
	body := []byte(`{"type":"Like"}`)
	stamp := fmt.Sprintf(`;created=%d;keyid="https://a.test/users/ann#main-key"`, now.Unix())
	old := fmt.Sprintf(`;created=%d;keyid="https://a.test/users/ann#main-key"`, now.Add(-13*time.Hour).Unix())
	for _, tt := range []struct {
		name, method, components, params, alg string
		ok                                    bool
	}{
		{"method and target", "POST", `"@method" "@target-uri" "content-digest"`, stamp, "", true},
		{"path and authority", "POST", `"@method" "@path" "@authority" "content-digest"`, stamp, "", true},
		{"request target and host", "POST", `"@method" "@request-target" "host" "content-digest"`, stamp, "", true},
		{"path, query, scheme", "GET", `"@method" "@path" "@query" "@authority" "@scheme"`, stamp, "", true},
		{"its algorithm named", "GET", `"@method" "@target-uri"`, stamp + `;alg="rsa-v1_5-sha256"`, "", true},
		{"PSS", "GET", `"@method" "@target-uri"`, stamp + `;alg="rsa-pss-sha512"`, "rsa-pss-sha512", true},
		{"PSS that is not named", "GET", `"@method" "@target-uri"`, stamp, "rsa-pss-sha512", true},
		{"tag, nonce and expiry", "GET", `"@method" "@target-uri"`, stamp + fmt.Sprintf(`;expires=%d;tag="app";nonce="1"`, now.Add(time.Minute).Unix()), "", true},
		{"date for created", "POST", `"@method" "@target-uri" "content-digest" "date"`, `;keyid="https://a.test/users/ann#main-key"`, "", true},
		{"a digest of the old kind", "POST", `"@method" "@target-uri" "digest"`, stamp, "", true},

		{"no method", "POST", `"@target-uri" "content-digest"`, stamp, "", false},
		{"no host", "POST", `"@method" "@path" "content-digest"`, stamp, "", false},
		{"no path", "POST", `"@method" "@authority" "content-digest"`, stamp, "", false},
		{"no digest", "POST", `"@method" "@target-uri"`, stamp, "", false},
		{"no time", "POST", `"@method" "@target-uri" "content-digest"`, `;keyid="https://a.test/users/ann#main-key"`, "", false},
		{"too old", "GET", `"@method" "@target-uri"`, old, "", false},
		{"expired", "GET", `"@method" "@target-uri"`, stamp + fmt.Sprintf(`;expires=%d`, now.Add(-2*time.Hour).Unix()), "", false},
		{"the other algorithm", "GET", `"@method" "@target-uri"`, stamp + `;alg="rsa-pss-sha512"`, "", false},
		{"an algorithm of other keys", "GET", `"@method" "@target-uri"`, stamp + `;alg="ed25519"`, "", false},
		{"a key without an id", "GET", `"@method" "@target-uri"`, fmt.Sprintf(`;created=%d`, now.Unix()), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var payload []byte
			if tt.method == "POST" {
				payload = body
			}
			req, err := http.NewRequest(tt.method, "https://b.test/inbox?a=b", bytes.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Date", now.Format(http.TimeFormat))
			req.Header.Set("Digest", fieldDigest(body))
			req.Header.Set("Content-Digest", contentDigest(body))
			signAs(t, req, testKey(t), tt.components, tt.params, tt.alg)
			err = check(arrive(t, req), payload, testKey(t).Private.Public(), now)
			if (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Verify = %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestMessageTampering(t *testing.T) {
	body := []byte(`{"type":"Like"}`)
	for name, change := range map[string]func(*http.Request){
		"method":         func(r *http.Request) { r.Method = "PUT" },
		"path":           func(r *http.Request) { r.RequestURI = "/users/ann/inbox" },
		"query":          func(r *http.Request) { r.RequestURI = "/inbox?a" },
		"host":           func(r *http.Request) { r.Host = "c.test" },
		"content type":   func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"digest":         func(r *http.Request) { r.Header.Set("Content-Digest", contentDigest([]byte("x"))) },
		"another digest": func(r *http.Request) { r.Header.Add("Content-Digest", contentDigest([]byte("x"))) },
		"parameters": func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "alg=", "tag=", 1))
		},
		"components": func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"content-type" `, "", 1))
		},
		"a component twice": func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"@method"`, `"@method" "@method"`, 1))
		},
		"a component of the request": func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"@method"`, `"@method";req`, 1))
		},
		"no value": func(r *http.Request) { r.Header.Set("Signature", "sig2=:AAAA:") },
		"not structured": func(r *http.Request) {
			r.Header.Set("Signature-Input", `keyId="https://a.test/users/ann#main-key",headers="date"`)
		},
		"too long": func(r *http.Request) { r.Header.Set("Signature-Input", strings.Repeat("a=(),", 4000)+"b=()") },
	} {
		t.Run(name, func(t *testing.T) {
			req := message(t, "POST", "https://b.test/inbox", body, testKey(t))
			change(req)
			if err := check(req, body, testKey(t).Private.Public(), now); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("error = %v, want Unauthorized", err)
			}
		})
	}
}

func TestContentDigest(t *testing.T) {
	body := []byte("x")
	sum := sha512.Sum512(body)
	long := "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	for _, tt := range []struct {
		header string
		ok     bool
	}{
		{contentDigest(body), true},
		{long, true},
		{contentDigest(body) + ", " + long, true},
		{"md5=:AAAA:, " + long, true},
		{contentDigest([]byte("y")) + ", " + long, false},
		{"md5=:AAAA:", false},
		{"sha-256=AAAA", false},
		{`sha-256="AAAA"`, false},
		{"sha-256=(:AAAA:)", false},
		{"", false},
	} {
		if err := checkContentDigest([]string{tt.header}, body); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want ok %t", tt.header, err, tt.ok)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(b23Input, b23, "sha-256=:AAAA:")
	f.Add(b26Input+", "+b23Input, b26, contentDigest([]byte("{}")))
	f.Add(`a=("@method" "@target-uri";req);created=1;expires=?1;keyid="k";alg=x`, `a="b"`, "sha-256=()")
	f.Add(`a=(), b=1, c`, `a=:AA==:, b=:AA==:`, "")
	pub := testKey(f).Private.Public()
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		req := httptest.NewRequest("POST", "https://b.test/inbox?x", strings.NewReader("{}"))
		req.Header["Signature-Input"] = []string{input}
		req.Header["Signature"] = []string{signature}
		req.Header["Content-Digest"] = []string{digest}
		req.Header.Set("Date", now.Format(http.TimeFormat))
		s, err := Parse(req)
		if err != nil {
			if !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Parse: %v", err)
			}
			return
		}
		if s.KeyID() == "" || len(s.value) == 0 || len(s.covered) > maxCovered {
			t.Errorf("Parse(%q, %q) = %+v", input, signature, s)
		}
		if err := s.Verify(req, []byte("{}"), pub, now); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("Verify(%q) = %v, and nobody signed it", input, err)
		}
	})
}

// FuzzDigest wants that nothing is taken but the digest of the body.
func FuzzDigest(f *testing.F) {
	f.Add(fieldDigest([]byte("x")), []byte("y"))
	f.Add(contentDigest([]byte("x")), []byte("x"))
	f.Add("sha-512=:AA==:, sha-256=1, SHA-256=", []byte(""))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		old, new := checkDigest([]string{header}, body) == nil, checkContentDigest([]string{header}, body) == nil
		if !old && !new {
			return
		}
		for _, sum := range digests {
			value := base64.RawStdEncoding.EncodeToString(sum(body))
			// Base64 leaves bits of its last letter unused.
			if strings.Contains(header, value[:len(value)-1]) {
				return
			}
		}
		t.Errorf("%q was taken for the digest of %q", header, body)
	})
}

func BenchmarkVerifyMessage(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1500)
	for name, key := range map[string]*Key{"RSA": testKey(b), "Ed25519": edKey(b)} {
		b.Run(name, func(b *testing.B) {
			req := message(b, "POST", "https://b.test/inbox", body, key)
			for b.Loop() {
				if err := check(req, body, key.Private.Public(), now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSignMessage(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1500)
	for name, key := range map[string]*Key{"RSA": testKey(b), "Ed25519": edKey(b)} {
		b.Run(name, func(b *testing.B) {
			req, err := http.NewRequest("POST", "https://b.test/inbox", nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := SignMessage(req, body, key, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
