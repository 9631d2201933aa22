package proof

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/interoptest"
	"kenoma/internal/vocab"
)

var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func linkedKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// reply is a document in the shape of Mastodon's.
const reply = `{"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#","conversation":"ostatus:conversation","sensitive":"as:sensitive",` +
	`"toot":"http://joinmastodon.org/ns#","votersCount":"toot:votersCount","Hashtag":"as:Hashtag","focalPoint":{"@container":"@list","@id":"toot:focalPoint"},"blurhash":"toot:blurhash"}],` +
	`"id":"https://b.test/1/activity","type":"Create","actor":"https://b.test/users/bob","published":"2026-11-01T00:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],` +
	`"cc":["https://b.test/users/bob/followers","https://a.test/users/ann"],"object":{"id":"https://b.test/1","type":"Note","summary":null,"inReplyTo":"https://a.test/objects/1",` +
	`"published":"2026-11-01T00:00:00Z","url":"https://b.test/@bob/1","attributedTo":"https://b.test/users/bob","to":["https://www.w3.org/ns/activitystreams#Public"],` +
	`"cc":["https://b.test/users/bob/followers","https://a.test/users/ann"],"sensitive":false,"conversation":"tag:a.test,2026:1","content":"<p>Yes</p>","contentMap":{"en":"<p>Yes</p>"},` +
	`"attachment":[{"type":"Document","mediaType":"image/png","url":"https://b.test/1.png","name":"A cat","blurhash":"abc","focalPoint":[0.5,-0.25],"width":10,"height":20}],` +
	`"tag":[{"type":"Mention","href":"https://a.test/users/ann","name":"@ann@a.test"},{"type":"Hashtag","href":"https://b.test/tags/cats","name":"#cats"}],` +
	`"replies":{"id":"https://b.test/1/replies","type":"Collection","first":{"type":"CollectionPage","next":"https://b.test/1/replies?page=2","partOf":"https://b.test/1/replies","items":[]}}}}`

func linkedDoc(t testing.TB, doc string) string {
	t.Helper()
	signed, err := SignLinked([]byte(doc), "https://b.test/users/bob#main-key", linkedKey(t), now)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func verifyLinked(t testing.TB, doc string) ([]byte, error) {
	t.Helper()
	l, err := FindLinked([]byte(doc))
	if err != nil || l == nil {
		return nil, err
	}
	return l.Verify(linkedKey(t).Public(), now)
}

// What comes out of the verification reads like the document that was signed.
func TestLinkedReadsAlike(t *testing.T) {
	plain, err := verifyLinked(t, linkedDoc(t, reply))
	if err != nil {
		t.Fatal(err)
	}
	want, err := vocab.DecodeActivity([]byte(reply))
	if err != nil {
		t.Fatal(err)
	}
	got, err := vocab.DecodeActivity(plain)
	if err != nil {
		t.Fatalf("%v: %s", err, plain)
	}
	for _, a := range []*vocab.Activity{want, got} {
		a.Raw, a.Inline.Raw = nil, nil
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if string(a) != string(b) {
		t.Errorf("read as\n%s\nwant\n%s", b, a)
	}
}

func TestLinkedTampering(t *testing.T) {
	signed := linkedDoc(t, reply)
	edit := func(pairs ...string) string {
		s := strings.NewReplacer(pairs...).Replace(signed)
		if s == signed {
			t.Fatalf("nothing changed by %q", pairs)
		}
		return s
	}
	for _, tt := range []struct {
		name, doc string
		ok        bool
		without   string // Must not be in what is read.
	}{
		{"as it is", signed, true, ""},
		{"spaces", edit(`,"type"`, ` , "type"`), true, ""},
		{"nulls left out", edit(`"summary":null,`, ""), true, ""},
		{"a list of one for a value", edit(`"content":"<p>Yes</p>"`, `"content":["<p>Yes</p>"]`), true, ""},
		{"a member that no context defines", edit(`"sensitive":false`, `"sensitive":false,"forged":"x","quoteUri":"https://c.test/1"`), true, "c.test"},
		{"content", edit(`"content":"<p>Yes`, `"content":"<p>No`), false, ""},
		{"an addressee less", edit(`"https://b.test/users/bob/followers",`, ""), false, ""},
		{"another time", edit(`"created":"2026-11-28`, `"created":"2026-11-27`), false, ""},
		{"another key's name", edit("#main-key", "#other-key"), false, ""},
		{"a context that swaps names", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","summary":null,"forged":"as:summary"`, `"summary":null`, `"summary":"forged"`), true, "forged"},
		{"a context that renames content", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","text":"as:content","content":null`, `"content":"<p>Yes</p>"`, `"content":"<p>forged</p>","text":"<p>Yes</p>"`), true, "forged"},
		{"a language that is none", edit(`"contentMap":{"en"`, `"contentMap":{"x y":"forged","en"`), false, ""},
		{"a graph", edit(`"object":{`, `"@graph":[],"object":{`), false, ""},
		{"included", edit(`"object":{`, `"@included":[],"object":{`), false, ""},
		{"reverse", edit(`"object":{`, `"@reverse":{},"object":{`), false, ""},
		{"another name for reverse", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","back":"@reverse"`), false, ""},
		{"another name for included", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","back":{"@id":"@included"}`), false, ""},
		{"a term that goes back", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","objectOf":{"@reverse":"as:object"}`), false, ""},
		{"a context inside a term", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","x":{"@id":"as:x","@context":{}}`), false, ""},
		{"an index", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","x":{"@id":"as:tag","@container":"@index"}`), false, ""},
		{"an imported context", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","@import":"https://c.test/"`), false, ""},
		{"a base", edit(`"Hashtag":"as:Hashtag"`, `"Hashtag":"as:Hashtag","@base":"https://c.test/"`), false, ""},
		{"a context of theirs", edit(`["https://www.w3.org/ns/activitystreams"`, `["https://www.w3.org/ns/activitystreams","https://c.test/context"`), false, ""},
		{"a context that forgets", edit(`"object":{`, `"object":{"@context":null,`), false, ""},
		{"an address that is none", edit(`"url":"https://b.test/@bob/1"`, `"url":["https://b.test/@bob/1","x y"]`), false, ""},
		{"the object in two places", edit(`"object":{`, `"target":{"id":"https://b.test/1","name":"x"},"object":{`), false, ""},
		{"the root turned round", `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://b.test/1","context":{"id":"https://b.test/1/activity","object":"https://b.test/1"},` + signed[strings.Index(signed, `"signature":`):], false, ""},
		{"no id", edit(`"id":"https://b.test/1/activity",`, ""), false, ""},
		{"many nameless ones alike", edit(`"tag":[`, `"tag":[{"type":"Note","attachment":[`+strings.Repeat(`{"type":"Note"},`, 12)+`{"type":"Note"}]},`), false, ""},
		{"nameless ones in each other", edit(`"tag":[`, `"tag":[`+strings.Repeat(`{"type":"Note","attachment":`, 6)+`1`+strings.Repeat(`}`, 6)+`,`), false, ""},
		{"large", edit(`"<p>Yes</p>"`, `"`+strings.Repeat("x", maxLinked)+`"`), false, ""},
		{"options that are no text", edit(`"creator":"https://b.test`, `"nonce":{"a":1},"creator":"https://b.test`), false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			plain, err := verifyLinked(t, tt.doc)
			if (err == nil && plain != nil) != tt.ok {
				t.Fatalf("Verify = %s, %v; want ok %t", plain, err, tt.ok)
			}
			if tt.without != "" && strings.Contains(string(plain), tt.without) {
				t.Errorf("what was not signed is read: %s", plain)
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("it took %s", d)
			}
		})
	}
	l, err := FindLinked([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Verify(fepKey(t), now); err == nil {
		t.Error("a key of another kind verifies")
	}
	if _, err := l.Verify(linkedKey(t).Public(), now.Add(-2*time.Hour)); err == nil {
		t.Error("a signature of the future verifies")
	}
	if l.Creator() != "https://b.test/users/bob#main-key" {
		t.Errorf("Creator = %s", l.Creator())
	}
	for _, doc := range []string{reply, `{"signature":1}`, `{"signature":{"type":"Other"}}`} {
		if l, err := FindLinked([]byte(doc)); l != nil || err != nil {
			t.Errorf("%s: %v, %v", doc, l, err)
		}
	}
	for _, doc := range []string{"[]", edit(`"creator":"https:`, `"creator":"did:`), edit(`"created":"`, `"created":"x`), edit(`"signatureValue":"`, `"signatureValue":"?`)} {
		if l, err := FindLinked([]byte(doc)); err == nil {
			t.Errorf("%s: %v", doc, l)
		}
	}
}

// Signatures that Mastodon made, with the keys of their actors.
func TestLinkedOfOthers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(interoptest.Dir(t), "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		l, err := FindLinked(doc)
		if err != nil || l == nil {
			continue
		}
		n++
		// The keys are not here: that it can be brought into its canonical form is what there is to see.
		if _, err := l.Verify(linkedKey(t).Public(), now); err == nil {
			t.Errorf("%s verifies with a key of ours", file)
		} else if !strings.Contains(err.Error(), "this key") {
			t.Logf("%s: %v", file, err)
		}
	}
	if n < 20 {
		t.Errorf("only %d documents are signed", n)
	}
}

// A document may have a proof and a signature; each is good beside the other.
func TestBothSignatures(t *testing.T) {
	proven, err := fepSigner(t).Sign([]byte(reply), now)
	if err != nil {
		t.Fatal(err)
	}
	both := linkedDoc(t, string(proven))
	p, err := Find([]byte(both))
	if err != nil || p.Verify(fepKey(t), now) != nil {
		t.Errorf("the proof does not verify: %v", err)
	}
	plain, err := verifyLinked(t, both)
	if err != nil || strings.Contains(string(plain), "proofValue") {
		t.Errorf("the signature does not verify: %s, %v", plain, err)
	}
	for _, changed := range []string{strings.Replace(both, "<p>Yes", "<p>No", 1), strings.Replace(both, "assertionMethod", "authentication", 1)} {
		if plain, err := verifyLinked(t, changed); err == nil {
			t.Errorf("changed, it is read as %s", plain)
		}
	}
	other, err := fepSigner(t).Sign([]byte(linkedDoc(t, reply)), now) // The other way round, as some do.
	if err != nil {
		t.Fatal(err)
	}
	if p, err = Find(other); err != nil || p.Verify(fepKey(t), now) != nil {
		t.Errorf("a proof over a signature does not verify: %v", err)
	}
}

func FuzzLinked(f *testing.F) {
	signed := linkedDoc(f, reply)
	f.Add(signed)
	f.Add(`{"@context":["https://www.w3.org/ns/activitystreams",{"a":{"@id":"as:a","@container":"@list"}}],"id":"https://b.test/1","type":"Like","a":[1,[2],{"@value":1,"@language":"en"}],` + signed[strings.Index(signed, `"signature":`):])
	want, err := verifyLinked(f, signed)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 16<<10 {
			return
		}
		plain, err := verifyLinked(t, doc)
		if err != nil || plain == nil {
			return
		}
		a, err := vocab.DecodeActivity(plain)
		if err != nil {
			t.Fatalf("%q verifies and can't be read: %v", doc, err)
		}
		b, err := vocab.DecodeActivity(want)
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != b.ID || a.Actor != b.Actor || a.Type != b.Type || a.Inline == nil || a.Inline.Content != b.Inline.Content {
			t.Errorf("%q verifies as %s", doc, plain)
		}
	})
}

func BenchmarkSignLinked(b *testing.B) {
	key := linkedKey(b)
	for b.Loop() {
		if _, err := SignLinked([]byte(reply), "https://b.test/users/bob#main-key", key, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyLinked(b *testing.B) {
	signed := linkedDoc(b, reply)
	for b.Loop() {
		if _, err := verifyLinked(b, signed); err != nil {
			b.Fatal(err)
		}
	}
}

// What takes the longest of what is let through takes a bounded time.
func TestLinkedTime(t *testing.T) {
	leaf := `{"type":"Note"}`
	three := func(inner string) string {
		return `{"type":"Note","attachment":[` + inner + "," + inner + "," + inner + `]}`
	}
	for name, tags := range map[string]string{
		"many tags":     strings.TrimSuffix(strings.Repeat(`{"type":"Mention","href":"https://b.test/users/x","name":"@x"},`, 280), ","),
		"all alike":     strings.TrimSuffix(strings.Repeat(leaf+",", 550), ","),
		"in each other": strings.TrimSuffix(strings.Repeat(three(three(leaf))+",", 5), ","),
	} {
		doc := strings.Replace(reply, `"tag":[`, `"tag":[`+tags+",", 1)
		began := time.Now()
		signed, err := SignLinked([]byte(doc), "https://b.test/users/bob#main-key", linkedKey(t), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := verifyLinked(t, string(signed)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: signed and verified in %s", name, time.Since(began))
		if d := time.Since(began); d > 20*time.Second { // Much more than it takes, for slow machines.
			t.Errorf("%s: %s", name, d)
		}
	}
}
