package mastodon

import (
	"encoding/base64"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// tokenEntity is what an app gets for a new account.
//
// spec: masto:entities/Token
type tokenEntity struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
	CreatedAt   int64  `json:"created_at"` // Seconds.
}

// errNeedsApp is for a person's token where an app's own is wanted.
var errNeedsApp = fault.New(fault.Denied, "This method requires an client credentials authentication")

// signUp makes an account for somebody who fills in a form in an app. The token
// that comes back works once the address is confirmed and, where that is needed,
// a moderator has approved. Any app token will do: Pleroma's clients ask for none
// of the scopes that Mastodon wants, and get all that they registered for.
//
// spec: masto:methods/accounts#create
var _ = route("POST /api/v1/accounts", "app", func(api *API, r *Request) (any, error) {
	if r.User != nil {
		return nil, errNeedsApp
	}
	invite := r.String("invite_code")
	if invite == "" {
		invite = r.String("token") // Pleroma's name.
	}
	if api.Auth.Captcha && r.String("captcha_token") == "" {
		return nil, fault.New(fault.Invalid, "This app can't show what is needed to sign up here. Please sign up at %s/auth/sign_up.", api.URL)
	}
	actor, err := api.Auth.Register(r.Context(), auth.Registration{Username: r.String("username"), Email: r.String("email"), Password: r.String("password"),
		Agreement: r.Bool("agreement", false), Reason: r.String("reason"), Invite: invite, Locale: r.String("locale"),
		CaptchaToken: r.String("captcha_token"), Captcha: r.String("captcha_solution"), DateOfBirth: r.String("date_of_birth"),
		IP: auth.ClientIP(r.Request, api.TrustedProxies).String(), App: r.Session.Token.App})
	if err != nil {
		return nil, err
	}
	scopes := r.Session.Scopes.String()
	if !r.Session.Scopes.Allows("write:accounts") && r.Session.App != nil {
		scopes = r.Session.App.Scopes
	}
	secret, err := api.Auth.NewToken(r.Context(), "access", store.Token{Actor: actor.ID, App: r.Session.Token.App, Scopes: scopes}, 0)
	if err != nil {
		return nil, err
	}
	return tokenEntity{secret, "Bearer", scopes, api.Now().Unix()}, nil
})

// Somebody who signed up in an app has its mail sent once more, or to another address.
//
// spec: masto:methods/emails#confirmation
var _ = route("POST /api/v1/emails/confirmations", "unconfirmed user", func(api *API, r *Request) (any, error) {
	return empty, api.Auth.Reconfirm(r.Context(), r.Session, r.String("email"))
})

// waits tells whether nothing but the confirmation of its address keeps an account
// from acting.
func waits(s *auth.Session) bool {
	return s != nil && s.Account != nil && s.Account.Confirmed == 0 && s.Account.Disabled == 0 && s.Actor.Deleted == 0
}

// minAge is the least age as it is told to apps: null where nobody is asked.
func minAge(years int) any {
	if years == 0 {
		return nil
	}
	return years
}

// signUpURL is where people sign up who can't do it in an app; nil for nowhere else.
func (api *API) signUpURL() any {
	if !api.Settings.Captcha {
		return nil
	}
	return api.URL + "/auth/sign_up"
}

// captchaEntity is a captcha as Pleroma's clients know it.
//
// spec: pleroma:pleroma_api#apiv1pleromacaptcha
type captchaEntity struct {
	Type         string `json:"type"` // native, none
	Token        string `json:"token,omitempty"`
	URL          string `json:"url,omitempty"`
	AnswerData   string `json:"answer_data,omitempty"`
	SecondsValid int    `json:"seconds_valid,omitempty"`
}

func newCaptcha(api *API, r *Request) (any, error) {
	if !api.Auth.Captcha {
		return captchaEntity{Type: "none"}, nil
	}
	c, err := api.Auth.NewCaptcha(r.Context(), auth.ClientIP(r.Request, api.TrustedProxies).String())
	if err != nil {
		return nil, err
	}
	return captchaEntity{Type: "native", Token: c.Token, URL: "data:image/png;base64," + base64.StdEncoding.EncodeToString(c.Picture),
		AnswerData: c.Token, SecondsValid: int(auth.CaptchaLife.Seconds())}, nil
}

var (
	_ = route("GET /api/v1/pleroma/captcha", "", newCaptcha)
	_ = route("GET /api/pleroma/captcha", "", newCaptcha)
)
