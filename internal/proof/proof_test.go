package proof

import (
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kenoma/internal/interoptest"
	"kenoma/internal/vocab"
)

// The example of FEP-8b32, whose key is that of the suite's own test vectors.
const (
	fepDoc = `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v1"],"id":"https://server.example/activities/1","type":"Create",` +
		`"actor":"https://server.example/users/alice","object":{"id":"https://server.example/objects/1","type":"Note","attributedTo":"https://server.example/users/alice",` +
		`"content":"Hello world","location":{"type":"Place","longitude":-71.184902,"latitude":25.273962}}}`
	fepValue   = "zLaewdp4H9kqtwyrLatK4cjY5oRHwVcw4gibPSUDYDMhi4M49v8pcYk3ZB6D69dNpAPbUmY8ocuJ3m9KhKJEEg7z"
	fepPrivate = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
	fepPublic  = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"

	// The suite's own example.
	suiteDoc = `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"id":"urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",` +
		`"type":["VerifiableCredential","AlumniCredential"],"name":"Alumni Credential","description":"A minimum viable example of an Alumni Credential.",` +
		`"issuer":"https://vc.example/issuers/5678","validFrom":"2023-01-01T00:00:00Z","credentialSubject":{"id":"did:example:abcdefgh","alumniOf":"The School of Examples"}}`
	suiteOptions = `{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","created":"2023-02-24T23:36:38Z",` +
		`"verificationMethod":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",` +
		`"proofPurpose":"assertionMethod","@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"]}`
	suiteValue = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
)

var (
	fepTime = time.Date(2023, 2, 24, 23, 36, 38, 0, time.UTC)
	now     = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
)

func fepSigner(t testing.TB) *Signer {
	t.Helper()
	raw, err := decodeMultibase(fepPrivate)
	if err != nil {
		t.Fatal(err)
	}
	return &Signer{ID: "https://server.example/users/alice#ed25519-key", Private: ed25519.NewKeyFromSeed(raw[2:])}
}

func fepKey(t testing.TB) ed25519.PublicKey {
	t.Helper()
	pub, err := ParseKey(fepPublic)
	if err != nil {
		t.Fatal(err)
	}
	return pub.(ed25519.PublicKey)
}

func TestVectors(t *testing.T) {
	got, err := fepSigner(t).Sign([]byte(fepDoc), fepTime)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), `"proofValue":"`+fepValue+`"`) {
		t.Errorf("Sign = %s, want the value %s", got, fepValue)
	}
	p, err := Find(got)
	if err != nil || p == nil {
		t.Fatal(p, err)
	}
	if err := p.Verify(fepKey(t), now); err != nil || p.Method() != "https://server.example/users/alice#ed25519-key" {
		t.Errorf("Verify = %v, method %s", err, p.Method())
	}
	text, err := signedText([]byte(suiteOptions), []byte(suiteDoc))
	if err != nil {
		t.Fatal(err)
	}
	value, err := decodeMultibase(suiteValue)
	if err != nil || !ed25519.Verify(fepKey(t), text, value) {
		t.Errorf("the suite's example does not verify: %v", err)
	}
	if got := EncodeKey(fepKey(t)); got != fepPublic {
		t.Errorf("EncodeKey = %s", got)
	}
}

// spec: rfc8785#section-3.2
func TestCanonical(t *testing.T) {
	a, err := signedText([]byte(`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`), []byte(`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := signedText([]byte("{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"), []byte("{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("the canonical forms differ")
	}
}

func TestProofs(t *testing.T) {
	signed, err := fepSigner(t).Sign([]byte(fepDoc), fepTime)
	if err != nil {
		t.Fatal(err)
	}
	text := string(signed)
	proof := text[strings.Index(text, `"proof":`)+8 : len(text)-1]
	bare := strings.TrimSuffix(fepDoc, "}")
	edit := func(old, new string) string { return strings.Replace(text, old, new, 1) }
	const readable, refused, none = 1, 2, 3
	for _, tt := range []struct {
		name, doc string
		find      int
		ok        bool
	}{
		{"as it is", text, readable, true},
		{"spaces and another order", `{"proof": ` + proof + `, ` + bare[1:] + ` } `, readable, true},
		{"in a list", bare + `,"proof":[` + proof + `]}`, readable, true},
		{"behind one of another kind", bare + `,"proof":[{"type":"Other"},1,` + proof + `]}`, readable, true},
		{"without its context", bare + `,"proof":` + strings.Replace(proof, `"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v1"],`, "", 1) + `}`, readable, true},
		{"more contexts", edit(`v1"],"id"`, `v1",{"x":"y:z"}],"id"`), readable, true},
		{"content changed", edit("Hello", "Hallo"), readable, false},
		{"a member added", edit(`"type":"Create"`, `"type":"Create","to":"as:Public"`), readable, false},
		{"a member removed", edit(`"actor":"https://server.example/users/alice",`, ""), readable, false},
		{"options changed", edit("2023-02-24", "2023-02-25"), readable, false},
		{"another context first", edit(`"@context":["https://www.w3.org/ns/activitystreams"`, `"@context":["x:y"`), refused, false},
		{"expired", edit(`"proofPurpose"`, `"expires":"2024-01-01T00:00:00Z","proofPurpose"`), readable, false},
		{"from the future", edit("2023-02-24", "2033-02-24"), readable, false},
		{"for another purpose", edit("assertionMethod", "authentication"), refused, false},
		{"by a key without an address", edit("https://server.example/users/alice#ed", "did:key:"), refused, false},
		{"no value", edit(`"proofValue":"z`, `"proofValue":"?`), refused, false},
		{"a date that is none", edit("2023-02-24T23:36:38Z", "yesterday"), refused, false},
		{"another suite", edit(suite, "eddsa-rdfc-2022"), none, false},
		{"no proof", fepDoc, none, false},
		{"a number", bare + `,"proof":1}`, none, false},
		{"twice", bare + `,"proof":1,"proof":` + proof + `}`, refused, false},
		{"no object", `[]`, refused, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Find([]byte(tt.doc))
			found := readable
			if err != nil {
				found = refused
			} else if p == nil {
				found = none
			}
			if found != tt.find {
				t.Fatalf("Find = %v, %v", p, err)
			}
			if p == nil {
				return
			}
			if err := p.Verify(fepKey(t), now); (err == nil) != tt.ok {
				t.Errorf("Verify = %v, want ok %t", err, tt.ok)
			}
		})
	}
	p, err := Find(signed)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Verify(other, now) == nil || p.Verify("x", now) == nil {
		t.Error("another key verifies")
	}
}

// Our own contexts get the proof's beside them, before terms of their own.
func TestSignDefines(t *testing.T) {
	for before, after := range map[string]string{
		`"https://www.w3.org/ns/activitystreams"`:                     `["https://www.w3.org/ns/activitystreams","` + integrityContext + `"]`,
		`["https://www.w3.org/ns/activitystreams",{"a":"as:a"}]`:      `["https://www.w3.org/ns/activitystreams","` + integrityContext + `",{"a":"as:a"}]`,
		`["x:y","https://w3id.org/security/data-integrity/v2"]`:       `["x:y","https://w3id.org/security/data-integrity/v2"]`,
		`["https://www.w3.org/ns/activitystreams","https://x.test/"]`: `["https://www.w3.org/ns/activitystreams","https://x.test/","` + integrityContext + `"]`,
	} {
		got, err := fepSigner(t).Sign([]byte(`{"@context":`+before+`,"type":"Like"}`), fepTime)
		if err != nil || !strings.HasPrefix(string(got), `{"@context":`+after+`,"type":"Like","proof":{"@context":`+after) {
			t.Errorf("%s became %s, %v", before, got, err)
		}
		if p, err := Find(got); err != nil || p.Verify(fepKey(t), now) != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
	if _, err := fepSigner(t).Sign([]byte(`[]`), fepTime); err == nil {
		t.Error("a list was signed")
	}
}

func TestKeys(t *testing.T) {
	for text, ok := range map[string]bool{
		fepPublic: true,
		"u" + base64.RawURLEncoding.EncodeToString(append([]byte(ed25519Code), fepKey(t)...)): true,
		fepPublic[1:]:                   false,
		fepPublic + "0":                 false,
		fepPrivate:                      false,
		"z6Mk":                          false,
		"z":                             false,
		"":                              false,
		"u!":                            false,
		"z" + strings.Repeat("2", 3000): false,
	} {
		if key, err := ParseKey(text); (err == nil) != ok {
			t.Errorf("ParseKey(%.60s) = %v, %v; want ok %t", text, key, err, ok)
		}
	}
}

func interop(t testing.TB, name string) []byte {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(interoptest.Dir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// What other software sends can be read.
func TestProofsOfOthers(t *testing.T) {
	p, err := Find(interop(t, "mitra/create-note.json"))
	if err != nil || p == nil || p.Method() != "https://mitra.social/users/test#ed25519-key" {
		t.Errorf("Mitra's proof: %+v, %v", p, err)
	}
	if p, err := Find(interop(t, "hostile/integrity-proof-garbage.json")); p != nil && p.Verify(fepKey(t), now) == nil {
		t.Errorf("garbage: %v, %v", p, err)
	}
	a, err := vocab.DecodeActor(interop(t, "hollo/actor-person.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, k := range a.Keys {
		if k.Multi != "" {
			if _, err := ParseKey(k.Multi); err != nil {
				t.Errorf("%s: %v", k.ID, err)
			}
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d keys of an actor with two: %+v", n, a.Keys)
	}
}

func FuzzFind(f *testing.F) {
	signed, err := fepSigner(f).Sign([]byte(fepDoc), fepTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(signed))
	f.Add(`{"proof":[{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","verificationMethod":"https://a.test/#k","proofValue":"z1"}],"@context":[1,{}]}`)
	key, other := fepKey(f), ed25519.NewKeyFromSeed(make([]byte, 32)).Public()
	want, err := signedText([]byte("{}"), []byte(fepDoc))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		p, err := Find([]byte(doc))
		if err != nil || p == nil {
			return
		}
		if p.Verify(other, now) == nil {
			t.Errorf("%q was signed by nobody", doc)
		}
		if p.Verify(key, now) != nil {
			return
		}
		d, err := read([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		// Only the example is signed with this key, with whatever contexts behind its own.
		d, err = d.without("proof").begins([]byte(`["https://www.w3.org/ns/activitystreams","https://w3id.org/security/data-integrity/v1"]`))
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		if got, err := signedText([]byte("{}"), d.bytes()); err != nil || string(got) != string(want) {
			t.Errorf("%q passes for %q", doc, fepDoc)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(fepPublic)
	f.Add("u7QEmtAuPk_")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if ed, ok := key.(ed25519.PublicKey); err == nil && ok && strings.HasPrefix(text, "z") && EncodeKey(ed) != text {
			t.Errorf("%q is also %q", text, EncodeKey(ed))
		}
	})
}

func BenchmarkSign(b *testing.B) {
	s := fepSigner(b)
	for b.Loop() {
		if _, err := s.Sign([]byte(fepDoc), fepTime); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	signed, err := fepSigner(b).Sign([]byte(fepDoc), fepTime)
	if err != nil {
		b.Fatal(err)
	}
	key := fepKey(b)
	for b.Loop() {
		p, err := Find(signed)
		if err != nil || p.Verify(key, now) != nil {
			b.Fatal(err)
		}
	}
}
