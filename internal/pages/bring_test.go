package pages

import (
	"archive/zip"
	"bytes"
	"testing"

	"kenoma/internal/auth"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestBringArchive(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(*world, *auth.Options) {})
		w.person("ann")
		w.takeout.Archives = 2
		w.more = w.takeout.Jobs()
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		out, err := z.Create("outbox.json")
		if err == nil {
			_, err = out.Write([]byte(`{"orderedItems":[{"type":"Create","actor":"https://old.test/ann","object":{"id":"https://old.test/1","type":"Note","attributedTo":"https://old.test/ann","published":"2020-02-03T00:00:00Z","to":"as:Public","content":"long ago"}},
				{"id":"https://old.test/2","type":"Announce","actor":"https://old.test/ann","object":"https://b.test/1"}]}`))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.get("/settings/import").to("/auth/sign_in")
		b.signIn("ann")
		page := b.get("/settings/import").want(200, "Bring your posts along", "Favourites, without telling")
		form := page.form("what", "archive", "posts", "1")
		b.upload("/settings/import/archive", page.form("what", "archive"), "", "").want(422, "Please choose a file.")
		form.Set("csrf", "wrong")
		b.upload("/settings/import/archive", form, "a.zip", archive.String()).want(403)
		form = page.form("what", "archive", "posts", "1")
		b.upload("/settings/import/archive", form, "a.zip", archive.String()).to("/settings/import?done=import")
		b.get("/settings/import").want(200, "It is being unpacked.", "Please wait for its end")
		w.work()
		b.get("/settings/import").want(200, "2 of 2 posts, done", "1 could not be taken over").without("Please wait")
		w.browser().get("/@ann").want(200, "long ago", "2020-02-03", `href="https://old.test/1"`, "Originally elsewhere")
		b.upload("/settings/import/archive", form, "a.txt", "no archive").to("/settings/import?done=import")
		w.work()
		b.get("/settings/import").want(200, "You have imported 2 archives lately.")
	})
}
