package remote

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// maxAge is how old the date of a signed request may be. Mastodon accepts 12 h; a
// shorter time loses posts from servers that queue or whose clock is off, a longer
// one lets a captured request be replayed for longer.
//
// spec: draft-cavage-http-signatures-12#section-5, rfc9421#section-7.2.2
const maxAge = 12 * time.Hour

// maxSkew is how far a signer's clock may be ahead of ours.
const maxSkew = time.Hour

// Bounds of a Signature header.
const (
	maxSignatureHeader = 8 << 10 // Bytes.
	maxCovered         = 32      // Headers that one signature covers.
	maxSignatures      = 4       // Signature headers of one request that are looked at.
)

// Form is a form of HTTP signatures. The values are stored.
type Form int16

// The forms.
const (
	DraftCavage Form = 1 // What nearly everybody takes, and what is tried first.
	RFC9421     Form = 2
)

// Signature is the signature of a request as it was sent, not yet verified.
type Signature struct {
	form      Form
	keyID     vocab.IRI
	algorithm string   // Lower case; "" when not named.
	covered   []string // Lower case, in the order in which they were signed.
	value     []byte
	created   string // As sent, since the text is signed; "" when absent.
	expires   string
	params    string // Of RFC 9421: what stands behind @signature-params.
}

// KeyID names the key that is said to have signed: "…#main-key", "…/main-key" or
// the actor's own id. Check whose it is before believing it.
func (s *Signature) KeyID() vocab.IRI { return s.keyID }

// Form is the form of the signature.
func (s *Signature) Form() Form { return s.form }

// Covered lists what is signed, in lower case: names of header fields, and those of
// what is none, as "(request-target)" or "@method".
func (s *Signature) Covered() []string { return slices.Clone(s.covered) }

// Parse reads the signature of req: by RFC 9421 where there is a Signature-Input, else by
// the draft, from a Signature header or an Authorization header of that scheme. Of
// several the first that covers enough is taken, else the first that can be read.
// An error is a fault of kind Unauthorized.
func Parse(req *http.Request) (*Signature, error) {
	list, err := signatures(req)
	if err != nil {
		return nil, fault.Because(err, fault.Unauthorized, "The signature can't be read: %v.", err)
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Unauthorized, "The request is not signed.")
	}
	for _, s := range list {
		if s.keyID.Valid() == nil && s.checkCovered(isPlain(req, nil)) == nil {
			return s, nil
		}
	}
	return list[0], nil
}

// signatures reads what signatures a request has. The error is why, when there are
// some and none can be read.
func signatures(req *http.Request) (list []*Signature, why error) {
	headers := req.Header.Values("Signature")
	if input := req.Header.Values("Signature-Input"); len(input) > 0 {
		if list, why = parseMessage(input, headers); len(list) > 0 {
			return list, nil
		}
		headers = nil // They are the values that belong to it.
	}
	for _, h := range req.Header.Values("Authorization") {
		if scheme, rest, _ := strings.Cut(h, " "); strings.EqualFold(scheme, "Signature") {
			headers = append(headers[:len(headers):len(headers)], rest)
		}
	}
	for _, h := range headers[:min(len(headers), maxSignatures)] {
		if len(h) > maxSignatureHeader {
			why = errors.New("it is too long")
			continue
		}
		s, err := parseSignature(h)
		if err != nil {
			why = err
			continue
		}
		list = append(list, s)
	}
	if len(list) > 0 {
		return list, nil
	}
	return nil, why
}

// isPlain tells whether req is one that needs no digest.
func isPlain(req *http.Request, body []byte) bool {
	return len(body) == 0 && (req.Method == http.MethodGet || req.Method == http.MethodHead)
}

// Verify checks that the holder of pub signed req with this body, at about now.
// The signature must cover the method, path and host, a date, and the digest of the
// body of whatever is no plain GET. A nil error says nothing about whose key pub
// is, nor whether the signed host is us: route by req.Host before. An error is a
// fault of kind Unauthorized. It takes about 35 µs for RSA-2048.
//
// spec: draft-cavage-http-signatures-12#section-2.5, rfc9421#section-3.2
func (s *Signature) Verify(req *http.Request, body []byte, pub crypto.PublicKey, now time.Time) error {
	if err := s.verify(req, body, pub, now); err != nil {
		return fault.Because(err, fault.Unauthorized, "The signature is not valid: %v.", err)
	}
	return nil
}

func (s *Signature) verify(req *http.Request, body []byte, pub crypto.PublicKey, now time.Time) error {
	if err := s.checkCovered(isPlain(req, body)); err != nil {
		return err
	}
	if err := s.checkTimes(req, now); err != nil {
		return err
	}
	if s.covers("digest") {
		if err := checkDigest(req.Header.Values("Digest"), body); err != nil {
			return err
		}
	}
	if s.covers("content-digest") {
		if err := checkContentDigest(req.Header.Values("Content-Digest"), body); err != nil {
			return err
		}
	}
	for _, on := range s.wires(req) {
		text, err := s.text(req, on)
		if err != nil {
			return err
		}
		ok, err := s.matches(text, pub)
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
	}
	return errors.New("it was not made with this key over this request")
}

// wires are the ways in which the signer may have seen the request. Some software
// signs a GET without its query; and whether a request came encrypted only the
// proxy in front of us knows.
func (s *Signature) wires(req *http.Request) []wire {
	target := targetOf(req)
	list := []wire{{target, "https"}}
	if path, _, ok := strings.Cut(target, "?"); ok && (req.Method == http.MethodGet || req.Method == http.MethodHead) {
		list = append(list, wire{path, "https"})
	}
	if s.covers("@target-uri") || s.covers("@scheme") || s.covers("@authority") {
		for _, on := range list[:len(list):len(list)] {
			list = append(list, wire{on.target, "http"})
		}
	}
	return list
}

func (s *Signature) text(req *http.Request, on wire) ([]byte, error) {
	if s.form == RFC9421 {
		return s.messageText(req, on)
	}
	return s.cavageText(req, on.target)
}

func (s *Signature) covers(name string) bool { return slices.Contains(s.covered, name) }

// coverage lists what a signature must cover: one of each row.
var coverage = map[Form][][]string{
	DraftCavage: {{requestTarget}, {"host"}},
	RFC9421:     {{"@method"}, {"@target-uri", "@request-target", "@path"}, {"@target-uri", "@authority", "host"}},
}

// checkCovered makes sure that enough is signed; plain requests need no digest.
func (s *Signature) checkCovered(plain bool) error {
	rows := coverage[s.form]
	if !plain {
		rows = append(rows[:len(rows):len(rows)], []string{"digest", "content-digest"})
	}
	for _, row := range rows {
		if !slices.ContainsFunc(row, s.covers) {
			return fmt.Errorf("%s is not signed", row[0])
		}
	}
	return nil
}

// dated tells whether the time of its making is signed. In RFC 9421 all parameters are.
func (s *Signature) dated() bool {
	return s.created != "" && (s.form == RFC9421 || s.covers(created))
}

// checkTimes makes sure that the signature has a date, and that each date which
// it covers is near now.
func (s *Signature) checkTimes(req *http.Request, now time.Time) error {
	if !s.covers("date") && !s.dated() {
		return errors.New("date is not signed")
	}
	if s.covers("date") {
		at, err := parseDate(req.Header.Get("Date"))
		if err != nil {
			return errors.New("the date can't be read")
		}
		if err := near(at, now); err != nil {
			return err
		}
	}
	if s.dated() {
		at, err := unixTime(s.created)
		if err != nil {
			return errors.New("created can't be read")
		}
		if err := near(at, now); err != nil {
			return err
		}
	}
	if s.expires != "" {
		at, err := unixTime(s.expires)
		if err != nil {
			return errors.New("expires can't be read")
		}
		if now.After(at.Add(maxSkew)) {
			return errors.New("it has expired")
		}
	}
	return nil
}

// parseDate reads a Date header, also with UTC or +0000 for GMT.
func parseDate(s string) (time.Time, error) {
	at, err := http.ParseTime(s)
	for _, layout := range []string{time.RFC1123, time.RFC1123Z} {
		if err == nil {
			break
		}
		if strings.HasSuffix(s, " UTC") || strings.HasSuffix(s, " +0000") {
			at, err = time.Parse(layout, s)
		}
	}
	return at, err
}

func near(at, now time.Time) error {
	switch {
	case at.Before(now.Add(-maxAge)):
		return fmt.Errorf("it is too old, it was made at %s and here it is %s", at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case at.After(now.Add(maxSkew)):
		return fmt.Errorf("it is from the future, it was made at %s and here it is %s", at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// unixTime reads seconds since 1970; some signers add a fraction.
func unixTime(s string) (time.Time, error) {
	whole, _, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return time.Time{}, errors.New("no time")
	}
	return time.Unix(n, 0), nil
}

// targetOf returns path and query of req as they went over the wire.
func targetOf(req *http.Request) string {
	if strings.HasPrefix(req.RequestURI, "/") {
		return req.RequestURI // On a server, byte for byte.
	}
	return req.URL.RequestURI()
}

// single are the fields that must not come twice, since then whoever handles the
// request might use another value than the one that was meant.
var single = []string{"date", "digest", "content-digest", "content-type", "content-length"}

// fieldValue returns the value of a header field as it is signed.
func fieldValue(req *http.Request, name string) (string, error) {
	if name == "host" {
		if req.Host == "" && req.URL != nil {
			return req.URL.Host, nil
		}
		return req.Host, nil
	}
	values := req.Header.Values(name)
	if len(values) == 0 && name == "content-length" && req.ContentLength >= 0 {
		return strconv.FormatInt(req.ContentLength, 10), nil // net/http may have taken it out.
	}
	switch {
	case len(values) == 0:
		return "", fmt.Errorf("%.50q is signed but missing", name)
	case len(values) == 1:
		return strings.TrimSpace(values[0]), nil
	case slices.Contains(single, name):
		return "", fmt.Errorf("%s comes twice", name)
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.TrimSpace(v)
	}
	return strings.Join(trimmed, ", "), nil
}

// rsaScheme is a way to sign with an RSA key.
type rsaScheme struct {
	hash crypto.Hash
	pss  bool
}

var (
	pkcs256 = rsaScheme{hash: crypto.SHA256}
	pkcs512 = rsaScheme{hash: crypto.SHA512}
	pss512  = rsaScheme{hash: crypto.SHA512, pss: true}
)

func (r rsaScheme) verify(pub *rsa.PublicKey, text, signature []byte) bool {
	sum := hashOf(r.hash, text)
	if r.pss {
		return rsa.VerifyPSS(pub, r.hash, sum, signature, nil) == nil
	}
	return rsa.VerifyPKCS1v15(pub, r.hash, sum, signature) == nil
}

// matches tells whether pub made the signature over text. The kind of the key
// decides how it is checked; an algorithm that does not go with it is an error.
func (s *Signature) matches(text []byte, pub crypto.PublicKey) (bool, error) {
	forRSA, forEd := cavageRSA, cavageEd
	if s.form == RFC9421 {
		forRSA, forEd = messageRSA, messageEd
	}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		schemes := forRSA[s.algorithm]
		if schemes == nil {
			return false, fmt.Errorf("algorithm %.50q is not for an RSA key", s.algorithm)
		}
		return slices.ContainsFunc(schemes, func(r rsaScheme) bool { return r.verify(pub, text, s.value) }), nil
	case ed25519.PublicKey:
		if !slices.Contains(forEd, s.algorithm) {
			return false, fmt.Errorf("algorithm %.50q is not for an Ed25519 key", s.algorithm)
		}
		return len(pub) == ed25519.PublicKeySize && ed25519.Verify(pub, text, s.value), nil
	default:
		return false, fmt.Errorf("a key of type %T is not supported", pub)
	}
}

func hashOf(h crypto.Hash, text []byte) []byte {
	if h == crypto.SHA512 {
		sum := sha512.Sum512(text)
		return sum[:]
	}
	sum := sha256.Sum256(text)
	return sum[:]
}
