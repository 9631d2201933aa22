package pages

import (
	"archive/zip"
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/takeout"
)

// upload sends a form with a file; the name "" sends none.
func (b *browser) upload(path string, form url.Values, name, text string) answer {
	b.w.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for k, all := range form {
		for _, v := range all {
			if err := m.WriteField(k, v); err != nil {
				b.w.t.Fatal(err)
			}
		}
	}
	if name != "" {
		part, err := m.CreateFormFile("file", name)
		if err != nil {
			b.w.t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			b.w.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		b.w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.w.t.Context(), "POST", b.w.url+path, &body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", m.FormDataContentType())
	res, err := b.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(res.Body); err != nil {
		b.w.t.Fatal(err)
	}
	return answer{b.w.t, res.StatusCode, res.Header, got.String()}
}

func TestExportPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, withMail)
		w.more = w.takeout.Jobs()
		ann, bob := w.person("ann"), w.person("bob")
		if err := w.pipeline.Follow(t.Context(), ann, bob); err != nil {
			t.Fatal(err)
		}
		w.post(ann, pipeline.Draft{Text: "Hello", Visibility: "private"})
		b, bobs, stranger := w.browser(), w.browser(), w.browser()
		b.signIn("ann")
		bobs.signIn("bob")

		list := b.get("/settings/export/lists/following.csv").want(200, "Account address,Show boosts,Notify on new posts,Languages\nbob@a.test,true,false,\n")
		if list.header.Get("Content-Type") != "text/csv; charset=utf-8" || list.header.Get("Content-Disposition") != `attachment; filename="following_accounts.csv"` || list.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers of a list: %v", list.header)
		}
		b.get("/settings/export/lists/nonsense.csv").want(404, "There is no such list.")
		stranger.get("/settings/export/lists/following.csv").to("/auth/sign_in")

		page := b.get("/settings/export").want(200, "Make an archive")
		b.send("POST", "/settings/export", page.form("password", "wrong horse")).want(401, "The password is not right.")
		b.send("POST", "/settings/export", page.form("password", password)).to("/settings/export?done=export")
		b.get("/settings/export").want(200, "is being put together").without("Make an archive")
		b.send("POST", "/settings/export", page.form("password", password)).want(409, "is being put together already")
		if sent := w.work(); len(sent) != 1 || !strings.Contains(sent[0], "/settings/export") {
			t.Errorf("sent %q, want a mail", sent)
		}
		page = b.get("/settings/export").want(200, "Archive of ", "Make an archive")
		b.send("POST", "/settings/export", page.form("password", password)).want(429, "You can have the next archive on")
		link := regexp.MustCompile(`/settings/export/archives/\d+`).FindString(page.body)
		got := b.get(link).want(200)
		if z, err := zip.NewReader(strings.NewReader(got.body), int64(len(got.body))); err != nil || len(z.File) < 4 || got.header.Get("Content-Type") != "application/zip" {
			t.Errorf("the archive: %v, %v", err, got.header)
		}
		bobs.get(link).want(404, "There is no such archive")
		stranger.get(link).to("/auth/sign_in")
		b.get("/settings/export/archives/x").want(404)
	})
}

func TestImportPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		w.more = w.takeout.Jobs()
		ann, bob := w.person("ann"), w.person("bob")
		b, bobs := w.browser(), w.browser()
		b.signIn("ann")
		bobs.signIn("bob")
		page := b.get("/settings/import").want(200, "Bring a list along", `value="following"`).without(`value="followers"`)
		following := url.Values{"csrf": page.form()["csrf"], "kind": {"following"}, "mode": {"merge"}}
		b.upload("/settings/import", url.Values{"kind": {"following"}}, "x.csv", "bob\n").want(403, "The form is too old.")
		w.browser().upload("/settings/import", following, "x.csv", "bob\n").want(403)
		b.upload("/settings/import", following, "", "").want(422, "Please choose a file.")
		b.upload("/settings/import", following, "x.csv", "").want(422, "There is nothing in the file.")
		b.upload("/settings/import", url.Values{"csrf": following["csrf"], "kind": {"followers"}, "mode": {"overwrite"}}, "x.csv", "bob\n").want(422, "Please choose what the file holds.", `value="overwrite" checked`)
		b.upload("/settings/import", following, "x.csv", strings.Repeat("x", takeout.MaxFile+100<<10)).want(413)

		b.upload("/settings/import", following, "x.csv", "Account address\nbob@a.test\nnobody@a.test\n").to("/settings/import?done=import")
		b.get("/settings/import?done=import").want(200, "The import has begun.", "0 of 2", "Stop it")
		b.upload("/settings/import", following, "x.csv", "bob\n").want(409, "is running")
		w.work()
		page = b.get("/settings/import").want(200, "2 of 2, done", "1 came to nothing").without("Stop it")
		if _, err := db.Follow(t.Context(), ann.ID, bob.ID); err != nil {
			t.Errorf("Ann follows Bob: %v", err)
		}
		link := regexp.MustCompile(`/settings/import/\d+/failures.csv`).FindString(page.body)
		b.get(link).want(200, "nobody@a.test,,,,There is no account nobody@a.test.\n")
		bobs.get(link).want(404, "There is no such import.")
		b.get("/settings/import/x/failures.csv").want(404)

		b.upload("/settings/import", url.Values{"csrf": following["csrf"], "kind": {"blocks"}}, "x.csv", "bob\n").to("/settings/import?done=import")
		page = b.get("/settings/import").want(200, "Stop it")
		id := regexp.MustCompile(`name="id" value="(\d+)"`).FindStringSubmatch(page.body)[1]
		bobs.send("POST", "/settings/import/stop", url.Values{"csrf": {bobs.get("/settings/import").form().Get("csrf")}, "id": {id}}).want(404)
		b.send("POST", "/settings/import/stop", url.Values{"csrf": following["csrf"], "id": {"x"}}).want(404)
		b.send("POST", "/settings/import/stop", url.Values{"csrf": following["csrf"], "id": {id}}).to("/settings/import?done=stopped")
		w.work()
		if blocks, err := db.Blocks(t.Context(), ann.ID, bob.ID); err != nil || blocks {
			t.Errorf("a stopped import went on: %t, %v", blocks, err)
		}
	})
}
