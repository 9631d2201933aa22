package mastodon

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"kenoma/internal/media"
)

// part is one field of a multipart form; file is its name where it is a file.
type part struct{ field, file, value string }

// multi makes a multipart body and its header.
func multi(t *testing.T, parts ...part) (string, http.Header) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		create := w.CreateFormField
		if p.file != "" {
			create = func(field string) (io.Writer, error) { return w.CreateFormFile(field, p.file) }
		}
		out, err := create(p.field)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(p.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), http.Header{"Content-Type": {w.FormDataContentType()}}
}

// picture is a PNG of that size.
func picture(t *testing.T, width, height int) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		m.Set(x, x%height, color.RGBA{uint8(x), 90, 200, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// takesFiles gives a world what uploads need.
func (w *world) takesFiles() {
	w.api.Uploads = &media.Uploads{DB: w.db, Processor: media.NewProcessor(media.ProcessorOptions{TempDir: w.t.TempDir()}), Storage: media.Disk(w.t.TempDir()), Log: w.api.Log}
}

func TestMedia(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		token := w.token("ann", fullScopes)
		for _, version := range []string{"v1", "v2"} {
			body, header := multi(t, part{"file", "cat.png", picture(t, 60, 30)}, part{"description", "", "A cat"}, part{"focus", "", "0.5,-0.25"})
			made := w.send(token, "POST", "/api/"+version+"/media", body, header).want(200,
				`{"type": "image", "description": "A cat", "meta": {"original": {"width": 60, "height": 30}, "focus": {"x": 0.5, "y": -0.25}}}`)
			id := made.id()
			var at struct{ URL string }
			if err := json.Unmarshal(made.body, &at); err != nil || !strings.HasPrefix(at.URL, "https://a.test/media/"+id+"/") {
				t.Errorf("the file is at %q", at.URL)
			}
			file, _, err := w.api.Uploads.Storage.Open(t.Context(), strings.TrimPrefix(at.URL, "https://a.test/media/"))
			if err != nil {
				t.Fatal(err)
			}
			if c, _, err := image.DecodeConfig(file); err != nil || c.Width != 60 {
				t.Errorf("the stored picture: %+v, %v", c, err)
			}
			file.Close()
			w.as("ann", "PUT", "/api/v1/media/"+id, "description=Two+cats&focus=0,0").want(200, `{"description": "Two cats"}`)
			w.as("ann", "PUT", "/api/v1/media/"+id, "focus=far").want(422, `{}`)
			w.as("ann", "GET", "/api/v1/media/"+id, "").want(200, `{"description": "Two cats"}`)
			w.as("bob", "GET", "/api/v1/media/"+id, "").want(404, `{}`)
			w.as("bob", "POST", "/api/v1/statuses", "status=mine&media_ids[]="+id).want(422, `{}`)
			w.as("ann", "POST", "/api/v1/statuses", "status=look&media_ids[]="+id).want(200,
				`{"media_attachments": [{"id": "`+id+`", "description": "Two cats", "type": "image", "url": "`+at.URL+`"}]}`)
			w.as("ann", "DELETE", "/api/v1/media/"+id, "").want(422, `{}`)
			w.as("ann", "POST", "/api/v1/statuses", "status=again&media_ids[]="+id).want(422, `{}`)
		}
		body, header := multi(t, part{"file", "a.png", picture(t, 8, 8)})
		loose := w.send(token, "POST", "/api/v2/media", body, header).want(200, "").id()
		w.as("ann", "DELETE", "/api/v1/media/"+loose, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/media/"+loose, "").want(404, `{}`)

		for _, bad := range []struct{ name, value string }{{"text", "just text"}, {"a page", "<html><script>1</script></html>"}, {"a damaged picture", picture(t, 9, 9)[:60]}, {"nothing", ""}} {
			body, header := multi(t, part{"file", "x.png", bad.value})
			if res := w.send(token, "POST", "/api/v2/media", body, header); res.StatusCode != 422 {
				t.Errorf("%s: %d, want 422", bad.name, res.StatusCode)
			}
		}
		w.as("ann", "POST", "/api/v2/media", "").want(422, `{}`)
	})
}

func TestCredentials(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.takesFiles()
		w.as("ann", "GET", "/api/v1/accounts/verify_credentials", "").want(200, `{"username": "ann", "source": {"privacy": "public", "note": "", "fields": []}, "role": {"name": ""}}`)
		w.send(w.token("ann", "profile"), "GET", "/api/v1/accounts/verify_credentials", "", nil).want(200, `{"username": "ann"}`)
		w.send(w.token("ann", "write"), "GET", "/api/v1/accounts/verify_credentials", "", nil).want(403, `{}`)
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", `{"display_name": "Ann & co", "note": "I like #cats", "locked": true, "bot": true, "discoverable": false,
			"fields_attributes": [{"name": "Site", "value": "https://ann.example"}, {"name": "", "value": ""}], "source": {"privacy": "unlisted", "sensitive": true, "language": "de"}}`).want(200,
			`{"display_name": "Ann & co", "locked": true, "bot": true, "discoverable": false, "source": {"note": "I like #cats", "privacy": "unlisted", "sensitive": true, "language": "de",
			  "fields": [{"name": "Site", "value": "https://ann.example"}]},
			  "fields": [{"name": "Site", "value": "<a href=\"https://ann.example\" rel=\"nofollow noopener noreferrer\" target=\"_blank\">ann.example</a>"}]}`)
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "fields_attributes[0][name]=A&fields_attributes[0][value]=1&fields_attributes[1][name]=B&fields_attributes[1][value]=2").want(200,
			`{"display_name": "Ann & co", "locked": true, "source": {"fields": [{"name": "A"}, {"name": "B"}]}}`)
		w.as("ann", "GET", "/api/v1/preferences", "").want(200, `{"posting:default:visibility": "unlisted", "posting:default:sensitive": true, "posting:default:language": "de"}`)
		w.as("ann", "POST", "/api/v1/statuses", "status=a").want(200, `{"visibility": "unlisted"}`)
		for _, bad := range []string{"note=" + strings.Repeat("x", 501), "source[privacy]=everyone", "source[language]=Klingon!"} {
			w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", bad).want(422, `{}`)
		}
		body, header := multi(t, part{"avatar", "me.png", picture(t, 50, 50)}, part{"header", "top.png", picture(t, 90, 30)}, part{"avatar_description", "", "Me"})
		res := w.send(w.token("ann", fullScopes), "PATCH", "/api/v1/accounts/update_credentials", body, header).want(200, `{"avatar_description": "Me"}`)
		var pictures struct{ Avatar, Header string }
		if err := json.Unmarshal(res.body, &pictures); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{pictures.Avatar, pictures.Header} {
			f, _, err := w.api.Uploads.Storage.Open(t.Context(), strings.TrimPrefix(url, "https://a.test/media/"))
			if err != nil {
				t.Errorf("%s: %v", url, err)
				continue
			}
			f.Close()
		}
		w.as("bob", "GET", "/api/v1/accounts/"+w.id("ann"), "").want(200, `{"avatar": "`+pictures.Avatar+`", "display_name": "Ann & co"}`)
		w.as("ann", "DELETE", "/api/v1/profile/avatar", "").want(200, `{"avatar": "https://a.test/static/avatar.svg"}`)
	})
}

func TestSignUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		app := w.token("", "read write")
		w.send(app, "POST", "/api/v1/accounts", "username=new&email=new@mail.test&password=correct+horse&agreement=true&locale=en", nil).want(200, `{"token_type": "Bearer", "scope": "read write"}`)
		w.as("", "GET", "/api/v1/accounts/lookup?acct=new", "").want(200, `{"username": "new"}`)
		for _, tt := range []struct{ name, body, want string }{
			{"taken", "username=New&email=b@mail.test&password=correct+horse&agreement=true", `{"details": {"username": [{"error": "ERR_TAKEN"}]}}`},
			{"mail taken", "username=other&email=NEW@mail.test&password=correct+horse&agreement=true", `{"details": {"email": [{"error": "ERR_TAKEN"}]}}`},
			{"no agreement", "username=other&email=c@mail.test&password=correct+horse", `{"details": {"agreement": [{"error": "ERR_ACCEPTED"}]}}`},
			{"short password", "username=other&email=c@mail.test&password=x&agreement=true", `{"details": {"password": [{"error": "ERR_TOO_SHORT"}]}}`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.send(app, "POST", "/api/v1/accounts", tt.body, nil).want(422, tt.want)
			})
			w.t = t
		}
		w.as("", "POST", "/api/v1/accounts", "username=x").want(401, `{}`)
	})
}

func TestInstance(t *testing.T) {
	w := onSQLite(t)
	w.person("ann")
	for path, want := range map[string]string{
		"/api/v1/instance":                       `{"uri": "a.test", "stats": {"user_count": 1}, "configuration": {"statuses": {"max_characters": 500}}, "registrations": true}`,
		"/api/v2/instance":                       `{"domain": "a.test", "title": "A test", "version": "4.6.0 (compatible; Kenoma 0.1.0)", "configuration": {"polls": {"max_options": 4}}, "rules": [{"text": "Be kind."}]}`,
		"/api/v1/instance/":                      `{"uri": "a.test"}`,
		"/api/v1/instance/rules":                 `[{"text": "Be kind."}]`,
		"/api/v1/instance/peers":                 `[]`,
		"/api/v1/instance/extended_description":  `{"content": "<p>Where tests live.</p>"}`,
		"/api/v1/instance/translation_languages": `{}`,
		"/api/v1/custom_emojis":                  `[]`,
		"/api/v1/trends/tags":                    `[]`,
	} {
		w.as("", "GET", path, "").want(200, want)
	}
	w.stranger("far", "b.test")
	w.api.dashboard.made = nil // It is remembered for some minutes.
	w.as("", "GET", "/api/v1/instance/peers", "").want(200, `["b.test"]`)
}

func TestSearch(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("ann")
		far := itoa(w.stranger("annabel", "b.test").ID)
		post := w.post("ann", "status=Look+%23Kenoma")
		secret := w.post("ann", "status=psst&visibility=private")
		for _, tt := range []struct {
			name, who, query string
			status           int
			want             string
		}{
			{"by the beginning", "bob", "q=ann", 200, `{"accounts": [{"acct": "ann"}, {"acct": "annabel@b.test"}], "hashtags": []}`},
			{"of one type", "bob", "q=ken&type=hashtags", 200, `{"accounts": [], "hashtags": [{"name": "Kenoma"}]}`},
			{"by a word of the shown name", "bob", "q=STRANG", 200, `{"accounts": [{"acct": "annabel@b.test"}]}`},
			{"with the sign", "", "q=%23kenoma", 200, `{"hashtags": [{"name": "Kenoma"}]}`},
			{"by handle", "", "q=@annabel@b.test", 200, `{"accounts": [{"id": "` + far + `"}]}`},
			{"by our own handle", "", "q=ann@a.test", 200, `{"accounts": [{"acct": "ann"}]}`},
			{"a post by its address", "bob", "q=https://a.test/objects/" + post, 200, `{"statuses": [{"id": "` + post + `"}], "accounts": []}`},
			{"a post by its page", "bob", "q=https://a.test/@ann/" + post, 200, `{"statuses": [{"id": "` + post + `"}]}`},
			{"not for these eyes", "bob", "q=https://a.test/objects/" + secret, 200, `{"statuses": []}`},
			{"one's own", "ann", "q=https://a.test/objects/" + secret, 200, `{"statuses": [{"id": "` + secret + `"}]}`},
			{"an account by its address", "", "q=https://a.test/users/ann", 200, `{"accounts": [{"acct": "ann"}]}`},
			{"an account by its page", "", "q=https://a.test/@ann", 200, `{"accounts": [{"acct": "ann"}]}`},
			{"an address of nobody", "bob", "q=https://a.test/users/nobody&resolve=true", 200, `{"accounts": [], "statuses": []}`},
			{"nothing", "bob", "q=", 400, `{}`},
			{"resolving without a token", "", "q=x@c.test&resolve=true", 401, `{}`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.as(tt.who, "GET", "/api/v2/search?"+tt.query, "").want(tt.status, tt.want)
			})
			w.t = t
		}
		w.as("bob", "GET", "/api/v1/accounts/search?q=annab", "").want(200, `[{"id": "`+far+`"}]`)
		w.as("bob", "GET", "/api/v1/accounts/search?q=ann&following=true", "").want(200, `[]`)
		w.follow("bob", "ann")
		w.as("bob", "GET", "/api/v1/accounts/search?q=ann&following=true", "").want(200, `[{"acct": "ann"}]`)
		// One whom one blocks must be found, to be unblocked.
		w.as("bob", "POST", "/api/v1/accounts/"+far+"/block", "").want(200, "")
		w.as("bob", "GET", "/api/v2/search?q=annabel@b.test", "").want(200, `{"accounts": [{"id": "`+far+`"}]}`)
	})
}
