package fedtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// attachment is what apps see of a file.
type attachment struct {
	ID, Type, URL string
	Preview       string `json:"preview_url"`
	Remote        string `json:"remote_url"`
	Meta          struct {
		Original struct{ Width, Height int }
	}
}

// upload sends a film or sound and waits until it is ready.
func (u *User) upload(path string) attachment {
	t := u.Server.w.t
	t.Helper()
	made, status := u.send(path)
	if status != 202 || made.URL != "" {
		t.Fatalf("%d %+v; want 202 without an address", status, made)
	}
	u.Server.w.Settle()
	if status := u.Call("GET", "/api/v1/media/"+made.ID, nil, &made); status != 200 || made.URL == "" {
		t.Fatalf("%d %+v; want it ready", status, made)
	}
	return made
}

// send sends a file; a picture is ready at once.
func (u *User) send(path string) (made attachment, status int) {
	t := u.Server.w.t
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "film")
	if err == nil {
		_, err = file.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("POST", u.Server.web.URL+"/api/v2/media", &body)
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
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	return made, resp.StatusCode
}

// piece fetches some bytes of a file, or what else header asks for.
func (s *Server) piece(method, address string, header http.Header) (*http.Response, []byte) {
	s.w.t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		s.w.t.Fatal(err)
	}
	req, err := http.NewRequest(method, s.web.URL+at.Path, nil)
	if err != nil {
		s.w.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return resp, body
}

// A video is uploaded, worked on, posted, seen on another server, and watched there
// piece by piece.
func TestVideoAcrossServers(t *testing.T) {
	w := New(t, "a.test", "b.test")
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	file := ann.upload("../media/testdata/moving.mp4")
	var made struct{ ID string }
	ann.Call("POST", "/api/v1/statuses", url.Values{"status": {"Look"}, "media_ids[]": {file.ID}}, &made)
	w.Settle()
	var home []struct {
		Attachments []attachment `json:"media_attachments"`
	}
	bob.Call("GET", "/api/v1/timelines/home", nil, &home)
	if len(home) != 1 || len(home[0].Attachments) != 1 {
		t.Fatalf("Bob's home: %+v", home)
	}
	seen := home[0].Attachments[0]
	if seen.Type != "video" || seen.Remote != file.URL || !strings.Contains(seen.URL, "/proxy/") || seen.Meta.Original.Width != 64 {
		t.Errorf("Bob sees %+v", seen)
	}
	_, whole := ann.Server.piece("GET", file.URL, nil)
	for name, at := range map[string]struct {
		s   *Server
		url string
	}{"its own server": {ann.Server, file.URL}, "the other one": {bob.Server, seen.URL}} {
		resp, body := at.s.piece("GET", at.url, http.Header{"Range": {"bytes=100-199"}})
		h := resp.Header
		if resp.StatusCode != 206 || !bytes.Equal(body, whole[100:200]) || h.Get("Content-Type") != "video/mp4" || h.Get("Etag") == "" ||
			h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(body), h)
		}
		if resp, _ = at.s.piece("GET", at.url, http.Header{"Range": {"bytes=100-199"}, "If-Range": {h.Get("Etag")}}); resp.StatusCode != 206 {
			t.Errorf("%s: the same version again: %d", name, resp.StatusCode)
		}
		if resp, body = at.s.piece("GET", at.url, http.Header{"Range": {"bytes=100-199"}, "If-Range": {`"another"`}}); resp.StatusCode != 200 || len(body) != len(whole) {
			t.Errorf("%s: of another version: %d, %d bytes", name, resp.StatusCode, len(body))
		}
		if resp, _ = at.s.piece("GET", at.url, http.Header{"Range": {"bytes=99999999-"}}); resp.StatusCode != 416 {
			t.Errorf("%s: behind the end: %d", name, resp.StatusCode)
		}
		if resp, _ = at.s.piece("HEAD", at.url, nil); resp.StatusCode != 200 || resp.ContentLength != int64(len(whole)) {
			t.Errorf("%s: its head: %d, %d bytes", name, resp.StatusCode, resp.ContentLength)
		}
	}
	if resp, _ := ann.Server.piece("GET", "/media/"+file.ID+"/raw", nil); resp.StatusCode != 404 {
		t.Errorf("the file as it came: %d", resp.StatusCode)
	}
	if resp, _ := bob.Server.piece("GET", strings.Replace(seen.URL, "/proxy/", "/proxy/x", 1), nil); resp.StatusCode != 404 {
		t.Errorf("a forged address: %d", resp.StatusCode)
	}
}
