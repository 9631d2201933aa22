package pages

import (
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestDeleteAccount(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, withMail)
		ann := w.person("ann")
		w.post(ann, pipeline.Draft{Text: "Hello", Visibility: "public"})
		token, err := w.auth.NewToken(t.Context(), "access", store.Token{Actor: ann.ID, Scopes: "read"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.more = w.pipeline.Jobs()
		b, other := w.browser(), w.browser()
		b.signIn("ann")
		other.signIn("ann")
		page := b.get("/settings/delete").want(200, "There is no way back.")
		b.send("POST", "/settings/delete", page.form("name", "ann", "password", "wrong horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/delete", page.form("name", "bob", "password", password)).want(422, "That is not the name")
		b.send("POST", "/settings/delete", page.form("name", "@Ann", "password", password)).want(200, "Your account is deleted", "Farewell, ann")
		b.get("/settings/account").to("/auth/sign_in")
		other.get("/settings/account").want(401)
		if _, err := w.auth.Authenticate(t.Context(), token); err == nil {
			t.Error("an app's token works after the account was deleted")
		}
		w.browser().get("/@ann").want(404)
		again := w.browser()
		again.send("POST", "/auth/sign_in", again.get("/auth/sign_in").form("login", "ann", "password", password)).want(401)

		w.work()
		if left := storetest.Dump(t, db, "SELECT email, email_key, password FROM accounts"); len(left) != 1 || left[0] != "email= email_key= password= " {
			t.Errorf("left of the account: %q", left)
		}
		for _, query := range []string{"SELECT id FROM tokens WHERE actor <> 0", "SELECT id FROM statuses"} {
			if left := storetest.Dump(t, db, query); len(left) != 0 {
				t.Errorf("%s: %q", query, left)
			}
		}
	})
}
