package pipeline

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// everything goes through every activity type, by our own people and strangers.
func (w *world) everything() {
	w.t.Helper()
	ctx := context.Background()
	ok := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	ann, dan := w.person("ann"), w.person("dan")
	ok(w.DB.Write(ctx, func(tx *store.Tx) error { // What was filtered or dropped stays so, whoever follows whom in the end.
		if err := tx.SetNotificationPolicy(ctx, ann.ID, store.NotificationPolicy{NotFollowing: store.Withhold}); err != nil {
			return err
		}
		return tx.SetNotificationPolicy(ctx, dan.ID, store.NotificationPolicy{NotFollowers: store.Drop})
	}))
	w.setting() // Follow and Accept.
	ok(w.EditProfile(ctx, dan, func(a *vocab.Actor) { a.Locked, a.Name = true, "Dan" }))
	ok(w.Follow(ctx, ann, dan))
	ok(w.AnswerFollow(ctx, dan, ann, true))
	eve := w.person("eve")
	ok(w.Follow(ctx, eve, dan))
	ok(w.AnswerFollow(ctx, dan, eve, false))

	post := func(by *store.Actor, d Draft) int64 {
		w.t.Helper()
		id, err := w.Post(ctx, by, d)
		ok(err)
		return id
	}
	hello := post(dan, Draft{Text: "Hello @ann and @nobody, see #Go and https://example.org", Language: "en", App: "Tests", AppURL: "https://app.test/"})
	reply := post(ann, Draft{Text: "@dan hi", InReplyTo: hello})
	post(dan, Draft{Text: "Only friends", Visibility: "private"})
	post(dan, Draft{Text: "@ann psst", Visibility: "direct"})
	local := post(dan, Draft{Text: "Only here", LocalOnly: true})
	post(ann, Draft{Text: "Also only here", InReplyTo: local})
	ok(w.Edit(ctx, dan, hello, Draft{Text: "Hello @ann again", Spoiler: "greeting"}))
	ok(w.Pin(ctx, dan, hello, true))
	other := post(dan, Draft{Text: "Pinned and not"})
	ok(w.Pin(ctx, dan, other, true))
	ok(w.Pin(ctx, dan, other, false))
	poll := post(dan, Draft{Text: "Which?", Poll: &DraftPoll{Options: []string{"a", "b"}, Multiple: true, Expires: time.Hour}})
	ok(w.Vote(ctx, ann, poll, []int{0, 1}))
	ok(w.Favourite(ctx, ann, hello))
	ok(w.Favourite(ctx, ann, other))
	ok(w.Unfavourite(ctx, ann, other))
	_, err := w.Boost(ctx, ann, hello, "")
	ok(err)
	_, err = w.Boost(ctx, ann, other, "unlisted")
	ok(err)
	ok(w.Unboost(ctx, ann, other))
	for _, emoji := range []string{"🔥", "👌", "❤"} {
		ok(w.ReactTo(ctx, ann, other, emoji))
	}
	ok(w.Unreact(ctx, ann, other, "👌"))
	gone := post(ann, Draft{Text: "Soon gone #tag", InReplyTo: hello})
	ok(w.Favourite(ctx, dan, gone))
	ok(w.ReactTo(ctx, dan, gone, "🔥"))
	_, err = w.Boost(ctx, dan, gone, "")
	ok(err)
	ok(w.Delete(ctx, ann, gone))
	quote := post(ann, Draft{Text: "Look", Quote: other})
	post(dan, Draft{Text: "As I said", Quote: other})
	post(ann, Draft{Text: "Look again", Quote: other, QuotePolicy: "followers"})
	ok(w.RevokeQuote(ctx, dan, other, quote))
	ok(w.SetQuotePolicy(ctx, dan, other, "nobody"))
	w.clock = w.clock.Add(time.Minute)
	ok(w.Edit(ctx, dan, other, Draft{Text: "Quoted and edited"}))
	ok(w.Delete(ctx, ann, post(ann, Draft{Text: "Look away", Quote: hello})))
	ok(w.Block(ctx, ann, eve))
	fay := w.person("fay")
	ok(w.Follow(ctx, fay, ann))
	ok(w.Block(ctx, ann, fay))
	ok(w.Unblock(ctx, ann, fay))
	w.moved()
	ok(w.DeleteAccount(ctx, w.person("eve")))
	ok(w.purge(ctx, purgeJob{Actor: eve.ID}))
	ok(w.DB.Write(ctx, func(tx *store.Tx) error { // A report, which is in no log.
		_, err := tx.AddNotification(ctx, store.Notification{Owner: dan.ID, ID: tx.NewID(), Kind: store.KindNamed("admin.report"), Actor: ann.ID})
		return err
	}))
	w.strangers(reply)
	w.quotes(hello)
	w.moderated(hello)
	w.clock = w.clock.Add(2 * time.Hour)
	ok(w.endPoll(ctx, pollJob{Status: poll}))
}

// strangers is what comes from other servers, some of it out of order.
func (w *world) strangers(reply int64) {
	w.t.Helper()
	o, err := w.DB.Object(context.Background(), reply)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, doc := range []string{
		`{"id":"https://c.test/like/7","type":"Like","actor":"https://c.test/users/cat","object":"https://b.test/notes/7"}`,
		note(8, "answers what is not here yet", `,"inReplyTo":"https://b.test/notes/7"`),
		note(7, "late", `,"tag":[{"type":"Hashtag","name":"#Late"}],"attachment":[{"type":"Image","mediaType":"image/png","url":"https://b.test/p.png","name":"a picture"}]`),
		update(7, 2, "late and edited", "2026-01-01T12:00:00Z"),
		question(1, 3, 4), question(2, 5, 6),
		`{"id":"https://c.test/boost/9","type":"Announce","actor":"https://c.test/users/cat","to":["as:Public"],"object":"https://b.test/notes/7"}`,
		fmt.Sprintf(`{"id":"https://c.test/like/8","type":"Like","actor":"https://c.test/users/cat","object":%q}`, o.URI),
		fmt.Sprintf(`{"id":"https://c.test/react/1","type":"EmojiReact","actor":"https://c.test/users/cat","object":%q,"content":":blob:","tag":[{"type":"Emoji","name":":blob:","icon":{"type":"Image","url":"https://c.test/blob.png"}}]}`, o.URI),
		fmt.Sprintf(`{"id":"https://c.test/react/2","type":"Like","actor":"https://c.test/users/cat","object":%q,"content":"pudding"}`, o.URI),
		fmt.Sprintf(`{"id":"https://c.test/react/3","type":"EmojiReact","actor":"https://c.test/users/cat","object":%q,"content":"🍮"}`, o.URI),
		`{"id":"https://c.test/undo/react","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/react/2"}`,
		fmt.Sprintf(`{"id":"https://c.test/ask/1","type":"LikeRequest","actor":"https://c.test/users/cat","object":%[1]q,"instrument":{"id":"https://c.test/like/asked","type":"Like","actor":"https://c.test/users/cat","object":%[1]q}}`, o.URI),
		fmt.Sprintf(`{"id":"https://c.test/ask/2","type":"ReplyRequest","actor":"https://c.test/users/cat","object":%[1]q,"instrument":{"id":"https://c.test/notes/asked","type":"Note","attributedTo":"https://c.test/users/cat","to":["as:Public"],"content":"may I?","inReplyTo":%[1]q,"published":"2026-01-01T16:00:00Z"}}`, o.URI),
		fmt.Sprintf(`{"id":"https://c.test/ask/3","type":"AnnounceRequest","actor":"https://c.test/users/cat","object":%q,"instrument":"https://c.test/boost/asked"}`, o.URI),
		`{"id":"https://c.test/listen/1","type":"Listen","actor":"https://c.test/users/cat","to":["as:Public"],"object":{"id":"https://c.test/tracks/1","type":"Audio","title":"a song","artist":"a band","album":"an album","length":180000}}`,
		`{"id":"https://c.test/listen/2","type":"Listen","actor":"https://c.test/users/cat","to":["as:Public"],"object":{"type":"Audio","title":"another"}}`,
		`{"id":"https://c.test/undo/listen","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/listen/2"}`,
		`{"id":"https://b.test/article","type":"Create","actor":"https://b.test/users/bob","to":["as:Public"],"object":{"id":"https://b.test/a/1","type":"Article","attributedTo":"https://b.test/users/bob","to":["as:Public"],"name":"A title","content":"<p>Long</p>","published":"2026-01-01T09:00:00Z"}}`,
		`{"id":"https://b.test/page","type":"Create","actor":"https://b.test/users/bob","to":["as:Public"],"object":{"id":"https://b.test/p/1","type":"Page","attributedTo":"https://b.test/users/bob","to":["as:Public"],"name":"A link","url":"https://example.org/","published":"2026-01-01T09:30:00Z"}}`,
		`{"id":"https://b.test/add/1","type":"Add","actor":"https://b.test/users/bob","object":"https://b.test/notes/7","target":"https://b.test/users/bob/featured"}`,
		`{"id":"https://b.test/add/2","type":"Add","actor":"https://b.test/users/bob","object":"https://b.test/notes/8","target":"https://b.test/users/bob/featured"}`,
		`{"id":"https://b.test/remove/2","type":"Remove","actor":"https://b.test/users/bob","object":"https://b.test/notes/8","target":"https://b.test/users/bob/featured"}`,
		`{"id":"https://c.test/follow/ann","type":"Follow","actor":"https://c.test/users/cat","object":"https://a.test/users/ann"}`,
		`{"id":"https://c.test/undo/follow","type":"Undo","actor":"https://c.test/users/cat","object":"https://c.test/follow/ann"}`,
		`{"id":"https://b.test/block/dan","type":"Block","actor":"https://b.test/users/bob","object":"https://a.test/users/dan"}`,
		`{"id":"https://c.test/flag/1","type":"Flag","actor":"https://c.test/users/cat","object":["https://a.test/users/ann"],"content":"rude"}`,
		`{"id":"https://b.test/profile","type":"Update","actor":"https://b.test/users/bob","object":{"id":"https://b.test/users/bob","type":"Person","preferredUsername":"bob","name":"Bob the second","inbox":"https://b.test/users/bob/inbox","followers":"https://b.test/users/bob/followers","featured":"https://b.test/users/bob/featured","updated":"2026-01-01T13:00:00Z"}}`,
	} {
		w.send(doc)
	}
	w.send(note(20, "hello @hal and @nobody", `,"tag":[{"type":"Mention","href":"https://h.test/users/hal","name":"@hal@h.test"},{"type":"Mention","href":"https://h.test/users/nobody","name":"@nobody@h.test"}]`))
	w.send(note(21, "answers what never comes", `,"inReplyTo":"https://h.test/notes/1"`))
	w.send(`{"id":"https://b.test/delete/21","type":"Delete","actor":"https://b.test/users/bob","object":"https://b.test/notes/21"}`)
	if err := w.introduce(context.Background(), introduceJob{Actor: w.person("hal@h.test").ID}); err != nil {
		w.t.Fatal(err)
	}
	gone := w.person("gus@g.test")
	w.send(`{"id":"https://g.test/create","type":"Create","actor":"https://g.test/users/gus","to":["as:Public"],"object":{"id":"https://g.test/n/1","type":"Note","attributedTo":"https://g.test/users/gus","to":["as:Public"],"content":"x","published":"2026-01-01T09:00:00Z"}}`)
	w.send(`{"id":"https://g.test/delete","type":"Delete","actor":"https://g.test/users/gus","object":"https://g.test/users/gus"}`)
	if err := w.purge(context.Background(), purgeJob{Actor: gone.ID}); err != nil {
		w.t.Fatal(err)
	}
}

// moved has a stranger move to somebody of ours, with a follower.
func (w *world) moved() {
	w.t.Helper()
	moe, gil := w.person("moe@m.test"), w.person("gil")
	if err := w.AddAlias(context.Background(), w.person("dan"), string(moe.URI)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Follow(context.Background(), gil, moe); err != nil {
		w.t.Fatal(err)
	}
	w.send(fmt.Sprintf(`{"id":"https://m.test/accept","type":"Accept","actor":%q,"object":%q}`, moe.URI, w.followOf(gil, moe)))
	w.send(fmt.Sprintf(`{"id":"https://m.test/move","type":"Move","actor":%q,"object":%q,"target":%q}`, moe.URI, moe.URI, w.person("dan").URI))
	w.moves()
}

// moderated has moderators suspend a stranger who has followers, posts and boosts
// here, and erase what it made; and suspend one of ours for a while.
func (w *world) moderated(hello int64) {
	w.t.Helper()
	ctx := context.Background()
	ok := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	sue, ann := w.person("sue@s.test"), w.person("ann")
	ok(w.Follow(ctx, ann, sue))
	w.send(fmt.Sprintf(`{"id":"https://s.test/accept","type":"Accept","actor":"https://s.test/users/sue","object":%q}`, w.followOf(ann, sue)))
	w.send(`{"id":"https://s.test/follow","type":"Follow","actor":"https://s.test/users/sue","object":"https://a.test/users/ann"}`)
	w.send(`{"id":"https://s.test/create","type":"Create","actor":"https://s.test/users/sue","to":["as:Public"],"object":{"id":"https://s.test/n/1","type":"Note","attributedTo":"https://s.test/users/sue","to":["as:Public"],"content":"x","published":"2026-01-01T09:00:00Z"}}`)
	o, err := w.DB.Object(ctx, hello)
	ok(err)
	w.send(fmt.Sprintf(`{"id":"https://s.test/boost","type":"Announce","actor":"https://s.test/users/sue","to":["as:Public"],"object":%q}`, o.URI))
	w.send(fmt.Sprintf(`{"id":"https://s.test/like","type":"Like","actor":"https://s.test/users/sue","object":%q}`, o.URI))
	w.send(fmt.Sprintf(`{"id":"https://s.test/react","type":"EmojiReact","actor":"https://s.test/users/sue","object":%q,"content":"🔥"}`, o.URI))
	ok(w.ReactTo(ctx, ann, hello, "🔥"))
	ok(w.Moderate(ctx, Moderation{Target: sue, Action: "suspend"}))
	sue, err = w.DB.Actor(ctx, sue.ID)
	ok(err)
	ok(w.severAll(ctx, severJob{Actor: sue.ID}))
	ok(w.erase(ctx, eraseJob{Actor: sue.ID, Suspended: sue.Suspended}))
	for _, action := range []string{"suspend", "unsuspend"} {
		ok(w.Moderate(ctx, Moderation{Target: w.person("dan"), Action: action}))
	}
}

// quotes is what strangers quote of ours, and ours of theirs. Post 7 is a stranger's.
func (w *world) quotes(ours int64) {
	w.t.Helper()
	ctx := context.Background()
	uri := w.ObjectURI(ours)
	for _, n := range []int{1, 2} {
		w.send(fmt.Sprintf(`{"id":"https://c.test/request/%[1]d","type":"QuoteRequest","actor":"https://c.test/users/cat","object":%[2]q,"instrument":{"id":"https://c.test/quotes/%[1]d","type":"Note",
			"attributedTo":"https://c.test/users/cat","to":["as:Public"],"published":"2026-01-01T15:00:00Z","content":"Look","quote":%[2]q}}`, n, uri))
	}
	second, err := w.DB.ObjectByURI(ctx, "https://c.test/quotes/2")
	if err != nil {
		w.t.Fatal(err)
	}
	dan := w.person("dan")
	if err := w.RevokeQuote(ctx, dan, ours, second.ID); err != nil {
		w.t.Fatal(err)
	}
	w.send(`{"id":"https://b.test/open","type":"Create","actor":"https://b.test/users/bob","to":["as:Public"],"object":{"id":"https://b.test/notes/open","type":"Note","attributedTo":"https://b.test/users/bob",
		"to":["as:Public"],"content":"Quote me","published":"2026-01-01T15:00:00Z","interactionPolicy":{"canQuote":{"automaticApproval":["as:Public"]}}}}`)
	theirs, err := w.DB.ObjectByURI(ctx, "https://b.test/notes/open")
	if err != nil {
		w.t.Fatal(err)
	}
	ann := w.person("ann")
	for i, answer := range []string{`"type":"Accept","result":"https://b.test/stamps/1"`, `"type":"Reject"`} {
		if _, err := w.Post(ctx, ann, Draft{Text: "Look", Quote: theirs.ID}); err != nil {
			w.t.Fatal(err)
		}
		requests, err := w.DB.LiveActivities(ctx, "QuoteRequest", ann.ID, theirs.ID)
		if err != nil || len(requests) != i+1 {
			w.t.Fatalf("%d requests, %v", len(requests), err)
		}
		w.send(fmt.Sprintf(`{"id":"https://b.test/answer/%d","actor":"https://b.test/users/bob","object":%q,%s}`, i, requests[0].URI, answer))
	}
}

// zeros are rows of counts that say nothing: a count that went up and down leaves
// one, where a rebuild leaves none.
var zeros = map[string]string{
	"counts":       " WHERE replies <> 0 OR boosts <> 0 OR favourites <> 0 OR quotes <> 0 OR reactions <> 0",
	"actor_counts": " WHERE statuses <> 0 OR followers <> 0 OR following <> 0",
}

// TestRebuild wants every projection, row by row, to be what it was after it was
// dropped and made anew from the log, before and after compaction.
func TestRebuild(t *testing.T) {
	eachEngine(t, func(t *testing.T, w *world) {
		w.everything()
		for _, name := range Types() {
			if n := len(w.dump("SELECT seq FROM activities WHERE type = '" + name + "'")["SELECT seq FROM activities WHERE type = '"+name+"'"]); n == 0 {
				t.Errorf("no %s went through", name)
			}
		}
		tables := func() map[string][]string {
			var queries []string
			for _, table := range store.Projections {
				if table == "status_words" && w.DB.Engine() == "sqlite" {
					queries = append(queries, "SELECT term, doc FROM status_words_list")
					continue
				}
				queries = append(queries, "SELECT * FROM "+table+zeros[table])
			}
			return w.dump(queries...)
		}
		before := tables()
		for query, rows := range before {
			if strings.Contains(query, "status_words") && len(rows) < 20 {
				t.Errorf("only %d words of posts are indexed", len(rows))
			}
		}
		check := func(when string) {
			t.Helper()
			for query, rows := range tables() {
				if !reflect.DeepEqual(rows, before[query]) {
					t.Errorf("%s: %s:\n got %q\nwant %q", when, query, rows, before[query])
				}
			}
		}
		w.rebuild()
		check("rebuilt")
		w.compact(11 * 24 * time.Hour)
		check("compacted")
		w.rebuild()
		check("compacted and rebuilt")
		if problems, err := w.DB.Check(context.Background()); err != nil || len(problems) > 0 {
			t.Errorf("check finds %q, %v", problems, err)
		}
	})
}
