package activitypub

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// TestTwoServers has two of us read each other over HTTP, openly and with every
// reader having to sign.
func TestTwoServers(t *testing.T) {
	for _, authorized := range []bool{false, true} {
		t.Run(fmt.Sprintf("authorized fetch %t", authorized), func(t *testing.T) {
			ctx := context.Background()
			n := &network{ports: map[string]string{}}
			worlds := map[string]*world{}
			for _, host := range []string{"a.test", "b.test"} {
				w := newWorldAt(t, "http://"+host, n, storetest.SQLite, func(o *Options) { o.AuthorizedFetch = authorized })
				w.serve()
				worlds[host] = w
			}
			a, b := worlds["a.test"], worlds["b.test"]
			ann, bob := a.ours("ann"), b.ours("bob")
			id := a.write(ann, pipeline.Draft{Text: "hello"})

			seen, err := b.Pipeline.Resolve(ctx, "@ann@a.test")
			if err != nil || seen.URI != ann.URI || seen.Acct() != "ann@a.test" || seen.KeyPEM == "" {
				t.Fatalf("%+v %v", seen, err)
			}
			if _, err := b.Pipeline.FetchObject(ctx, a.Pipeline.ObjectURI(id)); err != nil {
				t.Fatal(err)
			}

			// Nobody at a.test has heard of bob.
			if err := b.Pipeline.Follow(ctx, bob, seen); err != nil {
				t.Fatal(err)
			}
			all, err := b.db.LiveActivities(ctx, "Follow", bob.ID, seen.ID)
			if err != nil || len(all) != 1 {
				t.Fatalf("%v %v", all, err)
			}
			key := keyOf(t, b, bob)
			answer, err := b.Pipeline.Remote.Post(ctx, ann.Inbox, []byte(all[0].Doc), key, nil)
			if err != nil || answer.Status != http.StatusAccepted {
				t.Fatalf("%+v %v", answer, err)
			}
			for _, err := range a.runArrivals() {
				if err != nil {
					t.Fatal(err)
				}
			}
			known, err := a.db.ActorByURI(ctx, bob.URI)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := a.db.Follow(ctx, known.ID, ann.ID); err != nil || !f.Accepted {
				t.Errorf("%+v %v", f, err)
			}

			// A follower may read what is for followers, with his own key alone.
			private := a.write(ann, pipeline.Draft{Text: "for followers", Visibility: "private"})
			if _, _, err := b.Pipeline.Remote.Document(ctx, a.Pipeline.ObjectURI(private), key); err != nil {
				t.Error(err)
			}
			if _, _, err := b.Pipeline.Remote.Document(ctx, a.Pipeline.ObjectURI(private), b.Pipeline.InstanceKey(ctx)); err == nil {
				t.Error("the instance itself may read it too")
			}
		})
	}
}

// keyOf is the key of one of a world's accounts.
func keyOf(t *testing.T, w *world, a *store.Actor) *remote.Key {
	t.Helper()
	account, err := w.db.Account(context.Background(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	private, err := remote.ParsePrivateKey(account.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &remote.Key{ID: vocab.IRI(a.KeyID), Private: private}
}
