package mastodon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"kenoma/internal/translate"
)

// service is a fake of both translation services, which shouts.
type service struct {
	*httptest.Server
	asked atomic.Int32
	fail  atomic.Int32 // Status to answer with instead.
}

func newService(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := s.fail.Load(); n != 0 {
			w.WriteHeader(int(n))
			return
		}
		var in struct {
			Q, Text        []string
			Source, Target string
			TargetLang     string `json:"target_lang"`
			Format, APIKey string
			TagHandling    string `json:"tag_handling"`
		}
		if r.Method == "POST" {
			s.asked.Add(1)
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
		}
		shout := func(s string) string { return strings.ReplaceAll(s, "hello", "HELLO") + "<script>x</script>" }
		switch r.URL.Path + "?" + r.URL.RawQuery {
		case "/languages?":
			w.Write([]byte(`[{"code": "en", "targets": ["en", "de", "fr"]}, {"code": "de", "targets": ["de", "en"]}]`))
		case "/translate?":
			out := map[string]any{"detectedLanguage": []map[string]any{{"language": "en"}}}
			var texts []string
			for _, q := range in.Q {
				texts = append(texts, shout(q))
			}
			out["translatedText"] = texts
			json.NewEncoder(w).Encode(out)
		case "/v2/languages?type=source", "/v2/languages?type=target":
			w.Write([]byte(`[{"language": "EN"}, {"language": "DE"}, {"language": "PT-BR"}]`))
		case "/v2/translate?":
			if r.Header.Get("Authorization") != "DeepL-Auth-Key key" || in.TagHandling != "html" || in.TargetLang != "DE" {
				t.Errorf("DeepL is asked with %q, %+v", r.Header.Get("Authorization"), in)
			}
			var list []map[string]string
			for _, q := range in.Text {
				list = append(list, map[string]string{"text": shout(q), "detected_source_language": "EN"})
			}
			json.NewEncoder(w).Encode(map[string]any{"translations": list})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTranslate(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.post("ann", "status=hello *you*&content_type=text/markdown&language=en&spoiler_text=hello %26 so&poll[options][]=hello&poll[options][]=bye&poll[expires_in]=600")
		path := "/api/v1/statuses/" + id + "/translate"
		w.as("bob", "POST", path, "lang=de").want(404, "")
		w.as("", "GET", "/api/v1/instance/translation_languages", "").want(200, `{}`)
		s := newService(t)
		w.api.Translate = translate.New(translate.Options{LibreTranslateURL: s.URL + "/"})
		s.fail.Store(500)
		w.as("", "GET", "/api/v1/instance/translation_languages", "").want(503, "")
		s.fail.Store(0)
		w.as("", "GET", "/api/v1/instance/translation_languages", "").want(200, `{"en": ["de", "fr"], "de": ["en"], "und": ["de", "en", "fr"]}`)
		w.as("", "GET", "/api/v2/instance", "").want(200, `{"configuration": {"translation": {"enabled": true}}}`)
		german := `{"content": "<p>HELLO <em>you</em></p>", "spoiler_text": "HELLO & so", "language": "de", "detected_source_language": "en", "provider": "LibreTranslate",
			"poll": {"id": "` + id + `", "options": [{"title": "HELLO"}, {"title": "bye"}]}, "media_attachments": []}`
		w.as("bob", "POST", path, "lang=de-AT").want(200, german)
		w.as("ann", "POST", path, "lang=de").want(200, german)
		if n := s.asked.Load(); n != 1 {
			t.Errorf("the service was asked %d times, want once", n)
		}
		w.as("bob", "POST", path, "lang=xx").want(404, "")
		w.as("bob", "POST", "/api/v1/statuses/5/translate", "lang=de").want(404, "")
		private := w.post("ann", "status=hello&visibility=private&language=en")
		w.as("ann", "POST", "/api/v1/statuses/"+private+"/translate", "lang=de").want(403, "")

		// An edit is translated anew; a service that is away is said to be.
		w.as("ann", "PUT", "/api/v1/statuses/"+id, "status=hello again&language=en").want(200, "")
		s.fail.Store(500)
		w.as("bob", "POST", path, "lang=de").want(503, "")
		s.fail.Store(0)
		w.as("bob", "POST", path, "lang=de").want(200, `{"content": "<p>HELLO again</p>"}`)
	})
}

func TestTranslateByDeepL(t *testing.T) {
	w, s := onSQLite(t), newService(t)
	w.api.Translate = translate.New(translate.Options{DeepLURL: s.URL, DeepLKey: "key"})
	w.as("", "GET", "/api/v1/instance/translation_languages", "").want(200, `{"en": ["de", "pt", "pt-BR"]}`)
	id := w.post("ann", "status=hello&language=en")
	w.as("bob", "POST", "/api/v1/statuses/"+id+"/translate", "lang=de").want(200, `{"content": "<p>HELLO</p>", "language": "de", "detected_source_language": "en", "provider": "DeepL.com"}`)
	s.fail.Store(456)
	other := w.post("ann", "status=hello there&language=en")
	w.as("bob", "POST", "/api/v1/statuses/"+other+"/translate", "lang=de").want(503, "")
}
