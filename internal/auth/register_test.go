package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// form is a registration that nothing is wrong with.
func form(name string) auth.Registration {
	return auth.Registration{Username: name, Email: name + "@mail.test", Password: password, Agreement: true, Reason: "to talk", Locale: "de", IP: "192.0.2.1"}
}

// told lists what is wrong, as field:code, sorted; the error itself if it is another.
func told(err error) string {
	var f auth.FieldErrors
	if !errors.As(err, &f) {
		return fmt.Sprint(err)
	}
	var all []string
	for _, field := range slices.Sorted(maps.Keys(f)) {
		for _, one := range f[field] {
			all = append(all, field+":"+one.Code)
		}
	}
	return strings.Join(all, " ")
}

// TestRegisterErrors wants each wrong field told, in Mastodon's terms.
//
// spec: masto:methods/accounts#create
func TestRegisterErrors(t *testing.T) {
	eachEngine(t, func(o *auth.Options) { o.Registrations = "approval" }, func(t *testing.T, w *world) {
		w.person("taken")
		for _, tt := range []struct {
			name string
			edit func(r *auth.Registration)
			want string
		}{
			{"nothing filled in", func(r *auth.Registration) { *r = auth.Registration{} }, "agreement:ERR_ACCEPTED email:ERR_BLANK password:ERR_BLANK reason:ERR_BLANK username:ERR_BLANK"},
			{"name of another", func(r *auth.Registration) { r.Username = "TAKEN" }, "username:ERR_TAKEN"},
			{"name with a dot", func(r *auth.Registration) { r.Username = "a.b" }, "username:ERR_INVALID"},
			{"name with a letter of another script", func(r *auth.Registration) { r.Username = "аnn" }, "username:ERR_INVALID"},
			{"name with a line break", func(r *auth.Registration) { r.Username = "ann\n" }, "username:ERR_INVALID"},
			{"name too long", func(r *auth.Registration) { r.Username = strings.Repeat("x", 31) }, "username:ERR_TOO_LONG"},
			{"name of the server", func(r *auth.Registration) { r.Username = "Admin" }, "username:ERR_RESERVED"},
			{"address of another", func(r *auth.Registration) { r.Email = "Taken@MAIL.test" }, "email:ERR_TAKEN"},
			{"name and address of another", func(r *auth.Registration) { r.Username, r.Email = "taken", "taken@mail.test" }, "email:ERR_TAKEN username:ERR_TAKEN"},
			{"no address", func(r *auth.Registration) { r.Email = "ann" }, "email:ERR_INVALID"},
			{"address with a name", func(r *auth.Registration) { r.Email = "Ann <ann@mail.test>" }, "email:ERR_INVALID"},
			{"address with a header", func(r *auth.Registration) { r.Email = "ann@mail.test\r\nBcc: x@x.test" }, "email:ERR_INVALID"},
			{"long address", func(r *auth.Registration) { r.Email = strings.Repeat("x", 250) + "@mail.test" }, "email:ERR_INVALID"},
			{"short password", func(r *auth.Registration) { r.Password = "1234567" }, "password:ERR_TOO_SHORT"},
			{"long password", func(r *auth.Registration) { r.Password = strings.Repeat("x", 257) }, "password:ERR_TOO_LONG"},
			{"blank reason", func(r *auth.Registration) { r.Reason = " \n" }, "reason:ERR_BLANK"},
			{"long reason", func(r *auth.Registration) { r.Reason = strings.Repeat("x", 3000) }, "reason:ERR_TOO_LONG"},
			{"no agreement", func(r *auth.Registration) { r.Agreement = false }, "agreement:ERR_ACCEPTED"},
		} {
			r := form("ann")
			tt.edit(&r)
			actor, err := w.auth.Register(t.Context(), r)
			if told(err) != tt.want || actor != nil {
				t.Errorf("%s: %v, %s, want %s", tt.name, actor, told(err), tt.want)
			}
		}
		if n := len(storetest.Dump(t, w.db, "SELECT actor FROM accounts")); n != 1 {
			t.Errorf("there are %d accounts, want the one", n)
		}
	})
	got := auth.FieldErrors{"username": {{Code: "ERR_TAKEN", Description: "has already been taken"}}, "invite_code": {{Code: "ERR_INVALID", Description: "is not valid"}}}
	if want := "Validation failed: Username has already been taken, Invite code is not valid"; got.Error() != want {
		t.Errorf("Error() = %q, want %q", got.Error(), want)
	}
	if b, err := json.Marshal(got["username"]); err != nil || string(b) != `[{"error":"ERR_TAKEN","description":"has already been taken"}]` {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

// TestRegister wants what comes of a registration under each rule.
func TestRegister(t *testing.T) {
	for _, tt := range []struct {
		rule                string
		invite, mail        bool
		approved, confirmed bool
		fails               string
	}{
		{rule: "open", approved: true, confirmed: true},
		{rule: "open", mail: true, approved: true},
		{rule: "open", invite: true, approved: true, confirmed: true},
		{rule: "approval", confirmed: true},
		{rule: "approval", mail: true},
		{rule: "approval", invite: true, approved: true, confirmed: true},
		{rule: "invite", fails: "invite_code:ERR_INVALID"},
		{rule: "invite", invite: true, approved: true, confirmed: true},
		{rule: "closed", fails: "This server does not take new members at the moment."},
		{rule: "closed", invite: true, fails: "This server does not take new members at the moment."},
	} {
		t.Run(fmt.Sprintf("%s,invite=%t,mail=%t", tt.rule, tt.invite, tt.mail), func(t *testing.T) {
			w := onSQLite(t, func(o *auth.Options) {
				o.Registrations = tt.rule
				if tt.mail {
					o.Mail = &outbox{}
				}
			})
			r := form("Ann_1")
			if tt.invite {
				r.Invite = w.invite()
			}
			actor, err := w.auth.Register(t.Context(), r)
			if tt.fails != "" {
				if told(err) != tt.fails {
					t.Errorf("%v, %s, want %s", actor, told(err), tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			a, err := w.db.Account(t.Context(), actor.ID)
			if err != nil {
				t.Fatal(err)
			}
			if (a.Approved != 0) != tt.approved || (a.Confirmed != 0) != tt.confirmed || a.Role != "" || a.Email != "Ann_1@mail.test" || a.Reason != "to talk" || a.Locale != "de" || a.SignUpIP != "192.0.2.1" {
				t.Errorf("account %+v, want approved %t, confirmed %t", a, tt.approved, tt.confirmed)
			}
			if _, _, err := w.auth.SignIn(t.Context(), "ann_1", password, netip.Addr{}); err != nil {
				t.Errorf("signing in: %v", err)
			}
			if n := len(storetest.Dump(t, w.db, "SELECT id FROM jobs WHERE kind = 'confirm-mail'")); (n == 1) != tt.mail {
				t.Errorf("%d mails wait, want one: %t", n, tt.mail)
			}
		})
	}
}

func (w *world) invite() string {
	w.t.Helper()
	i := &store.Invite{MaxUses: 1}
	if err := w.auth.NewInvite(w.t.Context(), i); err != nil {
		w.t.Fatal(err)
	}
	return i.Code
}

// TestInviteOnce has many use one invite at the same time, and then again.
func TestInviteOnce(t *testing.T) {
	eachEngine(t, func(o *auth.Options) { o.Registrations = "invite" }, func(t *testing.T, w *world) {
		invite := w.invite()
		bad := form("ann")
		bad.Invite, bad.Password = invite, "short"
		if _, err := w.auth.Register(t.Context(), bad); told(err) != "password:ERR_TOO_SHORT" {
			t.Fatalf("a short password: %v", err)
		}
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				r := form(fmt.Sprintf("ann%d", i))
				r.Invite = invite
				if _, err := w.auth.Register(t.Context(), r); err == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if n := len(storetest.Dump(t, w.db, "SELECT actor FROM accounts")); won.Load() != 1 || n != 1 {
			t.Errorf("one invite let in %d and made %d accounts, want one", won.Load(), n)
		}
	})
}

// brokenCreator fails.
type brokenCreator struct{}

func (brokenCreator) CreateAccount(context.Context, store.NewAccount) (*store.Actor, error) {
	return nil, errors.New("no disk")
}

// TestInviteIsGivenBack wants a failure of ours to cost nobody an invite.
func TestInviteIsGivenBack(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Registrations, o.Accounts = "invite", brokenCreator{} })
	r := form("ann")
	r.Invite = w.invite()
	for range 2 {
		if _, err := w.auth.Register(t.Context(), r); err == nil || !strings.Contains(err.Error(), "no disk") {
			t.Fatalf("Register = %v, want the creator's error", err)
		}
	}
}

func TestSignUpsAreLimited(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle = true })
	for i := range 6 {
		_, err := w.auth.Register(t.Context(), form(fmt.Sprintf("ann%d", i)))
		if i < 5 && err != nil || i == 5 && !fault.Is(err, fault.TooMany) {
			t.Fatalf("sign-up %d: %v", i+1, err)
		}
	}
	other := form("bob")
	other.IP = "192.0.2.2"
	if _, err := w.auth.Register(t.Context(), other); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

// runMail does what the queue does with the mail that waits.
func (w *world) runMail(actor int64) error {
	payload, err := json.Marshal(map[string]int64{"actor": actor})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.auth.Jobs()["confirm-mail"](w.t.Context(), store.Job{Kind: "confirm-mail", Payload: payload})
}

// link returns the secret in the latest mail.
func (w *world) link() string {
	w.t.Helper()
	if len(w.mail.sent) == 0 {
		w.t.Fatal("no mail was sent")
	}
	_, rest, ok := strings.Cut(w.mail.sent[len(w.mail.sent)-1].Text, "https://a.test/auth/confirm/")
	secret, _, _ := strings.Cut(rest, "\n")
	if !ok || len(secret) != 43 {
		w.t.Fatalf("no link in %q", w.mail.sent)
	}
	return secret
}

func TestConfirm(t *testing.T) {
	eachEngine(t, func(o *auth.Options) { o.Mail = &outbox{} }, func(t *testing.T, w *world) {
		ctx := t.Context()
		actor, err := w.auth.Register(ctx, form("ann"))
		if err != nil {
			t.Fatal(err)
		}
		w.mail.err = errors.New("the mail server is away")
		if err := w.runMail(actor.ID); err == nil || !fault.Retryable(err) {
			t.Errorf("with the mail server away: %v, want an error to try again after", err)
		}
		w.mail.err = nil
		if err := w.runMail(actor.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.mail.sent[0]; got.To != "ann@mail.test" || !strings.Contains(got.Text, "Hello ann") {
			t.Errorf("mail %+v", got)
		}
		old := w.link()
		if err := w.runMail(actor.ID); err != nil {
			t.Fatal(err)
		}
		secret := w.link()
		for name, one := range map[string]string{"an earlier link": old, "nonsense": "x", "an invite": w.invite()} {
			if _, err := w.auth.Confirm(ctx, one); !fault.Is(err, fault.NotFound) || w.auth.ConfirmValid(ctx, one) {
				t.Errorf("%s: %v, want NotFound", name, err)
			}
		}
		if !w.auth.ConfirmValid(ctx, secret) {
			t.Error("the link is not valid")
		}
		if a, err := w.auth.Confirm(ctx, secret); err != nil || a.Confirmed == 0 {
			t.Errorf("Confirm = %+v, %v", a, err)
		}
		if a, err := w.db.Account(ctx, actor.ID); err != nil || a.Confirmed == 0 {
			t.Errorf("account %+v, %v, want it confirmed", a, err)
		}
		if _, err := w.auth.Confirm(ctx, secret); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second time: %v, want NotFound", err)
		}
		if err := w.runMail(actor.ID); err != nil || len(w.mail.sent) != 2 {
			t.Errorf("a confirmed account gets mail: %v, %d", err, len(w.mail.sent))
		}
		if err := w.runMail(12345); err != nil {
			t.Errorf("mail for an account that is gone: %v, want nothing", err)
		}
	})
}

func TestMailsAreLimited(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle, o.Mail = true, &outbox{} })
	for i := range 4 {
		if err := w.auth.SendConfirmation(t.Context(), 1); (err == nil) != (i < 3) || i == 3 && !fault.Is(err, fault.TooMany) {
			t.Errorf("mail %d: %v", i+1, err)
		}
	}
}

func TestSetup(t *testing.T) {
	eachEngine(t, func(o *auth.Options) { o.Registrations = "approval" }, func(t *testing.T, w *world) {
		ctx := t.Context()
		secretOf := func() string {
			t.Helper()
			link, err := w.auth.SetupLink(ctx)
			secret, ok := strings.CutPrefix(link, "https://a.test/setup/")
			if err != nil || !ok || len(secret) != 43 {
				t.Fatalf("SetupLink = %q, %v", link, err)
			}
			return secret
		}
		old := secretOf()
		secret := secretOf()
		if err := w.auth.SetupValid(ctx, old); !fault.Is(err, fault.NotFound) {
			t.Errorf("an earlier link: %v, want NotFound", err)
		}
		if err := w.auth.SetupValid(ctx, secret); err != nil {
			t.Errorf("the link: %v", err)
		}
		r := form("admin") // A name that is reserved for others.
		r.Reason, r.Agreement = "", false
		wrong := r
		wrong.Password = "short"
		if _, err := w.auth.Setup(ctx, secret, wrong); told(err) != "password:ERR_TOO_SHORT" {
			t.Errorf("a short password: %s", told(err))
		}
		if _, err := w.auth.Setup(ctx, old, r); !fault.Is(err, fault.NotFound) {
			t.Errorf("with an earlier link: %v, want NotFound", err)
		}
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				one := r
				if i > 0 {
					one.Username, one.Email = fmt.Sprintf("adm%d", i), fmt.Sprintf("%d@mail.test", i)
				}
				if _, err := w.auth.Setup(ctx, secret, one); err == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("the link worked %d times, want once", won.Load())
		}
		if got := storetest.Dump(t, w.db, "SELECT role FROM accounts WHERE confirmed <> 0 AND approved <> 0"); len(got) != 1 || got[0] != "role=owner " {
			t.Errorf("accounts %q, want an owner", got)
		}
		if link, err := w.auth.SetupLink(ctx); link != "" || err != nil {
			t.Errorf("with an account there is the link %q, %v, want none", link, err)
		}
	})
}

// TestSetupAfterCommandLine wants no second way to an admin once there is an account.
func TestSetupAfterCommandLine(t *testing.T) {
	w := onSQLite(t, nil)
	link, err := w.auth.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.person("ann")
	if _, err := w.auth.Setup(t.Context(), strings.TrimPrefix(link, "https://a.test/setup/"), form("eve")); !fault.Is(err, fault.NotFound) {
		t.Errorf("Setup = %v, want NotFound", err)
	}
}

// TestSignIn wants one answer for unknown names and wrong passwords.
func TestSignIn(t *testing.T) {
	w := onSQLite(t, nil)
	w.person("ann")
	noPassword, err := w.auth.Accounts.CreateAccount(t.Context(), store.NewAccount{Username: "bot", Confirmed: true, Approved: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		login, password string
		ok              bool
	}{
		{"ann", password, true}, {"ANN", password, true}, {" ann ", password, true}, {"@ann", password, true}, {"ann@a.test", password, true},
		{"ann@mail.test", password, true}, {"Ann@Mail.Test", password, true},
		{"ann", "wrong horse", false}, {"ann", "", false}, {"nobody", password, false}, {"ann@other.test", password, false}, {"", password, false},
		{"", "", false}, {"bot", "", false}, {"bot", password, false}, {"@", password, false},
	} {
		account, actor, err := w.auth.SignIn(t.Context(), tt.login, tt.password, netip.MustParseAddr("192.0.2.1"))
		if tt.ok && (err != nil || actor.Username != "ann" || account.Actor != actor.ID) {
			t.Errorf("%q, %q: %v, %v", tt.login, tt.password, actor, err)
		}
		if !tt.ok && (!fault.Is(err, fault.Unauthorized) || err.Error() != "The name or the password is not right." || account != nil) {
			t.Errorf("%q, %q: %v, %v, want the one refusal", tt.login, tt.password, account, err)
		}
	}
	if noPassword.Username != "bot" {
		t.Errorf("made %+v", noPassword)
	}
}

// TestSignInSlows wants guessing to take ever longer, by name and by address, also
// when all guesses come at once and the name is written in different ways.
func TestSignInSlows(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle = true })
	w.person("ann")
	w.person("bob")
	try := func(login, password string, ip int) error {
		_, _, err := w.auth.SignIn(t.Context(), login, password, netip.AddrFrom4([4]byte{192, 0, 2, byte(ip)}))
		return err
	}
	var checked atomic.Int64
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			if err := try([]string{"ann", "@ann", "ANN", "ann@a.test"}[i%4], "wrong horse", i); fault.Is(err, fault.Unauthorized) {
				checked.Add(1)
			} else if !fault.Is(err, fault.TooMany) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if checked.Load() != 5 {
		t.Errorf("%d of 24 guesses at once were looked at, want 5", checked.Load())
	}
	if err := try("ann", password, 99); !fault.Is(err, fault.TooMany) {
		t.Errorf("the right password too early: %v, want TooMany", err)
	}
	for i := range 5 { // A name that isn't there is treated alike.
		if err := try("nobody", password, 100+i); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("guess %d of nobody: %v", i, err)
		}
	}
	if err := try("nobody", password, 110); !fault.Is(err, fault.TooMany) {
		t.Errorf("guess 6 of nobody: %v, want TooMany", err)
	}
	w.pass(time.Second)
	if err := try("ann", password, 99); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	if err := try("ann", "wrong horse", 98); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("after a success: %v, want the count begun anew", err)
	}
	for i := range 5 {
		try(fmt.Sprintf("name%d", i), password, 50)
	}
	if err := try("bob", password, 50); !fault.Is(err, fault.TooMany) {
		t.Errorf("the sixth name from one address: %v, want TooMany", err)
	}
	if err := try("bob", password, 51); err != nil {
		t.Errorf("bob from elsewhere: %v", err)
	}
}

func TestSetPassword(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		ann := w.person("ann")
		a := w.app("read")
		code := w.code(a, ann.ID, nil)
		if err := w.auth.SetPassword(t.Context(), ann.ID, "short"); !fault.Is(err, fault.Invalid) {
			t.Errorf("a short one: %v, want Invalid", err)
		}
		if err := w.auth.SetPassword(t.Context(), ann.ID, "battery staple"); err != nil {
			t.Fatal(err)
		}
		for word, ok := range map[string]bool{password: false, "battery staple": true} {
			if _, _, err := w.auth.SignIn(t.Context(), "ann", word, netip.Addr{}); (err == nil) != ok {
				t.Errorf("with %q: %v, want it to work: %t", word, err, ok)
			}
		}
		status, got, _ := w.post("/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {callback}, "code": {code}})
		if status != 400 || got["error"] != "invalid_grant" {
			t.Errorf("a code from before: %d %v, want invalid_grant", status, got)
		}
	})
}

// TestSweep wants what is over deleted, what is in use kept, and the next sweep
// planned.
func TestSweep(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := w.person("ann")
		used := w.app("read")
		idle := w.app("write")
		w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {idle.ID}, "client_secret": {idle.Secret}, "scope": {"write"}})
		w.code(used, ann.ID, nil)
		if err := w.db.Write(ctx, func(tx *store.Tx) error {
			app, err := tx.AppByClientID(ctx, used.ID)
			if err != nil {
				return err
			}
			return tx.InsertToken(ctx, &store.Token{ID: tx.NewID(), Hash: "h", Kind: "access", Actor: ann.ID, App: app.ID})
		}); err != nil {
			t.Fatal(err)
		}
		w.pass(31 * 24 * time.Hour)
		young := w.app("push")
		if err := w.auth.Jobs()["sweep-tokens"](ctx, store.Job{}); err != nil {
			t.Fatal(err)
		}
		if got := storetest.Dump(t, w.db, "SELECT kind FROM tokens"); len(got) != 1 || got[0] != "kind=access " {
			t.Errorf("tokens %q, want the access token", got)
		}
		if n := len(storetest.Dump(t, w.db, "SELECT id FROM apps")); n != 2 {
			t.Errorf("%d apps are left, want the used and the young one", n)
		}
		if _, err := w.db.AppByClientID(ctx, young.ID); err != nil {
			t.Errorf("the young app: %v", err)
		}
		if got := storetest.Dump(t, w.db, "SELECT run_at FROM jobs WHERE kind = 'sweep-tokens'"); len(got) != 1 || got[0] != fmt.Sprintf("run_at=%d ", w.clock().Add(time.Hour).UnixMilli()) {
			t.Errorf("the next sweep: %q, want one in an hour", got)
		}
	})
}
