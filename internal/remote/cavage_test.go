package remote

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// TestDraftVariations holds the forms of the draft's header that are in use against
// one request.
func TestDraftVariations(t *testing.T) {
	body := []byte(`{"type":"Like"}`)
	key := testKey(t)
	usual := `keyId="%s",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="%s"`
	for _, tt := range []struct {
		name    string
		headers string // Signed, in this order; "" means the usual.
		format  string // Of the header; %s the key's id and the value. "" means the usual.
		edit    func(*http.Request, string)
		prepare func(*http.Request)
		pss     bool
		ok      bool
	}{
		{name: "usual", ok: true},
		{name: "in an Authorization header", edit: func(r *http.Request, s string) { r.Header.Set("Authorization", "Signature "+s) }, ok: true},
		{name: "of a scheme in small letters", edit: func(r *http.Request, s string) { r.Header.Set("Authorization", "signature "+s) }, ok: true},
		{name: "beside a token", edit: func(r *http.Request, s string) {
			r.Header.Add("Authorization", "Bearer x")
			r.Header.Add("Authorization", "Signature "+s)
		}, ok: true},
		{name: "twice the same", edit: func(r *http.Request, s string) { r.Header["Signature"] = []string{s, s} }, ok: true},
		{name: "behind one that can't be read", edit: func(r *http.Request, s string) { r.Header["Signature"] = []string{"x", s} }, ok: true},
		{name: "behind one that covers too little", edit: func(r *http.Request, s string) {
			r.Header["Signature"] = []string{strings.Replace(s, "digest", "", 1), s}
		}, ok: true},
		{name: "behind too many", edit: func(r *http.Request, s string) { r.Header["Signature"] = []string{"x", "x", "x", "x", s} }},
		{name: "beside a Signature-Input that can't be read", edit: func(r *http.Request, s string) {
			r.Header.Set("Signature-Input", "(")
			r.Header.Set("Authorization", "Signature "+s)
		}, ok: true},
		{name: "with spaces after commas", format: strings.ReplaceAll(usual, `",`, `", `), ok: true},
		{name: "with an unquoted algorithm", format: strings.Replace(usual, `"rsa-sha256"`, "rsa-sha256", 1), ok: true},
		{name: "in another order", format: `signature="%[2]s",headers="(request-target) host date digest",keyId="%[1]s"`, ok: true},
		{name: "with the RFC's name of the algorithm", format: strings.Replace(usual, "rsa-sha256", "rsa-v1_5-sha256", 1), ok: true},
		{name: "PSS as hs2019", format: strings.Replace(usual, "rsa-sha256", "hs2019", 1), pss: true, ok: true},
		{name: "PSS as something else", pss: true},
		{name: "without padding", ok: true},
		{name: "date in UTC", prepare: func(r *http.Request) { r.Header.Set("Date", now.Format(time.RFC1123)) }, ok: true},
		{name: "date in +0000", prepare: func(r *http.Request) { r.Header.Set("Date", now.Format(time.RFC1123Z)) }, ok: true},
		{name: "date of another zone", prepare: func(r *http.Request) {
			r.Header.Set("Date", now.In(time.FixedZone("CET", 3600)).Format(time.RFC1123))
		}},
		{name: "a Content-Digest", headers: "(request-target) host date content-digest", ok: true},
		{name: "a wrong Content-Digest", headers: "(request-target) host date content-digest", prepare: func(r *http.Request) {
			r.Header.Set("Content-Digest", contentDigest([]byte("x")))
		}},
		{name: "content-type too", headers: "(request-target) content-type host date digest", ok: true},
		{name: "a Digest without padding", prepare: func(r *http.Request) {
			r.Header.Set("Digest", strings.TrimRight(fieldDigest(body), "="))
		}, ok: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest("POST", "https://b.test/inbox", strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{"Date": {now.Format(http.TimeFormat)}, "Digest": {fieldDigest(body)}, "Content-Digest": {contentDigest(body)},
				"Content-Type": {"application/activity+json"}}
			if tt.prepare != nil {
				tt.prepare(req)
			}
			headers := tt.headers
			if headers == "" {
				headers = "(request-target) host date digest"
			}
			s := &Signature{form: DraftCavage, covered: strings.Fields(headers)}
			text, err := s.cavageText(req, "/inbox")
			if err != nil {
				t.Fatal(err)
			}
			value, err := signText(key, text)
			if tt.pss {
				sum := sha512.Sum512(text)
				value, err = rsa.SignPSS(rand.Reader, key.Private.(*rsa.PrivateKey), crypto.SHA512, sum[:], nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			format := tt.format
			if format == "" {
				format = usual
			}
			header := fmt.Sprintf(strings.Replace(format, "(request-target) host date digest", headers, 1), key.ID, base64.StdEncoding.EncodeToString(value))
			if tt.name == "without padding" {
				header = strings.Replace(header, "==", "", 1)
			}
			if tt.edit != nil {
				tt.edit(req, header)
			} else {
				req.Header.Set("Signature", header)
			}
			err = check(arrive(t, req), body, key.Private.Public(), now)
			if (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Unauthorized) {
				t.Errorf("Verify = %v, want ok %t", err, tt.ok)
			}
		})
	}
}
