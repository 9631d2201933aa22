package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

var home = netip.MustParseAddr("198.51.100.7")

func withMail(o *auth.Options) { o.Mail = &outbox{} }

func withMailAndThrottle(o *auth.Options) { o.Mail, o.Throttle = &outbox{}, true }

// work runs the jobs of this package that wait, and returns what was mailed since
// the last time.
func (w *world) work() []letter {
	w.t.Helper()
	ctx := w.t.Context()
	for {
		var claimed *store.Claimed
		if err := w.db.Write(ctx, func(tx *store.Tx) (err error) {
			claimed, err = tx.ClaimJobs(ctx, store.Claim{Node: 1, Lease: time.Minute, Own: 50})
			return err
		}); err != nil {
			w.t.Fatal(err)
		}
		var ids []int64
		for _, j := range claimed.Jobs {
			if run := w.auth.Jobs()[j.Kind]; run != nil {
				if err := run(ctx, j); err != nil {
					w.t.Fatalf("job %s: %v", j.Kind, err)
				}
			}
			ids = append(ids, j.ID)
		}
		if len(ids) == 0 {
			break
		}
		if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.FinishJobs(ctx, ids) }); err != nil {
			w.t.Fatal(err)
		}
	}
	w.mail.mu.Lock()
	defer w.mail.mu.Unlock()
	sent := w.mail.sent
	w.mail.sent = nil
	return sent
}

// secretIn finds the secret of a link in a mail.
func secretIn(t *testing.T, l letter, path string) string {
	t.Helper()
	m := regexp.MustCompile(`https://a\.test` + path + `([A-Za-z0-9_-]{43})`).FindStringSubmatch(l.Text)
	if m == nil {
		t.Fatalf("no link to %s in %q", path, l.Text)
	}
	return m[1]
}

func TestReset(t *testing.T) {
	eachEngine(t, withMail, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := w.person("ann")
		access := w.token(ann.ID, "read write")
		session, err := w.auth.NewToken(ctx, "session", store.Token{Actor: ann.ID}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}

		// For strangers nothing comes, and nothing is said.
		if err := w.auth.RequestReset(ctx, "nobody@mail.test", home); err != nil {
			t.Errorf("an unknown address: %v, want the same as for a known one", err)
		}
		if sent := w.work(); len(sent) != 0 {
			t.Errorf("sent to strangers: %+v", sent)
		}

		if err := w.auth.RequestReset(ctx, " ANN@mail.test ", home); err != nil {
			t.Fatal(err)
		}
		sent := w.work()
		if len(sent) != 1 || sent[0].To != "ann@mail.test" {
			t.Fatalf("sent %+v, want one mail to Ann", sent)
		}
		first := secretIn(t, sent[0], "/auth/password/")
		if rows := storetest.Dump(t, w.db, "SELECT * FROM jobs"); len(rows) != 0 {
			t.Errorf("jobs left: %q", rows)
		}
		if err := w.auth.RequestReset(ctx, "ann@mail.test", home); err != nil {
			t.Fatal(err)
		}
		second := secretIn(t, w.work()[0], "/auth/password/")

		for _, tt := range []struct{ name, secret, password, want string }{
			{"an older link", first, "another horse", "This link is not valid any more. Please ask for a new one."},
			{"a made up one", strings.Repeat("x", 43), "another horse", "This link is not valid any more. Please ask for a new one."},
			{"a short password", second, "short", "The password must have from 8 to 256 characters."},
			{"the newest link", second, "another horse", ""},
			{"a second time", second, "third horse", "This link is not valid any more. Please ask for a new one."},
		} {
			err := w.auth.Reset(ctx, tt.secret, tt.password)
			if _, text := fault.Public(err); (err != nil) != (tt.want != "") || err != nil && text != tt.want {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		}
		if _, err := w.auth.Authenticate(ctx, access); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("an app from before: %v, want it to be out", err)
		}
		if _, err := w.db.Token(ctx, "session", auth.Hash(session)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a browser from before: %v, want it to be out", err)
		}
		if _, _, err := w.auth.SignIn(ctx, "ann", "another horse", home); err != nil {
			t.Errorf("signing in with the new password: %v", err)
		}
		if _, _, err := w.auth.SignIn(ctx, "ann", password, home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("signing in with the old password: %v", err)
		}
		if sent := w.work(); len(sent) != 1 || sent[0].Subject != "Your password was changed" {
			t.Errorf("sent %+v, want a notice", sent)
		}

		// An hour later a link is too old.
		if err := w.auth.RequestReset(ctx, "ann@mail.test", home); err != nil {
			t.Fatal(err)
		}
		late := secretIn(t, w.work()[0], "/auth/password/")
		w.pass(time.Hour + time.Second)
		if err := w.auth.Reset(ctx, late, "fourth horse"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a link of yesterday: %v", err)
		}
	})
}

func TestResetThrottled(t *testing.T) {
	w := onSQLite(t, withMailAndThrottle)
	ctx := context.Background()
	w.person("ann")
	mails := 0
	for i := range 10 {
		if err := w.auth.RequestReset(ctx, "ann@mail.test", home); err != nil {
			t.Fatalf("request %d: %v, want silence", i, err)
		}
		mails += len(w.work())
	}
	if mails != 3 {
		t.Errorf("%d mails, want 3", mails)
	}
	if err := w.auth.RequestReset(ctx, "bob@mail.test", home); !fault.Is(err, fault.TooMany) {
		t.Errorf("the eleventh request of a network: %v, want a refusal", err)
	}
	if err := w.auth.RequestReset(ctx, "bob@mail.test", netip.MustParseAddr("203.0.113.9")); err != nil {
		t.Errorf("another network: %v", err)
	}
	if err := onSQLite(t, nil).auth.RequestReset(ctx, "ann@mail.test", home); !fault.Is(err, fault.Invalid) {
		t.Errorf("without mail: %v, want it said", err)
	}
}

func TestChangeEmail(t *testing.T) {
	eachEngine(t, withMail, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := w.person("ann")
		w.person("bob")
		for _, tt := range []struct{ address, want string }{
			{"ann@mail.test", "This is your address already."},
			{"BOB@mail.test", "Validation failed: Email has already been taken"},
			{"nonsense", "Validation failed: Email is not a valid e-mail address"},
			{"ann@mail.test\nBcc: x@mail.test", "Validation failed: Email is not a valid e-mail address"},
		} {
			if _, err := w.auth.RequestEmail(ctx, ann.ID, tt.address); err == nil || err.Error() != tt.want {
				t.Errorf("%q: %v, want %q", tt.address, err, tt.want)
			}
		}
		if done, err := w.auth.RequestEmail(ctx, ann.ID, "new@mail.test"); err != nil || done {
			t.Fatalf("asked: %t, %v", done, err)
		}
		sent := w.work()
		if len(sent) != 2 || sent[0].To != "ann@mail.test" || !strings.Contains(sent[0].Text, "new@mail.test") || sent[1].To != "new@mail.test" {
			t.Fatalf("sent %+v, want a notice to the old address and a link to the new one", sent)
		}
		secret := secretIn(t, sent[1], "/auth/email/")
		if a, err := w.db.Account(ctx, ann.ID); err != nil || a.Email != "ann@mail.test" {
			t.Errorf("before the link is opened: %+v, %v", a, err)
		}
		if email, err := w.auth.ChangeEmail(ctx, secret); err != nil || email != "new@mail.test" {
			t.Fatalf("ChangeEmail = %q, %v", email, err)
		}
		if a, err := w.db.AccountByEmail(ctx, "NEW@mail.test"); err != nil || a.Actor != ann.ID {
			t.Errorf("the account by its new address: %+v, %v", a, err)
		}
		if sent := w.work(); len(sent) != 1 || sent[0].To != "ann@mail.test" || sent[0].Subject != "Your address was changed" {
			t.Errorf("sent %+v, want a notice to the old address", sent)
		}
		if _, err := w.auth.ChangeEmail(ctx, secret); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second time: %v", err)
		}

		// Somebody else takes the address while the mail is under way.
		if _, err := w.auth.RequestEmail(ctx, ann.ID, "third@mail.test"); err != nil {
			t.Fatal(err)
		}
		sent = w.work()
		if _, err := w.auth.CreateAccount(ctx, "cyn", "third@mail.test", password, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.auth.ChangeEmail(ctx, secretIn(t, sent[1], "/auth/email/")); err == nil || err.Error() != "Validation failed: Email has already been taken" {
			t.Errorf("an address that is taken by now: %v", err)
		}
	})
}

// TestChangePassword wants the browser that asks to stay, the others to go, and
// apps as is asked for.
func TestChangePassword(t *testing.T) {
	for _, apps := range []bool{true, false} {
		w := onSQLite(t, nil)
		ctx := t.Context()
		ann := w.person("ann")
		access := w.token(ann.ID, "read")
		for _, secret := range []int64{1, 2} {
			if err := w.db.Write(ctx, func(tx *store.Tx) error {
				return tx.InsertToken(ctx, &store.Token{ID: secret, Hash: auth.Hash("s" + string(rune('0'+secret))), Kind: "session", Actor: ann.ID})
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.auth.ChangePassword(ctx, &auth.Session{Actor: ann, Token: &store.Token{ID: 2}}, "another horse", apps); err != nil {
			t.Fatal(err)
		}
		if left := storetest.Dump(t, w.db, "SELECT id FROM tokens WHERE kind = 'session'"); len(left) != 1 || left[0] != "id=2 " {
			t.Errorf("sessions left: %q", left)
		}
		if _, err := w.auth.Authenticate(ctx, access); (err != nil) != apps {
			t.Errorf("apps = %t, and the app: %v", apps, err)
		}
	}
}

func TestCheckOwn(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle = true })
	ann := w.person("ann")
	if err := w.auth.CheckOwn(t.Context(), ann.ID, password, home); err != nil {
		t.Errorf("the right password: %v", err)
	}
	for i := range 5 {
		if err := w.auth.CheckOwn(t.Context(), ann.ID, "wrong horse", home); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("wrong password %d: %v", i, err)
		}
	}
	if err := w.auth.CheckOwn(t.Context(), ann.ID, password, netip.MustParseAddr("203.0.113.1")); !fault.Is(err, fault.TooMany) {
		t.Errorf("after five wrong ones: %v, want to wait", err)
	}
	w.pass(time.Minute)
	if err := w.auth.CheckOwn(t.Context(), ann.ID, password, home); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestMinimumAge(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.MinimumAge = 16 }) // It is 2026-03-01.
	for _, tt := range []struct{ born, code string }{
		{"", "ERR_BLANK"},
		{"yesterday", "ERR_INVALID"},
		{"2027-01-01", "ERR_INVALID"},
		{"1726-01-01", "ERR_INVALID"},
		{"2010-03-02", "ERR_BELOW_LIMIT"},
		{"2010-03-01", ""},
	} {
		_, err := w.auth.Register(t.Context(), auth.Registration{Username: "ann", Email: "ann@mail.test", Password: password, Agreement: true, DateOfBirth: tt.born})
		var wrong auth.FieldErrors
		if tt.code == "" && err != nil || tt.code != "" && (!errors.As(err, &wrong) || len(wrong["date_of_birth"]) != 1 || wrong["date_of_birth"][0].Code != tt.code) {
			t.Errorf("born %q: %v, want %q", tt.born, err, tt.code)
		}
	}
}
