package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// OutOfBand is the redirect address of apps that show no page: the code is shown
// to the person instead.
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// Bounds of what an app says of itself, in bytes.
const (
	maxAppName   = 240
	maxAddress   = 2000
	maxRedirects = 20
)

// application is the entity of a registered app.
//
// spec: masto:entities/Application
type application struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Website      *string  `json:"website"`
	Scopes       []string `json:"scopes"`
	RedirectURI  string   `json:"redirect_uri"`
	RedirectURIs []string `json:"redirect_uris"`
	VapidKey     string   `json:"vapid_key"` // "" as there is no web push.
}

// credentialApplication is what an app gets when it registers, once.
//
// spec: masto:entities/Application#CredentialApplication
type credentialApplication struct {
	application
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	ExpiresAt    int    `json:"client_secret_expires_at"` // 0: never.
}

func draw(a *store.App) application {
	e := application{ID: strconv.FormatInt(a.ID, 10), Name: a.Name, Scopes: strings.Fields(a.Scopes), RedirectURIs: a.RedirectURIs,
		RedirectURI: strings.Join(a.RedirectURIs, "\n")}
	if a.Website != "" {
		e.Website = &a.Website
	}
	return e
}

// createApp registers a client.
//
// spec: masto:methods/apps#create
func (s *Service) createApp(r *http.Request, v url.Values) (any, error) {
	if err := s.limit(limitApps, r); err != nil {
		return nil, err
	}
	app, err := readApp(v)
	if err != nil {
		return nil, err
	}
	secret := newSecret()
	app.ClientID, app.SecretHash, app.Created = newSecret(), Hash(secret), s.Now().UnixMilli()
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		app.ID = tx.NewID()
		return tx.InsertApp(r.Context(), app)
	}); err != nil {
		return nil, err
	}
	return credentialApplication{application: draw(app), ClientID: app.ClientID, ClientSecret: secret}, nil
}

// readApp checks what an app says of itself.
func readApp(v url.Values) (*store.App, error) {
	name := strings.TrimSpace(v.Get("client_name"))
	switch {
	case name == "":
		return nil, fault.New(fault.Invalid, "Validation failed: Application name can't be blank")
	case len(name) > maxAppName || !utf8.ValidString(name):
		return nil, fault.New(fault.Invalid, "Validation failed: Application name is too long")
	}
	var uris []string
	for _, one := range list(v, "redirect_uris") {
		for _, u := range strings.Fields(one) {
			if !redirectable(u) {
				return nil, fault.New(fault.Invalid, "Validation failed: Redirect URI must be an absolute URI.")
			}
			if !slices.Contains(uris, u) {
				uris = append(uris, u)
			}
		}
	}
	if len(uris) == 0 || len(uris) > maxRedirects {
		return nil, fault.New(fault.Invalid, "Validation failed: Redirect URI can't be blank, nor be more than %d.", maxRedirects)
	}
	grant, err := ParseScopes(strings.Join(list(v, "scopes"), " "))
	if err != nil {
		return nil, fault.Because(err, fault.Invalid, "Validation failed: Scopes doesn't match configured on the server.")
	}
	website := strings.TrimSpace(v.Get("website"))
	if u, err := url.Parse(website); website != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(website) > maxAddress) {
		return nil, fault.New(fault.Invalid, "Validation failed: Website is not a valid URL")
	}
	return &store.App{Name: name, Website: website, RedirectURIs: uris, Scopes: grant.String()}, nil
}

// unsafeSchemes are of addresses that a browser would run, or show as ours.
var unsafeSchemes = []string{"javascript", "data", "vbscript", "file", "blob", "about", "mailto", "filesystem", "view-source"}

// redirectable tells whether an address may be sent back to: any absolute one
// without a fragment.
//
// spec: rfc6749#section-3.1.2
func redirectable(text string) bool {
	if text == OutOfBand {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || len(text) > maxAddress || strings.Contains(text, "#") {
		return false
	}
	scheme := strings.ToLower(u.Scheme)
	if (scheme == "http" || scheme == "https") && u.Host == "" {
		return false
	}
	return !slices.Contains(unsafeSchemes, scheme)
}

// verifyApp tells an app, or a person's client, which app its token belongs to.
//
// spec: masto:methods/apps#verify_credentials
func (s *Service) verifyApp(r *http.Request, _ url.Values) (any, error) {
	one, err := s.Authenticate(r.Context(), Bearer(r))
	if err != nil {
		return nil, err
	}
	if one.App == nil {
		return nil, errToken // Made on the command line.
	}
	return draw(one.App), nil
}
