package mastodon

import (
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
	actor, err := api.Auth.Register(r.Context(), auth.Registration{Username: r.String("username"), Email: r.String("email"), Password: r.String("password"),
		Agreement: r.Bool("agreement", false), Reason: r.String("reason"), Invite: invite, Locale: r.String("locale"), DateOfBirth: r.String("date_of_birth"),
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
