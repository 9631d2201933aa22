package pages

import (
	"context"
	"crypto/tls"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"kenoma/internal/auth"
	"kenoma/internal/media"
	"kenoma/internal/pgtest"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/takeout"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// world is the pages with real parts behind them, over https.
type world struct {
	t        *testing.T
	db       *store.DB
	auth     *auth.Service
	pipeline *pipeline.Pipeline
	takeout  *takeout.Service
	url      string
	pages    *Pages
	tls      *tls.Config
	sent     []string                                          // Texts of mail.
	more     map[string]func(context.Context, store.Job) error // Handlers of other packages.
}

// Send implements auth.Mailer.
func (w *world) Send(_ context.Context, _, _, text string) error {
	w.sent = append(w.sent, text)
	return nil
}

// oneKey makes one key for all accounts: making one takes long.
var oneKey = sync.OnceValues(func() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
})

// newWorld makes an empty server. change may be nil.
func newWorld(t *testing.T, db *store.DB, change func(w *world, o *auth.Options)) *world {
	t.Helper()
	r := chi.NewRouter()
	server := httptest.NewTLSServer(r)
	t.Cleanup(server.Close)
	quiet := slog.New(slog.DiscardHandler)
	w := &world{t: t, db: db, url: server.URL, tls: server.Client().Transport.(*http.Transport).TLSClientConfig}
	w.pipeline = pipeline.New(pipeline.Options{DB: db, URL: w.url, Domain: "a.test", NewKey: oneKey, Log: quiet})
	o := auth.Options{DB: db, Accounts: w.pipeline, URL: w.url, Domain: "a.test", Registrations: "open", Log: quiet}
	if change != nil {
		change(w, &o)
	}
	w.auth = auth.New(o)
	dir := t.TempDir()
	w.takeout = takeout.New(takeout.Options{DB: db, Pipeline: w.pipeline, Storage: media.Disk(dir), Dir: dir, URL: w.url, Domain: "a.test", Every: time.Hour, MaxRows: 1000, Log: quiet})
	t.Cleanup(w.takeout.Close)
	p := New(Options{DB: db, Auth: w.auth, Pipeline: w.pipeline, Takeout: w.takeout, URL: w.url, Title: "Test & Co", Rules: []string{"Be kind."}, Proxy: func(u string) string { return "/proxy/" + url.QueryEscape(u) }, Log: quiet})
	w.auth.Routes(r)
	p.Routes(r)
	w.pages = p
	r.Get("/@{name}", func(rw http.ResponseWriter, r *http.Request) { p.Profile(rw, r, chi.URLParam(r, "name")) })
	r.Get("/@{name}/{id}", func(rw http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
		if err != nil {
			t.Error(err)
		}
		p.Post(rw, r, chi.URLParam(r, "name"), id)
	})
	return w
}

func onSQLite(t *testing.T, change func(w *world, o *auth.Options)) *world {
	t.Helper()
	return newWorld(t, storetest.SQLite(t, store.Options{}), change)
}

const password = "correct horse"

func (w *world) person(name string) *store.Actor {
	w.t.Helper()
	actor, err := w.auth.CreateAccount(w.t.Context(), name, name+"@mail.test", password, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return actor
}

func (w *world) post(by *store.Actor, d pipeline.Draft) int64 {
	w.t.Helper()
	id, err := w.pipeline.Post(w.t.Context(), by, d)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// app registers a client that is called back at redirect.
func (w *world) app(redirect string) (id, secret string) {
	w.t.Helper()
	one := w.browser().send("POST", "/api/v1/apps", url.Values{"client_name": {"Tusk <b>"}, "redirect_uris": {redirect}, "scopes": {"read write:media"}, "website": {"https://tusk.test"}})
	return one.field("client_id"), one.field("client_secret")
}

// browser keeps cookies and stops at redirects.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: w.tls},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// send asks for a path; a form is posted.
func (b *browser) send(method, path string, form url.Values) answer {
	b.w.t.Helper()
	if !strings.HasPrefix(path, "https:") {
		path = b.w.url + path
	}
	req, err := http.NewRequestWithContext(b.w.t.Context(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	a := answer{b.w.t, res.StatusCode, res.Header, string(body)}
	if a.header.Get("Location") == "" && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		a.checkPage(path)
	}
	return a
}

func (b *browser) get(path string) answer { b.w.t.Helper(); return b.send("GET", path, nil) }

// checkPage wants of every page what all have to keep to.
func (a answer) checkPage(path string) {
	a.t.Helper()
	policy := a.header.Get("Content-Security-Policy")
	const script = `<script src="/static/passkey.js" defer></script>`
	if strings.Contains(policy, "script-src") != strings.Contains(a.body, script) {
		a.t.Errorf("%s: policy %q for %s", path, policy, a.body)
	}
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || strings.Contains(strings.Replace(policy, "script-src 'self';", "", 1), "script-src") || !strings.Contains(policy, "frame-ancestors 'none'") {
		a.t.Errorf("%s: policy %q", path, policy)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "same-origin" {
		a.t.Errorf("%s: kept %q, told %q", path, a.header.Get("Cache-Control"), a.header.Get("Referrer-Policy"))
	}
	if a.header.Get("Cross-Origin-Opener-Policy") != "" {
		a.t.Errorf("%s: a popup is cut off from its opener", path)
	}
	if strings.Contains(strings.Replace(a.body, script, "", 1), "<script") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "ZgotmplZ") {
		a.t.Errorf("%s: script, style or a refused address in %s", path, a.body)
	}
	if !strings.Contains(a.body, `lang="en"`) || !strings.Contains(a.body, `name="viewport"`) || !strings.HasSuffix(strings.TrimSpace(a.body), "</html>") {
		a.t.Errorf("%s: no whole page: %s", path, a.body)
	}
	if len(a.body) > 30_000 {
		a.t.Errorf("%s: %d bytes, want at most 30,000", path, len(a.body))
	}
}

// field returns a string of a JSON object.
func (a answer) field(name string) string {
	a.t.Helper()
	m := regexp.MustCompile(`"` + name + `":"([^"]*)"`).FindStringSubmatch(a.body)
	if m == nil {
		a.t.Fatalf("no %s in %d %s", name, a.status, a.body)
	}
	return m[1]
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// form returns the hidden fields of a page, with more filled in.
func (a answer) form(pairs ...string) url.Values {
	v := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(a.body, -1) {
		v.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// want fails unless the answer has this status, and the text in it.
func (a answer) want(status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Fatalf("want %q in %s", text, a.body)
		}
	}
	return a
}

// without fails if a text is there.
func (a answer) without(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("there should be no %q in %s", text, a.body)
		}
	}
	return a
}

// to fails unless the answer leads to a place, whose address it returns.
func (a answer) to(prefix string) *url.URL {
	a.t.Helper()
	location := a.header.Get("Location")
	u, err := url.Parse(location)
	if a.status != http.StatusSeeOther || err != nil || !strings.HasPrefix(location, prefix) {
		a.t.Fatalf("%d to %q, want %s: %s", a.status, location, prefix, a.body)
	}
	return u
}

// signIn signs a browser in.
func (b *browser) signIn(name string) {
	b.w.t.Helper()
	page := b.get("/auth/sign_in").want(200)
	b.send("POST", "/auth/sign_in", page.form("login", name, "password", password)).to("/")
}

// cookie returns a cookie of a browser, nil when there is none.
func (b *browser) cookie(name string) *http.Cookie {
	u, err := url.Parse(b.w.url)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c
		}
	}
	return nil
}
