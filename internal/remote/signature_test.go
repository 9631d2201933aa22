package remote

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-fed/httpsig"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

var onceKey = sync.OnceValues(NewRSAKey)

// testKey returns a key that all tests share, since making one is slow.
func testKey(t testing.TB) *Key {
	private, err := onceKey()
	if err != nil {
		t.Fatal(err)
	}
	return &Key{ID: "https://a.test/users/ann#main-key", Private: private}
}

// now is when the tests' requests are signed.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// arrive sends req over the wire, as far as a server's parser goes.
func arrive(t testing.TB, req *http.Request) *http.Request {
	t.Helper()
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&b))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// signed returns a signed request as it arrives; a nil body makes it a GET.
func signed(t testing.TB, url string, body []byte, key *Key) *http.Request {
	t.Helper()
	method, r := http.MethodGet, io.Reader(nil)
	if body != nil {
		method, r = http.MethodPost, bytes.NewReader(body)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/activity+json")
	}
	if err := Sign(req, body, key, now); err != nil {
		t.Fatal(err)
	}
	return arrive(t, req)
}

func check(req *http.Request, body []byte, pub crypto.PublicKey, at time.Time) error {
	s, err := Parse(req)
	if err != nil {
		return err
	}
	return s.Verify(req, body, pub, at)
}

// The key and request of the draft's appendix C.
//
// spec: draft-cavage-http-signatures-12#appendix-C
const (
	draftKey = `-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C3
6rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6
Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJw
oYi+1hqp1fIekaxsyQIDAQAB
-----END PUBLIC KEY-----
`
	draftRequest = "POST /foo?param=value&pet=dog HTTP/1.1\r\n" +
		"Host: example.com\r\n" +
		"Date: Sun, 05 Jan 2014 21:31:40 GMT\r\n" +
		"Content-Type: application/json\r\n" +
		"Digest: SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=\r\n" +
		"Content-Length: 18\r\n" +
		"%s: %s\r\n\r\n" +
		`{"hello": "world"}`
)

func TestDraftVectors(t *testing.T) {
	pub, err := ParsePublicKey(draftKey)
	if err != nil {
		t.Fatal(err)
	}
	const (
		byDefault = `SjWJWbWN7i0wzBvtPl8rbASWz5xQW6mcJmn+ibttBqtifLN7Sazz6m79cNfwwb8DMJ5cou1s7uEGKKCs+FLEEaDV5lp7q25WqS+lavg7T8hc0GppauB6hbgEKTwblDHYGEtbGmtdHgVCk9SuS13F0hZ8FD0k/5OxEPXe5WozsbM=`
		basic     = `qdx+H7PHHDZgy4y/Ahn9Tny9V3GP6YgBPyUXMmoxWtLbHpUnXS2mg2+SbrQDMCJypxBLSPQR2aAjn7ndmw2iicw3HMbe8VfEdKFYRqzic+efkb3nndiv/x1xSHDJWeSWkx3ButlYSuBskLu6kd9Fswtemr3lgdDEmn04swr2Os0=`
		all       = `vSdrb+dS3EceC9bcwHSo4MlyKS59iFIrhgYkz8+oVLEEzmYZZvRs8rgOp+63LEM3v+MFHB32NfpB2bEKBIvB1q52LaEUHFv120V01IL+TAD48XaERZFukWgHoBTLMhYS2Gb51gWxpeIq8knRmPnYePbF5MOkR0Zkly4zKH7s1dE=`
	)
	for _, tt := range []struct {
		name, headers, value string
		matches              bool   // The cryptography.
		refused              string // Why we take it or not for all that; "" means taken.
	}{
		{"C.1, the date alone", `date`, byDefault, true, "(request-target) is not signed"},
		{"C.2, the basic headers", `(request-target) host date`, basic, true, "digest is not signed"},
		{"C.3, all headers", `(request-target) host date content-type digest content-length`, all, true, ""},
		// The draft's own text of C.3 lists (created) and (expires), which its value was not made over.
		{"C.3 as printed", `(request-target) (created) (expires) host date content-type digest content-length`, all, false, "it is too old"},
	} {
		for _, field := range []string{"Signature", "Authorization"} {
			header := fmt.Sprintf(`keyId="Test",algorithm="rsa-sha256",created=1402170695, expires=1402170699,headers="%s",signature="%s"`, tt.headers, tt.value)
			if !strings.Contains(tt.headers, expires) {
				header = strings.Replace(header, "created=1402170695, expires=1402170699,", "", 1)
			}
			if field == "Authorization" {
				header = "Signature " + header
			}
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(fmt.Sprintf(draftRequest, field, header))))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(req.Body)
			s, err := Parse(req)
			if err != nil || s.KeyID() != "Test" {
				t.Fatalf("%s: Parse = %v, %v", tt.name, s, err)
			}
			text, err := s.cavageText(req, targetOf(req))
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := s.matches(text, pub); err != nil || ok != tt.matches {
				t.Errorf("%s in %s: matches = %t, %v over\n%s", tt.name, field, ok, err, text)
			}
			err = s.Verify(req, body, pub, time.Date(2014, 1, 5, 21, 32, 0, 0, time.UTC))
			if tt.refused == "" && err != nil || tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)) && tt.matches {
				t.Errorf("%s in %s: Verify = %v, want %q", tt.name, field, err, tt.refused)
			}
			if !tt.matches && err == nil {
				t.Errorf("%s in %s was taken", tt.name, field)
			}
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	for _, key := range []*Key{testKey(t), {ID: "https://a.test/users/ann#ed", Private: edKey}} {
		for _, url := range []string{"https://b.test/inbox", "https://b.test", "https://b.test:8443/u/b%C3%B6b?page=2&x=%2F"} {
			for _, body := range [][]byte{nil, {}, []byte(`{"type":"Like"}`)} {
				req := signed(t, url, body, key)
				s, err := Parse(req)
				if err != nil || s.KeyID() != key.ID {
					t.Fatalf("Parse = %+v, %v", s, err)
				}
				if err := s.Verify(req, body, key.Private.Public(), now.Add(time.Minute)); err != nil {
					t.Errorf("%s %q with a %T: %v", url, body, key.Private, err)
				}
			}
		}
	}
}

func TestSignRefusesOddKeys(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for _, key := range []*Key{{ID: "https://a.test/#k", Private: ec}, {ID: `https://a.test/"`, Private: testKey(t).Private}} {
		req, _ := http.NewRequest("GET", "https://b.test/", nil)
		if err := Sign(req, nil, key, now); err == nil || req.Header.Get("Signature") != "" {
			t.Errorf("Sign with %s: %v", key.ID, err)
		}
	}
}

func TestTampering(t *testing.T) {
	key := testKey(t)
	other, err := NewRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	pub := key.Private.Public()
	body := []byte(`{"type":"Create"}`)
	replace := func(header, old, new string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get(header)
			is := strings.Replace(was, old, new, 1)
			if is == was {
				t.Fatalf("%q is not in %q", old, was)
			}
			r.Header.Set(header, is)
		}
	}
	add := func(header, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(header, value) }
	}
	sum := sha256.Sum256(body)
	good := base64.StdEncoding.EncodeToString(sum[:])
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"no signature", func(r *http.Request) { r.Header.Del("Signature") }},
		{"another method", func(r *http.Request) { r.Method = "PUT" }},
		{"another path", func(r *http.Request) { r.RequestURI = "/inbox2" }},
		{"a query", func(r *http.Request) { r.RequestURI = "/inbox?x" }},
		{"another host", func(r *http.Request) { r.Host = "c.test" }},
		{"another date", func(r *http.Request) { r.Header.Set("Date", now.Add(time.Second).Format(http.TimeFormat)) }},
		{"no date", func(r *http.Request) { r.Header.Del("Date") }},
		{"date unreadable", func(r *http.Request) { r.Header.Set("Date", "yesterday") }},
		{"two dates", add("Date", now.Format(http.TimeFormat))},
		{"another content type", func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }},
		{"two content types", add("Content-Type", "application/activity+json")},
		{"no digest", func(r *http.Request) { r.Header.Del("Digest") }},
		{"two digests", add("Digest", "SHA-256="+good)},
		{"digest not signed", replace("Signature", " digest", "")},
		{"date not signed", replace("Signature", " date", "")},
		{"host not signed", replace("Signature", " host", "")},
		{"target not signed", replace("Signature", "(request-target) ", "")},
		{"headers in another order", replace("Signature", "host date", "date host")},
		{"a header twice", replace("Signature", "host date", "host date date")},
		{"a header that is missing", replace("Signature", "host date", "host date x-missing")},
		{"(created) without value", replace("Signature", "host date", "host date (created)")},
		{"no headers parameter", replace("Signature", "headers=", "heads=")},
		{"two keyIds", replace("Signature", `keyId=`, `keyId="https://c.test/",keyId=`)},
		{"no keyId", replace("Signature", `keyId=`, `key=`)},
		{"an unknown algorithm", replace("Signature", `rsa-sha256`, `none`)},
		{"an HMAC with the public key", replace("Signature", `rsa-sha256`, `hmac-sha256`)},
		{"the wrong hash", replace("Signature", `rsa-sha256`, `rsa-sha512`)},
		{"a key of another kind", replace("Signature", `rsa-sha256`, `ed25519`)},
		{"expired", replace("Signature", `algorithm=`, fmt.Sprintf(`expires=%d,algorithm=`, now.Add(-2*time.Hour).Unix()))},
		{"expires unreadable", replace("Signature", `algorithm=`, `expires="soon",algorithm=`)},
		{"no Base64", replace("Signature", `signature="`, `signature="*`)},
		{"no value", func(r *http.Request) {
			h, _, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
			r.Header.Set("Signature", h+`signature=""`)
		}},
		{"two signatures, both of something else", func(r *http.Request) {
			r.Header.Add("Signature", r.Header.Get("Signature"))
			r.RequestURI = "/elsewhere"
		}},
		{"a comma missing", replace("Signature", `",algorithm`, `" algorithm`)},
		{"an open quote", func(r *http.Request) {
			r.Header.Set("Signature", strings.TrimSuffix(r.Header.Get("Signature"), `"`))
		}},
		{"too long", replace("Signature", `algorithm=`, `x="`+strings.Repeat("x", 9000)+`",algorithm=`)},
		{"too many headers", replace("Signature", `host date`, `host date`+strings.Repeat(" x y", 20))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := signed(t, "https://b.test/inbox", body, key)
			if err := check(req, body, pub, now); err != nil {
				t.Fatalf("untouched: %v", err)
			}
			tt.change(req)
			wantKind(t, check(req, body, pub, now), fault.Unauthorized)
		})
	}
	for name, err := range map[string]error{
		"another body":  check(signed(t, "https://b.test/inbox", body, key), []byte(`{"type":"Delete"}`), pub, now),
		"no body":       check(signed(t, "https://b.test/inbox", body, key), nil, pub, now),
		"a GET's body":  check(signed(t, "https://b.test/inbox", nil, key), body, pub, now),
		"another key":   check(signed(t, "https://b.test/inbox", body, key), body, other.Public(), now),
		"nil key":       check(signed(t, "https://b.test/inbox", body, key), body, nil, now),
		"short Ed25519": check(signed(t, "https://b.test/inbox", body, key), body, ed25519.PublicKey("x"), now),
	} {
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v, want Unauthorized", name, err)
		}
	}
}

func TestAge(t *testing.T) {
	key := testKey(t)
	for _, tt := range []struct {
		later time.Duration
		ok    bool
	}{
		{0, true},
		{12 * time.Hour, true},
		{12*time.Hour + time.Second, false},
		{-time.Hour, true},
		{-time.Hour - time.Second, false},
	} {
		err := check(signed(t, "https://b.test/x", nil, key), nil, key.Private.Public(), now.Add(tt.later))
		if (err == nil) != tt.ok {
			t.Errorf("verified %v later: %v, want ok %t", tt.later, err, tt.ok)
		}
	}
}

// handmade signs with full freedom: any headers, hash, algorithm and parameters.
type handmade struct {
	headers   string
	algorithm string // "" leaves it out.
	hash      crypto.Hash
	params    string // Further parameters, with a comma at the end.
	target    string // "" means the request's.
	digest    string // "" means SHA-256.
}

func (h handmade) request(t *testing.T, method, url string, body []byte) *http.Request {
	t.Helper()
	key := testKey(t)
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	req.Header.Set("Date", now.Format(http.TimeFormat))
	req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	if h.digest != "" {
		req.Header.Set("Digest", h.digest)
	}
	req.Header["X-Two"] = []string{" one ", "two"}
	s := &Signature{covered: strings.Fields(h.headers), created: fmt.Sprint(now.Unix()), expires: fmt.Sprint(now.Add(time.Minute).Unix())}
	target := h.target
	if target == "" {
		target = targetOf(req)
	}
	text, err := s.cavageText(req, target)
	if err != nil {
		t.Fatal(err)
	}
	value, err := key.Private.Sign(rand.Reader, hashOf(h.hash, text), h.hash)
	if err != nil {
		t.Fatal(err)
	}
	algorithm := h.algorithm
	if algorithm != "" {
		algorithm = `algorithm="` + algorithm + `", `
	}
	req.Header.Set("Signature", fmt.Sprintf(`%skeyId="%s",%s headers="%s" , signature="%s"`,
		h.params, key.ID, algorithm, h.headers, base64.StdEncoding.EncodeToString(value)))
	return arrive(t, req)
}

func TestOtherSigners(t *testing.T) {
	const usual = "(request-target) host date digest"
	body := []byte("{}")
	sum256, sum512 := sha256.Sum256(body), sha512.Sum512(body)
	d256 := base64.StdEncoding.EncodeToString(sum256[:])
	d512 := base64.StdEncoding.EncodeToString(sum512[:])
	times := fmt.Sprintf("created=%d,expires=%d,", now.Unix(), now.Add(time.Minute).Unix())
	for _, tt := range []struct {
		name string
		by   handmade
		ok   bool
	}{
		{"rsa-sha256", handmade{usual, "rsa-sha256", crypto.SHA256, "", "", ""}, true},
		{"rsa-sha512", handmade{usual, "rsa-sha512", crypto.SHA512, "", "", ""}, true},
		{"hs2019 with SHA-256", handmade{usual, "hs2019", crypto.SHA256, "", "", ""}, true},
		{"hs2019 with SHA-512", handmade{usual, "hs2019", crypto.SHA512, "", "", ""}, true},
		{"no algorithm", handmade{usual, "", crypto.SHA256, "", "", ""}, true},
		{"algorithm in capitals", handmade{usual, "RSA-SHA256", crypto.SHA256, "", "", ""}, true},
		{"(created) instead of the date", handmade{"(request-target) host (created) digest", "hs2019", crypto.SHA256, times, "", ""}, true},
		{"(created) quoted", handmade{"(request-target) host (created) digest", "hs2019", crypto.SHA256, fmt.Sprintf(`created="%d",`, now.Unix()), "", ""}, true},
		{"(expires)", handmade{usual + " (expires)", "hs2019", crypto.SHA256, times, "", ""}, true},
		{"another (created) than was signed", handmade{"(request-target) host (created) digest", "hs2019", crypto.SHA256, fmt.Sprintf("created=%d,", now.Unix()+1), "", ""}, false},
		{"(created) long ago", handmade{"(request-target) host (created) digest", "hs2019", crypto.SHA256, "created=1,", "", ""}, false},
		{"headers that come twice are joined", handmade{usual + " x-two", "hs2019", crypto.SHA256, "", "", ""}, true},
		{"content-length", handmade{usual + " content-length", "hs2019", crypto.SHA256, "", "", ""}, true},
		{"digest SHA-512", handmade{usual, "hs2019", crypto.SHA256, "", "", "SHA-512=" + d512}, true},
		{"digest in small letters", handmade{usual, "hs2019", crypto.SHA256, "", "", "sha-256=" + d256}, true},
		{"several digests", handmade{usual, "hs2019", crypto.SHA256, "", "", "MD5=abc, SHA-512=" + d512 + ",SHA-256=" + d256}, true},
		{"one of several digests is wrong", handmade{usual, "hs2019", crypto.SHA256, "", "", "SHA-512=" + d256 + ",SHA-256=" + d256}, false},
		{"one digest twice", handmade{usual, "hs2019", crypto.SHA256, "", "", "SHA-256=" + d256 + ",sha-256=" + d256}, false},
		{"no known digest", handmade{usual, "hs2019", crypto.SHA256, "", "", "MD5=abc"}, false},
		{"digest with rubbish", handmade{usual, "hs2019", crypto.SHA256, "", "", "SHA-256=" + d256 + "x"}, false},
		{"no host", handmade{"(request-target) date digest", "hs2019", crypto.SHA256, "", "", ""}, false},
		{"no date", handmade{"(request-target) host digest", "hs2019", crypto.SHA256, "", "", ""}, false},
		{"no digest", handmade{"(request-target) host date", "hs2019", crypto.SHA256, "", "", ""}, false},
		{"no target", handmade{"host date digest", "hs2019", crypto.SHA256, "", "", ""}, false},
		{"a header listed twice", handmade{usual + " date", "hs2019", crypto.SHA256, "", "", ""}, false},
		{"expired an hour ago", handmade{usual + " (created)", "hs2019", crypto.SHA256, fmt.Sprintf("created=%d,expires=%d,", now.Unix(), now.Unix()-3601), "", ""}, false},
		{"expired just now", handmade{usual + " (created)", "hs2019", crypto.SHA256, fmt.Sprintf("created=%d,expires=%d,", now.Unix(), now.Unix()-60), "", ""}, true},
		{"POST without its query", handmade{usual, "hs2019", crypto.SHA256, "", "/inbox", ""}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := tt.by.request(t, "POST", "https://b.test/inbox?x=1", body)
			if err := check(req, body, testKey(t).Private.Public(), now); (err == nil) != tt.ok {
				t.Errorf("Verify = %v, want ok %t", err, tt.ok)
			}
		})
	}
	for _, target := range []string{"/outbox?page=1", "/outbox"} {
		by := handmade{headers: "(request-target) host date", algorithm: "rsa-sha256", hash: crypto.SHA256, target: target}
		req := by.request(t, "GET", "https://b.test/outbox?page=1", nil)
		if err := check(req, nil, testKey(t).Private.Public(), now); err != nil {
			t.Errorf("GET signed as %s: %v", target, err)
		}
	}
	by := handmade{headers: "(request-target) host date", algorithm: "rsa-sha256", hash: crypto.SHA256, target: "/out"}
	if err := check(by.request(t, "GET", "https://b.test/outbox?page=1", nil), nil, testKey(t).Private.Public(), now); err == nil {
		t.Error("GET signed for another path was taken")
	}
}

// A signer that means one of two dates and signs both is refused, since nobody can
// tell which.
func TestFieldsThatMustNotRepeat(t *testing.T) {
	for _, name := range single {
		req := httptest.NewRequest("POST", "https://b.test/inbox", nil)
		req.Header[http.CanonicalHeaderKey(name)] = []string{"a", "b"}
		if v, err := fieldValue(req, name); err == nil {
			t.Errorf("%s is signed as %q, want it refused", name, v)
		}
	}
}

// What we sign an independent implementation verifies, and the other way round.
func TestAgainstHttpsig(t *testing.T) {
	key := testKey(t)
	body := []byte(`{"type":"Follow"}`)
	for _, body := range [][]byte{nil, body} {
		req := signed(t, "https://b.test/inbox?a=b", body, key)
		req.Header.Set("Host", req.Host) // httpsig looks for it there.
		v, err := httpsig.NewVerifier(req)
		if err != nil {
			t.Fatal(err)
		}
		if v.KeyId() != string(key.ID) {
			t.Errorf("KeyId = %q", v.KeyId())
		}
		if err := v.Verify(key.Private.Public(), httpsig.RSA_SHA256); err != nil {
			t.Errorf("httpsig does not verify ours: %v", err)
		}
	}

	headers := []string{httpsig.RequestTarget, "host", "date", "digest"}
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256}, httpsig.DigestSha256, headers, httpsig.Signature, 60)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("POST", "https://b.test/inbox?a=b", bytes.NewReader(body))
	req.Header.Set("Host", "b.test")
	req.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if err := signer.SignRequest(key.Private, string(key.ID), req, body); err != nil {
		t.Fatal(err)
	}
	if err := check(arrive(t, req), body, key.Private.Public(), time.Now()); err != nil {
		t.Errorf("we do not verify httpsig's: %v", err)
	}
}

func TestThroughRealServer(t *testing.T) {
	key := testKey(t)
	for _, http2 := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if err := check(r, body, key.Private.Public(), now); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
			}
			if (r.ProtoMajor == 2) != http2 {
				t.Errorf("protocol is %s", r.Proto)
			}
		}))
		srv.EnableHTTP2 = http2
		srv.StartTLS()
		defer srv.Close()
		req, _ := http.NewRequest("POST", srv.URL+"/inbox?x=%C3%A4", strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/activity+json")
		if err := Sign(req, []byte("{}"), key, now); err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 200 {
			t.Errorf("HTTP/2 %t: %s", http2, snippet(resp.Body))
		}
		resp.Body.Close()
	}
}

func TestKeys(t *testing.T) {
	key := testKey(t)
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	for _, private := range []crypto.Signer{key.Private, edKey} {
		text, err := EncodePrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePrivateKey(text)
		if err != nil || !again.(interface{ Equal(crypto.PrivateKey) bool }).Equal(private) {
			t.Errorf("private %T does not come back: %v", private, err)
		}
		text, err = EncodePublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), "\n  " + text, strings.TrimSpace(text)} {
			pub, err := ParsePublicKey(text)
			if err != nil || !pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(private.Public()) {
				t.Errorf("public key does not come back from %q: %v", text, err)
			}
		}
	}
	private := key.Private.(*rsa.PrivateKey)
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private.PublicKey)})
	if pub, err := ParsePublicKey(string(pkcs1)); err != nil || !private.PublicKey.Equal(pub) {
		t.Errorf("PKCS #1 public key: %v", err)
	}
	pkcs1 = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	if again, err := ParsePrivateKey(string(pkcs1)); err != nil || !private.Equal(again) {
		t.Errorf("PKCS #1 private key: %v", err)
	}
}

func TestBadKeys(t *testing.T) {
	encode := func(pub any) string {
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	rsaOf := func(bits uint, e int) string {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return encode(&rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: e})
	}
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	good, _ := EncodePublicKey(testKey(t).Private.Public())
	private, _ := EncodePrivateKey(testKey(t).Private)
	for name, text := range map[string]string{
		"nothing":         "",
		"no PEM":          "ssh-rsa AAAA",
		"half a PEM":      good[:len(good)/2],
		"rubbish inside":  "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"many begins":     strings.Repeat("-----BEGIN PUBLIC KEY-----\n", 600),
		"far too long":    good + strings.Repeat(" \n", 1<<20) + "x",
		"a private key":   private,
		"a certificate":   strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE"),
		"ECDSA":           encode(&ec.PublicKey),
		"512 bits":        rsaOf(512, 65537),
		"16384 bits":      rsaOf(16384, 65537),
		"exponent 1":      rsaOf(2048, 1),
		"even exponent":   rsaOf(2048, 65536),
		"exponent of two": rsaOf(2048, 2),
	} {
		start := time.Now()
		if _, err := ParsePublicKey(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
	for _, bits := range []uint{1024, 4096, 8192} {
		if _, err := ParsePublicKey(rsaOf(bits, 65537)); err != nil {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`keyId="https://a.test/#main-key",algorithm="rsa-sha256",headers="(request-target) host date",signature="AAAA"`)
	f.Add(`keyId=a,created=1402170695, expires=1402170699,headers="(created)",signature="AA=="`)
	f.Add(`keyId="\"\\",signature=""`)
	f.Add(`,,,=`)
	pub := testKey(f).Private.Public()
	f.Fuzz(func(t *testing.T, header string) {
		req := httptest.NewRequest("POST", "https://b.test/inbox?x", strings.NewReader("{}"))
		req.Header["Signature"] = []string{header}
		req.Header.Set("Date", now.Format(http.TimeFormat))
		s, err := Parse(req)
		if err != nil {
			if !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Parse: %v", err)
			}
			return
		}
		if s.KeyID() == "" || len(s.value) == 0 || len(s.covered) > maxCovered {
			t.Errorf("Parse(%q) = %+v", header, s)
		}
		if err := s.Verify(req, []byte("{}"), pub, now); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("Verify(%q) = %v, and nobody signed it", header, err)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add(draftKey)
	f.Add("-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		pub, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		if _, err := EncodePublicKey(pub); err != nil {
			t.Errorf("a key that was read can't be written: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := testKey(b)
	pub := key.Private.Public()
	body := bytes.Repeat([]byte("x"), 3700)
	req := signed(b, "https://b.test/inbox", body, key)
	b.ReportAllocs()
	for b.Loop() {
		if err := check(req, body, pub, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	key := testKey(b)
	body := bytes.Repeat([]byte("x"), 3700)
	req, _ := http.NewRequest("POST", "https://b.test/inbox", nil)
	req.Header.Set("Content-Type", "application/activity+json")
	b.ReportAllocs()
	for b.Loop() {
		if err := Sign(req, body, key, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPost is a whole delivery over loopback, kept alive, both sides.
func BenchmarkPost(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	c := New(Options{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer c.CloseIdle()
	key := testKey(b)
	inbox := vocab.IRI(srv.URL + "/inbox")
	body := bytes.Repeat([]byte("x"), 3700)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Post(b.Context(), inbox, body, key, nil); err != nil {
			b.Fatal(err)
		}
	}
}
