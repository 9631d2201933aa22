package auth_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"net"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// A captcha can be answered once, rightly or wrongly, and only when the rest is right.
func TestCaptcha(t *testing.T) {
	eachEngine(t, func(o *auth.Options) {
		o.Registrations, o.Captcha, o.Letters = "open", true, func() string { return "ABK347" }
	}, func(t *testing.T, w *world) {
		ctx := t.Context()
		fresh := func() string {
			t.Helper()
			c, err := w.auth.NewCaptcha(ctx, "192.0.2.1")
			if err != nil {
				t.Fatal(err)
			}
			if img, err := png.Decode(bytes.NewReader(c.Picture)); err != nil || img.Bounds().Dx() < 200 || len(c.Picture) > 20_000 {
				t.Errorf("the picture: %d bytes, %v", len(c.Picture), err)
			}
			return c.Token
		}
		r := form("ann")
		if _, err := w.auth.Register(ctx, r); told(err) != "captcha:ERR_INVALID" {
			t.Errorf("without a captcha: %v", err)
		}
		r.CaptchaToken, r.Captcha = fresh(), "XXXXXX"
		if _, err := w.auth.Register(ctx, r); told(err) != "captcha:ERR_INVALID" {
			t.Errorf("a wrong answer: %v", err)
		}
		r.Captcha = "ABK347"
		if _, err := w.auth.Register(ctx, r); told(err) != "captcha:ERR_INVALID" {
			t.Errorf("the right answer to one that was used up: %v", err)
		}
		r.CaptchaToken, r.Password = fresh(), "short"
		if _, err := w.auth.Register(ctx, r); told(err) != "password:ERR_TOO_SHORT" {
			t.Errorf("a short password: %v", err)
		}
		r.Password, r.Captcha = password, " abk 347"
		if _, err := w.auth.Register(ctx, r); err != nil {
			t.Errorf("the right answer, after the password is mended: %v", err)
		}
		again := form("bob")
		again.CaptchaToken, again.Captcha = r.CaptchaToken, r.Captcha
		if _, err := w.auth.Register(ctx, again); told(err) != "captcha:ERR_INVALID" {
			t.Errorf("a replay: %v", err)
		}
		rows := storetest.Dump(t, w.db, "SELECT data FROM tokens WHERE kind = 'captcha'")
		if len(rows) != 0 {
			t.Errorf("captchas left: %q", rows)
		}
	})
}

// mxBook is a resolver of a test's own.
type mxBook map[string][]string

func (b mxBook) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	hosts, ok := b[name]
	switch {
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case len(hosts) == 1 && hosts[0] == "down":
		return nil, errors.New("no network")
	}
	var all []*net.MX
	for _, h := range hosts {
		if h != "A" {
			all = append(all, &net.MX{Host: h})
		}
	}
	return all, nil
}

func (b mxBook) LookupHost(_ context.Context, name string) ([]string, error) {
	if hosts := b[name]; len(hosts) == 1 && hosts[0] == "A" {
		return []string{"192.0.2.25"}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Who takes the mail of an address counts as the address itself.
func TestMX(t *testing.T) {
	eachEngine(t, func(o *auth.Options) {
		o.Registrations = "open"
		o.Resolver = mxBook{"fine.test": {"mx.fine.test."}, "throwaway.test": {"mx1.trash.test.", "mx2.trash.test."}, "odd.test": {"in.odd-mail.test."}, "none.test": {"."}, "plain.test": {"A"}, "slow.test": {"down"}}
	}, func(t *testing.T, w *world) {
		ctx := t.Context()
		err := w.db.Write(ctx, func(tx *store.Tx) error {
			for _, n := range []store.NameRow{{Name: "trash.test"}, {Name: "odd-mail.test", Flag: true}} {
				if err := tx.AddName(ctx, store.EmailDomainBlocks, &n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, tt := range []struct {
			domain, fails string
			approval      bool
		}{
			{domain: "fine.test"},
			{domain: "throwaway.test", fails: "email:ERR_BLOCKED"},
			{domain: "odd.test", approval: true},
			{domain: "none.test", fails: "email:ERR_UNREACHABLE"},
			{domain: "nowhere.test", fails: "email:ERR_UNREACHABLE"},
			{domain: "plain.test"},
			{domain: "slow.test"},
		} {
			r := form(string(rune('a'+i)) + "_person")
			r.Email = r.Username + "@" + tt.domain
			actor, err := w.auth.Register(ctx, r)
			if tt.fails != "" {
				if told(err) != tt.fails {
					t.Errorf("%s: %v, want %s", tt.domain, err, tt.fails)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", tt.domain, err)
				continue
			}
			if a, err := w.db.Account(ctx, actor.ID); err != nil || (a.Approved == 0) != tt.approval {
				t.Errorf("%s: %+v, %v, want it to wait: %t", tt.domain, a, err, tt.approval)
			}
		}
	})
}

// An invite for some lets in as many, until it is over, and its creator is noted.
func TestInvites(t *testing.T) {
	eachEngine(t, func(o *auth.Options) { o.Registrations = "invite" }, func(t *testing.T, w *world) {
		ctx := t.Context()
		boss, err := w.auth.CreateAccount(ctx, "boss", "", password, "owner")
		if err != nil {
			t.Fatal(err)
		}
		come := func(name, code string) error {
			r := form(name)
			r.Invite = code
			_, err := w.auth.Register(ctx, r)
			return err
		}
		i := &store.Invite{Creator: boss.ID, MaxUses: 2, Autofollow: true}
		if err := w.auth.NewInvite(ctx, i); err != nil {
			t.Fatal(err)
		}
		for n, name := range []string{"ann", "bob", "cid"} {
			if err := come(name, i.Code); (n < 2) != (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if jobs := storetest.Dump(t, w.db, "SELECT kind FROM jobs WHERE kind = 'autofollow'"); len(jobs) != 2 {
			t.Errorf("%d follow the one who invited, want 2", len(jobs))
		}
		open := &store.Invite{Creator: boss.ID}
		if err := w.auth.NewInvite(ctx, open); err != nil {
			t.Fatal(err)
		}
		if err := come("dan", open.Code); err != nil {
			t.Error(err)
		}
		if _, err := w.auth.RevokeInvite(ctx, boss.ID, open.Code, 77); !fault.Is(err, fault.NotFound) {
			t.Errorf("revoked by somebody else: %v", err)
		}
		if _, err := w.auth.RevokeInvite(ctx, boss.ID, open.Code, boss.ID); err != nil {
			t.Error(err)
		}
		if err := come("eve", open.Code); told(err) != "invite_code:ERR_INVALID" {
			t.Errorf("a revoked one: %v", err)
		}
		for _, bad := range []store.Invite{{MaxUses: -1}, {MaxUses: maxUsesPlus}, {Expires: 5}, {Expires: w.auth.Now().AddDate(2, 0, 0).UnixMilli()}} {
			if err := w.auth.NewInvite(ctx, &bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		soon := &store.Invite{Creator: boss.ID, Expires: w.auth.Now().Add(time.Hour).UnixMilli()}
		if err := w.auth.NewInvite(ctx, soon); err != nil {
			t.Error(err)
		}
		// Who is locked out invites nobody.
		err = w.db.Write(ctx, func(tx *store.Tx) error {
			a, err := tx.Account(ctx, boss.ID)
			if err != nil {
				return err
			}
			a.Disabled = 1
			return tx.UpdateAccount(ctx, a)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := come("fay", soon.Code); told(err) != "invite_code:ERR_INVALID" {
			t.Errorf("by somebody who is locked out: %v", err)
		}
		if err := w.auth.MailInvite(ctx, boss.ID, "gil@mail.test", ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("a mail where there is none: %v", err)
		}
	})
}

const maxUsesPlus = 10_001
