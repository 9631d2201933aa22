package main

import (
	"context"
	"crypto"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"kenoma/internal/auth"
	"kenoma/internal/pipeline"
	"kenoma/internal/remote"
	"kenoma/internal/store"
	"kenoma/internal/vocab"
)

// What every database of the benchmark holds, beside its statuses.
const (
	people    = 50   // Local accounts.
	follows   = 20   // Whom each of them follows: half of them local.
	strangers = 300  // Remote authors.
	hosts     = 100  // Where these are.
	fans      = 1000 // Remote followers of the first account.
	fanHosts  = 200  // Where these are; they answer at sinkPort.
	replies   = 100  // Answers in the thread that is measured.
)

// set is a loaded database and what the load program must know of it.
type set struct {
	URL     string   // Of the database.
	Tokens  []string // Of the local accounts, user0 …
	Actors  []int64  // Theirs.
	Authors []string // URIs of the remote authors; user i follows some of them.
	Posts   []int64  // Some public ones, newest last.
	URIs    []string // Theirs.
	Own     []string // URIs of some local posts.
	Thread  int64    // Has 100 replies.
	Loaded  time.Duration
}

// token is the access token of account i.
func token(i int) string { return fmt.Sprintf("bench-%d", i) }

// loader fills one database. Posts go into the log alone; the projections are then
// made by the same rebuild that `kenoma db rebuild` runs, so they are what the
// pipeline would have written.
type loader struct {
	db    *store.DB
	p     *pipeline.Pipeline
	key   string // PEM of everybody's private key.
	pem   string // And of the public one.
	rnd   *rand.Rand
	zipf  *rand.Zipf
	now   time.Time
	local []*store.Actor
	far   []*store.Actor
	out   set
	posts []post // The last few, to answer, boost and favour.
}

type post struct {
	id  int64
	uri string
	by  *store.Actor
}

// load fills the empty database at url with n statuses, spread over a year.
func load(ctx context.Context, url string, n int, key crypto.Signer) (*set, error) {
	began := time.Now()
	l := &loader{rnd: rand.New(rand.NewPCG(1, 2)), now: began.AddDate(-1, 0, 0), out: set{URL: url}}
	var err error
	if l.key, err = remote.EncodePrivateKey(key); err != nil {
		return nil, err
	}
	if l.pem, err = remote.EncodePublicKey(key.Public()); err != nil {
		return nil, err
	}
	l.db, err = store.Open(ctx, url, store.Options{NoSync: true, CacheKB: 900_000, Now: func() time.Time { return l.now }})
	if err != nil {
		return nil, err
	}
	defer l.db.Close()
	l.p = pipeline.New(pipeline.Options{DB: l.db, URL: base, Domain: domain, Now: func() time.Time { return l.now },
		NewKey: func() (string, error) { return l.key, nil }, Log: slog.New(slog.DiscardHandler)})
	for _, step := range []func(context.Context) error{
		l.accounts, l.strangers, l.followers,
		func(ctx context.Context) error { return l.statuses(ctx, n) },
		l.thread,
		func(ctx context.Context) error { return l.p.Rebuild(ctx, progress("rebuilding")) },
		l.trim,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if problems, err := l.db.Check(ctx); err != nil || len(problems) > 0 {
		return nil, fmt.Errorf("the loaded database: %v %w", problems, err)
	}
	if err := l.db.Close(); err != nil {
		return nil, err
	}
	l.out.Loaded = time.Since(began)
	return &l.out, tidy(ctx, url)
}

// progress tells now and then how far a long step is.
func progress(what string) func(done, total int64) {
	shown := time.Now()
	return func(done, total int64) {
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			slog.Info(what, "done", done, "of", total)
		}
	}
}

// tidy drops the deliveries that the loading asked for. PostgreSQL gathers the
// planner's statistics by itself in service, SQLite goes without.
func tidy(ctx context.Context, url string) error {
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	statements := []string{"DELETE FROM jobs", "DELETE FROM job_parts", "ANALYZE"}
	if driver == "sqlite" {
		statements = append(statements[:2], "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// accounts makes ours, each with a token for everything.
func (l *loader) accounts(ctx context.Context) error {
	for i := range people {
		a, err := l.p.CreateAccount(ctx, store.NewAccount{Username: fmt.Sprintf("user%d", i), Confirmed: true, Approved: true})
		if err != nil {
			return err
		}
		l.local = append(l.local, a)
		l.out.Actors = append(l.out.Actors, a.ID)
		l.out.Tokens = append(l.out.Tokens, token(i))
		err = l.db.Write(ctx, func(tx *store.Tx) error {
			return tx.InsertToken(ctx, &store.Token{ID: tx.NewID(), Hash: auth.Hash(token(i)), Kind: "access", Actor: a.ID, Scopes: "read write follow push profile",
				Created: l.now.UnixMilli(), LastUsed: time.Now().UnixMilli()})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// actorDoc is the document of a remote person.
func actorDoc(uri, name, pem string) []byte {
	host := vocab.IRI(uri).Host()
	scheme, _, _ := strings.Cut(uri, "://")
	b, _ := json.Marshal(map[string]any{
		"@context": []string{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       uri, "type": "Person", "preferredUsername": name, "name": "Person " + name, "summary": "<p>Writes about cats, trains and the weather.</p>",
		"inbox": uri + "/inbox", "outbox": uri + "/outbox", "followers": uri + "/followers", "following": uri + "/following", "url": uri,
		"endpoints": map[string]string{"sharedInbox": scheme + "://" + host + "/inbox"},
		"icon":      map[string]string{"type": "Image", "mediaType": "image/png", "url": uri + "/avatar.png"},
		"published": "2024-01-01T00:00:00Z", "discoverable": true, "indexable": strings.HasSuffix(name, "1") || strings.HasSuffix(name, "7"),
		"publicKey": map[string]string{"id": uri + "#main-key", "owner": uri, "publicKeyPem": pem},
	})
	return b
}

// stranger adds a remote actor as if it had been fetched.
func (l *loader) stranger(ctx context.Context, tx *store.Tx, uri, name string) (*store.Actor, error) {
	doc := actorDoc(uri, name, l.pem)
	a, err := vocab.DecodeActor(doc)
	if err != nil {
		return nil, err
	}
	id := tx.NewID()
	row := &store.Actor{ID: id, Seq: id, URI: a.ID, Type: a.Type, Host: a.ID.Host(), Domain: a.ID.Host(), Username: name, Inbox: a.Inbox,
		SharedInbox: a.SharedInbox, Followers: a.Followers, KeyID: uri + "#main-key", KeyPEM: l.pem, Version: l.now.UnixMilli(), Fetched: time.Now().UnixMilli()}
	if err := tx.InsertActor(ctx, row, string(doc)); err != nil {
		return nil, err
	}
	return row, tx.SetProfile(ctx, id, &store.Profile{Type: a.Type, URL: a.ID}) // Until the rebuild.
}

// fanURI is the id of remote follower i, who is reached on loopback.
func fanURI(i int) string {
	return fmt.Sprintf("http://%s/users/fan%d", sinkHost(i%fanHosts), i)
}

func (l *loader) strangers(ctx context.Context) error {
	return l.db.Write(ctx, func(tx *store.Tx) error {
		for i := range strangers {
			uri := fmt.Sprintf("https://h%03d.bench.test/users/far%d", i%hosts, i)
			a, err := l.stranger(ctx, tx, uri, fmt.Sprintf("far%d", i))
			if err != nil {
				return err
			}
			l.far = append(l.far, a)
			l.out.Authors = append(l.out.Authors, uri)
		}
		for i := range fans {
			if _, err := l.stranger(ctx, tx, fanURI(i), fmt.Sprintf("fan%d", i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// follow has our account follow a stranger, who accepts.
func (l *loader) follow(ctx context.Context, by, target *store.Actor) error {
	if err := l.p.Follow(ctx, by, target); err != nil || target.Local {
		return err
	}
	f, err := l.db.Follow(ctx, by.ID, target.ID)
	if err != nil {
		return err
	}
	a, err := l.db.Activity(ctx, f.Seq)
	if err != nil {
		return err
	}
	return l.send(ctx, target, "Accept", string(target.URI)+"/accepts/"+fmt.Sprint(f.Seq), string(a.URI))
}

// send takes an activity of a stranger through the pipeline.
func (l *loader) send(ctx context.Context, by *store.Actor, typ, id, object string) error {
	doc := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":%q,"actor":%q,"object":%q}`, id, typ, by.URI, object)
	return l.p.ProcessDocument(ctx, []byte(doc), pipeline.Origin{Host: by.Host})
}

// followers: account i follows the ten after it and ten strangers, so that
// everybody has followers. The first one has fans besides.
func (l *loader) followers(ctx context.Context) error {
	for i, by := range l.local {
		for j := 1; j <= follows/2; j++ {
			if err := l.follow(ctx, by, l.local[(i+j)%people]); err != nil {
				return err
			}
			if err := l.follow(ctx, by, l.far[(i*3+j)%strangers]); err != nil {
				return err
			}
		}
	}
	for i := range fans {
		by, err := l.db.ActorByURI(ctx, vocab.IRI(fanURI(i)))
		if err != nil {
			return err
		}
		if err := l.send(ctx, by, "Follow", fanURI(i)+"/follows/1", string(l.local[0].URI)); err != nil {
			return err
		}
	}
	return nil
}

var words = strings.Fields(`morning train cat weather garden bread river city music paper window coffee winter summer evening friend story picture
	mountain bicycle the a and of in with for about again never always maybe today tomorrow yesterday nice small old new green blue quiet`)

// vocabulary is how many other words there are, of which few are used often.
const vocabulary = 60_000

// text is a sentence of n words, a quarter of them out of a large vocabulary.
func (l *loader) text(n int) string {
	var b strings.Builder
	if l.zipf == nil {
		l.zipf = rand.NewZipf(l.rnd, 1.1, 8, vocabulary-1)
	}
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i%4 == 3 {
			b.WriteString(rareWord(l.zipf.Uint64()))
		} else {
			b.WriteString(words[l.rnd.IntN(len(words))])
		}
	}
	return b.String()
}

// rareWord is the word that comes at place i by use.
func rareWord(i uint64) string {
	return "z" + strings.Map(func(r rune) rune { return 'a' + (r - '0') }, fmt.Sprint(i))
}

var topics = []string{"cats", "trains", "weather", "caturday", "music", "photography", "golang", "books", "art", "gardening"}

// noteDoc is a public Note of about 1.5 kB, as Mastodon writes them.
func noteDoc(uri, author, followers, text, tag, replyTo, mention string, at time.Time) map[string]any {
	host := vocab.IRI(uri).Host()
	tags := []any{}
	content := "<p>" + text
	if tag != "" {
		href := "https://" + host + "/tags/" + tag
		content += ` <a href="` + href + `" class="mention hashtag" rel="tag">#<span>` + tag + `</span></a>`
		tags = append(tags, map[string]string{"type": "Hashtag", "href": href, "name": "#" + tag})
	}
	cc := []string{followers}
	if mention != "" {
		tags = append(tags, map[string]string{"type": "Mention", "href": mention, "name": "@somebody@" + vocab.IRI(mention).Host()})
		cc = append(cc, mention)
	}
	content += "</p>"
	note := map[string]any{
		"id": uri, "type": "Note", "summary": nil, "inReplyTo": nil, "published": at.UTC().Format(time.RFC3339Nano), "url": uri, "attributedTo": author,
		"to": []string{string(vocab.Public)}, "cc": cc, "sensitive": false, "atomUri": uri, "inReplyToAtomUri": nil,
		"conversation": "tag:" + host + ",2025-01-01:objectId=" + uri + ":objectType=Conversation", "content": content,
		"contentMap": map[string]string{"en": content}, "attachment": []any{}, "tag": tags,
		"replies": map[string]any{"id": uri + "/replies", "type": "Collection", "first": map[string]string{"type": "CollectionPage",
			"next": uri + "/replies?only_other_accounts=true&page=true", "partOf": uri + "/replies"}},
	}
	if replyTo != "" {
		note["inReplyTo"] = replyTo
	}
	return note
}

// tick moves the clock and returns an arrival.
func (l *loader) tick(step time.Duration) int64 {
	l.now = l.now.Add(step)
	return l.db.IDs.Next()
}

// note adds a Create and its Note to the log.
func (l *loader) note(ctx context.Context, tx *store.Tx, by *store.Actor, parent *post) error {
	id := l.db.IDs.Next()
	seq := l.db.IDs.Next()
	uri, origin := fmt.Sprintf("%s/statuses/%d", by.URI, id), by.Host
	activity := uri + "/activity"
	if by.Local {
		uri, activity, origin = fmt.Sprintf("%s/objects/%d", base, id), fmt.Sprintf("%s/activities/%d", base, seq), ""
	}
	tag, replyTo, mention := "", "", ""
	if l.rnd.IntN(10) < 4 {
		tag = topics[l.rnd.IntN(len(topics))]
	}
	if parent != nil {
		replyTo, mention = parent.uri, string(parent.by.URI)
	}
	doc, err := json.Marshal(noteDoc(uri, string(by.URI), string(by.Followers), l.text(20+l.rnd.IntN(40)), tag, replyTo, mention, vocab.TimeOf(id)))
	if err != nil {
		return err
	}
	wrapper := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"Create","actor":%q,"published":%q,"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[%q],"object":%q}`,
		activity, by.URI, vocab.TimeOf(id).Format(time.RFC3339Nano), by.Followers, uri)
	err = tx.InsertObject(ctx, &store.Object{ID: id, Seq: seq, URI: vocab.IRI(uri), Type: "Note", Actor: by.ID, Version: vocab.TimeOf(id).UnixMilli(), Doc: string(doc)})
	if err != nil {
		return err
	}
	l.keep(post{id, uri, by})
	return tx.InsertActivity(ctx, &store.Activity{Seq: seq, URI: vocab.IRI(activity), Type: "Create", Actor: by.ID, Object: id, Origin: origin, Doc: wrapper})
}

// keep remembers the last posts.
func (l *loader) keep(p post) {
	if l.posts = append(l.posts, p); len(l.posts) > 6000 {
		l.posts = append(l.posts[:0], l.posts[3000:]...)
	}
}

// about adds a Like or Announce of a post to the log.
func (l *loader) about(ctx context.Context, tx *store.Tx, typ string, by *store.Actor, of post, visibility int16) error {
	seq := l.db.IDs.Next()
	uri, origin := fmt.Sprintf("%s/%s/%d", by.URI, strings.ToLower(typ), seq), by.Host
	if by.Local {
		uri, origin = fmt.Sprintf("%s/activities/%d", base, seq), ""
	}
	to := string(of.by.URI)
	if typ == "Announce" {
		to = string(vocab.Public)
	}
	doc := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":%q,"actor":%q,"published":%q,"to":[%q],"cc":[%q],"object":%q}`,
		uri, typ, by.URI, vocab.TimeOf(seq).Format(time.RFC3339Nano), to, by.Followers, of.uri)
	return tx.InsertActivity(ctx, &store.Activity{Seq: seq, URI: vocab.IRI(uri), Type: typ, Actor: by.ID, Object: of.id, Origin: origin, Visibility: visibility, Doc: doc})
}

// author picks who does something: mostly strangers.
func (l *loader) author() *store.Actor {
	if l.rnd.IntN(20) == 0 {
		return l.local[l.rnd.IntN(len(l.local))]
	}
	return l.far[l.rnd.IntN(len(l.far))]
}

// statuses adds n posts and boosts, and one favourite to five of them.
func (l *loader) statuses(ctx context.Context, n int) error {
	step := 360 * 24 * time.Hour / time.Duration(n+1)
	tell := progress("writing the log")
	for done := 0; done < n; {
		err := l.db.Write(ctx, func(tx *store.Tx) error {
			for range min(2000, n-done) {
				done++
				if err := l.status(ctx, tx, step); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		tell(int64(done), int64(n))
	}
	for i := max(0, len(l.posts)-3000); i < len(l.posts); i++ {
		p := l.posts[i]
		l.out.Posts, l.out.URIs = append(l.out.Posts, p.id), append(l.out.URIs, p.uri)
		if p.by.Local {
			l.out.Own = append(l.out.Own, p.uri)
		}
	}
	return nil
}

func (l *loader) status(ctx context.Context, tx *store.Tx, step time.Duration) error {
	l.tick(step)
	by := l.author()
	old := len(l.posts)
	pick := func() post { return l.posts[max(0, old-1-l.rnd.IntN(200))] }
	if old > 0 && l.rnd.IntN(5) == 0 {
		of := pick()
		if l.rnd.IntN(2) == 0 { // Half of them of our own posts, so that there are notifications.
			of = post{}
			for i := old - 1; i >= max(0, old-60); i-- {
				if l.posts[i].by.Local {
					of = l.posts[i]
					break
				}
			}
		}
		if of.id != 0 {
			if err := l.about(ctx, tx, "Like", by, of, 3); err != nil {
				return err
			}
		}
	}
	switch kind := l.rnd.IntN(10); {
	case kind == 0 && old > 0:
		return l.about(ctx, tx, "Announce", by, pick(), 0)
	case kind < 4 && old > 0:
		parent := pick()
		return l.note(ctx, tx, by, &parent)
	}
	return l.note(ctx, tx, by, nil)
}

// thread adds a post with its replies.
func (l *loader) thread(ctx context.Context) error {
	return l.db.Write(ctx, func(tx *store.Tx) error {
		l.tick(time.Second)
		if err := l.note(ctx, tx, l.local[1], nil); err != nil {
			return err
		}
		top := l.posts[len(l.posts)-1]
		l.out.Thread = top.id
		for range replies {
			l.tick(time.Second)
			if err := l.note(ctx, tx, l.author(), &top); err != nil {
				return err
			}
		}
		return nil
	})
}

// trim cuts the homes to their size.
func (l *loader) trim(ctx context.Context) error {
	for {
		var more bool
		err := l.db.Write(ctx, func(tx *store.Tx) (err error) { more, err = tx.TrimHomes(ctx); return err })
		if err != nil || !more {
			return err
		}
	}
}
