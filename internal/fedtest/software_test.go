package fedtest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestSoftwareOfHosts has two servers find out what the other one runs, once a day.
func TestSoftwareOfHosts(t *testing.T) {
	w := New(t, "a.test", "b.test")
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	w.Advance(2 * time.Minute)
	w.Settle()
	for here, there := range map[string]string{"a.test": "b.test", "b.test": "a.test"} {
		if got := w.Server(here).software(there); got != "kenoma test" {
			t.Errorf("%s takes %s to run %q", here, there, got)
		}
	}
}

// software is what the server knows a host to run.
func (s *Server) software(host string) string {
	s.w.t.Helper()
	found, err := s.DB.Hosts(context.Background(), []string{host})
	if err != nil {
		s.w.t.Fatal(err)
	}
	return found[host].Software
}

// playNodeInfo has a host say in this form where its NodeInfo is. It is asked once
// somebody of that host is known here.
func (p *play) playNodeInfo() {
	var doc struct{ Links []struct{ Rel, Href string } }
	if err := json.Unmarshal([]byte(p.doc), &doc); err != nil || len(doc.Links) == 0 {
		p.Fatalf("no links: %v", err)
	}
	best := ""
	for _, l := range doc.Links {
		if strings.Contains(l.Rel, "nodeinfo.diaspora.software/ns/schema/2.") && (best == "" || strings.HasSuffix(l.Rel, "2.1")) {
			best = l.Href
		}
	}
	p.host, _, _ = strings.Cut(strings.TrimPrefix(best, "http://"), "/")
	p.claimed("-> "+best, yes(strings.Contains(p.expect, "-> "+best)))
	p.net.serve("http://"+p.host+"/.well-known/nodeinfo", "application/json", p.doc)
	for _, l := range doc.Links {
		p.net.serve(l.Href, `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.0#"`, `{"version":"2.0","software":{"name":"mobilizon","version":"`+l.Href[max(0, len(l.Href)-3):]+`"}}`)
	}
	p.actor("http://"+p.host+"/users/somebody", "")
	p.me.account("http://" + p.host + "/users/somebody")
	p.claimed("not asked at once", yes(!p.net.got("GET http://"+p.host+"/.well-known/nodeinfo")))
	p.w.Advance(2 * time.Minute)
	p.w.Settle()
	p.claimed("highest known schema", differ(p.net.got("GET "+best), "another one"))
	p.claimed("software", yes(strings.HasPrefix(p.me.Server.software(p.host), "mobilizon")))
	p.actor("http://"+p.host+"/users/another", "")
	p.me.account("http://" + p.host + "/users/another")
	p.w.Advance(2 * time.Minute)
	p.net.serve("http://"+p.host+"/.well-known/nodeinfo", "application/json", "{}")
	p.w.Settle()
	p.claimed("kept for a day", yes(strings.HasPrefix(p.me.Server.software(p.host), "mobilizon")))
}
