package fedtest

import (
	"net/http"
	"strings"
	"testing"
)

// TestInteractionRequests has somebody elsewhere ask for leave to favour, answer and
// boost a post: it is given, can be checked, and what was asked for is done.
func TestInteractionRequests(t *testing.T) {
	w := New(t, "a.test")
	ann := w.User("ann@a.test")
	net := newInternet(t, w)
	zoe := "http://gts.test/users/zoe"
	net.actor(zoe, nil, "")
	post := ann.Post("What do you think?", "public")
	p := &play{T: t, w: w, net: net, me: ann}
	for _, tt := range []struct {
		typ, authorization string
		instrument         any
	}{
		{"LikeRequest", "LikeAuthorization", map[string]any{"id": zoe + "/likes/1", "type": "Like", "actor": zoe, "object": post.URI}},
		{"ReplyRequest", "ReplyAuthorization", map[string]any{"id": zoe + "/statuses/1", "type": "Note", "attributedTo": zoe, "to": asPub, "content": "Yes", "inReplyTo": post.URI}},
		{"AnnounceRequest", "AnnounceAuthorization", map[string]any{"id": zoe + "/boosts/1", "type": "Announce", "actor": zoe, "to": asPub, "object": post.URI}},
	} {
		request := map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": zoe + "/" + tt.typ, "type": tt.typ, "actor": zoe, "object": post.URI, "instrument": tt.instrument}
		if code := net.deliver(ann.Server, zoe, encode(t, request)); code/100 != 2 {
			t.Fatalf("%s: %d", tt.typ, code)
		}
		p.checkStamp(request, zoe, post.URI, tt.authorization, tt.instrument.(map[string]any)["id"].(string))
	}
	if s, _ := ann.See(post.URI); s.Favourites != 1 || s.Boosts != 1 || s.Replies != 1 {
		t.Errorf("after all that was asked for: %+v", s)
	}
	if p.claims != 6 {
		t.Errorf("%d claims checked, want 6", p.claims)
	}
}

// TestInteractionPolicy wants the policies of other people's posts kept.
func TestInteractionPolicy(t *testing.T) {
	w := New(t, "a.test")
	ann := w.User("ann@a.test")
	net := newInternet(t, w)
	zoe := "http://gts.test/users/zoe"
	net.actor(zoe, nil, "")
	for _, tt := range []struct {
		what   string
		policy map[string]any
		want   int
	}{
		{"everybody", map[string]any{"automaticApproval": asPub}, http.StatusOK},
		{"with approval", map[string]any{"automaticApproval": []any{zoe}, "manualApproval": []any{asPub}}, http.StatusOK},
		{"in the older words", map[string]any{"always": []any{asPub}, "approvalRequired": []any{}}, http.StatusOK},
		{"nobody", map[string]any{"automaticApproval": []any{zoe}, "manualApproval": []any{}}, http.StatusForbidden},
		{"followers alone", map[string]any{"automaticApproval": []any{zoe + "/followers"}}, http.StatusForbidden},
		{"somebody of ours by name", map[string]any{"automaticApproval": []any{string(ann.Actor.URI)}}, http.StatusOK},
		{"says nothing", nil, http.StatusOK},
	} {
		id := zoe + "/statuses/" + strings.ReplaceAll(tt.what, " ", "-")
		policy := map[string]any{}
		if tt.policy != nil {
			policy = map[string]any{"canLike": tt.policy, "canReply": tt.policy, "canAnnounce": tt.policy}
		}
		net.serve(id, "application/activity+json", encode(t, map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": id, "type": "Note", "attributedTo": zoe, "to": asPub,
			"content": "x", "published": "2026-01-01T00:00:00Z", "interactionPolicy": policy}))
		post, ok := ann.See(id)
		if !ok {
			t.Fatalf("%s: the post is not shown", tt.what)
		}
		for _, path := range []string{"/api/v1/statuses/" + post.ID + "/favourite", "/api/v1/statuses/" + post.ID + "/reblog", "/api/v1/statuses"} {
			form := map[string][]string{"status": {"hm"}, "in_reply_to_id": {post.ID}}
			if got := ann.Call("POST", path, form, nil); got != tt.want {
				t.Errorf("%s: %s: %d, want %d", tt.what, path, got, tt.want)
			}
		}
		if got := ann.Call("PUT", "/api/v1/pleroma/statuses/"+post.ID+"/reactions/%F0%9F%94%A5", nil, nil); got != tt.want {
			t.Errorf("%s: a reaction: %d, want %d", tt.what, got, tt.want)
		}
	}
}
