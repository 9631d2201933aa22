package fedtest

import (
	"encoding/csv"
	"html"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"kenoma/internal/interoptest"
	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// row is a line of an index.tsv.
type row struct{ file, kind, activity, object, host, expect string }

func rows(t *testing.T, dir string) []row {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []row
	for _, l := range lines[1:] {
		list = append(list, row{l[0], l[1], l[2], l[3], l[4], l[5]})
	}
	return list
}

// interopFolders are the platforms of the collection; what is hostile has a test of
// its own.
func interopFolders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "hostile" {
			list = append(list, e.Name())
		}
	}
	return list
}

// laterKinds and laterTypes are what is not taken up yet, by kind of document and
// by type of activity or object, with the reason.
var laterKinds = map[string]string{
	"atom":   "OStatus feeds are not read yet",
	"salmon": "OStatus envelopes are not read yet",
}

var laterTypes = map[string]string{}

// laterFiles are single files of types that are taken up, by the reason.
var laterFiles = map[string][]string{
	"its ids are no addresses, as it was converted from another format": {"generic-activitystreams/actor-person--granary-actor-with-featured.json",
		"generic-activitystreams/undo-follow.json", "generic-activitystreams/flag--vs.json"},
}

// otherwise are claims, by file and claim, that are not kept, with the reason.
var otherwise = map[string]string{
	"mastodon/object-note-hashtag-mention.json published 1970-01-01T11:22:34Z":           capped,
	"lemmy/object-page-hashtag.json published 1970-01-01T00:00:01.123456Z":               capped,
	"peertube/object-video-2.json published 1970-01-01T11:58:00.000Z":                    capped,
	"pleroma/object-note.json shown":                                                     elsewhere,
	"pixelfed/object-note-attachment-hashtag.json shown":                                 elsewhere,
	"nodebb/collection-orderedcollection.json 20 inline items (URL)":                     "five of the entries are no addresses",
	"generic-activitystreams/invite-person.json 2xx":                                     "an actor without an id is refused as malformed",
	"bridgy-fed/actor-person--vs.json alsoKnownAs at://did:plc:3ljmtyyjqcjee2kpewgsifvb": "what is no address of an actor is left out",
}

const (
	capped    = "times before 2007 are capped: no network to be read from existed"
	elsewhere = "it is served by another host than its author's, and who speaks for somebody must be on that one's host"
)

// later tells why a row is left for later; "" when it must hold.
func (r row) later(folder string) string {
	if why := laterKinds[r.kind]; why != "" {
		return why
	}
	if why := laterTypes[r.activity]; why != "" {
		return why
	}
	if why := laterTypes[r.object]; why != "" {
		return why
	}
	for why, files := range laterFiles {
		if slices.Contains(files, folder+"/"+r.file) {
			return why
		}
	}
	return ""
}

// TestInterop sends every document of every platform to a running server and compares
// what its people then see with what the index expects.
func TestInterop(t *testing.T) {
	dir := interoptest.Dir(t)
	known := actorsIn(t, dir)
	files, later, claims := 0, 0, 0
	for _, folder := range interopFolders(t, dir) {
		for _, r := range rows(t, filepath.Join(dir, folder)) {
			name := folder + "/" + r.file
			if why := r.later(folder); why != "" {
				later++
				tallied.add(folder, r.kind, false)
				tallied.later[why] = append(tallied.later[why], name)
				t.Logf("later: %s: %s", name, why)
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			files++
			ok := t.Run(name, func(t *testing.T) {
				p := newPlay(t, r, string(text), known)
				p.perform()
				if p.claims == 0 {
					t.Errorf("nothing was checked of %q", r.expect)
				}
				claims += p.claims
			})
			tallied.add(folder, r.kind, ok)
		}
	}
	t.Logf("%d documents, %d claims checked; %d documents are for later", files, claims, later)
}

// plain rewrites addresses to http, which these servers allow: the fake hosts have
// no certificates. What only names a vocabulary keeps its form. Names that lead to
// this machine become others, as those would be refused.
func plain(text string) string {
	text = strings.NewReplacer("https://", "http://", `https:\/\/`, `http:\/\/`, "<tunnel>", "tunnel.test").Replace(text)
	text = strings.NewReplacer("http://www.w3.org/ns", "https://www.w3.org/ns", `http:\/\/www.w3.org\/ns`, `https:\/\/www.w3.org\/ns`).Replace(text)
	text = localhost.ReplaceAllString(text, "port$1.test")
	return authority.ReplaceAllStringFunc(text, func(s string) string {
		m := authority.FindStringSubmatch(s)
		return m[1] + strings.ToLower(m[2])
	})
}

// fakeHost is the name under which a host of the index is reached; some documents
// name none that could be.
func fakeHost(name string) string {
	if !hostName.MatchString(name) {
		return "somewhere.test"
	}
	return strings.TrimPrefix(plain("http://"+name), "http://")
}

var hostName = regexp.MustCompile(`^[\w.-]+(:\d+)?$`)

var (
	localhost = regexp.MustCompile(`(?:localhost|127\.0\.0\.1):?(\d*)`)
	authority = regexp.MustCompile(`(http:(?:\\?/){2})([A-Za-z0-9.-]+)(?::\d+)?`)
)

// actorsIn collects the actors of the folders by their id.
func actorsIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	known := map[string]string{}
	for _, folder := range interopFolders(t, dir) {
		for _, r := range rows(t, filepath.Join(dir, folder)) {
			if r.kind != "actor" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, folder, r.file))
			if err != nil {
				t.Fatal(err)
			}
			doc := plain(string(text))
			if id, ok := decode(t, doc)["id"].(string); ok {
				known[id] = doc
			}
		}
	}
	return known
}

// play is one document on the stage: a server with a person, and everybody else.
type play struct {
	*testing.T
	row
	doc   string // As it is sent.
	known map[string]string
	w     *World
	net   *internet
	me    *User // Whom the document is about, or just a reader.

	status  *Status  // What claims about a post are held against.
	account *profile // What claims about an actor are held against.
	claims  int
}

// noPolicies is a server that takes old posts and first messages as they come: these
// tests are about what is understood.
const noPolicies = "KENOMA_POLICY_POLICIES=NoOp"

// newPlay starts the server under the name of the host that the document takes its
// receiver to be on, with the person or post that it means.
func newPlay(t *testing.T, r row, text string, known map[string]string) *play {
	p := &play{T: t, row: r, known: known}
	p.expect, p.host = plain(r.expect), fakeHost(r.host)
	p.doc = plain(text)
	receiver := p.receiver()
	host := vocab.IRI(receiver).Host()
	if host == p.host || host == "" {
		host = "here.test" // Both sides are on one host there.
	}
	name := usernameIn(receiver)
	if p.aboutPost() {
		name = "alice"
	}
	p.w = New(t)
	p.w.Start(host, noPolicies)
	p.me = p.w.User(name + "@" + host)
	p.net = newInternet(t, p.w)
	if p.aboutPost() {
		p.swap(receiver, p.myPost().URI)
	} else {
		p.swap(receiver, string(p.me.Actor.URI))
	}
	return p
}

// swap puts the address of one of ours in the place of the one in the document.
func (p *play) swap(theirs, ours string) {
	if theirs != "" && (p.kind == "activity" || p.kind == "object") {
		end := regexp.MustCompile(regexp.QuoteMeta(theirs) + `(["#\s;,]|$)`)
		p.doc = end.ReplaceAllString(p.doc, ours+"$1")
		p.expect = end.ReplaceAllString(p.expect, ours+"$1")
	}
}

// aboutPost tells whether the receiver is a post of ours, not one of our people.
func (p *play) aboutPost() bool {
	return p.activity == "Like" || p.isReaction() || p.activity == "Undo" && p.object == "Like" || p.isVote()
}

func (p *play) isVote() bool {
	return strings.HasPrefix(p.expect, "poll vote ") || strings.HasPrefix(p.expect, "Create with a list")
}

// localUser finds the people whom the documents take to be the receiving server's.
var localUser = regexp.MustCompile(`http://(?:localtesting\.pleroma\.lol|recv\.example)/users/\w+`)

// receiver is the address in the document that must be one of ours.
func (p *play) receiver() string {
	if p.kind == "activity" || p.kind == "object" {
		doc := decode(p.T, p.doc)
		object, _ := doc["object"].(map[string]any)
		if list, ok := doc["object"].([]any); ok && len(list) > 0 {
			object, _ = list[0].(map[string]any)
		}
		switch {
		case p.isVote() && p.kind == "object":
			return one(doc["inReplyTo"])
		case p.isVote():
			return one(object["inReplyTo"])
		case p.activity == "Flag" || p.isApproval() || p.object == "QuoteAuthorization" || p.activity == "QuoteRequest" || p.isJudgedQuote():
			return "http://here.test/users/reader" // They have a way of their own to put ours in.
		case p.activity == "Follow" || p.activity == "Block" || p.activity == "Like" || p.activity == "EmojiReact":
			return one(doc["object"])
		case p.activity == "Accept" || p.activity == "Reject":
			return one(object["actor"])
		case p.activity == "Undo" && object != nil && p.object != "Announce":
			return one(object["object"])
		case strings.Contains(p.expect, "direct to ") && object != nil:
			return one(object["to"])
		case strings.Contains(p.expect, "direct to "):
			return one(doc["to"])
		}
	}
	if m := localUser.FindString(p.doc); m != "" {
		return m
	}
	return "http://here.test/users/reader"
}

// one is the first address of a property; of several people and groups the first
// person's.
func one(v any) string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	first := ""
	for _, e := range list {
		s, _ := e.(string)
		if m, ok := e.(map[string]any); ok {
			if s, _ = m["id"].(string); m["type"] == "Person" {
				return s
			}
		}
		if first == "" {
			first = s
		}
	}
	return first
}

// usernameIn makes a name for one of ours of an address.
func usernameIn(address string) string {
	name := notInNames.ReplaceAllString(path.Base(strings.TrimSuffix(address, ".json")), "")
	if i := strings.IndexByte(strings.TrimPrefix(name, "@"), '@'); i > 0 {
		name = strings.TrimPrefix(name, "@")[:i]
	}
	if name = strings.Trim(name, "@.-"); name == "" || vocab.IRI(address).Host() == name {
		return "somebody"
	}
	return name
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_@.-]`)

// myPost is a post of the person's own; a poll for votes.
func (p *play) myPost() Status {
	if !p.isVote() {
		return p.me.Post("What do you think?", "public")
	}
	more := []string{"poll[expires_in]", "3600", "poll[multiple]", "true"}
	for _, o := range []string{"banana", "Option 1", "tissues", "financial times"} {
		more = append(more, "poll[options][]", o)
	}
	return p.me.Post("Which?", "public", more...)
}

// actor serves an actor, as its document in the folders has it or one made up.
func (p *play) actor(id, name string) {
	if id == "" || vocab.IRI(id).Host() == p.me.Server.Host || p.net.pages[id].body != "" {
		return
	}
	var doc map[string]any
	if text := p.known[id]; text != "" {
		doc = decode(p.T, text)
	}
	p.net.actor(id, doc, name)
}

// stage serves whom a document names: authors, mentioned people, and the post that
// it answers. The mentioned are looked up first: who is not known is not linked.
func (p *play) stage(doc map[string]any) {
	name := ""
	if object, ok := doc["object"].(map[string]any); ok && one(object["id"]) == one(doc["actor"]) {
		name, _ = object["preferredUsername"].(string) // An Update of the profile: the name does not change.
	}
	p.actor(one(doc["actor"]), name)
	p.actor(one(doc["attributedTo"]), "")
	tags, _ := doc["tag"].([]any)
	if one, ok := doc["tag"].(map[string]any); ok {
		tags = []any{one}
	}
	for _, t := range tags {
		tag, _ := t.(map[string]any)
		href, _ := tag["href"].(string)
		if tag["type"] != "Mention" || href == "" {
			continue
		}
		full, _ := tag["name"].(string)
		name, _, _ := strings.Cut(strings.TrimPrefix(full, "@"), "@")
		p.actor(href, name)
		if vocab.IRI(href).Host() != p.me.Server.Host {
			p.me.lookUp(href)
		}
	}
	if parent := one(doc["inReplyTo"]); parent != "" && vocab.IRI(parent).Host() != p.me.Server.Host {
		p.post(parent)
	}
	if inner, ok := doc["object"].(map[string]any); ok {
		p.stage(inner)
	}
}

// post serves a public post at an address, by somebody on its host.
func (p *play) post(address string) {
	author := "http://" + vocab.IRI(address).Host() + "/users/author"
	if i := strings.Index(address, "/statuses/"); i > 0 && !strings.Contains(address, "/@") {
		author = address[:i]
	}
	p.actor(author, "")
	p.net.serve(address, "application/activity+json", encode(p.T, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": address, "type": "Note",
		"attributedTo": author, "to": "https://www.w3.org/ns/activitystreams#Public", "content": "<p>Something</p>", "published": "2018-01-01T00:00:00Z"}))
}

// perform sends the document on and checks what came of it.
func (p *play) perform() {
	switch p.kind {
	case "actor":
		p.playActor()
	case "collection":
		p.playCollection()
	case "webfinger":
		p.playFinger()
	case "host-meta":
		p.playHostMeta()
	case "object":
		p.playObject()
	case "nodeinfo":
		p.playNodeInfo()
	case "activity":
		p.playActivity()
	default:
		p.Fatalf("no way to send a %s", p.kind)
	}
}

// claimed counts a claim and reports when it does not hold; got is "" when it does.
func (p *play) claimed(what, got string) {
	p.Helper()
	p.claims++
	if why := otherwise[strings.TrimPrefix(p.Name(), "TestInterop/")+" "+what]; why != "" {
		if got == "" {
			p.Errorf("%q holds, although %s", what, why)
		}
		return
	}
	if got != "" {
		p.Errorf("claim %q: got %s\nexpected as a whole: %s", what, got, p.expect)
	}
}

// check holds every claim of the list that the expectation makes.
func (p *play) check(list []claim) {
	p.Helper()
	for _, c := range list {
		for _, m := range c.words.FindAllStringSubmatch(p.expect, -1) {
			p.claimed(strings.Trim(m[0], ";: "), c.check(p, m))
		}
	}
}

// claim is one regular form of words in the expect column. check returns "" or what
// was found instead.
type claim struct {
	words *regexp.Regexp
	check func(p *play, m []string) string
}

func about(words string, check func(p *play, m []string) string) claim {
	return claim{regexp.MustCompile(`(?:^|; |: )` + words + `(?:;|$)`), check}
}

func yes(b bool) string {
	if b {
		return ""
	}
	return "not so"
}

// is compares what was found with a claim's first group.
func is(got func(p *play) string) func(p *play, m []string) string {
	return func(p *play, m []string) string {
		if g := got(p); g != m[1] {
			return strconv.Quote(g)
		}
		return ""
	}
}

const iri = `(https?://(?:[^\s;]|;\S)+)`

// playActor looks an actor up by its address.
func (p *play) playActor() {
	doc := decode(p.T, p.doc)
	id := one(doc["id"])
	p.net.actor(id, doc, "")
	a := p.me.account(id)
	p.account = &a
	p.check(actorClaims)
	if again, ok := p.me.lookUp("@" + a.Acct); !ok || again.ID != a.ID {
		p.Errorf("%s is not found by its handle @%s", id, a.Acct)
	}
}

var actorClaims = []claim{
	about(`actor \S+ @(\S+) \(handle[^)]*\)`, is(func(p *play) string { return p.account.Acct })),
	about(`display name '(.*?)'`, func(p *play, m []string) string {
		if m[1] == "" {
			return yes(p.account.DisplayName == strings.Split(p.account.Acct, "@")[0])
		}
		return begins(p.account.DisplayName, m[1])
	}),
	about(`no display name[^;]*`, func(p *play, _ []string) string {
		return yes(p.account.DisplayName == strings.Split(p.account.Acct, "@")[0])
	}),
	about(`bio '(.*?)'`, func(p *play, m []string) string { return begins(p.account.Note, m[1]) }),
	about(`avatar `+iri, func(p *play, _ []string) string { return shown(p.account.Avatar) }),
	about(`no avatar`, func(p *play, _ []string) string { return yes(shown(p.account.Avatar) != "") }),
	about(`header `+iri, func(p *play, _ []string) string { return shown(p.account.Header) }),
	about(`locked`, func(p *play, _ []string) string { return yes(p.account.Locked) }),
	about(`bot`, func(p *play, _ []string) string { return yes(p.account.Bot) }),
	about(`(\d+) profile fields?[^;]*`, is(func(p *play) string { return strconv.Itoa(len(p.account.Fields)) })),
	about(`\d+ profile fields? \(([^;]*)\)`, is(func(p *play) string {
		var names []string
		for _, f := range p.account.Fields {
			names = append(names, f.Name)
		}
		return strings.Join(names, ", ")
	})),
	about(`discoverable (\w+)`, is(func(p *play) string {
		return strconv.FormatBool(p.account.Discoverable != nil && *p.account.Discoverable)
	})),
	about(`indexable (\w+)`, is(func(p *play) string { return strconv.FormatBool(p.account.Indexable) })),
	about(`memorial (\w+)`, is(func(p *play) string { return strconv.FormatBool(p.account.Memorial) })),
	about(`profile url `+iri, is(func(p *play) string { return p.account.URL })),
	about(`actor stored with empty alsoKnownAs, no error`, func(p *play, _ []string) string { return yes(len(p.account.Pleroma.AlsoKnownAs) == 0) }),
	about(`alsoKnownAs ([^;]*)`, is(func(p *play) string { return strings.Join(p.account.Pleroma.AlsoKnownAs, ", ") })),
	about(`custom emoji ([^;]*)`, func(p *play, m []string) string { return emojis(p.account.Emojis, m[1]) }),
}

// shown tells whether a picture of the actor's own is given, through our proxy.
func shown(address string) string {
	if strings.Contains(address, "/proxy/") {
		return ""
	}
	return strconv.Quote(address)
}

func emojis(list []struct{ Shortcode string }, want string) string {
	var names []string
	for _, e := range list {
		names = append(names, ":"+e.Shortcode+":")
	}
	wanted := strings.Fields(want)
	slices.Sort(names)
	slices.Sort(wanted)
	if !slices.Equal(names, wanted) {
		return strings.Join(names, " ")
	}
	return ""
}

var tagPattern = regexp.MustCompile(`<[^>]*>`)

// quoteInline is the paragraph that repeats a quote's address, which is hidden.
var quoteInline = regexp.MustCompile(`<p class="quote-inline">.*?</p>`)

// begins compares text without its tags with a shortened claim; "" when it fits.
func begins(text, want string) string {
	got := html.UnescapeString(tagPattern.ReplaceAllString(quoteInline.ReplaceAllString(text, ""), " "))
	plain := func(r rune) rune { // The index puts spaces for some tags.
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}
	got, want = strings.Map(plain, got), strings.Map(plain, want)
	if start, cut := strings.CutSuffix(want, "…"); cut {
		if strings.HasPrefix(got, start) {
			return ""
		}
	} else if got == want {
		return ""
	}
	return strconv.Quote(got)
}

// playCollection serves a collection where a client could ask for it, and decodes
// it: what it holds is not shown to anybody.
func (p *play) playCollection() {
	doc := decode(p.T, p.doc)
	c, err := vocab.DecodeCollection([]byte(p.doc))
	if err != nil {
		p.Fatal(err)
	}
	id := one(doc["id"])
	p.net.serve(id, "application/activity+json", p.doc)
	if _, ok := p.me.See(id); ok {
		p.Error("the collection is shown as a post")
	}
	if _, ok := p.me.lookUp(id); ok {
		p.Error("the collection is shown as an account")
	}
	for words, got := range map[string]string{
		`collection: (\w+)`:                c.Type,
		`totalItems (\d+)`:                 strconv.Itoa(c.Total),
		`(\d+) inline items?(?: \(.*?\))?`: strconv.Itoa(len(c.Items)),
		`first ` + iri:                     string(c.First),
		`next ` + iri:                      string(c.Next),
		`partOf ` + iri:                    string(c.PartOf),
	} {
		p.check([]claim{about(words, is(func(*play) string { return got }))})
	}
}

// playFinger serves a WebFinger answer on the host of its subject and looks up whom
// it names.
func (p *play) playFinger() {
	kind := "application/jrd+json"
	if strings.HasSuffix(p.file, ".xml") {
		kind = "application/xrd+xml"
	}
	actor := regexp.MustCompile(`; (?:ActivityPub )?actor ` + iri).FindStringSubmatch(p.expect)
	name, host := usernameIn(p.fingered()), p.host
	if actor != nil {
		host = vocab.IRI(actor[1]).Host()
	}
	subject := "acct:" + name + "@" + host
	if m := regexp.MustCompile(`subject (acct:([^@\s]+)@([^\s;]+))`).FindStringSubmatch(p.expect); m != nil {
		subject, name, host = m[1], m[2], m[3]
	}
	p.net.finger(host, subject, kind, p.doc)
	f, err := remote.ParseFinger([]byte(p.doc), kind)
	if actor == nil {
		found, ok := p.me.lookUp("@" + name + "@" + host)
		p.claimed("no ActivityPub actor", yes(!ok))
		if ok {
			p.Errorf("found %+v", found)
		}
		return
	}
	if err != nil {
		p.Fatal(err)
	}
	id := strings.TrimSuffix(actor[1], ";")
	p.actor(id, "")
	if other := vocab.IRI(id).Host(); other != host {
		own := decode(p.T, p.net.pages[id].body)["preferredUsername"].(string)
		p.net.finger(other, "acct:"+own+"@"+other, kind, p.doc) // The actor's host names the handle too.
	} else {
		p.net.finger(host, subject, kind, p.doc)
	}
	found, ok := p.me.lookUp("@" + name + "@" + host)
	p.claimed("actor "+id, yes(ok && found.URI == id))
	if strings.HasPrefix(found.Acct, name+"@") { // Some answers lead to an actor of another name.
		p.claimed("handle "+subject, yes("acct:"+found.Acct == subject))
	}
	p.check([]claim{
		about(`(\d+) aliases`, is(func(*play) string { return strconv.Itoa(len(f.Aliases)) })),
		about(`(?:remote-follow|subscribe) template (\S+?)`, is(func(*play) string { return f.SubscribeTemplate })),
	})
}

// fingered is the subject of an answer that gives no full handle.
func (p *play) fingered() string {
	m := regexp.MustCompile(`subject (?:acct:)?([^\s;]+)`).FindStringSubmatch(p.expect)
	if m == nil {
		p.Fatalf("no subject in %q", p.expect)
	}
	return m[1]
}

// playHostMeta has the host answer WebFinger only to who asks as host-meta says.
func (p *play) playHostMeta() {
	id := "http://" + p.host + "/users/somebody"
	p.net.actor(id, nil, "")
	p.net.serve("http://"+p.host+"/.well-known/host-meta", "application/xrd+xml", p.doc)
	p.net.mu.Lock()
	p.net.flaky[p.host] = true
	p.net.mu.Unlock()
	m := regexp.MustCompile(`template (\S+)\{uri\}`).FindStringSubmatch(p.expect)
	if m == nil {
		p.Fatalf("no template in %q", p.expect)
	}
	acct := "acct:somebody@" + p.host
	answer := m[1] + url.QueryEscape(acct)
	p.net.serve(answer, "application/jrd+json", p.net.fingers[p.host+" "+acct].body)
	found, ok := p.me.lookUp("@somebody@" + p.host)
	p.claimed("found", yes(ok && found.URI == id))
	p.claimed("host-meta asked", yes(p.net.got("GET http://"+p.host+"/.well-known/host-meta")))
	p.claimed("template used", yes(p.net.got("GET "+answer)))
}

// see takes the post for the claims, as the person sees it.
func (p *play) see(uri string) bool {
	s, ok := p.me.See(uri)
	if !ok {
		return false
	}
	p.w.Settle() // Its parents are fetched afterwards.
	if s, ok = p.me.See(uri); ok {
		p.status = &s
	}
	return ok
}

func isTime(got, want string) string {
	w, err := vocab.ParseTime(want)
	g, err2 := time.Parse(time.RFC3339, got)
	if err != nil || err2 != nil || !g.Equal(w.Truncate(time.Millisecond)) {
		return strconv.Quote(got)
	}
	return ""
}
