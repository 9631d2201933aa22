package remote

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"kenoma/internal/vocab"
)

// maxLabels is how many labelled signatures of one request are looked at.
const maxLabels = 8

// SignMessage sets Signature-Input, Signature and, for a request with a body,
// Content-Digest of req. The signature covers @method and @target-uri, and for a
// body content-digest and, when they are set, content-type and
// collection-synchronization.
//
// spec: rfc9421#section-3.1
func SignMessage(req *http.Request, body []byte, key *Key, now time.Time) error {
	s := &Signature{form: RFC9421, keyID: key.ID, covered: []string{"@method", "@target-uri"}}
	if body != nil {
		req.Header.Set("Content-Digest", contentDigest(body))
		s.covered = append(s.covered, "content-digest")
		for _, name := range []string{"content-type", strings.ToLower(synchronizationHeader)} {
			if req.Header.Get(name) != "" {
				s.covered = append(s.covered, name)
			}
		}
	}
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range s.covered {
		list.Items = append(list.Items, httpsfv.NewItem(name))
	}
	list.Params.Add("created", now.Unix())
	list.Params.Add("keyid", string(key.ID))
	_, isRSA := key.Private.Public().(*rsa.PublicKey)
	if isRSA {
		list.Params.Add("alg", "rsa-v1_5-sha256")
	} else {
		list.Params.Add("alg", "ed25519")
	}
	var err error
	if s.params, err = httpsfv.Marshal(list); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	text, err := s.messageText(req, wire{target: targetOf(req), scheme: req.URL.Scheme})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if s.value, err = signText(key, text); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	req.Header.Set("Signature-Input", "sig1="+s.params)
	req.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(s.value)+":")
	return nil
}

// signText signs with PKCS #1 v1.5 and SHA-256, or Ed25519, as the key is.
func signText(key *Key, text []byte) ([]byte, error) {
	switch key.Private.Public().(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256(text)
		return key.Private.Sign(rand.Reader, sum[:], crypto.SHA256)
	case ed25519.PublicKey:
		return key.Private.Sign(nil, text, crypto.Hash(0))
	}
	return nil, fmt.Errorf("no algorithm for a %T", key.Private)
}

// parseMessage reads the labelled signatures of a request, in their order. One that
// can't be used is left out; the error is why, when none can.
//
// spec: rfc9421#section-4
func parseMessage(input, signature []string) ([]*Signature, error) {
	if len(strings.Join(input, ""))+len(strings.Join(signature, "")) > 2*maxSignatureHeader {
		return nil, errors.New("it is too long")
	}
	inputs, err := httpsfv.UnmarshalDictionary(input)
	if err != nil {
		return nil, fmt.Errorf("Signature-Input: %w", err)
	}
	values, err := httpsfv.UnmarshalDictionary(signature)
	if err != nil {
		return nil, fmt.Errorf("Signature: %w", err)
	}
	var list []*Signature
	why := errors.New("no signature has a label")
	for _, label := range inputs.Names()[:min(len(inputs.Names()), maxLabels)] {
		member, _ := inputs.Get(label)
		value, _ := values.Get(label)
		s, err := readMessage(member, value)
		if err != nil {
			why = fmt.Errorf("%.50q: %w", label, err)
			continue
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, why
	}
	return list, nil
}

// readMessage reads one labelled signature. Components with parameters, which cover
// a part of a field or a field of another message, are not for us.
func readMessage(input, value httpsfv.Member) (*Signature, error) {
	list, ok := input.(httpsfv.InnerList)
	if !ok || len(list.Items) > maxCovered {
		return nil, errors.New("no short list of what is signed")
	}
	item, ok := value.(httpsfv.Item)
	if !ok {
		return nil, errors.New("no value")
	}
	s := &Signature{form: RFC9421}
	if s.value, ok = item.Value.([]byte); !ok || len(s.value) == 0 {
		return nil, errors.New("the value is no byte sequence")
	}
	for _, c := range list.Items {
		name, ok := c.Value.(string)
		if !ok || len(c.Params.Names()) > 0 {
			return nil, errors.New("a component that is not supported")
		}
		if name != strings.ToLower(name) || slices.Contains(s.covered, name) {
			return nil, fmt.Errorf("%.50q is listed twice or not in lower case", name)
		}
		s.covered = append(s.covered, name)
	}
	s.keyID = vocab.IRI(textParam(list.Params, "keyid"))
	s.algorithm = textParam(list.Params, "alg")
	s.created, s.expires = timeParam(list.Params, "created"), timeParam(list.Params, "expires")
	if s.keyID == "" || len(s.keyID) > maxURL {
		return nil, errors.New("no usable keyid")
	}
	var err error
	s.params, err = httpsfv.Marshal(list)
	return s, err
}

func textParam(p *httpsfv.Params, name string) string {
	v, _ := p.Get(name)
	text, _ := v.(string)
	return text
}

// timeParam is a time in seconds as text; of another type it is one that can't be
// read.
func timeParam(p *httpsfv.Params, name string) string {
	v, ok := p.Get(name)
	if !ok {
		return ""
	}
	n, ok := v.(int64)
	if !ok {
		return "?"
	}
	return strconv.FormatInt(n, 10)
}

// wire is what a request does not tell alike on both sides.
type wire struct {
	target string // Path and query.
	scheme string // A proxy in front of us may have taken the encryption off.
}

// messageText returns the signature base.
//
// spec: rfc9421#section-2.5
func (s *Signature) messageText(req *http.Request, on wire) ([]byte, error) {
	b := make([]byte, 0, 512)
	for _, name := range s.covered {
		value, err := component(req, name, on)
		if err != nil {
			return nil, err
		}
		b = append(append(append(append(append(b, '"'), name...), `": `...), value...), '\n')
	}
	return append(append(b, `"@signature-params": `...), s.params...), nil
}

// component returns the value of a component of req.
//
// spec: rfc9421#section-2.1, rfc9421#section-2.2
func component(req *http.Request, name string, on wire) (string, error) {
	path, query, hasQuery := strings.Cut(on.target, "?")
	switch name {
	case "@method":
		return req.Method, nil
	case "@target-uri":
		host, err := fieldValue(req, "host")
		return on.scheme + "://" + host + on.target, err
	case "@authority":
		host, err := fieldValue(req, "host")
		return authority(host, on.scheme), err
	case "@scheme":
		return on.scheme, nil
	case "@request-target":
		return on.target, nil
	case "@path":
		if path == "" {
			path = "/"
		}
		return path, nil
	case "@query":
		if !hasQuery {
			query = ""
		}
		return "?" + query, nil
	}
	if strings.HasPrefix(name, "@") {
		return "", fmt.Errorf("component %.50q is not supported", name)
	}
	return fieldValue(req, name)
}

// authority is a host in its normal form: lower case, without the scheme's own port.
//
// spec: rfc9421#section-2.2.3
func authority(host, scheme string) string {
	host = strings.ToLower(host)
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return strings.TrimSuffix(host, port)
}

// messageRSA lists what the algorithms of RFC 9421 mean for an RSA key.
//
// spec: rfc9421#section-3.3
var messageRSA = map[string][]rsaScheme{
	"":                {pkcs256, pss512},
	"rsa-v1_5-sha256": {pkcs256},
	"rsa-pss-sha512":  {pss512},
}

// messageEd lists the names under which an Ed25519 key signs.
var messageEd = []string{"", "ed25519"}
