package fedtest

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// outgoing collects what one server sends, each kind once, in the form in which it
// reaches the inbox: with object, proof and signature.
type outgoing struct {
	*internet
	ann     *User
	numbers map[string]string         // Ids as they were made → 1, 2, …
	docs    map[string]map[string]any // By name.
}

// What differs from run to run.
var (
	madeID   = regexp.MustCompile(`\d{15,}`)
	madeTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)
	madeWith = regexp.MustCompile(`"proof":\{"@context":\[[^\]]*\],`) // As of the whole.
	madeKey  = regexp.MustCompile(`"(proofValue|signatureValue|publicKeyPem|publicKeyMultibase|blurhash)":"[^":]*"`)
	madeFile = regexp.MustCompile(`(/media/\d+/)[^"/]+(\.\w+)`)
)

// take has something happen and keeps the activity of that type that then comes to
// the actor's inbox, under a name.
func (o *outgoing) take(name, to, typ string, happens func()) {
	o.t.Helper()
	o.mu.Lock()
	before := len(o.posted)
	o.mu.Unlock()
	happens()
	o.w.Settle()
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := len(o.posted) - 1; i >= before; i-- {
		if d := o.posted[i]; d.Type == typ && d.To == to+"/inbox" {
			o.keep(name, d.Body)
			return
		}
	}
	o.t.Errorf("%s: no %s came to %s", name, typ, to)
}

// keep compares a document with the one that testdata has; KENOMA_UPDATE_TESTDATA=1
// writes it instead.
func (o *outgoing) keep(name, body string) {
	o.t.Helper()
	body = madeTime.ReplaceAllString(body, `"2026-01-01T12:00:00Z"`)
	body = madeWith.ReplaceAllString(body, `"proof":{`)
	body = madeKey.ReplaceAllString(body, `"$1":"…"`)
	body = madeFile.ReplaceAllString(body, "${1}file$2")
	body = madeID.ReplaceAllStringFunc(body, func(id string) string {
		if o.numbers[id] == "" {
			o.numbers[id] = strconv.Itoa(len(o.numbers) + 1)
		}
		return o.numbers[id]
	})
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(body), "", "  "); err != nil {
		o.t.Fatalf("%s: %v", name, err)
	}
	text.WriteByte('\n')
	o.docs[name] = decode(o.t, body)
	file := filepath.Join("testdata", "outgoing", name+".json")
	if os.Getenv("KENOMA_UPDATE_TESTDATA") != "" {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			o.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(want, text.Bytes()) {
		o.t.Errorf("%s is not what %s has (%v):\n%s", name, file, err, text.Bytes())
	}
}

// call does a request in ann's name.
func (o *outgoing) call(method, path string, form ...string) func() {
	return func() {
		o.t.Helper()
		values := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			values.Add(form[i], form[i+1])
		}
		if code := o.ann.Call(method, path, values, nil); code/100 != 2 {
			o.t.Errorf("%s %s: %d", method, path, code)
		}
	}
}

// TestOutgoing pins every form of document that is sent, and holds each against what
// other software asks of it.
func TestOutgoing(t *testing.T) {
	w := New(t, "a.test")
	o := &outgoing{internet: newInternet(t, w), ann: w.User("ann@a.test"), numbers: map[string]string{}, docs: map[string]map[string]any{}}
	bob, group := "http://b.test/users/bob", "http://lemmy.test/c/tea"
	o.actor(bob, nil, "")
	o.actor(group, map[string]any{"type": "Group", "preferredUsername": "tea", "inbox": group + "/inbox", "followers": group + "/followers"}, "")
	o.relations(bob)
	o.posts(bob, group)
	o.reactions(bob, group)
	o.profile(bob)
	o.goodbyes(bob)
	o.check()
}

// follows is a Follow of one of ours.
func (o *outgoing) follows(id, actor string, whom *User) string {
	return encode(o.t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": actor + "/follows/" + id, "type": "Follow", "actor": actor, "object": whom.Actor.URI})
}

// relations: follows both ways, an end of one, a refusal, a block.
func (o *outgoing) relations(bob string) {
	cat := "http://b.test/users/cat"
	o.actor(cat, nil, "")
	o.take("accept-follow", bob, "Accept", func() { o.deliver(o.ann.Server, bob, o.follows("1", bob, o.ann)) })
	o.take("follow", bob, "Follow", func() { o.follow(o.ann, bob) })
	account := "/api/v1/accounts/" + o.ann.account(cat).ID
	o.take("follow-asked", cat, "Follow", o.call("POST", account+"/follow"))
	o.take("undo-follow", cat, "Undo", o.call("POST", account+"/unfollow"))
	o.call("PATCH", "/api/v1/accounts/update_credentials", "locked", "true")()
	o.deliver(o.ann.Server, cat, o.follows("1", cat, o.ann))
	o.take("reject-follow", cat, "Reject", o.call("POST", "/api/v1/follow_requests/"+o.ann.account(cat).ID+"/reject"))
	o.take("block", cat, "Block", o.call("POST", account+"/block"))
	o.take("undo-block", cat, "Undo", o.call("POST", account+"/unblock"))
}

// theirs serves a post of a fake actor and returns how ann's server knows it.
func (o *outgoing) theirs(doc string) Status {
	o.t.Helper()
	m := decode(o.t, doc)
	m["@context"] = "https://www.w3.org/ns/activitystreams"
	o.serve(m["id"].(string), "application/activity+json", encode(o.t, m))
	s, ok := o.ann.See(m["id"].(string))
	if !ok {
		o.t.Fatalf("no post of %s", doc)
	}
	return s
}

// posts: written, answered, quoted, changed and deleted, with files and polls.
func (o *outgoing) posts(bob, group string) {
	public := "https://www.w3.org/ns/activitystreams#Public"
	theirs := o.theirs(`{"id":"http://b.test/notes/1","type":"Note","attributedTo":"` + bob + `","to":["` + public + `"],"content":"<p>Hi</p>","published":"2026-01-01T10:00:00Z",
		"interactionPolicy":{"canQuote":{"automaticApproval":["` + public + `"]}}}`)
	ann := o.ann
	var note, poll Status
	o.take("create-note", bob, "Create", func() {
		note = ann.Post("Hello #tea\n\nhttps://example.test", "public", "spoiler_text", "Tea", "sensitive", "true", "language", "en")
	})
	o.take("create-note-unlisted", bob, "Create", func() { ann.Post("Quiet", "unlisted") })
	o.take("create-note-private", bob, "Create", func() { ann.Post("For you", "private") })
	o.take("create-note-direct", bob, "Create", func() { ann.Post("@bob@b.test psst", "direct") })
	o.take("create-note-mention", bob, "Create", func() { ann.Post("@bob@b.test good morning", "public") })
	o.take("create-note-reply", bob, "Create", func() { ann.Post("@bob@b.test I think so", "public", "in_reply_to_id", theirs.ID) })
	o.take("create-note-quote", bob, "Create", func() { ann.Post("Look", "public", "quoted_status_id", theirs.ID) })
	o.last(bob, "QuoteRequest") // It is in quote_test.
	picture, _ := ann.send("../media/testdata/cover.jpg")
	film := ann.upload("../media/testdata/moving.mp4")
	o.take("create-note-picture", bob, "Create", func() { ann.Post("A picture", "public", "media_ids[]", picture.ID) })
	o.take("create-note-video", bob, "Create", func() { ann.Post("A film", "public", "media_ids[]", film.ID) })
	o.take("create-question", bob, "Create", func() {
		poll = ann.Post("Tea?", "public", "poll[options][]", "Green", "poll[options][]", "Black", "poll[expires_in]", "3600")
	})
	o.take("create-question-multiple", bob, "Create", func() {
		ann.Post("Which?", "public", "poll[options][]", "Green", "poll[options][]", "Black", "poll[expires_in]", "3600", "poll[multiple]", "true")
	})
	o.take("create-note-group", group, "Create", func() { ann.Post("A new tea @tea@lemmy.test", "public") })
	o.take("update-note", bob, "Update", o.call("PUT", "/api/v1/statuses/"+note.ID, "status", "Hello again"))
	o.take("update-question", bob, "Update", o.call("PUT", "/api/v1/statuses/"+poll.ID, "status", "Tea now?", "poll[options][]", "Green", "poll[options][]", "Black", "poll[expires_in]", "3600"))
	o.take("add", bob, "Add", o.call("POST", "/api/v1/statuses/"+note.ID+"/pin"))
	o.take("remove", bob, "Remove", o.call("POST", "/api/v1/statuses/"+note.ID+"/unpin"))
	o.take("delete-note", bob, "Delete", o.call("DELETE", "/api/v1/statuses/"+note.ID))
	o.take("delete-question", bob, "Delete", o.call("DELETE", "/api/v1/statuses/"+poll.ID))
	asked := o.theirs(`{"id":"http://b.test/questions/1","type":"Question","attributedTo":"` + bob + `","to":["` + public + `"],"content":"<p>Tea?</p>","published":"2026-01-01T10:00:00Z",
		"oneOf":[{"type":"Note","name":"Yes"},{"type":"Note","name":"No"}],"endTime":"2099-01-01T10:00:00Z"}`)
	o.take("create-vote", bob, "Create", o.call("POST", "/api/v1/polls/"+asked.Poll.ID+"/votes", "choices[]", "1"))
}

// reactions to a post, and to one in a group.
func (o *outgoing) reactions(bob, group string) {
	dee := "http://lemmy.test/u/dee"
	o.actor(dee, nil, "")
	in := o.theirs(`{"id":"http://lemmy.test/post/1","type":"Page","attributedTo":"` + dee + `","to":["` + group + `","https://www.w3.org/ns/activitystreams#Public"],
		"audience":"` + group + `","name":"Tea","content":"<p>Text</p>","published":"2026-01-01T10:00:00Z"}`)
	at, _ := o.ann.See("http://b.test/notes/1")
	for _, place := range []struct{ suffix, inbox, id string }{{"", bob, at.ID}, {"-group", group, in.ID}} {
		post := "/api/v1/statuses/" + place.id
		o.take("like"+place.suffix, place.inbox, "Like", o.call("POST", post+"/favourite"))
		o.take("undo-like"+place.suffix, place.inbox, "Undo", o.call("POST", post+"/unfavourite"))
		o.take("announce"+place.suffix, place.inbox, "Announce", o.call("POST", post+"/reblog"))
		o.take("undo-announce"+place.suffix, place.inbox, "Undo", o.call("POST", post+"/unreblog"))
		emoji := "/api/v1/pleroma/statuses/" + place.id + "/reactions/%F0%9F%8D%B5"
		o.take("emojireact"+place.suffix, place.inbox, "EmojiReact", o.call("PUT", emoji))
		o.take("undo-emojireact"+place.suffix, place.inbox, "Undo", o.call("DELETE", emoji))
	}
	var answer Status
	o.take("create-note-reply-group", group, "Create", func() { answer = o.ann.Post("I like it", "public", "in_reply_to_id", in.ID) })
	o.take("delete-note-group", group, "Delete", o.call("DELETE", "/api/v1/statuses/"+answer.ID))
	at, _ = o.ann.See("http://b.test/notes/1")
	o.take("flag", bob, "Flag", o.call("POST", "/api/v1/reports", "account_id", at.Account.ID, "status_ids[]", at.ID, "comment", "Spam", "forward", "true"))
}

// profile is an edit of the account.
func (o *outgoing) profile(bob string) {
	o.take("update-actor", bob, "Update", o.call("PATCH", "/api/v1/accounts/update_credentials", "display_name", "Ann", "note", "Drinks tea", "fields_attributes[0][name]", "Site", "fields_attributes[0][value]", "https://example.test"))
}

// goodbyes: who moves, and who leaves.
func (o *outgoing) goodbyes(bob string) {
	dan, moe := o.w.User("dan@a.test"), "http://b.test/users/moe"
	o.actor(moe, map[string]any{"type": "Person", "preferredUsername": "moe", "inbox": moe + "/inbox", "followers": moe + "/followers", "alsoKnownAs": []any{o.ann.Actor.URI}}, "")
	o.deliver(dan.Server, bob, o.follows("2", bob, dan))
	o.take("move", bob, "Move", func() {
		if err := o.ann.Server.Pipeline.MoveAway(o.t.Context(), o.ann.Actor, "moe@b.test", true); err != nil {
			o.t.Error(err)
		}
	})
	o.take("delete-actor", bob, "Delete", func() {
		if err := dan.Server.Pipeline.DeleteAccount(o.t.Context(), dan.Actor); err != nil {
			o.t.Error(err)
		}
	})
}

// check holds every document against what is known of who reads it, and the table
// against the documents: no line of it is about nothing, no document without one.
func (o *outgoing) check() {
	checked := map[string]bool{}
	for _, r := range requirements {
		used := false
		for name, doc := range o.docs {
			if !matchesOne(r.docs, name) {
				continue
			}
			used, checked[name] = true, true
			found := at(doc, r.path)
			if len(found) == 0 && !strings.Contains(r.path, "[]") {
				found = []any{nil}
			}
			for _, v := range found {
				if why := r.broken(doc, v); why != "" {
					o.t.Errorf("%s takes no %s: %s %s", r.software, name, r.path, why)
				}
			}
		}
		if !used {
			o.t.Errorf("%s: there is no document %q", r.software, r.docs)
		}
	}
	for name := range o.docs {
		if !checked[name] {
			o.t.Errorf("nothing is asked of %s", name)
		}
	}
}

func matchesOne(patterns, name string) bool {
	for p := range strings.FieldsSeq(patterns) {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}

// at returns what stands at a path such as object.attachment[].url.
func at(v any, path string) []any {
	key, rest, more := strings.Cut(path, ".")
	name, each := strings.CutSuffix(key, "[]")
	m, ok := v.(map[string]any)
	if !ok || m[name] == nil {
		return nil
	}
	values := []any{m[name]}
	if each {
		values, _ = m[name].([]any)
	}
	if !more {
		return values
	}
	var found []any
	for _, v := range values {
		if deeper := at(v, rest); len(deeper) > 0 {
			found = append(found, deeper...)
		} else {
			found = append(found, nil)
		}
	}
	return found
}
