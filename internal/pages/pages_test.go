package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

const callback = "https://app.test/back"

func authorize(id, redirect string, more ...string) string {
	v := url.Values{"response_type": {"code"}, "client_id": {id}, "redirect_uri": {redirect}, "scope": {"read write:media"}, "state": {"s & t"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return "/oauth/authorize?" + v.Encode()
}

// TestAuthorize goes the whole way of an app: sign-in, consent, code, token, who am I.
func TestAuthorize(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		w.person("ann")
		id, secret := w.app(callback)
		b := w.browser()

		next := b.get(authorize(id, callback)).to("/auth/sign_in?next=%2Foauth%2Fauthorize%3F")
		signIn := b.get(next.String()).want(200, "Sign in", "Sign up")
		again := b.send("POST", "/auth/sign_in", signIn.form("login", "ann", "password", "wrong horse")).want(401, "The name or the password is not right.", `value="ann"`).without("wrong horse")
		consent := b.send("POST", "/auth/sign_in", again.form("login", "ann", "password", password)).to("/oauth/authorize?")

		page := b.get(consent.String()).want(200, "@ann", "Tusk &lt;b&gt;", "read all of your account", "upload files", "https://app.test").without("push notifications", "<b>")
		if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://app.test;") {
			t.Errorf("policy %q does not let the form end at the app", policy)
		}
		back := b.send("POST", "/oauth/authorize", page.form("answer", "yes")).to(callback + "?")
		if back.Query().Get("state") != "s & t" {
			t.Errorf("state %q", back.Query().Get("state"))
		}
		token := w.browser().send("POST", "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret},
			"redirect_uri": {callback}, "code": {back.Query().Get("code")}}).want(200).field("access_token")
		session, err := w.auth.Authenticate(t.Context(), token)
		if err != nil || session.Actor.Username != "ann" || session.Scopes.String() != "read write:media" {
			t.Errorf("the token is of %+v, %v", session, err)
		}

		// The second time nobody asks for the password, and "no" is a no.
		page = b.get(strings.Replace(authorize(id, callback), "authorize?", "authorize/?", 1)).want(200)
		back = b.send("POST", "/oauth/authorize/", page.form("answer", "no")).to(callback + "?")
		if q := back.Query(); q.Get("error") != "access_denied" || q.Get("state") != "s & t" || q.Has("code") {
			t.Errorf("a no leads to %s", back)
		}
	})
}

// TestConsentKeepsNothingForeign wants what an app's address smuggles in to have no
// part in the answer.
func TestConsentKeepsNothingForeign(t *testing.T) {
	w := onSQLite(t, nil)
	w.person("ann")
	id, _ := w.app(callback)
	b := w.browser()
	b.signIn("ann")
	page := b.get(authorize(id, callback, "answer", "yes", "csrf", "x", "evil", `"><script>`)).want(200).without("evil")
	form := page.form()
	if len(form["csrf"]) != 1 || form.Has("answer") {
		t.Fatalf("the form has %v", form)
	}
	form.Set("answer", "no")
	if back := b.send("POST", "/oauth/authorize", form).to(callback); back.Query().Get("error") != "access_denied" {
		t.Errorf("a no leads to %s", back)
	}
	form.Del("answer")
	if back := b.send("POST", "/oauth/authorize", form).to(callback); back.Query().Get("error") != "access_denied" {
		t.Errorf("no answer leads to %s", back)
	}
}

func TestWaysBack(t *testing.T) {
	w := onSQLite(t, nil)
	w.person("ann")
	b := w.browser()
	b.signIn("ann")

	id, secret := w.app(auth.OutOfBand)
	page := b.get(authorize(id, auth.OutOfBand)).want(200).without("You come back")
	shown := b.send("POST", "/oauth/authorize", page.form("answer", "yes")).want(200, "Copy this code")
	_, rest, _ := strings.Cut(shown.body, `<code class="big">`)
	code, _, _ := strings.Cut(rest, "<")
	b.send("POST", "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret}, "redirect_uri": {auth.OutOfBand}, "code": {code}}).want(200, "access_token")
	b.send("POST", "/oauth/authorize", page.form("answer", "no")).want(200, "was not let in")

	id, _ = w.app("tusk://back")
	page = b.get(authorize(id, "tusk://back")).want(200, "tusk:")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' tusk:;") {
		t.Errorf("policy %q", policy)
	}
	b.send("POST", "/oauth/authorize", page.form("answer", "yes")).to("tusk://back?code=")

	id, _ = w.app(callback)
	page = b.get(authorize(id, callback, "response_mode", "form_post")).want(200)
	form := b.send("POST", "/oauth/authorize", page.form("answer", "yes")).want(200, `action="`+callback+`"`)
	if v := form.form(); len(v.Get("code")) != 43 || v.Get("state") != "s & t" || len(v) != 2 || !strings.Contains(form.header.Get("Content-Security-Policy"), "form-action 'self' https://app.test;") {
		t.Errorf("the form back has %v", v)
	}
	page = b.get(authorize(id, callback, "response_mode", "fragment")).want(200)
	b.send("POST", "/oauth/authorize", page.form("answer", "yes")).to(callback + "#code=")
}

// TestAuthorizeRefuses wants a page, and no way on to an address that somebody else
// chose.
func TestAuthorizeRefuses(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	id, _ := w.app(callback)
	b := w.browser()
	b.signIn("ann")
	for _, tt := range []struct {
		name, path string
		status     int
		text       string
	}{
		{"an unknown app", authorize("x", callback), 401, "not registered"},
		{"another address", authorize(id, "https://evil.test/"), 400, "did not register"},
		{"too much", authorize(id, callback, "scope", "admin:read"), 400, "more than"},
		{"nothing", "/oauth/authorize", 401, "not registered"},
	} {
		if got := b.get(tt.path); got.status != tt.status || !strings.Contains(got.body, tt.text) || got.header.Get("Location") != "" {
			t.Errorf("%s: %d %s, want %d %q", tt.name, got.status, got.body, tt.status, tt.text)
		}
	}
	page := b.get(authorize(id, callback)).want(200)
	form := page.form("answer", "yes")
	form.Set("redirect_uri", "https://evil.test/")
	b.send("POST", "/oauth/authorize", form).want(400, "did not register")

	b.get(authorize(id, callback, "force_login", "true")).to("/auth/sign_in?")
	w.browser().send("POST", "/oauth/authorize", page.form("answer", "yes")).want(403, "too old") // Another browser.

	change(w, ann.ID, func(a *store.Account) { a.Disabled = 1 })
	b.get(authorize(id, callback)).want(403, "Your login is currently disabled")
	b.send("POST", "/oauth/authorize", page.form("answer", "yes")).want(403, "Your login is currently disabled")
	fresh := w.browser()
	signIn := fresh.get("/auth/sign_in")
	fresh.send("POST", "/auth/sign_in", signIn.form("login", "ann", "password", password)).want(403, "Your login is currently disabled")
	if fresh.cookie("__Host-kenoma") != nil {
		t.Error("a disabled account was signed in")
	}
}

func change(w *world, actor int64, edit func(a *store.Account)) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.db.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, actor)
		if err != nil {
			return err
		}
		edit(a)
		return tx.UpdateAccount(ctx, a)
	}); err != nil {
		w.t.Fatal(err)
	}
}

// TestCSRF posts every form as another site would have a browser do it.
func TestCSRF(t *testing.T) {
	w := onSQLite(t, nil)
	w.person("ann")
	b, other := w.browser(), w.browser()
	b.signIn("ann")
	foreign := other.get("/auth/sign_in").form().Get("csrf")
	for _, path := range []string{"/setup/x", "/auth/sign_in", "/auth/sign_out", "/auth/sign_up", "/auth/confirm/x", "/oauth/authorize"} {
		for _, slash := range []string{"", "/"} {
			for name, csrf := range map[string]string{"none": "", "another browser's": foreign, "nonsense": "x"} {
				b.send("POST", path+slash, url.Values{"csrf": {csrf}, "login": {"ann"}, "password": {password}}).want(403, "The form is too old")
				w.browser().send("POST", path+slash+"?csrf="+url.QueryEscape(csrf), url.Values{}).want(403)
				_ = name
			}
		}
	}
	own := b.get("/auth/sign_in").form().Get("csrf")
	b.send("POST", "/auth/sign_out?csrf="+url.QueryEscape(own), url.Values{}).want(403) // Only in the body.
	if b.cookie("__Host-kenoma") == nil {
		t.Fatal("signed out by another site")
	}
	b.send("POST", "/auth/sign_out", url.Values{"csrf": {own}}).to("/")
	if b.cookie("__Host-kenoma") != nil {
		t.Error("the cookie is still there")
	}
	if n := len(storetest.Dump(t, w.db, "SELECT id FROM tokens WHERE kind = 'session'")); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// TestSession wants a new secret at each sign-in, the old one dead, and cookies
// that scripts and other sites don't get.
func TestSession(t *testing.T) {
	w := onSQLite(t, nil)
	w.person("ann")
	b := w.browser()
	page := b.get("/auth/sign_in").want(200)
	got := b.send("POST", "/auth/sign_in", page.form("login", "ann", "password", password))
	for _, one := range got.header.Values("Set-Cookie") {
		for _, part := range []string{"__Host-kenoma", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
			if !strings.Contains(one, part) || strings.Contains(one, "Domain") {
				t.Errorf("cookie %q lacks %s, or names a domain", one, part)
			}
		}
	}
	first := b.cookie("__Host-kenoma")
	b.signIn("ann")
	second := b.cookie("__Host-kenoma")
	if first == nil || second == nil || first.Value == second.Value {
		t.Fatalf("cookies %v, %v", first, second)
	}
	for name, tt := range map[string]struct {
		c  *http.Cookie
		ok bool
	}{"the old": {first, false}, "the new": {second, true}, "nonsense": {&http.Cookie{Name: "__Host-kenoma", Value: "x"}, false}} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(tt.c)
		if who, err := w.auth.Browser(r); err != nil || (who != nil) != tt.ok {
			t.Errorf("%s session: %+v, %v, want it to work: %t", name, who, err, tt.ok)
		}
	}
	for _, one := range storetest.Dump(t, w.db, "SELECT hash FROM tokens") {
		if strings.Contains(one, second.Value) {
			t.Error("the secret itself is in the database")
		}
	}
}

func TestLocal(t *testing.T) {
	for next, want := range map[string]string{"": "/", "/": "/", "/oauth/authorize?x=1&y=%2F": "/oauth/authorize?x=1&y=%2F", "https://evil.test/": "/", "//evil.test/": "/",
		`/\evil.test/`: "/", "/\t/evil.test": "/", "javascript:alert(1)": "/", "evil": "/", "/%zz": "/", "/a\r\nSet-Cookie: x=y": "/"} {
		if got := local(next); got != want {
			t.Errorf("local(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestSource(t *testing.T) {
	for target, want := range map[string]string{"": "", "https://app.test": " https://app.test", "http://localhost:8080": " http://localhost:8080", "tusk:": " tusk:",
		"https://a;script-src *": "", "https://*": "", "https://a'unsafe-inline'": "", "https://a b": "", "https://ä.test": ""} {
		if got := source(target); got != want {
			t.Errorf("source(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestSetup(t *testing.T) {
	w := onSQLite(t, nil)
	link, err := w.auth.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.get("/setup/nonsense").want(404, "not valid")
	page := b.get(link).want(200, "first account")
	wrong := b.send("POST", link, page.form("username", "ann", "email", "ann@mail.test", "password", "short")).want(422, "Password is too short", `value="ann"`).without("short\"")
	b.send("POST", link, wrong.form("username", "ann", "email", "ann@mail.test", "password", password)).to("/")
	if b.cookie("__Host-kenoma") == nil {
		t.Error("the admin is not signed in")
	}
	if got := storetest.Dump(t, w.db, "SELECT role, email FROM accounts"); len(got) != 1 || got[0] != "role=owner email=ann@mail.test " {
		t.Errorf("accounts %q", got)
	}
	b.get(link).want(404, "not valid")
	b.send("POST", link, wrong.form("username", "eve", "email", "eve@mail.test", "password", password)).want(404, "not valid")
}

// TestSignUp wants the page that each rule leads to.
func TestSignUp(t *testing.T) {
	fill := func(page answer, more ...string) url.Values {
		return page.form(append([]string{"username", "ann", "email", "ann@mail.test", "password", password, "agreement", "1"}, more...)...)
	}
	t.Run("open", func(t *testing.T) {
		w := onSQLite(t, nil)
		b := w.browser()
		page := b.get("/auth/sign_up?next=/oauth/authorize").want(200, "Be kind.").without("Invite code", "Why do you")
		b.send("POST", "/auth/sign_up", page.form("username", "a b", "email", "x")).want(422, "Username must contain", "Email is not", "Agreement must be")
		b.send("POST", "/auth/sign_up", fill(page)).to("/oauth/authorize")
		if b.cookie("__Host-kenoma") == nil {
			t.Error("not signed in")
		}
	})
	t.Run("closed", func(t *testing.T) {
		w := onSQLite(t, func(_ *world, o *auth.Options) { o.Registrations = "closed" })
		b := w.browser()
		b.get("/auth/sign_up").want(403, "does not take new members")
		page := b.get("/auth/sign_in").without("Sign up")
		b.send("POST", "/auth/sign_up", fill(page)).want(403, "does not take new members")
	})
	t.Run("approval", func(t *testing.T) {
		w := onSQLite(t, func(_ *world, o *auth.Options) { o.Registrations = "approval" })
		b := w.browser()
		page := b.get("/auth/sign_up").want(200, "Why do you want to join?")
		b.send("POST", "/auth/sign_up", fill(page)).want(422, "Reason can&#39;t be blank")
		b.send("POST", "/auth/sign_up", fill(page, "reason", "to talk")).want(200, "A moderator will look")
		b.send("POST", "/auth/sign_in", page.form("login", "ann", "password", password)).want(403, "pending approval")
		b.get("/@ann").want(404)
	})
	t.Run("invite", func(t *testing.T) {
		w := onSQLite(t, func(_ *world, o *auth.Options) { o.Registrations = "invite" })
		one := &store.Invite{MaxUses: 1}
		if err := w.auth.NewInvite(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		secret := one.Code
		b := w.browser()
		page := b.get("/auth/sign_up?invite="+secret).want(200, `name="invite" value="`+secret+`"`)
		b.send("POST", "/auth/sign_up", fill(page)).want(422, "Invite code is not valid")
		b.send("POST", "/auth/sign_up", fill(page, "invite", secret)).to("/")
	})
	t.Run("mail", func(t *testing.T) {
		w := onSQLite(t, func(w *world, o *auth.Options) { o.Mail = w })
		b := w.browser()
		page := b.get("/auth/sign_up").want(200)
		b.send("POST", "/auth/sign_up", fill(page)).want(200, "Check your mail", "ann@mail.test")
		b.send("POST", "/auth/sign_in", page.form("login", "ann", "password", password)).want(200, "Check your mail")
		actor, err := w.db.ActorByHandle(t.Context(), "ann", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.auth.Jobs()["confirm-mail"](t.Context(), store.Job{Payload: fmt.Appendf(nil, `{"actor":%d}`, actor.ID)}); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(w.sent[0], w.url)
		link, _, _ := strings.Cut(rest, "\n")
		form := b.get(link).want(200, "Confirm your address").form()
		b.send("POST", "/auth/sign_in", page.form("login", "ann", "password", password)).want(200, "Check your mail") // Looking is not confirming.
		b.send("POST", link, form).want(200, "Your address is confirmed. You can sign in now.")
		b.get(link).want(404, "not valid any more")
		b.signIn("ann")
	})
}

func TestStyle(t *testing.T) {
	got := onSQLite(t, nil).browser().get("/static/pages.css").want(200, "prefers-color-scheme: dark")
	if got.header.Get("Content-Type") != "text/css; charset=utf-8" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", got.header)
	}
}
