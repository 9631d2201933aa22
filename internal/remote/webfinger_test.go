package remote

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"kenoma/internal/fault"
	"kenoma/internal/vocab"
)

// interop is where documents of other software lie, beside the checkout.
var interop = cmp.Or(os.Getenv("INTEROP_DIR"), "../../../shared/interop")

// interopRow is a line of an index.tsv.
type interopRow struct{ path, kind, expect string }

// interopRows returns the rows of some kinds. Without the documents the test is
// skipped, in CI it fails.
func interopRows(t *testing.T, kinds ...string) []interopRow {
	t.Helper()
	indexes, _ := filepath.Glob(filepath.Join(interop, "*", "index.tsv"))
	if len(indexes) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("there are no interop documents in %s", interop)
		}
		t.Skipf("skipped: there are no interop documents in %s", interop)
	}
	var rows []interopRow
	for _, index := range indexes {
		f, err := os.Open(index)
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(f)
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
		lines, err := r.ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines[1:] {
			if len(l) >= 6 && slices.Contains(kinds, l[1]) {
				rows = append(rows, interopRow{filepath.Join(filepath.Dir(index), l[0]), l[1], l[5]})
			}
		}
	}
	return rows
}

// The parts of expect that this package answers for.
var (
	expectSubject   = regexp.MustCompile(`subject ([^;\s]+)`)
	expectActor     = regexp.MustCompile(`(?:; actor|ActivityPub actor) (http[^;\s]+)`)
	expectAliases   = regexp.MustCompile(`(?:(\d+) aliases|aliases (\d+))`)
	expectSubscribe = regexp.MustCompile(`(?:remote-follow|subscribe) template ([^;\s]+)`)
	expectTemplate  = regexp.MustCompile(`webfinger template (\S+)`)
)

func TestInteropWebFinger(t *testing.T) {
	found := func(re *regexp.Regexp, s string) string {
		m := re.FindStringSubmatch(s)
		return strings.Join(m[min(1, len(m)):], "")
	}
	for _, row := range interopRows(t, "webfinger") {
		if strings.Contains(row.path, "hostile") {
			continue // TestHostileFingers.
		}
		body, err := os.ReadFile(row.path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseFinger(body, "")
		if err != nil {
			t.Errorf("%s: %v", row.path, err)
			continue
		}
		aliases, _ := strconv.Atoi(found(expectAliases, row.expect))
		want := fmt.Sprintf("subject %q actor %q aliases %d template %q", found(expectSubject, row.expect),
			found(expectActor, row.expect), aliases, found(expectSubscribe, row.expect))
		got := fmt.Sprintf("subject %q actor %q aliases %d template %q", f.Subject, f.Actor, len(f.Aliases), f.SubscribeTemplate)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s\n(%s)", row.path, got, want, row.expect)
		}
	}
}

func TestInteropHostMeta(t *testing.T) {
	for _, row := range interopRows(t, "host-meta") {
		body, err := os.ReadFile(row.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseHostMeta(body)
		if strings.HasPrefix(row.expect, "refused") {
			if err == nil {
				t.Errorf("%s: got %q, want it refused", row.path, got)
			}
			continue
		}
		if m := expectTemplate.FindStringSubmatch(row.expect); err != nil || m == nil || got != m[1] {
			t.Errorf("%s: got %q, %v, want %q", row.path, got, err, m)
		}
	}
}

// Documents that try to do harm are refused quickly, whatever asked for them.
func TestHostileXML(t *testing.T) {
	for _, row := range interopRows(t, "xml") {
		body, err := os.ReadFile(row.path)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := ParseFinger(body, "application/xrd+xml"); err == nil {
			t.Errorf("%s: got %+v, want it refused", row.path, f)
		}
	}
}

func TestParseFinger(t *testing.T) {
	const actor = "https://a.test/users/ann"
	for _, tt := range []struct {
		name, contentType, body string
		actors                  string // Joined with spaces; "-" means refused.
	}{
		{"plain", "", `{"links":[{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, actor},
		{"byte order mark", "", "\ufeff" + `{"links":[{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, actor},
		{"both media types", "", `{"links":[
			{"rel":"self","type":"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"","href":"` + actor + `"},
			{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, actor},
		{"a person and a group", "", `{"links":[
			{"rel":"self","type":"application/activity+json","href":"https://a.test/u/x"},
			{"rel":"self","type":"application/activity+json","href":"https://a.test/c/x"}]}`, "https://a.test/u/x https://a.test/c/x"},
		{"other types and relations", "", `{"links":[
			{"rel":"self","type":"text/html","href":"` + actor + `"},
			{"rel":"self","type":"application/ld+json","href":"` + actor + `"},
			{"rel":"self","href":"` + actor + `"},
			{"rel":"Self","type":"application/activity+json","href":"` + actor + `"},
			{"rel":"me","type":"application/activity+json","href":"` + actor + `"}]}`, ""},
		{"odd addresses", "", `{"links":[
			{"rel":"self","type":"application/activity+json","href":"javascript:alert(1)"},
			{"rel":"self","type":"application/activity+json","href":"/users/ann"},
			{"rel":"self","type":"application/activity+json","href":"https://u@a.test/"},
			{"rel":"self","type":"application/activity+json","href":5},
			null, 7, [], "x",
			{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, actor},
		{"wrong types everywhere", "", `{"subject":5,"aliases":"x","links":{"rel":"self"}}`, ""},
		{"names in another case", "", `{"Links":[{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, ""},
		{"links twice", "", `{"links":[],"links":[{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, "-"},
		{"href twice", "", `{"links":[{"rel":"self","type":"application/activity+json","href":"https://b.test/","href":"` + actor + `"}]}`, "-"},
		{"beyond the hundredth", "", `{"links":[` + strings.Repeat(`{},`, 100) + `{"rel":"self","type":"application/activity+json","href":"` + actor + `"}]}`, ""},
		{"an array", "", `[]`, "-"},
		{"nothing", "", ``, "-"},
		{"cut off", "", `{"links":[`, "-"},
		{"a page", "text/html; charset=utf-8", `{}`, "-"},
		{"a page without saying so", "", `<!DOCTYPE html><html></html>`, "-"},
		{"another XML document", "", `<feed></feed>`, "-"},
		{"XRD", "", `<?xml version="1.0"?><XRD xmlns="x"><Subject>a</Subject><Link rel="self" type="application/activity+json" href="` + actor + `"><Title>x</Title></Link></XRD>`, actor},
		{"XRD with entities", "", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><XRD><Subject>&e;</Subject></XRD>`, "-"},
		{"XRD with an unknown entity", "", `<XRD><Subject>&e;</Subject></XRD>`, "-"},
		{"XRD inside another element", "", `<XRD><Other><Link rel="self" type="application/activity+json" href="` + actor + `"/></Other></XRD>`, ""},
		{"XRD with a document type", "", `<!DOCTYPE XRD><XRD></XRD>`, "-"},
		{"too deep", "", `<XRD>` + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + `</XRD>`, "-"},
		{"deep, but not too", "", `<XRD>` + strings.Repeat("<a>", 10) + strings.Repeat("</a>", 10) + `</XRD>`, ""},
		{"closed too often", "", `<XRD></XRD></XRD>`, "-"},
		{"not closed", "", `<XRD>`, "-"},
		{"another alphabet", "", `<?xml version="1.0" encoding="utf-7"?><XRD></XRD>`, "-"},
		{"too long", "", `{"x":"` + strings.Repeat("x", maxFinger) + `"}`, "-"},
	} {
		f, err := ParseFinger([]byte(tt.body), tt.contentType)
		if tt.actors == "-" {
			if !fault.Is(err, fault.Rejected) {
				t.Errorf("%s: %+v, %v, want Rejected", tt.name, f, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := make([]string, len(f.Actors))
		for i, a := range f.Actors {
			got[i] = string(a)
		}
		if strings.Join(got, " ") != tt.actors || len(f.Actors) > 0 && f.Actor != f.Actors[0] {
			t.Errorf("%s: %+v, want %s", tt.name, f, tt.actors)
		}
	}
}

func TestParseHostMeta(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`<XRD><Link rel="lrdd" template="https://a.test/x?r={uri}"/></XRD>`, "https://a.test/x?r={uri}"},
		{`{"links":[{"rel":"lrdd","template":"https://a.test/x?r={uri}"}]}`, "https://a.test/x?r={uri}"},
		{`<XRD><Link rel="lrdd" template="file:///etc/passwd?{uri}"/><Link rel="lrdd" template="https://a.test/{uri}"/></XRD>`, "https://a.test/{uri}"},
		{`<XRD><Link rel="lrdd" template="https://a.test/x"/></XRD>`, ""},
		{`<XRD><Link rel="self" template="https://a.test/x?r={uri}"/></XRD>`, ""},
		{`<XRD><Link rel="lrdd" template="https://{uri}:x/"/></XRD>`, ""},
		{`<XRD></XRD>`, ""},
		{`<html></html>`, ""},
	} {
		if got, err := parseHostMeta([]byte(tt.body)); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", tt.body, got, err, tt.want)
		}
	}
}

// answers serves WebFinger for the resources in m, each with a subject and an
// actor between which is a space.
func answers(m map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		subject, actor, ok := strings.Cut(m[r.URL.Query().Get("resource")], " ")
		if !ok || r.URL.Path != "/.well-known/webfinger" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/jrd+json")
		fmt.Fprintf(w, `{"subject":%q,"links":[{"rel":"self","type":"application/activity+json","href":%q}]}`, subject, actor)
	}
}

func TestFinger(t *testing.T) {
	n := newNetwork(t)
	n.host("a.test", answers(map[string]string{
		"acct:ann@a.test":    "acct:ann@a.test http://a.test/users/ann",
		"acct:a+b%c@a.test":  "acct:a+b%c@a.test http://a.test/users/odd",
		"acct:local@a.test":  "acct:local@a.test http://localhost:4000/users/alice",
		"acct:number@a.test": "acct:number@a.test http://169.254.169.254/users/alice",
		"acct:own@a.test":    "acct:own@a.test http://own.test/users/alice",
	}))
	n.host("moved.test", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://a.test"+r.URL.RequestURI(), http.StatusMovedPermanently)
	})
	n.host("old.test", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/host-meta":
			io.WriteString(w, `<XRD><Link rel="lrdd" template="http://old.test/xrd?uri={uri}"/></XRD>`)
		case "/xrd":
			if got := r.URL.Query().Get("uri"); got != "acct:ann@old.test" {
				t.Errorf("uri = %q", got)
			}
			w.Header().Set("Content-Type", "application/xrd+xml")
			io.WriteString(w, `<XRD><Subject>acct:ann@old.test</Subject><Link rel="self" type="application/activity+json" href="http://old.test/ann"/></XRD>`)
		default:
			http.NotFound(w, r)
		}
	})
	n.host("file.test", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/host-meta" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `<XRD><Link rel="lrdd" template="file:///etc/passwd?{uri}"/></XRD>`)
	})
	n.host("inside.test", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/host-meta" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `<XRD><Link rel="lrdd" template="http://127.0.0.1:6379/{uri}"/></XRD>`)
	})
	var asked atomic.Int32
	n.host("gone.test", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusGone)
	})
	n.host("big.test", func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte(" "), maxFinger+1)) })
	c := n.client(nil)
	for _, tt := range []struct {
		handle string
		actor  vocab.IRI
		kind   fault.Kind // Where actor is "".
	}{
		{"ann@a.test", "http://a.test/users/ann", 0},
		{"@ann@A.Test", "http://a.test/users/ann", 0},
		{"acct:ann@a.test", "http://a.test/users/ann", 0},
		{"a+b%c@a.test", "http://a.test/users/odd", 0},
		{"ann@old.test", "http://old.test/ann", 0},
		{"nobody@a.test", "", fault.NotFound},
		{"local@a.test", "", fault.NotFound},
		{"number@a.test", "", fault.NotFound},
		{"own@a.test", "", fault.NotFound},
		{"ann@moved.test", "", fault.NotFound}, // a.test knows no such resource.
		{"ann@file.test", "", fault.NotFound},
		{"ann@inside.test", "", fault.NotFound},
		{"ann@gone.test", "", fault.Gone},
		{"ann@big.test", "", fault.TooLarge},
		{"ann@silent.test", "", fault.Transient},
		{"ann@own.test", "", fault.Rejected},
		{"ann@127.0.0.1", "", fault.Rejected},
		{"ann@localhost:4000", "", fault.Rejected},
		{"ann", "", fault.Invalid},
		{"@a.test", "", fault.Invalid},
		{"ann@", "", fault.Invalid},
		{"ann@b@a.test", "", fault.Invalid},
		{"an n@a.test", "", fault.Invalid},
		{"ann@a.test/path", "", fault.Invalid},
		{"ann@a.test?x", "", fault.Invalid},
		{"https://a.test/@ann@a.test", "", fault.Invalid},
		{strings.Repeat("a", 600) + "@a.test", "", fault.Invalid},
	} {
		f, err := c.Finger(t.Context(), tt.handle)
		if tt.actor == "" {
			if err == nil || fault.KindOf(err) != tt.kind {
				t.Errorf("Finger(%s) = %+v, %v, want kind %v", tt.handle, f, err, tt.kind)
			}
		} else if err != nil || f.Actor != tt.actor {
			t.Errorf("Finger(%s) = %+v, %v, want %s", tt.handle, f, err, tt.actor)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("a host that says gone was asked %d times, want once", n)
	}
}

func TestVerifyHandle(t *testing.T) {
	n := newNetwork(t)
	n.host("a.test", answers(map[string]string{
		"acct:ann@a.test":  "acct:ann@a.test http://a.test/users/ann",
		"acct:Bob@a.test":  "acct:bob@a.test http://a.test/users/bob",
		"acct:old@a.test":  "acct:old http://a.test/users/old",
		"acct:page@a.test": "http://a.test/page http://a.test/users/page",
		"acct:dup@a.test":  "acct:dup@a.test http://a.test/users/another",
	}))
	// social.test serves the actors, brand.test the handles.
	n.host("social.test", answers(map[string]string{
		"acct:ann@social.test":    "acct:ann@brand.test http://social.test/users/ann",
		"acct:liar@social.test":   "acct:ceo@brand.test http://social.test/users/liar",
		"acct:absent@social.test": "acct:absent@brand.test http://social.test/users/absent",
		"acct:us@social.test":     "acct:admin@own.test http://social.test/users/us",
		"acct:third@social.test":  "acct:third@hop.test http://social.test/users/third",
		"acct:down@social.test":   "acct:down@down.test http://social.test/users/down",
	}))
	n.host("brand.test", answers(map[string]string{
		"acct:ann@brand.test":  "acct:ann@brand.test http://social.test/users/ann",
		"acct:ceo@brand.test":  "acct:ceo@brand.test http://social.test/users/ceo",
		"acct:hint@brand.test": "acct:hint@brand.test http://mute.test/users/hint",
	}))
	n.host("hop.test", answers(map[string]string{"acct:third@hop.test": "acct:third@brand.test http://social.test/users/third"}))
	n.host("mute.test", http.NotFound)
	n.host("own.test", func(http.ResponseWriter, *http.Request) { t.Error("our own host was asked") })
	c := n.client(nil)
	for _, tt := range []struct {
		id         vocab.IRI
		name, hint string
		want       string
		kind       fault.Kind // Where want is "".
	}{
		{"http://a.test/users/ann", "ann", "", "ann@a.test", 0},
		{"http://A.test:80/users/ann", "ann", "", "ann@a.test", 0},
		{"http://a.test/users/bob", "Bob", "", "Bob@a.test", 0},
		{"http://a.test/users/old", "old", "", "old@a.test", 0},
		{"http://a.test/users/page", "page", "", "page@a.test", 0},
		{"http://a.test/users/unknown", "unknown", "", "unknown@a.test", 0},
		{"http://mute.test/users/x", "x", "", "x@mute.test", 0},
		{"http://down.test/users/x", "x", "", "x@down.test", 0},
		{"http://social.test/users/ann", "ann", "", "ann@brand.test", 0},
		{"http://social.test/users/ann", "ann", "ann@brand.test", "ann@brand.test", 0},
		{"http://social.test/users/ann", "ann", "ceo@brand.test", "ann@brand.test", 0},
		{"http://mute.test/users/hint", "hint", "@hint@brand.test", "hint@brand.test", 0},
		{"http://mute.test/users/thief", "thief", "hint@brand.test", "thief@mute.test", 0},
		{"http://mute.test/users/thief", "thief", "admin@own.test", "thief@mute.test", 0},
		{"http://a.test/users/dup", "dup", "", "", fault.Rejected},
		{"http://social.test/users/liar", "liar", "", "", fault.Rejected},
		{"http://social.test/users/absent", "absent", "", "", fault.Rejected},
		{"http://social.test/users/us", "us", "", "", fault.Rejected},
		{"http://social.test/users/third", "third", "", "", fault.Rejected},
		{"http://social.test/users/down", "down", "", "", fault.Rejected},
		{"http://own.test/users/ann", "ann", "", "", fault.Rejected},
		{"http://a.test/users/x", "", "", "", fault.Invalid},
		{"http://a.test/users/x", "x@brand.test", "", "", fault.Invalid},
		{"http://a.test/users/x", "x y", "", "", fault.Invalid},
	} {
		got, err := c.VerifyHandle(t.Context(), &vocab.Actor{ID: tt.id, PreferredUsername: tt.name, Webfinger: tt.hint})
		switch {
		case tt.want == "" && (err == nil || fault.KindOf(err) != tt.kind):
			t.Errorf("VerifyHandle(%s %s %s) = %q, %v, want kind %v", tt.id, tt.name, tt.hint, got, err, tt.kind)
		case tt.want != "" && (err != nil || got != tt.want):
			t.Errorf("VerifyHandle(%s %s %s) = %q, %v, want %q", tt.id, tt.name, tt.hint, got, err, tt.want)
		}
	}
}

// The hostile answers, each served where its index row says it comes from: none
// makes anybody the owner of a handle of another host.
func TestHostileFingers(t *testing.T) {
	for _, row := range interopRows(t, "webfinger", "object") {
		if !strings.Contains(row.path, filepath.Join("hostile", "webfinger")) {
			continue
		}
		body, err := os.ReadFile(row.path)
		if err != nil {
			t.Fatal(err)
		}
		n := newNetwork(t)
		var others []string
		evil := func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/webfinger" {
				// The files speak of https, this network has http.
				w.Write(bytes.ReplaceAll(body, []byte("https://"), []byte("http://")))
				return
			}
			http.NotFound(w, r)
		}
		f, _ := ParseFinger(body, "")
		id, host := vocab.IRI("http://evil.example/users/x"), "evil.example"
		if f != nil && f.Actor != "" && !strings.Contains(string(f.Actor), "localhost") {
			id = vocab.IRI(strings.Replace(string(f.Actor), "https://", "http://", 1))
			host = hostOf(id)
		}
		n.host(host, evil)
		for _, other := range []string{"quitter.no", "recv.example", "notwhereitshouldbe.org"} {
			n.host(other, func(w http.ResponseWriter, r *http.Request) {
				others = append(others, r.Host)
				http.NotFound(w, r)
			})
		}
		n.host("localhost", func(http.ResponseWriter, *http.Request) { t.Errorf("%s: localhost was asked", row.path) })
		c := n.client(nil)
		handle, err := c.VerifyHandle(t.Context(), &vocab.Actor{ID: id, PreferredUsername: "x"})
		if err == nil && handle != "x@"+host {
			t.Errorf("%s: %s is %s", row.path, id, handle)
		}
		if f != nil && f.Actor != "" && host != "evil.example" && err == nil {
			t.Errorf("%s: the subject %s was not refused", row.path, f.Subject)
		}
		_, err = c.Finger(t.Context(), "x@"+host)
		if strings.Contains(row.expect, "not found") && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: Finger: %v, want NotFound", row.path, err)
		}
	}
}

func FuzzParseFinger(f *testing.F) {
	f.Add([]byte(`{"subject":"acct:ann@a.test","aliases":["x",5],"links":[{"rel":"self","type":"application/activity+json","href":"https://a.test/users/ann"},{"rel":"http://ostatus.org/schema/1.0/subscribe","template":"https://a.test/x?{uri}"}]}`))
	f.Add([]byte(`<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Subject>acct:ann@a.test</Subject><Alias>x</Alias><Link rel="self" type="application/activity+json" href="https://a.test/users/ann"/><Link rel="lrdd" template="https://a.test/x?{uri}"/></XRD>`))
	f.Add([]byte(`<XRD><!-- x --><a:b c:d="e"/>&amp;</XRD>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got, err := ParseFinger(body, ""); err == nil {
			for _, a := range got.Actors {
				if !isHTTP(string(a)) {
					t.Errorf("actor %q", a)
				}
			}
			if len(got.Aliases) > maxAliases || len(got.Actors) > maxFingerLinks || got.SubscribeTemplate != "" && !isTemplate(got.SubscribeTemplate) {
				t.Errorf("not bounded: %+v", got)
			}
		} else if !fault.Is(err, fault.Rejected) {
			t.Errorf("error is not Rejected: %v", err)
		}
		if template, err := parseHostMeta(body); err == nil && !isTemplate(template) {
			t.Errorf("template %q", template)
		}
	})
}
