package pages

import (
	"regexp"
	"strings"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestInvitesPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(_ *world, o *auth.Options) { o.Registrations = "invite" })
		w.person("ann")
		boss, err := w.auth.CreateAccount(t.Context(), "boss", "boss@mail.test", password, "owner")
		if err != nil {
			t.Fatal(err)
		}
		b, other := w.browser(), w.browser()
		b.signIn("boss")
		other.signIn("ann")
		other.get("/settings/invites").want(403, "Your role does not let you invite people.")
		other.get("/settings/account").without("/settings/invites")
		page := b.get("/settings/invites").want(200, "Make an invite")
		b.send("POST", "/settings/invites", page.form("max_uses", "many", "days", "7")).want(422, "Please say how many")
		b.send("POST", "/settings/invites", page.form("max_uses", "5", "days", "400")).want(422, "ends within a year")
		b.send("POST", "/settings/invites", page.form("max_uses", "5", "days", "7", "comment", "for friends", "autofollow", "1")).to("/settings/invites?done=invite")
		list := b.get("/settings/invites").want(200, "for friends", "Used 0 of 5", "Who comes follows you")
		code := regexp.MustCompile(`/invite/([a-z2-7]+)`).FindStringSubmatch(list.body)
		if code == nil {
			t.Fatal("there is no link")
		}
		guest := w.browser()
		guest.get("/invite/" + code[1]).to("/auth/sign_up?invite=" + code[1])
		guest.get("/registration/" + code[1]).to("/auth/sign_up")
		guest.get("/auth/sign_up?invite="+code[1]).want(200, "@boss invites you.").without("Which letters")
		guest.get("/invite/nonsense").want(404, "not valid any more")
		b.send("POST", "/settings/invites/revoke", page.form("code", code[1])).to("/settings/invites?done=revoked")
		b.send("POST", "/settings/invites/revoke", page.form("code", "nonsense")).want(404)
		guest.get("/invite/" + code[1]).want(404)
		if boss.ID == 0 || !strings.Contains(b.get("/settings/invites").body, "over.") {
			t.Error("the list does not say that it is over")
		}
	})
}

func TestCaptchaPage(t *testing.T) {
	w := onSQLite(t, func(_ *world, o *auth.Options) {
		o.Registrations, o.Captcha, o.Letters = "open", true, func() string { return "ABKL34" }
	})
	b := w.browser()
	page := b.get("/auth/sign_up").want(200, "Which letters and numbers", `src="data:image/png;base64,`)
	if got := page.header.Get("Content-Security-Policy"); !strings.Contains(got, "img-src 'self' data:") {
		t.Errorf("the page's policy: %s", got)
	}
	again := b.send("POST", "/auth/sign_up", page.form("username", "ann", "email", "ann@mail.test", "password", password, "agreement", "1", "captcha", "wrong")).want(422, "Captcha was not solved")
	b.send("POST", "/auth/sign_up", again.form("username", "ann", "email", "ann@mail.test", "password", password, "agreement", "1", "captcha", "abkl34")).to("/")
}
