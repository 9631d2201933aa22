package pages

import (
	"strconv"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
)

func TestSeveredPage(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		ann, bob := w.person("ann"), w.person("bob")
		w.person("cid")
		event := &store.Severance{Type: "domain_block", Target: "b.test", Following: 1}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if err := w.pipeline.Severed(t.Context(), tx, ann.ID, event); err != nil {
				return err
			}
			return tx.KeepSevered(t.Context(), store.SeveredFollow{Owner: ann.ID, Event: event.ID, Following: true, Other: bob.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		b, other := w.browser(), w.browser()
		b.signIn("ann")
		other.signIn("cid")
		id := strconv.FormatInt(event.ID, 10)
		b.get("/severed_relationships").want(200, "Our moderators suspended the server", "b.test", "/severed_relationships/"+id+"/following.csv").without("followers.csv")
		list := b.get("/severed_relationships/"+id+"/following.csv").want(200, "Account address,Show boosts,Notify on new posts,Languages\nbob@a.test,true,false,\n")
		if got := list.header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
			t.Errorf("the list is %q", got)
		}
		b.get("/severed_relationships/"+id+"/followers.csv").want(200, "Account address\n")
		b.get("/severed_relationships/x/followers.csv").want(404)
		other.get("/severed_relationships").want(200, "You have lost none.")
		other.get("/severed_relationships/"+id+"/following.csv").want(404, "There is no such list.")
		w.browser().get("/severed_relationships/" + id + "/following.csv").to("/auth/sign_in")
	})
}
