package takeout

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"kenoma/internal/fault"
	"kenoma/internal/pipeline"
	"kenoma/internal/store"
	"kenoma/internal/store/storetest"
	"kenoma/internal/vocab"
)

// packed makes a zip of files in the order of their names.
func packed(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names(files) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// tarred makes a tar.gz of them.
func tarred(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, name := range names(files) {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o444, Size: int64(len(files[name])), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func names(files map[string]string) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func dot(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 6))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const oldActor = "https://old.example/users/ann"

// outbox is a collection of activities.
func outbox(items ...string) string {
	return fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"outbox.json","type":"OrderedCollection","totalItems":%d,"orderedItems":[%s]}`, len(items), strings.Join(items, ","))
}

// written is a Create as Mastodon and Pleroma put it into an outbox.
func written(n int, at, text, more string) string {
	return fmt.Sprintf(`{"id":"%[1]s/statuses/%[2]d/activity","type":"Create","actor":"%[1]s","published":"%[3]s","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["%[1]s/followers"],
		"object":{"id":"%[1]s/statuses/%[2]d","type":"Note","attributedTo":"%[1]s","published":"%[3]s","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["%[1]s/followers"],"content":%[4]q%[5]s}}`,
		oldActor, n, at, text, more)
}

const profileDoc = `{"@context":"https://www.w3.org/ns/activitystreams","id":"https://old.example/users/ann","type":"Person","preferredUsername":"ann","name":"Ann of old","summary":"<p>I was <script>x</script>elsewhere</p>",
	"inbox":"https://old.example/users/ann/inbox","followers":"https://old.example/users/ann/followers","icon":{"type":"Image","url":"avatar.png"},"attachment":[{"type":"PropertyValue","name":"Home","value":"<a href=\"https://ann.example\">ann.example</a>"}]}`

// mastodon is an archive as Mastodon makes it.
func mastodon(t *testing.T) map[string]string {
	t.Helper()
	private := fmt.Sprintf(`{"id":"%[1]s/statuses/6/activity","type":"Create","actor":"%[1]s","to":["%[1]s/followers"],"cc":[],"object":{"id":"%[1]s/statuses/6","type":"Note","attributedTo":"%[1]s","published":"2021-01-06T00:00:00Z","to":["%[1]s/followers"],"cc":[],"content":"<p>just us</p>"}}`, oldActor)
	directly := fmt.Sprintf(`{"id":"%[1]s/statuses/7/activity","type":"Create","actor":"%[1]s","to":["https://b.test/users/bob"],"cc":[],"object":{"id":"%[1]s/statuses/7","type":"Note","attributedTo":"%[1]s","published":"2021-01-07T00:00:00Z","to":["https://b.test/users/bob"],"cc":[],"content":"<p>secret</p>"}}`, oldActor)
	return map[string]string{
		"actor.json": profileDoc,
		"outbox.json": outbox(
			written(2, "2021-01-02T00:00:00Z", "<p>an answer to <a href=\"https://b.test/@bob\" class=\"u-url mention\">@bob</a></p>", `,"inReplyTo":"`+oldActor+`/statuses/1","tag":[{"type":"Mention","href":"https://b.test/users/bob","name":"@bob@b.test"}]`),
			written(1, "2021-01-01T00:00:00Z", "<p>the first <script>alert(1)</script>one #Old</p>", `,"summary":"careful","sensitive":true,"contentMap":{"de":"<p>the first one #Old</p>"},"tag":[{"type":"Hashtag","name":"#Old","href":"https://old.example/tags/old"}]`),
			written(3, "2021-01-03T00:00:00Z", "<p>a picture</p>", `,"attachment":[{"type":"Document","mediaType":"image/png","url":"/media_attachments/files/001/original/a.png","name":"a dot","focalPoint":[0.5,-0.5]}]`),
			written(4, "2021-01-04T00:00:00Z", "<p>lost picture</p>", `,"attachment":[{"type":"Document","mediaType":"image/png","url":"/media_attachments/files/404/original/b.png"}]`),
			strings.Replace(written(5, "2021-01-05T00:00:00Z", "<p>which?</p>", `,"endTime":"2021-01-06T00:00:00Z","votersCount":5,"oneOf":[{"type":"Note","name":"a","replies":{"type":"Collection","totalItems":3}},{"type":"Note","name":"b","replies":{"type":"Collection","totalItems":2}}]`), `"type":"Note","attributedTo"`, `"type":"Question","attributedTo"`, 1),
			private, directly,
			`{"id":"https://old.example/users/ann/statuses/8/activity","type":"Announce","actor":"https://old.example/users/ann","object":"https://b.test/notes/1"}`,
			`{"id":"https://old.example/x","type":"Create","actor":"https://old.example/users/eve","object":{"id":"https://old.example/eve/1","type":"Note","attributedTo":"https://old.example/users/eve","published":"2021-01-01T00:00:00Z","content":"not mine"}}`,
		),
		"likes.json":             `{"type":"OrderedCollection","orderedItems":["https://old.example/users/ann/statuses/1"]}`,
		"bookmarks.json":         `{"type":"OrderedCollection","orderedItems":["https://old.example/users/ann/statuses/3"]}`,
		"featured.json":          `{"type":"OrderedCollection","orderedItems":["https://old.example/users/ann/statuses/3"]}`,
		"following_accounts.csv": "Account address,Show boosts,Notify on new posts,Languages\nbob@b.test,false,false,\n",
		"blocked_accounts.csv":   "spam@b.test\n",
		"lists.csv":              "Friends,bob@b.test\n",
		"avatar.png":             dot(t),
		"media_attachments/files/001/original/a.png": dot(t),
	}
}

var everything = Bring{Profile: true, Posts: true, Private: true, Direct: true, Lists: true, Likes: true}

// state is what ann has, without ids.
func (w *world) brought2() map[string][]string {
	w.t.Helper()
	all := map[string][]string{}
	for name, q := range map[string]string{
		"posts":   `SELECT o.uri IS NOT NULL AS x, s.visibility AS v, s.local AS l, s.edited AS e, c.doc AS d FROM statuses s JOIN objects o ON o.id = s.id JOIN contents c ON c.status = s.id WHERE s.local = TRUE ORDER BY s.id`,
		"origins": `SELECT uri FROM import_origins ORDER BY uri`,
		"jobs":    `SELECT kind FROM jobs WHERE kind IN ('expand', 'deliver', 'fetch', 'card')`,
		"told":    `SELECT id FROM notifications`,
		"home":    `SELECT status FROM home`,
	} {
		all[name] = storetest.Dump(w.t, w.DB, q)
	}
	return all
}

func (w *world) bring(by *store.Actor, what Bring, file *bytes.Buffer) store.Import {
	w.t.Helper()
	w.ok(w.StartArchive(w.t.Context(), by.ID, what, bytes.NewReader(file.Bytes())))
	w.work(0)
	list, err := w.DB.Imports(w.t.Context(), by.ID)
	w.ok(err)
	for _, i := range list {
		if i.Kind == ArchiveKind {
			if i.Finished == 0 {
				w.t.Fatalf("the import has not ended: %+v", i)
			}
			return i
		}
	}
	w.t.Fatal("there is no import")
	return store.Import{}
}

// failed are the reasons of an import, as its owner gets them.
func (w *world) failed(by *store.Actor, id int64) string {
	w.t.Helper()
	var b bytes.Buffer
	w.ok(w.WriteFailures(w.t.Context(), &b, by.ID, id))
	return b.String()
}

func TestBringMastodon(t *testing.T) {
	for name, pack := range map[string]func(*testing.T, map[string]string) *bytes.Buffer{"zip": packed, "tar.gz": tarred} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				w.t = t
				ctx := t.Context()
				ann := w.person("ann")
				w.stranger("bob", "b.test")
				w.stranger("spam", "b.test")
				w.ok(w.DB.Write(ctx, func(tx *store.Tx) error {
					return tx.PutRelay(ctx, &store.Relay{Inbox: "https://member.test/inbox", Actor: "https://member.test/actor", Host: "member.test", Member: store.RelayAccepted})
				}))
				i := w.bring(ann, everything, pack(t, mastodon(t)))
				if spread := storetest.Dump(t, w.DB, "SELECT object FROM relayed"); len(spread) != 0 {
					t.Errorf("old posts are news to the members of the relay: %v", spread)
				}
				if i.Total != 9 || i.Done != 9 {
					t.Errorf("%d of %d done, want 9 of 9", i.Done, i.Total)
				}
				reasons := w.failed(ann, i.ID)
				for _, want := range []string{"Boosts of other people", "somebody else", "b.png is not in the archive"} {
					if !strings.Contains(reasons, want) {
						t.Errorf("the report lacks %q:\n%s", want, reasons)
					}
				}
				ids, err := w.DB.OwnPosts(ctx, ann.ID, 0, 100)
				w.ok(err)
				if len(ids) != 7 {
					t.Fatalf("%d posts, want 7:\n%s", len(ids), reasons)
				}
				var posts []*store.Status
				var said []*store.Content
				for _, row := range ids {
					st, err := w.DB.Status(ctx, row.Status)
					w.ok(err)
					all, err := w.DB.Contents(ctx, []int64{row.Status})
					w.ok(err)
					posts, said = append(posts, st), append(said, all[row.Status])
				}
				if at := vocab.TimeOf(posts[0].ID).Format(time.DateOnly); at != "2021-01-01" || said[0].Published != time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
					t.Errorf("the first post is of %s", at)
				}
				if c := said[0]; strings.Contains(c.HTML, "script") || c.Spoiler != "careful" || posts[0].Language != "de" || len(c.Tags) != 1 || c.Origin != oldActor+"/statuses/1" {
					t.Errorf("the first post: %+v", c)
				}
				if posts[1].ReplyTo != posts[0].ID || len(said[1].Mentions) != 0 || !strings.Contains(said[1].HTML, "https://b.test/@bob") {
					t.Errorf("the answer, which came first in the archive: %+v %+v", posts[1], said[1])
				}
				if m := said[2].Media; len(m) != 1 || m[0].Width != 8 || m[0].Description != "a dot" || m[0].Focus != [2]float64{0.5, -0.5} || !m[0].Local {
					t.Errorf("the picture: %+v", m)
				}
				poll, err := w.DB.Poll(ctx, posts[4].ID)
				w.ok(err)
				if poll.Closed == 0 || poll.Voters != 5 || poll.Options[0].Votes != 3 {
					t.Errorf("the poll: %+v", poll)
				}
				if posts[5].Visibility != 2 || posts[6].Visibility != 3 {
					t.Errorf("visibilities %d and %d, want 2 and 3", posts[5].Visibility, posts[6].Visibility)
				}
				if pins, _ := w.DB.Pins(ctx, ann.ID); len(pins) != 1 || pins[0] != posts[2].ID {
					t.Errorf("pinned: %v", pins)
				}
				got := w.brought2()
				for _, none := range []string{"told", "home"} {
					if len(got[none]) != 0 {
						t.Errorf("%s: %q", none, got[none])
					}
				}
				if n := len(storetest.Dump(t, w.DB, "SELECT seq FROM activities WHERE type = 'Create' AND origin = ''")); n != 0 {
					t.Errorf("%d posts are in the log as if written here", n)
				}
				if csv := w.csv(ann, "bookmarks"); !strings.Contains(csv, "https://a.test/objects/") {
					t.Errorf("bookmarks: %q", csv)
				}
				if csv := w.csv(ann, "likes"); !strings.Contains(csv, "https://a.test/objects/") {
					t.Errorf("favourites: %q", csv)
				}
				if csv := w.csv(ann, "lists"); csv != "Friends,bob@b.test\n" {
					t.Errorf("lists: %q", csv)
				}
				if csv := w.csv(ann, "blocks"); csv != "spam@b.test\n" {
					t.Errorf("blocks: %q", csv)
				}
				profiles, err := w.DB.Profiles(ctx, []int64{ann.ID})
				w.ok(err)
				if p := profiles[ann.ID]; p.DisplayName != "Ann of old" || strings.Contains(p.Note, "script") || len(p.Fields) != 1 || !strings.HasPrefix(string(p.Avatar), "https://a.test/media/") || len(p.AlsoKnownAs) != 1 {
					t.Errorf("the profile: %+v", p)
				}

				again := w.bring(ann, everything, pack(t, mastodon(t)))
				if after := w.brought2(); !slices.Equal(after["posts"], got["posts"]) {
					t.Errorf("twice: %d posts, %d before", len(after["posts"]), len(got["posts"]))
				}
				if again.Done != 9 {
					t.Errorf("the second time: %+v", again)
				}
				w.ok(w.Pipeline.Rebuild(ctx, nil))
				if after := w.brought2(); !slices.Equal(after["posts"], got["posts"]) || len(after["told"]) != 0 || len(after["home"]) != 0 {
					t.Errorf("after a rebuild:\n%s\nbefore\n%s", strings.Join(after["posts"], "\n"), strings.Join(got["posts"], "\n"))
				}
				if st, err := w.DB.Status(ctx, posts[1].ID); err != nil || st.ReplyTo != posts[0].ID {
					t.Errorf("the answer after a rebuild: %+v, %v", st, err)
				}
			})
		})
	}
}

// TestBringPleroma has what Pleroma's and Akkoma's backup holds: files stay on the old server.
func TestBringPleroma(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.t = t
		ann := w.person("ann")
		w.stranger("bob", "b.test")
		i := w.bring(ann, everything, packed(t, map[string]string{
			"actor.json": profileDoc,
			"outbox.json": outbox(written(1, "2022-05-01T10:00:00.123456Z", "with <b>source</b>", `,"source":{"content":"with **source**","mediaType":"text/markdown"},
				"attachment":[{"type":"Document","mediaType":"image/png","name":"cat","url":[{"type":"Link","href":"https://old.example/media/cat.png","mediaType":"image/png"}]}]`)),
			"following.json": `{"type":"OrderedCollection","orderedItems":["https://b.test/users/bob"]}`,
			"likes.json":     `{"type":"OrderedCollection","orderedItems":[]}`,
		}))
		if i.Done != 1 || !strings.Contains(w.failed(ann, i.ID), "https://old.example/media/cat.png is not in the archive") {
			t.Errorf("import %+v\n%s", i, w.failed(ann, i.ID))
		}
		got := storetest.Dump(t, w.DB, "SELECT doc FROM contents")
		if len(got) != 1 || !strings.Contains(got[0], "with **source**") {
			t.Errorf("posts: %q", got)
		}
		if n := len(storetest.Dump(t, w.DB, "SELECT seq FROM follows WHERE actor <> target")); n != 1 {
			t.Errorf("%d follows, want Bob's", n)
		}
	})
}

// TestBringMisskey has notes as Misskey exports them, alone and in a zip with lists.
func TestBringMisskey(t *testing.T) {
	notes := `[{"id":"9a","text":"hello @bob@b.test #Kenoma :blob:","createdAt":"2023-02-01T00:00:00.000Z","fileIds":[],"replyId":null,"renoteId":null,"poll":null,"cw":null,"visibility":"public","visibleUserIds":[],"localOnly":false},
		{"id":"9b","text":"an answer","createdAt":"2023-02-02T00:00:00.000Z","fileIds":[],"replyId":"9a","renoteId":null,"poll":null,"cw":"hm","visibility":"home","visibleUserIds":[],"localOnly":false},
		{"id":"9c","text":null,"createdAt":"2023-02-03T00:00:00.000Z","fileIds":[],"replyId":null,"renoteId":"9z","poll":null,"cw":null,"visibility":"public","localOnly":false},
		{"id":"9d","text":"which","createdAt":"2023-02-04T00:00:00.000Z","fileIds":[],"replyId":null,"renoteId":null,"poll":{"noteId":"9d","expiresAt":null,"multiple":true,"choices":["a","b"],"votes":[4,1]},"cw":null,"visibility":"followers","localOnly":false}]`
	for name, file := range map[string]*bytes.Buffer{"alone": bytes.NewBufferString(notes), "zipped": packed(t, map[string]string{"notes-2023-03-01-00-00-00.json": notes,
		"following-2023-03-01-00-00-00.csv": "bob@b.test,withReplies=false\n", "user-lists-2023-03-01-00-00-00.csv": "Pals,bob@b.test\n", "antennas-x.json": "[]"})} {
		t.Run(name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, w *world) {
				w.t = t
				ann := w.person("ann")
				w.stranger("bob", "b.test")
				what := everything
				what.Old = "@ann@key.example"
				i := w.bring(ann, what, file)
				if i.Total != 4 || i.Done != 4 || i.Failed != 1 {
					t.Errorf("%+v\n%s", i, w.failed(ann, i.ID))
				}
				rows := storetest.Dump(t, w.DB, "SELECT s.visibility AS v, s.reply_to <> 0 AS r, c.doc AS d FROM statuses s JOIN contents c ON c.status = s.id ORDER BY s.id")
				if len(rows) != 3 {
					t.Fatalf("%d posts: %q", len(rows), rows)
				}
				for n, want := range []string{"https://key.example/notes/9a", "https://key.example/notes/9b", "https://key.example/notes/9d"} {
					if !strings.Contains(rows[n], want) {
						t.Errorf("post %d: %s lacks %s", n, rows[n], want)
					}
				}
				if n := len(storetest.Dump(t, w.DB, "SELECT id FROM statuses WHERE reply_to <> 0")); n != 1 {
					t.Errorf("%d answers are in their thread", n)
				}
				if name == "zipped" && w.csv(ann, "lists") != "Pals,bob@b.test\n" {
					t.Errorf("lists: %q", w.csv(ann, "lists"))
				}
			})
		})
	}
}

// TestBringGoToSocial has its lists, which are all that it exports.
func TestBringGoToSocial(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.t = t
		ann := w.person("ann")
		w.stranger("bob", "b.test")
		w.stranger("eve", "b.test")
		w.bring(ann, everything, packed(t, map[string]string{"following.csv": "Account address,Show boosts\nbob@b.test,true\n", "mutes.csv": "Account address,Hide notifications\neve@b.test,true\n",
			"lists.csv": "Friends,bob@b.test\n", "blocks.csv": "", "followers.csv": "Account address\nx@y.test\n"}))
		if got := w.csv(ann, "mutes"); !strings.Contains(got, "eve@b.test,true") {
			t.Errorf("mutes: %q", got)
		}
		if got := w.csv(ann, "lists"); got != "Friends,bob@b.test\n" {
			t.Errorf("lists: %q", got)
		}
	})
}

// TestBringOwn exports an account and brings it along to another one: nothing is lost.
func TestBringOwn(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.t = t
		ctx := t.Context()
		ann, bob := w.person("ann"), w.person("bob")
		w.stranger("bob", "b.test")
		w.stranger("spam", "b.test")
		w.bring(ann, everything, packed(t, mastodon(t)))
		first := w.post(ann, pipeline.Draft{Text: "written **here**", ContentType: "text/markdown", Visibility: "unlisted", Spoiler: "hm"})
		w.post(ann, pipeline.Draft{Text: "an answer", InReplyTo: first, Visibility: "private"})
		w.ok(w.Request(ctx, ann.ID))
		w.work(0)
		list, err := w.DB.Archives(ctx, ann.ID)
		w.ok(err)
		f, _, err := w.Open(ctx, ann.ID, list[0].ID)
		w.ok(err)
		defer f.Close()
		w.ok(w.StartArchive(ctx, bob.ID, everything, f))
		w.work(0)
		imports, err := w.DB.Imports(ctx, bob.ID)
		w.ok(err)
		for _, i := range imports {
			if i.Kind == ArchiveKind && (i.Finished == 0 || i.Failed != 0 || i.Done != 9) {
				t.Errorf("%+v\n%s", i, w.failed(bob, i.ID))
			}
		}
		of := func(who *store.Actor) []string {
			rows := storetest.Dump(t, w.DB, fmt.Sprintf(`SELECT s.visibility AS v, s.media AS m, s.reply_to <> 0 AS r, s.language AS l, c.doc AS d FROM statuses s JOIN contents c ON c.status = s.id WHERE s.actor = %d ORDER BY s.id`, who.ID))
			for i, row := range rows {
				head, doc, _ := strings.Cut(row, "d=")
				var c store.Content
				w.ok(json.Unmarshal([]byte(doc), &c))
				rows[i] = fmt.Sprint(head, c.Type, c.HTML, c.Spoiler, c.Published, c.Tags, c.Source, len(c.Media))
			}
			return rows
		}
		if a, b := of(ann), of(bob); len(a) != 9 || !slices.Equal(a, b) {
			t.Errorf("exported\n%s\nimported\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
		for _, kind := range []string{"bookmarks", "likes", "lists", "blocks"} {
			if a, b := w.csv(ann, kind), w.csv(bob, kind); a == "" || strings.Count(a, "\n") != strings.Count(b, "\n") {
				t.Errorf("%s: %q, imported %q", kind, a, b)
			}
		}
		if pins, _ := w.DB.Pins(ctx, bob.ID); len(pins) != 1 {
			t.Errorf("pinned: %v", pins)
		}
		// Into the account that it is of, it changes nothing.
		_, err = f.Seek(0, 0)
		w.ok(err)
		before := of(ann)
		w.ok(w.StartArchive(ctx, ann.ID, everything, f))
		w.work(0)
		if after := of(ann); !slices.Equal(after, before) {
			t.Errorf("brought into the same account: %d posts, %d before", len(after), len(before))
		}
	})
}

// TestBringLarge streams ten thousand posts, is broken off again and again, and stays small.
func TestBringLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand posts take a while")
	}
	eachEngine(t, func(t *testing.T, w *world) {
		w.t = t
		w.MaxPosts = 20_000
		ann := w.person("ann")
		const n = 10_000
		var items []string
		text := strings.Repeat("words and more words ", 100)
		for i := range n {
			items = append(items, written(i, time.Date(2020, 1, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339), fmt.Sprintf("<p>%d %s</p>", i, text), ""))
		}
		file := packed(t, map[string]string{"actor.json": profileDoc, "outbox.json": outbox(items...)})
		items = nil
		w.ok(w.StartArchive(t.Context(), ann.ID, Bring{Posts: true}, file))
		file = nil
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		peak, stop, stopped := uint64(0), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			var now runtime.MemStats
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapInuse)
				}
			}
		}()
		for broken := 0; ; broken++ {
			w.breakOff(50 * time.Millisecond) // As if the power went.
			list, err := w.DB.Imports(t.Context(), ann.ID)
			w.ok(err)
			if list[0].Finished != 0 {
				close(stop)
				<-stopped
				t.Logf("broken off %d times, heap grew from %d to at most %d MB", broken, before.HeapInuse>>20, peak>>20)
				break
			}
			if broken > 30 {
				w.work(0)
			}
		}
		if got := storetest.Dump(t, w.DB, "SELECT COUNT(*) AS n FROM statuses"); got[0] != fmt.Sprintf("n=%d ", n) {
			t.Errorf("posts: %v, want %d", got, n)
		}
		if peak > before.HeapInuse+96<<20 {
			t.Errorf("the heap grew to %d MB", peak>>20)
		}
	})
}

// breakOff runs the job that is due and ends it before it is done.
func (w *world) breakOff(after time.Duration) {
	w.t.Helper()
	var claimed *store.Claimed
	w.write(func(ctx context.Context, tx *store.Tx) (err error) {
		claimed, err = tx.ClaimJobs(ctx, store.Claim{Node: 1, Lease: time.Minute, Own: 1})
		return err
	})
	if len(claimed.Jobs) == 0 {
		w.pass(2 * time.Minute) // Until the lease is over.
		return
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), after)
	defer cancel()
	j := claimed.Jobs[0]
	if err := w.Jobs()[j.Kind](ctx, j); err != nil && ctx.Err() == nil {
		w.t.Fatalf("%s: %v", j.Kind, err)
	} else if err == nil {
		w.write(func(ctx context.Context, tx *store.Tx) error { return tx.FinishJobs(ctx, []int64{j.ID}) })
	}
}

func TestMayBring(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.t = t
		ctx := t.Context()
		ann := w.person("ann")
		file := packed(t, mastodon(t))
		slow, send := io.Pipe()
		first := make(chan error)
		go func() { first <- w.StartArchive(ctx, ann.ID, everything, slow) }()
		send.Write([]byte("PK")) // Returns when it is read.
		if err := w.StartArchive(ctx, ann.ID, everything, bytes.NewReader(file.Bytes())); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second upload at the same time: %v", err)
		}
		send.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-first; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an upload that broke off: %v", err)
		}
		w.ok(w.StartArchive(ctx, ann.ID, everything, bytes.NewReader(file.Bytes())))
		if err := w.StartArchive(ctx, ann.ID, everything, bytes.NewReader(file.Bytes())); !fault.Is(err, fault.Conflict) {
			t.Errorf("a second one at the same time: %v", err)
		}
		list, err := w.DB.Imports(ctx, ann.ID)
		w.ok(err)
		w.ok(w.Stop(ctx, ann.ID, list[0].ID))
		w.work(0)
		if n := len(storetest.Dump(t, w.DB, "SELECT id FROM statuses")); n != 0 {
			t.Errorf("%d posts of a stopped import", n)
		}
		w.Archives = 1
		if err := w.StartArchive(ctx, ann.ID, everything, bytes.NewReader(file.Bytes())); !fault.Is(err, fault.TooMany) {
			t.Errorf("one too many: %v", err)
		}
		w.Archives = 0
		if err := w.StartArchive(ctx, ann.ID, everything, bytes.NewReader(file.Bytes())); !fault.Is(err, fault.Denied) {
			t.Errorf("switched off: %v", err)
		}
		w.Archives, w.ArchiveBytes = 5, 100
		if err := w.StartArchive(ctx, w.person("bob").ID, everything, bytes.NewReader(file.Bytes())); !fault.Is(err, fault.TooLarge) {
			t.Errorf("too large: %v", err)
		}
		w.ArchiveBytes = 1 << 20
		i := w.bring(w.person("cat"), everything, bytes.NewBufferString("PK\x03\x04 is no zip"))
		if got := w.failed(w.person("cat"), i.ID); !strings.Contains(got, "damaged") {
			t.Errorf("a damaged archive: %q", got)
		}
	})
}
