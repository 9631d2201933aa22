package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
)

// Handler serves the interface: its files, and index.html for every address of the
// page's router (routes.json). Other addresses get index.html with status 404, so
// that the page can say so in its own words. Everything is in memory, compressed
// when the program was built. Without a built interface it answers 503 in plain text.
func Handler() http.Handler { return embedded() }

// embedded is made once: it reads and sums every file.
var embedded = sync.OnceValue(func() http.Handler { return handler(Files()) })

func handler(files fs.FS) http.Handler {
	if !built(files) {
		return http.HandlerFunc(notBuilt)
	}
	h := &site{files: map[string]*file{}, routes: mustRoutes(routesJSON)}
	if err := h.load(files); err != nil {
		panic("web: " + err.Error()) // The files are part of the program.
	}
	return h
}

func notBuilt(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "The web interface is not part of this program. Build it with 'make build'; apps work without it.",
		http.StatusServiceUnavailable)
}

// site is a set of files and the addresses that show index.html.
type site struct {
	files  map[string]*file // by path, without the leading slash
	routes []*regexp.Regexp
}

// file is one file in each encoding that the build wrote.
type file struct {
	kind    string // Content-Type
	etag    string // of the plain bytes, without quotes
	plain   []byte
	encoded map[string][]byte // by the name in Accept-Encoding; nil where it saves nothing
}

// encodings lists what the build may have written, best first.
var encodings = []struct{ name, end string }{{"br", ".br"}, {"gzip", ".gz"}}

func (s *site) load(files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "placeholder" || isEncoded(name) {
			return err
		}
		f := &file{kind: contentType(name), encoded: map[string][]byte{}}
		if f.plain, err = fs.ReadFile(files, name); err != nil {
			return err
		}
		sum := sha256.Sum256(f.plain)
		f.etag = hex.EncodeToString(sum[:8])
		for _, e := range encodings {
			if b, err := fs.ReadFile(files, name+e.end); err == nil {
				f.encoded[e.name] = b
			}
		}
		s.files[name] = f
		return nil
	})
}

func isEncoded(name string) bool {
	return strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz")
}

// contentType knows the build's types itself: Go's table depends on the machine.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This address can only be read.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "favicon.ico" {
		name = "favicon.svg" // What browsers ask for on pages that name no icon; they go by the type.
	}
	if f := s.files[name]; f != nil && name != "index.html" {
		w.Header().Set("Cache-Control", caching(name))
		f.serve(w, r, http.StatusOK)
		return
	}
	if strings.HasPrefix(name, "assets/") {
		// A page from before an upgrade asks for its old scripts: HTML would only confuse it.
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy(r.Host))
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	status := http.StatusNotFound
	if s.isRoute("/" + name) {
		status = http.StatusOK
	}
	s.files["index.html"].serve(w, r, status)
}

func (s *site) isRoute(p string) bool {
	for _, route := range s.routes {
		if route.MatchString(p) {
			return true
		}
	}
	return false
}

// caching: files under assets/ have a hash of their content in their name.
func caching(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "public, no-cache"
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	body, etag := f.plain, f.etag
	for _, e := range encodings {
		if b := f.encoded[e.name]; b != nil && accepts(r.Header.Get("Accept-Encoding"), e.name) {
			h.Set("Content-Encoding", e.name)
			body, etag = b, f.etag+"-"+e.name
			break
		}
	}
	etag = `"` + etag + `"`
	h.Set("ETag", etag)
	if status == http.StatusOK && r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // The reader may have gone; nobody is left to tell.
	}
}

// accepts reports whether an Accept-Encoding header allows an encoding by its name;
// "*" is not taken as a wish.
//
// spec: rfc9110#section-12.5.3
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			q := strings.TrimPrefix(strings.TrimSpace(weight), "q=")
			return strings.Trim(q, "0.") != "" || q == ""
		}
	}
	return false
}

// safeHost is what may stand in a policy: a name or address with an optional port.
var safeHost = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[0-9a-zA-Z.-]+)(:[0-9]{1,5})?$`)

// policy allows our own files and nothing else; pictures may also come from memory
// (previews of uploads). The stream is named by host for browsers whose 'self'
// leaves out WebSockets.
func policy(host string) string {
	connect := "'self'"
	if safeHost.MatchString(host) {
		connect += " ws://" + host + " wss://" + host
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data: blob:",
		"media-src 'self' blob:",
		"font-src 'self'",
		"connect-src " + connect,
		"manifest-src 'self'",
		"worker-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// mustRoutes turns patterns like /@:acct/:id into expressions; a parameter is one
// segment, or the rest of one.
func mustRoutes(list []byte) []*regexp.Regexp {
	var rows []struct{ Page, Path string }
	if err := json.Unmarshal(list, &rows); err != nil {
		panic("web: routes.json: " + err.Error())
	}
	parameter := regexp.MustCompile(`:[a-z]+`)
	routes := make([]*regexp.Regexp, len(rows))
	for i, row := range rows {
		routes[i] = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(row.Path), "[^/]+") + "$")
	}
	return routes
}
