package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// codeOf is what an authenticator app shows.
func (w *world) codeOf(secret string, at time.Time) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

func TestTOTP(t *testing.T) {
	eachEngine(t, withMail, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		secret := auth.NewTOTPSecret()
		if _, err := w.auth.AddTOTP(ctx, ann.ID, "Phone", secret, "000000"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a wrong code: %v", err)
		}
		if _, err := w.auth.AddTOTP(ctx, ann.ID, "Phone", "SHORT", "000000"); !fault.Is(err, fault.Malformed) {
			t.Errorf("a made up secret: %v", err)
		}
		if more, err := w.auth.NeedsSecond(ctx, ann.ID); err != nil || more {
			t.Errorf("before it is set up: %t, %v", more, err)
		}
		codes, err := w.auth.AddTOTP(ctx, ann.ID, "Phone", secret, w.codeOf(secret, w.clock()))
		if err != nil || len(codes) != 10 {
			t.Fatalf("AddTOTP = %q, %v", codes, err)
		}
		if more, err := w.auth.NeedsSecond(ctx, ann.ID); err != nil || !more {
			t.Errorf("when it is set up: %t, %v", more, err)
		}
		if sent := w.work(); len(sent) != 1 || !strings.Contains(sent[0].Text, "Phone") {
			t.Errorf("sent %+v, want a notice", sent)
		}
		for _, tt := range []struct {
			name, code string
			after      time.Duration
			ok         bool
		}{
			{"the code it was set up with, again", w.codeOf(secret, w.clock()), 0, false},
			{"the next one", w.codeOf(secret, w.clock().Add(30*time.Second)), 0, true},
			{"the same again", w.codeOf(secret, w.clock().Add(30*time.Second)), 0, false},
			{"one of a slow clock", w.codeOf(secret, w.clock().Add(60*time.Second)), 90 * time.Second, true},
			{"an old one", w.codeOf(secret, w.clock().Add(90*time.Second)), 5 * time.Minute, false},
			{"nothing", "", 0, false},
			{"a recovery code", codes[3], 0, true},
			{"the same recovery code", codes[3], 0, false},
			{"another, typed carelessly", " " + strings.ToUpper(strings.ReplaceAll(codes[4], "-", " ")), 0, true},
		} {
			w.pass(tt.after)
			if err := w.auth.CheckCode(ctx, ann.ID, tt.code, home); (err == nil) != tt.ok || err != nil && !fault.Is(err, fault.Unauthorized) {
				t.Errorf("%s: %v, want ok: %t", tt.name, err, tt.ok)
			}
		}
		if err := w.auth.CheckCode(ctx, bob.ID, codes[5], home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("Ann's recovery code for Bob: %v", err)
		}
		if sent := w.work(); len(sent) != 2 || sent[0].Subject != "A recovery code was used" {
			t.Errorf("sent %+v, want a notice for each recovery code", sent)
		}

		// A second one has no further recovery codes; new ones replace the old.
		other := auth.NewTOTPSecret()
		if codes, err := w.auth.AddTOTP(ctx, ann.ID, "", other, w.codeOf(other, w.clock())); err != nil || len(codes) != 0 {
			t.Errorf("a second app: %q, %v", codes, err)
		}
		if fresh, err := w.auth.NewRecoveryCodes(ctx, ann.ID); err != nil || len(fresh) != 10 || fresh[0] == codes[0] {
			t.Errorf("new recovery codes: %q, %v", fresh, err)
		}
		if err := w.auth.CheckCode(ctx, ann.ID, codes[6], home); err == nil {
			t.Error("an old recovery code works beside the new ones")
		}
		if _, err := w.auth.NewRecoveryCodes(ctx, bob.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("recovery codes for Bob, who has nothing to recover: %v", err)
		}
		all, err := w.db.SecondFactors(ctx, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.auth.RemoveFactor(ctx, bob.ID, all[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("Bob removes Ann's: %v", err)
		}
		for _, f := range all {
			if text := fmt.Sprintf("%v %+v %#v", f, f, f); strings.Contains(text, secret) || strings.Contains(text, other) {
				t.Errorf("the secret shows in %s", text)
			}
			if text, err := json.Marshal(f); err != nil || bytes.Contains(text, []byte(secret)) {
				t.Errorf("the secret shows in %s, %v", text, err)
			}
			if f.Kind == "totp" {
				if err := w.auth.RemoveFactor(ctx, ann.ID, f.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if left := storetest.Dump(t, w.db, "SELECT kind FROM second_factors"); len(left) != 0 {
			t.Errorf("left after the last one was removed: %q", left)
		}
	})
}

func TestSecondFactorThrottled(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle = true })
	ann := w.person("ann")
	secret := auth.NewTOTPSecret()
	if _, err := w.auth.AddTOTP(t.Context(), ann.ID, "", secret, w.codeOf(secret, w.clock())); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for range 100 {
		if err := w.auth.CheckCode(t.Context(), ann.ID, "000000", home); fault.Is(err, fault.Unauthorized) {
			tries++
		}
		w.pass(6 * time.Second)
	}
	if tries > 15 {
		t.Errorf("%d guesses in ten minutes, want few", tries)
	}
	w.pass(15 * time.Minute)
	if err := w.auth.CheckCode(t.Context(), ann.ID, w.codeOf(secret, w.clock()), home); err != nil {
		t.Errorf("the right code after the wait: %v", err)
	}
}

func TestPasswordGrantWithSecondFactor(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		ann := w.person("ann")
		a := w.app("read write")
		form := url.Values{"grant_type": {"password"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "username": {"ann"}, "password": {password}}
		if status, got, _ := w.post("/oauth/token", form); status != 200 {
			t.Fatalf("without a second factor: %d %v", status, got)
		}
		secret := auth.NewTOTPSecret()
		if _, err := w.auth.AddTOTP(t.Context(), ann.ID, "", secret, w.codeOf(secret, w.clock())); err != nil {
			t.Fatal(err)
		}
		status, got, _ := w.post("/oauth/token", form)
		if status != 400 || got["error"] != "invalid_grant" || !strings.Contains(got["error_description"].(string), "through the browser") {
			t.Errorf("with a second factor: %d %v", status, got)
		}
	})
}

// device is an authenticator in software, with keys of one site.
type device struct {
	t      *testing.T
	origin string
	key    *ecdsa.PrivateKey
	id     []byte
	user   []byte
	count  uint32
	flags  byte // 1 somebody was there, 4 it was the owner
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &device{t: t, origin: "https://a.test", key: key, id: id, flags: 5}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

type asked struct {
	Challenge string
	RP        struct{ ID string }
	RPID      string `json:"rpId"`
	User      struct{ ID string }
	Allow     []struct{ ID string } `json:"allowCredentials"`
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	Selection map[string]any        `json:"authenticatorSelection"`
	UV        string                `json:"userVerification"`
}

func (d *device) read(q *auth.Question) asked {
	d.t.Helper()
	var a asked
	if err := json.Unmarshal([]byte(q.Options), &a); err != nil {
		d.t.Fatal(err)
	}
	return a
}

func (d *device) client(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *device) data(rp string, flags byte) []byte {
	hash := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), d.count)
}

func (d *device) answer(response map[string]any) string {
	b, err := json.Marshal(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response})
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// create makes a passkey.
//
// spec: w3.org/TR/webauthn-3#sctn-attestation
func (d *device) create(q *auth.Question) string {
	a := d.read(q)
	var err error
	if d.user, err = base64.RawURLEncoding.DecodeString(a.User.ID); err != nil {
		d.t.Fatal(err)
	}
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.t.Fatal(err)
	}
	data := append(d.data(a.RP.ID, d.flags|0x40), make([]byte, 16)...)
	data = append(data, 0, byte(len(d.id)))
	data = append(data, d.id...)
	data = append(append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20), point[1:33]...)
	data = append(append(data, 0x22, 0x58, 0x20), point[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return d.answer(map[string]any{"clientDataJSON": b64(d.client("webauthn.create", a.Challenge)), "attestationObject": b64(append(object, data...))})
}

// get shows the passkey.
func (d *device) get(q *auth.Question) string {
	a := d.read(q)
	d.count++
	data, client := d.data(a.RPID, d.flags), d.client("webauthn.get", a.Challenge)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, sum[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(d.user)})
}

func (w *world) newPasskey(actor *store.Actor) *device {
	w.t.Helper()
	d := newDevice(w.t)
	q, err := w.auth.AskNewPasskey(w.t.Context(), actor.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.auth.AddPasskey(w.t.Context(), actor.ID, "Key", q.State, d.create(q)); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// ask asks for a passkey of an account, or of any.
func (w *world) ask(actor int64) *auth.Question {
	w.t.Helper()
	q, err := w.auth.AskPasskey(w.t.Context(), actor)
	if err != nil || q == nil {
		w.t.Fatalf("AskPasskey = %v, %v", q, err)
	}
	return q
}

func TestPasskey(t *testing.T) {
	eachEngine(t, withMail, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		if q, err := w.auth.AskPasskey(ctx, ann.ID); q != nil || err != nil {
			t.Errorf("without a passkey one is asked for: %v, %v", q, err)
		}
		d := newDevice(t)
		q, err := w.auth.AskNewPasskey(ctx, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		made := d.create(q)
		if _, err := w.auth.AddPasskey(ctx, bob.ID, "", q.State, made); err == nil {
			t.Error("Bob takes the passkey that Ann was asked for")
		}
		if codes, err := w.auth.AddPasskey(ctx, ann.ID, "", q.State, made); err != nil || len(codes) != 10 {
			t.Fatalf("AddPasskey = %q, %v", codes, err)
		}
		if _, err := w.auth.AddPasskey(ctx, ann.ID, "", q.State, made); err == nil {
			t.Error("the same answer is taken twice")
		}
		if q, err := w.auth.AskNewPasskey(ctx, ann.ID); err != nil || len(d.read(q).Exclude) != 1 {
			t.Errorf("the next question does not exclude the key: %+v, %v", q, err)
		}
		all, err := w.db.SecondFactors(ctx, ann.ID)
		if err != nil || all[0].Name != "Passkey" || all[0].Key != b64(d.id) {
			t.Fatalf("kept: %+v, %v", all[0], err)
		}

		// As a second factor.
		q = w.ask(ann.ID)
		if got := d.read(q); len(got.Allow) != 1 || got.Allow[0].ID != b64(d.id) {
			t.Errorf("asked for %+v", got)
		}
		shown := d.get(q)
		if err := w.auth.CheckPasskey(ctx, ann.ID, q.State, shown, home); err != nil {
			t.Errorf("the passkey: %v", err)
		}
		if err := w.auth.CheckPasskey(ctx, ann.ID, q.State, shown, home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("the same answer again: %v", err)
		}

		// Alone.
		q = w.ask(0)
		if got := d.read(q); got.UV != "required" || len(got.Allow) != 0 {
			t.Errorf("asked for %+v", got)
		}
		account, actor, err := w.auth.SignInByPasskey(ctx, q.State, d.get(q), home)
		if err != nil || actor.Username != "ann" || account.Actor != ann.ID {
			t.Errorf("SignInByPasskey = %v, %v", actor, err)
		}

		for _, tt := range []struct {
			name   string
			change func(d *device, q *auth.Question)
		}{
			{"another site", func(d *device, _ *auth.Question) { d.origin = "https://evil.test" }},
			{"nobody there", func(d *device, _ *auth.Question) { d.flags = 0 }},
			{"somebody whom the device did not recognise", func(d *device, _ *auth.Question) { d.flags = 1 }},
			{"another key", func(d *device, _ *auth.Question) { d.key = newDevice(t).key }},
			{"an unknown key", func(d *device, _ *auth.Question) { d.id = newDevice(t).id }},
			{"somebody else's handle", func(d *device, _ *auth.Question) { d.user = fmt.Append(nil, bob.ID) }},
			{"a copied key", func(d *device, _ *auth.Question) { d.count = 0 }},
			{"a question for the second factor", func(_ *device, q *auth.Question) { *q = *w.ask(ann.ID) }},
			{"a changed question", func(_ *device, q *auth.Question) { q.State = "e30" + q.State }},
			{"no question", func(_ *device, q *auth.Question) { q.State = "" }},
		} {
			other, q := *d, w.ask(0)
			tt.change(&other, q)
			if _, _, err := w.auth.SignInByPasskey(ctx, q.State, other.get(q), home); !fault.Is(err, fault.Unauthorized) {
				t.Errorf("%s: %v, want a refusal", tt.name, err)
			}
		}
		q = w.ask(0)
		w.pass(11 * time.Minute)
		if _, _, err := w.auth.SignInByPasskey(ctx, q.State, d.get(q), home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("an answer after 11 minutes: %v", err)
		}
		bobs := w.newPasskey(bob)
		q = w.ask(ann.ID)
		if err := w.auth.CheckPasskey(ctx, ann.ID, q.State, bobs.get(q), home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("Bob's passkey for Ann: %v", err)
		}
		if err := w.auth.RemoveFactors(ctx, ann.ID); err != nil {
			t.Fatal(err)
		}
		q = w.ask(0)
		if _, _, err := w.auth.SignInByPasskey(ctx, q.State, d.get(q), home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("a removed passkey: %v", err)
		}
	})
}

func TestNoPasskeysForNumbers(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.URL = "https://192.0.2.1" })
	if w.auth.Passkeys() {
		t.Error("passkeys are offered for an address without a name, which no browser takes")
	}
	if !onSQLite(t, func(o *auth.Options) { o.URL = "http://localhost:4000" }).auth.Passkeys() {
		t.Error("none are offered on localhost")
	}
}

func TestAuthorizedApps(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		one := w.app("read write follow")
		app, err := w.db.AppByClientID(ctx, one.ID)
		if err != nil {
			t.Fatal(err)
		}
		give := func(actor int64, scopes string) string {
			secret, err := w.auth.NewToken(ctx, "access", store.Token{Actor: actor, App: app.ID, Scopes: scopes}, 0)
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
		first, second, bobs := give(ann.ID, "read"), give(ann.ID, "read write"), give(bob.ID, "read")
		w.token(ann.ID, "push")
		got, err := w.auth.AuthorizedApps(ctx, ann.ID)
		if err != nil || len(got) != 2 || got[1].Name != "Tusk" || !reflect.DeepEqual(got[1].Scopes, auth.Grant{"read", "write"}) || got[0].ID != 0 {
			t.Fatalf("AuthorizedApps = %+v, %v", got, err)
		}
		if err := w.auth.RevokeApp(ctx, ann.ID, app.ID); err != nil {
			t.Fatal(err)
		}
		for secret, ok := range map[string]bool{first: false, second: false, bobs: true} {
			if _, err := w.auth.Authenticate(ctx, secret); (err == nil) != ok {
				t.Errorf("a token after the revocation: %v, want ok: %t", err, ok)
			}
		}
		if err := w.auth.RevokeApp(ctx, ann.ID, app.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second time: %v", err)
		}
	})
}
