package vocab

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	ann       IRI = "https://a.test/users/ann"
	followers IRI = "https://a.test/users/ann/followers"
	bob       IRI = "https://b.test/users/bob"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// post is a Note with everything that Encode writes.
func post() *Object {
	return &Object{
		ID: "https://a.test/objects/1", Type: "Note", AttributedTo: []IRI{ann},
		To: []IRI{Public}, Cc: []IRI{followers, bob}, Audience: []IRI{"https://c.test/c/main"},
		Summary: "cw \"quoted\"", Content: "<p>Hello, wörld \u2028 🎉</p>", Language: "pt-BR",
		Source: "Hello", SourceType: "text/markdown", URL: "https://a.test/@ann/1",
		InReplyTo: "https://b.test/notes/1", Conversation: "https://a.test/contexts/1", Context: "https://a.test/contexts/1",
		QuoteURL: "https://b.test/notes/2", QuoteAuthorization: "https://b.test/auth/1", Sensitive: true,
		Published: noon, Updated: noon.Add(1500 * time.Millisecond),
		Attachments: []Attachment{
			{Type: "Document", MediaType: "image/png", URL: "https://a.test/m/1.png", Name: "alt", Blurhash: "LKO2", Width: 3, Height: 4, Focus: [2]float64{-0.5, 1}},
			{Type: "Video", MediaType: "video/mp4", URL: "https://a.test/m/1.mp4", Duration: 12.5, Preview: "https://a.test/m/1.jpg", Sensitive: true},
			{Type: "Link", URL: "https://c.test/"},
		},
		Tags: []Tag{
			{Type: "Mention", Name: "@bob@b.test", Href: bob},
			{Type: "Hashtag", Name: "#go", Href: "https://a.test/tags/go"},
			{Type: "Emoji", Name: ":blob:", ID: "https://a.test/emoji/blob", Icon: "https://a.test/e.png", IconType: "image/png", Updated: noon},
			{Type: "Link", Name: "RE", Href: "https://b.test/notes/2", MediaType: "application/activity+json", Rel: []string{misskeyQuote}},
		},
		Replies: "https://a.test/objects/1/replies", Likes: "https://a.test/objects/1/likes", Shares: "https://a.test/objects/1/shares",
		RepliesCount: -1, LikesCount: 3, SharesCount: -1,
	}
}

func TestObjectRoundTrip(t *testing.T) {
	empty := &Object{RepliesCount: -1, LikesCount: -1, SharesCount: -1}
	with := func(change func(o *Object)) *Object {
		o := *empty
		o.ID, o.AttributedTo, o.To = "https://a.test/objects/1", []IRI{ann}, []IRI{Public}
		change(&o)
		return &o
	}
	for name, o := range map[string]*Object{
		"note": post(),
		"open poll": with(func(o *Object) {
			o.Type, o.Content = "Question", "?"
			o.Poll = &Poll{Multiple: true, Options: []PollOption{{"a", 2}, {"b", 0}}, Ends: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond), Voters: 2}
			o.EndTime = o.Poll.Ends
		}),
		"closed poll": with(func(o *Object) {
			o.Type, o.Content = "Question", "?"
			o.Poll = &Poll{Options: []PollOption{{"a", 2}}, Ends: noon, Closed: noon.Before(time.Now()), Voters: -1}
			o.EndTime = noon
		}),
		"poll without end": with(func(o *Object) {
			o.Type, o.Content = "Question", "?"
			o.Poll = &Poll{Options: []PollOption{{"a", 2}}, Closed: true, Voters: 0}
		}),
		"article": with(func(o *Object) {
			o.Type, o.Name, o.Summary, o.Content = "Article", "Title", "Excerpt", "<p>x</p>"
			o.Image = "https://a.test/i.png"
		}),
		"event":     with(func(o *Object) { o.Type, o.StartTime, o.EndTime, o.Duration = "Event", noon, noon.Add(time.Hour), 3600 }),
		"vote":      with(func(o *Object) { o.Type, o.Name, o.InReplyTo = "Note", "a", "https://b.test/q/1" }),
		"tombstone": {ID: "https://a.test/objects/1", Type: "Tombstone", FormerType: "Note", Deleted: noon, RepliesCount: -1, LikesCount: -1, SharesCount: -1},
	} {
		t.Run(name, func(t *testing.T) {
			doc := o.Encode()
			got, err := DecodeObject(doc)
			if err != nil {
				t.Fatalf("DecodeObject(%s): %v", doc, err)
			}
			if !bytes.Equal(got.Raw, doc) {
				t.Errorf("Raw = %s, want the document", got.Raw)
			}
			got.Raw = nil
			if !reflect.DeepEqual(got, o) {
				t.Errorf("document %s\n got %+v\nwant %+v", doc, got, o)
			}
			if again := o.Encode(); !bytes.Equal(again, doc) {
				t.Errorf("the second encoding differs:\n%s\n%s", doc, again)
			}
		})
	}
}

func TestVoteHasNoContent(t *testing.T) {
	o := &Object{ID: "https://a.test/v/1", Type: "Note", Name: "a", InReplyTo: "https://b.test/q/1"}
	if doc := o.Encode(); bytes.Contains(doc, []byte(`"content"`)) {
		t.Errorf("a vote must have no content, got %s", doc)
	}
}

func TestActorRoundTrip(t *testing.T) {
	yes, no := true, false
	a := &Actor{
		ID: ann, Type: "Service", Bot: true, PreferredUsername: "ann", Name: "Ann :blob:", Summary: "<p>Hi</p>", URL: "https://a.test/@ann",
		Icon: "https://a.test/i.png", Image: "https://a.test/h.png", IconType: "image/png", ImageType: "image/png",
		IconDescription: "me", ImageDescription: "sea", Inbox: ann + "/inbox", Outbox: ann + "/outbox", SharedInbox: "https://a.test/inbox",
		Followers: followers, Following: ann + "/following", Featured: ann + "/collections/featured", FeaturedTags: ann + "/collections/tags",
		Keys: []PublicKey{
			{ID: ann + "#main-key", Owner: ann, PEM: "-----BEGIN PUBLIC KEY-----\nx\n"},
			{ID: ann + "#ed25519", Owner: ann, Multi: "z6Mk"},
		},
		Locked: true, Discoverable: &yes, Indexable: &no, Memorial: true, MovedTo: bob, AlsoKnownAs: []IRI{bob},
		Fields:    []Field{{"Web", "<a href=\"https://a.test\">a</a>"}, {"Empty", ""}},
		Tags:      []Tag{{Type: "Emoji", Name: ":blob:", ID: "https://a.test/emoji/blob", Icon: "https://a.test/e.png"}},
		Published: noon, Updated: noon, Webfinger: "ann@a.test",
	}
	doc := a.Encode()
	got, err := DecodeActor(doc)
	if err != nil {
		t.Fatal(err)
	}
	got.Raw = nil
	if !reflect.DeepEqual(got, a) {
		t.Errorf("document %s\n got %+v\nwant %+v", doc, got, a)
	}
	if err := got.Valid(); err != nil {
		t.Errorf("Valid() = %v, want nil", err)
	}
}

func TestActivityRoundTrip(t *testing.T) {
	create := &Activity{ID: "https://a.test/activities/1", Type: "Create", Actor: ann, To: []IRI{Public}, Cc: []IRI{followers}, Published: noon}
	doc := EncodeActivity(create, post().Encode())
	got, err := DecodeActivity(doc)
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	if got.Object != post().ID || got.Inline == nil || got.Nested != nil {
		t.Fatalf("object = %q, inline %v, nested %v", got.Object, got.Inline, got.Nested)
	}
	got.Inline.Raw = nil
	if !reflect.DeepEqual(got.Inline, post()) {
		t.Errorf("inline\n got %+v\nwant %+v", got.Inline, post())
	}
	if n := bytes.Count(doc, []byte("@context")); n != 1 {
		t.Errorf("%d contexts in %s", n, doc)
	}

	for name, a := range map[string]*Activity{
		"like":     {ID: "https://a.test/activities/2", Type: "Like", Actor: ann, Object: "https://b.test/notes/1", To: []IRI{bob}},
		"reaction": {ID: "https://a.test/activities/2", Type: "Like", Actor: ann, Object: "https://b.test/notes/1", Content: ":blob:", Tags: post().Tags[2:3]},
		"flag":     {ID: "https://a.test/activities/2", Type: "Flag", Actor: ann, Object: bob, Objects: []IRI{bob, "https://b.test/notes/1"}, Content: "spam"},
		"move":     {ID: "https://a.test/activities/2", Type: "Move", Actor: ann, Object: ann, Target: bob, To: []IRI{followers}, Cc: []IRI{bob}, Audience: []IRI{bob, ann}},
		"block":    {ID: "https://a.test/activities/2", Type: "Block", Actor: ann, Object: bob, Summary: "why", EndTime: noon, Origin: ann, Result: bob, Instrument: ann},
	} {
		t.Run(name, func(t *testing.T) {
			doc := EncodeActivity(a, nil)
			got, err := DecodeActivity(doc)
			if err != nil {
				t.Fatal(err)
			}
			got.Raw = nil
			if !reflect.DeepEqual(got, a) {
				t.Errorf("document %s\n got %+v\nwant %+v", doc, got, a)
			}
		})
	}
}

func TestNestedActivityRoundTrip(t *testing.T) {
	follow := &Activity{ID: "https://a.test/follows/1", Type: "Follow", Actor: ann, Object: bob}
	undo := &Activity{ID: "https://a.test/undos/1", Type: "Undo", Actor: ann, To: []IRI{bob}}
	got, err := DecodeActivity(EncodeActivity(undo, EncodeActivity(follow, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Inline != nil || got.Nested == nil {
		t.Fatalf("inline %v, nested %v, want only the latter", got.Inline, got.Nested)
	}
	got.Nested.Raw = nil
	if got.Object != follow.ID || !reflect.DeepEqual(got.Nested, follow) {
		t.Errorf("object %q, nested %+v, want %+v", got.Object, got.Nested, follow)
	}
}

func TestCollectionRoundTrip(t *testing.T) {
	note := post()
	inline, _ := splitContext(note.Encode())
	page := &Collection{ID: "https://a.test/c?page=1", Type: "OrderedCollectionPage", Total: 2, PartOf: "https://a.test/c", Next: "https://a.test/c?page=2", Prev: "https://a.test/c?page=0",
		Items: []Item{{ID: bob}, {ID: note.ID, Raw: inline}}}
	for name, c := range map[string]*Collection{
		"with pages": {ID: "https://a.test/c", Type: "OrderedCollection", Total: 2, First: "https://a.test/c?page=1", Last: "https://a.test/c?page=9"},
		"page":       page,
		"inline page": {ID: "https://a.test/c", Type: "Collection", Total: -1, First: page.ID,
			FirstPage: &Collection{ID: page.ID, Type: "CollectionPage", Total: -1, Items: []Item{{ID: ann}}}},
		"items":   {ID: "https://a.test/c", Type: "Collection", Total: 1, Items: []Item{{ID: ann}}},
		"counted": {ID: "https://a.test/c", Type: "OrderedCollection", Total: 7},
	} {
		t.Run(name, func(t *testing.T) {
			doc := EncodeCollection(c)
			got, err := DecodeCollection(doc)
			if err != nil {
				t.Fatalf("%s: %v", doc, err)
			}
			got.Raw = nil
			if got.FirstPage != nil {
				got.FirstPage.Raw = nil
			}
			if !reflect.DeepEqual(got, c) {
				t.Errorf("document %s\n got %+v\nwant %+v", doc, got, c)
			}
		})
	}
	t.Run("items with a context", func(t *testing.T) {
		doc := EncodeCollection(&Collection{ID: "https://a.test/c", Type: "OrderedCollectionPage", Total: -1}, Item{note.ID, note.Encode()}, Item{note.ID, note.Encode()})
		if n := bytes.Count(doc, []byte("@context")); n != 1 {
			t.Errorf("%d contexts in %s", n, doc)
		}
	})
	t.Run("empty list", func(t *testing.T) {
		for want, c := range map[string]*Collection{
			`,"orderedItems":[]}`: {ID: "https://a.test/c", Type: "OrderedCollection", Items: []Item{}},
			`,"totalItems":0}`:    {ID: "https://a.test/c", Type: "OrderedCollection"},
		} {
			if doc := string(EncodeCollection(c)); !strings.HasSuffix(doc, want) {
				t.Errorf("%s, want it to end with %s", doc, want)
			}
		}
	})
}

func TestWithoutAndWithObject(t *testing.T) {
	for _, tt := range []struct{ name, doc, without string }{
		{"spaces and order stay", `{ "object" : { "id":"https://a.test/1","type":"Note" } , "type":"Create","x":[1, 2] }`, `{ "object" : "https://a.test/1" , "type":"Create","x":[1, 2] }`},
		{"a list of one", `{"type":"Create","object":[{"id":"https://a.test/1","type":"Note"}]}`, `{"type":"Create","object":["https://a.test/1"]}`},
		{"an id already", `{"type":"Like","object":"https://a.test/1"}`, `{"type":"Like","object":"https://a.test/1"}`},
		{"no id to put there", `{"type":"Create","object":{"type":"Note"}}`, `{"type":"Create","object":{"type":"Note"}}`},
		{"several", `{"type":"Flag","object":["https://a.test/1","https://a.test/2"]}`, `{"type":"Flag","object":["https://a.test/1","https://a.test/2"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := WithoutObject([]byte(tt.doc))
			if err != nil || string(got) != tt.without {
				t.Errorf("WithoutObject(%s) = %s, %v, want %s", tt.doc, got, err, tt.without)
			}
		})
	}

	create := EncodeActivity(&Activity{ID: "https://a.test/activities/1", Type: "Create", Actor: ann, To: []IRI{Public}}, post().Encode())
	wrapper, err := WithoutObject(create)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := WithObject(wrapper, post().Encode())
	if err != nil || !bytes.Equal(whole, create) {
		t.Errorf("joined again it is\n%s (%v), want\n%s", whole, err, create)
	}

	foreign := []byte(`{"id":"https://b.test/1","@context":"https://b.test/ns"}`)
	whole, err = WithObject(wrapper, foreign)
	if err != nil || !bytes.Contains(whole, foreign) {
		t.Errorf("another @context must stay: %s, %v", whole, err)
	}
	if _, err := WithObject([]byte(`{"type":"Create"}`), foreign); err == nil {
		t.Error("an activity without an object was joined with one")
	}
	if _, err := WithObject(wrapper, []byte(`[]`)); err == nil {
		t.Error("a list was taken for an object")
	}
}

func TestSplitContext(t *testing.T) {
	for _, tt := range []struct{ doc, without, context string }{
		{`{"@context":"x","a":1}`, `{"a":1}`, `"x"`},
		{`{ "a":1 , "@context" : ["x"] }`, `{ "a":1 }`, `["x"]`},
		{`{"a":1,"@context":{},"b":2}`, `{"a":1,"b":2}`, `{}`},
		{`{"@context":null}`, `{"@context":null}`, ``},
		{`{"a":{"@context":"x"}}`, `{"a":{"@context":"x"}}`, ``},
		{`{"@context":` + objectContext + `,"a":1}`, `{"a":1}`, objectContext},
	} {
		without, context := splitContext([]byte(tt.doc))
		if string(without) != tt.without || string(context) != tt.context {
			t.Errorf("splitContext(%s) = %s, %s, want %s, %s", tt.doc, without, context, tt.without, tt.context)
		}
	}
}

// A type of an extension needs its context also where nothing else does.
func TestContextDefinesType(t *testing.T) {
	for typ, want := range map[string]string{"Like": plainContext, "QuoteRequest": activityContext, "EmojiReact": activityContext} {
		_, got := splitContext(EncodeActivity(&Activity{ID: "https://a.test/1", Type: typ, Actor: ann, Object: bob}, nil))
		if string(got) != want {
			t.Errorf("%s has the context %s, want %s", typ, got, want)
		}
	}
}

// The contexts are pasted into documents, so they must be JSON.
func TestContexts(t *testing.T) {
	for _, c := range []string{plainContext, activityContext, objectContext, actorContext} {
		if !json.Valid([]byte(c)) {
			t.Errorf("not JSON: %s", c)
		}
	}
}

func TestNULIsNotSent(t *testing.T) {
	doc := (&Object{ID: "https://a.test/1", Type: "Note", Content: "a\x00b\xffc"}).Encode()
	if !json.Valid(doc) || bytes.Contains(doc, []byte(`\u0000`)) {
		t.Errorf("got %s", doc)
	}
}
