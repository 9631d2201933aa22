// Package pages is HTML that needs no JavaScript: setting up, signing in, consent,
// and the public pages of people and posts.
package pages

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/takeout"
)

//go:embed templates/*.html templates/style.css templates/passkey.js
var files embed.FS

var templates = template.Must(template.ParseFS(files, "templates/*.html"))

// Options are what the pages need.
type Options struct {
	DB   *store.DB
	Auth *auth.Service
	// Pipeline deletes accounts.
	Pipeline *pipeline.Pipeline
	Takeout  *takeout.Service
	URL      string
	Title    string
	Rules    []string
	// RuleTexts are the rules as they are now. nil: Rules.
	RuleTexts func(ctx context.Context) ([]string, error)
	Text      Text                    // nil: there are no texts.
	Proxy     func(url string) string // Address of our copy of a remote picture.
	Log       *slog.Logger
}

// Pages serves them.
type Pages struct{ Options }

// New makes Pages.
func New(o Options) *Pages {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Pages{o}
}

// Routes adds every page but those of people and posts, which share their
// addresses with other representations: Profile and Post.
func (p *Pages) Routes(r chi.Router) {
	r.Get("/static/pages.css", p.style)
	p.aboutRoutes(r)
	p.careRoutes(r)
	p.secondRoutes(r)
	p.accessRoutes(r)
	p.leaveRoutes(r)
	p.takeoutRoutes(r)
	p.severedRoutes(r)
	p.inviteRoutes(r)
	p.inspectRoutes(r)
	p.movingRoutes(r)
	for _, slash := range []string{"", "/"} {
		r.Get("/setup/{secret}"+slash, p.page(p.setupForm))
		r.Post("/setup/{secret}"+slash, p.form(p.setup))
		r.Get("/auth/sign_in"+slash, p.page(p.signInForm))
		r.Post("/auth/sign_in"+slash, p.form(p.signIn))
		r.Post("/auth/sign_out"+slash, p.form(p.signOut))
		r.Get("/auth/sign_up"+slash, p.page(p.signUpForm))
		r.Post("/auth/sign_up"+slash, p.form(p.signUp))
		r.Get("/invite/{code}"+slash, p.page(p.invite))
		r.Get("/registration/{code}"+slash, p.page(p.invite)) // Where Pleroma has it.
		r.Get("/auth/confirm/{secret}"+slash, p.page(p.confirmForm))
		r.Post("/auth/confirm/{secret}"+slash, p.form(p.confirm))
		r.Get("/oauth/authorize"+slash, p.page(p.consentForm))
		r.Post("/oauth/authorize"+slash, p.form(p.consent))
	}
}

// view is what every template gets.
type view struct {
	Site, Title string
	CSRF        string
	Error       string
	Status      int
	Form        url.Values
	Data        any
	FormAction  string // Where a form may lead in the end beside here, for the policy.
	Head        template.HTML
	Script      bool // The page asks for passkeys.
	Picture     bool // The page has a picture in itself.
}

// show writes a page with its policy: no scripts, no foreign content, forms that
// lead nowhere but where they should.
func (p *Pages) show(w http.ResponseWriter, name string, v view) {
	v.Site = p.Title
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, v); err != nil {
		p.Log.Error("page not drawn", "page", name, "err", err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	script := ""
	if v.Script {
		script = "script-src 'self'; "
	}
	picture := ""
	if v.Picture {
		picture = " data:"
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; "+script+"img-src 'self'"+picture+"; media-src 'self'; form-action 'self'"+source(v.FormAction)+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.Status != 0 {
		w.WriteHeader(v.Status)
	}
	w.Write(b.Bytes())
}

// page wraps a handler that shows something, or leads elsewhere. Addresses hold
// secrets, so that nobody keeps a page or is told where it was left from.
func (p *Pages) page(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "same-origin")
		if err := h(w, r); err != nil {
			p.Fail(w, r, err)
		}
	}
}

// form wraps a handler of a form that was sent: small, and made for this browser.
func (p *Pages) form(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return p.page(func(w http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil {
			return fault.Because(err, fault.Malformed, "The form can't be read.")
		}
		if err := p.Auth.CheckCSRF(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// Fail shows an error as a page.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := fault.Public(err)
	if errors.Is(err, store.ErrNotFound) {
		status, text = http.StatusNotFound, "There is nothing here."
	}
	if status == http.StatusInternalServerError {
		p.Log.Error("page failed", "path", r.URL.Path, "err", err)
	}
	p.show(w, "error.html", view{Title: http.StatusText(status), Error: text, Status: status})
}

func (p *Pages) style(w http.ResponseWriter, _ *http.Request) {
	css, err := files.ReadFile("templates/style.css")
	if err != nil {
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(css)
}

func (p *Pages) setupForm(w http.ResponseWriter, r *http.Request) error {
	if err := p.Auth.SetupValid(r.Context(), chi.URLParam(r, "secret")); err != nil {
		return err
	}
	p.show(w, "setup.html", view{Title: "Welcome", CSRF: p.Auth.CSRF(w, r), Form: url.Values{}})
	return nil
}

func (p *Pages) setup(w http.ResponseWriter, r *http.Request) error {
	actor, err := p.Auth.Setup(r.Context(), chi.URLParam(r, "secret"), p.registration(r))
	var wrong auth.FieldErrors
	if errors.As(err, &wrong) {
		p.show(w, "setup.html", view{Title: "Welcome", CSRF: p.Auth.CSRF(w, r), Form: r.PostForm, Error: plain(wrong), Status: http.StatusUnprocessableEntity})
		return nil
	} else if err != nil {
		return err
	}
	if err := p.Auth.StartSession(w, r, actor.ID); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *Pages) registration(r *http.Request) auth.Registration {
	f := r.PostForm
	return auth.Registration{Username: strings.TrimSpace(f.Get("username")), Email: strings.TrimSpace(f.Get("email")), Password: f.Get("password"),
		Reason: f.Get("reason"), DateOfBirth: f.Get("date_of_birth"), Invite: f.Get("invite"), Agreement: f.Get("agreement") != "", Locale: "en",
		CaptchaToken: f.Get("captcha_token"), Captcha: f.Get("captcha"),
		IP: auth.ClientIP(r, p.Auth.TrustedProxies).String()}
}

// plain is the sentence without Mastodon's preamble.
func plain(f auth.FieldErrors) string {
	return strings.TrimPrefix(f.Error(), "Validation failed: ") + "."
}

func (p *Pages) signInForm(w http.ResponseWriter, r *http.Request) error {
	return p.showSignIn(w, r, view{Form: url.Values{"next": {r.URL.Query().Get("next")}}})
}

// showSignIn shows the page for name and password, or a passkey.
func (p *Pages) showSignIn(w http.ResponseWriter, r *http.Request, v view) error {
	q, err := p.question(r, 0)
	if err != nil {
		return err
	}
	v.Title, v.CSRF, v.Script = "Sign in", p.Auth.CSRF(w, r), q != nil
	v.Data = struct {
		Open    bool
		Passkey *auth.Question
	}{p.Auth.Registrations != "closed", q}
	p.show(w, "sign_in.html", v)
	return nil
}

// signInAgain shows why somebody was not let in, where they can do something about it.
func (p *Pages) signInAgain(w http.ResponseWriter, r *http.Request, err error) error {
	if fault.KindOf(err) == fault.Internal {
		return err
	}
	status, text := fault.Public(err)
	return p.showSignIn(w, r, view{Form: r.PostForm, Error: text, Status: status})
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	account, actor, err := p.Auth.SignIn(r.Context(), r.PostForm.Get("login"), r.PostForm.Get("password"), auth.ClientIP(r, p.Auth.TrustedProxies))
	if err == nil && account.Confirmed == 0 && p.Auth.Mail != nil {
		if err := p.Auth.SendConfirmation(r.Context(), account.Actor); err != nil {
			return err
		}
		p.checkMail(w, account)
		return nil
	}
	if err == nil {
		err = (&auth.Session{Account: account, Actor: actor}).Usable()
	}
	if err != nil {
		return p.signInAgain(w, r, err)
	}
	return p.proceed(w, r, account.Actor, false)
}

// checkMail says that nothing goes on before the address is confirmed.
func (p *Pages) checkMail(w http.ResponseWriter, account *store.Account) {
	p.show(w, "message.html", view{Title: "Check your mail", Data: "We send a link to " + account.Email + ". Open it to confirm your address, then sign in."})
}

// local is the place to go on to, if it is one of ours.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := p.Auth.EndSession(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *Pages) signUpForm(w http.ResponseWriter, r *http.Request) error {
	if p.Auth.Registrations == "closed" {
		return fault.New(fault.Denied, "This server does not take new members at the moment.")
	}
	return p.showSignUp(w, r, view{Form: url.Values{"invite": {r.URL.Query().Get("invite")}, "next": {r.URL.Query().Get("next")}}})
}

// signUpView is what the template of the sign-up page gets.
type signUpView struct {
	Approval, Invite bool
	Inviter          string // Who invited; "" nobody that is known.
	MinimumAge       int
	Rules            []string
	Captcha          template.URL // Picture; "" none.
	CaptchaToken     string
}

// showSignUp shows the form, with a new captcha where there is one.
func (p *Pages) showSignUp(w http.ResponseWriter, r *http.Request, v view) error {
	ctx := r.Context()
	data := signUpView{Approval: p.Auth.Registrations == "approval", Invite: p.Auth.Registrations == "invite", MinimumAge: p.Auth.MinimumAge}
	var err error
	if data.Rules, err = p.rules(ctx); err != nil {
		return err
	}
	if code := v.Form.Get("invite"); code != "" {
		i, err := p.DB.Invite(ctx, code)
		if err == nil {
			data.Approval = false
		}
		if err == nil && i.Creator != 0 {
			by, err := p.DB.Actor(ctx, i.Creator)
			if err != nil {
				return err
			}
			data.Inviter = by.Username
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if p.Auth.Captcha {
		c, err := p.Auth.NewCaptcha(ctx, auth.ClientIP(r, p.Auth.TrustedProxies).String())
		if err != nil {
			return err
		}
		data.Captcha, data.CaptchaToken, v.Picture = template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(c.Picture)), c.Token, true
	}
	v.Title, v.CSRF, v.Data = "Sign up", p.Auth.CSRF(w, r), data
	p.show(w, "sign_up.html", v)
	return nil
}

// invite leads from the address of an invite to the form; programs get what they need to
// sign up elsewhere, as from Mastodon.
func (p *Pages) invite(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	if _, err := p.DB.Invite(r.Context(), code); errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.NotFound, "This invite is not valid any more.")
	} else if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		return json.NewEncoder(w).Encode(map[string]string{"invite_code": code, "instance_api_url": p.URL + "/api/v2/instance"})
	}
	http.Redirect(w, r, "/auth/sign_up?invite="+url.QueryEscape(code), http.StatusSeeOther)
	return nil
}

func (p *Pages) signUp(w http.ResponseWriter, r *http.Request) error {
	actor, err := p.Auth.Register(r.Context(), p.registration(r))
	var wrong auth.FieldErrors
	if errors.As(err, &wrong) {
		return p.showSignUp(w, r, view{Form: r.PostForm, Error: plain(wrong), Status: http.StatusUnprocessableEntity})
	} else if err != nil {
		return err
	}
	account, err := p.DB.Account(r.Context(), actor.ID)
	if err != nil {
		return err
	}
	switch {
	case account.Confirmed == 0:
		p.checkMail(w, account)
	case account.Approved == 0:
		p.show(w, "message.html", view{Title: "Thank you", Data: "A moderator will look at your application. You can sign in once it is approved."})
	default:
		if err := p.Auth.StartSession(w, r, actor.ID); err != nil {
			return err
		}
		http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	}
	return nil
}

// confirmForm asks for a click: programs that look at mail open every link.
func (p *Pages) confirmForm(w http.ResponseWriter, r *http.Request) error {
	if !p.Auth.ConfirmValid(r.Context(), chi.URLParam(r, "secret")) {
		return fault.New(fault.NotFound, "This link is not valid any more. If your address is not confirmed yet, signing in sends a new one.")
	}
	p.show(w, "confirm.html", view{Title: "Confirm your address", CSRF: p.Auth.CSRF(w, r)})
	return nil
}

func (p *Pages) confirm(w http.ResponseWriter, r *http.Request) error {
	account, err := p.Auth.Confirm(r.Context(), chi.URLParam(r, "secret"))
	if err != nil {
		return err
	}
	text := "Your address is confirmed. You can sign in now."
	if account.Approved == 0 {
		text = "Your address is confirmed. You can sign in once a moderator has approved your application."
	}
	p.show(w, "message.html", view{Title: "Thank you", Data: text})
	return nil
}
