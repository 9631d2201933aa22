package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// Keep is how long a push service is asked to keep a message for a device that
// can't be reached.
const Keep = 48 * time.Hour

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	Keys    *Keys
	Remote  *remote.Client
	Subject string // Whom services may ask: a mailto: or https: address.
	Now     func() time.Time
}

// Send encrypts a message of at most MaxMessage bytes and gives it to the
// subscription's service. The answer is there whenever the service gave one; the
// error is nil for a success only, NotFound or Gone when there is no such
// subscription any more.
//
// spec: rfc8030#section-5
func (s *Sender) Send(ctx context.Context, to *Subscription, message []byte) (*remote.Answer, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	header := http.Header{"Ttl": {strconv.Itoa(int(Keep / time.Second))}, "Urgency": {"normal"}, "Content-Type": {"application/octet-stream"}}
	body, err := to.encrypt(message, own, salt, header)
	if err != nil {
		return nil, err
	}
	token, err := s.Keys.token(to.Endpoint, s.Subject, s.Now())
	if err != nil {
		return nil, err
	}
	key := encode64(s.Keys.public())
	if to.Standard {
		header.Set("Authorization", "vapid t="+token+", k="+key)
	} else { // spec: draft-ietf-webpush-vapid-01#section-2
		header.Set("Authorization", "WebPush "+token)
		header.Set("Crypto-Key", header.Get("Crypto-Key")+";p256ecdsa="+key)
	}
	return s.Remote.Send(ctx, to.Endpoint, header, body)
}

// origin is the scheme and authority of an address, to which a token is bound.
func origin(endpoint vocab.IRI) string {
	u, err := url.Parse(string(endpoint))
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
