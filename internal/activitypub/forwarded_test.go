package activitypub

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"
	"time"

	"kenoma/internal/pipeline"
	"kenoma/internal/proof"
	"kenoma/internal/vocab"
)

// proven is a document with a proof by who signs with an Ed25519 key.
func (w *world) proven(doc string, as *peerActor) string {
	w.t.Helper()
	s := &proof.Signer{ID: as.keyID, Private: as.key().Private.(ed25519.PrivateKey)}
	signed, err := s.Sign([]byte(doc), w.now())
	w.must(err)
	return string(signed)
}

// linked is a document with a Linked Data Signature.
func (w *world) linked(doc string, as *peerActor) string {
	w.t.Helper()
	signed, err := proof.SignLinked([]byte(doc), as.keyID, as.key().Private.(*rsa.PrivateKey), w.now())
	w.must(err)
	return string(signed)
}

// TestForwarded has another host bring what bob did.
//
// spec: ap#inbox-forwarding, fep-8b32
func TestForwarded(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.ours("ann")
		post := w.Pipeline.ObjectURI(w.write(ann, pipeline.Draft{Text: "Hello"}))
		b := w.peer("b.test")
		bob, new, fresh := b.actor("bob"), b.actor("new"), b.actor("fresh")
		ed, edNew := bob.serveKeys(t, false), new.serveKeys(t, false)
		cat := w.peer("c.test").actor("cat")
		w.known(bob)
		w.known(cat)
		reply := func(a *peerActor, n int) string {
			return note(a, n, `,"inReplyTo":"`+string(post)+`"`)
		}
		serve := func(a *peerActor, n int) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.docs[fmt.Sprintf("%s/notes/%d", a.path(), n)] = fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%[1]s/notes/%[2]d","type":"Note","attributedTo":"%[1]s","to":["as:Public"],"content":"as it is there","inReplyTo":"%[3]s"}`, a.id(), n, post)
		}
		old := func(doc string, as *peerActor) string {
			s := &proof.Signer{ID: as.keyID, Private: as.key().Private.(ed25519.PrivateKey)}
			signed, err := s.Sign([]byte(doc), w.now().Add(-2*maxVouched))
			w.must(err)
			return string(signed)
		}
		for n := range 40 {
			serve(bob, n)
		}
		b.mu.Lock()
		for _, n := range []int{8, 9, 11, 12} { // Are not to be had.
			delete(b.docs, fmt.Sprintf("%s/notes/%d", bob.path(), n))
		}
		b.mu.Unlock()
		for n, tt := range []struct {
			name  string
			doc   string
			of    *peerActor
			want  int
			later bool // A job finds out.
			here  bool
		}{
			{"with a proof", w.proven(reply(bob, 0), ed), bob, 202, false, true},
			{"with a Linked Data Signature", w.linked(reply(bob, 1), bob), bob, 202, false, true},
			{"with both", w.linked(w.proven(reply(bob, 2), ed), bob), bob, 202, false, true},
			{"a proof by somebody who isn't known", w.proven(reply(new, 3), edNew), new, 202, true, true},
			{"a signature by somebody who isn't known", w.linked(reply(fresh, 4), fresh), fresh, 202, true, true},
			{"without any", reply(bob, 5), bob, 202, true, true},
			{"without any, and no business of ours", note(bob, 6, ""), bob, 403, false, false},
			{"with a proof, and no business of ours", w.proven(note(bob, 7, ""), ed), bob, 202, false, true},
			{"without any, and not to be had", reply(bob, 8), bob, 202, true, false},
			{"with a signature over something else", strings.Replace(w.linked(reply(bob, 9), bob), "note 9", "forged", 1), bob, 202, true, false},
			{"the same, and to be had", strings.Replace(w.linked(reply(bob, 10), bob), "note 10", "forged", 1), bob, 202, true, true},
			{"with a proof over something else", strings.Replace(w.proven(reply(bob, 11), ed), "note 11", "forged", 1), bob, 202, true, false},
			{"with a proof by another one", w.proven(reply(bob, 12), edNew), bob, 202, true, false},
			{"with a proof over something else, and to be had", strings.Replace(w.proven(reply(bob, 13), ed), "note 13", "forged", 1), bob, 202, true, false},
			{"with a signature by who brings it", w.linked(note(bob, 14, ""), cat), bob, 202, true, false},
			{"with an old proof", old(note(bob, 15, ""), ed), bob, 202, true, false},
			{"with a proof for an id elsewhere", w.proven(strings.Replace(reply(bob, 16), "/create/16", "/create/../../x", 1), ed), bob, 202, false, true},
		} {
			t.Run(tt.name, func(t *testing.T) {
				rec := w.post("/inbox", tt.doc, cat)
				if rec.Code != tt.want {
					t.Fatalf("%d %s, want %d", rec.Code, rec.Body, tt.want)
				}
				if got := w.here(tt.of, n); got != (tt.here && !tt.later) {
					t.Errorf("here before the job: %t", got)
				}
				for _, err := range w.runArrivals() {
					w.must(err)
				}
				if got := w.here(tt.of, n); got != tt.here {
					t.Errorf("here in the end: %t, want %t", got, tt.here)
				}
				if w.count("SELECT id FROM arrivals") != 0 {
					t.Error("it is still waiting")
				}
			})
		}
		for _, doc := range w.documents("forged") {
			t.Errorf("forged content is kept: %s", doc)
		}
	})
}

// documents returns the objects whose documents contain a text.
func (w *world) documents(text string) (found []string) {
	for id := range 40 {
		o, err := w.db.ObjectByURI(context.Background(), (&peerActor{peer: &peer{name: "b.test"}, name: "bob"}).id()+"/notes/"+digits(id))
		if err == nil && strings.Contains(o.Doc, text) {
			found = append(found, o.Doc)
		}
	}
	return found
}

// Updates and deletions that others bring.
func TestForwardedChanges(t *testing.T) {
	w := sqliteWorld(t, nil)
	ctx := context.Background()
	b := w.peer("b.test")
	bob, cat := b.actor("bob"), w.peer("c.test").actor("cat")
	ed := bob.serveKeys(t, false)
	w.known(bob)
	w.known(cat)
	for n := range 5 {
		w.post("/inbox", note(bob, n, ""), bob)
	}
	run := func(doc string, want int) {
		t.Helper()
		if rec := w.post("/inbox", doc, cat); rec.Code != want {
			t.Errorf("%d %s, want %d: %s", rec.Code, rec.Body, want, doc)
		}
		for _, err := range w.runArrivals() {
			w.must(err)
		}
	}
	del := func(n int) string {
		return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%[1]s/notes/%[2]d#delete","type":"Delete","actor":"%[1]s","to":["as:Public"],"object":"%[1]s/notes/%[2]d"}`, bob.id(), n)
	}
	deleted := func(n int) bool {
		t.Helper()
		o, err := w.db.ObjectByURI(ctx, bob.id()+"/notes/"+digits(n))
		w.must(err)
		return o.Deleted != 0
	}
	serve := func(n, code int, doc string) {
		b.answer(fmt.Sprintf("%s/notes/%d", bob.path(), n), code)
		b.mu.Lock()
		b.docs[fmt.Sprintf("%s/notes/%d", bob.path(), n)] = doc
		b.mu.Unlock()
	}

	run(w.proven(del(0), ed), 202)
	serve(1, 410, "")
	run(del(1), 202)
	serve(2, 200, strings.Replace(note(bob, 2, "")[strings.Index(note(bob, 2, ""), `"object":`)+9:], `{"id"`, `{"@context":"https://www.w3.org/ns/activitystreams","id"`, 1))
	b.mu.Lock()
	doc := b.docs[bob.path()+"/notes/2"]
	b.docs[bob.path()+"/notes/2"] = strings.TrimSuffix(doc, "}")
	b.mu.Unlock()
	run(del(2), 202)
	run(strings.Replace(w.proven(del(3), ed), "notes/3", "notes/4", 1), 202)
	for n, want := range []bool{true, true, false, false, false} {
		if got := deleted(n); got != want {
			t.Errorf("note %d is deleted: %t, want %t", n, got, want)
		}
	}

	update := strings.Replace(strings.Replace(note(bob, 3, `,"updated":"2026-11-01T12:00:00Z"`), "Create", "Update", 1), "note 3", "edited", 1)
	run(strings.Replace(update, "create/3", "update/3", 1), 202)
	content := func(n int) string {
		t.Helper()
		o, err := w.db.ObjectByURI(ctx, bob.id()+"/notes/"+digits(n))
		w.must(err)
		return o.Doc
	}
	if strings.Contains(content(3), "edited") {
		t.Error("an Update that nothing vouches for was taken")
	}
	run(w.proven(strings.Replace(update, "create/3", "update/3b", 1), ed), 202)
	if !strings.Contains(content(3), "edited") {
		t.Error("an Update with a proof was not taken")
	}
	// Long after, the same proof says nothing.
	w.pass(maxVouched + time.Hour)
	run(w.proven(strings.Replace(update, "create/3", "update/3c", 1), ed), 202)
}

func digits(n int) vocab.IRI { return vocab.IRI(fmt.Sprint(n)) }
