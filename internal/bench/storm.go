package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kenoma/internal/vocab"
)

// A post goes viral: boosts, likes and answers by people of whom nobody here has ever
// heard, each of whose documents has to be fetched before it counts.
const (
	stormHosts   = 2000
	stormPort    = 17481
	stormTime    = 2 * time.Minute // For 20,000; fewer take less.
	stormFull    = 20_000
	stormSenders = 64
	homeEvery    = 20 * time.Millisecond
	stormLimit   = 15 * time.Minute // Until the last one counts.
)

// stormHost is the authority of one of the hosts: loopback has addresses for all.
func stormHost(i int) string {
	i %= stormHosts
	return fmt.Sprintf("127.3.%d.%d:%d", i/250, i%250+1, stormPort)
}

// storm lets n people react to one post and measures what others notice.
func (m *meter) storm(ctx context.Context, n int) error {
	l, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", stormPort))
	if err != nil {
		return err
	}
	defer l.Close()
	go m.peers.srv.Serve(l)
	id, uri, err := m.viralPost()
	if err != nil {
		return err
	}
	reqs, err := m.reactions(uri, n)
	if err != nil {
		return err
	}
	quiet := m.homeReads(ctx, 10*time.Second)
	m.add(quiet.result("home beside nothing else"))
	m.srv.settle()
	m.note("memory before", "%.0f MB", m.srv.memory("VmRSS"))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := make(chan reads, 1)
	go func() { watch <- m.homeReads(ctx, time.Hour) }()
	began, cpu := time.Now(), m.srv.cpu()
	period := time.Duration(n) * stormTime / stormFull
	answers := m.blow(reqs, period)
	sent := time.Since(began)
	counted, took := m.awaitReactions(id, n, began)
	cancel()
	seen := <-watch
	m.add(result{name: "reactions from first contact to their effect", ops: counted, rate: float64(counted) / took.Seconds(), cpu: (m.srv.cpu() - cpu) / time.Duration(max(counted, 1)),
		note: fmt.Sprintf("%d of %d count after %.0f s, sent within %.0f s; answers %v", counted, n, took.Seconds(), sent.Seconds(), answers)})
	m.add(seen.result("home meanwhile"))
	m.note("memory at most meanwhile", "%.0f MB", seen.memory)
	return nil
}

// viralPost is a fresh public post by one of ours.
func (m *meter) viralPost() (id, uri string, err error) {
	status, body, _, err := once(form("/api/v1/statuses", token(1), "status=Look+at+this"))
	if err != nil || status != http.StatusOK {
		return "", "", fmt.Errorf("posting: %d %w", status, err)
	}
	var post struct{ ID, URI string }
	err = json.Unmarshal(body, &post)
	return post.ID, post.URI, err
}

// reactions signs a third of each kind, one of each person.
func (m *meter) reactions(uri string, n int) ([][]byte, error) {
	slog.Info("signing", "requests", n)
	run := time.Now().Unix()
	author := base + "/users/user1"
	reqs := make([][]byte, n)
	for i := range n {
		by := fmt.Sprintf("http://%s/users/fan%d_%d", stormHost(i), run, i)
		var doc []byte
		switch i % 3 {
		case 0:
			doc = aboutDoc("Like", by, uri, i)
		case 1:
			doc = aboutDoc("Announce", by, uri, i)
		default:
			note := fmt.Sprintf("%s/statuses/%d", by, i)
			o := noteDoc(note, by, by+"/followers", "What a thing to say, and so well put.", "", uri, author, time.Now())
			doc, _ = json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": note + "/activity", "type": "Create", "actor": by,
				"published": o["published"], "to": []string{string(vocab.Public)}, "cc": o["cc"], "object": o})
		}
		var err error
		if reqs[i], err = m.signed(by, doc); err != nil {
			return nil, err
		}
	}
	return reqs, nil
}

// blow sends the requests spread over a time, and counts the answers by status.
func (m *meter) blow(reqs [][]byte, period time.Duration) map[int]int {
	var mu sync.Mutex
	answers := map[int]int{}
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range stormSenders {
		wg.Go(func() {
			c, err := dial()
			for err == nil {
				i := int(next.Add(1)) - 1
				if i >= len(reqs) {
					c.Close()
					return
				}
				time.Sleep(time.Until(began.Add(period * time.Duration(i) / time.Duration(len(reqs)))))
				var status int
				status, _, _, _, err = c.do(reqs[i], false)
				mu.Lock()
				answers[status]++
				mu.Unlock()
				if err != nil {
					c, err = dial()
				}
			}
		})
	}
	wg.Wait()
	return answers
}

// awaitReactions waits until all reactions to a post count, and tells how many do.
func (m *meter) awaitReactions(id string, n int, began time.Time) (counted int, took time.Duration) {
	for time.Since(began) < stormLimit {
		_, body, _, err := once(get("/api/v1/statuses/"+id, token(2)))
		var post struct {
			Likes   int `json:"favourites_count"`
			Boosts  int `json:"reblogs_count"`
			Replies int `json:"replies_count"`
		}
		if err == nil && json.Unmarshal(body, &post) == nil {
			if now := post.Likes + post.Boosts + post.Replies; now > counted {
				counted, took = now, time.Since(began)
			}
			if counted >= n {
				break
			}
		}
		time.Sleep(250 * time.Millisecond)
	}
	return counted, took
}

// reads are home timelines that somebody looked at, and the memory meanwhile.
type reads struct {
	took   []time.Duration
	failed int
	memory float64 // MB, at most.
}

// homeReads has people look at their homes, one every so often, until the time is over.
func (m *meter) homeReads(ctx context.Context, most time.Duration) (r reads) {
	end := time.Now().Add(most)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 4 { // None waits for another one's slow answer.
		wg.Go(func() {
			c, err := dial()
			if err != nil {
				return
			}
			defer c.Close()
			for ctx.Err() == nil && time.Now().Before(end) {
				began := time.Now()
				status, _, _, _, err := c.do(get("/api/v1/timelines/home", token(rand.IntN(people))), false)
				mu.Lock()
				if err != nil || status != http.StatusOK {
					r.failed++
				} else {
					r.took = append(r.took, time.Since(began))
				}
				mu.Unlock()
				if err != nil {
					return
				}
				time.Sleep(4 * homeEvery)
			}
		})
		if i == 0 {
			wg.Go(func() {
				for ctx.Err() == nil && time.Now().Before(end) {
					r.memory = max(r.memory, m.srv.memory("VmRSS"))
					time.Sleep(200 * time.Millisecond)
				}
			})
		}
	}
	wg.Wait()
	return r
}

func (r reads) result(name string) result {
	out := result{name: name, ops: len(r.took)}
	if len(r.took) > 0 {
		slices.Sort(r.took)
		out.p50, out.p99 = r.took[len(r.took)/2], r.took[len(r.took)*99/100]
		out.note = fmt.Sprintf("the slowest of %d %.0f ms, %d failed", len(r.took), float64(r.took[len(r.took)-1].Microseconds())/1000, r.failed)
	}
	return out
}
