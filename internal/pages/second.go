package pages

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/fault"
	"kenoma/internal/store"
)

// secondRoutes adds the pages of the second factor.
func (p *Pages) secondRoutes(r chi.Router) {
	r.Get("/static/passkey.js", p.script)
	for _, slash := range []string{"", "/"} {
		r.Post("/auth/passkey"+slash, p.form(p.signInByPasskey))
		r.Get("/auth/second"+slash, p.page(p.secondForm))
		r.Post("/auth/second"+slash, p.form(p.second))
		r.Get("/settings/security"+slash, p.page(p.own(p.security)))
		r.Get("/settings/security/app"+slash, p.page(p.own(p.totpForm)))
		r.Post("/settings/security/app"+slash, p.form(p.own(p.addTOTP)))
		r.Get("/settings/security/passkey"+slash, p.page(p.own(p.passkeyForm)))
		r.Post("/settings/security/passkey"+slash, p.form(p.own(p.addPasskey)))
		r.Post("/settings/security/recovery"+slash, p.form(p.own(p.newRecovery)))
		r.Post("/settings/security/remove"+slash, p.form(p.own(p.removeFactor)))
	}
}

// script serves the only script of the pages: browsers offer passkeys to nothing else.
func (p *Pages) script(w http.ResponseWriter, _ *http.Request) {
	js, err := files.ReadFile("templates/passkey.js")
	if err != nil {
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(js)
}

// proceed goes on after a right password or passkey: to the second factor where
// there is one and the password alone was shown, else into the account.
func (p *Pages) proceed(w http.ResponseWriter, r *http.Request, actor int64, alone bool) error {
	next := local(r.PostForm.Get("next"))
	if !alone {
		more, err := p.Auth.NeedsSecond(r.Context(), actor)
		if err != nil {
			return err
		}
		if more {
			if err := p.Auth.StartSecond(w, r, actor); err != nil {
				return err
			}
			http.Redirect(w, r, "/auth/second?next="+url.QueryEscape(next), http.StatusSeeOther)
			return nil
		}
	}
	if err := p.Auth.StartSession(w, r, actor); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// signInByPasskey takes a passkey in place of name and password.
func (p *Pages) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	account, actor, err := p.Auth.SignInByPasskey(r.Context(), r.PostForm.Get("state"), r.PostForm.Get("response"), auth.ClientIP(r, p.Auth.TrustedProxies))
	if err == nil {
		err = (&auth.Session{Account: account, Actor: actor}).Usable()
	}
	if err != nil {
		return p.signInAgain(w, r, err)
	}
	return p.proceed(w, r, actor.ID, true)
}

// errStartAgain is for who comes to the second factor without having shown the first.
var errStartAgain = fault.New(fault.Unauthorized, "That took too long. Please sign in again.")

// secondForm asks for the second factor.
func (p *Pages) secondForm(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Auth.Second(r)
	if err != nil {
		return err
	}
	if one == nil {
		http.Redirect(w, r, "/auth/sign_in?next="+url.QueryEscape(local(r.URL.Query().Get("next"))), http.StatusSeeOther)
		return nil
	}
	return p.showSecond(w, r, one, url.Values{"next": {r.URL.Query().Get("next")}}, nil)
}

func (p *Pages) showSecond(w http.ResponseWriter, r *http.Request, one *auth.Session, form url.Values, wrong error) error {
	v := view{Title: "Second factor", CSRF: p.Auth.CSRF(w, r), Form: form}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	q, err := p.question(r, one.Actor.ID)
	if err != nil {
		return err
	}
	v.Script, v.Data = q != nil, q
	p.show(w, "second.html", v)
	return nil
}

// question asks for a passkey of an account, or of any (0); nil where there is none.
func (p *Pages) question(r *http.Request, actor int64) (*auth.Question, error) {
	if !p.Auth.Passkeys() {
		return nil, nil
	}
	return p.Auth.AskPasskey(r.Context(), actor)
}

func (p *Pages) second(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Auth.Second(r)
	if err != nil {
		return err
	}
	if one == nil {
		return errStartAgain
	}
	if err := one.Usable(); err != nil {
		return err
	}
	ip := auth.ClientIP(r, p.Auth.TrustedProxies)
	if r.PostForm.Get("response") != "" {
		err = p.Auth.CheckPasskey(r.Context(), one.Actor.ID, r.PostForm.Get("state"), r.PostForm.Get("response"), ip)
	} else {
		err = p.Auth.CheckCode(r.Context(), one.Actor.ID, r.PostForm.Get("code"), ip)
	}
	if err != nil {
		return p.showSecond(w, r, one, r.PostForm, err)
	}
	if err := p.Auth.FinishSecond(w, r, one); err != nil {
		return err
	}
	http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// factor is a second factor on the page of them.
type factor struct {
	ID            int64
	Kind, Name    string
	Created, Used string
}

// factors is what the page of the second factors shows.
type factors struct {
	All      []factor
	Recovery int  // Codes that are left.
	Passkeys bool // The server can take them.
	Failed   string
}

func (p *Pages) security(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showSecurity(w, r, one, "", nil)
}

func (p *Pages) showSecurity(w http.ResponseWriter, r *http.Request, one *auth.Session, form string, wrong error) error {
	v := view{Title: "Second factor"}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	all, err := p.DB.SecondFactors(r.Context(), one.Actor.ID)
	if err != nil {
		return err
	}
	own := factors{Passkeys: p.Auth.Passkeys(), Failed: form}
	for i := range all {
		f := &all[i]
		switch f.Kind {
		case "recovery":
			own.Recovery++
			continue
		case "totp":
			own.All = append(own.All, factor{f.ID, "Authenticator app", f.Name, day(f.Created), day(f.Used)})
		default:
			own.All = append(own.All, factor{f.ID, "Passkey", f.Name, day(f.Created), day(f.Used)})
		}
	}
	r.URL.Path = "/settings/security"
	p.settings(w, r, one, "security.html", v, own)
	return nil
}

// day is a time (ms) as the pages write it, "" for never.
func day(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2 January 2006")
}

func (p *Pages) totpForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showTOTP(w, r, one, auth.NewTOTPSecret(), nil)
}

// showTOTP shows a secret as a QR code and as text. It goes back and forth with the
// form and is kept once a code proves that the app has it.
func (p *Pages) showTOTP(w http.ResponseWriter, r *http.Request, one *auth.Session, secret string, wrong error) error {
	v := view{Title: "Authenticator app", Form: r.PostForm}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	address := p.Auth.TOTPAddress(one.Actor.Username, secret)
	code, err := qrCode(address)
	if err != nil {
		return err
	}
	r.URL.Path = "/settings/security"
	p.settings(w, r, one, "totp.html", v, struct {
		Secret, Spaced string
		Address        template.URL
		QR             template.HTML
	}{secret, spaced(secret), template.URL(address), code})
	return nil
}

// spaced writes a secret in groups of four.
func spaced(secret string) string {
	var b strings.Builder
	for i, c := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// qrCode draws a text as a picture that stands in the page itself, black on white
// in dark pages too: readers want it so.
func qrCode(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	size := strconv.Itoa(n + 8) // Four modules of quiet zone on each side.
	b.WriteString(`<svg class="qr" viewBox="-4 -4 ` + size + ` ` + size + `" role="img" aria-label="QR code for an authenticator app" shape-rendering="crispEdges"><path fill="#fff" d="M-4-4h` + size + `v` + size + `h-` + size + `z"/><path fill="#000" d="`)
	for y := range n {
		for x := range n {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				b.WriteString("M" + strconv.Itoa(x) + " " + strconv.Itoa(y) + "h1v1h-1z")
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}

func (p *Pages) addTOTP(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	var codes []string
	if err == nil {
		codes, err = p.Auth.AddTOTP(r.Context(), one.Actor.ID, r.PostForm.Get("name"), r.PostForm.Get("secret"), r.PostForm.Get("code"))
	}
	if err != nil {
		return p.showTOTP(w, r, one, r.PostForm.Get("secret"), err)
	}
	return p.added(w, r, one, "totp", codes)
}

// added shows new recovery codes, once, or goes back to the list.
func (p *Pages) added(w http.ResponseWriter, r *http.Request, one *auth.Session, what string, codes []string) error {
	if len(codes) == 0 {
		return settle(w, r, "/settings/security", what)
	}
	r.URL.Path = "/settings/security"
	p.settings(w, r, one, "recovery.html", view{Title: "Recovery codes"}, codes)
	return nil
}

func (p *Pages) passkeyForm(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	return p.showPasskey(w, r, one, nil)
}

func (p *Pages) showPasskey(w http.ResponseWriter, r *http.Request, one *auth.Session, wrong error) error {
	v := view{Title: "New passkey", Form: r.PostForm, Script: true}
	if wrong != nil {
		status, text, err := told(wrong)
		if err != nil {
			return err
		}
		v.Status, v.Error = status, text
	}
	q, err := p.Auth.AskNewPasskey(r.Context(), one.Actor.ID)
	if err != nil {
		return err
	}
	r.URL.Path = "/settings/security"
	p.settings(w, r, one, "passkey.html", v, q)
	return nil
}

func (p *Pages) addPasskey(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	var codes []string
	if err == nil {
		codes, err = p.Auth.AddPasskey(r.Context(), one.Actor.ID, r.PostForm.Get("name"), r.PostForm.Get("state"), r.PostForm.Get("response"))
	}
	if err != nil {
		return p.showPasskey(w, r, one, err)
	}
	return p.added(w, r, one, "passkey", codes)
}

func (p *Pages) newRecovery(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	err := p.confirmed(r, one)
	var codes []string
	if err == nil {
		codes, err = p.Auth.NewRecoveryCodes(r.Context(), one.Actor.ID)
	}
	if err != nil {
		return p.showSecurity(w, r, one, "recovery", err)
	}
	return p.added(w, r, one, "", codes)
}

func (p *Pages) removeFactor(w http.ResponseWriter, r *http.Request, one *auth.Session) error {
	id, err := strconv.ParseInt(r.PostForm.Get("id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err = p.confirmed(r, one); err == nil {
		err = p.Auth.RemoveFactor(r.Context(), one.Actor.ID, id)
	}
	if err != nil {
		return p.showSecurity(w, r, one, "remove", err)
	}
	return settle(w, r, "/settings/security", "removed")
}
