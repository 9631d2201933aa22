package mastodon

import (
	"strings"
	"testing"

	"kenoma/internal/auth"
)

func TestPleromaInvites(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.staff("boss", "owner")
		ask := func(method, path, form string) *response {
			return w.asStaff("boss", method, "/api/v1/pleroma/admin/users/"+path, form)
		}
		ask("GET", "invites", "").want(200, `{"invites": []}`)
		code := func(r *response) string { return r.field("token") }
		one := code(ask("POST", "invite_token", "").want(200, `{"invite_type": "one_time", "max_use": 1, "used": false, "uses": 0, "expires_at": null}`))
		ask("POST", "invite_token", "max_use=5&expires_at=2026-99-01").want(422, "")
		ask("POST", "invite_token", "max_use=-1").want(422, "")
		ask("POST", "invite_token", "max_use=x").want(422, "")
		ask("POST", "invite_token", "expires_in=3600").want(200, `{"invite_type": "date_limited", "max_use": null}`)
		ask("POST", "invite_token", "max_use=5&expires_in=3600&comment=friends").want(200, `{"invite_type": "reusable_date_limited", "max_use": 5, "comment": "friends"}`)
		ask("GET", "invites", "").want(200, `{"invites": [{"max_use": 5}, {}, {"token": "`+one+`", "creator_id": "`+w.id("boss")+`"}]}`)
		ask("POST", "revoke_invite", "token="+one).want(200, `{"used": true}`)
		ask("POST", "revoke_invite", "token=nonsense").want(404, "")
		ask("POST", "email_invite", "email=x@mail.test").want(422, `{"error": "This server sends no mail. Make an invite, and send its link yourself."}`)

		// People invite where their role lets them.
		w.as("ann", "GET", "/api/kenoma/v1/invites", "").want(200, `[]`)
		w.as("ann", "POST", "/api/kenoma/v1/invites", "max_uses=1").want(403, "")
		own := code(w.as("boss", "POST", "/api/kenoma/v1/invites", "max_uses=1&expires_in=86400&autofollow=true").want(200, `{"autofollow": true}`))
		w.as("boss", "POST", "/api/kenoma/v1/invites", "expires_in=-5").want(422, "")
		w.as("ann", "DELETE", "/api/kenoma/v1/invites/"+own, "").want(404, "")

		// Who comes by it is known to have.
		token := w.token("", "read write")
		w.send(token, "POST", "/api/v1/accounts", "username=dora&email=dora@mail.test&password=long+enough&agreement=true&invite_code="+own, nil).want(200, "")
		w.asStaff("boss", "GET", "/api/v2/admin/accounts?invited_by="+w.id("boss"), "").want(200, `[{"username": "dora", "invited_by_account_id": "`+w.id("boss")+`"}]`)
		w.as("boss", "DELETE", "/api/kenoma/v1/invites/"+own, "").want(200, `{"uses": 1, "used": true}`)
	})
}

func TestPleromaCaptcha(t *testing.T) {
	w := onSQLite(t)
	w.as("", "GET", "/api/v1/pleroma/captcha", "").want(200, `{"type": "none"}`)
	w.confirming(func(o *auth.Options) { o.Captcha, o.Letters = true, func() string { return "ABKL34" } })
	w.api.Settings.Captcha = true
	w.as("", "GET", "/api/v2/instance", "").want(200, `{"registrations": {"url": "https://a.test/auth/sign_up"}}`)
	token := w.token("", "read write")
	form := "username=dora&email=dora@mail.test&password=long+enough&agreement=true"
	w.send(token, "POST", "/api/v1/accounts", form, nil).want(422, `{"error": "This app can't show what is needed to sign up here. Please sign up at https://a.test/auth/sign_up."}`)
	c := w.as("", "GET", "/api/pleroma/captcha", "").want(200, `{"type": "native", "seconds_valid": 600}`)
	if !strings.HasPrefix(c.field("url"), "data:image/png;base64,iVBOR") {
		t.Errorf("the picture: %.60s", c.field("url"))
	}
	w.send(token, "POST", "/api/v1/accounts", form+"&captcha_token="+c.field("token")+"&captcha_solution=nope", nil).want(422, `{"details": {"captcha": [{"error": "ERR_INVALID"}]}}`)
	c = w.as("", "GET", "/api/v1/pleroma/captcha", "")
	w.send(token, "POST", "/api/v1/accounts", form+"&captcha_token="+c.field("token")+"&captcha_answer_data=x&captcha_solution=abkl34", nil).want(200, "")
}
