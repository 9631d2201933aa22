package pages

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// named gives the server a name, without which there are no passkeys.
func named(w *world, o *auth.Options) {
	o.Mail, o.URL = w, strings.Replace(w.url, "127.0.0.1", "localhost", 1)
}

func codeOf(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestSecondFactor goes the whole way: set up, sign in with the app, with a recovery
// code, remove.
func TestSecondFactor(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, withMail)
		w.person("ann")
		b := w.browser()
		b.signIn("ann")
		b.get("/settings/security").want(200, "You have no second factor yet.").without("Recovery codes", "passkey")
		page := b.get("/settings/security/app").want(200, "<svg", "otpauth://totp/a.test:ann?issuer=a.test&amp;secret=")
		secret := page.form().Get("secret")
		now := time.Now()
		b.send("POST", "/settings/security/app", page.form("code", "000000", "password", "wrong horse", "name", "Phone")).want(401, "The password is not right.", `value="Phone"`, secret)
		b.send("POST", "/settings/security/app", page.form("code", "000000", "password", password)).want(422, "The code is not right.", secret)
		shown := b.send("POST", "/settings/security/app", page.form("code", codeOf(t, secret, now), "password", password, "name", "Phone")).want(200, "Recovery codes")
		recovery := regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`).FindAllStringSubmatch(shown.body, -1)
		if len(recovery) != 10 {
			t.Fatalf("recovery codes: %q", recovery)
		}
		page = b.get("/settings/security").want(200, "Phone", "You have 10 left.").without(secret)

		// Signing in takes both.
		b2 := w.browser()
		form := b2.get("/auth/sign_in?next=/settings/apps").form("login", "ann", "password", password)
		step := b2.send("POST", "/auth/sign_in", form).to("/auth/second?next=%2Fsettings%2Fapps").String()
		b2.get("/settings/account").to("/auth/sign_in")
		ask := b2.get(step).want(200, "Second factor").without("passkey")
		b2.send("POST", "/auth/second", url.Values{"code": {codeOf(t, secret, now)}}).want(403, "The form is too old.")
		b2.send("POST", "/auth/second", ask.form("code", "000000")).want(401, "The code is not right.")
		b2.send("POST", "/auth/second", ask.form("code", codeOf(t, secret, now.Add(30*time.Second)))).to("/settings/apps")
		b2.get("/settings/account").want(200)
		b2.send("POST", "/auth/second", ask.form("code", recovery[0][1])).want(401, "That took too long.")

		b3 := w.browser()
		b3.get("/auth/second").to("/auth/sign_in")
		b3.send("POST", "/auth/sign_in", b3.get("/auth/sign_in").form("login", "ann", "password", password)).to("/auth/second")
		b3.send("POST", "/auth/second", b3.get("/auth/second").form("code", recovery[1][1])).to("/")
		b3.get("/settings/security").want(200, "You have 9 left.")

		b.send("POST", "/settings/security/recovery", page.form("password", "wrong horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/security/recovery", page.form("password", password)).want(200, "Keep these codes").without(recovery[2][1])
		id := regexp.MustCompile(`name="id" value="(\d+)"`).FindStringSubmatch(page.body)[1]
		csrf := page.form().Get("csrf")
		b.send("POST", "/settings/security/remove", url.Values{"csrf": {csrf}, "id": {id}, "password": {"wrong horse"}}).want(401, "The password is not right.")
		b.send("POST", "/settings/security/remove", url.Values{"csrf": {csrf}, "id": {"x"}, "password": {password}}).want(404)
		b.send("POST", "/settings/security/remove", url.Values{"csrf": {csrf}, "id": {id}, "password": {password}}).to("/settings/security?done=removed")
		b.send("POST", "/settings/security/remove", url.Values{"csrf": {csrf}, "id": {id}, "password": {password}}).want(404)
		w.browser().signIn("ann")
	})
}

func TestPasskeyPages(t *testing.T) {
	w := onSQLite(t, named)
	w.person("ann")
	b := w.browser()
	if js := b.get("/static/passkey.js"); js.status != 200 || js.header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("script: %d %s", js.status, js.header.Get("Content-Type"))
	}
	page := b.get("/auth/sign_in").want(200, `data-passkey="get"`, "&#34;challenge&#34;", "&#34;rpId&#34;:&#34;localhost&#34;", "<script")
	refused := b.send("POST", "/auth/passkey", page.form("response", "{}")).want(401, "The passkey was not accepted.")
	b.send("POST", "/auth/passkey", url.Values{"response": {"{}"}}).want(403)
	b.send("POST", "/auth/sign_in", refused.form("login", "ann", "password", password)).to("/")

	b.get("/settings/security").want(200, "/settings/security/passkey")
	page = b.get("/settings/security/passkey").want(200, `data-passkey="create"`, "<noscript>", "<script")
	b.send("POST", "/settings/security/passkey", page.form("response", "{}", "password", "wrong horse")).want(401, "The password is not right.")
	b.send("POST", "/settings/security/passkey", page.form("response", "{}", "password", password)).want(422, "answer can&#39;t be read")
	b.send("POST", "/settings/security/passkey", url.Values{"csrf": page.form()["csrf"], "response": {"{}"}, "password": {password}}).want(401)
}

func TestSessions(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		w.person("ann")
		w.person("bob")
		b, second, third, bobs := w.browser(), w.browser(), w.browser(), w.browser()
		for _, one := range []*browser{b, second, third} {
			one.signIn("ann")
		}
		bobs.signIn("bob")
		page := b.get("/settings/sessions").want(200, "(this one)", "127.0.0.1")
		ids := regexp.MustCompile(`name="id" value="(\d+)"`).FindAllStringSubmatch(page.body, -1)
		if len(ids) != 3 {
			t.Fatalf("sessions listed: %q", ids)
		}
		end := func(by *browser, id string) answer {
			return by.send("POST", "/settings/sessions", url.Values{"csrf": {by.get("/settings/sessions").form().Get("csrf")}, "id": {id}})
		}
		end(bobs, ids[0][1]).to("/settings/sessions?done=session")
		third.get("/settings/sessions").want(200) // Bob can't.
		end(b, ids[0][1]).to("/settings/sessions?done=session")
		third.get("/settings/sessions").to("/auth/sign_in")
		end(b, "x").want(404)
		end(b, "others").to("/settings/sessions?done=sessions")
		second.get("/settings/sessions").to("/auth/sign_in")
		b.get("/settings/sessions?done=sessions").want(200, "All other browsers are signed out.").without("Sign all others out")
		bobs.get("/settings/sessions").want(200)
	})
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                    "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":     "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/18 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                  "Chrome on Android",
		"": "Another browser",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%q is called %q, want %q", agent, got, want)
		}
	}
}

func TestApps(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		w.person("ann")
		id, secret := w.app(callback)
		b := w.browser()
		b.signIn("ann")
		b.get("/settings/apps").want(200, "No app has access")
		page := b.get(authorize(id, callback)).want(200, "<h3>Reading</h3>", "<h3>Acting in your name</h3>", "upload files", `href="/settings/apps"`)
		code := b.send("POST", "/oauth/authorize", page.form("answer", "yes")).to(callback).Query().Get("code")
		token := w.browser().send("POST", "/oauth/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret},
			"redirect_uri": {callback}, "code": {code}}).want(200).field("access_token")

		b.get("/oauth/authorized_applications").to("/settings/apps")
		page = b.get("/settings/apps").want(200, "Tusk &lt;b&gt;", "https://tusk.test", "upload files")
		b.send("POST", "/settings/apps", url.Values{"id": page.form()["id"]}).want(403)
		b.send("POST", "/settings/apps", page.form()).to("/settings/apps?done=app")
		if _, err := w.auth.Authenticate(t.Context(), token); err == nil {
			t.Error("the app's token works after its access was taken away")
		}
		b.send("POST", "/settings/apps", page.form()).want(http.StatusNotFound, "This app has no access")
		b.get("/settings/apps?done=app").want(200, "The app has no access any more.", "No app has access")
	})
}
