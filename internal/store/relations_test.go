package store_test

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"testing"

	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// people puts remote and local actors into a database; the first letter's domain
// is ” for those whose name has no @.
func people(t *testing.T, db *store.DB, handles ...string) map[string]int64 {
	t.Helper()
	ids := map[string]int64{}
	change(t, db, func(ctx context.Context, tx *store.Tx) error {
		for _, h := range handles {
			name, domain := h, ""
			for i := range h {
				if h[i] == '@' {
					name, domain = h[:i], h[i+1:]
				}
			}
			id := tx.NewID()
			ids[h] = id
			a := &store.Actor{ID: id, Seq: id, URI: vocab.IRI("https://x.test/" + strconv.FormatInt(id, 10)), Type: "Person", Local: domain == "", Host: "x.test",
				Domain: domain, Username: name, Inbox: "https://x.test/inbox"}
			if err := errors.Join(tx.InsertActor(ctx, a, "{}"), tx.SetProfile(ctx, id, &store.Profile{})); err != nil {
				return err
			}
		}
		return nil
	})
	return ids
}

func change(t *testing.T, db *store.DB, f func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func first(list []store.Cursor) []int64 {
	ids := []int64{}
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestRelations(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		id := people(t, db, "ann", "bob", "cat@a.test", "dan@bad.test")
		ann, bob, cat, dan := id["ann"], id["bob"], id["cat@a.test"], id["dan@bad.test"]
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err1 := tx.SetFollow(ctx, store.Follow{Actor: ann, Target: bob, Seq: 1, Accepted: true, Local: true})
			_, err2 := tx.SetFollow(ctx, store.Follow{Actor: ann, Target: cat, Seq: 2, Local: true})
			_, err3 := tx.SetFollow(ctx, store.Follow{Actor: cat, Target: ann, Seq: 3, Accepted: true})
			_, err4 := tx.AddBlock(ctx, store.Block{Actor: dan, Target: ann, Seq: 4})
			return errors.Join(err1, err2, err3, err4,
				tx.SetMute(ctx, store.Mute{Actor: ann, Target: bob, Notifications: true, Expires: 1000}),
				tx.SetMute(ctx, store.Mute{Actor: ann, Target: cat, Expires: 10}),
				tx.SetFollowSettings(ctx, store.FollowSettings{Actor: ann, Target: bob, Notify: true, Languages: "de,en"}),
				tx.SetDomainBlock(ctx, ann, "bad.test", true), tx.SetDomainBlock(ctx, ann, "bad.test", true),
				tx.SetNote(ctx, ann, dan, "rude"))
		})
		got := must(db.Relations(t.Context(), ann, []int64{bob, cat, dan}, 500))(t)
		for who, want := range map[int64]store.Relation{
			bob: {Following: true, Muting: true, MutingNotifies: true, MuteExpires: 1000, Notify: true, Languages: "de,en"},
			cat: {Requested: true, FollowedBy: true, Boosts: true},
			dan: {BlockedBy: true, DomainBlocking: true, Boosts: true, Note: "rude"},
		} {
			if *got[who] != want {
				t.Errorf("relation to %d = %+v, want %+v", who, *got[who], want)
			}
		}
		if got := first(must(db.MutedBy(t.Context(), ann, 500, store.Page{}))(t)); !reflect.DeepEqual(got, []int64{bob}) {
			t.Errorf("muted = %v, want bob alone, the other mute has ended", got)
		}
		if got := first(must(db.FollowRequests(t.Context(), cat, store.Page{}))(t)); !reflect.DeepEqual(got, []int64{ann}) {
			t.Errorf("requests = %v", got)
		}
		if n := must(db.CountRequests(t.Context(), cat))(t); n != 1 {
			t.Errorf("%d requests", n)
		}
		if got := first(must(db.Followers(t.Context(), ann, store.Page{}))(t)); !reflect.DeepEqual(got, []int64{cat}) {
			t.Errorf("followers = %v", got)
		}
		domains := must(db.DomainBlocks(t.Context(), ann, store.Page{}))(t)
		if len(domains) != 1 || domains[0].Domain != "bad.test" {
			t.Errorf("domains = %v", domains)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.RemoveMute(ctx, ann, bob), tx.SetDomainBlock(ctx, ann, "bad.test", false), tx.SetNote(ctx, ann, dan, ""), tx.ForgetFollowSettings(ctx, ann, bob))
		})
		got = must(db.Relations(t.Context(), ann, []int64{bob, dan}, 500))(t)
		if *got[bob] != (store.Relation{Following: true, Boosts: true}) || *got[dan] != (store.Relation{BlockedBy: true, Boosts: true}) {
			t.Errorf("after taking all back: %+v, %+v", *got[bob], *got[dan])
		}
	})
}

func TestFollowingPages(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		id := people(t, db, "ann", "b", "c", "d", "e")
		order := []int64{id["b"], id["c"], id["d"], id["e"]}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i, target := range order {
				if _, err := tx.SetFollow(ctx, store.Follow{Actor: id["ann"], Target: target, Seq: int64(i + 1), Accepted: true, Local: true}); err != nil {
					return err
				}
			}
			_, err := tx.SetFollow(ctx, store.Follow{Actor: id["b"], Target: id["e"], Seq: 9, Accepted: true, Local: true})
			return err
		})
		for _, tt := range []struct {
			name string
			page store.Page
			want []int64
		}{
			{"newest first", store.Page{Limit: 2}, []int64{order[3], order[2]}},
			{"below a cursor", store.Page{Max: 3, Limit: 2}, []int64{order[1], order[0]}},
			{"since: the newest", store.Page{Since: 1, Limit: 2}, []int64{order[3], order[2]}},
			{"min: the next ones", store.Page{Min: 1, Limit: 2}, []int64{order[2], order[1]}},
		} {
			if got := first(must(db.Following(t.Context(), id["ann"], tt.page))(t)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
		if got := must(db.FamiliarFollowers(t.Context(), id["ann"], []int64{id["e"], id["ann"]}, 10))(t); !reflect.DeepEqual(got, map[int64][]int64{id["e"]: {id["b"]}}) {
			t.Errorf("familiar = %v, want b", got)
		}
	})
}

func TestNotificationsRead(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		const owner = 7
		mention, follow := store.KindNamed("mention"), store.KindNamed("follow")
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i := range int64(6) {
				kind := mention
				if i%2 == 1 {
					kind = follow
				}
				if _, err := tx.AddNotification(ctx, store.Notification{Owner: owner, ID: i + 1, Kind: kind, Actor: 100 + i}); err != nil {
					return err
				}
			}
			return tx.DismissNotification(ctx, owner, 5)
		})
		list := func(w store.NotificationQuery, p store.Page) []int64 {
			t.Helper()
			ids := []int64{}
			for _, n := range must(db.Notifications(t.Context(), owner, w, p))(t) {
				ids = append(ids, n.ID)
			}
			return ids
		}
		for _, tt := range []struct {
			name string
			w    store.NotificationQuery
			p    store.Page
			want []int64
		}{
			{"all but the dismissed", store.NotificationQuery{}, store.Page{}, []int64{6, 4, 3, 2, 1}},
			{"one kind", store.NotificationQuery{Kinds: []int16{mention}}, store.Page{}, []int64{3, 1}},
			{"without a kind", store.NotificationQuery{Exclude: []int16{mention}}, store.Page{Limit: 2}, []int64{6, 4}},
			{"by one", store.NotificationQuery{Actor: 101}, store.Page{}, []int64{2}},
			{"right above", store.NotificationQuery{}, store.Page{Min: 1, Limit: 2}, []int64{3, 2}},
		} {
			if got := list(tt.w, tt.p); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
		if _, err := db.Notification(t.Context(), owner, 5); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the dismissed one: %v", err)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.ClearNotifications(ctx, owner) })
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddNotification(ctx, store.Notification{Owner: owner, ID: 9, Kind: follow, Actor: 1})
			return err
		})
		if got := list(store.NotificationQuery{}, store.Page{}); !reflect.DeepEqual(got, []int64{9}) {
			t.Errorf("after clearing: %v, want the one that came later", got)
		}
		if m := must(db.Markers(t.Context(), owner))(t); len(m) != 0 {
			t.Errorf("clearing shows as a marker: %v", m)
		}
	})
}

func TestMarkers(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		for i, at := range []string{"5", "9"} {
			change(t, db, func(ctx context.Context, tx *store.Tx) error {
				m, err := tx.SetMarker(ctx, store.Marker{Actor: 1, Timeline: "home", LastRead: at})
				if m.Version != int64(i+1) {
					t.Errorf("version %d after %d writes", m.Version, i+1)
				}
				return err
			})
		}
		if got := must(db.Markers(t.Context(), 1))(t)["home"]; got.LastRead != "9" || got.Version != 2 {
			t.Errorf("marker = %+v", got)
		}
	})
}

func TestLists(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		l := store.List{Owner: 1, Title: "Friends", Replies: "list"}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SaveList(ctx, &l); err != nil {
				return err
			}
			for _, want := range []bool{true, false} {
				if added, err := tx.AddListMember(ctx, l.ID, 5); err != nil || added != want {
					t.Errorf("added = %t, %v; want %t", added, err, want)
				}
			}
			return nil
		})
		if _, err := db.List(t.Context(), 2, l.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("somebody else's list: %v", err)
		}
		if with := must(db.ListsWith(t.Context(), 1, 5))(t); len(with) != 1 || with[0] != l {
			t.Errorf("lists with the member: %+v", with)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			l.Title, l.Exclusive = "Kin", true
			return errors.Join(tx.SaveList(ctx, &l), tx.RemoveListMember(ctx, l.ID, 5))
		})
		if got := must(db.Lists(t.Context(), 1))(t); len(got) != 1 || got[0] != l {
			t.Errorf("lists = %+v", got)
		}
		if got := must(db.ListMembers(t.Context(), l.ID, store.Page{}))(t); len(got) != 0 {
			t.Errorf("members = %v", got)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropList(ctx, l.ID) })
		if got := must(db.Lists(t.Context(), 1))(t); len(got) != 0 {
			t.Errorf("lists = %+v after dropping", got)
		}
	})
}

func TestFilters(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		f := store.Filter{Owner: 1, Title: "Sport", Contexts: "home,public", Action: "warn"}
		k := store.FilterKeyword{Keyword: "goal", WholeWord: true}
		st := store.FilterStatus{Status: 44}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SaveFilter(ctx, &f); err != nil {
				return err
			}
			k.Filter, st.Filter = f.ID, f.ID
			return errors.Join(tx.SaveKeyword(ctx, &k), tx.AddFilterStatus(ctx, &st))
		})
		got := must(db.Filter(t.Context(), 1, f.ID))(t)
		if want := f; len(got.Keywords) != 1 || got.Keywords[0] != k || len(got.Statuses) != 1 || got.Statuses[0] != st || got.Title != want.Title {
			t.Errorf("filter = %+v", got)
		}
		if _, err := db.Filter(t.Context(), 2, f.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("somebody else's filter: %v", err)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			k.Keyword = "match"
			return errors.Join(tx.SaveKeyword(ctx, &k), tx.DropFilterStatus(ctx, st.ID))
		})
		if got := must(db.Filter(t.Context(), 1, f.ID))(t); got.Keywords[0].Keyword != "match" || len(got.Statuses) != 0 {
			t.Errorf("after changes: %+v", got)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.DropFilter(ctx, f.ID) })
		if got := must(db.Filters(t.Context(), 1))(t); len(got) != 0 {
			t.Errorf("after dropping: %+v", got)
		}
	})
}

func TestSearchAccounts(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		id := people(t, db, "anna", "Annabel@a.test", "ann@b.test", "ann2@b.test", "bob", "zoe@b.test")
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err1 := tx.SetFollow(ctx, store.Follow{Actor: id["zoe@b.test"], Target: id["ann2@b.test"], Seq: 1, Accepted: true})
			_, err2 := tx.SetFollow(ctx, store.Follow{Actor: id["bob"], Target: id["Annabel@a.test"], Seq: 2, Accepted: true})
			return errors.Join(err1, err2, tx.SetProfile(ctx, id["zoe@b.test"], &store.Profile{DisplayName: "Zoë (Annika) Smith"}),
				tx.SetProfile(ctx, id["bob"], &store.Profile{DisplayName: "An old name"}), tx.SetProfile(ctx, id["bob"], &store.Profile{DisplayName: "Bob Smithers"}))
		})
		for _, tt := range []struct {
			name string
			w    store.AccountSearch
			want []string
		}{
			{"the exact name, ours, the most followed", store.AccountSearch{Text: "ANN"}, []string{"ann@b.test", "anna", "Annabel@a.test", "ann2@b.test", "zoe@b.test"}},
			{"followed before ours", store.AccountSearch{Text: "ann", Viewer: id["bob"]}, []string{"ann@b.test", "Annabel@a.test", "anna", "ann2@b.test", "zoe@b.test"}},
			{"only followed", store.AccountSearch{Text: "ann", Viewer: id["bob"], Following: true}, []string{"Annabel@a.test"}},
			{"with a domain", store.AccountSearch{Text: "ann", Domain: "A."}, []string{"Annabel@a.test"}},
			{"skipping some", store.AccountSearch{Text: "ann", Limit: 1, Offset: 1}, []string{"anna"}},
			{"a word of the shown name", store.AccountSearch{Text: "smith"}, []string{"bob", "zoe@b.test"}},
			{"two words in any order", store.AccountSearch{Text: "smith zoë"}, []string{"zoe@b.test"}},
			{"not by an earlier name", store.AccountSearch{Text: "old"}, nil},
			{"nobody", store.AccountSearch{Text: "x"}, nil},
			{"nothing", store.AccountSearch{}, nil},
			{"only signs", store.AccountSearch{Text: "( )"}, nil},
		} {
			if tt.w.Limit == 0 {
				tt.w.Limit = 10
			}
			want := []int64(nil)
			for _, h := range tt.want {
				want = append(want, id[h])
			}
			if got := must(db.SearchAccounts(t.Context(), tt.w))(t); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", tt.name, got, want)
			}
		}
	})
}

func TestPeers(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		people(t, db, "ann")
		if got := must(db.Peers(t.Context()))(t); len(got) != 0 {
			t.Errorf("peers = %v, want none", got)
		}
		people(t, db, "a@c.test", "b@a.test", "c@b.test", "d@a.test")
		if got := must(db.Peers(t.Context()))(t); !reflect.DeepEqual(got, []string{"a.test", "b.test", "c.test"}) {
			t.Errorf("peers = %v", got)
		}
		if n := must(db.InstanceCounts(t.Context(), 0))(t); n.Domains != 3 {
			t.Errorf("%d domains, want 3", n.Domains)
		}
	})
}

func TestUploads(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		u := store.Upload{ID: 5, Owner: 1, Kind: "image", Mime: "image/png", File: "5/a.png", Size: 9, Meta: store.UploadMeta{Width: 3, Focus: [2]float64{0.5, -1}}, Created: 100}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.InsertUpload(ctx, &u) })
		if got := must(db.Upload(t.Context(), 5))(t); *got != u {
			t.Errorf("upload = %+v, want %+v", *got, u)
		}
		for before, want := range map[int64]int{100: 0, 101: 1} {
			if got := must(db.LooseUploads(t.Context(), before, 10))(t); len(got) != want {
				t.Errorf("%d loose ones before %d, want %d", len(got), before, want)
			}
		}
		u.Description, u.Meta.Focus = "A cat", [2]float64{}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.UpdateUpload(ctx, &u) })
		if got := must(db.Upload(t.Context(), 5))(t); *got != u {
			t.Errorf("described: %+v", *got)
		}
		attach := func(status int64) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return tx.AttachUploads(t.Context(), 1, status, []int64{5}) })
		}
		drop := func(ctx context.Context, tx *store.Tx) error { return tx.DeleteUpload(ctx, 5) }
		for range 2 { // Again by an edit.
			if err := attach(7); err != nil {
				t.Error(err)
			}
		}
		if err := attach(8); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("taken by another status: %v", err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return drop(t.Context(), tx) }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("dropped while a status has it: %v", err)
		}
		change(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.FreeUploads(ctx, 7) })
		if got := must(db.Upload(t.Context(), 5))(t); got.Status != 0 || got.Created <= 100 {
			t.Errorf("freed: %+v", got)
		}
		change(t, db, drop)
		if err := attach(9); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("attached when it was gone: %v", err)
		}
		if _, err := db.Upload(t.Context(), 5); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("dropped: %v", err)
		}
	})
}

func TestMovedTo(t *testing.T) {
	storetest.Each(t, store.Options{}, func(t *testing.T, db *store.DB) {
		id := people(t, db, "ann", "zoe@b.test")
		change(t, db, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetProfile(ctx, id["zoe@b.test"], &store.Profile{MovedTo: "https://c.test/zoe"})
		})
		for _, tt := range []struct {
			name  string
			actor int64
			want  vocab.IRI
		}{{"who stays", id["ann"], ""}, {"who moved", id["zoe@b.test"], "https://c.test/zoe"}, {"who has no profile", 1, ""}} {
			if got, err := db.MovedTo(t.Context(), tt.actor); err != nil || got != tt.want {
				t.Errorf("%s: MovedTo = %q, %v, want %q", tt.name, got, err, tt.want)
			}
		}
	})
}
