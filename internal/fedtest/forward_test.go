package fedtest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"kenoma/internal/remote"
	"kenoma/internal/store"
)

// A reply reaches the followers of whom it answers, on a server that knows nothing of
// its author; so do its edit and its end.
//
// spec: ap#inbox-forwarding
func TestForwardedReplies(t *testing.T) {
	for _, third := range []string{"c.test", "postgres:c.test"} {
		t.Run(third, func(t *testing.T) {
			w := New(t, "a.test", "b.test", third)
			ann, bob, cat := w.User("ann@a.test"), w.User("bob@b.test"), w.User("cat@c.test")
			cat.Follow(ann)
			bob.Follow(ann)
			w.Settle()
			post := ann.Post("What do you think?", "public")
			w.Settle()
			there, _ := bob.See(post.URI)
			reply := bob.Post("@ann@a.test I agree", "public", "in_reply_to_id", there.ID)
			w.Settle()

			thread := func() []Status {
				t.Helper()
				seen, ok := cat.See(post.URI)
				if !ok {
					t.Fatal("Cat does not see the post")
				}
				var c struct{ Descendants []Status }
				cat.Call("GET", "/api/v1/statuses/"+seen.ID+"/context", nil, &c)
				return c.Descendants
			}
			if got := thread(); len(got) != 1 || got[0].URI != reply.URI || !strings.Contains(got[0].Content, "I agree") || got[0].Account.Acct != "bob@b.test" {
				t.Fatalf("Cat's thread: %+v", got)
			}
			if got := w.Server("c.test"); got.Call(cat.Token, "GET", "/api/v1/accounts/lookup", map[string][]string{"acct": {"bob@b.test"}}, nil) != 200 {
				t.Error("bob is not known on the third server")
			}

			bob.Call("PUT", "/api/v1/statuses/"+reply.ID, map[string][]string{"status": {"@ann@a.test I differ"}}, nil)
			w.Settle()
			if got := thread(); len(got) != 1 || !strings.Contains(got[0].Content, "differ") {
				t.Errorf("after the edit: %+v", got)
			}
			bob.Call("DELETE", "/api/v1/statuses/"+reply.ID, nil, nil)
			w.Settle()
			if got := thread(); len(got) != 0 {
				t.Errorf("after the deletion: %+v", got)
			}
		})
	}
}

// What is passed on is what came, byte for byte, once, and signed by whom it answers. What nobody
// could check is not.
func TestForwardsRaw(t *testing.T) {
	w := New(t, "a.test")
	ann := w.User("ann@a.test")
	from, to := w.outsider(t, "from.test", 0), w.outsider(t, "to.test", remote.RFC9421)
	to.follow(ann)
	relay := w.outsider(t, "relay.test", 0)
	err := ann.Server.DB.Write(t.Context(), func(tx *store.Tx) error {
		return tx.PutRelay(t.Context(), &store.Relay{Inbox: relay.bob() + "/inbox", Actor: relay.bob(), Host: "relay.test", Wanted: true, State: store.RelayAccepted})
	})
	if err != nil {
		t.Fatal(err)
	}
	posts := map[string]Status{}
	for _, visibility := range []string{"public", "private", "direct"} {
		text := "Hello"
		if visibility == "direct" {
			text = "@bob@from.test Hello"
		}
		posts[visibility] = ann.Post(text, visibility)
	}
	w.Settle()
	to.arrived()
	if len(relay.arrived()) == 0 {
		t.Error("the relay did not get her own public post")
	}

	n := 0
	reply := func(to, visibility, more string) string {
		n++
		return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams", "id":"http://from.test/%[1]d/create","type":"Create","actor":"%[2]s","to":%[4]s,`+
			`"object":{"id":"http://from.test/%[1]d","type":"Note","attributedTo":"%[2]s","content":"reply %[1]d","inReplyTo":"%[3]s","to":%[4]s}%[5]s}`, n, from.bob(), to, visibility, more)
	}
	everybody := `["https://www.w3.org/ns/activitystreams#Public"]`
	followers := fmt.Sprintf(`["%s/followers","%s"]`, ann.Actor.URI, ann.Actor.URI)
	alone := fmt.Sprintf(`["%s"]`, ann.Actor.URI)
	public := reply(posts["public"].URI, everybody, "")
	for _, tt := range []struct {
		name, doc string
		want      bool
	}{
		{"public", public, true},
		{"once more", public, false},
		{"with a signature, for her followers", reply(posts["private"].URI, followers, `,"signature":{"type":"RsaSignature2017"}`), true},
		{"another one with a signature, for her followers", reply(posts["private"].URI, followers, `,"signature":{"type":"RsaSignature2017"}`), true},
		{"and its end", fmt.Sprintf(`{"id":"http://from.test/3/delete","type":"Delete","actor":"%s","to":%s,"object":"http://from.test/3","signature":{"type":"RsaSignature2017"}}`, from.bob(), followers), true},
		{"without one, for her followers", reply(posts["private"].URI, followers, ""), false},
		{"for her alone", reply(posts["public"].URI, alone, `,"signature":{"type":"RsaSignature2017"}`), false},
		{"public, to her message", reply(posts["direct"].URI, everybody, ""), false},
		{"no answer to ours", reply("http://from.test/other", everybody, ""), false},
		{"the end of one", fmt.Sprintf(`{"id":"http://from.test/1/delete","type":"Delete","actor":"%s","to":%s,"object":"http://from.test/1"}`, from.bob(), everybody), true},
		{"the end of one for her followers, without a signature", fmt.Sprintf(`{"id":"http://from.test/2/delete","type":"Delete","actor":"%s","to":%s,"object":"http://from.test/2"}`, from.bob(), followers), false},
		{"the end of one that she alone saw", fmt.Sprintf(`{"id":"http://from.test/5/delete","type":"Delete","actor":"%s","to":%s,"object":"http://from.test/5"}`, from.bob(), alone), false},
	} {
		if code := from.send("a.test", tt.doc); code != 202 {
			t.Errorf("%s: %d", tt.name, code)
		}
		w.Settle()
		got := ""
		for _, doc := range to.arrived() {
			got = doc
		}
		if want := map[bool]string{true: tt.doc}[tt.want]; got != want {
			t.Errorf("%s: passed on\n%s\nwant\n%s", tt.name, got, want)
		}
	}
	if len(from.arrived()) != 1 { // The message.
		t.Error("something was passed on to where it came from")
	}
	// Of somebody whom she blocks nothing is passed on.
	ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob@from.test").ID+"/block", nil, nil)
	from.send("a.test", reply(posts["public"].URI, everybody, ""))
	w.Settle()
	if got := to.arrived(); len(got) != 0 {
		t.Errorf("of somebody blocked: %v", got)
	}
	// Nor of a host that she blocks, but the end of what was passed on before.
	ann.Call("POST", "/api/v1/accounts/"+ann.Find("bob@from.test").ID+"/unblock", nil, nil)
	before := reply(posts["public"].URI, everybody, "")
	from.send("a.test", before)
	w.Settle()
	if got := to.arrived(); len(got) != 1 {
		t.Errorf("of somebody blocked no more: %v", got)
	}
	if code := ann.Call("POST", "/api/v1/domain_blocks", url.Values{"domain": {"from.test"}}, nil); code != 200 {
		t.Fatalf("domain block: %d", code)
	}
	from.send("a.test", reply(posts["public"].URI, everybody, ""))
	w.Settle()
	if got := to.arrived(); len(got) != 0 {
		t.Errorf("of a blocked host: %v", got)
	}
	for i, want := range map[int]int{n - 1: 1, n: 0} {
		from.send("a.test", fmt.Sprintf(`{"id":"http://from.test/%[1]d/delete","type":"Delete","actor":"%[2]s","to":%[3]s,"object":"http://from.test/%[1]d"}`, i, from.bob(), everybody))
		w.Settle()
		if got := to.arrived(); len(got) != want {
			t.Errorf("the end of reply %d of a blocked host: %v", i, got)
		}
	}
	if got := relay.arrived(); len(got) != 0 {
		t.Errorf("a relay got what others wrote: %v", got)
	}
}
