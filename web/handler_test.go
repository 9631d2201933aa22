package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// build is a small build: a page, a hashed script with both encodings, a picture
// that did not get smaller.
var build = fstest.MapFS{
	"placeholder":              {Data: []byte("placeholder")},
	"index.html":               {Data: []byte("<!doctype html><title>Kenoma</title>")},
	"index.html.br":            {Data: []byte("page-br")},
	"favicon.svg":              {Data: []byte("<svg/>")},
	"manifest.webmanifest":     {Data: []byte("{}")},
	"assets/index-abc.js":      {Data: []byte("console.log(1)")},
	"assets/index-abc.js.br":   {Data: []byte("script-br")},
	"assets/index-abc.js.gz":   {Data: []byte("script-gz")},
	"assets/index-abc.css":     {Data: []byte("a{}")},
	"assets/picture-abc.woff2": {Data: []byte("wOF2")},
}

func get(t *testing.T, h http.Handler, target string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	h := handler(build)
	const page, script = "<!doctype html><title>Kenoma</title>", "console.log(1)"
	for _, tt := range []struct {
		name, target, accept string
		status               int
		kind, encoding, body string
		cache                string
	}{
		{"the page", "/", "", 200, "text/html; charset=utf-8", "", page, "no-cache"},
		{"the page, small", "/", "gzip, br", 200, "text/html; charset=utf-8", "br", "page-br", "no-cache"},
		{"index.html by name is no address of ours", "/index.html", "", 404, "text/html; charset=utf-8", "", page, "no-cache"},
		{"a route", "/notifications", "", 200, "text/html; charset=utf-8", "", page, "no-cache"},
		{"a route with a slash", "/local/", "", 200, "text/html; charset=utf-8", "", page, "no-cache"},
		{"a profile", "/@ann@b.test", "", 200, "text/html; charset=utf-8", "", page, "no-cache"},
		{"a post", "/@ann/1234", "", 200, "text/html; charset=utf-8", "", page, "no-cache"},
		{"an unknown address", "/what/is/this", "", 404, "text/html; charset=utf-8", "", page, "no-cache"},
		{"a script", "/assets/index-abc.js", "", 200, "text/javascript; charset=utf-8", "", script, "public, max-age=31536000, immutable"},
		{"a script in brotli", "/assets/index-abc.js", "gzip, deflate, br", 200, "text/javascript; charset=utf-8", "br", "script-br", "public, max-age=31536000, immutable"},
		{"a script in gzip", "/assets/index-abc.js", "gzip", 200, "text/javascript; charset=utf-8", "gzip", "script-gz", "public, max-age=31536000, immutable"},
		{"brotli refused", "/assets/index-abc.js", "br;q=0, gzip;q=0.5", 200, "text/javascript; charset=utf-8", "gzip", "script-gz", "public, max-age=31536000, immutable"},
		{"a style that did not get smaller", "/assets/index-abc.css", "br", 200, "text/css; charset=utf-8", "", "a{}", "public, max-age=31536000, immutable"},
		{"a script of an old version", "/assets/index-old.js", "", 404, "text/plain; charset=utf-8", "", "There is no such file.\n", ""},
		{"the icon", "/favicon.svg", "", 200, "image/svg+xml", "", "<svg/>", "public, no-cache"},
		{"the icon, by its old name", "/favicon.ico", "", 200, "image/svg+xml", "", "<svg/>", "public, no-cache"},
		{"the manifest", "/manifest.webmanifest", "", 200, "application/manifest+json", "", "{}", "public, no-cache"},
		{"the placeholder is hidden", "/placeholder", "", 404, "text/html; charset=utf-8", "", page, "no-cache"},
		{"encoded files have no address", "/assets/index-abc.js.br", "", 404, "text/plain; charset=utf-8", "", "There is no such file.\n", ""},
		{"no way out", "/../../etc/passwd", "", 404, "text/html; charset=utf-8", "", page, "no-cache"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := get(t, h, tt.target, map[string]string{"Accept-Encoding": tt.accept})
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d", w.Code, tt.status)
			}
			for header, want := range map[string]string{
				"Content-Type": tt.kind, "Content-Encoding": tt.encoding,
				"Cache-Control": tt.cache, "X-Content-Type-Options": "nosniff",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s = %q, want %q", header, got, want)
				}
			}
			if got := w.Body.String(); got != tt.body {
				t.Errorf("body = %q, want %q", got, tt.body)
			}
		})
	}
}

func TestHandlerPolicy(t *testing.T) {
	h := handler(build)
	for _, tt := range []struct{ name, host, want string }{
		{"a name", "kenoma.test", "connect-src 'self' ws://kenoma.test wss://kenoma.test;"},
		{"a port", "localhost:4000", "connect-src 'self' ws://localhost:4000 wss://localhost:4000;"},
		{"IPv6", "[::1]:4000", "connect-src 'self' ws://[::1]:4000 wss://[::1]:4000;"},
		{"an attack", "a; script-src *", "connect-src 'self';"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host = tt.host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := w.Header().Get("Content-Security-Policy")
			for _, want := range []string{tt.want, "default-src 'none';", "script-src 'self';", "frame-ancestors 'none'"} {
				if !strings.Contains(got, want) {
					t.Errorf("policy = %q, want %q in it", got, want)
				}
			}
			if strings.Contains(got, "unsafe") || strings.Contains(got, "*") {
				t.Errorf("policy = %q, allows too much", got)
			}
		})
	}
}

func TestHandlerETag(t *testing.T) {
	h := handler(build)
	first := get(t, h, "/", nil)
	etag := first.Header().Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	if w := get(t, h, "/", map[string]string{"If-None-Match": etag}); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("same version again: status %d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
	if w := get(t, h, "/", map[string]string{"If-None-Match": etag, "Accept-Encoding": "br"}); w.Code != http.StatusOK {
		t.Errorf("another encoding: status %d, want 200", w.Code)
	}
}

func TestHandlerMethods(t *testing.T) {
	h := handler(build)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "36" {
		t.Errorf("HEAD: status %d, %d bytes, length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestHandlerNotBuilt(t *testing.T) {
	files := fstest.MapFS{"placeholder": build["placeholder"]}
	if built(files) {
		t.Error("built with a placeholder alone")
	}
	w := get(t, handler(files), "/", nil)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("status %d, body %q", w.Code, w.Body.String())
	}
}
