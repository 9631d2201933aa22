package vocab

import (
	"encoding/csv"
	"errors"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kenoma/internal/interoptest"
)

// row is a line of an index.tsv.
type row struct{ file, kind, expect string }

// rows reads the index of one folder.
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
		if l[1] == "activity" || l[1] == "actor" || l[1] == "object" || l[1] == "collection" {
			list = append(list, row{l[0], l[1], l[5]})
		}
	}
	return list
}

// refused are the files outside hostile/ that no decoder takes, with the reason.
var refused = map[string]string{
	"generic-activitystreams/actor-person--granary-actor-with-featured.json":  "its id is no http address, so nobody could fetch or be it",
	"generic-activitystreams/flag--vs.json":                                   "its addresses were escaped twice and are none",
	"generic-activitystreams/object-untyped--object-with-url-collection.json": "it has no type; expected is that nothing is stored",
}

// otherwise are claims, by file, that are not ours to keep, with the reason.
var otherwise = map[string]string{
	"generic-activitystreams/object-note-quote-no-audience.json status by https://bob.bsky.social/": "the author has a url but no id, and only an id says who somebody is",
	"bridgy-fed/actor-person--vs.json alsoKnownAs at://did:plc:3ljmtyyjqcjee2kpewgsifvb":            "only http addresses can confirm a move",
	"nodebb/collection-orderedcollection.json 20 inline items (URL)":                                "five of them are bare numbers",
}

// TestInterop decodes every document of every kind of software and compares what
// came out with what the index says about it.
func TestInterop(t *testing.T) {
	dir := interoptest.Dir(t)
	indexes, err := filepath.Glob(filepath.Join(dir, "*", "index.tsv"))
	if err != nil || len(indexes) == 0 {
		t.Fatalf("no index.tsv in %s: %v", dir, err)
	}
	files, claims := 0, 0
	for _, index := range indexes {
		folder := filepath.Base(filepath.Dir(index))
		if folder == "hostile" {
			continue // TestHostile
		}
		for _, r := range rows(t, filepath.Dir(index)) {
			name := folder + "/" + r.file
			doc, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			t.Run(name, func(t *testing.T) {
				files++
				d, err := decodeAs(r.kind, doc)
				if why := refused[name]; why != "" {
					if err == nil {
						t.Errorf("decoded, although %s", why)
					}
					return
				}
				if err != nil {
					t.Fatalf("decoding: %v", err)
				}
				claims += d.check(t, name, r.expect)
			})
		}
	}
	t.Logf("%d documents, %d claims checked", files, claims)
	if claims < 2000 {
		t.Errorf("only %d claims were checked: the index has changed its wording", claims)
	}
}

// decoded is one document in the shapes in which claims are made about it.
type decoded struct {
	activity   *Activity
	object     *Object // The document, or what stands in the activity, at any depth.
	actor      *Actor
	collection *Collection
}

func decodeAs(kind string, doc []byte) (d decoded, err error) {
	switch kind {
	case "actor":
		d.actor, err = DecodeActor(doc)
	case "collection":
		d.collection, err = DecodeCollection(doc)
	case "object":
		d.object, err = DecodeObject(doc)
	default:
		if d.activity, err = DecodeActivity(doc); err != nil {
			return d, err
		}
		a := d.activity
		for a.Nested != nil {
			a = a.Nested
		}
		if d.object = a.Inline; a.Inline != nil && IsActor(a.Inline.Type) {
			d.actor, _ = DecodeActor(a.Inline.Raw)
		}
	}
	return d, err
}

// claim is one regular form of words in the expect column: where it stands, and
// what it says. check returns "" or what was found instead.
type claim struct {
	words *regexp.Regexp
	check func(d decoded, m []string) string
}

// check tests every claim in expect and returns how many there were.
func (d decoded) check(t *testing.T, name, expect string) int {
	t.Helper()
	n := 0
	for _, c := range claims() {
		for _, m := range c.words.FindAllStringSubmatch(expect, -1) {
			n++
			got := c.check(d, m)
			said := strings.Trim(m[0], ";: ")
			if why := otherwise[name+" "+said]; why != "" {
				if got == "" {
					t.Errorf("%q holds, although %s", said, why)
				}
				continue
			}
			if got != "" {
				t.Errorf("claim %q: got %s\nexpected as a whole: %s", said, got, expect)
			}
		}
	}
	return n
}

func about(words string, check func(d decoded, m []string) string) claim {
	return claim{regexp.MustCompile(`(?:^|; |: )` + words + `(?:;|$)`), check}
}

// same compares a field with the claim's first group.
func same[T any](pick func(d decoded) *T, field func(x *T) string) func(d decoded, m []string) string {
	return func(d decoded, m []string) string {
		x := pick(d)
		if x == nil {
			return "no such document"
		}
		want := ""
		if len(m) > 1 {
			want = m[1]
		}
		if got := field(x); got != want {
			return strconv.Quote(got)
		}
		return ""
	}
}

func actorOf(d decoded) *Actor           { return d.actor }
func objectOf(d decoded) *Object         { return d.object }
func collectionOf(d decoded) *Collection { return d.collection }

func truth(b *bool) string {
	if b == nil {
		return "missing"
	}
	return strconv.FormatBool(*b)
}

// yes is for claims without a value.
func yes(b bool) string {
	if b {
		return ""
	}
	return "not so"
}

const url = `(https?://(?:[^\s;]|;\S)+)`

func claims() []claim {
	return slices.Concat(actorClaims, statusClaims, activityClaims, collectionClaims)
}

var actorClaims = []claim{
	about(`actor \S+ @([^@\s]*)@\S+ \(handle[^)]*\)`, same(actorOf, func(a *Actor) string { return a.PreferredUsername })),
	about(`actor ([^\s/]+)\S* @\S+ \(handle[^)]*\)`, same(actorOf, func(a *Actor) string { return a.Type })),
	about(`actor \S+ @[^@\s]*@(\S+) \(handle[^)]*\)`, same(actorOf, func(a *Actor) string { return a.ID.Host() })),
	about(`display name '(.*?)'`, same(actorOf, func(a *Actor) string { return strings.TrimSpace(a.Name) })),
	about(`no display name[^;]*`, same(actorOf, func(a *Actor) string { return a.Name })),
	about(`bio '(.*?)'`, func(d decoded, m []string) string { return begins(d.actor.Summary, m[1]) }),
	about(`avatar `+url, same(actorOf, func(a *Actor) string { return string(a.Icon) })),
	about(`no avatar`, same(actorOf, func(a *Actor) string { return string(a.Icon) })),
	about(`header `+url, same(actorOf, func(a *Actor) string { return string(a.Image) })),
	about(`locked`, func(d decoded, _ []string) string { return yes(d.actor.Locked) }),
	about(`bot`, func(d decoded, _ []string) string { return yes(d.actor.Bot) }),
	about(`(\d+) profile fields?[^;]*`, same(actorOf, func(a *Actor) string { return strconv.Itoa(len(a.Fields)) })),
	about(`\d+ profile fields? \(([^;]*)\)`, same(actorOf, func(a *Actor) string {
		var names []string
		for _, f := range a.Fields {
			names = append(names, f.Name)
		}
		return strings.Join(names, ", ")
	})),
	about(`sharedInbox `+url, same(actorOf, func(a *Actor) string { return string(a.SharedInbox) })),
	about(`no sharedInbox[^;]*`, same(actorOf, func(a *Actor) string { return string(a.SharedInbox) })),
	about(`key `+url, same(actorOf, func(a *Actor) string {
		if len(a.Keys) == 0 {
			return "none"
		}
		return string(a.Keys[0].ID)
	})),
	about(`no publicKey`, func(d decoded, _ []string) string { return yes(len(d.actor.Keys) == 0) }),
	about(`discoverable (\w+)`, same(actorOf, func(a *Actor) string { return truth(a.Discoverable) })),
	about(`indexable (\w+)`, same(actorOf, func(a *Actor) string { return truth(a.Indexable) })),
	about(`memorial (\w+)`, same(actorOf, func(a *Actor) string { return strconv.FormatBool(a.Memorial) })),
	about(`pinned posts at `+url, same(actorOf, func(a *Actor) string { return string(a.Featured) })),
	about(`profile url `+url, same(actorOf, func(a *Actor) string { return string(a.URL) })),
	about(`no outbox`, same(actorOf, func(a *Actor) string { return string(a.Outbox) })),
	about(`no followers collection`, same(actorOf, func(a *Actor) string { return string(a.Followers) })),
	about(`NO inbox[^;]*`, same(actorOf, func(a *Actor) string { return string(a.Inbox) })),
	about(`webfinger address (\S+)`, func(d decoded, m []string) string {
		return yes(d.actor.Webfinger == strings.TrimPrefix(m[1], "acct:"))
	}),
	about(`alsoKnownAs ([^;]*)`, same(actorOf, func(a *Actor) string { return join(a.AlsoKnownAs) })),
}

var statusClaims = []claim{
	about(`status by `+url+`(?: \(first Person[^;]*)?`, same(objectOf, func(o *Object) string {
		return string(slices.Concat(o.AttributedTo, []IRI{o.Actor})[0])
	})),
	{regexp.MustCompile(`(?:^|: )status by `), func(d decoded, _ []string) string {
		return yes(IsPost(d.object.Type) || ClassOf(d.object.Type) == UnknownClass)
	}},
	about(`unsupported object type (\w*): not shown[^;]*`, func(d decoded, m []string) string {
		return yes(strings.HasPrefix(d.object.Type, m[1]) && !IsPost(d.object.Type))
	}),
	about(`ignored: unsupported activity (\w+), 2xx[^;]*`, func(d decoded, m []string) string { return yes(d.activity.Type == m[1]) }),
	about(`status without attributedTo[^;]*`, same(objectOf, func(o *Object) string { return join(o.AttributedTo) })),
	about(`(public|unlisted|followers-only)(?: \(.*?\))?`, func(d decoded, m []string) string {
		if got := d.visibility(); got != m[1] {
			return got
		}
		return ""
	}),
	about(`no audience given[^;]*`, func(d decoded, _ []string) string { return yes(d.visibility() == "direct") }),
	about(`direct to ([^;]*)`, func(d decoded, m []string) string {
		if d.visibility() != "direct" || join(slices.Concat(d.object.To, d.object.Cc)) != m[1] {
			return d.visibility() + " to " + join(slices.Concat(d.object.To, d.object.Cc))
		}
		return ""
	}),
	about(`type (\w+)`, same(objectOf, func(o *Object) string { return o.Type })),
	about(`title '(.*?)'`, func(d decoded, m []string) string { return begins(d.object.Name, m[1]) }),
	about(`content warning '(.*?)'`, same(objectOf, func(o *Object) string { return o.Summary })),
	about(`summary '(.*?)' \(excerpt, not a CW\)`, func(d decoded, m []string) string { return begins(d.object.Summary, m[1]) }),
	about(`sensitive`, func(d decoded, _ []string) string { return yes(d.object.Sensitive) }),
	about(`text '(.*?)'(?: \(the .*?\))?`, func(d decoded, m []string) string {
		return begins(quoteInline.ReplaceAllString(d.object.Content, ""), m[1])
	}),
	about(`no text`, func(d decoded, _ []string) string { return begins(d.object.Content, "") }),
	about(`language ([\w-]+)`, same(objectOf, func(o *Object) string { return o.Language })),
	about(`mediaType (\S+)[^;]*`, same(objectOf, func(o *Object) string { return o.MediaType })),
	about(`in reply to `+url, same(objectOf, func(o *Object) string { return string(o.InReplyTo) })),
	about(`quotes `+url+`(?: \(via [^)]*\)|, shown as[^;]*)?`, same(objectOf, func(o *Object) string { return string(o.QuoteURL) })),
	about(`(\d+) mentions? \([^;]*\)`, same(objectOf, func(o *Object) string { return strconv.Itoa(len(tagNames(o, "Mention"))) })),
	about(`\d+ mentions? \((@[^;]*)\)`, same(objectOf, func(o *Object) string { return strings.Join(tagNames(o, "Mention"), ", ") })),
	about(`(\d+) hashtags? \((?:#|\w+,)[^;]*\)`, same(objectOf, func(o *Object) string { return strconv.Itoa(len(tagNames(o, "Hashtag"))) })),
	about(`\d+ hashtags? \((#[^;]*)\)`, same(objectOf, func(o *Object) string { return strings.Join(tagNames(o, "Hashtag"), ", ") })),
	about(`(\d+) attachments? \(.*?\)`, same(objectOf, func(o *Object) string { return strconv.Itoa(len(o.Attachments)) })),
	about(`\d+ attachments? \((.*?)\)`, checkAttachments),
	about(`media attachment one of (\d+) [\w/-]+ links?, e\.g\. \S+`, checkLinks),
	about(`poll multiple=(.*)`, checkPoll),
	about(`html link `+url+`(?: on another host[^;]*)?`, same(objectOf, func(o *Object) string { return string(o.URL) })),
	about(`image `+url, same(objectOf, func(o *Object) string { return string(o.Image) })),
	about(`audience `+url, same(objectOf, func(o *Object) string { return join(o.Audience) })),
	about(`published (\d{4}-\S+?)(?: \(offset[^)]*\))?`, func(d decoded, m []string) string { return isTime(d.object.Published, m[1]) }),
	about(`edited (\d{4}-\S+)`, func(d decoded, m []string) string { return isTime(d.object.Updated, m[1]) }),
	about(`event start (\d{4}-\S+) [^;]*`, func(d decoded, m []string) string { return isTime(d.object.StartTime, m[1]) }),
	about(`duration (?:PT)?(\d+)S?`, same(objectOf, func(o *Object) string { return strconv.FormatFloat(o.Duration, 'f', -1, 64) })),
	about(`poll vote '(.*?)' by \S+ on \S+: counted[^;]*`, same(objectOf, func(o *Object) string { return o.Name })),
	about(`poll vote '.*?' by \S+ on (\S+): counted[^;]*`, same(objectOf, func(o *Object) string { return string(o.InReplyTo) + o.Content })),
	about(`tombstone: `+url+` is gone[^;]*`, same(objectOf, func(o *Object) string { return string(o.ID) })),
}

// parties makes a claim of an actor and an object of the activity.
func parties(words string, pick func(a *Activity) *Activity, actor, object int) claim {
	return about(words, func(d decoded, m []string) string {
		if d.activity == nil {
			return "no activity"
		}
		a := pick(d.activity)
		if a == nil {
			return "no inner activity"
		}
		if string(a.Actor) != m[actor] || string(a.Object) != m[object] {
			return string(a.Actor) + " and " + string(a.Object)
		}
		return ""
	})
}

func outer(a *Activity) *Activity { return a }
func inner(a *Activity) *Activity { return a.Nested }

var activityClaims = []claim{
	parties(`boost of `+url+` by (https?://[^\s;,]+)(?:, [^;]*)?`, outer, 2, 1),
	parties(`favourite by `+url+` of `+url, outer, 1, 2),
	parties(`favourite by `+url+` of `+url+` removed`, inner, 1, 2),
	parties(`boost by `+url+` of `+url+` removed`, inner, 1, 2),
	parties(`follow request from `+url+` to `+url, outer, 1, 2),
	parties(`unfollow: `+url+` no longer follows (https?://[a-z][^\s;]+)`, inner, 1, 2),
	parties(`follow of `+url+` by `+url+` is (?:accepted|refused) by \S+`, inner, 2, 1),
	parties(`delete of `+url+`(?: \(\w+ ?\w*\))? by (https?://[^\s;:]+(?::\d+)?[^\s;:]*): removed only[^;]*`, outer, 2, 1),
	about(`account move `+url+` -> (https?://[^\s;:]+): local[^;]*`, func(d decoded, m []string) string {
		return yes(string(d.activity.Object) == m[1] && string(d.activity.Target) == m[2])
	}),
	about(`group announce by `+url, func(d decoded, m []string) string { return yes(string(d.activity.Actor) == m[1]) }),
	about(`inner (\w+) by (https?://[^\s;:]+(?::\d+)?[^\s;:]*)(?:: [^;]*| of [^;]*| on [^;]*| \([^;]*)`, func(d decoded, m []string) string {
		n := d.activity.Nested
		return yes(n != nil && n.Type == m[1] && string(n.Actor) == m[2])
	}),
	about(`report by \S+ about (.*?) with comment '.*?': stored[^;]*`, func(d decoded, m []string) string {
		about := d.activity.Objects
		if len(about) == 0 {
			about = []IRI{d.activity.Object}
		}
		if got := join(about); !strings.HasPrefix(got, m[1]) { // The index cuts long ones.
			return got
		}
		return ""
	}),
	about(`report by \S+ about .*? with comment '(.*?)': stored[^;]*`, func(d decoded, m []string) string { return begins(d.activity.Content, m[1]) }),
	about(`undo of activity `+url+` by (https?://[^\s;:]+(?::\d+)?[^\s;:]*): look up[^;\[]*`, func(d decoded, m []string) string {
		return yes(string(d.activity.Object) == m[1] && string(d.activity.Actor) == m[2])
	}),
}

var collectionClaims = []claim{
	about(`collection: (\w+)`, same(collectionOf, func(c *Collection) string { return c.Type })),
	about(`totalItems (\d+)`, same(collectionOf, func(c *Collection) string { return strconv.Itoa(c.Total) })),
	about(`(\d+) inline items?(?: \(.*?\))?`, same(collectionOf, func(c *Collection) string { return strconv.Itoa(len(c.Items)) })),
	about(`first `+url, same(collectionOf, func(c *Collection) string { return string(c.First) })),
	about(`last `+url, same(collectionOf, func(c *Collection) string { return string(c.Last) })),
	about(`next `+url, same(collectionOf, func(c *Collection) string { return string(c.Next) })),
	about(`partOf `+url, same(collectionOf, func(c *Collection) string { return string(c.PartOf) })),
}

func join(list []IRI) string {
	var s []string
	for _, iri := range list {
		s = append(s, string(iri))
	}
	return strings.Join(s, ", ")
}

func tagNames(o *Object, typ string) (names []string) {
	for _, t := range o.Tags {
		if t.Type == typ {
			names = append(names, t.Name)
		}
	}
	return names
}

// visibility is that of the object, or of the activity where the object has no
// audience. The author's followers are taken to be what is called so.
func (d decoded) visibility() string {
	var to, cc []IRI
	if d.object != nil {
		to, cc = d.object.To, d.object.Cc
	}
	if d.activity != nil && len(to)+len(cc) == 0 {
		to, cc = d.activity.To, d.activity.Cc
	}
	var followers IRI
	for _, iri := range slices.Concat(to, cc) {
		if strings.Contains(string(iri), "follow") {
			followers = iri
		}
	}
	v := VisibilityOf(to, cc, followers).Name
	return map[string]string{"private": "followers-only"}[v] + strings.TrimPrefix(v, "private")
}

// quoteInline is the paragraph that repeats a quote's address, which is hidden.
var quoteInline = regexp.MustCompile(`<p class="quote-inline">.*?</p>`)

var tagPattern = regexp.MustCompile(`<[^>]*>`)

// begins compares text without its tags with a shortened claim; "" when it fits.
func begins(text, want string) string {
	got := html.UnescapeString(tagPattern.ReplaceAllString(text, " "))
	plain := strings.NewReplacer(" ", "", "\n", "", "\t", "", "\r", "", "\u00a0", "").Replace // The index puts spaces for some tags.
	got, want = plain(got), plain(want)
	if start, cut := strings.CutSuffix(want, "…"); cut {
		if strings.HasPrefix(got, start) {
			return ""
		}
	} else if got == want {
		return ""
	}
	return strconv.Quote(got)
}

func isTime(got time.Time, want string) string {
	w, err := ParseTime(strings.TrimSuffix(want, ";"))
	if err != nil || !got.Equal(w) {
		return got.String()
	}
	return ""
}

// checkAttachments compares "image/png alt 'x' blurhash; link https://…".
func checkAttachments(d decoded, m []string) string {
	parts := strings.Split(m[1], "; ")
	if len(parts) != len(d.object.Attachments) {
		return "another number, or text with a semicolon"
	}
	for i, part := range parts {
		a := d.object.Attachments[i]
		kind, rest, _ := strings.Cut(part, " ")
		alt := ""
		if _, quoted, ok := strings.Cut(rest, "alt '"); ok {
			alt, _, _ = strings.Cut(quoted, "'")
			alt = strings.TrimSuffix(alt, "…")
		}
		switch {
		case kind == "link" && !strings.HasPrefix(rest, string(a.URL)),
			kind != "link" && strings.Trim(kind, ",") != a.MediaType && kind != a.Type,
			alt != "" && begins(a.Name, alt+"…") != "",
			strings.Contains(rest, "no alt") && strings.TrimSpace(a.Name) != "",
			strings.HasSuffix(rest, " blurhash") && a.Blurhash == "":
			return part + ": " + a.Type + " " + a.MediaType + " " + string(a.URL) + " " + strconv.Quote(a.Name)
		}
	}
	return ""
}

// checkLinks finds the media files of a Video or Audio.
func checkLinks(d decoded, m []string) string {
	words := strings.Fields(m[0])
	example, mediaType := IRI(strings.Trim(words[len(words)-1], ";")), words[len(words)-4]
	n := 0
	found := false
	for _, l := range d.object.Links {
		if l.MediaType == mediaType {
			n++
		}
		found = found || l.Href == example
	}
	if strconv.Itoa(n) != m[1] || !found {
		return strconv.Itoa(n) + " links of type " + mediaType
	}
	return ""
}

var pollPattern = regexp.MustCompile(`^(true|false), (\d+) options \((.*?)\)(?:, (?:expires|closed) (\d{4}-[^\s,;]+))?(?:, [^;]*?)?(?:, voters (\d+))?(?:;|$)`)

func checkPoll(d decoded, m []string) string {
	p := d.object.Poll
	w := pollPattern.FindStringSubmatch(m[1])
	if p == nil || w == nil {
		return "no poll, or a claim that can't be read"
	}
	var options []string
	for _, o := range p.Options {
		options = append(options, o.Name+"="+strconv.Itoa(o.Votes))
	}
	switch {
	case strconv.FormatBool(p.Multiple) != w[1]:
		return "multiple " + strconv.FormatBool(p.Multiple)
	case strings.Join(options, ", ") != w[3]:
		return strings.Join(options, ", ")
	case w[4] != "" && isTime(p.Ends, w[4]) != "":
		return p.Ends.String()
	case w[5] != "" && strconv.Itoa(p.Voters) != w[5]:
		return "voters " + strconv.Itoa(p.Voters)
	}
	return ""
}

// TestHostile decodes what must be refused or contained: none may panic, take
// long or come out larger than the bounds.
func TestHostile(t *testing.T) {
	dir := filepath.Join(interoptest.Dir(t), "hostile")
	for _, r := range rows(t, dir) {
		doc, err := os.ReadFile(filepath.Join(dir, r.file))
		if errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
			continue
		}
		t.Run(r.file, func(t *testing.T) {
			began := time.Now()
			d, err := decodeAs(r.kind, doc)
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %s", took)
			}
			if err != nil {
				if strings.HasPrefix(r.expect, "status by") && !strings.Contains(r.expect, ", or 400") {
					t.Errorf("refused (%v), expected %s", err, r.expect)
				}
				return
			}
			if want := hostileRefused[r.file]; want {
				t.Errorf("decoded, expected %s", r.expect)
			}
			if check := hostileContained[r.file]; check != nil {
				if got := check(d); got != "" {
					t.Errorf("%s, expected %s", got, r.expect)
				}
			}
			bounded(t, d)
		})
	}
}

func bounded(t *testing.T, d decoded) {
	t.Helper()
	if o := d.object; o != nil && (len(o.Tags) > maxTags || len(o.Attachments) > maxAttachments || len(o.To) > 3*maxAudience || len(o.Content) > maxContent || o.Poll != nil && len(o.Poll.Options) > maxOptions) {
		t.Errorf("over the bounds: %d tags, %d attachments, %d addressees", len(o.Tags), len(o.Attachments), len(o.To))
	}
	if a := d.actor; a != nil && (len(a.Name) > maxTitle || len(a.Summary) > maxBio || len(a.Fields) > maxFields) {
		t.Errorf("over the bounds: name %d, summary %d, %d fields", len(a.Name), len(a.Summary), len(a.Fields))
	}
}

// hostileRefused are the files that the decoder itself must refuse; the others of
// which the index says so are refused by what knows hosts, actors and signatures.
var hostileRefused = map[string]bool{
	"actor-handle-empty.json": true, "actor-handle-homograph-cyrillic.json": true, "actor-handle-rtl.json": true,
	"actor-handle-space-newline.json": true, "create-id-javascript-scheme.json": true, "create-id-relative.json": true,
	"create-userinfo-in-id.json": true, "deep-nesting-objects-10000.json": true, "duplicate-keys.json": true,
	"invalid-utf8.json": true, "root-array.json": true, "root-empty.json": true, "type-null-number.json": true,
}

// hostileContained says what must, or must not, come out of the others.
var hostileContained = map[string]func(d decoded) string{
	"keys-case-variants.json":                 func(d decoded) string { return yes(!strings.Contains(string(d.activity.Actor), "bob")) },
	"public-misspelt.json":                    func(d decoded) string { return yes(d.visibility() != "public" && d.visibility() != "unlisted") },
	"to-as-string.json":                       func(d decoded) string { return yes(d.visibility() == "public") },
	"to-as-number-bool.json":                  func(d decoded) string { return yes(d.visibility() == "direct") },
	"to-list-of-lists.json":                   func(d decoded) string { return yes(len(d.object.To)+len(d.object.Cc) == 0) },
	"to-missing-everywhere.json":              func(d decoded) string { return yes(d.visibility() == "direct") },
	"tag-as-string-null-number.json":          func(d decoded) string { return yes(len(d.object.Tags) == 0) },
	"tag-emoji-bad-shortcode.json":            func(d decoded) string { return yes(len(d.object.Tags) == 0) },
	"create-attachment-as-single-object.json": func(d decoded) string { return yes(len(d.object.Attachments) == 1) },
	"create-attachment-wrong-types.json":      func(d decoded) string { return yes(len(d.object.Attachments) <= 1) },
	"create-url-javascript.json":              func(d decoded) string { return yes(d.object.URL == "") },
	"create-id-list.json":                     func(d decoded) string { return yes(d.object.ID == "") },
	"create-missing-id.json":                  func(d decoded) string { return yes(d.object.ID == "") },
	"create-null-id.json":                     func(d decoded) string { return yes(d.object.ID == "") },
	"create-actor-object-without-id.json":     func(d decoded) string { return yes(d.activity.Actor == "") },
	"inreplyto-list.json":                     func(d decoded) string { return yes(d.object.InReplyTo == "https://remote.example/notes/1") },
	"inreplyto-object-without-id.json":        func(d decoded) string { return yes(d.object.InReplyTo == "") },
	"type-as-list.json":                       func(d decoded) string { return yes(d.object.Type == "Note") },
	"object-empty-list.json":                  func(d decoded) string { return yes(d.activity.Object == "") },
	"follow-list-of-objects.json":             func(d decoded) string { return yes(d.activity.Object == "https://recv.example/users/alice") },
	"create-date-1.json":                      func(d decoded) string { return yes(d.object.Published.IsZero()) },
	"create-date-4.json":                      func(d decoded) string { return yes(d.object.Published.IsZero()) },
	"create-date-9.json":                      func(d decoded) string { return yes(d.object.Published.IsZero()) },
	"create-huge-integers.json": func(d decoded) string {
		for _, o := range d.object.Poll.Options {
			if o.Votes < 0 || o.Votes > 1<<31-1 {
				return "votes " + strconv.Itoa(o.Votes)
			}
		}
		return yes(d.object.Poll.Voters >= -1)
	},
	"question-endtime-invalid.json": func(d decoded) string {
		p := d.object.Poll
		return yes(len(p.Options) == 2 && p.Closed && p.Ends.IsZero())
	},
	"actor-icon-svg-data-uri.json":                 func(d decoded) string { return yes(d.actor.Icon == "" && d.actor.Image == "") },
	"actor-endpoints-sharedinbox-other-host.json":  func(d decoded) string { return yes(d.actor.SharedInbox == "") },
	"actor-followers-collection-of-victim.json":    func(d decoded) string { return yes(d.actor.Followers == "") },
	"actor-key-id-other-host.json":                 func(d decoded) string { return yes(len(d.actor.Keys) == 0) },
	"actor-no-inbox.json":                          func(d decoded) string { return yes(d.actor.Valid() != nil) },
	"actor-person--activitypub-actor-noinbox.json": func(d decoded) string { return yes(d.actor.Valid() != nil) },
	"actor-host-punycode-homograph.json":           func(d decoded) string { return yes(!SameHost(d.actor.ID, "https://remote.example/")) },
	"create-id-port-differs.json":                  func(d decoded) string { return yes(!SameHost(d.activity.ID, d.activity.Actor)) },
	"create-id-uppercase-host-dup.json":            func(d decoded) string { return yes(SameHost(d.activity.ID, d.activity.Actor)) },
	"create-subdomain-lookalike-host.json":         func(d decoded) string { return yes(!SameHost(d.object.AttributedTo[0], d.activity.Actor)) },
}
