package vocab

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
)

// note decodes a Note with these members added.
func note(t *testing.T, members string) *Object {
	t.Helper()
	o, err := DecodeObject([]byte(`{"id":"https://a.test/1","type":"Note",` + members + `}`))
	if err != nil {
		t.Fatalf("%s: %v", members, err)
	}
	return o
}

func TestStrictness(t *testing.T) {
	deep := func(n int) string {
		return `{"type":"Note","x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, tt := range []struct {
		name, doc string
		want      fault.Kind // Internal: no error.
	}{
		{"plain", `{"type":"Note"}`, fault.Internal},
		{"space around", " {\"type\":\"Note\"}\n", fault.Internal},
		{"empty", ``, fault.Malformed},
		{"list", `[{"type":"Note"}]`, fault.Malformed},
		{"string", `"Note"`, fault.Malformed},
		{"null", `null`, fault.Malformed},
		{"cut off", `{"type":"Note"`, fault.Malformed},
		{"two documents", `{"type":"Note"}{"type":"Note"}`, fault.Malformed},
		{"text after it", `{"type":"Note"} x`, fault.Malformed},
		{"byte order mark", "\ufeff" + `{"type":"Note"}`, fault.Malformed},
		{"comment", `{"type":"Note"/**/}`, fault.Malformed},
		{"no type", `{"id":"https://a.test/1"}`, fault.Malformed},
		{"null type", `{"type":null}`, fault.Malformed},
		{"number type", `{"type":5}`, fault.Malformed},
		{"name twice", `{"type":"Note","actor":"https://a.test/","actor":"https://b.test/"}`, fault.Malformed},
		{"name twice, once escaped", `{"type":"Note","actor":"https://a.test/","\u0061ctor":"https://b.test/"}`, fault.Malformed},
		{"name twice, once with NUL", `{"type":"Note","actor":"https://a.test/","act\u0000or":"https://b.test/"}`, fault.Malformed},
		{"name twice, once prefixed", `{"type":"Note","actor":"https://a.test/","as:actor":"https://b.test/"}`, fault.Malformed},
		{"name twice, once in full", `{"type":"Note","to":[],"https://www.w3.org/ns/activitystreams#to":[]}`, fault.Malformed},
		{"id twice", `{"type":"Note","id":"https://a.test/1","@id":"https://a.test/2"}`, fault.Malformed},
		{"name twice, deep", `{"type":"Note","tag":[{"type":"Mention","as:type":"Emoji"}]}`, fault.Malformed},
		{"unknown prefixes differ", `{"type":"Note","x:actor":1,"actor":"https://a.test/"}`, fault.Internal},
		{"invalid UTF-8", "{\"type\":\"Note\",\"content\":\"\xff\"}", fault.Malformed},
		{"lone surrogate", `{"type":"Note","content":"\ud800"}`, fault.Malformed},
		{"depth 32", deep(32), fault.Internal},
		{"depth 33", deep(33), fault.Malformed},
		{"depth 10000", deep(10000), fault.Malformed},
		{"values", `{"type":"Note","x":[` + strings.Repeat("0,", maxValues) + `0]}`, fault.Malformed},
		{"1 MB", `{"type":"Note","content":"` + strings.Repeat("x", MaxDocument) + `"}`, fault.TooLarge},
		{"id with another scheme", `{"type":"Note","id":"javascript:alert(1)"}`, fault.Invalid},
		{"relative id", `{"type":"Note","id":"/notes/1"}`, fault.Invalid},
		{"id is a list", `{"type":"Note","id":["https://a.test/1"]}`, fault.Invalid},
		{"id is an object", `{"type":"Note","id":{"id":"https://a.test/1"}}`, fault.Invalid},
		{"id with userinfo", `{"type":"Note","id":"https://a.test@b.test/1"}`, fault.Invalid},
		{"id is null", `{"type":"Note","id":null}`, fault.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, decode := range map[string]func([]byte) error{
				"DecodeObject": func(b []byte) error { _, err := DecodeObject(b); return err },
				"Decode":       func(b []byte) error { _, err := Decode(b); return err },
			} {
				err := decode([]byte(tt.doc))
				if got := fault.KindOf(err); got != tt.want || (err == nil) != (tt.want == fault.Internal) {
					t.Errorf("%s: %v (%s), want %s", name, err, got, tt.want)
				}
			}
		})
	}
}

func TestCaseOfNamesCounts(t *testing.T) {
	a, err := DecodeActivity([]byte(`{"type":"Like","Actor":"https://b.test/bob","ACTOR":"https://b.test/bob","actor":"https://a.test/ann","object":"https://a.test/1"}`))
	if err != nil || a.Actor != "https://a.test/ann" {
		t.Errorf("actor = %q, %v, want ann", a.Actor, err)
	}
}

func TestClassesAreKeptApart(t *testing.T) {
	docs := map[Class]string{
		ActivityClass:   `{"id":"https://a.test/1","type":"Like"}`,
		ObjectClass:     `{"id":"https://a.test/1","type":"Note"}`,
		ActorClass:      `{"id":"https://a.test/1","type":"Person"}`,
		CollectionClass: `{"id":"https://a.test/1","type":"Collection"}`,
	}
	for class, doc := range docs {
		_, errActivity := DecodeActivity([]byte(doc))
		_, errActor := DecodeActor([]byte(doc))
		_, errCollection := DecodeCollection([]byte(doc))
		for name, is := range map[string]bool{
			"activity":   (errActivity == nil) == (class == ActivityClass),
			"actor":      (errActor == nil) == (class == ActorClass),
			"collection": (errCollection == nil) == (class == CollectionClass),
		} {
			if !is {
				t.Errorf("%s: taken for, or not taken for, an %s", doc, name)
			}
		}
	}
	for doc, want := range map[string]string{
		docs[ActivityClass]:   "*vocab.Activity",
		docs[ObjectClass]:     "*vocab.Object",
		docs[ActorClass]:      "*vocab.Actor",
		docs[CollectionClass]: "*vocab.Collection",
		`{"type":"Podcast"}`:  "*vocab.Object",
		`{"type":"Foo"}`:      "*vocab.Object",
		`{"type":"Foo","actor":"https://a.test/","object":"https://a.test/1"}`: "*vocab.Activity",
		`{"type":["x:Foo","as:Like"]}`:                                         "*vocab.Activity",
	} {
		got, err := Decode([]byte(doc))
		if err != nil || fmt.Sprintf("%T", got) != want {
			t.Errorf("Decode(%s) = %T, %v, want %s", doc, got, err, want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, tt := range []struct{ doc, want string }{
		{`"Note"`, "Note"},
		{`["Note"]`, "Note"},
		{`["schema:Thing","Note","Article"]`, "Note"},
		{`["Foo","Bar"]`, "Foo"},
		{`[null,7,"Note"]`, "Note"},
		{`"as:Note"`, "Note"},
		{`"https://www.w3.org/ns/activitystreams#Note"`, "Note"},
		{`"http://joinmastodon.org/ns#Emoji"`, "Emoji"},
		{`"vcard:individual"`, "vcard:individual"},
		{`"note"`, "note"},
		{`"N\u006fte"`, "Note"},
	} {
		_, got, err := TypeOf([]byte(`{"type":` + tt.doc + `}`))
		if err != nil || got != tt.want {
			t.Errorf("type %s = %q, %v, want %q", tt.doc, got, err, tt.want)
		}
	}
	id, typ, err := TypeOf([]byte(`{"@id":"https://a.test/1","@type":"as:Create"}`))
	if id != "https://a.test/1" || typ != "Create" || err != nil {
		t.Errorf("TypeOf = %q, %q, %v", id, typ, err)
	}
	a, err := DecodeActor([]byte(`{"id":"https://a.test/1","type":["vcard:individual","Person"]}`))
	if err != nil || a.Type != "Person" {
		t.Errorf("%+v, %v, want a Person", a, err)
	}
}

// Trap 1 and 2: addressees in all their shapes.
func TestAddressees(t *testing.T) {
	for _, tt := range []struct {
		to   string
		want []IRI
	}{
		{`null`, nil},
		{`[]`, nil},
		{`""`, nil},
		{`"https://b.test/bob"`, []IRI{bob0}},
		{`["https://b.test/bob",null,7,true,{}]`, []IRI{bob0}},
		{`{"id":"https://b.test/bob"}`, []IRI{bob0}},
		{`{"type":"Link","href":"https://b.test/bob"}`, []IRI{bob0}},
		{`"https://www.w3.org/ns/activitystreams#Public"`, []IRI{Public}},
		{`"https:\/\/www.w3.org\/ns\/activitystreams#Public"`, []IRI{Public}},
		{`["as:Public","Public"]`, []IRI{Public, Public}},
		{`{"id":"as:Public"}`, []IRI{Public}},
		{`["public","as:public","PUBLIC","https://www.w3.org/ns/activitystreams#public"]`, []IRI{"https://www.w3.org/ns/activitystreams#public"}},
		{`[["https://www.w3.org/ns/activitystreams#Public"]]`, nil},
		{`["mailto:x@a.test","acct:x@a.test","bear:?u=https://a.test"]`, nil},
		{`7`, nil},
	} {
		o := note(t, `"to":`+tt.to+`,"cc":`+tt.to)
		if !reflect.DeepEqual(o.To, tt.want) || !reflect.DeepEqual(o.Cc, tt.want) {
			t.Errorf("to %s = %q, cc %q, want %q", tt.to, o.To, o.Cc, tt.want)
		}
	}
	o := note(t, `"to":["`+strings.Repeat(`https://b.test/bob","`, maxAudience+5)+`https://b.test/bob"]`)
	if len(o.To) != maxAudience {
		t.Errorf("%d addressees, want %d", len(o.To), maxAudience)
	}
	a, err := DecodeActivity([]byte(`{"type":"Create","to":"https://a.test/1","bto":"https://a.test/2","bcc":["https://a.test/3"]}`))
	if want := []IRI{"https://a.test/1", "https://a.test/2", "https://a.test/3"}; err != nil || !reflect.DeepEqual(a.To, want) {
		t.Errorf("with bto and bcc to = %q, %v, want %q", a.To, err, want)
	}
}

const bob0 IRI = "https://b.test/bob"

// Trap 3: authors.
func TestAuthors(t *testing.T) {
	for _, tt := range []struct {
		members string
		want    []IRI
	}{
		{`"attributedTo":"https://b.test/bob"`, []IRI{bob0}},
		{`"attributedTo":{"type":"Person","id":"https://b.test/bob"}`, []IRI{bob0}},
		{`"attributedTo":[{"type":"Group","id":"https://b.test/g"},{"type":"Person","id":"https://b.test/bob"}]`, []IRI{bob0, "https://b.test/g"}},
		{`"attributedTo":[{"type":"Group","id":"https://b.test/g"},"https://b.test/bob"]`, []IRI{bob0, "https://b.test/g"}},
		{`"attributedTo":["https://b.test/x",{"type":"Service","id":"https://b.test/bob"}]`, []IRI{bob0, "https://b.test/x"}},
		{`"attributedTo":[null,{"type":"Person"},["https://b.test/x"]]`, nil},
		{`"actor":"https://b.test/bob"`, nil},
	} {
		if got := note(t, tt.members).AttributedTo; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.members, got, tt.want)
		}
	}
	if got := note(t, `"actor":"https://b.test/bob"`).Actor; got != bob0 {
		t.Errorf("actor = %q", got)
	}
}

// Trap 5: url.
func TestURL(t *testing.T) {
	for _, tt := range []struct {
		url   string
		want  IRI
		links int
	}{
		{`"https://a.test/p"`, "https://a.test/p", 0},
		{`["https://a.test/p","https://a.test/q"]`, "https://a.test/p", 0},
		{`{"type":"Link","href":"https://a.test/p"}`, "https://a.test/p", 1},
		{`[{"type":"Link","mediaType":"video/mp4","href":"https://a.test/v"},{"type":"Link","mediaType":"text/html; charset=utf-8","href":"https://a.test/p"}]`, "https://a.test/p", 2},
		{`[{"mediaType":"video/mp4","href":"https://a.test/v"},"https://a.test/p"]`, "https://a.test/p", 1},
		{`[{"mimeType":"video/mp4","href":"https://a.test/v"}]`, "https://a.test/v", 1},
		{`[{"mediaType":"application/x-mpegURL","href":"https://a.test/l","tag":[{"type":"Link","mediaType":"video/mp4","href":"https://a.test/v"},{"type":"Infohash","name":"x"}]}]`, "https://a.test/l", 2},
		{`"javascript:alert(1)"`, "", 0},
		{`["magnet:?xt=1","https://a.test/p"]`, "https://a.test/p", 0},
		{`[null,7,{}]`, "", 0},
	} {
		o := note(t, `"url":`+tt.url)
		if o.URL != tt.want || len(o.Links) != tt.links {
			t.Errorf("url %s = %q and %d links, want %q and %d", tt.url, o.URL, len(o.Links), tt.want, tt.links)
		}
	}
}

// Trap 7: polls.
func TestPolls(t *testing.T) {
	past, future := "2020-01-01T00:00:00Z", "2200-01-01T00:00:00Z"
	at := func(s string) time.Time { w, _ := ParseTime(s); return w }
	for _, tt := range []struct {
		members string
		want    *Poll
	}{
		{`"content":"x"`, nil},
		{`"oneOf":[]`, nil},
		{`"oneOf":[],"anyOf":[{"name":"a"}]`, &Poll{Multiple: true, Options: []PollOption{{"a", 0}}, Voters: -1}},
		{`"oneOf":[{"name":"a","replies":{"totalItems":2}},{"type":"Place","name":"b"},{"name":""},null,7]`, &Poll{Options: []PollOption{{"a", 2}, {"b", 0}}, Voters: -1}},
		{`"oneOf":["a",{"nameMap":{"en":"b"}}],"votersCount":3`, &Poll{Options: []PollOption{{"a", 0}, {"b", 0}}, Voters: 3}},
		{`"oneOf":{"name":"a"}`, &Poll{Options: []PollOption{{"a", 0}}, Voters: -1}},
		{`"anyOf":[{"name":"a"}],"endTime":"` + future + `"`, &Poll{Multiple: true, Options: []PollOption{{"a", 0}}, Ends: at(future), Voters: -1}},
		{`"oneOf":[{"name":"a"}],"closed":true`, &Poll{Options: []PollOption{{"a", 0}}, Closed: true, Voters: -1}},
		{`"oneOf":[{"name":"a"}],"closed":false`, &Poll{Options: []PollOption{{"a", 0}}, Voters: -1}},
		{`"oneOf":[{"name":"a"}],"closed":"` + past + `"`, &Poll{Options: []PollOption{{"a", 0}}, Closed: true, Ends: at(past), Voters: -1}},
		{`"oneOf":[{"name":"a"}],"closed":"` + future + `","endTime":"whenever"`, &Poll{Options: []PollOption{{"a", 0}}, Ends: at(future), Voters: -1}},
		{`"oneOf":[{"name":"a","replies":{"totalItems":-5}},{"name":"b","replies":{"totalItems":1e400}},{"name":"c","replies":{"totalItems":1.5}},{"name":"d","replies":{"totalItems":"7"}},{"name":"e","replies":"https://a.test/r"}],"votersCount":18446744073709551616`,
			&Poll{Options: []PollOption{{"a", 0}, {"b", 1<<31 - 1}, {"c", 1}, {"d", 7}, {"e", 0}}, Voters: 1<<31 - 1}},
	} {
		if got := note(t, tt.members).Poll; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.members, got, tt.want)
		}
	}
	if got := note(t, `"oneOf":["`+strings.Repeat(`a","`, 1000)+`a"]`).Poll; len(got.Options) != maxOptions {
		t.Errorf("%d options, want %d", len(got.Options), maxOptions)
	}
}

// Traps 8 and 10: texts and their language.
func TestTexts(t *testing.T) {
	for _, tt := range []struct{ members, content, language string }{
		{`"content":"x"`, "x", ""},
		{`"content":null,"contentMap":{"de":"x"}`, "x", "de"},
		{`"content":"x","contentMap":{"de":"x"}`, "x", "de"},
		{`"content":"x","contentMap":{"en":"y","de":"x"}`, "x", "de"},
		{`"content":"x","contentMap":{"en":"y","de":"z"}`, "x", ""},
		{`"content":"x","contentMap":{"pt_BR":"changed"}`, "x", "pt-BR"},
		{`"content":"x","contentMap":{"und":"x"}`, "x", ""},
		{`"content":"x","contentMap":{"<script>":"x"}`, "x", ""},
		{`"content":"x","contentMap":"y"`, "x", ""},
		{`"content":["x","y"]`, "x", ""},
		{`"content":{"@value":"x","@language":"en"}`, "x", ""},
		{`"content":"x","language":{"identifier":"fr","name":"Français"}`, "x", "fr"},
		{`"content":"x","language":"fr"`, "x", "fr"},
		{`"content":"x","@context":["https://www.w3.org/ns/activitystreams",{"@language":"ja"}]`, "x", "ja"},
		{`"content":"x","@context":{"@language":"und"}`, "x", ""},
		{`"content":"x","@context":{"@language":"ja"},"contentMap":{"en":"x"}`, "x", "en"},
		{`"content":7`, "", ""},
		{`"content":"a\u0000b\\u0000"`, `ab\u0000`, ""},
	} {
		o := note(t, tt.members)
		if o.Content != tt.content || o.Language != tt.language {
			t.Errorf("%s: %q in %q, want %q in %q", tt.members, o.Content, o.Language, tt.content, tt.language)
		}
	}
	a, err := DecodeActivity([]byte(`{"@context":{"@language":"de"},"type":"Create","object":{"type":"Note","content":"x"}}`))
	if err != nil || a.Inline.Language != "de" {
		t.Errorf("the activity's @language is not that of the object: %+v, %v", a.Inline, err)
	}
	o := note(t, `"summary":"","name":null,"nameMap":{"en":"Title"},"source":{"content":"*x*","mediaType":"text/markdown"},"as:sensitive":true`)
	if o.Summary != "" || o.Name != "Title" || o.Source != "*x*" || o.SourceType != "text/markdown" || !o.Sensitive {
		t.Errorf("%+v", o)
	}
	if o := note(t, `"content":"x`+strings.Repeat("é", maxContent/2)+`"`); len(o.Content) != maxContent-1 || !strings.HasSuffix(o.Content, "é") {
		t.Errorf("cut to %d bytes, ending in half a letter", len(o.Content))
	}
}

func TestNULIsStrippedFromRaw(t *testing.T) {
	doc := []byte(`{"type":"Note","content":"a\u0000b","x":"\\u0000 \\\u0000"}`)
	o, err := DecodeObject(doc)
	if want := `{"type":"Note","content":"ab","x":"\\u0000 \\"}`; err != nil || string(o.Raw) != want {
		t.Errorf("Raw = %s, %v, want %s", o.Raw, err, want)
	}
}

func TestRawIsTheDocument(t *testing.T) {
	doc := []byte(" {\n \"type\": \"Create\", \"object\": { \"type\":\"Note\", \"unknown\" : {\"x:y\":1e3} } }\n")
	a, err := DecodeActivity(doc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Raw, bytes.TrimSpace(doc)) {
		t.Errorf("Raw = %s", a.Raw)
	}
	if want := `{ "type":"Note", "unknown" : {"x:y":1e3} }`; string(a.Inline.Raw) != want {
		t.Errorf("Inline.Raw = %s, want %s", a.Inline.Raw, want)
	}
}

func TestAttachments(t *testing.T) {
	for _, tt := range []struct {
		doc  string
		want []Attachment
	}{
		{`null`, nil},
		{`"https://a.test/x.png"`, []Attachment{{Type: "Document", URL: "https://a.test/x.png"}}},
		{`{"type":"Image","url":"https://a.test/x.png","mediaType":"image/png","name":"alt","width":3,"height":4,"blurhash":"L","focalPoint":[0.5,-2]}`,
			[]Attachment{{Type: "Image", MediaType: "image/png", URL: "https://a.test/x.png", Name: "alt", Width: 3, Height: 4, Blurhash: "L", Focus: [2]float64{0.5, -1}}}},
		{`{"type":"Document","url":[{"type":"Link","href":"https://a.test/x.png","mediaType":"image/png","width":3,"height":4}]}`,
			[]Attachment{{Type: "Document", MediaType: "image/png", URL: "https://a.test/x.png", Width: 3, Height: 4}}},
		{`{"type":"Link","href":"https://a.test/"}`, []Attachment{{Type: "Link", URL: "https://a.test/"}}},
		{`{"type":"Audio","url":"https://a.test/x.ogg","duration":"PT1M2.5S","icon":{"url":"https://a.test/i.png"},"summary":"alt"}`,
			[]Attachment{{Type: "Audio", URL: "https://a.test/x.ogg", Duration: 62.5, Preview: "https://a.test/i.png", Name: "alt"}}},
		{`[null,7,{"type":"Document"},{"type":"Document","url":[]},{"url":{"href":5}},{"url":"data:image/png;base64,AA"},{"type":"PropertyValue","name":"a","value":"b"}]`, nil},
		{`{"url":"https://a.test/x","width":-3,"height":"x","focalPoint":["a"],"duration":-1}`, []Attachment{{URL: "https://a.test/x"}}},
	} {
		if got := note(t, `"attachment":`+tt.doc).Attachments; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\n got %+v\nwant %+v", tt.doc, got, tt.want)
		}
	}
	if got := note(t, `"attachment":["`+strings.Repeat(`https://a.test/","`, 1000)+`https://a.test/"]`).Attachments; len(got) != maxAttachments {
		t.Errorf("%d attachments, want %d", len(got), maxAttachments)
	}
}

func TestTags(t *testing.T) {
	icon := `"icon":{"type":"Image","mediaType":"image/png","url":"https://a.test/e.png"}`
	blob := Tag{Type: "Emoji", Name: ":blob:", Icon: "https://a.test/e.png", IconType: "image/png"}
	for _, tt := range []struct {
		doc  string
		want []Tag
	}{
		{`{"type":"Mention","href":"https://b.test/bob","name":" @bob@b.test "}`, []Tag{{Type: "Mention", Href: bob0, Name: "@bob@b.test"}}},
		{`[{"type":"as:Hashtag","name":"#Go","href":"https://a.test/t/go"}]`, []Tag{{Type: "Hashtag", Name: "#Go", Href: "https://a.test/t/go"}}},
		{`{"type":"Emoji","name":"blob",` + icon + `}`, []Tag{blob}},
		{`{"type":"toot:Emoji","name":":blob:",` + icon + `}`, []Tag{blob}},
		{`[{"type":"Emoji","name":":a b:",` + icon + `},{"type":"Emoji","name":"::",` + icon + `},{"type":"Emoji","name":":../x:",` + icon + `},{"type":"Emoji","name":":ok:","icon":{"url":"javascript:1"}}]`, nil},
		{`["#x",null,7,{"name":"#x"}]`, nil},
		{`{"type":"Link","href":"https://a.test/1","rel":["a","b"],"mediaType":"text/html"}`, []Tag{{Type: "Link", Href: "https://a.test/1", Rel: []string{"a", "b"}, MediaType: "text/html"}}},
	} {
		if got := note(t, `"tag":`+tt.doc).Tags; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\n got %+v\nwant %+v", tt.doc, got, tt.want)
		}
	}
	if got := note(t, `"tag":[`+strings.Repeat(`{"type":"Mention"},`, 1000)+`{"type":"Mention"}]`).Tags; len(got) != maxTags {
		t.Errorf("%d tags, want %d", len(got), maxTags)
	}
}

// Trap 15: quotes, in the order in which they count.
func TestQuotes(t *testing.T) {
	link := func(rel, mediaType string) string {
		return `"tag":{"type":"Link","href":"https://b.test/q","rel":"` + rel + `","mediaType":"` + mediaType + `"}`
	}
	for _, tt := range []struct {
		members string
		want    IRI
	}{
		{`"quote":"https://b.test/q","quoteUrl":"https://b.test/r"`, "https://b.test/q"},
		{`"quote":{"type":"Note","id":"https://b.test/q"}`, "https://b.test/q"},
		{`"quoteUrl":"https://b.test/q"`, "https://b.test/q"},
		{`"quoteUri":"https://b.test/q"`, "https://b.test/q"},
		{`"fedibird:quoteUri":"https://b.test/q"`, "https://b.test/q"},
		{`"_misskey_quote":"https://b.test/q"`, "https://b.test/q"},
		{`"misskey:_misskey_quote":"https://b.test/q"`, "https://b.test/q"},
		{link(misskeyQuote, ""), "https://b.test/q"},
		{link("", "application/activity+json"), "https://b.test/q"},
		{link("", `application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"`), "https://b.test/q"},
		{link("", "application/ld+json"), ""},
		{link("alternate", "text/html"), ""},
		{`"quoteUrl":""`, ""},
	} {
		if got := note(t, tt.members).QuoteURL; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.members, got, tt.want)
		}
	}
}

func TestOtherMembers(t *testing.T) {
	o := note(t, `"inReplyTo":[{"type":"Note"},"https://b.test/1"],"context":{"id":"tag:a"},"conversation":"tag:b",
		"replies":{"id":"https://a.test/1/replies","totalItems":3},"likes":{"type":"Collection","totalItems":"4"},"shares":"https://a.test/1/shares",
		"former_type":"Note","deleted":"2026-03-01T12:00:00Z","icon":[{"type":"Image","url":{"href":"https://a.test/i"}}],"image":["data:x","https://a.test/j"],
		"startTime":"2026-03-01T12:00:00Z","duration":90,"audience":"https://c.test/c"`)
	o.Raw = nil
	want := &Object{ID: "https://a.test/1", Type: "Note", InReplyTo: "https://b.test/1", Conversation: "tag:a",
		Replies: "https://a.test/1/replies", RepliesCount: 3, LikesCount: 4, Shares: "https://a.test/1/shares", SharesCount: -1,
		FormerType: "Note", Deleted: noon, Icon: "https://a.test/i", Image: "https://a.test/j", StartTime: noon, Duration: 90, Audience: []IRI{"https://c.test/c"}}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("\n got %+v\nwant %+v", o, want)
	}
	if o := note(t, `"repliesCount":5`); o.RepliesCount != 5 || o.LikesCount != -1 {
		t.Errorf("replies %d, likes %d, want 5 and −1", o.RepliesCount, o.LikesCount)
	}
}

// Traps 14, 16, 21, 26: what an activity may have for an object.
func TestActivityObjects(t *testing.T) {
	for _, tt := range []struct {
		object  string
		id      IRI
		inline  string // Its type.
		nested  string
		objects int
	}{
		{`"https://b.test/1"`, "https://b.test/1", "", "", 0},
		{`null`, "", "", "", 0},
		{`[]`, "", "", "", 0},
		{`{}`, "", "", "", 0},
		{`{"id":"https://b.test/1"}`, "https://b.test/1", "", "", 0},
		{`["https://b.test/1"]`, "https://b.test/1", "", "", 0},
		{`["https://b.test/1","https://b.test/2"]`, "https://b.test/1", "", "", 2},
		{`[{"type":"Note","id":"https://b.test/1"},"https://b.test/2"]`, "https://b.test/1", "Note", "", 2},
		{`{"type":"Note","id":"https://b.test/1"}`, "https://b.test/1", "Note", "", 0},
		{`{"type":"Note"}`, "", "Note", "", 0},
		{`{"type":"Note","id":["https://b.test/1"]}`, "", "Note", "", 0},
		{`{"type":"Person","id":"https://b.test/1"}`, "https://b.test/1", "Person", "", 0},
		{`{"type":"Tombstone","id":"https://b.test/1"}`, "https://b.test/1", "Tombstone", "", 0},
		{`{"type":"Follow","id":"https://b.test/1","actor":"https://b.test/bob","object":"https://a.test/ann"}`, "https://b.test/1", "", "Follow", 0},
		{`{"type":"Follow","actor":"https://b.test/bob","object":"https://a.test/ann"}`, "", "", "Follow", 0},
		{`{"type":"Foo","actor":"https://b.test/bob","object":"https://a.test/ann"}`, "", "", "Foo", 0},
		{`{"type":"Collection","id":"https://b.test/1"}`, "https://b.test/1", "Collection", "", 0},
	} {
		a, err := DecodeActivity([]byte(`{"type":"Undo","actor":"https://b.test/bob","object":` + tt.object + `}`))
		if err != nil {
			t.Errorf("%s: %v", tt.object, err)
			continue
		}
		inline, nested := "", ""
		if a.Inline != nil {
			inline = a.Inline.Type
		}
		if a.Nested != nil {
			nested = a.Nested.Type
		}
		if a.Object != tt.id || inline != tt.inline || nested != tt.nested || len(a.Objects) != tt.objects {
			t.Errorf("%s: %q, inline %q, nested %q, %q", tt.object, a.Object, inline, nested, a.Objects)
		}
	}
}

func TestActivityActors(t *testing.T) {
	for actor, want := range map[string]IRI{
		`"https://b.test/bob"`:                          bob0,
		`{"type":"Person","id":"https://b.test/bob"}`:   bob0,
		`["https://b.test/bob","https://c.test/carol"]`: bob0,
		`{"type":"Person","preferredUsername":"bob"}`:   "",
		`"acct:bob@b.test"`:                             "",
		`null`:                                          "",
		`[["https://b.test/bob"]]`:                      "",
	} {
		a, err := DecodeActivity([]byte(`{"type":"Like","actor":` + actor + `}`))
		if err != nil || a.Actor != want {
			t.Errorf("actor %s = %q, %v, want %q", actor, a.Actor, err, want)
		}
	}
}

func TestReactions(t *testing.T) {
	for doc, want := range map[string]string{
		`{"type":"EmojiReact","content":"🔥"}`:                   "🔥",
		`{"type":"Like","content":"🔥","_misskey_reaction":"x"}`: "🔥",
		`{"type":"Like","_misskey_reaction":"pudding"}`:         "pudding",
		`{"type":"Like","misskey:_misskey_reaction":":blob:"}`:  ":blob:",
		`{"type":"Like"}`: "",
	} {
		if a, err := DecodeActivity([]byte(doc)); err != nil || a.Content != want {
			t.Errorf("%s: %q, %v, want %q", doc, a.Content, err, want)
		}
	}
}

func actorDoc(members string) []byte {
	return []byte(`{"id":"https://b.test/bob","type":"Person","preferredUsername":"bob","inbox":"https://b.test/bob/inbox",` + members + `}`)
}

// Traps 12, 25, 28: what belongs to an actor.
func TestActors(t *testing.T) {
	key := func(id, owner string) string {
		return `"publicKey":{"id":"` + id + `","owner":"` + owner + `","publicKeyPem":"PEM"}`
	}
	has := func(f func(a *Actor) any) func(a *Actor) any { return f }
	keys := has(func(a *Actor) any { return len(a.Keys) })
	for _, tt := range []struct {
		members string
		field   func(a *Actor) any
		want    any
	}{
		{key("https://b.test/bob#main-key", "https://b.test/bob"), keys, 1},
		{key("https://b.test/bob/main-key", "https://b.test/bob"), keys, 1},
		{key("https://b.test/bob", "https://b.test/bob"), keys, 1},
		{key("https://c.test/bob#main-key", "https://b.test/bob"), keys, 0},
		{key("https://b.test:8443/bob#main-key", "https://b.test/bob"), keys, 0},
		{key("https://b.test/bob#main-key", "https://b.test/eve"), keys, 0},
		{`"publicKey":{"id":"https://b.test/bob#k","publicKeyPem":"PEM"}`, keys, 1},
		{`"publicKey":[{"id":"https://b.test/bob#k","owner":"https://b.test/bob","publicKeyPem":"PEM"},{"id":"https://b.test/bob#l","owner":"https://b.test/bob","publicKeyPem":"PEM"}]`, keys, 2},
		{`"publicKey":{"id":"https://b.test/bob#k","owner":"https://b.test/bob","publicKeyPem":"` + strings.Repeat("A", maxPEM+1) + `"}`, keys, 0},
		{`"publicKey":"https://b.test/bob#main-key"`, keys, 0},
		{`"publicKey":{"id":"https://b.test/bob#k","owner":"https://b.test/bob"}`, keys, 0},
		{`"assertionMethod":[{"type":"Multikey","id":"https://b.test/bob#e","controller":"https://b.test/bob","publicKeyMultibase":"z6"}]`, func(a *Actor) any { return a.Keys[0].Multi }, "z6"},
		{`"endpoints":{"sharedInbox":"https://b.test/inbox"}`, func(a *Actor) any { return a.SharedInbox }, IRI("https://b.test/inbox")},
		{`"sharedInbox":"https://b.test/inbox"`, func(a *Actor) any { return a.SharedInbox }, IRI("https://b.test/inbox")},
		{`"endpoints":{"sharedInbox":"https://c.test/inbox"}`, func(a *Actor) any { return a.SharedInbox }, IRI("")},
		{`"followers":"https://c.test/eve/followers"`, func(a *Actor) any { return a.Followers }, IRI("")},
		{`"followers":{"id":"https://b.test/bob/followers","type":"Collection"}`, func(a *Actor) any { return a.Followers }, IRI("https://b.test/bob/followers")},
		{`"featured":"https://c.test/f"`, func(a *Actor) any { return a.Featured }, IRI("")},
		{`"icon":[{"type":"Image","url":"https://b.test/i","mediaType":"image/png","name":"me"}]`, func(a *Actor) any { return [3]string{string(a.Icon), a.IconType, a.IconDescription} }, [3]string{"https://b.test/i", "image/png", "me"}},
		{`"icon":{"type":"Image","url":"data:image/svg+xml,x"}`, func(a *Actor) any { return a.Icon }, IRI("")},
		{`"icon":null`, func(a *Actor) any { return a.Icon }, IRI("")},
		{`"url":[{"type":"Link","mediaType":"application/json","href":"https://b.test/j"},{"type":"Link","mediaType":"text/html","href":"https://b.test/@bob"}]`, func(a *Actor) any { return a.URL }, IRI("https://b.test/@bob")},
		{`"alsoKnownAs":"https://c.test/bob"`, func(a *Actor) any { return a.AlsoKnownAs }, []IRI{"https://c.test/bob"}},
		{`"alsoKnownAs":["did:plc:x",null,"",7,"https://c.test/bob","acct:bob@c.test"]`, func(a *Actor) any { return a.AlsoKnownAs }, []IRI{"https://c.test/bob"}},
		{`"toot:discoverable":true`, func(a *Actor) any { return *a.Discoverable }, true},
		{`"discoverable":"maybe"`, func(a *Actor) any { return a.Discoverable == nil }, true},
		{`"as:manuallyApprovesFollowers":true`, func(a *Actor) any { return a.Locked }, true},
		{`"attachment":[{"type":"schema:PropertyValue","name":"a","schema:value":"b"},{"type":"Link","href":"https://b.test/"},{"type":"PropertyValue","name":"","value":"x"},{"type":"PropertyValue","name":"c"}]`, func(a *Actor) any { return a.Fields }, []Field{{"a", "b"}, {"c", ""}}},
		{`"webfinger":"acct:bob@b.test"`, func(a *Actor) any { return a.Webfinger }, "bob@b.test"},
		{`"movedTo":"https://c.test/bob","memorial":true`, func(a *Actor) any { return [2]any{a.MovedTo, a.Memorial} }, [2]any{IRI("https://c.test/bob"), true}},
	} {
		a, err := DecodeActor(actorDoc(tt.members))
		if err != nil {
			t.Errorf("%s: %v", tt.members, err)
			continue
		}
		if got := tt.field(a); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.members, got, tt.want)
		}
		if err := a.Valid(); err != nil {
			t.Errorf("%s: Valid() = %v", tt.members, err)
		}
	}
}

func TestUnusableActors(t *testing.T) {
	for name, doc := range map[string]string{
		"no id":                  `{"type":"Person","preferredUsername":"bob","inbox":"https://b.test/inbox"}`,
		"empty name":             `{"id":"https://b.test/bob","type":"Person","preferredUsername":"","inbox":"https://b.test/inbox"}`,
		"name with newline":      `{"id":"https://b.test/bob","type":"Person","preferredUsername":"bob\nx","inbox":"https://b.test/inbox"}`,
		"name is a number":       `{"id":"https://b.test/bob","type":"Person","preferredUsername":7,"inbox":"https://b.test/inbox"}`,
		"type of something else": `{"id":"https://b.test/bob","type":"Note","preferredUsername":"bob","inbox":"https://b.test/inbox"}`,
	} {
		if a, err := DecodeActor([]byte(doc)); err == nil {
			t.Errorf("%s: decoded as %+v", name, a)
		}
	}
	a, err := DecodeActor([]byte(`{"id":"https://b.test/bob","type":"Person","name":"Only a new name"}`))
	if err != nil {
		t.Fatalf("a part of a profile: %v", err)
	}
	if err := a.Valid(); err == nil {
		t.Error("an actor without inbox and username is Valid")
	}
}

func TestCollections(t *testing.T) {
	c, err := DecodeCollection([]byte(`{"type":"OrderedCollection","id":"https://a.test/c","totalItems":"3",
		"first":{"type":"OrderedCollectionPage","id":"https://a.test/c?page=1","next":"https://a.test/c?page=2",
			"orderedItems":["https://a.test/1",{"type":"Note","id":"https://a.test/2"},{"id":"https://a.test/3"},null,7,{"type":"Note"},"x"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{{ID: "https://a.test/1"}, {"https://a.test/2", []byte(`{"type":"Note","id":"https://a.test/2"}`)}, {ID: "https://a.test/3"}, {"", []byte(`{"type":"Note"}`)}}
	if c.Total != 3 || c.First != "https://a.test/c?page=1" || c.FirstPage == nil || !reflect.DeepEqual(c.FirstPage.Items, want) || c.FirstPage.Next != "https://a.test/c?page=2" || c.FirstPage.Total != -1 {
		t.Errorf("%+v, first page %+v", c, c.FirstPage)
	}
	c, err = DecodeCollection([]byte(`{"type":"Collection","items":"https://a.test/1"}`))
	if err != nil || len(c.Items) != 1 || c.Total != -1 {
		t.Errorf("a lone item: %+v, %v", c, err)
	}
	c, err = DecodeCollection([]byte(`{"type":"Collection","items":["` + strings.Repeat(`https://a.test/1","`, maxItems) + `https://a.test/1"]}`))
	if err != nil || len(c.Items) != maxItems {
		t.Errorf("%d items, %v, want %d", len(c.Items), err, maxItems)
	}
	// A page that holds itself must not be unfolded without end.
	nested := strings.Repeat(`{"type":"OrderedCollection","first":`, 15) + `"https://a.test/"` + strings.Repeat("}", 15)
	if _, err := DecodeCollection([]byte(nested)); err != nil {
		t.Error(err)
	}
}

func TestErrorsShowNoInternals(t *testing.T) {
	for _, doc := range []string{``, `[]`, `{"a":1,"a":2}`, "\xff", `{"type":5}`, `{"id":"x"}`} {
		_, err := DecodeActivity([]byte(doc))
		status, text := fault.Public(err)
		if status != 400 && status != 422 || strings.Contains(text, "jsontext") {
			t.Errorf("%q: %d %s", doc, status, text)
		}
	}
}
