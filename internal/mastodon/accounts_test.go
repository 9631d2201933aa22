package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func (w *world) id(name string) string { w.t.Helper(); return itoa(w.person(name).ID) }

func TestAccounts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, far := w.id("ann"), w.stranger("far", "b.test")
		w.post("ann", "status=hello")
		for _, tt := range []struct {
			name, path string
			status     int
			want       string
		}{
			{"by id", "/api/v1/accounts/" + ann, 200, `{"acct": "ann", "statuses_count": 1, "fqn": "ann@a.test"}`},
			{"a remote one, its pictures through us", "/api/v1/accounts/" + itoa(far.ID), 200, `{"acct": "far@b.test", "avatar": "https://a.test/proxy/b.test/face.png", "fields": [{"name": "Pronouns"}]}`},
			{"nobody", "/api/v1/accounts/12", 404, `{"error": "Record not found"}`},
			{"by name", "/api/v1/accounts/lookup?acct=ann", 200, `{"id": "` + ann + `"}`},
			{"by whole handle", "/api/v1/accounts/lookup?acct=@Ann@A.test", 200, `{"id": "` + ann + `"}`},
			{"a remote handle", "/api/v1/accounts/lookup?acct=far@b.test", 200, `{"acct": "far@b.test"}`},
			{"an unknown handle", "/api/v1/accounts/lookup?acct=nobody@b.test", 404, `{}`},
			{"no handle", "/api/v1/accounts/lookup", 404, `{}`},
			{"several", "/api/v1/accounts?id[]=" + itoa(far.ID) + "&id[]=5&id[]=" + ann, 200, `[{"username": "far"}, {"username": "ann"}]`},
			{"the posts", "/api/v1/accounts/" + ann + "/statuses", 200, `[{"content": "<p>hello</p>"}]`},
			{"nothing is featured", "/api/v1/accounts/" + ann + "/featured_tags", 200, `[]`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.as("", "GET", tt.path, "").want(tt.status, tt.want)
				w.as("bob", "GET", tt.path, "").want(tt.status, tt.want)
			})
			w.t = t
		}
	})
}

// What one does to an account, step by step.
func TestRelationship(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann, bob := w.id("ann"), w.id("bob")
		far := itoa(w.stranger("far", "b.test").ID)
		for _, tt := range []struct {
			name, who, path, form string
			status                int
			want                  string
		}{
			{"follow", "bob", ann + "/follow", "", 200, `{"id": "` + ann + `", "following": true, "showing_reblogs": true, "notifying": false, "requested": false, "languages": null}`},
			{"again", "bob", ann + "/follow", "", 200, `{"following": true}`},
			{"without boosts", "bob", ann + "/follow", "reblogs=false&notify=true&languages[]=de", 200, `{"showing_reblogs": false, "notifying": true, "languages": ["de"]}`},
			{"what isn't named stays", "bob", ann + "/follow", "notify=false", 200, `{"showing_reblogs": false, "notifying": false, "languages": ["de"]}`},
			{"no language", "bob", ann + "/follow", "languages[]=Klingon!", 422, `{}`},
			{"oneself", "bob", bob + "/follow", "", 422, `{}`},
			{"a remote account that lets everybody in", "bob", far + "/follow", "", 200, `{"following": true, "requested": false}`},
			{"nobody", "bob", "9/follow", "", 404, `{}`},
			{"without a token", "", ann + "/follow", "", 401, `{}`},
			{"note", "bob", ann + "/note", "comment=old+friend", 200, `{"note": "old friend"}`},
			{"a note too long", "bob", ann + "/note", "comment=" + strings.Repeat("x", maxNote+1), 422, `{}`},
			{"mute", "bob", ann + "/mute", "notifications=false&duration=3600", 200, `{"muting": true, "muting_notifications": false}`},
			{"mute for good", "bob", ann + "/mute", "", 200, `{"muting": true, "muting_notifications": true, "muting_expires_at": null}`},
			{"mute for too long", "bob", ann + "/mute", "duration=99999999999", 422, `{}`},
			{"mute oneself", "bob", bob + "/mute", "", 422, `{}`},
			{"unmute", "bob", ann + "/unmute", "", 200, `{"muting": false, "following": true}`},
			{"put a follower out", "ann", bob + "/remove_from_followers", "", 200, `{"followed_by": false}`},
			{"who doesn't follow", "ann", bob + "/remove_from_followers", "", 200, `{"followed_by": false}`},
			{"follow once more", "bob", ann + "/follow", "", 200, `{"following": true}`},
			{"block", "ann", bob + "/block", "", 200, `{"blocking": true, "followed_by": false}`},
			{"follow who blocks", "bob", ann + "/follow", "", 403, `{}`},
			{"block oneself", "ann", ann + "/block", "", 422, `{}`},
			{"unblock", "ann", bob + "/unblock", "", 200, `{"blocking": false, "followed_by": false}`},
			{"unfollow the request", "bob", far + "/unfollow", "", 200, `{"requested": false, "showing_reblogs": false}`},
			{"unfollow who isn't followed", "bob", far + "/unfollow", "", 200, `{"following": false}`},
		} {
			ok := t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.as(tt.who, "POST", "/api/v1/accounts/"+tt.path, tt.form).want(tt.status, tt.want)
			})
			w.t = t
			if !ok {
				t.FailNow()
			}
		}
		w.as("bob", "GET", "/api/v1/accounts/relationships/?id[]="+far+"&id[]=77&id[]="+ann, "").want(200, `[{"id": "`+far+`"}, {"id": "`+ann+`", "note": "old friend"}]`)
		w.send(w.token("bob", "read"), "POST", "/api/v1/accounts/"+ann+"/follow", "", nil).want(403, `{"error": "This action is outside the authorized scopes"}`)
		w.send(w.token("bob", "follow"), "POST", "/api/v1/accounts/"+ann+"/follow", "", nil).want(200, `{"following": true}`)
	})
}

func TestNetworkPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.id("ann")
		var want []string
		for i := range 5 {
			name := fmt.Sprintf("p%d", i)
			w.follow(name, "ann")
			w.follow("ann", name)
			want = append(want, w.id(name))
		}
		slices.Reverse(want)
		for _, list := range []string{"followers", "following"} {
			var got []string
			path := "/api/v1/accounts/" + ann + "/" + list + "?limit=2"
			for range 5 {
				res := w.as("", "GET", path, "").want(200, "")
				if len(res.ids()) == 0 {
					break
				}
				got = append(got, res.ids()...)
				next := linkTo(res.Header, "next")
				if next == "" {
					break
				}
				path = strings.TrimPrefix(next, "https://a.test")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s by pages: %v, want %v", list, got, want)
			}
		}
		w.as("p0", "POST", "/api/v1/accounts/"+w.id("p1")+"/follow", "").want(200, "")
		w.as("p0", "GET", "/api/v1/accounts/familiar_followers?id[]="+ann, "").want(200, `[{"id": "`+ann+`", "accounts": [{"username": "p1"}]}]`)
		w.as("ann", "POST", "/api/v1/accounts/"+w.id("p4")+"/block", "").want(200, "")
		w.as("p4", "GET", "/api/v1/accounts/"+ann+"/followers", "").want(200, `[]`)
	})
}

// linkTo returns the address of a relation in the Link header.
func linkTo(h http.Header, rel string) string {
	for part := range strings.SplitSeq(h.Get("Link"), ", ") {
		if address, ok := strings.CutSuffix(part, `>; rel="`+rel+`"`); ok {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

func TestFollowRequests(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.id("ann")
		w.as("ann", "PATCH", "/api/v1/accounts/update_credentials", "locked=true").want(200, `{"locked": true}`)
		for _, name := range []string{"bob", "cid"} {
			w.as(name, "POST", "/api/v1/accounts/"+ann+"/follow", "").want(200, `{"following": false, "requested": true}`)
		}
		w.as("ann", "GET", "/api/v1/follow_requests", "").want(200, `[{"username": "cid"}, {"username": "bob"}]`)
		w.as("ann", "GET", "/api/v1/accounts/verify_credentials", "").want(200, `{"source": {"follow_requests_count": 2}}`)
		w.as("ann", "POST", "/api/v1/follow_requests/"+w.id("bob")+"/authorize", "").want(200, `{"followed_by": true, "requested_by": false}`)
		w.as("ann", "POST", "/api/v1/follow_requests/"+w.id("cid")+"/reject", "").want(200, `{"followed_by": false, "requested_by": false}`)
		w.as("ann", "POST", "/api/v1/follow_requests/"+w.id("cid")+"/reject", "").want(404, `{}`)
		w.as("ann", "GET", "/api/v1/follow_requests", "").want(200, `[]`)
		w.as("bob", "GET", "/api/v1/accounts/"+ann+"/followers", "").want(200, `[{"username": "bob"}]`)
	})
}

func TestBlocksAndMutes(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		bob, cid := w.id("bob"), w.id("cid")
		w.as("ann", "POST", "/api/v1/accounts/"+bob+"/block", "").want(200, "")
		w.as("ann", "POST", "/api/v1/accounts/"+cid+"/mute", "duration=60").want(200, "")
		w.as("ann", "GET", "/api/v1/blocks", "").want(200, `[{"username": "bob"}]`)
		var muted []struct {
			Username string
			Until    *string `json:"mute_expires_at"`
		}
		if err := json.Unmarshal(w.as("ann", "GET", "/api/v1/mutes/", "").want(200, "").body, &muted); err != nil || len(muted) != 1 || muted[0].Username != "cid" || muted[0].Until == nil {
			t.Errorf("mutes = %+v, %v", muted, err)
		}
		w.post("bob", "status=from+bob")
		w.post("cid", "status=from+cid")
		w.as("ann", "GET", "/api/v1/timelines/public", "").want(200, `[]`)
		w.as("ann", "POST", "/api/v1/accounts/"+bob+"/unblock", "").want(200, "")
		w.as("ann", "POST", "/api/v1/accounts/"+cid+"/unmute", "").want(200, "")
		if got := w.as("ann", "GET", "/api/v1/timelines/public", "").want(200, "").ids(); len(got) != 2 {
			t.Errorf("%d posts after lifting both, want 2", len(got))
		}
	})
}

func TestDomainBlocks(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		far := w.stranger("far", "b.test")
		w.as("ann", "POST", "/api/v1/accounts/"+itoa(far.ID)+"/follow", "").want(200, `{"following": true}`)
		for _, name := range []string{"one", "two", "three"} {
			by := w.stranger(name, "b.test")
			w.arrives("b.test", map[string]any{"id": string(by.URI) + "#follow", "type": "Follow", "actor": by.URI, "object": w.person("ann").URI})
		}
		w.as("ann", "GET", "/api/v1/accounts/"+w.id("ann")+"/followers", "").want(200, `[{}, {}, {}]`)
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{}, {}, {}]`)
		w.arrives("b.test", map[string]any{"id": "https://b.test/create/1", "type": "Create", "actor": far.URI, "to": []any{"as:Public"}, "object": map[string]any{
			"id": "https://b.test/notes/1", "type": "Note", "attributedTo": far.URI, "to": []any{"as:Public"}, "content": "hello",
			"tag": []any{map[string]any{"type": "Mention", "href": w.person("ann").URI}}}})
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"type": "mention"}, {}, {}, {}]`)
		w.as("ann", "POST", "/api/v1/domain_blocks", "domain=B.test").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/accounts/"+w.id("ann")+"/followers", "").want(200, `[]`)
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"type": "severed_relationships", "account": {"username": "ann"},
			"event": {"type": "user_domain_block", "target_name": "b.test", "followers_count": 3, "following_count": 0, "purged": false}}]`)
		w.as("ann", "POST", "/api/v1/domain_blocks", "domain=c.test").want(200, `{}`)
		w.as("ann", "POST", "/api/v1/domain_blocks", "domain=no/domain").want(422, `{}`)
		w.as("ann", "GET", "/api/v1/domain_blocks", "").want(200, `["c.test", "b.test"]`)
		w.as("ann", "GET", "/api/v1/accounts/relationships?id[]="+itoa(far.ID), "").want(200, `[{"domain_blocking": true, "requested": false}]`)
		w.as("ann", "DELETE", "/api/v1/domain_blocks?domain=b.test", "").want(200, `{}`)
		w.as("ann", "DELETE", "/api/v1/domain_blocks", `{"domain": "c.test"}`).want(200, `{}`)
		w.as("ann", "GET", "/api/v1/domain_blocks", "").want(200, `[]`)
	})
}

func TestKeptPosts(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		one, two := w.post("ann", "status=one"), w.post("ann", "status=two")
		for _, verb := range []string{"favourite", "bookmark"} {
			for _, id := range []string{two, one} {
				w.as("bob", "POST", "/api/v1/statuses/"+id+"/"+verb, "").want(200, "")
			}
			list, mark := "/api/v1/"+verb+"s", strings.TrimSuffix(verb, "e")+"ed"
			first := w.as("bob", "GET", list+"?limit=1", "").want(200, `[{"content": "<p>one</p>", "`+mark+`": true}]`)
			next := linkTo(first.Header, "next")
			w.as("bob", "GET", strings.TrimPrefix(next, "https://a.test"), "").want(200, `[{"id": "`+two+`"}]`)
			prev := linkTo(first.Header, "prev")
			w.as("bob", "GET", strings.TrimPrefix(prev, "https://a.test"), "").want(200, `[]`)
			if !strings.Contains(prev, "min_id=") {
				t.Errorf("%s: the page before is %s, want a min_id", list, prev)
			}
		}
	})
}

func TestLists(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		bob := w.id("bob")
		w.follow("ann", "bob")
		before := w.post("bob", "status=before")
		id := w.as("ann", "POST", "/api/v1/lists", "title=Friends").want(200, `{"title": "Friends", "replies_policy": "list", "exclusive": false}`).id()
		list := "/api/v1/lists/" + id
		w.as("ann", "POST", "/api/v1/lists", "title=").want(422, `{"error": "Validation failed: Title can't be blank"}`)
		w.as("ann", "PUT", list, `{"title": "Kin", "replies_policy": "none", "exclusive": true}`).want(200, `{"title": "Kin", "replies_policy": "none", "exclusive": true}`)
		w.as("ann", "PUT", list, "replies_policy=some").want(422, `{}`)
		w.as("bob", "GET", list, "").want(404, `{}`)
		w.as("bob", "DELETE", list, "").want(404, `{}`)
		w.as("ann", "POST", list+"/accounts", `{"account_ids": ["`+bob+`"]}`).want(200, `{}`)
		w.as("ann", "POST", list+"/accounts", "account_ids[]="+w.id("cid")).want(404, `{}`)
		w.as("ann", "GET", list+"/accounts?limit=0", "").want(200, `[{"username": "bob"}]`)
		w.as("ann", "GET", "/api/v1/accounts/"+bob+"/lists", "").want(200, `[{"id": "`+id+`"}]`)
		after := w.post("bob", "status=after")
		w.as("ann", "GET", "/api/v1/timelines/list/"+id, "").want(200, `[{"id": "`+after+`"}, {"id": "`+before+`"}]`)
		w.as("ann", "DELETE", list+"/accounts", `{"account_ids": ["`+bob+`"]}`).want(200, `{}`)
		w.as("ann", "GET", "/api/v1/timelines/list/"+id, "").want(200, `[]`)
		w.as("ann", "GET", list+"/accounts", "").want(200, `[]`)
		w.as("ann", "GET", "/api/v1/lists", "").want(200, `[{"id": "`+id+`"}]`)
		w.as("ann", "DELETE", list, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/lists", "").want(200, `[]`)
	})
}

func TestMarkers(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.as("ann", "GET", "/api/v1/markers?timeline[]=home", "").want(200, `{}`)
		w.as("ann", "POST", "/api/v1/markers", "home[last_read_id]=103").want(200, `{"home": {"last_read_id": "103", "version": 1}}`)
		w.as("ann", "POST", "/api/v1/markers", `{"home": {"last_read_id": "104"}, "notifications": {"last_read_id": "7"}}`).want(200,
			`{"home": {"last_read_id": "104", "version": 2}, "notifications": {"last_read_id": "7", "version": 1, "pleroma": {"unread_count": 0}}}`)
		w.as("ann", "POST", "/api/v1/markers", "home[last_read_id]=xyz").want(422, `{}`)
		var got map[string]any
		if err := json.Unmarshal(w.as("ann", "GET", "/api/v1/markers?timeline[]=notifications", "").want(200, "").body, &got); err != nil || len(got) != 1 {
			t.Errorf("one timeline was asked for: %v", got)
		}
		w.as("bob", "GET", "/api/v1/markers?timeline[]=home", "").want(200, `{}`)
	})
}

func TestNotifications(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		post := w.post("ann", "status=hello")
		w.as("bob", "POST", "/api/v1/accounts/"+w.id("ann")+"/follow", "").want(200, "")
		w.as("bob", "POST", "/api/v1/statuses/"+post+"/favourite", "").want(200, "")
		w.as("cid", "POST", "/api/v1/statuses/"+post+"/reblog", "").want(200, "")
		w.post("cid", "status=hi+@ann")
		all := w.as("ann", "GET", "/api/v1/notifications", "").want(200,
			`[{"type": "mention", "account": {"username": "cid"}, "status": {"content": "<p>hi <span class=\"h-card\" translate=\"no\"><a href=\"https://a.test/@ann\" class=\"u-url mention\" rel=\"nofollow noopener noreferrer\" target=\"_blank\">@<span>ann</span></a></span></p>"}},
			  {"type": "reblog", "status": {"id": "`+post+`"}}, {"type": "favourite", "status": {"id": "`+post+`", "favourites_count": 1}}, {"type": "follow", "account": {"username": "bob"}}]`)
		ids := all.ids()
		for _, tt := range []struct{ name, query, want string }{
			{"one type", "types[]=favourite", `[{"type": "favourite"}]`},
			{"without types", "exclude_types[]=follow&exclude_types[]=mention", `[{"type": "reblog"}, {"type": "favourite"}]`},
			{"an unknown type", "types[]=bite", `[]`},
			{"by one", "account_id=" + w.id("bob"), `[{"type": "favourite"}, {"type": "follow"}]`},
			{"a page", "limit=2&max_id=" + ids[0], `[{"type": "reblog"}, {"type": "favourite"}]`},
			{"the page before", "limit=2&min_id=" + ids[3], `[{"type": "reblog"}, {"type": "favourite"}]`},
		} {
			t.Run(tt.name, func(t *testing.T) {
				w.t = t
				w.as("ann", "GET", "/api/v1/notifications?"+tt.query, "").want(200, tt.want)
			})
			w.t = t
		}
		w.as("ann", "GET", "/api/v1/notifications/unread_count", "").want(200, `{"count": 4}`)
		w.as("ann", "POST", "/api/v1/markers", "notifications[last_read_id]="+ids[1]).want(200, `{"notifications": {"pleroma": {"unread_count": 1}}}`)
		w.as("ann", "GET", "/api/v1/notifications/unread_count", "").want(200, `{"count": 1}`)
		w.as("ann", "GET", "/api/v1/notifications?limit=2", "").want(200, `[{"pleroma": {"is_seen": false}}, {"pleroma": {"is_seen": true}}]`)
		w.as("ann", "GET", "/api/v1/notifications/"+ids[2], "").want(200, `{"type": "favourite"}`)
		w.as("bob", "GET", "/api/v1/notifications/"+ids[2], "").want(404, `{}`)
		w.as("ann", "POST", "/api/v1/notifications/"+ids[2]+"/dismiss", "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/notifications/"+ids[2], "").want(404, `{}`)
		w.as("ann", "POST", "/api/v1/notifications/dismiss", "id="+ids[0]).want(200, `{}`)
		if got := w.as("ann", "GET", "/api/v1/notifications", "").ids(); !slices.Equal(got, []string{ids[1], ids[3]}) {
			t.Errorf("after dismissing two: %v", got)
		}
		w.as("ann", "POST", "/api/v1/accounts/"+w.id("cid")+"/mute", "notifications=false").want(200, "")
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"type": "reblog"}, {"type": "follow"}]`)
		w.as("ann", "POST", "/api/v1/accounts/"+w.id("cid")+"/mute", "").want(200, "")
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"type": "follow"}]`)
		w.as("ann", "POST", "/api/v1/notifications/clear", "").want(200, `{}`)
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[]`)
		w.as("dan", "POST", "/api/v1/statuses/"+post+"/favourite", "").want(200, "")
		w.as("ann", "GET", "/api/v1/notifications", "").want(200, `[{"account": {"username": "dan"}}]`)
	})
}

func TestFilterCalls(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		post := w.post("bob", "status=What+a+Goal!")
		w.follow("ann", "bob")
		f := w.as("ann", "POST", "/api/v2/filters", `{"title": "Sport", "context": ["home", "public"], "filter_action": "warn", "expires_in": 3600,
			"keywords_attributes": [{"keyword": "goal", "whole_word": true}, {"keyword": "match"}]}`).want(200,
			`{"title": "Sport", "context": ["home", "public"], "filter_action": "warn", "keywords": [{"keyword": "goal", "whole_word": true}, {"keyword": "match"}], "statuses": []}`)
		filter := "/api/v2/filters/" + f.id()
		var got struct{ Keywords []struct{ ID string } }
		if err := json.Unmarshal(f.body, &got); err != nil {
			t.Fatal(err)
		}
		goal, match := got.Keywords[0].ID, got.Keywords[1].ID
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+post+`", "filtered": [{"filter": {"title": "Sport"}, "keyword_matches": ["goal"]}]}]`)
		w.as("bob", "GET", filter, "").want(404, `{}`)
		for _, bad := range []string{"title=&context[]=home", "title=x", "title=x&context[]=space", "title=x&context[]=home&filter_action=shout",
			"title=x&context[]=home&expires_in=-1", "title=x&context[]=home&keywords_attributes[0][keyword]="} {
			w.as("ann", "POST", "/api/v2/filters", bad).want(422, `{}`)
		}
		w.as("ann", "PUT", filter, "filter_action=hide&expires_in=&keywords_attributes[0][id]="+match+"&keywords_attributes[0][_destroy]=true").want(200,
			`{"title": "Sport", "filter_action": "hide", "expires_at": null, "keywords": [{"id": "`+goal+`"}]}`)
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[]`)
		w.as("ann", "PUT", "/api/v2/filters/keywords/"+goal, "keyword=penalty").want(200, `{"keyword": "penalty", "whole_word": true}`)
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+post+`"}]`)
		w.as("bob", "DELETE", "/api/v2/filters/keywords/"+goal, "").want(404, `{}`)

		caught := w.as("ann", "POST", filter+"/statuses", "status_id="+post).want(200, `{"status_id": "`+post+`"}`).id()
		w.as("ann", "POST", filter+"/statuses", "status_id="+post).want(422, `{}`)
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[]`)
		w.as("ann", "GET", filter+"/statuses", "").want(200, `[{"id": "`+caught+`"}]`)
		w.as("ann", "DELETE", "/api/v2/filters/statuses/"+caught, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v2/filters/statuses/"+caught, "").want(404, `{}`)

		w.as("ann", "POST", filter+"/keywords", "keyword=offside&whole_word=false").want(200, `{"keyword": "offside", "whole_word": false}`)
		w.as("ann", "GET", filter+"/keywords", "").want(200, `[{"keyword": "penalty"}, {"keyword": "offside"}]`)
		w.as("ann", "DELETE", "/api/v2/filters/keywords/"+goal, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v2/filters", "").want(200, `[{"keywords": [{"keyword": "offside"}]}]`)
		w.as("ann", "DELETE", filter, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v2/filters", "").want(200, `[]`)
	})
}

func TestOldFilters(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		id := w.as("ann", "POST", "/api/v1/filters", "phrase=goal&context[]=home&irreversible=true&whole_word=true").want(200,
			`{"phrase": "goal", "context": ["home"], "irreversible": true, "whole_word": true, "expires_at": null}`).id()
		w.as("ann", "GET", "/api/v2/filters", "").want(200, `[{"title": "goal", "filter_action": "hide", "keywords": [{"id": "`+id+`"}]}]`)
		w.as("ann", "PUT", "/api/v1/filters/"+id, "phrase=match&context[]=public&irreversible=false").want(200, `{"phrase": "match", "context": ["public"], "irreversible": false, "whole_word": true}`)
		w.as("ann", "POST", "/api/v1/filters", "phrase=+&context[]=home").want(422, `{}`)
		w.as("ann", "GET", "/api/v1/filters", "").want(200, `[{"id": "`+id+`"}]`)
		w.as("bob", "GET", "/api/v1/filters/"+id, "").want(404, `{}`)
		w.as("ann", "DELETE", "/api/v1/filters/"+id, "").want(200, `{}`)
		w.as("ann", "GET", "/api/v2/filters", "").want(200, `[]`)
	})
}

func TestConversations(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.person("ann")
		w.person("bob")
		w.person("cid")
		first := w.post("ann", "status=hi+@bob&visibility=direct")
		other := w.post("cid", "status=hey+@bob+@ann&visibility=direct")
		w.post("cid", "status=hello+@bob&visibility=public")
		last := w.post("ann", "status=still+there+@bob?&visibility=direct&in_reply_to_id="+first)
		all := w.as("bob", "GET", "/api/v1/conversations", "").want(200, `[
			{"unread": true, "accounts": [{"username": "ann"}], "last_status": {"id": "`+last+`"}},
			{"unread": true, "accounts": [{"username": "cid"}, {"username": "ann"}], "last_status": {"id": "`+other+`"}}]`).ids()
		page := w.as("bob", "GET", "/api/v1/conversations?limit=1", "").want(200, `[{"id": "`+all[0]+`"}]`)
		w.as("bob", "GET", strings.TrimPrefix(linkTo(page.Header, "next"), "https://a.test"), "").want(200, `[{"id": "`+all[1]+`"}]`)
		w.as("ann", "GET", "/api/v1/conversations", "").want(200, `[{"unread": false, "accounts": [{"username": "bob"}]}, {"unread": true}]`)
		w.as("bob", "POST", "/api/v1/conversations/"+all[0]+"/read", "").want(200, `{"unread": false, "last_status": {"id": "`+last+`"}}`)
		w.as("dan", "POST", "/api/v1/conversations/"+all[0]+"/read", "").want(404, `{}`)
		w.as("bob", "DELETE", "/api/v1/conversations/"+all[0], "").want(200, `{}`)
		w.as("bob", "GET", "/api/v1/conversations", "").want(200, `[{"id": "`+all[1]+`", "unread": true}]`)
		w.as("ann", "GET", "/api/v1/conversations", "").want(200, `[{"id": "`+all[0]+`"}, {"id": "`+all[1]+`"}]`)
		again := w.post("ann", "status=@bob+?&visibility=direct&in_reply_to_id="+last)
		w.as("bob", "GET", "/api/v1/conversations", "").want(200, `[{"id": "`+all[0]+`", "unread": true, "last_status": {"id": "`+again+`"}}, {}]`)
		w.as("ann", "DELETE", "/api/v1/statuses/"+again, "").want(200, "")
		w.as("ann", "GET", "/api/v1/conversations", "").want(200, `[{"last_status": {"id": "`+last+`"}}, {}]`)
	})
}

// How one follows decides what comes home.
func TestHomeHeedsSettings(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		bob := w.id("bob")
		w.as("ann", "POST", "/api/v1/accounts/"+bob+"/follow", "languages[]=de&languages[]=fr").want(200, "")
		w.post("bob", "status=hello&language=en")
		german := w.post("bob", "status=Servus&language=de-AT")
		any := w.post("bob", "status=hm")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+any+`"}, {"id": "`+german+`"}]`)

		list := w.as("ann", "POST", "/api/v1/lists", "title=Quiet&exclusive=true").want(200, "").id()
		w.as("ann", "POST", "/api/v1/lists/"+list+"/accounts", "account_ids[]="+bob).want(200, "")
		later := w.post("bob", "status=later")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[]`)
		if got := w.as("ann", "GET", "/api/v1/timelines/list/"+list, "").want(200, "").ids(); len(got) == 0 || got[0] != later {
			t.Errorf("the list has %v, want %s first", got, later)
		}
		w.as("ann", "PUT", "/api/v1/lists/"+list, "exclusive=false").want(200, "")
		last := w.post("bob", "status=last")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+last+`"}]`)
		w.as("ann", "PUT", "/api/v1/lists/"+list, "exclusive=true").want(200, "")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[]`)
	})
}

func TestFollowedTags(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.as("ann", "GET", "/api/v1/tags/Cats", "").want(200, `{"name": "Cats", "following": false, "url": "https://a.test/tags/cats"}`)
		w.as("ann", "POST", "/api/v1/tags/Cats/follow", "").want(200, `{"name": "Cats", "following": true}`)
		w.as("ann", "POST", "/api/v1/tags/dogs/follow", "").want(200, `{"following": true}`)
		w.as("ann", "POST", "/api/v1/tags/no%20tag/follow", "").want(404, `{}`)
		w.as("ann", "GET", "/api/v1/tags/cats", "").want(200, `{"following": true}`)
		w.as("", "GET", "/api/v1/tags/cats", "").want(200, `{"following": false}`)
		w.as("ann", "GET", "/api/v1/followed_tags", "").want(200, `[{"name": "dogs"}, {"name": "Cats"}]`)
		w.as("ann", "GET", "/api/v2/search?q=cats&type=hashtags", "").want(200, `{"hashtags": [{"name": "Cats", "following": true}]}`)
		both := w.post("bob", "status=%23CATS+and+%23dogs")
		w.post("bob", "status=%23cats&visibility=unlisted")
		w.post("bob", "status=%23birds")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+both+`"}]`)
		w.as("ann", "POST", "/api/v1/tags/cats/unfollow", "").want(200, `{"following": false}`)
		w.as("ann", "POST", "/api/v1/tags/dogs/unfollow", "").want(200, `{"following": false}`)
		w.post("bob", "status=%23cats+again")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+both+`"}]`)
		w.as("ann", "POST", "/api/v1/tags/birds/follow", "").want(200, "")
		gone := w.post("bob", "status=%23birds+fly")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+gone+`"}, {"id": "`+both+`"}]`)
		w.as("bob", "DELETE", "/api/v1/statuses/"+gone, "").want(200, "")
		w.as("ann", "GET", "/api/v1/timelines/home", "").want(200, `[{"id": "`+both+`"}]`)
		w.as("ann", "GET", "/api/v1/followed_tags", "").want(200, `[{"name": "birds"}]`)
	})
}
