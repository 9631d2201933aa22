package fedtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// device is an app with its push service: it decrypts what it gets.
type device struct {
	t      *testing.T
	key    *ecdh.PrivateKey
	auth   []byte
	mu     sync.Mutex
	status int // What the service answers; 0 means 201.
	asked  int
	got    []pushed
}

// pushed is a message as decrypted.
type pushed struct {
	AccessToken      string `json:"access_token"`
	PreferredLocale  string `json:"preferred_locale"`
	NotificationID   int64  `json:"notification_id"`
	NotificationType string `json:"notification_type"`
	Icon, Title      string
	Body             string
}

func newDevice(t *testing.T) *device {
	t.Helper()
	d := &device{t: t, auth: make([]byte, 16)}
	rand.Read(d.auth)
	var err error
	if d.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return d
}

func base(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unbase(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// subscribe is the form of a subscription to everything at push.test.
func (d *device) subscribe(standard string) url.Values {
	return url.Values{"subscription[endpoint]": {"http://push.test/" + standard}, "subscription[standard]": {standard},
		"subscription[keys][p256dh]": {base(d.key.PublicKey().Bytes())}, "subscription[keys][auth]": {base(d.auth)},
		"data[alerts][mention]": {"true"}, "data[alerts][follow]": {"true"}, "data[alerts][favourite]": {"true"}}
}

// ServeHTTP is the push service.
func (d *device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.status != 0 {
		w.WriteHeader(d.status)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	if r.Header.Get("TTL") == "" || !strings.Contains(r.Header.Get("Authorization"), "ey") {
		d.t.Errorf("headers %v", r.Header)
	}
	var m pushed
	if err := json.Unmarshal(d.open(r.Header, body), &m); err != nil {
		d.t.Errorf("message: %v", err)
	}
	d.got = append(d.got, m)
	w.WriteHeader(http.StatusCreated)
}

// open decrypts a body, as RFC 8291 or the draft before it says.
func (d *device) open(h http.Header, body []byte) []byte {
	var salt, from []byte
	var context, name string
	standard := h.Get("Content-Encoding") == "aes128gcm"
	if standard {
		salt, from, body = body[:16], body[21:86], body[86:]
		name, context = "Content-Encoding: aes128gcm\x00", ""
	} else {
		salt = unbase(strings.TrimPrefix(h.Get("Encryption"), "salt="))
		dh, _, _ := strings.Cut(h.Get("Crypto-Key"), ";")
		from = unbase(strings.TrimPrefix(dh, "dh="))
		name = "Content-Encoding: aesgcm\x00"
		context = "P-256\x00\x00\x41" + string(d.key.PublicKey().Bytes()) + "\x00\x41" + string(from)
	}
	public, err := ecdh.P256().NewPublicKey(from)
	if err != nil {
		d.t.Fatal(err)
	}
	shared, err := d.key.ECDH(public)
	if err != nil {
		d.t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		key, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			d.t.Fatal(err)
		}
		return key
	}
	info := "Content-Encoding: auth\x00"
	if standard {
		info = "WebPush: info\x00" + string(d.key.PublicKey().Bytes()) + string(from)
	}
	secret := derive(shared, d.auth, info, 32)
	block, err := aes.NewCipher(derive(secret, salt, name+context, 16))
	if err != nil {
		d.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := aead.Open(nil, derive(secret, salt, "Content-Encoding: nonce\x00"+context, 12), body, nil)
	if err != nil {
		d.t.Errorf("the message can't be decrypted: %v", err)
		return []byte("{}")
	}
	if standard {
		return text[:len(text)-1]
	}
	return text[2:]
}

// take returns what came since the last time.
func (d *device) take() []pushed {
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.got
	d.got = nil
	return got
}

// An app is told of what happens by a message that only it can read, in both
// encodings, and not of what its owner doesn't want to hear.
func TestPush(t *testing.T) {
	w, ann, bob := friends(t)
	ann.Follow(bob) // So that none of his messages is a stranger's.
	w.Settle()
	d := newDevice(t)
	w.Host("push.test", d)
	for _, standard := range []string{"true", "false"} {
		var made struct {
			ServerKey string `json:"server_key"`
		}
		ann.Call("POST", "/api/v1/push/subscription", d.subscribe(standard), &made)
		post := bob.Post("@ann@a.test Good <morning> & more", "public")
		w.Settle()
		got := d.take()
		if len(got) != 1 {
			t.Fatalf("standard %s: got %+v, want one message", standard, got)
		}
		m := got[0]
		if m.AccessToken != ann.Token || m.NotificationType != "mention" || !strings.HasSuffix(m.Title, "mentioned you") || !strings.Contains(m.Body, "Good <morning> & more") ||
			!strings.HasPrefix(m.Icon, "http://a.test/") || m.PreferredLocale == "" {
			t.Errorf("the message is %+v", m)
		}
		if n := ann.Notifications()[0]; n.Type != "mention" || n.Status == nil || n.Status.URI != post.URI || m.NotificationID == 0 {
			t.Errorf("the newest notification is %+v", n)
		}
	}

	ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob@b.test").ID+"/mute", url.Values{}, nil)
	bob.Post("@ann@a.test again", "public")
	w.Settle()
	if got := d.take(); len(got) != 0 {
		t.Errorf("told of what a muted account did: %+v", got)
	}
	ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob@b.test").ID+"/unmute", url.Values{}, nil)

	d.status = http.StatusGone
	bob.Post("@ann@a.test third", "public")
	w.Settle()
	if status := ann.Call("GET", "/api/v1/push/subscription", nil, nil); status != http.StatusNotFound {
		t.Errorf("the subscription that is gone is still there: %d", status)
	}
	asked := d.asked
	bob.Post("@ann@a.test fourth", "public")
	w.Settle()
	if d.asked != asked {
		t.Error("a message was sent to a subscription that is gone")
	}
}
