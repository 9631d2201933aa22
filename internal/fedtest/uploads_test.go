package fedtest

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"kenoma/internal/store/storetest"
)

// portray gives a person an avatar and returns its address.
func (u *User) portray(path string) string {
	t := u.Server.w.t
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("avatar", "face.png")
	if err == nil {
		_, err = file.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("PATCH", u.Server.web.URL+"/api/v1/accounts/update_credentials", &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.Token)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var account struct{ Avatar string }
	if err := json.NewDecoder(resp.Body).Decode(&account); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %+v, %v", resp.StatusCode, account, err)
	}
	return account.Avatar
}

// files counts what lies in the storage.
func (s *Server) files() int {
	n := 0
	err := filepath.WalkDir(filepath.Join(s.dir, "media", "uploads"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		s.w.t.Fatal(err)
	}
	return n
}

// TestPicturesGo wants the files of an avatar deleted when there is another one, and
// everything that an account brought when it is deleted.
func TestPicturesGo(t *testing.T) {
	for _, host := range []string{"a.test", "postgres:a.test"} {
		t.Run(host, func(t *testing.T) {
			w := New(t, host)
			ann, bob := w.User("ann@a.test"), w.User("bob@a.test")
			a := w.Server("a.test")
			const picture = "../media/testdata/cover.jpg"
			bob.portray(picture)
			w.Settle()
			ofBob := a.files()
			first := ann.portray(picture)
			w.Settle()
			if resp, _ := a.piece("GET", first, nil); resp.StatusCode != 200 {
				t.Fatalf("the first avatar: %d", resp.StatusCode)
			}
			before := a.files()
			second := ann.portray(picture)
			w.Settle()
			if resp, _ := a.piece("GET", first, nil); resp.StatusCode != 404 || first == second {
				t.Errorf("the avatar that was replaced: %d, want 404", resp.StatusCode)
			}
			if n := a.files(); n != before {
				t.Errorf("%d files after another avatar, want %d", n, before)
			}
			if resp, _ := a.piece("GET", second, nil); resp.StatusCode != 200 {
				t.Errorf("the new avatar: %d", resp.StatusCode)
			}
			ann.portray(picture)
			if status := ann.Call("DELETE", "/api/v1/profile/avatar", nil, nil); status != 200 {
				t.Fatal(status)
			}
			w.Settle()
			if n := a.files(); n != ofBob {
				t.Errorf("%d files without an avatar, want %d", n, ofBob)
			}
			ann.portray(picture)
			if err := a.Pipeline.DeleteAccount(t.Context(), ann.Actor); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if rows := storetest.Dump(t, a.DB, "SELECT owner, status FROM media ORDER BY id"); a.files() != ofBob || len(rows) != 1 {
				t.Errorf("%d files and rows %q of a deleted account, want %d files", a.files(), rows, ofBob)
			}
		})
	}
}
