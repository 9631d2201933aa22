package takeout

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/media"
	"kenoma/internal/pgtest"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Stop()
	os.Exit(code)
}

// world is a server with real parts, whose clock stands still.
type world struct {
	*Service
	t       *testing.T
	clock   time.Time
	clockMu sync.Mutex
}

var oneKey = sync.OnceValues(func() (string, error) {
	key, err := remote.NewRSAKey()
	if err != nil {
		return "", err
	}
	return remote.EncodePrivateKey(key)
})

func eachEngine(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	var w *world
	now := func() time.Time { w.clockMu.Lock(); defer w.clockMu.Unlock(); return w.clock }
	w = &world{clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	storetest.Each(t, store.Options{Now: now}, func(t *testing.T, db *store.DB) {
		w.t, w.clock = t, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		quiet := slog.New(slog.DiscardHandler)
		p := pipeline.New(pipeline.Options{DB: db, URL: "https://a.test", Domain: "a.test", NewKey: oneKey, Log: quiet, Now: now})
		dir := t.TempDir()
		w.Service = New(Options{DB: db, Pipeline: p, Storage: media.Disk(filepath.Join(dir, "uploads")), Dir: dir, URL: "https://a.test", Domain: "a.test",
			Every: 7 * 24 * time.Hour, MaxRows: 100, Log: quiet, Now: now, Archives: 5,
			Uploads: &media.Uploads{DB: db, Storage: media.Disk(filepath.Join(dir, "uploads")), Log: quiet, Processor: media.NewProcessor(media.ProcessorOptions{TempDir: dir})}})
		t.Cleanup(w.Close)
		run(t, w)
	})
}

func (w *world) pass(d time.Duration) {
	w.clockMu.Lock()
	defer w.clockMu.Unlock()
	w.clock = w.clock.Add(d)
}

func (w *world) person(name string) *store.Actor {
	w.t.Helper()
	if a, err := w.DB.ActorByHandle(w.t.Context(), name, ""); err == nil {
		return a
	}
	a, err := w.Pipeline.CreateAccount(w.t.Context(), store.NewAccount{Username: name, Email: name + "@mail.test", Password: "-", Confirmed: true, Approved: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// stranger is an account of another server that is known here.
func (w *world) stranger(name, host string) *store.Actor {
	w.t.Helper()
	id := vocab.IRI("https://" + host + "/users/" + name)
	a := &store.Actor{ID: w.DB.IDs.Next(), URI: id, Type: "Person", Host: host, Domain: host, Username: name, Inbox: id + "/inbox", Followers: id + "/followers"}
	a.Seq = a.ID
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertActor(ctx, a, `{"id":"`+string(id)+`","type":"Person","preferredUsername":"`+name+`","inbox":"`+string(id)+`/inbox"}`); err != nil {
			return err
		}
		return tx.SetProfile(ctx, a.ID, &store.Profile{URL: id, Type: "Person"})
	})
	return a
}

func (w *world) write(f func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.DB.Write(ctx, func(tx *store.Tx) error { return f(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// work runs our jobs that are due, and returns how many runs it took. times bounds
// them; 0 is until nothing is due within a minute.
func (w *world) work(times int) int {
	w.t.Helper()
	ctx := w.t.Context()
	runs := 0
	for times == 0 || runs < times {
		var claimed *store.Claimed
		w.write(func(ctx context.Context, tx *store.Tx) (err error) {
			claimed, err = tx.ClaimJobs(ctx, store.Claim{Node: 1, Lease: time.Minute, Own: 1})
			return err
		})
		if len(claimed.Jobs) == 0 {
			next, err := w.DB.NextJob(ctx)
			w.ok(err)
			wait := time.UnixMilli(next).Sub(w.Now())
			if next == 0 || wait > time.Minute {
				return runs
			}
			w.pass(max(wait, time.Millisecond))
			continue
		}
		j := claimed.Jobs[0]
		if run := w.Jobs()[j.Kind]; run != nil {
			runs++
			if err := run(ctx, j); err != nil {
				w.t.Fatalf("job %s: %v", j.Kind, err)
			}
		}
		w.write(func(ctx context.Context, tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{j.ID}) })
	}
	return runs
}

func (w *world) csv(actor *store.Actor, name string) string {
	w.t.Helper()
	kind, err := KindOf(name)
	w.ok(err)
	var b strings.Builder
	w.ok(w.WriteList(w.t.Context(), &b, actor.ID, kind))
	return b.String()
}

func (w *world) post(by *store.Actor, d pipeline.Draft) int64 {
	w.t.Helper()
	id, err := w.Pipeline.Post(w.t.Context(), by, d)
	w.ok(err)
	return id
}

// TestRoundTrip takes every list of one account away and brings it along to
// another one, which must then have the same.
func TestRoundTrip(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob, cyn, dan := w.person("ann"), w.person("bob"), w.person("cyn"), w.person("dan")
		eve := w.stranger("eve", "e.test")
		for _, who := range []*store.Actor{bob, cyn} {
			w.ok(w.Pipeline.Follow(ctx, ann, who))
		}
		w.ok(w.Pipeline.Follow(ctx, dan, ann))
		w.ok(w.Pipeline.Block(ctx, ann, eve))
		post := w.post(bob, pipeline.Draft{Text: "Hello", Visibility: "public"})
		w.ok(w.Pipeline.Favourite(ctx, ann, post))
		list := &store.List{Owner: ann.ID, Title: `Friends, "old"`, Replies: "list"}
		w.write(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.SetFollowSettings(ctx, store.FollowSettings{Actor: ann.ID, Target: bob.ID, Boosts: false, Notify: true, Languages: "de,en"}); err != nil {
				return err
			}
			if err := tx.SetMute(ctx, store.Mute{Actor: ann.ID, Target: dan.ID, Notifications: false}); err != nil {
				return err
			}
			if err := tx.SetDomainBlock(ctx, ann.ID, "bad.test", true); err != nil {
				return err
			}
			if err := tx.SetBookmark(ctx, ann.ID, post, true); err != nil {
				return err
			}
			if err := tx.SaveList(ctx, list); err != nil {
				return err
			}
			_, err := tx.AddListMember(ctx, list.ID, bob.ID)
			return err
		})
		want := map[string]string{
			"following":     "Account address,Show boosts,Notify on new posts,Languages\ncyn@a.test,true,false,\nbob@a.test,false,true,\"de, en\"\n",
			"followers":     "Account address\ndan@a.test\n",
			"blocks":        "eve@e.test\n",
			"mutes":         "Account address,Hide notifications\ndan@a.test,false\n",
			"domain_blocks": "bad.test\n",
			"lists":         "\"Friends, \"\"old\"\"\",bob@a.test\n",
			"bookmarks":     fmt.Sprintf("https://a.test/objects/%d\n", post),
			"likes":         fmt.Sprintf("https://a.test/objects/%d\n", post),
		}
		for name, text := range want {
			if got := w.csv(ann, name); got != text {
				t.Errorf("%s: %q, want %q", name, got, text)
			}
		}
		new := w.person("new")
		for _, k := range Lists() {
			if !k.Import {
				continue
			}
			w.ok(w.Start(ctx, new.ID, k.Name, false, strings.NewReader(want[k.Name])))
			w.work(0)
			got, expect := strings.Split(w.csv(new, k.Name), "\n"), strings.Split(want[k.Name], "\n")
			slices.Sort(got)
			slices.Sort(expect)
			if !reflect.DeepEqual(got, expect) {
				t.Errorf("%s after the import: %q, want %q", k.Name, got, expect)
			}
		}
		imports, err := w.DB.Imports(ctx, new.ID)
		w.ok(err)
		for _, i := range imports {
			if i.Finished == 0 || i.Failed != 0 || i.Done != i.Total {
				t.Errorf("import %+v, want it done without failures", i)
			}
		}
		if _, err := KindOf("nonsense"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown list: %v", err)
		}
	})
}

// TestOverwrite wants what is not in the file to go, and what is to stay.
func TestOverwrite(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob, cyn := w.person("ann"), w.person("bob"), w.person("cyn")
		eve := w.stranger("eve", "e.test")
		one, two := w.post(bob, pipeline.Draft{Text: "1", Visibility: "public"}), w.post(bob, pipeline.Draft{Text: "2", Visibility: "public"})
		w.ok(w.Pipeline.Follow(ctx, ann, bob))
		w.ok(w.Pipeline.Block(ctx, ann, eve))
		w.write(func(ctx context.Context, tx *store.Tx) error {
			for _, l := range []string{"Old", "Kept"} {
				list := &store.List{Owner: ann.ID, Title: l, Replies: "list"}
				if err := tx.SaveList(ctx, list); err != nil {
					return err
				}
				if _, err := tx.AddListMember(ctx, list.ID, bob.ID); err != nil {
					return err
				}
			}
			for _, d := range []string{"old.test", "kept.test"} {
				if err := tx.SetDomainBlock(ctx, ann.ID, d, true); err != nil {
					return err
				}
			}
			if err := tx.SetMute(ctx, store.Mute{Actor: ann.ID, Target: bob.ID}); err != nil {
				return err
			}
			return tx.SetBookmark(ctx, ann.ID, one, true)
		})
		for _, tt := range []struct{ kind, file, want string }{
			{"lists", "Kept,cyn\nNew,@cyn@a.test\n", "Kept,cyn@a.test\nNew,cyn@a.test\n"},
			{"following", "Account address\ncyn@a.test\n", "Account address,Show boosts,Notify on new posts,Languages\ncyn@a.test,true,false,\n"},
			{"blocks", "bob\n", "bob@a.test\n"},
			{"mutes", "Account address,Hide notifications\ncyn,true\n", "Account address,Hide notifications\ncyn@a.test,true\n"},
			{"domain_blocks", "#domain,#severity\nkept.test,suspend\nNEW.test,silence\n", "new.test\nkept.test\n"},
			{"bookmarks", fmt.Sprintf("https://a.test/objects/%d\n", two), fmt.Sprintf("https://a.test/objects/%d\n", two)},
		} {
			w.ok(w.Start(ctx, ann.ID, tt.kind, true, strings.NewReader(tt.file)))
			w.work(0)
			if got := w.csv(ann, tt.kind); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.kind, got, tt.want)
			}
		}
		if f, err := w.DB.Follow(ctx, ann.ID, cyn.ID); err != nil || !f.Accepted {
			t.Errorf("who is in a list is followed: %+v, %v", f, err)
		}
		if blocks, err := w.DB.Blocks(ctx, ann.ID, eve.ID); err != nil || blocks {
			t.Errorf("the old block stands: %t, %v", blocks, err)
		}
	})
}

// TestImportGoesOn wants an import that is interrupted to go on where it was, rows
// that fail to be told with their reasons, and a week later all to be forgotten.
func TestImportGoesOn(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := w.person("ann")
		var file strings.Builder
		for n := range 45 {
			name := fmt.Sprintf("p%d", n)
			w.person(name)
			file.WriteString(name + "\n")
		}
		file.WriteString("nobody\nann\nstranger@unknown.test\nnot an address\n")
		w.ok(w.Start(ctx, ann.ID, "following", false, strings.NewReader(file.String())))
		if err := w.Start(ctx, ann.ID, "following", false, strings.NewReader("p1\n")); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second one of the kind: %v", err)
		}
		w.work(1)
		all, err := w.DB.Imports(ctx, ann.ID)
		w.ok(err)
		if i := all[0]; i.Done != rowsPerRun || i.Finished != 0 {
			t.Fatalf("after one run: %+v", i)
		}
		begun := w.Now()
		if runs := w.work(0); runs != 2 {
			t.Errorf("%d further runs, want 2", runs)
		}
		if passed := w.Now().Sub(begun); passed < pause {
			t.Errorf("the runs follow each other after %s, want %s", passed, pause)
		}
		all, err = w.DB.Imports(ctx, ann.ID)
		w.ok(err)
		if i := all[0]; i.Done != 49 || i.Failed != 4 || i.Finished == 0 {
			t.Errorf("at the end: %+v", i)
		}
		if n := len(storetest.Dump(t, w.DB, "SELECT target FROM follows")); n != 45 {
			t.Errorf("%d follows, want 45", n)
		}
		var failures strings.Builder
		w.ok(w.WriteFailures(ctx, &failures, ann.ID, all[0].ID))
		want := "nobody,,,,There is no account nobody.\nann,,,,You can't follow yourself.\nstranger@unknown.test,,,,There is no account stranger@unknown.test.\nnot an address,,,,This row can't be read.\n"
		if failures.String() != want {
			t.Errorf("failures %q, want %q", failures.String(), want)
		}
		if err := w.WriteFailures(ctx, io.Discard, w.person("p1").ID, all[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("for somebody else: %v", err)
		}
		w.pass(8 * 24 * time.Hour)
		w.work(0)
		for _, table := range []string{"imports", "import_failures", "import_targets"} {
			if left := storetest.Dump(t, w.DB, "SELECT * FROM "+table); len(left) != 0 {
				t.Errorf("%s after a week: %q", table, left)
			}
		}

		// Stopped: nothing more is done.
		w.ok(w.Start(ctx, ann.ID, "blocks", false, strings.NewReader(file.String())))
		w.work(1)
		all, err = w.DB.Imports(ctx, ann.ID)
		w.ok(err)
		if err := w.Stop(ctx, w.person("p1").ID, all[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("stopped by somebody else: %v", err)
		}
		w.ok(w.Stop(ctx, ann.ID, all[0].ID))
		w.work(0)
		if n := len(storetest.Dump(t, w.DB, "SELECT target FROM blocks")); n != rowsPerRun {
			t.Errorf("%d blocks after the stop, want %d", n, rowsPerRun)
		}
	})
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, kind, file string
		want             [][]string
		kindOf           fault.Kind
	}{
		{"plain", "blocks", "ann@a.test\nbob@b.test\n", [][]string{{"ann@a.test"}, {"bob@b.test"}}, 0},
		{"with a mark, Windows lines and gaps", "blocks", "\ufeffann@a.test\r\n\r\n bob@b.test\r\n", [][]string{{"ann@a.test"}, {"bob@b.test"}}, 0},
		{"columns in another order", "following", "Languages,Account address\n\"de, en\",ann@a.test\n", [][]string{{"ann@a.test", "", "", "de, en"}}, 0},
		{"a header with more", "domain_blocks", "#domain,#severity,#reject_media\nx.test,suspend,false\n", [][]string{{"x.test"}}, 0},
		{"more columns than known", "mutes", "ann@a.test,true,what\n", [][]string{{"ann@a.test", "true"}}, 0},
		{"empty", "blocks", "", nil, fault.Invalid},
		{"a header alone", "blocks", "Account address\n", nil, fault.Invalid},
		{"a picture", "blocks", "\x89PNG\x00\x00", nil, fault.Invalid},
		{"another kind", "bookmarks", "ann@a.test\n", nil, fault.Invalid},
		{"too many rows", "blocks", strings.Repeat("ann@a.test\n", 4), nil, fault.TooLarge},
		{"too large", "blocks", strings.Repeat("x", MaxFile+1), nil, fault.TooLarge},
	} {
		got, err := Read(tt.kind, strings.NewReader(tt.file), 3)
		if !reflect.DeepEqual(got, tt.want) || tt.kindOf != 0 && !fault.Is(err, tt.kindOf) || tt.kindOf == 0 && err != nil {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.kindOf)
		}
	}
}

// TestArchive reads an archive back.
func TestArchive(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		w.ok(w.Storage.Put(ctx, "77/cat.png", strings.NewReader("a cat"), "image/png"))
		w.ok(w.Storage.Put(ctx, "78/me.png", strings.NewReader("me"), "image/png"))
		w.write(func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertUpload(ctx, &store.Upload{ID: 77, Owner: ann.ID, Kind: "image", Mime: "image/png", File: "77/cat.png", Created: 1})
		})
		w.ok(w.Pipeline.EditProfile(ctx, ann, func(a *vocab.Actor) { a.Icon = "https://a.test/media/78/me.png" }))
		for n := range gathered + 5 {
			w.post(ann, pipeline.Draft{Text: fmt.Sprintf("Post %d", n), Visibility: []string{"public", "private", "direct"}[n%3]})
		}
		w.post(ann, pipeline.Draft{Text: "A cat", Visibility: "public", Media: []store.Media{{ID: 77, Kind: "image", Mime: "image/png", URL: "https://a.test/media/77/cat.png"}}})
		bobs := w.post(bob, pipeline.Draft{Text: "Bob's", Visibility: "public"})
		_, err := w.Pipeline.Boost(ctx, ann, bobs, "")
		w.ok(err)
		w.ok(w.Pipeline.Favourite(ctx, ann, bobs))
		w.write(func(ctx context.Context, tx *store.Tx) error { return tx.SetBookmark(ctx, ann.ID, bobs, true) })

		w.ok(w.Request(ctx, ann.ID))
		if err := w.Request(ctx, ann.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second one at once: %v", err)
		}
		w.work(0)
		have, err := w.DB.Archives(ctx, ann.ID)
		w.ok(err)
		if len(have) != 1 || have[0].Finished == 0 || have[0].Size == 0 {
			t.Fatalf("archives %+v", have)
		}
		files := w.unpack(ann, have[0].ID)
		var outbox, likes, bookmarks struct {
			TotalItems   int
			OrderedItems []json.RawMessage
		}
		var actor map[string]any
		for name, into := range map[string]any{"outbox.json": &outbox, "likes.json": &likes, "bookmarks.json": &bookmarks, "actor.json": &actor} {
			if err := json.Unmarshal(files[name], into); err != nil {
				t.Fatalf("%s: %v in %s", name, err, files[name])
			}
		}
		if n := gathered + 7; outbox.TotalItems != n || len(outbox.OrderedItems) != n {
			t.Errorf("outbox of %d, with %d items, want %d", outbox.TotalItems, len(outbox.OrderedItems), n)
		}
		if text := string(files["outbox.json"]); !strings.Contains(text, `"/media_attachments/files/77/cat.png"`) || strings.Contains(text, "a.test/media/77") || !strings.Contains(text, "Post 2") || !strings.Contains(text, "Announce") {
			t.Errorf("outbox: %.3000s", text)
		}
		uri := fmt.Sprintf("%q", fmt.Sprintf("https://a.test/objects/%d", bobs))
		if len(likes.OrderedItems) != 1 || string(likes.OrderedItems[0]) != uri || len(bookmarks.OrderedItems) != 1 || string(bookmarks.OrderedItems[0]) != uri {
			t.Errorf("likes %s, bookmarks %s", files["likes.json"], files["bookmarks.json"])
		}
		if icon, _ := actor["icon"].(map[string]any); actor["outbox"] != "outbox.json" || icon["url"] != "avatar.png" || string(files["avatar.png"]) != "me" {
			t.Errorf("actor %v, picture %q", actor, files["avatar.png"])
		}
		if string(files["media_attachments/files/77/cat.png"]) != "a cat" {
			t.Errorf("files %v", files)
		}
		if mail := storetest.Dump(t, w.DB, "SELECT payload FROM jobs WHERE kind = 'notice-mail'"); len(mail) > 1 {
			t.Errorf("mails %q", mail)
		}

		if _, _, err := w.Open(ctx, bob.ID, have[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("Bob opens Ann's: %v", err)
		}
		if err := w.Request(ctx, ann.ID); !fault.Is(err, fault.TooMany) {
			t.Errorf("another one on the same day: %v", err)
		}
		w.pass(8 * 24 * time.Hour)
		w.work(0)
		if _, _, err := w.Open(ctx, ann.ID, have[0].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("after eight days: %v", err)
		}
		left, err := filepath.Glob(filepath.Join(w.Dir, "*-*"))
		w.ok(err)
		if len(left) != 0 {
			t.Errorf("files left: %q", left)
		}
		w.ok(w.Request(ctx, ann.ID))
	})
}

func (w *world) unpack(actor *store.Actor, id int64) map[string][]byte {
	w.t.Helper()
	f, a, err := w.Open(w.t.Context(), actor.ID, id)
	w.ok(err)
	defer f.Close()
	z, err := zip.NewReader(f, a.Size)
	w.ok(err)
	files := map[string][]byte{}
	for _, one := range z.File {
		r, err := one.Open()
		w.ok(err)
		data, err := io.ReadAll(r)
		w.ok(err)
		files[one.Name] = data
	}
	return files
}

// TestGatherAgain wants a run that was cut off to leave no half and no double post.
func TestGatherAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ann := w.person("ann")
		for n := range gathered + 3 {
			w.post(ann, pipeline.Draft{Text: fmt.Sprintf("Post %d", n), Visibility: "public"})
		}
		at := archiveJob{Archive: 5}
		w.ok(os.MkdirAll(w.Service.work(5), 0o700))
		w.ok(w.gather(ctx, ann, &at))
		before := at
		w.ok(w.gather(ctx, ann, &at)) // Its note is lost …
		again := before
		w.ok(w.gather(ctx, ann, &again)) // … so it is done again.
		if again != at || !again.Zip || again.Posts != gathered+3 {
			t.Errorf("again %+v, want %+v", again, at)
		}
		data, err := os.ReadFile(filepath.Join(w.Service.work(5), "outbox"))
		w.ok(err)
		if n := bytes.Count(data, []byte(`"Create"`)); n != gathered+3 || int64(len(data)) != again.Outbox {
			t.Errorf("%d posts in %d bytes, want %d in %d", n, len(data), gathered+3, again.Outbox)
		}
		w.ok(os.RemoveAll(w.Service.work(5))) // The folder is lost: from the start.
		w.ok(os.MkdirAll(w.Service.work(5), 0o700))
		lost := before
		w.ok(w.gather(ctx, ann, &lost))
		if lost != before {
			t.Errorf("after a loss %+v, want %+v", lost, before)
		}
	})
}
