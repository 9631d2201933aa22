package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

// TestCreateApp registers apps in every way that they send it.
func TestCreateApp(t *testing.T) {
	w := onSQLite(t, nil)
	const multi = "--b\r\nContent-Disposition: form-data; name=\"client_name\"\r\n\r\nTusk\r\n--b\r\nContent-Disposition: form-data; name=\"redirect_uris\"\r\n\r\nhttps://app.test/back\r\n--b--\r\n"
	for _, tt := range []struct {
		name, path, kind, body string
		scopes, redirects      []any
	}{
		{"a form", "/api/v1/apps", "application/x-www-form-urlencoded", "client_name=Tusk&redirect_uris=urn:ietf:wg:oauth:2.0:oob&scopes=read+write", []any{"read", "write"}, []any{auth.OutOfBand}},
		{"a slash at the end", "/api/v1/apps/", "application/x-www-form-urlencoded", "client_name=Tusk&redirect_uris=x%3A%2F%2Fback", []any{"read"}, []any{"x://back"}},
		{"multipart", "/api/v1/apps", "multipart/form-data; boundary=b", multi, []any{"read"}, []any{callback}},
		{"JSON", "/api/v1/apps", "application/json", `{"client_name":"Tusk","redirect_uris":"https://app.test/back","scopes":"read follow"}`, []any{"read", "follow"}, []any{callback}},
		{"JSON with a list", "/api/v1/apps", "application/json", `{"client_name":"Tusk","redirect_uris":["https://app.test/back","x:/y"],"scopes":"push"}`, []any{"push"}, []any{callback, "x:/y"}},
		{"lines", "/api/v1/apps", "application/x-www-form-urlencoded", "client_name=Tusk&redirect_uris=" + url.QueryEscape(callback+"\r\nx:/y\n"+callback), []any{"read"}, []any{callback, "x:/y"}},
	} {
		status, got, _ := w.send("POST", tt.path, tt.kind, tt.body, nil)
		if status != 200 || !reflect.DeepEqual(got["scopes"], tt.scopes) || !reflect.DeepEqual(got["redirect_uris"], tt.redirects) {
			t.Errorf("%s: %d %v, want scopes %v and redirects %v", tt.name, status, got, tt.scopes, tt.redirects)
		}
		for key, want := range map[string]any{"name": "Tusk", "website": nil, "vapid_key": "", "client_secret_expires_at": 0.0} {
			if have, ok := got[key]; !ok || have != want {
				t.Errorf("%s: %s = %v, want %v", tt.name, key, have, want)
			}
		}
		if id, secret := got["client_id"].(string), got["client_secret"].(string); len(id) != 43 || len(secret) != 43 || id == secret {
			t.Errorf("%s: client %q, secret %q", tt.name, id, secret)
		}
	}
}

func TestCreateAppRefuses(t *testing.T) {
	w := onSQLite(t, nil)
	for _, tt := range []struct {
		name string
		form url.Values
		want string
	}{
		{"no name", url.Values{"redirect_uris": {callback}}, "name can't be blank"},
		{"a blank name", url.Values{"client_name": {"  "}, "redirect_uris": {callback}}, "name can't be blank"},
		{"a long name", url.Values{"client_name": {strings.Repeat("x", 300)}, "redirect_uris": {callback}}, "too long"},
		{"no redirect", url.Values{"client_name": {"x"}}, "Redirect URI can't be blank"},
		{"a relative redirect", url.Values{"client_name": {"x"}, "redirect_uris": {"/back"}}, "absolute"},
		{"a script", url.Values{"client_name": {"x"}, "redirect_uris": {"JavaScript:alert(1)"}}, "absolute"},
		{"data", url.Values{"client_name": {"x"}, "redirect_uris": {callback + "\ndata:text/html,x"}}, "absolute"},
		{"a fragment", url.Values{"client_name": {"x"}, "redirect_uris": {callback + "#x"}}, "absolute"},
		{"no host", url.Values{"client_name": {"x"}, "redirect_uris": {"https:///x"}}, "absolute"},
		{"an unknown scope", url.Values{"client_name": {"x"}, "redirect_uris": {callback}, "scopes": {"read everything"}}, "Scopes"},
		{"a website that is none", url.Values{"client_name": {"x"}, "redirect_uris": {callback}, "website": {"javascript:x"}}, "Website"},
	} {
		status, got, _ := w.post("/api/v1/apps", tt.form)
		if text, _ := got["error"].(string); status != 422 || !strings.HasPrefix(text, "Validation failed: ") || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %v, want 422 and %q", tt.name, status, got, tt.want)
		}
	}
	if rows := storetest.Dump(t, w.db, "SELECT id FROM apps"); len(rows) != 0 {
		t.Errorf("%d apps were made", len(rows))
	}
}

// TestTokenErrors wants the standard's answer to each wrong request.
func TestTokenErrors(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		a, b := w.app("read write"), w.app("read write")
		ann := w.person("ann")
		with := func(base url.Values, pairs ...string) url.Values {
			v := url.Values{}
			for k, one := range base {
				v[k] = one
			}
			for i := 0; i < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
			return v
		}
		client := url.Values{"client_id": {a.ID}, "client_secret": {a.Secret}}
		byCode := with(client, "grant_type", "authorization_code", "redirect_uri", callback)
		byPassword := with(client, "grant_type", "password", "username", "ann", "password", password)
		for _, tt := range []struct {
			name   string
			form   url.Values
			status int
			code   string
		}{
			{"nothing", nil, 400, "invalid_request"},
			{"no grant type", client, 400, "invalid_request"},
			{"an unknown grant type", with(client, "grant_type", "refresh_token"), 400, "unsupported_grant_type"},
			{"no client", url.Values{"grant_type": {"client_credentials"}}, 401, "invalid_client"},
			{"an unknown client", url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {a.Secret}}, 401, "invalid_client"},
			{"a wrong secret", with(client, "grant_type", "client_credentials", "client_secret", "x"), 401, "invalid_client"},
			{"another client's secret", with(client, "grant_type", "client_credentials", "client_secret", b.Secret), 401, "invalid_client"},
			{"no code", byCode, 400, "invalid_request"},
			{"no redirect", with(client, "grant_type", "authorization_code", "code", "x"), 400, "invalid_request"},
			{"an unknown code", with(byCode, "code", "x"), 400, "invalid_grant"},
			{"another redirect", with(byCode, "code", w.code(a, ann.ID, nil), "redirect_uri", auth.OutOfBand), 400, "invalid_grant"},
			{"another client's code", with(byCode, "code", w.code(b, ann.ID, nil)), 400, "invalid_grant"},
			{"a code without the secret", with(byCode, "code", w.code(a, ann.ID, nil), "client_secret", ""), 401, "invalid_client"},
			{"an access token as code", with(byCode, "code", w.token(ann.ID, "read")), 400, "invalid_grant"},
			{"scopes that the app has not", with(client, "grant_type", "client_credentials", "scope", "admin:read"), 400, "invalid_scope"},
			{"scopes that nobody has", with(client, "grant_type", "client_credentials", "scope", "nonsense"), 400, "invalid_scope"},
			{"a wrong password", with(byPassword, "password", "wrong horse"), 400, "invalid_grant"},
			{"an unknown name", with(byPassword, "username", "nobody"), 400, "invalid_grant"},
			{"a password for too much", with(byPassword, "scope", "push"), 400, "invalid_scope"},
		} {
			status, got, header := w.post("/oauth/token", tt.form)
			if status != tt.status || got["error"] != tt.code || got["error_description"] == "" || len(got) != 2 {
				t.Errorf("%s: %d %v, want %d %s with a description", tt.name, status, got, tt.status, tt.code)
			}
			if header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", tt.name, header.Get("Cache-Control"))
			}
			if challenge := header.Get("WWW-Authenticate"); (status == 401) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("%s: WWW-Authenticate %q", tt.name, challenge)
			}
		}
		status, got, _ := w.send("POST", "/oauth/token", "application/json", "{", nil)
		if status != 400 || got["error"] != "invalid_request" {
			t.Errorf("broken JSON: %d %v, want 400 invalid_request", status, got)
		}
	})
}

// TestToken wants tokens for what is right, however it is sent.
func TestToken(t *testing.T) {
	w := onSQLite(t, nil)
	a, ann := w.app("read write follow"), w.person("ann")
	form := func(grant string, pairs ...string) string {
		v := url.Values{"grant_type": {grant}, "client_id": {a.ID}, "client_secret": {a.Secret}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v.Encode()
	}
	code := func(scope string) string { return w.code(a, ann.ID, url.Values{"scope": {scope}}) }
	const kind = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, path, kind, body string
		edit                   func(*http.Request)
		scope                  string
		person                 bool
	}{
		{"a code", "/oauth/token", kind, form("authorization_code", "code", code("read write"), "redirect_uri", callback), nil, "read write", true},
		{"a code for little", "/oauth/token/", kind, form("authorization_code", "code", code("read:accounts"), "redirect_uri", callback, "scope", "write"), nil, "read:accounts", true},
		{"JSON", "/oauth/token", "application/json", `{"grant_type":"authorization_code","client_id":"` + a.ID + `","client_secret":"` + a.Secret + `","code":"` + code("read") + `","redirect_uri":"` + callback + `"}`, nil, "read", true},
		{"in the address", "/oauth/token?" + form("client_credentials"), kind, "", nil, "read", false},
		{"basic", "/oauth/token", kind, "grant_type=client_credentials&scope=read+write", func(r *http.Request) { r.SetBasicAuth(a.ID, a.Secret) }, "read write", false},
		{"an app's own", "/oauth/token", kind, form("client_credentials"), nil, "read", false},
		{"a password", "/oauth/token", kind, form("password", "username", "ann", "password", password), nil, "read write follow", true},
		{"a password, by mail address", "/oauth/token", kind, form("password", "username", "ANN@mail.test", "password", password, "scope", "read"), nil, "read", true},
		{"a password, by handle", "/oauth/token", kind, form("password", "username", "@ann@a.test", "password", password), nil, "read write follow", true},
	} {
		status, got, _ := w.send("POST", tt.path, tt.kind, tt.body, tt.edit)
		if status != 200 || got["scope"] != tt.scope || got["token_type"] != "Bearer" || got["created_at"] != float64(w.clock().Unix()) {
			t.Errorf("%s: %d %v, want a token for %q", tt.name, status, got, tt.scope)
			continue
		}
		session, err := w.auth.Authenticate(t.Context(), got["access_token"].(string))
		if err != nil || (session.Actor != nil) != tt.person || session.Scopes.String() != tt.scope || session.App.ClientID != a.ID {
			t.Errorf("%s: the token is of %+v, %v", tt.name, session, err)
		}
		if tt.person != (got["me"] == "https://a.test/users/ann") {
			t.Errorf("%s: me = %v", tt.name, got["me"])
		}
	}
}

func TestPKCE(t *testing.T) {
	w := onSQLite(t, nil)
	a, ann := w.app("read"), w.person("ann")
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // rfc7636#appendix-B
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	if sum := sha256.Sum256([]byte(verifier)); base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
		t.Fatal("the example is not what the standard says")
	}
	s256 := url.Values{"code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	for _, tt := range []struct {
		name     string
		asked    url.Values
		verifier string
		status   int
	}{
		{"with its verifier", s256, verifier, 200},
		{"with another verifier", s256, strings.Repeat("x", 43), 400},
		{"without a verifier", s256, "", 400},
		{"the challenge as verifier", s256, challenge, 400},
		{"without a challenge", nil, "", 200},
		{"a verifier without a challenge", nil, verifier, 400},
	} {
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {callback}, "code": {w.code(a, ann.ID, tt.asked)}}
		if tt.verifier != "" {
			form.Set("code_verifier", tt.verifier)
		}
		status, got, _ := w.post("/oauth/token", form)
		if status != tt.status || status == 400 && got["error"] != "invalid_grant" {
			t.Errorf("%s: %d %v, want %d", tt.name, status, got, tt.status)
		}
		if status, got, _ := w.post("/oauth/token", form); status != 400 || got["error"] != "invalid_grant" {
			t.Errorf("%s, the same code again: %d %v, want invalid_grant", tt.name, status, got)
		}
	}
}

// TestAuthorizeRefuses wants a sentence for the person, never a way to the app.
func TestAuthorizeRefuses(t *testing.T) {
	w := onSQLite(t, nil)
	a := w.app("read:accounts write")
	for _, tt := range []struct {
		name, change, value, want string
	}{
		{"an unknown app", "client_id", "x", "not registered"},
		{"no app", "client_id", "", "not registered"},
		{"a redirect that was not registered", "redirect_uri", "https://evil.test/", "called back"},
		{"a longer redirect", "redirect_uri", callback + "/x", "called back"},
		{"no redirect", "redirect_uri", "", "called back"},
		{"another response", "response_type", "token", "response_type"},
		{"another mode", "response_mode", "web_message", "response_mode"},
		{"a scope that the app has not", "scope", "read", "more than it registered"},
		{"an unknown scope", "scope", "nonsense", "more than it registered"},
		{"a plain challenge", "code_challenge_method", "plain", "code_challenge_method"},
		{"a challenge without a method", "code_challenge", strings.Repeat("x", 43), "code_challenge_method"},
		{"a method without a challenge", "code_challenge_method", "S256", "code_challenge"},
	} {
		v := url.Values{"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {callback}, "scope": {"write"}}
		v.Set(tt.change, tt.value)
		if q, err := w.auth.Authorize(t.Context(), v); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, %v, want an error about %q", tt.name, q, err, tt.want)
		}
	}
}

func TestReplies(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	_, got, _ := w.post("/api/v1/apps", url.Values{"client_name": {"Tusk"}, "redirect_uris": {callback + " https://app.test/?x=1 tusk://back " + auth.OutOfBand}})
	id := got["client_id"].(string)
	for _, tt := range []struct{ redirect, mode, yes, no string }{ // CODE stands for the code.
		{callback, "", callback + "?code=CODE&state=s+1", callback + "?error=access_denied&"},
		{callback, "query", callback + "?code=CODE&state=s+1", callback + "?error=access_denied&"},
		{callback, "fragment", callback + "#code=CODE&state=s+1", callback + "#error=access_denied&"},
		{callback, "form_post", callback, callback},
		{"https://app.test/?x=1", "", "https://app.test/?x=1&code=CODE&state=s+1", "https://app.test/?x=1&error=access_denied&"},
		{"tusk://back", "", "tusk://back?code=CODE&state=s+1", "tusk://back?error=access_denied&"},
		{auth.OutOfBand, "", "", ""},
	} {
		v := url.Values{"response_type": {"code"}, "client_id": {id}, "redirect_uri": {tt.redirect}, "state": {"s 1"}, "response_mode": {tt.mode}}
		q, err := w.auth.Authorize(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		yes, err := w.auth.Grant(t.Context(), q, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(yes.Location, "code=")
		code, _, _ := strings.Cut(after, "&")
		if code == "" {
			code = yes.Code + yes.Form.Get("code")
		}
		if len(code) != 43 || yes.Location != strings.Replace(tt.yes, "CODE", code, 1) {
			t.Errorf("%s %s: %+v, want %s", tt.redirect, tt.mode, yes, tt.yes)
		}
		no := q.Deny()
		if !strings.HasPrefix(no.Location, tt.no) || no.Code != "" || (tt.no == "") != (no.Location == "") {
			t.Errorf("%s %s, denied: %+v, want %s…", tt.redirect, tt.mode, no, tt.no)
		}
		if tt.mode == "form_post" && (yes.Form.Get("state") != "s 1" || no.Form.Get("error") != "access_denied") {
			t.Errorf("forms %v, %v", yes.Form, no.Form)
		}
	}
}

// TestCodeOnce has many exchange one code at the same time.
func TestCodeOnce(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		a, ann := w.app("read"), w.person("ann")
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "redirect_uri": {callback}, "code": {w.code(a, ann.ID, nil)}}
		var won atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if status, _, _ := w.post("/oauth/token", form); status == 200 {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("one code gave %d tokens", won.Load())
		}
		form.Set("code", w.code(a, ann.ID, nil))
		w.pass(11 * time.Minute)
		if status, got, _ := w.post("/oauth/token", form); status != 400 || got["error"] != "invalid_grant" {
			t.Errorf("a code after 11 minutes: %d %v, want invalid_grant", status, got)
		}
	})
}

func TestRevoke(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		a, b := w.app("read"), w.app("read")
		ann := w.person("ann")
		_, got, _ := w.post("/oauth/token", url.Values{"grant_type": {"password"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "username": {"ann"}, "password": {password}})
		token := got["access_token"].(string)
		works := func() bool {
			_, err := w.auth.Authenticate(t.Context(), token)
			return err == nil
		}
		revoke := func(client app, token string) url.Values {
			return url.Values{"client_id": {client.ID}, "client_secret": {client.Secret}, "token": {token}}
		}
		for _, tt := range []struct {
			name   string
			form   url.Values
			status int
			works  bool
		}{
			{"by another app", revoke(b, token), 403, true},
			{"without a secret", revoke(app{ID: a.ID}, token), 403, true},
			{"without a client", url.Values{"token": {token}}, 403, true},
			{"of an unknown token", revoke(a, "x"), 200, true},
			{"by its app", revoke(a, token), 200, false},
			{"again", revoke(a, token), 200, false},
		} {
			if !works() && tt.works {
				t.Fatalf("%s: the token is gone before", tt.name)
			}
			status, got, _ := w.post("/oauth/revoke", tt.form)
			if status != tt.status || (status == 200) != (len(got) == 0) || status == 403 && got["error"] != "unauthorized_client" || works() != tt.works {
				t.Errorf("%s: %d %v, the token works: %t; want %d, %t", tt.name, status, got, works(), tt.status, tt.works)
			}
		}
		cli := w.token(ann.ID, "read")
		if status, _, _ := w.post("/oauth/revoke", revoke(a, cli)); status != 403 {
			t.Errorf("an app revokes the command line's token: %d, want 403", status)
		}
	})
}

func TestVerifyApp(t *testing.T) {
	w := onSQLite(t, nil)
	a := w.app("read")
	_, got, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ID}, "client_secret": {a.Secret}})
	for _, tt := range []struct {
		name, token string
		status      int
	}{{"an app's token", got["access_token"].(string), 200}, {"none", "", 401}, {"an unknown one", "x", 401}, {"the command line's", w.token(w.person("ann").ID, "read"), 401}} {
		status, got, _ := w.send("GET", "/api/v1/apps/verify_credentials", "", "", bearer(tt.token))
		if status != tt.status || status == 200 && got["name"] != "Tusk" || status == 401 && got["error"] != "The access token is invalid" {
			t.Errorf("%s: %d %v, want %d", tt.name, status, got, tt.status)
		}
		if _, leaks := got["client_secret"]; leaks {
			t.Errorf("%s: the secret is told", tt.name)
		}
	}
}

func TestUserInfo(t *testing.T) {
	w := onSQLite(t, nil)
	a, ann := w.app("read"), w.person("ann")
	_, own, _ := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ID}, "client_secret": {a.Secret}})
	want := map[string]any{"iss": "https://a.test/", "sub": "https://a.test/users/ann", "name": "ann", "preferred_username": "ann", "profile": "https://a.test/@ann", "picture": "https://a.test/static/avatar.svg"}
	for _, tt := range []struct {
		name, method, token string
		status              int
	}{
		{"profile", "GET", w.token(ann.ID, "profile"), 200},
		{"posted", "POST", w.token(ann.ID, "read"), 200},
		{"too little", "GET", w.token(ann.ID, "write read:statuses"), 403},
		{"an app's own", "GET", own["access_token"].(string), 422},
		{"nobody", "GET", "", 401},
	} {
		status, got, _ := w.send(tt.method, "/oauth/userinfo", "", "", bearer(tt.token))
		if status != tt.status || status == 200 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d %v, want %d", tt.name, status, got, tt.status)
		}
	}
}

func TestMetadata(t *testing.T) {
	for _, withPassword := range []bool{true, false} {
		w := onSQLite(t, func(o *auth.Options) { o.PasswordGrant = withPassword })
		_, got, _ := w.send("GET", "/.well-known/oauth-authorization-server", "", "", nil)
		for key, want := range map[string]string{"issuer": "https://a.test/", "authorization_endpoint": "https://a.test/oauth/authorize", "token_endpoint": "https://a.test/oauth/token",
			"revocation_endpoint": "https://a.test/oauth/revoke", "userinfo_endpoint": "https://a.test/oauth/userinfo", "app_registration_endpoint": "https://a.test/api/v1/apps"} {
			if got[key] != want {
				t.Errorf("%s = %v, want %s", key, got[key], want)
			}
		}
		for _, key := range []string{"service_documentation", "scopes_supported", "response_types_supported", "response_modes_supported", "token_endpoint_auth_methods_supported"} {
			if got[key] == nil {
				t.Errorf("%s is missing", key)
			}
		}
		if !reflect.DeepEqual(got["code_challenge_methods_supported"], []any{"S256"}) {
			t.Errorf("challenges %v", got["code_challenge_methods_supported"])
		}
		if slices.Contains(got["grant_types_supported"].([]any), "password") != withPassword {
			t.Errorf("grants %v, want the password among them: %t", got["grant_types_supported"], withPassword)
		}
		a := w.app("read")
		w.person("ann")
		status, got, _ := w.post("/oauth/token", url.Values{"grant_type": {"password"}, "client_id": {a.ID}, "client_secret": {a.Secret}, "username": {"ann"}, "password": {password}})
		if (status == 200) != withPassword || !withPassword && got["error"] != "unsupported_grant_type" {
			t.Errorf("password grant: %d %v, want it to work: %t", status, got, withPassword)
		}
	}
}

// TestAuthenticate wants the words that apps know for each account that may not act.
func TestAuthenticate(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *world) {
		ann := w.person("ann")
		token := w.token(ann.ID, "read")
		now := w.clock().UnixMilli()
		for _, tt := range []struct {
			name string
			edit func(a *store.Account)
			want string
		}{
			{"fine", func(*store.Account) {}, ""},
			{"disabled", func(a *store.Account) { a.Disabled = now }, "Your login is currently disabled"},
			{"not confirmed", func(a *store.Account) { a.Disabled, a.Confirmed = 0, 0 }, "Your login is missing a confirmed e-mail address"},
			{"not approved", func(a *store.Account) { a.Confirmed, a.Approved = now, 0 }, "Your login is currently pending approval"},
			{"fine again", func(a *store.Account) { a.Approved = now }, ""},
		} {
			w.change(ann.ID, tt.edit)
			session, err := w.auth.Authenticate(t.Context(), token)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || session == nil || session.Actor.Username != "ann" {
				t.Errorf("%s: %+v, %q, want %q", tt.name, session, text, tt.want)
			}
		}
		for _, other := range []string{"", "x", token + "x"} {
			if _, err := w.auth.Authenticate(t.Context(), other); err == nil || err.Error() != "The access token is invalid" {
				t.Errorf("token %q: %v", other, err)
			}
		}
	})
}

// TestAuthenticateIsRemembered wants no query for a known token, and what changes
// through the service to count at once.
func TestAuthenticateIsRemembered(t *testing.T) {
	w := onSQLite(t, nil)
	ann := w.person("ann")
	token := w.token(ann.ID, "read")
	ctx := t.Context()
	works := func() bool { _, err := w.auth.Authenticate(ctx, token); return err == nil }
	if !works() {
		t.Fatal("a fresh token does not work")
	}
	if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.DropTokens(ctx, "access", ann.ID, 0) }); err != nil {
		t.Fatal(err)
	}
	if !works() {
		t.Error("the database was asked again")
	}
	w.auth.Forget()
	if works() {
		t.Error("a token that was dropped works after Forget")
	}
	token = w.token(ann.ID, "read")
	if !works() {
		t.Fatal("a fresh token does not work")
	}
	if err := w.auth.SetPassword(ctx, ann.ID, "battery staple"); err != nil {
		t.Fatal(err)
	}
	if works() {
		t.Error("a token outlives a change of the password")
	}
}

func TestRateLimit(t *testing.T) {
	w := onSQLite(t, func(o *auth.Options) { o.Throttle = true })
	const path = "/.well-known/oauth-authorization-server"
	for i := range 300 {
		if status, _, header := w.send("GET", path, "", "", nil); status != 200 || i == 0 && (header.Get("X-RateLimit-Limit") != "300" || header.Get("X-RateLimit-Remaining") != "299" || header.Get("X-RateLimit-Reset") != "2026-03-01T12:05:00.000Z") {
			t.Fatalf("request %d: %d, %v", i+1, status, header)
		}
	}
	if status, got, _ := w.send("GET", path, "", "", nil); status != 429 || got["error"] != "Too many requests" {
		t.Errorf("one too many: %d %v, want 429", status, got)
	}
	w.pass(5 * time.Minute)
	if status, _, _ := w.send("GET", path, "", "", nil); status != 200 {
		t.Errorf("later: %d, want 200", status)
	}
}
