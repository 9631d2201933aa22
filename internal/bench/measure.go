package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kenoma/internal/remote"
	"kenoma/internal/vocab"
)

// meter measures one server on one database.
type meter struct {
	o     options
	s     *set
	srv   *server
	peers *peers
	key   signer
	sent  int // Signed requests so far, for ids.
	rows  []result
}

func (m *meter) add(r result) result {
	m.rows = append(m.rows, r)
	slog.Info(r.name, "ops", r.ops, "rate", int(r.rate), "cpu", r.cpu.Round(time.Microsecond), "pg", r.pg.Round(time.Microsecond),
		"p50", r.p50.Round(10*time.Microsecond), "p99", r.p99.Round(10*time.Microsecond), "note", r.note)
	return r
}

func (m *meter) pgCPU() time.Duration {
	if m.o.engine == "postgres" {
		return postgresCPU()
	}
	return 0
}

// note adds a row that is one figure.
func (m *meter) note(name, format string, args ...any) {
	m.add(result{name: name, note: fmt.Sprintf(format, args...)})
}

// measure runs every measurement on a loaded database and prints the table.
func measure(ctx context.Context, o options, n int, s *set, dir string) error {
	key, err := benchKey()
	if err != nil {
		return err
	}
	public, err := remote.EncodePublicKey(key.Public())
	if err != nil {
		return err
	}
	p, err := startPeers(public)
	if err != nil {
		return err
	}
	defer p.stop()
	all, docs, err := disk(ctx, s)
	if err != nil {
		return err
	}
	m := &meter{o: o, s: s, peers: p, key: key}
	if m.srv, err = startServer(ctx, o, s, dir); err != nil {
		return err
	}
	defer m.srv.stop()
	m.note("start to the first answer", "%d ms", m.srv.started.Milliseconds())
	time.Sleep(7 * time.Second) // The start is over then, and what only it needed is given back.
	m.srv.settle()
	m.note("quiet of the machine", "%.0f RSA verifications per ms of CPU before", verifications(key))
	defer func() { slog.Info("quiet of the machine afterwards", "verifications per ms", int(verifications(key))) }()
	m.note("memory idle", "%.0f MB", m.srv.memory("VmRSS"))
	if info, err := os.Stat(o.binary); err == nil {
		m.note("binary", "%.1f MB", float64(info.Size())/1e6)
	}
	m.note("disk per status", "%d bytes, %d of them its JSON", all/int64(n), docs/int64(n))
	if o.storm > 0 {
		err := m.storm(ctx, o.storm)
		m.print(n)
		return err
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"reads", m.reads}, {"writes", m.writes}, {"inbox", m.inbox}, {"contact", m.contact}, {"streams", m.streams}, {"deliveries", m.deliveries}} {
		if !strings.Contains(step.name, o.only) {
			continue
		}
		if err := step.run(ctx); err != nil {
			slog.Error(step.name, "err", err)
		}
	}
	m.note("memory peak", "%.0f MB", m.srv.memory("VmHWM"))
	m.print(n)
	return nil
}

// verifications returns how many RSA-2048 signatures are verified in a millisecond
// of CPU: 30 on this kind of machine when its neighbours are quiet, 18 when not.
func verifications(key signer) float64 {
	const n = 20_000
	public, ok := key.Public().(*rsa.PublicKey)
	sum := sha256.Sum256([]byte("quiet?"))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if !ok || err != nil {
		return 0
	}
	before := cpuOf(os.Getpid())
	for range n {
		if rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) != nil {
			return 0
		}
	}
	return n / float64((cpuOf(os.Getpid()) - before).Milliseconds())
}

// print writes the table.
func (m *meter) print(n int) {
	fmt.Printf("\n### %s, %d statuses\n\n| what | per second | CPU of the server | of PostgreSQL | p50 | p99 | |\n| --- | --- | --- | --- | --- | --- | --- |\n", m.o.engine, n)
	ms := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return fmt.Sprintf("%.3f ms", float64(d.Microseconds())/1000)
	}
	for _, r := range m.rows {
		rate := ""
		if r.rate > 0 {
			rate = fmt.Sprintf("%.0f", r.rate)
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", r.name, rate, ms(r.cpu), ms(r.pg), ms(r.p50), ms(r.p99), r.note)
	}
}

// reads measures what apps ask for.
func (m *meter) reads(context.Context) error {
	each := func(path string) func(int) []byte {
		var reqs [][]byte
		for i := range people {
			reqs = append(reqs, get(path, token(i)))
		}
		return func(i int) []byte { return reqs[i%people] }
	}
	deep, older := m.deepPages()
	m.bench("home, first page of 20", each("/api/v1/timelines/home"))
	m.bench("home, after 320", func(i int) []byte { return deep[i%len(deep)] })
	if len(older) > 0 {
		m.bench("home, beyond what is kept", func(i int) []byte { return older[i%len(older)] })
	}
	m.bench("public timeline", each("/api/v1/timelines/public"))
	m.bench("local timeline", each("/api/v1/timelines/public?local=true"))
	m.bench("account's statuses", func(i int) []byte {
		return get(fmt.Sprintf("/api/v1/accounts/%d/statuses", m.s.Actors[i%people]), token((i+1)%people))
	})
	m.bench("context of 100 replies", each(fmt.Sprintf("/api/v1/statuses/%d/context", m.s.Thread)))
	m.bench("notifications, 15 of them", each("/api/v1/notifications?limit=15"))
	m.bench("account lookup", each("/api/v1/accounts/lookup?acct=user7"))
	m.bench("search", each("/api/v2/search?q=far1&limit=20"))
	m.bench("search for accounts", each("/api/v2/search?q=far1&limit=20&type=accounts"))
	for _, find := range []struct{ what, q string }{{"a frequent word", "cat"}, {"a rare word", rareWord(20_000)}, {"three words", "cat music " + rareWord(10)},
		{"two words that hardly meet", rareWord(300) + " " + rareWord(301)}, {"a phrase", `"old cat"`}, {"a word but not another", "river -cat"}, {"a word in one's library", "cat in:library"}} {
		m.bench("full text: "+find.what, each("/api/v2/search?type=statuses&limit=20&q="+url.QueryEscape(find.q)))
	}
	m.bench("instance v2", func(int) []byte { return instanceRequest })
	return nil
}

var instanceRequest = get("/api/v2/instance", "")

// deepPages asks every account's home page by page; it returns the requests for
// what comes after 320 rows and after 1,000.
func (m *meter) deepPages() (deep, older [][]byte) {
	for i := range people {
		path := "/api/v1/timelines/home?limit=40"
		for page := 1; page <= 26; page++ {
			status, _, header, err := once(get(path, token(i)))
			next := nextPage(header)
			if err != nil || status != 200 || next == "" {
				break
			}
			path = next
			if page == 8 {
				deep = append(deep, get(strings.ReplaceAll(path, "limit=40", "limit=20"), token(i)))
			}
			if page == 25 {
				older = append(older, get(strings.ReplaceAll(path, "limit=40", "limit=20"), token(i)))
			}
		}
		if i >= 10 && len(deep) > 0 {
			break
		}
	}
	if len(deep) == 0 {
		deep = append(deep, get("/api/v1/timelines/home", token(0)))
	}
	return deep, older
}

// nextPage is the path of rel="next" in a Link header.
func nextPage(h http.Header) string {
	for part := range strings.SplitSeq(h.Get("Link"), ",") {
		if at, rel, ok := strings.Cut(part, ">"); ok && strings.Contains(rel, `"next"`) {
			if u, err := url.Parse(strings.TrimPrefix(strings.TrimSpace(at), "<")); err == nil {
				return u.RequestURI()
			}
		}
	}
	return ""
}

// writes measures what apps change. The first account has followers elsewhere, so
// the others act.
func (m *meter) writes(context.Context) error {
	m.bench("posts", func(i int) []byte {
		return form("/api/v1/statuses", token(1+i%(people-1)), url.Values{"status": {fmt.Sprintf("Good morning number %d, this is a post of a usual length with a #tag and a little more to say about it, as people do.", i)}}.Encode())
	})
	pair := func(verb string) func(int) []byte {
		return func(i int) []byte {
			if i >= len(m.s.Posts)*(people-1) {
				return nil
			}
			return form(fmt.Sprintf("/api/v1/statuses/%d/%s", m.s.Posts[len(m.s.Posts)-1-i%len(m.s.Posts)], verb), token(1+(i/len(m.s.Posts)+i)%(people-1)), "")
		}
	}
	m.bench("favourite", pair("favourite"))
	m.bench("boost", pair("reblog"))
	return nil
}

// signed makes the request with which by's server sends a document.
func (m *meter) signed(by string, doc []byte) ([]byte, error) {
	req, err := http.NewRequest("POST", base+"/inbox", bytes.NewReader(doc))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/activity+json")
	req.Header.Set("User-Agent", "bench")
	if err := remote.Sign(req, doc, &remote.Key{ID: vocab.IRI(by + "#main-key"), Private: m.key}, time.Now()); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = req.Write(&b)
	return b.Bytes(), err
}

// createDoc is a Create of a fresh Note, and the Note's id.
func (m *meter) createDoc(by string) ([]byte, string) {
	m.sent++
	uri := fmt.Sprintf("%s/statuses/in%d-%d", by, time.Now().UnixNano(), m.sent)
	note := noteDoc(uri, by, by+"/followers", "This came in while it was measured, with as many words as people usually write when they tell something.", "cats", "", "", time.Now())
	doc, _ := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": uri + "/activity", "type": "Create", "actor": by,
		"published": note["published"], "to": note["to"], "cc": note["cc"], "object": note})
	return doc, uri
}

func aboutDoc(typ, by, object string, n int) []byte {
	doc := map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": fmt.Sprintf("%s/%s/%d-%d", by, strings.ToLower(typ), time.Now().UnixNano(), n),
		"type": typ, "actor": by, "object": object}
	if typ != "Like" {
		doc["to"] = []string{string(vocab.Public)}
	}
	b, _ := json.Marshal(doc)
	return b
}

// inbox measures what other servers send whose keys are known.
func (m *meter) inbox(context.Context) error {
	const n = 3000
	slog.Info("signing")
	var creates, likes, announces, deletes [][]byte
	var last string
	for i := range n {
		by := m.s.Authors[i%len(m.s.Authors)]
		if i == n-1 {
			by = m.s.Authors[1] // Whom the first account follows.
		}
		doc, uri := m.createDoc(by)
		last = uri
		req, err := m.signed(by, doc)
		if err != nil {
			return err
		}
		creates = append(creates, req)
		for typ, list := range map[string]*[][]byte{"Like": &likes, "Announce": &announces, "Delete": &deletes} {
			object := m.s.URIs[len(m.s.URIs)-1-i%len(m.s.URIs)]
			if typ == "Delete" {
				object = uri
			}
			if i >= n/2 && typ != "Delete" {
				continue
			}
			req, err := m.signed(by, aboutDoc(typ, by, object, i))
			if err != nil {
				return err
			}
			*list = append(*list, req)
		}
	}
	from := func(list [][]byte) func(int) []byte {
		return func(i int) []byte {
			if i >= len(list) {
				return nil
			}
			return list[i]
		}
	}
	limit := m.o.time
	m.o.time = 30 * time.Second // The lists are bounded.
	defer func() { m.o.time = limit }()
	m.bench("signed Create in", from(creates))
	_, home, _, err := once(get("/api/v1/timelines/home", token(0)))
	if err != nil {
		return err
	}
	m.note("the last Create at home when it was answered", "%v", bytes.Contains(home, []byte(last)))
	m.bench("Like in", from(likes))
	m.bench("Announce in", from(announces))
	m.bench("Delete in", from(deletes))
	return nil
}

// contact measures posts of people who were never heard of.
func (m *meter) contact(context.Context) error {
	const n = 500
	var reqs [][]byte
	var handles []string
	run := time.Now().Unix()
	for i := range n {
		name := fmt.Sprintf("new%d_%d", run, i)
		by := fmt.Sprintf("http://%s/users/%s", newHost(i%newHosts), name)
		doc, _ := m.createDoc(by)
		req, err := m.signed(by, doc)
		if err != nil {
			return err
		}
		reqs, handles = append(reqs, req), append(handles, name+"@"+newHost(i%newHosts))
	}
	m.srv.settle()
	cpu, pg, began := m.srv.cpu(), m.pgCPU(), time.Now()
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, req := range reqs {
		if status, _, _, _, err := c.do(req, false); err != nil || status != http.StatusAccepted {
			return fmt.Errorf("first contact: %d %w", status, err)
		}
	}
	r := result{name: "first contact"}
	missing := handles
	for len(missing) > 0 && time.Since(began) < 60*time.Second {
		status, _, _, _, err := c.do(get("/api/v1/accounts/lookup?acct="+url.QueryEscape(missing[0]), token(0)), false)
		if err != nil {
			return err
		}
		if status == 200 {
			missing = missing[1:]
			continue
		}
		time.Sleep(20 * time.Millisecond)
	}
	wall := time.Since(began)
	m.srv.settle()
	r.ops = n - len(missing)
	if len(missing) > 0 {
		r.note = fmt.Sprintf("%d of %d known after a minute", r.ops, n)
	}
	if r.ops > 0 {
		r.rate, r.cpu, r.pg = float64(r.ops)/wall.Seconds(), (m.srv.cpu()-cpu)/time.Duration(r.ops), (m.pgCPU()-pg)/time.Duration(r.ops)
	}
	m.add(r)
	return nil
}

// streams measures 200 and 1,000 listeners, all of whom get each post.
func (m *meter) streams(ctx context.Context) error {
	if err := m.listeners(ctx, 200, 50*time.Millisecond); err != nil {
		return err
	}
	return m.listeners(ctx, 1000, 250*time.Millisecond)
}

// listeners has so many WebSockets listen to 100 posts, one every so often, and
// measures what each takes of the server's memory.
func (m *meter) listeners(ctx context.Context, listeners int, every time.Duration) error {
	const posts = 100
	name := fmt.Sprintf("%d stream listeners, post to receipt", listeners)
	before := m.srv.memory("RssAnon")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var took []time.Duration
	sent := map[string]time.Time{}
	for i := range listeners {
		ws, _, err := websocket.Dial(ctx, strings.Replace(base, "http", "ws", 1)+"/api/v1/streaming?stream=public:local&access_token="+token(i%people), nil)
		if err != nil {
			m.note(name, "not there: %v", err)
			return nil
		}
		ws.SetReadLimit(1 << 20)
		defer ws.CloseNow()
		go func() {
			for {
				_, msg, err := ws.Read(ctx)
				if err != nil {
					return
				}
				now := time.Now()
				at := bytes.Index(msg, []byte("marker-"))
				if at < 0 {
					continue
				}
				mu.Lock()
				if began, ok := sent[string(msg[at:at+11])]; ok {
					took = append(took, now.Sub(began))
				}
				mu.Unlock()
			}
		}()
	}
	m.srv.settle()
	each := (m.srv.memory("RssAnon") - before) * (1 << 20) / float64(listeners)
	cpu, pg := m.srv.cpu(), m.pgCPU()
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range posts {
		marker := fmt.Sprintf("marker-%04d", i)
		mu.Lock()
		sent[marker] = time.Now()
		mu.Unlock()
		if _, _, _, _, err := c.do(form("/api/v1/statuses", token(1+i%(people-1)), "status="+marker), false); err != nil {
			return err
		}
		time.Sleep(every)
	}
	m.srv.settle()
	mu.Lock()
	defer mu.Unlock()
	r := result{name: name, ops: posts, cpu: (m.srv.cpu() - cpu) / posts, pg: (m.pgCPU() - pg) / posts,
		note: fmt.Sprintf("%d of %d received; opening them took %.0f kB each", len(took), listeners*posts, each/1e3)}
	if len(took) > 0 {
		slices.Sort(took)
		r.p50, r.p99 = took[len(took)/2], took[len(took)*99/100]
	}
	m.add(r)
	return nil
}

// publish has the first account, whose followers are on 200 hosts, post n times.
func (m *meter) publish(n int) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range n {
		if status, _, _, _, err := c.do(form("/api/v1/statuses", token(0), fmt.Sprintf("status=To+all+of+you+%d", i)), false); err != nil || status != 200 {
			return fmt.Errorf("posting: %d %w", status, err)
		}
	}
	return nil
}

// deliveries measures what goes out.
func (m *meter) deliveries(context.Context) error {
	const posts = 15
	out := func(name string, n, want int, most time.Duration) error {
		m.srv.settle()
		m.peers.arrivals()
		cpu, pg, began := m.srv.cpu(), m.pgCPU(), time.Now()
		if err := m.publish(n); err != nil {
			return err
		}
		m.peers.await(want, most)
		if most <= 30*time.Second {
			m.srv.settle()
		}
		var took []time.Duration
		for _, at := range m.peers.arrivals() {
			took = append(took, at.Sub(began))
		}
		r := result{name: name, cpu: m.srv.cpu() - cpu, pg: m.pgCPU() - pg}
		if len(took) > 0 {
			r.finish(took, slices.Max(took))
		}
		within := 0
		for _, t := range took {
			if t <= 10*time.Second {
				within++
			}
		}
		r.note = fmt.Sprintf("%d of %d within 10 s", within, want)
		m.add(r)
		return nil
	}
	if err := out("fan-out to 1,000 followers on 200 hosts", 1, fanHosts, 30*time.Second); err != nil {
		return err
	}
	if err := out("deliveries out, healthy hosts", posts, posts*fanHosts, 30*time.Second); err != nil {
		return err
	}
	m.peers.die()
	return out("deliveries with 10 % of the hosts dead or silent", posts, posts*fanHosts*9/10, 20*time.Second)
}
