package mastodon

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/store"
)

// silence takes mail and sends none.
type silence struct{}

// Send implements auth.Mailer.
func (silence) Send(context.Context, string, string, string) error { return nil }

// confirming makes the server of w ask for confirmed addresses, and more.
func (w *world) confirming(more func(*auth.Options)) {
	o := auth.Options{DB: w.db, Accounts: w.api.Pipeline, URL: w.api.URL, Domain: w.api.Domain, Registrations: "open", Mail: silence{}}
	if more != nil {
		more(&o)
	}
	w.api.Auth = auth.New(o)
}

// appToken is the token of a registered app itself.
func (w *world) appToken(registered, granted string) string {
	w.t.Helper()
	ctx := context.Background()
	app := &store.App{ID: w.api.Pipeline.NewID(), Name: "Tusk", RedirectURIs: []string{"https://app.test/"}, Scopes: registered}
	app.ClientID = "client " + registered + granted
	if err := w.db.Write(ctx, func(tx *store.Tx) error { return tx.InsertApp(ctx, app) }); err != nil {
		w.t.Fatal(err)
	}
	secret, err := w.api.Auth.NewToken(ctx, "access", store.Token{App: app.ID, Scopes: granted}, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

const signUpForm = "&password=correct+horse&agreement=true&locale=en"

// TestSignUpInApp goes the way of somebody who signs up in an app: the account, its
// token that waits, another mail to another address, the confirmation.
func TestSignUpInApp(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.confirming(nil)
		app := w.appToken("read write", "read write")
		made := w.send(app, "POST", "/api/v1/accounts", "username=new&email=new@mail.test"+signUpForm, nil).want(200, `{"token_type": "Bearer", "scope": "read write"}`)
		token := made.field("access_token")
		w.send(token, "GET", "/api/v1/accounts/verify_credentials", "", nil).want(403, `{"error": "Your login is missing a confirmed e-mail address"}`)

		const path = "/api/v1/emails/confirmations"
		w.send(token, "POST", path, "", nil).want(200, `{}`)
		w.send(token, "POST", path, "email=nonsense", nil).want(422, `{"details": {"email": [{"error": "ERR_INVALID"}]}}`)
		w.person("bob")
		w.send(token, "POST", path, "email=bob@mail.test", nil).want(422, `{"details": {"email": [{"error": "ERR_TAKEN"}]}}`)
		w.send(token, "POST", path, "email=other@mail.test", nil).want(200, `{}`)
		account, err := w.db.AccountByEmail(t.Context(), "other@mail.test")
		if err != nil {
			t.Fatalf("the account by its other address: %v", err)
		}
		w.send("", "POST", path, "", nil).want(401, `{}`)
		w.send(app, "POST", path, "", nil).want(422, `{"error": "This method requires an authenticated user"}`)

		account.Confirmed = 1
		if err := w.db.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), account) }); err != nil {
			t.Fatal(err)
		}
		w.api.Auth.Forget()
		w.send(token, "POST", path, "", nil).want(403, `{"error": "This method is only available while the e-mail is awaiting confirmation"}`)
		w.send(token, "GET", "/api/v1/accounts/verify_credentials", "", nil).want(200, `{"username": "new"}`)

		// A token that no app made, of somebody who is not confirmed.
		cyn, err := w.api.Pipeline.CreateAccount(t.Context(), store.NewAccount{Username: "cyn", Email: "cyn@mail.test", Password: "-", Approved: true})
		if err != nil {
			t.Fatal(err)
		}
		own, err := w.api.Auth.NewToken(t.Context(), "access", store.Token{Actor: cyn.ID, Scopes: "read write"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.send(own, "POST", path, "", nil).want(403, `{"error": "This method is only available to the application the user originally signed-up with"}`)
	})
}

// TestSignUpScopes wants any app's token to do: clients of Pleroma ask for none.
func TestSignUpScopes(t *testing.T) {
	w := onSQLite(t)
	for _, tt := range []struct{ name, registered, granted, gets string }{
		{"write", "read write follow", "write", "write"},
		{"accounts", "read write:accounts", "write:accounts", "write:accounts"},
		{"pleroma", "read write follow push admin", "read", "read write follow push admin"},
	} {
		token := w.appToken(tt.registered, tt.granted)
		w.send(token, "POST", "/api/v1/accounts", "username="+tt.name+"&email="+tt.name+"@mail.test"+signUpForm, nil).want(200, `{"scope": "`+tt.gets+`"}`)
	}
	w.as("ann", "POST", "/api/v1/accounts", "username=x&email=x@mail.test"+signUpForm).want(403, `{"error": "This method requires an client credentials authentication"}`)
	w.as("", "POST", "/api/v1/accounts", "username=x&email=x@mail.test"+signUpForm).want(401, `{}`)
}

// TestSignUpRefusals wants each field that will not do to be named.
func TestSignUpRefusals(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	w.confirming(func(o *auth.Options) { o.Registrations, o.MinimumAge = "approval", 16 })
	w.api.Settings.MinimumAge = 16
	app := w.appToken("read write", "read write")
	for _, tt := range []struct{ body, want string }{
		{"username=ann&email=ann@mail.test&password=x", `{"details": {"username": [{"error": "ERR_TAKEN"}], "email": [{"error": "ERR_TAKEN"}], "password": [{"error": "ERR_TOO_SHORT"}],
			"agreement": [{"error": "ERR_ACCEPTED"}], "reason": [{"error": "ERR_BLANK"}], "date_of_birth": [{"error": "ERR_BLANK"}]}}`},
		{"username=a+b&email=nonsense&date_of_birth=2025-01-01&reason=x" + signUpForm, `{"details": {"username": [{"error": "ERR_INVALID"}], "email": [{"error": "ERR_INVALID"}], "date_of_birth": [{"error": "ERR_BELOW_LIMIT"}]}}`},
		{"username=admin&email=&date_of_birth=1990-01-01&reason=x" + signUpForm, `{"details": {"username": [{"error": "ERR_RESERVED"}], "email": [{"error": "ERR_BLANK"}]}}`},
	} {
		w.send(app, "POST", "/api/v1/accounts", tt.body, nil).want(422, tt.want)
	}
	w.as("", "GET", "/api/v2/instance", "").want(200, `{"registrations": {"min_age": 16}}`)
	w.send(app, "POST", "/api/v1/accounts", "username=bo&email=bo@mail.test&reason=because&date_of_birth=1990-01-01"+signUpForm, nil).want(200, `{"token_type": "Bearer"}`)

	w.confirming(func(o *auth.Options) { o.Registrations = "invite" })
	one := &store.Invite{MaxUses: 1}
	if err := w.api.Auth.NewInvite(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	invite := one.Code
	w.send(app, "POST", "/api/v1/accounts", "username=cyn&email=cyn@mail.test"+signUpForm, nil).want(422, `{"details": {"invite_code": [{"error": "ERR_INVALID"}]}}`)
	w.send(app, "POST", "/api/v1/accounts", "username=cyn&email=cyn@mail.test&token="+invite+signUpForm, nil).want(200, `{}`)
	w.confirming(func(o *auth.Options) { o.Registrations = "closed" })
	w.send(app, "POST", "/api/v1/accounts", "username=dan&email=dan@mail.test"+signUpForm, nil).want(http.StatusForbidden, `{}`)
}

// field returns a string of the answer's object.
func (r *response) field(name string) string {
	r.t.Helper()
	var object map[string]any
	if err := json.Unmarshal(r.body, &object); err != nil {
		r.t.Fatal(err)
	}
	v, ok := object[name].(string)
	if !ok {
		r.t.Fatalf("no %s in %.300s", name, r.body)
	}
	return v
}
