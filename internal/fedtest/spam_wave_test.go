package fedtest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// The size of the wave.
const (
	waveAccounts = 500
	waveHosts    = 50
	waveLocals   = 20 // Whom it is aimed at.
)

// mentioning is a Create of a public post by an actor that names people of ours.
func mentioning(actor string, n int, text string, people []*User, more string) string {
	var cc, tags []string
	for _, u := range people {
		id := "http://" + u.Server.Host + "/users/" + u.Actor.Username
		cc = append(cc, fmt.Sprintf("%q", id))
		tags = append(tags, fmt.Sprintf(`{"type":"Mention","href":%q,"name":"@%s"}`, id, u.Handle()))
	}
	id := fmt.Sprintf("%s/notes/%d", actor, n)
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%s/create","type":"Create","actor":%q,"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[%s],
		"object":{"id":%q,"type":"Note","attributedTo":%q,"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[%s],"content":%q,"tag":[%s]%s}}`,
		id, actor, strings.Join(cc, ","), id, actor, strings.Join(cc, ","), text, strings.Join(tags, ","), more)
}

// mentions counts what people find in their lists of notifications, and what waits for
// them among the requests.
func mentions(people []*User) (heard, waiting int) {
	for _, u := range people {
		for _, n := range u.Notifications() {
			if n.Type == "mention" {
				heard++
			}
		}
		var policy struct {
			Summary struct {
				Pending int `json:"pending_notifications_count"`
			}
		}
		u.Call("GET", "/api/v2/notifications/policy", nil, &policy)
		waiting += policy.Summary.Pending
	}
	return heard, waiting
}

// public is the newest of the public timeline, of other servers.
func (s *Server) public() []Status {
	s.w.t.Helper()
	var list []Status
	s.Call("", "GET", "/api/v1/timelines/public", url.Values{"remote": {"true"}, "limit": {"40"}}, &list)
	return list
}

// A wave of spam from 500 fresh accounts on 50 servers does not get to the people that
// it is aimed at, with the settings as they ship; what they asked for does.
func TestSpamWave(t *testing.T) {
	for _, tt := range []struct {
		name, host string
		text       func(i int) string
		people     int
		most       int // Mentions that may be heard.
	}{
		{"with links, to several", "a.test", func(i int) string {
			return fmt.Sprintf(`<p>Win a prize <a href="https://spam%d.test/">here</a></p>`, i)
		}, 3, 0},
		{"one text without links, to one", "postgres:a.test", func(i int) string {
			return fmt.Sprintf("<p>Dear friend %d, I want to share my fortune with you</p>", i)
		}, 1, 3},
		{"each in its own words, without links, to one", "a.test", func(i int) string {
			return fmt.Sprintf("<p>Hello %c%c%c, write to me</p>", 'a'+i%26, 'a'+i/26%26, 'a'+i*7%26)
		}, 1, 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := New(t, tt.host)
			n := newInternet(t, w)
			var locals []*User
			for i := range waveLocals {
				locals = append(locals, w.User(fmt.Sprintf("p%d@a.test", i)))
			}
			s := w.Server("a.test")
			ann := locals[0]
			firstContacts(t, n, ann, "before")
			heard, waiting := mentions(locals)
			calm := len(s.public())

			for i := range waveAccounts {
				host := fmt.Sprintf("h%d.test", i%waveHosts)
				actor := fmt.Sprintf("http://%s/users/u%d", host, i)
				n.host(host)
				n.actor(actor, nil, "")
				var people []*User
				for k := range tt.people {
					people = append(people, locals[(i+k)%waveLocals])
				}
				if code, _ := n.post(s, actor, mentioning(actor, i, tt.text(i), people, "")); code != 202 {
					t.Fatalf("post %d: %d", i, code)
				}
				if i%100 == 99 {
					w.Settle()
				}
			}
			w.Settle()
			after, held := mentions(locals)
			t.Logf("of %d mentions %d were heard, %d wait", waveAccounts*tt.people, after-heard, held-waiting)
			if got := after - heard; got > tt.most {
				t.Errorf("%d of %d mentions were heard, want at most %d", got, waveAccounts*tt.people, tt.most)
			}
			if got := held - waiting; got < waveAccounts*tt.people-tt.most {
				t.Errorf("%d mentions wait, want the rest of %d: nothing is lost", got, waveAccounts*tt.people)
			}
			if got := len(s.public()) - calm; got > tt.most {
				t.Errorf("%d posts got into the public timeline, want at most %d", got, tt.most)
			}
			// While it lasts, people still hear of what they have asked for.
			asked(t, n, ann, "during")
		})
	}
}

// asked sends what people have asked for: an answer, with a link, and a mention by
// somebody whom somebody here follows.
func asked(t *testing.T, n *internet, ann *User, when string) {
	t.Helper()
	s := ann.Server
	before, _ := mentions([]*User{ann})
	post := ann.Post("What do you think?", "public")
	fresh := fmt.Sprintf("http://answers-%s.test/users/fay", when)
	friend := fmt.Sprintf("http://friends-%s.test/users/gil", when)
	for _, actor := range []string{fresh, friend} {
		n.host(strings.Split(actor, "/")[2])
		n.actor(actor, nil, "")
	}
	n.follow(s.w.User("p1@a.test"), friend)
	link := `<p>Look at <a href="https://news.test/">this</a></p>`
	for _, one := range []struct{ actor, more string }{{fresh, fmt.Sprintf(`,"inReplyTo":%q`, post.URI)}, {friend, ""}} {
		if code := n.deliver(s, one.actor, mentioning(one.actor, 1, link, []*User{ann}, one.more)); code != 202 {
			t.Fatalf("%s: %d", one.actor, code)
		}
	}
	if after, _ := mentions([]*User{ann}); after-before != 2 {
		t.Errorf("%s: Ann hears of %d, want of the answer and of whom somebody here follows", when, after-before)
	}
}

// firstContacts sends that and ordinary first messages of new accounts.
func firstContacts(t *testing.T, n *internet, ann *User, when string) {
	t.Helper()
	asked(t, n, ann, when)
	before, _ := mentions([]*User{ann})
	for i, text := range []string{"<p>Hello, I liked your talk</p>", "<p>Is this the Ann from school?</p>", "<p>Hi!</p>"} {
		host := fmt.Sprintf("first%d-%s.test", i, when)
		actor := "http://" + host + "/users/new"
		n.host(host)
		n.actor(actor, nil, "")
		if code := n.deliver(ann.Server, actor, mentioning(actor, 1, text, []*User{ann}, "")); code != 202 {
			t.Fatalf("%s: %d", actor, code)
		}
	}
	if after, _ := mentions([]*User{ann}); after-before != 3 {
		t.Errorf("%s: Ann hears of %d first messages, want all 3", when, after-before)
	}
}
