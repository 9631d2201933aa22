package fedtest

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kenoma/internal/store"
)

type drawnEmoji []struct {
	Shortcode, URL string
	Category       *string
}

// TestOwnEmoji has another server show the emoji that a post, its poll, its warning
// and its author's profile use, and serves the picture.
func TestOwnEmoji(t *testing.T) {
	w := New(t, "a.test", "b.test")
	a := w.Server("a.test")
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	if err := a.Storage().Put(t.Context(), "emoji/x.png", &picture, "image/png"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"text", "warned", "option", "name", "field"} {
		e := &store.OwnEmoji{Shortcode: name, File: "emoji/x.png", Category: "Test", Visible: true}
		if err := a.DB.Write(t.Context(), func(tx *store.Tx) error { return tx.SetEmoji(t.Context(), e) }); err != nil {
			t.Fatal(err)
		}
	}
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	ann.Call("PATCH", "/api/v1/accounts/update_credentials", url.Values{"display_name": {"Ann :name:"}, "fields_attributes[0][name]": {"Mood"}, "fields_attributes[0][value]": {":field:"}}, nil)
	ann.Post("Hello :text: :none:", "public", "spoiler_text", "careful :warned:", "poll[options][]", ":option: yes", "poll[options][]", "no", "poll[expires_in]", "600")
	w.Settle()

	var home []struct {
		Emojis  drawnEmoji
		Account struct{ Emojis drawnEmoji }
	}
	bob.Call("GET", "/api/v1/timelines/home", nil, &home)
	names := func(list drawnEmoji) string {
		var all []string
		for _, e := range list {
			all = append(all, e.Shortcode)
		}
		return strings.Join(all, " ")
	}
	if len(home) != 1 {
		t.Fatalf("Bob's home: %+v", home)
	}
	for _, name := range []string{"text", "warned", "option"} {
		if !strings.Contains(names(home[0].Emojis), name) {
			t.Errorf("the post has %q, want %s", names(home[0].Emojis), name)
		}
	}
	if got := names(home[0].Account.Emojis); !strings.Contains(got, "name") || !strings.Contains(got, "field") {
		t.Errorf("the profile has %q, want name and field", got)
	}
	var all drawnEmoji
	ann.Call("GET", "/api/v1/custom_emojis", nil, &all)
	if len(all) != 5 || all[0].Category == nil || *all[0].Category != "Test" {
		t.Fatalf("custom emoji: %+v", all)
	}
	for path, want := range map[string]int{"/media/emoji/x.png": 200, "/media/emoji/none.png": 404, "/media/emoji/x.svg": 404, "/media/emoji/a/x.png": 404} {
		res, err := http.Get(a.web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != want || want == 200 && res.Header.Get("Content-Type") != "image/png" {
			t.Errorf("%s: %d %s, want %d", path, res.StatusCode, res.Header.Get("Content-Type"), want)
		}
	}
}
