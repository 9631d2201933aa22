package vocab

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"kenoma/internal/fault"
)

// seeds adds our documents, and short ones for what they lack.
func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds in testdata: %v", err)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	for _, doc := range []string{
		`{}`, `[]`, `{"type":"Note"}`, `{"@id":"https://a.test/1","as:type":"as:Note"}`, `{"type":"Create","\u0061ctor":"https:\/\/a.test\/"}`,
		`{"type":["Note","Create"],"to":[[]],"url":{"href":[]},"content":"\u0000\ud83d\ude00"}`, `{"type":"Collection","first":{"type":"Collection","first":{}}}`,
		`{"type":"Undo","object":{"type":"Undo","object":{"type":"Undo","object":["https://a.test/1"]}}}`, `{"type":"Question","oneOf":["a"],"closed":1e400}`,
	} {
		f.Add([]byte(doc))
	}
}

// sound fails unless an error is one for strangers, and unless a decoded document
// is within the bounds, without U+0000 and reads the same a second time.
func sound[T any](t *testing.T, doc []byte, decode func([]byte) (*T, error), raw func(*T) []byte) *T {
	t.Helper()
	before := bytes.Clone(doc)
	x, err := decode(doc)
	if !bytes.Equal(before, doc) {
		t.Fatal("the document was changed")
	}
	if err != nil {
		if k := fault.KindOf(err); k != fault.Malformed && k != fault.Invalid && k != fault.TooLarge || x != nil {
			t.Fatalf("error of kind %s (%v) with %v", k, err, x)
		}
		return nil
	}
	again, err := decode(raw(x))
	if err != nil || !reflect.DeepEqual(again, x) {
		t.Fatalf("read a second time:\n%+v (%v)\nfirst\n%+v", again, err, x)
	}
	if !json.Valid(raw(x)) {
		t.Fatalf("Raw is not JSON: %q", raw(x))
	}
	checkValues(t, reflect.ValueOf(x).Elem())
	return x
}

// checkValues walks through a decoded document.
func checkValues(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			checkValues(t, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				checkValues(t, v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 && v.Len() > maxItems {
			t.Fatalf("%d entries in a %s", v.Len(), v.Type())
		}
		for i := range v.Len() {
			checkValues(t, v.Index(i))
		}
	case reflect.String:
		s := v.String()
		if len(s) > maxContent || bytes.IndexByte([]byte(s), 0) >= 0 {
			t.Fatalf("a text of %d bytes, or with U+0000", len(s))
		}
		if iri, ok := v.Interface().(IRI); ok && iri != "" && iri.Valid() != nil {
			t.Fatalf("an unusable IRI: %q", iri)
		}
	}
}

func FuzzDecodeActivity(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		a := sound(t, doc, DecodeActivity, func(a *Activity) []byte { return a.Raw })
		if a == nil {
			return
		}
		bare, err := WithoutObject(a.Raw)
		if err != nil {
			t.Fatal(err)
		}
		b, err := DecodeActivity(bare)
		if err != nil || b.Object != a.Object || b.Actor != a.Actor || b.Type != a.Type {
			t.Fatalf("without its object it is another activity: %+v, %v", b, err)
		}
		if a.Inline != nil && a.Inline.ID != "" && len(a.Objects) == 0 {
			whole, err := WithObject(bare, a.Inline.Raw)
			if err != nil || !bytes.Equal(whole, a.Raw) {
				t.Fatalf("parted and joined:\n%s (%v)\nwas\n%s", whole, err, a.Raw)
			}
		}
		if _, err := DecodeActivity(EncodeActivity(a, nil)); err != nil {
			t.Fatalf("encoded: %v", err)
		}
	})
}

func FuzzDecodeObject(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		o := sound(t, doc, DecodeObject, func(o *Object) []byte { return o.Raw })
		if o == nil || len(doc) > 1000 {
			return
		}
		if got, err := DecodeObject(o.Encode()); err != nil || got.ID != o.ID || got.Content != o.Content || !reflect.DeepEqual(got.To, o.To) {
			t.Fatalf("encoded: %+v, %v, want %+v", got, err, o)
		}
	})
}

func FuzzDecodeActor(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		a := sound(t, doc, DecodeActor, func(a *Actor) []byte { return a.Raw })
		if a == nil {
			return
		}
		got, err := DecodeActor(a.Encode())
		if err != nil || got.ID != a.ID || got.PreferredUsername != a.PreferredUsername || got.SharedInbox != a.SharedInbox {
			t.Fatalf("encoded: %+v, %v, want %+v", got, err, a)
		}
	})
}

func FuzzDecodeCollection(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		sound(t, doc, DecodeCollection, func(c *Collection) []byte { return c.Raw })
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-03-01T12:00:00Z", "2026-03-01 14:00:00 +0200", "9999-12-31T23:59:59.999999999+23:59", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if when, err := ParseTime(s); err == nil {
			if got := ClampTime(when, noon); got.Before(Earliest) || got.After(noon) {
				t.Fatalf("%q is clamped to %v", s, got)
			}
		}
		if d := parseDuration(s); !(d >= 0 && d <= maxDuration) {
			t.Fatalf("%q lasts %v", s, d)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"https://a.test:443/", "http://rémote.example", "https://[::1]:80", "https://a@b.test", "HTTPS://A\\@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host := IRI(s).Host()
		if host == "" {
			return
		}
		if again := IRI("https://" + host).Host(); again != host {
			t.Fatalf("the host of %q is %q, whose host is %q", s, host, again)
		}
	})
}

func BenchmarkDecodeCreate(b *testing.B) {
	doc, err := os.ReadFile("testdata/create-note.json")
	if err != nil {
		b.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, doc); err != nil {
		b.Fatal(err)
	}
	doc = compact.Bytes()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeActivity(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeCreate(b *testing.B) {
	o := post()
	a := &Activity{ID: "https://a.test/activities/1", Type: "Create", Actor: ann, To: o.To, Cc: o.Cc, Published: noon}
	b.ReportAllocs()
	for b.Loop() {
		EncodeActivity(a, o.Encode())
	}
}
