package pages

import (
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestMovePage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(*world, *auth.Options) {})
		ann, bob := w.person("ann"), w.person("bob")
		w.post(ann, pipeline.Draft{Text: "Hello", Visibility: "public"})
		w.more = w.pipeline.Jobs()
		b := w.browser()
		b.get("/settings/move").to("/auth/sign_in")
		b.signIn("ann")
		page := b.get("/settings/move").want(200, "Move in", "Move out", "@ann@a.test").without("You have moved", "Earlier moves")
		b.send("POST", "/settings/move", page.form("target", "bob@a.test", "how", "move", "password", "wrong horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/move", page.form("target", "nobody@a.test", "how", "move", "password", password)).want(422, "There is no account nobody@a.test")
		b.send("POST", "/settings/move", page.form("target", "bob@a.test", "how", "move", "password", password)).want(422, "does not name this account as an alias", `value="bob@a.test"`)

		other := w.browser()
		other.signIn("bob")
		page = other.get("/settings/move").want(200)
		other.send("POST", "/settings/move/alias", page.form("alias", "nobody@a.test")).want(422, "There is no account nobody@a.test")
		other.send("POST", "/settings/move/alias", page.form("alias", "ann@a.test")).to("/settings/move?done=alias")
		other.get("/settings/move?done=alias").want(200, "The alias is added.", "@ann@a.test", "Remove")

		page = b.get("/settings/move")
		b.send("POST", "/settings/move", page.form("target", "bob@a.test", "how", "move", "password", password)).to("/settings/move?done=moved")
		page = b.get("/settings/move?done=moved").want(200, "You have moved", "@bob@a.test", "Earlier moves", "with followers").without("Move out")
		w.work()
		w.browser().get("/@ann").want(200, "ann has moved to", "@bob@a.test", "Hello")

		b.send("POST", "/settings/move/stay", page.form("password", "wrong horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/move/stay", page.form("password", password)).to("/settings/move?done=stays")
		b.get("/settings/move?done=stays").want(200, "You can post here again.").without("You have moved")
		w.browser().get("/@ann").want(200).without("has moved")
		page = b.get("/settings/move")
		b.send("POST", "/settings/move", page.form("target", "bob@a.test", "how", "move", "password", password)).want(429, "You have moved lately.")
		b.send("POST", "/settings/move", page.form("target", "bob@a.test", "how", "redirect", "password", password)).to("/settings/move?done=redirected")

		page = other.get("/settings/move")
		other.send("POST", "/settings/move/alias/remove", page.form("alias", string(ann.URI))).to("/settings/move?done=removed")
		other.get("/settings/move").want(200).without("/users/ann")
		if left, err := w.pipeline.Aliases(t.Context(), bob); err != nil || len(left) != 0 {
			t.Errorf("Bob's aliases: %v, %v", left, err)
		}
	})
}
