package fedtest

import (
	"net/http"
	"net/url"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/store"
)

// boss makes an account with a role and the scopes of the staff.
func (w *World) boss(t *testing.T, handle string) (u *User, token string) {
	t.Helper()
	ctx := t.Context()
	u = w.User(handle)
	s := u.Server
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(ctx, u.Actor.ID)
		if err != nil {
			return err
		}
		a.Role = "owner"
		return tx.UpdateAccount(ctx, a)
	})
	if err != nil {
		t.Fatal(err)
	}
	if token, err = s.Auth.NewToken(ctx, "access", store.Token{Actor: u.Actor.ID, Scopes: "read write admin:read admin:write"}, 0); err != nil {
		t.Fatal(err)
	}
	s.Auth.Forget()
	return u, token
}

// A report that is forwarded reaches the moderators of the other server, who don't
// learn who reported.
func TestForwardedReport(t *testing.T) {
	w, ann, bob := friends(t)
	_, token := w.boss(t, "boss@a.test")
	ann.Post("rude", "public")
	w.Settle()
	post := only(t, bob.Home())
	var sent struct{ Forwarded bool }
	form := url.Values{"account_id": {post.Account.ID}, "status_ids[]": {post.ID}, "comment": {"please look"}, "forward": {"true"}}
	if code := bob.Call("POST", "/api/v1/reports", form, &sent); code != http.StatusOK || !sent.Forwarded {
		t.Fatalf("reporting: %d, %+v", code, sent)
	}
	w.Settle()
	var got []struct {
		Comment string
		Account struct{ Username string }
		Target  struct{ Username string }  `json:"target_account"`
		Status  []struct{ Content string } `json:"statuses"`
	}
	if code := w.Server("a.test").Call(token, "GET", "/api/v1/admin/reports", nil, &got); code != http.StatusOK || len(got) != 1 {
		t.Fatalf("reports of a.test: %d, %+v; want one", code, got)
	}
	if r := got[0]; r.Comment != "please look" || r.Target.Username != "ann" || r.Account.Username == "bob" || len(r.Status) != 1 {
		t.Errorf("the report: %+v", r)
	}
}

// A suspended account is hidden on other servers as well when they are told, and its
// posts are not served any more.
func TestSuspensionIsTold(t *testing.T) {
	w := New(t, "a.test", "b.test", "c.test")
	ann, bob := w.User("ann@a.test"), w.User("bob@b.test")
	bob.Follow(ann)
	w.Settle()
	post := ann.Post("soon hidden", "public")
	w.Settle()
	only(t, bob.Home())
	err := w.Server("a.test").Pipeline.Moderate(t.Context(), pipeline.Moderation{Target: ann.Actor, Action: "suspend"})
	if err != nil {
		t.Fatal(err)
	}
	w.Server("a.test").Auth.Forget()
	w.Settle()
	if code := ann.Call("GET", "/api/v1/timelines/home", nil, nil); code != http.StatusUnauthorized {
		t.Errorf("Ann's token: %d, want 401", code)
	}
	actor, err := w.Server("b.test").DB.ActorByURI(t.Context(), ann.Actor.URI)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := w.Server("b.test").DB.ActorDoc(t.Context(), actor.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !actor.Hidden() || len(bob.Home()) != 0 {
		t.Errorf("b.test was told and still shows her: %s", doc)
	}
	if _, ok := w.User("cat@c.test").See(post.URI); ok {
		t.Error("the post of a suspended account is still served")
	}
	if err := w.Server("a.test").Pipeline.Moderate(t.Context(), pipeline.Moderation{Target: ann.Actor, Action: "unsuspend"}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	only(t, bob.Home())
}
