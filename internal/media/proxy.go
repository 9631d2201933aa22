package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// ProxyPrefix begins every path that a Signer makes.
const ProxyPrefix = "/proxy/"

// Signer makes the paths under which remote files are served here. A path holds
// the address and a proof that we made it, so that nobody can have us fetch other
// addresses. The value is a secret of at least 32 bytes, which must stay the same
// for old paths to work.
type Signer []byte

// Path returns the path for url: "/proxy/<proof>/<url in base64>". url must be
// http or https; others give "".
func (s Signer) Path(url string) string {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return ""
	}
	return ProxyPrefix + s.proof(url) + "/" + base64.RawURLEncoding.EncodeToString([]byte(url))
}

// Open returns the address in a path that Path made, and whether it did.
func (s Signer) Open(path string) (url string, ok bool) {
	rest, ok := strings.CutPrefix(path, ProxyPrefix)
	if !ok {
		return "", false
	}
	proof, coded, _ := strings.Cut(rest, "/")
	b, err := base64.RawURLEncoding.Strict().DecodeString(coded)
	if err != nil || !hmac.Equal([]byte(proof), []byte(s.proof(string(b)))) {
		return "", false
	}
	return string(b), true
}

// proof is 128 bits of an HMAC, which nobody guesses over the network.
func (s Signer) proof(url string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte("media proxy\x00" + url))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
