package pages

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func withMail(w *world, o *auth.Options) { o.Mail = w }

// work runs the jobs that wait, and returns the texts that were mailed since the
// last time.
func (w *world) work() []string {
	w.t.Helper()
	ctx := w.t.Context()
	handlers := w.auth.Jobs()
	for kind, h := range w.more {
		handlers[kind] = h
	}
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
			if run := handlers[j.Kind]; run != nil {
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
	sent := w.sent
	w.sent = nil
	return sent
}

// linkIn finds the path of a link of ours in a mail.
func (w *world) linkIn(text string) string {
	w.t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(w.url) + `(/\S{40,})`).FindStringSubmatch(text)
	if m == nil {
		w.t.Fatalf("no link in %q", text)
	}
	return m[1]
}

// TestSettingsNeedSignIn wants every page of the settings to lead to the sign-in,
// and every form to be refused, for strangers and without the form's secret.
func TestSettingsNeedSignIn(t *testing.T) {
	w := onSQLite(t, withMail)
	w.person("ann")
	signed, stranger := w.browser(), w.browser()
	signed.signIn("ann")
	for _, one := range sections {
		stranger.get(one.Path).to("/auth/sign_in?next=" + url.QueryEscape(one.Path))
		stranger.get(one.Path + "/").to("/auth/sign_in?next=")
		signed.get(one.Path).want(200, "<h1>"+one.Name, `href="`+one.Path+`" aria-current="page"`)
	}
	page := stranger.get("/auth/sign_in")
	for _, path := range forms {
		stranger.send("POST", path, page.form("password", password)).want(http.StatusUnauthorized, "You are not signed in any more.")
		signed.send("POST", path, url.Values{"password": {password}}).want(http.StatusForbidden, "The form is too old.")
	}
}

// forms are the addresses of all forms of the settings.
var forms = []string{"/settings/password", "/settings/email", "/settings/security/app", "/settings/security/passkey", "/settings/security/recovery",
	"/settings/security/remove", "/settings/sessions", "/settings/apps", "/settings/delete", "/settings/export", "/settings/import/stop"}

func TestForgotPassword(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, withMail)
		w.person("ann")
		before := w.browser()
		before.signIn("ann")

		b := w.browser()
		b.get("/auth/sign_in").want(200, `href="/auth/password"`)
		page := b.get("/auth/password").want(200, "Forgot your password?")
		b.send("POST", "/auth/password", url.Values{"email": {"ann@mail.test"}}).want(403, "The form is too old.")
		b.send("POST", "/auth/password", page.form("email", "nonsense")).want(422, "Please enter your e-mail address.", `value="nonsense"`)
		unknown := b.send("POST", "/auth/password", page.form("email", "nobody@mail.test")).want(200, "If there is an account")
		known := b.send("POST", "/auth/password", page.form("email", "ann@mail.test")).want(200)
		if known.body != unknown.body {
			t.Errorf("known and unknown addresses are told apart:\n%s\n%s", known.body, unknown.body)
		}
		sent := w.work()
		if len(sent) != 1 {
			t.Fatalf("sent %q, want one mail", sent)
		}
		link := w.linkIn(sent[0])
		page = b.get(link).want(200, "Set a new password")
		b.send("POST", link, page.form("password", "short")).want(422, "The password must have")
		b.send("POST", link, url.Values{"password": {"another horse"}}).want(403)
		b.send("POST", link, page.form("password", "another horse")).want(200, "Your password is changed")
		b.send("POST", link, page.form("password", "another horse")).want(404, "not valid any more")
		b.get(link).want(404, "not valid any more")
		before.get("/settings/account").to("/auth/sign_in")
		page = b.get("/auth/sign_in")
		b.send("POST", "/auth/sign_in", page.form("login", "ann", "password", "another horse")).to("/")
	})
	onSQLite(t, nil).browser().get("/auth/password").want(200, "This server sends no mail.").without("<form")
}

func TestAccountPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, withMail)
		w.person("ann")
		b, other := w.browser(), w.browser()
		b.signIn("ann")
		other.signIn("ann")
		if got := b.get("/.well-known/change-password"); got.status != http.StatusFound || got.header.Get("Location") != "/settings/account" {
			t.Errorf("change-password leads with %d to %q", got.status, got.header.Get("Location"))
		}
		page := b.get("/settings/account").want(200, "@ann", "ann@mail.test")

		b.send("POST", "/settings/email", page.form("email", "new@mail.test", "password", "wrong horse")).want(401, "The password is not right.", `value="new@mail.test"`).without("wrong horse")
		b.send("POST", "/settings/email", page.form("email", "nonsense", "password", password)).want(422, "is not a valid e-mail address")
		b.send("POST", "/settings/email", page.form("email", "new@mail.test", "password", password)).to("/settings/account?done=mail")
		b.get("/settings/account?done=mail").want(200, "We send a link to the new address.")
		link := w.linkIn(w.work()[1])
		page = b.get(link).want(200, "Shall this be")
		b.send("POST", link, page.form()).want(200, "new@mail.test")
		b.send("POST", link, page.form()).want(404)

		page = b.get("/settings/account").want(200, "new@mail.test")
		b.send("POST", "/settings/password", page.form("password", "wrong horse", "new", "another horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/password", page.form("password", password, "new", "x")).want(422, "The password must have")
		b.send("POST", "/settings/password", page.form("password", password, "new", "another horse", "apps", "1")).to("/settings/account?done=password")
		b.get("/settings/account?done=password").want(200, "Your password is changed.")
		other.get("/settings/account").to("/auth/sign_in")
		if sent := w.work(); len(sent) == 0 || !strings.Contains(sent[len(sent)-1], "password") {
			t.Errorf("sent %q, want a notice of the new password", sent)
		}
	})
}

func TestSignUpAsksForAge(t *testing.T) {
	w := onSQLite(t, func(_ *world, o *auth.Options) { o.MinimumAge = 16 })
	b := w.browser()
	page := b.get("/auth/sign_up").want(200, "Date of birth", "at least 16 years")
	who := []string{"username", "bo", "email", "bo@mail.test", "password", password, "agreement", "1"}
	b.send("POST", "/auth/sign_up", page.form(append(who, "date_of_birth", time.Now().Format(time.DateOnly))...)).want(422, "is below the age limit of 16")
	b.send("POST", "/auth/sign_up", page.form(append(who, "date_of_birth", "1990-05-05")...)).to("/")
}

// TestPagesThrottled wants those who guess to be made wait, and told so, on every
// page that takes a secret.
func TestPagesThrottled(t *testing.T) {
	for name, try := range map[string]func(w *world, b *browser) answer{
		"own password": func(w *world, b *browser) answer {
			return b.send("POST", "/settings/password", b.get("/settings/account").form("password", "wrong horse", "new", "another horse"))
		},
		"deletion": func(w *world, b *browser) answer {
			return b.send("POST", "/settings/delete", b.get("/settings/delete").form("password", "wrong horse", "name", "ann"))
		},
		"second factor": func(w *world, b *browser) answer {
			return b.send("POST", "/auth/second", b.get("/auth/second").form("code", "000000"))
		},
	} {
		w := onSQLite(t, func(w *world, o *auth.Options) { o.Mail, o.Throttle = w, true })
		ann := w.person("ann")
		b := w.browser()
		b.signIn("ann")
		if name == "second factor" {
			secret := auth.NewTOTPSecret()
			if _, err := w.auth.AddTOTP(t.Context(), ann.ID, "", secret, codeOf(t, secret, time.Now())); err != nil {
				t.Fatal(err)
			}
			b.send("POST", "/auth/sign_in", b.get("/auth/sign_in").form("login", "ann", "password", password)).to("/auth/second")
		}
		for range 5 {
			try(w, b).want(http.StatusUnauthorized)
		}
		if got := try(w, b).want(http.StatusTooManyRequests); !strings.Contains(got.body, "Too many attempts.") {
			t.Errorf("%s: the sixth guess is answered with %s", name, got.body)
		}
	}
	w := onSQLite(t, func(w *world, o *auth.Options) { o.Mail, o.Throttle = w, true })
	b := w.browser()
	page := b.get("/auth/password")
	for range 10 {
		b.send("POST", "/auth/password", page.form("email", "nobody@mail.test")).want(200)
	}
	b.send("POST", "/auth/password", page.form("email", "nobody@mail.test")).want(429, "Too many attempts.")
}
